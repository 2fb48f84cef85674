"""Shipping policies: what a caller may have done with them, whatever it is asked through."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sealauthz.decision.bundle import Bundle
from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.decision.inspection import Inspection, inspect, unreadable
from sealauthz.decision.policies import Policies
from sealauthz.facts.memory.consistency import NO_DEADLINE, Deadline
from sealauthz.facts.store.activations import Activation, Process
from sealauthz.facts.store.policies import PolicyStore, Proposal
from sealauthz.facts.store.reading import MAX_PAGE_SIZE, Query, read_page
from sealauthz.facts.store.store import Store
from sealauthz.policytools.diff.changes import ChangeKind
from sealauthz.policytools.diff.comparison import Limits
from sealauthz.policytools.diff.diff import compare
from sealauthz.policytools.diff.report import AccessDiff
from sealauthz.rollout.archive import Archive
from sealauthz.rollout.signatures import Signers
from sealauthz.runtime.errors import BundleRefused, InvalidRequest, PolicyRefused, ServiceBusy, TimeOver
from sealauthz.schema import Model

MOST_RECORDS = 20_000
"""Of more, a comparison would take longer than anybody waits for."""

LONGEST_S = 60.0
GAINS_FIRST = tuple(ChangeKind)

_MOST_PAIRS = 100_000
_LONGEST_PAUSE_S = 0.5


class _Pace:
    """Has a comparison wait as long as it works, so that answers keep their processor, and ends it in time."""

    def __init__(self, deadline: Deadline) -> None:
        longest = time.monotonic() + LONGEST_S
        self._until = longest if deadline.at is None else min(longest, deadline.at)
        self._begun = time.monotonic()

    def __call__(self) -> None:
        """Wait. Raises TimeOver."""
        now = time.monotonic()
        if now > self._until:
            raise TimeOver("the comparison took too long: compare an export with `sealauthz policy diff`")
        time.sleep(min(now - self._begun, _LONGEST_PAUSE_S))
        self._begun = time.monotonic()


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


@dataclass(frozen=True, slots=True)
class Compared:
    """What would change, and the facts that were looked at: how many, and of which revision."""

    diff: AccessDiff
    records: int
    revision: int


class Shipping:
    """Ships the policies of one store. Any thread may use it.

    `load` makes a bundle of an archive, which a process that follows then need not make again. `served` are those of
    this process. `signers` may be replaced at any time.
    """

    def __init__(
        self,
        store: Store,
        load: Callable[[Archive], Bundle],
        signers: Signers | None = None,
        cache: BundleCache | None = None,
        served: Policies | None = None,
    ) -> None:
        self._facts = store
        self._served = served
        self._comparing = threading.Lock()
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
        try:
            with archive.unpacked() as layout:
                return inspect(self._model, layout, self._cache)
        except BundleRefused as error:
            return unreadable(error)

    def compare(self, version: str, base_version: str = "", deadline: Deadline = NO_DEADLINE) -> Compared:
        """Tell who gains and who loses what over the live facts; without a base, in the place of what decides now.

        Raises PolicyUnknown, PolicyRefused for policies that this release cannot load and for more facts than are
        compared here, ServiceBusy, TimeOver.
        """
        if not self._comparing.acquire(blocking=False):
            raise ServiceBusy("another comparison runs here; try again later", retry_after_s=5.0)
        try:
            pace = _Pace(deadline)
            old, new = self._bundle(base_version), self._bundle(version)
            records, revision = self._records(pace)
            limits = Limits(pairs=_MOST_PAIRS, denials=0, watch=pace)
            found = compare(old, new, records, time.time_ns() // 1_000, limits)
        finally:
            self._comparing.release()
        return Compared(found, len(records), revision)

    def _bundle(self, version: str) -> Bundle:
        if not version:
            active = self.standing().active
            if not active and self._served is not None:
                return self._served.newest.bundle
            version = active
        known = None if self._served is None else self._served.loaded.get(version)
        if known is not None:
            return known.bundle
        try:
            return self._load(self.proposal(version)[1])
        except BundleRefused as error:  # another release took them
            raise PolicyRefused("NOT_LOADABLE", f"policies `{version}` cannot be loaded here: {error}") from error

    def _records(self, pace: Callable[[], None]) -> tuple[list[Any], int]:
        records: list[Any] = []
        with self._facts.read_transaction() as transaction:
            for record_type in self._model.records:
                token = ""
                while True:
                    page = read_page(transaction, Query(record_type, {}), MAX_PAGE_SIZE, token, None)
                    records += (stored.record for stored in page.records)
                    if len(records) > MOST_RECORDS:
                        said = "compare an export of them with `sealauthz policy diff`"
                        raise PolicyRefused("TOO_LARGE", f"there are more than {MOST_RECORDS:,} records: {said}")
                    token = page.next_page_token
                    if not token:
                        break
                    pace()
            return records, transaction.revision

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
