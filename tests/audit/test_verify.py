"""Verifying a log: whatever is changed in it is found, and where."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from audit_logs import grown, made, run, wait

from sealauthz.audit.continuity import LogTampered
from sealauthz.audit.log import Log
from sealauthz.audit.note import Checkpoint, Signer, read_checkpoint
from sealauthz.audit.report import Kind, Report
from sealauthz.audit.sequencer import Sequencer
from sealauthz.audit.verify import verify_database
from sealauthz.facts import Store

SIZE = 600


@pytest.fixture
def trusted(store: Store, sequencer: Sequencer) -> Checkpoint:
    """A log of 600 records, and its checkpoint at 520, as somebody else has kept it."""
    now = [60_000_000]
    sequencer = Sequencer(store, sequencer._name, sequencer._signer, lambda: now[0])
    grown(store, sequencer, 520)
    kept = Log(store).checkpoint()
    assert kept is not None
    now[0] += 60_000_000
    grown(store, sequencer, SIZE - 520)
    return kept


def verified(store: Store, signer: Signer | None, trusted: Checkpoint | None = None) -> Report:
    with store.plain_connection() as connection:
        keys = [] if signer is None else [signer.verifier]
        return verify_database(connection, store.tables, keys, [] if trusted is None else [trusted])


def found(store: Store, signer: Signer, trusted: Checkpoint | None) -> list[tuple[Kind, int, int]]:
    return [(each.kind, each.first, each.end) for each in verified(store, signer, trusted).findings]


def test_a_log_that_nobody_touched_is_in_order(store: Store, signer: Signer, trusted: Checkpoint) -> None:
    report = verified(store, signer, trusted)
    assert report
    assert (report.size, report.records, report.unchecked) == (SIZE, SIZE, [])
    assert (report.origin, report.signed_by) == ("test.example/log", "test.example/log")


def test_what_cannot_be_checked_is_said(store: Store, signer: Signer, trusted: Checkpoint) -> None:
    (said,) = verified(store, signer).unchecked
    assert said.startswith("whether records were cut off the end, or the log is an older copy")
    assert [said.split(":")[0] for said in verified(store, None, trusted).unchecked] == [
        "who has signed the checkpoints"
    ]
    assert verified(store, None)


def test_an_empty_log_is_in_order(store: Store, signer: Signer) -> None:
    assert verified(store, signer)
    assert verified(store, signer).size == 0


SWAP = (
    "UPDATE audit_log SET number = -1 WHERE number = 17",
    "UPDATE audit_log SET number = 17 WHERE number = 18",
    "UPDATE audit_log SET number = 18 WHERE number = -1",
)


@pytest.mark.parametrize(
    ("statements", "kinds"),
    [
        (
            ["UPDATE audit_log SET record = replace(record, 'ALLOW', 'DENY') WHERE number = 300"],
            [(Kind.CHANGED, 300, 301)],
        ),
        (["UPDATE audit_log SET record = 'nothing' WHERE number = 300"], [(Kind.CHANGED, 300, 301)]),
        (["DELETE FROM audit_log WHERE number = 300"], [(Kind.MISSING, 300, 301)]),
        (["DELETE FROM audit_log WHERE number < 4"], [(Kind.MISSING, 0, 4)]),
        (["DELETE FROM audit_log WHERE number >= 590"], [(Kind.MISSING, 590, 600)]),
        (SWAP, [(Kind.MOVED, 17, 18), (Kind.MOVED, 18, 19)]),
        (
            ["INSERT INTO audit_log (number, at, decision_id, record) VALUES (600, 1, 'x', '{}')"],
            [(Kind.ADDED, 600, 601)],
        ),
        (["UPDATE audit_log SET decision_id = 'x' WHERE number = 3"], [(Kind.INDEX, 3, 4)]),
        (["DELETE FROM audit_about WHERE number = 3 AND about = 'User:ann'"], [(Kind.INDEX, 3, 4)]),
        (["INSERT INTO audit_about (about, number) VALUES ('User:bob', 3)"], [(Kind.INDEX, 3, 4)]),
        (["INSERT INTO audit_about (about, number) VALUES ('User:bob', 1000)"], [(Kind.INDEX, 1000, 1001)]),
        (["DELETE FROM audit_tile WHERE level = 1"], [(Kind.HASHES, 0, 512)]),
    ],
)
def test_what_is_changed_is_found_and_where(
    store: Store,
    signer: Signer,
    trusted: Checkpoint,
    statements: Sequence[str],
    kinds: list[tuple[Kind, int, int]],
) -> None:
    run(store, *statements)
    places = found(store, signer, trusted)
    assert places[: len(kinds)] == kinds
    # What cannot be read finds nothing either; nothing else is wrong.
    assert {kind for kind, *_ in places[len(kinds) :]} <= {Kind.INDEX}


def rewritten(store: Store, signer: Signer, trusted: Checkpoint, *, key: Signer | None, count: int = SIZE) -> None:
    """As somebody does who can write the whole database, and makes all of it anew, with record 560 as they like it."""
    rows = [record for (record,) in run(store, "SELECT record FROM audit_log ORDER BY number")][:count]
    if count > 560:
        rows[560] = rows[560].replace("ALLOW", "DENY")
    notes = run(store, "SELECT period, size, at, late_from, note FROM audit_checkpoint ORDER BY period")
    run(store, *(f"DELETE FROM audit_{name}" for name in ("log", "about", "tile", "checkpoint")))
    now = [60_000_000]
    sequencer = Sequencer(store, trusted.origin, key, lambda: now[0])
    for part in (rows[: trusted.size], rows[trusted.size :]):
        if part:
            wait(store, part)
            sequencer.drain()
        now[0] += 60_000_000
    if key is None:  # the old checkpoints are the only ones with a signature
        run(store, "DELETE FROM audit_checkpoint")
        with store.writing() as connection:
            for period, size, at, late, note in notes:
                connection.exec_driver_sql(
                    "INSERT INTO audit_checkpoint (period, size, at, late_from, note) VALUES "
                    f"({period}, {size}, {at}, {'NULL' if late is None else late}, '{note}')"
                ) if size <= count else None


def test_who_rewrites_everything_cannot_sign_it(store: Store, signer: Signer, trusted: Checkpoint) -> None:
    """The place is known as exactly as the checkpoints are close."""
    rewritten(store, signer, trusted, key=None)
    assert found(store, signer, None) == [(Kind.ROOT, 520, 600)]


def test_who_signs_with_another_key_is_found(store: Store, signer: Signer, trusted: Checkpoint) -> None:
    rewritten(store, signer, trusted, key=Signer.fresh("test.example/log"))
    report = verified(store, signer, trusted)
    assert [(each.kind, each.end) for each in report.findings] == [(Kind.CHECKPOINT, 600)]
    assert report.unchecked[0].startswith("1 earlier checkpoints, which nobody known has signed")


def test_a_log_may_get_a_key_and_a_name_later(store: Store, signer: Signer) -> None:
    now = [60_000_000]
    grown(store, Sequencer(store, "first", None, lambda: now[0]), 3)
    now[0] += 60_000_000
    assert verified(store, None)
    sequencer = Sequencer(store, "test.example/log", signer, lambda: now[0])
    wait(store, [made()])
    with pytest.raises(LogTampered, match="not one that this log signed"):
        sequencer.step()
    accepted = sequencer.resume()
    assert accepted is not None
    assert accepted.size == 3
    grown(store, sequencer, 3)
    report = verified(store, signer)
    assert report
    assert report.origin == "test.example/log"
    assert report.unchecked[0].startswith("1 earlier checkpoints")
    assert verified(store, None)


def test_who_has_the_key_cannot_change_what_others_have_seen(store: Store, signer: Signer, trusted: Checkpoint) -> None:
    """A fork behind the trusted checkpoint is for a later one to find."""
    late = Log(store).checkpoint()
    rewritten(store, signer, trusted, key=signer)
    assert found(store, signer, trusted) == []
    assert found(store, signer, late) == [(Kind.FORKED, 0, 600)]


def test_an_older_copy_is_found_by_a_trusted_checkpoint_only(store: Store, signer: Signer, trusted: Checkpoint) -> None:
    late = Log(store).checkpoint()
    rewritten(store, signer, trusted, key=None, count=520)
    report = verified(store, signer)
    assert report
    assert report.unchecked
    assert found(store, signer, trusted) == []
    assert found(store, signer, late) == [(Kind.CUT, 520, 600)]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit_checkpoint SET note = replace(note, '600', '601') WHERE size = 600", "signature of"),
        ("UPDATE audit_checkpoint SET size = 599 WHERE size = 600", "is kept as of 599"),
        ("UPDATE audit_checkpoint SET note = 'x' WHERE size = 520", "no checkpoint"),
        ("UPDATE audit_checkpoint SET period = 100 WHERE size = 520", "fewer records than an earlier one"),
    ],
)
def test_a_changed_checkpoint_is_found(
    store: Store, signer: Signer, trusted: Checkpoint, statement: str, said: str
) -> None:
    run(store, statement)
    report = verified(store, signer, trusted)
    assert report.findings[0].kind is Kind.CHECKPOINT
    assert said in report.findings[0].said


def test_a_checkpoint_of_another_log_does_not_count(store: Store, signer: Signer) -> None:
    grown(store, Sequencer(store, "test.example/log", signer), 2)
    kept = read_checkpoint(Log(store).head().note)
    other = Checkpoint("another.example/log", kept.size, kept.root)
    assert [kind for kind, *_ in found(store, signer, other)] == [Kind.CHECKPOINT]


def test_no_number_of_findings_hides_what_is_said_first(store: Store, signer: Signer, sequencer: Sequencer) -> None:
    grown(store, sequencer, 300)
    run(store, "UPDATE audit_log SET record = 'nothing'")
    report = verified(store, signer)
    assert not report
    assert len(report.findings) == 100
    assert report.findings[0].first == 0
