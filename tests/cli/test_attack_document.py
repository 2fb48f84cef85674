"""`docs/attack-search.md` is true: its command prints what it shows, and its goal is read."""

import shlex

from documents import ROOT, blocks, printed, without_ids

from sealauthz.decision import Bundle
from sealauthz.model import MODEL
from sealauthz.policytools.attack.goals import load_goals
from sealauthz.policytools.testing.form import Goal

DOC = ROOT / "docs" / "attack-search.md"


def test_its_command_prints_what_it_shows(sealauthz, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    ((command, output),) = printed(DOC)
    program, *arguments = shlex.split(command)
    assert program == "sealauthz"
    code, out, err = sealauthz(*arguments)
    assert (code, err) == (1, "")
    # Where lines are folded depends on how many digits the lines of the policies have.
    assert " ".join(without_ids(out)).split() == " ".join(without_ids(output)).split()


def test_its_goal_is_read(tmp_path):
    (block,) = blocks(DOC, "yaml")
    path = tmp_path / "goals.yaml"
    path.write_text(f'include: ["default:fixtures.yaml"]\nfixture: spruce\n{block}', encoding="utf-8")
    (goal,) = load_goals([path], Bundle.load(MODEL)).goals
    assert goal.about == ("SealUse",)


def test_its_table_names_every_key():
    text = DOC.read_text(encoding="utf-8")
    for name in Goal.model_fields:
        assert f"`{name}`" in text, name
