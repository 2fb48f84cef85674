"""What is kept of a loaded bundle for later processes, and the key that names everything it depends on.

INVARIANT: what is taken over is what a load would make. The key is a digest of all that a load reads: the bundle's
files and the product's, the model as policies see it, our own code, the interpreter. A bundle with an error is never
kept, nor one whose files or whose code changed while it was loaded.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from importlib.util import MAGIC_NUMBER, find_spec
from pathlib import Path
from types import GenericAlias, UnionType
from typing import Any

import sealauthz
from sealauthz.decision.folder import Layout, read_product_sources
from sealauthz.decision.signoffs import Accepted
from sealauthz.decision.stored_rules import UNREADABLE, StoredRulebook, StoredRules, read, written
from sealauthz.decision.texts import Texts
from sealauthz.polar import Rulebook, Source, Statement
from sealauthz.polar.code import StoredCode
from sealauthz.polar.diagnostic import Diagnostic
from sealauthz.polar.types import TypeTable
from sealauthz.schema import Model
from sealauthz.schema.parameters import ranges_of

_SETTLED_S = 2.0
"""How long before this process began our code must have stood still, to be the code that runs here."""

_LIBRARIES = ("lark",)
"""Other packages that a load rests on; each says its version in its first module."""

_OURS = "sealauthz."


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """The parts of a bundle that take long to make; `warnings` are those of the checker."""

    rules: StoredRules
    rulebook: Rulebook
    texts: Texts
    accepted: tuple[Accepted, ...]
    warnings: tuple[Diagnostic, ...]
    code: StoredCode

    @staticmethod
    def dumped(
        statements: tuple[Statement, ...],
        rulebook: Rulebook,
        texts: Texts,
        accepted: tuple[Accepted, ...],
        warnings: tuple[Diagnostic, ...],
        code: StoredCode,
    ) -> bytes | None:
        """Return these parts as bytes; None where they nest too deep."""
        try:
            tree = StoredRules.dumped(statements, rulebook)
            return written((StoredRulebook.light(rulebook), texts, accepted, warnings, code.dumped(), tree))
        except (RecursionError, ValueError):
            return None

    @classmethod
    def loaded(cls, content: bytes) -> StoredBundle | None:
        """From bytes that `dumped` made under the same key; None where they cannot be read."""
        try:
            light, texts, accepted, warnings, code, tree = read(content)
            rules = StoredRules(tree)
            return cls(rules, StoredRulebook.kept(light, rules), texts, accepted, warnings, StoredCode.loaded(code))
        except UNREADABLE:
            return None


def key_of(
    layout: Layout,
    sources: Sequence[Source],
    read: tuple[bytes, bytes, bytes],
    *,
    installed: Path,
    model: Model,
    types: TypeTable,
    purpose: tuple[bool, bool],
) -> str | None:
    """Return the key of a bundle with this content; None where it must not be kept. Raises BundleRefused.

    `read` are its numbers, its texts, and what it adds to the model; `purpose` tells whether it is to be served, and
    whether it must be signed off.
    """
    numbers, texts, adds = read
    digest = _base_of(model, types)
    if digest is None:
        return None
    digest.add("served, signed", *purpose)
    for source in sources:
        digest.add("policy", source.file, source.text, source.file in layout.own)
    for source in read_product_sources(layout, installed):
        digest.add("product", source.file, source.text)
    digest.add("numbers", numbers)
    digest.add("texts", texts)
    digest.add("adds", adds)
    for name, why in layout.accepts:
        digest.add("accepts", name, why)
    return digest.name()


def base_of(model: Model, types: TypeTable) -> str | None:
    """Return the key of all that any policies are loaded with: code, interpreter and model. None where nothing must be
    kept.
    """
    digest = _base_of(model, types)
    return None if digest is None else digest.name()


def _base_of(model: Model, types: TypeTable) -> _Digest | None:
    code, declared = _code_digest(), _model_digest(model, types)
    if code is None or declared is None:
        return None
    digest = _Digest()
    digest.add("code", code)
    digest.add("interpreter", sys.version, MAGIC_NUMBER, sys.flags.optimize, platform.platform(), sys.maxsize)
    digest.add("model", declared)
    return digest


def _form(part: object) -> bytes:
    """Return a part so that it can be told apart from every other, and from what stands beside it."""
    content = part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogatepass")
    return b"%s %d;%s" % (type(part).__name__.encode(), len(content), content)


# A model has some thousand texts, and each of them many times. Only texts are remembered: of other values, some that
# are equal have two forms.
_form_of_text = lru_cache(maxsize=4_096)(_form)


class _Digest:
    """A digest of parts, of which no two make one."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, *parts: object) -> None:
        """Add a list of parts: texts, bytes, and what `repr` tells apart."""
        forms = (_form_of_text(part) if type(part) is str else _form(part) for part in parts)
        self._digest.update(b"%d;%s" % (len(parts), b"".join(forms)))

    def name(self) -> str:
        """Everything added until now, as hexadecimal digits."""
        return self._digest.hexdigest()


