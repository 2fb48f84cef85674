"""The arguments of an act as a person writes them: `name=value`, in the form that is declared, or `name:=JSON`."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import click

from sealauthz.cli.app import service_model
from sealauthz.schema import Column
from sealauthz.schema.arguments import Argument, arguments_of
from sealauthz_client import ArgumentValue

_WRITTEN = re.compile(r"(?P<name>[^=:]+)(?P<how>:?=)(?P<text>.*)", re.DOTALL)


class ArgumentEntry(click.ParamType[tuple[str, bool, str]]):
    """`name=value` or `name:=JSON`: the name, whether the value is JSON, and its text."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, bool, str]:
        """Split it; which arguments there are, the action says."""
        if isinstance(value, tuple):
            return value  # click converts what it has converted again
        written = _WRITTEN.fullmatch(str(value))
        if written is None:
            self.fail(f"`{value}` must be NAME=VALUE or NAME:=JSON, as in role=LEGAL or limit:=3", param, ctx)
        return written["name"], written["how"] == ":=", written["text"]


def arguments_from(
    action: str, resource_type: str, entries: Iterable[tuple[str, bool, str]]
) -> dict[str, ArgumentValue]:
    """Return the arguments by name. What the action does not declare stays as it is: the answer says that it is none.

    Raises UsageError for what is not of its form.
    """
    known = arguments_of(service_model().action(action, resource_type).arguments)
    found: dict[str, ArgumentValue] = {}
    for name, is_json, text in entries:
        argument = known.get(name)
        if is_json:
            value = _typed(argument, _json(name, text), name)
        else:
            value = text if argument is None or argument.column is None else _plain(argument.column, text, name)
        if argument is not None and argument.is_many and not is_json:
            items = found.setdefault(name, [])
            if not isinstance(items, list):
                raise click.UsageError(f"the argument `{name}` is given both as JSON and item by item")
            items.append(value)
        elif name in found:
            raise click.UsageError(f"the argument `{name}` is given twice")
        else:
            found[name] = value
    return found


def _plain(column: Column, text: str, name: str) -> ArgumentValue:
    """Read the value of a column from a text. Raises UsageError."""
    if column.is_instant:
        return _instant(text, name)
    if column.type is bool:
        if text not in ("true", "false"):
            raise click.UsageError(f"the argument `{name}` must be `true` or `false`")
        return text == "true"
    if column.type is int:
        if not re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
            raise click.UsageError(f"the argument `{name}` must be a whole number")
        return int(text)
    if column.words is not None and text not in set(column.words):
        raise click.UsageError(f"the argument `{name}` is one of {', '.join(column.words)}, not `{text}`")
    return text


def _instant(text: str, name: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
    except ValueError as error:
        said = f"the argument `{name}` must be an instant with its zone, as in 2026-03-02T09:00:00+08:00"
        raise click.UsageError(said) from error
    return moment


def _json(name: str, text: str) -> Any:
    def refuse(_text: str) -> Any:
        raise ValueError("no number that is not whole")

    try:
        return json.loads(text, parse_float=refuse, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        said = f"the argument `{name}` must be JSON: texts, whole numbers, true or false, lists and objects of them"
        raise click.UsageError(said) from error


def _typed(argument: Argument | None, value: Any, name: str) -> ArgumentValue:
    """Return a value of JSON with its instants as times, and refuse what no argument can be."""
    if value is None:
        raise click.UsageError(f"the argument `{name}` holds a null: leave out what is not there")
    if isinstance(value, list):
        return [_typed(argument, item, name) for item in value]
    if isinstance(value, Mapping):
        parts = arguments_of(None if argument is None else argument.parts)
        return {part: _typed(parts.get(part), item, name) for part, item in value.items()}
    if isinstance(value, str) and argument is not None and argument.column is not None and argument.column.is_instant:
        return _instant(value, name)
    typed: ArgumentValue = value
    return typed
