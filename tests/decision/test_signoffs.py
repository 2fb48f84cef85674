"""Whatever a folder has otherwise than the product, rule by rule, somebody answers for by name."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from scene import BUNDLE
from signing_off import SIGNED, excesses_in, sign_off

from sealauthz.decision import Bundle
from sealauthz.decision.bundle import EngineKind
from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.decision.folder import installed_folder, layout_of
from sealauthz.decision.inspection import inspect
from sealauthz.decision.signoffs import signoff_diagnostics_of
from sealauthz.model import MODEL
from sealauthz.model.parameters import Parameters
from sealauthz.polar import Source
from sealauthz.polar.parse import parse
from sealauthz.polar.rule_digest import digest_of, key_of
from sealauthz.polar.syntax import RuleNode
from sealauthz.runtime.errors import BundleRefused
from sealauthz.schema import Model
from sealauthz.schema.parameters import length_text, ranges_of, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that builds on the installed bundle and adds nothing."""
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    return folder


def write(folder: Path, *, rules: str = "", numbers: str = "", accepts: tuple[str, ...] = (), texts: str = "") -> Path:
    lines = "".join(f'"{name}" = "{SIGNED}"\n' for name in accepts)
    (folder / "bundle.toml").write_text(f'extends = "default"\n\n[accepts]\n{lines}', encoding="utf-8")
    (folder / "mine.polar").write_text(rules, encoding="utf-8")
    (folder / "parameters.toml").write_text(numbers, encoding="utf-8")
    (folder / "texts.toml").write_text(texts, encoding="utf-8")
    return folder


def refused(folder: Path, engine: EngineKind = EngineKind.COMPILED) -> BundleRefused:
    with pytest.raises(BundleRefused) as caught:
        Bundle.load(MODEL, folder, engine)
    return caught.value


def kinds_of(folder: Path, model: Model = MODEL) -> list[str]:
    """What needs a signature, without the digests."""
    return [each.name.rpartition(" ")[0] for each in excesses_in(folder, model)]


# --- numbers --------------------------------------------------------------------------------------------------------


def test_every_number_has_a_range_that_holds_the_installed_value() -> None:
    ranges = ranges_of(Parameters)
    assert list(ranges) == list(Parameters.__slots__)
    for name, allowed in ranges.items():
        assert allowed.least < allowed.most
        assert getattr(BUNDLE.parameters, name) in allowed, name


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ('face_for_use = "61 minutes"', "`face_for_use` is 61 minutes, outside of its range from 1 minute to 1 hour"),
        ('face_for_use = "59 seconds"', "`face_for_use` is 59 seconds, outside of its range from 1 minute to 1 hour"),
        ("retrieval_attempts = 11", "`retrieval_attempts` is 11, outside of its range from 1 to 10"),
        ("retrieval_attempts = 0", "`retrieval_attempts` is 0, outside of its range from 1 to 10"),
    ],
)
def test_a_number_outside_of_its_range_is_refused_with_its_line_until_it_is_signed_off(
    folder: Path, number: str, said: str
) -> None:
    error = refused(write(folder, numbers=f"# ours\n{number}\n"))
    assert (error.file, error.line) == ("parameters.toml", 2)
    name = number.partition(" ")[0]
    advice = f'change it, or sign it off in bundle.toml under [accepts]: "parameters.{name}" = "WHO, WHEN: WHY"'
    assert str(error) == f"parameters.toml:2: {said}: {advice}"

    (accepted,) = Bundle.load(MODEL, write(folder, numbers=number, accepts=(f"parameters.{name}",))).accepted
    assert (accepted.name, accepted.what, accepted.why) == (f"parameters.{name}", said, SIGNED)


def test_both_ends_of_a_range_belong_to_it(folder: Path) -> None:
    for end in ("least", "most"):
        values = {name: getattr(allowed, end) for name, allowed in ranges_of(Parameters).items()}
        texts = {name: written(Parameters, name, value) for name, value in values.items()}
        lines = [f"{name} = {text if text.isdigit() else repr(text)}" for name, text in texts.items()]
        parameters = Bundle.load(MODEL, write(folder, numbers="\n".join(lines))).parameters
        assert {name: getattr(parameters, name) for name in values} == values


