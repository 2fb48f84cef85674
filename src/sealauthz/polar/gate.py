"""The gate before the engine: what policy text must never contain, whoever wrote it.

It works on tokens, refuses more than it must, and leaves types and modes to a real checker.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from sealauthz.errors import BundleRefused
from sealauthz.polar.source import (
    FILES_REMEMBERED,
    Block,
    Kind,
    Rule,
    RuleType,
    Source,
    Statement,
    Token,
    statements_of,
)

MAX_FILE_BYTES = 1_000_000
MAX_DEPTH = 60

_FORBIDDEN_WORDS = {
    "new": "policies construct nothing: `new` is not accepted",
    "print": "`print` is not accepted",
    "debug": "`debug` is not accepted",
    "cut": "`cut` is not accepted: order must not decide",
}


@lru_cache(maxsize=FILES_REMEMBERED)
def admit(source: Source, attributes: frozenset[str]) -> tuple[Statement, ...]:
    """Return the statements of a file that may be loaded; the last files are remembered, for a reload.

    `attributes` are all names that a policy may read behind a dot. Raises BundleRefused with file, line and column.
    """
    if len(source.text.encode()) > MAX_FILE_BYTES:
        raise BundleRefused(f"a policy file has at most {MAX_FILE_BYTES} bytes", source.file)
    statements = statements_of(source)
    for statement in statements:
        if isinstance(statement, RuleType):
            continue
        if isinstance(statement, Rule):
            _refuse_patterns(statement)
        _refuse_words(statement, attributes)
    return tuple(statements)


def _refuse_words(statement: Rule | Block, attributes: frozenset[str]) -> None:
    def refuse(message: str, token: Token) -> BundleRefused:
        return BundleRefused(message, statement.file, token.line, token.column)

    depth = 0
    for before, token, after in _neighbours(statement.body):
        if token.kind is Kind.MARK:
            depth += (token.text in "([{") - (token.text in ")]}")
            if depth > MAX_DEPTH:
                raise refuse(f"brackets nest deeper than {MAX_DEPTH}", token)
            if token.text == "?=":
                raise refuse("inline queries (`?=`) are not accepted", token)
            if token.text == "." and (after is None or after.kind is not Kind.SYMBOL):
                raise refuse("only a plain attribute name may follow `.`", token)
            continue
        if token.kind is not Kind.SYMBOL:
            continue
        if before is not None and before.is_mark("."):
            if token.text.startswith("_"):
                raise refuse(f"`{token.text}` is not an attribute of a fact", token)
            if after is not None and after.is_mark("("):
                raise refuse(f"`{token.text}(` would call host code: methods are not accepted", token)
            if token.text not in attributes:
                raise refuse(f"no fact has an attribute `{token.text}`", token)
        elif token.text in _FORBIDDEN_WORDS:
            raise refuse(_FORBIDDEN_WORDS[token.text], token)
        elif after is not None and after.is_mark("{") and isinstance(statement, Rule):
            raise refuse(f"`{token.text}{{`: field patterns pass over missing attributes and are not accepted", token)


def _refuse_patterns(rule: Rule) -> None:
    for parameter in rule.parameters:
        if parameter.literal is None and parameter.number is None and parameter.variable is None:
            raise BundleRefused(
                f"`{parameter.text}`: a parameter is a string, a whole number, or a variable with or without a type",
                rule.file,
                rule.line,
                rule.column,
            )


def _neighbours(tokens: tuple[Token, ...]) -> Iterable[tuple[Token | None, Token, Token | None]]:
    for index, token in enumerate(tokens):
        yield (
            tokens[index - 1] if index else None,
            token,
            tokens[index + 1] if index + 1 < len(tokens) else None,
        )
