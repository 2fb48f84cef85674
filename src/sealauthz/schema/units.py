"""The units in which facts are loaded, and which records each unit holds: derived from what the records declare.

A record is at home in exactly one unit: that of its root. It may be related to others, where a decision reads it from
the other end. A path says how a record leads to the id of a root.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from sealauthz.schema.changes import Rows
from sealauthz.schema.record import Relation, Shape
from sealauthz.schema.rules import ActsFor, RootOwned, Shared, Subject, Tenant


class Unit(NamedTuple):
    """One unit: its kind, and the id of its root record."""

    kind: str
    id: str


class Step(NamedTuple):
    """One step of a path: up by our own `column`, or down to the records of type `record` whose `column` names us."""

    record: str
    column: str

    @property
    def is_up(self) -> bool:
        """Whether the step follows our own key."""
        return not self.record


Path = tuple[Step, ...]


def parse_path(text: str) -> Path:
    """Read a path from its text: `seal_id/enterprise_id`, `~Membership.person_id/enterprise_id`."""
    steps = []
    for part in text.split("/"):
        record, _, column = part.removeprefix("~").rpartition(".")
        steps.append(Step(record, column))
    return tuple(steps)


def kind_of(record_type: str) -> str:
    """Return the kind of the units around roots of a type: `SealHold` -> `SEAL_HOLD`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", record_type).upper()


