"""The store that a process follows, and a database that is no longer what it was: nothing is answered from it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from facts_scene import edited, restored, scene, write
from sqlalchemy import delete

from sealauthz.facts import Consistency, FactCache, FactSnapshot, Store
from sealauthz.facts.store.system_tables import FACT_CHANGE, FACT_CHANGE_UNIT
from sealauthz.model import MODEL
from sealauthz.runtime.errors import FactsUnavailable, HistoryLost, RevisionUnknown

FULL = Consistency(is_full=True)


@pytest.fixture
def file(new_database: Any) -> Path:
    return Path(new_database("sqlite").removeprefix("sqlite:///"))


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{file}", MODEL)
    write(store, *scene())
    yield store
    store.close()


@pytest.fixture
def cache(store: Store, file: Path) -> FactCache:
    """A cache that knows that the hold is gone, and of which a backup does not know it."""
    backup(file, file.with_name("backup.db"))
    cache = FactCache(store, max_age_s=1e9)
    assert cache.answer(is_held)
    write(store, edited("SealHold", "hold", state="RELEASED"))
    assert not cache.answer(is_held)
    return cache


def backup(source: Path, target: Path) -> None:
    """Copy a database into another, over what is there."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def is_held(snapshot: FactSnapshot) -> bool:
    return any(hold.state == "PLACED" for hold in snapshot.find("Seal", "s1").holds)


def refuses_all(store: Store, cache: FactCache, why: str) -> None:
    """See that nothing is answered, be it from memory or not, and nothing written."""
    answers: list[Callable[[], Any]] = [
        store.revision,
        lambda: cache.answer(is_held, FULL),
        lambda: cache.answer(is_held),
        lambda: write(store, edited("Seal", "s1", name="refused")),
    ]
    for answer in answers:
        with pytest.raises(HistoryLost, match=why):
            answer()


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_history_that_went_another_way_is_not_followed(
    store: Store, cache: FactCache, file: Path, writes: int
) -> None:
    """Whether it stays behind the one that is known, comes to the same revision, or beyond it."""
    seen = cache.timeline.name
    backup(file.with_name("backup.db"), file)
    with closing(Store.open(f"sqlite:///{file}", MODEL)) as other:
        for number in range(writes):
            write(other, edited("Seal", "s1", name=f"x{number}"))
    refuses_all(store, cache, "run `sealauthz db restored`")
    with closing(Store.open(f"sqlite:///{file}", MODEL)) as other:
        restored(other)
    assert cache.answer(is_held, FULL)
    assert cache.answer(is_held)
    assert store.revision() == 1 + writes
    with pytest.raises(RevisionUnknown):
        cache.answer(is_held, Consistency(timeline=seen, at_least=1))


def test_the_history_that_is_known_may_come_back(store: Store, cache: FactCache, file: Path) -> None:
    """As where somebody restored the wrong backup and then the right one."""
    backup(file, file.with_name("right.db"))
    backup(file.with_name("backup.db"), file)
    refuses_all(store, cache, "went back from revision 2 to 1")
    backup(file.with_name("right.db"), file)
    assert not cache.answer(is_held)


def test_a_history_that_was_left_does_not_come_back(store: Store, cache: FactCache, file: Path) -> None:
    """An announced restore has a name of its own; a second one, of an older backup, brings back the first name."""
    backup(file.with_name("backup.db"), file)
    restored(store)
    assert cache.answer(is_held, FULL)
    backup(file.with_name("backup.db"), file)
    refuses_all(store, cache, "a history that was left before")
    restored(store)
    assert cache.answer(is_held, FULL)


def test_another_store_under_the_same_name_is_not_served(
    store: Store, cache: FactCache, file: Path, new_database: Any
) -> None:
    other = Path(new_database("sqlite").removeprefix("sqlite:///"))
    file.rename(file.with_name("away.db"))
    shutil.copy(other, file)
    refuses_all(store, cache, "another store")


def test_a_file_that_is_replaced_by_its_own_copy_is_the_same_store(store: Store, cache: FactCache, file: Path) -> None:
    backup(file, file.with_name("copy.db"))
    file.with_name("copy.db").replace(file)
    for left in ("-wal", "-shm"):
        file.with_name(f"{file.name}{left}").unlink(missing_ok=True)
    assert not cache.answer(is_held, FULL)
    assert write(store, edited("Seal", "s1", name="x")).revision == 3


def test_a_revision_that_was_pruned_is_not_lost(store: Store, cache: FactCache, file: Path) -> None:
    with closing(Store.open(f"sqlite:///{file}", MODEL)) as other:
        write(other, edited("Seal", "s1", name="x"))
        with other._database.write() as connection:
            connection.execute(delete(FACT_CHANGE_UNIT).where(FACT_CHANGE_UNIT.c.revision < 3))
            connection.execute(delete(FACT_CHANGE).where(FACT_CHANGE.c.revision < 3))
    assert not cache.answer(is_held, FULL)
    assert store.revision() == 3


def test_a_hole_in_the_history_is_no_pruning(store: Store, cache: FactCache, file: Path) -> None:
    with closing(Store.open(f"sqlite:///{file}", MODEL)) as other:
        write(other, edited("Seal", "s1", name="x"))
        with other._database.write() as connection:
            connection.execute(delete(FACT_CHANGE_UNIT).where(FACT_CHANGE_UNIT.c.revision == 2))
            connection.execute(delete(FACT_CHANGE).where(FACT_CHANGE.c.revision == 2))
    refuses_all(store, cache, "another revision 2")


def test_what_was_in_memory_is_not_answered_once_anybody_noticed(store: Store, cache: FactCache, file: Path) -> None:
    backup(file.with_name("backup.db"), file)
    with pytest.raises(HistoryLost):
        cache.answer(is_held, FULL)
    with pytest.raises(FactsUnavailable):
        cache.answer(is_held)
    assert cache.numbers()["units"] == 0
