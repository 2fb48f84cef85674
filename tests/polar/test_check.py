"""Each diagnostic of the checker, by the smallest policy that has it, beside a twin that does not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from check_cases import CASES, HANDED_ON, MEETS, Twins, meets

import sealauthz
from sealauthz.decision.product_reasons import PRODUCT_REASONS
from sealauthz.model import MODEL
from sealauthz.model.parameters import Parameters
from sealauthz.polar import budget
from sealauthz.polar.check import Baseline, Diagnostic, Severity, check, graph
from sealauthz.polar.check.rules import Clause
from sealauthz.polar.diagnostic import did_you_mean
from sealauthz.polar.parse import parse
from sealauthz.polar.source import Source
from sealauthz.polar.syntax import Place, Statement
from sealauthz.polar.types import TypeTable

POLICIES = Path(sealauthz.__file__).parent.parent.parent / "policies"
TYPES = TypeTable(MODEL.records, (*MODEL.contexts, Parameters))

CONTRACT = (POLICIES / "contract.polar").read_text(encoding="utf-8")
FLOOR = """
requires("use", _: Seal, "ACCOUNT_ACTIVE");
meets(person: Person, "ACCOUNT_ACTIVE", "use", _: Seal, _) if is_active(person);
is_active(person: Person) if person.account_state = "ACTIVE";
"""
BASE = """
actor Person {}
resource Seal { permissions = ["use"]; }
visible(_: Person, _: Seal, _);
has_standing(_: Person, _: Seal, _);
has_permission(_: Person, "use", _: Seal);
otherwise("ACCOUNT_ACTIVE", "NO");
reason("NO", 10, "USER", "STEP");
requires("use", _: Seal, "R");
otherwise("R", "NO");
waived("R", "use", seal: Seal, _) if seal.kind = "PERSONNEL";
"""


WAIVED = 'waived("R", "use", seal: Seal, _) if seal.kind = "PERSONNEL";'


def diagnostics(text: str, *others: Source, floor: str = FLOOR) -> list[Diagnostic]:
    """Check a policy inside the smallest bundle: one action, one requirement of the floor and one (`R`) of its own."""
    base = BASE if "meets(" in text and '"R", "use"' in text else BASE + MEETS
    sources = [
        Source("contract.polar", CONTRACT),
        Source("floor.polar", floor),
        Source("base.polar", base),
        Source("a.polar", text),
        *others,
    ]
    statements = [statement for source in sources for statement in parse(source)]
    return check(
        statements,
        TYPES,
        lambda action, type_: MODEL.action(action, type_).context,
        subjects=MODEL.subjects,
        sources=sources,
    )


def shipped() -> tuple[list[Source], list[Diagnostic]]:
    sources = [Source(path.name, path.read_text(encoding="utf-8")) for path in sorted(POLICIES.glob("*.polar"))]
    statements = [statement for source in sources for statement in parse(source)]
    found = check(
        statements,
        TYPES,
        lambda action, type_: MODEL.action(action, type_).context,
        subjects=MODEL.subjects,
        product_reasons=PRODUCT_REASONS,
        sources=sources,
    )
    return sources, found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_policy_has_exactly_this_finding(case: Twins) -> None:
    found = diagnostics(case.bad)
    assert [(some.code, some.severity) for some in found] == [(case.code, case.severity)], [*map(str, found)]
    assert case.message in found[0].message
    assert case.hint in found[0].hint
    assert found[0].place.file == "a.polar"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_its_twin_has_none(case: Twins) -> None:
    assert [*map(str, diagnostics(case.good))] == []


def test_an_action_that_is_no_permission_is_an_error() -> None:
    floor = FLOOR + (
        'resource Invitation { permissions = ["x"]; } requires("y", _: Invitation, "ACCOUNT_ACTIVE");'
        'meets(person: Person, "ACCOUNT_ACTIVE", "y", _: Invitation, _) if is_active(person);'
    )
    (diagnostic,) = diagnostics("", floor=floor)
    assert diagnostic.code == "permission"
    assert diagnostic.message == "Invitation declares no permission `y`, so that nobody can be allowed"


def test_a_client_that_leaves_a_key_out_opens_no_negation() -> None:
    """Where the context is compared under `not`, leaving the key out would allow."""
    floor = FLOOR + (
        'requires("retrieve", _: Enterprise, "ACCOUNT_ACTIVE");'
        'meets(person: Person, "ACCOUNT_ACTIVE", "retrieve", _: Enterprise, _) if is_active(person);'
        "visible(_: Person, _: Enterprise, _); has_standing(_: Person, _: Enterprise, _);"
        'resource Enterprise { permissions = ["retrieve"]; }'
        'has_permission(_: Person, "retrieve", _: Enterprise); otherwise("Q", "NO");'
        'requires("retrieve", _: Enterprise, "Q");'
        'meets(_: Person, "Q", "retrieve", _: Enterprise, context) if not context.reason = "BAD";'
    )
    (diagnostic,) = diagnostics("", floor=floor)
    assert (diagnostic.code, diagnostic.severity) == ("optional", Severity.ERROR)
    assert "the client only has to leave it out" in diagnostic.message


def test_a_place_is_where_the_name_stands() -> None:
    (diagnostic,) = diagnostics("# 印章\n" + meets('\n  seal.stat = "ACTIVE"'))
    assert str(diagnostic.place) == "a.polar:3:8"
    assert str(diagnostic) == ("a.polar:3:8: error: Seal has no attribute `stat` (did you mean `state`?) [attribute]")


def test_a_misspelt_word_is_found_wherever_it_was_written() -> None:
    """The helper is read once for all who hand it the same word."""
    text = meets('is(seal, "ACTIV")') + 'waived("R", "use", seal: Seal, _) if\n  is(seal, "ACTIV");\n'
    found = diagnostics(text + "is(seal: Seal, state) if\n  seal.state = state;")
    assert [(some.code, str(some.place)) for some in found] == [("word", "a.polar:1:57"), ("word", "a.polar:2:12")]
    assert {some.message for some in found} == {'`Seal.state` is never "ACTIV", and is compared with it at a.polar:4:3'}


def test_a_role_that_a_helper_hands_on_is_found_wherever_it_was_written() -> None:
    twice = 'holds(person, seal, "managr") and holds(person, seal, "manager")'
    text = "\n".join((meets(twice), meets('holds(person, seal, "managr")'), HANDED_ON))
    assert [(some.code, some.place.line) for some in diagnostics(text)] == [("word", 1), ("word", 2)]


def test_a_word_that_another_rule_of_the_helper_takes_is_right() -> None:
    text = meets('holds(person, seal, "anything") or holds(person, seal, "manager")') + HANDED_ON
    assert diagnostics(text + 'holds(_: Person, s: Seal, "anything") if s.name = "b";') == []


LONG = "x" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        meets(f'seal.state = "{LONG}"'),
        meets(f'"{LONG}" in seal.name'),
        meets(f"seal.{LONG} = 1"),
        meets(f'seal.name = "{LONG}" and seal.name != "{LONG}"'),
        meets(f"{LONG}(seal)"),
        meets("g in seal.grants and g.valid_to < context.now + (1" + " + 1000000000000" * 50 + ")"),
        meets(f'context.task matches {LONG}{{state: "PENDING"}}'),
        meets('seal.state = "' + "line\\n" * 30 + '"'),
        f'waived("{LONG}", "use", _: Seal, _);',
        f'resource Seal {{ "{LONG}" if "{LONG}"; }}',
        f"f({LONG}) if {LONG}.name = 1;",
        f'reason("B", 1, "{LONG}", "STEP");' + 'because("R", "B", _: Person, _: Seal, _);',
    ],
)
def test_an_error_cuts_what_it_repeats(text: str) -> None:
    found = diagnostics(text)
    assert found != []
    for some in found:
        assert len(str(some)) < 500
        assert str(some).isprintable()


@pytest.mark.parametrize(
    ("old", "new", "is_refused"),
    [
        (MEETS, MEETS.replace(' = "ACTIVE"', ' = "LOST"'), False),
        (MEETS, MEETS.replace(";", ' and seal.name = "a" and seal.name = "b";'), True),
        (MEETS, MEETS.replace('"ACTIVE"', "seal.state"), True),
        (MEETS, MEETS.replace("seal.state = ", "seal.enterprise_id = seal.id and seal.state = "), True),
        (MEETS, MEETS.replace("seal", "_seal"), True),
        (WAIVED, WAIVED.replace("seal: Seal, _) if seal.kind", "_: Seal, _); f(seal: Seal) if seal.kind"), True),
        (WAIVED, WAIVED.replace("if seal", "if not seal"), True),
        # A warning, where there was none.
        (MEETS, MEETS.replace(";", " and hold in seal.holds;"), True),
        (MEETS, MEETS.replace(";", " and seal.custodian.person_id = seal.id;"), True),
    ],
)
def test_a_bundle_that_differs_in_one_rule_is_refused_for_the_same(old: str, new: str, is_refused: bool) -> None:
    def statements_of(text: str) -> list[Statement]:
        sources = [("contract.polar", CONTRACT), ("floor.polar", FLOOR), ("base.polar", BASE.replace(WAIVED, ""))]
        texts = [*sources, ("a.polar", "\n".join(text if some == old else some for some in (MEETS, WAIVED)))]
        return [statement for file, said in texts for statement in parse(Source(file, said))]

    before, after = statements_of(old), statements_of(new)
    at = next(at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other)
    changed = [*before[:at], after[at], *before[at + 1 :]]
    baseline = Baseline(before, TYPES, lambda a, t: MODEL.action(a, t).context, subjects=MODEL.subjects)
    assert baseline.refuses(changed) == is_refused


def test_a_bundle_with_a_warning_is_refused_for_errors_alone() -> None:
    def statements_of(rule: str) -> list[Statement]:
        texts = [("contract.polar", CONTRACT), ("floor.polar", FLOOR), ("base.polar", BASE), ("a.polar", rule)]
        return [statement for file, said in texts for statement in parse(Source(file, said))]

    once = MEETS.replace(";", " and hold in seal.holds;")
    before = statements_of(once)
    baseline = Baseline(before, TYPES, lambda a, t: MODEL.action(a, t).context, subjects=MODEL.subjects)
    for rule, is_refused in (
        (once.replace("hold in", "other in"), False),
        (once.replace('"ACTIVE"', "seal.state"), True),
    ):
        changed = [*before[:-1], *parse(Source("a.polar", rule))]
        assert baseline.refuses(changed) == is_refused


@pytest.mark.parametrize(("asked", "is_refused"), [('s.state = "LOST"', False), ('s.kind = "OFFICIAL"', True)])
def test_a_rule_that_changes_is_read_with_the_rules_that_call_it(asked: str, is_refused: bool) -> None:
    called = 'is_live(s: Seal) if s.state = "ACTIVE";'
    text = "\n".join((meets('is_known(seal) and seal.kind = "OTHER"'), "is_known(s: Seal) if is_live(s);", called))
    sources = [("contract.polar", CONTRACT), ("floor.polar", FLOOR), ("base.polar", BASE), ("a.polar", text)]
    before = [statement for file, said in sources for statement in parse(Source(file, said))]
    (after,) = parse(Source("a.polar", "\n\n" + called.replace('s.state = "ACTIVE"', asked)))
    baseline = Baseline(before, TYPES, lambda a, t: MODEL.action(a, t).context, subjects=MODEL.subjects)
    assert baseline.refuses([*before[:-1], after]) == is_refused


def test_findings_stand_in_the_order_of_the_files() -> None:
    found = diagnostics(meets("seal.b = 1 and seal.a = 2"), Source("b.polar", "f(1);"), Source("Z.polar", "g(1);"))
    assert [str(diagnostic.place) for diagnostic in found] == sorted(str(diagnostic.place) for diagnostic in found)


def test_a_missing_floor_is_refused() -> None:
    found = diagnostics("", floor="is_active(_: Person);")
    assert "floor" in {diagnostic.code for diagnostic in found}


def test_product_reasons_must_be_described() -> None:
    found = check([], TYPES, lambda *_: MODEL.contexts[0], subjects=(), product_reasons=["NOT_FOUND"])
    assert "`reason` does not describe `NOT_FOUND`, which the service gives" in {
        diagnostic.message for diagnostic in found
    }


def test_what_the_service_asks_for_must_be_there() -> None:
    found = check(parse(Source("a.polar", "")), TYPES, lambda *_: MODEL.contexts[0], subjects=MODEL.subjects)
    said = "no rule `allow` or `settled` or `visible` or `has_standing` or `has_permission` is defined"
    assert f"{said}, which the service asks for" in {some.message for some in found}


def test_a_class_that_is_not_known_hides_no_personal_column() -> None:
    """`it` is a person or a seal: the checker does not know which."""
    text = "some(p, s, it) if it = p or it = s; "
    (diagnostic,) = diagnostics(meets('some(person, seal, it) and it.phone = "1"') + text)
    assert diagnostic.code == "personal"
    (diagnostic,) = diagnostics(meets('some(person, seal, it) and it.phonee = "1"') + text)
    assert diagnostic.code == "attribute"
    assert diagnostics(meets('some(person, seal, it) and it.id = "1"') + text) == []


def test_deep_calls_are_an_error_and_no_crash() -> None:
    chain = "".join(f"f{n}(s: Seal) if f{n + 1}(s);" for n in range(400)) + 'f400(s: Seal) if s.name = "x";'
    assert [diagnostic.code for diagnostic in diagnostics(meets("f0(seal)") + chain)] == ["too-much"]


def test_deep_conditions_are_an_error_and_no_crash() -> None:
    nest = "not (" * 25 + "f{}(s)" + ")" * 25
    chain = "".join(f"f{n}(s: Seal) if {nest.format(n + 1)};" for n in range(48)) + "f48(_: Seal);"
    assert "too-much" in {diagnostic.code for diagnostic in diagnostics(meets("f0(seal)") + chain)}


def test_many_patterns_are_an_error_and_no_standstill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve columns, each of one of eight kinds at every call: 8 ** 12 patterns."""
    monkeypatch.setattr(budget, "STEPS_AT_MOST", 20_000)
    kinds = ["OFFICIAL", "CONTRACT", "FINANCE", "PERSONNEL", "INVOICE", "LEGAL_REP", "DEPARTMENT", "OTHER"]
    names = ", ".join(f"k{n}" for n in range(12))
    text = ""
    for n in range(12):
        for kind in kinds:
            given = names.replace(f"k{n},", f'"{kind}",') if n < 11 else names.replace("k11", f'"{kind}"')
            text += f"f{n}(seal: Seal, {names}) if k{n} = k{n} and f{n + 1}(seal, {given});"
    text += f"f12(_: Seal, {names}) if {' and '.join(f'k{n} = k{n}' for n in range(12))};"
    found = diagnostics(meets("f0(seal, " + ", ".join(["1"] * 12) + ")") + text)
    assert "too-much" in {diagnostic.code for diagnostic in found}


