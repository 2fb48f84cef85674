"""From policy text to the syntax tree: a strict subset of what oso 0.27.3 reads, with the same meaning.

The grammar is `grammar.lark`. Polar also decides while it reads what is a value and what a condition: `f(x) + 1`,
`a < b < c` and `1 and x` are errors of the text, not of a run. Deep and long text is refused here, so that no later
stage, and not oso, must recurse or wait for it.
"""

from __future__ import annotations

import math
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import lark

from sealauthz.errors import BundleRefused
from sealauthz.polar import messages
from sealauthz.polar.messages import END, REFUSED_WORDS, excerpt
from sealauthz.polar.source import FILES_REMEMBERED, Source
from sealauthz.polar.syntax import (
    And,
    Arithmetic,
    Assign,
    Attribute,
    BlockNode,
    Call,
    Compare,
    DictPattern,
    DictTerm,
    Forall,
    In,
    ListTerm,
    Literal,
    Matches,
    Not,
    Or,
    Parameter,
    Pattern,
    Place,
    RuleNode,
    RuleTypeNode,
    Shorthand,
    Statement,
    Term,
    TypePattern,
    Unify,
    Variable,
)

__all__ = ["MAX_CONDITIONS", "MAX_DEPTH", "MAX_FILE_BYTES", "excerpt", "parse"]

MAX_FILE_BYTES = 1_000_000
MAX_DEPTH = 60
"""Brackets in brackets, and terms in terms."""
MAX_CONDITIONS = 1_000
"""Parts of one `and` or `or`: oso needs time in the square of their number."""

_GRAMMAR = Path(__file__).with_name("grammar.lark")
_TAG = re.compile(r"#@\s+(?P<ids>[A-Z]+-\d+(?:\s+[A-Z]+-\d+)*)\s*$")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}

# Controls, lone carriage returns, line separators and marks that turn the direction of text: a reviewer would see other
# text than the parser, or other lines.
_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|\r(?!\n)")


@lru_cache(maxsize=FILES_REMEMBERED)
def parse(source: Source) -> tuple[Statement, ...]:
    """Return the statements of a policy file. Raises BundleRefused with file, line and column.

    A reload finds most files unchanged, so the last ones are remembered: what is returned is never changed.
    """
    _refuse_unreadable(source)
    table = _table()
    fed: list[_Token] = []
    open_brackets: list[_Token] = []
    states = [table.start]
    values: list[Any] = []
    for token in _tokens(source):
        fed.append(token)
        kind = token.type
        while True:
            step = table.steps[states[-1]].get(kind)
            if type(step) is int:
                states.append(step)
                values.append(token)
                break
            if step is None:
                raise _unexpected(fed, open_brackets)
            count, origin, build = step
            if count:
                children = values[-count:]
                del values[-count:], states[-count:]
            else:
                children = []
            states.append(table.steps[states[-1]][origin])
            values.append(build(children))
            if kind == END and states[-1] == table.end:
                statements: tuple[Statement, ...] = values[-1]
                return statements
        if kind in _BRACKETS:
            _nest(open_brackets, token)
    raise AssertionError("the last token ends the policy")


def _refuse_unreadable(source: Source) -> None:
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


def _unexpected(fed: list[_Token], open_brackets: Sequence[_Token]) -> BundleRefused:
    """Make the error for the last token.

    An LALR parser may have reduced before it saw that the token does not fit, and then expects less than the grammar
    allows. A second machine that has not seen the token knows better.
    """
    machine = _machine()
    for token in fed[:-1]:
        machine.feed_token(token)
    before = fed[-2] if len(fed) > 1 else None
    message, place = messages.unexpected(fed[-1], before, machine.accepts(), _marks(), open_brackets)
    return BundleRefused(message, place.file, place.line, place.column)


# --- tokens ---------------------------------------------------------------------------------------------------------


class _Token:
    """One token with its place; `tags` are the rulebook ids in force there."""

    __slots__ = ("_column", "_file", "_line", "tags", "text", "type")

    def __init__(self, type_: str, text: str, file: str, line: int, column: int, tags: tuple[str, ...]) -> None:
        self.type, self.text, self.tags = type_, text, tags
        self._file, self._line, self._column = file, line, column

    @property
    def place(self) -> Place:
        """Where it stands; made when asked for, as most tokens are marks that nobody asks."""
        return Place(self._file, self._line, self._column)


