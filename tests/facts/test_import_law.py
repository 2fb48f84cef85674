"""An import leaves what the same facts leave that are written one by one, however many are copied at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from facts_scene import NOW, enterprise, person, uscc

from sealauthz.facts import Batch, Part, Put, Store, Unit
from sealauthz.facts.store.importing import Importing
from sealauthz.facts.store.tables import tables_of
from sealauthz.model import MODEL
from sealauthz.model.records.membership import Membership
from sealauthz.model.records.seals import Seal
from sealauthz.runtime.errors import FactConflict, InvariantBroken

MANY = 40
"""More than are written one by one."""


def world(text: str = "seal") -> list[Any]:
    """An enterprise with many people and seals, their names as awkward as they may be."""
    found = enterprise(1)
    for number in range(MANY):
        found.append(person(f"p{number}", real_name=f"a\\,{number}\\N", phone=""))
        found.append(Membership(f"m{number}", f"p{number}", "e1", "IMPORT", NOW))
        found.append(Seal(f"s{number}", "e1", f"{text}{number}\\.\\N", "OTHER"))
    return sorted(found, key=lambda record: tables_of(MODEL).dependency_order[type(record).__name__])


def imported(
    store: Store, records: Iterable[Any], number: int = 1, *, is_last: bool = True, import_id: str = "i"
) -> int:
    part = Part(import_id, frozenset({"e1"}), number, is_last)
    return store.import_part("importer", part, records).written.revision


def written_singly(store: Store, records: list[Any]) -> None:
    """Write what can only come together in one write, and every other record in a write of its own."""
    together = [record for record in records if record in enterprise(1)]
    single = [record for record in records if record not in together]
    for number, some in enumerate([together, *([record] for record in single)]):
        store.write(Batch("writer", f"w{number}", tuple(map(Put, some))))


def stored(store: Store) -> dict[str, list[Any]]:
    """All records, and in which revision each was written last."""
    found = {}
    with store.read_transaction() as snapshot:
        for name, cls in MODEL.records.items():
            rows = snapshot.connection.execute(tables_of(MODEL).of(name).select()).all()
            found[name] = sorted((cls(*row[:-1]) for row in rows), key=lambda record: record.id)
    return found


def revisions(store: Store) -> set[int]:
    with store.read_transaction() as snapshot:
        tables = [tables_of(MODEL).of(name) for name in MODEL.records]
        return {row.revision for table in tables for row in snapshot.connection.execute(table.select())}


def history(store: Store) -> dict[tuple[str, str], Any]:
    """What the changes of each record came to, and the units that any revision touched."""
    found: dict[tuple[str, str], Any] = {}
    for revision in store.changes_after(0, 1_000).revisions:
        for change in revision.changes:
            first = found.get((change.record_type, change.id), (change.before,))[0]
            found[change.record_type, change.id] = (first, change.after, change.concerned_after)
    return found


def test_many_rows_at_once_are_what_single_writes_leave(new_database: Any, database_url: str) -> None:
    one, other = Store.open(database_url, MODEL), Store.open(new_database("sqlite"), MODEL)
    try:
        revision = imported(one, world())
        written_singly(other, world())
        assert stored(one) == stored(other)
        assert history(one) == history(other)
        assert revisions(one) == {revision}
        # And what is there is changed alike: by a part that has new rows and old ones.
        later = [*world("new"), *(Seal(f"t{number}", "e1", "more", "OTHER") for number in range(MANY))]
        changed = imported(one, later, import_id="j")
        other.write(Batch("writer", "later", tuple(map(Put, later))))
        assert stored(one) == stored(other)
        assert history(one) == history(other)
        assert revisions(one) == {revision, changed}
    finally:
        one.close()
        other.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_rows_get_the_revision_of_their_part_where_others_write_in_the_middle(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Importing.check

    def check_while_others_write(self: Importing, *arguments: Any) -> None:
        store.write(Batch("other", "o", (Put(person("stranger")),)))
        check(self, *arguments)

    monkeypatch.setattr(Importing, "check", check_while_others_write)
    revision = imported(store, world())
    assert revision == 2, "the other write came first"
    for record_type in ("Seal", "Membership"):
        assert {row.revision for row in store.read(record_type).records} == {2}
    assert {row.record.id: row.revision for row in store.read("Person").records}["stranger"] == 1


@pytest.mark.parametrize("is_last", [False, True])
def test_what_the_database_refuses_of_many_rows_names_its_record(store: Store, is_last: bool) -> None:
    taken = replace(enterprise(2)[0], uscc=uscc(1), realm="PUBLIC", auth_state="AUTHENTICATED")
    store.write(Batch("writer", "w", tuple(map(Put, [taken, *enterprise(2)[1:]]))))
    before = stored(store)
    with pytest.raises((FactConflict, InvariantBroken), match="`Enterprise:e1`"):
        imported(store, world(), is_last=is_last)
    assert stored(store) == before
    assert not store.open_imports()


def test_a_part_that_breaks_a_rule_leaves_nothing_of_what_was_copied(store: Store) -> None:
    store.write(Batch("writer", "w", tuple(map(Put, enterprise(2)))))
    before = stored(store)
    stray = [Seal(f"x{number}", "e2", "seal", "OTHER") for number in range(MANY)]
    with pytest.raises(InvariantBroken, match="does not name `Enterprise:e2`"):
        imported(store, [*world(), *stray])
    assert stored(store) == before


def test_marks_and_notes_of_an_import_come_and_go_in_bulk(store: Store) -> None:
    imported(store, world(), is_last=False)
    with store.plain_connection() as connection:
        marks = connection.exec_driver_sql("SELECT kind, id FROM fact_import_unit").all()
    assert [Unit(*row) for row in marks] == [Unit("ENTERPRISE", "e1")]
    imported(store, [], 2)
    with store.plain_connection() as connection:
        for table in ("fact_import_unit", "fact_import_new"):
            assert connection.exec_driver_sql(f"SELECT * FROM {table}").all() == []
