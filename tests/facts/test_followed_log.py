"""How far the log of decisions was followed, and causes of alarms that nothing was performed for, on each database."""

from __future__ import annotations

from facts_scene import NOW, scene

from sealauthz.audit.sequencer import Sequencer
from sealauthz.facts import Batch, Put, Store
from sealauthz.facts.store.following import request_of
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.waiting import waiting, written
from sealauthz.schema.alarms import Alarm

OUT = Alarm("SealOuting", "alert", ("holder", "person_id"), "out_from", {"state": ("OUT",)})
BEGIN = (-1, "")


def grow(store: Store, *ids: str) -> None:
    with store.writing() as connection:
        driver = Driver(connection)
        for each in ids:
            driver.run(
                *waiting(driver.is_postgresql, now_us(), written({"v": 1, "kind": "Authorize", "id": each, "at": 1}))
            )
    Sequencer(store, "test").drain()


def test_the_log_is_followed_from_where_it_was_left_and_never_back(store: Store) -> None:
    assert store.log_to_follow("test", 10) == (0, [])
    grow(store, "a", "b", "c")
    begin, found = store.log_to_follow("test", 2)
    assert (begin, [number for number, _ in found]) == (0, [0, 1])
    store.follow_log("test", 2)
    store.follow_log("test", 1)
    begin, found = store.log_to_follow("test", 10)
    assert (begin, [number for number, _ in found]) == (2, [2])
    assert store.log_to_follow("another", 10)[0] == 0


def test_a_cause_is_found_until_something_was_performed_for_it(store: Store) -> None:
    store.write(Batch("test", "scene", tuple(map(Put, scene()))))
    assert store.unraised(OUT, "us", NOW, BEGIN, 10) == [(NOW, "outing")]
    assert store.unraised(OUT, "us", NOW - 1, BEGIN, 10) == []
    assert store.unraised(OUT, "us", NOW, (NOW, "outing"), 10) == []
    assert store.unraised(OUT._replace(within=5), "us", NOW + 5, BEGIN, 10) == []
    assert store.unraised(OUT._replace(where={"state": ("LOST",)}), "us", NOW, BEGIN, 10) == []
    with store.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO fact_operation (caller, request_id, operation_id, revision, at, answer)"
            f" VALUES ('us', '{request_of(OUT, 'outing')}', 'o', 1, 1, '{{}}')"
        )
    assert store.unraised(OUT, "us", NOW, BEGIN, 10) == []
    assert store.unraised(OUT, "another", NOW, BEGIN, 10) == [(NOW, "outing")]
