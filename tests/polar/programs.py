"""Random policies, random facts and random questions, for the law that both engines agree.

A program is drawn from a source of choices: a seeded random generator for long runs, Hypothesis for short ones, which
then shrinks. Most programs are such that the compiler takes them: values are bound before they are used.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from colliding import NAMES, RULES, changed, leaves, respelled
from hypothesis import strategies as st

from sealauthz.polar.groups import expanded, is_shorthand
from sealauthz.polar.runtime import FREE
from sealauthz.polar.syntax import (
    And,
    Arithmetic,
    Assign,
    Attribute,
    BlockNode,
    Call,
    Compare,
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
    Shorthand,
    Statement,
    Term,
    TypePattern,
    Unify,
    Variable,
)
from sealauthz.polar.terms import variables
from sealauthz.polar.unparse import written_statement
from sealauthz.runtime.errors import BundleRefused
from sealauthz.schema import Action, Collection, Model, Part, extended, shape_of
from sealauthz.schema.declaring import extension_from
from sealauthz.schema.record import many, one
from sealauthz.schema.rules import Tenant

T = TypeVar("T")

# --- classes --------------------------------------------------------------------------------------------------------


def _record(cls: type[T]) -> type[T]:
    """Make a class a record without adding it to the records of the product."""
    made = dataclass(slots=True)(cls)
    made.__record__ = ((), "", Tenant(), False)  # type: ignore[attr-defined]
    return made


@_record
class Team:
    id: str
    name: str
    size: int
    is_open: bool
    motto: str | None
    parent_id: str | None
    boss_id: str | None
    parent: Team | None = one("parent_id")
    boss: Person | None = one("boss_id")
    members: list[Person] = many("team_id")
    subteams: list[Team] = many("parent_id")


@_record
class Person:
    id: str
    name: str
    age: int
    is_active: bool
    nick: str | None
    rank: int | None
    team_id: str
    friend_id: str | None
    team: Team = one("team_id")
    friend: Person | None = one("friend_id")
    docs: list[Doc] = many("owner_id")


@_record
class Doc:
    id: str
    title: str
    level: int
    is_secret: bool
    tag: str | None
    owner_id: str
    team_id: str | None
    owner: Person = one("owner_id")
    team: Team | None = one("team_id")
    notes: list[Note] = many("doc_id")


@_record
class Note:
    id: str
    text: str
    level: int
    is_done: bool
    doc_id: str
    author_id: str | None
    doc: Doc = one("doc_id")
    author: Person | None = one("author_id")


@dataclass(slots=True)
class Ctx:
    now: int
    caller: str
    limit: int | None = None
    rate: float = 1.0


@dataclass(slots=True)
class SignCtx(Ctx):
    task: Doc | None = None
    is_urgent: bool = False


@dataclass(slots=True)
class Numbers:
    """The parameters of a model, which no program reads."""


ADDED = """
[columns.Person]
score = { type = "Integer", default = 0 }
alias = "String"
is_watched = { type = "Boolean", default = false }

[columns.Doc]
mark = "Integer"

[records.Remark]
home = "doc_id"
columns.doc_id = { names = "Doc", collection = "remarks" }
columns.author_id = { names = "Person", optional = true }
columns.text = "String"
columns.level = { type = "Integer", default = 1 }
columns.tag = { type = "String", optional = true }
columns.is_done = { type = "Boolean", default = false }

[context.Doc.sign]
remark = "Remark"
level = "Integer"
"""
"""What policies may add to the records of the programs."""


def _classes() -> tuple[dict[str, type], tuple[type, ...]]:
    """The records and the plain classes of the programs: of a copy of this module (extended_programs.py), extended."""
    records = (Team, Person, Doc, Note)
    if __name__ != "extended_programs":
        return {cls.__name__: cls for cls in records}, (Ctx, SignCtx)
    parts = (Part(records, (Action("look", "Doc", Ctx), Action("sign", "Doc", SignCtx))),)
    model = extended(Model("programs", parts, Ctx, Numbers), extension_from(ADDED))
    return dict(model.records), model.contexts


RECORDS, PLAIN = _classes()
_ADDED = tuple(name for name in RECORDS if name not in ("Team", "Person", "Doc", "Note"))
CLASSES: tuple[type, ...] = (*RECORDS.values(), *PLAIN)
_REFS = {"parent_id": "Team", "boss_id": "Person", "team_id": "Team", "friend_id": "Person", "owner_id": "Person"}
_REFS |= {"doc_id": "Doc", "author_id": "Person"}


@dataclass(frozen=True)
class Kind:
    """What a value is: the name of a class, `str`, `int`, `bool` or `float`; or a list of them; or possibly None."""

    name: str
    is_optional: bool = False
    is_list: bool = False


def _kinds() -> dict[str, dict[str, Kind]]:
    found: dict[str, dict[str, Kind]] = {}
    for name, cls in RECORDS.items():
        shape = shape_of(cls)
        kinds = {column.name: Kind(column.type.__name__, column.is_optional) for column in shape.columns}
        for relation in shape.relations:
            is_optional = relation.is_one and shape.column(relation.key).is_optional
            kinds[relation.name] = Kind(relation.record, is_optional, not relation.is_one)
        found[name] = {n: k for n, k in kinds.items() if not n.endswith("_id")}
    context = {"now": Kind("int"), "caller": Kind("str"), "limit": Kind("int", True), "rate": Kind("float")}
    found["Ctx"] = context
    found["SignCtx"] = context | {"task": Kind("Doc", True), "is_urgent": Kind("bool")}
    if _ADDED:
        found["SignCtx"] |= {"remark": Kind("Remark", True), "level": Kind("int", True)}
    return found


ATTRIBUTES = _kinds()
_NAMES = tuple(ATTRIBUTES)
_SCALARS = ("str", "int", "bool")


def _paths() -> dict[str, dict[Kind, list[tuple[str, ...]]]]:
    """For each class: the attributes, and attributes of attributes, that give a value of a kind."""
    found: dict[str, dict[Kind, list[tuple[str, ...]]]] = {}
    for name, attributes in ATTRIBUTES.items():
        paths = found[name] = {}
        for first, kind in attributes.items():
            paths.setdefault(kind, []).append((first,))
            if kind.is_list or kind.is_optional or kind.name not in ATTRIBUTES:
                continue
            for second, other in ATTRIBUTES[kind.name].items():
                paths.setdefault(other, []).append((first, second))
    return found


_PATHS = _paths()

# --- choices --------------------------------------------------------------------------------------------------------


class Choices(Protocol):
    """Where decisions come from."""

    def below(self, count: int) -> int:
        """A number from 0 to below `count`; the smaller, the simpler."""
        ...


class Seeded:
    """Choices of a random generator."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, count: int) -> int:
        return int(self._random.random() * count)


