"""The sweep: looks from time to time after what no caller looks after, such as imports that stand still."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sealauthz.facts.store.importing import OpenImport
from sealauthz.facts.store.store import Store, now_us
from sealauthz.runtime.background import Background, Failed

DEFAULT_LEASE_S = 600.0
_EVERY_S = 60.0

Report = Callable[[str, Mapping[str, object], BaseException | None], None]
"""Is told `import_idle` of each import that stands still, once for every lease that passes, and how many `imports` are
under way and idle.
"""


class Sweep:
    """Sweeps a store every minute, from start to stop. `lease_s`: an import without a part for so long stands still.

    Nothing about its enterprises is decided meanwhile, so somebody must finish it or end it: the sweep does neither.
    """

    def __init__(
        self,
        store: Store,
        report: Report,
        failed: Failed,
        lease_s: float = DEFAULT_LEASE_S,
        every_s: float = _EVERY_S,
        now: Callable[[], int] = now_us,
    ) -> None:
        self._store = store
        self._report = report
        self._lease_s = lease_s
        self._every_s = every_s
        self._now = now
        self._told: dict[tuple[str, str], int] = {}
        self._said: tuple[int, int] = (0, 0)
        self.thread = Background("sweep", self._step, failed)

    def start(self) -> None:
        """Begin to sweep."""
        self.thread.start()

    def stop(self) -> None:
        """Sweep no longer; a sweep under way is left behind."""
        self.thread.stop()

    def sweep(self) -> tuple[int, int]:
        """Look once; return how many imports are open and how many of them idle. Raises FactsUnavailable."""
        imports = self._store.open_imports()
        told: dict[tuple[str, str], int] = {}
        for item in imports:
            idle_s = idle_for_s(item, self._now())
            leases = int(idle_s // self._lease_s)
            if leases:
                key = (item.caller, item.import_id)
                told[key] = leases
                if leases > self._told.get(key, 0):
                    self._report("import_idle", _fields(item, idle_s), None)
        self._told = told
        said = (len(imports), len(told))
        if said != self._said:
            self._said = said
            self._report("imports", {"under_way": said[0], "idle": said[1]}, None)
        return said

    def _step(self) -> None:
        self.sweep()
        self.thread.goes_well()
        self.thread.rest(self._every_s)


def idle_for_s(item: OpenImport, now: int) -> float:
    """Return for how many seconds an import has stood still; 0 where clocks disagree."""
    return max(0.0, (now - item.last_at) / 1_000_000)


def _fields(item: OpenImport, idle_s: float) -> dict[str, object]:
    return {
        "import_caller": item.caller,
        "import_id": item.import_id,
        "parts": item.parts,
        "enterprises": len(item.tenants),
        "idle_s": round(idle_s),
    }