def test_a_whole_bundle_signs_off_in_a_file_without_extends(tmp_path: Path) -> None:
    folder = shutil.copytree(installed_folder(), tmp_path / "whole")
    text = (folder / "parameters.toml").read_text(encoding="utf-8")
    changed = text.replace('cooling_off = "24 hours"', 'cooling_off = "1 hour"')
    assert changed != text
    (folder / "parameters.toml").write_text(changed, encoding="utf-8")
    assert refused(folder).file == "parameters.toml"
    lines = f'[accepts]\n"parameters.cooling_off" = "{SIGNED}"\n'
    (folder / "bundle.toml").write_text(lines, encoding="utf-8")
    assert [each.why for each in Bundle.load(MODEL, folder).accepted] == [SIGNED]


def test_what_is_only_compared_needs_no_signature(folder: Path) -> None:
    write(folder, numbers='face_for_use = "9 hours"\n')
    assert Bundle.load(MODEL, folder, is_served=False).accepted == ()


@pytest.mark.parametrize(
    ("micros", "text"), [(90_000_000, "90 seconds"), (86_400_000_000, "1 day"), (7_200_000_000, "2 hours"), (5, "5 µs")]
)
def test_a_length_of_time_is_written_in_the_longest_unit_that_fits(micros: int, text: str) -> None:
    assert length_text(micros) == text


# --- rules that were loaded without a word ---------------------------------------------------------------------------

ADDED = {
    "authority by membership": (
        'meets(person: Person, "SEAL_AUTHORITY", "use", seal: Seal, context) if\n'
        "  is_member(person, seal.enterprise, context);",
        "meets/5",
    ),
    "everybody sees a seal": (
        'visible(person: Person, _: Seal, _) if person.account_state = "ACTIVE";',
        "visible/3",
    ),
    "everybody may use a seal": (
        'has_permission(person: Person, "use", _: Seal) if person.account_state = "ACTIVE";',
        "has_permission/3",
    ),
    "one person may do all": (
        'meets(person: Person, "SEAL_AUTHORITY", "use", _: Seal, _) if person.id = "p-mallory";',
        "meets/5",
    ),
    "a face check that is missing": (
        'meets(_: Person, "FRESH_FACE", "use", _: Seal, context) if context.verification = nil;',
        "meets/5",
    ),
    "a face check that a word replaces": (
        'meets(_: Person, "FRESH_FACE", "emergency_use", _: Seal, context) if context.reason = "EMERGENCY";',
        "meets/5",
    ),
    "the face check of anybody": (
        'meets(_: Person, "FRESH_FACE", "use", _: Seal, context) if\n'
        "  context.verification matches IdentityVerification;",
        "meets/5",
    ),
    "an amount that the counterparty states": (
        'meets(_: Person, "FRESH_FACE", "use", _: Seal, context) if\n'
        "  sealed_contract(context, contract) and contract.amount < 1000;",
        "meets/5",
    ),
    "a waiver by a condition that always holds": (
        'waived("SEAL_USABLE", "use", seal: Seal, _) if seal in seal.enterprise.seals;',
        "waived/4",
    ),
    "a helper that the product asks for under `not`": ('is_held(seal: Seal) if seal.kind = "OTHER";', "is_held/1"),
    "a helper of the product": ('is_usable(seal: Seal, _) if seal.kind = "OTHER";', "is_usable/2"),
    "a role": ('has_role(_: Person, "guest", _: Enterprise);', "has_role/3"),
    "a standing": ("has_standing(_: Person, _: Seal, _);", "has_standing/3"),
    "a next step of a reason": ('reason("SEAL_FROZEN", 1, "USER", "CONTACT_ADMIN");', "reason/4"),
    "a reason of a requirement": ('because("SEAL_USABLE", "OURS", _: Person, _: Seal, _);', "because/5"),
    "an obligation": ('obligation(_: Person, "use", _: Seal, _, "OURS");', "obligation/5"),
    "what an obligation names": (
        'obligation_parameter("APPEND_SEAL_LOG", "a", "b", _: Person, "use", _: Seal, _);',
        "obligation_parameter/7",
    ),
    "a step that leads nowhere": ('leads_nowhere("CONTACT_ADMIN", _: Person, _: Seal, _);', "leads_nowhere/4"),
    "a member of a group": ('group("SEALING", _: Seal, ["polish"]);', "group/3"),
    "an exemption": (
        'exempt("SEALING", "use", _: Seal, "SEAL_USABLE", "It is quicker.");',
        "exempt/4",
    ),
    "a person as a resource": ("resource Person {}", "resource/1"),
}


@pytest.mark.parametrize("how", ADDED)
def test_a_rule_that_is_added_to_the_products_is_refused_with_the_line_that_signs_it(folder: Path, how: str) -> None:
    rules, kind = ADDED[how]
    assert refused(write(folder, rules=f"# ours\n{rules}\n"))
    excesses = excesses_in(folder)
    (found,) = signoff_diagnostics_of(excesses, layout_of(folder))
    assert (found.place.file, found.place.line) == ("mine.polar", 2)
    lines = re.findall(rf'under \[accepts\]: "(adds {kind} [0-9a-f]{{32}})" = "WHO, WHEN: WHY"', found.message)
    assert lines == [each.name for each in excesses]


