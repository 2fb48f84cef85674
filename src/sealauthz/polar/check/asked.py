"""What an analysis asked of the class of an argument, so that it holds for all classes that answer alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sealauthz.polar.alike import EVERYTHING, Alike
from sealauthz.polar.check.values import Value
from sealauthz.polar.types import TypeTable, ValueType

_ATTRIBUTE, _MEMBERSHIP = "attribute", "is"


class Asked:
    """Questions about classes that have siblings, as bits of a number, and which classes answer alike."""

    def __init__(self, types: TypeTable) -> None:
        self._types = types
        self._alike = Alike[str]()
        self._stems: dict[ValueType, ValueType] = {}

    def attribute(self, cls: str, name: str) -> int:
        """The bit of the question what an attribute holds; none where a class has no sibling."""
        if not self._is(cls):
            return 0
        return self._attribute_bit(name)

    def membership(self, cls: str, wanted: str) -> int:
        """The bit of the question whether all instances of a class are of another one; none where neither has a
        sibling.
        """
        if not self._is(cls):
            # What could be anything is an instance of that very class from now on, as an argument may be.
            return EVERYTHING if not cls and self._is(wanted) else 0
        if cls != wanted and self._types.is_a(wanted, cls):
            return EVERYTHING  # it is of that class from now on
        return self._membership_bit(wanted)

    def union(self, cls: str) -> int:
        """The bit of the question whether a class is one of several that a policy names together."""
        return EVERYTHING if self._is(cls) else 0

    def differing(self, one: str, other: str) -> int:
        """The questions that two classes answer otherwise."""
        return self._alike.differing(one, other)

    def stemmed(self, values: Sequence[Value]) -> tuple[str, tuple[Value, ...]] | None:
        """The one class with siblings among arguments, empty where there is none, and the arguments with the class that
        these derive from in its place. None where there are several.
        """
        found = ""
        stemmed: list[Value] = []
        for value in values:
            if isinstance(value, ValueType):
                if value.element is not None and self._is(value.element.name):
                    return None
                if self._is(value.name):
                    if found and found != value.name:
                        return None
                    found = value.name
                    stemmed.append(self._stem(value))
                    continue
            stemmed.append(value)
        return found, tuple(stemmed)

    @property
    def questions(self) -> tuple[tuple[str, str], ...]:
        """All questions so far, in the order of their bits: what is asked, and for which name."""
        return tuple(name for name in self._alike.names if isinstance(name, tuple))

    def ask_again(self, questions: Sequence[tuple[str, str]]) -> None:
        """Give the questions of another analysis the bits that they have there; before any other is asked."""
        for what, name in questions:
            _ = self._attribute_bit(name) if what == _ATTRIBUTE else self._membership_bit(name)

    def _attribute_bit(self, name: str) -> int:
        return self._alike.bit((_ATTRIBUTE, name), lambda other: self._types.attribute(other, name))

    def _membership_bit(self, wanted: str) -> int:
        is_a = self._types.is_a
        return self._alike.bit((_MEMBERSHIP, wanted), lambda other: (is_a(other, wanted), is_a(wanted, other)))

    def _is(self, cls: str) -> bool:
        return cls in self._types.stem_names

    def _stem(self, value: ValueType) -> ValueType:
        known = self._stems.get(value)
        if known is None:
            known = self._stems[value] = replace(value, name=self._types.stem_names[value.name])
        return known


def renamed(value: Value, cls: str, other: str) -> Value:
    """A value of another class in place of one; of a list, with members of it."""
    if not isinstance(value, ValueType):
        return value
    if value.element is not None and value.element.name == cls:
        return replace(value, element=replace(value.element, name=other))
    return replace(value, name=other) if value.name == cls else value
