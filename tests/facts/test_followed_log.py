"""How far the log of decisions was followed, and causes of alarms that nothing was performed for, on each database."""

from __future__ import annotations

import pytest
from facts_scene import NOW, scene

from sealauthz.audit.sequencer import Sequencer
from sealauthz.facts import Batch, Put, Store
from sealauthz.facts.store import following
from sealauthz.facts.store.following import request_of
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.waiting import waiting, written
from sealauthz.schema.alarms import Alarm

OUT = Alarm("SealOuting", "alert", ("holder", "person_id"), "out_from", {"state": ("OUT",)})
BEGIN = (-1, "")


def grow(store: Store, *ids: str, kind: str = "Authorize") -> None:
    with store.writing() as connection:
        driver = Driver(connection)
        for each in ids:
            driver.run(*waiting(driver.is_postgresql, now_us(), written({"v": 1, "kind": kind, "id": each, "at": 1})))
    Sequencer(store, "test").drain()


def followed(store: Store, name: str, limit: int = 10, kind: str = "Authorize") -> tuple[int, int, list[int]]:
    begin, end, found = store.log_to_follow(name, kind, limit)
    return begin, end, [number for number, _ in found]


def test_the_log_is_followed_from_where_it_was_left_and_never_back(store: Store) -> None:
    assert followed(store, "test") == (0, 0, [])
    grow(store, "a", "b", "c")
    assert followed(store, "test", 2) == (0, 2, [0, 1])
    store.follow_log("test", 2)
    store.follow_log("test", 1)
    assert followed(store, "test") == (2, 3, [2])
    store.follow_log("test", 3)
    assert followed(store, "test") == (3, 3, [])
    assert followed(store, "another")[0] == 0


def test_of_the_log_one_kind_is_followed_past_the_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(store, "a", "b")
    grow(store, "c", "d", kind="Perform")
    grow(store, "e")
    grow(store, "f", kind="Per_orm")
    assert followed(store, "test", kind="Perform") == (0, 6, [2, 3])
    assert followed(store, "test", 1, kind="Perform") == (0, 3, [2])
    assert followed(store, "test", kind="List") == (0, 6, [])
    assert followed(store, "test", kind="Per_orm") == (0, 6, [5])
    monkeypatch.setattr(following, "MOST_LOOKED_AT", 3)
    assert followed(store, "test", kind="Perform") == (0, 3, [2])


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