def instead_of(file: str, old: str, new: str) -> Callable[[str, str], str]:
    """What makes another text of one file of the product."""

    def changed(name: str, text: str) -> str:
        if name != file:
            return text
        assert old in text
        return text.replace(old, new)

    return changed


def without(file: str) -> Callable[[str, str], str]:
    return lambda name, text: "" if name == file else text


REPLACED = {
    "no signed assertions": ("own_word.polar", without("own_word.polar"), {"lacks obligation/5"}),
    "holds of one kind": (
        "seal_use.polar",
        instead_of("seal_use.polar", 'hold.state != "RELEASED";', 'hold.state != "RELEASED" and hold.source = "LOSS";'),
        {"adds is_held/1", "lacks is_held/1"},
    ),
    "certificates without an end": (
        "seal_use.polar",
        instead_of("seal_use.polar", " and\n  context.now < certificate.not_after;", ";"),
        {"adds has_valid_certificate/2", "lacks has_valid_certificate/2"},
    ),
    "every member manages seals": (
        "words.polar",
        instead_of(
            "words.polar",
            '  has_active_role(person, enterprise, "SEAL_ADMIN", context) or\n'
            "  legal_representative(person, enterprise, context);\n\n# Where it takes two persons",
            "  is_member(person, enterprise, context);\n\n# Where it takes two persons",
        ),
        {"adds may_manage_seals/3", "lacks may_manage_seals/3"},
    ),
    "a word that only looks like the product's": (
        "visibility.polar",
        instead_of("visibility.polar", "is_member(", "is_rnember("),
        {"adds", "lacks"},
    ),
    "an end less": (
        "seal_request.polar",
        instead_of(
            "seal_request.polar",
            'lapses(_: Person, "approve", request: SealUseRequest, _, at) if at = request.valid_to;\n',
            "",
        ),
        {"lacks lapses/5"},
    ),
}


@pytest.mark.parametrize("is_whole", [False, True], ids=["replaces", "whole copy"])
@pytest.mark.parametrize("how", REPLACED)
def test_a_file_in_place_of_the_products_is_compared_rule_by_rule(folder: Path, how: str, *, is_whole: bool) -> None:
    file, change, expected = REPLACED[how]
    if is_whole:
        shutil.rmtree(folder)
        shutil.copytree(installed_folder(), folder, ignore=shutil.ignore_patterns("tests"))
    else:
        shutil.copy(installed_folder() / file, folder)
        (folder / "bundle.toml").write_text(f'extends = "default"\nreplaces = ["{file}"]\n', encoding="utf-8")
    assert excesses_in(folder) == []
    path = folder / file
    path.write_text(change(file, path.read_text(encoding="utf-8")), encoding="utf-8")
    found = kinds_of(folder)
    assert expected <= {*found, *(kind.partition(" ")[0] for kind in found)}
    assert "under [accepts]: " in str(refused(folder))
    # Every rule has a line of its own: with all lines but one it is refused.
    names = sign_off(folder)
    lines = (folder / "bundle.toml").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "bundle.toml").write_text("".join(line for line in lines if names[-1] not in line), encoding="utf-8")
    assert names[-1] in str(refused(folder))


