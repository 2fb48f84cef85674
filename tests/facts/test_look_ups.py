"""Look-ups by a column: what is remembered is what the database would find, whatever was written since, by anybody."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import pytest
from facts_scene import NOW, edited, opened, restored, scene, write
from test_world import EDITS, _key

from sealauthz.facts import Delete, FactCache, FactSnapshot, Store
from sealauthz.facts.memory.consistency import Consistency, uptime_s
from sealauthz.facts.memory.lookups import LookUps, holding
from sealauthz.facts.memory.sources import TransactionSource
from sealauthz.facts.store.history import Changed
from sealauthz.model.records.signing import TaskOperator
from sealauthz.runtime.errors import FactConflict, InvariantBroken

FULL = Consistency(is_full=True)
ASKED: list[tuple[str, dict[str, str]]] = [
    ("TaskSeal", {"seal_id": "s1"}),
    ("TaskOperator", {"person_id": "ann"}),
    ("TaskOperator", {"person_id": "old"}),
    ("TaskOperator", {"person_id": "nobody"}),
    ("TaskOperator", {"task_id": "task1", "person_id": "bob"}),
    ("Contract", {"initiator_id": "e1"}),
    ("Signatory", {"enterprise_id": "e1"}),
    ("SigningTask", {"handler_id": "old"}),
    ("Enterprise", {"realm": "PUBLIC", "auth_state": "AUTHENTICATED"}),
    ("Person", {"real_name": "x"}),
    ("Seal", {"custodian_id": "m-bob"}),
    ("RegistrySnapshot", {"legal_rep_id": "ann"}),
]
PAGES: list[tuple[str, str, str, int]] = [
    ("Enterprise", "id", "", 2),
    ("Enterprise", "id", "e2", 2),
    ("TaskOperator", "person_id", "", 2),
    ("TaskOperator", "person_id", "bob", 10),
    ("RegistrySnapshot", "legal_rep_id", "", 5),
    ("Person", "real_name", "", 3),
]
HOMES = [("TaskOperator", "operator2"), ("TaskOperator", "operator"), ("SealHold", "hold2"), ("SealHold", "hold")]


@pytest.fixture
def stores(new_database: Any) -> Iterator[list[Store]]:
    with opened(new_database("sqlite"), 2) as stores:
        write(stores[0], *scene())
        yield stores


def asked(snapshot: FactSnapshot) -> list[Any]:
    """What every look-up finds."""
    found: list[Any] = [snapshot.matching(record_type, **values) for record_type, values in ASKED]
    found += [snapshot.after(*page) for page in PAGES]
    return found + [snapshot.find(*key) is not None for key in HOMES]


def in_database(store: Store) -> list[Any]:
    """The same, as the database has it."""
    with store.read_transaction() as transaction:
        source = TransactionSource(transaction)
        found: list[Any] = [source.matching(record_type, values) for record_type, values in ASKED]
        found += [source.after(*page) for page in PAGES]
        return found + [source.home(*key) is not None for key in HOMES]


def counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many read transactions are opened from now on."""
    opened: list[int] = []
    original = store.read_transaction

    def read_transaction() -> Any:
        opened.append(1)
        return original()

    monkeypatch.setattr(store, "read_transaction", read_transaction)
    return opened


def test_after_any_history_look_ups_find_what_the_database_finds(stores: list[Store]) -> None:
    rng = random.Random(31)
    fact_cache = FactCache(stores[0], max_age_s=1e9)
    forgetful = FactCache(stores[0], budget=40_000, max_age_s=1e9)
    for _ in range(60):
        store = rng.choice(stores)
        some = {_key(change): change for change in rng.sample(EDITS, rng.randint(1, 3))}
        with contextlib.suppress(InvariantBroken, FactConflict):
            write(store, *some.values())
        expected = in_database(stores[0])
        assert fact_cache.answer(asked, FULL) == expected
        assert forgetful.answer(asked, FULL) == expected
        assert fact_cache.answer(asked) == expected  # now from memory


