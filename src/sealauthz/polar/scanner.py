"""The scanner: from text to tokens with their places and tags. It refuses text that a reader could not see as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sealauthz.polar import messages
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.grammar import MARK, SPACE, scanner
from sealauthz.polar.messages import END, REFUSED_WORDS
from sealauthz.polar.source import Source
from sealauthz.polar.syntax import ALWAYS, Place
from sealauthz.polar.tree import Token
from sealauthz.runtime.characters import foreign_to_names
from sealauthz.runtime.errors import BundleRefused

MAX_FILE_BYTES = 1_000_000

_TAG = re.compile(rf"#@\s+(?P<tags>(?:[A-Z]+-\d+|{ALWAYS})(?:\s+(?:[A-Z]+-\d+|{ALWAYS}))*)\s*$")

# Controls, lone carriage returns, line separators and marks that turn the direction of text: a reviewer would see other
# text than the parser, or other lines.
_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|\r(?!\n)")


def tokens_of(source: Source) -> Iterator[Token]:
    """Yield the tokens of a file, and one that ends it. Raises BundleRefused."""
    file, text = source.file, source.text
    terminals = scanner()
    tags: tuple[str, ...] = ()
    accepted: set[str] = set()
    line, last_line, start_of_line, end = 1, 0, 0, 0
    for read in terminals.pattern.finditer(text):
        start = read.start()
        if start != end:
            break  # what stands between is no token
        end = read.end()
        kind = read.lastgroup or ""
        word = read[kind]
        if kind == SPACE:
            lines = word.count("\n")
            if lines:
                line += lines
                start_of_line = start + word.rindex("\n") + 1
            continue
        column = start - start_of_line + 1
        if line > last_line + 1:
            tags = ()
        last_line = line
        if kind == "NAME":
            kind = terminals.words.get(word, kind)
            if kind == "NAME" and word not in accepted:
                _refuse_name(word, file, line, column)
                accepted.add(word)
        elif kind == "COMMENT":
            if word.startswith("#@"):
                tags = _tags(word, file, line, column)
            continue
        elif kind == MARK:
            kind = terminals.marks[word]
        yield Token(kind, word, file, line, column, tags)
        if word == ";" and ALWAYS in tags:
            tags = tuple(tag for tag in tags if tag != ALWAYS)  # it counts for one rule
    if end < len(text):
        raise BundleRefused(messages.not_polar(text, end), file, line, end - start_of_line + 1)
    yield Token(END, "", file, *_line_and_column(text, len(text)), ())


def _refuse_name(name: str, file: str, line: int, column: int) -> None:
    if name in REFUSED_WORDS:
        raise BundleRefused(REFUSED_WORDS[name], file, line, column)
    if name.endswith("::"):
        raise BundleRefused("a name cannot end with `::`", file, line, column)
    if foreign := foreign_to_names(name):
        position = next(position for position, char in enumerate(name) if not char.isascii())
        raise refusal(messages.not_ascii("a name", foreign), Place(file, line, column + position))


def _tags(text: str, file: str, line: int, column: int) -> tuple[str, ...]:
    tagged = _TAG.match(text)
    if tagged is None:
        raise BundleRefused(
            f"a tag line names rule ids only, as in `#@ U-01 U-26`, or says `{ALWAYS}`", file, line, column
        )
    return tuple(tagged["tags"].split())


def refuse_unreadable(source: Source) -> None:
    """Refuse text that is too long, no Unicode, or has characters that do not show. Raises BundleRefused."""
    try:
        size = len(source.text.encode())
    except UnicodeEncodeError as error:
        line, column = _line_and_column(source.text, error.start)
        raise BundleRefused("this is no valid Unicode text", source.file, line, column) from error
    if size > MAX_FILE_BYTES:
        raise BundleRefused(f"a policy file has at most {MAX_FILE_BYTES} bytes", source.file)
    hidden = _HIDDEN.search(source.text)
    if hidden is not None:
        line, column = _line_and_column(source.text, hidden.start())
        what = f"a policy must not contain the invisible character {messages.shown(hidden.group())}"
        raise BundleRefused(what, source.file, line, column)


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