def test_recursion_is_followed_to_its_end() -> None:
    """What a recursive rule gives is what all its rules give."""
    text = "up(e: Enterprise, x) if x = e.id; up(e: Enterprise, x) if up(e, y) and x = y;"
    assert diagnostics(meets("up(seal.enterprise, x) and x = seal.enterprise_id") + text) == []
    (diagnostic,) = diagnostics(meets("up(seal.enterprise, x) and x = context.now") + text)
    assert diagnostic.code == "types"


def test_one_rule_is_analysed_for_each_type_it_is_called_with() -> None:
    text = "own(x, y) if y = x.enterprise; "
    assert diagnostics(meets('own(seal, e) and e.name = "x" and h in e.seals and own(h, f) and f = e') + text) == []
    (diagnostic,) = diagnostics(meets("own(seal, e) and own(person, f) and f = e") + text)
    assert "Person has no attribute `enterprise`" in diagnostic.message


@pytest.mark.parametrize(
    ("condition", "others"),
    [
        ('not context.task = nil and context.task.state = "PENDING"', ""),
        ('not context.task == nil and not context.task.state = "PENDING"', ""),
        ('x = y and y = seal.state and x = "ACTIVE"', ""),
        ('x in ["ACTIVE", "LOST"] and seal.state = x', ""),
        ("[x, y] = [seal.state, seal.state] and x = y", ""),
        ('[x, *rest] = [seal.kind] and x = "OTHER" and rest = []', ""),
        ('f(e) and seal.enterprise = e and e.name = "x"', "f(_: Enterprise);"),
        ('home(e, seal) and e.name = "x"', "home(e: Enterprise, seal: Seal) if e = seal.enterprise;"),
        ("(x = 1 or x = 2) and x < context.parameters.reminder_limit", ""),
        (
            "seal.custodian matches Membership and context.now - seal.custodian.joined_at > 0",
            "",
        ),
        ('seal.kind != "OTHER" and seal.kind in ["OTHER", "OFFICIAL"]', ""),
        ('x := seal.name and x = "a"', ""),
        ('h in seal.holds and h matches SealHold and h.state = "PLACED"', ""),
        ("s in seal.enterprise.registry_snapshots and s.is_current", ""),
        ("a = seal and a.certificate = nil", ""),
        ('same(seal.state, "LOST") and same(seal.name, "x")', "same(x, x);"),
        ("missing(seal.certificate)", "missing(nil);"),
        ("any(seal) and any(person)", "any(_: Resource);"),
    ],
)
def test_what_is_right_is_not_complained_about(condition: str, others: str) -> None:
    assert [*map(str, diagnostics(meets(condition) + others))] == []


