"""Policy tests as pytest items: run as people and their CI run them, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from own_process import run_module
from policy_files import EARLY_TESTS, ONLY_EARLY, policy_folder
from shared_cache import SHARED_CACHE

from sealauthz.policytools.testing.plugin import ENGINES, SAMPLE_EVERY, runs_of, sample_of

OLDER = "person.last_active_at <= context.now"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy folder with two tests that pass and one that fails."""
    failing = """\
  - name: nobody joins
    rules: [M-02]
    subject: outsider
    action: join
    resource: Enterprise:e
    expect: [DUPLICATE_APPLICATION]
  - name: a matrix for M-07
    rules: [M-07]
    matrix:
      resource: Enterprise:e
      actions: [invite]
      expect: {admin: {invite: allow}, member: {invite: deny}}
"""
    return policy_folder(tmp_path / "policies", ONLY_EARLY, EARLY_TESTS + failing)


def run(folder: Path, *arguments: str, remembers: bool = False) -> subprocess.CompletedProcess[str]:
    # Hypothesis, which no policy test needs, takes as long to import as the policies take to load.
    options = ["-q", "-p", "no:hypothesispytest", *arguments]
    if not remembers:
        options += ["-p", "no:cacheprovider"]
    return run_module("pytest", *options, cwd=folder, env=os.environ | SHARED_CACHE)


def test_each_test_is_an_item_with_a_speaking_id(folder: Path) -> None:
    done = run(folder, "--collect-only")
    assert done.stdout.splitlines()[:3] == [
        "tests/own.yaml::whoever was active before joins",
        "tests/own.yaml::nobody joins",
        "tests/own.yaml::a matrix for M-07",
    ]


def test_a_failure_shows_expected_and_actual_side_by_side_and_why_and_no_stack(folder: Path) -> None:
    done = run(folder)
    assert done.returncode == 1
    assert "1 failed, 2 passed" in done.stdout
    assert "Traceback" not in done.stdout
    assert "running.py" not in done.stdout
    text = " ".join(done.stdout.split())
    assert "tests/own.yaml:34: nobody joins" in text
    assert "Person:outsider join Enterprise:e at 2026-09-21T14:00:00Z" in text
    assert "expected actual effect DENY ALLOW reasons DUPLICATE_APPLICATION (none)" in text
    assert "KNOWN_PERSON └── by own.polar:3" in text


def test_a_deny_that_was_not_expected_says_what_stopped_it(folder: Path) -> None:
    tests = folder / "tests" / "own.yaml"
    tests.write_text(
        tests.read_text().replace("last_active_at: now - 1 minute", "last_active_at: now + 1 minute"), encoding="utf-8"
    )
    done = run(folder, "-k", "whoever")
    text = " ".join(done.stdout.split())
    assert "effect ALLOW DENY reasons (none) ACCOUNT_LOCKED" in text
    assert "unmet KNOWN_PERSON ACCOUNT_LOCKED" in text
    assert f"stopped at own.polar:4: {OLDER} (2026-09-21T14:01:00.000Z vs 2026-09-21T14:00:00.000Z)" in text


@pytest.mark.parametrize(
    ("words", "selected"), [("joins", 2), ("M-07", 1), ("nobody or matrix", 2), ("not nobody and not matrix", 1)]
)
def test_k_selects_by_name_and_rule(folder: Path, words: str, selected: int) -> None:
    done = run(folder, "--collect-only", "-k", words)
    assert sum("::" in line for line in done.stdout.splitlines()) == selected


def test_both_engines_run_every_test(folder: Path) -> None:
    done = run(folder, "--policy-engine", "both", "--junitxml", "report.xml")
    assert "2 failed, 4 passed" in done.stdout
    cases = ET.parse(folder / "report.xml").getroot().iter("testcase")
    assert {case.get("name") for case in cases} == {
        f"{name} [{engine}]"
        for name in ("whoever was active before joins", "nobody joins", "a matrix for M-07")
        for engine in ("compiled", "oso")
    }


def test_a_sample_is_of_every_file_and_always_the_same() -> None:
    for count in range(30):
        tests: list[Any] = [SimpleNamespace(name=f"test {number}", asks=("an ask",)) for number in range(count)]
        sample = sample_of(tests)
        assert sample == sample_of(tests[::-1])
        assert sample <= {test.name for test in tests}
        assert (len(sample) - 1) * SAMPLE_EVERY < count <= len(sample) * SAMPLE_EVERY


def test_a_sample_takes_what_asks_little() -> None:
    tests: list[Any] = [
        SimpleNamespace(name=f"test {number}", asks=("an ask",) * (number % 3 + 1)) for number in range(30)
    ]
    (name,) = sample_of(tests)
    assert next(len(test.asks) for test in tests if test.name == name) == 1


