"""A restored store that is not complete takes writes of facts, and no process answers from it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from facts_scene import edited, opened, scene, write
from sqlalchemy import select, text
from test_identity import backup

from sealauthz.facts import Batch, Consistency, FactCache, FactSnapshot, Feed, Part, Put, Store, upgrade
from sealauthz.facts.store.acting import Basis, Intended, Observed
from sealauthz.facts.store.batch import check
from sealauthz.facts.store.system_tables import AUDIT_PENDING, STORE_IDENTITY
from sealauthz.model import MODEL
from sealauthz.runtime.errors import FactsUnavailable, HistoryLost, InvariantBroken, RestoreIncomplete

FULL = Consistency(is_full=True)
ROUNDS, ASKERS = 12, 3


@pytest.fixture
def stores(database_url: str) -> Iterator[list[Store]]:
    """The store as two processes have it."""
    with opened(database_url, 2) as stores:
        write(stores[0], *scene())
        yield stores


def is_held(snapshot: FactSnapshot) -> bool:
    return any(hold.state == "PLACED" for hold in snapshot.find("Seal", "s1").holds)


def act(store: Store) -> Any:
    """Write what a decision on the newest revision allows that looks at nothing."""

    def intend() -> Intended:
        with store.read_transaction(may_be_incomplete=True) as transaction:
            basis = Basis(transaction.timeline, transaction.revision, Observed(), 2**62, lambda: True)
        wanted = check(Batch("t", "act", (Put(edited("Seal", "s1", name="acted")),)), MODEL)
        return Intended(wanted, basis, lambda _is_postgresql, _receipt: [])

    return store.act(intend)


def test_incomplete_store_takes_facts_and_answers_nothing(stores: list[Store]) -> None:
    before = FactCache(stores[0], max_age_s=1e9)
    assert before.answer(is_held)
    assert stores[1].announce_restore(7).revision == 1
    after = FactCache(stores[1], max_age_s=1e9)
    answers: list[Callable[[], Any]] = [
        lambda: before.answer(is_held, FULL),
        lambda: before.answer(is_held),  # forgotten since the answer before
        lambda: after.answer(is_held),
        lambda: after.read().__enter__(),
        *(store.revision for store in stores),
        *(lambda store=store: store.changes_after(0, 1) for store in stores),  # type: ignore[misc]
        *(lambda store=store: act(store) for store in stores),  # type: ignore[misc]
    ]
    for number, store in enumerate(stores):
        write(store, edited("Seal", "s1", name=f"x{number}"))
        part = Part(f"import-{number}", frozenset({"e1"}), 1, is_last=True)
        store.import_part("t", part, [])
        assert store.read("Seal", {"id": "s1"}).records[0].record.name == f"x{number}"
        for answer in answers:
            with pytest.raises(RestoreIncomplete, match="`sealauthz db complete`"):
                answer()
    restored = stores[0].complete_restore("lin", "the holds are written again")
    assert restored is not None
    assert (restored.revision, restored.log_size) == (1, 7)
    assert stores[1].complete_restore("lin", "again") is None
    assert before.answer(is_held, FULL)
    assert after.answer(is_held)
    assert act(stores[1]).revision == stores[0].revision()


def test_own_write_into_an_incomplete_store_makes_no_memory_answer(stores: list[Store]) -> None:
    """A writer's own revision is taken into memory without a look: not into that of before the restore."""
    cache = FactCache(stores[0], max_age_s=1e9)
    assert cache.answer(is_held)
    stores[1].announce_restore()
    write(stores[0], edited("Seal", "s1", name="x"))
    with pytest.raises(RestoreIncomplete):
        cache.answer(is_held)


def test_no_question_in_flight_is_answered_before_the_hold_is_back(stores: list[Store]) -> None:
    """The hold is missing in the backup and written again in each round. Whoever asks, sees it or gets no answer."""
    caches = [FactCache(store) for store in stores]
    feeds = [Feed(cache, store, lambda *_: None, 0.01) for cache, store in zip(caches, stores, strict=True)]
    ended, wrong = threading.Event(), list[int]()
    phase = 0  # odd while an answer may miss the hold
    answered = 0

    def ask(cache: FactCache) -> None:
        nonlocal answered
        while not ended.is_set():
            began = phase
            try:
                held = cache.answer(is_held, FULL)
            except FactsUnavailable:
                continue
            answered += 1
            if not held and began == phase and began % 2 == 0:
                wrong.append(began)

    threads = [threading.Thread(target=ask, args=[cache]) for cache in caches for _ in range(ASKERS)]
    for worker in [*feeds, *threads]:
        worker.start()
    for number in range(ROUNDS):
        store = stores[number % 2]
        phase += 1
        write(store, edited("SealHold", "hold", state="RELEASED"))
        store.announce_restore()
        phase += 1
        with store._database.write() as connection:  # what an act wrote, and a restore took away
            connection.execute(text("UPDATE seal_hold SET state = 'PLACED' WHERE id = 'hold'"))
        write(store, edited("Seal", "s1", name=f"x{number}"))
        store.complete_restore("t", "the hold is back")
        caches[number % 2].answer(is_held, FULL)
    ended.set()
    for thread in threads:
        thread.join()
    for feed in feeds:
        feed.stop()
    assert not wrong
    assert answered >= ROUNDS


