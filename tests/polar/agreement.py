"""Asks all engines the same questions, many programs at a time: oso in a process of its own, the compiled code, the
code that traces, and the interpreter of the core form.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from oso_process import Forms, ProcessLost, ReferenceProcess, answer_of, check_loaded, forms_of, ordered
from programs import CLASSES, PLAIN, RECORDS, Plain, Program, RecordId, value_of, wired

from sealauthz.polar import Source
from sealauthz.polar.core.interpreter import Interpreter
from sealauthz.polar.core.lower import Lowering
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.program import program_of
from sealauthz.polar.runtime import FREE
from sealauthz.polar.syntax import And, Forall, Not, Or, RuleNode, Statement, Term
from sealauthz.polar.types import TypeTable
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed

DEADLINE_S = 10.0
TRACED_EVERY = 2

_ORDERED = ordered(CLASSES)
_FORMS = forms_of(CLASSES)

Answer = Any
"""True, False, a frozenset of solutions, or a Silence."""


@dataclass(frozen=True)
class Silence:
    """No answer: `refused` (cannot be asked), `raised`, `died` (the process), or `crashed` (any other exception)."""

    how: str
    why: str = ""


@dataclass(frozen=True)
class Difference:
    """A question that the two engines answer differently, or the plain and the traced code of the compiled one."""

    program: Program
    index: int
    ours: Answer
    theirs: Answer
    sides: tuple[str, str] = ("compiled", "oso")

    def __str__(self) -> str:
        asked = self.program.questions[self.index]
        answers = zip(self.sides, (self.ours, self.theirs), strict=True)
        said = "\n".join(f"  {f'{side}:':<9} {_shown(answer)}" for side, answer in answers)
        return f"{self.program}\n{asked!r}\n{said}"


def _shown(answer: Answer) -> str:
    return repr(sorted(answer)) if isinstance(answer, frozenset) else repr(answer)


def key_of(value: Any) -> tuple[Any, ...]:
    """What a value is compared by: as Polar unifies, so that 1 and 1.0 are one value, and 1 and true are two."""
    kind = type(value)
    if value is None:
        return ("nil",)
    if kind is bool:
        return ("bool", value)
    if kind in (int, float):
        return ("number", "nan" if math.isnan(value) else value)
    if kind is str:
        return ("str", value)
    if isinstance(value, list):
        return ("list", *map(key_of, value))
    if kind is tuple:
        return ("list", *map(key_of, value))
    if kind is dict:
        return ("dict", *sorted((key, key_of(item)) for key, item in value.items()))
    if kind.__name__ in RECORDS:
        return ("record", value.id)
    return ("plain", repr(value))


@dataclass
class _Prepared:
    program: Program
    world: dict[str, Any]
    asked: list[tuple[str, str, list[Any]]]


def _prepared(program: Program) -> _Prepared:
    world = wired(program.rows)
    asked = []
    for question in program.questions:
        values = [value_of(argument, world) for argument in question.arguments]
        kind = "each" if any(value is FREE for value in values) else "holds"
        asked.append((kind, question.rule, values))
    return _Prepared(program, world, asked)


class Agreement:
    """Compares programs and counts. `close` ends the reference's process."""

    def __init__(
        self,
        reads_text: Callable[[int], bool] = lambda number: True,
        ignored: str = "",
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.differences: list[Difference] = []
        self.oso_refusals: Counter[str] = Counter()
        self.our_refusals: Counter[str] = Counter()
        self._reads_text = reads_text
        self._ignored = ignored
        self._process: ReferenceProcess | None = None

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def check(self, programs: Iterable[Program]) -> list[Difference]:
        """Compare some programs, which the reference answers while we do."""
        prepared = [_prepared(program) for program in programs]
        forms, messages = self._messages(prepared)
        sent = self._send(messages)
        found: list[Difference] = []
        ours = [self._ours(each, found) for each in prepared]
        theirs = self._theirs(prepared, forms, messages, sent)
        for each, mine, other in zip(prepared, ours, theirs, strict=True):
            found += self._compared(each, mine, other)
        self.differences += found
        return found

    # The compiled engine.

    def _ours(self, each: _Prepared, found: list[Difference]) -> list[Answer]:
        """Ask the plain code, and compare it with the traced code."""
        number = self.counts["programs"]
        self.counts["programs"] += 1
        try:
            statements: Sequence[Statement] = each.program.statements
            if self._reads_text(number):
                statements = parse(Source("p.polar", each.program.text))
                self.counts["read from text"] += 1
            engine = CompiledEngine(statements, RECORDS, PLAIN)
        except BundleRefused as error:
            self.our_refusals[str(error).split(": ", 1)[-1]] += 1
            return [Silence("refused", str(error))] * len(each.asked)
        except Exception as error:  # noqa: BLE001 (a crash is a finding)
            return [Silence("crashed", repr(error))] * len(each.asked)
        answers = [_answer(engine, kind, rule, values) for kind, rule, values in each.asked]
        found += self._traced(each, engine, answers)
        found += self._interpreted(each, interpreter_of(statements), answers)
        return answers

    def _interpreted(
        self, each: _Prepared, interpreter: Interpreter, compiled: Sequence[Answer]
    ) -> Iterator[Difference]:
        """Find where the interpreter of the core form answers something else than the compiled engine."""
        for index, ((kind, rule, values), answer) in enumerate(zip(each.asked, compiled, strict=True)):
            theirs = _answer(interpreter, kind, rule, values)
            if isinstance(answer, Silence) or isinstance(theirs, Silence):
                continue
            self.counts["interpreted compared"] += 1
            if theirs != answer:
                self.counts["interpreted differences"] += 1
                yield Difference(each.program, index, answer, theirs, ("compiled", "interpreted"))

    def _traced(self, each: _Prepared, engine: CompiledEngine, plain: Sequence[Answer]) -> Iterator[Difference]:
        """Find where the traced code proves something else than the plain code, or only one of them raises.

        Of every second question: to compile each rule once more takes half as long again as all the rest.
        """
        for index, ((kind, rule, values), answer) in enumerate(zip(each.asked, plain, strict=True)):
            is_asked = not isinstance(answer, Silence) or answer.how == "raised"
            if kind != "holds" or index % TRACED_EVERY or not is_asked:
                continue
            self.counts["traced compared"] += 1
            traced = traced_answer(engine, rule, values)
            if traced == answer:
                if answer is True:
                    yield from self._told(each, index, engine)
                continue
            if isinstance(traced, Silence) and traced.how != "crashed":
                # Plain code passes over a clause that cannot be evaluated where another one always holds.
                self.counts["traced gives no answer"] += not isinstance(answer, Silence)
                continue
            self.counts["traced differences"] += 1
            yield Difference(each.program, index, traced, answer, ("traced", "compiled"))

    def _told(self, each: _Prepared, index: int, engine: CompiledEngine) -> Iterator[Difference]:
        """Find where the plain code names another clause that holds than the traced code proves first."""
        _, rule, values = each.asked[index]
        self.counts["clauses compared"] += 1
        told, proved = engine.first_proved(engine.begin(None), rule, *values), engine.proved(rule, *values)[0]
        if told is not proved:
            self.counts["traced differences"] += 1
            yield Difference(each.program, index, told, proved, ("plain", "traced"))

    # oso.

    def _messages(self, prepared: Sequence[_Prepared]) -> tuple[list[Forms], list[list[object]]]:
        all_forms: list[Forms] = []
        all_messages: list[list[object]] = []
        for each in prepared:
            forms = Forms(_ORDERED)
            asks = [
                {"ask": {"kind": kind, "rule": rule, "arguments": [forms.of(v) for v in values], "seconds": 10}}
                for kind, rule, values in each.asked
            ]
            load = {"load": {"sources": [["p.polar", each.program.oso_text]], "classes": _FORMS}}
            all_messages.append([load, {"world": forms.sent_along()}, *asks])
            all_forms.append(forms)
        return all_forms, all_messages

    def _send(self, messages: Sequence[list[object]]) -> bool:
        if self._process is None or not self._process.is_alive:
            self._process = ReferenceProcess()
        try:
            self._process.send([message for part in messages for message in part], DEADLINE_S)
        except ProcessLost:
            return False
        return True

    def _theirs(
        self, prepared: Sequence[_Prepared], all_forms: Sequence[Forms], messages: Sequence[list[object]], sent: bool
    ) -> Iterator[list[Answer]]:
        for index, (each, forms) in enumerate(zip(prepared, all_forms, strict=True)):
            assert self._process is not None
            if not sent:
                sent = self._send(messages[index:])
            answers: list[Answer] = []
            try:
                loaded = self._process.receive(DEADLINE_S)
                self._receive(forms)
                for _ in each.asked:
                    answers.append(self._receive(forms))
                try:
                    check_loaded(loaded)
                except BundleRefused as error:
                    self.oso_refusals[str(error)[:100]] += 1
                    answers = [Silence("refused", str(error))] * len(each.asked)
            except ProcessLost as error:
                self.counts["oso died"] += 1
                answers += [Silence("died", str(error))] * (len(each.asked) - len(answers))
                sent = False
            yield answers

    def _receive(self, forms: Forms) -> Answer:
        assert self._process is not None
        while True:
            message = self._process.receive(DEADLINE_S)
            if "fetch" in message:
                self._process.send(forms.of_record(forms.record(message["fetch"])), DEADLINE_S)
                continue
            if message == {"done": True}:
                return None
            try:
                answer = answer_of(message, forms)
            except EvaluationFailed as error:
                return Silence("raised", str(error))
            return answer if isinstance(answer, bool) else frozenset(map(key_of, answer))

    # Both.

    def _compared(self, each: _Prepared, ours: Sequence[Answer], theirs: Sequence[Answer]) -> Iterator[Difference]:
        refused = [answer for answer in ours if isinstance(answer, Silence) and answer.how == "refused"]
        self.counts["refused" if len(refused) == len(ours) else "partly refused" if refused else "accepted"] += 1
        for index, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            self.counts["questions"] += 1
            if isinstance(mine, Silence) and self._ignored and self._ignored in mine.why:
                self.counts["ignored"] += 1
            elif isinstance(mine, Silence) and mine.how == "crashed":
                self.counts["crashes"] += 1
                yield Difference(each.program, index, mine, other)
            elif isinstance(mine, Silence) and mine.how == "refused":
                self.counts["questions refused"] += 1
                self.our_refusals[mine.why.split(": ", 2)[-1]] += 1
            elif isinstance(other, Silence):
                self.counts[f"oso {other.how}"] += 1
            else:
                self.counts["compared"] += 1
                self.counts[f"compared {_class(other)}"] += 1
                if mine != other:
                    self.counts["differences"] += 1
                    yield Difference(each.program, index, mine, other)


def _class(answer: Answer) -> str:
    if isinstance(answer, frozenset):
        return "solutions" if answer else "no solution"
    return "true" if answer else "false"


def interpreter_of(statements: Sequence[Statement]) -> Interpreter:
    """The interpreter of a program's core form. Raises BundleRefused."""
    table = TypeTable(RECORDS, PLAIN)
    program = program_of(statements, table.classes)
    lowering = Lowering(program, table.classes)
    return Interpreter({key: lowering.clauses(found) for key, found in program.clauses.items()}, table)


def _answer(engine: CompiledEngine | Interpreter, kind: str, rule: str, values: Sequence[Any]) -> Answer:
    try:
        if kind == "holds":
            return engine.holds(rule, *values)
        return frozenset(map(key_of, engine.each(rule, *values)))
    except BundleRefused as error:
        return Silence("refused", str(error))
    except EvaluationFailed as error:
        if isinstance(error.__cause__, BundleRefused):
            return Silence("refused", str(error))
        return Silence("raised", f"{error} {error.__cause__!r}")
    except Exception as error:  # noqa: BLE001 (a crash is a finding)
        return Silence("crashed", repr(error))


def traced_answer(engine: CompiledEngine, rule: str, values: Sequence[Any]) -> Answer:
    """Whether an explanation says that some clause of a rule holds; and what is asked for the clauses that held alone
    has to name the same ones, in the same order.
    """
    try:
        met = [id(attempt.clause) for attempt in engine.explain(rule, *values) if attempt.is_met]
        assert [*map(id, engine.proved(rule, *values))] == met, "other clauses held"
        return bool(met)
    except EvaluationFailed as error:
        how = "refused" if isinstance(error.__cause__, BundleRefused) else "raised"
        return Silence(how, f"{error} {error.__cause__!r}")
    except Exception as error:  # noqa: BLE001 (a crash is a finding)
        return Silence("crashed", repr(error))


# --- shrinking ------------------------------------------------------------------------------------------------------


def shrunk(difference: Difference) -> Difference:
    """The smallest program found that the engines still disagree about."""
    agreement = Agreement()
    program = difference.program
    best = difference

    def fails(candidate: Program) -> Difference | None:
        found = agreement.check([candidate])
        return next((each for each in found if _kind(each) == _kind(difference)), None)

    smaller = fails(dataclasses.replace(program, questions=(program.questions[difference.index],)))
    if smaller is None:
        return difference
    best = smaller
    try:
        progress = True
        while progress:
            progress = False
            for candidate in _smaller(best.program):
                found = fails(candidate)
                if found is not None:
                    best, progress = found, True
                    break
    finally:
        agreement.close()
    return best


def _kind(difference: Difference) -> tuple[object, ...]:
    """What must stay the same while a difference is made smaller."""
    answers = (difference.ours, difference.theirs)
    return (difference.sides, *(a.how if isinstance(a, Silence) else type(a) for a in answers))


def _smaller(program: Program) -> Iterator[Program]:
    for index in range(len(program.statements)):
        rest = (*program.statements[:index], *program.statements[index + 1 :])
        yield dataclasses.replace(program, statements=rest)
    for index in range(len(program.rows)):
        named = program.rows[index][1]["id"]
        used = {a.id for question in program.questions for a in _inside(question.arguments) if isinstance(a, RecordId)}
        if named not in used:
            yield dataclasses.replace(program, rows=(*program.rows[:index], *program.rows[index + 1 :]))
    for index, statement in enumerate(program.statements):
        if isinstance(statement, RuleNode) and statement.body is not None:
            for body in (None, *_smaller_terms(statement.body)):
                smaller = dataclasses.replace(statement, body=body)
                yield dataclasses.replace(
                    program, statements=(*program.statements[:index], smaller, *program.statements[index + 1 :])
                )


def _inside(arguments: Sequence[Any]) -> Iterator[Any]:
    for argument in arguments:
        yield argument
        if isinstance(argument, Plain):
            yield from (value for _, value in argument.values)


def _smaller_terms(term: Term) -> Iterator[Term]:
    match term:
        case And(parts, place) | Or(parts, place):
            for index, part in enumerate(parts):
                rest = (*parts[:index], *parts[index + 1 :])
                yield rest[0] if len(rest) == 1 else type(term)(rest, place)
                for smaller in _smaller_terms(part):
                    yield type(term)((*parts[:index], smaller, *parts[index + 1 :]), place)
        case Not(inner, place):
            yield inner
            for smaller in _smaller_terms(inner):
                yield Not(smaller, place)
        case Forall(condition, action, place):
            yield condition
            yield action
            for smaller in _smaller_terms(condition):
                yield Forall(smaller, action, place)
            for smaller in _smaller_terms(action):
                yield Forall(condition, smaller, place)
        case _:
            return
