"""Changing a wired unit in place: the records that came, went or have other values, and nothing beside them.

What it costs depends on what has changed, and not on how much the unit holds; but for guests, whom records of the unit
may have named before they came: those are looked for among all of the types that can.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from sealauthz.schema import Model, Unit, shape_of
from sealauthz.schema.record import EMPTY, Collection

_id_of = attrgetter("id")

Held = dict[str, dict[str, Any]]
"""A wired unit that is ours to change."""


class _Membership(NamedTuple):
    """One collection that records of a type are members of: whose it is, its name, and our key to the owner.

    `whole_in` are the further roots whose units hold it.
    """

    owner: str
    name: str
    key: str
    whole_in: tuple[str, ...] = ()


class _Joints(NamedTuple):
    """How the records of one kind of unit are joined, by record type."""

    memberships: Mapping[str, tuple[_Membership, ...]]
    pointers: Mapping[str, tuple[_Membership, ...]]
    """The relations to one record of a type: whose they are, their name, and the key."""
    guests: frozenset[str]
    """The types of which some records may be at home elsewhere."""


@cache
def _joints(model: Model, kind: str) -> _Joints:
    units = model.units
    memberships: dict[str, list[_Membership]] = defaultdict(list)
    pointers: dict[str, list[_Membership]] = defaultdict(list)
    for name in model.shapes:
        for relation in units.collections(kind, name):
            membership = _Membership(name, relation.name, relation.key, relation.whole_in)
            memberships[relation.record].append(membership)
        for relation in units.references(name):
            pointers[relation.record].append(_Membership(name, relation.name, relation.key))
    return _Joints(
        {name: tuple(some) for name, some in memberships.items()},
        {name: tuple(some) for name, some in pointers.items()},
        frozenset(name for name in model.shapes if units.has_guests(kind, name)),
    )


def change(model: Model, of: Unit, unit: Held, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Change a unit to what `rows` says of some records by type and id: as they are now, None where it has them not.

    INVARIANT: nobody reads the unit meanwhile. Afterwards it is what `wire` would make of all its records, but for the
    order of its tables. A record that stays is the same object.
    """
    _Changing(model, of, unit).apply(rows)


