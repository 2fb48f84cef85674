"""`audit`: what was performed is listed, shown and proved, and whatever is changed is found."""

import itertools
import json
import sqlite3
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

PERFORM = ("perform", "Person:p-chen", "freeze", "Seal:seal-official")


@pytest.fixture
def log(sealauthz, demo_facts, tmp_path):
    """A log with a key of its own and two acts; its public key and its checkpoint are in files."""
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "log.pem").write_bytes(key)
    (tmp_path / "sealauthz.toml").write_text('[audit]\nname = "demo.example/log"\nkey = "log.pem"\n')
    config = ("--config", "sealauthz.toml")
    assert sealauthz(*PERFORM, "--request-id", "r1", *config)[0] == 0
    assert sealauthz(*PERFORM, "--request-id", "r2", *config)[0] == 0
    code, out, _ = sealauthz("audit", "sequence", *config)
    assert code == 0
    assert out == "2 records got their places\n"
    (tmp_path / "log.key").write_text(sealauthz("audit", "key", *config)[1])
    (tmp_path / "kept.txt").write_text(sealauthz("audit", "checkpoint")[1])
    return tmp_path / "sealauthz.db"


def change(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_records_are_listed_and_shown(sealauthz, log):
    found = json.loads(sealauthz("audit", "list", "--resource", "Seal:seal-official", "-o", "json")[1])
    entry, earlier = found
    assert (entry["number"], earlier["number"]) == (1, 0)
    said = [entry[name] for name in ("subject", "action", "effect", "kind", "caller")]
    assert said == ["Person:p-chen", "freeze", "ALLOW", "Perform", "cli"]
    record = json.loads(entry["record"])
    assert record["tenants"] == ["e-yunshan"]
    assert sealauthz("audit", "show", entry["decision_id"])[:2] == sealauthz("audit", "show", str(entry["number"]))[:2]
    code, out, _ = sealauthz("audit", "show", entry["decision_id"])
    assert code == 0
    assert "Seal:seal-official" in out
    code, out, _ = sealauthz("audit", "list", "--action", "freeze", "--tenant", "e-yunshan", "--since", "2026-01-01")
    assert "Person:p-chen freeze Seal:seal-official" in " ".join(out.split())
    assert len(sealauthz("audit", "list", "--effect", "DENY")[1].splitlines()) == 1
    assert sealauthz("audit", "list", "--until", "2026-01-01", "-o", "json")[1] == "[]\n"


def test_what_is_asked_wrongly_is_said(sealauthz, log):
    assert "no record `nobody`" in sealauthz("audit", "show", "nobody")[2]
    assert sealauthz("audit", "show", "99")[0] == 1
    assert "neither a day nor a time" in sealauthz("audit", "list", "--since", "yesterday")[2]
    for command, option in itertools.product(("list", "replay"), ("--subject", "--resource")):
        code, out, err = sealauthz("audit", command, option, "p-chen")
        assert (code, out) == (2, "")
        assert "`p-chen` is not a reference: write TYPE:ID" in err
    assert "'MAYBE' is not one of" in sealauthz("audit", "list", "--effect", "MAYBE")[2]
    assert "`not_member` is no code" in sealauthz("audit", "list", "--reason", "not_member")[2]
    assert "`authorize` is no kind of record" in sealauthz("audit", "list", "--kind", "authorize")[2]
    code, out, err = sealauthz("audit", "list", "--since", "2026-03-02", "--until", "2026-03-01")
    assert (code, out) == (2, "")
    assert "--until must be later than --since" in err
    assert sealauthz("audit", "list", "--effect", "LIST", "--reason", "NOT_MEMBER")[0] == 0
    assert "has no time zone" in sealauthz("audit", "list", "--since", "2026-03-02T09:00:00")[2]
    assert "no key is configured" in sealauthz("audit", "key")[2]
    assert "--proof and --record go together" in sealauthz("audit", "verify", "--proof", "log.key")[2]
    assert "verifier key" in sealauthz("audit", "verify", "--key", "kept.txt")[2]
    assert "no checkpoint" in sealauthz("audit", "verify", "--checkpoint", "log.key")[2]
    assert "no export of a log" in sealauthz("audit", "verify", "--export", "kept.txt")[2]
    assert "is no place in the log" in sealauthz("audit", "export", "--from", "99")[2]


def test_a_log_is_verified_with_the_public_key_and_a_kept_checkpoint(sealauthz, log):
    code, out, _ = sealauthz("audit", "verify", "--key", "log.key", "--checkpoint", "kept.txt")
    assert code == 0
    assert out.startswith("the log of demo.example/log is in order: ")
    assert "not checkable" not in out
    code, out, _ = sealauthz("audit", "verify", "--key", "log.key")
    assert code == 0
    assert "not checkable: whether records were cut off the end" in out
    change(log, "UPDATE audit_log SET record = replace(record, 'ALLOW', 'DENY') WHERE number = 0")
    code, out, _ = sealauthz("audit", "verify", "--key", "log.key", "-o", "json")
    assert code == 1
    assert [finding["kind"] for finding in json.loads(out)["findings"]] == ["CHANGED"]


def test_a_cut_log_is_found_by_the_kept_checkpoint(sealauthz, log):
    change(log, *(f"DELETE FROM audit_{name}" for name in ("log", "about", "tile", "checkpoint")))
    assert sealauthz("audit", "verify", "--key", "log.key")[0] == 0
    code, out, _ = sealauthz("audit", "verify", "--key", "log.key", "--checkpoint", "kept.txt")
    assert code == 1
    assert out.startswith("CUT: the log has 0 records, and had ")


def test_a_record_is_proved_without_the_database(sealauthz, log, tmp_path):
    (tmp_path / "1.proof").write_text(sealauthz("audit", "proof", "0")[1])
    record = json.loads(sealauthz("audit", "show", "0", "-o", "json")[1])["record"]
    (tmp_path / "1.json").write_text(record + "\n")
    log.unlink()
    given = ("audit", "verify", "--proof", "1.proof", "--record", "1.json")
    code, out, _ = sealauthz(*given, "--key", "log.key")
    assert code == 0
    assert out.startswith("the record is number 0 of the ")
    assert "not checkable: who has signed" in sealauthz(*given)[1]
    (tmp_path / "1.json").write_text(record.replace("ALLOW", "DENY"))
    code, _, err = sealauthz(*given, "--key", "log.key")
    assert code == 1
    assert "proves nothing: the proof leads to another root" in err


def test_an_export_is_verified_without_the_database(sealauthz, log, tmp_path):
    for first in ("0", "1"):
        export = sealauthz("audit", "export", "--from", first)[1]
        file = tmp_path / f"{first}.jsonl"
        file.write_text(export)
        given = ("audit", "verify", "--key", "log.key", "--checkpoint", "kept.txt", "--export", file.name)
        code, out, _ = sealauthz(*given)
        assert code == 0
        assert "not checkable" not in out
        file.write_text(export.replace("ALLOW", "DENY"))
        assert sealauthz(*given)[0] == 1
    export = sealauthz("audit", "export")[1]
    file = tmp_path / "cut.jsonl"
    file.write_text("".join(export.splitlines(keepends=True)[:-1]))
    code, out, _ = sealauthz("audit", "verify", "--key", "log.key", "--export", "cut.jsonl")
    assert code == 1
    assert out.startswith("MISSING: the export ends with record ")
    assert "not checkable: whether the export is of an older copy" in out


def test_old_records_are_pruned_and_said_to_be(sealauthz, log, tmp_path):
    prune = ("audit", "prune", "--before", "2020-01-01", "--checkpoint", "kept.txt", "--config", "sealauthz.toml")
    assert "30 days ago" in sealauthz("audit", "prune", "--before", "2999-01-01")[2]
    assert "give a --checkpoint" in sealauthz("audit", "prune", "--before", "2020-01-01")[2]
    assert "not of the form" in sealauthz(*prune, "--held", "e-yunshan")[2]
    assert sealauthz(*prune)[:2] == (0, "there is nothing to prune\n")
    (tmp_path / "log.jsonl").write_text(sealauthz("audit", "export")[1])
    change(log, "UPDATE audit_log SET at = 1000000")
    assert sealauthz(*prune, "--dry-run")[:2] == (0, "2 of the records before 2 would be pruned\n")
    held = (0, "0 of the records before 2 would be pruned; 2 are kept about Seal:seal-official\n")
    assert sealauthz(*prune, "--dry-run", "--held", "Seal:seal-official")[:2] == held
    assert sealauthz(*prune)[:2] == (0, "2 records were pruned\n")
    assert sealauthz(*prune)[:2] == (0, "there is nothing to prune\n")
    code, out, _ = sealauthz("audit", "verify", "--key", "log.key", "--checkpoint", "kept.txt")
    assert code == 0
    assert "2 of the records before 2 were pruned" in out
    assert "record 1 was pruned" in sealauthz("audit", "show", "1")[2]
    assert "were pruned" in sealauthz("audit", "list")[2]
    code, out, said = sealauthz("audit", "replay")
    assert (code, out) == (0, "1 records: 1 decided nothing\n")
    assert "were pruned" in said
    assert "were pruned" in sealauthz("audit", "evidence", "1", "--key", (tmp_path / "log.key").read_text())[2]
    verify = ("audit", "verify", "--key", "log.key", "--checkpoint", "kept.txt", "--export")
    assert sealauthz(*verify, "log.jsonl")[0] == 0
    (tmp_path / "later.jsonl").write_text(sealauthz("audit", "export")[1])
    code, out, _ = sealauthz(*verify, "later.jsonl")
    assert code == 0
    assert "were pruned" in out
