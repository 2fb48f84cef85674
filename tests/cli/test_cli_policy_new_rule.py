"""`policy new-rule` begins a rule that denies until its condition is written."""

import tomllib
from pathlib import Path

import pytest

from sealauthz.decision.inspection import inspect
from sealauthz.model import MODEL
from sealauthz.policytools.testing.loading import PolicyTests

NEW = ("policy", "new-rule", "KEEPER_USES", "--on", "use", "--resource", "Seal")


def failing():
    return {failure.test.name for failure in PolicyTests(MODEL, Path("policies")).failures()}


def test_a_new_rule_passes_the_check_denies_and_is_filled_in(sealauthz):
    code, out, err = sealauthz(*NEW)
    assert (code, err) == (0, "")
    files = [
        "policies/bundle.toml",
        "policies/keeper_uses.polar",
        "policies/tests/keeper_uses.yaml",
        "policies/texts.toml",
    ]
    assert [line.removeprefix("wrote ") for line in out.splitlines()[:-1]] == files
    assert out.splitlines()[-1].startswith("`use` on Seal is denied to everybody until the condition is written")
    assert inspect(MODEL, Path("policies")).diagnostics == ()
    assert sealauthz("policy", "fmt", "--check")[0] == 0
    assert failing() == {"KEEPER_USES allows who meets it"}
    assert all("TODO" in Path(file).read_text(encoding="utf-8") for file in files[1:])

    path = Path("policies/keeper_uses.polar")
    text = path.read_text(encoding="utf-8")
    never = "meets_keeper_uses(_: Person, _: Seal, context) if context.now < 0;\n"
    assert never in text
    written = "meets_keeper_uses(person: Person, seal: Seal, _) if is_custodian(person.id, seal);\n"
    path.write_text(text.replace(never, written), encoding="utf-8")
    tests = Path("policies/tests/keeper_uses.yaml")
    case = tests.read_text(encoding="utf-8")
    before, allows = case.split('  - name: "KEEPER_USES allows')
    given = "    given: {change: {Seal: {s: {custodian_id: m-user}}}}\n    expect: allow\n"
    allows = allows.replace("    expect: allow\n", given)
    tests.write_text(f'{before}  - name: "KEEPER_USES allows{allows}', encoding="utf-8")
    assert inspect(MODEL, Path("policies")).diagnostics == ()
    assert failing() == set()


def test_a_second_rule_goes_into_the_same_folder(sealauthz):
    Path("policies").mkdir()
    Path("policies/bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    Path("policies/texts.toml").write_text("# Ours.\n[reasons] # …\n[steps]\n", encoding="utf-8")
    Path("policies/ours.polar").write_text(
        'requires("use", _: Seal, "OURS");\nmeets(_: Person, "OURS", "use", _: Seal, _);\n'
        'otherwise("OURS", "NOT_OURS");\nreason("NOT_OURS", 90, "USER", "NONE");\n',
        encoding="utf-8",
    )
    code, out, _ = sealauthz("policy", "new-rule", "JOIN_LATER", "--on", "join", "--stage", "40", "--next-step", "NONE")
    assert code == 0
    assert "changed policies/texts.toml\n" in out
    texts = Path("policies/texts.toml").read_text(encoding="utf-8")
    assert texts.startswith("# Ours.\n[reasons] # …\nJOIN_LATER_NOT_MET.en = ")
    assert set(tomllib.loads(texts)["reasons"]["JOIN_LATER_NOT_MET"]) == {"en", "zh"}
    text = Path("policies/join_later.polar").read_text(encoding="utf-8")
    assert 'reason("JOIN_LATER_NOT_MET", 40, "USER", "NONE");\n' in text
    assert 'requires("join", _: Enterprise, "JOIN_LATER");\n' in text
    # Names that the folder has are refused as those of the product are.
    taken = sealauthz("policy", "new-rule", "OURS", "--on", "join")
    assert taken == (1, "", "error: there is a requirement `OURS` already: choose another name\n")


def test_the_other_actions_of_a_group_are_named(sealauthz):
    sealauthz(*NEW)
    text = " ".join(Path("policies/keeper_uses.polar").read_text(encoding="utf-8").replace("\n# ", " ").split())
    assert "TODO: `use` is one act with " in text
    assert "`stamp` on Seal" in text
    assert text.count("`stamp` on Seal") == 1
    assert "group_requires" in text


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("KEEPER_USES", "--on", "uze"), 2, "there is no action `uze`; did you mean `use`"),
        (("KEEPER_USES", "--on", "use", "--resource", "Sael"), 2, "there is no type `Sael`; did you mean `Seal`"),
        (("KEEPER_USES", "--on", "join", "--resource", "Seal"), 2, "Seal has no action `join`"),
        (("KEEPER_USES", "--on", "revoke"), 2, "several types have the action `revoke`: give one by --resource, "),
        (("keeper_uses", "--on", "use"), 2, "`keeper_uses` is no name for this"),
        (("KEEPER_USES", "--on", "use", "--reason", "x"), 2, "`x` is no name for this"),
        (("KEEPER_USES", "--on", "use", "--next-step", "NON"), 2, "no reason has the next step `NON`"),
        (("FRESH_FACE", "--on", "use"), 1, "there is a requirement `FRESH_FACE` already"),
        (("KEEPER_USES", "--on", "use", "--reason", "SEAL_FROZEN"), 1, "there is a reason `SEAL_FROZEN` already"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(sealauthz, arguments, code, said):
    found, out, err = sealauthz("policy", "new-rule", *arguments)
    assert (found, out) == (code, "")
    assert said in err
    assert not Path("policies").exists()


def test_files_that_are_there_stay_as_they_are(sealauthz):
    Path("policies/tests").mkdir(parents=True)
    Path("policies/tests/keeper_uses.yaml").write_text("mine", encoding="utf-8")
    Path("policies/bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    said = "error: `policies/tests/keeper_uses.yaml` is there already\n"
    assert sealauthz(*NEW) == (1, "", said)
    assert sorted(str(path) for path in Path("policies").rglob("*.*")) == [
        "policies/bundle.toml",
        "policies/tests/keeper_uses.yaml",
    ]
    Path("policies/tests/keeper_uses.yaml").unlink()
    Path("policies/texts.toml").write_text('reasons.MINE.en = "…"\nreasons.MINE.zh = "…"\n', encoding="utf-8")
    code, _, err = sealauthz(*NEW)
    assert code == 1
    assert "`policies/texts.toml` has no plain section `[reasons]`" in err
    assert not Path("policies/keeper_uses.polar").exists()


def test_a_whole_bundle_is_no_place_for_it(sealauthz):
    from sealauthz.decision.folder import installed_folder

    code, _, err = sealauthz(*NEW, "--policies", str(installed_folder()))
    assert code == 1
    assert 'with `extends = "default"` in bundle.toml' in err
