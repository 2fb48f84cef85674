"""The service and the commands decide with the policies that they are told to."""

import shutil
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "examples" / "tightened"
NEVER = 'requires("join", _: Enterprise, "NEVER");\nmeets(person: Person, "NEVER", "join", _: Enterprise, _) if\n'
NEVER += '  person.account_state = "LOCKED";\notherwise("NEVER", "REAPPLY_COOLDOWN");\n'


@pytest.fixture
def policies(tmp_path):
    """Policies under which nobody joins."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "mine")
    (folder / "never.polar").write_text(NEVER, encoding="utf-8")
    return folder


@pytest.mark.usefixtures("demo_facts", "policies")
def test_an_option_or_the_configuration_names_the_policies(sealauthz, tmp_path):
    question = ("check", "Person:p-lin", "join", "Enterprise:e-yunshan")
    assert sealauthz(*question)[0] == 0
    assert sealauthz(*question, "--policies", "mine")[0] == 1
    (tmp_path / "sealauthz.toml").write_text('[policies]\nfolder = "mine"\n', encoding="utf-8")
    code, out, _ = sealauthz(*question, "--config", "sealauthz.toml")
    assert code == 1
    assert "REAPPLY_COOLDOWN" in out
    assert sealauthz("explain", *question[1:], "--config", "sealauthz.toml")[1].count("never.polar:2") == 1


@pytest.mark.usefixtures("demo_facts")
def test_policies_that_cannot_be_served_are_never_replaced_by_others(sealauthz):
    question = ("check", "Person:p-lin", "join", "Enterprise:e-yunshan")
    assert sealauthz(*question, "--policies", "nowhere") == (1, "", "error: there is no policy folder `nowhere`\n")
    Path("empty").mkdir()
    code, _, err = sealauthz(*question, "--policies", "empty")
    assert code == 1
    assert 'write `extends = "default"` into bundle.toml' in err


def test_a_server_has_its_own_policies(sealauthz):
    code, _, err = sealauthz(
        "check", "Person:p", "join", "Enterprise:e", "--server", "localhost:1", "--policies", "mine"
    )
    assert code == 2
    assert "a server has its own" in err
