"""What a load found out about its policies, kept beside the bundles for the first load of another process that changes
them: it starts from there, as a reload starts from what is in use (decision 121).

INVARIANT: what such a load makes is what it would make from nothing. Only what a load found out from nothing is kept,
under a name that has the digest of our code, the interpreter and the model; what cannot be read counts as not there.
"""

from __future__ import annotations

import ast
import dataclasses
import io
import pickle
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from operator import attrgetter
from typing import Any

from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.decision.stored_classes import OF_ANALYSES, is_listed
from sealauthz.decision.stored_rules import UNREADABLE, Ours, Trees, values_of
from sealauthz.polar import Source
from sealauthz.polar.check import KeptAnalysis
from sealauthz.polar.check.patterns import Known, Reach, Tried
from sealauthz.polar.check.values import literal
from sealauthz.polar.code import KeptCode
from sealauthz.polar.gate import Files
from sealauthz.polar.groups import Expansion
from sealauthz.polar.types import TypeTable, ValueType

_LIKE_ENOUGH = 0.6
"""How many of their lines policies must share with others for a load to start from what was found out about those. With
less, what they share is found out about as quickly as it is read.
"""

_COUNT_BYTES = 4
_UNWRITABLE = (RecursionError, ValueError, pickle.PicklingError, AttributeError)
"""What writing raises where something nests too deep, or is of a class that no other process need have."""

_MAX_BYTES = 1_000_000_000
"""What an analysis may be when it is read: sixteen times the largest file."""

_QUICK = 1
"""Bytes that say the same again and again: more effort makes them hardly smaller."""


@dataclass(frozen=True, slots=True)
class StoredAnalysis:
    """The files of a bundle with the statements that each has, what these became, and what was found out about that."""

    files: Files
    expansion: Expansion
    analysis: KeptAnalysis
    code: KeptCode


def write_analysis(cache: BundleCache, base: str, stored: StoredAnalysis, table: TypeTable) -> None:
    """Keep what was found out under the name of all that policies are loaded with (`stored.base_of`)."""
    try:
        content = to_bytes(stored, table)
    except _UNWRITABLE:
        return
    lines = _lines_of([source for source, _ in stored.files]).tobytes()
    cache.write_analysis(base, sha256(lines).hexdigest(), len(lines).to_bytes(_COUNT_BYTES) + lines + content)


def read_analysis(cache: BundleCache, base: str, sources: Sequence[Source], table: TypeTable) -> StoredAnalysis | None:
    """Return what was found out about policies like these, the last ones that were used; None where there are none."""
    names = cache.analyses(base)
    lines = _lines_of(sources if names else ())
    for name in names:
        content = cache.read_analysis(name, lambda content: _are_like(content, lines))
        if content is None:
            continue
        with suppress(*UNREADABLE):
            found = from_bytes(_rest_of(content), table)
            if isinstance(found, StoredAnalysis):
                return found
    return None


# --- which policies it is of ----------------------------------------------------------------------------------------


def _lines_of(sources: Sequence[Source]) -> array[int]:
    """The lines of policies, each as a number."""
    lines = [line for source in sources for line in source.text.encode().split(b"\n") if line]
    return array("I", map(zlib.crc32, lines))


def _rest_of(content: bytes) -> bytes:
    return content[_COUNT_BYTES + int.from_bytes(content[:_COUNT_BYTES]) :]


def _are_like(content: bytes, lines: array[int]) -> bool:
    """Whether enough of these lines are among those that something was found out about."""
    told = content[_COUNT_BYTES : _COUNT_BYTES + int.from_bytes(content[:_COUNT_BYTES])]
    found = array("I")
    found.frombytes(told[: len(told) - len(told) % found.itemsize])
    among = set(found)
    return sum(line in among for line in lines) >= _LIKE_ENOUGH * len(lines)


# --- as bytes -------------------------------------------------------------------------------------------------------


