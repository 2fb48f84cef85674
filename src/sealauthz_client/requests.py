"""Requests made of Python values: the type of a field, in the protos, says what its value may be."""

from __future__ import annotations

import datetime
import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from sealauthz_client.messages import Question
from sealauthz_client.v1 import authorization_pb2

M = TypeVar("M", bound=Message)

_Convert = Callable[[Any, str], Any]
"""Returns a value as a field holds it. It takes the path of the field too, for the ValueError."""


def build(kind: type[M], at: str = "", /, **values: Any) -> M:
    """Return a message with these fields.

    An entity is given as `Type:id`, a time as a `datetime` with a time zone, a value of a context or an argument as
    itself. None leaves out what may be left out. Raises ValueError for what a field cannot hold, with its name (behind
    `at`) and what was expected.
    """
    fields = _fields(kind.DESCRIPTOR)
    made = {name: fields[name](value, at + name) for name, value in values.items()}
    return kind(**{name: value for name, value in made.items() if value is not None})


def unexpected(name: str, expected: str, value: object) -> ValueError:
    """Return the error for a value of the wrong type. It does not show the value, which may be secret."""
    given = "None" if value is None else f"`{type(value).__name__}`"
    return ValueError(f"`{name}`: expected {expected}, got {given}")


def seconds(name: str, value: Any) -> float:
    """Return a number of seconds. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise unexpected(name, "a number of seconds", value)
    return value


@functools.cache
def _fields(kind: Descriptor) -> dict[str, _Convert]:
    """Return how each field of a message is converted."""
    return {field.name: _field(field) for field in kind.fields}


def _field(field: FieldDescriptor) -> _Convert:
    if not field.is_repeated:
        convert = _single(field)
        chosen = field.containing_oneof
        is_one_of_several = chosen is not None and len(chosen.fields) > 1
        # Who asks, and about what, is part of every question.
        is_required = not field.has_presence or is_one_of_several or field.message_type is _ENTITY
        return convert if is_required else _optional(convert)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _optional(functools.partial(_mapping, _single(field.message_type.fields_by_name["value"])))
    return functools.partial(_list, _single(field))


def _single(field: FieldDescriptor) -> _Convert:
    if field.message_type is not None:
        return functools.partial(_message, field.message_type)
    if field.cpp_type in _INTEGERS:
        return functools.partial(_integer, _INTEGERS[field.cpp_type])
    return _SIMPLE[field.type]


def _optional(convert: _Convert) -> _Convert:
    return lambda value, at: None if value is None else convert(value, at)


def _mapping(convert: _Convert, value: Any, at: str) -> Any:
    if not isinstance(value, Mapping):
        raise unexpected(at, "a mapping of names to values", value)
    return {_text(name, at): convert(each, f"{at}.{name}") for name, each in value.items()}


def _list(convert: _Convert, value: Any, at: str) -> Any:
    if isinstance(value, str | bytes | Mapping | Message) or not isinstance(value, Iterable):
        raise unexpected(at, "a list", value)
    return [convert(each, f"{at}[{index}]") for index, each in enumerate(value)]


def _message(kind: Descriptor, value: Any, at: str) -> Any:
    if isinstance(value, Message) and value.DESCRIPTOR is kind:
        return value
    if kind is _ENTITY:
        return _entity(value, at)
    if kind is _QUESTION and isinstance(value, Question):
        named = {"subject": value.subject, "action": value.action, "resource": value.resource}
        return build(authorization_pb2.Question, f"{at}.", **named, context=value.context)
    if kind is Timestamp.DESCRIPTOR:
        return _time(value, at)
    if "string_value" in kind.fields_by_name:
        return _value(kind, value, at)
    if kind.name in ("ArgumentList", "ArgumentRecord"):
        return GetMessageClass(kind)(values=_fields(kind)["values"](value, at))
    raise unexpected(at, f"a message `{kind.name}`", value)


def _entity(value: Any, at: str) -> authorization_pb2.Entity:
    """Read `Type:id`; an id may hold colons. The service refuses what is malformed."""
    if not isinstance(value, str):
        raise unexpected(at, "text of the form `Type:id`", value)
    record_type, _, record_id = _text(value, at).partition(":")
    return authorization_pb2.Entity(type=record_type, id=record_id)


def _value(kind: Descriptor, value: Any, at: str) -> Any:
    """Return a value under the name of its type, as far as this kind of message has it."""
    types = [(each, field) for field, each in _VALUES.items() if field in kind.fields_by_name]
    name = next((field for (each, _), field in types if isinstance(value, each)), "")
    if not name or isinstance(value, bytes | bytearray | memoryview):
        words = [word for (_, word), _ in types]
        raise unexpected(at, f"{', '.join(words[:-1])} or {words[-1]}", value)
    return GetMessageClass(kind)(**{name: _fields(kind)[name](value, at)})


def _time(value: Any, at: str) -> Timestamp:
    if not isinstance(value, datetime.datetime):
        raise unexpected(at, "a time", value)
    if value.tzinfo is None:
        raise ValueError(f"`{at}`: expected a time with a time zone, got one without")
    moment = Timestamp()
    moment.FromDatetime(value)
    return moment


def _text(value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise unexpected(at, "text", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f"`{at}`: expected text, got half of a surrogate pair") from None
    return value


def _integer(bounds: tuple[int, int], value: Any, at: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise unexpected(at, "a whole number", value)
    least, end = bounds
    if not least <= value < end:
        raise ValueError(f"`{at}`: expected a whole number from {least} to {end - 1}")
    return value


def _number(value: Any, at: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise unexpected(at, "a number", value)
    return value


def _truth(value: Any, at: str) -> bool:
    if not isinstance(value, bool):
        raise unexpected(at, "a truth value", value)
    return value


def _bytes(value: Any, at: str) -> bytes:
    if not isinstance(value, bytes):
        raise unexpected(at, "bytes", value)
    return value


_ENTITY = authorization_pb2.Entity.DESCRIPTOR
_QUESTION = authorization_pb2.Question.DESCRIPTOR
_VALUES: dict[str, tuple[type, str]] = {
    "bool_value": (bool, "a truth value"),  # before the numbers, of which Python has it as one
    "int_value": (int, "a whole number"),
    "string_value": (str, "text"),
    "time_value": (datetime.datetime, "a time"),
    "record_value": (Mapping, "a mapping"),
    "list_value": (Sequence, "a list"),
}
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63),
    FieldDescriptor.CPPTYPE_ENUM: (0, 2**31),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64),
}
_SIMPLE: dict[int, _Convert] = {
    FieldDescriptor.TYPE_STRING: _text,
    FieldDescriptor.TYPE_BYTES: _bytes,
    FieldDescriptor.TYPE_BOOL: _truth,
    FieldDescriptor.TYPE_DOUBLE: _number,
    FieldDescriptor.TYPE_FLOAT: _number,
}