class Units:
    """Which units there are, and what each holds. A unit's kind is that of its root, in capitals."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self.roots: Mapping[str, str] = {
            name: kind_of(name)
            for root in (Tenant, Shared, Subject)
            for name, shape in shapes.items()
            if isinstance(shape.root, root)
        }
        """The kind of each root type. Their order is the order in which writers lock them."""
        self.kinds = tuple(self.roots.values())
        self.root_of = {kind: name for name, kind in self.roots.items()}
        self._home_paths = {name: self._path_home(name) for name in shapes}
        self._home_kinds = {name: self.roots[self._end_of(name, path)] for name, path in self._home_paths.items()}
        self._paths = {(kind, name): self._paths_into(kind, name) for kind in self.kinds for name in shapes}
        self._references = {
            name: tuple(relation for relation in shape.relations if relation.is_one) for name, shape in shapes.items()
        }
        self._collections = {(kind, name): self._whole_in(kind, name) for kind in self.kinds for name in shapes}
        self._acts_for = {name: self._paths_to_party(name) for name in shapes}
        self._locked_keys = {name: self._keys_to_lock(name) for name in shapes}

    @cached_property
    def tenant(self) -> str:
        """The record type of the tenant."""
        return next(name for name in self.roots if isinstance(self._shapes[name].root, Tenant))

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """The record types of those who ask."""
        return tuple(name for name in self.roots if isinstance(self._shapes[name].root, Subject))

    @cached_property
    def shared(self) -> Mapping[str, tuple[Path, ...]]:
        """The record types of shared roots, with the paths to the tenants that they concern."""
        roots = ((name, self._shapes[name].root) for name in self.roots)
        return {name: tuple(map(parse_path, root.concerns)) for name, root in roots if isinstance(root, Shared)}

    @cached_property
    def writers(self) -> Mapping[str, Mapping[tuple[Path, ...], frozenset[str]]]:
        """Whose right a write needs, by record type: the columns, by the paths to the tenant, of which the first that
        leads to any counts. Each column is in one set; `id` is in that of who makes the record. A type of a subject has
        none.
        """
        return {name: self._writers_of(name) for name in self._shapes}

    @cached_property
    def telling(self) -> frozenset[str]:
        """The record types of which a new record may make a shared root concern another tenant."""
        paths = (path for some in self.shared.values() for path in some)
        return frozenset(step.record for path in paths for step in path if not step.is_up)

    def is_of_tenant(self, kind: str) -> bool:
        """Tell whether units of this kind belong to one tenant each."""
        return self.root_of[kind] == self.tenant

    def is_of_subject(self, kind: str) -> bool:
        """Tell whether units of this kind belong to a subject, and to no tenant."""
        return self.root_of[kind] in self.subjects

    def knows(self, record_type: str) -> bool:
        """Tell whether there is such a record type."""
        return record_type in self._shapes

    def home_path(self, record_type: str) -> Path:
        """Return the steps from a record to its home root; empty for a root. Raises KeyError for an unknown type."""
        return self._home_paths[record_type]

    def home_kind(self, record_type: str) -> str:
        """Return the kind of the unit that records of a type are at home in. Raises KeyError for an unknown type."""
        return self._home_kinds[record_type]

    def paths_to(self, kind: str, record_type: str) -> tuple[Path, ...]:
        """Return every way in which records of a type get into units of this kind; empty if they never do."""
        return self._paths[kind, record_type]

    def locked_keys(self, record_type: str) -> tuple[str, ...]:
        """Return the columns of a record type of which a writer locks the home of what they name.

        Some relate a subject or a post to a tenant's unit: who changes it sees in which tenants it is held. The others
        rest a right on a record of another tenant: who ends that sees what rests on it.
        """
        return self._locked_keys[record_type]

    def collections(self, kind: str, record_type: str) -> tuple[Relation, ...]:
        """Return the collections that units of a kind hold whole. Any other stays unset and raises when read.

        Of a root that is a guest in the unit of another one of its type, only those are (`owns`).
        """
        return self._collections[kind, record_type]

    def has_guests(self, kind: str, record_type: str) -> bool:
        """Tell whether units of a kind may hold records of a type that are at home elsewhere."""
        return any(path != self._home_paths[record_type] for path in self._paths[kind, record_type])

    def owns(self, unit: Unit, record: Any, whole_in: Collection[str]) -> bool:
        """Tell whether a unit holds a collection of a record whole, which is one of those of its kind.

        It holds those of its own root. Of another root of its type it holds those that are `whole_in` such units.
        """
        root = self.root_of[unit.kind]
        return root != type(record).__name__ or bool(record.id == unit.id) or root in whole_in

    def collection(self, owner: str, record_type: str, key: str) -> str | None:
        """Return the name of the collection of `owner` that holds the records of a type whose key names it, if any."""
        for relation in self._shapes[owner].relations:
            if not relation.is_one and (relation.record, relation.key) == (record_type, key):
                return relation.name
        return None

    def references(self, record_type: str) -> tuple[Relation, ...]:
        """Return the relations of a record type to one record."""
        return self._references[record_type]

    @cached_property
    def known_to_subjects(self) -> Mapping[str, str]:
        """The records of a tenant that make it known to a subject's unit, and the column that names the subject.

        INVARIANT: any other related record of the unit comes with one of these, or with its shared root.
        """
        return {
            name: paths[0][0].column
            for name in self._shapes
            for subject in self.subjects
            if self.home_kind(name) == self.roots[self.tenant]
            for paths in (self.paths_to(self.roots[subject], name),)
            if paths and len(paths[0]) == 1
        }

    def _paths_to_party(self, record_type: str) -> tuple[Path, ...]:
        """Return the paths of the nearest `ActsFor`, on the type or above it; none where there is none."""
        shape = self._shapes[record_type]
        declared = tuple(parse_path(path) for rule in shape.rules_of(ActsFor) for path in rule.paths)
        if declared or shape.root is not None:
            return declared
        above = self._paths_to_party(shape.column(shape.home).ref or "")
        return tuple((Step("", shape.home), *path) for path in above)

    def _writers_of(self, record_type: str) -> Mapping[tuple[Path, ...], frozenset[str]]:
        shape, kind = self._shapes[record_type], self._home_kinds[record_type]
        if self.is_of_subject(kind):
            return {}
        every = frozenset(column.name for column in shape.columns)
        root = self._shapes[self.root_of[kind]].root
        home = self._home_paths[record_type]
        owner = ((*home, Step("", root.owner)) if isinstance(root, Shared) else home,)
        of_owner = frozenset(column for rule in shape.rules_of(RootOwned) for column in ("id", *rule.columns))
        party = self._acts_for[record_type] or owner
        return {owner: of_owner, party: every - of_owner} if of_owner else {party: every}

    def _path_home(self, record_type: str) -> Path:
        shape = self._shapes[record_type]
        if shape.root is not None:
            return ()
        return (Step("", shape.home), *self._path_home(shape.column(shape.home).ref or ""))

    def _end_of(self, record_type: str, path: Path) -> str:
        for step in path:
            record_type = self._shapes[record_type].column(step.column).ref or ""
        return record_type

    def _paths_into(self, kind: str, record_type: str) -> tuple[Path, ...]:
        home = (self._home_paths[record_type],) if self._home_kinds[record_type] == kind else ()
        return (*home, *map(parse_path, self._shapes[record_type].related_to.get(self.root_of[kind], ())))

    def _whole_in(self, kind: str, record_type: str) -> tuple[Relation, ...]:
        relations = (relation for relation in self._shapes[record_type].relations if not relation.is_one)
        if self._home_kinds[record_type] == kind:
            return tuple(relations)
        return tuple(relation for relation in relations if self.root_of[kind] in relation.whole_in)

    def _keys_to_lock(self, record_type: str) -> tuple[str, ...]:
        related = (name for name, shape in self._shapes.items() if self.tenant in shape.related_to)
        paths = (path for name in related for path in self._paths[self.roots[self.tenant], name])
        keys = [path[0].column for path in paths if path[0].record == record_type]
        crossing = [column.name for column in self._shapes[record_type].columns if column.crosses]
        return (*keys, *crossing)

    def is_at_home(self, record: Any, unit: Unit, records: Mapping[str, Mapping[str, Any]]) -> bool:
        """Tell whether a record of a unit, which holds these, is at home there, as far as these tell."""
        record_type = type(record).__name__
        for step in self._home_paths[record_type]:
            above = getattr(record, step.column)
            record_type = self._shapes[record_type].column(step.column).ref or ""
            if record_type in self.roots:
                return bool(Unit(self.roots[record_type], above) == unit)
            record = records.get(record_type, {}).get(above)
            if record is None:
                return False
        return bool(Unit(self.roots[record_type], record.id) == unit)

    def homes_of(self, records: Iterable[Any], rows: Rows) -> dict[tuple[str, str], Unit]:
        """Return the home unit of each record by type and id; a record whose chain is broken is left out."""
        homes: dict[tuple[str, str], Unit] = {}
        for record_type, some in _by_type(records).items():
            kind = self.home_kind(record_type)
            for record_id, roots in self.follow(record_type, self.home_path(record_type), some, rows).items():
                for root in roots:
                    homes[record_type, record_id] = Unit(kind, root)
        return homes

    def units_of(self, records: Iterable[Any], rows: Rows) -> dict[tuple[str, str], set[Unit]]:
        """Return every unit that holds each record, by the record's type and id."""
        units: dict[tuple[str, str], set[Unit]] = {}
        for record_type, some in _by_type(records).items():
            held: dict[str, set[Unit]] = {record.id: set() for record in some}
            for kind in self.kinds:
                for path in self.paths_to(kind, record_type):
                    for record_id, roots in self.follow(record_type, path, some, rows).items():
                        for root in roots:
                            held[record_id].add(Unit(kind, root))
            for record_id, found in held.items():
                units[record_type, record_id] = found
        return units

    def tenants_of(self, records: Iterable[Any], rows: Rows) -> dict[tuple[str, str], frozenset[str]]:
        """Return the tenants that each record concerns, by the record's type and id.

        A record of a tenant concerns that one; a record of a shared root, those that the root concerns. A record of a
        subject concerns none, and so does one whose home is not found.
        """
        records = list(records)
        homes = self.homes_of(records, rows)
        shared: dict[Unit, set[str]] = defaultdict(set)
        for root, paths in self.shared.items():
            ids = {unit.id for unit in homes.values() if unit.kind == self.roots[root]}
            roots = rows.get(root, ids).values() if ids else ()
            for path in paths:
                for root_id, tenants in self.follow(root, path, roots, rows).items():
                    shared[Unit(self.roots[root], root_id)] |= tenants
        concerned = {}
        for record in records:
            key = (type(record).__name__, record.id)
            unit = homes.get(key)
            if unit is None or self.is_of_subject(unit.kind):
                concerned[key] = frozenset[str]()
            else:
                concerned[key] = frozenset({unit.id} if self.is_of_tenant(unit.kind) else shared.get(unit, ()))
        return concerned

    def concerned_by(self, record: Any, home: Unit) -> frozenset[str] | None:
        """Return the tenants that a wired record is about; None for one of a subject.

        What is not wired counts for nothing, so that there may be none of them.
        """
        if self.is_of_tenant(home.kind):
            return frozenset({home.id})
        if self.is_of_subject(home.kind):
            return None
        for path in self._acts_for[type(record).__name__]:
            ends = self._ends(record, path)
            if ends:
                return frozenset(ends)
        above = self._home_paths[type(record).__name__]
        paths = self.shared[self.root_of[home.kind]]
        return frozenset(end for path in paths for end in self._ends(record, (*above, *path)))

    def acted_for(self, record: Any, home: Unit) -> frozenset[str] | None:
        """Return the tenants of whom one's right an act that changes something needs, on a wired record.

        They are those that the record is about; of a shared root, its owner. None for a record of a subject.
        """
        root = self._shapes[type(record).__name__].root
        if isinstance(root, Shared):
            return frozenset({getattr(record, root.owner)})
        return self.concerned_by(record, home)

    def subjects_of(self, record: Any) -> set[Unit]:
        """Return the units of the subjects that a wired record is related to. What is not wired counts for nothing."""
        kinds = (self.roots[subject] for subject in self.subjects)
        return {
            Unit(kind, end)
            for kind in kinds
            for path in self.paths_to(kind, type(record).__name__)
            for end in self._ends(record, path)
        }

    def _ends(self, record: Any, path: Path) -> set[str]:
        """Return the ids at the end of a path from a wired record."""
        standing = [record]
        for number, step in enumerate(path):
            is_last = number == len(path) - 1
            if step.is_up and is_last:
                return {key for one in standing if (key := getattr(one, step.column)) is not None}
            relations = [self._leading(type(one).__name__, step) for one in standing]
            found = [getattr(one, name, None) for one, name in zip(standing, relations, strict=True) if name]
            standing = [member for some in found if some is not None for member in ([some] if step.is_up else some)]
        return set()

    def _leading(self, record_type: str, step: Step) -> str:
        """Return the name of the relation that a step goes through; empty where there is none."""
        for relation in self._shapes[record_type].relations:
            key = (relation.is_one, relation.key)
            if key == (step.is_up, step.column) and (step.is_up or relation.record == step.record):
                return relation.name
        return ""

    def first_ends(
        self, record_type: str, paths: Iterable[Path], records: Iterable[Any], rows: Rows
    ) -> dict[str, set[str]]:
        """Return the ids at the end of the first path that leads from a record to any, by record id."""
        left = {record.id: record for record in records}
        ends: dict[str, set[str]] = {}
        for path in paths:
            found = self.follow(record_type, path, left.values(), rows) if left else {}
            ends |= found
            left = {record_id: record for record_id, record in left.items() if record_id not in found}
        return ends

    def follow(self, record_type: str, path: Path, records: Iterable[Any], rows: Rows) -> dict[str, set[str]]:
        """Follow a path from each record, by one look-up per step; return the ids that it ends at, by record id."""
        for step in path:
            if not step.is_up:
                break
        else:
            return self._follow_up(record_type, path, records, rows)
        # Where we stand: the records reached, each with the ids of those we started from.
        reached: dict[str, set[str]] = {record.id: {record.id} for record in records}
        standing: dict[str, Any] = {record.id: record for record in records}
        here = record_type
        for number, step in enumerate(path):
            onward: dict[str, set[str]] = defaultdict(set)
            if step.is_up:
                for record_id, record in standing.items():
                    target = getattr(record, step.column)
                    if target is not None:
                        onward[target] |= reached[record_id]
                here = self._shapes[here].column(step.column).ref or ""
                # The id of the root is enough: whether the row is there is the concern of the foreign key.
                standing = {} if number == len(path) - 1 else dict(rows.get(here, onward.keys()))
            else:
                here = step.record
                standing = {}
                for record in rows.naming(here, step.column, reached.keys()):
                    standing[record.id] = record
                    onward[record.id] |= reached[getattr(record, step.column)]
            reached = onward
        ends: dict[str, set[str]] = defaultdict(set)
        for end, starts in reached.items():
            for start in starts:
                ends[start].add(end)
        return ends

    def _follow_up(self, record_type: str, path: Path, records: Iterable[Any], rows: Rows) -> dict[str, set[str]]:
        """Follow a path that only goes up, as most do: from each record it ends at one id, or nowhere."""
        standing: dict[str, Any] = {record.id: record for record in records}
        if not path:
            return {record_id: {record_id} for record_id in standing}
        if len(standing) == 1:
            ((start, record),) = standing.items()
            end = self._end_above(record_type, path, record, rows)
            return {} if end is None else {start: {end}}
        here = record_type
        *before, last = path
        for step in before:
            keys = _keys(standing, step.column)
            here = self._shapes[here].column(step.column).ref or ""
            found = rows.get(here, dict.fromkeys(keys.values()))
            standing = {start: found[key] for start, key in keys.items() if key in found}
        # The id of the root is enough: whether the row is there is the concern of the foreign key.
        return {start: {key} for start, key in _keys(standing, last.column).items()}

    def _end_above(self, record_type: str, path: Path, record: Any, rows: Rows) -> str | None:
        """Follow a path that only goes up from one record; return the id that it ends at."""
        *before, last = path
        for step in before:
            key = getattr(record, step.column)
            if key is None:
                return None
            record_type = self._shapes[record_type].column(step.column).ref or ""
            record = rows.get(record_type, (key,)).get(key)
            if record is None:
                return None
        return getattr(record, last.column)  # type: ignore[no-any-return]


def _keys(records: Mapping[str, Any], column: str) -> dict[str, str]:
    """Return what the records name in a column, where they name anything."""
    return {record_id: key for record_id, record in records.items() if (key := getattr(record, column)) is not None}


def _by_type(records: Iterable[Any]) -> dict[str, list[Any]]:
    by_type: dict[str, list[Any]] = defaultdict(list)
    for record in records:
        by_type[type(record).__name__].append(record)
    return by_type
