"""A model: the records, actions and invariants that a service is about, as one value put together from parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sealauthz.schema.action import NO_RESOLVER, Action, Resolver, ResolverInput
from sealauthz.schema.activity import Monitored
from sealauthz.schema.alarms import Alarm, Attempts
from sealauthz.schema.arguments import arguments_of
from sealauthz.schema.changes import Invariant
from sealauthz.schema.effect import Duty, Named, Sweep
from sealauthz.schema.evidence import NO_EVIDENCE, Evidence
from sealauthz.schema.extension import NO_EXTENSION, Extension
from sealauthz.schema.outside import OutsideMove, Provided
from sealauthz.schema.progress import Timeline
from sealauthz.schema.record import Shape, mask_all, shape_of, values_of
from sealauthz.schema.rules import Subject
from sealauthz.schema.units import Units


class ModelProblem(ValueError):
    """A model whose parts do not fit together; the message names the record or action."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a model: records in an order in which each refers to what the whole has, actions, invariants, where
    obligations are met, the timelines of the record types that have one, the events, each with what it tells, what
    their texts name, and what time alone changes.
    """

    records: tuple[type, ...] = ()
    actions: tuple[Action, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    duties: tuple[Duty, ...] = ()
    timelines: Mapping[str, Timeline] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    named: tuple[Named, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    provided: tuple[Provided, ...] = ()
    """What somebody outside gives to whom a next step sends there."""
    outside: tuple[OutsideMove, ...] = ()
    """What may happen outside."""
    step_acts: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """The acts of other people that a next step may ask for, by the step: each an action and its resource type."""
    monitored: Monitored | None = None
    """What can be monitored; at most one part of a model says so."""
    alarms: tuple[Alarm, ...] = ()
    attempts: Attempts | None = None
    """Which denied acts are recorded; at most one part says so."""


@dataclass(frozen=True, eq=False)
class Model:
    """The whole. Two models are never equal: each has tables, types and caches of its own.

    `context` is the class that an action has without a declaration of its own, `parameters` the class of the bundle's
    numbers. `messages` names the generated module with a message per record, which only who writes to the wire imports;
    it is empty where records travel in the generic form. `migrations` names the package of the migrations, empty where
    the tables are made as they are now; `policies` is the folder of its own policies, None for the ones that are
    installed with the service; `evidence` is what access diffs know of its questions; `progress_action` is the act of
    looking at a timeline.
    """

    name: str
    parts: tuple[Part, ...]
    context: type
    parameters: type
    messages: str = ""
    migrations: str = ""
    policies: Path | None = None
    evidence: Evidence = NO_EVIDENCE
    progress_action: str = ""
    declared_in: str = ""
    """The module that declares it as `MODEL`, if one does."""
    extension: Extension = NO_EXTENSION
    """What policy folders have added to it (`schema.extending`)."""
    extends: Model | None = None
    """The model that the extension was added to; None where nothing was."""
    records: Mapping[str, type] = field(init=False)
    """Every record class by name, in the order of the parts."""
    shapes: Mapping[str, Shape] = field(init=False)
    units: Units = field(init=False)

    def __post_init__(self) -> None:
        records: dict[str, type] = {}
        for part in self.parts:
            for cls in part.records:
                if records.setdefault(cls.__name__, cls) is not cls:
                    raise ModelProblem(f"there are two records `{cls.__name__}`")
        shapes = {name: shape_of(cls) for name, cls in records.items()}
        _check_references(shapes)
        object.__setattr__(self, "records", MappingProxyType(records))
        object.__setattr__(self, "shapes", MappingProxyType(shapes))
        object.__setattr__(self, "units", Units(shapes))
        _check_actions(self)

    @cached_property
    def actions(self) -> Mapping[tuple[str, str], Action]:
        """The declared actions, by name and resource type."""
        return {(action.name, action.resource): action for part in self.parts for action in part.actions}

    @cached_property
    def contexts(self) -> tuple[type, ...]:
        """The classes of contexts, the common one first, each behind those that it derives from."""
        classes = (each for action in self.actions.values() for each in reversed(action.context.__mro__))
        return tuple(dict.fromkeys([self.context, *(each for each in classes if issubclass(each, self.context))]))

    @cached_property
    def resolvers(self) -> Mapping[type, Resolver]:
        """The resolver of each class of contexts that has one."""
        return {action.context: action.resolver for action in self.actions.values()}

    @cached_property
    def invariants(self) -> tuple[Invariant, ...]:
        """What several records decide together, in the order of the parts."""
        return tuple(invariant for part in self.parts for invariant in part.invariants)

    @cached_property
    def duties(self) -> Mapping[str, Duty]:
        """Where each obligation is met, by its code."""
        return {duty.code: duty for part in self.parts for duty in part.duties}

    @cached_property
    def events(self) -> Mapping[str, str]:
        """What each event tells, by its code."""
        return {code: says for part in self.parts for code, says in part.events.items()}

    @cached_property
    def named(self) -> tuple[Named, ...]:
        """What the texts of events name beside what the events hold."""
        return tuple(named for part in self.parts for named in part.named)

    @cached_property
    def sweeps(self) -> tuple[Sweep, ...]:
        """What finds that time alone has changed something."""
        return tuple(sweep for part in self.parts for sweep in part.sweeps)

    @cached_property
    def provided(self) -> Mapping[str, Provided]:
        """What somebody outside gives to whom a next step sends there, by the step."""
        return {each.step: each for part in self.parts for each in part.provided}

    @cached_property
    def outside(self) -> tuple[OutsideMove, ...]:
        """What may happen outside."""
        return tuple(move for part in self.parts for move in part.outside)

    @cached_property
    def step_acts(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """The acts of other people that a next step may ask for, by the step: each an action and its resource type."""
        return {step: acts for part in self.parts for step, acts in part.step_acts.items()}

    @cached_property
    def monitored(self) -> Monitored | None:
        """What can be monitored; None where nothing can."""
        return next((part.monitored for part in self.parts if part.monitored is not None), None)

    @cached_property
    def alarms(self) -> tuple[Alarm, ...]:
        """What the service itself looks for."""
        return tuple(alarm for part in self.parts for alarm in part.alarms)

    @cached_property
    def attempts(self) -> Attempts | None:
        """Which denied acts are recorded; None for none."""
        return next((part.attempts for part in self.parts if part.attempts is not None), None)

    @cached_property
    def timelines(self) -> Mapping[str, Timeline]:
        """How far a record of each type is that has a timeline."""
        return {name: timeline for part in self.parts for name, timeline in part.timelines.items()}

    @property
    def built_in(self) -> Model:
        """The model without what was added to it."""
        return self.extends or self

    def own(self, record: Any) -> Any:
        """Return a record as one of this model: one of the class that the model had before it was extended gets the
        defaults in what was added.
        """
        cls: type = type(record)
        ours = self.records.get(cls.__name__)
        if self.extends is None or ours is None or ours is cls or self.extends.records.get(cls.__name__) is not cls:
            return record
        return ours(*values_of(record))

    def added_columns(self, record_type: str) -> frozenset[str]:
        """Return the columns of a record of the built-in model that were added to it."""
        return self._added_columns.get(record_type, frozenset())

    @cached_property
    def _added_columns(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for column in self.extension.columns:
            if column.of in self.built_in.records:
                found.setdefault(column.of, set()).add(column.name)
        return {name: frozenset(columns) for name, columns in found.items()}

    @property
    def subjects(self) -> tuple[str, ...]:
        """The record types of those who may ask."""
        return self.units.subjects

    @property
    def tenant(self) -> str:
        """The record type of the tenant."""
        return self.units.tenant

    @cached_property
    def shown(self) -> Mapping[str, Mapping[str, tuple[str, Callable[[str], str]]]]:
        """What next steps may show of a subject, by the name it goes under: the column and its mask; and the texts of
        other records that are told as they are.
        """
        found: dict[str, dict[str, tuple[str, Callable[[str], str]]]] = {}
        for name in self.subjects:
            shape = self.shapes[name]
            found[name] = {}
            for part, column in shape.root.shown.items() if isinstance(shape.root, Subject) else ():
                personal = shape.column(column).personal
                found[name][part] = (column, mask_all if personal is None else personal.mask)
        for name, shape in self.shapes.items():
            for each in shape.columns:
                if each.personal is not None and each.personal.is_told:
                    found.setdefault(name, {})[each.name] = (each.name, str)
        return found

    @cached_property
    def shown_parts(self) -> tuple[str, ...]:
        """The names that next steps may show of a subject, of any type: each once."""
        return tuple(dict.fromkeys(part for parts in self.shown.values() for part in parts))

    def action(self, name: str, resource_type: str) -> Action:
        """Return the declaration of an action; one that is not declared has the common context."""
        key = (name, resource_type)
        found = self.actions.get(key) or self._plain_actions.get(key)
        if found is None:
            found = self._plain_actions[key] = Action(name, resource_type, self.context)
        return found

    @cached_property
    def _plain_actions(self) -> dict[tuple[str, str], Action]:
        return {}

    def resolve(self, action: Action, query: ResolverInput) -> Mapping[str, Any]:
        """Return the keys that the server sets in the context of an action, beside the common ones."""
        resolver = action.resolver
        if not resolver.along:
            return {} if resolver.find is None else resolver.find(query)
        found = {key: self._at_end(query, action.resource, path) for key, path in resolver.along.items()}
        if resolver.find is not None:
            found |= resolver.find(query)
        return found

    def _at_end(self, query: ResolverInput, record_type: str, path: tuple[str, ...]) -> Any:
        """Return the record at the end of a path of keys; None where a key on the way is empty."""
        record = query.resource
        for name in path:
            record_type, key = self.shapes[record_type].column(name).ref or "", getattr(record, name)
            record = None if key is None else query.snapshot.find(record_type, key)
            if record is None:
                return None
        return record


def _check_references(shapes: Mapping[str, Shape]) -> None:
    for shape in shapes.values():
        for target in (*(column.ref for column in shape.columns if column.ref), *(r.record for r in shape.relations)):
            if target not in shapes:
                raise ModelProblem(f"`{shape.name}` refers to `{target}`, which is no record of the model")
        if shape.home and not any(column.name == shape.home and column.ref for column in shape.columns):
            raise ModelProblem(f"the home `{shape.home}` of `{shape.name}` is no key of it")


def _check_actions(model: Model) -> None:
    seen: dict[type, Resolver] = {}
    for action in (action for part in model.parts for action in part.actions):
        if action.resource not in model.records:
            raise ModelProblem(f"`{action.name}` is on `{action.resource}`, which is no record of the model")
        for key, record_type in action.records.items():
            if record_type not in model.records:
                raise ModelProblem(f"`{key}` of `{action.name}` names a `{record_type}`, which is no record")
        if not issubclass(action.context, model.context):
            raise ModelProblem(f"the context of `{action.name}` on {action.resource} is not of the model's")
        for argument in arguments_of(action.arguments).values():
            ref = None if argument.column is None else argument.column.ref
            if ref is not None and ref not in model.records:
                raise ModelProblem(f"`{argument.name}` of `{action.name}` names a `{ref}`, which is no record")
        if action.always_found and action.resolver is NO_RESOLVER:
            raise ModelProblem(f"nothing finds `{action.always_found[0]}` of the context of `{action.name}`")
        if seen.setdefault(action.context, action.resolver) is not action.resolver:
            raise ModelProblem(f"`{action.context.__name__}` is resolved in two ways")