class Drawn:
    """Choices of Hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def below(self, count: int) -> int:
        return self._draw(st.integers(0, count - 1))


# --- worlds ---------------------------------------------------------------------------------------------------------

Row = tuple[str, Mapping[str, Any]]
"""The class of a record, and its columns."""

NAMING = ("a", "b", "c", "member")
"""Strings for heads of rules: there they are names, and names are ASCII."""

STRINGS = (*NAMING, "印")
INTEGERS = (0, 1, 2, 3)
FLOATS = (1.0, 2.0, 0.0, -0.0, 1.5)
ODD = (None, True, 1, 1.0, False, 0.0, 0, 2.0, "1", -1, 9007199254740993, 9007199254740992.0)
"""Values that stand where those of another type are expected, most of which equal some of them to Python."""

NUMBERS = (1, 1.0, True, 0, 0.0, 2)
"""Numbers of which two are equal, and not of one type."""

_NUMBER = Kind("number")


@dataclass(frozen=True)
class RecordId:
    """An argument that is the record of an id."""

    id: str

    def __repr__(self) -> str:
        return self.id


@dataclass(frozen=True)
class Plain:
    """An argument that is an instance of a plain class."""

    cls: str
    values: tuple[tuple[str, Any], ...]


def wired(rows: Sequence[Row]) -> dict[str, Any]:
    """Make the records of rows, by id, and connect them. A key that names nothing leads to None."""
    made = {values["id"]: RECORDS[name](**values) for name, values in rows}
    for record in made.values():
        for relation in shape_of(type(record)).relations:
            if relation.is_one:
                setattr(record, relation.name, made.get(getattr(record, relation.key)))
            else:
                members = [
                    other
                    for other in made.values()
                    if type(other).__name__ == relation.record and getattr(other, relation.key) == record.id
                ]
                setattr(record, relation.name, Collection(members))
    return made


# --- programs -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """What is asked: a rule with arguments, some of them FREE."""

    rule: str
    arguments: tuple[Any, ...]

    def __repr__(self) -> str:
        shown = ", ".join("FREE" if a is FREE else repr(a) for a in self.arguments)
        return f"{self.rule}({shown})"


@dataclass(frozen=True)
class Program:
    """A policy, the facts it is asked about, and the questions."""

    statements: tuple[Statement, ...]
    rows: tuple[Row, ...]
    questions: tuple[Question, ...]

    @property
    def text(self) -> str:
        return "\n".join(map(written_statement, self.statements)) + "\n"

    @property
    def oso_text(self) -> str:
        """The same policy as oso gets it right: see docs/polar-differences.md."""
        try:
            plain = expanded(self.statements).statements
        except BundleRefused:
            plain = tuple(statement for statement in self.statements if not is_shorthand(statement))
        return "\n".join(written_statement(_with_bound_arguments(s)) for s in plain) + "\n"

    def __str__(self) -> str:
        rows = "\n".join(
            f"  {name}({', '.join(f'{k}={v!r}' for k, v in values.items())})" for name, values in self.rows
        )
        return f"{self.text}--- world\n{rows}\n--- questions\n" + "\n".join(f"  {q!r}" for q in self.questions)


def value_of(argument: Any, world: Mapping[str, Any]) -> Any:
    """The value that an argument of a question stands for."""
    if isinstance(argument, RecordId):
        return world[argument.id]
    if isinstance(argument, Plain):
        cls = {c.__name__: c for c in PLAIN}[argument.cls]
        return cls(**{name: value_of(value, world) for name, value in argument.values})
    return argument


def _with_bound_arguments(statement: Statement) -> Statement:
    """Bind attributes and sums to variables before a `forall`, or a list or dictionary that is compared, uses them."""
    if not isinstance(statement, RuleNode) or statement.body is None:
        return statement
    count = 0

    def plain(term: Term, goals: list[Term]) -> Term:
        """The term with variables for what it reads or calculates, and the goals that bind them."""
        nonlocal count
        match term:
            case Attribute(_, _, _, place) | Arithmetic(_, _, _, place):
                count += 1
                goals.append(Unify(Variable(f"bound{count}", place), term, place))
                return Variable(f"bound{count}", place)
            case ListTerm(items, rest, place):
                return ListTerm(tuple(plain(item, goals) for item in items), rest, place)
            case DictTerm(fields, place):
                return DictTerm(tuple((key, plain(value, goals)) for key, value in fields), place)
            case _:
                return term

    def bound(term: Term, is_in_forall: bool) -> Term:
        goals: list[Term] = []
        match term:
            case Call(name, arguments, place) if is_in_forall:
                goals.append(Call(name, tuple(plain(argument, goals) for argument in arguments), place))
            case Not(inner, place):
                return Not(bound(inner, is_in_forall), place)
            case And(parts, place):
                return And(tuple(bound(part, is_in_forall) for part in parts), place)
            case Or(parts, place):
                return Or(tuple(bound(part, is_in_forall) for part in parts), place)
            case Forall(condition, action, place):
                return Forall(bound(condition, True), bound(action, True), place)
            case Unify(left, right, place) if is_in_forall or isinstance(left, ListTerm | DictTerm):
                if isinstance(left, Variable) or isinstance(right, Variable):
                    return term
                goals.append(Unify(plain(left, goals), plain(right, goals), place))
            case Compare(sign, left, right, place) if is_in_forall:
                goals.append(Compare(sign, plain(left, goals), plain(right, goals), place))
            case In(left, right, place) if is_in_forall:
                goals.append(In(plain(left, goals), plain(right, goals), place))
            case Matches(inner, pattern, place) if is_in_forall:
                goals.append(Matches(plain(inner, goals), pattern, place))
            case Attribute() if is_in_forall:
                goals.append(plain(term, goals))
            case _:
                return term
        return _and(goals)

    return dataclasses.replace(statement, body=bound(statement.body, False))


# --- writing programs -----------------------------------------------------------------------------------------------

_AT = Place("p.polar", 1, 1)
_NIL = Variable("nil", _AT)
_POLAR_NAMES = {"str": "String", "int": "Integer", "bool": "Boolean", "float": "Float"}
CLASS_NAMES = (*RECORDS, *(cls.__name__ for cls in PLAIN), *_POLAR_NAMES.values(), "List", "Dictionary")


@dataclass(frozen=True)
class Signature:
    """How a rule is to be called: the kinds of its parameters, and which of them it finds."""

    name: str
    kinds: tuple[Kind, ...]
    outs: tuple[bool, ...]
    is_callable: bool = True


Env = dict[str, Kind]


def _literal(value: str | int | float | bool) -> Literal:
    return Literal(value, _AT)


def _constant(value: str | int | float | bool | None) -> Term:
    return _NIL if value is None else Literal(value, _AT)


def _and(goals: Sequence[Term]) -> Term:
    return goals[0] if len(goals) == 1 else And(tuple(goals), _AT)


def _texts(words: Sequence[str]) -> ListTerm:
    return ListTerm(tuple(map(_literal, words)), None, _AT)


def _fact(name: str, *terms: Term | str) -> RuleNode:
    """A fact; a name among its terms is a type."""
    parameters = (
        Parameter(Variable("_", _AT), TypePattern(each, (), _AT), _AT)
        if isinstance(each, str)
        else Parameter(each, None, _AT)
        for each in terms
    )
    return RuleNode(name, tuple(parameters), None, (), _AT)


class _Writer:
    """Writes one program."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._signatures: list[Signature] = []
        self._asked = 0
        self._variables = 0
        self._unions: dict[str, tuple[str, ...]] = {}
        self._spelled: tuple[str, ...] = NAMES if self._percent(30) else ()
        self._first_name = self._choices.below(len(self._spelled)) if self._spelled else 0
        self._has_classes = self._percent(4)

    # Choosing.

    def _pick(self, options: Sequence[T]) -> T:
        return options[self._choices.below(len(options))]

    def _percent(self, percent: int) -> bool:
        return self._choices.below(100) >= 100 - percent

    def _fresh(self, env: Env | None = None) -> str:
        """A name for a variable: a new one, or one that has no value here."""
        if env is not None and self._percent(5):
            used = [
                name
                for name in (self._name(n) for n in range(max(1, self._variables - 4), self._variables))
                if name not in env
            ]
            if used:
                return self._pick(used)
        self._variables += 1
        return self._name(self._variables)

    def _name(self, number: int) -> str:
        if not self._spelled:
            return f"v{number}"
        return self._spelled[(self._first_name + number) % len(self._spelled)]

    def _rule_name(self, plain: str) -> str:
        """A name for a rule that no other has."""
        if not self._spelled or self._percent(40):
            return plain
        name = self._pick(RULES)
        return name if all(signature.name != name for signature in self._signatures) else plain

    # Worlds.

    def _scalar(self, name: str) -> Any:
        return self._pick({"str": STRINGS, "int": INTEGERS, "bool": (True, False), "float": FLOATS}[name])

    def _head_scalar(self, name: str) -> Any:
        return self._pick(NAMING) if name == "str" else self._scalar(name)

    def world(self) -> tuple[Row, ...]:
        counts = {"Team": 1 + self._choices.below(2), "Person": 1 + self._choices.below(3)}
        counts |= {"Doc": 1 + self._choices.below(3), "Note": 1 + self._choices.below(2)}
        if _ADDED:
            counts["Remark"] = self._choices.below(4)
        # From some size on, collections are looked up by column.
        if self._percent(4):
            counts["Note"] = 14
        if self._percent(4):
            counts["Note"] = 0
        if self._percent(3):
            counts["Person"] = 15
        rows: list[Row] = []
        for name, count in counts.items():
            for number in range(count):
                values: dict[str, Any] = {}
                for column in shape_of(RECORDS[name]).columns:
                    if column.name == "id":
                        values["id"] = f"{name.lower()}{number}"
                    elif column.name == "parent_id":
                        # Never a cycle: a recursion over it ends.
                        values["parent_id"] = f"team{number - 1}" if number and self._percent(70) else None
                    elif column.is_optional and self._percent(25):
                        values[column.name] = None
                    elif column.name in _REFS:
                        target = _REFS[column.name]
                        values[column.name] = f"{target.lower()}{self._choices.below(counts[target])}"
                    else:
                        values[column.name] = self._scalar(column.type.__name__)
                rows.append((name, values))
        return tuple(rows)

    # Values.

    def _bound(self, env: Env, kind: Kind) -> list[str]:
        return [name for name, other in env.items() if other == kind]

    def _paths(self, env: Env, kind: Kind) -> Iterator[Term]:
        for name, owner in env.items():
            if owner.name in _PATHS and not owner.is_list and not owner.is_optional:
                for path in _PATHS[owner.name].get(kind, ()):
                    term: Term = Variable(name, _AT)
                    for attribute in path:
                        term = Attribute(term, attribute, None, _AT)
                    yield term

    def _value(self, env: Env, kind: Kind) -> Term | None:
        """A term for a value of a kind; None where there is none."""
        if kind == _NUMBER:
            return _literal(self._pick(NUMBERS))
        options: list[Term] = [Variable(name, _AT) for name in self._bound(env, kind)] * 3
        options += self._paths(env, kind)
        if not kind.is_optional and self._percent(10):
            options += self._paths(env, Kind(kind.name, True, kind.is_list))
        if kind.name == "int" and not kind.is_list and self._percent(10):
            options += [*self._paths(env, Kind("float")), _literal(self._scalar("float"))]
        if self._percent(2) and not kind.is_list:
            return _constant(self._pick(ODD))
        if self._has_classes and self._percent(6):
            return Variable(self._pick(CLASS_NAMES), _AT)
        if kind.name in _SCALARS and not kind.is_list:
            options += [_literal(self._scalar(kind.name))] * 2
        if not options:
            return None
        chosen = self._pick(options)
        if kind == Kind("int") and self._percent(8):
            sign = self._pick(("+", "-", "*", "+", "-", "*", "/", "mod", "rem"))
            return Arithmetic(sign, chosen, self._pick(options), _AT)
        if kind.is_optional and self._percent(2):
            return _NIL
        return chosen

    def _some_kind(self, env: Env, is_scalar: bool = False) -> Kind:
        names = _SCALARS if is_scalar or self._percent(50) else ("Team", "Person", "Doc", "Note", *_ADDED)
        return Kind(self._pick(names))

    # Tests.

    def test(self, env: Env, depth: int) -> Term:
        """A condition that binds nothing outside."""
        options: list[Callable[[Env, int], Term | None]] = [
            self._unify_test,
            self._unify_test,
            self._compare,
            self._compare,
            self._flag,
            self._nil_test,
            self._member_test,
            self._matches,
        ]
        if depth:
            options += [
                self._call_test,
                self._call_test,
                self._not,
                self._not,
                self._forall,
                self._or,
                self._or,
                self._and_test,
                self._structure,
                self._guarded,
            ]
        found = self._pick(options)(env, depth - 1)
        return found if found is not None else self._compare(env, 0)

    def _unify_test(self, env: Env, depth: int) -> Term | None:
        kind = self._some_kind(env)
        other = Kind(kind.name, self._percent(25))
        if self._percent(3):
            other = self._some_kind(env)
        left, right = self._value(env, kind), self._value(env, other) or self._value(env, kind)
        if left is None or right is None:
            return None
        return Unify(left, right, _AT) if self._percent(50) else Unify(right, left, _AT)

    def _compare(self, env: Env, depth: int) -> Term:
        kind = Kind(self._pick(_SCALARS))
        signs = ("==", "!=") if kind.name == "bool" else ("==", "!=", "<", "<=", ">", ">=")
        other = Kind(kind.name, self._percent(15))
        if self._percent(2):
            other = self._some_kind(env, True)
        left, right = self._value(env, kind), self._value(env, other) or self._value(env, kind)
        if kind.name != "bool" and left is not None and self._percent(3):
            right = _literal(1.0 if kind.name == "int" else "a")
        return Compare(self._pick(signs), left or _literal(1), right or _literal(2), _AT)

    def _flag(self, env: Env, depth: int) -> Term | None:
        options = [*self._paths(env, Kind("bool")), *(Variable(n, _AT) for n in self._bound(env, Kind("bool")))]
        if self._percent(5):
            options.append(_literal(self._percent(50)))
        return self._pick(options) if options else None

    def _nil_test(self, env: Env, depth: int) -> Term | None:
        kind = Kind(self._pick(("str", "int", "Team", "Person", "Doc")), True)
        value = self._value(env, kind)
        if value is None or isinstance(value, Literal):
            return None
        return Unify(value, _NIL, _AT) if self._percent(60) else Compare(self._pick(("!=", "==")), value, _NIL, _AT)

    def _member_test(self, env: Env, depth: int) -> Term | None:
        kind = self._some_kind(env)
        value = self._value(env, kind)
        collection = self._collection(env, kind)
        return None if value is None or collection is None else In(value, collection, _AT)

    def _collection(self, env: Env, kind: Kind) -> Term | None:
        """Something to look through for values of a kind."""
        walked = list(self._paths(env, Kind(kind.name, False, True)))
        walked += [Variable(name, _AT) for name in self._bound(env, Kind(kind.name, False, True))]
        if walked and self._percent(80):
            return self._pick(walked)
        if kind.name == "str" and self._percent(4):
            return self._value(env, kind)
        items = [self._value(env, kind) for _ in range(self._choices.below(4))]
        if kind.name not in _SCALARS and not any(items):
            return None
        if self._percent(5):
            items.append(self._value(env, Kind(self._pick(_SCALARS))))
        while self._percent(15):
            items.append(_constant(self._pick(ODD)))
        return ListTerm(tuple(item for item in items if item is not None), None, _AT)

    def _matches(self, env: Env, depth: int) -> Term | None:
        kind = self._some_kind(env)
        value = self._value(env, Kind(kind.name, self._percent(50))) or self._value(env, kind)
        if value is None:
            return None
        name = kind.name if self._percent(75) else self._pick((*_NAMES, *_SCALARS))
        if name in _SCALARS and self._percent(30):
            return Matches(value, _literal(self._scalar(name)), _AT)
        fields: tuple[tuple[str, Pattern], ...] = ()
        if name in ATTRIBUTES and self._percent(6):
            field = self._pick(tuple(n for n, k in ATTRIBUTES[name].items() if k.name in _SCALARS))
            fields = ((field, _literal(self._scalar(ATTRIBUTES[name][field].name))),)
        return Matches(value, TypePattern(_POLAR_NAMES.get(name, name), fields, _AT), _AT)

    def _call_test(self, env: Env, depth: int) -> Term | None:
        return self._call(env, lambda signature: [False] * len(signature.kinds), None)

    def _not(self, env: Env, depth: int) -> Term:
        return Not(_and(self._inner(env, depth)), _AT)

    def _inner(self, env: Env, depth: int) -> list[Term]:
        """Conditions that may bind variables of their own."""
        env = dict(env)
        goals: list[Term] = []
        if self._percent(40):
            self._bind_some(env, depth, goals)
        goals.append(self.test(env, depth))
        if self._percent(25):
            goals.append(self.test(env, depth))
        return goals

    def _forall(self, env: Env, depth: int) -> Term:
        inner = dict(env)
        goals: list[Term] = []
        self._bind_some(inner, depth, goals)
        if not goals or self._percent(20):
            goals.append(self.test(inner, depth))
        return Forall(_and(goals), self.test(inner, depth), _AT)

    def _or(self, env: Env, depth: int) -> Term:
        return Or(tuple(_and(self._inner(env, depth)) for _ in range(2 + self._choices.below(2))), _AT)

    def _and_test(self, env: Env, depth: int) -> Term:
        goals = self._inner(env, depth)
        return _and(goals)

    def _guarded(self, env: Env, depth: int) -> Term | None:
        """A value that may be missing, looked at once it is known to be there."""
        kind = self._pick(("Person", "Team", "Doc", "str", "int"))
        value = self._value(env, Kind(kind, True))
        if value is None or isinstance(value, Literal) or value is _NIL:
            return None
        goals: list[Term] = []
        inner = dict(env)
        if self._percent(50):
            name = self._fresh(env)
            goals.append(Unify(Variable(name, _AT), value, _AT))
            value = Variable(name, _AT)
            inner[name] = Kind(kind)
        guard = self._pick(("matches", "!=", "not"))
        if guard == "matches":
            goals.append(Matches(value, TypePattern(_POLAR_NAMES.get(kind, kind), (), _AT), _AT))
        elif guard == "!=":
            goals.append(Compare("!=", value, _NIL, _AT))
        else:
            goals.append(Not(Unify(value, _NIL, _AT), _AT))
        if isinstance(value, Variable):
            goals.append(self.test(inner, depth))
        elif kind in ATTRIBUTES:
            attribute = self._pick(tuple(name for name, k in ATTRIBUTES[kind].items() if k.name in _SCALARS))
            read = Attribute(value, attribute, None, _AT)
            other = self._value(env, ATTRIBUTES[kind][attribute])
            goals.append(
                Unify(read, other or _NIL, _AT) if self._percent(50) else Compare("!=", read, other or _NIL, _AT)
            )
        else:
            goals.append(Compare("<" if self._percent(50) else "==", value, self._value(env, Kind(kind)) or value, _AT))
        return _and(goals)

    def _structure(self, env: Env, depth: int) -> Term | None:
        """Lists and dictionaries that are compared as they are."""
        kinds = [self._some_kind(env) for _ in range(1 + self._choices.below(2))]
        left, right = ([self._value(env, kind) for kind in kinds] for _ in range(2))
        if None in left or None in right:
            return None
        if self._percent(15):
            right = right[:-1]
        ours, theirs = ([v for v in side if v is not None] for side in (left, right))
        if self._percent(50):
            return Unify(ListTerm(tuple(ours), None, _AT), ListTerm(tuple(theirs), None, _AT), _AT)
        keys = ("k", "n")
        return Unify(
            DictTerm(tuple(zip(keys, ours, strict=False)), _AT),
            DictTerm(tuple(zip(keys, theirs, strict=False)), _AT),
            _AT,
        )

    # Bindings.

    def _bind_some(self, env: Env, depth: int, goals: list[Term]) -> None:
        """Bind a new variable to something."""
        kind = self._some_kind(env)
        name = self._fresh(env)
        goal = self.binding(env, name, kind, depth)
        if goal is not None:
            goals.append(goal)
            env[name] = kind

    def binding(self, env: Env, name: str, kind: Kind, depth: int) -> Term | None:
        """A condition that finds values of a kind for a variable; None where there is nothing to find."""
        variable = Variable(name, _AT)
        if kind.name in _SCALARS and self._percent(7):
            # What is known of it is only what it matches.
            odd = [_constant(self._pick(ODD)) for _ in range(1 + self._choices.below(3))]
            listed = ListTerm((*odd, _literal(self._scalar(kind.name))), None, _AT)
            type_ = kind.name if self._percent(75) else self._pick(("int", "float", "bool"))
            found: list[Term] = [In(variable, listed, _AT)]
            found.append(Matches(variable, TypePattern(_POLAR_NAMES[type_], (), _AT), _AT))
            if self._percent(60):
                found.append(Unify(variable, self._value(env, kind) or variable, _AT))
            return _and(found)
        way = self._choices.below(10)
        if way < 4:
            collection = self._collection(env, kind)
            if collection is not None:
                return In(variable, collection, _AT)
        if way < 6:
            called = self._call(env, lambda signature: list(signature.outs), (name, kind))
            if called is not None:
                return called
        if way == 6 and depth > 0:
            branches = []
            for _ in range(2 + self._choices.below(2)):
                goal = self.binding(env, name, kind, depth - 1)
                if goal is None:
                    return None
                inner = {**env, name: kind}
                branches.append(_and([goal, self.test(inner, depth - 1)]) if self._percent(40) else goal)
            return Or(tuple(branches), _AT)
        if way == 7 and depth > 0:
            goal = self.binding(env, name, kind, depth - 1)
            if goal is not None:
                return _and([goal, self.test({**env, name: kind}, depth - 1)])
        if way == 8 and self._percent(4):
            inner = self._value(env, kind)
            if inner is not None:
                held = self._fresh()
                env[held] = Kind("dictionary")
                return _and(
                    [
                        Unify(Variable(held, _AT), DictTerm((("k", inner),), _AT), _AT),
                        Unify(variable, Attribute(Variable(held, _AT), "k", None, _AT), _AT),
                    ]
                )
        value = self._value(env, Kind(kind.name, self._percent(10))) or self._value(env, kind)
        if value is None:
            collection = self._collection(env, kind)
            return None if collection is None else In(variable, collection, _AT)
        if self._percent(10):
            return Assign(variable, value, _AT)
        return Unify(variable, value, _AT) if self._percent(70) else Unify(value, variable, _AT)

    def _call(self, env: Env, free: Callable[[Signature], list[bool]], found: tuple[str, Kind] | None) -> Term | None:
        """A call of a rule; with `found`, of one that finds a value for that variable."""
        options = [s for s in self._signatures if s.is_callable]
        if found is not None:
            options = [s for s in options if any(o and k == found[1] for o, k in zip(s.outs, s.kinds, strict=True))]
        if not options:
            return None
        signature = self._pick(options)
        arguments: list[Term] = []
        is_given = found is None
        for kind, is_out in zip(signature.kinds, free(signature), strict=True):
            if is_out and found is not None and not is_given and kind == found[1]:
                arguments.append(Variable(found[0], _AT))
                is_given = True
            elif is_out and found is not None and is_given and kind == found[1] and self._percent(10):
                arguments.append(Variable(found[0], _AT))
            elif is_out or (found is None and self._percent(1)):
                arguments.append(Variable("_", _AT))
            else:
                value = self._value(env, kind)
                if value is None:
                    return None
                arguments.append(value)
        return Call(signature.name, tuple(arguments), _AT)

    # Rules.

    def rules(self) -> list[Statement]:
        statements: list[Statement] = []
        if self._percent(35):
            statements += self._blocks()
        if self._percent(25):
            statements += self._recursive()
        for number in range(1 + self._choices.below(4)):
            if self._percent(20):
                statements += self._table(self._rule_name(f"t{number}"))
            elif self._percent(12):
                statements += self._pair(self._rule_name(f"r{number}"))
            elif self._percent(8):
                statements += self._loosely_typed(self._rule_name(f"r{number}"))
            elif self._percent(8):
                statements += self._repeated(self._rule_name(f"r{number}"))
            else:
                statements += self._rule(self._rule_name(f"r{number}"))
        if self._percent(20):
            # The order of the text must not matter to what holds.
            statements.append(statements.pop(0))
        return statements

    def groups(self) -> list[Statement]:
        """Groups of actions, what they require and exempt from, and reasons of several requirements; often none."""
        facts: list[Statement] = []
        if not self._percent(25):
            return facts
        for name in ("G", "H")[: 1 + self._choices.below(2)]:
            actions, needs = self._some_strings(), self._some_strings()
            types = ("Doc", "Note")[: 1 + self._choices.below(2)]
            facts += [_fact("group", _literal(name), type_, _texts(actions)) for type_ in types]
            cut = self._choices.below(len(needs))
            facts += [
                _fact("group_requires", _literal(name), _texts(some)) for some in (needs[:cut], needs[cut:]) if some
            ]
            for action in actions:
                for need in needs:
                    if self._percent(25):
                        words = (_literal(name), _literal(action), self._pick(types), _literal(need), _literal("so"))
                        facts.append(_fact("exempt", *words))
        # A line of its own, which a group may state again.
        own = "Team" if any(isinstance(fact, RuleNode) and fact.name == "exempt" for fact in facts) else "Doc"
        facts.append(_fact("requires", _literal(self._pick(NAMING)), own, _literal(self._pick(NAMING))))
        while self._percent(40):
            facts.insert(0, facts.pop(self._choices.below(len(facts))))
        kinds = (Kind("str"), Kind("Doc"), Kind("str"))
        self._signatures.append(Signature("requires", kinds, (True, False, self._percent(50))))
        if self._percent(50):
            clause = self._clause(Signature("because", (Kind("str"), Kind("Doc")), (False, False)))
            listed = Parameter(_texts(self._some_strings()), None, _AT)
            typed = Parameter(clause.parameters[1].term, TypePattern("Doc", (), _AT), _AT)
            if isinstance(typed.term, Variable):
                facts.append(self._tidy(dataclasses.replace(clause, parameters=(listed, typed))))
                self._signatures.append(Signature("because", (Kind("str"), Kind("Doc")), (True, False)))
        return facts

    def _some_strings(self) -> tuple[str, ...]:
        """One string or more, none of them twice."""
        return tuple(dict.fromkeys(self._pick(NAMING) for _ in range(1 + self._choices.below(4))))

    def _table(self, name: str) -> list[Statement]:
        """Facts to look things up in."""
        kinds = tuple(Kind(self._pick(_SCALARS)) for _ in range(1 + self._choices.below(3)))
        rows: list[Statement] = []
        for _ in range(1 + self._choices.below(4)):
            parameters = tuple(Parameter(self._head_value(kind), None, _AT) for kind in kinds)
            rows.append(RuleNode(name, parameters, None, (), _AT))
        self._signatures.append(Signature(name, kinds, tuple(self._percent(50) for _ in kinds)))
        return rows

    def _rule(self, name: str) -> list[Statement]:
        ins = [self._in_kind() for _ in range(1 + self._choices.below(2))]
        outs = [self._some_kind({}) for _ in range((0, 0, 1, 1, 2)[self._choices.below(5)])]
        places = [(kind, False) for kind in ins] + [(kind, True) for kind in outs]
        if self._percent(25):
            places.reverse()
        signature = Signature(name, tuple(kind for kind, _ in places), tuple(is_out for _, is_out in places))
        clauses: list[Statement] = []
        for _ in range(1 + self._choices.below(3)):
            clause = self._clause(signature)
            clauses.append(clause)
            while self._percent(30):
                clause = self._twin(clause)
                clauses.append(clause)
        self._signatures.append(signature)
        return clauses

    def _pair(self, name: str) -> list[Statement]:
        """Rules that begin with the same value, and do not make the same of it."""
        kind = Kind(self._pick(("Person", "Team", "Doc", "Note", "SignCtx", *_ADDED)))
        signature = Signature(name, (Kind("str"), kind), (self._percent(50), False))
        rules: list[Statement] = []
        thing = Variable(self._fresh(), _AT)
        env: Env = {thing.name: kind}
        value = self._value(env, Kind(self._pick(("Person", "Team", "Doc", "str", "int")), True))
        if not isinstance(value, Attribute):
            value = Attribute(thing, self._pick(tuple(ATTRIBUTES[kind.name])), None, _AT)
        for _ in range(2 + self._choices.below(2)):
            said = Parameter(_literal(self._pick(NAMING)) if self._percent(70) else Variable("_", _AT), None, _AT)
            if signature.outs[0] and isinstance(said.term, Variable):
                said = Parameter(_literal("a"), None, _AT)
            found = Variable(self._fresh(), _AT)
            goals: list[Term] = [Unify(found, value, _AT)]
            if self._percent(55):
                goals = [Unify(_NIL if self._percent(75) else _constant(self._pick(ODD)), value, _AT)]
                goals.append(Compare("!=", _literal(self._scalar("str")), _NIL, _AT))
            elif self._percent(50):
                goals.append(Unify(found, _constant(self._pick(ODD)), _AT))
            if self._percent(35):
                goals.append(self.test(env, 1))
            parameters = (said, Parameter(thing, TypePattern(kind.name, (), _AT), _AT))
            rules.append(self._tidy(RuleNode(name, parameters, _and(goals), (), _AT)))
        self._signatures.append(signature)
        return rules

    def _loosely_typed(self, name: str) -> list[Statement]:
        """A rule about a value of which no more is known than the class that it matches."""
        given, value = Variable(self._fresh(), _AT), Variable(self._fresh(), _AT)
        listed = ListTerm(tuple(_constant(self._pick(ODD)) for _ in range(1 + self._choices.below(3))), None, _AT)
        type_ = TypePattern(_POLAR_NAMES[self._pick(("int", "int", "float", "bool"))], (), _AT)
        env: Env = {given.name: Kind("int"), value.name: Kind("int")}
        test = self._pick(
            (
                Unify(value, given, _AT),
                In(value, ListTerm((given, _literal(self._scalar("int"))), None, _AT), _AT),
                Compare("==", Arithmetic("+", value, _literal(1), _AT), given, _AT),
                self.test(env, 1),
            )
        )
        goals: list[Term] = [In(value, listed, _AT), Matches(value, type_, _AT), test]
        if self._percent(30):
            goals = [Not(_and(goals), _AT)]
        pattern = TypePattern(_POLAR_NAMES["int"], (), _AT) if self._percent(50) else None
        self._signatures.append(Signature(name, (Kind("int"),), (False,)))
        return [self._tidy(RuleNode(name, (Parameter(given, pattern, _AT),), _and(goals), (), _AT))]

    def _repeated(self, name: str) -> list[Statement]:
        """Rules whose heads name a variable twice, of another type each time: what is equal is not of one type."""
        rules: list[Statement] = []
        for _ in range(1 + self._choices.below(2)):
            value = Variable(self._fresh(), _AT)
            types = [self._pick((None, "int", "float", "bool")) for _ in range(2)]
            patterns = [type_ and TypePattern(_POLAR_NAMES[type_], (), _AT) for type_ in types]
            body = self.test({value.name: Kind("int")}, 1) if self._percent(30) else None
            parameters = tuple(Parameter(value, pattern, _AT) for pattern in patterns)
            rules.append(self._tidy(RuleNode(name, parameters, body, (), _AT)))
        self._signatures.append(Signature(name, (_NUMBER, _NUMBER), (False, False)))
        return rules

    def _twin(self, rule: RuleNode) -> RuleNode:
        """A rule that begins like another and differs from it in one symbol, or in the names of its variables."""
        without = self._without(rule) if self._percent(35) else None
        if without is not None:
            return self._tidy(without)
        found = [leaf for leaf in leaves(rule.body) if leaf != Variable("_", _AT)]
        if rule.body is not None and found and self._percent(85):
            names = [leaf for leaf in found if isinstance(leaf, Variable)]
            others = [
                _constant(self._pick(ODD)),
                _NIL,
                *(names[: 1 + self._choices.below(len(names))] if names else ()),
            ]
            new = self._pick(others)
            rule = dataclasses.replace(rule, body=changed(rule.body, self._choices.below(len(found)), lambda _: new))
        if self._percent(50):
            rule = respelled(rule, lambda name: name if name in {"_", "nil", *CLASS_NAMES} else f"{name}_2")
        if rule.body is not None and self._percent(30):
            env = {
                p.term.name: Kind(p.pattern.name)
                for p in rule.parameters
                if isinstance(p.term, Variable) and isinstance(p.pattern, TypePattern) and p.pattern.name in ATTRIBUTES
            }
            rule = dataclasses.replace(rule, body=_and([rule.body, self.test(env, 1)]))
        return self._tidy(rule)

    def _without(self, rule: RuleNode) -> RuleNode | None:
        """A rule that holds where what another one finds is nil, and says nothing of it behind that."""
        goals = rule.body.parts if isinstance(rule.body, And) else () if rule.body is None else (rule.body,)
        binding = [
            (at, goal, goal.left)
            for at, goal in enumerate(goals)
            if isinstance(goal, Unify) and isinstance(goal.left, Variable) and goal.left != _NIL
        ]
        if not binding:
            return None
        at, goal, variable = self._pick(binding)
        heads = {name for parameter in rule.parameters for name in variables(parameter.term)}
        if variable.name in heads:
            return None
        behind = [other for other in goals[at + 1 :] if variable.name not in variables(other)]
        missing = dataclasses.replace(goal, left=_NIL)
        if self._percent(60):
            # As a variable has it that is needed behind its goal.
            behind.append(Compare("!=", _literal(self._scalar(self._pick(_SCALARS))), _NIL, _AT))
        return dataclasses.replace(rule, body=_and([*goals[:at], missing, *behind]))

    def _head_value(self, kind: Kind) -> Term:
        """A constant for the head of a rule."""
        if self._has_classes and self._percent(6):
            return Variable(self._pick(CLASS_NAMES), _AT)
        return _constant(self._pick(ODD)) if self._percent(12) else _literal(self._head_scalar(kind.name))

    def _in_kind(self) -> Kind:
        if self._percent(20):
            return Kind(self._pick(_SCALARS))
        return Kind(self._pick(("Person", "Team", "Doc", "Note", "Ctx", "SignCtx", *_ADDED)))

    def _clause(self, signature: Signature) -> RuleNode:
        env: Env = {}
        parameters: list[Parameter] = []
        wanted: list[tuple[str, Kind]] = []
        for kind, is_out in zip(signature.kinds, signature.outs, strict=True):
            name = self._fresh()
            if is_out:
                parameters.append(self._out_parameter(name, kind, env, wanted))
            else:
                parameters.append(self._in_parameter(name, kind, env))
        goals: list[Term] = []
        for _ in range(self._choices.below(4)):
            self._add(env, goals)
        for name, kind in wanted:
            goal = self.binding(env, name, kind, 2)
            if goal is None:
                goal = In(Variable(name, _AT), ListTerm((), None, _AT), _AT)
            if (
                self._percent(30)
                and goals
                and isinstance(goal, In | Unify)
                and not set(variables(goal))
                - {
                    name,
                    *(str(v) for p in parameters for v in variables(p.term)),
                }
            ):
                goals.insert(0, goal)
            else:
                goals.append(goal)
            env[name] = kind
            if self._percent(35):
                goals.append(self.test(env, 1))
        return self._tidy(RuleNode(signature.name, tuple(parameters), _and(goals) if goals else None, (), _AT))

    def _add(self, env: Env, goals: list[Term]) -> None:
        if self._percent(35):
            self._bind_some(env, 2, goals)
        else:
            goals.append(self.test(env, 2))

    def _in_parameter(self, name: str, kind: Kind, env: Env) -> Parameter:
        if kind.name in _SCALARS and self._percent(40):
            return Parameter(self._head_value(kind), None, _AT)
        if env and self._percent(6):
            # The same variable twice: the arguments must be equal, and of both types.
            limit = TypePattern(self._pick(CLASS_NAMES), (), _AT) if self._percent(25) else None
            return Parameter(Variable(self._pick(tuple(env)), _AT), limit, _AT)
        if self._percent(4):
            return Parameter(self._head_value(Kind(self._pick(_SCALARS))), None, _AT)
        if self._percent(4):
            return Parameter(_NIL, TypePattern(self._pick(CLASS_NAMES), (), _AT) if self._percent(10) else None, _AT)
        type_ = _POLAR_NAMES.get(kind.name, kind.name)
        if self._percent(5):
            type_ = self._pick((*_NAMES, *_POLAR_NAMES.values()))
            kind = Kind("unknown") if type_ not in ATTRIBUTES else Kind(type_)
        elif kind.name == "SignCtx" and self._percent(30):
            type_ = "Ctx"
        elif kind.name in self._unions and self._percent(40):
            type_ = self._pick(self._unions[kind.name])
        variable = Variable("_" if self._percent(8) else name, _AT)
        if variable.name != "_":
            env[name] = kind
        if self._percent(75):
            return Parameter(variable, TypePattern(type_, (), _AT), _AT)
        return Parameter(variable, None, _AT)

    def _out_parameter(self, name: str, kind: Kind, env: Env, wanted: list[tuple[str, Kind]]) -> Parameter:
        if kind.name in _SCALARS and self._percent(30):
            return Parameter(self._head_value(kind), None, _AT)
        if self._percent(3):
            return Parameter(_constant(self._pick(ODD)), None, _AT)
        same = self._bound(env, kind)
        if same and self._percent(8):
            return Parameter(Variable(self._pick(same), _AT), None, _AT)
        if wanted and wanted[-1][1] == kind and self._percent(10):
            limit = TypePattern(self._pick(CLASS_NAMES), (), _AT) if self._percent(25) else None
            return Parameter(Variable(wanted[-1][0], _AT), limit, _AT)
        wanted.append((name, kind))
        pattern = TypePattern(_POLAR_NAMES.get(kind.name, kind.name), (), _AT) if self._percent(25) else None
        return Parameter(Variable(name, _AT), pattern, _AT)

    def _tidy(self, rule: RuleNode) -> RuleNode:
        """Give a variable that stands once a name with `_`, as oso wants it."""
        counted: Counter[str] = Counter()
        for parameter in rule.parameters:
            counted.update(variables(parameter.term))
        if rule.body is not None:
            counted.update(variables(rule.body))
        lonely = {name for name, count in counted.items() if count == 1 and name not in {"nil", *CLASS_NAMES}}
        if not lonely:
            return rule
        return dataclasses.replace(
            rule,
            parameters=tuple(dataclasses.replace(p, term=renamed(p.term, lonely)) for p in rule.parameters),
            body=None if rule.body is None else renamed(rule.body, lonely),
        )

    def _recursive(self) -> list[Statement]:
        """A rule that calls itself, along a chain that ends."""
        up = Kind("Team")
        t, o, p = self._fresh(), self._fresh(), self._fresh()
        team, other, parent = Variable(t, _AT), Variable(o, _AT), Variable(p, _AT)
        typed = TypePattern("Team", (), _AT)
        parent_of = Attribute(team, "parent", None, _AT)
        if self._percent(50):
            base: list[Term] = [Unify(team, other, _AT)]
            step: list[Term] = [Call("under", (parent_of, other), _AT)]
            if self._percent(50):
                base.append(self.test({t: up, o: up}, 1))
            if self._percent(30):
                step.insert(0, self.test({t: up}, 1))
            first = RuleNode("under", _typed((team, typed), (other, typed)), _and(base), (), _AT)
            self._signatures.append(Signature("under", (up, up), (False, False)))
            second = RuleNode("under", _typed((team, typed), (other, None)), _and(step), (), _AT)
            return [self._tidy(first), self._tidy(second)]
        base = [Unify(other, parent_of, _AT)]
        step = [Unify(parent, parent_of, _AT), Call("above", (parent, other), _AT)]
        if self._percent(50):
            step.insert(1, self._pick((Matches(parent, typed, _AT), Compare("!=", parent, _NIL, _AT))))
        if self._percent(30):
            base.insert(0, self.test({t: up}, 1))
        self._signatures.append(Signature("above", (up, up), (False, True)))
        heads = [(team, typed if self._percent(80) else None), (other, typed if self._percent(50) else None)]
        return [
            self._tidy(RuleNode("above", _typed(*heads), _and(base), (), _AT)),
            self._tidy(RuleNode("above", _typed((team, typed), heads[1]), _and(step), (), _AT)),
        ]

    # Blocks.

    def _blocks(self) -> list[Statement]:
        """Resource blocks with roles, permissions and relations, and the rules that they need."""
        person, role = Kind("Person"), Kind("str")
        has_doc = self._percent(70)
        team_roles, team_permissions = ("member", "lead"), ("view", "edit")
        blocks: list[Statement] = [BlockNode("actor", "Person", None, None, None, (), (), _AT)]
        shorthands = [_short("view", "member"), _short("edit", "lead")]
        options = [
            _short("member", "lead"),
            _short("member", "member", "parent"),
            _short("view", "view", "parent"),
            _short("lead", "lead", "parent"),
            _short("view", "edit"),
            _short("edit", "view", "parent"),
        ]
        shorthands += [option for option in options if self._percent(35)]
        blocks.append(
            BlockNode(
                "resource",
                "Team",
                tuple(map(_literal, team_roles)),
                tuple(map(_literal, team_permissions)),
                (("parent", "Team", _AT),),
                tuple(shorthands),
                (),
                _AT,
            )
        )
        p, r, x = self._fresh(), self._fresh(), self._fresh()
        rules: list[Statement] = []
        for _ in range(1 + self._choices.below(2)):
            rules.append(self._role_rule("Team", team_roles))
        rules.append(self._relation_rule("Team", "Team", "parent"))
        if has_doc:
            doc = [_short("read", "owner"), _short("read", "view", "team")]
            more = [_short("owner", "lead", "team"), _short("sign", "owner"), _short("sign", "read")]
            doc += [option for option in more if self._percent(50)]
            blocks.append(
                BlockNode(
                    "resource",
                    "Doc",
                    (_literal("owner"),),
                    (_literal("read"), _literal("sign")),
                    (("team", "Team", _AT),),
                    tuple(doc),
                    (),
                    _AT,
                )
            )
            rules.append(self._role_rule("Doc", ("owner",)))
            rules.append(self._relation_rule("Team", "Doc", "team"))
        self._unions = {"Person": ("Actor", "Resource"), "Team": ("Resource",), "Doc": ("Resource",)}
        for kind in ("Team", "Doc") if has_doc else ("Team",):
            outs = (False, self._percent(50), False)
            self._signatures.append(Signature("has_permission", (person, role, Kind(kind)), outs))
            self._signatures.append(Signature("has_role", (person, role, Kind(kind)), outs))
        # oso warns where nothing calls `has_permission`, and a warning is a refusal.
        env = {p: person, r: role, x: Kind("Team")}
        goals: list[Term] = [Call("has_permission", (Variable(p, _AT), Variable(r, _AT), Variable(x, _AT)), _AT)]
        if self._percent(20):
            goals.append(self.test(env, 1))
        heads = _typed((Variable(p, _AT), None), (Variable(r, _AT), None), (Variable(x, _AT), None))
        rules.append(self._tidy(RuleNode("allow", heads, _and(goals), (), _AT)))
        self._signatures.append(Signature("allow", (person, role, Kind("Team")), (False, True, False), False))
        return [*blocks, *rules]

    def _role_rule(self, type_: str, roles: Sequence[str]) -> Statement:
        p, r, x = self._fresh(), self._fresh(), self._fresh()
        env: Env = {p: Kind("Person"), x: Kind(type_)}
        person, thing = Variable(p, _AT), Variable(x, _AT)
        heads = [(person, TypePattern("Person", (), _AT)), (thing, TypePattern(type_, (), _AT))]
        if self._percent(60):
            role: tuple[Term, TypePattern | None] = (_literal(self._pick(roles)), None)
            goals: list[Term] = [self.test(env, 1)]
        else:
            variable = Variable(r, _AT)
            # oso insists on the type.
            role = (variable, TypePattern("String", (), _AT))
            goal = self.binding(env, r, Kind("str"), 1) if self._percent(50) else None
            listed = ListTerm(tuple(_literal(name) for name in roles), None, _AT)
            goals = [goal or In(variable, listed, _AT), self.test({**env, r: Kind("str")}, 1)]
        return self._tidy(RuleNode("has_role", _typed(heads[0], role, heads[1]), _and(goals), (), _AT))

    def _relation_rule(self, related: str, type_: str, name: str) -> Statement:
        o, x = self._fresh(), self._fresh()
        env: Env = {x: Kind(type_)}
        goal: Term | None = Unify(Variable(o, _AT), Attribute(Variable(x, _AT), name, None, _AT), _AT)
        # Only the relation itself leads upwards, where a recursion ends.
        goals = [goal] if goal is not None else []
        if self._percent(25):
            goals.append(self.test({**env, o: Kind(related, True)}, 1))
        heads = (
            (Variable(o, _AT), TypePattern(related, (), _AT)),
            (_literal(name), None),
            (Variable(x, _AT), TypePattern(type_, (), _AT)),
        )
        return self._tidy(RuleNode("has_relation", _typed(*heads), _and(goals), (), _AT))

    # Questions.

    def questions(self, rows: Sequence[Row]) -> tuple[Question, ...]:
        """Questions about all that was written since the last ones."""
        asked: list[Question] = []
        words = {"Team": ("view", "edit", "member", "lead"), "Doc": ("read", "sign", "owner")}
        signatures = self._signatures[self._asked :]
        self._asked = len(self._signatures)
        for signature in signatures:
            for _ in range(3 if any(signature.outs) else 2):
                arguments: list[Any] = []
                for kind, is_out in zip(signature.kinds, signature.outs, strict=True):
                    is_of_block = signature.name in ("has_permission", "has_role", "allow")
                    # oso goes round in circles where it is to find a resource.
                    if self._percent(75 if is_out else 0 if is_of_block else 1):
                        arguments.append(FREE)
                    elif is_of_block and kind.name == "str":
                        arguments.append(self._pick(words[signature.kinds[2].name]))
                    else:
                        arguments.append(self._argument(kind, rows))
                asked.append(Question(signature.name, tuple(arguments)))
        return tuple(asked)

    def questions_again(self, rows: Sequence[Row]) -> tuple[Question, ...]:
        """Further questions about all that was written."""
        self._asked = 0
        return self.questions(rows)

    def _argument(self, kind: Kind, rows: Sequence[Row]) -> Any:
        if self._percent(2):
            kind = self._pick((*map(Kind, (*_NAMES, *_SCALARS)), Kind("none")))
        if kind.name in _SCALARS and self._percent(8):
            return self._pick(ODD)
        if kind.name == "none" or self._percent(2):
            return None
        if kind == _NUMBER:
            return self._pick(NUMBERS)
        if kind.name in _SCALARS:
            return self._scalar(kind.name)
        if kind.name in RECORDS:
            found = [values["id"] for name, values in rows if name == kind.name]
            return RecordId(self._pick(found)) if found else None
        values: list[tuple[str, Any]] = [("now", self._scalar("int")), ("caller", self._scalar("str"))]
        if self._percent(50):
            values.append(("rate", self._scalar("float")))
        if self._percent(70):
            values.append(("limit", self._scalar("int")))
        if kind.name == "SignCtx":
            values.append(("is_urgent", self._percent(50)))
            docs = [v["id"] for name, v in rows if name == "Doc"]
            if docs and self._percent(75):
                values.append(("task", RecordId(self._pick(docs))))
            remarks = [v["id"] for name, v in rows if name in _ADDED]
            if remarks and self._percent(75):
                values += [("remark", RecordId(self._pick(remarks))), ("level", self._scalar("int"))]
        return Plain(kind.name, tuple(values))