def test_state_survives_an_upgrade_and_a_seal_of_the_identity(stores: list[Store], database_url: str) -> None:
    stores[0].announce_restore(3)
    upgrade(database_url, MODEL)
    restored = stores[1].restored
    assert restored is not None
    assert restored.log_size == 3
    write(stores[1], edited("Seal", "s1", name="x"))
    assert stores[1].complete_restore("t", "n") is not None
    upgrade(database_url, MODEL)
    assert stores[0].revision() == 2


def test_code_that_does_not_know_the_state_takes_the_store_for_a_copy(stores: list[Store]) -> None:
    """It compares the whole origin with where the row was written (on PostgreSQL, where it may still run)."""
    with stores[0].plain_connection() as connection:
        before = connection.execute(select(STORE_IDENTITY.c.origin)).scalar() or ""
    stores[0].announce_restore()
    with stores[0].plain_connection() as connection:
        origin = connection.execute(select(STORE_IDENTITY.c.origin)).scalar() or ""
    assert origin.startswith("restored 1 0 ")
    assert before.partition("/")[0] in origin


def test_restore_with_an_open_import_is_not_completed(stores: list[Store]) -> None:
    stores[0].announce_restore()
    stores[0].import_part("hr", Part("monday", frozenset({"e1"}), 1, is_last=False), [])
    with pytest.raises(InvariantBroken, match="abandon `monday` of `hr`"):
        stores[1].complete_restore("t", "n")
    stores[0].import_part("hr", Part("monday", frozenset({"e1"}), 2, is_last=True), [])
    assert stores[1].complete_restore("t", "n") is not None


def test_restore_that_breaks_a_standing_rule_is_not_completed(stores: list[Store]) -> None:
    """As where a part of the rows was restored: an enterprise has an administrator."""
    stores[0].announce_restore()
    with stores[0]._database.write() as connection:
        connection.execute(text("UPDATE role_assignment SET state = 'REVOKED' WHERE role = 'SYSTEM_ADMIN'"))
    with pytest.raises(InvariantBroken):
        stores[1].complete_restore("t", "n")
    with pytest.raises(RestoreIncomplete):
        stores[1].revision()


def test_who_completed_a_restore_and_why_is_recorded(stores: list[Store]) -> None:
    stores[0].announce_restore()
    write(stores[0], edited("Seal", "s1", name="x"))
    stores[0].complete_restore("lin", "holds of monday")
    with stores[0].plain_connection() as connection:
        lines = connection.execute(select(AUDIT_PENDING.c.records).order_by(AUDIT_PENDING.c.id)).scalars()
        restored, completed = (json.loads(line) for line in lines)
    assert (restored["kind"], restored["revision"]) == ("StoreRestored", 1)
    assert (completed["kind"], completed["caller"], completed["note"]) == ("StoreCompleted", "lin", "holds of monday")
    assert (completed["restored_revision"], completed["revision"]) == (1, 2)


def test_process_that_knows_of_no_newer_revision_refuses_what_another_saw_go_back(new_database: Any) -> None:
    """A file that is put back is recognised by who served it before. Its word counts for those that begin later."""
    url = new_database("sqlite")
    file = Path(url.removeprefix("sqlite:///"))
    with closing(Store.open(url, MODEL)) as store:
        write(store, *scene())
        backup(file, file.with_name("backup.db"))
        write(store, edited("Seal", "s1", name="x"))
        backup(file.with_name("backup.db"), file)
        with pytest.raises(HistoryLost, match="went back from revision 2 to 1"):
            store.revision()
        store.distrust()
        with closing(Store.open(url, MODEL)) as other:
            upgrade(url, MODEL)
            for answer in (other.revision, lambda: write(other, edited("Seal", "s1", name="y"))):
                with pytest.raises(HistoryLost, match="run `sealauthz db restored`"):
                    answer()
            other.announce_restore()
            store.distrust()  # it is announced: nothing to write down
            write(other, edited("Seal", "s1", name="y"))
            assert other.complete_restore("t", "n") is not None
        assert store.revision() == 2


def test_store_that_is_sound_is_not_distrusted(stores: list[Store]) -> None:
    stores[0].distrust()
    assert stores[1].revision() == 1
    assert stores[1].write(Batch("t", "r", (Put(stores[1].read("Seal").records[0].record),))).revision == 1
