"""A rehearsal is made on a copy that holds what the store holds, and leaves the store as it was."""

from __future__ import annotations

from facts_scene import all_rows, person, scene

from sealauthz.facts import Batch, Precondition, PreconditionKind, Put, Store
from sealauthz.facts.store.tables import tables_of
from sealauthz.model import MODEL
from sealauthz.ops.sync.rehearsal import Touched, rehearsed


def rows_of(store: Store) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    with store.read_transaction() as snapshot:
        for name in MODEL.records:
            rows = snapshot.connection.execute(tables_of(MODEL).of(name).select()).all()
            found[name] = sorted((tuple(row) for row in rows), key=lambda row: str(row[0]))
    return found


def test_a_copy_holds_the_same_facts_and_is_written_alone(store: Store) -> None:
    store.write(Batch("t", "scene", tuple(map(Put, scene()))))
    store.write(Batch("t", "later", (Put(person("newcomer")),)))
    before, kept = rows_of(store), all_rows(store)
    with rehearsed(store) as copy:
        assert rows_of(copy) == before
        touched = Touched(copy)
        at_revision = Precondition("Person", "newcomer", PreconditionKind.AT_REVISION, 2)
        copy.write(Batch("t", "w", (Put(person("newcomer", real_name="Other")),), (at_revision,)))
        assert {unit.id for unit in touched.units} == {"newcomer"}
        assert rows_of(copy) != before
    assert all_rows(store) == kept


def test_an_empty_store_can_be_copied(store: Store) -> None:
    with rehearsed(store) as copy:
        copy.write(Batch("t", "w", (Put(person("first")),)))
        assert [stored.record.id for stored in copy.read("Person").records] == ["first"]
    assert store.revision() == 0
