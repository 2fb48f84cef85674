"""What a value must be to enter the facts: of its column's exact type, within range, and storable in both databases."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any

from sealauthz.runtime.characters import is_plain, text_fault
from sealauthz.runtime.errors import InvalidRequest, Violation
from sealauthz.schema import FOREVER, Column, Model, shape_of, values_of
from sealauthz.schema.rules import Unique

MAX_INDEXED_BYTES = 512
"""The longest text in an index, in UTF-8: PostgreSQL refuses index rows above about 2,700 bytes."""

MAX_INTEGER = 2**63 - 1

as_json = json.JSONEncoder(ensure_ascii=False).encode
"""Writes what is kept as JSON. `json.dumps` makes an encoder each time."""


@cache
def _indexed(cls: type) -> frozenset[str]:
    """Return the text columns of a record class that stand in an index."""
    shape = shape_of(cls)
    unique = {name for constraint in shape.constraints if isinstance(constraint, Unique) for name in constraint.columns}
    keys = {column.name for column in shape.columns if column.name == "id" or column.ref}
    return frozenset(unique | keys)


@cache
def _words(words: type[StrEnum]) -> frozenset[str]:
    return frozenset(words)


def text_problem(value: str, *, is_indexed: bool = False) -> str | None:
    """Say why a text cannot be stored; None if it can."""
    if "\0" in value:
        return "must not contain NUL"
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    if is_indexed and len(encoded) > MAX_INDEXED_BYTES:
        return f"is longer than {MAX_INDEXED_BYTES} bytes"
    return None


def _is_read(column: Column) -> bool:
    """Tell whether people read the text of a column: it is neither an id nor brought into a form of its own."""
    return column.name != "id" and not column.ref and column.normalise is None


def value_problem(column: Column, value: object, *, is_indexed: bool = False) -> str | None:
    """Say why a value does not fit its column; None if it does."""
    if value is None:
        return None if column.is_optional else "is missing"
    if column.type is str:
        if not isinstance(value, str):
            return "must be text"
        if column.words is not None:
            return None if value in _words(column.words) else "is not one of the words of this column"
        if (column.name == "id" or column.ref) and not value:
            return "must not be empty"
        if column.personal is not None and column.personal.is_masked(value):
            return "is masked, as it is read; write the true value, or nothing"
        problem = text_problem(value, is_indexed=is_indexed)
        return problem or (text_fault(value) or None if _is_read(column) else None)
    if type(value) is not column.type:
        return "must be true or false" if column.type is bool else "must be a whole number"
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        if column.is_instant and not 0 <= value <= FOREVER:
            return "is not an instant between 1970 and 9999"
        if not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            return "does not fit 64 bits"
    return None


def plain(value: object) -> object:
    """Return the value as exact `str`, `int`, `bool` or None: an enumeration member becomes its word."""
    return str(value) if isinstance(value, str) and type(value) is not str else value


_UNUSUAL = object()
"""What is looked at again, to say what is wrong with it, if anything is."""


@cache
def _usual(cls: type) -> tuple[Callable[[Any], Any], ...]:
    """Return, for each column, what tells the plain form of a value without a fault; _UNUSUAL where that is not sure.

    INVARIANT: it is what `value_problem` and `plain` would say.
    """
    return tuple(_usual_values(column) for column in shape_of(cls).columns)


def _usual_values(column: Column) -> Callable[[Any], Any]:
    if column.words is not None:
        words: dict[object, object] = {str(word): str(word) for word in column.words}
        if column.is_optional:
            words[None] = None
        return lambda value: words.get(value, _UNUSUAL) if isinstance(value, str | None) else _UNUSUAL
    if column.type is str:
        least = 1 if column.name == "id" or column.ref else 0
        is_usual: Callable[[str], bool] = is_plain if _is_read(column) else str.isprintable
        may_be_masked = column.personal is not None

        def text(value: Any) -> Any:
            # Such text has neither NUL nor half of a surrogate pair; no character takes more than four bytes.
            if type(value) is not str or not is_usual(value) or not least <= len(value) <= MAX_INDEXED_BYTES // 4:
                return None if value is None and column.is_optional else _UNUSUAL
            return _UNUSUAL if may_be_masked and ("*" in value or "＊" in value) else value

        return text
    least_number, most = (0, FOREVER) if column.is_instant else (-MAX_INTEGER - 1, MAX_INTEGER)
    most, kind = (1, bool) if column.type is bool else (most, int)

    def number(value: Any) -> Any:
        if type(value) is kind and least_number <= value <= most:
            return value
        return None if value is None and column.is_optional else _UNUSUAL

    return number


def checked(model: Model, record: Any, path: str) -> Any:
    """Return a copy of a record with plain values. Raises InvalidRequest at `path`, naming every bad column.

    One of a class that was extended since gets the defaults in what was added.
    """
    record = model.own(record)
    cls: type = type(record)
    if model.records.get(cls.__name__) is not cls:
        raise InvalidRequest.at(path, "is not a record")
    usual = [to_plain(value) for to_plain, value in zip(_usual(cls), values_of(record), strict=True)]
    if _UNUSUAL not in usual:
        return cls(*usual)
    columns = shape_of(cls).columns
    return cls(**_checked(cls, {column.name: getattr(record, column.name) for column in columns}, path))


def checked_values(model: Model, record_type: str, values: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return plain values for some fields of a record. Raises InvalidRequest at `path`, naming every bad one."""
    shape = model.shapes[record_type]
    known = {column.name for column in shape.columns} - {"id", shape.home}
    if not values:
        raise InvalidRequest.at(path, "changes no field")
    unknown = [Violation(f"{path}.{name}", "is not a field that can be updated") for name in values.keys() - known]
    if unknown:
        raise InvalidRequest(*sorted(unknown, key=lambda violation: violation.field))
    return _checked(model.records[record_type], values, path)


def _checked(cls: type, values: Mapping[str, Any], path: str) -> dict[str, Any]:
    shape, indexed = shape_of(cls), _indexed(cls)
    problems = {
        name: value_problem(shape.column(name), value, is_indexed=name in indexed) for name, value in values.items()
    }
    violations = [Violation(f"{path}.{name}", problem) for name, problem in problems.items() if problem is not None]
    if violations:
        raise InvalidRequest(*violations)
    return {name: plain(value) for name, value in values.items()}
