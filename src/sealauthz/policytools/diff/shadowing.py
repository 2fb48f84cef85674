"""Shadowing: runs the candidate that the store names beside what this process answers, and tells what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.store.policies import PolicyStore
from sealauthz.facts.store.shadows import ShadowRun, ShadowStore
from sealauthz.facts.store.store import Store
from sealauthz.policytools.diff.shadow import Shadow
from sealauthz.policytools.diff.shadow_reports import ShadowSummary, summary, written
from sealauthz.runtime.background import Background, Failed
from sealauthz.runtime.errors import BundleRefused, PolicyUnknown

LOOKS_EVERY_S = 1.0
"""How often a process looks whether a candidate is to run, and tells what it has found, in seconds."""

_JOIN_S = 5.0

Report = Callable[[str, Mapping[str, object], BaseException | None], None]
"""Is told `shadow_began`, `shadow_ended`, and `shadow_refused` with the error."""


class Shadows:
    """Has candidates run, for callers. Any thread may use it. Methods raise FactsUnavailable."""

    def __init__(self, store: Store, now: Callable[[], int]) -> None:
        self._shadows = ShadowStore(store)
        self._policies = PolicyStore(store)
        self._now = now

    def begin(self, version: str, share: float, cpu_share: float, caller: str) -> ShadowRun:
        """Have what was proposed run in the place of what runs. Raises PolicyUnknown."""
        return self._shadows.begin(self._policies.proposal(version).version, share, cpu_share, caller, self._now())

    def end(self) -> bool:
        """Have nothing run any more; False where nothing did."""
        return self._shadows.end()

    def found(self) -> tuple[ShadowRun | None, ShadowSummary | None]:
        """Return what runs, and what was found of it, or of what ran last; None where there is nothing."""
        return self._shadows.run(), summary(self._shadows.reports())


class Shadowing:
    """Follows the shadow of a store in one process. Start it once and stop it once.

    `get` returns the bundle of a version, which may take some time. It raises BundleRefused, PolicyUnknown.
    """

    def __init__(
        self,
        store: ShadowStore,
        fact_cache: FactCache,
        pdp: PolicyDecisionPoint,
        get: Callable[[str], Bundle],
        process_id: str,
        report: Report,
        failed: Failed,
    ) -> None:
        self._store = store
        self._fact_cache = fact_cache
        self._pdp = pdp
        self._get = get
        self._process_id = process_id
        self._report = report
        self._failed = failed
        self._run: ShadowRun | None = None
        self._shadow: Shadow | None = None
        self._told = ""
        self._refused = ""
        self.thread = Background("shadowing", self._step, failed)

    def start(self) -> None:
        """Begin to look for a candidate."""
        self.thread.start()

    def stop(self) -> None:
        """Look no longer."""
        self.thread.stop()
        self.thread.join(_JOIN_S)
        self._end()

    def look(self) -> None:
        """Run what is to run now, and tell what was found. Raises FactsUnavailable."""
        run = self._store.run()
        if run is None or self._run is None or run.id != self._run.id:
            self._end()
            self._run = run
        if run is not None and self._shadow is None:
            self._begin(run)
        if run is not None and self._shadow is not None:
            report = written(self._shadow.report())
            if report != self._told:
                self._store.tell(run, self._process_id, report)
                self._told = report

    def _begin(self, run: ShadowRun) -> None:
        if run.id == self._refused:
            return
        try:
            candidate = self._get(run.version)
        except (BundleRefused, PolicyUnknown) as error:
            self._refused = run.id
            self._report("shadow_refused", {"policy_version": run.version, "message": str(error)}, error)
            return
        shadow = Shadow(
            self._fact_cache,
            lambda: self._pdp.bundle,
            candidate,
            share=run.share,
            cpu_share=run.cpu_share,
            now=self._pdp.now,
            failed=self._failed,
        )
        shadow.thread.start()
        self._shadow = shadow
        self._pdp.listener = shadow.offer
        self._report("shadow_began", {"policy_version": run.version, "share": run.share}, None)

    def _end(self) -> None:
        if self._shadow is None:
            return
        self._pdp.listener = None
        self._shadow.thread.stop()
        self._shadow.thread.join(_JOIN_S)
        self._report("shadow_ended", {"policy_version": self._run.version if self._run else ""}, None)
        self._shadow, self._told = None, ""

    def _step(self) -> None:
        self.look()
        self.thread.goes_well()
        self.thread.rest(LOOKS_EVERY_S)
