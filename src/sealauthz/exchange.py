"""Facts as text: one `Fact` message per line in its JSON form, and back."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format

from sealauthz.errors import InvalidRequest
from sealauthz.schema.record import shape_of
from sealauthz.service.records import fact_of, record_from, snake
from sealauthz.service.violations import FieldViolations
from sealauthz.v1 import records_pb2


def personal_columns(record_type: type) -> frozenset[str]:
    """Return the columns of a record that hold personal text."""
    return frozenset(column.name for column in shape_of(record_type).columns if column.is_personal)


def plain_fact(record: Any) -> records_pb2.Fact:
    """Return the record as a message that holds everything, personal text in plain.

    For writers of the record, and for a backup; readers get `service.records.fact_of`.
    """
    personal = personal_columns(type(record))
    fact = fact_of(record, personal)
    message = getattr(fact, snake(type(record).__name__))
    for name in personal:
        setattr(message, name, getattr(record, name))
    return fact


def line_of(record: Any, *, with_personal_data: bool) -> str:
    """Write a record as one line, with its personal text in plain or without it."""
    fact = plain_fact(record) if with_personal_data else fact_of(record, personal_columns(type(record)))
    return json_format.MessageToJson(fact, preserving_proto_field_name=True, indent=None, ensure_ascii=False)


def record_of(line: str) -> Any:
    """Read the record of one line. Raises InvalidRequest."""
    try:
        fact = json_format.Parse(line, records_pb2.Fact())
    except json_format.ParseError as error:
        raise InvalidRequest.at("line", f"is not a fact: {_first_line(error)}") from error
    except RecursionError as error:
        raise InvalidRequest.at("line", "is not a fact: it nests too deeply") from error
    violations = FieldViolations()
    record = record_from(fact, "fact", violations)
    violations.refuse()
    return record


def _first_line(error: Exception) -> str:
    text = (str(error).splitlines() or [""])[0].removesuffix(".")
    return text[:1].lower() + text[1:]
