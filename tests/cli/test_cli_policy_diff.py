"""`policy diff` says who gains and who loses what, and is a gate for pull requests."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from signing_off import sign_off

from sealauthz.cli.diff_source import fact_sets
from sealauthz.cli.records import line_of
from sealauthz.decision.bundle import Bundle
from sealauthz.decision.folder import installed_folder
from sealauthz.model import MODEL
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.policytools.diff import diff as diff_module

NOW = "2026-01-05T09:00:00Z"
NOW_US = 1_767_603_600_000_000

GAIN = "+ Person:p-zhou use Seal:seal-official"


def edit(folder, name, old, new):
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def loaded_bundles():
    return {}


@pytest.fixture(autouse=True)
def _each_bundle_is_loaded_once(monkeypatch, loaded_bundles):
    """Keep what was loaded from the same files: loading takes longer than the rest of a test."""
    load = Bundle.load

    def loaded(model, folder=None, *, is_served=True, needs_signoff=True, cache=None):
        files = sorted((folder or installed_folder()).glob("*.*"))
        key = (is_served, needs_signoff, *((file.name, file.read_bytes()) for file in files))
        if key not in loaded_bundles:
            loaded_bundles[key] = load(model, folder, is_served=is_served, needs_signoff=needs_signoff)
        return loaded_bundles[key]

    monkeypatch.setattr(Bundle, "load", loaded)


@pytest.fixture(scope="module")
def found_differences():
    return {}


@pytest.fixture(autouse=True)
def _the_same_is_compared_once(monkeypatch, found_differences):
    """Keep what was found between two bundles over the same facts: most tests ask how it is told."""
    compare = diff_module.compare

    def compared(old, new, records, now, limits=None, progress=None, name=""):
        key = (id(old), id(new), tuple(map(repr, records)), now, limits, name)
        if key not in found_differences:
            # With the bundles, so that no others take their identity.
            found_differences[key] = (old, new, compare(old, new, records, now, limits, progress, name))
        return found_differences[key][-1]

    monkeypatch.setattr(diff_module, "compare", compared)


@pytest.fixture
def new(tmp_path):
    """A copy of the installed policies in which an official seal needs no face check."""
    folder = shutil.copytree(installed_folder(), tmp_path / "new")
    edit(folder, "seal_use.polar", '["DEPARTMENT", "OTHER"]', '["DEPARTMENT", "OTHER", "OFFICIAL"]')
    return folder


@pytest.fixture
def facts(tmp_path):
    """The demo facts as an export."""
    path = tmp_path / "facts.jsonl"
    lines = [line_of(MODEL, record, with_personal_data=False) for record in opening_facts(NOW_US)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def diff(sealauthz, *more, old="default", new="new", facts="demo"):
    return sealauthz("policy", "diff", old, new, "--facts", facts, "--now", NOW, *more)


def test_the_text_says_who_gains_what_and_which_lines_are_responsible(sealauthz, new):
    code, out, err = diff(sealauthz)
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[0].startswith("policy ")
    assert "  seal_use.polar" in lines
    assert lines[lines.index("GAINS") + 1 : lines.index("GAINS") + 3] == [
        "  1 person gains `use` on Seal",
        "    FRESH_FACE is waived now",
    ]
    assert '  stops at  seal.kind in ["DEPARTMENT", "OTHER"]   ("OFFICIAL")' in out
    assert "    Person:p-zhou  Seal:seal-official  task=task-cartons" in lines
    assert "1 gain, 0 losses in " in lines[-2]
    assert lines[-1] == "and 4 denials give other reasons (--reasons lists them)"
    assert "13700003795" not in out
    assert "周" not in out


def test_the_other_way_round_it_is_a_loss(sealauthz, new):
    code, out, _ = diff(sealauthz, old="new", new="default")
    assert code == 1
    assert "LOSES\n  1 person loses `use` on Seal\n    FRESH_FACE is not waived any more\n" in out


def test_without_changes_it_says_so(sealauthz):
    code, out, err = diff(sealauthz, new="default")
    assert (code, err) == (0, "")
    assert "\nno access changes in " in out
    code, out, _ = diff(sealauthz, "-o", "markdown", new="default")
    assert code == 0
    assert out.startswith("### Access: no access changes\n")


def test_reasons_are_listed_when_asked_for(sealauthz, new):
    _, out, _ = diff(sealauthz, "--reasons")
    assert "REASONS\n" in out
    assert "  OLD " in out
    assert "denials of `use` on Seal" in out or "denial of `use` on Seal" in out
    assert out.endswith("and 4 denials give other reasons\n")


def test_json_has_the_documented_form(sealauthz, new):
    code, out, _ = diff(sealauthz, "-o", "json")
    assert code == 1
    found = json.loads(out)
    assert found.keys() == {
        "complete",
        "old",
        "new",
        "files",
        "parameters",
        "accepted",
        "rules",
        "named",
        "summary",
        "facts",
        "cannot_tell",
        "approval",
    }
    assert found["complete"] is True
    assert found["files"] == ["seal_use.polar"]
    assert found["approval"] is None
    (rule,) = found["rules"]
    assert (rule["change"], rule["named"], rule["rule"]) == ("CHANGED", True, ["waived", "use", "Seal", "FRESH_FACE"])
    assert rule["old"] == rule["new"]  # the head is as it was
    assert [each["rule"] for each in found["named"]] == [rule["rule"]]
    (some,) = found["facts"]
    assert some.keys() == {"name", "now", "extent", "changes", "fresh_changes", "denials_with_other_reasons"}
    assert (some["fresh_changes"], found["cannot_tell"]) == ([], [])
    assert some["now"] == NOW
    (change,) = some["changes"]
    assert change["kind"] == "GAIN"
    assert change["approval_line"] == GAIN
    assert change["context"] == {"task": "task-cartons"}
    assert change["causes"][0]["allowed_by"]["file"] == "seal_use.polar"
    _, out, _ = diff(sealauthz, "-o", "json", "--reasons")
    assert len(json.loads(out)["facts"][0]["other_reasons"]) == 4


def test_markdown_can_be_posted_as_a_comment(sealauthz, new):
    _, out, _ = diff(sealauthz, "-o", "markdown")
    assert out.startswith("### Access: 1 gain, 0 losses\n")
    assert out.count("<details>") == out.count("</details>") == 1
    assert "| <code>Person:p-zhou</code> | <code>Seal:seal-official</code> | <code>task=task-cartons</code> |" in out


def test_no_id_can_bring_markup_along(sealauthz, new, facts):
    text = facts.read_text(encoding="utf-8")
    facts.write_text(text.replace("p-zhou", "</code><img src=x>|`@all`"), encoding="utf-8")
    _, out, _ = diff(sealauthz, "-o", "markdown", facts=str(facts))
    assert "1 gain" in out
    assert "<img" not in out
    assert "@all" not in out
    _, out, _ = diff(sealauthz, facts=str(facts))
    assert "Person:</code><img%20src%3Dx>|`@all`  Seal:seal-official" in out


@pytest.mark.parametrize("how", ["file", "stdin", "database"])
def test_facts_come_from_a_file_standard_input_or_a_database(sealauthz, new, facts, demo_facts, how, monkeypatch):
    spec = {"file": "facts.jsonl", "stdin": "-", "database": "sqlite:///sealauthz.db"}[how]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(facts.read_bytes())))
    arguments = () if how == "database" else ("--now", NOW)
    code, out, err = sealauthz("policy", "diff", "default", "new", "--facts", spec, *arguments)
    assert (code, err) == (1, "")
    assert "    Person:p-zhou  Seal:seal-official  task=task-cartons" in out


def test_the_time_of_the_question_counts(sealauthz, new, facts):
    later = ("--facts", str(facts), "--now", "2036-01-05T09:00:00+08:00")
    code, out, _ = sealauthz("policy", "diff", "default", "new", *later)
    assert code == 1
    assert "\nGAINS\n" not in out
    assert "GAINS WITH FRESH CHECKS AND CODES\n  1 person who has `use` on Seal gains it in more contexts\n" in out
    found = json.loads(sealauthz("policy", "diff", "default", "new", *later, "-o", "json")[1])
    assert found["facts"][0]["changes"] == []
    # With a fresh check they had access before, and now have it without.
    lines = {change["approval_line"] for change in found["facts"][0]["fresh_changes"]}
    assert lines == {f"{GAIN} task=task-cartons", f"~{GAIN[1:]} +CONSUME_ASSERTION -CONSUME_VERIFICATION"}


# --- what it cannot tell --------------------------------------------------------------------------------------------


@pytest.fixture
def unreached(tmp_path):
    """A folder whose waiver is for a kind of seal that the demo does not have."""
    folder = tmp_path / "unreached"
    folder.mkdir()
    (folder / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    rule = 'waived("SEAL_USABLE", "use", seal: Seal, _) if seal.kind = "PERSONNEL";\n'
    (folder / "mine.polar").write_text(rule, encoding="utf-8")
    return folder


def test_a_waiver_that_no_question_reaches_is_refused_until_it_is_acknowledged(sealauthz, unreached, tmp_path):
    code, out, err = diff(sealauthz, new="unreached")
    assert (code, err) == (1, "")
    assert "no access changes" not in out
    assert "\nCANNOT TELL\n" in out
    assert '    NEW mine.polar:1  waived("SEAL_USABLE", "use", seal: Seal, _)\n' in out
    assert out.endswith("all facts: no effect seen; cannot tell what 1 change of the rules may allow\n")

    found = json.loads(diff(sealauthz, "-o", "json", new="unreached")[1])
    (untold,) = found["cannot_tell"]
    assert (untold["kind"], untold["file"], untold["line"]) == ("ADDED", "mine.polar", 1)
    assert untold["rule"] == ["waived", "use", "Seal", "SEAL_USABLE"]
    line = untold["approval_line"]
    assert re.fullmatch(r"! waived use Seal SEAL_USABLE [0-9a-f]{8}", line)
    assert out.index("\nREQUIREMENTS DROPPED OR WAIVED\n") < out.index("\nno effect seen in ")
    out = diff(sealauthz, "-o", "markdown", new="unreached")[1]
    assert out.startswith("### Access: no effect seen; cannot tell what 1 change of the rules may allow\n")
    assert "#### ❓ Cannot tell\n" in out

    (tmp_path / "ok.txt").write_text("# nothing yet\n", encoding="utf-8")
    code, out, _ = diff(sealauthz, "--approve", "ok.txt", new="unreached")
    assert code == 1
    assert out.endswith(f"not approved: after review, add to ok.txt\n  {line}\n")
    (tmp_path / "ok.txt").write_text(f"{line}  # the demo has no such seal\n", encoding="utf-8")
    code, out, _ = diff(sealauthz, "--approve", "ok.txt", new="unreached")
    assert code == 0
    assert out.endswith("approved: the changes are exactly those in ok.txt\n")


def test_what_is_signed_off_is_told(sealauthz, unreached):
    why = "Security: no real seals here"
    (unreached / "mine.polar").write_text('#@ always\nwaived("SEAL_USABLE", "use", _: Seal, _);\n', encoding="utf-8")
    (name,) = sign_off(unreached, why=why)
    what = 'adds `waived("SEAL_USABLE", "use", _: Seal, _)` to the rules of the product'
    said = f"`{name}`, {what}: {why}"
    assert f"\n  bundle.toml  newly accepts {said}\n" in diff(sealauthz, new="unreached")[1]
    assert f"\n  bundle.toml  no longer accepts {said}\n" in diff(sealauthz, old="unreached", new="default")[1]
    assert f"\n  bundle.toml  accepts {said}\n" in diff(sealauthz, old="unreached", new="unreached")[1]
    assert "newly accepts" in diff(sealauthz, "-o", "markdown", new="unreached")[1]
    found = json.loads(diff(sealauthz, "-o", "json", new="unreached")[1])
    assert found["accepted"] == {"old": [], "new": [{"name": name, "what": what, "why": why}]}


def test_a_folder_that_changes_nothing_passes(sealauthz, tmp_path):
    folder = shutil.copytree(installed_folder(), tmp_path / "same")
    for path in folder.glob("*.polar"):
        text = path.read_text(encoding="utf-8").replace("is_for_all_matters", "suits_all_matters")
        if path.name not in ("floor.polar", "contract.polar"):
            text = f"# Another word about it.\n{text}"
        path.write_text(text, encoding="utf-8")
    code, out, _ = diff(sealauthz, new="same")
    assert code == 0
    assert "no access changes" in out


def test_above_the_limit_it_says_what_was_decided(sealauthz, new, facts):
    with facts.open("a", encoding="utf-8") as file:
        file.writelines(f'{{"person": {{"id": "x-{number}"}}}}\n' for number in range(30))
    limits = ("--pairs", "10", "--contexts", "2")
    _, out, _ = diff(sealauthz, *limits, facts=str(facts))
    assert "warning: incomplete: " in out
    assert re.search(r" \d+ of \d+ pairs of subject and resource were decided", out)
    assert "more contexts than were tried (see --contexts)" in out
    _, out, _ = diff(sealauthz, *limits, "-o", "json", facts=str(facts))
    assert json.loads(out)["complete"] is False
    _, out, _ = diff(sealauthz, *limits, "-o", "markdown", facts=str(facts))
    assert "> ⚠ incomplete: " in out


# --- the gate -------------------------------------------------------------------------------------------------------


@pytest.fixture
def waived(sealauthz, new):
    """The line that names what `new` waives."""
    (named,) = json.loads(diff(sealauthz, "-o", "json")[1])["named"]
    return named["approval_line"]


def test_a_change_that_is_not_approved_is_refused_with_the_line_to_add(sealauthz, waived, tmp_path):
    (tmp_path / "ok.txt").write_text("# nothing yet\n", encoding="utf-8")
    code, out, _ = diff(sealauthz, "--approve", "ok.txt")
    assert code == 1
    assert out.endswith(f"not approved: after review, add to ok.txt\n  {waived}\n  {GAIN}\n")
    _, out, _ = diff(sealauthz, "--approve", "ok.txt", "-o", "markdown")
    assert f"❌ **Not approved.** After review, add to <code>ok.txt</code>:\n\n```diff\n{waived}\n{GAIN}\n```" in out


def test_a_waiver_is_named_even_where_what_it_gives_is_approved(sealauthz, waived, tmp_path):
    (tmp_path / "ok.txt").write_text(f"{GAIN}\n", encoding="utf-8")
    code, out, _ = diff(sealauthz, "--approve", "ok.txt")
    assert code == 1
    assert out.endswith(f"not approved: after review, add to ok.txt\n  {waived}\n")


def test_the_approved_changes_pass(sealauthz, waived, tmp_path):
    (tmp_path / "ok.txt").write_text(f"{GAIN}  # by the security team\n{waived}\n", encoding="utf-8")
    code, out, _ = diff(sealauthz, "--approve", "ok.txt")
    assert code == 0
    assert out.endswith("approved: the changes are exactly those in ok.txt\n")
    code, out, _ = diff(sealauthz, "--approve", "ok.txt", "-o", "json")
    assert code == 0
    assert json.loads(out)["approval"] == {"file": "ok.txt", "approved": True, "missing": [], "stale": []}


def test_an_approval_of_what_does_not_happen_is_refused(sealauthz, waived, tmp_path):
    (tmp_path / "ok.txt").write_text(f"{GAIN}\n{waived}\n- Person:p-gu view Seal:seal-official\n", encoding="utf-8")
    code, out, _ = diff(sealauthz, "--approve", "ok.txt")
    assert code == 1
    assert out.endswith("remove from ok.txt\n  - Person:p-gu view Seal:seal-official\n")
    code, _, _ = diff(sealauthz, "--approve", "ok.txt", new="default")
    assert code == 1


def test_update_writes_the_file_and_keeps_its_comments(sealauthz, waived, tmp_path):
    file = tmp_path / "ok.txt"
    code, out, _ = diff(sealauthz, "--approve", "ok.txt", "--update")
    assert code == 0
    assert "wrote the changes to ok.txt; review it" in out
    assert file.read_text(encoding="utf-8").splitlines()[-1] == GAIN
    file.write_text(f"# Ours.\n\n{GAIN}    # agreed\n+ Person:p-he use Seal:s\n", encoding="utf-8")
    code, _, _ = diff(sealauthz, "--approve", "ok.txt", "--update")
    assert code == 0
    assert file.read_text(encoding="utf-8") == f"# Ours.\n\n{waived}\n{GAIN}    # agreed\n"
    assert diff(sealauthz, "--approve", "ok.txt")[0] == 0


def test_what_cannot_be_decided_any_more_is_never_approved(sealauthz, new, tmp_path):
    with (new / "words.polar").open("a", encoding="utf-8") as words:
        words.write('\nwalks(seal: Seal) if seal.kind = "FINANCE";\n')
        words.write("walks(seal: Seal) if grant in seal.grants and walks(grant.seal);\n")
    edit(
        new,
        "visibility.polar",
        "if is_connected_to(person, seal.enterprise",
        "if walks(seal) or is_connected_to(person, seal.enterprise",
    )
    code, out, err = diff(sealauthz, "--approve", "ok.txt", "--update")
    assert (code, err) == (1, "")
    assert "\nERRORS\n" in out
    assert "  8 persons, `view` on Seal: NEW cannot decide any more: `allow` could not be evaluated (" in out
    code, out, _ = diff(sealauthz, "--approve", "ok.txt")
    assert code == 1
    assert "not approved: NEW fails to decide " in out
    assert "approved: the changes are exactly" not in out
    assert json.loads(diff(sealauthz, "--approve", "ok.txt", "-o", "json")[1])["approval"]["approved"] is False
    assert "❌ **Not approved:**" in diff(sealauthz, "--approve", "ok.txt", "-o", "markdown")[1]


# --- revisions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with the installed policies in `rules`, committed."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "repository"
    shutil.copytree(installed_folder(), folder / "rules", ignore=shutil.ignore_patterns("tests"))
    # Would leave the policies out of an archive.
    (folder / ".gitattributes").write_text("*.polar export-ignore\n", encoding="utf-8")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "rules")
    return folder


def git(folder, *arguments):
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_revision_is_compared_with_the_folder(sealauthz, repository):
    edit(repository / "rules", "seal_use.polar", '["DEPARTMENT", "OTHER"]', '["DEPARTMENT", "OTHER", "OFFICIAL"]')
    for old in ("git:main", "git:HEAD:rules", "git:main:rules/"):
        code, out, err = diff(sealauthz, old=old, new="repository/rules")
        assert (code, err) == (1, "")
        assert "1 gain, 0 losses" in out
    git(repository, "commit", "-q", "-a", "-m", "loose")
    code, out, _ = diff(sealauthz, old="git:main", new="repository/rules")
    assert code == 0
    code, out, _ = diff(sealauthz, old="git:main~1", new="repository/rules")
    assert (code, "1 gain, 0 losses" in out) == (1, True)


def test_the_floor_of_an_older_version_is_compared_and_never_served(sealauthz, repository):
    floor = repository / "rules" / "floor.polar"
    now = floor.read_text(encoding="utf-8")
    joining = '"ENTERPRISE_AUTHENTICATED", "ENTERPRISE_OPERATING"]);\ngroup_requires("PROTECTING"'
    edit(repository / "rules", "floor.polar", joining, joining.replace(', "ENTERPRISE_OPERATING"', ""))
    git(repository, "commit", "-q", "-a", "-m", "an older version")
    code, _, err = diff(sealauthz, old="default", new="repository/rules")
    assert (code, "floor.polar: is the product's and differs" in err) == (1, True)
    floor.write_text(now, encoding="utf-8")
    assert diff(sealauthz, old="git:main", new="repository/rules")[0] == 0


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ("git:nowhere", "there is no revision `nowhere` in this repository"),
        ("git:--help", "there is no revision `--help` in this repository"),
        ("git:main:policy", "there is no folder `policy` at `main`"),
        ("git:main:rules/roles.polar", "there is no folder `rules/roles.polar` at `main`"),
        ("git:", "names no revision"),
    ],
)
def test_a_revision_that_is_not_there_is_wrong_use(sealauthz, repository, old, said):
    code, out, err = diff(sealauthz, old=old, new="repository/rules")
    assert (code, out) == (2, "")
    assert said in err


def test_outside_of_a_repository_there_is_no_revision(sealauthz, new, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    code, out, err = diff(sealauthz, old="git:main")
    assert (code, out) == (2, "")
    assert "`new` lies in no git repository" in err


# --- fixtures -------------------------------------------------------------------------------------------------------


def test_the_fixtures_of_tests_are_facts_at_a_time_of_their_own(sealauthz, new):
    facts = str(installed_folder() / "tests" / "fixtures.yaml")
    code, out, err = sealauthz("policy", "diff", "default", "new", "--facts", facts, "-o", "json")
    assert code == 1, err
    (found,) = json.loads(out)["facts"]
    assert (found["name"], found["now"]) == ("spruce", "2026-09-21T14:13:20Z")
    Path("empty.yaml").write_text("tests: []\n", encoding="utf-8")
    code, _, err = sealauthz("policy", "diff", "default", "new", "--facts", "empty.yaml")
    assert (code, "`empty.yaml` has no fixture" in err) == (2, True)
    Path("wrong.yaml").write_text("fixture: 1\n", encoding="utf-8")
    code, _, err = sealauthz("policy", "diff", "default", "new", "--facts", "wrong.yaml")
    assert (code, "wrong.yaml:1:1: `fixture` must be text" in err) == (2, True)


# --- wrong use ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("default", "nowhere", "--facts", "demo"), "NEW: `nowhere` does not exist; write a folder of policies"),
        (("default", "default"), "missing option '--facts'"),
        (("default", "default", "--facts", "nowhere"), "there is no file `nowhere`; --facts takes a file"),
        (("default", "default", "--facts", "."), "`.` is a folder"),
        (("default", "default", "--facts", "mysql://host/name"), "must start with `sqlite:` or `postgresql:`"),
        (("default", "default", "--facts", "demo", "--now", "today"), "`today` is no time"),
        (("default", "default", "--facts", "demo", "--now", "2026-01-05T09:00:00"), "lacks its time zone"),
        (("default", "default", "--facts", "demo", "--update"), "--update needs --approve"),
        (("default", "default", "--facts", "demo", "--approve", "none"), "there is no file `none` of approved changes"),
    ],
)
def test_wrong_use_is_told_in_one_line(sealauthz, arguments, said):
    code, out, err = sealauthz("policy", "diff", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_faulty_policy_is_told_with_its_place(sealauthz, new):
    (new / "zzz.polar").write_text("f(x if;\n", encoding="utf-8")
    code, out, err = diff(sealauthz)
    assert (code, out) == (1, "")
    assert "NEW (`new`) cannot be served: zzz.polar:1:" in err


def test_a_malformed_line_of_the_approvals_is_told_with_its_place(sealauthz, tmp_path):
    (tmp_path / "ok.txt").write_text("# fine\nPerson:p use Seal:s\n", encoding="utf-8")
    code, out, err = diff(sealauthz, "--approve", "ok.txt", new="default")
    assert (code, out) == (2, "")
    assert "ok.txt:2: `Person:p use Seal:s` is no change" in err


def test_a_database_that_cannot_be_read_is_no_answer(sealauthz, new):
    code, out, err = diff(sealauthz, facts="sqlite:///none.db")
    assert (code, out) == (3, "")
    assert "the database file is not there" in err


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("not json\n", "facts.jsonl:1: is not a fact: "),
        ('{"seal": {"idd": "s"}}\n', "facts.jsonl:1: is not a fact: "),
        ("\n", "there is no person among the facts of `facts.jsonl`"),
        ('{"person": {"id": "p"}}\n{"person": 3}\n', "facts.jsonl:2: "),
    ],
)
def test_facts_of_another_shape_are_told_with_their_line(sealauthz, new, tmp_path, lines, said):
    (tmp_path / "facts.jsonl").write_text(lines, encoding="utf-8")
    code, out, err = diff(sealauthz, facts="facts.jsonl")
    assert (code, out) == (2, "")
    assert said in err


def test_facts_that_lack_some_are_refused(sealauthz, new, facts):
    text = facts.read_text(encoding="utf-8")
    facts.write_text("".join(line for line in text.splitlines(True) if '"contract":' not in line), encoding="utf-8")
    code, _, err = diff(sealauthz, facts=str(facts))
    assert code == 2
    assert (
        "are not whole: `ContractDocument:document-paper` names `Contract:contract-paper` as its `contract_id`" in err
    )


def test_of_a_fact_that_stands_twice_the_last_counts(facts):
    facts.write_text(facts.read_text(encoding="utf-8") * 2, encoding="utf-8")
    (some,) = fact_sets(str(facts), NOW_US)
    assert (some.name, some.now, len(some.records)) == ("", NOW_US, 40)


def test_the_group_lists_the_command_and_its_help_fits(sealauthz):
    assert "diff" in sealauthz("policy", "--help")[1]
    code, out, _ = sealauthz("policy", "diff", "--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80


GOAL = """
include: ["default:fixtures.yaml"]
fixture: spruce
goals:
  - goal: an official seal is used without a face check
    colluders: [user]
    depth: 1
    reached: |
      reached(use: SealUse, context: Attack) if context.began <= use.used_at and use.verification_id = nil;
"""


def test_a_goal_that_a_change_opens_is_printed_with_the_way_there(sealauthz, new, tmp_path):
    (tmp_path / "goals.yaml").write_text(GOAL, encoding="utf-8")
    words = ("policy", "diff", "default", str(new), "--facts", "demo", "--now", NOW, "--attack", "goals.yaml")
    code, out, _ = sealauthz(*words, "--approve", "approved.txt", "--update")
    assert code == 1, "a goal that is opened cannot be approved"
    assert "ATTACKS\nopens  an official seal is used without a face check" in out
    assert '  1. user: use Seal:s task=t {"audience": "fresh"}' in out
    code, out, err = sealauthz("policy", "diff", str(new), "default", *words[4:], "-o", "json")
    assert (code, err) == (1, "")
    (attack,) = json.loads(out)["attacks"]
    assert attack["opens"] is False
    assert attack["steps"][0]["who"] == "user"
