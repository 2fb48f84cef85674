"""Facts as text: one `Fact` message per line in its JSON form, and back."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format

from sealauthz.errors import InvalidRequest
from sealauthz.schema import Model
from sealauthz.service.records import forms_of
from sealauthz.service.violations import FieldViolations
from sealauthz.v1 import records_pb2


def line_of(model: Model, record: Any, *, with_personal_data: bool) -> str:
    """Write a record as one line, with its personal text in plain or without it."""
    personal = [column.name for column in model.shapes[type(record).__name__].columns if column.is_personal]
    fact = forms_of(model).fact_of(record, () if with_personal_data else personal, is_plain=True)
    return json_format.MessageToJson(fact, preserving_proto_field_name=True, indent=None, ensure_ascii=False)


def record_of(model: Model, line: str) -> Any:
    """Read the record of one line. Raises InvalidRequest."""
    try:
        fact = json_format.Parse(line, records_pb2.Fact())
    except json_format.ParseError as error:
        raise InvalidRequest.at("line", f"is not a fact: {_first_line(error)}") from error
    except RecursionError as error:
        raise InvalidRequest.at("line", "is not a fact: it nests too deeply") from error
    violations = FieldViolations()
    record = forms_of(model).record_from(fact, "fact", violations)
    violations.refuse()
    return record


def _first_line(error: Exception) -> str:
    text = (str(error).splitlines() or [""])[0].removesuffix(".")
    return text[:1].lower() + text[1:]
