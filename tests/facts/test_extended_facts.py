"""What policies add to the tables of a database: added, kept, served beside code that does not know it, and dropped."""

from __future__ import annotations

import dataclasses
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from sealauthz.facts import Batch, Consistency, Delete, FactCache, FactSnapshot, Put, Store, Update, upgrade
from sealauthz.facts.memory.past_reading import PastReading
from sealauthz.facts.store.past import Past
from sealauthz.facts.store.upgrading import model_in, upgrade_statements
from sealauthz.model import MODEL
from sealauthz.model.migrations import altering
from sealauthz.model.records.identity import Person
from sealauthz.model.records.organisation import Enterprise
from sealauthz.runtime.errors import ExtensionRefused, FactConflict, FactsUnavailable, InvalidRequest, InvariantBroken
from sealauthz.schema import NO_EXTENSION, Extension, Model, extended
from sealauthz.schema.declaring import extension_from

SCORE = """
[columns.Person]
risk_score = { type = "Integer", default = 0 }
risk_note = { type = "String", default = "it's", personal = true }
risk_level = { words = ["LOW", "HIGH"], default = "LOW" }
is_watched = { type = "Boolean", default = false }
scored_at = "Instant"
"""
ENTRIES = """
[records.Entry]
home = "enterprise_id"
life = { column = "state", forward = { ACTIVE = ["LIFTED"] } }
[records.Entry.columns]
enterprise_id = { names = "Enterprise", collection = "entries" }
person_id = { names = "Person", collection = "entries" }
state = { words = ["ACTIVE", "LIFTED"], default = "ACTIVE" }
begins_at = "Instant"
ends_at = { type = "Instant", default = "forever" }
[[records.Entry.unique]]
columns = ["person_id"]
where = "state = 'ACTIVE'"
says = "one entry at a time"
[[records.Entry.checks]]
is = "begins_at < ends_at"
says = "an entry begins before it ends"
"""


def model_with(*texts: str) -> Model:
    return extended(MODEL, extension_from("".join(texts)))


WHOLE = model_with(SCORE, ENTRIES)
P, E = WHOLE.records["Person"], WHOLE.records["Entry"]


@pytest.fixture
def url(database_url: str) -> str:
    """A database that knows one person and one enterprise, and nothing that was added."""
    with closing(Store.open(database_url, MODEL)) as store:
        enterprise = Enterprise("e", "Spruce", "91350100M000100Y43")
        store.write(Batch("test", "begin", (Put(Person("p", real_name="Li")), Put(enterprise))))
    return database_url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    upgrade(url, WHOLE)
    with closing(Store.open(url, WHOLE)) as opened:
        yield opened


def write(store: Store, *changes: Any) -> int:
    return store.write(Batch("test", str(uuid.uuid4()), changes)).revision


def person(store: Store) -> Any:
    return store.read("Person").records[0].record


def test_rows_that_are_there_get_the_defaults(store: Store) -> None:
    assert person(store) == P("p", real_name="Li", risk_note="it's")


def test_a_database_without_what_a_model_needs_is_not_served(url: str) -> None:
    with pytest.raises(FactsUnavailable, match=r"lacks `Person.*run `sealauthz db upgrade --policies FOLDER`"):
        Store.open(url, model_with(SCORE))
    upgrade(url, model_with(SCORE))
    with pytest.raises(FactsUnavailable, match="lacks `Entry`"):
        Store.open(url, WHOLE)
    upgrade(url, WHOLE)
    Store.open(url, WHOLE).close()


def test_a_database_says_which_model_it_holds(url: str) -> None:
    assert model_in(url, MODEL) is MODEL
    upgrade(url, model_with(SCORE))
    assert model_in(url, MODEL) is model_with(SCORE)
    upgrade(url, model_with(ENTRIES))  # of another folder: the database has both
    assert model_in(url, MODEL) is WHOLE
    upgrade(url, MODEL)
    assert model_in(url, MODEL) is WHOLE
    assert model_in(f"{url.partition('?')[0]}.not-there" if url.startswith("sqlite") else url, MODEL).built_in is MODEL


