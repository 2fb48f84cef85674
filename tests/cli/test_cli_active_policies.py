"""A command on a database decides with what is activated there, unless an option names a folder."""

import json
from contextlib import closing
from pathlib import Path

from sealauthz.facts import Store
from sealauthz.facts.store.policies import PolicyStore, Proposal
from sealauthz.model import MODEL
from sealauthz.rollout import Archive

TIGHTENED = Path(__file__).parents[2] / "docs" / "examples" / "tightened"
QUESTION = ("check", "Person:p-lin", "join", "Enterprise:e-yunshan", "-o", "json")


def version_of(sealauthz, *options):
    code, out, err = sealauthz(*QUESTION, *options)
    assert code in (0, 1), err
    return json.loads(out)["policy_version"]


def activate(version, archive, *, content=None):
    with closing(Store.open("sqlite:///sealauthz.db", MODEL)) as store:
        kept = PolicyStore(store)
        active = kept.activated()[-1].version if kept.activated() else ""
        kept.propose(Proposal(version, archive.digest, "ann", "", 1, content or archive.text))
        kept.activate(version, archive.digest, active, "bob")


def test_what_is_activated_decides(sealauthz, demo_facts):
    installed = version_of(sealauthz)
    tightened = version_of(sealauthz, "--policies", str(TIGHTENED))
    assert tightened != installed
    activate(tightened, Archive.of_folder(MODEL, TIGHTENED))
    assert version_of(sealauthz) == tightened
    folder = Path("own")
    folder.mkdir()
    (folder / "bundle.toml").write_text('extends = "default"\n')
    assert version_of(sealauthz, "--policies", "own") == installed


def test_policies_that_cannot_be_loaded_decide_nothing(sealauthz, demo_facts):
    activate("0123456789abcdef", Archive.of_folder(MODEL, TIGHTENED))
    code, out, err = sealauthz(*QUESTION)
    assert (code, out) == (1, "")
    assert "the archive holds policies" in err
