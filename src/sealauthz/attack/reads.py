"""What may alter an answer, and what an act may write: by the names that rules and functions mention.

A change that nothing mentioned can see does not alter an answer, so that the answer of another world stands, and an act
that cannot write what a goal sees is no last step to it. No types are followed: it is rather too much than too little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sealauthz.attack.names import Mentioned, mentioned_by
from sealauthz.decision import Bundle
from sealauthz.errors import BundleRefused
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.runtime import FREE
from sealauthz.schema import Change, MetBy, Model, OutsideMove, values_of


@dataclass(frozen=True, slots=True)
class Reads:
    """The columns that may be read, by record type, and the types of which a record that comes or goes may be seen."""

    columns: frozenset[tuple[str, str]]
    types: frozenset[str]

    @classmethod
    def of(cls, model: Model, names: Iterable[str], types: Iterable[str] = ()) -> Reads:
        """Return what may be read by these names; of `types`, each record by itself."""
        known = frozenset(names)
        columns: set[tuple[str, str]] = set()
        seen = {*types, *(known & model.records.keys())}
        for type_, shape in model.shapes.items():
            columns.update((type_, column.name) for column in shape.columns if column.name in known)
            for relation in shape.relations:
                if relation.name in known:
                    # Who is in a collection is decided by a key of its members.
                    columns.add((type_ if relation.is_one else relation.record, relation.key))
                    seen.add(relation.record)
        # A record is reached by a relation, as an argument, or by its type: a column of no other is read.
        return cls(frozenset(each for each in columns if each[0] in seen), frozenset(seen))

    @classmethod
    def all(cls, model: Model) -> Reads:
        """Return what sees every change."""
        columns = ((type_, column.name) for type_, shape in model.shapes.items() for column in shape.columns)
        return cls(frozenset(columns), frozenset(model.records))

    def __or__(self, other: Reads) -> Reads:
        return Reads(self.columns | other.columns, self.types | other.types)

    def sees(self, changes: Iterable[Change]) -> bool:
        """Tell whether a change of facts may be seen."""
        return any(self._sees(change) for change in changes)

    def _sees(self, change: Change) -> bool:
        if change.before is None or change.after is None:
            return change.record_type in self.types
        names = type(change.after).__dataclass_fields__
        pairs = zip(names, values_of(change.before), values_of(change.after), strict=False)
        return any(old != new and (change.record_type, name) in self.columns for name, old, new in pairs)

    def by_type(self) -> dict[str, tuple[str, ...]]:
        """Return the columns that may be read of each type that may be seen at all."""
        found: dict[str, list[str]] = {type_: [] for type_ in self.types}
        for type_, column in self.columns:
            found.setdefault(type_, []).append(column)
        return {type_: tuple(sorted(columns)) for type_, columns in sorted(found.items())}


@dataclass(frozen=True, slots=True)
class Writes:
    """What an act may write: records of these types, and columns of these names."""

    types: frozenset[str]
    names: frozenset[str]

    def may_be_seen_by(self, reads: Reads) -> bool:
        """Tell whether something reads what is written."""
        return not self.types.isdisjoint(reads.types) or any(column in self.names for _, column in reads.columns)


class Relevance:
    """What the acts of a bundle read and write. Its engine is the compiled one: that knows what its functions read."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._model = bundle.model
        self._reads: dict[tuple[str, str], Reads] = {}
        self._writes: dict[tuple[str, str], Writes] = {}
        self._performing: dict[tuple[str, str], Reads] = {}

    def names_of(self, rule: str, *likes: object) -> frozenset[str]:
        """Return the names that the functions of a rule mention; none where it cannot be asked so."""
        engine = self._bundle.engine
        if not isinstance(engine, CompiledEngine):
            raise TypeError("only the compiled engine knows what its functions read")
        try:
            return engine.mentioned(rule, *likes)
        except BundleRefused:
            return frozenset()

    def names_of_requirement(self, requirement: str, action: str, resource_type: str) -> frozenset[str]:
        """Return the names that decide whether a requirement of an act is settled."""
        resource, context = self._model.records[resource_type], self._model.action(action, resource_type).context
        likes = (requirement, action, resource, context)
        names = self.names_of("waived", *likes)
        for subject in self._subjects():
            names |= self.names_of("meets", subject, *likes)
        return names

    def reads(self, action: str, resource_type: str) -> Reads:
        """Return what may alter whether an act is allowed, and what somebody outside would give for it."""
        key = (action, resource_type)
        if key not in self._reads:
            declared = self._model.action(*key)
            names: set[str] = set()
            for subject in self._subjects():
                names |= self._deciding(subject, action, resource_type)
            python = self._found(*key)
            for provided in self._model.provided.values():
                python |= mentioned_by(provided.whose)
            names |= python.names | python.texts
            named = {*self._model.subjects, resource_type, *declared.records.values()}
            named |= {cls.__name__ for cls in python.classes if self._model.records.get(cls.__name__) is cls}
            self._reads[key] = Reads.of(self._model, names, named)
        return self._reads[key]

    def rests_on(self, action: str, resource_type: str) -> frozenset[str]:
        """Return the names of everything that decides an act or says what it obliges to, its own functions among them:
        other ones in policies where a rule of it is another.
        """
        resource, context = self._model.records[resource_type], self._model.action(action, resource_type).context
        names: set[str] = set()
        for subject in self._subjects():
            names |= self._deciding(subject, action, resource_type)
            names |= self.names_of("obligation", subject, action, resource, context, FREE)
        return frozenset(names)

    def _subjects(self) -> Iterator[type]:
        return (self._model.records[name] for name in self._model.subjects)

    def _deciding(self, subject: type, action: str, resource_type: str) -> set[str]:
        resource, context = self._model.records[resource_type], self._model.action(action, resource_type).context
        names = {
            *self.names_of("allow", subject, action, resource, context),
            *self.names_of("unmet", subject, FREE, action, resource, context),
            *self.names_of("visible", subject, resource, context),
            *self.names_of("has_standing", subject, resource, context),
            *self.names_of("has_permission", subject, action, resource),
        }
        for step in self._model.provided:
            names |= self.names_of("parameter", step, FREE, FREE, subject, resource, context)
            names |= self.names_of("leads_nowhere", step, subject, resource, context)
        return names

    def followed(self, action: str, resource_type: str) -> Reads:
        """Return what may alter what an act does once it is allowed: what its effect and its duties mention."""
        mentioned = self._mentioned(action, resource_type)
        classes = {cls.__name__ for cls in mentioned.classes if self._model.records.get(cls.__name__) is cls}
        return Reads.of(self._model, mentioned.names | mentioned.texts, {resource_type, *classes})

    def performing(self, action: str, resource_type: str) -> Reads:
        """Return what may alter whether an act is allowed, or what it does then."""
        key = (action, resource_type)
        if key not in self._performing:
            self._performing[key] = self.reads(*key) | self.followed(*key)
        return self._performing[key]

    def _found(self, action: str, resource_type: str) -> Mentioned:
        """What the resolver of an act mentions, and the paths that it follows."""
        resolver = self._model.action(action, resource_type).resolver
        along = Mentioned(frozenset(name for path in resolver.all_paths.values() for name in path))
        return along | mentioned_by(resolver.find) | mentioned_by(resolver.find_again)

    def outside(self, move: OutsideMove) -> Reads:
        """Return what may alter what can happen outside."""
        mentioned = mentioned_by(move.moves)
        return Reads.of(self._model, mentioned.names | mentioned.texts)

    def writes(self, action: str, resource_type: str) -> Writes:
        """Return what an act may write: its effect, and what meets its obligations."""
        key = (action, resource_type)
        if key not in self._writes:
            mentioned = self._mentioned(action, resource_type)
            named = mentioned.texts & self._model.records.keys()
            types = {cls.__name__ for cls in mentioned.classes if self._model.records.get(cls.__name__) is cls}
            self._writes[key] = Writes(frozenset(types | named), mentioned.texts)
        return self._writes[key]

    def _mentioned(self, action: str, resource_type: str) -> Mentioned:
        functions: list[Callable[..., Any] | None] = [self._model.action(action, resource_type).effect]
        for code in self._bundle.rulebook.obligations.get((action, resource_type), ()):
            duty = self._model.duties[code]
            functions.append(duty.meet if duty.by is MetBy.TRANSACTION else None)
        return _all(mentioned_by(each) for each in functions)


def _all(some: Iterable[Mentioned]) -> Mentioned:
    whole = Mentioned()
    for each in some:
        whole |= each
    return whole
