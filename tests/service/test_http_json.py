"""Requests in JSON: what protobuf writes is read as it was, and what is read protobuf reads alike."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from sealauthz.runtime.errors import InvalidRequest
from sealauthz.service.callers import SERVICES
from sealauthz.service.http.json_reader import read
from sealauthz.service.http.json_writer import written

REQUESTS = [method.input_type for service in SERVICES for method in service.methods]
ANSWERS = [method.output_type for service in SERVICES for method in service.methods]
TEXTS = ("", "a", "Person", "章", "𝄞", 'a"b\\c', "2026-01-01T00:00:00Z", "\u2028", "null")
WHOLE = (0, 1, -1, 2**31 - 1, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63))


def scalar(field: FieldDescriptor, by: random.Random) -> Any:
    if field.enum_type is not None:
        return by.choice(field.enum_type.values).number
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return by.random() < 0.5
    if field.type == FieldDescriptor.TYPE_BYTES:
        return by.randbytes(by.randrange(9))
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return by.choice(TEXTS)
    if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return by.choice((0.0, 0.5, -1e300))
    small = kind in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32)
    number = by.choice(WHOLE[:5] if small else WHOLE)
    unsigned = kind in (FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64)
    return abs(number) if unsigned else number


def fill(message: Any, by: random.Random, depth: int = 0) -> None:
    """Set some fields of a message to something."""
    name = message.DESCRIPTOR.full_name
    if name == "google.protobuf.Timestamp":
        message.FromMicroseconds(by.randrange(2**52))
        return
    if name == "google.protobuf.Duration":
        message.FromMicroseconds(by.randrange(-(2**40), 2**40))
        return
    if name == "google.protobuf.FieldMask":
        message.paths.extend(["valid_to", "name"][: by.randrange(3)])
        return
    for field in message.DESCRIPTOR.fields:
        if by.random() < 0.4 or depth > 4:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            for key in by.sample(["task", "a b", "stringValue", ""], 2):
                entries = getattr(message, field.name)
                if value.message_type is not None:
                    fill(entries[key], by, depth + 1)
                else:
                    entries[key] = scalar(value, by)
        elif field.is_repeated:
            for _ in range(by.randrange(3)):
                if field.message_type is not None:
                    fill(getattr(message, field.name).add(), by, depth + 1)
                else:
                    getattr(message, field.name).append(scalar(field, by))
        elif field.message_type is not None:
            part = getattr(message, field.name)
            part.SetInParent()
            fill(part, by, depth + 1)
        else:
            setattr(message, field.name, scalar(field, by))


@cache
def kind_of(descriptor: Any) -> type[Message]:
    return GetMessageClass(descriptor)


@pytest.mark.parametrize("descriptor", REQUESTS, ids=lambda descriptor: descriptor.name)
def test_what_protobuf_writes_is_read_as_it_was(descriptor: Any) -> None:
    by = random.Random(descriptor.name)
    for _ in range(60):
        message = kind_of(descriptor)()
        fill(message, by)
        for keeps_names in (False, True):
            for prints_all in (False, True):
                text = json_format.MessageToJson(
                    message,
                    preserving_proto_field_name=keeps_names,
                    always_print_fields_with_no_presence=prints_all,
                )
                assert read(text.encode(), kind_of(descriptor)) == message


@pytest.mark.parametrize("descriptor", REQUESTS, ids=lambda descriptor: descriptor.name)
def test_what_is_read_protobuf_reads_alike(descriptor: Any) -> None:
    """Of texts that somebody changed: where we read one, protobuf reads the same; we may refuse more."""
    by = random.Random(descriptor.name)
    are_read = 0
    for _ in range(150):
        message = kind_of(descriptor)()
        fill(message, by)
        content = json_format.MessageToDict(message, preserving_proto_field_name=by.random() < 0.5)
        text = json.dumps(changed(content, by)).encode()
        try:
            found = read(text, kind_of(descriptor))
        except InvalidRequest:
            continue
        are_read += 1
        assert found == json_format.Parse(text, kind_of(descriptor)())
    assert are_read or not descriptor.fields


def changed(content: Any, by: random.Random) -> Any:
    """The same with something else in places."""
    if by.random() < 0.03:
        return by.choice(
            [None, True, 0, 1.0, 1.5, "1", "", "-", [], {}, [None], "ENUM_X", 2**70, "2026-01-01T00:00:00Z"]
        )
    if isinstance(content, dict):
        found = {key: changed(value, by) for key, value in content.items()}
        if by.random() < 0.02:
            found[by.choice(["unknown", "id", "type", "fooBar"])] = by.choice([None, 1, "x", {}])
        return found
    return [changed(value, by) for value in content] if isinstance(content, list) else content


@pytest.mark.parametrize("descriptor", ANSWERS, ids=lambda descriptor: descriptor.name)
def test_what_is_written_protobuf_reads(descriptor: Any) -> None:
    by = random.Random(descriptor.name)
    for _ in range(30):
        message = kind_of(descriptor)()
        fill(message, by)
        assert json_format.Parse(written(message), kind_of(descriptor)()) == message
