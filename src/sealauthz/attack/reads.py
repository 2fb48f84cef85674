"""What may alter an answer, and what an act may write: by the names that rules and functions mention.

A change that nothing mentioned can see does not alter an answer, so that the answer of another world stands, and an act
that cannot write what a goal sees is no last step to it. No types are followed: it is rather too much than too little.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from operator import attrgetter
from typing import Any

from sealauthz.attack.names import Mentioned, mentioned_by
from sealauthz.decision import Bundle
from sealauthz.errors import BundleRefused
from sealauthz.polar import RuleNode, Statement
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.runtime import FREE
from sealauthz.polar.syntax import Literal
from sealauthz.polar.terms import in_parameter, nodes_of
from sealauthz.schema import Action, Change, Model, OutsideMove, Put, RecordChange, Shape, Update, values_of
from sealauthz.schema.arguments import arguments_of
from sealauthz.schema.rules import Check, Fixed, Life, Rising, Terms, Unique, Valid

_WORD = re.compile(r"\w+")


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


class View:
    """Facts as somebody sees them who reads no more than some `reads`: a number for each record that they may look at.

    Two views are different ones even where they read the same: make one for each purpose, and keep it.
    """

    __slots__ = ("_columns", "_of", "reads")

    def __init__(self, reads: Reads) -> None:
        self.reads = reads
        self._columns = {type_: frozenset(("id", *columns)) for type_, columns in reads.by_type().items()}
        self._of = {type_: attrgetter("id", *columns) for type_, columns in reads.by_type().items()}

    def columns(self, record_type: str) -> frozenset[str]:
        """Return the columns that are read of the records of a type: none where these are not seen."""
        return self._columns.get(record_type, frozenset())

    def seen(self, record: Any) -> tuple[Any, ...] | None:
        """Return what is read of a record, its id first; None where it is not seen."""
        of = self._of.get(type(record).__name__)
        found = None if of is None else of(record)
        return found if found is None or isinstance(found, tuple) else (found,)

    def mark(self, record: Any) -> int:
        """Return what a record is in this view, as a number: 0 where it is not seen, or there is none."""
        name = type(record).__name__
        seen = self._of.get(name)
        return 0 if seen is None else hash((name, seen(record)))


@dataclass(frozen=True, slots=True)
class Writes:
    """What an act may write: records of these types come and go, and these columns of others change."""

    types: frozenset[str]
    columns: frozenset[tuple[str, str]]

    def may_be_seen_by(self, reads: Reads) -> bool:
        """Tell whether something reads what is written."""
        return not self.types.isdisjoint(reads.types) or not self.columns.isdisjoint(reads.columns)

    def makes(self, record_type: str) -> bool:
        """Tell whether a record of a type may come by it."""
        return record_type in self.types

    def covers(self, changes: Iterable[RecordChange]) -> bool:
        """Tell whether these changes are among what may be written."""
        return all(
            self.columns.issuperset((change.record_type, name) for name in change.values)
            if isinstance(change, Update)
            else (type(change.record).__name__ if isinstance(change, Put) else change.record_type) in self.types
            for change in changes
        )


class Relevance:
    """What the acts of a bundle read and write. Its engine is the compiled one: that knows what its functions read."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._model = bundle.model
        self._reads: dict[tuple[str, str], Reads] = {}
        self._writes: dict[tuple[str, str], Writes] = {}
        self._performing: dict[tuple[str, str], Reads] = {}
        self._settling: dict[tuple[str, str, str], frozenset[str]] = {}
        self._keys: dict[tuple[str, str, str], frozenset[str]] = {}

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
        key = (requirement, action, resource_type)
        if key not in self._settling:
            self._settling[key] = self._names_settling(*key)
        return self._settling[key]

    def _names_settling(self, requirement: str, action: str, resource_type: str) -> frozenset[str]:
        resource, context = self._model.records[resource_type], self._model.action(action, resource_type).context
        likes = (requirement, action, resource, context)
        names = self.names_of("waived", *likes)
        for subject in self._subjects():
            names |= self.names_of("meets", subject, *likes)
        return names

    def requirement(self, requirement: str, action: str, resource_type: str) -> Reads:
        """Return what may alter whether a requirement of an act is settled."""
        declared = self._model.action(action, resource_type)
        names = self.names_of_requirement(requirement, action, resource_type)
        named = {*self._model.subjects, resource_type, *declared.records.values()}
        if not names.isdisjoint(_found_by_server(declared)):
            python = self._found(action, resource_type)
            names |= python.names | python.texts
            named |= self._records_in(python)
        return Reads.of(self._model, names, named)

    def keys_of(self, requirement: str, action: str, resource_type: str) -> frozenset[str]:
        """Return the keys that a client gives on which a requirement of an act may rest: those that it names, and if it
        names what the server finds from them, all those by which that is found.
        """
        key = (requirement, action, resource_type)
        if key not in self._keys:
            declared = self._model.action(action, resource_type)
            keys, names = frozenset(declared.keys), self.names_of_requirement(*key)
            rests_on = keys & names
            again = declared.resolver.find_again
            if again is not None and not names.isdisjoint(_found_by_server(declared)):
                mentioned = mentioned_by(again)
                # Where it names none, it may take all that were given.
                rests_on |= keys & (mentioned.texts | mentioned.names) or keys
            self._keys[key] = rests_on
        return self._keys[key]

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
            named |= self._records_in(python)
            self._reads[key] = Reads.of(self._model, names, named)
        return self._reads[key]

    def rests_on(self, action: str, resource_type: str) -> frozenset[str]:
        """Return the names of everything that decides an act or says what it obliges to, its own functions among them:
        other ones in policies where a rule of it is another.
        """
        names = set(self._obliging(action, resource_type))
        for subject in self._subjects():
            names |= self._deciding(subject, action, resource_type)
        return frozenset(names)

    def _obliging(self, action: str, resource_type: str) -> frozenset[str]:
        """The names of everything that says what an act obliges to."""
        resource, context = self._model.records[resource_type], self._model.action(action, resource_type).context
        names: frozenset[str] = frozenset()
        for subject in self._subjects():
            names |= self.names_of("obligation", subject, action, resource, context, FREE)
            names |= self.names_of("obligation_parameter", FREE, FREE, FREE, subject, action, resource, context)
        return names

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
        classes = self._records_in(mentioned)
        return Reads.of(self._model, mentioned.names | mentioned.texts, {resource_type, *classes})

    def carrying_out(self, action: str, resource_type: str) -> Reads:
        """Return what may alter what an act does that is allowed and stays so: what is found for it, what it obliges
        to, its effect and its duties, and the records that its arguments name.
        """
        declared, found = self._model.action(action, resource_type), self._found(action, resource_type)
        names = self._obliging(action, resource_type) | found.names | found.texts
        named = {*self._model.subjects, resource_type, *declared.records.values(), *_named_in(declared.arguments)}
        return self.followed(action, resource_type) | Reads.of(self._model, names, named | self._records_in(found))

    def trying(self, action: str, resource_type: str) -> Reads:
        """Return what may alter whether an act is allowed, and what it does then."""
        return self.reads(action, resource_type) | self.carrying_out(action, resource_type)

    def performing(self, action: str, resource_type: str) -> Reads:
        """Return what may alter whether an act is allowed, what it does then, and whether a store takes that."""
        key = (action, resource_type)
        if key not in self._performing:
            self._performing[key] = self.trying(*key) | self.taken(*key)
        return self._performing[key]

    def taken(self, action: str, resource_type: str) -> Reads:
        """Return what may alter whether a store takes what an act writes: what it changes, what the law of these
        records looks at, others of their types and those that they name, and what the invariants of the model look at
        that look at them.
        """
        writes = self.writes(action, resource_type)
        types = writes.types | {type_ for type_, _ in writes.columns}
        shapes = [self._model.shapes[each] for each in types]
        named = {column.ref for shape in shapes for column in shape.columns if column.ref is not None}
        law = frozenset(each for type_ in types for each in self._law[type_])
        taken = Reads(writes.columns | law, types | named)
        for reads in self._invariants:
            if not types.isdisjoint(reads.types):
                taken |= reads
        return taken

    @cached_property
    def _law(self) -> Mapping[str, frozenset[tuple[str, str]]]:
        """The columns that are looked at, by the law of one record, when one of a type comes or changes."""
        found = {name: _looked_at(shape) for name, shape in self._model.shapes.items()}
        for name, shape in self._model.shapes.items():
            for terms in shape.rules_of(Terms):
                for detail in terms.details:
                    found[detail] |= {(name, terms.column)}
        return found

    @cached_property
    def _invariants(self) -> tuple[Reads, ...]:
        """What each invariant of the model looks at."""
        mentions = (mentioned_by(each.check) for each in self._model.invariants)
        return tuple(Reads.of(self._model, each.names | each.texts, each.texts & self._known) for each in mentions)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._model.records)

    def all_of(self, acts: Iterable[Action], outside: Iterable[OutsideMove]) -> Reads:
        """Return all that is read or written where these acts are tried, and this happens outside."""
        whole = Reads(frozenset(), frozenset())
        for each in acts:
            key, writes = (each.name, each.resource), self.writes(each.name, each.resource)
            made = frozenset((type_, c.name) for type_ in writes.types for c in self._model.shapes[type_].columns)
            whole |= self.reads(*key) | self.followed(*key) | Reads(made | writes.columns, writes.types)
        for move in outside:
            whole |= self.outside(move)
        for reads in self._invariants:
            whole |= reads
        checked = ((type_, c) for type_, shape in self._model.shapes.items() for c in shape.constraints)
        words = ((type_, word) for type_, c in checked if isinstance(c, Check) for word in _WORD.findall(c.condition))
        return whole | Reads(frozenset(words), frozenset())

    @cached_property
    def texts(self) -> frozenset[str]:
        """The texts that stand in the rules of the bundle."""
        return texts_in(self._bundle.statements)

    def _found(self, action: str, resource_type: str) -> Mentioned:
        """What the resolver of an act mentions, and the paths that it follows."""
        resolver = self._model.action(action, resource_type).resolver
        along = Mentioned(frozenset(name for path in resolver.all_paths.values() for name in path))
        return along | mentioned_by(resolver.find) | mentioned_by(resolver.find_again)

    def happening(self, move: OutsideMove) -> Writes:
        """Return what may be written by something outside: what its function names."""
        mentioned = mentioned_by(move.moves)
        names = mentioned.names | mentioned.texts
        types = self._records_in(mentioned) | (names & self._known)
        return Writes(types, frozenset((each, column) for each in self._known for column in names))

    def outside(self, move: OutsideMove) -> Reads:
        """Return what may alter what can happen outside."""
        mentioned = mentioned_by(move.moves)
        return Reads.of(self._model, mentioned.names | mentioned.texts)

    def writes(self, action: str, resource_type: str) -> Writes:
        """Return what an act may write: its effect, what meets its obligations, and what somebody outside gives.

        A record comes or goes by the name of its type. Another one is changed by the names of its columns, and only if
        the act has it: as its subject or resource, in its context, by a relation or by the name of its type.
        """
        key = (action, resource_type)
        if key not in self._writes:
            declared, mentioned = self._model.action(*key), self._mentioned(*key)
            types = self._records_in(mentioned) | (mentioned.texts & self._known)
            types |= {
                declared.records[each.key] for each in self._model.provided.values() if each.key in declared.records
            }
            found = self._found(*key)
            names = mentioned.names | mentioned.texts | found.names | found.texts
            has = {*types, *self._model.subjects, resource_type, *declared.records.values()}
            has |= self._in_context(declared) | Reads.of(self._model, names, self._records_in(found)).types
            shapes = self._model.shapes
            columns = {(each, c.name) for each in has for c in shapes[each].columns if c.name in mentioned.texts}
            self._writes[key] = Writes(types, frozenset(each for each in columns if each[1] != "id"))
        return self._writes[key]

    def _records_in(self, mentioned: Mentioned) -> frozenset[str]:
        """The record types whose classes are mentioned."""
        records = self._model.records
        return frozenset(cls.__name__ for cls in mentioned.classes if records.get(cls.__name__) is cls)

    def _in_context(self, declared: Action) -> frozenset[str]:
        """The record types that the fields of a context may hold."""
        words = (word for field in fields(declared.context) for word in _WORD.findall(str(field.type)))
        return frozenset(words) & self._known

    def _mentioned(self, action: str, resource_type: str) -> Mentioned:
        functions: list[Callable[..., Any] | None] = [self._model.action(action, resource_type).effect]
        for code in self._bundle.rulebook.obligations.get((action, resource_type), ()):
            duty = self._model.duties[code]
            functions.append(duty.meet)
        return _all(mentioned_by(each) for each in functions)


