"""What may alter an answer, and what an act may write: by the names that rules and functions mention.

A change that nothing mentioned can see does not alter an answer, so that the answer of another world stands, and an act
that cannot write what a goal sees is no last step to it. No types are followed: it is rather too much than too little.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cached_property
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.runtime import FREE
from sealauthz.policytools.attack.names import Mentioned, mentioned_by
from sealauthz.policytools.attack.views import Reads, Writes
from sealauthz.runtime.errors import BundleRefused
from sealauthz.schema import Action, OutsideMove, Shape
from sealauthz.schema.arguments import arguments_of
from sealauthz.schema.rules import Check, Fixed, Life, Rising, Terms, Unique, Valid

_WORD = re.compile(r"\w+")
_MAKES_OF_ANY = frozenset({"replace", "records"})
"""What a function mentions that makes a record without naming its class: else an effect calls that."""


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
        self._mentions: dict[tuple[str, str], Mentioned] = {}

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
        if not names.isdisjoint(self.found_by_server(declared)):
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
            if again is not None and not names.isdisjoint(self.found_by_server(declared)):
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

    def found_by_server(self, declared: Action) -> set[str]:
        """The fields of a context that the resolver of an act finds: no client gives them, and not every context holds
        them.
        """
        given = {*declared.keys, *(field.name for field in fields(self._model.context))}
        return {field.name for field in fields(declared.context)} - given

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
        """Return what an act may write: its effect, what meets its obligations, and what somebody outside gives.

        A record comes or goes by the name of its type. Another one is changed by the names of its columns, and only if
        the act has it: as its subject or resource, in its context, by a relation or by the name of its type.
        """
        key = (action, resource_type)
        if key not in self._writes:
            declared, mentioned = self._model.action(*key), self._mentioned(*key)
            made = self._records_in(mentioned)
            made |= {
                declared.records[each.key] for each in self._model.provided.values() if each.key in declared.records
            }
            types = made | (mentioned.texts & self._known)
            if not mentioned.names.isdisjoint(_MAKES_OF_ANY):
                made = types
            found = self._found(*key)
            names = mentioned.names | mentioned.texts | found.names | found.texts
            has = {*types, *self._model.subjects, resource_type, *declared.records.values()}
            has |= self._in_context(declared) | Reads.of(self._model, names, self._records_in(found)).types
            shapes = self._model.shapes
            columns = {(each, c.name) for each in has for c in shapes[each].columns if c.name in mentioned.texts}
            self._writes[key] = Writes(types, frozenset(each for each in columns if each[1] != "id"), made)
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
        """What the effect of an act and its duties mention."""
        key = (action, resource_type)
        if key not in self._mentions:
            self._mentions[key] = self._mentioned_now(*key)
        return self._mentions[key]

    def _mentioned_now(self, action: str, resource_type: str) -> Mentioned:
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
