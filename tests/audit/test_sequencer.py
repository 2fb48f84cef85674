"""The sequencer: each record gets one place, in a tree that proves it, whatever stops or doubles it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

import pytest
from audit_logs import grown, made, run, wait
from sqlalchemy import delete
from tiny.model import TINY

from sealauthz.audit.log import Log, Wanted, _listing, _listing_statement
from sealauthz.audit.merkle import Growing, leaf_hash, verify_consistency, verify_inclusion
from sealauthz.audit.note import Signer, open_checkpoint, read_checkpoint
from sealauthz.audit.sequencer import Sequencer
from sealauthz.audit.verify import verify_database
from sealauthz.facts import Store
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.system_tables import AUDIT_LOG
from sealauthz.runtime.errors import ConfigRefused, FactsUnavailable, InvalidRequest

ODD = 'User:a\tb\\c\n\u00e9"d",{e}, NULL \\"'


def test_records_get_places_in_the_order_in_which_they_came(store: Store, sequencer: Sequencer, signer: Signer) -> None:
    log = Log(store)
    assert log.checkpoint() is None
    assert sequencer.step() == 0
    records = grown(store, sequencer, 3) + grown(store, sequencer, 2)
    assert [(entry.number, entry.text) for entry in reversed(log.page(Wanted(), "Team").entries)] == list(
        enumerate(records)
    )
    tree = Growing()
    for record in records:
        tree.add(leaf_hash(record.encode()))
    checkpoint = open_checkpoint(log.head().note, [signer.verifier])
    assert (checkpoint.size, checkpoint.root, checkpoint.origin) == (5, tree.root, "test.example/log")
    assert run(store, "SELECT * FROM audit_pending") == []


def test_proofs_of_a_log_over_several_tiles_are_verified(store: Store, sequencer: Sequencer) -> None:
    log, records = Log(store), []
    roots, sizes = {}, (1, 255, 256, 257, 700)
    for size in sizes:
        records += grown(store, sequencer, size - len(records))
        checkpoint = log.checkpoint()
        assert checkpoint is not None
        roots[size] = checkpoint.root
    for number in (0, 254, 255, 256, 511, 512, 699):
        proof = log.inclusion(number)
        assert read_checkpoint(proof.note).root == roots[700]
        verify_inclusion(number, 700, leaf_hash(records[number].encode()), proof.hashes, roots[700])
    for first in sizes:
        found = log.consistency(first)
        assert found.roots == (roots[first], roots[700])
        verify_consistency(first, 700, *found.roots, found.hashes)
    for bad in (-1, 700):
        with pytest.raises(InvalidRequest, match="no place in the log, which has 700 records"):
            log.inclusion(bad)
    for first, second in ((0, 5), (5, 4), (5, 701)):
        with pytest.raises(InvalidRequest, match="second size"):
            log.consistency(first, second)


def test_several_sequencers_give_each_record_one_place(store: Store, signer: Signer) -> None:
    records = [made(number) for number in range(400)]
    for at in range(0, 400, 10):
        wait(store, records[at : at + 10])
    counts: list[int] = []

    def work() -> None:
        sequencer = Sequencer(store, "test.example/log", signer)
        while run(store, "SELECT 1 FROM audit_pending LIMIT 1"):
            counts.append(sequencer.step())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 400
    found = run(store, "SELECT number, record FROM audit_log ORDER BY number")
    assert [number for number, _ in found] == list(range(400))
    assert sorted(record for _, record in found) == sorted(records)


def test_what_was_written_twice_has_one_place(store: Store, sequencer: Sequencer) -> None:
    """Who loses the connection in a commit does not know, and writes again."""
    first, second = made(1), made(2)
    wait(store, [first])
    wait(store, [first, second])
    assert sequencer.drain() == 2
    wait(store, [second])
    assert sequencer.drain() == 0
    assert run(store, "SELECT record FROM audit_log ORDER BY number") == [(first,), (second,)]
    assert run(store, "SELECT * FROM audit_pending") == []


def test_what_waits_nowhere_gets_its_place_behind_what_waits(store: Store, sequencer: Sequencer) -> None:
    """Also what JSON writes with a backslash, and where it is found by it."""
    first, second, third = made(1), made(2), made(3, subject=ODD, trace_id="\\t")
    wait(store, [first])
    assert sequencer.place([second, third])
    assert run(store, "SELECT record FROM audit_log ORDER BY number") == [(first,), (second,), (third,)]
    assert run(store, "SELECT * FROM audit_pending") == []
    assert sequencer.place([])
    assert sequencer.place([second]), "it has its place"
    wait(store, [second, third])
    assert sequencer.place([made(4)])
    assert [number for (number,) in run(store, "SELECT number FROM audit_log ORDER BY number")] == [0, 1, 2, 3]
    found = Log(store).page(Wanted(subject=ODD), "Team")
    assert [entry.text for entry in found.entries] == [third]
    with store.plain_connection() as connection:
        assert verify_database(connection, store.tables)


def test_what_waits_nowhere_gets_no_place_where_more_waits_than_fits(store: Store, sequencer: Sequencer) -> None:
    for _ in range(201):
        wait(store, [made()])
    assert not sequencer.place([made(1)])
    assert run(store, "SELECT count(*) FROM audit_log") == [(0,)]


def test_one_process_at_a_time_gives_places(new_database: Callable[..., str]) -> None:
    store = Store.open(new_database("postgresql", TINY), TINY)
    sequencer = Sequencer(store, "log")
    with store.writing() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({0x5EA1_A0D1})")
        assert not sequencer.place([made(1)])
    assert sequencer.place([made(1)])
    store.close()


def test_a_log_that_others_went_on_with_grows_from_there(store: Store, signer: Signer) -> None:
    """Each remembers the hashes at the end of the log as it left it."""
    ours, theirs = (Sequencer(store, "test.example/log", signer) for _ in range(2))
    for sequencer in (ours, ours, theirs, ours, theirs, theirs, ours):
        grown(store, sequencer, 100)
    with store.plain_connection() as connection:
        report = verify_database(connection, store.tables, [signer.verifier])
    assert report, report.findings
    assert report.records == 700


def test_a_step_that_fails_leaves_the_tree_as_it_was(store: Store, sequencer: Sequencer) -> None:
    """Roots and hashes of the end of the log are kept from step to step."""
    records, twice = grown(store, sequencer, 5), made(1)
    assert sequencer.place([twice, made(2)])
    for failing in ([made(3), twice.replace("ALLOW", "DENY")], [made(4), "no record"]):
        with pytest.raises(FactsUnavailable):
            sequencer.place(failing)
        assert sequencer.place([made(5), made(6), twice])
    records += grown(store, sequencer, 3)
    with store.plain_connection() as connection:
        report = verify_database(connection, store.tables)
    assert report, report.findings
    assert report.size == 14


def test_what_is_no_record_stops_the_log_and_is_said(store: Store, sequencer: Sequencer) -> None:
    record = made(1)
    grown(store, sequencer, 1)
    wait(store, ["not a record"])
    with pytest.raises(FactsUnavailable, match="is no record"):
        sequencer.step()
    run(store, "DELETE FROM audit_pending")
    wait(store, [record, record.replace("ALLOW", "DENY")])
    with pytest.raises(FactsUnavailable, match="two records have the id"):
        sequencer.step()


def test_a_log_that_was_tampered_with_does_not_grow(store: Store, sequencer: Sequencer) -> None:
    """Or else the next checkpoint would sign it."""
    grown(store, sequencer, 3)
    wait(store, [made(9)])
    run(store, "INSERT INTO audit_log (number, at, decision_id, record) VALUES (3, 1, 'x', '{}')")
    with pytest.raises(FactsUnavailable, match="the log has records to 3, and its newest checkpoint counts 3"):
        sequencer.step()
    run(store, "DELETE FROM audit_log WHERE number = 3", "DELETE FROM audit_tile")
    with pytest.raises(FactsUnavailable, match="lacks hashes of its tree"):
        Sequencer(store, sequencer._name, sequencer._signer).step()


def test_a_checkpoint_a_minute_is_kept_and_times_never_decrease(store: Store, signer: Signer) -> None:
    now = [600_000_000]
    sequencer = Sequencer(store, "test.example/log", signer, lambda: now[0])
    for moment in (600, 601, 700, 300, 760):
        now[0] = moment * 1_000_000
        grown(store, sequencer, 1)
    kept = run(store, "SELECT period, size, at / 1000000 FROM audit_checkpoint ORDER BY period")
    assert kept == [(10, 2, 601), (11, 4, 700), (12, 5, 760)]
    assert run(store, "SELECT at / 1000000 FROM audit_log ORDER BY number") == [(600,), (601,), (700,), (700,), (760,)]


def test_without_a_key_checkpoints_are_unsigned(store: Store) -> None:
    grown(store, Sequencer(store, "log"), 1)
    note = Log(store).head().note
    assert note.endswith("\n\n")
    assert read_checkpoint(note).size == 1
    with pytest.raises(ConfigRefused, match="cannot name a log"):
        Sequencer(store, "two words")


def test_records_are_listed_by_what_is_wanted(store: Store, sequencer: Sequencer) -> None:
    log = Log(store)
    denied = made(7, effect="DENY", reasons=[["LATE", "IN_TIME"]], subject="User:bob", tenants=["blue"], caller="web")
    several = made(
        8, kind="AuthorizeBatch", count=2, tenants=["blue", "red"], subject="", resource="", action="", effect="MIXED"
    )
    wait(store, [*(made(number) for number in range(6)), denied, several])
    sequencer.drain()

    def numbers(size: int = 0, before: int | None = None, **wanted: object) -> list[int]:
        return [entry.number for entry in log.page(Wanted(**wanted), "Team", size, before).entries]  # type: ignore[arg-type]

    assert numbers() == [7, 6, 5, 4, 3, 2, 1, 0]
    assert numbers(resource="Document:d0") == [5, 0]
    assert (
        numbers(subject="User:bob") == numbers(effect="DENY") == numbers(reason="LATE") == numbers(caller="web") == [6]
    )
    assert numbers(subject="User:ann", resource="Document:d1") == [1]
    assert numbers(tenant="blue") == [7, 6]
    assert numbers(kind="AuthorizeBatch") == [7]
    assert numbers(since=1_000_004, until=1_000_006) == [5, 4]
    assert numbers(since=now_us() + 61_000_000) == []  # no place was given since
    # One decision is shown to each tenant that it is about, several together to those with a right to all.
    assert numbers(tenants=frozenset({"blue"})) == [6]
    assert numbers(tenants=frozenset({"blue", "red"})) == [7, 6, 5, 4, 3, 2, 1, 0]
    assert numbers(tenants=frozenset()) == []
    assert numbers(tenants=frozenset({"red"}), resource="Document:d2") == [6, 2][1:]
    page = log.page(Wanted(tenant="red"), "Team", 3)
    assert ([entry.number for entry in page.entries], page.before) == ([7, 5, 4], 4)
    assert numbers(3, 4, tenant="red") == [3, 2, 1]
    assert log.page(Wanted(), "Team", 10).before is None
    with pytest.raises(InvalidRequest, match="must not be negative"):
        log.page(Wanted(), "Team", -1)
    # A record that somebody has taken away ends no list: what finds it is still there.
    with store.writing() as connection:
        connection.execute(delete(AUDIT_LOG).where(AUDIT_LOG.c.number == 5))
    assert numbers(resource="Document:d0") == [0]
    page = log.page(Wanted(tenant="red"), "Team", 3)
    assert ([entry.number for entry in page.entries], page.before) == ([7, 4, 3], 3)


def test_a_page_reads_no_more_records_than_it_shows(store: Store, sequencer: Sequencer) -> None:
    """Places are found by indexes: a seal with many records within one tenant of many is where a join read them all."""
    grown(store, sequencer, 300)
    statement = _listing_statement(is_about=True, is_limited=True, is_postgresql=True, at_once=20)
    shape = statement.replace("\n", " ")
    assert shape.index("LIMIT 20") < shape.index("JOIN audit_log") < shape.rindex("ORDER BY")
    wanted = Wanted(resource="Document:d3", tenants=frozenset({"red"}))
    found = Log(store).page(wanted, "Team", 20)
    assert [each.number for each in found.entries] == list(range(298, 198, -5))
    assert found.before == 203


def test_places_of_a_caller_are_looked_at_one_after_the_other(new_database: Callable[..., str]) -> None:
    """Until there are enough. Joined with all places of the tenant, a page of a large log took seconds."""
    wanted = Wanted(resource="Document:d3", tenants=frozenset({"red"}))
    statement, parameters = _listing(wanted, "Team", True, 20, 0)
    with closing(Store.open(new_database("postgresql", TINY), TINY)) as store:
        grown(store, Sequencer(store, "log"), 300)
        run(store, "ANALYZE audit_about")
        with store.plain_connection() as connection:
            rows = Driver(connection).rows(f"EXPLAIN {statement}", {**parameters, "before": 1 << 62})
    plan = "\n".join(row for (row,) in rows)
    assert "SubPlan" in plan, plan
    assert "Semi Join" not in plan, plan


def test_a_page_since_a_time_begins_where_places_were_given_then(store: Store, signer: Signer) -> None:
    """Many records have one instant, and what is older than all is not read."""
    clock = [1_000_000_000_000]
    sequencer = Sequencer(store, "test.example/log", signer, lambda: clock[0])
    for _ in range(3):
        wait(store, [made(number, at=clock[0]) for number in range(4)])
        sequencer.drain()
        clock[0] += 3_600_000_000
    log = Log(store)
    for since, first in ((clock[0] - 3_600_000_000, 8), (clock[0] - 7_200_000_000, 4), (1, 0)):
        assert [each.number for each in log.page(Wanted(since=since), "Team").entries] == list(range(11, first - 1, -1))
