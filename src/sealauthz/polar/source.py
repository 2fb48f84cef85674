"""Policy text as tokens and statements, with their places: enough to refuse, to index and to explain rules.

This is no parser: bodies stay token lists. Lexical rules follow the Polar 0.27 reference. A line `#@ U-01 U-26` tags
the statements below it, up to the next such line or blank line, with ids of the rulebook.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from sealauthz.errors import BundleRefused

FILES_REMEMBERED = 64
"""How many files the parser and the gate remember: more than a bundle has, so that a reload reads what changed."""

_TAG = re.compile(r"#@\s+(?P<ids>[A-Z]+-\d+(?:\s+[A-Z]+-\d+)*)\s*$")
_TOKEN = re.compile(
    r"""
      (?P<space>[ \t]+)
    | (?P<newline>\r\n|\n|\r)
    | (?P<comment>\#[^\r\n]*)
    | (?P<string>"(?:[^"\\\r\n]|\\.)*")
    | (?P<number>\d+(?:\.\d*)?(?:e[+-]?\d+)?)
    | (?P<symbol>(?:[^\W\d]|_)\w*(?:::\w+)*\??)
    | (?P<mark>\?=|:=|==|!=|<=|>=|[:,\[\]\(\){}.!*/+\-<>=|;])
    """,
    re.VERBOSE,
)


class Kind(Enum):
    """What a token is."""

    STRING = auto()
    NUMBER = auto()
    SYMBOL = auto()
    MARK = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `line` and `column` count from 1. The text of a string is its content, escapes resolved."""

    kind: Kind
    text: str
    line: int
    column: int

    def is_mark(self, text: str) -> bool:
        """Whether this is that punctuation mark."""
        return self.kind is Kind.MARK and self.text == text

    def is_symbol(self, text: str) -> bool:
        """Whether this is that symbol or keyword."""
        return self.kind is Kind.SYMBOL and self.text == text


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a rule head: a literal, or a variable with or without a type; `text` is what was written."""

    text: str
    literal: str | None = None
    number: int | None = None
    variable: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its head and the tokens of its body (empty for a fact)."""

    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Token, ...]
    file: str
    line: int
    column: int
    tags: tuple[str, ...]

    @property
    def head(self) -> str:
        """The head as one line of text."""
        return f"{self.name}({', '.join(parameter.text for parameter in self.parameters)})"


@dataclass(frozen=True, slots=True)
class Block:
    """One `actor` or `resource` block: the type it describes and the tokens between its braces."""

    keyword: str
    type: str
    body: tuple[Token, ...]
    file: str
    line: int
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleType:
    """One rule type (`type f(...)`): the name it restricts."""

    name: str
    file: str
    line: int
    column: int


Statement = Rule | Block | RuleType


@dataclass(frozen=True, slots=True)
class Source:
    """One policy file: its name inside the bundle, and its text."""

    file: str
    text: str


def tokens_of(source: Source) -> tuple[list[Token], dict[int, tuple[str, ...]]]:
    """Return the tokens of a file and, by line, the tags in force there. Raises BundleRefused."""
    tokens: list[Token] = []
    tags_at: dict[int, tuple[str, ...]] = {}
    current: tuple[str, ...] = ()
    text, position, line, line_start = source.text, 0, 1, 0
    line_has_content = False
    while position < len(text):
        match = _TOKEN.match(text, position)
        column = position - line_start + 1
        if match is None:
            what = (
                "this string does not end on its line"
                if text[position] == '"'
                else f"`{text[position]}` is no part of Polar"
            )
            raise BundleRefused(what, source.file, line, column)
        kind = match.lastgroup
        content = match.group()
        if kind == "newline":
            if not line_has_content:
                current = ()
            line += 1
            line_start = match.end()
            line_has_content = False
        elif kind == "comment":
            line_has_content = True
            if content.startswith("#@"):
                tagged = _TAG.match(content)
                if tagged is None:
                    raise BundleRefused(
                        "a tag line names rule ids only, as in `#@ U-01 U-26`", source.file, line, column
                    )
                current = tuple(tagged["ids"].split())
        elif kind != "space":
            line_has_content = True
            tags_at.setdefault(line, current)
            if kind == "string":
                content = re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), content[1:-1])
            tokens.append(Token(Kind[str(kind).upper()], content, line, column))
        position = match.end()
    return tokens, tags_at


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


