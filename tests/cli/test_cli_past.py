"""`check --at` and `facts show --at`: what was so then, and what nobody can tell."""

import json
import sqlite3
from contextlib import closing

ASKED = ("Person:p-chen", "freeze", "Seal:seal-official")
FROZEN = ("check", "Person:p-lin", "use", "Seal:seal-official", "-c", "task=task-paper")


def test_a_question_is_decided_as_of_the_past(sealauthz, demo_facts):
    before = json.loads(sealauthz(*FROZEN, "-o", "json")[1])
    assert sealauthz("perform", *ASKED, "--request-id", "r1")[0] == 0
    frozen = json.loads(sealauthz(*FROZEN, "-o", "json")[1])
    assert before["reasons"] != frozen["reasons"]
    version = ("--policy-version", before["policy_version"])
    for at in (str(before["revision"]), before["evaluated_at"]):
        code, out, _ = sealauthz(*FROZEN, "--at", at, *version, "-o", "json")
        past = json.loads(out)
        assert (code, past["effect_then"], past["revision"]) == (1, before["effect"], before["revision"])
        assert past["reasons"] == [reason["code"] for reason in before["reasons"]]
    code, out, _ = sealauthz("check", *ASKED, "--at", str(before["revision"]), *version)
    assert code == 0
    assert out.startswith("ALLOW THEN  Person:p-chen freeze Seal:seal-official")
    assert "it permits nothing now" in out
    assert "by seal_holds.polar:" in out


def test_what_nobody_can_tell_is_neither_allowed_nor_denied(sealauthz, demo_facts):
    code, _, err = sealauthz("check", *ASKED, "--at", "1")
    assert code == 3
    assert "no policies were activated at revision 1: name the version that decided, as a record" in err
    assert "`policy_version`" in err
    code, _, err = sealauthz("check", *ASKED, "--at", "1", "--policy-version", "0123456789abcdef")
    assert code == 3
    assert "are not kept here: name the folder that holds them with --policies" in err
    assert sealauthz("check", *ASKED, "--at", "99")[0] == 3
    assert "neither a day nor a time" in sealauthz("check", *ASKED, "--at", "then")[2]
    assert "needs --at" in sealauthz("check", *ASKED, "--policy-version", "x")[2]


def test_a_record_is_shown_as_it_was(sealauthz, demo_facts):
    assert sealauthz("perform", *ASKED, "--request-id", "r1")[0] == 0
    shown = sealauthz("facts", "show", "Person", "p-chen", "--at", "1")[1]
    assert "not kept" in shown
    name = json.loads(sealauthz("facts", "show", "Seal", "seal-official", "--at", "1", "-o", "json")[1])
    assert name["as_of_revision"] == 1
    held = json.loads(sealauthz("facts", "show", "SealHold", "-o", "json")[1])[0]["fact"]["seal_hold"]["id"]
    assert sealauthz("facts", "show", "SealHold", held, "--at", "2")[0] == 0
    code, _, err = sealauthz("facts", "show", "SealHold", held, "--at", "1")
    assert code == 1
    assert "at revision 1" in err
    assert "name its ID" in sealauthz("facts", "show", "Seal", "--at", "1")[2]


def test_the_log_is_replayed(sealauthz, demo_facts, tmp_path):
    for number in range(2):
        assert sealauthz("perform", *ASKED, "--request-id", f"r{number}")[0] == 0
    assert sealauthz("audit", "sequence")[0] == 0
    code, out, _ = sealauthz("audit", "replay")
    assert (code, out) == (0, "2 records: 2 give the logged answer\n")
    assert sealauthz("audit", "replay", "--kind", "Authorize")[1] == "there are no such records\n"
    with closing(sqlite3.connect(demo_facts)) as connection, connection:
        connection.execute("UPDATE audit_log SET record = replace(record, 'ALLOW', 'DENY') WHERE number = 0")
        connection.execute("UPDATE fact_change SET changes = '[]' WHERE revision = 3")
    code, out, _ = sealauthz("audit", "replay")
    assert code == 1
    assert "1 were changed" in out
    code, out, _ = sealauthz("audit", "replay", "--to", "0", "-o", "json")
    assert code == 1
    assert json.loads(out)["records"][0]["cause"] == "TAMPERED"
    code, out, _ = sealauthz("audit", "replay", "--from", "1", "-o", "json")
    assert (code, json.loads(out)["outcomes"]) == (3, {"NOT_CHECKABLE": 1})
    assert json.loads(out)["records"][0]["cause"] == "GAP"
    (tmp_path / "words.jsonl").write_text('{"id": "d", "context": {"reason": "none asked"}}\n')
    assert (
        sealauthz("audit", "replay", "--words", "words.jsonl", "--to", "0")[0]
        == sealauthz("audit", "replay", "--to", "0")[0]
    )
    for wrong in ("words", '{"id": 1, "context": {}}', '{"id": "d"}', "[]"):
        (tmp_path / "words.jsonl").write_text(wrong)
        code, _, err = sealauthz("audit", "replay", "--words", "words.jsonl")
        assert (code, "needs lines of" in err) == (2, True)
