"""Rows that a decision has read: they are those of the database, or the database is asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations
from typing import Any

import pytest
from facts_scene import everything, scene, write

from sealauthz.facts import FactCache, Store, Unit
from sealauthz.facts.store.acting import Observed
from sealauthz.facts.store.known import Known, KnownRows
from sealauthz.facts.store.rows import DatabaseRows
from sealauthz.model import MODEL
from sealauthz.schema import shape_of


class Counted(DatabaseRows):
    """Rows of the database, which count how often they are asked."""

    asked = 0

    def get(self, record_type: str, ids: Collection[str]) -> dict[str, Any]:
        Counted.asked += 1
        return super().get(record_type, ids)

    def naming(self, record_type: str, column: str, ids: Collection[str]) -> Sequence[Any]:
        Counted.asked += 1
        return super().naming(record_type, column, ids)


@pytest.fixture
def filled(store: Store) -> Store:
    write(store, *scene())
    return store


def held_by(store: Store, units: Collection[Unit], **settings: int) -> Observed:
    observed = Observed()

    def read(snapshot: Any) -> None:
        observing = snapshot.observing(observed)
        for unit in units:
            observing.unit(unit)

    FactCache(store, **settings).answer(read)
    return observed


def test_what_units_say_is_what_the_database_says(filled: Store) -> None:
    """Of every record by its id, and of every record by what it names, whichever units are known."""
    records = everything(filled)
    roots = [Unit(MODEL.units.roots[type(r).__name__], r.id) for r in records if type(r).__name__ in MODEL.units.roots]
    some: list[Collection[Unit]] = [[root] for root in roots]
    some += [pair for number, pair in enumerate(combinations(roots, 2)) if number % 9 == 0]
    held = [Known(MODEL, held_by(filled, units).held) for units in [*some, roots]]
    columns = [(name, c.name, c.ref) for name, shape in MODEL.shapes.items() for c in shape.columns if c.ref]
    ids = {name: [r.id for r in records if type(r).__name__ == name] for name in MODEL.records}
    with filled.read_transaction() as transaction:
        database = DatabaseRows(transaction.connection, transaction.tables)
        by_id = {name: database.get(name, [*some_ids, "nobody"]) for name, some_ids in ids.items()}
        naming = {
            (name, column, named): database.naming(name, column, [named])
            for name, column, ref in columns
            for named in ids[ref or ""]
        }
    answered = 0
    for known in held:
        for name, rows in by_id.items():
            for record_id in [*ids[name], "nobody"]:
                found = known.find(name, record_id)
                assert found is None or found == rows[record_id]
        for (name, column, named), expected in naming.items():
            members = known.naming(name, column, named)
            if members is not None:
                answered += bool(expected)
                assert sorted(r.id for r in members) == [r.id for r in expected], (name, column, named)
    assert answered > 100


def test_the_database_is_asked_only_for_what_is_not_known(filled: Store) -> None:
    known = Known(MODEL, held_by(filled, [Unit("ENTERPRISE", "e1")]).held)
    with filled.read_transaction() as transaction:
        rows = KnownRows(known, Counted(transaction.connection, transaction.tables), {("SealHold", "new")})
        before = Counted.asked
        assert rows.get("Seal", ["s1"])["s1"].enterprise_id == "e1"
        assert [r.id for r in rows.naming("Seal", "enterprise_id", ["e1"])]
        assert rows.get("SealHold", ["new"]) == {}
        assert Counted.asked == before
        assert rows.get("Enterprise", ["e1", "e2"]).keys() == {"e1", "e2"}
        assert rows.get("Enterprise", ["e1", "nobody"]).keys() == {"e1"}
        assert Counted.asked == before + 2


def test_a_large_unit_is_not_known(filled: Store) -> None:
    """It is changed in place when it is not read any more."""
    observed = held_by(filled, [Unit("ENTERPRISE", "e1")], large_bytes=1)
    assert observed.units == {Unit("ENTERPRISE", "e1")}
    assert observed.held == {}


def test_home_is_not_where_a_record_is_only_related(filled: Store) -> None:
    """A record that is held in the unit of another enterprise is not said to have there all that names it."""
    units = MODEL.units
    seen = 0
    records = everything(filled)
    roots = [Unit(units.roots[type(r).__name__], r.id) for r in records if type(r).__name__ in units.roots]
    with filled.read_transaction() as transaction:
        homes = units.homes_of(records, DatabaseRows(transaction.connection, transaction.tables))
    for unit, held in held_by(filled, roots).held.items():
        for record_type, some in held.items():
            for record in some.values():
                assert shape_of(type(record)).name == record_type
                is_home = units.is_at_home(record, unit, held)
                assert not is_home or homes[record_type, record.id] == unit
                # Where a record is at home, what leads to its root is held as well.
                assert is_home == (homes[record_type, record.id] == unit)
                seen += not is_home
    assert seen