@pytest.mark.parametrize(
    ("condition", "others", "codes"),
    [
        ('x in ["ACTIV", "LOST"] and seal.state = x and x = "ACTIV"', "", ["word"]),
        ("x = y and y = seal.state and x = 1", "", ["types"]),
        ('home(e, seal) and e.name = "x"', "home(e: Person, seal: Seal) if e = seal.enterprise;", ["never", "never"]),
        ("seal.custodian.joined_at + context.parameters.cooling_off < context.now", "", ["optional"]),
        ("_ in seal.certificate.id", "", ["types", "optional"]),
        ('seal.kind != "OTHER" and seal.kind in ["OTHER"]', "", ["never"]),
        ("x < 1 or x = 2", "", ["unbound"]),
        ("s in seal.enterprise.registry_snapshots and not s.is_curent", "", ["attribute"]),
        ("context.now = true", "", ["types"]),
        ("seal.name in []", "", ["never"]),
        ("s in seal.enterprise.registry_snapshots and s.is_current = true and s.is_current = false", "", ["never"]),
        ('context.task = nil and context.task.state = "PENDING"', "", ["types"]),
        ("[x] = seal.name and x = 1", "", ["never"]),
        ('same(seal.state, "LOSD")', "same(x, x);", ["word"]),
        ("missing(seal.name)", "missing(nil);", ["never", "never"]),
        ("f(seal)", "f(nil: Seal);", ["never", "never"]),
    ],
)
def test_what_is_wrong_is_found(condition: str, others: str, codes: list[str]) -> None:
    assert [diagnostic.code for diagnostic in diagnostics(meets(condition) + others)] == codes