def test_a_whole_copy_without_a_file_of_the_product_lacks_its_rules(folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(installed_folder(), folder, ignore=shutil.ignore_patterns("tests"))
    (folder / "own_word.polar").unlink()
    error = refused(folder)
    assert error.file == "own_word.polar"
    assert "lacks `obligation(" in str(error)
    assert "(own_word.polar:" in str(error)


def test_what_is_signed_off_is_loaded(folder: Path) -> None:
    write(folder, rules=ADDED["authority by membership"][0])
    (name,) = sign_off(folder)
    (accepted,) = Bundle.load(MODEL, folder).accepted
    assert (accepted.name, accepted.why) == (name, SIGNED)
    head = 'meets(person: Person, "SEAL_AUTHORITY", "use", seal: Seal, context)'
    assert accepted.what == f"adds `{head}` to the rules of the product"


def test_another_rule_of_the_same_name_needs_a_line_of_its_own(folder: Path) -> None:
    rules, _ = ADDED["authority by membership"]
    write(folder, rules=rules)
    (signed,) = sign_off(folder)
    write(folder, rules=f"{rules}\n{ADDED['one person may do all'][0]}", accepts=(signed,))
    error = refused(folder)
    assert (error.file, error.line) == ("mine.polar", 3)
    assert signed not in str(error)


def test_a_rule_that_changes_after_it_was_signed_is_refused(folder: Path) -> None:
    rules, _ = ADDED["authority by membership"]
    write(folder, rules=rules)
    (signed,) = sign_off(folder)
    write(folder, rules=rules.replace("seal.enterprise", "seal.custodian.enterprise"), accepts=(signed,))
    found = inspect(MODEL, folder)
    assert [each.code for each in found.diagnostics if each.severity == "error"] in (["signoff", "signoff"], ["types"])
    assert signed not in {each.name for each in excesses_in(folder)}


HELPED = (
    'meets(_: Person, "SEAL_USABLE", "use", seal: Seal, _) if is_fine(seal);\nis_fine(seal: Seal) if is_ours({});\n'
)


@pytest.mark.parametrize(
    "helpers",
    [
        'is_ours(seal: Seal) if seal.kind = "OTHER";',
        'is_ours(seal: Seal) if seal.kind = "CONTRACT";\nis_ours(seal: Seal) if seal.kind = "OTHER";',
        "is_ours(_: Seal);",
    ],
)
def test_a_signature_is_of_the_helpers_that_a_rule_calls_too(folder: Path, helpers: str) -> None:
    write(folder, rules=HELPED.format("seal") + 'is_ours(seal: Seal) if seal.kind = "CONTRACT";')
    (before,) = [each.name for each in excesses_in(folder)]
    write(folder, rules=HELPED.format("seal") + helpers, accepts=(before,))
    assert before not in str(refused(folder)).partition(" under [accepts]: ")[2].partition("=")[0]
    (after,) = [each.name for each in excesses_in(folder)]
    assert after != before


def test_a_signature_is_of_the_column_that_a_rule_reads_too(folder: Path) -> None:
    rules = 'meets(person: Person, "SEAL_USABLE", "use", _: Seal, _) if person.is_trusted = true;'
    names = []
    for default in ("false", "true"):
        model = f'[columns.Person]\nis_trusted = {{ type = "Boolean", default = {default} }}\n'
        (folder / "model.toml").write_text(model, encoding="utf-8")
        (name,) = [each.name for each in excesses_in(write(folder, rules=rules))]
        names.append(name)
    assert names[0] != names[1]


def test_on_oso_it_is_signed_off_too(folder: Path) -> None:
    rules, kind = ADDED["authority by membership"]
    assert f'"adds {kind} ' in str(refused(write(folder, rules=rules), EngineKind.OSO))


def test_what_is_tried_out_before_it_is_signed_is_not_served_from_the_cache(folder: Path, tmp_path: Path) -> None:
    write(folder, rules=ADDED["authority by membership"][0])
    cache = BundleCache(tmp_path / "cache")
    assert Bundle.load(MODEL, folder, needs_signoff=False, cache=cache).accepted == ()
    with pytest.raises(BundleRefused, match=r"under .accepts.: "):
        Bundle.load(MODEL, folder, cache=cache)


# --- digests ---------------------------------------------------------------------------------------------------------

RULE = """#@ S-01
f(seal: Seal, x) if
  y = x.kind and  # why
  not g(_, y) and y != "1" and x in [seal, *rest] and x.a < -1;
"""


def digest(text: str) -> str:
    rules = [each for each in parse(Source("a.polar", text)) if isinstance(each, RuleNode)]
    helpers: dict[tuple[str, int], list[RuleNode]] = {}
    for each in rules[1:]:
        helpers.setdefault(key_of(each), []).append(each)
    return digest_of(rules[0], helpers)


@pytest.mark.parametrize(
    "text",
    [
        RULE.replace("#@ S-01\n", "\n\n").replace("  # why", ""),
        " ".join(RULE.replace("#@ S-01\n", "").replace("# why", "").split()),
        RULE.replace("y", "kind"),
        RULE.replace("seal", "s").replace("x", "seal"),
        f"{RULE}h(1);",
    ],
    ids=["comments", "layout", "a name", "two names", "what it does not call"],
)
def test_layout_comments_and_names_of_variables_do_not_alter_a_digest(text: str) -> None:
    assert digest(text) == digest(RULE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("f(", "ff("),
        ("Seal", "Contract"),
        (": Seal", ""),
        ("y = x.kind", "y = x.name"),
        ("y = x.kind", "x = y.kind"),
        ("not g(_, y)", "g(_, y)"),
        ("g(_, y)", "g(y, _)"),
        ("g(_, y)", "g(y, y)"),
        ("g(_, y)", "g(nil, y)"),
        ("g(_, y)", "g(other, y)"),
        ("y !=", "y =="),
        ('"1"', "1"),
        ('"1"', "true"),
        ("-1", "-1.0"),
        ("*rest", "rest"),
        ("not g(_, y) and", ""),
        ('y != "1" and x in', 'y != "1" or x in'),
        (";\n", ";\ng(1, 2);"),
        (";\n", ";\ng(2, 1);"),
        (";\n", ";\ng(a, b) if h(a, b);\nh(1, 2);"),
        (";\n", ";\ng(a, b) if h(a, b);\nh(1, 3);"),
    ],
)
def test_whatever_else_a_rule_says_alters_its_digest(old: str, new: str) -> None:
    assert old in RULE
    assert digest(RULE.replace(old, new)) != digest(RULE)


