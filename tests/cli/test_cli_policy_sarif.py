"""`policy check -o sarif` is SARIF 2.1.0, with each finding at its place."""

import ast
import json
from pathlib import Path
from urllib.parse import unquote

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as SarifLog

import sealauthz
from sealauthz.decision.kinds import KINDS
from sealauthz.polar.source import Source
from sealauthz.polar.spans import end_column

WRONG = '# 附加\nf(seal: Seal) if seal.stat = 1;\ng(x: Seal) if x.state = "ACTVE";\n'


@pytest.fixture
def ours(tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    return folder


def log_of(out):
    """The run that is printed, after its form has been compared with the schema."""
    log = json.loads(out)
    SarifLog.model_validate_json(out)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    return run


def places(run):
    for result in run["results"]:
        where = result["locations"][0]["physicalLocation"]
        yield result, where["artifactLocation"], where["region"]


def test_each_finding_is_a_result_at_its_place_with_a_relative_path(sealauthz, ours):
    (ours / "zz 附.polar").write_text(WRONG, encoding="utf-8")
    code, out, err = sealauthz("policy", "check", "ours", "-o", "sarif")
    assert (code, err) == (1, "")
    run = log_of(out)
    found = {
        (result["ruleId"], result["level"], region["startLine"], region["startColumn"], region["endColumn"])
        for result, _, region in places(run)
    }
    assert {("attribute", "error", 2, 23, 27), ("word", "error", 3, 25, 32), ("unused", "warning", 2, 1, 2)} <= found
    assert all(region["startLine"] == region["endLine"] for _, _, region in places(run))
    for _, artifact, _ in places(run):
        assert unquote(artifact["uri"]) == "ours/zz 附.polar"
        assert artifact["uri"].isascii()
        assert "uriBaseId" not in artifact
    assert "did you mean `state`?" in next(r["message"]["text"] for r in run["results"] if r["ruleId"] == "attribute")

    # The same findings as in JSON, and --strict raises them alike.
    _, out, _ = sealauthz("policy", "check", "--strict", "ours", "-o", "sarif")
    assert {result["level"] for result in log_of(out)["results"]} == {"error"}


def test_a_folder_elsewhere_is_named_by_a_base(sealauthz, ours, tmp_path, monkeypatch):
    (ours / "zzz.polar").write_text(WRONG, encoding="utf-8")
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    _, out, _ = sealauthz("policy", "check", str(ours), "-o", "sarif")
    run = log_of(out)
    assert {(a["uri"], a["uriBaseId"]) for _, a, _ in places(run)} == {("zzz.polar", "POLICIES")}
    assert set(run["originalUriBaseIds"]) == {"POLICIES"}
    assert str(tmp_path) not in out


def test_text_that_is_no_polar_has_its_place_and_so_has_a_folder_that_is_not_there(sealauthz, ours):
    (ours / "zzz.polar").write_text("foo(x) iff x;\n", encoding="utf-8")
    code, out, _ = sealauthz("policy", "check", "ours", "-o", "sarif")
    ((result, artifact, region),) = places(log_of(out))
    assert (code, result["ruleId"], artifact["uri"]) == (1, "syntax", "ours/zzz.polar")
    assert region == {"startLine": 1, "startColumn": 8, "endLine": 1, "endColumn": 11}
    code, out, _ = sealauthz("policy", "check", "nowhere", "-o", "sarif")
    ((result, artifact, region),) = places(log_of(out))
    assert (code, result["ruleId"], artifact["uri"]) == (1, "contract", "nowhere/bundle.toml")
    assert region == {"startLine": 1}


def test_what_somebody_answers_for_is_a_suppressed_note(sealauthz, ours):
    lines = 'extends = "default"\n[accepts]\n"parameters.face_for_use" = "Security: shared terminals"\n'
    (ours / "bundle.toml").write_text(lines, encoding="utf-8")
    (ours / "parameters.toml").write_text('face_for_use = "2 hours"\n', encoding="utf-8")
    code, out, _ = sealauthz("policy", "check", "--strict", "ours", "-o", "sarif")
    ((result, artifact, _),) = places(log_of(out))
    assert (code, result["ruleId"], result["level"], artifact["uri"]) == (0, "signoff", "note", "ours/bundle.toml")
    assert result["suppressions"] == [{"kind": "external", "justification": "Security: shared terminals"}]

    _, out, _ = sealauthz("policy", "check", "-o", "sarif")
    run = log_of(out)
    assert {(r["level"], r["suppressions"][0]["kind"], a["uriBaseId"]) for r, a, _ in places(run)} == {
        ("note", "inSource", "INSTALLED")
    }


def test_a_finding_ends_with_the_token_that_it_begins_at():
    source = Source("a.polar", 'f("附加", x) if\n  x.state = "A";\ng(x) if x ~ 1;\nh(x);\n')
    assert end_column(source, 1, 3) == 7  # the text with its quotes
    assert end_column(source, 2, 5) == 10
    assert end_column(source, 2, 4) == 5
    assert end_column(source, 3, 9) == 10
    assert end_column(source, 4, 1) == 2  # behind what is no Polar, nothing is known


def test_every_code_of_a_diagnostic_is_described():
    package = Path(sealauthz.__file__).parent
    files = [path for name in ("polar", "decision", "cli") for path in (package / name).rglob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in files]
    told = {
        node.args[0].value
        for text in texts
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("error", "warning")
        and len(node.args) >= 3
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value.replace("-", "").isalpha()
    }
    assert len(told) > 30
    assert told <= set(KINDS)
    assert {"group", "syntax", "contract", "text", "signoff", "obligation"} <= set(KINDS)
    assert [code for code in KINDS if not any(f'"{code}"' in text for text in texts if "KINDS:" not in text)] == []