VIEW = (
    FLOOR
    + """
requires("view", _: Seal, "ACCOUNT_ACTIVE");
meets(person: Person, "ACCOUNT_ACTIVE", "view", _: Seal, _) if is_active(person);
"""
)
FRESH = """
resource Seal { permissions = ["view"]; }
has_permission(_: Person, "view", _: Seal);
requires("view", _: Seal, "R");
meets(_: Person, "R", "use", seal: Seal, context) if is_fresh(seal, _, context);
lapses(_: Person, "use", seal: Seal, context, at) if fresh_until(seal, context, at);
fresh_until(seal: Seal, context, at) if
  is_fresh(seal, hold, context) and at = hold.placed_at + context.parameters.face_for_use;
is_fresh(seal: Seal, hold, context) if
  hold in seal.holds and context.now < hold.placed_at + context.parameters.face_for_use;
"""
ACTIVE = 'meets(_: Person, "R", "view", seal: Seal, _) if seal.state = "ACTIVE";'
VIEWED = 'meets(_: Person, "R", "view", seal: Seal, context) if is_fresh(seal, _, context);'


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (VIEWED, True),
        (VIEWED + 'lapses(_: Person, "view", _: Seal, context, at) if at = context.now;', True),
        (VIEWED + 'lapses(_: Person, "view", seal: Seal, context, at) if fresh_until(seal, context, at);', False),
        (VIEWED + "lapses(_: Person, _, seal: Seal, context, at) if fresh_until(seal, context, at);", False),
        (VIEWED.replace("if is", 'if seal.kind = "OTHER" and not is'), False),
        (ACTIVE, False),
        ('waived("R", "view", seal: Seal, context) if is_fresh(seal, _, context);' + ACTIVE, True),
    ],
)
def test_an_action_that_rests_on_what_ends_lapses_with_it_as_its_siblings_do(text: str, refused: bool) -> None:
    found = diagnostics(FRESH + text, floor=VIEW)
    assert [(some.code, some.severity) for some in found] == [("lapse", Severity.ERROR)] * refused
    for some in found:
        assert some.message.startswith("`view` on Seal rests on `is_fresh`, which ends by itself, and has no `lapses`")
        assert "`use` on Seal has one" in some.message
        assert some.hint == "an allow would outlive it: add a `lapses` of `view` that asks for it"
        assert str(some.place) == "a.polar:11:1"


