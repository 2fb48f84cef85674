"""The facts of the past: at every revision what a load gave then, or an error that says why that cannot be told."""

from __future__ import annotations

import contextlib
import random
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from facts_scene import BASE, DAY, NOW, described, edited, scene, uscc, write
from sqlalchemy import delete, update
from test_world import EDITS

from sealauthz.facts import Delete, FactCache, Part, Put, Store, Unit
from sealauthz.facts.memory.past_reading import PastReading
from sealauthz.facts.store.past import Past, revision_at
from sealauthz.facts.store.system_tables import FACT_CHANGE
from sealauthz.model import MODEL
from sealauthz.model.records.seals import SealHold
from sealauthz.runtime.errors import FactConflict, InvariantBroken, PastUnknown

UNITS = [Unit("ENTERPRISE", "e1"), Unit("ENTERPRISE", "e2"), Unit("CONTRACT", "c1")]
UNITS += [Unit("PERSON", each) for each in ("ann", "bob", "old", "out")]
PERSONAL = {
    (name, column.name): None if column.is_optional else ""
    for name, shape in MODEL.shapes.items()
    for column in shape.columns
    if column.is_personal
}


def without_names(unit: dict[str, Any]) -> dict[str, Any]:
    """What a policy could see of a unit, with personal text blank."""
    found = {}
    for key, (values, relations) in unit.items():
        name = key.partition(":")[0]
        columns = MODEL.shapes[name].columns
        blank = [PERSONAL.get((name, c.name), v) for c, v in zip(columns, values, strict=True)]
        found[key] = (blank, relations)
    return found


def seen_now(store: Store) -> tuple[int, dict[Unit, Any]]:
    with FactCache(store).read() as snapshot:
        held = {unit: snapshot.unit(unit) for unit in UNITS}
        return snapshot.revision, {u: None if h is None else without_names(described(h)) for u, h in held.items()}


@contextlib.contextmanager
def reading(store: Store, revision: int, floor: int | None = None) -> Iterator[PastReading]:
    with store.read_transaction() as transaction:
        yield PastReading(Past(transaction, revision if floor is None else floor), revision)


def seen_then(past: PastReading) -> dict[Unit, Any]:
    held = {unit: past.unit(unit) for unit in UNITS}
    return {u: None if h is None else described(h) for u, h in held.items()}


def as_lists(seen: dict[Unit, Any]) -> dict[Unit, Any]:
    return {u: None if s is None else {k: (list(v), r) for k, (v, r) in s.items()} for u, s in seen.items()}