def test_a_helper_that_changes_alters_the_digest() -> None:
    found = [digest(f"{RULE}g(a, b) if h(a, b);\n{last}") for last in ("h(1, 2);", "h(1, 3);", "h(1, 2);\nh(1, 3);")]
    assert len({*found}) == 3


def test_nil_is_no_variable_of_another_name() -> None:
    assert digest("f(x) if x = nil;") != digest("f(x) if x = y;")


# --- what is free ----------------------------------------------------------------------------------------------------

FREE = {
    "more on record": 'audited("use", _: Seal);',
    "one more requirement": 'requires("freeze", _: Seal, "FRESH_FACE");',
    "a requirement of its own": (
        'requires("use", _: Seal, "MINE");\nmeets(_: Person, "MINE", "use", seal: Seal, _) if is_mine(seal);\n'
        'is_mine(seal: Seal) if seal.kind = "OTHER";\n#@ always\nwaived("MINE", "use", _: Seal, _);\n'
        'because("MINE", "NOT_MINE", _: Person, _: Seal, _);\notherwise("MINE", "NOT_MINE");\n'
        'reason("NOT_MINE", 30, "USER", "CONTACT_ADMIN");\nreason("NOT_MINE", 30, "USER", "ASK_US");\n'
        'parameter("ASK_US", "a", "b", _: Person, _: Seal, _);\nleads_nowhere("ASK_US", _: Person, _: Seal, _);'
    ),
    "a requirement of the product for another action": (
        'requires("freeze", _: Seal, "SEAL_ELECTRONIC");\n'
        'meets(_: Person, "SEAL_ELECTRONIC", "freeze", seal: Seal, _) if seal.category = "ELECTRONIC";'
    ),
    "an action of its own": (
        'requires("polish", _: Seal, "MEMBER");\nhas_permission(_: Person, "polish", _: Seal);\n'
        'obligation(_: Person, "polish", _: Seal, _, "TELL");\n'
        'obligation_parameter("TELL", "a", "b", _: Person, "polish", _: Seal, _);'
    ),
    "an end": 'lapses(_: Person, "use", seal: Seal, _, at) if at = seal.acting_to;',
    "a group of its own": (
        'group("OURS", _: Seal, ["use", "stamp"]);\ngroup_requires("OURS", ["OURS"]);\n'
        'exempt("OURS", "stamp", _: Seal, "OURS", "Said in another way.");'
    ),
    "an exemption from its own requirement": (
        'group_requires("SEALING", ["OURS"]);\nexempt("SEALING", "sign", _: SigningTask, "OURS", "It puts no seal.");'
    ),
    "roles and relations that no rule reads yet": 'resource Enterprise { roles = ["guest"]; }',
    "a helper of its own": "is_ours(_: Seal);\nis_usable(_: Seal);",
    "a comment": "# Nothing yet.",
}


@pytest.mark.parametrize("how", FREE)
def test_what_only_concerns_the_folders_own_is_free(folder: Path, how: str) -> None:
    assert kinds_of(write(folder, rules=FREE[how])) == []


@pytest.mark.parametrize(
    "rule",
    [
        'meets(_: Person, _, "use", _: Seal, _);',
        'meets(_: Person, "SEAL_USABLE", _, _: Seal, _);',
        'meets(_: Person, "MINE", "use", _, _);',
        'has_permission(_: Person, "polish", _: Resource);',
        'has_permission(_: Person, "polish", _);',
        'waived(requirement, "use", _: Seal, _) if requirement = "MINE";',
        'because(_, "NOT_MINE", _: Person, _: Seal, _);',
    ],
)
def test_a_head_that_leaves_open_what_it_is_about_is_not_the_folders_own(folder: Path, rule: str) -> None:
    assert [kind.split()[0] for kind in kinds_of(write(folder, rules=rule))] == ["adds"]


