"""The lines of one statement: where it is broken, and how far each line is indented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sealauthz.polar.pieces import CLOSING, OPENING, OPERATORS, Piece, space

_STEP = 2
_CONNECTIVES = ("AND", "OR")


@dataclass(frozen=True, slots=True)
class _Bracket:
    """An open bracket: how far the lines in it are indented, and one that begins with the bracket that closes it."""

    inside: int
    close: int


@dataclass(slots=True)
class _Line:
    """A line: its text, its first piece and the one behind its last, and how far its code reaches."""

    text: str
    first: int
    behind: int = 0
    width: int = 0


def laid_out(pieces: Sequence[Piece], indent: int, width: int, *, is_rule: bool) -> list[str]:
    """Lay a statement out, and return its lines."""
    return [line.text for line in _Statement(pieces, indent, width, is_rule).lines()]


def behind_code(line: str, comment: Piece) -> str:
    """What a comment behind a line adds to it: it stays in its column, where there is room."""
    return " " * max(2, comment.column - len(line)) + comment.text


class _Statement:
    """One statement, and the gaps in which it is broken: a gap goes by the number of the piece behind it."""

    def __init__(self, pieces: Sequence[Piece], indent: int, width: int, is_rule: bool) -> None:
        self._pieces, self._indent, self._width, self._is_rule = pieces, indent, width, is_rule
        self._depths = list(self._depth_of_each())
        self._before = [self._last_code(place) for place in range(len(pieces))]
        self._conditions = frozenset(self._places_of_conditions())
        self._body = {place for place in self._conditions if not pieces[place].is_comment or pieces[place].breaks}
        self._aligned = frozenset(self._aligned_brackets())
        self._ends = [0] * len(pieces)
        self._breaks = {gap for gap in range(1, len(pieces)) if self._is_forced(gap) or self._is_kept(gap)}
        if self._breaks & self._body:
            self._breaks |= self._body

    def lines(self) -> list[_Line]:
        """Break what is too long, and return the lines."""
        while True:
            lines = self._laid_out()
            gaps = (self._gaps_for(line) for line in lines if line.width > self._width)
            found = next((gap for gap in gaps if gap), None)
            if found is None:
                return lines
            self._breaks |= found

    # --- what is known of the statement -----------------------------------------------------------------------------

    def _depth_of_each(self) -> Iterator[int]:
        """How many brackets are open before each piece."""
        depth = 0
        for piece in self._pieces:
            yield depth
            depth += (piece.kind in OPENING) - (piece.kind in CLOSING)

    def _last_code(self, place: int) -> int:
        """The last piece before one that is no comment; -1 where there is none."""
        return next((p for p in range(place - 1, -1, -1) if not self._pieces[p].is_comment), -1)

    def _places_of_conditions(self) -> Iterator[int]:
        """The pieces that begin a condition of the body, and the comments before them."""
        opening = next((p for p, piece in enumerate(self._pieces) if piece.kind == "IF" and not self._depths[p]), None)
        if opening is None or not self._is_rule:
            return
        for place in range(opening + 1, len(self._pieces)):
            before = self._before[place]
            if before == opening or (not self._depths[before] and self._pieces[before].kind in _CONNECTIVES):
                yield place

    def _aligned_brackets(self) -> Iterator[int]:
        """The brackets whose lines begin below their first character: those around conditions, and where they did."""
        for place, piece in enumerate(self._pieces):
            if piece.kind not in OPENING:
                continue
            if piece.kind == "LPAR" and (place == 0 or self._pieces[place - 1].kind in ("FORALL", *_BEFORE_GROUPS)):
                yield place
                continue
            first = self._first_broken_in(place)
            if first is not None and first.column == piece.column + 1:
                yield place

    def _first_broken_in(self, opening: int) -> Piece | None:
        """The first piece that begins a line directly in a bracket, as it was written."""
        inside = self._depths[opening] + 1
        for place in range(opening + 1, len(self._pieces)):
            if self._depths[place] < inside:
                return None
            if self._depths[place] == inside and self._pieces[place].breaks and self._pieces[place].kind not in CLOSING:
                return self._pieces[place]
        return None

    def _is_forced(self, gap: int) -> bool:
        """Whether a comment ends the line."""
        piece = self._pieces[gap]
        return self._pieces[gap - 1].is_comment or (piece.is_comment and piece.breaks > 0)

    def _is_kept(self, gap: int) -> bool:
        """Whether the author's line break stays: where a line may be broken."""
        return self._pieces[gap].breaks > 0 and (
            gap in self._body or self._rank(gap) is not None or self._is_close(gap)
        )

    def _is_close(self, gap: int) -> bool:
        return self._pieces[gap].kind in CLOSING and self._pieces[gap - 1].kind not in OPENING

    def _rank(self, gap: int) -> float | None:
        """How far inside a gap is in which a line may be broken: the least is broken first. None for all others."""
        kind, depth = self._pieces[gap - 1].kind, self._depths[gap]
        if self._pieces[gap].kind in CLOSING or self._pieces[gap].is_comment:
            return None
        if kind in OPENING:
            return depth - 0.5
        if depth and kind in ("COMMA", *_CONNECTIVES):
            return depth
        return depth + 0.75 if kind in OPERATORS else None

    # --- lines ------------------------------------------------------------------------------------------------------

    def _laid_out(self) -> list[_Line]:
        lines = [_Line(" " * self._indent + self._pieces[0].text, 0)]
        indent = self._indent
        brackets: list[_Bracket] = []
        for place, piece in enumerate(self._pieces):
            line = lines[-1]
            if place in self._breaks:
                line.behind = place
                indent = self._indent_of(place, brackets)
                lines.append(_Line(" " * indent + piece.text, place))
            elif place and piece.is_comment:
                line.text += behind_code(line.text, piece)
            elif place:
                roomy = not self._is_rule
                line.text += space(self._pieces[place - 1], piece, roomy) + piece.text
            line = lines[-1]
            self._ends[place] = len(line.text)
            if not piece.is_comment:
                line.width = len(line.text)
            if piece.kind in OPENING:
                brackets.append(self._bracket(place, indent, len(line.text)))
            elif piece.kind in CLOSING and brackets:
                brackets.pop()
        lines[-1].behind = len(self._pieces)
        return lines

    def _bracket(self, place: int, indent: int, column: int) -> _Bracket:
        """What an opening bracket does to the lines in it; one that ends its line indents them by one step."""
        inside = place + 1
        while inside < len(self._pieces) and self._pieces[inside].is_comment and inside not in self._breaks:
            inside += 1
        if inside not in self._breaks and place in self._aligned:
            return _Bracket(column, indent)
        return _Bracket(indent + _STEP, indent)

    def _indent_of(self, place: int, brackets: Sequence[_Bracket]) -> int:
        if brackets:
            return brackets[-1].close if self._pieces[place].kind in CLOSING else brackets[-1].inside
        is_in_body = any(place >= condition for condition in self._conditions)
        return self._indent + (2 * _STEP if is_in_body and place not in self._conditions else _STEP)

    def _gaps_for(self, line: _Line) -> set[int]:
        """The gaps in which a line that is too long is broken next; none where it cannot be."""
        within = range(line.first + 1, line.behind)
        if any(gap in self._body for gap in within):
            return set(self._body)
        ranked = [(rank, gap) for gap in within if gap not in self._breaks and (rank := self._rank(gap)) is not None]
        if not ranked:
            return set()
        for rank in sorted({rank for rank, _ in ranked}):
            fitting = [gap for other, gap in ranked if other == rank and self._ends[gap - 1] <= self._width]
            if fitting:
                return {fitting[-1]}
        return {min(ranked)[1]}


_BEFORE_GROUPS = ("IF", "AND", "OR", "NOT", "LPAR", "LSQB", "COMMA", "COLON", *OPERATORS)
"""What stands before a bracket that only holds conditions together."""
