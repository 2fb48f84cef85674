"""Requests in protobuf's JSON mapping, read strictly: each malformed or unknown field is named by its path.

protobuf's own reader names no path, takes the last of two fields of one name, and drops what is not base64.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from sealauthz.runtime.errors import InvalidRequest
from sealauthz.service.fields import FieldViolations

M = TypeVar("M", bound=Message)

MAX_BYTES = 4 * 1024 * 1024
"""As gRPC takes."""

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,19})")
_MOST_DIGITS = 20
_WRITTEN_AS_TEXT = frozenset(
    {"google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask"},
)
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64),
}

Value = Any
"""What JSON can hold."""


class _Malformed(Exception):
    """What is wrong with a value; its field is known where it is caught."""


class _Field(NamedTuple):
    """A field of a message: how it is called there, and what reads one value of it (None: a message of its own)."""

    name: str
    descriptor: FieldDescriptor
    scalar: Callable[[Value], Any] | None
    is_text: bool


def read(body: bytes, kind: type[M]) -> M:
    """Return the message that a body holds. Raises InvalidRequest."""
    try:
        content = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_int=_int,
            parse_float=_float,
        )
    except UnicodeDecodeError as error:
        raise InvalidRequest.at("request", "is not UTF-8") from error
    except _Malformed as error:
        raise InvalidRequest.at("request", str(error)) from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidRequest.at("request", f"is not JSON: {error.msg.lower()} at {where}") from error
    except RecursionError as error:
        raise InvalidRequest.at("request", "is nested too deeply") from error
    if not isinstance(content, dict):
        raise InvalidRequest.at("request", "must be a JSON object")
    message, violations = kind(), FieldViolations()
    _fill(message, content, "", violations)
    violations.refuse()
    return message


def _fill(message: Any, content: Mapping[str, Value], path: str, violations: FieldViolations) -> None:
    fields = _fields_of(message.DESCRIPTOR)
    seen: set[str] = set()
    oneofs: dict[str, str] = {}
    for key, value in content.items():
        field = fields.get(key)
        if field is None:
            violations.add(f"{path}{key}", "is not a field of the request")
            continue
        place = f"{path}{field.name}"
        if field.name in seen:
            violations.add(place, "is there twice")
            continue
        seen.add(field.name)
        if value is None:  # JSON's way to leave a field out
            continue
        group = field.descriptor.containing_oneof
        if group is not None:
            if group.name in oneofs:
                violations.add(place, f"cannot be there beside `{oneofs[group.name]}`")
                continue
            oneofs[group.name] = field.name
        if violations.is_full:
            return
        try:
            _fill_field(message, field, value, place, violations)
        except _Malformed as malformed:
            violations.add(place, str(malformed))


def _fill_field(message: Any, field: _Field, value: Value, place: str, violations: FieldViolations) -> None:
    if _is_map(field.descriptor):
        _fill_map(message, field, value, place, violations)
    elif field.descriptor.is_repeated:
        if not isinstance(value, list):
            raise _Malformed("must be a list")
        items = getattr(message, field.name)
        for index, item in enumerate(value):
            at = f"{place}[{index}]"
            try:
                if field.scalar is not None:
                    items.append(field.scalar(item))
                else:
                    _fill_message(items.add(), field, item, at, violations)
            except _Malformed as malformed:
                violations.add(at, str(malformed))
            if violations.is_full:
                return
    elif field.scalar is not None:
        setattr(message, field.name, field.scalar(value))
    else:
        part = getattr(message, field.name)
        part.SetInParent()
        _fill_message(part, field, value, place, violations)


def _fill_map(message: Any, field: _Field, value: Value, place: str, violations: FieldViolations) -> None:
    if not isinstance(value, dict):
        raise _Malformed("must be an object")
    of_values = _values_of(field.descriptor)
    entries = getattr(message, field.name)
    for key, item in value.items():
        at = f"{place}[{key}]"
        try:
            name = _string(key)
            if of_values.scalar is not None:
                entries[name] = of_values.scalar(item)
            else:
                _fill_message(entries[name], of_values, item, at, violations)
        except _Malformed as malformed:
            violations.add(at, str(malformed))
        if violations.is_full:
            return


def _fill_message(message: Any, field: _Field, value: Value, place: str, violations: FieldViolations) -> None:
    if field.is_text:
        try:
            message.FromJsonString(_string(value))
        except (ValueError, OverflowError) as error:
            raise _Malformed(f"is not a {message.DESCRIPTOR.name} as JSON has it") from error
    elif isinstance(value, dict):
        _fill(message, value, f"{place}.", violations)
    else:
        raise _Malformed("must be an object")


@cache
def _fields_of(descriptor: Descriptor) -> Mapping[str, _Field]:
    """Return the fields of a message by both names that JSON may have for each."""
    fields: dict[str, _Field] = {}
    for each in descriptor.fields:
        fields[each.name] = fields[each.json_name] = _field(each)
    return fields


@cache
def _field(descriptor: FieldDescriptor) -> _Field:
    message = descriptor.message_type
    if message is None:
        return _Field(descriptor.name, descriptor, _scalar_of(descriptor), False)
    if message.file.package == "google.protobuf" and message.full_name not in _WRITTEN_AS_TEXT:
        raise TypeError(f"no JSON form of {message.full_name} is known")
    return _Field(descriptor.name, descriptor, None, message.full_name in _WRITTEN_AS_TEXT)


@cache
def _values_of(descriptor: FieldDescriptor) -> _Field:
    """Return the field that each value of a map is in."""
    message: Any = descriptor.message_type
    return _field(message.fields_by_name["value"])


def _is_map(descriptor: FieldDescriptor) -> bool:
    message = descriptor.message_type
    return message is not None and message.GetOptions().map_entry


def _scalar_of(descriptor: FieldDescriptor) -> Callable[[Value], Any]:
    kind = descriptor.cpp_type
    if kind in _RANGES:
        low, high = _RANGES[kind]
        return lambda value: _integer(value, low, high)
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        members: Any = descriptor.enum_type
        return lambda value: _member(value, members)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return _boolean
    if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return _number
    if descriptor.type == FieldDescriptor.TYPE_BYTES:
        return _bytes
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return _string
    raise TypeError(f"no JSON form of the field {descriptor.full_name} is known")


def _string(value: Value) -> str:
    if not isinstance(value, str):
        raise _Malformed("must be a string")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _Malformed("has half a surrogate pair, which is no character") from error
    return value


def _boolean(value: Value) -> bool:
    if not isinstance(value, bool):
        raise _Malformed("must be true or false")
    return value


def _integer(value: Value, low: int, high: int) -> int:
    if (isinstance(value, str) and _WHOLE.fullmatch(value)) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Malformed("must be a whole number")
    if not low <= value < high:
        raise _Malformed(f"must be from {low} to {high - 1}")
    return value


def _number(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Malformed("must be a number")
    return float(value)


def _member(value: Value, of: EnumDescriptor) -> int:
    if isinstance(value, str):
        member = of.values_by_name.get(value)
    else:
        member = of.values_by_number.get(value) if type(value) is int else None
    if member is None:
        raise _Malformed(f"must be one of {', '.join(f'`{name}`' for name in of.values_by_name)}")
    return int(member.number)


def _bytes(value: Value) -> bytes:
    text = _string(value).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _Malformed("must be base64") from error


def _object(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Malformed("has an object with the same name twice")
    return found


def _no_constant(_text: str) -> Any:
    raise _Malformed("has a number that JSON does not know")


def _int(text: str) -> int:
    if len(text) > _MOST_DIGITS + 1:
        raise _Malformed("has a number that is too long")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Malformed("has a number that is too large")
    return value
