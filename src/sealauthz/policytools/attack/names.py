"""The names that Python functions mention: attributes, keywords and texts, with all functions of ours that they call.

Resolvers and effects are functions. What they may read or write is found in what they mention: rather too much than too
little.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mentioned:
    """What some functions mention: attributes and globals by name, texts (the names of keywords too), and classes."""

    names: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    classes: frozenset[type] = frozenset()

    def __or__(self, other: Mentioned) -> Mentioned:
        return Mentioned(self.names | other.names, self.texts | other.texts, self.classes | other.classes)


def mentioned_by(function: Callable[..., Any] | None) -> Mentioned:
    """Return what a function mentions, and all that it calls in its own package."""
    if function is None:
        return Mentioned()
    names: set[str] = set()
    texts: set[str] = set()
    classes: set[type] = set()
    seen: set[int] = set()
    waiting: list[Any] = [function]
    home = _home_of(function)
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, functools.partial):
            waiting += [thing.func, *thing.args, *thing.keywords.values()]
        elif inspect.ismethod(thing):
            waiting += [thing.__func__, type(thing.__self__)]
        elif inspect.isfunction(thing):
            waiting += _inside(thing.__code__, thing.__globals__, names, texts)
            waiting += [cell.cell_contents for cell in thing.__closure__ or ()]
            waiting += thing.__defaults__ or ()
        elif inspect.isclass(thing):
            classes.add(thing)
            if _home_of(thing) == home and thing.__module__.startswith(home):
                waiting += [each for each in vars(thing).values() if inspect.isfunction(each) and _is_ours(each, home)]
                waiting += [each.fget for each in vars(thing).values() if isinstance(each, property) and each.fget]
        elif isinstance(thing, dict):
            waiting += [*thing.keys(), *thing.values()]
        elif isinstance(thing, tuple | list | set | frozenset):
            waiting += thing
        elif isinstance(thing, str):
            texts.add(str(thing))
            classes.add(type(thing))
    return Mentioned(frozenset(names), frozenset(texts), frozenset(classes))


def _inside(code: types.CodeType, known: dict[str, Any], names: set[str], texts: set[str]) -> Iterator[Any]:
    """Collect the names in a piece of code, and return what they stand for."""
    names.update(code.co_names)
    for name in code.co_names:
        found = known.get(name)
        if inspect.ismodule(found):
            yield from (vars(found)[each] for each in code.co_names if each in vars(found))
        elif found is not None:
            yield found
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _inside(constant, known, names, texts)
        else:
            texts.update(_texts(constant))


def _texts(constant: Any) -> Iterable[str]:
    if isinstance(constant, str):
        yield constant
    elif isinstance(constant, tuple | frozenset):
        for each in constant:
            yield from _texts(each)


def _home_of(thing: Any) -> str:
    """The package whose functions are looked into: that of the model which declares the function."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    first, _, rest = str(getattr(thing, "__module__", "")).partition(".")
    second = rest.partition(".")[0]
    return f"{first}.{second}" if second else first


def _is_ours(function: Any, home: str) -> bool:
    return str(function.__module__).startswith(home)
