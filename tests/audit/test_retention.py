"""Records of long ago are pruned: what proves the others and them stays, and nothing else can be taken for it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

import pytest
from audit_logs import made, run, wait

from sealauthz.audit.log import Log
from sealauthz.audit.merkle import leaf_hash, verify_inclusion
from sealauthz.audit.note import Checkpoint, Signer, read_checkpoint
from sealauthz.audit.portable import export_lines, proof_text, verify_export, verify_proof
from sealauthz.audit.report import Kind, Report
from sealauthz.audit.retention import Plan, Retention
from sealauthz.audit.sequencer import Sequencer
from sealauthz.audit.verify import verify_database
from sealauthz.facts import Store
from sealauthz.runtime.errors import FactsUnavailable, InvalidRequest

OLD, NEW = 1_000_000_000, 2_000_000_000
COUNT = 300
"""More than one tile holds."""


@pytest.fixture
def records(store: Store, signer: Signer) -> list[str]:
    """A log of which all but the last ten records are old."""
    found = [made(number) for number in range(COUNT)]
    for some, at in ((found[:-10], OLD), (found[-10:], NEW)):
        wait(store, some)
        Sequencer(store, "test.example/log", signer, lambda at=at: at).drain()
    return found


def kept(store: Store) -> Checkpoint:
    return read_checkpoint(Log(store).head().note)


def pruned(store: Store, sequencer: Sequencer, plan: Plan) -> int:
    retention = Retention(store)
    retention.announce(plan)
    sequencer.drain()
    return retention.prune(plan)


def verified(store: Store, signer: Signer, trusted: Sequence[Checkpoint] = ()) -> Report:
    with store.plain_connection() as connection:
        return verify_database(connection, store.tables, [signer.verifier], trusted)


def exported(store: Store) -> list[str]:
    with store.plain_connection() as connection:
        return list(export_lines(connection))


def test_what_is_pruned_leaves_every_proof_as_it_was(
    store: Store, sequencer: Sequencer, signer: Signer, records: list[str]
) -> None:
    before, lines, proof = kept(store), exported(store), proof_text(Log(store).inclusion(7))
    assert pruned(store, sequencer, Retention(store).plan(NEW, before)) == COUNT - 10
    log = Log(store)
    assert log.entry_at(7) is None
    assert log.pruned().until == COUNT - 10
    assert not run(store, f"SELECT * FROM audit_about WHERE number < {COUNT - 10}")
    report = verified(store, signer, [before])
    assert report, report.findings
    assert (report.pruned, report.records, report.size) == (COUNT - 10, 11, COUNT + 1)
    assert any("290 of the records before 290 were pruned" in said for said in report.unchecked)
    # What somebody has of before is still good, and can be proved again.
    assert verify_export(lines, [signer.verifier], [before])
    assert verify_proof(proof, records[7], [signer.verifier])[0] == 7
    again = log.inclusion(7)
    head = kept(store)
    verify_inclusion(7, head.size, leaf_hash(records[7].encode()), again.hashes, head.root)
    report = verify_export(exported(store), [signer.verifier], [before, head])
    assert report, report.findings
    assert (report.pruned, report.records) == (COUNT - 10, 11)


def test_a_record_is_in_its_place_before_anything_goes(store: Store, sequencer: Sequencer, records: list[str]) -> None:
    retention = Retention(store)
    plan = retention.plan(NEW, kept(store))
    with pytest.raises(InvalidRequest):
        retention.prune(plan)
    retention.announce(plan)
    with pytest.raises(InvalidRequest):
        retention.prune(plan)
    sequencer.drain()
    assert retention.prune(plan) == COUNT - 10
    assert retention.prune(plan) == 0
    again = retention.plan(NEW, kept(store))
    assert retention.is_announced(again)
    assert again.going == 0


def test_only_what_is_old_and_kept_elsewhere_is_pruned(store: Store, records: list[str], signer: Signer) -> None:
    retention, head = Retention(store), kept(store)
    assert retention.plan(OLD, head).going == 0
    assert retention.plan(NEW + 1, head).going == COUNT
    early = read_checkpoint(run(store, "SELECT note FROM audit_checkpoint ORDER BY period")[0][0])
    assert early.size == COUNT - 10
    assert retention.plan(NEW + 1, early).going == COUNT - 10
    for other in (Checkpoint(head.origin, head.size, bytes(32)), Checkpoint(head.origin, head.size + 1, head.root)):
        with pytest.raises(InvalidRequest, match="not of this log"):
            retention.plan(NEW, other)
    run(store, "INSERT INTO audit_followed (name, number) VALUES ('alerts', 5)")
    assert retention.plan(NEW, head).going == 5


def test_what_is_held_is_kept_until_it_is_released(
    store: Store, sequencer: Sequencer, signer: Signer, records: list[str]
) -> None:
    retention, held = Retention(store), COUNT // 5 - 2
    assert pruned(store, sequencer, retention.plan(NEW, kept(store), ["Document:d3"])) == COUNT - 10 - held
    assert verified(store, signer)
    # A later run that does not name it holds it, too.
    plan = retention.plan(NEW, kept(store))
    assert (plan.going, plan.pruned.left) == (0, held)
    report = verify_export(exported(store), [signer.verifier])
    assert report, report.findings
    run(store, "DELETE FROM audit_about WHERE number = 3", "DELETE FROM audit_log WHERE number = 3")
    assert [finding.kind for finding in verified(store, signer).findings] == [Kind.MISSING]
    plan = retention.plan(NEW, kept(store), released=["Document:d3"])
    assert pruned(store, sequencer, plan) == held - 1
    assert verified(store, signer)


def test_what_is_missing_is_not_taken_for_pruned(
    store: Store, sequencer: Sequencer, signer: Signer, records: list[str]
) -> None:
    pruned(store, sequencer, Retention(store).plan(NEW, kept(store)))
    lines = exported(store)
    run(store, "DELETE FROM audit_about WHERE number = 293", "DELETE FROM audit_log WHERE number = 293")
    (found,) = verified(store, signer).findings
    assert (found.kind, found.first, found.end) == (Kind.MISSING, 293, 294)
    with pytest.raises(FactsUnavailable, match="record 293 is not there"):
        exported(store)
    # Nor in an export in which a hash stands for a record that was not pruned.
    hidden = [*lines[:294], "pruned " + b64encode(leaf_hash(lines[294].encode())).decode(), *lines[295:]]
    assert [finding.kind for finding in verify_export(hidden, [signer.verifier]).findings] == [Kind.MISSING]


def test_a_record_that_says_so_and_is_not_of_the_log_excuses_nothing(
    store: Store, signer: Signer, records: list[str]
) -> None:
    forged = made(kind="Pruned", resource="Log:records", until=100, left=0)
    run(
        store,
        f"INSERT INTO audit_log (number, at, decision_id, record) VALUES ({COUNT}, 1, 'x', '{forged}')",
        f"INSERT INTO audit_about (about, number) VALUES ('Log:records', {COUNT})",
        "DELETE FROM audit_about WHERE number < 100",
        "DELETE FROM audit_log WHERE number < 100",
    )
    assert Kind.ADDED in {finding.kind for finding in verified(store, signer).findings}


def test_a_record_that_was_changed_is_not_pruned(store: Store, sequencer: Sequencer, records: list[str]) -> None:
    run(store, "UPDATE audit_log SET record = replace(record, 'ALLOW', 'DENY') WHERE number = 5")
    with pytest.raises(FactsUnavailable, match="record 5 is not the one that was hashed"):
        pruned(store, sequencer, Retention(store).plan(NEW, kept(store)))
    assert run(store, "SELECT count(*) FROM audit_log")[0][0] == COUNT + 1
