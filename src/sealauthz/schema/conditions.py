"""Conditions on one record as a declaration may write them: comparisons of its columns, joined by `and`, `or`, `not`.

What is accepted is plain SQL that SQLite and PostgreSQL read alike, and nothing else: no function, no other table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_]\w*)|(?P<number>-?\d{1,18})|(?P<text>'[^'\\\0:%]*')|(?P<sign><=|>=|<>|[=<>()]))", re.ASCII
)
_SIGNS = ("=", "<>", "<", "<=", ">", ">=")
_LONGEST = 500


class ConditionProblem(ValueError):
    """A condition that cannot be used."""


def checked(text: str, columns: Mapping[str, type]) -> str:
    """Return a condition on columns of these types in its one form. Raises ConditionProblem."""
    if len(text) > _LONGEST:
        raise ConditionProblem(f"is longer than {_LONGEST} characters")
    reader = _Reader(_tokens(text), columns)
    made = reader.either()
    if reader.next is not None:
        raise ConditionProblem(f"ends before `{reader.next[1]}`: write comparisons joined by `and` and `or`")
    return made


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ConditionProblem(f"cannot be read at `{text[at : at + 20].strip()}`")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], columns: Mapping[str, type]) -> None:
        self._tokens = tokens
        self._columns = columns
        self._at = 0

    @property
    def next(self) -> tuple[str, str] | None:
        """The token that comes next; None at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def either(self) -> str:
        """Read what `or` joins."""
        parts = [self._both()]
        while self._takes("or"):
            parts.append(self._both())
        return " OR ".join(parts)

    def _both(self) -> str:
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return " AND ".join(parts)

    def _one(self) -> str:
        if self._takes("not"):
            return f"NOT {self._one()}"
        if self._takes("("):
            inner = self.either()
            if not self._takes(")"):
                raise ConditionProblem("lacks a `)`")
            return f"({inner})"
        left, left_type = self._value()
        if self._takes("is"):
            negated = "NOT " if self._takes("not") else ""
            if not self._takes("null") or left_type is None:
                raise ConditionProblem("must say `is null` or `is not null` of a column")
            return f"{left} IS {negated}NULL"
        sign = self.next
        if sign is None or sign[1] not in _SIGNS:
            raise ConditionProblem(f"must compare `{left}` with something: {', '.join(_SIGNS)}, `is null`")
        self._at += 1
        right, right_type = self._value()
        if left_type is not right_type:
            raise ConditionProblem(f"compares `{left}` with `{right}`, which is of another type")
        if left_type is bool and sign[1] not in ("=", "<>"):
            raise ConditionProblem(f"compares `{left}`, which is true or false, by `{sign[1]}`")
        return f"{left} {sign[1]} {right}"

    def _value(self) -> tuple[str, type | None]:
        if self.next is None:
            raise ConditionProblem("ends too early")
        kind, text = self.next
        self._at += 1
        if kind == "number":
            return text, int
        if kind == "text":
            return text, str
        if kind == "word" and text.lower() in ("true", "false"):
            return text.upper(), bool
        if kind == "word" and text in self._columns:
            return text, self._columns[text]
        known = ", ".join(f"`{name}`" for name in self._columns)
        raise ConditionProblem(f"names `{text}`; what may stand there is a column ({known}), a number, or 'text'")

    def _takes(self, word: str) -> bool:
        if self.next is None or self.next[0] == "text" or self.next[1].lower() != word:
            return False
        self._at += 1
        return True
