"""`policy test`, `policy mutate` and `policy schema` for people who know neither pytest nor the package."""

import json
import shutil
from pathlib import Path

import pytest
from own_process import run_module

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "tightened"


@pytest.fixture
def example(tmp_path):
    """The example of a folder that tightens the installed policies, as `policies` in the working directory."""
    return shutil.copytree(EXAMPLE, tmp_path / "policies")


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def policy_test(*arguments):
    """Run in a process of its own: pytest within pytest shares too much."""
    return run_module("sealauthz", "policy", "test", *arguments)


@pytest.mark.usefixtures("example")
def test_without_a_path_the_tests_of_the_working_directory_run():
    done = policy_test("--coverage", "table", "--fail-under", "100")
    assert (done.returncode, done.stderr) == (0, "")
    # One of the three conditions finds a value, and so has one side.
    assert "all files 3 of 3 3 of 3 5 of 5 100.0 %" in [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert not Path(".pytest_cache").exists()


def test_a_policy_folder_stands_for_its_tests(example):
    edit(example / "house_rules.polar", '"INVOICE", ', "")
    done = policy_test("policies", "-k", "invoice")
    assert done.returncode == 1
    assert "an invoice seal needs the grant only" in done.stdout
    assert "DOCUMENTS_APPROVED" in done.stdout


def test_what_follows_two_dashes_goes_to_pytest(example):
    done = policy_test("policies", "--", "--collect-only")
    assert done.returncode == 0
    assert "policies/tests/house_rules.yaml::a grant alone does not open" not in done.stdout
    assert "policies/tests/house_rules.yaml::an invoice seal needs the grant only" in done.stdout


def test_settings_of_the_surrounding_project_do_not_matter(example):
    Path("pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")
    assert policy_test("policies").returncode == 0


def test_a_file_that_cannot_be_understood_is_wrong_use(example):
    edit(example / "tests" / "house_rules.yaml", "fixture: spruce", "fixture: spruse")
    done = policy_test("policies")
    assert done.returncode == 2
    assert "there is no fixture `spruse`; did you mean `spruce`?" in done.stdout


def test_no_tests_are_wrong_use(example):
    assert policy_test("policies", "-k", "zebra").returncode == 2


def test_a_path_that_is_not_there_is_wrong_use(sealauthz):
    assert sealauthz("policy", "test", "nowhere") == (2, "", "error: there is no file or folder `nowhere`\n")


@pytest.mark.parametrize("command", ["test", "mutate"])
def test_tests_beside_no_policies_are_told_where_tests_lie(sealauthz, tmp_path, command):
    shutil.copy(EXAMPLE / "tests" / "house_rules.yaml", tmp_path / "alone.yaml")
    status, _, said = sealauthz("policy", command, "alone.yaml")
    assert (status, said) == (
        2,
        "error: there are no policies beside `alone.yaml`: policy tests lie in a folder `tests` beside the policies "
        "that they test; name others with --policies FOLDER\n",
    )


@pytest.mark.parametrize("named", ["empty", "notes.txt"])
def test_a_path_without_tests_is_wrong_use(sealauthz, tmp_path, named):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("none", encoding="utf-8")
    error = f"error: there are no policy tests (.yaml, .yml) in `{named}`\n"
    assert sealauthz("policy", "test", named, "--policies", str(EXAMPLE)) == (2, "", error)


@pytest.mark.usefixtures("example")
def test_mutate_makes_a_sample_of_the_mistakes(sealauthz):
    code, out, err = sealauthz("policy", "mutate", "-n", "1", "--sample", "3", "--seed", "7")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == (
        "3 of 3 mistakes are noticed (100.0 %); 0 more are refused when the policies are loaded"
    )


@pytest.mark.usefixtures("example")
def test_mutate_tells_how_many_mistakes_are_noticed(sealauthz):
    code, out, err = sealauthz("policy", "mutate", "-n", "1", "--fail-under", "100")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "file               noticed  missed  refused",
        "house_rules.polar       10       0        0",
        "parameters.toml          2       0        0",
        "",
        "12 of 12 mistakes are noticed (100.0 %); 0 more are refused when the policies are loaded",
    ]


