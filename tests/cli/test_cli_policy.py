"""`policy check` tells everything at once, `policy compile` shows the Python."""

import ast
import functools
import json
import re
import shutil

import pytest

from sealauthz.decision.folder import installed_folder
from sealauthz.polar.engine import CompiledEngine


@pytest.fixture
def policies(tmp_path):
    """A copy of the installed policies."""
    return shutil.copytree(installed_folder(), tmp_path / "policies")


def append(folder, name, text):
    """Append to a file, and return the number of the first new line."""
    before = (folder / name).read_text(encoding="utf-8") if (folder / name).exists() else ""
    (folder / name).write_text(before + text, encoding="utf-8")
    return before.count("\n") + 1


def test_the_installed_policies_can_be_served(sealauthz):
    code, out, err = sealauthz("policy", "check")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("ok: policy ")
    code, out, _ = sealauthz("policy", "check", "-o", "json")
    assert code == 0
    assert {finding["severity"] for finding in json.loads(out)} <= {"warning", "exempt"}


def test_all_findings_are_told_each_with_its_line_and_a_hint(sealauthz, policies):
    append(policies, "zzz.polar", "# 附加\nf(seal: Seal) if seal.stat = 1;\ng(x: Sael) if x = 1;\n")
    code, out, err = sealauthz("policy", "check", "policies")
    assert (code, err) == (1, "")
    assert "zzz.polar:2:23: error: " in out
    assert "   2 | f(seal: Seal) if seal.stat = 1;\n     |                       ^\n     did you mean `state`" in out
    assert re.search(r"^zzz\.polar:3:\d+: error: .*`Sael`", out, re.MULTILINE)
    assert "   3 | g(x: Sael) if x = 1;\n" in out
    assert re.fullmatch(r"refused: \d+ errors(, \d+ warnings?)?", out.splitlines()[-1])

    code, out, _ = sealauthz("policy", "check", "policies", "-o", "json")
    findings = json.loads(out)
    assert code == 1
    assert all(
        list(finding) == ["severity", "code", "file", "line", "column", "end_line", "end_column", "message", "hint"]
        for finding in findings
    )
    found = next(finding for finding in findings if finding["severity"] == "error")
    assert (found["file"], found["line"], found["column"]) == ("zzz.polar", 2, 23)
    assert (found["end_line"], found["end_column"]) == (2, 27)  # behind `stat`
    assert "did you mean `state`" in found["hint"]


def test_warnings_alone_do_not_refuse(sealauthz, policies):
    append(policies, "zzz.polar", 'unused_one(x: Seal) if x.state = "ACTIVE";\n')
    code, out, _ = sealauthz("policy", "check", "policies")
    assert code == 0
    assert "zzz.polar:1:1: warning: " in out
    assert re.search(r"^ok: policy \w+, .*; \d+ warnings?$", out, re.MULTILINE)


def test_strict_makes_every_warning_an_error(sealauthz, policies):
    append(policies, "zzz.polar", 'unused_one(x: Seal) if x.state = "ACTIVE";\n')
    (policies / "texts.toml").write_text("", encoding="utf-8")
    _, lenient, _ = sealauthz("policy", "check", "policies", "-o", "json")
    warnings = [finding for finding in json.loads(lenient) if finding["severity"] != "exempt"]
    assert {finding["severity"] for finding in warnings} == {"warning"}

    code, out, err = sealauthz("policy", "check", "--strict", "policies", "-o", "json")
    assert (code, err) == (1, "")
    errors = [finding for finding in json.loads(out) if finding["severity"] != "exempt"]
    assert errors == [finding | {"severity": "error"} for finding in warnings]

    code, out, err = sealauthz("policy", "check", "--strict", "policies")
    assert (code, err) == (1, "")
    assert re.search(r"^zzz\.polar:1:1: error: .* \[[\w-]+, a warning without --strict\]$", out, re.MULTILINE)
    assert "warning: " not in out
    count = len(warnings)
    said = "is a warning" if count == 1 else "are warnings"
    errors = "1 error" if count == 1 else f"{count} errors"
    assert out.splitlines()[-1] == f"refused: {errors}, {count} of which {said} without --strict"