def statements_of(source: Source) -> list[Statement]:
    """Split a file into its statements. Raises BundleRefused where it cannot."""
    tokens, tags_at = tokens_of(source)
    statements: list[Statement] = []
    start = 0
    while start < len(tokens):
        end = _end_of_statement(tokens, start, source.file)
        statements.append(_statement(tokens[start:end], source.file, tags_at[tokens[start].line]))
        start = end
    return statements


def _end_of_statement(tokens: list[Token], start: int, file: str) -> int:
    """Return the index behind the statement that starts at `start`: behind its `;`, or behind a block's `}`."""
    open_marks: list[Token] = []
    pairs = {")": "(", "]": "[", "}": "{"}
    is_block = start + 1 < len(tokens) and all(t.kind is Kind.SYMBOL for t in tokens[start : start + 2])
    is_block = is_block and not tokens[start].is_symbol("type")
    for index in range(start, len(tokens)):
        token = tokens[index]
        if token.kind is not Kind.MARK:
            continue
        if token.text in "([{":
            open_marks.append(token)
        elif token.text in pairs:
            if not open_marks or open_marks[-1].text != pairs[token.text]:
                raise BundleRefused(f"`{token.text}` closes nothing", file, token.line, token.column)
            open_marks.pop()
            if token.text == "}" and not open_marks and is_block:
                return index + 1
        elif token.text == ";" and not open_marks:
            return index + 1
    first = open_marks[-1] if open_marks else tokens[start]
    what = f"`{first.text}` is never closed" if open_marks else "this statement does not end with `;`"
    raise BundleRefused(what, file, first.line, first.column)


def _statement(tokens: list[Token], file: str, tags: tuple[str, ...]) -> Statement:
    first = tokens[0]
    if first.is_mark("?="):
        raise BundleRefused("inline queries (`?=`) are not accepted", file, first.line, first.column)
    if first.kind is not Kind.SYMBOL or len(tokens) < 3:
        raise BundleRefused("a rule, a rule type or a block starts here", file, first.line, first.column)
    if first.is_symbol("type"):
        return RuleType(tokens[1].text, file, first.line, first.column)
    if tokens[1].kind is Kind.SYMBOL:
        return Block(first.text, tokens[1].text, tuple(tokens[3:-1]), file, first.line, tags)
    if not tokens[1].is_mark("("):
        raise BundleRefused(f"`(` must follow `{first.text}`", file, tokens[1].line, tokens[1].column)
    close = _closing(tokens, 1)
    rest = tokens[close + 1 : -1]
    if rest and not rest[0].is_symbol("if"):
        raise BundleRefused("`if` or `;` must follow a rule's head", file, rest[0].line, rest[0].column)
    parameters = tuple(_parameter(part) for part in split_at(tokens[2:close], ","))
    return Rule(first.text, parameters, tuple(rest[1:]), file, first.line, first.column, tags)


def _closing(tokens: list[Token], opening: int) -> int:
    depth = 0
    for index in range(opening, len(tokens)):
        if tokens[index].kind is Kind.MARK:
            depth += (tokens[index].text in "([{") - (tokens[index].text in ")]}")
            if depth == 0:
                return index
    raise AssertionError("the statement was balanced when it was split off")


def split_at(tokens: list[Token], mark: str) -> list[list[Token]]:
    """Split tokens at a punctuation mark outside any brackets. No tokens give no parts."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind is Kind.MARK:
            depth += (token.text in "([{") - (token.text in ")]}")
        if depth == 0 and token.is_mark(mark):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts if parts != [[]] else []


def _parameter(tokens: list[Token]) -> Parameter:
    text = written(tokens)
    if len(tokens) == 1 and tokens[0].kind is Kind.STRING:
        return Parameter(text, literal=tokens[0].text)
    if len(tokens) == 1 and tokens[0].kind is Kind.NUMBER and tokens[0].text.isdigit():
        return Parameter(text, number=int(tokens[0].text))
    if len(tokens) == 1 and tokens[0].kind is Kind.SYMBOL:
        return Parameter(text, variable=tokens[0].text)
    if len(tokens) == 3 and tokens[1].is_mark(":") and tokens[2].kind is Kind.SYMBOL:
        return Parameter(text, variable=tokens[0].text, type=tokens[2].text)
    return Parameter(text)


def written(tokens: list[Token] | tuple[Token, ...]) -> str:
    """Write tokens as one line of text, near to how an author would."""
    out = ""
    for token in tokens:
        text = f'"{token.text}"' if token.kind is Kind.STRING else token.text
        glued = token.kind is Kind.MARK and token.text in ",:.)];"
        out += text if not out or glued or out[-1] in "([." else f" {text}"
    return out.replace(" (", "(")
