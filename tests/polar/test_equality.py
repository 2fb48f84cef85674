"""Where strict oso answers, the compiled engine answers the same: decisions, and sets of solutions.

This is the short run; `tools/equality.py` is the long one.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Container, Iterator
from pathlib import Path

import pytest
from agreement import Agreement, Answer, Silence, key_of, shrunk, traced_answer
from colliding import NAMES, leaves
from effort import tries
from hypothesis import HealthCheck, given, settings
from programs import CLASS_NAMES, CLASSES, PLAIN, Program, Seeded, program_from, programs, wired
from programs import RECORDS as PROGRAM_RECORDS

from sealauthz.polar import Source
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.groups import expanded
from sealauthz.polar.parse import parse
from sealauthz.polar.reference import ReferenceEngine
from sealauthz.polar.runtime import FREE
from sealauthz.polar.syntax import And, Literal, RuleNode, Unify, Variable
from sealauthz.runtime.errors import EvaluationFailed

# The random enterprises of the decision tests.
sys.path.append(str(Path(__file__).resolve().parent.parent / "decision"))

from random_scenes import asked_scenes
from scene import BUNDLE, NOW, Scene

from sealauthz.decision import Question
from sealauthz.decision.assembly import Missing, assemble
from sealauthz.decision.checking import engine_classes
from sealauthz.decision.pdp import everything
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.model.parameters import Parameters

# --- random programs ------------------------------------------------------------------------------------------------

SEEDED_PROGRAMS = 300


@pytest.fixture(scope="module")
def agreement() -> Iterator[Agreement]:
    agreement = Agreement()
    yield agreement
    agreement.close()


def test_seeded_programs_agree_and_most_of_them_are_accepted(agreement: Agreement) -> None:
    before = agreement.counts.copy()
    for first in range(0, tries(SEEDED_PROGRAMS, 10 * SEEDED_PROGRAMS), 50):
        found = agreement.check(program_from(Seeded(number)) for number in range(first, first + 50))
        assert not found, f"\n{shrunk(found[0])}"
    counts = agreement.counts - before
    # The code that traces for an explanation is asked the same questions.
    assert counts["traced compared"] >= 0.15 * counts["questions"]
    # Many differ on purpose in one symbol from what is accepted.
    assert counts["accepted"] >= 0.5 * counts["programs"]
    assert counts["compared"] >= 0.6 * counts["questions"]
    assert counts["traced gives no answer"] <= 0.001 * counts["traced compared"]
    # None of these may be rare, or the law says little.
    for kind in ("true", "false", "solutions", "no solution"):
        assert counts[f"compared {kind}"] >= 0.05 * counts["compared"], counts


def test_seeded_programs_hold_what_an_engine_may_get_wrong() -> None:
    """Which faults they find in how many programs stands in docs/decisions/0028-a-name-is-resolved-once.md."""
    held: Counter[str] = Counter()
    for number in range(SEEDED_PROGRAMS):
        written = [rule for rule in program_from(Seeded(number)).statements if isinstance(rule, RuleNode)]
        held["groups"] += any(rule.name == "group" for rule in written)
        held["exemptions"] += any(rule.name == "exempt" for rule in written)
        rules = [rule for rule in expanded(written).statements if isinstance(rule, RuleNode)]
        held["reasons of several requirements"] += any(rule.name == "because" for rule in rules)
        heads = [parameter.term for rule in rules for parameter in rule.parameters]
        found = [*heads, *(leaf for rule in rules for leaf in leaves(rule.body))]
        names = {leaf.name for leaf in found if isinstance(leaf, Variable)}
        values = {type(leaf.value) for leaf in found if isinstance(leaf, Literal)}
        held["nil in a head"] += any(isinstance(head, Variable) and head.name == "nil" for head in heads)
        named = [[p.term.name for p in rule.parameters if isinstance(p.term, Variable)] for rule in rules]
        held["a variable twice in a head"] += any(len({*some} - {"_"}) < len(some) - some.count("_") for some in named)
        held["a class"] += bool(names & {*CLASS_NAMES})
        held["a name that collides"] += bool(names & {*NAMES} - {"v1", "v2"})
        held["floats and integers"] += {int, float} <= values
        held["nil before ="] += any(
            isinstance(goal, Unify) and goal.left == Variable("nil", goal.left.place)
            for rule in rules
            for goal in (rule.body.parts if isinstance(rule.body, And) else (rule.body,))
        )
    assert min(held.values()) >= 5, held


@given(program=programs())
@settings(max_examples=tries(40, 400), deadline=None, suppress_health_check=list(HealthCheck))
def test_random_programs_agree(agreement: Agreement, program: Program) -> None:
    found = agreement.check([program])
    assert not found, f"\n{found[0]}"


# --- code that traces, where it differs from code that does not -----------------------------------------------------


@pytest.mark.parametrize(
    ("text", "row"),
    [
        pytest.param(text, row, id=text)
        for text, row in (
            ("f(t: Team) if t.parent.size = 1 and 1 in [];", {}),
            ("f(t: Team) if t.size < t.name and t in [];", {}),
            ('f(t: Team) if t.size != "a" and "m" in ["b"];', {}),
            ('f(t: Team) if nil <= 0 and nil = "a" and t = t;', {}),
            ("f(t: Team) if t.size = 1; f(t: Team) if f(t.parent) and t.size = 9;", {"parent_id": "top"}),
        )
    ],
)
def test_an_explanation_says_what_a_decision_says(text: str, row: dict[str, object]) -> None:
    team = {"name": "a", "size": 1, "is_open": True, "motto": None, "parent_id": None, "boss_id": None}
    low = {"id": "low", **team, "size": 2, **row}
    world = wired((("Team", {"id": "top", **team}), ("Team", low)))
    engine = CompiledEngine(parse(Source("p.polar", text)), PROGRAM_RECORDS, PLAIN)
    assert traced_answer(engine, "f", [world["low"]]) == engine.holds("f", world["low"])


# --- the bundle that is shipped -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engines() -> tuple[ReferenceEngine, CompiledEngine]:
    statements = [statement for source in BUNDLE.sources for statement in parse(source)]
    compiled = CompiledEngine(statements, MODEL.records, (*MODEL.contexts, Parameters))
    return ReferenceEngine(BUNDLE.sources, engine_classes(MODEL)), compiled


def answer(engine: ReferenceEngine | CompiledEngine, rule: str, *arguments: object) -> Answer:
    try:
        if FREE in arguments:
            return frozenset(map(key_of, ([*values] for values in engine.each(rule, *arguments))))
        return engine.holds(rule, *arguments)
    except EvaluationFailed as error:
        return Silence("raised", str(error))


def questions_of(case: object, action: str, type_: str) -> Iterator[tuple[object, ...]]:
    """Everything that a decision may ask of the bundle."""
    subject, resource, context = case.subject, case.resource, case.context  # type: ignore[attr-defined]
    yield "allow", subject, action, resource, context
    yield "unmet", subject, FREE, action, resource, context
    yield "has_permission", subject, action, resource
    yield "has_permission", subject, FREE, resource
    yield "lapses", subject, action, resource, context, FREE
    yield "obligation", subject, action, resource, context, FREE
    yield "visible", subject, resource, context
    yield "has_standing", subject, resource, context
    for requirement in BUNDLE.rulebook.requirements[action, type_]:
        yield "settled", subject, requirement, action, resource, context
        yield "meets", subject, requirement, action, resource, context
        yield "waived", requirement, action, resource, context
        if requirement in BUNDLE.rulebook.because:
            yield "because", requirement, FREE, subject, resource, context
    for step in sorted({step for entry in BUNDLE.rulebook.reasons.values() for step in entry.next_steps}):
        yield "parameter", step, FREE, FREE, subject, resource, context


def assert_agreement(
    engines: tuple[ReferenceEngine, CompiledEngine],
    scene: Scene,
    question: Question,
    rules: Container[str] | None = None,
) -> None:
    """Ask both engines what a decision may ask, of these rules or of all."""
    reference, compiled = engines
    with FactCache.of_records(MODEL, scene.records).read() as snapshot:
        case = assemble(MODEL, question, snapshot, everything, NOW, "", BUNDLE.parameters)
        if isinstance(case, Missing):
            return
        for rule, *arguments in questions_of(case, question.action, question.resource.type):
            if rules is not None and rule not in rules:
                continue
            theirs = answer(reference, str(rule), *arguments)
            if not isinstance(theirs, Silence):
                assert answer(compiled, str(rule), *arguments) == theirs, rule


@given(asked=asked_scenes())
@settings(max_examples=tries(8, 150), deadline=None, suppress_health_check=list(HealthCheck))
def test_the_shipped_bundle_agrees_on_random_scenes(
    engines: tuple[ReferenceEngine, CompiledEngine], asked: tuple[Scene, Question]
) -> None:
    assert_agreement(engines, *asked)


# --- documented differences (docs/polar-differences.md) -------------------------------------------------------------

WORLD = wired(
    (
        (
            "Team",
            {"id": "t", "name": "a", "size": 1, "is_open": True, "motto": None, "parent_id": None, "boss_id": None},
        ),
        (
            "Person",
            {"id": "p", "name": "a", "age": 1, "is_active": True, "nick": None, "rank": None, "team_id": "t"}
            | {"friend_id": None},
        ),
        (
            "Doc",
            {"id": "d", "title": "a", "level": 1, "is_secret": True, "tag": None, "owner_id": "p", "team_id": None},
        ),
    )
)
NEVER = "g(p: Person, _q) if not (p.name = p.name);\n"


def both(text: str, *arguments: object) -> tuple[Answer, Answer]:
    """What oso and we answer to `f`."""
    source = Source("p.polar", text)
    compiled = CompiledEngine(parse(source), PROGRAM_RECORDS, PLAIN)
    return answer(ReferenceEngine([source], CLASSES), "f", *arguments), answer(compiled, "f", *arguments)


@pytest.mark.parametrize(
    ("text", "subject", "theirs", "ours"),
    [
        (NEVER + "f(d: Doc) if forall(d.is_secret, g(d.owner, d));", "d", True, False),
        (NEVER + "f(d: Doc) if not (d.is_secret and not g(d.owner, d));", "d", False, False),
        (NEVER + "f(d: Doc) if forall(d.is_secret, o = d.owner and g(o, d));", "d", False, False),
        ("f(p: Person) if forall(p.name == 3, false);", "p", True, "raised"),
        ("f(p: Person) if forall(n = p.name and n == 3, false);", "p", "raised", "raised"),
        ("f(p: Person) if not p.name == 3;", "p", "raised", "raised"),
        ("f(p: Person) if [p.friend.name] = [1, 2];", "p", False, "raised"),
        ("f(p: Person) if d = {k: p.age} and not d.missing = 1;", "p", True, "raised"),
        ("f(p: Person) if not p matches Person{aeg: 1};", "p", "raised", "raised"),
        ("f(p: Person) if not p.nothing = 1;", "p", "raised", "raised"),
        ("f(p: Person) if y > p.age and y = 5;", "p", True, "raised"),
    ],
)
def test_where_we_differ_from_oso_is_known(text: str, subject: str, theirs: object, ours: object) -> None:
    assert tuple(a.how if isinstance(a, Silence) else a for a in both(text, WORLD[subject])) == (theirs, ours)


def test_rules_for_the_reference_bind_what_stands_in_a_forall() -> None:
    texts = ["f(d: Doc) if forall(d.is_secret, g(d.owner, [d.level + 1]) and d.title == 3);\n", "g(_, _);\n"]
    program = Program(parse(Source("p.polar", "".join(texts))), (), ())
    assert program.oso_text.splitlines()[0] == (
        "f(d: Doc) if forall(bound1 = d.is_secret and bound1, (bound2 = d.owner and bound3 = d.level + 1 and "
        "g(bound2, [bound3])) and (bound4 = d.title and bound4 == 3));"
    )


def test_one_and_true_are_two_solutions() -> None:
    two = frozenset({("list", ("number", 1)), ("list", ("bool", True))})
    assert both("f(x) if x in [1, true];", FREE) == (two, two)