def test_what_ends_on_the_floor_lapses_without_a_length_of_time_too() -> None:
    floor = VIEW.replace(
        'is_active(person: Person) if person.account_state = "ACTIVE";',
        'is_active(person: Person) if person.account_state = "ACTIVE";'
        'meets(person: Person, "ACCOUNT_ACTIVE", "use", _: Seal, context) if joined(person, _, context);'
        'meets(person: Person, "ACCOUNT_ACTIVE", "view", _: Seal, context) if joined(person, _, context);'
        "joined(person: Person, m, context) if m in person.memberships and context.now < m.joined_at;",
    )
    lapse = 'lapses(person: Person, "use", _: Seal, context, at) if joined(person, m, context) and at = m.joined_at;'
    text = FRESH + ACTIVE + lapse
    (found,) = diagnostics(text, floor=floor)
    assert (found.code, found.place.file) == ("lapse", "floor.polar")
    assert diagnostics(text + lapse.replace('"use"', '"view"'), floor=floor) == []


# --- the shipped bundle -----------------------------------------------------------------------------------------------


def test_the_shipped_bundle_has_no_errors() -> None:
    _, found = shipped()
    assert [str(diagnostic) for diagnostic in found if diagnostic.severity is Severity.ERROR] == []


def test_the_shipped_bundle_is_only_warned_of_what_may_be_nil() -> None:
    _, found = shipped()
    assert {diagnostic.code for diagnostic in found} <= {"optional"}


