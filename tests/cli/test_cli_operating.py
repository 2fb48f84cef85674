"""`policy check`, `db upgrade`, `demo`."""

import json
import shutil

import pytest

from sealauthz.decision.bundle import installed_folder


@pytest.fixture
def policies(tmp_path):
    """A copy of the installed policies."""
    return shutil.copytree(installed_folder(), tmp_path / "policies")


def test_the_installed_policies_can_be_served(sealauthz):
    code, out, err = sealauthz("policy", "check")
    assert (code, err) == (0, "")
    assert out.startswith("ok: policy ")
    _, out, _ = sealauthz("policy", "check", "-o", "json")
    assert json.loads(out)["is_served"] is True
    assert json.loads(out)["actions"] > 0


def test_faulty_policies_are_refused_with_their_place(sealauthz, policies):
    words = policies / "words.polar"
    line = len(words.read_text(encoding="utf-8").splitlines()) + 1
    with words.open("a", encoding="utf-8") as file:
        file.write("foo(x) if print(x);\n")
    code, out, err = sealauthz("policy", "check", str(policies))
    assert (code, out, err) == (1, "", f"error: words.polar:{line}:11: `print` is not accepted\n")
    code, out, err = sealauthz("policy", "check", str(policies), "-o", "json")
    assert (code, err) == (1, "")
    assert json.loads(out) == {
        "is_served": False,
        "file": "words.polar",
        "line": line,
        "column": 11,
        "message": "`print` is not accepted",
    }


def test_a_folder_without_the_products_own_rules_is_refused(sealauthz, policies):
    (policies / "contract.polar").unlink()
    code, _, err = sealauthz("policy", "check", "policies")
    assert (code, err) == (1, "error: the bundle has no contract.polar\n")


def test_a_folder_that_is_not_there_is_refused(sealauthz):
    code, _, err = sealauthz("policy", "check", "nowhere")
    assert (code, err) == (1, "error: there is no policy folder `nowhere`\n")


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


def test_demo_exits_with_0_when_all_is_as_told(sealauthz):
    code, out, _ = sealauthz("demo")
    assert code == 0
    assert out.endswith("steps were as told.\n")


def test_demo_exits_with_1_when_something_is_not_as_told(sealauthz, monkeypatch):
    monkeypatch.setattr("sealauthz.demo.play.tell", lambda stage: stage.surprises.append("step 1: no"))
    assert sealauthz("demo")[0] == 1
