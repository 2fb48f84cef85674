"""Following what is proposed and activated: the policies are here and ready before they decide.

One thread loads what is proposed, so that an activation finds it here. What decides, and what decided before it, stays
in memory, so that a roll-back is no more than a revision. Another thread says in the store what this process has. Which
policies decide an answer is none of their business: that is a matter of the revision of the facts
(`decision/policies.py`). Where they are late or fail, nothing is answered, and nothing wrongly.
"""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from sealauthz import __version__
from sealauthz.decision.bundle import Bundle
from sealauthz.decision.policies import Policies
from sealauthz.facts.memory.consistency import uptime_s
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.store.activations import FOLDER, STORE, Activated, Process, before_active
from sealauthz.facts.store.policies import PolicyStore
from sealauthz.facts.store.store import Store
from sealauthz.rollout.archive import Archive
from sealauthz.runtime.background import Background, Failed
from sealauthz.runtime.errors import BundleRefused, PoliciesUnavailable, SealAuthzError

LOOKS_EVERY_S = 1.0
BEATS_EVERY_S = 2.0
PROPOSALS_LOADED = 2
"""How many of the last proposals are in memory, beside what decides and what decided before it."""

_NOTICES_WITHIN_S = 0.1
_JOIN_S = 2.0
_MOST_CHARACTERS = 500

Report = Callable[[str, Mapping[str, object], BaseException | None], None]
"""Is told `policies_loaded`, `policies_refused` with the error, and `policies_active` when others decide."""


class Following:
    """Keeps the policies of a process ready. Start it once and stop it once.

    `load` makes a bundle of an archive, `load_base` that of the folder, for a store in which nothing was activated.
    """

    def __init__(
        self,
        store: Store,
        fact_cache: FactCache,
        policies: Policies,
        load: Callable[[Archive], Bundle],
        load_base: Callable[[], Bundle],
        report: Report,
        failed: Failed,
    ) -> None:
        self.store = PolicyStore(store)
        self.id = str(uuid.uuid4())
        self._policies = policies
        self._fact_cache = fact_cache
        self._load = load
        self._load_base = load_base
        self._report = report
        self._refused: dict[str, str] = {}
        self._final: set[str] = set()
        """Those that this code refuses, and will refuse again."""
        self._known: Sequence[Activated] | None = None
        self._before = ""
        self._active: str | None = None
        self._news = threading.Event()
        self.thread = Background("policies", self._step, failed)
        self.beating = Background("policies-here", self._beat, failed)

    def start(self) -> None:
        """Begin to follow; what decides now is here already, if it could be loaded."""
        self.thread.start()
        self.beating.start()

    def stop(self) -> None:
        """Follow no longer, and say that this process is not there any more."""
        self.thread.stop()
        self.beating.stop()
        self._news.set()
        self.thread.join(_JOIN_S)
        if self.beating.join(_JOIN_S):
            with suppress(SealAuthzError):  # then it is taken for dead some seconds later
                self.store.leave(self.id)

    @property
    def problem(self) -> str:
        """Why nothing can be answered; empty where policies decide. Before the facts are known, nobody can tell."""
        timeline = self._fact_cache.timeline
        if not timeline.name:
            return ""
        try:
            self._policies.at(timeline)
        except PoliciesUnavailable as error:
            return str(error)
        return ""

    @property
    def is_of_folder(self) -> bool:
        """Whether the folder of this process decides, and nothing that was activated."""
        return not self._policies.obeys or not self._active

    @property
    def serves(self) -> str:
        """The version that decides here now; empty where none does."""
        try:
            return self._policies.newest.bundle.version
        except PoliciesUnavailable:
            return ""

    def load_active(self) -> tuple[Sequence[Activated], str]:
        """Load what decides now; return all activations, and its version, which is empty where nothing was activated.

        Raises FactsUnavailable, and BundleRefused for a folder that counts and cannot be served.
        """
        activated = self._fact_cache.timeline.activated
        if activated is None:
            activated = self.store.activated()
        active = activated[-1].version if activated else ""
        if not self._policies.obeys or not active:
            if self._policies.base is None:
                self._policies.replace_base(self._load_base())
        elif active not in self._policies.loaded and active not in self._final:
            self._get(active, is_needed=True)
        self._policies.serve(active)
        if active != self._active:
            if self._active is not None:
                self._report("policies_active", {"policy_version": self.serves}, None)
            self._active = active
            self._news.set()
        return activated, active

    def look(self) -> None:
        """Load what is missing, what decides first. Raises FactsUnavailable."""
        activated, active = self.load_active()
        if not self._policies.obeys:
            return
        if activated is not self._known:
            self._known, self._before = activated, before_active(self.store.activations())
        proposals = [each.version for each in self.store.proposals()]
        wanted = [active, self._before, *[each for each in proposals if each != active][:PROPOSALS_LOADED]]
        for version in wanted:
            if version and version not in self._policies.loaded and version not in self._refused:
                self._get(version)
            if self._fact_cache.timeline.activated not in (None, activated) or self.thread.is_stopping:
                return  # others decide now: they come first
        self._policies.keep_only(wanted)
        self._refused = {version: why for version, why in self._refused.items() if version in wanted}
        self._final &= set(wanted)

    def process(self) -> Process:
        """Return what is said of this process."""
        loaded = {**dict.fromkeys(self._policies.loaded, ""), **self._refused}
        source = STORE if self._policies.obeys else FOLDER
        name = f"{socket.gethostname()}/{os.getpid()}"
        return Process(self.id, name, __version__, source, self.serves, loaded)

    def beat(self) -> None:
        """Say that this process is there, and what it has. Raises FactsUnavailable."""
        self.store.beat(self.process())

    def _get(self, version: str, *, is_needed: bool = False) -> None:
        """Load a version. One that cannot be loaded is not tried again, unless it decides and it might be otherwise."""
        begun = uptime_s()
        try:
            bundle = self._load(Archive.read(self.store.proposal(version).content))
            if bundle.version != version:
                raise BundleRefused(f"the archive holds policies `{bundle.version}`, not `{version}`")
        except Exception as error:
            if is_needed and not isinstance(error, BundleRefused):
                raise
            why = str(error) if isinstance(error, SealAuthzError) else f"an error of the load: {type(error).__name__}"
            if self._refused.get(version) != why:
                self._refused[version] = why[:_MOST_CHARACTERS]
                self._report("policies_refused", {"policy_version": version, "message": why}, error)
            if isinstance(error, BundleRefused):
                self._final.add(version)
        else:
            self._policies.add(bundle)
            self._refused.pop(version, None)
            self._report("policies_loaded", {"policy_version": version, "seconds": round(uptime_s() - begun, 2)}, None)
        self._news.set()

    def _step(self) -> None:
        self.look()
        self.thread.goes_well()
        until = uptime_s() + LOOKS_EVERY_S
        known = self._fact_cache.timeline.activated
        while not self.thread.is_stopping and uptime_s() < until and self._fact_cache.timeline.activated is known:
            self._fact_cache.signal.wait_for_other(self._fact_cache.signal.revision, _NOTICES_WITHIN_S)

    def _beat(self) -> None:
        self._news.clear()
        self.beat()
        self.beating.goes_well()
        self._news.wait(BEATS_EVERY_S)
