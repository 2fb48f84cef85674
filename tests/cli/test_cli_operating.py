"""`db upgrade`, `db status`, `db prune`, `db restored`, `db complete` and `demo`."""

import hashlib
import json
import sqlite3
from contextlib import closing

from sealauthz.audit.anchoring import Folder
from sealauthz.audit.note import Checkpoint, Signer


def test_upgrade_creates_the_database_and_may_run_again(sealauthz, tmp_path):
    for _ in range(2):
        code, out, err = sealauthz("db", "upgrade")
        assert (code, err) == (0, "")
        assert out.startswith("sqlite:///sealauthz.db is at schema ")
    assert (tmp_path / "sealauthz.db").exists()


def test_a_database_that_cannot_be_reached_is_no_answer_and_its_password_stays_secret(sealauthz):
    code, out, err = sealauthz("db", "upgrade", "--database", "postgresql://u:secret@127.0.0.1:1/x")
    assert (code, out) == (3, "")
    assert "Connection refused" in err
    assert "secret" not in err


def test_demo_exits_with_0_when_all_is_as_expected(sealauthz):
    code, out, _ = sealauthz("demo")
    assert code == 0
    assert out.endswith("steps went as expected.\n")


def test_demo_exits_with_1_when_something_is_not_as_expected(sealauthz, monkeypatch):
    monkeypatch.setattr("sealauthz.ops.demo.scenario.tell", lambda harness: harness.surprises.append("step 1: no"))
    assert sealauthz("demo")[0] == 1


def test_restore_is_announced_and_then_completed(sealauthz):
    code, _, err = sealauthz("db", "restored")
    assert code == 3
    assert "db upgrade" in err
    sealauthz("db", "upgrade")
    ends = ("db", "complete", "--by", "lin", "-m", "nothing is missing")
    assert sealauthz(*ends) == (1, "", "error: no restore is incomplete: there is nothing to end\n")
    code, out, err = sealauthz("db", "restored")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "a new history begins at revision 0; tokens of before are refused"
    code, out, _ = sealauthz("db", "status", "-o", "json")
    assert (code, json.loads(out)["restored_revision"]) == (1, 0)
    code, out, _ = sealauthz("db", "status")
    assert code == 1
    assert "not complete" in out
    assert "problem: the facts were restored and are not complete" in out
    assert sealauthz("db", "complete", "--by", "lin")[0] == 2
    code, out, err = sealauthz(*ends)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "the restore is complete: questions are answered again"
    code, out, _ = sealauthz("db", "status", "-o", "json")
    assert (code, json.loads(out)["restored_revision"]) == (0, None)


def test_lost_decisions_are_counted_by_the_checkpoint_that_was_kept(sealauthz, tmp_path):
    """The log of the backup is empty; that of before had three records by its newest checkpoint."""
    sealauthz("db", "upgrade")
    signer = Signer.fresh("log.example")
    (tmp_path / "kept").mkdir()
    checkpoint = Checkpoint("log.example", 3, hashlib.sha256(b"root").digest())
    Folder(tmp_path / "kept").keep(signer.sign(checkpoint), checkpoint)
    (tmp_path / "sealauthz.toml").write_text('[audit]\nfolder = "kept"\n')
    said = "the log of the backup has 0 records, and had 3: 3 decisions were lost"
    assert said in sealauthz("db", "restored", "--config", "sealauthz.toml")[1]
    ends = ("db", "complete", "--by", "lin", "-m", "n", "--config", "sealauthz.toml")
    assert said in sealauthz(*ends)[1]


def test_status_says_whether_the_database_may_be_served_and_why_not(sealauthz, tmp_path):
    assert sealauthz("db", "status")[0] == 3
    sealauthz("db", "upgrade")
    code, out, _ = sealauthz("db", "status", "-o", "json")
    found = json.loads(out)
    assert (code, found["problems"], found["pending"], found["revision"]) == (0, [], [], 0)
    assert found["schema"] == found["newest_schema"]
    assert sealauthz("db", "upgrade", "--sql") == (0, "", "")
    with closing(sqlite3.connect(tmp_path / "sealauthz.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    code, out, _ = sealauthz("db", "status")
    assert code == 1
    assert "problem: the database is at schema `0000`" in out


def test_history_is_pruned_into_a_file(sealauthz, demo_facts, tmp_path):
    assert sealauthz("db", "prune", "--keep-days", "29")[0] == 2
    done = "0 revisions archived and pruned, 0 request ids pruned\n"
    assert sealauthz("db", "prune", "--keep-days", "30", "--archive", "history.jsonl") == (0, done, "")
    with closing(sqlite3.connect(demo_facts)) as connection, connection:
        (count,) = connection.execute("SELECT count(*) FROM fact_change").fetchone()
        connection.execute("UPDATE fact_change SET at = 1")
        connection.execute("UPDATE fact_request SET at = 1")
    code, out, _ = sealauthz("db", "prune", "--keep-days", "30", "--archive", "history.jsonl")
    assert (code, out.split()[0]) == (0, str(count - 1))
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == count - 1