class _Class:
    """Stands for a class that policies may name: who reads it has the class itself, by this name."""


class _Value:
    """Stands for the class of what is known of values, whose words are the very ones that a load has."""


_BUILTIN: Mapping[str, type] = {"NoneType": type(None)}
_FOUND_OUT = (Known, Reach, Tried)
"""What is changed while a load goes on, and not behind it."""


class _Compressed:
    """Takes what is written and holds only what becomes of it: a tenth."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_QUICK)
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        """Take a part."""
        self._parts.append(self._compressor.compress(part))
        return len(part)

    def content(self) -> bytes:
        """Return the whole, when all is written."""
        return b"".join((*self._parts, self._compressor.flush()))


class _Written(Trees):
    """Writes nodes of Python code too, and the classes of a table by their names."""

    def __init__(self, stream: _Compressed, table: TypeTable) -> None:
        super().__init__(stream, protocol=5)
        self._names = {cls: name for name, cls in (*_BUILTIN.items(), *table.classes.items())}

    def reducer_override(self, obj: Any) -> Any:
        cls: Any = type(obj)
        values = _values_of(cls)
        if values is not None:
            return _Value if cls is ValueType else cls, values(obj)
        if issubclass(cls, type):
            name = self._names.get(obj)
            return NotImplemented if name is None else (_Class, (name,))
        return NotImplemented


@cache
def _values_of(cls: Any) -> Callable[[object], tuple[Any, ...]] | None:
    """What reads the values that an object of a class is made of, for what is no node of a policy."""
    if issubclass(cls, ast.AST):
        names: tuple[str, ...] = cls._fields
        return lambda node: tuple([getattr(node, name, None) for name in names])
    return attrgetter(*cls.__slots__) if cls in _FOUND_OUT else values_of(cls)


class _Read(Ours):
    """Reads what `_Written` wrote, with the same table."""

    def __init__(self, stream: io.BytesIO, table: TypeTable) -> None:
        super().__init__(stream)
        classes: Mapping[str, type] = {**_BUILTIN, **table.classes}
        self._stand_ins = {_Class.__name__: classes.__getitem__, _Value.__name__: partial(_value, table)}

    def find_class(self, module: str, name: str) -> Any:
        if is_listed(module, name, OF_ANALYSES):
            if module == __name__:
                return self._stand_ins[name]
            return Counter if name == Counter.__name__ else getattr(ast, name)
        return super().find_class(module, name)


def _value(table: TypeTable, name: str, is_optional: bool, words: frozenset[object] | None, *rest: Any) -> ValueType:
    made = ValueType(name, is_optional, words, *rest)
    if words is None:
        return made
    known: frozenset[object] | None = table.words_of(made.column)
    if not made.column:
        known = literal(next(iter(words))).words if len(words) == 1 else None
    # Equal ones would mostly do: what is known of two values is found more quickly where they are the same.
    return dataclasses.replace(made, words=known) if known == words and _is_of(name, known) else made


def _is_of(name: str, words: frozenset[object] | None) -> bool:
    """Whether the words are of a type; `true` and 1 are equal."""
    return all(type(word).__name__ == name for word in words or ())


def to_bytes(found_out: object, table: TypeTable) -> bytes:
    """Return what was found out with the types of a table. Raises one of `_UNWRITABLE` where it cannot be written."""
    compressed = _Compressed()
    _Written(compressed, table).dump(found_out)
    return compressed.content()


def from_bytes(content: bytes, table: TypeTable) -> Any:
    """Return what `to_bytes` wrote with an equal table. Raises one of `UNREADABLE` for other bytes."""
    try:
        decompressor = zlib.decompressobj()
        whole = decompressor.decompress(content, _MAX_BYTES)
        if not decompressor.eof:
            raise pickle.UnpicklingError("the bytes are cut short, or become too many")
        return _Read(io.BytesIO(whole), table).load()
    except zlib.error as error:
        raise pickle.UnpicklingError("the bytes are damaged") from error
