"""The backlog: what waits for its place in the log is seen, and since when, also while the database is away."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from audit_logs import run

from sealauthz.audit.backlog import Backlog, Waiting
from sealauthz.audit.sequencer import Sequencer
from sealauthz.cli.measuring import watch_log
from sealauthz.facts import Store
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.waiting import waiting, waiting_since, written
from sealauthz.observability.metrics.instruments import Instruments
from sealauthz.observability.metrics.meter import Meter
from sealauthz.runtime.background import ignored
from sealauthz.runtime.errors import FactsUnavailable

FIRST, LATER = 1_795_000_000_123_000, 1_795_000_060_123_000


def wait(store: Store, at: int, *ids: str) -> None:
    records = [written({"v": 2, "kind": "Authorize", "id": each, "at": at}) for each in ids]
    with store.writing() as connection:
        driver = Driver(connection)
        driver.run(*waiting(driver.is_postgresql, at, *records))


def test_the_oldest_is_found_and_nothing_once_all_have_their_places(store: Store, sequencer: Sequencer) -> None:
    backlog = Backlog(store, ignored)
    backlog.look()
    assert backlog.waiting == Waiting(0, 0)
    wait(store, LATER, "b")
    wait(store, FIRST, "a", "c")
    backlog.look()
    assert backlog.waiting == Waiting(2, FIRST)
    assert backlog.waiting.oldest_s(LATER) == 60.0
    assert backlog.waiting.oldest_s(FIRST - 1) == 0.0  # a clock that is behind
    sequencer.drain()
    backlog.look()
    assert backlog.waiting.oldest_s(LATER) == 0.0


def test_many_writes_are_counted_up_to_a_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealauthz.audit.backlog.MOST_COUNTED", 3)
    for number in range(5):
        wait(store, FIRST + number * 1_000, f"r{number}")
    backlog = Backlog(store, ignored)
    backlog.look()
    assert backlog.waiting == Waiting(3, FIRST)


def test_what_cannot_be_looked_at_goes_on_waiting(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    wait(store, FIRST, "a")
    backlog = Backlog(store, ignored)
    backlog.look()

    def gone() -> Any:
        raise FactsUnavailable("away")

    monkeypatch.setattr(store, "plain_connection", gone)
    with pytest.raises(FactsUnavailable):
        backlog.look()
    assert backlog.waiting.oldest_s(LATER) == 60.0


def test_the_instant_of_a_row_is_in_its_id(store: Store) -> None:
    wait(store, FIRST, "a")
    ((row_id,),) = run(store, "SELECT id FROM audit_pending")
    assert waiting_since(row_id) == FIRST


def test_gauges_tell_the_backlog_and_what_alarms_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealauthz.cli.measuring.now_us", lambda: LATER)
    meter = Meter(Instruments())
    alarms: Any = SimpleNamespace(counted=Counter({("ring", "raised"): 2}))
    recorder: Any = SimpleNamespace(waiting=7, log_problem="the log was cut off")
    backlog: Any = SimpleNamespace(waiting=Waiting(4, FIRST, 2))
    watch_log(meter, alarms, recorder, backlog)
    meter.feed()
    alarms.counted["ring", "raised"] += 1
    alarms.counted["ring", "refused"] += 1
    meter.feed()
    registry = meter.instruments.registry
    names = ("unwritten", "waiting_writes", "held_writes", "tampered")
    measured = {name: registry.get_sample_value(f"sealauthz_log_{name}") for name in names}
    assert measured == {"unwritten": 7, "waiting_writes": 4, "held_writes": 2, "tampered": 1}
    assert registry.get_sample_value("sealauthz_log_oldest_wait_seconds") == 60.0
    by_what = {
        what: registry.get_sample_value("sealauthz_alarms_total", {"alarm": "ring", "what": what})
        for what in ("raised", "refused")
    }
    assert by_what == {"raised": 3, "refused": 1}
