"""The grammar as lark reads it: its terminals, and the table of an LALR parser."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealauthz.polar.tree import builder

if TYPE_CHECKING:
    import lark

_GRAMMAR = Path(__file__).with_name("grammar.lark")


class _Comments:
    """Makes lark keep comments, which no rule of the grammar mentions."""

    always_accept = ("COMMENT",)

    def process(self, stream: Iterator[lark.Token]) -> Iterator[lark.Token]:
        return stream


_making = threading.Lock()


@cache
def _made() -> lark.Lark:
    # Here, because a process that takes a loaded bundle over parses nothing.
    import lark

    return lark.Lark(
        _GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        lexer="basic",
        start="policy",
        postlex=_Comments(),
        transformer=builder(),
    )


def _lark() -> lark.Lark:
    """The parser, made when it is first needed."""
    with _making:
        return _made()


def machine() -> Any:
    """A machine that takes token by token. Of a token it reads only `type`, so that ours can carry their places."""
    return _lark().parse_interactive()


SPACE, MARK = "SPACE", "MARK"


@dataclass(frozen=True, slots=True)
class Scanner:
    """The terminals of the grammar as one expression, with the names of words and marks that are fixed texts.

    lark's own lexer reads the same, at a quarter of the speed.
    """

    pattern: re.Pattern[str]
    words: dict[str, str]
    marks: dict[str, str]


@cache
def scanner() -> Scanner:
    """The terminals, put together when first needed."""
    parser = _lark()
    fixed = {t.pattern.value: t.name for t in parser.terminals if t.pattern.type == "str"}
    marks = {text: name for text, name in fixed.items() if not text.isalpha()}
    free = [t for t in parser.terminals if t.pattern.type == "re" and t.name not in parser.ignore_tokens]
    spaces = [t.pattern.to_regexp() for t in parser.terminals if t.name in parser.ignore_tokens]
    parts = [f"(?P<{SPACE}>{'|'.join(spaces)})", *(f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in free)]
    # Longest first, as `:=` begins with `:`; what is free stands before, as `==` begins with `=`.
    parts.append(f"(?P<{MARK}>{'|'.join(map(re.escape, sorted(marks, key=len, reverse=True)))})")
    # Most tokens have a space behind them, which need not be found by itself.
    return Scanner(re.compile(f"(?:{'|'.join(parts)}) *"), {t: n for t, n in fixed.items() if t not in marks}, marks)


_Step = int | tuple[int, str, Callable[[list[Any]], Any] | None]
"""The next state; or how many values go into a new one, the name of its rule, and what builds it: nothing where the one
value only gets another name.
"""


@dataclass(frozen=True, slots=True)
class Table:
    """lark's table with nothing to look up twice: for each state, what to do on a token, and where to go on a rule."""

    start: int
    end: int
    steps: dict[int, dict[str, Any]]
    renamed: dict[tuple[int, int, str], int]

    def after_names(self, below: int, state: int, kind: str) -> int:
        """The state once the last value has all the names that it gets before the next token, where `below` is the one
        under it.

        A variable is called a term, a sum, a comparison, a condition … in turn: most of the steps of a parser.
        """
        key = (below, state, kind)
        found = self.renamed.get(key)
        if found is None:
            found = state
            while type(step := self.steps[found].get(kind)) is tuple and step[2] is None:
                found = self.steps[below][step[1]]
            self.renamed[key] = found
        return found


@cache
def table() -> Table:
    """The table of the parser, made when first needed."""
    # Here, as in `_made`.
    from lark.parse_tree_builder import ExpandSingleChild

    conf = machine().parser_state.parse_conf
    steps: dict[int, dict[str, _Step]] = {}
    for state, actions in conf.states.items():
        mine: dict[str, _Step] = {}
        for symbol, (action, argument) in actions.items():
            if action.name == "Shift":
                mine[str(symbol)] = argument
                continue
            count, build = len(argument.expansion), conf.callbacks[argument]
            is_name = count == 1 and isinstance(build, ExpandSingleChild)
            mine[str(symbol)] = count, str(argument.origin.name), None if is_name else build
        steps[state] = mine
    return Table(conf.start_state, conf.end_state, steps, {})


@cache
def marks_of_terminals() -> dict[str, str]:
    """How each terminal that is a fixed text is written."""
    return {terminal.name: terminal.pattern.value for terminal in _lark().terminals if terminal.pattern.type == "str"}
