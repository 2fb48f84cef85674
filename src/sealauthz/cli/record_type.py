"""The parameters that the commands on facts share: a record type, and whether personal text is shown."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from sealauthz.cli.app import service_model

F = TypeVar("F", bound=Callable[..., Any])


class RecordType(click.ParamType[str]):
    """The name of a record type."""

    name = "RECORD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check that there is such a type, and suggest one if there is not."""
        if value not in service_model().records:
            self.fail(f"`{value}` is not a record type{suggestion(str(value), service_model().records)}", param, ctx)
        return str(value)


def personal_option(command: F) -> F:
    """Add `--personal-data`."""
    option = click.option("--personal-data", is_flag=True, help="With names and phones in plain text.")
    return option(command)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the question whether a similar word was meant; empty if none is similar."""
    close = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean `{close[0]}`?" if close else ""