def test_strict_tells_errors_from_what_are_warnings_without_it(sealauthz, policies):
    append(policies, "zzz.polar", "f(seal: Seal) if seal.stat = 1;\n")
    code, out, _ = sealauthz("policy", "check", "--strict", "policies")
    assert code == 1
    assert re.search(r"^zzz\.polar:1:\d+: error: .*\[[\w-]+\]$", out, re.MULTILINE)
    assert re.search(r"^zzz\.polar:1:1: error: .*, a warning without --strict\]$", out, re.MULTILINE)
    assert out.endswith("refused: 2 errors, 1 of which is a warning without --strict\n")


def test_the_installed_policies_have_no_warning(sealauthz):
    code, out, err = sealauthz("policy", "check", "--strict")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("ok: policy ")
    assert "warning" not in out


def test_what_a_group_exempts_from_is_told_with_its_reason_for_the_files_of_the_folder(sealauthz, tmp_path):
    _, out, _ = sealauthz("policy", "check")
    said = "`resign` on Membership from `REALNAME_VERIFIED` of the group PROTECTING"
    reason = "Who may do nothing may still leave."
    assert re.search(rf"^floor\.polar:\d+:1: exempt: {re.escape(said)}\n     {re.escape(reason)}\n", out, re.MULTILINE)
    _, out, _ = sealauthz("policy", "check", "-o", "json")
    found = [each for each in json.loads(out) if each["severity"] == "exempt" and each["message"] == said]
    assert [(each["code"], each["file"], each["hint"]) for each in found] == [("group", "floor.polar", reason)]

    # Those of the installed files are the product's.
    (tmp_path / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    _, out, _ = sealauthz("policy", "check", str(tmp_path))
    assert out.startswith("ok: policy ")


def test_a_file_that_cannot_be_parsed_is_a_finding_and_so_is_every_other(sealauthz, policies):
    line = append(policies, "words.polar", "foo(x) if print(x);\n")
    append(policies, "zzz.polar", "foo(x) iff x;\n")
    code, out, err = sealauthz("policy", "check", "policies")
    assert (code, err) == (1, "")
    assert f"words.polar:{line}:11: error: `print` is not accepted [syntax]\n" in out
    assert f"{line:>4} | foo(x) if print(x);\n     |           ^\n" in out
    assert "zzz.polar:1:8: error: " in out
    assert out.endswith("\nrefused: 2 errors\n")
    code, out, _ = sealauthz("policy", "check", "policies", "-o", "json")
    assert [(f["file"], f["line"], f["column"], f["code"]) for f in json.loads(out)] == [
        ("words.polar", line, 11, "syntax"),
        ("zzz.polar", 1, 8, "syntax"),
    ]


def test_what_only_loading_finds_is_a_finding(sealauthz, policies):
    (policies / "parameters.toml").write_text("reminder_limit = -1\n", encoding="utf-8")
    code, out, _ = sealauthz("policy", "check", "policies")
    assert code == 1
    assert "parameters.toml: error: " in out


def test_what_is_signed_off_is_told_and_is_no_warning(sealauthz, tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    lines = 'extends = "default"\n[accepts]\n"parameters.face_for_use" = "Security: shared terminals"\n'
    (folder / "bundle.toml").write_text(lines, encoding="utf-8")
    code, out, _ = sealauthz("policy", "check", "ours")
    assert code == 1
    said = "`parameters.face_for_use` under `accepts` accepts nothing: remove it"
    assert out == f"bundle.toml: error: {said} [signoff]\n\nrefused: 1 error\n"

    (folder / "parameters.toml").write_text('face_for_use = "2 hours"\n', encoding="utf-8")
    code, out, _ = sealauthz("policy", "check", "--strict", "ours")
    what = "`parameters.face_for_use`: `face_for_use` is 2 hours, outside of its range from 1 minute to 1 hour"
    assert code == 0
    assert out.startswith(f"bundle.toml: accepted: {what}\n     Security: shared terminals\n\nok: policy ")
    code, out, _ = sealauthz("policy", "check", "--strict", "ours", "-o", "json")
    (accepted,) = json.loads(out)
    assert (code, accepted["severity"], accepted["file"]) == (0, "accepted", "bundle.toml")
    assert (accepted["message"], accepted["hint"]) == (what, "Security: shared terminals")


def test_a_folder_without_the_products_own_rules_is_refused(sealauthz, policies):
    (policies / "contract.polar").unlink()
    code, out, _ = sealauthz("policy", "check", "policies")
    assert (code, out) == (1, "error: the bundle has no contract.polar [contract]\n\nrefused: 1 error\n")


def test_a_folder_that_is_not_there_is_refused(sealauthz):
    code, out, _ = sealauthz("policy", "check", "nowhere")
    assert (code, out) == (1, "error: there is no policy folder `nowhere` [contract]\n\nrefused: 1 error\n")
    assert sealauthz("policy", "compile", "nowhere") == (1, "", "error: there is no policy folder `nowhere`\n")


@pytest.fixture
def _shown_once(monkeypatch):
    """Write the Python of the installed policies once for all tests: it is the same, and takes seconds."""
    monkeypatch.setattr(CompiledEngine, "show", _show)


_show = functools.cache(CompiledEngine.show)


@pytest.mark.usefixtures("_shown_once")
def test_compile_counts_and_says_how_long_it_took(sealauthz):
    code, out, err = sealauthz("policy", "compile")
    assert (code, err) == (0, "")
    assert re.fullmatch(
        r"policy \w+: \d+ rules became \d+ functions with \d+ lines,\n"
        r"for \d+ kinds of questions, in \d+\.\d\d s \(parsed, checked and compiled\)\n",
        out,
    )


@pytest.mark.usefixtures("_shown_once")
def test_compile_shows_python_that_names_the_lines_of_the_policies(sealauthz):
    code, out, _ = sealauthz("policy", "compile", "--rule", "live_grant")
    assert code == 0
    assert {node.name.partition("_")[2] for node in ast.parse(out).body} == {"live_grant"}
    assert re.search(r"# authority\.polar:\d+:\d+\n", out)
    code, everything, _ = sealauthz("policy", "compile", "--show")
    assert code == 0
    assert out.strip().split("\n\n\n")[0] in everything


@pytest.mark.usefixtures("_shown_once")
def test_compile_suggests_a_rule_that_was_meant(sealauthz):
    code, out, err = sealauthz("policy", "compile", "--rule", "live_grnt")
    assert (code, out) == (2, "")
    assert err == "error: no function was made of a rule `live_grnt`; did you mean `live_grant`?\n"


def test_compile_refuses_with_the_place(sealauthz, policies):
    append(policies, "zzz.polar", "foo(x) iff x;\n")
    code, out, err = sealauthz("policy", "compile", "policies")
    assert (code, out) == (1, "")
    assert err.startswith("error: zzz.polar:1:8: ")


def test_rule_prints_text_statements_facts_and_tests(sealauthz):
    code, out, err = sealauthz("policy", "rule", "M-08")
    assert (code, err) == (0, "")
    assert out.startswith("M-08: The last administrator cannot ")
    assert re.search(r"^NOT_LAST_ADMIN met by:\n(  .*\n)*  \w+\.polar:\d+  end on Membership$", out, re.MULTILINE)
    assert re.search(r"^reads:\n(  .*\n)*  Membership\.state$", out, re.MULTILINE)
    assert re.search(r"^tests:\n(  .*\n)*  \w+\.yaml:\d+  M-08 ", out, re.MULTILINE)


def test_rule_of_a_requirement_prints_its_tags_and_places(sealauthz, policies):
    line = append(policies, "zzz.polar", 'meets(_: Person, "OWN", "use", seal: Seal, _) if seal.state = "ACTIVE";\n')
    append(policies, "zzz.polar", 'requires("use", _: Seal, "OWN");\notherwise("OWN", "SEAL_DISABLED");\n')
    code, out, err = sealauthz("policy", "rule", "OWN", "policies")
    assert (code, err) == (0, "")
    assert f"\nmet by:\n  zzz.polar:{line}  use on Seal\n" in out
    code, out, err = sealauthz("policy", "rule", "U-99")
    assert (code, out, err) == (2, "", "error: there is no rule or requirement `U-99`; did you mean `U-19`?\n")
