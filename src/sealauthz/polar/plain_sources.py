"""Policies as text in which nothing stands for others, for oso: groups of actions and lists are spelled out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sealauthz.polar.groups import FORMS, expanded
from sealauthz.polar.listed import LISTED
from sealauthz.polar.parse import parse
from sealauthz.polar.scanner import tokens_of
from sealauthz.polar.source import Source
from sealauthz.polar.syntax import Place, Statement
from sealauthz.polar.unparse import written_statement

_MENTIONED = re.compile(rf"\b(?:{'|'.join(FORMS)})\s*\(|\b(?:{'|'.join(LISTED)})\s*\([^;]*?\[")


def plain_sources(sources: Sequence[Source]) -> tuple[Source, ...]:
    """Write the files of a bundle with their groups spelled out, on the lines on which they stood: for oso.

    Raises BundleRefused.
    """
    if not any(_MENTIONED.search(source.text) for source in sources):
        return tuple(sources)
    parsed = [statement for source in sources for statement in parse(source)]
    changed: dict[str, dict[Place, tuple[Statement, ...]]] = {}
    for statement, became in expanded(parsed).instead:
        if became != (statement,):
            changed.setdefault(statement.place.file, {})[statement.place] = became
    return tuple(_rewritten(source, changed.get(source.file, {})) for source in sources)


def _rewritten(source: Source, changed: Mapping[Place, tuple[Statement, ...]]) -> Source:
    if not changed:
        return source
    lines = source.text.split("\n")
    ends: list[tuple[Place, Place]] = []
    start: Place | None = None
    for token in tokens_of(source):
        place = token.place
        if place in changed:
            start = place
        elif token.text == ";" and start is not None:
            ends.append((start, place))
            start = None
    for first, last in reversed(ends):
        at, to = first.line - 1, last.line - 1
        before, after = lines[at][: first.column - 1], lines[to][last.column :]
        said = " ".join(map(written_statement, changed[first]))
        lines[at : to + 1] = [before + said, *[""] * (to - at - 1), after] if to > at else [before + said + after]
    return Source(source.file, "\n".join(lines))