class _Changing:
    """One change of one unit."""

    def __init__(self, model: Model, of: Unit, unit: Held) -> None:
        self._units = model.units
        self._of = of
        self._unit = unit
        self._joints = _joints(model, of.kind)
        self._came: dict[str, dict[str, Any]] = defaultdict(dict)
        self._gone: dict[str, set[str]] = defaultdict(set)
        self._changed: list[Any] = []

    def apply(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Apply what is known of some records."""
        # Those that came first: what changes now may name them.
        edits = []
        for record_type, some in rows.items():
            held = self._unit.get(record_type, {})
            for record_id, new in some.items():
                old = held.get(record_id)
                if old is None and new is not None:
                    self._came[record_type][record_id] = new
                elif old is not None and new is None:
                    self._gone[record_type].add(record_id)
                elif old is not None and old != new:
                    edits.append((old, new))
        for record_type, ids in self._gone.items():
            self._remove(record_type, ids)
        for record_type, some in self._came.items():
            self._unit.setdefault(record_type, {}).update(some)
        for old, new in edits:
            self._edit(old, new)
        came = [record for some in self._came.values() for record in some.values()]
        for record in came:
            self._join(record)
        self._changed += came
        for record_type in self._came:
            self._collect(record_type)
        for record in self._changed:
            self._refer(record)
        for record_type in self._joints.guests & (self._came.keys() | self._gone.keys()):
            self._point(record_type)

    def _remove(self, record_type: str, ids: Iterable[str]) -> None:
        """Take records out of the unit, and out of the collections that they are in."""
        held = self._unit[record_type]
        for record_id in ids:
            record = held.pop(record_id)
            for membership in self._joints.memberships.get(record_type, ()):
                self._leave(record, membership)
        if not held:
            del self._unit[record_type]

    def _edit(self, record: Any, new: Any) -> None:
        """Give a record its new values, and move it to the collections that it is in by them."""
        cls: type = type(record)
        changed = {
            column.name: value
            for column in shape_of(cls).columns
            if (value := getattr(new, column.name)) != getattr(record, column.name)
        }
        memberships = self._joints.memberships.get(cls.__name__, ())
        for membership in memberships:
            if membership.key in changed:
                self._leave(record, membership)
            else:
                self._index(record, membership, changed)
        for name, value in changed.items():
            setattr(record, name, value)
        for membership in memberships:
            if membership.key in changed:
                self._enter(record, membership)
        self._changed.append(record)

    def _join(self, record: Any) -> None:
        """Put a record that came into the collections of those who were here before."""
        for membership in self._joints.memberships.get(type(record).__name__, ()):
            self._enter(record, membership)

    def _owner(self, record: Any, membership: _Membership) -> Any:
        """Return the record in whose collection a record is; None where that is not ours to change.

        One that came gets its collections as a whole, and a guest of the root's own type may have none.
        """
        owner = self._unit.get(membership.owner, {}).get(getattr(record, membership.key))
        if owner is None or owner.id in self._came.get(membership.owner, ()):
            return None
        return owner if self._units.owns(self._of, owner, membership.whole_in) else None

    def _leave(self, record: Any, membership: _Membership) -> None:
        owner = self._owner(record, membership)
        if owner is None:
            return
        members = getattr(owner, membership.name)
        del members[_place(members, record)]
        _forget_having(members)
        if not members:
            setattr(owner, membership.name, EMPTY)
            self._had_first_or_last(owner)
            return
        for column, found in _made(members).items():
            _unlist(found, getattr(record, column), record)

    def _enter(self, record: Any, membership: _Membership) -> None:
        owner = self._owner(record, membership)
        if owner is None:
            return
        members = getattr(owner, membership.name)
        if not members:
            setattr(owner, membership.name, Collection([record]))
            self._had_first_or_last(owner)
            return
        members.insert(_place(members, record), record)
        _forget_having(members)
        for column, found in _made(members).items():
            _list(found, getattr(record, column), record)

    def _had_first_or_last(self, record: Any) -> None:
        """Have the collections that a record is in look again for those of their members that have members."""
        for membership in self._joints.memberships.get(type(record).__name__, ()):
            owner = self._owner(record, membership)
            if owner is not None:
                _forget_having(getattr(owner, membership.name))

    def _index(self, record: Any, membership: _Membership, changed: Mapping[str, Any]) -> None:
        """Move a record within the look-ups by column of a collection that it stays in."""
        owner = self._owner(record, membership)
        if owner is None:
            return
        for column, found in _made(getattr(owner, membership.name)).items():
            if column in changed:
                _unlist(found, getattr(record, column), record)
                _list(found, changed[column], record)

    def _collect(self, record_type: str) -> None:
        """Give the records of a type that came their collections."""
        came = self._came[record_type].items()
        for relation in self._units.collections(self._of.kind, record_type):
            owners = {key: each for key, each in came if self._units.owns(self._of, each, relation.whole_in)}
            members: dict[str, Collection] = defaultdict(Collection)
            for member in sorted(self._naming(record_type, relation.record), key=_id_of):
                owner_id = getattr(member, relation.key)
                if owner_id in owners:
                    members[owner_id].append(member)
            for owner_id, owner in owners.items():
                setattr(owner, relation.name, members.get(owner_id, EMPTY))

    def _naming(self, named: str, record_type: str) -> Iterable[Any]:
        """Return the records of a type among which are all that may name one that came.

        What names a record at home here was written after it, or with it; what names a guest may have been here.
        """
        if named in self._joints.guests:
            return self._unit.get(record_type, {}).values()
        return [record for record in self._changed if type(record).__name__ == record_type]

    def _refer(self, record: Any) -> None:
        """Point the relations to one record at what the unit holds now."""
        for relation in self._units.references(type(record).__name__):
            self._refer_one(record, relation.name, relation.record, getattr(record, relation.key))

    def _refer_one(self, record: Any, name: str, named: str, key: str | None) -> None:
        target = None if key is None else self._unit.get(named, {}).get(key)
        if key is None or target is not None:
            setattr(record, name, target)
        else:
            with suppress(AttributeError):  # it is not known, and was not
                delattr(record, name)

    def _point(self, record_type: str) -> None:
        """Point those who stayed at the guests that came, and away from those that are gone."""
        moved = self._came.get(record_type, {}).keys() | self._gone.get(record_type, set())
        for pointer in self._joints.pointers.get(record_type, ()):
            key_of = attrgetter(pointer.key)
            for record in self._unit.get(pointer.owner, {}).values():
                key = key_of(record)
                if key in moved:
                    self._refer_one(record, pointer.name, record_type, key)


def _place(members: Collection, record: Any) -> int:
    """Return where a record is, or belongs, among records in the order of their ids."""
    return bisect_left(members, record.id, key=_id_of)


def _made(members: Collection) -> Mapping[str, dict[Any, list[Any]]]:
    """Return the look-ups by column that were made of a collection so far."""
    try:
        return object.__getattribute__(members, "by")  # type: ignore[no-any-return]
    except AttributeError:
        return {}


def _forget_having(members: Collection) -> None:
    """Forget which members of a collection have members of their own: it is found out again when it is asked for."""
    with suppress(AttributeError):
        del members.having


def _list(found: dict[Any, list[Any]], value: Any, record: Any) -> None:
    some = found.setdefault(value, [])
    some.insert(bisect_left(some, record.id, key=_id_of), record)


def _unlist(found: dict[Any, list[Any]], value: Any, record: Any) -> None:
    some = found[value]
    del some[bisect_left(some, record.id, key=_id_of)]
    if not some:
        del found[value]
