"""What time alone changes is written down, once, and told; nothing rests on when."""

from __future__ import annotations

from acting import NewPlatform

from sealauthz.facts import FactCache
from sealauthz.facts.store.store import Store
from sealauthz.operations.expiries import SWEEPER, Expiries

HOUR = 3_600_000_000


def expiries_of(store: Store, now: int) -> Expiries:
    return Expiries(store, FactCache(store), lambda _name, _error, _count: None, now=lambda: now)


def test_a_use_that_nobody_reported_is_unknown_once_and_told(platform: NewPlatform) -> None:
    here = platform()
    here.perform("user", "use", "Seal:s", {"audience": "engine"}, task="t", verification="v-user")
    (use,) = here.all("SealUse", state="RESERVED")
    before = here.store.revision()
    assert expiries_of(here.store, here.now).sweep() == 0
    assert here.store.revision() == before
    here.told()
    late = here.now + HOUR + 1
    assert expiries_of(here.store, late).sweep() == 1
    assert here.get("SealUse", use.id).state == "UNKNOWN"
    (event,) = here.told()
    assert (event.code, event.about) == ("SEAL_USE_UNKNOWN", ("SealUse", use.id))
    assert here.store.changes_after(before, 1).revisions[0].number == before + 1
    # Another process, or the next minute, finds nothing more.
    assert expiries_of(here.store, late).sweep() == 0
    assert here.store.revision() == before + 1
    assert here.store.operation(SWEEPER, "any") is None
