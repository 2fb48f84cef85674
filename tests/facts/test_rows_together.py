"""Rows that one statement writes for several acts are those that each act would have written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from facts_scene import NOW, edited, everything, scene, write

from sealauthz.facts import Store
from sealauthz.facts.store.group_commit import SETTINGS
from sealauthz.facts.store.rows_together import SETTINGS as OF_ROWS
from sealauthz.facts.store.rows_together import RowsTogether, as_list
from sealauthz.facts.store.statements import RowsNotMet, driver
from sealauthz.model import MODEL
from sealauthz.schema import Change, Changes

pytestmark = pytest.mark.slow


@pytest.fixture
def store(new_database: Callable[[str], str]) -> Iterator[Store]:
    with closing(Store.open(new_database("postgresql"), MODEL, lambda: NOW)) as opened:
        yield opened


def together(store: Store, acts: list[Changes]) -> None:
    """Write acts as one group does, at revisions from 7 on."""
    with store._database.write(f"{SETTINGS}{OF_ROWS}") as connection:
        rows = RowsTogether(connection, store.tables)
        rows.write(acts)
        rows.check_deleted()
        rows.stamp([7 + number for number in range(len(acts))])


def made(records: list[object]) -> list[Changes]:
    """One act for each record that it makes."""
    return [Changes([Change(type(record).__name__, record.id, None, record)]) for record in records]  # type: ignore[attr-defined]


def test_records_of_every_type_are_written_as_they_are(store: Store, new_database: Callable[[str], str]) -> None:
    """With quotes, letters of many bytes, backslashes and the numbers that JSON would rather round."""
    odd = '"\u4e59"\\n\\\U0001f600'
    records = [
        dataclasses.replace(record, name=odd) if type(record).__name__ == "Department" else record for record in scene()
    ]
    assert {type(record).__name__ for record in records} == set(MODEL.records)
    together(store, made(records))
    with closing(Store.open(new_database("postgresql"), MODEL, lambda: NOW)) as other:
        write(other, *records)
        assert everything(store) == everything(other)


def test_each_act_has_its_revision_on_all_that_it_changed(store: Store) -> None:
    write(store, *scene())
    first, second, *_ = (record for record in everything(store) if type(record).__name__ == "Membership")
    acts = [
        Changes([Change(type(old).__name__, old.id, old, dataclasses.replace(old, **columns))])
        for old, columns in (
            (first, {"state": "SUSPENDED"}),
            (second, {"state": "SUSPENDED"}),
            (edited("Seal", "s1"), {"name": "other"}),
        )
    ]
    together(store, acts)
    for number, act in enumerate(acts):
        for change in act:
            (found,) = (each for each in store.read(change.record_type).records if each.record.id == change.id)
            assert (found.record, found.revision) == (change.after, 7 + number)


def test_nothing_is_written_where_a_row_is_gone(store: Store) -> None:
    write(store, *scene())
    before = everything(store)
    there = edited("Seal", "s1", name="other")
    gone = dataclasses.replace(there, id="gone")
    acts = [
        Changes([Change("Seal", "s1", edited("Seal", "s1"), there)]),
        Changes([Change("Seal", "gone", dataclasses.replace(gone, name="old"), gone)]),
    ]
    with pytest.raises(RowsNotMet):
        together(store, acts)
    deleting = [Changes([Change("Seal", "gone", gone, None)])]
    with pytest.raises(RowsNotMet):
        together(store, deleting)
    assert everything(store) == before


def test_a_number_of_acts_takes_as_many_statements_as_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And each row is looked for by its id, however small the table was when the statement was planned."""
    write(store, *scene())
    seals = [record for record in everything(store) if type(record).__name__ == "Seal"]
    acts = [
        Changes([Change("Seal", seal.id, seal, dataclasses.replace(seal, name=f"other {number}"))])
        for number, seal in enumerate(seals)
    ]
    assert len(acts) > 1
    sent: list[str] = []
    plain = RowsTogether.stamp

    def stamp(rows: RowsTogether, revisions: list[int]) -> None:
        run = rows._driver.run

        class Heard:
            @staticmethod
            def run(statement: str, values: dict[str, object]) -> object:
                sent.append(statement)
                listed = str(values["rows"]).replace("'", "''")
                text = statement.replace("%(rows)s", f"'{listed}'").replace("%(met)s", str(values["met"]))
                found = driver(connection).execute(f"EXPLAIN {text.replace('%%', '%')}").fetchall()
                plans.append("\n".join(row[0] for row in found))
                return run(statement, values)

        rows._driver = Heard()  # type: ignore[assignment]
        plain(rows, revisions)

    plans: list[str] = []
    monkeypatch.setattr(RowsTogether, "stamp", stamp)
    with store._database.write(f"{SETTINGS}{OF_ROWS}") as connection:
        rows = RowsTogether(connection, store.tables)
        rows.write(acts)
        rows.stamp([7] * len(acts))
    assert len(sent) == 1
    assert "Index Scan using seal_pkey" in plans[0], plans[0]


def test_a_list_takes_words_that_are_more_than_text() -> None:
    class Word(str):
        """As enums of words are."""

    assert (
        as_list([{"id": Word("a"), "number": 2**53 + 1}]).replace(" ", "") == '[{"id":"a","number":9007199254740993}]'
    )