def test_a_shipped_action_without_its_lapse_is_refused() -> None:
    """Every `lapses` that the face check alone has: its action would be allowed longer than the check counts."""
    sources, _ = shipped()
    statements = [statement for source in sources for statement in parse(source)]
    context = 'lapses(person: Person, "sign", task: SigningTask, context, at) if\n  face_lapses('
    (text,) = (source.text for source in sources if source.file == "signing.polar")
    line = text[: text.index(context)].count("\n") + 1
    left = [some for some in statements if some.place != Place("signing.polar", line, 1)]
    assert len(left) == len(statements) - 1
    found = check(
        left,
        TYPES,
        lambda action, type_: MODEL.action(action, type_).context,
        subjects=MODEL.subjects,
        product_reasons=PRODUCT_REASONS,
    )
    assert [(some.code, some.severity) for some in found] == [("lapse", Severity.ERROR)]
    assert found[0].message.startswith("`sign` on SigningTask rests on `fresh_face_check`, which ends by itself")


def test_the_shipped_bundle_leaves_room_before_the_checker_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a check takes depends on how often it reads a rule, each time with other arguments."""
    for name in ("STEPS_AT_LEAST", "STEPS_AT_MOST", "STEPS_PER_CHARACTER"):
        monkeypatch.setattr(budget, name, getattr(budget, name) // 2)
    _, found = shipped()
    assert [diagnostic for diagnostic in found if diagnostic.code == "too-much"] == []


SPREAD = 'waived("R", "use", seal: Seal, _) if is_fit(seal); is_fit(seal: Seal) if seal.state = "ACTIVE";'


def test_a_helper_that_two_files_define_for_the_same_arguments_is_a_warning() -> None:
    (diagnostic,) = diagnostics(SPREAD, Source("b.polar", 'is_fit(seal: Seal) if seal.state = "DISABLED";'))
    assert (diagnostic.code, diagnostic.severity) == ("spread", Severity.WARNING)
    assert str(diagnostic.place) == "b.polar:1:1"
    assert diagnostic.message == "`is_fit` has a rule at a.polar:1:52 for the same arguments: the two add up"


def test_helpers_in_many_files_are_compared_where_they_may_meet_only(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    may_meet = graph._may_meet

    def counted(*clauses: Clause) -> bool:
        nonlocal compared
        compared += 1
        return may_meet(*clauses)

    monkeypatch.setattr(graph, "_may_meet", counted)
    facts = 400
    files = [
        Source(f"f{start}.polar", "".join(f'ranked("w{at}", {at % 7});\n' for at in range(start, facts, 8)))
        for start in range(8)
    ]
    twice = Source("twice.polar", 'ranked("w3", 3);')
    found = diagnostics('waived("R", "use", seal: Seal, _) if ranked(seal.state, 1);', *files, twice)
    assert [str(diagnostic.place) for diagnostic in found if diagnostic.code == "spread"] == ["twice.polar:1:1"]
    assert compared < facts


@pytest.mark.parametrize(
    "other",
    [
        'is_fit(person: Person) if person.account_state = "ACTIVE"; waived("R", "use", seal: Seal, _) if holder(seal);'
        "holder(seal: Seal) if grant in seal.grants and is_fit(grant.membership.person);",
        'waived("R", "use", seal: Seal, _) if seal.kind = "OFFICIAL";',
    ],
    ids=["other types", "a rule of the contract"],
)
def test_files_may_share_a_name_for_other_arguments_and_the_rules_of_the_contract(other: str) -> None:
    assert [*map(str, diagnostics(SPREAD, Source("b.polar", other)))] == []


def test_names_are_suggested_for_some_of_many_rules_that_nothing_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0

    def counting(name: str, known: Iterable[object], cutoff: float) -> str:
        nonlocal compared
        names = [*known]
        compared += cutoff > 0.8 and bool(names)
        return did_you_mean(name, names, cutoff)

    monkeypatch.setattr(graph, "did_you_mean", counting)
    unused = "\n".join(f'is_unused_{n}(seal: Seal) if seal.id = "{n}";' for n in range(300))
    found = diagnostics(f'{meets("is_used(seal)")} is_used(seal: Seal) if seal.id = "1";\n{unused}\n')
    assert sum(diagnostic.code == "unused" for diagnostic in found) == 300
    # To find one, all names are compared: for thousands of rules that would take minutes.
    assert compared == 100