def _tokens(source: Source) -> Iterator[_Token]:
    """Yield the tokens of a file, and one that ends it. Raises BundleRefused."""
    file, text = source.file, source.text
    scanner = _scanner()
    tags: tuple[str, ...] = ()
    line, last_line, start_of_line, end = 1, 0, 0, 0
    for read in scanner.pattern.finditer(text):
        start = read.start()
        if start != end:
            break  # what stands between is no token
        end = read.end()
        kind, word = read.lastgroup or "", read.group()
        if kind == _SPACE:
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
            kind = scanner.words.get(word, kind)
            if kind == "NAME":
                _refuse_name(word, file, line, column)
        elif kind == "COMMENT":
            if word.startswith("#@"):
                tags = _tags(word, file, line, column)
            continue
        elif kind == _MARK:
            kind = scanner.marks[word]
        yield _Token(kind, word, file, line, column, tags)
    if end < len(text):
        raise BundleRefused(messages.not_polar(text, end), file, line, end - start_of_line + 1)
    yield _Token(END, "", file, *_line_and_column(text, len(text)), ())


def _refuse_name(name: str, file: str, line: int, column: int) -> None:
    if name in REFUSED_WORDS:
        raise BundleRefused(REFUSED_WORDS[name], file, line, column)
    if name.endswith("::"):
        raise BundleRefused("a name cannot end with `::`", file, line, column)
    if not name.isascii() and not unicodedata.is_normalized("NFKC", name):
        plain = unicodedata.normalize("NFKC", name)
        raise BundleRefused(f"this name must be written in plain letters: `{plain}`", file, line, column)


def _tags(text: str, file: str, line: int, column: int) -> tuple[str, ...]:
    tagged = _TAG.match(text)
    if tagged is None:
        raise BundleRefused("a tag line names rule ids only, as in `#@ U-01 U-26`", file, line, column)
    return tuple(tagged["ids"].split())


def _nest(open_brackets: list[_Token], token: _Token) -> None:
    if token.type in {"LPAR", "LSQB", "LBRACE"}:
        open_brackets.append(token)
        if len(open_brackets) > MAX_DEPTH:
            raise _refusal(f"brackets nest deeper than {MAX_DEPTH}", token.place)
    elif token.type in {"RPAR", "RSQB", "RBRACE"}:
        open_brackets.pop()


# --- the tree -------------------------------------------------------------------------------------------------------


class _Sort(Enum):
    """What Polar knows of a term while it reads: a variable, an attribute or a boolean may be either."""

    VALUE = auto()
    CONDITION = auto()
    EITHER = auto()


_Node = TypeVar("_Node", Term, Pattern)


@dataclass(slots=True)
class _Part(Generic[_Node]):
    """A term or pattern while the tree grows; `place` is that of its first character, brackets included."""

    node: _Node
    sort: _Sort
    depth: int
    place: Place


_Term = _Part[Term]
_Field = tuple[_Token, _Term]


