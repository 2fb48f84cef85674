"""Moments of the past as options give them: an instant, or a revision."""

from __future__ import annotations

import datetime
from typing import Any

import click


class InstantType(click.ParamType[int]):
    """An instant: a day, or a time with its zone."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it as microseconds since 1970."""
        if isinstance(value, int):
            return value
        try:
            found = datetime.datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"`{value}` is neither a day nor a time: 2026-03-02, 2026-03-02T09:00:00Z", param, ctx)
        if found.tzinfo is None:
            if len(value) > len("2026-03-02"):
                self.fail(f"`{value}` has no time zone: add Z or +08:00", param, ctx)
            found = found.replace(tzinfo=datetime.UTC)
        return (found - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(microseconds=1)


When = tuple[int | None, int | None]
"""A revision and an instant in microseconds, of which one is None."""


class MomentType(click.ParamType[When]):
    """A moment of the past: a revision, or an instant."""

    name = "TIME|REVISION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> When:
        """Tell which of the two it is: a year alone would be a revision."""
        if isinstance(value, tuple):
            return value
        if value.isascii() and value.isdecimal():
            return int(value), None
        return None, InstantType().convert(value, param, ctx)


at_option = click.option(
    "--at", type=MomentType(), help="As of then: a revision, a day, or a time with its zone. Permits nothing."
)