OWN_RECORD = """[records.Blocked]
home = "enterprise_id"
[records.Blocked.columns]
enterprise_id = { names = "Enterprise", collection = "blocked" }
"""


def test_rules_about_a_record_of_the_folders_own_are_free(folder: Path) -> None:
    (folder / "model.toml").write_text(OWN_RECORD, encoding="utf-8")
    rules = (
        "resource Blocked {}\nvisible(_: Person, _: Blocked, _);\nhas_standing(_: Person, _: Blocked, _);\n"
        'has_permission(_: Person, "view", _: Blocked);\nrequires("view", _: Blocked, "MEMBER");'
    )
    assert kinds_of(write(folder, rules=rules)) == []


def test_a_record_of_the_folders_own_is_no_way_to_a_permission_of_the_product(folder: Path) -> None:
    (folder / "model.toml").write_text(OWN_RECORD, encoding="utf-8")
    rules = (
        'has_relation(entry: Blocked, "enterprise", seal: Seal) if entry in seal.enterprise.blocked;\n'
        'has_role(_: Person, "administrator", _: Blocked);\n'
        "listed_membership(_: Person, _: Blocked, _);"
    )
    assert kinds_of(write(folder, rules=rules)) == [
        "adds has_relation/3",
        "adds has_role/3",
        "adds listed_membership/3",
    ]


def test_a_need_that_only_a_rule_of_the_product_asks_for_is_the_products(folder: Path, tmp_path: Path) -> None:
    policies = shutil.copytree(installed_folder(), tmp_path / "product", ignore=shutil.ignore_patterns("tests"))
    path = policies / "seal_use.polar"
    asking = 'is_spare(seal: Seal, context) if meets(seal.device, "SEAL_USABLE", "freeze", seal, context);\n'
    path.write_text(path.read_text(encoding="utf-8") + asking, encoding="utf-8")
    write(folder, rules='meets(_: Person, "SEAL_USABLE", "freeze", _: Seal, _);')
    assert kinds_of(folder) == []
    assert kinds_of(folder, dataclasses.replace(MODEL, policies=policies)) == ["adds meets/5"]


@pytest.mark.parametrize(
    "model",
    [
        '[columns.Seal]\nstate = { words = ["ACTIVE", "GLOWING"], default = "GLOWING" }',
        '[columns.Person]\naccount_state = { type = "String", default = "ACTIVE" }',
        '[columns.Seal]\nenterprise_id = { names = "Enterprise" }',
        '[records.Seal]\nhome = "enterprise_id"\n[records.Seal.columns]\nenterprise_id = { names = "Enterprise" }',
        '[context.Seal.use]\nverification = "String"',
        OWN_RECORD.replace('"blocked"', '"seals"'),
        'subjects = ["Blocked"]',
    ],
    ids=["a word", "a default", "a relation", "a record", "a key", "a collection", "subjects"],
)
def test_nothing_that_the_product_declares_is_declared_again(folder: Path, model: str) -> None:
    (folder / "model.toml").write_text(model, encoding="utf-8")
    assert refused(folder).file == "model.toml"


@pytest.mark.parametrize(
    ("texts", "kinds"),
    [
        ('[reasons]\nACCOUNT_LOCKED.en = "Locked."\nACCOUNT_LOCKED.zh = "已锁定"\n', []),
        ('[reasons]\nACCOUNT_LOCKED.en = "Locked."\n', []),
        (
            '[reasons]\nACCOUNT_LOCKED.en = ["Locked by {name}.", "Locked."]\nACCOUNT_LOCKED.zh = "x"\n',
            ["texts.reasons.ACCOUNT_LOCKED.en"],
        ),
        ('[reasons]\nOURS.en = ["Ours, {name}.", "Ours."]\n', []),
    ],
)
def test_a_text_with_other_placeholders_is_signed_off(folder: Path, texts: str, kinds: list[str]) -> None:
    assert [each.name for each in excesses_in(write(folder, texts=texts))] == kinds


def test_files_of_the_product_that_are_copied_need_no_signature(folder: Path) -> None:
    names = ("seal_use.polar", "roles.polar", "authority.polar")
    for name in names:
        text = (installed_folder() / name).read_text(encoding="utf-8")
        (folder / name).write_text(f"# The same.\n\n{text}", encoding="utf-8")
    (folder / "bundle.toml").write_text(f'extends = "default"\nreplaces = {[*names]}\n', encoding="utf-8")
    assert excesses_in(folder) == []


