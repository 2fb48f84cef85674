"""The facts of a diff by what it asks of them: their subjects, and who has to do with which resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from sealauthz.decision import Entity
from sealauthz.facts.store.rows import RecordRows
from sealauthz.schema import Model, Unit
from sealauthz.schema.evidence import RecordKey

_NOBODY: frozenset[Entity] = frozenset()


class FactIndex:
    """The records of one model. Of two with one id the last counts."""

    def __init__(self, model: Model, records: Iterable[Any]) -> None:
        by_id: dict[str, dict[str, Any]] = {record_type: {} for record_type in model.records}
        for record in records:
            by_id[type(record).__name__][record.id] = record
        self.model = model
        self.by_id = by_id
        self.records = [record for some in by_id.values() for record in some.values()]
        self.subjects = [Entity(type_, record_id) for type_ in model.subjects for record_id in sorted(by_id[type_])]
        self._rows = RecordRows(self.records)
        self.homes = model.units.homes_of(self.records, self._rows)
        self.tenants = model.units.tenants_of(self.records, self._rows)
        self._held: dict[str, dict[RecordKey, set[str]]] = {}
        self._concerning: dict[str, dict[str, set[str]]] = {}

    def of(self, record_type: str) -> Mapping[str, Any]:
        """Return the records of a type by id."""
        return self.by_id[record_type]

    def naming(self, record_type: str, column: str, record_id: str) -> Sequence[Any]:
        """Return the records of a type whose column names this id."""
        return self._rows.naming(record_type, column, (record_id,))

    def of_subject(self, subject: RecordKey, record_type: str) -> Collection[str]:
        """Return the ids of the records of a type that are held in the unit of a subject."""
        if record_type not in self._held:
            held: dict[RecordKey, set[str]] = defaultdict(set)
            for record_id, subjects in self.subjects_of(record_type).items():
                for each in subjects:
                    held[each.type, each.id].add(record_id)
            self._held[record_type] = held
        return self._held[record_type].get((subject[0], subject[1]), ())

    def tenant_of(self, record: RecordKey) -> str:
        """Return the id of the tenant that a record is at home in; empty where that is none."""
        home = self.homes.get(record)
        return home.id if home is not None and self.model.units.is_of_tenant(home.kind) else ""

    def of_tenant(self, tenant_id: str, record_type: str) -> Collection[str]:
        """Return the ids of the records of a type that concern a tenant."""
        if record_type not in self._concerning:
            concerning: dict[str, set[str]] = defaultdict(set)
            for record_id in self.by_id[record_type]:
                for each in self.tenants[record_type, record_id]:
                    concerning[each].add(record_id)
            self._concerning[record_type] = concerning
        return self._concerning[record_type].get(tenant_id, ())

    def subjects_of(self, record_type: str) -> dict[str, set[Entity]]:
        """Return the subjects whose units hold each record of a type, by its id."""
        units, found = self.model.units, defaultdict[str, set[Entity]](set)
        for subject in self.model.subjects:
            for path in units.paths_to(units.roots[subject], record_type):
                ends = units.follow(record_type, path, self.by_id[record_type].values(), self._rows)
                for record_id, ids in ends.items():
                    found[record_id] |= {Entity(subject, each) for each in ids}
        return found

    # --- for facts that are too many to decide every pair -----------------------------------------------------------

    def related(self) -> Related:
        """Find out who has to do with what."""
        return Related(self, self._named())

    def _named(self) -> dict[Unit, set[Entity]]:
        """The subjects that the records of each unit name, directly or by what makes a tenant known to them."""
        steps = _keys_of_subjects(self.model)
        found: dict[Unit, set[Entity]] = defaultdict(set)
        for shape in self.model.shapes.values():
            columns = [(c.name, c.ref) for c in shape.columns if c.ref is not None and c.ref in steps]
            for record in self.by_id[shape.name].values() if columns else ():
                home = self.homes.get((shape.name, record.id))
                for name, ref in columns if home is not None else ():
                    named = self.by_id[ref].get(getattr(record, name))
                    subject, column = steps[ref]
                    if home is not None and named is not None and getattr(named, column) is not None:
                        found[home].add(Entity(subject, getattr(named, column)))
        return found


def _keys_of_subjects(model: Model) -> dict[str, tuple[str, str]]:
    """The records from which a step leads to a subject: by type, that of the subject and the column of the step."""
    units = model.units
    found = {name: (name, "id") for name in model.subjects}
    for name, column in units.known_to_subjects.items():
        found[name] = (model.shapes[name].column(column).ref or "", column)
    for name in model.records:
        path = units.home_path(name)
        if len(path) == 1 and units.is_of_subject(units.home_kind(name)):
            found[name] = (units.root_of[units.home_kind(name)], path[0].column)
    return found


class Related:
    """Who has to do with which resource, and which kinds of strangers there are."""

    def __init__(self, facts: FactIndex, named: Mapping[Unit, Collection[Entity]]) -> None:
        self._facts = facts
        self._named = named
        self._near = self._neighbours()
        self._kinds = self._by_kind()
        everybody = frozenset(facts.subjects)
        self._everywhere = frozenset(
            subject
            for record_type in facts.model.evidence.concerned
            for subjects in facts.subjects_of(record_type).values()
            for subject in subjects
            if subject in everybody
        )

    def _to(self, record: RecordKey) -> set[Entity]:
        """The subjects that have to do with a record: named in its unit or in one next to it, or everywhere."""
        home = self._facts.homes.get(record)
        found = set(self._everywhere)
        for unit in (home, *self._near.get(home, ())) if home is not None else ():
            found |= set(self._named.get(unit, ()))
        return found

    def chosen(self, record: RecordKey, strangers: int) -> list[Entity]:
        """Return all who have to do with a record, and some of each kind of the others."""
        found = self._to(record)
        for some in self._kinds:
            found |= set(islice((subject for subject in some if subject not in found), strangers))
        return [subject for subject in self._facts.subjects if subject in found]

    def _by_kind(self) -> list[list[Entity]]:
        """The subjects by what a rule could know of them without looking at a resource."""
        facts, model = self._facts, self._facts.model
        words = {name: tuple(c.name for c in model.shapes[name].columns if c.words) for name in model.subjects}
        traits: dict[Entity, set[tuple[str, ...]]] = defaultdict(set)
        for record_type, columns in {**words, **model.evidence.traits}.items():
            records = facts.of(record_type)
            for record_id, subjects in facts.subjects_of(record_type).items():
                said = (record_type, *(str(getattr(records[record_id], column)) for column in columns))
                for subject in subjects:
                    traits[subject].add(said)
        kinds: dict[frozenset[tuple[str, ...]], list[Entity]] = defaultdict(list)
        for subject in facts.subjects:
            kinds[frozenset(traits[subject])].append(subject)
        return list(kinds.values())

    def _neighbours(self) -> dict[Unit, set[Unit]]:
        """The shared units that concern each tenant, and the tenants that each shared unit concerns."""
        units = self._facts.model.units
        near: dict[Unit, set[Unit]] = defaultdict(set)
        for root in units.shared:
            for record_id in self._facts.of(root):
                shared = Unit(units.roots[root], record_id)
                for tenant_id in self._facts.tenants[root, record_id]:
                    tenant = Unit(units.roots[units.tenant], tenant_id)
                    near[shared].add(tenant)
                    near[tenant].add(shared)
        return near
