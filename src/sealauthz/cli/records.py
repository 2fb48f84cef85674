"""Records as commands take them: named by an option, as lines of a file, or all of a type in a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from sealauthz.cli.app import Stop, service_model
from sealauthz.errors import InvalidRequest, did_you_mean
from sealauthz.exchange import record_of
from sealauthz.facts import MAX_PAGE_SIZE, ReadTransaction, Stored
from sealauthz.facts.store.reading import Filter, Query, read_page


class RecordType(click.ParamType[str]):
    """The name of a record type."""

    name = "RECORD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check that there is such a type, and suggest one if there is not."""
        if value not in service_model().records:
            self.fail(f"`{value}` is not a record type{did_you_mean(str(value), service_model().records)}", param, ctx)
        return str(value)


personal_option = click.option("--personal-data", is_flag=True, help="With names and phones in plain text.")


def read_lines(file: Iterable[bytes], place: str = "line ", first_hint: str = "") -> Iterator[tuple[int, Any]]:
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
            record = record_of(service_model(), line)
        except InvalidRequest as error:
            said = "; ".join(
                f"`{v.field}` {v.description}" if v.field != "line" else v.description for v in error.violations
            )
            raise Stop(f"{place}{number}: {said}{first_hint if number == 1 else ''}") from error
        yield number, record


def read_all(snapshot: ReadTransaction, record_type: str, filters: Mapping[str, Filter]) -> Iterator[Stored]:
    """Yield the records of a type that pass the filters."""
    token: str | None = None
    while token != "":
        page = read_page(snapshot, Query(record_type, dict(filters)), MAX_PAGE_SIZE, token or "", None)
        yield from page.records
        token = page.next_page_token
