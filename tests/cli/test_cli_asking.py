"""`check`, `explain`, `actions`: in process on a database. Over gRPC: `test_serve`."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from sealauthz.cli.output import rfc3339
from sealauthz.decision import system_clock
from sealauthz.facts import Batch, Put, Store
from sealauthz.model import MODEL
from sealauthz.model.records.identity import Person
from sealauthz.ops.demo.facts import DAY, opening_facts

LIN_USES = ("Person:p-lin", "use", "Seal:seal-official", "-c", "task=task-paper")


def test_a_deny_says_why_and_what_to_do(sealauthz, demo_facts):
    code, out, err = sealauthz("check", *LIN_USES)
    assert (code, err) == (1, "")
    assert out.startswith(
        "DENY  Person:p-lin use Seal:seal-official\n"
        "  NOT_A_MEMBER\n"
        "    → JOIN_ENTERPRISE  enterprise_id=e-yunshan\n"
        "                       enterprise_name=云杉印务（上海）有限公司\n"
    )
    assert "valid until 2" in out
    assert "facts at revision 1, policy " in out


def test_in_a_language_it_also_says_what_to_tell_the_person(sealauthz, demo_facts):
    code, out, err = sealauthz("check", *LIN_USES, "--language", "zh")
    assert (code, err) == (1, "")
    assert out.startswith(
        "DENY  Person:p-lin use Seal:seal-official\n"
        "  NOT_A_MEMBER\n"
        "    您还不是该企业成员\n"
        "    → JOIN_ENTERPRISE  申请加入云杉印务（上海）有限公司\n"
        "                       enterprise_id=e-yunshan\n"
    )
    _, out, _ = sealauthz("check", *LIN_USES, "--language", "en", "-o", "json")
    reason = json.loads(out)["reasons"][0]
    assert reason["text"] == "You are not a member of this enterprise yet."
    assert reason["next_steps"][0]["text"] == "Apply to join 云杉印务（上海）有限公司"


def test_an_allow_exits_with_0(sealauthz, demo_facts):
    code, out, _ = sealauthz("check", "Person:p-lin", "join", "Enterprise:e-yunshan")
    assert code == 0
    assert out.startswith("ALLOW  Person:p-lin join Enterprise:e-yunshan\n")


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (("Person:nobody", "use", "Seal:seal-official"), "NOT_FOUND"),
        (("Person:p-lin", "use", "Seal:nothing"), "NOT_FOUND"),
        (("Person:p-lin", "fly", "Seal:seal-official"), "UNKNOWN_ACTION"),
        (("Person:p-lin", "use", "Seel:seal-official"), "UNKNOWN_TYPE"),
        (("Seal:seal-official", "use", "Seal:seal-official"), "UNKNOWN_TYPE"),
    ],
)
def test_what_is_unknown_is_a_deny(sealauthz, demo_facts, question, reason):
    code, out, _ = sealauthz("check", *question, "-o", "json")
    assert code == 1
    assert [r["code"] for r in json.loads(out)["reasons"]] == [reason]


def test_json_holds_the_whole_decision(sealauthz, demo_facts):
    code, out, _ = sealauthz("check", *LIN_USES, "--output", "json")
    decision = json.loads(out)
    assert (code, decision["effect"], decision["revision"]) == (1, "DENY", 1)
    first = decision["reasons"][0]
    assert (first["code"], first["stage"], first["requirement"]) == ("NOT_A_MEMBER", 40, "MEMBER")
    assert first["next_steps"][0]["code"] == "JOIN_ENTERPRISE"
    assert first["next_steps"][0]["parameters"]["enterprise_id"] == "e-yunshan"
    assert decision["valid_until"].endswith("Z")
    assert decision["obligations"] == []


def test_explain_lists_requirements_with_their_rules_and_exits_with_0(sealauthz, demo_facts):
    code, out, _ = sealauthz("explain", *LIN_USES)
    assert code == 0
    assert "├── met    ACCOUNT_ACTIVE\n│   └── by floor.polar:" in out
    assert "├── unmet  MEMBER  NOT_A_MEMBER\n│   ├── because reasons.polar:" in out
    code, out, _ = sealauthz("explain", *LIN_USES, "-o", "json")
    outcomes = {item["requirement"]: item for item in json.loads(out)["requirements"]}
    assert outcomes["MEMBER"]["standing"] == "UNMET"
    assert outcomes["MEMBER"]["tried"][0]["rules"][0] == "M-01"
    assert outcomes["MEMBER"]["because"][0]["file"] == "reasons.polar"
    assert outcomes["MEMBER"]["because"][0]["head"] == 'otherwise("MEMBER", "NOT_A_MEMBER")'
    assert outcomes["ACCOUNT_ACTIVE"]["attempts"][0]["is_met"]


@pytest.fixture
def expired(demo_facts):
    """The grant of Zhou Min ended a day ago; returns when, to the millisecond."""
    store, now = Store.open(f"sqlite:///{demo_facts}", MODEL), system_clock() // 1_000_000 * 1_000_000
    grant = store.read("SealGrant", {"id": "grant-zhou-use"}).records[0].record
    store.write(Batch("test", "late", (Put(replace(grant, valid_from=now - 40 * DAY, valid_to=now - DAY)),)))
    store.close()
    return rfc3339(now - DAY).replace("Z", ".000Z")


ZHOU_USES = ("Person:p-zhou", "use", "Seal:seal-official", "-c", "task=task-cartons")


@pytest.mark.parametrize("width", [80, 100])
def test_explain_shows_the_condition_that_an_expired_grant_does_not_meet(sealauthz, expired, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = sealauthz("explain", *ZHOU_USES)
    assert "\n├── unmet  SEAL_AUTHORITY  GRANT_EXPIRED\n│   ├── because authority.polar:" in out
    unwrapped = " ".join(out.replace("│", " ").split())
    assert re.search(
        r" stopped at words\.polar:\d+: context\.now < dated\.valid_to "
        rf"\(20[-\d]+T[:.\d]+Z vs {re.escape(expired)}\)",
        unwrapped,
    )
    assert max(map(cell_len, out.splitlines())) <= width


def test_explain_as_json_holds_all_conditions(sealauthz, expired):
    _, out, _ = sealauthz("explain", *ZHOU_USES, "-o", "json")
    outcome = next(item for item in json.loads(out)["requirements"] if item["requirement"] == "SEAL_AUTHORITY")
    assert not any(attempt["is_met"] for attempt in outcome["attempts"])
    assert [attempt["rule"] for attempt in outcome["attempts"]] == outcome["tried"]
    assert [(rule["file"], rule["rules"]) for rule in outcome["because"]] == [("authority.polar", ["U-07"])]
    found = outcome["attempts"][0]
    while found["under"]:
        found = found["under"][0]
    assert (found["file"], found["condition"]) == ("words.polar", "context.now < dated.valid_to")
    assert (found["values"][1], found["under"]) == (expired, [])


def test_explain_shows_no_personal_text(sealauthz, demo_facts):
    people = [record for record in opening_facts(0) if isinstance(record, Person)]
    for form in ("table", "json"):
        _, out, _ = sealauthz("explain", *LIN_USES, "-o", form)
        assert not [text for person in people for text in (person.real_name, person.phone) if text in out]


def test_the_examples_of_the_documentation_are_real(sealauthz, demo_facts):
    document = (Path(__file__).parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
    examples = re.findall(r"```text\n\$ sealauthz (explain .*)\n(?s:(.*?))```", document)
    assert [said[:4] for _, said in examples] == ["DENY", "ALLO"]
    for command, said in examples:
        _, out, _ = sealauthz(*command.split())
        assert _lasting(said) == _lasting(out)


def _lasting(said):
    """What neither another moment changes nor a line more in a policy."""
    return re.sub(r"decision \S+, valid until \S+|policy \S+|(?<=\.polar:)\d+", "", said)


def test_actions_lists_every_action_of_the_type(sealauthz, demo_facts):
    code, out, _ = sealauthz("actions", "Person:p-zhou", "Seal:seal-official", "-c", "task=task-cartons")
    assert code == 0
    lines = {line.split()[0]: line.split() for line in out.splitlines()}
    assert lines["view"] == ["view", "ALLOW"]
    assert lines["use"] == ["use", "DENY", "FACE_VERIFICATION_REQUIRED", "VERIFY_FACE"]
    _, out, _ = sealauthz("actions", "Person:p-zhou", "Seal:seal-official", "-o", "json")
    assert list(json.loads(out)) == list(lines)[1:]


def test_list_says_on_what_and_whether_that_is_all(sealauthz, demo_facts):
    code, out, err = sealauthz("list", "Person:p-zhou", "view", "Seal")
    assert (code, err) == (0, "")
    assert out.startswith("1  Person:p-zhou view Seal  all of them\n  seal-official\nas of 2")
    assert "facts at revision 1, policy " in out


def test_list_says_who(sealauthz, demo_facts):
    _, out, _ = sealauthz("list", "Person", "view", "Seal:seal-official", "-o", "json")
    found = json.loads(out)
    assert (found["ids"], found["complete"], found["revision"]) == (["p-chen", "p-zhou"], True, 1)
    for person in ("p-chen", "p-lin", "p-luo", "p-zhou"):
        code, _, _ = sealauthz("check", f"Person:{person}", "view", "Seal:seal-official")
        assert (code == 0) == (person in found["ids"])


def test_list_stops_at_a_limit_and_says_so(sealauthz, demo_facts):
    _, out, _ = sealauthz("list", "Person", "view", "Seal:seal-official", "--limit", "1", "-o", "json")
    assert (json.loads(out)["ids"], json.loads(out)["complete"]) == (["p-chen"], False)
    _, out, _ = sealauthz("list", "Person", "view", "Seal:seal-official", "--limit", "1")
    assert out.startswith("1  Person view Seal:seal-official  more follow\n")
    _, out, _ = sealauthz("list", "Person", "view", "Seal:seal-official", "--limit", "2", "-o", "json")
    assert json.loads(out)["complete"]


def test_list_except_says_what_is_still_needed_and_that_it_permits_nothing(sealauthz, demo_facts):
    asked = ("Person:p-zhou", "use", "Seal", "-c", "task=task-cartons")
    code, out, _ = sealauthz("list", *asked, "--except", "FRESH_FACE")
    assert code == 0
    assert out.startswith("1  Person:p-zhou use Seal  all of them\n  not permitted yet: listed but for FRESH_FACE\n")
    assert "seal-official  FRESH_FACE\n" in out
    _, out, _ = sealauthz("list", *asked, "--except", "FRESH_FACE", "-o", "json")
    found = json.loads(out)
    assert found["conditional"] == [{"id": "seal-official", "still_required": ["FRESH_FACE"]}]
    assert (found["except_requirements"], found["complete"], "ids" in found) == (["FRESH_FACE"], True, False)
    whose = ("Person", "view", "Seal:seal-official", "--except", "MEMBER")
    _, out, _ = sealauthz("list", *whose, "--limit", "1", "-o", "json")
    assert (len(json.loads(out)["conditional"]), json.loads(out)["complete"]) == (1, False)


def test_actions_except_lists_what_is_still_needed(sealauthz, demo_facts):
    asked = ("Person:p-zhou", "Seal:seal-official", "-c", "task=task-cartons", "--except", "FRESH_FACE")
    code, out, _ = sealauthz("actions", *asked)
    assert (code, "not permitted yet: listed but for FRESH_FACE" in out) == (0, True)
    _, out, _ = sealauthz("actions", *asked, "-o", "json")
    lacking = {item["id"]: item["still_required"] for item in json.loads(out)["conditional"]}
    assert (lacking["use"], lacking["view"]) == (["FRESH_FACE"], [])


def test_explain_unmet_shows_what_stands_in_the_way_only(sealauthz, demo_facts):
    _, out, _ = sealauthz("explain", "--unmet", *LIN_USES)
    assert "\nrequirements that are not met\n" in out
    assert "unmet  MEMBER  NOT_A_MEMBER\n" in out
    assert not re.search(r"[├└]── (met|waived) ", out)
    _, whole, _ = sealauthz("explain", *LIN_USES, "-o", "json")
    _, out, _ = sealauthz("explain", *LIN_USES, "--unmet", "-o", "json")
    unmet = [item for item in json.loads(whole)["requirements"] if item["standing"] == "UNMET"]
    assert unmet
    assert json.loads(out)["requirements"] == unmet
    _, out, _ = sealauthz("explain", "--unmet", "Person:p-lin", "join", "Enterprise:e-yunshan")
    assert out.startswith("ALLOW")
    assert "requirements" not in out


@pytest.mark.parametrize(
    ("question", "step", "near"),
    [
        (("Person:p-lin", "uze", "Seal:seal-official"), "CHOOSE_ACTION", "use"),
        (("Person:p-lin", "use", "Seel:seal-official"), "CHOOSE_TYPE", "Seal"),
        (("Persn:p-lin", "use", "Seal:seal-official"), "CHOOSE_TYPE", "Person"),
    ],
)
def test_what_is_misspelt_is_told_the_near_word(sealauthz, demo_facts, question, step, near):
    _, out, _ = sealauthz("check", *question, "--language", "en")
    assert f"Did you mean `{near}`?\n    → {step}  Use `{near}`\n" in out


def test_list_without_anything_is_empty_and_exits_with_0(sealauthz, demo_facts):
    code, out, _ = sealauthz("list", "Person:nobody", "view", "Seal")
    assert code == 0
    assert out.startswith("0  Person:nobody view Seal  all of them\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "Person:p-lin", "use", "Seal:s"), "write one of SUBJECT and RESOURCE as TYPE:ID"),
        (("list", "Person", "use", "Seal"), "write one of SUBJECT and RESOURCE as TYPE:ID"),
        (("list", "Person:p-lin", "fly", "Seal"), "`action` is not an action on Seal"),
        (("list", "Person:p-lin", "uze", "Seal"), "did you mean `use`?"),
        (("list", "Person:p-lin", "use", "Seel"), "did you mean `Seal`?"),
        (("list", "Person:p-lin", "use", "Seal", "--except", "FRESH_FAZE"), "did you mean `FRESH_FACE`?"),
        (("actions", "Person:p-lin", "Seal:s", "--except", "FRESH_FAZE"), "did you mean `FRESH_FACE`?"),
        (("list", "Person:p-lin", "use", "Seal", "--language", "en"), "--language adds texts to answers"),
        (("list", "Person:p-lin", "use", "Seal", "-c", "a=1", "-c", "a=2"), "--context names a key twice"),
        (("list", "Person:p-lin", "use", "Seal", "--limit", "0"), "0 is not in the range x>=1"),
        (("check", "p-lin", "use", "Seal:s"), "`p-lin` is not a reference: write TYPE:ID, as in Person:p-lin"),
        (("check", "Person:", "use", "Seal:s"), "`Person:` is not a reference"),
        (("check", *LIN_USES[:3], "-c", "task"), "`task` must be KEY=VALUE, as in task=task-paper"),
        (("check", *LIN_USES, "-c", "task=task-paper"), "--context names a key twice"),
        (("check", *LIN_USES[:3], "-c", "tusk=1"), "`context[tusk]`"),
        (("check", *LIN_USES[:3], "-c", "now=1"), "`context[now]`"),
        (("check", *LIN_USES, "--insecure"), "--insecure needs a --server"),
        (("check", *LIN_USES, "--server", "a:1", "--database", "b"), "ask either a --server or a --database, not both"),
        (("check", *LIN_USES, "--server", "a:1"), "a server needs a token"),
        (("check", *LIN_USES, "--server", "a:1", "--token-file", "none"), "`none`: no such file or directory"),
        (("check", *LIN_USES, "--config", "none.toml"), "the configuration `none.toml` cannot be read"),
        (("check", *LIN_USES, "--database", "mysql://x"), "must start with `sqlite:` or `postgresql:`"),
    ],
)
def test_wrong_use_is_one_line_and_2(sealauthz, demo_facts, arguments, message):
    code, out, err = sealauthz(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


def test_a_token_that_cannot_be_sent_is_wrong_use(sealauthz, tmp_path):
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    code, _, err = sealauthz("check", *LIN_USES, "--server", "127.0.0.1:1", "--token-file", "token")
    assert code == 2
    assert "the token must be one line of printable ASCII characters" in err


def test_plain_text_goes_to_this_machine_only(sealauthz, monkeypatch):
    monkeypatch.setenv("SEALAUTHZ_TOKEN", "t")
    code, _, err = sealauthz("check", *LIN_USES, "--server", "example.org:443", "--insecure")
    assert (code, "loopback only" in err) == (2, True)


def test_no_database_is_no_answer(sealauthz):
    code, out, err = sealauthz("check", *LIN_USES)
    assert (code, out) == (3, "")
    assert "`sealauthz db upgrade`" in err
    assert err.count("\n") == 1


def test_a_database_without_a_schema_is_no_answer(sealauthz, tmp_path):
    (tmp_path / "sealauthz.db").touch()
    code, _, err = sealauthz("check", *LIN_USES)
    assert code == 3
    assert "run `sealauthz db upgrade`" in err


def test_a_file_that_is_no_database_is_no_answer(sealauthz, tmp_path):
    (tmp_path / "sealauthz.db").write_text("garbage " * 100)
    code, _, err = sealauthz("check", *LIN_USES)
    assert code == 3
    assert "file is not a database" in err


def test_no_server_is_no_answer(sealauthz, monkeypatch):
    monkeypatch.setenv("SEALAUTHZ_TOKEN", "t")
    code, _, err = sealauthz("check", *LIN_USES, "--server", "127.0.0.1:1", "--insecure")
    assert (code, err) == (3, "error: no server answers at `127.0.0.1:1` in plain text\n")


def test_both_engines_answer_alike(sealauthz, demo_facts):
    varying = re.compile(r"decision [0-9a-f-]{36}|valid until \S+")
    answers = [sealauthz("check", *LIN_USES, "--engine", engine) for engine in ("compiled", "oso")]
    (code, out, err), (other_code, other_out, other_err) = answers
    assert (code, err) == (other_code, other_err) == (1, "")
    assert varying.sub("", out) == varying.sub("", other_out)
    assert sealauthz("explain", *LIN_USES, "--engine", "oso")[0] == 0


def test_the_engine_of_a_server_is_its_own(sealauthz):
    code, _, err = sealauthz("check", *LIN_USES, "--engine", "oso", "--server", "127.0.0.1:1")
    assert code == 2
    assert err.startswith("error: --engine is for a --database: a server has its own")


NOT_FOR_A_CHECK = (
    "alembic",
    "cryptography",
    "google.protobuf",
    "grpc",
    "joserfc",
    "oso",
    "polar",
    "psycopg",
    "pydantic",
    "sealauthz.policytools.attack",
    "sealauthz.operations",
    "sealauthz.rollout",
    "sealauthz.service",
    "sealauthz_client.messages",
    "sqlalchemy.dialects.postgresql",
)
"""What a question to a database of SQLite does without."""


@pytest.mark.slow
def test_a_check_on_a_file_loads_only_what_it_needs(demo_facts):
    code = (
        "import sys; from sealauthz.cli.app import run; import sealauthz.cli.active_policies, sealauthz.cli.in_process;"
        f" print('lark' in sys.modules); run(['check', *{LIN_USES!r}]); print(*sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    parses, answer, *_, loaded = out.splitlines()
    assert answer.startswith(("ALLOW", "DENY"))
    assert "sealauthz.decision.pdp" in loaded.split()
    assert not {*NOT_FOR_A_CHECK} & {*loaded.split()}
    # A bundle that nobody has loaded before must be parsed; one from the cache needs no parser.
    assert parses == "False"
