"""How far the token reaches that stands at a place: the place of a diagnostic has its first character only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sealauthz.polar.scanner import refuse_unreadable, tokens_of
from sealauthz.polar.source import Source
from sealauthz.runtime.errors import BundleRefused


def end_column(source: Source, line: int, column: int) -> int:
    """Return the column behind the token that begins at a place; behind one character where no token does.

    No token reaches over the end of its line.
    """
    return _ends(source).get((line, column), column + 1)


@lru_cache(maxsize=4)
def _ends(source: Source) -> Mapping[tuple[int, int], int]:
    """By line and column of each token, the column behind it: up to where the text stops to be Polar."""
    ends = {}
    try:
        refuse_unreadable(source)
        for token in tokens_of(source):
            place = token.place
            ends[place.line, place.column] = place.column + len(token.text)
    except BundleRefused:
        pass  # the parser says so
    return ends