@pytest.mark.parametrize("seed", range(2))
def test_every_revision_is_what_a_load_gave_then(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    write(store, *scene())
    live = dict([seen_now(store)])
    while len(live) < 7:
        edits = [rng.choice(EDITS) for _ in range(rng.randint(1, 3))]
        if rng.random() < 0.3:
            edits = [Delete(*_key(edit)) for edit in edits]
        with contextlib.suppress(InvariantBroken, FactConflict):
            write(store, *{_key(edit): edit for edit in edits}.values())
            revision, seen = seen_now(store)
            live[revision] = seen
    with store.read_transaction() as transaction:
        past = Past(transaction, 0)
        for revision, seen in live.items():
            assert as_lists(seen_then(PastReading(past, revision))) == as_lists(seen), revision
        assert set(seen_then(PastReading(past, 0)).values()) == {None}


def _key(edit: Any) -> tuple[str, str]:
    return (edit.record_type, edit.id) if isinstance(edit, Delete) else (type(edit).__name__, edit.id)


def test_what_is_looked_up_is_what_was_so(store: Store) -> None:
    write(store, *scene())
    write(store, edited("Enterprise", "e3", uscc=uscc(9)), Delete("TaskSeal", "fixed"))
    write(store, edited("SigningTask", "task1", handler_id="old"))
    same = {"realm": "PUBLIC", "uscc": BASE["Enterprise", "e1"].uscc}
    for revision, twins, fixed in ((0, [], []), (1, ["e1", "e3"], ["fixed"]), (2, ["e1"], []), (3, ["e1"], [])):
        with reading(store, revision) as past:
            assert past.matching("Enterprise", same) == twins
            assert past.matching("TaskSeal", {"seal_id": BASE["TaskSeal", "fixed"].seal_id}) == fixed
            assert (past.home("TaskSeal", "fixed") == Unit("CONTRACT", "c1")) is bool(fixed)
    with reading(store, 1) as past, pytest.raises(PastUnknown):
        past.after("Person", "id", "", 10)


def test_names_of_the_past_are_not_told(store: Store) -> None:
    write(store, *scene())
    write(store, edited("Person", "ann", real_name="", phone=""))
    for revision in (1, 2):
        with reading(store, revision) as past:
            ann = past.record("Person", "ann")
            assert {ann.real_name, ann.phone} <= {"", None}
            assert past.record("Person", "bob").real_name in ("", None)
            assert past.record("Person", "nobody") is None


def test_what_was_being_imported_was_not_decided_on(store: Store) -> None:
    write(store, *scene())
    parts = [Part("i", frozenset({"e1"}), number, is_last=number == 3) for number in (1, 2, 3)]
    for number, part in enumerate(parts):
        store.import_part("importer", part, [Put(SealHold(f"h{number}", "s1", "JUDICIAL", NOW))])
    write(store, SealHold("after", "s1", "JUDICIAL", NOW))
    for revision in (1, 4, 5):
        with reading(store, revision) as past:
            held = past.unit(Unit("ENTERPRISE", "e1"))
            assert held is not None
            assert ("h2" in held["SealHold"]) is (revision > 3)
    for revision in (2, 3):
        for unit in (Unit("ENTERPRISE", "e1"), Unit("PERSON", "ann")):
            with reading(store, revision) as past, pytest.raises(PastUnknown) as unknown:
                past.unit(unit)
            assert unknown.value.cause == "BEING_IMPORTED"
        with reading(store, revision) as past:
            assert past.unit(Unit("ENTERPRISE", "e3")) is not None


def test_a_row_that_its_history_does_not_explain_is_found_out(store: Store) -> None:
    write(store, *scene())
    write(store, edited("Seal", "s1", state="DISABLED"))
    with store.writing() as connection:
        connection.execute(update(FACT_CHANGE).where(FACT_CHANGE.c.revision == 2).values(changes="[]"))
    with reading(store, 1) as past, pytest.raises(PastUnknown) as unknown:
        past.unit(Unit("ENTERPRISE", "e1"))
    assert unknown.value.cause == "GAP"
    with store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM fact_change_unit")
        connection.execute(delete(FACT_CHANGE).where(FACT_CHANGE.c.revision == 1))
    with store.read_transaction() as transaction, pytest.raises(PastUnknown) as unknown:
        Past(transaction, 0)
    assert unknown.value.cause == "PRUNED"


def test_a_long_history_is_read_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealauthz.facts.store.past._FIRST_PAGE", 3)
    monkeypatch.setattr("sealauthz.facts.store.past._AT_ONCE", 3)
    write(store, *scene())
    for number in range(8):
        write(store, edited("Seal", "s1", name=f"n{number}"), edited("Seal", "s2", name=f"n{number}"))
    with reading(store, 5, floor=0) as past:
        assert past.record("Seal", "s1").name == "n3"
        held = past.unit(Unit("ENTERPRISE", "e1"))
        assert held is not None
        assert held["Seal"]["s1"].name == "n3"


def test_an_id_that_stands_in_every_change_fills_no_memory(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealauthz.facts.store.past._FIRST_PAGE", 1)
    monkeypatch.setattr("sealauthz.facts.store.past._LARGE_PAGE", 15_000)
    write(store, *scene())
    for number in range(24):
        some = (replace(BASE["Person", "ann"], id=f"p{number}-{n}", id_hash=f"h{number}-{n}") for n in range(60))
        write(store, *map(Put, some))
    with reading(store, 1) as past:
        assert past.record("Seal", "nobody") is None  # nothing is compiled while we count
        tracemalloc.start()
        try:
            # Every change holds this word between quotes.
            assert past.record("Seal", "type") is None
            assert past.record("Seal", "s1").name == BASE["Seal", "s1"].name
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    with store.read_transaction() as transaction:
        ((whole,),) = transaction.fetch("SELECT sum(length(changes)) FROM fact_change WHERE revision > 1", {})
    assert most < whole / 2


def test_a_time_finds_its_revision(store: Store) -> None:
    write(store, *scene())
    for number in range(5):
        write(store, edited("Seal", "s1", name=f"n{number}"))
    instants = [revision.at for revision in store.changes_after(0, 10).revisions]
    with store.read_transaction() as transaction:
        for at in {*instants, instants[0] - 1, instants[-1] + DAY}:
            expected = max((number for number, each in enumerate(instants, 1) if each <= at), default=0)
            assert revision_at(transaction, at) == expected
