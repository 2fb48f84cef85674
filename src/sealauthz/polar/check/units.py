"""Instants and lengths of time: both are microseconds, and a plain number is neither.

A length of time is a parameter of the bundle. A number in the text of a rule has no unit, so it is neither added to an
instant nor compared with a length of time; zero is the same in every unit.
"""

from __future__ import annotations

from collections.abc import Mapping

from sealauthz.polar.check.values import NUMBERS
from sealauthz.polar.syntax import Term
from sealauthz.polar.types import Unit, ValueType
from sealauthz.polar.unparse import written

HINT = 'a length of time is a parameter: `name = "30 minutes"` in parameters.toml, and `context.parameters.name` here'

_SUMS: Mapping[tuple[str, Unit, Unit], Unit] = {
    ("+", "instant", "duration"): "instant",
    ("+", "duration", "instant"): "instant",
    ("+", "duration", "duration"): "duration",
    ("+", "instant", ""): "instant",
    ("+", "", "instant"): "instant",
    ("-", "instant", "instant"): "duration",
    ("-", "instant", "duration"): "instant",
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


def wrong_sum(operator: str, left: tuple[Term, ValueType], right: tuple[Term, ValueType]) -> tuple[str, str]:
    """Say why an operation mixes units, with a hint; two empty texts where it does not."""
    if operator not in ("+", "-"):
        return "", ""
    units = _unit_of(left[1]), _unit_of(right[1])
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