def test_an_upgrade_that_was_made_has_nothing_to_do(url: str) -> None:
    assert upgrade_statements(url, WHOLE) != []
    assert model_in(url, MODEL) is MODEL  # they were only shown
    upgrade(url, WHOLE)
    assert upgrade_statements(url, WHOLE) == []
    assert upgrade_statements(url, MODEL) == []


def test_what_was_added_is_written_and_read_like_all_else(store: Store) -> None:
    write(store, Update("Person", "p", {"risk_score": 91, "is_watched": True, "risk_level": "HIGH", "scored_at": 7}))
    write(store, Put(E("b", 5, "e", "p")))
    found = person(store)
    assert (found.risk_score, found.is_watched, found.risk_level, found.scored_at) == (91, True, "HIGH", 7)
    assert [stored.record.id for stored in store.read("Person", {"risk_level": "HIGH"}).records] == ["p"]
    assert store.read("Entry").records[0].record == E("b", 5, "e", "p")
    cache = FactCache(store)
    entries = cache.answer(lambda snapshot: [e.id for e in snapshot.find("Enterprise", "e").entries])
    assert entries == ["b"]
    assert cache.answer(lambda snapshot: [e.person_id for e in snapshot.find("Person", "p").entries]) == ["p"]


def test_what_is_declared_of_a_record_is_kept(store: Store) -> None:
    write(store, Put(E("b", 5, "e", "p")))
    with pytest.raises(FactConflict, match=r"conflicts in `person_id`.*one entry at a time"):
        write(store, Put(E("c", 5, "e", "p")))
    with pytest.raises(InvariantBroken, match="an entry begins before it ends"):
        write(store, Put(E("c", 5, "e", "p", 3, "LIFTED")))
    with pytest.raises(InvariantBroken, match="names `Person:q`"):
        write(store, Put(E("c", 5, "e", "q")))
    with pytest.raises(InvalidRequest, match="not one of the words"):
        write(store, Update("Person", "p", {"risk_level": "MIDDLE"}))
    write(store, Update("Entry", "b", {"state": "LIFTED"}))
    with pytest.raises(InvariantBroken, match="which is final"):
        write(store, Update("Entry", "b", {"state": "ACTIVE"}))
    with pytest.raises(InvariantBroken, match="must keep its `enterprise_id`"):
        write(store, Put(E("b", 5, "f", "p", state="LIFTED")))


def test_code_that_does_not_know_it_reads_and_writes_beside_it(url: str) -> None:
    """Expand first: the database is upgraded while processes of the model before still serve."""
    with closing(Store.open(url, MODEL)) as before:
        upgrade(url, WHOLE)
        with closing(Store.open(url, WHOLE)) as after:
            write(after, Update("Person", "p", {"risk_score": 91, "scored_at": 7}), Put(E("b", 5, "e", "p")))
            write(before, Put(Person("p", real_name="Wang")), Put(Person("q")))
            assert (person(after).risk_score, person(after).real_name) == (91, "Wang")
            assert after.read("Person").records[1].record == P("q", risk_note="it's")
            assert before.read("Person").records[0].record == Person("p", real_name="Wang")
            # History has records that the one before knows nothing of.
            page = before.changes_after(0, 10)
            assert "Entry" in {changed.record_type for revision in page.revisions for changed in revision.changes}


def test_a_cache_sees_a_value_that_other_code_left_as_it_was(url: str) -> None:
    upgrade(url, WHOLE)
    with closing(Store.open(url, WHOLE)) as after, closing(Store.open(url, MODEL)) as before:
        write(after, Update("Person", "p", {"risk_score": 91}))
        cache = FactCache(after)
        assert known_in(cache, 0) == (91, "Li")
        written = write(before, Put(Person("p", real_name="Wang")))
        assert known_in(cache, written) == (91, "Wang")
        written = write(after, Update("Person", "p", {"risk_score": 12}))
        assert known_in(cache, written) == (12, "Wang")


def known_in(cache: FactCache, revision: int) -> tuple[int, str]:
    """What a cache knows of the person, at a revision or later."""

    def look(snapshot: FactSnapshot) -> tuple[int, str]:
        found = snapshot.find("Person", "p")
        return found.risk_score, found.real_name

    return cache.answer(look, Consistency(at_least=revision, timeline=cache.timeline.name))


