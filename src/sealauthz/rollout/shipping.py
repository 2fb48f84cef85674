"""Shipping policies: what a caller may have done with them, whatever it is asked through."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sealauthz.decision.bundle import Bundle
from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.decision.inspection import Inspection, inspect
from sealauthz.errors import BundleRefused, InvalidRequest
from sealauthz.facts.store.policies import Activation, PolicyStore, Process, Proposal
from sealauthz.facts.store.store import Store
from sealauthz.rollout.archive import Archive
from sealauthz.rollout.signatures import Signers
from sealauthz.schema import Model


@dataclass(frozen=True, slots=True)
class Standing:
    """What was proposed and activated, the newest first, and which processes there are."""

    proposals: list[Proposal]
    activations: list[Activation]
    processes: list[Process]

    @property
    def active(self) -> str:
        """The version that decides; empty where each process decides with its folder."""
        return self.activations[0].version if self.activations else ""


class Shipping:
    """Ships the policies of one store. Any thread may use it.

    `load` makes a bundle of an archive, which a process that follows then need not make again. `signers` may be
    replaced at any time.
    """

    def __init__(
        self,
        store: Store,
        load: Callable[[Archive], Bundle],
        signers: Signers | None = None,
        cache: BundleCache | None = None,
    ) -> None:
        self.signers = signers or Signers()
        self._model: Model = store.model
        self._store = PolicyStore(store)
        self._load = load
        self._cache = cache

    def standing(self) -> Standing:
        """Return what there is. Raises FactsUnavailable."""
        return Standing(self._store.proposals(), self._store.activations(100), self._store.processes())

    def proposal(self, version: str) -> tuple[Proposal, Archive]:
        """Return policies as they were proposed. Raises PolicyUnknown, FactsUnavailable."""
        found = self._store.proposal(version)
        return found, Archive.read(found.content)

    def validate(self, archive: Archive) -> Inspection:
        """Find all that is wrong with policies."""
        with archive.unpacked() as layout:
            return inspect(self._model, layout, self._cache)

    def propose(self, archive: Archive, author: str, note: str) -> Proposal:
        """Keep policies that can be served. Raises InvalidRequest with the first mistake, PolicyRefused."""
        try:
            version = self._load(archive).version
        except BundleRefused as error:
            raise InvalidRequest.at("content", f"cannot be served: {error}") from error
        now = time.time_ns() // 1_000
        return self._store.propose(Proposal(version, archive.digest, author, note, now, archive.text))

    def activate(
        self, version: str, digest: str, expected: str, approver: str, note: str, key: str, signature: bytes
    ) -> Activation:
        """Have policies decide. Raises PolicyUnknown, PolicyRefused, FactsUnavailable."""
        signed_by = self.signers.check(digest, key, signature)
        return self._store.activate(version, digest, expected, approver, note, signed_by)

    def roll_back(self, expected: str, caller: str, note: str) -> Activation:
        """Have those policies decide that decided before. Raises PolicyRefused, FactsUnavailable."""
        return self._store.roll_back(expected, caller, note)
