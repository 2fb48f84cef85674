"""`policy check --facts` finds ids in policies that no record of an export has."""

import json

import pytest

RULES = """\
requires("use", _: Seal, "OURS");

meets(person: Person, "OURS", "use", seal: Seal, _) if
  seal.enterprise_id = "e-spruce" and
  person.id in ["p-lin", "p-lim"];
meets(_: Person, "OURS", "use", seal: Seal, _) if
  seal.id != "seal-offical" and is_of(seal.enterprise, "e-spruse");
meets(person: Person, "OURS", "use", _: Seal, _) if is_chief(person.id);
waived("OURS", "use", seal: Seal, _) if seal.name = "e-nowhere";

is_of(enterprise: Enterprise, id) if enterprise.id = id;

is_chief("p-chan");

otherwise("OURS", "NOT_OURS");
reason("NOT_OURS", 90, "USER", "ASSIGN_OTHER_PERSON");
"""
TEXTS = '[reasons]\nNOT_OURS.en = "No."\nNOT_OURS.zh = "不。"\n'
FACTS = [
    {"enterprise": {"id": "e-spruce", "name": "云杉印务", "uscc": "91350100M000100Y43"}},
    {"person": {"id": "p-lin"}},
    {"person": {"id": "p-chen"}},
]


@pytest.fixture
def ours(tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    (folder / "texts.toml").write_text(TEXTS, encoding="utf-8")
    (folder / "ours.polar").write_text(RULES, encoding="utf-8")
    lines = "".join(json.dumps(fact, ensure_ascii=False) + "\n" for fact in FACTS)
    (tmp_path / "facts.jsonl").write_text(lines, encoding="utf-8")
    return folder


def test_ids_that_no_record_has_are_warnings_at_their_places(sealauthz, ours):
    assert sealauthz("policy", "check", "--strict", "ours")[0] == 0
    code, out, err = sealauthz("policy", "check", "ours", "--facts", "facts.jsonl", "-o", "json")
    assert (code, err) == (0, "")
    found = {(f["line"], f["column"], f["code"], f["message"], f["hint"]) for f in json.loads(out)}
    said = "there is no {} `{}` among the facts".format
    assert found == {
        (5, 26, "unknown-id", said("Person", "p-lim"), "did you mean `p-lin`?"),
        (7, 14, "unknown-id", said("Seal", "seal-offical"), "nor any other Seal: export the facts without --type"),
        (7, 56, "unknown-id", said("Enterprise", "e-spruse"), "did you mean `e-spruce`?"),
        (13, 10, "unknown-id", said("Person", "p-chan"), "did you mean `p-chen`?"),
    }
    code, out, _ = sealauthz("policy", "check", "--strict", "ours", "--facts", "facts.jsonl")
    assert code == 1
    assert "ours.polar:5:26: error: there is no Person `p-lim` among the facts [unknown-id, a warning" in out


def test_the_installed_policies_name_no_record(sealauthz, ours):
    code, out, _ = sealauthz("policy", "check", "--facts", "facts.jsonl", "-o", "json")
    assert code == 0
    assert {finding["severity"] for finding in json.loads(out)} == {"exempt"}


def test_a_file_that_is_no_export_is_wrong_use(sealauthz, ours, tmp_path):
    assert sealauthz("policy", "check", "ours", "--facts", "no.jsonl")[::2] == (
        2,
        "error: `no.jsonl` cannot be read: No such file or directory\n",
    )
    (tmp_path / "wrong.jsonl").write_text("{}\n[]\n", encoding="utf-8")
    code, _, err = sealauthz("policy", "check", "ours", "--facts", "wrong.jsonl")
    assert code == 2
    assert err.startswith("error: wrong.jsonl:1: ")
    assert err.endswith("; write one fact a line, as `sealauthz facts export` does\n")


def test_errors_come_before_ids(sealauthz, ours):
    (ours / "more.polar").write_text("f(x) iff x;\n", encoding="utf-8")
    code, out, err = sealauthz("policy", "check", "ours", "--facts", "facts.jsonl")
    assert (code, err) == (1, "the ids are looked up in `facts.jsonl` once the errors are mended\n")
    assert "unknown-id" not in out
