"""Instants and lengths of time: both are microseconds, and a plain number is neither.

A length of time is a parameter of the bundle, or a number of units of time (`unit_of_time`). A number in the text of a
rule has no unit, so it is neither added to an instant nor compared with one or with a length of time; zero is the same
in every unit.
"""

from __future__ import annotations

from collections.abc import Mapping

from sealauthz.polar.check.rules import Rules
from sealauthz.polar.check.values import NUMBERS
from sealauthz.polar.diagnostic import Diagnostics, did_you_mean
from sealauthz.polar.syntax import Call, Literal, Term
from sealauthz.polar.terms import nodes_of
from sealauthz.polar.types import Unit, ValueType
from sealauthz.polar.unparse import written
from sealauthz.schema.parameters import SECOND, UNITS_OF_TIME

LENGTH_OF_UNIT = ("unit_of_time", 2)
"""The facts that give the lengths of the units of time."""

LENGTH = ValueType("int", unit="duration")
"""What the length of a unit is, although it is written as a number."""

_SIZES = {**UNITS_OF_TIME, "week": 7 * 86_400 * SECOND}
_UNITS = {**_SIZES, **{f"{unit}s": size for unit, size in _SIZES.items()}}
_TAKING_A_UNIT = frozenset({"time_after", "time_before", "is_within_last", "is_ago", "is_within"})
_UNIT = 2
"""Rules of times.polar that take a unit, and the place of it."""

HINT = (
    'a length of time is a parameter: `name = "30 minutes"` in parameters.toml, and `context.parameters.name` here; '
    "or it is said in words (times.polar)"
)
TIMES_HINT = 'write lengths of time in words, as in `is_within_last(at, 30, "minutes", context)` (times.polar)'

_SUMS: Mapping[tuple[str, Unit, Unit], Unit] = {
    ("+", "instant", "duration"): "instant",
    ("+", "duration", "instant"): "instant",
    ("+", "duration", "duration"): "duration",
    ("+", "instant", ""): "instant",
    ("+", "", "instant"): "instant",
    ("-", "instant", "instant"): "duration",
    ("-", "instant", "duration"): "instant",
    ("mod", "instant", "duration"): "duration",
    ("-", "duration", "duration"): "duration",
    ("*", "duration", ""): "duration",
    ("*", "", "duration"): "duration",
    ("*", "duration", "number"): "duration",
    ("*", "number", "duration"): "duration",
    ("/", "duration", "number"): "duration",
}

_NAMES: Mapping[Unit, str] = {"instant": "an instant", "duration": "a length of time"}


def unit_of_result(operator: str, left: ValueType, right: ValueType) -> Unit:
    """What an operation gives."""
    units = (_unit_of(left), _unit_of(right))
    return "number" if units == ("number", "number") else _SUMS.get((operator, *units), "")


def check_units(rules: Rules, found: Diagnostics) -> None:
    """Find a unit of time that has another length than the product's, which lengthens all that is said in it."""
    for clause in rules.by_key.get(LENGTH_OF_UNIT, ()):
        unit, length = (getattr(parameter.term, "value", None) for parameter in clause.node.parameters)
        is_fact = clause.node.body is None and type(length) is int
        if not is_fact or not isinstance(unit, str) or _UNITS.get(unit) != length:
            message = "a unit of time is one of the product's, with its length: " + ", ".join(sorted(_UNITS))
            found.error("units", message, clause.place, "use a number of these, or a parameter")
    for clause in rules.clauses if LENGTH_OF_UNIT in rules.by_key else ():
        for node in nodes_of(clause.node):
            if isinstance(node, Call) and node.name in _TAKING_A_UNIT and len(node.arguments) > _UNIT:
                unit = node.arguments[_UNIT]
                if isinstance(unit, Literal) and unit.value not in _UNITS:
                    message = f"there is no unit of time {written(unit)}"
                    found.error("word", message, unit.place, did_you_mean(str(unit.value), _UNITS))


def plain_instant(left: tuple[Term, ValueType], right: tuple[Term, ValueType]) -> str:
    """Say that an instant is compared with a plain number of microseconds; nothing where it is not."""
    units = _unit_of(left[1]), _unit_of(right[1])
    if set(units) != {"number", "instant"} or frozenset({0}) in (left[1].words, right[1].words):
        return ""
    return _plain(units, left[0], right[0])[0]


def wrong_sum(operator: str, left: tuple[Term, ValueType], right: tuple[Term, ValueType]) -> tuple[str, str]:
    """Say why an operation mixes units, with a hint; two empty texts where it does not."""
    units = _unit_of(left[1]), _unit_of(right[1])
    if operator in ("*", "/"):
        instant = next((term for (term, _), unit in zip((left, right), units, strict=True) if unit == "instant"), None)
        if instant is None:
            return "", ""
        return f"`{operator}` calculates with numbers and lengths of time, and `{written(instant)}` is an instant", ""
    if operator not in ("+", "-"):
        return "", ""
    if "number" in units:
        return _plain(units, left[0], right[0])
    is_wrong = (operator, *units) in {("+", "instant", "instant"), ("-", "duration", "instant")}
    return (_mixed(units, left[0], right[0]), "") if is_wrong else ("", "")


def wrong_comparison(left: tuple[Term, ValueType], right: tuple[Term, ValueType]) -> tuple[str, str]:
    """Say why a comparison mixes units, with a hint; two empty texts where it does not."""
    if not (left[1].unit or right[1].unit):
        return "", ""
    units = _unit_of(left[1]), _unit_of(right[1])
    if set(units) == {"instant", "duration"}:
        return _mixed(units, left[0], right[0]), ""
    if set(units) == {"number", "duration"} and frozenset({0}) not in (left[1].words, right[1].words):
        return _plain(units, left[0], right[0])
    return "", ""


def _unit_of(value: ValueType) -> Unit:
    return "number" if value.words is not None and value.name in NUMBERS else value.unit


def _plain(units: tuple[Unit, Unit], left: Term, right: Term) -> tuple[str, str]:
    number, other = (left, right) if units[0] == "number" else (right, left)
    unit = units[1] if units[0] == "number" else units[0]
    if unit not in _NAMES:
        return "", ""
    return f"`{written(number)}` is a plain number and has no unit, and `{written(other)}` is {_NAMES[unit]}", HINT


def _mixed(units: tuple[Unit, Unit], left: Term, right: Term) -> str:
    return f"`{written(left)}` is {_NAMES[units[0]]} and `{written(right)}` is {_NAMES[units[1]]}"