def test_a_put_of_before_does_not_wipe_what_was_added(store: Store) -> None:
    write(store, Update("Person", "p", {"risk_score": 91}))
    with pytest.raises(InvariantBroken, match=r"holds a value in `risk_score`.*that the put leaves out"):
        write(store, Put(Person("p", real_name="Li")))
    assert person(store).risk_score == 91


def test_personal_text_that_was_added_is_in_no_history(store: Store) -> None:
    write(store, Update("Person", "p", {"risk_note": "seen in two towns", "risk_score": 91}))
    (revision,) = store.changes_after(store.revision() - 1, 10).revisions
    assert "risk_score" in str(revision.text)
    assert "towns" not in str(revision.text)
    assert "risk_note" not in str(revision.text)


def test_who_erases_a_person_erases_what_was_added_too(store: Store) -> None:
    """Whoever erases knows the record's own text, and perhaps nothing of what a folder has added."""
    write(store, Update("Person", "p", {"risk_note": "seen in two towns", "risk_score": 91, "phone": "13900000000"}))
    write(store, Update("Person", "p", {"real_name": ""}))
    assert person(store).risk_note == "seen in two towns"  # there is a phone yet: somebody corrects a name
    write(store, Update("Person", "p", {"phone": ""}))
    assert (person(store).risk_note, person(store).risk_score) == ("", 91)
    write(store, Update("Person", "p", {"real_name": "Li", "risk_note": "again"}))
    write(store, Update("Person", "p", {"real_name": ""}))
    assert person(store).risk_note == ""


def test_a_put_that_erases_a_person_need_not_name_what_was_added(store: Store) -> None:
    write(store, Update("Person", "p", {"risk_note": "seen in two towns"}))
    write(store, Put(Person("p")))
    assert (person(store).real_name, person(store).risk_note) == ("", "")


# --- two declarations, and taking away ------------------------------------------------------------------------------


def test_one_name_declared_in_two_ways_is_refused(store: Store, url: str) -> None:
    other = model_with("[columns.Person]\nrisk_score = 'String'")
    with pytest.raises(
        ExtensionRefused, match=r"`Person.risk_score` is String, optional .*, and Integer, default 0 in the"
    ):
        upgrade(url, other)
    assert model_in(url, MODEL) is WHOLE
    with pytest.raises(FactsUnavailable, match="has another model than this process"):
        Store.open(url, other)


def test_the_past_has_what_was_dropped_since(url: str) -> None:
    upgrade(url, WHOLE)
    with closing(Store.open(url, WHOLE)) as store:
        write(store, Update("Person", "p", {"risk_score": 7, "is_watched": True}))
        entry = E(id="e-1", enterprise_id="e", person_id="p", begins_at=1)
        then = write(store, Put(entry))
        write(store, Update("Person", "p", {"risk_score": 0, "is_watched": False}), Delete("Entry", "e-1"))
    upgrade(url, MODEL, drop_unused=True)
    with closing(Store.open(url, MODEL)) as store, store.read_transaction() as transaction:
        past = Past(transaction, 1)
        reading = PastReading(past, then, WHOLE)
        assert (reading.record("Person", "p").risk_score, reading.record("Person", "p").is_watched) == (7, True)
        assert reading.snapshot().find("Enterprise", "e").entries == [entry]
        assert PastReading(past, 1, WHOLE).record("Person", "p").risk_score == 0
        assert PastReading(past, 1, WHOLE).record("Entry", "e-1") is None


def test_what_holds_values_is_not_dropped(store: Store, url: str) -> None:
    write(store, Update("Person", "p", {"risk_score": 91}), Put(E("b", 5, "e", "p")))
    with pytest.raises(ExtensionRefused, match=r"`Entry` cannot be dropped: there are 1 of them; export them"):
        upgrade(url, MODEL, drop_unused=True)
    write(store, Delete("Entry", "b"))
    with pytest.raises(ExtensionRefused, match=r"`Person.risk_score` cannot be dropped: 1 records hold a value in it"):
        upgrade(url, MODEL, drop_unused=True)
    upgrade(url, model_with("[columns.Person]\nrisk_score = { type = 'Integer', default = 0 }"), drop_unused=True)
    assert {each.key for each in model_in(url, MODEL).extension.declarations} == {"Person.risk_score"}
    write_with(url, Update("Person", "p", {"risk_score": 0}))
    upgrade(url, MODEL, drop_unused=True)
    assert model_in(url, MODEL) is MODEL


