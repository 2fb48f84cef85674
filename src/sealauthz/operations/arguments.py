"""Reading the arguments of an act: every value of its declared form, every id that of a record that there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sealauthz.decision.assembly import MaySee, is_there
from sealauthz.decision.question import Entity
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.store.values import plain, value_problem
from sealauthz.runtime.errors import InvalidRequest, Violation, did_you_mean
from sealauthz.schema import Model
from sealauthz.schema.arguments import Argument, arguments_of

MAX_ITEMS = 200
"""The most items of one list."""

Named = Callable[[str, str, str], None]
"""Is shown the path, the record type and the id of each record that an argument names."""


def read_arguments(cls: type | None, given: Mapping[str, Any], path: str = "arguments") -> Any:
    """Return the arguments as an instance of the class that declares them; None where none are declared.

    Raises InvalidRequest, naming every argument that does not fit.
    """
    violations: list[Violation] = []
    arguments = _read(cls, given, path, violations)
    if violations:
        raise InvalidRequest(*violations)
    return arguments


def _read(cls: type | None, given: Mapping[str, Any], path: str, violations: list[Violation]) -> Any:
    known = arguments_of(cls)
    for name in sorted(given.keys() - known.keys()):
        said = f"is no argument of this act{did_you_mean(name, known)}"
        violations.append(Violation(f"{path}[{name}]", said))
    values = {}
    for name, argument in known.items():
        if name in given:
            values[name] = _value(argument, given[name], f"{path}[{name}]", violations)
        elif argument.is_required:
            violations.append(Violation(f"{path}[{name}]", "is missing"))
    if cls is None or violations:
        return None
    return cls(**values)


def _value(argument: Argument, value: Any, path: str, violations: list[Violation]) -> Any:
    if not argument.is_many:
        return _item(argument, value, path, violations)
    if not isinstance(value, list | tuple):
        violations.append(Violation(path, "must be a list"))
        return None
    if len(value) > MAX_ITEMS:
        violations.append(Violation(path, f"has more than {MAX_ITEMS} items"))
        return None
    return tuple(_item(argument, item, f"{path}[{number}]", violations) for number, item in enumerate(value))


def _item(argument: Argument, value: Any, path: str, violations: list[Violation]) -> Any:
    if argument.column is None:
        if not isinstance(value, Mapping):
            violations.append(Violation(path, "must be a record of named values"))
            return None
        return _read(argument.parts, value, path, violations)
    problem = value_problem(argument.column, value, is_indexed=argument.column.ref is not None)
    if problem is not None:
        violations.append(Violation(path, problem))
    return plain(value)


def check_named(model: Model, cls: type | None, arguments: Any, snapshot: FactSnapshot, may_see: MaySee) -> None:
    """Check that every record that the arguments name exists, within the caller's right.

    Raises InvalidRequest, also for what is outside the caller's right: that must not be told from what does not exist.
    """

    def named(path: str, record_type: str, record_id: str) -> None:
        if not is_there(model, Entity(record_type, record_id), snapshot, may_see):
            raise InvalidRequest.at(path, f"names no {record_type}")

    _each_named(cls, arguments, "arguments", named)


def _each_named(cls: type | None, arguments: Any, path: str, named: Named) -> None:
    for name, argument in arguments_of(cls).items():
        value = getattr(arguments, name)
        items = enumerate(value) if argument.is_many else ((None, value),)
        for number, item in items:
            place = f"{path}[{name}]" if number is None else f"{path}[{name}][{number}]"
            if argument.column is None:
                if item is not None:
                    _each_named(argument.parts, item, place, named)
            elif argument.column.ref is not None and item is not None:
                named(place, argument.column.ref, item)
