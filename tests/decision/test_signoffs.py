"""What a folder does beyond the ranges of the numbers, and without any condition, somebody answers for by name."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from effort import EFFORT, Effort
from scene import BUNDLE

from sealauthz.decision import Bundle
from sealauthz.decision import bundle as bundle_module
from sealauthz.decision.bundle import EngineKind
from sealauthz.decision.checking import types_of
from sealauthz.decision.folder import installed_folder, layout_of, read_parameters, read_sources
from sealauthz.decision.inspection import inspect
from sealauthz.decision.signoffs import excesses_of, forget_always
from sealauthz.errors import BundleRefused
from sealauthz.model import MODEL
from sealauthz.model.parameters import Parameters
from sealauthz.polar.check import covering
from sealauthz.polar.parse import parse
from sealauthz.polar.types import TypeTable
from sealauthz.schema import Model
from sealauthz.schema.parameters import length_text, ranges_of, written

SIGNED = "Security, 2026-03-01: agreed for the pilot"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that builds on the installed bundle and adds nothing."""
    (tmp_path / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    return tmp_path


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the check of all rules, which takes most of a load: what is to be signed off is found before it.

    The other tests here check what is signed off, and `make thorough` does so in all of them.
    """
    if EFFORT is not Effort.THOROUGH:
        monkeypatch.setattr(bundle_module, "diagnostics_of", lambda *_: [])


def write(folder: Path, *, rules: str = "", numbers: str = "", accepts: tuple[str, ...] = ()) -> Path:
    lines = "".join(f'"{name}" = "{SIGNED}"\n' for name in accepts)
    (folder / "bundle.toml").write_text(f'extends = "default"\n\n[accepts]\n{lines}', encoding="utf-8")
    (folder / "mine.polar").write_text(rules, encoding="utf-8")
    (folder / "parameters.toml").write_text(numbers, encoding="utf-8")
    return folder


def refused(folder: Path, engine: EngineKind = EngineKind.COMPILED) -> BundleRefused:
    with pytest.raises(BundleRefused) as caught:
        Bundle.load(MODEL, folder, engine)
    return caught.value


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
    advice = f'change it, or sign it off in bundle.toml: [accepts] "parameters.{name}" = "who agreed, and why"'
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


# --- rules without a condition --------------------------------------------------------------------------------------

ALWAYS = {
    "a waiver of a hold": ('#@ always\nwaived("SEAL_USABLE", "use", _: Seal, _);', "waived use Seal SEAL_USABLE"),
    "a waiver of the licence": (
        '#@ always\nwaived("LICENCE_EXISTING", "use", _: Seal, _);',
        "waived use Seal LICENCE_EXISTING",
    ),
    "a waiver of authority": (
        '#@ always\nwaived("SEAL_AUTHORITY", "use", _: Seal, _);',
        "waived use Seal SEAL_AUTHORITY",
    ),
    "for any context": (
        '#@ always\nwaived("SEAL_AUTHORITY", "use", _: Seal, _: SealUseContext);',
        "waived use Seal SEAL_AUTHORITY",
    ),
    "a hold that is always met": (
        '#@ always\nmeets(_: Person, "SEAL_USABLE", "use", _: Seal, _);',
        "meets use Seal SEAL_USABLE",
    ),
    "a hold that is met where something is not so": (
        'meets(_: Person, "SEAL_USABLE", "use", seal: Seal, _) if seal.id != "";',
        "meets use Seal SEAL_USABLE",
    ),
    "two rules that are true together": (
        'meets(_: Person, "SEAL_USABLE", "use", seal: Seal, _) if not is_other(seal) and seal.enterprise_id != "x";\n'
        'meets(_: Person, "SEAL_USABLE", "use", seal: Seal, _) if is_other(seal);\n'
        'is_other(seal: Seal) if seal.kind = "OTHER";',
        "meets use Seal SEAL_USABLE",
    ),
    "a helper that says what is not so": (
        'meets(_: Person, "SEAL_USABLE", "use", seal: Seal, _) if is_fine(seal);\n'
        'is_fine(seal: Seal) if seal.kind != "OTHER" and seal matches Resource;',
        "meets use Seal SEAL_USABLE",
    ),
    "one column below another, and not": (
        '#@ always\nwaived("SEAL_USABLE", "use", seal: Seal, _) if seal.acting_from < seal.enterprise.created_at;\n'
        'waived("SEAL_USABLE", "use", s: Seal, _) if s.enterprise.created_at <= s.acting_from;',
        "waived use Seal SEAL_USABLE",
    ),
    "all words of a column, in parts": (
        '#@ always\nwaived("SEAL_USABLE", "use", seal: Seal, _) if seal.category = "PHYSICAL";\n'
        'meets(_: Person, "SEAL_USABLE", "use", seal: Seal, _) if seal.category in ["ELECTRONIC"];',
        "meets use Seal SEAL_USABLE",
    ),
    "the other word than that of the product's own rule": (
        '#@ always\nmeets(_: Person, "SEAL_ELECTRONIC", "use", seal: Seal, _) if seal.category = "PHYSICAL";',
        "meets use Seal SEAL_ELECTRONIC",
    ),
    "a helper in two parts": (
        '#@ always\nmeets(_: Person, "SEAL_USABLE", "use", seal: Seal, _) if is_either(seal);\n'
        'is_either(seal: Seal) if seal.category = "PHYSICAL";\n'
        'is_either(seal: Seal) if seal.category = "ELECTRONIC" or never(seal);\n'
        'never(seal: Seal) if seal.kind = "OTHER";',
        "meets use Seal SEAL_USABLE",
    ),
    "through helpers": (
        'waived("SEAL_USABLE", "use", seal: Seal, context) if any_day(seal, context);\n'
        "any_day(seal: Seal, context) if any_seal(seal) or context.now > 1;\n"
        "any_seal(_: Seal);",
        "waived use Seal SEAL_USABLE",
    ),
}

WAIVED = '#@ always\nwaived("SEAL_AUTHORITY", "use", seal: Seal, {context}) if {condition};\n{helpers}'
NO_CONDITION = {
    "another name": ("_", "other = seal and other matches Seal", ""),
    "a literal parameter": ("_", 'yes("y", seal)', 'yes("y", _: Seal);'),
    "a literal that is compared": ("_", 'yes("y", seal)', 'yes(word, _: Seal) if word = "y";'),
    "a parameter with a union": ("_", "yes(seal)", "yes(_: Resource);"),
    "a parameter with a base": ("context", "yes(seal, context)", "yes(_: Seal, _: Context);"),
    "a parameter that takes an attribute": ("_", "yes(seal.enterprise)", "yes(_: Enterprise);"),
    "one word of two": (
        "_",
        'yes("y", seal)',
        'yes("n", seal: Seal) if seal.kind = "OTHER";\nyes("y", _: Seal);\nno(s: Seal) if yes("n", s);',
    ),
    "the clock and a parameter": ("context", "t = context.now and t < t + context.parameters.face_for_use", ""),
    "a helper that asks the clock": ("context", "yes(seal, context)", "yes(_: Seal, c) if c.now > 1;"),
    "many helpers": (
        "_",
        "h0(seal)",
        "\n".join(f"h{step}(seal: Seal) if h{step + 1}(seal);" for step in range(20)) + "\nh20(_: Seal);",
    ),
}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("how", ALWAYS)
def test_what_always_settles_a_requirement_of_the_product_is_signed_off(folder: Path, how: str) -> None:
    rules, name = ALWAYS[how]
    error = refused(write(folder, rules=f"# ours\n{rules}\n"))
    assert (error.file, error.line, error.column) == ("mine.polar", 2 + rules.startswith("#@"), 1)
    assert f'[accepts] "{name}" = "who agreed, and why"' in str(error)
    bundle = Bundle.load(MODEL, write(folder, rules=rules, accepts=(name,)))
    assert [(each.name, each.why) for each in bundle.accepted] == [(name, SIGNED)]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("how", NO_CONDITION)
def test_a_condition_that_is_none_is_signed_off(folder: Path, how: str) -> None:
    context, condition, helpers = NO_CONDITION[how]
    rules = WAIVED.format(context=context, condition=condition, helpers=helpers)
    name = "waived use Seal SEAL_AUTHORITY"
    assert f'[accepts] "{name}" = ' in str(refused(write(folder, rules=rules)))
    write(folder, rules=rules, accepts=(name,))
    assert [each.name for each in Bundle.load(MODEL, folder, is_served=False).accepted] == [name]


@pytest.mark.parametrize(
    ("context", "condition"),
    [
        ("_", "seal matches Seal"),
        ("_", "seal matches Resource"),
        ("context: SealUseContext", "context matches Context"),
        ("_", "seal.id matches String"),
    ],
)
def test_a_type_that_is_known_anyway_is_refused_with_a_signature_too(
    folder: Path, context: str, condition: str
) -> None:
    rules = WAIVED.format(context=context, condition=condition, helpers="")
    assert "this `matches` always holds" in str(
        refused(write(folder, rules=rules, accepts=("waived use Seal SEAL_AUTHORITY",)))
    )


@pytest.mark.parametrize(
    ("condition", "helpers"),
    [
        ('seal matches Seal{kind: "OTHER"}', ""),
        ("seal.valid_until = nil", ""),
        ('kind = seal.kind and kind = "OTHER"', ""),
        (
            'yes("y", seal)',
            'yes("n", _: Seal);\nyes("y", seal: Seal) if seal.kind = "OTHER";\nno(s: Seal) if yes("n", s);',
        ),
        ("yes(seal, seal.kind)", 'yes(_: Seal, "OTHER");'),
        ("yes(seal)", 'yes(_: SealHold);\nno(hold: SealHold) if yes(hold);\nyes(seal: Seal) if seal.kind = "OTHER";'),
        ('kind_of(seal, kind) and kind = "OTHER"', "kind_of(seal: Seal, kind) if kind = seal.kind;"),
        # A rule that calls itself holds where its other rule does.
        (
            "is_in(seal.enterprise, 3)",
            'is_in(enterprise, _) if enterprise.name = "Spruce";\nis_in(e, n) if is_in(e, n);',
        ),
    ],
)
def test_a_condition_that_looks_like_none_needs_no_signature(folder: Path, condition: str, helpers: str) -> None:
    write(folder, rules=WAIVED.format(context="_", condition=condition, helpers=helpers))
    assert names_of_excesses(folder) == []


def test_a_helper_that_changes_alone_is_followed_by_what_rests_on_it(folder: Path) -> None:
    # The rule that waives stays the very same object; what was found about it before no longer holds.
    named = ["waived use Seal SEAL_AUTHORITY"]
    narrow, chained = 'yes(seal: Seal) if seal.kind = "OTHER";', "yes(seal: Seal) if no(seal);\n"
    for helpers, expected in (
        (narrow, []),
        ("yes(_: Seal);", named),
        (f"\n{narrow}", []),
        (f"{narrow}\nyes(_: Seal);", named),
        (chained, []),
        (f"{chained}no(_: Seal);", named),
        (f"{chained}no(_: SealHold);", []),
        (f"{chained}no(seal: Seal) if seal matches Resource;", named),
        ("", []),
    ):
        write(folder, rules=WAIVED.format(context="_", condition="yes(seal)", helpers=helpers))
        found = names_of_excesses(folder)
        assert found == names_of_excesses(folder) == expected, helpers
    forget_always()
    write(folder, rules=WAIVED.format(context="_", condition="yes(seal)", helpers="yes(_: Seal);"))
    assert names_of_excesses(folder) == named


def test_a_part_that_changes_alone_is_put_together_again_with_the_others(folder: Path) -> None:
    # The first part stays the very same object; what was found about it with another second part no longer holds.
    first = 'waived("SEAL_USABLE", "use", seal: Seal, _) if seal.acting_to < 5;\n'
    second = 'waived("SEAL_USABLE", "use", seal: Seal, _) if seal.acting_to >= 5{more};\n'
    named = ["waived use Seal SEAL_USABLE"]
    asking = 'waived("SEAL_USABLE", "use", seal: Seal, _) if is_either(seal);\n'
    helped = asking + "is_either(seal: Seal) if seal.acting_to < 5;\n"
    for rules, expected in (
        (first + second.format(more=""), named),
        (first + second.format(more=' and seal.kind = "OTHER"'), []),
        (first + "\n\n" + second.format(more=""), named),
        ("\n" + first + second.format(more=""), named),
        (first, []),
        (first + second.format(more=""), named),
        (helped + "is_either(seal: Seal) if seal.acting_to >= 5;\n", named),
        (helped + "is_either(seal: Seal) if seal.acting_to < 5;\n", []),
        (helped + "is_either(seal: Seal) if seal.acting_to >= 5;\n", named),
    ):
        write(folder, rules=rules)
        found = names_of_excesses(folder)
        assert found == names_of_excesses(folder) == expected, rules
        forget_always()
        assert names_of_excesses(folder) == expected, rules


@pytest.mark.parametrize(
    "condition",
    [
        'seal.id > ""',
        '"" <= seal.id',
        "seal.acting_from >= 0",
        "seal.acting_from > -1",
        "seal.acting_to <= 253402300799000000",
        "has_house(seal)",
    ],
)
def test_a_comparison_that_takes_all_values_is_signed_off(folder: Path, condition: str) -> None:
    rules = 'waived("SEAL_USABLE", "use", seal: Seal, _) if {};\nhas_house(seal: Seal) if seal.enterprise.id > "";'
    assert names_of_excesses(write(folder, rules=rules.format(condition))) == ["waived use Seal SEAL_USABLE"]


@pytest.mark.parametrize(
    "condition",
    [
        'seal.id > "a"',
        'seal.id < "a"',
        "seal.acting_from > 0",
        "seal.acting_from <= 0",
        "seal.acting_to < 253402300799000000",
        "seal.acting_to >= 253402300799000000",
    ],
)
def test_a_comparison_that_leaves_values_out_needs_no_signature(folder: Path, condition: str) -> None:
    rules = f'waived("SEAL_USABLE", "use", seal: Seal, _) if {condition};'
    assert names_of_excesses(write(folder, rules=rules)) == []


CALLED = {
    "a helper for each word": (
        'meets(_: Person, "SEAL_USABLE", "use", seal: Seal, _) if is_metal(seal);\n'
        'waived("SEAL_USABLE", "use", seal: Seal, _) if is_file(seal);\n'
        'is_metal(seal: Seal) if seal.category = "PHYSICAL";\nis_file(seal: Seal) if seal.category = "ELECTRONIC";',
        "meets use Seal SEAL_USABLE",
    ),
    "a helper beside the product's own rule": (
        'meets(_: Person, "SEAL_ELECTRONIC", "use", seal: Seal, _) if is_metal(seal);\n'
        'is_metal(seal: Seal) if seal.category = "PHYSICAL";',
        "meets use Seal SEAL_ELECTRONIC",
    ),
    "a table of all words": (
        'waived("SEAL_USABLE", "use", seal: Seal, _) if is_kept(seal.category);\n'
        'is_kept("PHYSICAL");\nis_kept("ELECTRONIC");',
        "waived use Seal SEAL_USABLE",
    ),
    "a value that is one of all words": (
        'waived("SEAL_USABLE", "use", seal: Seal, _) if word in ["PHYSICAL", "ELECTRONIC"] and seal.category = word;',
        "waived use Seal SEAL_USABLE",
    ),
    "one of two that names the context's type": (
        'waived("SEAL_USABLE", "use", seal: Seal, _: SealUseContext) if seal.category = "PHYSICAL";\n'
        'waived("SEAL_USABLE", "use", seal: Seal, _) if seal.category = "ELECTRONIC";',
        "waived use Seal SEAL_USABLE",
    ),
    "not both, and both": (
        'waived("SEAL_USABLE", "use", seal: Seal, _) if seal.kind = "OTHER" and seal.category = "PHYSICAL";\n'
        'waived("SEAL_USABLE", "use", seal: Seal, _) if not (seal.kind = "OTHER" and seal.category = "PHYSICAL");',
        "waived use Seal SEAL_USABLE",
    ),
}


@pytest.mark.parametrize("how", CALLED)
def test_what_rules_say_by_what_they_call_is_signed_off(folder: Path, how: str) -> None:
    rules, name = CALLED[how]
    assert names_of_excesses(write(folder, rules=rules), types_of(MODEL)) == [name]
    first, _, rest = rules.rpartition("\n")
    assert names_of_excesses(write(folder, rules=first or rest.replace('"PHYSICAL", ', "")), types_of(MODEL)) == []


def test_what_rules_call_changes_what_they_say_together(folder: Path) -> None:
    """Those that settle a requirement stay the same objects; what was found about them no longer holds."""
    rules = (
        'waived("SEAL_USABLE", "use", seal: Seal, _) if is_metal(seal);\n'
        'waived("SEAL_USABLE", "use", seal: Seal, _) if not is_real(seal);\n'
        "is_real(seal: Seal) if is_made(seal);\n"
    )
    metal, made = "is_metal(seal: Seal) if seal.acting_to {};\n", "is_made(seal: Seal) if seal.acting_to {};\n"
    named = ["waived use Seal SEAL_USABLE"]
    for helpers, expected in (
        (metal.format("< 5") + made.format("< 5"), named),
        (metal.format("< 5") + made.format("< 6"), []),
        (metal.format("< 6") + made.format("< 6"), named),
        ("\n" + metal.format("< 6") + made.format("< 6"), named),
        (metal.format("< 6"), []),
        (metal.format("< 6") + metal.format("> 9") + made.format("< 6") + made.format("> 9"), named),
    ):
        write(folder, rules=rules + helpers)
        found = names_of_excesses(folder)
        forget_always()
        assert found == names_of_excesses(folder) == expected, helpers


def test_what_rules_say_together_is_found_out_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = "".join(
        f'waived("SEAL_USABLE", "use", seal: Seal, _) if seal.kind = "{kind}";\n' for kind in ("PERSONNEL", "OTHER")
    )
    write(folder, rules=rules)
    another = folder / "another.polar"
    another.write_text('is_named(seal: Seal) if seal.name = "x";\n', encoding="utf-8")
    assert names_of_excesses(folder) == []
    monkeypatch.setattr(covering, "together_of", lambda *_: pytest.fail("put together again"))
    monkeypatch.setattr(covering, "together", lambda *_: pytest.fail("put together again"))
    another.write_text('is_named(seal: Seal) if seal.name = "y";\n', encoding="utf-8")
    assert names_of_excesses(folder) == []


def names_of_excesses(folder: Path, types: TypeTable | None = None) -> list[str]:
    """What needs a signature in a folder, whatever else is wrong with it."""
    layout = layout_of(folder)
    parameters, _ = read_parameters(layout, MODEL.parameters)
    statements = [statement for source in read_sources(layout) for statement in parse(source)]
    return [each.name for each in excesses_of(layout, statements, parameters, installed_folder(), None, types)]


# --- helpers that the product's rules rest on ------------------------------------------------------------------------

OPENED = {
    "a helper": ("#@ always\nis_usable(_: Seal, _);", "opens is_usable/2", "is_usable", "meets"),
    "a helper, by type alone": (
        "is_usable(seal: Seal, _) if other = seal and other matches Seal;",
        "opens is_usable/2",
        "is_usable",
        "meets",
    ),
    "a role": (
        'has_role(_: Person, "administrator", _: Enterprise);',
        "opens has_role/3",
        "has_role",
        "has_permission",
    ),
    "a role that is compared": (
        'has_role(_: Person, role, _: Enterprise) if role in ["administrator"];',
        "opens has_role/3",
        "has_role",
        "has_permission",
    ),
    "what is seen": ("visible(_: Person, _: Seal, _);", "opens visible/3", "visible", "allow"),
}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("how", OPENED)
def test_a_helper_of_the_product_that_always_holds_is_signed_off(folder: Path, how: str) -> None:
    rules, name, helper, by = OPENED[how]
    error = refused(write(folder, rules=f"# ours\n{rules}\n"))
    line = 2 + rules.startswith("#@")
    assert str(error).startswith(f"mine.polar:{line}:1: always lets `{helper}` hold, on which `{by}` in ")
    assert f'[accepts] "{name}" = "who agreed, and why"' in str(error)
    bundle = Bundle.load(MODEL, write(folder, rules=rules, accepts=(name,)))
    assert [(each.name, each.why) for each in bundle.accepted] == [(name, SIGNED)]


@pytest.mark.parametrize(
    "rules",
    [
        'is_usable(seal: Seal, _) if seal.kind = "OTHER";',
        # A role of the folder's own, and one that depends on the person.
        'resource Enterprise { roles = ["guest"]; }\nhas_role(_: Person, "guest", _: Enterprise);',
        'has_role(person: Person, "administrator", house: Enterprise) if is_assigned(person, house, "CUSTOM");',
        # The product asks for it under `not` alone.
        "is_held(_: Seal, _);",
        # A helper of its own.
        "is_ours(_: Seal);",
        # With another number of parameters it is another rule.
        "is_usable(_: Seal);",
    ],
)
def test_a_helper_with_a_condition_or_of_its_own_needs_no_signature(folder: Path, rules: str) -> None:
    assert names_of_excesses(write(folder, rules=rules)) == []


def test_a_rule_of_the_product_in_a_file_that_takes_its_place_opens_nothing(folder: Path) -> None:
    for file in ("seal_use.polar", "roles.polar", "authority.polar"):
        shutil.copy(installed_folder() / file, folder)
    (folder / "bundle.toml").write_text(
        'extends = "default"\nreplaces = ["seal_use.polar", "roles.polar", "authority.polar"]\n', encoding="utf-8"
    )
    assert Bundle.load(MODEL, folder).accepted == ()


def test_no_signature_opens_what_the_floor_rests_on(folder: Path) -> None:
    rules = "belongs(_: Person, _: Enterprise, _);"
    assert "the floor rests on `belongs`" in str(refused(write(folder, rules=rules)))
    assert names_of_excesses(folder) == []


@pytest.mark.parametrize(
    "rule",
    [
        'has_permission(_: Person, "use", _: Seal);',
        'has_permission(_: Person, action, _: Seal) if action in ["use"];',
        'has_permission(person: Person, "use", seal: Seal) if person matches Actor and seal matches Resource;',
    ],
)
def test_a_permission_for_everybody_is_signed_off(folder: Path, rule: str) -> None:
    write(folder, rules=rule)
    assert "permits use Seal" in names_of_excesses(folder)
    if '"use", _' in rule:
        said = "mine.polar:1:1: permits `use` on Seal to everybody, which is an action of the product: change it, or"
        assert str(refused(folder)).startswith(said)
        bundle = Bundle.load(MODEL, write(folder, rules=rule, accepts=("permits use Seal",)))
        assert [each.name for each in bundle.accepted] == ["permits use Seal"]


@pytest.mark.parametrize(
    "rule",
    [
        'has_permission(person: Person, "use", seal: Seal) if is_custodian(person.id, seal);',
        # The product permits it to everybody.
        'has_permission(_: Person, "open", _: SigningTask);',
        # An action of the folder's own.
        'has_permission(_: Person, "polish", _: Seal);',
    ],
)
def test_a_permission_with_a_condition_or_of_its_own_needs_no_signature(folder: Path, rule: str) -> None:
    assert names_of_excesses(write(folder, rules=rule)) == []


# --- requirements that are gone -------------------------------------------------------------------------------------

REQUIRED = 'requires("emergency_use", _: Seal, "REASON_STATED");\n'


def replace_use(folder: Path, text: str, accepts: tuple[str, ...] = (), file: str = "seal_use.polar") -> Path:
    lines = "".join(f'"{name}" = "{SIGNED}"\n' for name in accepts)
    (folder / file).write_text(text, encoding="utf-8")
    (folder / "bundle.toml").write_text(
        f'extends = "default"\nreplaces = ["{file}"]\n[accepts]\n{lines}', encoding="utf-8"
    )
    return folder


def test_a_requirement_that_is_dropped_is_signed_off(folder: Path) -> None:
    text = (installed_folder() / "special_use.polar").read_text(encoding="utf-8")
    assert REQUIRED in text
    rest = "".join(
        line
        for line in text.replace(REQUIRED, "").splitlines(keepends=True)
        if not (line.startswith("meets(") and '"REASON_STATED", "emergency_use"' in line)
    )
    error = refused(replace_use(folder, rest, file="special_use.polar"))
    name = "drops emergency_use Seal REASON_STATED"
    assert str(error).startswith(
        "special_use.polar: drops `REASON_STATED` of `emergency_use` on Seal, which the product requires: change it, or"
    )
    assert f'[accepts] "{name}" = ' in str(error)
    replace_use(folder, rest, (name,), file="special_use.polar")
    assert names_of_excesses(folder) == [name]
    assert [each.why for each in Bundle.load(MODEL, folder).accepted] == [SIGNED]


def test_a_requirement_that_stands_elsewhere_is_not_dropped(folder: Path) -> None:
    text = (installed_folder() / "special_use.polar").read_text(encoding="utf-8")
    (folder / "mine.polar").write_text(REQUIRED, encoding="utf-8")
    assert Bundle.load(MODEL, replace_use(folder, text.replace(REQUIRED, ""), file="special_use.polar")).accepted == ()


def test_on_oso_it_is_signed_off_too(folder: Path) -> None:
    rules, name = ALWAYS["a waiver of a hold"]
    assert f'"{name}"' in str(refused(write(folder, rules=rules), EngineKind.OSO))


@pytest.mark.parametrize(
    "rules",
    [
        'waived("SEAL_USABLE", "use", seal: Seal, _) if seal.kind = "PERSONNEL";',
        'waived("SEAL_USABLE", "use", seal: Seal, context) if context.now < seal.acting_to;',
        'waived("SEAL_USABLE", "use", seal: Seal, _) if is_small(seal);\nis_small(seal: Seal) if seal.kind = "OTHER";',
        'meets(_: Person, "SEAL_USABLE", "use", seal: Seal, _) if seal.kind = "OTHER" and seal.id != "x";',
        # Each holds for one word, and together they hold for two.
        'waived("SEAL_USABLE", "use", seal: Seal, _) if seal.kind = "PERSONNEL";\n'
        'waived("SEAL_USABLE", "use", seal: Seal, _) if seal.kind = "OTHER";',
        # What one leaves out, another one has for a custodian only, or where the hour is known.
        'meets(_: Person, "SEAL_USABLE", "use", seal: Seal, _) if seal.category = "PHYSICAL";\n'
        'meets(person: Person, "SEAL_USABLE", "use", seal: Seal, _) if seal.category = "ELECTRONIC" and\n'
        "  seal.custodian matches Membership and seal.custodian.person_id = person.id;",
        'meets(_: Person, "SEAL_USABLE", "use", _: Seal, context: SealUseContext) if context.local_minute < 600;\n'
        'meets(_: Person, "SEAL_USABLE", "use", _: Seal, context: SealUseContext) if context.local_minute >= 600;',
        'meets(_: Person, "SEAL_USABLE", "use", seal: Seal, _) if seal.device_id != nil and not (seal.id = "x");',
        # Whether it holds depends on the type of what it is asked about.
        'waived("SEAL_USABLE", "use", seal: Seal, _) if is_small(seal);\nis_small(_: SealUseRequest);\n'
        "is_small_request(request: SealUseRequest) if is_small(request);\n"
        'is_small(seal: Seal) if seal.kind = "OTHER";',
        # A requirement of the folder's own is its own matter.
        'requires("use", _: Seal, "MINE");\nmeets(_: Person, "MINE", "use", seal: Seal, _) if seal.kind = "OTHER";\n'
        '#@ always\nwaived("MINE", "use", _: Seal, _);\notherwise("MINE", "ACCOUNT_LOCKED");',
    ],
)
def test_a_condition_or_a_requirement_of_its_own_needs_no_signature(folder: Path, rules: str) -> None:
    bundle = Bundle.load(MODEL, write(folder, rules=rules), is_served=True)
    assert bundle.accepted == ()


def test_a_file_that_takes_the_place_of_the_products_is_the_folders_own(folder: Path) -> None:
    text = (installed_folder() / "seal_use.polar").read_text(encoding="utf-8")
    (folder / "seal_use.polar").write_text(
        f'{text}\n#@ always\nwaived("SEAL_USABLE", "use", _: Seal, _);\n', encoding="utf-8"
    )
    (folder / "bundle.toml").write_text('extends = "default"\nreplaces = ["seal_use.polar"]\n', encoding="utf-8")
    assert '"waived use Seal SEAL_USABLE"' in str(refused(folder))


@pytest.mark.parametrize(
    "requirement", ["ACCOUNT_ACTIVE", "REALNAME_VERIFIED", "ENTERPRISE_AUTHENTICATED", "ENTERPRISE_OPERATING", "MEMBER"]
)
def test_no_signature_waives_what_the_floor_requires(folder: Path, requirement: str) -> None:
    rule = f'waived("{requirement}", "use", _: Seal, _);\n'
    error = refused(write(folder, rules=rule, accepts=(f"waived use Seal {requirement}",)))
    assert "belongs to the floor: only floor.polar waives it" in str(error)


def test_the_lines_that_the_document_shows_sign_off(folder: Path) -> None:
    document = Path(__file__).resolve().parents[2] / "docs" / "policies.md"
    section = document.read_text(encoding="utf-8").partition("### What needs a signature")[2]
    lines = section.partition("```text\n")[2].partition("```")[0]
    write(folder, rules=ALWAYS["a waiver of a hold"][0], numbers='face_for_use = "2 hours"\n')
    (folder / "bundle.toml").write_text(lines, encoding="utf-8")
    accepted = Bundle.load(MODEL, folder).accepted
    assert [each.name for each in accepted] == ["parameters.face_for_use", "waived use Seal SEAL_USABLE"]
    assert accepted[1].why.startswith("Wang Min, ")


# --- the lines themselves -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "name", "said"),
    [
        ("", "parameters.face_for_use", "`parameters.face_for_use` under `accepts` accepts nothing: remove it"),
        ("", "parameters.moon", "`parameters.moon` under `accepts` accepts nothing"),
        ("", "waived use Seal SEAL_USABLE", "`waived use Seal SEAL_USABLE` under `accepts` accepts nothing"),
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
        ('[accepts]\n"parameters.face_for_use" = " "', "must say who agreed to `parameters.face_for_use`, and why"),
        ('[accepts]\n"parameters.face_for_use" = true', "must say who agreed to `parameters.face_for_use`, and why"),
        ('[accepts]\nparameters.face_for_use = "we"', 'put the name in quotes: `"parameters.face_for_use" = '),
        ('accept = "all"', "`accept` is not known; did you mean `accepts`?"),
    ],
)
def test_a_line_that_is_not_of_its_form_is_refused(folder: Path, lines: str, said: str) -> None:
    (folder / "bundle.toml").write_text(f'extends = "default"\n{lines}\n', encoding="utf-8")
    error = refused(folder)
    assert said in str(error)
    assert error.file == "bundle.toml"


def test_a_check_of_the_folder_tells_all_that_is_not_signed_off(folder: Path) -> None:
    rules = "\n".join(ALWAYS[how][0] for how in ("a waiver of a hold", "a waiver of authority"))
    found = inspect(
        MODEL, write(folder, rules=rules, numbers='face_for_use = "2 hours"\n', accepts=("parameters.moon",))
    )
    assert found.bundle is None
    assert [(each.code, each.place.file, each.place.line) for each in found.diagnostics] == [
        ("signoff", "parameters.toml", 1),
        ("signoff", "mine.polar", 2),
        ("signoff", "mine.polar", 4),
        ("signoff", "bundle.toml", 0),
    ]


# --- exemptions from groups -----------------------------------------------------------------------------------------

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


def without_settling(text: str) -> str:
    """The rules of a file without those that meet or waive what `use` no longer requires."""
    return "".join(
        line
        for line in text.splitlines(keepends=True)
        if not (line.startswith(("meets(", "waived(")) and '"SEAL_USABLE", "use"' in line)
    )


def test_an_exemption_from_what_the_product_requires_is_signed_off_like_a_requirement_that_is_dropped(
    folder: Path, product: Model
) -> None:
    assert product.policies is not None
    # Not by itself: a rule that meets what is not required any more would be refused before.
    own = without_settling((product.policies / "seal_use.polar").read_text(encoding="utf-8"))
    (folder / "mine.polar").write_text(f"# ours\n{EXEMPTED}", encoding="utf-8")
    name = "drops use Seal SEAL_USABLE"
    with pytest.raises(BundleRefused) as caught:
        Bundle.load(product, replace_use(folder, own))
    said = "mine.polar:2:1: drops `SEAL_USABLE` of `use` on Seal, which the product requires: change it, or sign it off"
    assert str(caught.value).startswith(said)
    assert f'[accepts] "{name}" = ' in str(caught.value)
    inspection = inspect(product, folder)
    errors = [each for each in inspection.diagnostics if each.code != "group"]
    assert [(each.code, str(each.place)) for each in errors] == [("signoff", "mine.polar:2:1")]
    bundle = Bundle.load(product, replace_use(folder, own, (name,)))
    assert [(each.name, each.why) for each in bundle.accepted] == [(name, SIGNED)]
    assert ("SEAL_USABLE", "use", "Seal") not in bundle.rulebook.requires
    assert ("SEAL_USABLE", "stamp", "Seal") in bundle.rulebook.requires


@pytest.mark.parametrize(
    "lines",
    [
        'group("OUR_SEALING", _: Seal, ["stamp"]);\ngroup_requires("OUR_SEALING", ["SEAL_USABLE"]);\n',
        'group("OUR_SEALING", _: Seal, ["use", "stamp"]);\ngroup_requires("OUR_SEALING", ["CERTIFICATE_VALID"]);\n',
        "",
        GROUPED + EXEMPTED,
    ],
    ids=["a member less", "a requirement less", "no group", "an exemption"],
)
def test_a_group_that_is_written_anew_is_no_way_around_a_signature(folder: Path, product: Model, lines: str) -> None:
    assert product.policies is not None
    text = (product.policies / "seal_use.polar").read_text(encoding="utf-8").replace(GROUPED, lines)
    layout = layout_of(replace_use(folder, text), installed=product.policies)
    parameters, _ = read_parameters(layout, MODEL.parameters)
    statements = [statement for source in read_sources(layout) for statement in parse(source)]
    excesses = excesses_of(layout, statements, parameters, product.policies)
    assert "drops use Seal SEAL_USABLE" in [each.name for each in excesses]


def test_more_members_requirements_and_groups_need_no_signature(folder: Path, product: Model) -> None:
    rules = (
        'group("OUR_SEALING", _: Seal, ["auto_use"]);\n'
        'group("OURS", _: Seal, ["use", "stamp"]);\n'
        'group_requires("OURS", ["OURS_TO_SAY"]);\n'
        'exempt("OURS", "stamp", _: Seal, "OURS_TO_SAY", "Said in another way.");\n'
        'meets(_: Person, "OURS_TO_SAY", "use", seal: Seal, _) if seal.kind = "OTHER";\n'
        'otherwise("OURS_TO_SAY", "SEAL_FROZEN");\n'
    )
    bundle = Bundle.load(product, write(folder, rules=rules))
    assert bundle.accepted == ()
    assert ("OURS_TO_SAY", "use", "Seal") in bundle.rulebook.requires
    assert [str(each) for each in inspect(product, folder).exemptions] == [
        "`stamp` on Seal from `OURS_TO_SAY` of the group OURS"
    ]


def test_no_signature_exempts_from_the_floor(folder: Path) -> None:
    rules = 'exempt("BUSINESS", "use", _: Seal, "MEMBER", "Everybody may.");\n'
    error = refused(write(folder, rules=rules, accepts=("drops use Seal MEMBER",)))
    said = "`MEMBER` of `use` on Seal belongs to the floor: only floor.polar exempts from it"
    assert str(error) == f"mine.polar:1:1: {said}"
    (found,) = inspect(MODEL, folder).diagnostics
    assert (found.code, found.message) == ("floor", said)