def write_with(url: str, *changes: Any) -> None:
    with closing(Store.open(url, model_in(url, MODEL))) as store:
        write(store, *changes)


def test_a_process_notices_that_what_it_reads_was_taken_away(store: Store, url: str) -> None:
    upgrade(url, model_with(ENTRIES), drop_unused=True)
    with pytest.raises(FactsUnavailable, match=r"the database lacks `Person"):
        store.read("Person")
    # Made again, it is another column: what was read of the one before must be read again.
    upgrade(url, WHOLE)
    with store.read_transaction() as transaction:
        assert transaction.schema.endswith("+3")
    assert person(store).risk_score == 0


def test_a_record_that_is_there_gets_no_column_that_is_required(store: Store, url: str) -> None:
    larger = ENTRIES.replace('begins_at = "Instant"', 'begins_at = "Instant"\nreason = "String"')
    with pytest.raises(ExtensionRefused, match=r"`Entry.reason` cannot be added to a record that the database has"):
        upgrade(url, model_with(SCORE, larger))
    grown = model_with(SCORE, larger.replace('reason = "String"', 'reason = { type = "String", optional = true }'))
    write(store, Put(E("b", 5, "e", "p")))
    upgrade(url, grown)
    with closing(Store.open(url, grown)) as opened:
        assert opened.read("Entry").records[0].record.reason is None
        named = ENTRIES.replace(
            "[[records.Entry.unique]]", 'seal_id = { names = "Seal", optional = true }\n[[records.Entry.unique]]'
        )
    upgrade(url, model_with(named))
    found = model_in(url, MODEL)
    with closing(Store.open(url, found)) as opened, pytest.raises(InvariantBroken, match="does not exist"):
        write(opened, Update("Entry", "b", {"seal_id": "nowhere"}))


def test_a_version_that_has_it_itself_says_so_before_it_changes_anything(url: str) -> None:
    upgrade(url, model_with(SCORE))
    later = model_with("[columns.Person]\nrisk_score = { type = 'Integer', default = 1 }")
    newer = dataclasses.replace(later, extension=NO_EXTENSION, extends=None)  # as if it were built in
    with pytest.raises(ExtensionRefused, match=r"extended by what this version has otherwise: `Person.risk_score`"):
        upgrade(url, newer)


def test_what_another_version_declared_is_not_guessed(store: Store, url: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO fact_extension VALUES ('X', '{\"kind\": \"sorcery\"}', 1)"))
    engine.dispose()
    with pytest.raises(FactsUnavailable, match="was extended by another version"):
        model_in(url, MODEL)


def test_a_table_that_a_migration_makes_again_keeps_what_was_added(tmp_path: Any) -> None:
    """SQLite changes no constraint: a migration copies the table, and what policies added must come along."""
    url = f"sqlite:///{tmp_path / 'facts.db'}"
    upgrade(url, WHOLE)
    with closing(Store.open(url, WHOLE)) as store:
        write(store, Put(P("p", risk_score=91, scored_at=7)))
    rebuild(url)
    with closing(Store.open(url, WHOLE)) as store:
        assert (person(store).risk_score, person(store).scored_at) == (91, 7)
    with closing(sqlite3.connect(tmp_path / "facts.db")) as connection:
        assert connection.execute("SELECT realm FROM person").fetchall() == [("PUBLIC",)]


def rebuild(url: str) -> None:
    """Have a table made again, as a migration does that gives it a constraint."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    engine = create_engine(url)
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        altering.alter("person", checks={"person_some_check": "id <> ''"})
    engine.dispose()


def test_nothing_is_asked_of_a_database_that_nothing_was_added_to(url: str) -> None:
    """What is not declared costs nothing: neither a table, nor a word in the statement of a read."""
    with closing(Store.open(url, MODEL)) as store:
        assert "fact_extension" not in store._database.identity.statement
        assert "+" not in store._database.identity.schema
    assert Extension() == NO_EXTENSION
