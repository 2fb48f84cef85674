"""The rules of a stored bundle: read when something first asks for them, because most answers ask for none."""

from __future__ import annotations

import dataclasses
import io
import pickle
import threading
from collections.abc import Callable
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any

from sealauthz.decision.stored_classes import is_listed
from sealauthz.polar import Rulebook, Statement
from sealauthz.polar.unchanging import is_unchanging
from sealauthz.runtime.collector import without_collection
from sealauthz.runtime.errors import BundleRefused

UNREADABLE = (
    pickle.UnpicklingError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    AttributeError,
    ImportError,
    MemoryError,
    ArithmeticError,
    RecursionError,
)
"""What reading raises where the bytes are not what was written."""

_HELD_BY_RULES = ("rules", "requires", "floor_wide", "meets", "waived", "because", "groups")
"""The fields of a rulebook that hold rules, or stand beside them."""


class _Reductions(dict[type, Callable[[Any], tuple[Any, ...]]]):
    """How objects of each class are written, found out when the first one comes. By class, and not object by object:
    there are a hundred thousand.
    """

    def __missing__(self, cls: Any) -> Callable[[Any], tuple[Any, ...]]:
        values = values_of(cls)
        if issubclass(cls, Enum):
            self[cls] = lambda word: (cls, (word.value,))
        elif values is not None:
            self[cls] = lambda node: (cls, values(node))
        else:
            raise KeyError(cls)
        return self[cls]


class Trees(pickle.Pickler):
    """Writes a node of a tree as a call of its class, which is read in half of the time; and a word of an enum, which
    CPython 3.11.3 and before write as a call of `getattr`.
    """

    dispatch_table = _Reductions()


@cache
def values_of(cls: Any) -> Callable[[object], tuple[Any, ...]] | None:
    """What reads the values that an object of a class is made of; None where it is no node of a tree."""
    if not is_unchanging(cls) or not all(each.init for each in dataclasses.fields(cls)):
        return None
    names: tuple[str, ...] = cls.__match_args__
    if len(names) > 1:
        return attrgetter(*names)
    return lambda node: tuple([getattr(node, name) for name in names])


class Ours(pickle.Unpickler):
    """Makes objects of the listed classes only.

    INVARIANT: a name is compared whole before it is looked up. pickle itself follows dots through what a module has
    imported.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Return a listed class. Raises UnpicklingError for any other name."""
        if is_listed(module, name):
            found = super().find_class(module, name)
            if isinstance(found, type) and (found.__module__, found.__qualname__) == (module, name):
                return found
        raise pickle.UnpicklingError(f"`{module}.{name}` is not a class that the cache of bundles may hold")


def written(content: object) -> bytes:
    """Return objects of the product's classes as bytes. Raises RecursionError, ValueError where they nest too deep."""
    stream = io.BytesIO()
    Trees(stream, protocol=5).dump(content)
    return stream.getvalue()


def read(content: bytes) -> Any:
    """Return what `written` wrote. Raises one of `UNREADABLE` for other bytes."""
    return Ours(io.BytesIO(content)).load()


class StoredRules:
    """The statements of a bundle, and what its rulebook has of them; any thread may ask. They are one tree: a rule of
    the rulebook is the statement itself.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._reading = threading.Lock()
        self._read: tuple[tuple[Statement, ...], dict[str, Any]] | None = None

    @staticmethod
    def dumped(statements: tuple[Statement, ...], rulebook: Rulebook) -> bytes:
        """Return the rules of a bundle as bytes. Raises RecursionError, ValueError where they nest too deep."""
        return written((statements, {name: getattr(rulebook, name) for name in _HELD_BY_RULES}))

    @property
    def is_read(self) -> bool:
        """Whether anything has asked for them."""
        return self._read is not None

    def statements(self) -> tuple[Statement, ...]:
        """Return the statements. Raises BundleRefused."""
        return self._all()[0]

    def of_rulebook(self) -> dict[str, Any]:
        """Return the fields of the rulebook that hold rules. Raises BundleRefused."""
        return self._all()[1]

    def _all(self) -> tuple[tuple[Statement, ...], dict[str, Any]]:
        with self._reading:
            if self._read is None:
                try:
                    with without_collection():
                        self._read = read(self._content)
                except UNREADABLE as error:
                    raise BundleRefused("the stored policies cannot be read: empty the cache of bundles") from error
                self._content = b""
            return self._read


class StoredRulebook(Rulebook):
    """A rulebook whose rules are read when first asked for."""

    __slots__ = ("_explained", "_names", "_naming", "_stored")

    _stored: StoredRules
    _names: frozenset[str]
    _explained: frozenset[str]
    _naming: frozenset[tuple[str, str]]

    def __new__(cls, *values: Any, **fields: Any) -> Rulebook:  # type: ignore[misc]
        """Return a plain one, as `dataclasses.replace` makes of it, which has its rules."""
        return Rulebook(*values, **fields)

    @classmethod
    def kept(cls, content: tuple[Any, ...], stored: StoredRules) -> StoredRulebook:
        """Return the rulebook that `light` told of, with these rules."""
        book = object.__new__(cls)
        book._stored = stored
        book._names, book._explained, book._naming, fields = content
        for name, value in fields.items():
            setattr(book, name, value)
        return book

    @staticmethod
    def light(book: Rulebook) -> tuple[Any, ...]:
        """Return what is read of a rulebook at once."""
        fields = {
            each.name: getattr(book, each.name)
            for each in dataclasses.fields(Rulebook)
            if each.name not in _HELD_BY_RULES
        }
        return book.names, book.explained, book.naming, fields

    @property
    def names(self) -> frozenset[str]:
        """The names of all rules."""
        return self._names

    @property
    def explained(self) -> frozenset[str]:
        """The requirements of which rules tell why they are not met."""
        return self._explained

    @property
    def naming(self) -> frozenset[tuple[str, str]]:
        """The actions, each with its type of resource, of which an obligation may name something."""
        return self._naming

    def __getattr__(self, name: str) -> Any:
        if name not in _HELD_BY_RULES:
            raise AttributeError(f"a rulebook has no `{name}`", name=name, obj=self)
        found = self._stored.of_rulebook()
        for each, value in found.items():
            setattr(self, each, value)
        return found[name]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rulebook):
            return NotImplemented
        return all(getattr(self, each.name) == getattr(other, each.name) for each in dataclasses.fields(Rulebook))

    __hash__ = None  # type: ignore[assignment]  # as of every rulebook: what it holds can be changed