@pytest.mark.parametrize("chosen", ENGINES)
def test_no_choice_of_engines_leaves_a_test_out(chosen: str) -> None:
    tests: list[Any] = [SimpleNamespace(name=f"test {number}", asks=("an ask",)) for number in range(10)]
    runs = list(runs_of(tests, chosen))
    assert list(dict.fromkeys(test.name for test, _ in runs)) == [test.name for test in tests]
    on = {engine: {test.name for test, other in runs if other == engine} for engine in ("compiled", "oso")}
    everything = {test.name for test in tests}
    sample = sample_of(tests)
    assert on == {
        "compiled": set() if chosen == "oso" else everything,
        "oso": {"compiled": set(), "oso": everything, "both": everything, "sampled": sample}[chosen],
    }
    assert sample != everything


def test_the_setting_chooses_the_engines(folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\npolicy_engine = sampled\n", encoding="utf-8")
    listed = [line.rpartition(" ")[2] for line in run(folder, "--collect-only").stdout.splitlines() if "::" in line]
    assert sorted(listed) == 3 * ["[compiled]"] + ["[oso]"]


def test_a_setting_that_names_no_engine_stops_the_run(folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\npolicy_engine = osso\n", encoding="utf-8")
    done = run(folder)
    assert done.returncode == 4
    assert "`policy_engine` is `osso`, which is none of compiled, oso, both, sampled" in done.stderr


def test_the_setting_names_the_model(folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\npolicy_model = other:MODEL\npythonpath = .\n", encoding="utf-8")
    done = run(folder)
    assert done.returncode == 2
    assert "`policy_model` is `other:MODEL`, which cannot be imported: No module named 'other'" in done.stdout
    other = "import dataclasses, sealauthz.model\nMODEL = dataclasses.replace(sealauthz.model.MODEL, name='other')\n"
    (folder / "other.py").write_text(other, encoding="utf-8")
    assert "1 failed, 2 passed" in run(folder).stdout


def test_several_processes_share_the_coverage(folder: Path) -> None:
    options = ["--policy-coverage", "table", "-k", "not nobody"]
    alone, together = run(folder, *options), run(folder, *options, "-n", "2")
    assert alone.returncode == together.returncode == 0
    rows = [
        [" ".join(line.split()) for line in done.stdout.splitlines() if line.startswith(("own.polar", "all files"))]
        for done in (alone, together)
    ]
    assert rows == 2 * [["own.polar 2 of 2 1 of 2 3 of 4 75.0 %", "all files 2 of 2 1 of 2 3 of 4 75.0 %"]]


@pytest.mark.parametrize(
    ("percent", "of", "code"), [("75", "", 0), ("75.1", ".", 1), ("75.1", "other", 0), ("75.1", "tests", 4)]
)
def test_too_little_coverage_fails(folder: Path, percent: str, of: str, code: int) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "bundle.toml").touch()
    only = ["--policy-coverage-of", of] if of else []
    done = run(folder, "-k", "not nobody", "--policy-fail-under", percent, *only)
    assert done.returncode == code
    assert ("condition coverage is 75.0 %, which is below 75.1 %" in done.stdout) == (code == 1)
    assert ("`tests` of `--policy-coverage-of` is no policy folder" in done.stderr) == (code == 4)


def test_only_what_failed_last_is_run_again(folder: Path) -> None:
    run(folder, remembers=True)
    done = run(folder, "--lf", remembers=True)
    assert "1 failed" in done.stdout
    assert "passed" not in done.stdout


def test_a_file_that_cannot_be_understood_stops_the_run(folder: Path) -> None:
    (folder / "tests" / "zz.yaml").write_text("tests: [{name: a}]\nfoo: 1\n", encoding="utf-8")
    done = run(folder)
    assert done.returncode == 2
    assert "tests/zz.yaml:2:1: `foo` is not known here" in done.stdout
    assert "tests/zz.yaml:1:9: `subject` is missing" in done.stdout
    assert "Traceback" not in done.stdout


def test_faulty_policies_stop_the_run(folder: Path) -> None:
    (folder / "own.polar").write_text('meets(_, "MEMBER", "use", _: Seal, _);\n', encoding="utf-8")
    done = run(folder)
    assert done.returncode == 2
    assert "are refused: own.polar:1" in done.stdout
    assert "Traceback" not in done.stdout


def test_other_yaml_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "compose.yaml").write_text("services: {}\n", encoding="utf-8")
    assert run(tmp_path).returncode == 5


def test_the_plugin_imports_nothing_of_ours_until_there_is_a_policy_test() -> None:
    program = (
        "import sys, sealauthz.policytools.testing.plugin;"
        "print(*sorted(n for n in sys.modules if n.startswith('sealauthz')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == [
        "sealauthz",
        "sealauthz.policytools",
        "sealauthz.policytools.testing",
        "sealauthz.policytools.testing.plugin",
    ]
