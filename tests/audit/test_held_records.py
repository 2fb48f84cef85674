"""Records that no process of the service noted are held back, and those that one noted are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from audit_logs import made, run, until

from sealauthz.audit.backlog import Backlog
from sealauthz.audit.held import HeldRows
from sealauthz.audit.log import Log
from sealauthz.audit.recorder import Recorder
from sealauthz.audit.sequencer import Sequencer
from sealauthz.audit.verify import verify_database
from sealauthz.facts import FactCache, Store
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.waiting import is_vouched, vouched, waiting_since
from sealauthz.runtime.background import ignored

KEY, OTHER = b"k" * 32, b"o" * 32


@pytest.fixture
def keyed(store: Store) -> Store:
    """A store of a process that has the key."""
    store.pending_key = lambda: KEY
    return store


def note(store: Store, *records: str, at: int | None = None) -> tuple[str, str]:
    """Have records wait as a process of the service does; return the row."""
    with store.writing() as connection:
        driver = Driver(connection)
        statement, row = store.waiting(driver.is_postgresql, now_us() if at is None else at, *records)
        driver.run(statement, row)
    return row["id"], row["records"]


def insert(store: Store, row_id: str, records: str) -> None:
    """Insert a row as somebody does who can write the database."""
    with store.writing() as connection:
        mark = "%s" if connection.dialect.name == "postgresql" else "?"
        connection.exec_driver_sql(
            f"INSERT INTO audit_pending (id, records) VALUES ({mark}, {mark})", (row_id, records)
        )


def placed(store: Store) -> list[str]:
    return [record for (record,) in run(store, "SELECT record FROM audit_log ORDER BY number")]


def _unkeyed(store: Store, record: str) -> None:
    store.pending_key = bytes
    note(store, record)
    store.pending_key = lambda: KEY


def _moved(store: Store, record: str) -> None:
    row_id, _ = note(store, made(7))
    run(store, "DELETE FROM audit_pending")
    insert(store, row_id, record)


def _changed_id(store: Store, record: str) -> None:
    row_id, records = note(store, record)
    run(store, "DELETE FROM audit_pending")
    insert(store, f"0{row_id[1:]}" if row_id[0] != "0" else f"1{row_id[1:]}", records)


def _joined(store: Store, record: str) -> None:
    """What the MAC covers is the same text, cut elsewhere."""
    row_id, records = note(store, record)
    begin, _, mac = row_id.rpartition("-")
    run(store, "DELETE FROM audit_pending")
    insert(store, f"{begin}{records[:9]}-{mac}", records[9:])


FORGERIES: dict[str, Callable[[Store, str], object]] = {
    "without a MAC, as a process without the key writes": _unkeyed,
    "with a MAC by another key": lambda s, record: insert(s, vouched("00-00", record, OTHER), record),
    "with the MAC of another row": _moved,
    "with another id": _changed_id,
    "with id and text cut elsewhere": _joined,
    "with an id that is no instant": lambda s, record: insert(s, "0", record),
    "that is no record": lambda s, _record: insert(s, "00000000-0000-x", "not a record"),
    "with an id of a held row": lambda s, record: insert(s, "held-", record),
    "with an id behind all": lambda s, record: insert(s, "zzz", record),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_row_gets_no_place_and_holds_up_nothing(keyed: Store, sequencer: Sequencer, name: str) -> None:
    genuine = made(1)
    FORGERIES[name](keyed, made(2))
    note(keyed, genuine)
    sequencer.drain()
    assert placed(keyed) == [genuine]
    assert len(HeldRows(keyed).all()) == 1
    backlog = Backlog(keyed, ignored)
    backlog.look()
    assert backlog.waiting == (0, 0, 1)
    with keyed.plain_connection() as connection:
        report = verify_database(connection, keyed.tables)
    assert report
    assert any(said.startswith("1 rows of records that no process vouches for") for said in report.unchecked)


def test_forged_row_is_reported(keyed: Store) -> None:
    reported = []
    sequencer = Sequencer(keyed, "log", report=lambda event, numbers, _error: reported.append((event, numbers)))
    insert(keyed, "00000000-0000-a", made(1))
    insert(keyed, "00000000-0000-b", made(2))
    sequencer.step()
    sequencer.step()
    assert reported == [("audit_held", {"writes": 2})]


def test_copy_of_a_row_that_has_its_place_gets_no_second(keyed: Store, sequencer: Sequencer) -> None:
    row = note(keyed, made(1), made(2))
    sequencer.drain()
    insert(keyed, *row)
    sequencer.drain()
    assert len(placed(keyed)) == 2
    assert run(keyed, "SELECT * FROM audit_pending") == []


def test_row_pending_across_a_restart_gets_its_place(keyed: Store, sequencer: Sequencer) -> None:
    """Also by a process that answers nobody, which has the same key."""
    record = made(1)
    note(keyed, record)
    assert Sequencer(keyed, "test.example/log", sequencer._signer).drain() == 1
    assert placed(keyed) == [record]


def test_without_a_key_every_record_gets_its_place(store: Store, sequencer: Sequencer) -> None:
    store.pending_key = lambda: OTHER
    note(store, made(1))
    store.pending_key = bytes
    note(store, made(2))
    assert sequencer.drain() == 2


def test_vouched_row_gets_its_place_and_others_stay(keyed: Store, sequencer: Sequencer) -> None:
    ours, theirs = made(1), made(2)
    _unkeyed(keyed, ours)
    insert(keyed, "0", theirs)
    sequencer.drain()
    held = HeldRows(keyed)
    rows = {row.records: row.id for row in held.all()}
    assert held.vouch([rows[ours], "nothing"]) == 1
    assert sequencer.drain() == 1
    assert placed(keyed) == [ours]
    assert [row.records for row in held.all()] == [theirs]
    assert held.vouch() == 1
    assert sequencer.drain() == 1


def test_many_forged_rows_delay_genuine_ones_and_no_more(keyed: Store, sequencer: Sequencer) -> None:
    with keyed.writing() as connection:
        for number in range(450):
            connection.exec_driver_sql(f"INSERT INTO audit_pending (id, records) VALUES ('00-{number:04d}', 'x')")
    note(keyed, made(1))
    for _ in range(3):
        sequencer.step()
    assert len(placed(keyed)) == 1


def test_id_with_a_mac_still_says_when_it_was_written(keyed: Store) -> None:
    at = 1_795_000_000_123_000
    row_id, records = note(keyed, made(1), at=at)
    assert waiting_since(row_id) == at
    assert is_vouched(row_id, records, KEY)
    assert not is_vouched(row_id, records, OTHER)


def test_answers_go_on_while_nothing_is_signed(keyed: Store, sequencer: Sequencer) -> None:
    """What must be in the log first waits in the database for its place, and that is what the answer waits for."""
    note(keyed, made(1))
    sequencer.drain()
    run(keyed, "DELETE FROM audit_tile")
    recorder = Recorder(keyed, FactCache(keyed), lambda *_: None, ignored, every_s=0.01, sequencer=sequencer)
    recorder.start()
    recorder.note(made(2))
    until(lambda: recorder.log_problem)
    recorder.record(made(3))
    recorder.stop()
    assert recorder.log_problem
    assert len(placed(keyed)) == 1
    rows = run(keyed, "SELECT id, records FROM audit_pending")
    assert sum(len(records.split("\n")) for _, records in rows) == 2
    assert all(is_vouched(row_id, records, KEY) for row_id, records in rows)
    assert Log(keyed).head().size == 1
