"""Which files make a bundle: a whole folder, or one that builds on the installed bundle."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from scene import BUNDLE, NOW, SIGNING, Scene, question
from signing_off import sign_off

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint
from sealauthz.decision.bundle import EngineKind
from sealauthz.decision.folder import installed_folder, layout_of, read_sources
from sealauthz.decision.inspection import inspect
from sealauthz.decision.paging import Paging
from sealauthz.decision.question import ListQuery
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.polar.blocks import ACTOR, RESOURCE
from sealauthz.polar.check import Severity
from sealauthz.polar.check.floor import rests_on
from sealauthz.polar.check.rules import Rules
from sealauthz.polar.parse import parse
from sealauthz.polar.reach import Root
from sealauthz.polar.syntax import TypePattern
from sealauthz.polar.terms import in_parameter, walk
from sealauthz.runtime.errors import BundleRefused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that builds on the installed bundle and adds nothing."""
    (tmp_path / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    return tmp_path


def test_a_folder_that_adds_nothing_is_the_installed_bundle(folder: Path) -> None:
    bundle = Bundle.load(MODEL, folder)
    assert bundle.rulebook.requirements == BUNDLE.rulebook.requirements
    assert bundle.parameters == BUNDLE.parameters
    assert layout_of(folder).own == frozenset()


def test_its_rules_come_on_top(folder: Path) -> None:
    (folder / "mine.polar").write_text(
        'requires("join", _: Enterprise, "MINE");\n'
        'meets(person: Person, "MINE", "join", _: Enterprise, _) if person.account_state = "ACTIVE";\n'
        'otherwise("MINE", "ACCOUNT_LOCKED");\n',
        encoding="utf-8",
    )
    bundle = Bundle.load(MODEL, folder)
    assert "MINE" in bundle.rulebook.requirements["join", "Enterprise"]
    assert bundle.version != BUNDLE.version
    assert layout_of(folder).own == {"mine.polar"}
    assert layout_of(folder).path_of("floor.polar") == installed_folder() / "floor.polar"


@pytest.mark.parametrize("over", ["context.now", "grant.valid_from"])
def test_an_allow_that_the_rules_say_is_over_is_none(folder: Path, over: str) -> None:
    (folder / "mine.polar").write_text(
        f'lapses(_: Person, "use", seal: Seal, context, at) if grant in seal.grants and at = {over};\n',
        encoding="utf-8",
    )
    fact_cache = FactCache.of_records(MODEL, Scene().records)
    point = PolicyDecisionPoint(fact_cache, Bundle.load(MODEL, folder), lambda: NOW)
    use = question("user", "use", ("Seal", "s"), **SIGNING)
    assert Scene().pdp().decide(use)
    decision = point.decide(use)
    assert [reason.code for reason in decision.reasons] == ["POLICY_ERROR"]
    assert decision.valid_until > NOW
    mine = ListQuery(Root.SUBJECT, Entity("Person", "user"), "use", "Seal", SIGNING)
    assert Scene().pdp().list_page(mine, Paging()).ids == ("s",)
    assert point.list_page(mine, Paging()).ids == ()


def test_its_numbers_replace_those_of_the_same_name(folder: Path) -> None:
    (folder / "parameters.toml").write_text('face_for_use = "10 minutes"\n', encoding="utf-8")
    parameters = Bundle.load(MODEL, folder).parameters
    assert parameters.face_for_use == 600_000_000
    assert parameters.face_for_grant == BUNDLE.parameters.face_for_grant


def test_a_file_takes_the_place_of_another_only_where_that_is_said(folder: Path) -> None:
    shutil.copy(installed_folder() / "next_steps.polar", folder)
    with pytest.raises(BundleRefused, match=r"next_steps.polar: the installed bundle has a file of this name"):
        Bundle.load(MODEL, folder)
    (folder / "bundle.toml").write_text('extends = "default"\nreplaces = ["next_steps.polar"]\n', encoding="utf-8")
    assert Bundle.load(MODEL, folder).rulebook.carried == BUNDLE.rulebook.carried
    assert layout_of(folder).path_of("next_steps.polar") == folder / "next_steps.polar"


@pytest.mark.parametrize("file", ["contract.polar", "floor.polar"])
def test_what_the_product_owns_cannot_be_replaced(folder: Path, file: str) -> None:
    (folder / "bundle.toml").write_text(f'extends = "default"\nreplaces = ["{file}"]\n', encoding="utf-8")
    (folder / file).write_text("# nothing is required\n", encoding="utf-8")
    with pytest.raises(BundleRefused, match="is the product's"):
        Bundle.load(MODEL, folder)
    (folder / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    with pytest.raises(BundleRefused, match="is the product's"):
        Bundle.load(MODEL, folder)


@pytest.mark.parametrize("file", ["contract.polar", "floor.polar"])
def test_a_whole_bundle_holds_the_products_files_as_they_are(tmp_path: Path, file: str) -> None:
    shutil.copytree(installed_folder(), tmp_path / "policies")
    path = tmp_path / "policies" / file
    path.write_text(path.read_text(encoding="utf-8") + "\n# loosened\n", encoding="utf-8")
    with pytest.raises(BundleRefused, match=f"{file}: is the product's and differs"):
        Bundle.load(MODEL, tmp_path / "policies")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", '`extends` must be "default"'),
        ('extends = "other"\n', '`extends` must be "default"'),
        ('extend = "default"\n', "`extend` is not known; did you mean `extends`?"),
        ('extends = "default"\nreplaces = "signing.polar"\n', "`replaces` must be a list of file names"),
        ('extends = "default"\nreplaces = ["singing.polar"]\n', "did you mean `signing.polar`?"),
        ('extends = "default"\nreplaces = ["../policies/signing.polar"]\n', "which the installed bundle does not have"),
        ('extends = "default"\nreplaces = ["signing.polar"]\n', "which is not in this folder"),
        ("extends = \n", "Invalid value"),
    ],
)
def test_a_bundle_file_that_says_something_else_is_refused(folder: Path, text: str, said: str) -> None:
    (folder / "bundle.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BundleRefused) as caught:
        Bundle.load(MODEL, folder)
    assert said in str(caught.value)
    assert caught.value.file == "bundle.toml"


def test_the_floor_holds_under_a_folder_that_builds_on_the_bundle(folder: Path) -> None:
    (folder / "mine.polar").write_text('waived("MEMBER", "use", _: Seal, _);\n', encoding="utf-8")
    with pytest.raises(BundleRefused, match="belongs to the floor"):
        Bundle.load(MODEL, folder)


# --- what the floor rests on ----------------------------------------------------------------------------------------

IS_MEMBER = "is_member(person: Person, enterprise: Enterprise, context) if member(person, enterprise, _, context);\n"


def installed_rules() -> Rules:
    sources = read_sources(layout_of(installed_folder()))
    return Rules(node for source in sources for node in parse(source))


def replace(folder: Path, file: str, old: str = "", new: str = "") -> None:
    """Replace an installed file by one in which a piece of text is another."""
    text = (installed_folder() / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    (folder / "bundle.toml").write_text(f'extends = "default"\nreplaces = ["{file}"]\n', encoding="utf-8")


def stand_alone(folder: Path) -> None:
    """Make a folder hold a whole bundle, with its own copy of every file that it does not have already."""
    (folder / "bundle.toml").unlink()
    for path in installed_folder().glob("*.*"):
        if not (folder / path.name).exists():
            shutil.copy(path, folder)


LOOSENED = {
    "a rule that always holds": (IS_MEMBER, "is_member(_, _, _);\n"),
    "a rule more": (IS_MEMBER, f"{IS_MEMBER}is_member(_: Person, _: Enterprise, _);\n"),
    "a rule more for some": (
        IS_MEMBER,
        f'{IS_MEMBER}is_member(person: Person, _: Enterprise, _) if person.id = "guest";\n',
    ),
    "a rule without a condition": ("  context.now < membership.ended_at;", "  membership.ended_at matches Integer;"),
    "another literal": ('  membership.state = "ACTIVE" and\n', '  membership.state = "ENDED" and\n'),
    "a rule less": ("owner(seal: Seal, _, found) if found = seal.enterprise;\n", ""),
}


# What is refused is the same for both engines, before either of them sees it: each way on one, and one way on both.
@pytest.mark.parametrize(
    ("how", "is_whole", "engine"),
    [
        *((how, is_whole, EngineKind.COMPILED) for how in LOOSENED for is_whole in (False, True)),
        *(("a rule more", is_whole, EngineKind.OSO) for is_whole in (False, True)),
    ],
)
def test_what_the_floor_rests_on_cannot_be_replaced(folder: Path, how: str, is_whole: bool, engine: EngineKind) -> None:
    replace(folder, "words.polar", *LOOSENED[how])
    if is_whole:
        stand_alone(folder)
    with pytest.raises(
        BundleRefused, match=r"the floor rests on `(is_member|member|is_live|owner)`.* keep its rules"
    ) as caught:
        Bundle.load(MODEL, folder, engine)
    assert caught.value.file == "words.polar"


def test_a_check_of_the_folder_names_what_the_floor_rests_on(folder: Path) -> None:
    replace(folder, "words.polar", IS_MEMBER, "is_member(_, _, _);\n")
    found = inspect(MODEL, folder)
    assert found.bundle is None
    (error,) = [diagnostic for diagnostic in found.diagnostics if diagnostic.severity is Severity.ERROR]
    assert (error.code, error.place.file) == ("floor", "words.polar")
    assert "the floor rests on `is_member`" in error.message


def test_a_helper_of_the_floor_may_not_move_into_another_file_with_a_change(folder: Path) -> None:
    replace(folder, "words.polar", IS_MEMBER, "")
    (folder / "mine.polar").write_text("is_member(_: Person, _: Enterprise, _);\n", encoding="utf-8")
    with pytest.raises(BundleRefused, match=r"^mine\.polar:1:1: the floor rests on `is_member`"):
        Bundle.load(MODEL, folder)


def test_no_file_adds_to_any_rule_that_the_floor_rests_on(folder: Path) -> None:
    keys = list(rests_on(installed_rules()))
    assert len(keys) > 50
    added = "".join(f"{name}({', '.join('_' * arity)});\n" for name, arity in keys)
    (folder / "mine.polar").write_text(added, encoding="utf-8")
    found = inspect(MODEL, folder).diagnostics
    refused = {(each.place.line, each.message) for each in found if each.severity is Severity.ERROR}
    for line, (name, _) in enumerate(keys, 1):
        assert any(at == line and f"the floor rests on `{name}" in said for at, said in refused), name


def test_on_oso_no_file_adds_to_what_the_floor_rests_on_either(folder: Path) -> None:
    (folder / "mine.polar").write_text("is_member(_, _, _);\n", encoding="utf-8")
    with pytest.raises(BundleRefused, match=r"^mine\.polar:1:1: the floor rests on `is_member`"):
        Bundle.load(MODEL, folder, EngineKind.OSO)


def test_a_file_that_keeps_what_the_floor_rests_on_may_be_replaced(folder: Path) -> None:
    text = (installed_folder() / "words.polar").read_text(encoding="utf-8")
    # Comments, layout and order may change, and so may every rule that the floor does not call.
    text = text.replace(IS_MEMBER, "")
    ours = "is_member(person: Person,\n  enterprise: Enterprise, context) if member(person, enterprise, _, context);\n"
    text = f"# Ours.\n{ours}{text}"
    changed = text.replace(
        '  check.state = "PASSED" and\n', '  check.state = "PASSED" and\n  check.passed_at > 0 and\n', 1
    )
    assert changed != text
    (folder / "words.polar").write_text(changed, encoding="utf-8")
    (folder / "bundle.toml").write_text('extends = "default"\nreplaces = ["words.polar"]\n', encoding="utf-8")
    signed = sign_off(folder)
    assert [name.split()[:2] for name in signed] == [["lacks", "fresh_face_check/7"], ["adds", "fresh_face_check/7"]]
    assert Bundle.load(MODEL, folder).version != BUNDLE.version
    stand_alone(folder)
    assert sign_off(folder) == signed
    assert Bundle.load(MODEL, folder).version != BUNDLE.version


def test_the_floor_rests_on_nothing_that_a_block_alters() -> None:
    """`Actor` and `Resource` are as many types as there are blocks, and the blocks write out these three rules.

    If the floor came to read one, a folder could widen it by a block.
    """
    rules = installed_rules()
    keys = rests_on(rules)
    assert not {"has_role", "has_permission", "has_relation"} & {name for name, _ in keys}
    for clause in (clause for key in keys for clause in rules.by_key[key]):
        nodes = [node for parameter in clause.node.parameters for node in in_parameter(parameter)]
        nodes += walk(clause.node.body) if clause.node.body is not None else ()
        assert not {node.name for node in nodes if isinstance(node, TypePattern)} & {ACTOR, RESOURCE}
