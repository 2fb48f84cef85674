"""Records as commands take them: the name of a type, a `Fact` in JSON on each line of a file, or all of a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem
from google.protobuf import json_format

from sealauthz.cli.app import Stop, service_model
from sealauthz.cli.completing import names, record_types
from sealauthz.cli.settings import read_config
from sealauthz.facts import MAX_PAGE_SIZE, Put, ReadTransaction, Stored
from sealauthz.facts.store.reading import Filter, Query, read_page
from sealauthz.runtime.errors import InvalidRequest, did_you_mean
from sealauthz.schema import Column, Model
from sealauthz.service.fields import FieldViolations
from sealauthz.service.records import forms_of
from sealauthz_client.v1 import records_pb2


class RecordType(click.ParamType[str]):
    """The name of a record type."""

    name = "RECORD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check that there is such a type, and suggest one if there is not."""
        if value not in service_model().records and ctx is not None and "database" in ctx.params:
            config_file, database = ctx.params.get("config_file"), ctx.params["database"]
            # Policies may have added it. An option that was not given is no text yet.
            read_config(
                config_file if isinstance(config_file, Path) else None, database if isinstance(database, str) else None
            )
        if value not in service_model().records:
            self.fail(f"`{value}` is not a record type{did_you_mean(str(value), service_model().records)}", param, ctx)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """Complete the name of a type."""
        return names(record_types)(ctx, param, incomplete)


personal_option = click.option("--personal-data", is_flag=True, help="With names and phones in plain text.")


def line_of(model: Model, record: Any, *, with_personal_data: bool) -> str:
    """Write a record as one line, with its personal text in plain or without it."""
    personal = [column.name for column in model.shapes[type(record).__name__].columns if column.is_personal]
    fact = forms_of(model).fact_of(record, () if with_personal_data else personal, is_plain=True)
    return json_format.MessageToJson(fact, preserving_proto_field_name=True, indent=None, ensure_ascii=False)


def put_of(model: Model, line: str) -> Put:
    """Read the record of one line, and what it leaves out. Raises InvalidRequest."""
    plain = forms_of(model).plain.from_line(line)
    if plain is not None:
        return Put(*plain)
    try:
        fact = json_format.Parse(line, records_pb2.Fact())
    except json_format.ParseError as error:
        raise InvalidRequest.at("line", f"is not a fact: {_first_line(error)}") from error
    except RecursionError as error:
        raise InvalidRequest.at("line", "is not a fact: it nests too deeply") from error
    violations = FieldViolations()
    record = forms_of(model).record_from(fact, "fact", violations)
    violations.refuse()
    return Put(record, forms_of(model).left_out(fact, is_import=True))


def assignments(record_type: str, texts: Iterable[str]) -> Iterator[tuple[Column, str]]:
    """Read texts like `state=ACTIVE`: the column of the type, and the text of the value. Raises UsageError."""
    columns = {column.name: column for column in service_model().shapes[record_type].columns}
    for each in texts:
        name, equals, text = each.partition("=")
        if not equals:
            raise click.UsageError(f"`{each}` must be FIELD=VALUE, as in state=ACTIVE")
        if name not in columns:
            raise click.UsageError(f"`{record_type}` has no field `{name}`{did_you_mean(name, columns)}")
        yield columns[name], text


def _first_line(error: Exception) -> str:
    text = (str(error).splitlines() or [""])[0].removesuffix(".")
    return text[:1].lower() + text[1:]


def read_lines(file: Iterable[bytes], place: str = "line ", first_hint: str = "") -> Iterator[tuple[int, Put]]:
    """Yield the number and the record of each line that is not blank.

    Raises Stop, which names the `place` and, of the first line, gives a hint.
    """
    for number, raw in enumerate(file, 1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise Stop(f"{place}{number}: is not UTF-8 text") from error
        if not line:
            continue
        try:
            put = put_of(service_model(), line)
        except InvalidRequest as error:
            said = "; ".join(
                f"`{v.field}` {v.description}" if v.field != "line" else v.description for v in error.violations
            )
            raise Stop(f"{place}{number}: {said}{first_hint if number == 1 else ''}") from error
        yield number, put


def read_all(snapshot: ReadTransaction, record_type: str, filters: Mapping[str, Filter]) -> Iterator[Stored]:
    """Yield the records of a type that pass the filters."""
    token: str | None = None
    while token != "":
        page = read_page(snapshot, Query(record_type, dict(filters)), MAX_PAGE_SIZE, token or "", None)
        yield from page.records
        token = page.next_page_token