def _code_in(folder: str) -> Iterator[str]:
    """Yield the files of code in a folder and below it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((".py", ".lark")):
                yield entry.path
            elif entry.name != "__pycache__" and entry.is_dir():
                yield from _code_in(entry.path)


@cache
def _code_digest() -> str | None:
    """The digest of the product's code; None where it may not be the code that this process has loaded.

    The content counts and not its time: a package that is installed again may bring other code with the same times.
    """
    root = str(Path(sealauthz.__file__).parent)
    digest = _Digest()
    try:
        for path in sorted(_code_in(root)):
            with Path(path).open("rb", buffering=0) as file:
                digest.add(path[len(root) :], file.read())
                found = os.fstat(file.fileno())
            if max(found.st_mtime, found.st_ctime) > sealauthz.STARTED - _SETTLED_S:
                return None
        for name in _LIBRARIES:
            spec = find_spec(name)
            if spec is None or spec.origin is None:
                return None
            digest.add(name, spec.origin, Path(spec.origin).read_bytes())
    except OSError:
        return None
    return digest.name()


@cache
def _model_digest(model: Model, types: TypeTable) -> str | None:
    """The digest of what policies see of a model; None where something in it has no form of its own."""
    if is_of_the_code(model):
        return model.declared_in
    digest = _Digest()
    try:
        digest.add(*_plain(vars(types)))
        digest.add(*model.subjects)
        for (name, type_), action in model.actions.items():
            digest.add(name, type_, *_plain(action.context))
        digest.add(*_plain(model.context), *_plain(model.parameters), *_plain(ranges_of(model.parameters)))
    except TypeError:
        return None
    return digest.name()


def is_of_the_code(model: Model) -> bool:
    """Tell whether a model is one that our code declares, as it is there: the digest of the code tells all of it."""
    module = sys.modules.get(model.declared_in) if model.declared_in.startswith(_OURS) else None
    return module is not None and vars(module).get("MODEL") is model


_VALUES = (str, int, float, bytes, Enum)


@cache
def _line_of(cls: type) -> tuple[str, ...]:
    """A class, and what it is derived from, by their names."""
    return ("class", *(f"{each.__module__}.{each.__qualname__}" for each in cls.__mro__))


@cache
def _names_of(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


def _plain(value: Any) -> Iterable[object]:
    """Yield the parts of a value, the same in each process: classes by their names, sets in order."""
    if isinstance(value, type):
        yield from _line_of(value)
    elif value is None or isinstance(value, _VALUES):
        yield value
    elif isinstance(value, GenericAlias | UnionType):
        yield from ("type", repr(value))
    elif isinstance(value, Mapping):
        yield from ("mapping", len(value), *(part for pair in value.items() for each in pair for part in _plain(each)))
    elif isinstance(value, frozenset | set):
        yield from ("set", len(value), *sorted(repr(tuple(_plain(each))) for each in value))
    elif isinstance(value, list | tuple):
        yield from ("list", len(value), *(part for each in value for part in _plain(each)))
    elif dataclasses.is_dataclass(value):
        cls: Any = type(value)
        yield cls.__qualname__
        for name in _names_of(cls):
            yield name
            yield from _plain(getattr(value, name))
    else:
        raise TypeError(f"`{type(value).__name__}` has no form that is the same in each process")