class _Tree:
    """What to build for each rule of the grammar: one method per rule or alias, called with what the rule matched.

    Methods keep no state: one tree serves all parses.
    """

    # Statements.

    def policy(self, children: list[Statement]) -> tuple[Statement, ...]:
        return tuple(children)

    def rule(self, children: list[Any]) -> RuleNode:
        name, parameters, *body = children
        return RuleNode(name.text, parameters, body[0] if body else None, name.tags, name.place)

    def rule_type(self, children: list[Any]) -> RuleTypeNode:
        keyword, name, parameters = children
        return RuleTypeNode(name.text, parameters, keyword.place)

    def parameters(self, children: list[Parameter]) -> tuple[Parameter, ...]:
        return tuple(children)

    def parameter(self, children: list[Any]) -> Parameter:
        if len(children) == 1:
            return Parameter(_value(children[0]), None, children[0].place)
        name, pattern = children
        return Parameter(Variable(name.text, name.place), _of_class(pattern.node), name.place)

    def condition(self, children: list[_Term]) -> Term:
        return _condition(children[0])

    # Blocks.

    def block(self, children: list[Any]) -> BlockNode:
        keyword, name, *entries = children
        if keyword.text not in {"actor", "resource"}:
            raise _refusal(f"expected `actor` or `resource`, found `{keyword.text}`", keyword.place)
        found: dict[str, Any] = {}
        shorthands: list[Shorthand] = []
        for entry in entries:
            if isinstance(entry, Shorthand):
                shorthands.append(entry)
                continue
            declared, content = entry
            if declared.text in found:
                raise _refusal(f"`{name.text}` declares its {declared.text} twice", declared.place)
            found[declared.text] = content
        return BlockNode(
            keyword.text,
            name.text,
            found.get("roles"),
            found.get("permissions"),
            found.get("relations"),
            tuple(shorthands),
            keyword.tags,
            keyword.place,
        )

    def strings(self, children: list[_Token]) -> tuple[_Token, tuple[Literal, ...]]:
        name, _, *strings = children
        if name.text == "relations":
            raise _refusal("`relations` stand between `{` and `}`: names with their types", name.place)
        if name.text not in {"roles", "permissions"}:
            raise _refusal(f"a block declares roles, permissions and relations, not `{name.text}`", name.place)
        return name, tuple(_string(token) for token in strings)

    def relations(self, children: list[Any]) -> tuple[_Token, tuple[tuple[str, str, Place], ...]]:
        name, _, *relations = children
        if name.text in {"roles", "permissions"}:
            raise _refusal(f"`{name.text}` stand between `[` and `]`: a list of strings", name.place)
        if name.text != "relations":
            raise _refusal(f"a block declares roles, permissions and relations, not `{name.text}`", name.place)
        _refuse_twice([key for key, _ in relations])
        return name, tuple((key.text, related.text, key.place) for key, related in relations)

    def relation(self, children: list[_Token]) -> tuple[_Token, _Token]:
        return children[0], children[1]

    def shorthand(self, children: list[_Token]) -> Shorthand:
        implied, implier, *on = children
        if not on:
            return Shorthand(_string(implied), _string(implier), None, implied.place)
        word, relation = on
        if word.text != "on":
            raise _refusal(f"expected `on` or `;`, found `{word.text}`", word.place)
        return Shorthand(_string(implied), _string(implier), _string(relation), implied.place)

    # Conditions.

    def disjunction(self, children: list[_Term]) -> _Term:
        place = children[0].place
        return _part(Or(_conditions(children), place), _Sort.CONDITION, place, children)

    def conjunction(self, children: list[_Term]) -> _Term:
        place = children[0].place
        return _part(And(_conditions(children), place), _Sort.CONDITION, place, children)

    def not_(self, children: list[Any]) -> _Term:
        word, part = children
        return _part(Not(_condition(part), word.place), _Sort.CONDITION, word.place, [part])

    def forall(self, children: list[Any]) -> _Term:
        word, condition, action = children
        node = Forall(_condition(condition), _condition(action), word.place)
        return _part(node, _Sort.CONDITION, word.place, [condition, action])

    def unify(self, children: list[_Term]) -> _Term:
        left, right = children
        return _part(Unify(_value(left), _value(right), left.place), _Sort.CONDITION, left.place, children)

    def assign(self, children: list[Any]) -> _Term:
        name, part = children
        node = Assign(Variable(name.text, name.place), _value(part), name.place)
        return _part(node, _Sort.CONDITION, name.place, [part])

    def compare(self, children: list[Any]) -> _Term:
        left, operator, right = children
        if isinstance(left.node, Compare):
            raise _refusal(messages.no_chain(operator.text), operator.place)
        node = Compare(operator.text, _value(left), _value(right), left.place)
        return _part(node, _Sort.CONDITION, left.place, [left, right])

    def in_(self, children: list[_Term]) -> _Term:
        item, collection = children
        return _part(In(_value(item), _value(collection), item.place), _Sort.CONDITION, item.place, children)

    def matches(self, children: list[Any]) -> _Term:
        term, pattern = children
        node = Matches(_value(term), _of_class(pattern.node), term.place)
        return _part(node, _Sort.CONDITION, term.place, children)

    def call(self, children: list[Any]) -> _Term:
        name, arguments = children
        return _part(Call(name.text, _values(arguments), name.place), _Sort.CONDITION, name.place, arguments)

    # Values.

    def arithmetic(self, children: list[Any]) -> _Term:
        left, operator, right = children
        node = Arithmetic(operator.text, _value(left), _value(right), left.place)
        return _part(node, _Sort.VALUE, left.place, [left, right])

    def attribute(self, children: list[Any]) -> _Term:
        base, name = children
        return _attribute(base, name, None, [base])

    def method(self, children: list[Any]) -> _Term:
        base, name, arguments = children
        return _attribute(base, name, _values(arguments), [base, *arguments])

    def arguments(self, children: list[_Term]) -> list[_Term]:
        return children

    def variable(self, children: list[_Token]) -> _Term:
        place = children[0].place
        return _Part(Variable(children[0].text, place), _Sort.EITHER, 1, place)

    def rest(self, children: list[_Token]) -> Variable:
        return Variable(children[0].text, children[0].place)

    def list_(self, children: list[Any]) -> _Term:
        bracket, items, rest = _items(children)
        return _part(ListTerm(_values(items), rest, bracket.place), _Sort.VALUE, bracket.place, items)

    def dictionary(self, children: list[Any]) -> _Term:
        brace, *fields = children
        _refuse_twice([key for key, _ in fields])
        node = DictTerm(tuple((key.text, _value(part)) for key, part in fields), brace.place)
        return _part(node, _Sort.VALUE, brace.place, [part for _, part in fields])

    def field(self, children: list[Any]) -> _Field:
        # `{name}` is short for `{name: name}`.
        return (children[0], children[1]) if len(children) == 2 else (children[0], self.variable(children))

    def literal(self, children: list[_Token]) -> _Term:
        token = children[-1]
        place = children[0].place
        if token.type == "STRING":
            return _Part(_string(token), _Sort.VALUE, 1, place)
        if token.type == "NUMBER":
            number = _number(token)
            return _Part(Literal(-number if children[0].text == "-" else number, place), _Sort.VALUE, 1, place)
        return _Part(Literal(token.type == "TRUE", place), _Sort.EITHER, 1, place)

    def group(self, children: list[Any]) -> _Term:
        bracket, part = children
        return _Part(part.node, part.sort, part.depth, bracket.place)

    # Patterns.

    def list_pattern(self, children: list[Any]) -> _Part[Pattern]:
        bracket, items, rest = _items(children)
        for item in items:
            if isinstance(item.node, TypePattern | DictPattern):
                raise _refusal("inside the list of a pattern stand literals, variables and lists", item.place)
        node = ListTerm(tuple(item.node for item in items), rest, bracket.place)
        return _part(node, _Sort.VALUE, bracket.place, items)

    def field_pattern(self, children: list[Any]) -> _Part[Pattern]:
        name = children[0] if children[0].type == "NAME" else None
        fields: list[tuple[_Token, _Part[Pattern]]] = children[2:] if name else children[1:]
        _refuse_twice([key for key, _ in fields])
        for key, _ in fields:
            _refuse_private(key)
        place = children[0].place
        contents = tuple((key.text, part.node) for key, part in fields)
        node = TypePattern(name.text, contents, place) if name else DictPattern(contents, place)
        return _part(node, _Sort.VALUE, place, [part for _, part in fields])

    pattern_field = field


