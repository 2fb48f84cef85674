"""Timeline: what each revision changed, once and in order, and whom each record concerned."""

from __future__ import annotations

import json
from typing import Any

import pytest
from facts_scene import NAME, PHONE, edited, enterprise, person, scene, write
from sqlalchemy import create_engine, delete, select, text, update

from sealauthz.facts import Delete, Store
from sealauthz.facts.store.history import Changed, Revision, read_changes
from sealauthz.facts.store.system_tables import FACT_CHANGE, FACT_CHANGE_UNIT
from sealauthz.model import MODEL
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.seals import SealHold
from sealauthz.model.records.signing import Signatory
from sealauthz.runtime.errors import RevisionGone, RevisionUnknown


def engine_of(url: str) -> Any:
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


def changes(store: Store, revision: int) -> dict[tuple[str, str], Changed]:
    (found,) = store.changes_after(revision - 1, 1).revisions
    return {(change.record_type, change.id): change for change in found.changes}


def test_pages_of_any_size_give_every_revision_once_and_in_order(store: Store) -> None:
    for number in range(7):
        write(store, person(f"p{number}"))
    for size in (1, 2, 3, 7, 100):
        at, seen = 0, []
        while True:
            page = store.changes_after(at, size)
            assert page.newest == 7
            if not page.revisions:
                break
            assert len(page.revisions) <= size
            seen += [(revision.number, next(revision.changes).id) for revision in page.revisions]
            at = page.revisions[-1].number
        assert seen == [(number + 1, f"p{number}") for number in range(7)]


def test_a_page_of_large_revisions_is_cut_short_and_never_empty(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        write(store, person(f"p{number}"))
    monkeypatch.setattr("sealauthz.facts.store.history._PAGE_CHARACTERS", 10)
    assert [len(store.changes_after(at, 10).revisions) for at in range(5)] == [1, 1, 1, 1, 0]


def test_a_large_revision_is_left_out_of_a_page_that_says_so_and_read_by_itself(store: Store) -> None:
    write(store, person("small"))
    write(store, *(person(f"p{number}") for number in range(50)))
    write(store, person("smaller"))
    with store.read_transaction() as snapshot:
        found = read_changes(snapshot, 0, 10, largest=2_000).revisions
    assert [(revision.number, revision.text is None) for revision in found] == [(1, False), (2, True), (3, False)]
    with pytest.raises(ValueError, match="revision 2 are left out"):
        list(found[1].changes)
    assert len(changes(store, 2)) == 50


@pytest.mark.parametrize("indent", [None, 1])
def test_changes_are_parsed_as_the_json_that_they_are(store: Store, indent: int | None) -> None:
    write(store, *scene())
    (revision,) = store.changes_after(0, 1).revisions
    assert revision.text is not None
    entries = json.loads(revision.text)
    text = json.dumps(entries, indent=indent)
    assert list(Revision(1, 1, text).changes) == list(revision.changes)
    assert [change.id for change in revision.changes] == [entry["id"] for entry in entries]
    assert list(Revision(1, 1, "[]").changes) == list(Revision(1, 1, "[ ]").changes) == []
    for end in ("", "[", "{}", text[:-1], text[:-2], text[: len(text) // 2], text + "x"):
        with pytest.raises(ValueError, match=r"end|Expecting|delimiter|Unterminated"):
            list(Revision(1, 1, end).changes)


def test_the_newest_is_where_one_begins_who_names_no_revision(store: Store) -> None:
    assert store.changes_after(-1, 10).newest == 0
    receipt = write(store, person("p"))
    page = store.changes_after(-1, 10)
    assert (page.newest, page.newest_at, page.revisions) == (1, receipt.at, ())


def test_a_revision_to_come_or_of_another_history_is_unknown(store: Store) -> None:
    write(store, person("p"))
    with pytest.raises(RevisionUnknown, match="no revision 2 yet"):
        store.changes_after(2, 10)
    with pytest.raises(RevisionUnknown, match="restored"):
        store.changes_after(1, 10, "another")
    assert store.changes_after(0, 10, store.changes_after(-1, 1).timeline).revisions


def test_changes_that_are_no_longer_kept_are_gone(store: Store, database_url: str) -> None:
    for number in range(5):
        write(store, person(f"p{number}"))
    engine = engine_of(database_url)
    with engine.begin() as connection:
        for table in (FACT_CHANGE_UNIT, FACT_CHANGE):
            connection.execute(delete(table).where(table.c.revision <= 3))
    engine.dispose()
    for after in (0, 1, 2):
        with pytest.raises(RevisionGone) as caught:
            store.changes_after(after, 10)
        assert caught.value.is_pruned
    assert [revision.number for revision in store.changes_after(3, 10).revisions] == [4, 5]
    assert store.changes_after(5, 10).revisions == ()


def test_images_say_whom_a_record_concerned_before_and_after(store: Store) -> None:
    write(store, *scene())
    found = changes(store, 1)
    assert found["SealGrant", "g1"].concerned_after == {"e1"}
    assert found["HolderAssignment", "holder"].concerned_after == {"e1"}
    assert found["Person", "ann"].concerned_after == frozenset()
    assert {change.concerned_before for change in found.values()} == {frozenset()}
    # A contract concerns its initiator, and whoever is a party.
    write(store, Contract("c2", "e1", "SALES"))
    write(store, edited("Contract", "c1", id="c2", amount=7), Signatory("p2", "c2", "ENTERPRISE", enterprise_id="e2"))
    found = changes(store, 3)
    assert found["Contract", "c2"].concerned_before == {"e1"}
    assert found["Contract", "c2"].concerned_after == {"e1", "e2"}
    write(store, Delete("TaskOperator", "operator"))
    gone = changes(store, 4)["TaskOperator", "operator"]
    assert (gone.concerned_before, gone.concerned_after) == ({"e1"}, frozenset())


def test_images_hold_every_column_but_the_personal_ones(store: Store) -> None:
    write(store, *scene())
    for (record_type, _), change in changes(store, 1).items():
        public = [column.name for column in MODEL.shapes[record_type].columns if not column.is_personal]
        assert change.after is not None
        assert list(change.after) == public
    with store.read_transaction() as snapshot:
        stored = "".join(snapshot.connection.execute(select(FACT_CHANGE.c.changes)).scalars())
    assert NAME not in stored
    assert PHONE not in stored


def test_of_an_old_change_nobody_says_whom_it_concerned(store: Store, database_url: str) -> None:
    write(store, *enterprise(1))
    engine = engine_of(database_url)
    with engine.begin() as connection:
        entries = json.loads(connection.execute(select(FACT_CHANGE.c.changes)).scalar_one())
        old = [{key: entry[key] for key in ("type", "id", "before", "after")} for entry in entries]
        connection.execute(update(FACT_CHANGE).values(changes=json.dumps(old)))
        connection.execute(text("SELECT 1"))
    engine.dispose()
    for change in changes(store, 1).values():
        assert (change.concerned_before, change.concerned_after) == (None, None)


def test_a_deleted_record_is_shown_as_it_was(store: Store) -> None:
    write(store, *scene())
    write(store, edited("SealHold", "hold", state="RELEASED"))
    found = changes(store, 2)["SealHold", "hold"]
    assert found.before is not None
    assert found.after is not None
    assert SealHold(**found.before) == edited("SealHold", "hold")
    assert SealHold(**found.after) == edited("SealHold", "hold", state="RELEASED")