def test_mutate_lists_what_nobody_would_notice(sealauthz, example):
    edit(example / "tests" / "house_rules.yaml", "kind: INVOICE", "kind: CONTRACT, name: 合同章")
    code, out, err = sealauthz("policy", "mutate", "policies", "-n", "1", "--fail-under", "100")
    assert (code, err) == (1, "")
    assert out.startswith(
        "No test would notice if …\n"
        '  house_rules.polar:12: "INVOICE" were not in `seal.kind in ["CONTRACT", "INVOICE", "DEPARTMENT"]`\n\n'
    )
    code, out, _ = sealauthz("policy", "mutate", "policies", "-n", "1", "--file", "house_rules.polar", "-o", "json")
    assert code == 0
    found = json.loads(out)
    assert found["percent"] == pytest.approx(90)
    assert [mutant["if"] for mutant in found["mutants"] if mutant["verdict"] == "survived"] == [
        '"INVOICE" were not in `seal.kind in ["CONTRACT", "INVOICE", "DEPARTMENT"]`'
    ]


ONE_TEST_AND_A_GOAL = """
include: ["default:fixtures.yaml"]
fixture: spruce
tests:
  - name: an invoice seal needs the grant only
    given: {change: {Seal: {s: {kind: INVOICE}}}}
    subject: user
    action: use
    resource: Seal:s
    context: {task: t, verification: v-user}
    expect: allow
goals:
  - goal: the official seal is used on a grant alone
    colluders: [user]
    depth: 1
    reached: |
      reached(use: SealUse, context: Attack) if context.began <= use.used_at;
"""


@pytest.mark.slow
def test_mutate_counts_a_mistake_as_noticed_when_a_goal_is_reached(sealauthz, example):
    (example / "tests" / "house_rules.yaml").write_text(ONE_TEST_AND_A_GOAL, encoding="utf-8")
    words = ("policy", "mutate", "policies", "-n", "1", "--file", "house_rules.polar", "--attack", "policies/tests")
    code, out, err = sealauthz(*words)
    assert (code, err) == (0, "")
    opens = out.split("No test would notice, but a goal is reached, if …\n")[1].splitlines()
    assert opens[:2] == [
        '  house_rules.polar:5: "use" on Seal did not require "DOCUMENTS_APPROVED"',
        "      policies/tests/house_rules.yaml: the official seal is used on a grant alone",
    ]
    missed = out.split("No test would notice if …\n")[1].split("\n\n")[0]
    assert "approved_request" not in missed


@pytest.mark.usefixtures("example")
def test_mutate_says_where_there_are_no_goals(sealauthz):
    code, _, err = sealauthz("policy", "mutate", "policies", "--attack", "policies/tests/house_rules.yaml")
    assert code == 2
    assert err == "error: there are no goals in policies/tests/house_rules.yaml\n"


def test_mutate_needs_tests_that_pass(sealauthz, example):
    edit(example / "parameters.toml", "10 minutes", "11 minutes")
    code, out, err = sealauthz("policy", "mutate", "policies", "-n", "1")
    assert (code, out) == (2, "")
    assert err.startswith("error: these tests fail without any mistake: ")
    assert "a face check counts for ten minutes" in err


def test_the_schema_is_printed_with_the_words_of_a_folder(sealauthz, example):
    code, out, _ = sealauthz("policy", "schema")
    assert code == 0
    assert json.loads(out) == json.loads((ROOT / "docs" / "policy-tests.schema.json").read_text(encoding="utf-8"))
    code, out, _ = sealauthz("policy", "schema", "policies")
    assert code == 0
    assert '"SEAL_FROZEN"' in out
