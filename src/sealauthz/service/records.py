"""Records as messages, and messages as records: derived from the shapes, with no code per record.

A field travels as `records.proto` says: a column with a default has presence, and left out it takes its default; an
instant is left out where it holds its default; an enumeration is never UNSPECIFIED.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message

from sealauthz.model.identifiers import normalise_uscc
from sealauthz.model.masking import mask_all, mask_name, mask_phone
from sealauthz.schema.record import RECORDS, Column, shape_of
from sealauthz.service.violations import FieldViolations, timestamp
from sealauthz.v1 import records_pb2

_MASKS: dict[tuple[str, str], Callable[[str], str]] = {
    ("Person", "real_name"): mask_name,
    ("Person", "phone"): mask_phone,
}
"""How a personal field is masked; every other one loses all its characters."""

_NORMALISED: dict[tuple[str, str], Callable[[str], str]] = {("Enterprise", "uscc"): normalise_uscc}


def snake(name: str) -> str:
    """Return the snake form of a name: `SealGrant` is `seal_grant`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


FACT_FIELDS = {snake(name): name for name in RECORDS}
"""The field of `Fact` that holds a record, with the record's name."""


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of an enumeration by their number on the wire, and back."""

    by_number: dict[int, str]
    by_word: dict[str, int]


@cache
def _words(enum: EnumDescriptor) -> _Words:
    prefix = f"{snake(enum.name).upper()}_"
    by_number = {value.number: value.name.removeprefix(prefix) for value in enum.values if value.number}
    return _Words(by_number, {word: number for number, word in by_number.items()})


@cache
def _enum_of(record_type: str, column: Column) -> _Words:
    field = records_pb2.DESCRIPTOR.message_types_by_name[record_type].fields_by_name[column.name]
    assert field.enum_type is not None  # noqa: S101 (a test proves that the proto has the columns)
    return _words(field.enum_type)


def record_from(fact: records_pb2.Fact, path: str, violations: FieldViolations) -> Any | None:
    """Read the record out of a fact, or note in `violations`, under `path`, why there is none."""
    which = fact.WhichOneof("record")
    if which is None:
        violations.add(path, "must hold a record")
        return None
    name = FACT_FIELDS[which]
    message = getattr(fact, which)
    before = len(violations)
    values = {
        column.name: _value_from(message, name, column, f"{path}.{which}.{column.name}", violations)
        for column in shape_of(RECORDS[name]).columns
    }
    return None if len(violations) > before else RECORDS[name](**values)


def _value_from(message: Message, record_type: str, column: Column, path: str, violations: FieldViolations) -> Any:
    if (column.has_default or column.is_optional or column.is_instant) and not message.HasField(column.name):
        if column.has_default:
            return column.default
        violations.add(path, "is required")
        return None
    value = getattr(message, column.name)
    if column.is_instant:
        return violations.instant(path, value)
    if column.words is not None:
        word = _enum_of(record_type, column).by_number.get(value)
        if word is None:
            violations.add(path, "must be a value of its enum, and not UNSPECIFIED" if value == 0 else "is not a value")
            return None
        return column.words(word)
    if column.type is str:
        if column.name == "id" or column.ref is not None or column.is_optional:
            violations.check_id(path, value)
        elif not value and not column.has_default:
            violations.add(path, "is required")
        else:
            violations.check_text(path, value)
        normalise = _NORMALISED.get((record_type, column.name))
        return normalise(value) if normalise else value
    return value


def fact_of(record: Any, hidden: Collection[str] = ()) -> records_pb2.Fact:
    """Return the record as a message: without the fields in `hidden`, and with every personal field masked."""
    cls: type = type(record)
    name = cls.__name__
    fact = records_pb2.Fact()
    which = snake(name)
    message = getattr(fact, which)
    message.SetInParent()
    for column in shape_of(cls).columns:
        value = getattr(record, column.name)
        if value is None or column.name in hidden:
            continue
        if column.is_personal:
            setattr(message, column.name, _MASKS.get((name, column.name), mask_all)(value))
        else:
            _set(message, name, column, value)
    return fact


def fact_of_image(record_type: str, image: Mapping[str, Any], hidden: Collection[str]) -> records_pb2.Fact:
    """Return what an image of a record says as a message, without the fields in `hidden`.

    Personal fields are in no image. What an old image does not have yet, or says in a word that is no longer one, is
    left out.
    """
    fact = records_pb2.Fact()
    message = getattr(fact, snake(record_type))
    message.SetInParent()
    for column in shape_of(RECORDS[record_type]).columns:
        value = image.get(column.name)
        if value is None or column.name in hidden or column.is_personal:
            continue
        if column.words is None or value in _enum_of(record_type, column).by_word:
            _set(message, record_type, column, value)
    return fact


def _set(message: Message, record_type: str, column: Column, value: Any) -> None:
    """Set a field that is not personal; an instant that is the default is left out."""
    if column.is_instant:
        if value != column.default:
            getattr(message, column.name).CopyFrom(timestamp(value))
    elif column.words is not None:
        setattr(message, column.name, _enum_of(record_type, column).by_word[str(value)])
    else:
        setattr(message, column.name, value)


def filter_value(record_type: str, column: Column, text: str, path: str, violations: FieldViolations) -> Any:
    """Read the value that a filter compares a column with, or note in `violations` why there is none."""
    if column.words is not None:
        if text not in _enum_of(record_type, column).by_word:
            violations.add(path, "is not a value of the field")
        return text
    if column.type is bool:
        if text not in ("true", "false"):
            violations.add(path, "must be `true` or `false`")
        return text == "true"
    if column.type is int:
        if not re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
            violations.add(path, "must be a whole number")
            return 0
        return int(text)
    violations.check_text(path, text)
    normalise = _NORMALISED.get((record_type, column.name))
    return normalise(text) if normalise else text
