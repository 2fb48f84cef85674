"""Records in the form in which we write them ourselves, as lines of JSON and as messages, read by a table per type.

An import is made of hundreds of thousands of these. INVARIANT: what is read here is what `WireForms` would read, to the
value; whatever is unusual, and all that is wrong, is None here, and `WireForms` says what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from sealauthz.runtime.characters import is_plain
from sealauthz.schema import FOREVER, Column, Model
from sealauthz.service.fields import MAX_ID_CHARACTERS, MAX_TEXT_CHARACTERS
from sealauthz_client.v1 import records_pb2

_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?Z")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (compared with instants that were found to end in Z)
_INT_BITS = {FieldDescriptor.TYPE_INT32: 31, FieldDescriptor.TYPE_INT64: 63}

Read = Callable[[Any], Any]
"""Returns the value of a column. Raises _Unusual."""


class _Unusual(ValueError):
    """Something is not as we write it."""


@dataclass(frozen=True, slots=True)
class _Table:
    """How one record type is read and written."""

    cls: type
    rest: Mapping[str, Any]
    """The values of the columns that may be left out."""
    columns: int
    has_added: bool
    leaves_out: frozenset[str]
    """The columns that an import that leaves them out does not mean to change."""
    from_json: Mapping[str, Read]
    from_message: Mapping[str, Read]
    to_message: tuple[tuple[str, Mapping[Any, int] | None, int | None], ...]
    """The columns with their words by number and, of instants, the default, which is left out."""

    def record(self, values: dict[str, Any]) -> Any:
        """Return the record with these values. Raises _Unusual where one is missing."""
        whole = {**self.rest, **values}
        if len(whole) != self.columns:
            raise _Unusual
        return self.cls(**whole)


class PlainForms:
    """The tables of a model's records that have a message of their own."""

    def __init__(self, model: Model, fields: Mapping[str, str], words: Callable[[Any, str], Mapping[int, str]]) -> None:
        """`fields`: the field of a `Fact` that holds each type; `words`: those of an enumeration, by number."""
        self._tables = {field: _table(model, name, field, words) for name, field in fields.items()}
        self._field_of = {table.cls: field for field, table in self._tables.items()}

    def from_line(self, line: str) -> tuple[Any, frozenset[str]] | None:
        """Read a line, and which columns it leaves out; None where it is not as we write it."""
        try:
            ((field, values),) = json.loads(line, object_pairs_hook=_once).items()
            table = self._tables[field]
            read = table.from_json
            found = {name: read[name](value) for name, value in values.items()}
            return table.record(found), table.leaves_out - found.keys()
        except (_Unusual, ValueError, KeyError, AttributeError, RecursionError):
            return None

    def from_fact(self, fact: records_pb2.Fact) -> tuple[Any, frozenset[str]] | None:
        """Read a fact, and which columns it leaves out for an import; None where it is not as we write it."""
        field = fact.WhichOneof("record")
        table = self._tables.get(field or "")
        if table is None or field is None or fact.extension:
            return None
        read = table.from_message
        try:
            found = {at.name: read[at.name](value) for at, value in getattr(fact, field).ListFields()}
            return table.record(found), table.leaves_out - found.keys()
        except (_Unusual, KeyError):
            return None

    def to_fact(self, record: Any) -> records_pb2.Fact | None:
        """Write a record as a fact with all that it holds; None for one in another form."""
        field = self._field_of.get(type(record))
        if field is None or self._tables[field].has_added:
            return None
        values: dict[str, Any] = {}
        for name, words, default in self._tables[field].to_message:
            value = getattr(record, name)
            if value is None:
                continue
            if words is not None:
                value = words[str(value)]
            elif default is not None:
                if value == default:
                    continue
                seconds, micros = divmod(value, 1_000_000)
                value = Timestamp(seconds=seconds, nanos=micros * 1_000)
            values[name] = value
        return records_pb2.Fact(**{field: values})


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object that names each of its fields once."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unusual
    return found


