"""From policy text to the syntax tree: a strict subset of what oso 0.27.3 reads, with the same meaning.

The grammar is `grammar.lark`. Deep and long text is refused here, so that no later stage, and not oso, must recurse or
wait for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from sealauthz.polar import messages
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.grammar import machine, marks_of_terminals, table
from sealauthz.polar.messages import END
from sealauthz.polar.remembered import Remembered
from sealauthz.polar.scanner import refuse_unreadable, tokens_of
from sealauthz.polar.source import FILES_REMEMBERED, Source
from sealauthz.polar.syntax import BlockNode, RuleNode, Statement
from sealauthz.polar.tree import MAX_DEPTH, Token
from sealauthz.runtime.errors import BundleRefused

_BRACKETS = frozenset({"LPAR", "LSQB", "LBRACE", "RPAR", "RSQB", "RBRACE"})


_parsed: Remembered[Source, tuple[Statement, ...]] = Remembered(FILES_REMEMBERED)


def parse(source: Source) -> tuple[Statement, ...]:
    """Return the statements of a policy file. Raises BundleRefused with file, line and column.

    A reload finds most files unchanged, so the last ones are remembered: what is returned is never changed.
    """
    found = _parsed.get(source)
    return _parsed.put(source, _read(source)) if found is None else found


def forget_parsed() -> None:
    """Let the next file be read from nothing, for measurements."""
    _parsed.clear()
    _by_text.clear()


def remember(source: Source, statements: tuple[Statement, ...]) -> None:
    """Take the statements of a file from who has read it."""
    _by_text.pop(source.file, None)
    _parsed.put(source, _shared(source, statements))


def _read(source: Source) -> tuple[Statement, ...]:
    refuse_unreadable(source)
    lalr = table()
    steps = lalr.steps
    fed: list[Token] = []
    open_brackets: list[Token] = []
    states = [lalr.start]
    values: list[Any] = []
    for token in tokens_of(source):
        fed.append(token)
        kind = token.type
        while True:
            step = steps[states[-1]].get(kind)
            if type(step) is int:
                states.append(step)
                values.append(token)
                break
            if step is None:
                raise _unexpected(fed, open_brackets)
            count, origin, build = step
            if build is None:
                states[-1] = lalr.after_names(states[-2], states[-1], kind)
                continue
            if count:
                children = values[-count:]
                del values[-count:], states[-count:]
            else:
                children = []
            states.append(steps[states[-1]][origin])
            values.append(build(children))
            if kind == END and states[-1] == lalr.end:
                return _shared(source, values[-1])
        if kind in _BRACKETS:
            _nest(open_brackets, token)
    raise AssertionError("the last token ends the policy")


_by_text: dict[str, dict[object, Statement]] = {}
"""By the name of a file: its statements when it was last read, by their text and where it stood."""


def _shared(source: Source, statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements of a file; what stood there in the same words when it was last read is the same object.

    What was kept about a statement can so be found to hold still.
    """
    lines = source.text.split("\n")
    starts = [*itertools.accumulate((len(line) + 1 for line in lines), initial=0)]
    places = [starts[statement.place.line - 1] + statement.place.column - 1 for statement in statements]
    before = _by_text.get(source.file, {})
    now: dict[object, Statement] = {}
    ends = [*places, len(source.text)][1:]
    for statement, start, end in zip(statements, places, ends, strict=True):
        # What a comment before it says is not in its text.
        said = (statement.tags, statement.is_always) if isinstance(statement, RuleNode) else _tags_of(statement)
        key = (statement.place.line, statement.place.column, source.text[start:end], said)
        now[key] = before.get(key, statement)
    while len(_by_text) >= FILES_REMEMBERED and source.file not in _by_text:
        _by_text.pop(next(iter(_by_text)), None)
    _by_text[source.file] = now
    return tuple(now.values())


def _tags_of(statement: Statement) -> tuple[str, ...]:
    return statement.tags if isinstance(statement, BlockNode) else ()


def _unexpected(fed: list[Token], open_brackets: Sequence[Token]) -> BundleRefused:
    """Make the error for the last token.

    An LALR parser may have reduced before it saw that the token does not fit, and then expects less than the grammar
    allows. A second machine that has not seen the token knows better.
    """
    reader = machine()
    for token in fed[:-1]:
        reader.feed_token(token)
    before = fed[-2] if len(fed) > 1 else None
    message, place = messages.unexpected(fed[-1], before, reader.accepts(), marks_of_terminals(), open_brackets)
    return BundleRefused(message, place.file, place.line, place.column)


def _nest(open_brackets: list[Token], token: Token) -> None:
    if token.type in {"LPAR", "LSQB", "LBRACE"}:
        open_brackets.append(token)
        if len(open_brackets) > MAX_DEPTH:
            raise refusal(f"brackets nest deeper than {MAX_DEPTH}", token.place)
    elif token.type in {"RPAR", "RSQB", "RBRACE"}:
        open_brackets.pop()
