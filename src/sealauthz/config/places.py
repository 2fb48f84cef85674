"""Where in the file a setting stands that cannot be used.

`tomllib` tells no places. But the first lines of a file are a file too, up to where the setting is there: that is asked
only once something is wrong.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

_MOST_LINES = 5_000


def line_of(text: str, path: Sequence[str | int], word: str = "") -> int | None:
    """Return the line, from 1, where a setting stands, or the table that lacks it; None if it cannot be told.

    `word` is what is wrong within it: a key or a value.
    """
    lines = text.splitlines()
    if len(lines) > _MOST_LINES:
        return None
    path = _within(_parsed(text), path)
    if not path:
        return None
    last_whole = 0
    for count in range(1, len(lines) + 1):
        table = _parsed("\n".join(lines[:count]))
        if table is None:  # in the midst of a value of several lines
            continue
        found = _value(table, path)
        if found is not None and (not word or _holds(found, word)):
            return _exact(lines, last_whole, count, word or str(path[-1]))
        last_whole = count
    return None


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """Return the line, from 1, of each table and key of a file, by its path.

    Statement by statement, each behind the title of the table that it stands in: so a long file costs no more.
    """
    found: dict[tuple[str, ...], int] = {}
    title, begins, held = "", 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if not held:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            begins = number
        held.append(line)
        statement = "\n".join(held)
        is_title = len(held) == 1 and line.lstrip().startswith("[")
        table = _parsed(statement if is_title else f"{title}\n{statement}")
        if table is None:  # in the midst of a value of several lines
            continue
        held = []
        title = line if is_title else title
        for path in _paths(table):
            found.setdefault(path, begins)
    return found


def _paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, list):
        for each in value:
            yield from _paths(each, path)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield (*path, name)
            yield from _paths(each, (*path, name))


def _parsed(text: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _within(table: Any, path: Sequence[str | int]) -> list[str | int]:
    """Return as much of a path as is there."""
    found: list[str | int] = []
    for part in path:
        try:
            table = table[part]
        except (KeyError, IndexError, TypeError):
            break
        found.append(part)
    return found


def _value(table: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        try:
            table = table[part]
        except (KeyError, IndexError, TypeError):
            return None
    return table


def _holds(value: Any, word: str) -> bool:
    if isinstance(value, dict):
        return word in value or any(_holds(each, word) for each in value.values())
    if isinstance(value, list):
        return any(_holds(each, word) for each in value)
    return bool(value == word)


def _exact(lines: Sequence[str], after: int, until: int, text: str) -> int:
    """Return which of the lines that belong together has a text; the first of them if none has it alone."""
    for number in range(after, until):
        if text in lines[number]:
            return number + 1
    return after + 1
