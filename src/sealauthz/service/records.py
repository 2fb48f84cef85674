"""Records as messages, and messages as records: derived from the model, with no code per record.

A field travels as `records.proto` says: a column with a default has presence, and left out it takes its default; an
instant is left out where it holds its default; an enumeration is never UNSPECIFIED. A record without a message of its
own travels in the generic form: its type, its id, and the other values by name. What policies have added to a record
with a message travels beside that, in the same form (`Fact.extension`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from sealauthz.runtime.errors import did_you_mean
from sealauthz.schema import Column, Model, Put
from sealauthz.service.fields import MAX_TEXT_CHARACTERS, FieldViolations, set_timestamp, timestamp
from sealauthz.service.plain_forms import PlainForms
from sealauthz_client.v1 import records_pb2

GENERIC = "generic"
"""The field of `Fact` that holds a record in the generic form."""

EXTENSION = "extension"
"""The field of `Fact` that holds what was added to a record with a message of its own."""

_KINDS: Mapping[type, str] = {str: "string_value", int: "int_value", bool: "bool_value"}


def snake(name: str) -> str:
    """Return the snake form of a name: `SealGrant` is `seal_grant`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of an enumeration by their number on the wire, and back."""

    by_number: dict[int, str]
    by_word: dict[str, int]


@cache
def _words_of(message: Descriptor, column: str) -> _Words:
    enum = message.fields_by_name[column].enum_type
    assert enum is not None  # noqa: S101 (a test proves that the proto has the columns)
    prefix = f"{snake(enum.name).upper()}_"
    by_number = {value.number: value.name.removeprefix(prefix) for value in enum.values if value.number}
    return _Words(by_number, {word: number for number, word in by_number.items()})


class _Held(NamedTuple):
    """The record that a fact holds: in which field, of which type, and where its values are.

    `values` has those that travel by name; `named` are the fields that do: all but the id, or those that were added.
    """

    fact: records_pb2.Fact
    which: str
    record_type: str
    message: Any
    values: Any
    named: frozenset[str]

    def has(self, column: Column) -> bool:
        """Tell whether the fact says what a field holds that can be left out."""
        return column.name in self.values if column.name in self.named else bool(self.message.HasField(column.name))


class WireForms:
    """The forms in which the records of a model travel. Made once per model: `forms_of`."""

    def __init__(self, model: Model) -> None:
        self.model = model
        known = import_module(model.messages).DESCRIPTOR.message_types_by_name if model.messages else {}
        self._field = {name: snake(name) if name in known else GENERIC for name in model.records}
        self._record_of = {field: name for name, field in self._field.items() if field != GENERIC}
        self._named = {
            name: frozenset(column.name for column in shape.columns if column.name != "id")
            if self._field[name] == GENERIC
            else model.added_columns(name)
            for name, shape in model.shapes.items()
        }
        """The fields of each type that travel by name."""
        self.plain = PlainForms(
            model,
            {name: field for name, field in self._field.items() if field != GENERIC},
            lambda message, column: _words_of(message, column).by_number,
        )

    def path_of(self, record_type: str, column: str) -> str:
        """Return the path of a column inside a `Fact`, as violations name it."""
        field = self._field[record_type]
        if field != GENERIC and column in self._named[record_type]:
            return f"{EXTENSION}[{column}]"
        if field != GENERIC or column == "id":
            return f"{field}.{column}" if column else field
        return f"{GENERIC}.values[{column}]" if column else GENERIC

    def put_from(self, fact: records_pb2.Fact, path: str, violations: FieldViolations) -> Put | None:
        """Read what an import puts by a fact, or note in `violations`, under `path`, why there is nothing."""
        plain = self.plain.from_fact(fact)
        if plain is not None:
            return Put(*plain)
        record = self.record_from(fact, path, violations)
        return None if record is None else Put(record, self.left_out(fact, is_import=True))

    def record_from(self, fact: records_pb2.Fact, path: str, violations: FieldViolations) -> Any | None:
        """Read the record out of a fact, or note in `violations`, under `path`, why there is none."""
        before = len(violations)
        held = self._held_by(fact, path, violations)
        if held is None:
            return None
        name = held.record_type
        values = {
            column.name: self._value_from(held, column, f"{path}.{self.path_of(name, column.name)}", violations)
            for column in self.model.shapes[name].columns
        }
        return None if len(violations) > before else self.model.records[name](**values)

    def left_out(self, fact: records_pb2.Fact, *, is_import: bool = False) -> frozenset[str]:
        """Return the fields that a fact leaves out to take their default.

        `is_import`: only those that would be there if the fact had been read. A key or an amount that is none and an
        instant at its default are in no fact that we write. What was added to a record counts all the same: an export
        of before knows nothing of it, and must not wipe it.
        """
        which = fact.WhichOneof("record") or GENERIC
        held = self._held(fact, which, self._record_of.get(which) or getattr(fact, which).type)
        added = self.model.added_columns(held.record_type)
        return frozenset(
            column.name
            for column in self.model.shapes[held.record_type].columns
            if column.has_default
            and not held.has(column)
            and not (is_import and (column.is_optional or column.is_instant) and column.name not in added)
        )

    def values_from(
        self, fact: records_pb2.Fact, fields: Sequence[str], path: str, violations: FieldViolations
    ) -> tuple[str, str, dict[str, Any]] | None:
        """Read the type, the id and the named fields of a fact, or note in `violations` why they cannot be read.

        `path` is that of the message with the fields `fact` and `fields`.
        """
        before = len(violations)
        held = self._held_by(fact, f"{path}.fact", violations)
        if held is None:
            return None
        name, message = held.record_type, held.message
        shape = self.model.shapes[name]
        columns = {column.name: column for column in shape.columns}
        violations.check_id(f"{path}.fact.{self.path_of(name, 'id')}", message.id)
        if not fields:
            violations.add(f"{path}.fields", "must name at least one field")
        values: dict[str, Any] = {}
        for index, field in enumerate(fields):
            if violations.is_full:
                break
            at = f"{path}.fields.paths[{index}]"
            if field not in columns:
                violations.add(at, f"is not a field of `{name}`{did_you_mean(field, columns)}")
            elif field in ("id", shape.home):
                violations.add(at, f"never changes: it says {'which' if field == 'id' else 'where'} the record is")
            elif field in values:
                violations.add(at, "is named twice")
            else:
                where = f"{path}.fact.{self.path_of(name, field)}"
                values[field] = self._value_from(held, columns[field], where, violations)
        return None if len(violations) > before else (name, message.id, values)

    def fact_with(self, record_type: str, values: Mapping[str, Any]) -> records_pb2.Fact:
        """Return a fact with some fields of a record, personal text in plain; None is left out."""
        held = self._empty(record_type)
        for name, value in values.items():
            if value is not None:
                _set(held, self.model.shapes[record_type].column(name), value)
        return held.fact

    def _held_by(self, fact: records_pb2.Fact, path: str, violations: FieldViolations) -> _Held | None:
        """Return what a fact holds, or note why that is not known."""
        which = fact.WhichOneof("record")
        if which is None:
            violations.add(path, "must hold a record")
            return None
        message = getattr(fact, which)
        name = self._record_of.get(which) or self._generic_type(message, f"{path}.{which}", violations)
        if name is None:
            return None
        added = self._named[name] if which != GENERIC else frozenset[str]()
        for unknown in sorted(set(fact.extension) - added):
            said = f"is not a field that was added to `{name}`{did_you_mean(unknown, added)}"
            if which == GENERIC:
                said = f"is not where the fields of a generic record are: use `{GENERIC}.values[{unknown}]`"
            violations.add(f"{path}.{EXTENSION}[{unknown}]", said)
            return None
        return self._held(fact, which, name)

    def _held(self, fact: records_pb2.Fact, which: str, name: str) -> _Held:
        message = getattr(fact, which)
        return _Held(
            fact, which, name, message, message.values if which == GENERIC else fact.extension, self._named[name]
        )

    def _generic_type(self, message: Message, path: str, violations: FieldViolations) -> str | None:
        """Return the type of a record in the generic form; note what is wrong with it."""
        name: str = getattr(message, "type", "")
        if self._field.get(name) != GENERIC:
            has_message = name in self._field
            said = f"has a message of its own: use `{self._field[name]}`" if has_message else "is not a record type"
            said += "" if has_message else did_you_mean(name, self._field)
            violations.add(f"{path}.type", said)
            return None
        columns = {column.name for column in self.model.shapes[name].columns} - {"id"}
        for unknown in sorted(set(message.values) - columns):  # type: ignore[attr-defined]
            violations.add(f"{path}.values[{unknown}]", f"is not a field of `{name}`{did_you_mean(unknown, columns)}")
        return name

    def _value_from(self, held: _Held, column: Column, path: str, violations: FieldViolations) -> Any:
        message, by_name = held.message, column.name in held.named
        if by_name:
            value, is_there = _named_value(held.values, column, path, violations)
        else:
            is_there = not (column.has_default or column.is_optional or column.is_instant)
            is_there = is_there or message.HasField(column.name)
            value = getattr(message, column.name) if is_there else None
        if not is_there:
            if column.has_default:
                return column.default
            violations.add(path, "is required")
            return None
        if value is None:
            return None
        if column.is_instant:
            return violations.instant(path, value)
        if column.words is not None:
            words = column.words
            word = value if by_name else _words_of(message.DESCRIPTOR, column.name).by_number.get(value)
            if word is None or word not in set(words):
                violations.add(
                    path, "must be a value of its enum, and not UNSPECIFIED" if value == 0 else "is not a value"
                )
                return None
            return words(word)
        if column.type is not str:
            return value
        if column.name == "id" or column.ref is not None or column.is_optional:
            violations.check_id(path, value)
        elif not value and not column.has_default:
            violations.add(path, "is required")
        else:
            return _text_of(column, value, path, violations)
        return column.normalise(value) if column.normalise else value

    def message_of(self, record: Any, hidden: Collection[str] = ()) -> Message:
        """Return the message inside of the fact that holds the record without the fields in `hidden`, in plain.

        What was added to the record is not in it.
        """
        fact = self.fact_of(record, hidden, is_plain=True)
        message: Message = getattr(fact, fact.WhichOneof("record") or GENERIC)
        return message

    def fact_of(self, record: Any, hidden: Collection[str] = (), *, is_plain: bool = False) -> records_pb2.Fact:
        """Return the record as a message without the fields in `hidden`, and with every personal field masked.

        `is_plain`: personal text stays as it is, for a backup and for those who write the record.
        """
        whole = self.plain.to_fact(record) if is_plain and not hidden else None
        if whole is not None:
            return whole
        cls: type = type(record)
        held = self._empty(cls.__name__)
        for column in self.model.shapes[cls.__name__].columns:
            value = getattr(record, column.name)
            if value is None or column.name in hidden:
                continue
            if column.personal is not None and not is_plain:
                value = column.personal.mask(value)
            _set(held, column, value)
        return held.fact

    def fact_of_image(self, record_type: str, image: Mapping[str, Any], hidden: Collection[str]) -> records_pb2.Fact:
        """Return what an image of a record says as a message, without the fields in `hidden`.

        Personal fields are in no image. What an old image does not have yet, or says in a word that is no longer one,
        is left out.
        """
        held = self._empty(record_type)
        for column in self.model.shapes[record_type].columns:
            value = image.get(column.name)
            if value is None or column.name in hidden or column.is_personal:
                continue
            if column.words is None or value in set(column.words):
                _set(held, column, value)
        return held.fact

    def _empty(self, record_type: str) -> _Held:
        held = self._held(records_pb2.Fact(), self._field[record_type], record_type)
        held.message.SetInParent()
        if held.which == GENERIC:
            held.message.type = record_type
        return held


@cache
def forms_of(model: Model) -> WireForms:
    """Return the wire forms of a model's records."""
    return WireForms(model)