def _table(model: Model, name: str, field: str, words: Callable[[Any, str], Mapping[int, str]]) -> _Table:
    descriptor = records_pb2.Fact.DESCRIPTOR.fields_by_name[field].message_type
    assert descriptor is not None  # noqa: S101 (every field of the oneof is a message)
    shape, added = model.shapes[name], model.added_columns(name)
    rest = {column.name: column.default for column in shape.columns if column.has_default}
    from_json, from_message, to_message = {}, {}, []
    for column in shape.columns:
        if column.name in added:
            continue
        at = descriptor.fields_by_name[column.name]
        by_number = words(descriptor, column.name) if column.words is not None else {}
        if column.type is not str and not (column.has_default or column.is_optional or column.is_instant):
            rest[column.name] = column.type()  # without presence, the zero of its type is what is not sent
        from_json[column.name], from_message[column.name] = _readers(column, at, by_number)
        numbers = {word: number for number, word in by_number.items()} if column.words is not None else None
        to_message.append(
            (column.name, numbers, (column.default if column.has_default else -1) if column.is_instant else None)
        )
    leaves_out = frozenset(
        column.name
        for column in shape.columns
        if column.has_default and (column.name in added or not (column.is_optional or column.is_instant))
    )
    return _Table(
        model.records[name],
        rest,
        len(shape.columns),
        bool(added),
        leaves_out,
        from_json,
        from_message,
        tuple(to_message),
    )


def _readers(column: Column, at: Any, by_number: Mapping[int, str]) -> tuple[Read, Read]:
    """Return how the value of a column is read from JSON, and from a message."""
    if column.is_instant:
        return _instant_of_json, _instant_of_message
    if column.words is not None:
        prefix = {value.number: value.name for value in at.enum_type.values}
        members = {number: column.words(word) for number, word in by_number.items() if word in set(column.words)}
        return _known({prefix[number]: member for number, member in members.items()}), _known(members)
    if column.type is bool:
        return _boolean, _same
    if column.type is int:
        bits = _INT_BITS.get(at.type)
        return (_integer(bits) if bits else _refuse), _same
    is_id = column.name == "id" or column.ref is not None or column.is_optional
    least = 1 if is_id or not column.has_default else 0
    text = _text(MAX_ID_CHARACTERS, least, str.isprintable) if is_id else _text(MAX_TEXT_CHARACTERS, least, is_plain)
    normalise = column.normalise
    both = text if normalise is None else lambda value: normalise(text(value))
    return both, both


def _same(value: Any) -> Any:
    return value


def _refuse(_: Any) -> Any:
    raise _Unusual


def _known(members: Mapping[Any, Any]) -> Read:
    def read(value: Any) -> Any:
        try:
            return members[value]
        except (KeyError, TypeError):
            raise _Unusual from None

    return read


def _boolean(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise _Unusual


def _integer(bits: int) -> Read:
    most = 2**bits

    def read(value: Any) -> int:
        if type(value) is str and _INTEGER.fullmatch(value):
            value = int(value)
        if type(value) is int and -most <= value < most:
            return value
        raise _Unusual

    return read


def _text(most: int, least: int, is_usual: Callable[[str], bool]) -> Read:
    def read(value: Any) -> Any:
        # Such text has no control characters and no half of a surrogate pair.
        if type(value) is str and least <= len(value) <= most and is_usual(value):
            return value
        raise _Unusual

    return read


def _instant_of_json(value: Any) -> int:
    matched = _INSTANT.fullmatch(value) if type(value) is str else None
    if matched is None:
        raise _Unusual
    passed = datetime.fromisoformat(matched[1]) - _EPOCH  # its ValueError is one of ours, too
    micros = (passed.days * 86_400 + passed.seconds) * 1_000_000
    if matched[2]:
        micros += int(matched[2].ljust(6, "0"))
    return _in_range(micros)


def _instant_of_message(value: Timestamp) -> int:
    if not 0 <= value.nanos < 1_000_000_000:
        raise _Unusual
    return _in_range(value.seconds * 1_000_000 + value.nanos // 1_000)


def _in_range(micros: int) -> int:
    if not 0 <= micros <= FOREVER:
        raise _Unusual
    return micros
