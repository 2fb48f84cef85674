"""What is known of a value before it is there: its type, and whether it may be None."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.schema import shape_of

BUILTIN = {"String": str, "Integer": int, "Boolean": bool, "Float": float, "List": list, "Dictionary": dict}


@dataclass(frozen=True, slots=True)
class Known:
    """A value is an instance of exactly `cls`, or of a class derived from it if not `is_exact`; or None, if optional.

    `element` is the class of the members of a collection of records.
    """

    cls: type
    is_optional: bool = False
    is_exact: bool = True
    element: type | None = None


class ClassTable:
    """The classes that a policy may name, and what their attributes hold."""

    def __init__(self, records: Mapping[str, type], plain: Iterable[type]) -> None:
        self.classes: dict[str, type] = {**BUILTIN, **records, **{cls.__name__: cls for cls in plain}}
        self._attributes: dict[type, dict[str, Known]] = {}
        for cls in records.values():
            shape = shape_of(cls)
            known = {column.name: Known(column.type, column.is_optional) for column in shape.columns}
            for relation in shape.relations:
                target = records[relation.record]
                if relation.is_one:
                    known[relation.name] = Known(target, shape.column(relation.key).is_optional)
                else:
                    known[relation.name] = Known(list, element=target)
            self._attributes[cls] = known
        plain = tuple(plain)
        for cls in plain:
            self._attributes[cls] = dict(_hinted(cls))
        self._stems = dict(_stems(plain))
        self._common = {
            stem: frozenset(
                name
                for name, known in self._attributes[stem].items()
                if all(self._attributes[cls].get(name) == known for cls, other in self._stems.items() if other is stem)
            )
            for stem in self._stems.values()
        }

    def attribute(self, cls: type, name: str) -> Known | None:
        """What an attribute of a class holds; None if the class has no such attribute or is not known."""
        return self._attributes.get(cls, {}).get(name)

    def stem(self, cls: type) -> type | None:
        """The plain class that a plain class and its siblings derive from; None for all others."""
        return self._stems.get(cls)

    def is_common(self, cls: type, name: str) -> bool:
        """Whether an attribute is the same in every class of that stem."""
        stem = self._stems.get(cls)
        return stem is not None and name in self._common[stem]

    def knows(self, cls: type) -> bool:
        """Whether all attributes of a class are known."""
        return cls in self._attributes


def _stems(plain: tuple[type, ...]) -> Iterable[tuple[type, type]]:
    """Each class that derives from another one of these, or is derived from, with the one at the root."""
    for cls in plain:
        root = next(other for other in reversed(cls.__mro__) if other in plain)
        if root is not cls or any(cls is not other and issubclass(other, cls) for other in plain):
            yield cls, root


def _hinted(cls: Any) -> Iterable[tuple[str, Known]]:
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        is_optional = False
        if typing.get_origin(hint) in (types.UnionType, typing.Union):
            is_optional = True
            hint = next(part for part in typing.get_args(hint) if part is not type(None))
        yield field.name, Known(hint, is_optional)
