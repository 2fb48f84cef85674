"""Writers at once: revisions without gaps in the order of commits, invariants that hold, readers that see no mix."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from facts_scene import NOW, edited, enterprise, person, scene, uscc, write
from sqlalchemy import select

from sealauthz.facts import FactCache, Store
from sealauthz.facts.store.system_tables import FACT_CHANGE
from sealauthz.model import MODEL
from sealauthz.model.records.membership import Membership, RoleAssignment
from sealauthz.model.records.organisation import Enterprise
from sealauthz.model.records.seals import SealHold
from sealauthz.runtime.errors import FactConflict, InvariantBroken

WRITERS = 4
WRITES = 15


@pytest.fixture
def stores(database_url: str) -> Iterator[list[Store]]:
    """Several stores on one database, as several processes would have."""
    stores = [Store.open(database_url, MODEL) for _ in range(WRITERS + 1)]
    yield stores
    for store in stores:
        store.close()


def test_revision_order_is_commit_order_and_a_follower_sees_no_gap(stores: list[Store]) -> None:
    for number in range(1, WRITERS + 1):
        write(stores[0], *enterprise(number))
    seen: list[int] = []
    returned: list[int] = []
    total = WRITERS + WRITERS * WRITES

    def follow() -> None:
        deadline = time.monotonic() + 60
        while len(seen) < total and time.monotonic() < deadline:
            with stores[0].read_transaction() as snapshot:
                last = seen[-1] if seen else 0
                rows = snapshot.connection.execute(
                    select(FACT_CHANGE.c.revision).where(FACT_CHANGE.c.revision > last).order_by(FACT_CHANGE.c.revision)
                )
                fresh = [row.revision for row in rows]
                # What a write has returned is there for every snapshot opened after it.
                assert snapshot.revision == (fresh[-1] if fresh else last)
                seen.extend(fresh)

    def work(number: int) -> None:
        store = stores[number]
        for turn in range(WRITES):
            before = store.revision()
            # Every other write meets those of the other writers at the same enterprise.
            target = number if turn % 2 else 1
            name = f"{number}-{turn}"
            receipt = write(store, edited("Enterprise", "e1", id=f"e{target}", name=name, uscc=uscc(target)))
            assert before < receipt.revision <= store.revision()
            returned.append(receipt.revision)

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        following = pool.submit(follow)
        for working in [pool.submit(work, number) for number in range(1, WRITERS + 1)]:
            working.result()
        following.result()
    assert seen == list(range(1, total + 1))
    assert sorted(returned) == list(range(WRITERS + 1, total + 1))


def test_two_administrators_revoked_at_once_leave_one(stores: list[Store]) -> None:
    write(stores[0], *enterprise(1), person("ann"), Membership("m-ann", "ann", "e1", "INVITE", NOW))
    standing, its_member, other_member = "e1-admin", "e1-m-boss", "m-ann"
    for number in range(10):
        other = f"admin-{number}"
        write(stores[0], RoleAssignment(other, other_member, "SYSTEM_ADMIN"))
        holder = {standing: its_member, other: other_member}
        barrier = threading.Barrier(2)

        def revoke(store: Store, assignment: str, member: str, barrier: threading.Barrier = barrier) -> str:
            barrier.wait()
            try:
                write(store, RoleAssignment(assignment, member, "SYSTEM_ADMIN", state="REVOKED"))
            except InvariantBroken as error:
                return error.invariant
            return ""

        with ThreadPoolExecutor(2) as pool:
            results = {
                assignment: pool.submit(revoke, store, assignment, member)
                for store, (assignment, member) in zip(stores, holder.items(), strict=False)
            }
            broken = {assignment: result.result() for assignment, result in results.items()}
        assert sorted(broken.values()) == ["", "I4"]
        won = {assignment for assignment, invariant in broken.items() if not invariant}
        (left,) = holder.keys() - won
        active = stores[0].read("RoleAssignment", {"state": "ACTIVE", "role": "SYSTEM_ADMIN"}).records
        assert [stored.record.id for stored in active] == [left]
        standing, its_member, other_member = left, holder[left], holder[next(iter(won))]


def test_a_guest_that_enters_while_its_person_changes_is_never_stale(stores: list[Store]) -> None:
    write(stores[0], person("ann"), *(r for n in range(1, 13) for r in enterprise(n)))
    fact_cache = FactCache(stores[0])
    for number in range(1, 13):
        with fact_cache.read() as snapshot:
            snapshot.find("Enterprise", f"e{number}")
        barrier = threading.Barrier(2)

        def enter(number: int = number, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            write(stores[1], Membership(f"m{number}", "ann", f"e{number}", "INVITE", NOW))

        def rename(number: int = number, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            write(stores[2], person("ann", real_name=f"name {number}"))

        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(enter), pool.submit(rename)]
            while not all(job.done() for job in waiting):
                with fact_cache.read() as snapshot:
                    assert snapshot.find("Enterprise", f"e{number}") is not None
            for job in waiting:
                job.result()
        with fact_cache.read() as snapshot:
            member = snapshot.find("Membership", f"m{number}")
            assert member.person.real_name == snapshot.find("Person", "ann").real_name == f"name {number}"


def test_a_post_that_ends_while_it_reviews_is_never_stale(stores: list[Store]) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0])
    for number in range(12):
        post = f"post{number}"
        write(stores[0], edited("PlatformStaff", "staff", id=post))
        with fact_cache.read() as snapshot:
            snapshot.find("Enterprise", "e1")
        barrier = threading.Barrier(2)

        def review(post: str = post, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            try:
                write(stores[1], edited("RetrievalReview", "review", id=post, staff_id=post))
            except InvariantBroken:
                return False
            return True

        def end(post: str = post, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            write(stores[2], edited("PlatformStaff", "staff", id=post, state="ENDED"))

        with ThreadPoolExecutor(2) as pool:
            reviewing, ending = pool.submit(review), pool.submit(end)
            while not (reviewing.done() and ending.done()):
                with fact_cache.read() as snapshot:
                    assert snapshot.find("Enterprise", "e1") is not None
            ending.result()
            is_written = reviewing.result()
        with fact_cache.read() as snapshot:
            found = snapshot.find("RetrievalReview", post)
            assert (found is not None) == is_written
            assert found is None or found.staff.state == "ENDED"


def test_a_reader_never_sees_a_mix_of_two_commits(stores: list[Store]) -> None:
    write(stores[0], *scene())
    write(
        stores[0],
        edited("Seal", "s1", name="0"),
        edited("Enterprise", "e1", name="0"),
        edited("Person", "ann", phone="0"),
    )
    fact_cache = FactCache(stores[0], budget=20_000)
    done = threading.Event()

    def change() -> None:
        try:
            for number in range(1, 80):
                text = str(number)
                write(
                    stores[1],
                    edited("Seal", "s1", name=text),
                    edited("Enterprise", "e1", name=text),
                    edited("Person", "ann", phone=text),
                    SealHold(f"h{number}", "s1", "ADMIN", NOW),
                )
        finally:
            done.set()

    def look() -> int:
        looks = 0
        while not done.is_set():
            with fact_cache.read() as snapshot:
                seal = snapshot.find("Seal", "s1")
                texts = {seal.name, seal.enterprise.name, snapshot.find("Person", "ann").phone}
                texts |= {member.person.phone for member in seal.enterprise.memberships if member.person_id == "ann"}
                assert texts == {str(len(seal.holds) - 1)}
                assert snapshot.revision == len(seal.holds) + 1
            looks += 1
        return looks

    with ThreadPoolExecutor(4) as pool:
        looking = [pool.submit(look) for _ in range(3)]
        pool.submit(change).result()
        assert all(job.result() > 3 for job in looking)


def test_opposite_orders_do_not_deadlock(stores: list[Store]) -> None:
    write(stores[0], *(record for number in range(1, 7) for record in enterprise(number)))
    numbers = list(range(1, 7))

    def work(store: Store, order: list[int], mark: str) -> None:
        for turn in range(10):
            write(store, *(Enterprise(f"e{n}", f"{mark}{turn}", uscc(n), auth_state="AUTHENTICATED") for n in order))

    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(work, stores[0], numbers, "a"),
            pool.submit(work, stores[1], numbers[::-1], "b"),
        ]
        for job in jobs:
            job.result()
    names = {stored.record.name for stored in stores[0].read("Enterprise").records}
    assert len(names) == 1


def test_a_deadlock_over_unique_values_is_settled_without_the_caller_noticing(stores: list[Store]) -> None:
    for number in range(3):
        barrier = threading.Barrier(2)

        def register(
            store: Store, side: str, hashes: str, number: int = number, barrier: threading.Barrier = barrier
        ) -> str:
            barrier.wait()
            people = [person(f"{number}{side}{i}", id_hash=f"{number}{text}") for i, text in enumerate(hashes)]
            try:
                write(store, *people)
            except FactConflict as error:
                return error.invariant
            return ""

        with ThreadPoolExecutor(2) as pool:
            # In the order of their ids, the two sides take the same values the other way round.
            sides = [pool.submit(register, stores[0], "a", "xy"), pool.submit(register, stores[1], "b", "yx")]
            assert sorted(side.result() for side in sides) == ["", "I5"]
    assert stores[0].revision() == 3
