"""The questions that the service asks of a bundle: with which arguments, and what it does with the answers.

They are those of the decision point. Answers that decide are kept apart from those that only explain: a value that is
missing may make an explanation hold, but never a permission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sealauthz.polar.check.flow import Flow
from sealauthz.polar.check.rules import Clause, Key, Rules
from sealauthz.polar.check.values import FREE, Free, Value, literal
from sealauthz.polar.contract import Rulebook
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.syntax import RuleNode
from sealauthz.polar.types import ValueType
from sealauthz.polar.unchanging import unchanging

ContextOf = Callable[[str, str], type]
"""Which class the context of an action on a resource type has."""

_NO_PERMISSION = "NO_PERMISSION"


@unchanging
class Entry:
    """One question: the rule, its arguments, whether the answer decides, and what its free arguments must become."""

    key: Key
    values: tuple[Value, ...]
    decides: bool = False
    outputs: frozenset[str] = frozenset()


def enter(
    flow: Flow,
    rules: Rules,
    book: Rulebook,
    context_of: ContextOf,
    subjects: Iterable[str],
    told: frozenset[str],
    found: Diagnostics,
) -> None:
    """Analyse a bundle from all its entry points, and then what none of them reaches."""
    for entry in entries(rules, book, context_of, subjects, told):
        enter_one(flow, entry, found)
    flow.enter_rest()


def enter_one(flow: Flow, entry: Entry, found: Diagnostics) -> None:
    """Analyse a bundle from one entry point."""
    for clause, taken in flow.enter(entry.key, entry.values, entry.decides):
        _check_outputs(entry, clause, taken, found)


def entries(
    rules: Rules, book: Rulebook, context_of: ContextOf, subjects: Iterable[str], told: frozenset[str]
) -> Iterator[Entry]:
    """The entry points of a bundle. `told` are the records with a text that a next step may tell."""
    for subject in subjects:
        yield from _entries(rules, book, context_of, ValueType(subject), told)


def _entries(
    rules: Rules, book: Rulebook, context_of: ContextOf, subject: ValueType, told: frozenset[str]
) -> Iterator[Entry]:
    places: dict[tuple[ValueType, ValueType], None] = {}
    reasons: dict[tuple[str, ValueType, ValueType], None] = {}
    for (action, type_), requirements in book.requirements.items():
        resource, context = ValueType(type_), ValueType(context_of(action, type_).__name__)
        places[resource, context] = None
        asked, all_ = literal(action), ValueType("str", words=frozenset(requirements))
        yield Entry(("allow", 4), (subject, asked, resource, context), True)
        yield Entry(("settled", 5), (subject, all_, asked, resource, context), True)
        yield Entry(("meets", 5), (subject, all_, asked, resource, context), True)
        yield Entry(("waived", 4), (all_, asked, resource, context), True)
        yield Entry(("unmet", 5), (subject, FREE, asked, resource, context), True)
        yield Entry(("has_permission", 3), (subject, asked, resource), True)
        yield Entry(("lapses", 5), (subject, asked, resource, context, FREE), outputs=frozenset({"int"}))
        yield Entry(("obligation", 5), (subject, asked, resource, context, FREE))
        yield Entry(
            ("obligation_parameter", 7),
            (FREE, FREE, FREE, subject, asked, resource, context),
            outputs=frozenset({"str", "int"}),
        )
        for requirement in requirements:
            reasons[requirement, resource, context] = None
    for resource, context in places:
        yield Entry(("visible", 3), (subject, resource, context), True)
        yield Entry(("has_standing", 3), (subject, resource, context), True)
    for requirement, resource, context in reasons:
        yield Entry(("because", 5), (literal(requirement), FREE, subject, resource, context))
    for step, resource, context in _steps(rules, book, reasons, places):
        carried = frozenset({"str", "int", subject.name}) | told
        for name, outputs in (("parameter", carried), ("counted", frozenset[str]())):
            yield Entry((name, 6), (literal(step), FREE, FREE, subject, resource, context), outputs=outputs)
        yield Entry(("leads_nowhere", 4), (literal(step), subject, resource, context))


def _steps(
    rules: Rules,
    book: Rulebook,
    reasons: Iterable[tuple[str, ValueType, ValueType]],
    places: Iterable[tuple[ValueType, ValueType]],
) -> dict[tuple[str, ValueType, ValueType], None]:
    """Which next steps a denial can have, for which resource and context."""

    def steps_of(code: str | None) -> tuple[str, ...]:
        return book.reasons[code].next_steps if code in book.reasons else ()

    found: dict[tuple[str, ValueType, ValueType], None] = {}
    for requirement, resource, context in reasons:
        explaining = [rule for rule in book.because.get(requirement, ()) if _is_about(rule, resource.name, rules)]
        codes = [rule.parameters[1].literal for rule in explaining]
        for code in (*codes, book.otherwise.get(requirement)):
            for step in steps_of(code):
                found[step, resource, context] = None
    for resource, context in places:
        for step in steps_of(_NO_PERMISSION):
            found[step, resource, context] = None
    return found


def _is_about(rule: RuleNode, type_: str, rules: Rules) -> bool:
    about = rule.parameters[3].type
    return about in (None, type_) or type_ in rules.unions.get(about or "", ())


def _check_outputs(entry: Entry, clause: Clause, taken: tuple[Value, ...], found: Diagnostics) -> None:
    """Check what the service asked for: it must have a value, of a type that the service can use."""
    for at, (asked, value) in enumerate(zip(entry.values, taken, strict=True)):
        if not isinstance(asked, Free):
            continue
        place = clause.node.parameters[at].place
        if isinstance(value, Free):
            found.error("unbound", f"`{clause.key[0]}` gives this parameter no value", place)
        elif entry.outputs and value.name and (value.name not in entry.outputs or value.is_optional):
            wanted = " or ".join(sorted(entry.outputs))
            found.error("types", f"`{clause.key[0]}` must give {wanted} here, not {value}", place)
