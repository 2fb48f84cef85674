"""What a value must be to enter the facts: of its column's exact type, within range, and storable in both databases."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any

from sealauthz.errors import InvalidRequest, Violation
from sealauthz.schema import FOREVER, Column, Model, shape_of
from sealauthz.schema.rules import Unique

MAX_INDEXED_BYTES = 512
"""The longest text in an index, in UTF-8: PostgreSQL refuses index rows above about 2,700 bytes."""

MAX_INTEGER = 2**63 - 1


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
        return text_problem(value, is_indexed=is_indexed)
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


def checked(model: Model, record: Any, path: str) -> Any:
    """Return a copy of a record with plain values. Raises InvalidRequest at `path`, naming every bad column."""
    cls: type = type(record)
    if model.records.get(cls.__name__) is not cls:
        raise InvalidRequest.at(path, "is not a record")
    violations = []
    values = []
    indexed = _indexed(cls)
    for column in shape_of(cls).columns:
        value = getattr(record, column.name)
        problem = value_problem(column, value, is_indexed=column.name in indexed)
        if problem is not None:
            violations.append(Violation(f"{path}.{column.name}", problem))
        values.append(plain(value))
    if violations:
        raise InvalidRequest(*violations)
    return cls(*values)