def _part(node: _Node, sort: _Sort, place: Place, inner: Sequence[_Part[Any]]) -> _Part[_Node]:
    depth = 1 + max((part.depth for part in inner), default=0)
    if depth > MAX_DEPTH:
        raise _refusal(f"terms nest deeper than {MAX_DEPTH}", place)
    return _Part(node, sort, depth, place)


def _value(part: _Term) -> Term:
    if part.sort is _Sort.CONDITION:
        raise _refusal(messages.no_value(part.node), part.place)
    return part.node


def _condition(part: _Term) -> Term:
    if part.sort is _Sort.VALUE:
        raise _refusal(messages.no_condition(part.node), part.place)
    return part.node


def _values(parts: Sequence[_Term]) -> tuple[Term, ...]:
    return tuple(_value(part) for part in parts)


def _conditions(parts: Sequence[_Term]) -> tuple[Term, ...]:
    if len(parts) > MAX_CONDITIONS:
        raise _refusal(f"one `and` or `or` joins at most {MAX_CONDITIONS} conditions", parts[MAX_CONDITIONS].place)
    return tuple(_condition(part) for part in parts)


def _attribute(base: _Term, name: _Token, arguments: tuple[Term, ...] | None, inner: Sequence[_Term]) -> _Term:
    _refuse_private(name)
    return _part(Attribute(_value(base), name.text, arguments, name.place), _Sort.EITHER, base.place, inner)


def _items(children: list[Any]) -> tuple[_Token, list[Any], Variable | None]:
    bracket, *items = children
    rest = items.pop() if items and isinstance(items[-1], Variable) else None
    return bracket, items, rest


def _of_class(pattern: Pattern) -> Pattern:
    """A name that stands alone as a pattern is the name of a class."""
    return TypePattern(pattern.name, (), pattern.place) if isinstance(pattern, Variable) else pattern


