"""What is found out with one context holds for those that answer alike, and for no other."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from check_cases import CASES
from effort import tries
from programs import RECORDS
from test_analysis import analysis_of, bundle

from sealauthz.decision.bundle import Bundle
from sealauthz.decision.product_reasons import PRODUCT_REASONS
from sealauthz.model import MODEL
from sealauthz.polar import Source
from sealauthz.polar.check import Diagnostic, checker, values
from sealauthz.polar.check.flow import Flow
from sealauthz.polar.check.values import Value, either
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.runtime import FREE
from sealauthz.polar.syntax import Attribute, Parameter, RuleNode, Statement, TypePattern, Variable
from sealauthz.polar.terms import nodes_of
from sealauthz.polar.types import ValueType
from sealauthz.runtime.errors import EvaluationFailed


@dataclass(slots=True)
class Asking:
    now: int


@dataclass(slots=True)
class ByNumber(Asking):
    code: int = 1


@dataclass(slots=True)
class ByWord(Asking):
    code: str = "1"


@dataclass(slots=True)
class ByOther(Asking):
    code: int = 2


@dataclass(slots=True)
class ByDeeper(ByNumber):
    is_deep: bool = True


FAMILY = (Asking, ByNumber, ByWord, ByOther, ByDeeper)

RULES = """
before(c, at) if c.now < at;
is_word(c) if c matches ByWord;
is_number(c: ByNumber);
has_code(c) if c.code = 1;
in_code(c, code) if code = c.code;
both(c, other) if before(c, 9) and c.now = other.now and not is_number(other);
asks(c) if before(c, 5) and not is_word(c);
asks(c) if is_number(c) and before(c, 7);
told(c, by) if before(c, 9) and by in ["a", "b"];
told(c, by) if c matches ByOther and by = "other";
same(c) if told(c, "other") or asks(c);
"""
QUESTIONS = ("asks", "same", "is_word", "is_number", "has_code")


def engine_of(text: str = RULES) -> CompiledEngine:
    return CompiledEngine(parse(Source("a.polar", text)), RECORDS, FAMILY)


def answers_of(engine: CompiledEngine, context: Asking) -> list[Any]:
    def asked(ask: Any) -> Any:
        try:
            return ask()
        except EvaluationFailed:
            return "failed"

    held = [asked(lambda rule=rule: engine.holds(rule, context)) for rule in QUESTIONS]
    found = [
        asked(lambda rule=rule: sorted(engine.each(rule, context, FREE), key=repr)) for rule in ("told", "in_code")
    ]
    others = [cls(4) for cls in FAMILY]
    return [*held, *found, *(asked(lambda other=other: engine.holds("both", context, other)) for other in others)]


def test_an_engine_answers_each_context_as_one_that_was_asked_nothing_else() -> None:
    contexts = [cls(now) for cls in FAMILY for now in (4, 6, 8)]
    alone = {(type(each), each.now): answers_of(engine_of(), each) for each in contexts}
    for order in random.Random(3).sample([*itertools.permutations(FAMILY)], 12):
        engine = engine_of()
        for cls in order:
            for now in (6, 4, 8):
                assert answers_of(engine, cls(now)) == alone[cls, now], (order, cls)
        again = engine.reloaded(parse(Source("a.polar", f"# moved\n{RULES}told(c, 9) if c matches ByWord;\n")))
        fresh = engine_of(f"{RULES}told(c, 9) if c matches ByWord;\n")
        for cls in reversed(order):
            assert answers_of(again, cls(4)) == answers_of(fresh, cls(4)), (order, cls)


def test_contexts_that_answer_alike_have_one_function() -> None:
    engine = engine_of()
    for cls in FAMILY:
        engine.prepare("same", cls)
    made = [name.partition("_")[2] for name in engine._code.compiler.definitions]
    # One for Asking, one for ByNumber and ByDeeper; with ByWord it never holds, and with ByOther always.
    assert made.count("same") == 2


# --- the checker ----------------------------------------------------------------------------------------------------


def alone(statements: Sequence[Statement], monkeypatch: pytest.MonkeyPatch) -> list[Diagnostic]:
    """What is found where each pattern is looked at by itself."""
    with monkeypatch.context() as patched:
        patched.setattr(Flow, "_alike", lambda *_: None)
        return analysis_of(statements, None, PRODUCT_REASONS).diagnostics


def spoilt(rule: RuleNode, chance: random.Random) -> RuleNode:
    """A rule that reads another attribute of its context, or names another one in its head."""
    read = [n for n in nodes_of(rule) if isinstance(n, Attribute) and n.base == Variable("context", n.base.place)]
    if read:
        names = sorted({name for cls in MODEL.contexts for name in cls.__dataclass_fields__})
        return _with_name(rule, chance.choice(read), chance.choice(names))
    cls = chance.choice(sorted(cls.__name__ for cls in MODEL.contexts))
    *others, last = rule.parameters
    typed = Parameter(last.term, TypePattern(cls, (), last.place), last.place)
    return replace(rule, parameters=(*others, typed if isinstance(last.term, Variable) else last))


def _with_name(part: Any, node: Attribute, name: str) -> Any:
    if part is node:
        return replace(node, name=name)
    if isinstance(part, tuple):
        return tuple(_with_name(each, node, name) for each in part)
    fields = getattr(part, "__dataclass_fields__", {})
    return replace(part, **{key: _with_name(getattr(part, key), node, name) for key in fields}) if fields else part


def test_every_case_is_found_as_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text for case in CASES for text in (case.bad, case.good)]
    for text in random.Random(7).sample(texts, tries(60, len(texts))):
        statements = bundle(text)
        assert analysis_of(statements, None, PRODUCT_REASONS).diagnostics == alone(statements, monkeypatch), text


def test_mistakes_with_a_context_are_found_as_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = [*Bundle.load(MODEL).statements]
    chance = random.Random(8)
    rules = [at for at, each in enumerate(shipped) if isinstance(each, RuleNode) and each.body is not None]
    found = 0
    for _ in range(tries(1, 40)):
        changed = [*shipped]
        for at in chance.sample(rules, 12):
            changed[at] = spoilt(changed[at], chance)  # type: ignore[arg-type]
        diagnostics = analysis_of(changed, None, PRODUCT_REASONS).diagnostics
        assert diagnostics == alone(changed, monkeypatch)
        found += len(diagnostics)
    assert found > 5


class Watched(Flow):
    """Notes which pattern each one calls, and the look-ups that it makes itself."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.calls: dict[Any, set[Any]] = {}
        self.own: dict[Any, int] = {}
        self._inside: list[Any] = []

    def _of_pattern(self, key: Any, values: Any, mode: Any) -> Any:
        pattern = (key, values, mode.is_negative, mode.decides)
        if self._inside:
            self.calls.setdefault(self._inside[-1], set()).add(pattern)
        self._inside.append(pattern)
        try:
            return super()._of_pattern(key, values, mode)
        finally:
            self._inside.pop()

    def _candidates(self, key: Any, values: Any) -> Any:
        reach = self._reading[-1]
        before, reach.look_ups = reach.look_ups, 0
        found = super()._candidates(key, values)
        self.own[self._inside[-1]] = reach.look_ups
        reach.look_ups |= before
        return found