def _named_value(values: Any, column: Column, path: str, violations: FieldViolations) -> tuple[Any, bool]:
    """Return a value that travels by name, and whether it is there."""
    if column.name not in values:
        return None, False
    value = values[column.name]
    wanted = "time_value" if column.is_instant else _KINDS[column.type]
    if value.WhichOneof("value") != wanted:
        violations.add(path, f"must hold `{wanted}`")
        return None, True
    return getattr(value, wanted), True


def _set(held: _Held, column: Column, value: Any) -> None:
    """Set a field; an instant that is the default is left out."""
    message, by_name = held.message, column.name in held.named
    if column.is_instant:
        if value == column.default:
            return
        if by_name:
            set_timestamp(held.values[column.name].time_value, value)
        else:
            getattr(message, column.name).CopyFrom(timestamp(value))
    elif by_name:
        setattr(held.values[column.name], _KINDS[column.type], value)
    elif column.words is not None:
        setattr(message, column.name, _words_of(message.DESCRIPTOR, column.name).by_word[str(value)])
    else:
        setattr(message, column.name, value)


def filter_value(column: Column, text: str, path: str, violations: FieldViolations) -> Any:
    """Read the value that a filter compares a column with, or note in `violations` why there is none."""
    if column.words is not None:
        if text not in set(column.words):
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
    return _text_of(column, text, path, violations)


def _text_of(column: Column, text: str, path: str, violations: FieldViolations) -> str:
    """Return a text, or note what is wrong with it.

    One that has a normal form is brought into it: that has nothing that cannot be seen, and a rule of its own.
    """
    if column.normalise and len(text) <= MAX_TEXT_CHARACTERS:
        return column.normalise(text)
    # What is masked is refused where it is stored, and that says more.
    if column.personal is None or not column.personal.is_masked(text):
        violations.check_text(path, text)
    return text