def test_what_was_looked_up_is_answered_from_memory_after_writes_of_others_too(
    stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    fact_cache = FactCache(stores[0], max_age_s=1e9)
    opened = counted(stores[0], monkeypatch)

    def operators(snapshot: FactSnapshot) -> list[str]:
        return snapshot.matching("TaskOperator", person_id="old")

    before = fact_cache.answer(operators)
    write(stores[0], TaskOperator("operator2", "task2", "old"))
    write(stores[1], TaskOperator("operator8", "task1", "old"))
    fact_cache.refresh(uptime_s())
    opened.clear()
    assert fact_cache.answer(operators) == sorted([*before, "operator2", "operator8"])
    write(stores[0], Delete("TaskOperator", "operator2"))
    assert fact_cache.answer(operators) == sorted([*before, "operator8"])
    assert opened == []


def test_a_look_up_of_what_is_personal_is_never_out_of_date(stores: list[Store]) -> None:
    """Its text is in no image of a change."""
    fact_cache = FactCache(stores[0], max_age_s=1e9)

    def named(snapshot: FactSnapshot) -> list[str]:
        return snapshot.matching("Person", real_name="new name")

    assert fact_cache.answer(named) == []
    write(stores[0], edited("Person", "ann", real_name="new name"))
    assert fact_cache.answer(named) == ["ann"]
    write(stores[1], edited("Person", "ann", real_name="other", last_active_at=NOW))
    assert fact_cache.answer(named, FULL) == []


def test_what_was_looked_up_before_a_commit_is_not_kept_after_it(
    stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed between the snapshot of a look-up and the feed, which is faster than the look-up."""
    fact_cache = FactCache(stores[0], max_age_s=1e9)
    fact_cache.refresh(uptime_s())
    original = TransactionSource.matching

    def matching(source: TransactionSource, record_type: str, values: Any) -> list[str]:
        found = original(source, record_type, values)
        monkeypatch.setattr(TransactionSource, "matching", original)
        write(stores[0], TaskOperator("operator2", "task2", "old"))
        return found

    monkeypatch.setattr(TransactionSource, "matching", matching)

    def operators(snapshot: FactSnapshot) -> list[str]:
        return snapshot.matching("TaskOperator", person_id="old")

    assert "operator2" not in fact_cache.answer(operators)
    assert "operator2" in fact_cache.answer(operators)


def test_an_answer_does_not_find_what_came_after_its_revision(stores: list[Store]) -> None:
    fact_cache = FactCache(stores[0], max_age_s=1e9)
    fact_cache.answer(asked)
    revisions = []

    def operators(snapshot: FactSnapshot) -> list[str]:
        revisions.append(snapshot.revision)
        found = snapshot.matching("TaskOperator", person_id="old")
        if len(revisions) == 1:
            write(stores[0], TaskOperator("operator2", "task2", "old"))
        assert snapshot.matching("TaskOperator", person_id="old") == found
        return found

    # Begun again: what it looks up has changed since the revision at which it began.
    assert "operator2" in fact_cache.answer(operators)
    assert revisions == [1, 2]


def test_of_another_history_nothing_is_remembered(stores: list[Store]) -> None:
    fact_cache = FactCache(stores[0], max_age_s=1e9)
    fact_cache.answer(asked)
    with stores[1]._database.write() as connection:  # as a restore would, behind our back
        connection.exec_driver_sql("DELETE FROM task_operator")
    restored(stores[1])
    assert fact_cache.answer(asked, FULL) == in_database(stores[1])


def image(record_id: str, **columns: Any) -> dict[str, Any]:
    return {"id": record_id, **columns}


def test_an_image_without_the_column_forgets_the_look_ups_by_it() -> None:
    """A writer of the schema one version older does not know the column: its rows hold what is the default."""
    look_ups = LookUps(1_000_000, 1)
    old, new = holding("Seal", {"enterprise_id": "e1"}), holding("Seal", {"kind": "OFFICIAL"})
    look_ups.keep(old, ["s1"], 1)
    look_ups.keep(new, ["s1"], 1)
    after = image("s0", enterprise_id="e1")
    look_ups.advance(2, [Changed("Seal", "s0", None, after, None, None)])
    assert look_ups.get(new) is None
    found = look_ups.get(old)
    assert found is not None
    assert found == (("s0", "s1"), 2)


def test_look_ups_take_so_much_room_and_what_is_asked_again_stays() -> None:
    look_ups = LookUps(3 * 20 * 10_000, 1)
    often = holding("Seal", {"enterprise_id": "often"})
    look_ups.keep(often, ["s1"], 1)
    for number in range(200):
        look_ups.keep(holding("Seal", {"enterprise_id": f"e{number}"}), ["s"], 1)
        if look_ups.get(often) is not None and look_ups.is_old(often):
            look_ups.renew(often)
    assert look_ups.get(often) is not None
    assert look_ups.get(holding("Seal", {"enterprise_id": "e0"})) is None
    look_ups.keep(holding("Seal", {"enterprise_id": "large"}), [f"s{n}" for n in range(1_000)], 1)
    assert look_ups.get(holding("Seal", {"enterprise_id": "large"})) is None
    assert look_ups.get(often) is not None