def test_what_is_known_whole_rests_on_all_that_it_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a rule was met while it was still being read: a reload keeps what is known whole."""
    monkeypatch.setattr(checker, "Flow", Watched)
    text = """
        meets(_: Person, "R", "use", seal: Seal, _) if up(seal) and down(seal) and side(seal);
        up(seal) if down(seal) and seal.kind = "LEGAL_REP";
        up(seal) if leaf(seal) and side(seal);
        down(seal) if up(seal) and seal.name = "n";
        down(seal) if seal.state = "ACTIVE";
        side(seal) if down(seal) or leaf(seal);
        leaf(seal) if seal.name = "m";
    """
    analysed = analysis_of(bundle(text), None).flow
    assert isinstance(analysed, Watched)
    whole = 0
    for pattern, known in analysed._known.items():
        if known.reach.is_partial:
            continue
        whole += 1
        waiting, seen = [pattern], set()
        while waiting:
            each = waiting.pop()
            if each not in seen:
                seen.add(each)
                waiting += analysed.calls.get(each, ())
                own = analysed.own.get(each, 0)
                assert own & known.reach.look_ups == own, (pattern, each)
    assert 0 < whole < len(analysed._known)


def test_what_holds_where_nothing_is_negated_is_looked_at_again_under_a_negation() -> None:
    helper = "noted(seal) if seal.device_id = seal.name;\n"
    asked = 'meets(_: Person, "R", "use", seal: Seal, _) if noted(seal);\n'
    negated = 'meets(_: Person, "R", "use", seal: Seal, _) if not noted(seal) and seal.kind = "OTHER";\n'
    assert analysis_of(bundle(helper + asked), None).diagnostics == []
    found = [analysis_of(bundle(text), None).diagnostics for text in (helper + negated, helper + asked + negated)]
    assert [each.code for each in found[1]] == [each.code for each in found[0]] == ["optional"]


def test_the_words_of_many_facts_are_not_put_together_with_all_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    handled = 0

    def counted(left: Value, right: Value) -> Value:
        nonlocal handled
        handled += sum(len(each.words) for each in (left, right) if isinstance(each, ValueType) and each.words)
        return either(left, right)

    monkeypatch.setattr(values, "either", counted)
    facts = "".join(f'listed("a{number}", "b{number % 7}");\n' for number in range(512))
    text = f'{facts}meets(_: Person, "R", "use", seal: Seal, _) if listed(seal.name, seal.id);\n'
    assert analysis_of(bundle(text), None).diagnostics == []
    assert 0 < handled < 2 * 512 * 12