def _string(token: _Token) -> Literal:
    content = token.text[1:-1]
    if "\\" in content:
        content = _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), content)
    return Literal(content, token.place)


def _number(token: _Token) -> int | float:
    text = token.text
    if text.isdigit():
        digits = text.lstrip("0") or "0"
        # Cut first: converting thousands of digits is slow, and Python refuses it.
        number = int(digits[:20])
        if number >= 2**63:
            raise _refusal(f"a whole number is at most {2**63 - 1}", token.place)
        return number
    try:
        value = float(text)
    except ValueError:
        raise _refusal(f"`{text}` is no number", token.place) from None
    if math.isinf(value):
        raise _refusal("this number is too large", token.place)
    return value


def _refuse_private(name: _Token) -> None:
    if name.text.startswith("_"):
        raise _refusal(f"`{name.text}` is not an attribute of a fact", name.place)


def _refuse_twice(keys: Sequence[_Token]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key.text in seen:
            raise _refusal(f"the key `{key.text}` stands twice", key.place)
        seen.add(key.text)


def _refusal(message: str, place: Place) -> BundleRefused:
    return BundleRefused(message, place.file, place.line, place.column)


# --- the parser -----------------------------------------------------------------------------------------------------


class _Comments:
    """Makes lark keep comments, which no rule of the grammar mentions."""

    always_accept = ("COMMENT",)

    def process(self, stream: Iterator[lark.Token]) -> Iterator[lark.Token]:
        return stream


_making = threading.Lock()


@cache
def _made() -> lark.Lark:
    return lark.Lark(
        _GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        lexer="basic",
        start="policy",
        postlex=_Comments(),
        transformer=_Tree(),
    )


def _lark() -> lark.Lark:
    """The parser, made when it is first needed."""
    with _making:
        return _made()


def _machine() -> Any:
    """A machine that takes token by token. Of a token it reads only `type`, so that ours can carry their places."""
    return _lark().parse_interactive()


_SPACE, _MARK = "SPACE", "MARK"
_BRACKETS = frozenset({"LPAR", "LSQB", "LBRACE", "RPAR", "RSQB", "RBRACE"})


@dataclass(frozen=True, slots=True)
class _Scanner:
    """The terminals of the grammar as one expression, with the names of words and marks that are fixed texts.

    lark's own lexer reads the same, at a quarter of the speed.
    """

    pattern: re.Pattern[str]
    words: dict[str, str]
    marks: dict[str, str]


@cache
def _scanner() -> _Scanner:
    parser = _lark()
    fixed = {t.pattern.value: t.name for t in parser.terminals if t.pattern.type == "str"}
    marks = {text: name for text, name in fixed.items() if not text.isalpha()}
    free = [t for t in parser.terminals if t.pattern.type == "re" and t.name not in parser.ignore_tokens]
    spaces = [t.pattern.to_regexp() for t in parser.terminals if t.name in parser.ignore_tokens]
    parts = [f"(?P<{_SPACE}>{'|'.join(spaces)})", *(f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in free)]
    # Longest first, as `:=` begins with `:`; what is free stands before, as `==` begins with `=`.
    parts.append(f"(?P<{_MARK}>{'|'.join(map(re.escape, sorted(marks, key=len, reverse=True)))})")
    return _Scanner(re.compile("|".join(parts)), {t: n for t, n in fixed.items() if t not in marks}, marks)


_Step = int | tuple[int, str, Callable[[list[Any]], Any]]
"""The next state; or how many values go into a new one, the name of its rule, and what builds it."""


@dataclass(frozen=True, slots=True)
class _Table:
    """lark's table with nothing to look up twice: for each state, what to do on a token, and where to go on a rule."""

    start: int
    end: int
    steps: dict[int, dict[str, Any]]


@cache
def _table() -> _Table:
    conf = _machine().parser_state.parse_conf
    steps: dict[int, dict[str, _Step]] = {}
    for state, actions in conf.states.items():
        mine: dict[str, _Step] = {}
        for symbol, (action, argument) in actions.items():
            is_shift = action.name == "Shift"
            rule = argument
            mine[str(symbol)] = (
                argument if is_shift else (len(rule.expansion), str(rule.origin.name), conf.callbacks[rule])
            )
        steps[state] = mine
    return _Table(conf.start_state, conf.end_state, steps)


@cache
def _marks() -> dict[str, str]:
    """How each terminal that is a fixed text is written."""
    return {terminal.name: terminal.pattern.value for terminal in _lark().terminals if terminal.pattern.type == "str"}
