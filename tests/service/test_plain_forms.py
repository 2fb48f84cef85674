"""The quick readers of lines and messages say what the readers that explain themselves say, or nothing."""

from __future__ import annotations

import json
import random
from typing import Any

import facts_scene
import pytest
from google.protobuf import json_format

from sealauthz.cli.records import line_of
from sealauthz.facts.store import values as store_values
from sealauthz.model import MODEL
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.schema import Put, values_of
from sealauthz.service.fields import FieldViolations
from sealauthz.service.plain_forms import PlainForms
from sealauthz.service.records import forms_of
from sealauthz_client.v1 import records_pb2

FORMS = forms_of(MODEL)
SCENE = facts_scene.scene()
LINES = [line_of(MODEL, record, with_personal_data=True) for record in SCENE]

ODD: tuple[Any, ...] = (
    None, "", " ", "a" * 129, "a" * 1025, "\u0000", "\n", "\ud800", "全角", "é", "Ａ b", 0, 1, -1, 2**31, 2**63, "007",
    "-0", "+1", "1.0", 1.0, 1.5, "1e3", True, False, "true", [], {}, [1], "ACTIVE", "SEAL_STATE_ACTIVE", "NO_SUCH",
    "2026-02-30T00:00:00Z", "2026-02-03T00:00:00Z", "2026-02-03T00:00:00.123456789Z", "2026-02-03T00:00:00.5Z",
    "2026-02-03T00:00:60Z", "2026-02-03T00:00:00+08:00", "2026-02-03 00:00:00Z", "1969-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "２０２６-02-03T00:00:00Z", "9223372036854775807",
    "9223372036854775808", "陈*",
)  # fmt: skip


def explained(line: str) -> tuple[Any, frozenset[str]] | None:
    """What the reader says that explains itself; None for a line that it refuses."""
    try:
        fact = json_format.Parse(line, records_pb2.Fact())
    except (json_format.ParseError, RecursionError):
        return None
    return explained_fact(fact)


def explained_fact(fact: records_pb2.Fact) -> tuple[Any, frozenset[str]] | None:
    violations = FieldViolations()
    record = FORMS.record_from(fact, "fact", violations)
    return None if record is None else (record, FORMS.left_out(fact, is_import=True))


def altered(line: str, generator: random.Random) -> str:
    """A line with one thing about it that is odd."""
    ((field, values),) = json.loads(line).items()
    name = generator.choice(list(values))
    kind = generator.randrange(8)
    if kind < 4:
        values[name] = generator.choice(ODD)
    elif kind == 4:
        del values[name]
    elif kind == 5:
        values["unheard_of" if generator.random() < 0.5 else "".join(w.title() for w in name.split("_"))] = "x"
    elif kind == 6:
        return line[:-1] + ', "extension": {}}'
    else:
        return line.replace(f'"{name}":', f'"{name}": null, "{name}":', 1)
    return json.dumps({field: values})


@pytest.mark.parametrize("number", range(len(SCENE)))
def test_what_we_write_ourselves_is_read_quickly_and_as_it_was(number: int) -> None:
    record, line = SCENE[number], LINES[number]
    read = FORMS.plain.from_line(line)
    assert read == explained(line)
    assert read is not None
    assert read[0] == record
    fact = FORMS.plain.to_fact(record)
    assert fact is not None
    assert fact == json_format.Parse(line, records_pb2.Fact())
    assert FORMS.plain.from_fact(fact) == read


def test_what_is_odd_is_read_as_by_the_reader_that_explains_or_left_to_it() -> None:
    generator = random.Random(7)
    quick = 0
    for _ in range(6_000):
        line = altered(generator.choice(LINES), generator)
        read = FORMS.plain.from_line(line)
        if read is None:
            continue
        quick += 1
        assert read == explained(line), line
    assert quick > 500


def test_messages_with_odd_values_are_read_alike_or_left() -> None:
    generator = random.Random(11)
    quick = 0
    for _ in range(6_000):
        fact = json_format.Parse(generator.choice(LINES), records_pb2.Fact())
        message = getattr(fact, fact.WhichOneof("record") or "")
        field = generator.choice(message.DESCRIPTOR.fields)
        value = generator.choice(ODD)
        try:
            if field.message_type is not None:
                getattr(message, field.name).seconds = generator.choice((-1, 0, 2**40, 253_402_300_799))
                getattr(message, field.name).nanos = generator.choice((-1, 0, 999, 999_999_999, 1_000_000_000))
            elif value is None:
                message.ClearField(field.name)
            else:
                setattr(message, field.name, value)
        except (TypeError, ValueError, OverflowError):
            continue
        read = FORMS.plain.from_fact(fact)
        if read is not None:
            quick += 1
            assert read == explained_fact(fact), fact
    assert quick > 500


@pytest.mark.parametrize(
    "line",
    ["", "[]", "{}", "null", '{"seal": null}', '{"seal": {}}', '{"seal": {}, "person": {}}', '{"seal": []}', "NaN",
     "{" * 5_000, '{"generic": {"type": "Seal", "id": "s"}}', '{"seal": {"id": "a", "id": "a"}}'],
)  # fmt: skip
def test_no_line_that_is_not_one_of_ours_is_read_quickly(line: str) -> None:
    assert FORMS.plain.from_line(line) is None


def test_the_store_takes_what_is_usual_as_it_takes_the_rest() -> None:
    """The quick check of a record's values and the one that names its faults agree."""
    generator = random.Random(3)
    odd = (*ODD, *SCENE[0].__class__.__mro__, 2**63 - 1, -(2**63), -(2**63) - 1)
    for _ in range(6_000):
        record = FORMS.model.own(generator.choice(SCENE))
        cls: type = type(record)
        columns = MODEL.shapes[cls.__name__].columns
        values = {column.name: getattr(record, column.name) for column in columns}
        column = generator.choice(columns)
        words = list(column.words or ())
        values[column.name] = generator.choice([*odd, *words, *map(str, words)])
        told = [said(lambda: cls(**store_values._checked(cls, values, "p")))]  # noqa: B023 (called at once)
        told.append(said(lambda: store_values.checked(MODEL, cls(**values), "p")))  # noqa: B023
        assert told[0] == told[1], values


def said(make: Any) -> Any:
    """The values of the record that is made, each with its type, or the faults that are told instead."""
    try:
        made = make()
    except InvalidRequest as refused:
        return refused.violations
    return [(type(value), value) for value in values_of(made)]


def test_a_record_that_is_put_may_leave_out_what_policies_added() -> None:
    assert isinstance(FORMS.plain, PlainForms)
    fact = json_format.Parse(LINES[0], records_pb2.Fact())
    violations = FieldViolations()
    put = FORMS.put_from(fact, "fact", violations)
    assert isinstance(put, Put)
    assert put == Put(*(explained(LINES[0]) or ()))