def test_a_rule_that_is_moved_to_another_file_is_the_same(folder: Path) -> None:
    text = (installed_folder() / "seal_use.polar").read_text(encoding="utf-8")
    moved = 'is_held(seal: Seal) if hold in seal.holds and hold.state != "RELEASED";\n'
    assert moved in text
    (folder / "seal_use.polar").write_text(text.replace(moved, ""), encoding="utf-8")
    (folder / "mine.polar").write_text(moved.replace("hold ", "one ").replace("hold.", "one."), encoding="utf-8")
    (folder / "bundle.toml").write_text('extends = "default"\nreplaces = ["seal_use.polar"]\n', encoding="utf-8")
    assert excesses_in(folder) == []


# --- the floor --------------------------------------------------------------------------------------------------------


def test_no_signature_opens_what_the_floor_rests_on(folder: Path) -> None:
    write(folder, rules="belongs(_: Person, _: Enterprise, _);")
    assert sign_off(folder)
    assert "the floor rests on `belongs`" in str(refused(folder))


@pytest.mark.parametrize(
    "requirement", ["ACCOUNT_ACTIVE", "REALNAME_VERIFIED", "ENTERPRISE_AUTHENTICATED", "ENTERPRISE_OPERATING", "MEMBER"]
)
def test_no_signature_waives_what_the_floor_requires(folder: Path, requirement: str) -> None:
    write(folder, rules=f'waived("{requirement}", "use", _: Seal, _);\n')
    assert sign_off(folder)
    assert "belongs to the floor: only floor.polar waives it" in str(refused(folder))


def test_no_signature_exempts_from_the_floor(folder: Path) -> None:
    rules = 'exempt("BUSINESS", "use", _: Seal, "MEMBER", "Everybody may.");\n'
    error = refused(write(folder, rules=rules))
    said = "`MEMBER` of `use` on Seal belongs to the floor: only floor.polar exempts from it"
    assert str(error) == f"mine.polar:1:1: {said}"
    (found,) = inspect(MODEL, folder).diagnostics
    assert (found.code, found.message) == ("floor", said)


# --- the lines themselves -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "name", "said"),
    [
        ("", "parameters.face_for_use", "`parameters.face_for_use` under `accepts` accepts nothing: remove it"),
        ("", "parameters.moon", "`parameters.moon` under `accepts` accepts nothing"),
        ("", f"adds waived/4 {'0' * 32}", f"`adds waived/4 {'0' * 32}` under `accepts` accepts nothing"),
    ],
)
def test_a_line_that_accepts_nothing_is_refused(folder: Path, numbers: str, name: str, said: str) -> None:
    error = refused(write(folder, numbers=numbers, accepts=(name,)))
    assert said in str(error)
    assert error.file == "bundle.toml"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('accepts = "all"', "`accepts` must be a table"),
        ('[accepts]\n"parameters.face_for_use" = " "', "must name who agreed to `parameters.face_for_use`, and why"),
        ('[accepts]\n"parameters.face_for_use" = true', "must name who agreed to `parameters.face_for_use`, and why"),
        ('[accepts]\n"parameters.face_for_use" = "shared terminals in the workshop"', "with a reason of at least 10"),
        ('[accepts]\n"parameters.face_for_use" = "WHO, WHEN: WHY"', "with a reason of at least 10 letters"),
        ('[accepts]\n"parameters.face_for_use" = "Wang Min: 2026-03-01 12:00 …"', "with a reason of at least 10"),
        ('[accepts]\n"parameters.face_for_use" = ": shared terminals in the workshop"', "must name who agreed"),
        ('[accepts]\nparameters.face_for_use = "we"', 'put the name in quotes: `"parameters.face_for_use" = '),
        ('accept = "all"', "`accept` is not known; did you mean `accepts`?"),
    ],
)
def test_a_line_that_is_not_of_its_form_is_refused(folder: Path, lines: str, said: str) -> None:
    (folder / "bundle.toml").write_text(f'extends = "default"\n{lines}\n', encoding="utf-8")
    error = refused(folder)
    assert said in str(error)
    assert error.file == "bundle.toml"


def test_a_reason_may_be_in_chinese(folder: Path) -> None:
    why = "安全部，2026-03-01：车间共用终端更换之前暂时放宽"
    (folder / "parameters.toml").write_text('face_for_use = "2 hours"\n', encoding="utf-8")
    (folder / "bundle.toml").write_text(
        f'extends = "default"\n[accepts]\n"parameters.face_for_use" = "{why}"\n', encoding="utf-8"
    )
    assert [each.why for each in Bundle.load(MODEL, folder).accepted] == [why]


