"""A large unit is changed in memory: it is what a fresh load gives, and nobody ever reads a part of a change."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from facts_scene import NOW, edited, opened, restored, scene, write
from sqlalchemy import delete
from test_world import EDITS, _key, described, roots_of, seen_in

from sealauthz.facts import Delete, FactCache, FactSnapshot, Part, Store, Unit
from sealauthz.facts.memory import loads as loads_module
from sealauthz.facts.memory.changing import change
from sealauthz.facts.memory.consistency import Consistency, uptime_s
from sealauthz.facts.memory.reading import StoreReading
from sealauthz.facts.memory.sources import RecordSource
from sealauthz.facts.memory.wiring import wire
from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.system_tables import FACT_CHANGE, FACT_CHANGE_UNIT
from sealauthz.model import MODEL
from sealauthz.model.records.seals import SealHold
from sealauthz.runtime.errors import FactNotLoaded
from sealauthz.schema import values_of

E1 = Unit("ENTERPRISE", "e1")
FULL = Consistency(is_full=True)


@pytest.fixture
def stores(new_database: Any) -> Iterator[list[Store]]:
    with opened(new_database("sqlite"), 2) as stores:
        write(stores[0], *scene())
        yield stores


def cached(store: Store) -> FactCache:
    """A fact cache to which every unit is large, with one that was read."""
    fact_cache = FactCache(store, max_age_s=1e9, large_bytes=0)
    fact_cache.answer(holds)
    return fact_cache


def holds(snapshot: FactSnapshot) -> list[str]:
    return [hold.id for hold in snapshot.find("Seal", "s1").holds]


def hold(store: Store, name: str) -> None:
    write(store, SealHold(name, "s1", "JUDICIAL", NOW))


# --- the change alone, without a database -----------------------------------------------------------------------------


def changed(rng: random.Random, facts: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
    """What some random edits make of facts, but for those that would leave a key without what it names."""
    after = dict(facts)
    for edit in rng.sample(EDITS, rng.randint(1, 5)):
        trial = dict(after)
        if isinstance(edit, Delete) or rng.random() < 0.2:
            trial.pop(_key(edit), None)
        else:
            trial[_key(edit)] = edit
        if _is_sound(trial):
            after = trial
    return after


def _is_sound(facts: dict[tuple[str, str], Any]) -> bool:
    return all(
        (column.ref, key) in facts
        for (record_type, _), record in facts.items()
        for column in MODEL.shapes[record_type].columns
        if column.ref is not None and (key := getattr(record, column.name)) is not None
    )


def differing(before: Any, after: Any) -> dict[str, dict[str, Any]]:
    """What differs between two loads of a unit, and a little that does not."""
    rows: dict[str, dict[str, Any]] = {}
    old = {(name, record.id): record for name, some in before.items() for record in some}
    new = {(name, record.id): record for name, some in after.items() for record in some}
    for number, key in enumerate(sorted(old.keys() | new.keys())):
        sides = [None if record is None else values_of(record) for record in (old.get(key), new.get(key))]
        if sides[0] != sides[1] or number % 7 == 0:
            rows.setdefault(key[0], {})[key[1]] = new.get(key)
    return rows


def look_ups(unit: Any) -> dict[Any, Any]:
    """Each collection by each column, and by what members of its own have members, as a policy may look into it."""
    collections = [
        ((record_type, record_id, relation.name), getattr(record, relation.name), MODEL.shapes[relation.record])
        for record_type, records in unit.items()
        for record_id, record in records.items()
        for relation in MODEL.shapes[record_type].relations
        if isinstance(getattr(record, relation.name, None), list)
    ]
    having = {
        (*of, each.name): [member.id for member in members.having[each.name]]
        for of, members, shape in collections
        for each in shape.relations
        if not each.is_one
    }
    return having | {
        (*of, column.name): {value: [each.id for each in some] for value, some in members.by[column.name].items()}
        for of, members, shape in collections
        for column in shape.columns
    }


def test_a_changed_unit_is_what_wiring_all_its_records_gives() -> None:
    rng = random.Random(15)
    for _ in range(60):
        facts = {_key(record): record for record in scene()}
        units = roots_of(scene())
        source = RecordSource(MODEL, facts.values())
        held: dict[Unit, Any] = {unit: wire(MODEL, unit, source.load(unit)) for unit in units}
        for _ in range(4):
            before, facts = source, changed(rng, facts)
            source = RecordSource(MODEL, facts.values())
            for unit, records in held.items():
                if rng.random() < 0.5:
                    look_ups(records)
                change(MODEL, unit, records, differing(before.load(unit), source.load(unit)))
                fresh = wire(MODEL, unit, source.load(unit))
                assert described(records) == described(fresh)
                assert look_ups(records) == look_ups(fresh)


# --- with a store -----------------------------------------------------------------------------------------------------


def test_a_large_unit_that_others_change_is_not_loaded_again(stores: list[Store]) -> None:
    fact_cache = cached(stores[0])
    loads = fact_cache.statistics.loads
    for number in range(5):
        hold(stores[number % 2], f"h{number}")
        assert f"h{number}" in fact_cache.answer(holds, FULL)
    assert (fact_cache.statistics.loads, fact_cache.statistics.moved) == (loads, 5)
    assert fact_cache.timeline.cache.bytes > 0


def test_the_feed_moves_on_what_is_read_often(stores: list[Store]) -> None:
    fact_cache = cached(stores[0])
    fact_cache.answer(holds)
    for number in range(3):
        hold(stores[number % 2], f"h{number}")
        fact_cache.refresh(uptime_s(), reload=True)
        assert fact_cache.statistics.moved == number + 1
    assert {"h0", "h1", "h2"} <= set(fact_cache.answer(holds))
    assert fact_cache.statistics.moved == 3


def test_who_reads_a_unit_reads_it_to_the_end_as_it_was(stores: list[Store]) -> None:
    fact_cache = cached(stores[0])
    expected = fact_cache.answer(holds)

    def read(snapshot: FactSnapshot) -> None:
        assert holds(snapshot) == expected
        hold(stores[1], "new")
        # Another one needs the unit as it is now, while we still read it: it is loaded beside ours.
        with ThreadPoolExecutor(1) as pool:
            assert "new" in pool.submit(fact_cache.answer, holds, FULL).result()
        assert holds(snapshot) == expected

    fact_cache.answer(read)
    assert fact_cache.statistics.moved == 0
    assert "new" in fact_cache.answer(holds)


def test_who_changes_a_unit_waits_for_those_who_read_it(stores: list[Store], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads_module, "_PATIENCE_S", 30.0)
    fact_cache = cached(stores[0])
    is_read, may_end = threading.Event(), threading.Event()

    def read(snapshot: FactSnapshot) -> list[str]:
        before = holds(snapshot)
        is_read.set()
        assert may_end.wait(30)
        assert holds(snapshot) == before
        return before

    with ThreadPoolExecutor(2) as pool:
        reader = pool.submit(fact_cache.answer, read)
        assert is_read.wait(30)
        hold(stores[1], "new")
        fresh = pool.submit(fact_cache.answer, holds, FULL)
        may_end.set()
        assert "new" not in reader.result()
        assert "new" in fresh.result()
    assert fact_cache.statistics.moved == 1


def test_an_answer_that_begins_again_does_not_wait_for_itself(stores: list[Store]) -> None:
    fact_cache = cached(stores[0])
    seen: list[list[str]] = []

    def read(snapshot: FactSnapshot) -> None:
        seen.append(holds(snapshot))
        if len(seen) == 1:
            hold(stores[0], "new")
            write(stores[0], edited("Person", "ann", real_name="x"))
        snapshot.find("Person", "ann")

    fact_cache.answer(read)
    assert len(seen) == 2
    assert "new" in seen[1]
    assert fact_cache.statistics.moved == 1


def test_a_change_while_a_unit_is_moved_on_is_not_lost(stores: list[Store], monkeypatch: pytest.MonkeyPatch) -> None:
    """Committed after the snapshot of the one that moves the unit, and followed before that one is done."""
    fact_cache = cached(stores[0])
    original: Callable[..., Any] = StoreReading.load
    names = iter(("second", "third"))

    def load(reading: StoreReading, unit: Unit) -> Any:
        loaded = original(reading, unit)
        name = next(names, None)
        if name is not None:
            hold(stores[1], name)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(fact_cache.refresh, uptime_s()).result()
        return loaded

    monkeypatch.setattr(StoreReading, "load", load)
    hold(stores[1], "first")
    assert "first" in fact_cache.answer(holds, FULL)
    assert "second" in fact_cache.answer(holds, FULL)
    assert {"first", "second", "third"} <= set(fact_cache.answer(holds))
    assert fact_cache.statistics.moved == 3


def test_an_older_transaction_leaves_a_newer_unit_alone(stores: list[Store]) -> None:
    fact_cache = cached(stores[0])
    with stores[0].read_transaction() as old:
        hold(stores[0], "h1")
        assert "h1" in fact_cache.answer(holds)
        hold(stores[0], "h2")
        entry = fact_cache.state.loads.made(E1, fact_cache.timeline, old, 1.0)
        assert entry is not None
        assert not {"h1", "h2"} & entry.records["SealHold"].keys()
    moved = fact_cache.statistics.moved
    assert {"h1", "h2"} <= set(fact_cache.answer(holds))
    assert fact_cache.statistics.moved == moved + 1


def test_a_unit_is_loaded_where_the_history_has_a_gap(stores: list[Store]) -> None:
    fact_cache = cached(stores[0])
    hold(stores[0], "h1")
    lost = stores[0].revision()
    hold(stores[0], "h2")
    with stores[0]._database.write() as connection:
        connection.execute(delete(FACT_CHANGE_UNIT).where(FACT_CHANGE_UNIT.c.revision == lost))
        connection.execute(delete(FACT_CHANGE).where(FACT_CHANGE.c.revision == lost))
    assert {"h1", "h2"} <= set(fact_cache.answer(holds))
    assert fact_cache.statistics.moved == 0


def test_a_unit_that_is_being_imported_is_not_moved_on(stores: list[Store]) -> None:
    fact_cache = cached(stores[0])
    part = Part("import", frozenset({"e1"}), 1)
    stores[1].import_part("hr", part, [SealHold("h1", "s1", "JUDICIAL", NOW)])
    with pytest.raises(FactNotLoaded):
        fact_cache.answer(holds, FULL)
    fact_cache.refresh(uptime_s(), reload=True)
    stores[1].import_part("hr", Part("import", frozenset({"e1"}), 2, is_last=True), [])
    assert "h1" in fact_cache.answer(holds, FULL)


def test_of_another_history_nothing_is_moved_on(stores: list[Store]) -> None:
    fact_cache = cached(stores[0])
    hold(stores[0], "h1")
    restored(stores[1])
    assert "h1" in fact_cache.answer(holds, FULL)
    assert fact_cache.statistics.moved == 0


def test_an_error_while_a_unit_is_moved_on_leaves_nothing_of_it(
    stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    fact_cache = cached(stores[0])
    hold(stores[0], "h1")
    original: Any = loads_module.moved

    def fail(transaction: ReadTransaction, unit: Unit, aside: Any, patience_s: float) -> None:
        aside.entry.records["SealHold"].clear()
        raise RuntimeError

    monkeypatch.setattr(loads_module, "moved", fail)
    with pytest.raises(RuntimeError):
        fact_cache.answer(holds)
    monkeypatch.setattr(loads_module, "moved", original)
    assert fact_cache.answer(holds)[:1] == ["h1"]
    assert fact_cache.statistics.moved == 0


def test_readers_never_see_a_part_of_a_change(stores: list[Store]) -> None:
    """Two seals of the enterprise have one name, always."""
    fact_cache = cached(stores[0])
    stop = threading.Event()

    def look(snapshot: FactSnapshot) -> tuple[set[str], int]:
        first, second = snapshot.find("Seal", "s1"), snapshot.find("Seal", "s2")
        found = (
            {first.name}
            | {second.name for _ in range(20)}
            | {s.name for s in first.enterprise.seals if s.id in ("s1", "s2")}
        )
        return found, snapshot.revision

    def read() -> int:
        last = 0
        while not stop.is_set():
            found, revision = fact_cache.answer(look)
            assert len(found) == 1
            assert revision >= last
            last = revision
        return last

    write(stores[0], edited("Seal", "s1", name="0"), edited("Seal", "s2", name="0"))
    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        for number in range(1, 40):
            write(stores[number % 2], edited("Seal", "s1", name=f"{number}"), edited("Seal", "s2", name=f"{number}"))
            fact_cache.refresh(uptime_s(), reload=True)
        stop.set()
        assert all(reader.result() for reader in readers)
    with FactCache(stores[1]).read() as fresh:
        expected = seen_in(fresh, [E1])
    assert fact_cache.answer(lambda snapshot: seen_in(snapshot, [E1])) == expected
    assert fact_cache.statistics.moved > 0
