"""`db upgrade`, `db status`, `db prune`, `db restored` and `demo`."""

import json
import sqlite3
from contextlib import closing


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
    monkeypatch.setattr("sealauthz.demo.scenario.tell", lambda harness: harness.surprises.append("step 1: no"))
    assert sealauthz("demo")[0] == 1


def test_restored_begins_a_new_history(sealauthz):
    code, _, err = sealauthz("db", "restored")
    assert code == 3
    assert "db upgrade" in err
    sealauthz("db", "upgrade")
    assert sealauthz("db", "restored") == (0, "a new history begins at revision 0; tokens of before are refused\n", "")


def test_status_says_whether_the_database_may_be_served_and_why_not(sealauthz, tmp_path):
    assert sealauthz("db", "status")[0] == 3
    sealauthz("db", "upgrade")
    code, out, _ = sealauthz("db", "status", "-o", "json")
    found = json.loads(out)
    assert (code, found["problems"], found["pending"], found["revision"]) == (0, [], [], 0)
    assert found["schema"] == found["newest_schema"]
    assert sealauthz("db", "upgrade", "--sql") == (0, "", "")
    with closing(sqlite3.connect(tmp_path / "sealauthz.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0009'")
    code, out, _ = sealauthz("db", "status")
    assert code == 1
    assert "problem: the database is at schema `0009`" in out
    assert "0010, 0011" in out


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
