"""How a policy file is laid out: nothing changes but spaces and line breaks, so what it says stays what it is.

A statement that was written on one line stays on one, if it fits. Otherwise each condition of its body has a line of
its own. Inside brackets the author's line breaks stay where they make sense, and a line that is too long is broken.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sealauthz.polar.lines import behind_code, laid_out
from sealauthz.polar.parse import parse
from sealauthz.polar.pieces import Piece, pieces_of, space
from sealauthz.polar.source import Source

WIDTH = 120
"""The columns of a line; comments are never broken."""

_INDENT = 2


@dataclass
class _Item:
    """A comment on a line of its own, or a statement with the comment behind it; a blank line stands before what
    `is_apart`.
    """

    pieces: list[Piece]
    is_apart: bool
    is_statement: bool

    @cached_property
    def lines(self) -> list[str]:
        """The item as it is laid out."""
        return _statement(self.pieces) if self.is_statement else [self.pieces[0].text]


def formatted(source: Source) -> str:
    """Return the text of a policy file in the one style. Raises BundleRefused for text that is no policy."""
    tags = _tags(source)
    items = list(_items(pieces_of(source)))
    statements = [place for place, item in enumerate(items) if item.is_statement]
    while True:
        text = _written(items)
        now = _tags(Source(source.file, text))
        wrong = [number for number, both in enumerate(zip(tags, now, strict=True)) if both[0] != both[1]]
        if not wrong:
            return text
        # A blank line within the statement before ended its tags, and is not there any more. What is wrong next to that
        # has most often the same cause.
        for number in wrong:
            if number - 1 not in wrong:
                items[statements[number - 1] + 1].is_apart = True


def _tags(source: Source) -> list[tuple[object, object]]:
    """The tags of each statement."""
    return [(getattr(each, "tags", ()), getattr(each, "is_always", False)) for each in parse(source)]


def _items(pieces: Sequence[Piece]) -> Iterator[_Item]:
    at = 0
    while at < len(pieces):
        end = at + 1 if pieces[at].is_comment else _end_of_statement(pieces, at)
        is_apart = pieces[at].breaks > 1
        if not pieces[at].is_comment and end < len(pieces) and pieces[end].is_comment and not pieces[end].breaks:
            end += 1
        yield _Item(list(pieces[at:end]), is_apart, not pieces[at].is_comment)
        at = end


def _is_block(pieces: Iterable[Piece]) -> bool:
    """Whether a block begins, as in `resource Seal {`."""
    code = (piece.kind for piece in pieces if not piece.is_comment)
    return [*itertools.islice(code, 3)] == ["NAME", "NAME", "LBRACE"]


def _end_of_statement(pieces: Sequence[Piece], at: int) -> int:
    """The place behind a statement: behind its `;`, or the `}` of a block."""
    depth = 0
    is_block = _is_block(pieces[place] for place in range(at, len(pieces)))
    for place in range(at, len(pieces)):
        depth += {"LBRACE": 1, "RBRACE": -1}.get(pieces[place].kind, 0)
        if depth == 0 and pieces[place].kind == ("RBRACE" if is_block else "SEMICOLON"):
            return place + 1
    return len(pieces)


def _written(items: Sequence[_Item]) -> str:
    lines: list[str] = []
    for item in items:
        if item.is_apart and lines:
            lines.append("")
        lines += item.lines
    return "".join(f"{line}\n" for line in lines)


def _statement(pieces: Sequence[Piece]) -> list[str]:
    if _is_block(pieces):
        return _block(pieces)
    return laid_out(pieces, 0, WIDTH, is_rule=True)


def _block(pieces: Sequence[Piece]) -> list[str]:
    opening = next(place for place, piece in enumerate(pieces) if piece.kind == "LBRACE")
    closing = max(place for place, piece in enumerate(pieces) if piece.kind == "RBRACE")
    behind = list(pieces[closing + 1 :])
    code = pieces[: closing + 1]
    is_open = any(piece.breaks or piece.is_comment for piece in code[1:])
    if closing == opening + 1 or not is_open:
        line = _on_one_line(code, opening)
        if len(line) <= WIDTH and not any(piece.is_comment for piece in code):
            return _flat(line, behind)
    inside = list(pieces[opening + 1 : closing])
    head = list(pieces[: opening + 1])
    if inside and inside[0].is_comment and not inside[0].breaks:
        head.append(inside.pop(0))
    lines = _head(head)
    for number, item in enumerate(_items(inside)):
        if item.is_apart and number:
            lines.append("")
        lines += laid_out(item.pieces, _INDENT, WIDTH, is_rule=False)
    return [*lines, *_flat("}", behind)]


def _head(pieces: Sequence[Piece]) -> list[str]:
    """The first line of a block; more than one where comments stand between its words."""
    lines = [pieces[0].text]
    for before, piece in itertools.pairwise(pieces):
        if before.is_comment or (piece.is_comment and piece.breaks):
            lines.append(piece.text)
        else:
            lines[-1] += behind_code(lines[-1], piece) if piece.is_comment else f" {piece.text}"
    return lines


def _flat(line: str, behind: Sequence[Piece]) -> list[str]:
    """A line with the comment behind it, if there is one."""
    return [line + "".join(behind_code(line, comment) for comment in behind)]


def _on_one_line(code: Sequence[Piece], opening: int) -> str:
    text = code[0].text
    for place in range(1, len(code)):
        is_edge = place in (opening + 1, len(code) - 1) and len(code) > opening + 2
        gap = " " if place == opening or is_edge else space(code[place - 1], code[place], is_roomy=True)
        text += f"{gap}{code[place].text}"
    return text