def test_a_check_of_the_folder_tells_all_that_is_not_signed_off(folder: Path) -> None:
    rules = "\n".join(ADDED[how][0] for how in ("everybody sees a seal", "one person may do all"))
    found = inspect(
        MODEL, write(folder, rules=rules, numbers='face_for_use = "2 hours"\n', accepts=("parameters.moon",))
    )
    assert found.bundle is None
    errors = [each for each in found.diagnostics if each.severity == "error"]
    assert [(each.code, each.place.file, each.place.line) for each in errors] == [
        ("signoff", "parameters.toml", 1),
        ("signoff", "mine.polar", 1),
        ("signoff", "mine.polar", 2),
        ("signoff", "bundle.toml", 0),
    ]


def test_the_lines_that_the_document_shows_sign_off(folder: Path) -> None:
    document = Path(__file__).resolve().parents[2] / "docs" / "policies.md"
    section = document.read_text(encoding="utf-8").partition("### What needs a signature")[2]
    rule = section.partition("```text\nwaived")[2].partition("```")[0]
    lines = section.partition("```text\nextends")[2].partition("```")[0]
    write(folder, rules=f"waived{rule}", numbers='face_for_use = "2 hours"\n')
    (folder / "bundle.toml").write_text(f"extends{lines}", encoding="utf-8")
    first, second = Bundle.load(MODEL, folder).accepted
    assert first.name == "parameters.face_for_use"
    assert second.name.startswith("adds waived/4 ")


# --- groups of a product ----------------------------------------------------------------------------------------------

GROUPED = """group("OUR_SEALING", _: Seal, ["use", "stamp"]);
group_requires("OUR_SEALING", ["SEAL_USABLE"]);
"""
EXEMPTED = 'exempt("OUR_SEALING", "use", _: Seal, "SEAL_USABLE", "So that it is quick.");\n'


@pytest.fixture
def product(tmp_path: Path) -> Model:
    """The model, with policies of its own in which a group of two requires that the seal is usable."""
    policies = shutil.copytree(installed_folder(), tmp_path / "product", ignore=shutil.ignore_patterns("tests"))
    path = policies / "seal_use.polar"
    path.write_text(path.read_text(encoding="utf-8") + GROUPED, encoding="utf-8")
    table = policies / "sealing.polar"
    lines = table.read_text(encoding="utf-8").replace('["SEAL_USABLE", "CERTIFICATE_VALID"]', '["CERTIFICATE_VALID"]')
    kept = [line for line in lines.splitlines(keepends=True) if '"SEAL_USABLE"' not in line]
    kept += [f'requires("{way}", _: Seal, "SEAL_USABLE");\n' for way in ("auto_use", "emergency_use", "carry_out")]
    kept.append('requires("seal", _: SealUse, "SEAL_USABLE");\n')
    table.write_text("".join(kept), encoding="utf-8")
    return dataclasses.replace(MODEL, policies=policies)


@pytest.mark.parametrize(
    ("lines", "kinds"),
    [
        (
            'group("OUR_SEALING", _: Seal, ["stamp"]);\ngroup_requires("OUR_SEALING", ["SEAL_USABLE"]);\n',
            ["lacks group/3", "lacks requires/3"],
        ),
        (
            'group("OUR_SEALING", _: Seal, ["use", "stamp"]);\ngroup_requires("OUR_SEALING", ["CERTIFICATE_VALID"]);\n',
            ["lacks requires/3", "lacks requires/3"],
        ),
        ("", ["lacks group/3", "lacks group/3", "lacks requires/3", "lacks requires/3"]),
        # Whoever signs the exemption signs for the requirement.
        (GROUPED + EXEMPTED, ["adds exempt/4"]),
        # A group that is written out is still no group.
        (
            'requires("use", _: Seal, "SEAL_USABLE");\nrequires("stamp", _: Seal, "SEAL_USABLE");\n',
            ["lacks group/3", "lacks group/3"],
        ),
    ],
    ids=["a member less", "a requirement less", "no group", "an exemption", "written out"],
)
def test_a_group_that_is_written_again_is_compared(folder: Path, product: Model, lines: str, kinds: list[str]) -> None:
    assert product.policies is not None
    text = (product.policies / "seal_use.polar").read_text(encoding="utf-8").replace(GROUPED, lines)
    (folder / "seal_use.polar").write_text(text, encoding="utf-8")
    (folder / "bundle.toml").write_text('extends = "default"\nreplaces = ["seal_use.polar"]\n', encoding="utf-8")
    assert kinds_of(folder, product) == kinds