def _typed(*heads: tuple[Term, TypePattern | None]) -> tuple[Parameter, ...]:
    return tuple(Parameter(term, pattern, _AT) for term, pattern in heads)


def _short(implied: str, implier: str, relation: str | None = None) -> Shorthand:
    return Shorthand(_literal(implied), _literal(implier), None if relation is None else _literal(relation), _AT)


def renamed(term: Term, lonely: set[str]) -> Term:
    """The term with `_` before some variables."""

    def of(inner: Term) -> Term:
        return renamed(inner, lonely)

    match term:
        case Variable(name, place):
            return Variable(f"_{name}", place) if name in lonely else term
        case Literal():
            return term
        case ListTerm(items, rest, place):
            return ListTerm(tuple(map(of, items)), rest, place)
        case DictTerm(fields, place):
            return DictTerm(tuple((key, of(value)) for key, value in fields), place)
        case Attribute(base, name, arguments, place):
            return Attribute(of(base), name, arguments, place)
        case Call(name, arguments, place):
            return Call(name, tuple(map(of, arguments)), place)
        case Not(inner, place):
            return Not(of(inner), place)
        case And(parts, place):
            return And(tuple(map(of, parts)), place)
        case Or(parts, place):
            return Or(tuple(map(of, parts)), place)
        case Forall(left, right, place):
            return Forall(of(left), of(right), place)
        case Unify(left, right, place):
            return Unify(of(left), of(right), place)
        case In(left, right, place):
            return In(of(left), of(right), place)
        case Assign(variable, value, place):
            new = of(variable)
            return Assign(new if isinstance(new, Variable) else variable, of(value), place)
        case Compare(sign, left, right, place):
            return Compare(sign, of(left), of(right), place)
        case Arithmetic(sign, left, right, place):
            return Arithmetic(sign, of(left), of(right), place)
        case Matches(inner, pattern, place):
            return Matches(of(inner), pattern, place)
    raise AssertionError(term)


def program_from(choices: Choices, rounds: int = 1) -> Program:
    """Write a program with `rounds` of questions about all of it. The first round is the same with any others."""
    writer = _Writer(choices)
    statements = tuple(writer.rules())
    rows = writer.world()
    questions = writer.questions(rows)
    # Last, so that what a seed wrote before there were groups it still writes.
    groups = writer.groups()
    questions = (*questions, *writer.questions(rows))
    for _ in range(1, rounds):
        # Each only once: one without arguments is the same in each round.
        questions = tuple(dict.fromkeys((*questions, *writer.questions_again(rows))))
    return Program((*statements, *groups), rows, questions)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Random programs."""
    return program_from(Drawn(draw))
