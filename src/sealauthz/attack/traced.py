"""Records that tell what is read of them: each attribute, and of a collection who is looked at, one after the other.

A search that keeps apart what does not concern each other has to know what an answer rests on in the facts at hand. The
policies, resolvers and effects are asked as always, of records of classes of our own that note what they give away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any

from sealauthz.attack.touching import Event, What, plain
from sealauthz.schema import Model, shape_of, values_of
from sealauthz.schema.record import Collection, having

_noted: list[list[Event] | None] = [None]
"""Where it is noted what is read, the innermost last; None while nobody asks. A search is one thread of its process."""


@contextmanager
def reading() -> Iterator[list[Event]]:
    """Give what is read meanwhile, in its order; what is noted within is noted there alone."""
    events: list[Event] = []
    _noted.append(events)
    try:
        yield events
    finally:
        _noted.pop()


def note(what: What, *which: str) -> None:
    """Note that something was looked up."""
    events = _noted[-1]
    if events is not None:
        events.append((what, *which))


class _Looked(Collection):
    """A collection of which it is noted who is looked at. `of`: their type, and the column by which they name whom."""

    __slots__ = ("of",)

    def __init__(self, records: Iterable[Any], of: tuple[str, str, str]) -> None:
        super().__init__(records)
        self.of = of

    def __iter__(self) -> Iterator[Any]:
        events = _noted[-1]
        if events is None:
            yield from list.__iter__(self)
            return
        number = str(len(events))
        events.append((What.WALK, *self.of))
        for record in list.__iter__(self):
            events.append((What.MEMBER, number, type(record).__name__, _id_of(record)))
            yield record
        events.append((What.END, number, "", ""))

    def __getattr__(self, name: str) -> Any:
        if name == "by":
            return _By(self)
        if name == "having":
            return _Having(self)
        raise AttributeError(f"a collection has no attribute `{name}`", name=name, obj=self)

    def holding(self, column: str, value: Any) -> Sequence[Any]:
        """The records that hold a value in a column, in their order: of the others nothing was looked at."""
        events = _noted[-1]
        if events is not None:
            events.append((What.HOLDING, *self.of, column, plain(value)))
        return [each for each in list.__iter__(self) if object.__getattribute__(each, column) == value]


class _Having:
    """The members of a collection that have members of their own, each looked at for that."""

    __slots__ = ("_of",)

    def __init__(self, of: _Looked) -> None:
        self._of = of

    def __getitem__(self, name: str) -> _Looked:
        return _Looked(having(self._of, name), self._of.of)


def _whole(name: str) -> Any:
    """Return what a list does under a name, of which it is noted that it was taken as a whole."""
    of_list = getattr(list, name)

    @wraps(of_list)
    def taken(self: _Looked, *arguments: Any) -> Any:
        note(What.WHOLE, *self.of)
        return of_list(self, *arguments)

    return taken


for _name in vars(list).keys() & {
    *("__len__", "__getitem__", "__contains__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"),
    *("__add__", "__mul__", "__rmul__", "__reversed__", "__repr__", "copy", "count", "index"),
}:
    setattr(_Looked, _name, _whole(_name))


class _By:
    """Look-ups of a collection by column: who does not hold the value was looked at no further."""

    __slots__ = ("_column", "_of")

    def __init__(self, of: _Looked, column: str = "") -> None:
        self._of = of
        self._column = column

    def __getitem__(self, column: str) -> _By:
        return _By(self._of, column)

    def get(self, value: Any, default: Any = ()) -> Any:
        """Return the records that hold a value, in their order."""
        found = [each for each in self._of if getattr(each, self._column) == value]
        return _Looked(found, self._of.of) if found else default


def _id_of(record: Any) -> str:
    return str(object.__getattribute__(record, "id"))


@cache
def traced_class(cls: Any) -> Any:
    """Return the class of records that tell what is read of them."""
    shape = shape_of(cls)
    name_of_type = cls.__name__
    columns = frozenset(column.name for column in shape.columns)
    ones = {each.name: each.key for each in shape.relations if each.is_one}
    many = {each.name: (each.record, each.key) for each in shape.relations if not each.is_one}
    of_self: Callable[[Any, str], Any] = cls.__getattribute__

    def __getattribute__(self: Any, name: str) -> Any:
        events = _noted[-1]
        if events is not None:
            if name in columns:
                events.append((What.COLUMN, name_of_type, of_self(self, "id"), name))
            elif name in ones:
                events.append((What.LINK, name_of_type, of_self(self, "id"), ones[name]))
            elif name in many:
                of = (*many[name], of_self(self, "id"))
                events.append((What.SCAN, *of))
                found = of_self(self, name)
                # Of what is empty it is noted, too, what is done with it.
                return found if type(found) is _Looked else _Looked(found, of)
        return of_self(self, name)

    body = {"__slots__": (), "__getattribute__": __getattribute__, "__module__": cls.__module__}
    return type(cls.__name__, (cls,), {**body, "__qualname__": cls.__qualname__})


def traced(record: Any) -> Any:
    """Return a record that tells what is read of it."""
    cls: type = type(record)
    return traced_class(cls)(*values_of(record))


def untraced(model: Model, record: Any) -> Any:
    """Return a record that an act made of one that tells what is read of it as a plain one."""
    cls = model.records[type(record).__name__]
    return record if type(record) is cls else cls(*values_of(record))


def tell_of_collections(model: Model, unit: Mapping[str, Mapping[str, Any]]) -> None:
    """Make the collections of a wired unit tell who is looked at."""
    for record_type, records in unit.items():
        many = [each for each in model.shapes[record_type].relations if not each.is_one]
        for record in records.values():
            for each in many:
                try:
                    members = object.__getattribute__(record, each.name)
                except AttributeError:
                    continue  # the unit does not hold it
                if members:
                    setattr(record, each.name, _Looked(members, (each.record, each.key, _id_of(record))))