def _looked_at(shape: Shape) -> frozenset[tuple[str, str]]:
    """The columns of a record that the law of it looks at when another one changes, or comes."""
    names = {column.name for column in shape.columns if column.ref is not None} | {shape.home}
    for rule in shape.rules:
        match rule:
            case Unique():
                names |= {*rule.columns, *_WORD.findall(rule.where)}
            case Check():
                names.update(_WORD.findall(rule.condition))
            case Life() | Rising() | Valid() | Terms():
                names.add(rule.column)
            case Fixed():
                mentioned = mentioned_by(rule.once)
                names |= mentioned.names | mentioned.texts
    return frozenset((shape.name, column.name) for column in shape.columns if column.name in names)


def texts_in(statements: Iterable[Statement]) -> frozenset[str]:
    """The texts that stand in rules."""
    rules = (each for each in statements if isinstance(each, RuleNode))
    nodes = (node for rule in rules for node in (*nodes_of(rule), *_in_parameters(rule)))
    return frozenset(node.value for node in nodes if isinstance(node, Literal) and isinstance(node.value, str))


def _in_parameters(rule: RuleNode) -> Iterator[Any]:
    return (node for parameter in rule.parameters for node in in_parameter(parameter))


def _found_by_server(declared: Action) -> set[str]:
    """The fields of a context that no client gives."""
    return {field.name for field in fields(declared.context)} - declared.keys.keys()


def _named_in(arguments: type | None) -> Iterator[str]:
    """The types of the records that arguments name."""
    for argument in arguments_of(arguments).values():
        if argument.column is None:
            yield from _named_in(argument.parts)
        elif argument.column.ref is not None:
            yield argument.column.ref


def _all(some: Iterable[Mentioned]) -> Mentioned:
    whole = Mentioned()
    for each in some:
        whole |= each
    return whole
