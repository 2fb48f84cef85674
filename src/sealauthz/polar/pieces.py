"""The pieces of a policy file, comments among them, with the line breaks before each and the spaces between two."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sealauthz.polar.messages import END
from sealauthz.polar.scanner import tokens_of
from sealauthz.polar.source import Source

COMMENT = "COMMENT"
OPENING = frozenset({"LPAR", "LSQB", "LBRACE"})
CLOSING = frozenset({"RPAR", "RSQB", "RBRACE"})
OPERATORS = frozenset({"EQUAL", "DEFINE", "COMPARE", "PLUS", "MINUS", "STAR", "SLASH", "MOD", "REM", "IN", "MATCHES"})

_COMMENT = re.compile(r"#[^\n]*")
_ENDS_A_VALUE = frozenset({"NAME", "NUMBER", "STRING", "TRUE", "FALSE", *CLOSING})
_SPACED_IN_FRONT = frozenset({"IF", "AND", "OR", "NOT", "IN", "MATCHES", "COMMA", "COLON", "TYPE", *OPERATORS})
"""Behind these a bracket does not belong to a name."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A token or a comment: its kind, its text, how many line breaks stand before it, and its column, counted from 0.

    A sign or a star that belongs to what follows is of the kind `SIGN`.
    """

    kind: str
    text: str
    breaks: int
    column: int

    @property
    def is_comment(self) -> bool:
        """Whether it is one."""
        return self.kind == COMMENT


def pieces_of(source: Source) -> list[Piece]:
    """Read a file into its pieces. Raises BundleRefused for what no policy has."""
    found: list[Piece] = []
    for piece in _read(source):
        kind = piece.kind
        if found and found[-1].kind == "DOT" and not piece.is_comment:
            kind = "NAME"
        elif kind in ("PLUS", "MINUS", "STAR") and _last_kind(found) not in _ENDS_A_VALUE:
            kind = "SIGN"
        found.append(replace(piece, kind=kind))
    return found


def _last_kind(found: Sequence[Piece]) -> str:
    return next((piece.kind for piece in reversed(found) if not piece.is_comment), "")


def _read(source: Source) -> Iterator[Piece]:
    text = source.text
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    behind = 0
    for token in tokens_of(source):
        place = token.place
        start = len(text) if token.type == END else starts[place.line - 1] + place.column - 1
        for comment in _COMMENT.finditer(text, behind, start):
            yield _piece(text, COMMENT, comment[0].rstrip(), behind, comment.start())
            behind = comment.end()
        if token.type != END:
            yield _piece(text, token.type, token.text, behind, start)
        behind = start + len(token.text)


def _piece(text: str, kind: str, said: str, behind: int, start: int) -> Piece:
    return Piece(kind, said, text.count("\n", behind, start), start - text.rfind("\n", 0, start) - 1)


def space(before: Piece, piece: Piece, is_roomy: bool = False) -> str:
    """What stands between two pieces on one line; inside `is_roomy` braces there is a space."""
    left, right = before.kind, piece.kind
    if right in ("COMMA", "SEMICOLON", "COLON") or left == "SIGN":
        return ""
    if right == "DOT":
        return " " if left == "NUMBER" else ""  # `1 .x` is not `1.x`
    if left == "DOT" or (left == "LBRACE" and right == "RBRACE"):
        return ""
    if left in OPENING or right in CLOSING:
        return " " if is_roomy and (left == "LBRACE" or right == "RBRACE") else ""
    if right in OPENING and right != "LSQB" and left not in _SPACED_IN_FRONT:
        return ""
    return " "
