"""The numbers of a bundle: a model's class of them, read from `parameters.toml`, each with the range that it may have.

In the file a length of time is text such as `"30 minutes"`; here it is microseconds.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Duration = int
"""A length of time in microseconds."""

SECOND = 1_000_000
UNITS_OF_TIME = {"second": SECOND, "minute": 60 * SECOND, "hour": 3_600 * SECOND, "day": 86_400 * SECOND}
"""The lengths of the units in microseconds, the shortest first."""

_LENGTH = re.compile(r"([0-9]{1,6}) (second|minute|hour|day)s?")
_MOST = 1_000
_RANGE = "range"


class ParameterProblem(ValueError):
    """A parameter that is missing, unknown, or not of its form; the message names it."""


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the most that a parameter may be; a length of time in microseconds."""

    least: int
    most: int

    def __contains__(self, value: int) -> bool:
        return self.least <= value <= self.most


def count(least: int, most: int) -> Any:
    """Declare a parameter that is a count, with its range."""
    return dataclasses.field(metadata={_RANGE: Range(least, most)})


def length(least: str, most: str) -> Any:
    """Declare a parameter that is a length of time, with its range: `length("1 hour", "7 days")`."""
    return dataclasses.field(metadata={_RANGE: Range(_length("least", least), _length("most", most))})


def ranges_of(parameters: type) -> Mapping[str, Range]:
    """Return the range of each parameter that declares one, in the order of the declarations."""
    fields = dataclasses.fields(parameters)
    return {field.name: field.metadata[_RANGE] for field in fields if _RANGE in field.metadata}


def written(parameters: type, name: str, value: int) -> str:
    """Write the value of a parameter as it stands in the file: a count, or a length of time."""
    return str(value) if name in counts_of(parameters) else length_text(value)


def length_text(value: int) -> str:
    """Write a length of time in the longest unit that fits."""
    for unit, size in reversed(UNITS_OF_TIME.items()):
        if value % size == 0:
            return f"{value // size} {unit}{'' if value == size else 's'}"
    return f"{value} µs"


def counts_of(parameters: type) -> frozenset[str]:
    """Return the parameters that are counts: fields of type `int`. Any other, a `Duration`, is a length of time."""
    return frozenset(field.name for field in dataclasses.fields(parameters) if field.type == "int")


def parameters_from(parameters: type, table: Mapping[str, object]) -> Any:
    """Read parameters from a parsed table. Raises ParameterProblem."""
    counts = counts_of(parameters)
    fields = [field.name for field in dataclasses.fields(parameters)]
    for name in table:
        if name not in fields:
            raise ParameterProblem(f"unknown parameter `{name}`")
    values: dict[str, int] = {}
    for name in fields:
        if name not in table:
            raise ParameterProblem(f"parameter `{name}` is missing")
        values[name] = _count(name, table[name]) if name in counts else _length(name, table[name])
    return parameters(**values)


def _count(name: str, value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ParameterProblem(f"parameter `{name}` must be a whole number from 0 to {_MOST}")
    return value


def _length(name: str, value: object) -> int:
    match = _LENGTH.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ParameterProblem(f'parameter `{name}` must be a length of time such as "30 minutes"')
    return int(match[1]) * UNITS_OF_TIME[match[2]]
