"""Paths over the records: the steps of keys and relations that lead from one record to another.

An endpoint is where a path from the subject or from the resource of a question ends: a record, or its id, which is the
same endpoint. Two endpoints that a policy says are equal, one seen from each side, make one path between subject and
resource.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sealauthz.schema import Shape

MAX_STEPS = 8
"""Longer paths are not followed: what a policy says about them counts for nothing."""


class Root(StrEnum):
    """What a path starts at."""

    SUBJECT = "SUBJECT"
    RESOURCE = "RESOURCE"


class Step(NamedTuple):
    """One step along the key `column` of the records of type `holder`, which names records of type `target`.

    Up goes from the holder to what it names; down from that to all its holders.
    """

    holder: str
    column: str
    target: str
    is_up: bool

    @property
    def begins_at(self) -> str:
        """The type of the records that the step leads away from."""
        return self.holder if self.is_up else self.target

    @property
    def ends_at(self) -> str:
        """The type of the records that the step leads to."""
        return self.target if self.is_up else self.holder

    def back(self) -> Step:
        """The same step the other way round."""
        return self._replace(is_up=not self.is_up)


Path = tuple[Step, ...]

Shapes = Mapping[str, Shape]
"""The shapes of all records, by name."""


def back(path: Path) -> Path:
    """The same path the other way round."""
    return tuple(step.back() for step in reversed(path))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A record, or its id (`is_record` tells which), at the end of a path from the root.

    `may_be_nil`: the key that names it may be empty. Two empty keys are equal to a policy, and no path joins them.
    """

    root: Root
    path: Path
    type: str
    is_record: bool = True
    may_be_nil: bool = False

    def present(self) -> Endpoint:
        """The same endpoint, once it is known that there is a value."""
        return dataclasses.replace(self, may_be_nil=False) if self.may_be_nil else self


@dataclass(frozen=True, slots=True)
class Members:
    """The records of a collection: those that one step down from an endpoint leads to."""

    endpoint: Endpoint
    step: Step


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that stands in the policy; nil is None."""

    value: Any


@dataclass(frozen=True, slots=True)
class Given:
    """The context of a question, of this class."""

    type: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value of which nothing is known."""


UNKNOWN = Unknown()

Value = Endpoint | Members | Constant | Given | Unknown


def attribute_of(shapes: Shapes, endpoint: Endpoint, name: str) -> Endpoint | Members | Unknown:
    """What reading an attribute of a record gives."""
    if not endpoint.is_record:
        return UNKNOWN
    if name == "id":
        return dataclasses.replace(endpoint, is_record=False, may_be_nil=False)
    shape = shapes[endpoint.type]
    for column in shape.columns:
        if column.name == name:
            if column.ref is None:
                return UNKNOWN
            end = beyond(endpoint, Step(shape.name, name, column.ref, is_up=True))
            if isinstance(end, Unknown):
                return end
            return dataclasses.replace(end, is_record=False, may_be_nil=column.is_optional)
    for relation in shape.relations:
        if relation.name == name and relation.is_one:
            is_optional = shape.column(relation.key).is_optional
            end = beyond(endpoint, Step(shape.name, relation.key, relation.record, is_up=True))
            return end if isinstance(end, Unknown) else dataclasses.replace(end, may_be_nil=is_optional)
        if relation.name == name:
            return Members(endpoint, Step(relation.record, relation.key, shape.name, is_up=False))
    return UNKNOWN


def member_of(members: Members) -> Endpoint | Unknown:
    """Any one record of a collection."""
    return beyond(members.endpoint, members.step)


def beyond(endpoint: Endpoint, step: Step) -> Endpoint | Unknown:
    """The record that one more step leads to."""
    if endpoint.path and endpoint.path[-1] == step.back() and step.is_up:
        # Down to a holder and up by the same key again: where we stood before.
        return Endpoint(endpoint.root, endpoint.path[:-1], step.target)
    if len(endpoint.path) == MAX_STEPS:
        return UNKNOWN
    return Endpoint(endpoint.root, (*endpoint.path, step), step.ends_at)


def path_of(shapes: Shapes, record_type: str, names: Sequence[str]) -> Path:
    """Read a path from the names of columns, and of collections: `("cross_grants", "holder_id")` from a Seal.

    Raises KeyError for a name that is neither.
    """
    path: list[Step] = []
    here = record_type
    for name in names:
        shape = shapes[here]
        relation = next((found for found in shape.relations if found.name == name and not found.is_one), None)
        if relation is not None:
            path.append(Step(relation.record, relation.key, here, is_up=False))
        else:
            path.append(Step(here, name, shape.column(name).ref or "", is_up=True))
        here = path[-1].ends_at
    return tuple(path)
