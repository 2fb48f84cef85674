"""What a policy folder adds to a model, as one value: columns of records that exist, records of its own, context keys.

A declaration is a name and what it says. Extensions are put together by name, so that the same declaration twice is
one, and two that differ are refused. As JSON they are what a database keeps of those that were applied to it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sealauthz.runtime.instants import FOREVER, NEVER

STRING, INTEGER, BOOLEAN, INSTANT = "String", "Integer", "Boolean", "Instant"
TYPES: Mapping[str, type] = {STRING: str, INTEGER: int, BOOLEAN: bool, INSTANT: int}
"""The types of values, and what holds each."""

INSTANTS = {"never": NEVER, "forever": FOREVER}
"""The instants that have a word in a declaration."""


class ExtensionProblem(ValueError):
    """A declaration that cannot be used: what is wrong, and where it stands (no line: it is not known)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class AddedColumn:
    """A column: of a record that exists (`of`), or of one that is declared beside it.

    Either `words` (an enumeration), or `names` (the record whose id it holds, of which `collection` then has those
    that name it), or neither. Without a `default` the value is required, unless it `is_optional`.
    """

    of: str
    name: str
    type: str = STRING
    words: tuple[str, ...] = ()
    names: str = ""
    collection: str = ""
    is_optional: bool = False
    default: str | int | bool | None = None
    is_personal: bool = False
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> str:
        """What it is called in messages and in the database."""
        return f"{self.of}.{self.name}"

    @property
    def may_be_left_out(self) -> bool:
        """Whether a record may leave it out."""
        return self.is_optional or self.default is not None

    def __str__(self) -> str:
        said = f"one of {', '.join(self.words)}" if self.words else self.type
        if self.names:
            said = f"the id of a record `{self.names}`"
        if self.default is not None:
            word = next((word for word, value in INSTANTS.items() if value == self.default), None)
            shown = word if self.type == INSTANT and word else json.dumps(self.default, ensure_ascii=False)
            said += f", default {shown}"
        elif self.is_optional:
            said += ", optional"
        return said + (", personal" if self.is_personal else "")


@dataclass(frozen=True, slots=True)
class AddedUnique:
    """No two records agree in these columns (of those where `where` holds)."""

    columns: tuple[str, ...]
    says: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class AddedCheck:
    """A condition that every record keeps."""

    condition: str
    says: str


@dataclass(frozen=True, slots=True)
class AddedLife:
    """The states in a column, and which may follow which."""

    column: str
    forward: tuple[tuple[str, tuple[str, ...]], ...]
    back: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class AddedRecord:
    """A record type: its columns are declared beside it. `home` is the column that leads to the unit it is part of."""

    name: str
    home: str
    says: str = ""
    life: AddedLife | None = None
    unique: tuple[AddedUnique, ...] = ()
    checks: tuple[AddedCheck, ...] = ()
    fixed: tuple[str, ...] = ()
    is_permanent: bool = False
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> str:
        """What it is called in messages and in the database."""
        return self.name

    def __str__(self) -> str:
        rules = {name: value for name, value in _plain(self).items() if name not in ("name", "home", "says")}
        return f"a record with home `{self.home}` and the rules {json.dumps(rules, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class AddedKey:
    """A key of the context of an action, which a client may give: a value of a type, or the id of a record."""

    resource: str
    action: str
    name: str
    type: str
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> str:
        """What it is called in messages and in the database."""
        return f"{self.resource}/{self.action}:{self.name}"

    def __str__(self) -> str:
        return self.type


Declaration = AddedColumn | AddedRecord | AddedKey
_KINDS: Mapping[str, type] = {"column": AddedColumn, "record": AddedRecord, "key": AddedKey}
_PARTS: Mapping[str, type] = {"unique": AddedUnique, "checks": AddedCheck}


@dataclass(frozen=True)
class Extension:
    """Declarations by name, in the order of their names. Equal ones are equal values."""

    declarations: tuple[Declaration, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.declarations)

    @cached_property
    def by_key(self) -> Mapping[str, Declaration]:
        """The declarations by name."""
        return {each.key: each for each in self.declarations}

    @property
    def records(self) -> tuple[AddedRecord, ...]:
        """The record types that are declared."""
        return tuple(each for each in self.declarations if isinstance(each, AddedRecord))

    @property
    def columns(self) -> tuple[AddedColumn, ...]:
        """The columns that are declared, those of declared records among them."""
        return tuple(each for each in self.declarations if isinstance(each, AddedColumn))

    @property
    def keys(self) -> tuple[AddedKey, ...]:
        """The context keys that are declared."""
        return tuple(each for each in self.declarations if isinstance(each, AddedKey))

    @classmethod
    def of(cls, declarations: Iterable[Declaration]) -> Extension:
        """Return the extension with these declarations."""
        return cls(tuple(sorted(declarations, key=lambda each: each.key)))

    def lacks(self, other: Extension) -> tuple[Declaration, ...]:
        """Return what the other declares and this one does not. Raises ExtensionProblem for what differs."""
        return tuple(self._lacking(other, "here", "there"))

    def and_(self, other: Extension, here: str, there: str) -> Extension:
        """Put two together. Raises ExtensionProblem where they declare the same name differently, and says both.

        `here` and `there` are what each is called in the message: `in the database`.
        """
        return self.of((*self.declarations, *self._lacking(other, here, there)))

    def without(self, other: Extension) -> Extension:
        """Return what only this one declares."""
        return self.of(each for each in self.declarations if each.key not in other.by_key)

    def _lacking(self, other: Extension, here: str, there: str) -> Iterator[Declaration]:
        for each in other.declarations:
            mine = self.by_key.get(each.key)
            if mine is None:
                yield each
            elif mine != each:
                raise ExtensionProblem(f"`{each.key}` is {each} {there}, and {mine} {here}", each.line)


NO_EXTENSION = Extension()


def to_json(declaration: Declaration) -> str:
    """Write a declaration as JSON, always in the same way."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(declaration, cls))
    return json.dumps({"kind": kind, **_plain(declaration)}, sort_keys=True, ensure_ascii=False)


def from_json(text: str) -> Declaration:
    """Read a declaration that `to_json` wrote. Raises ValueError where it is none that this version knows."""
    try:
        table = json.loads(text)
        declaration: Declaration = _made(_KINDS[table.pop("kind")], table)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"`{text[:100]}` is no declaration that this version knows") from error
    return declaration


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        held = ((each, getattr(value, each.name)) for each in dataclasses.fields(value) if each.name != "line")
        return {
            each.name: _plain(some)
            for each, some in held
            if not (type(some) is type(each.default) and some == each.default)
        }
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _made(cls: type, table: Mapping[str, Any]) -> Any:
    values = {}
    for name, value in table.items():
        if name in _PARTS:
            values[name] = tuple(_made(_PARTS[name], each) for each in value)
        elif name == "life":
            values[name] = _made(AddedLife, value)
        else:
            values[name] = _frozen(value)
    return cls(**values)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
