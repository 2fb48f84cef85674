"""From a question, and for whom it is asked, to what the policies read: subject, resource and typed context."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sealauthz.decision.question import Entity, Question
from sealauthz.facts.memory.consistency import FROM_MEMORY, NO_DEADLINE, Consistency, Deadline
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.runtime.errors import CallerNotPermitted, FactNotLoaded, InvalidRequest, Violation
from sealauthz.schema import Action, Model, ResolverInput, Unit

MaySee = Callable[[str], bool]
"""Whether the caller may ask about the tenant with this id."""


def everything(_tenant_id: str) -> bool:
    """The right to ask about any tenant."""
    return True


@dataclass(frozen=True, slots=True)
class Within:
    """The right to ask about these tenants and no others."""

    tenants: frozenset[str]

    def __call__(self, tenant_id: str) -> bool:
        """Tell whether a tenant is one of them."""
        return tenant_id in self.tenants


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What a request says besides its question. `may_see` is the caller's right, `caller` their name.

    `consistency` of a list is that of its first page; the others stay at its revision. Unless it `may_wait`, what
    memory cannot answer raises NotAtOnce.
    """

    may_see: MaySee = everything
    caller: str = ""
    consistency: Consistency = FROM_MEMORY
    deadline: Deadline = NO_DEADLINE
    may_wait: bool = True
    peer: str = ""
    trace_id: str = ""
    """Where the request comes from, and the trace that it is part of: for the record of what was answered."""

    @property
    def tenants(self) -> frozenset[str] | None:
        """The tenants in whose facts the caller may have something changed; None for every tenant."""
        if self.may_see is everything:
            return None
        return self.may_see.tenants if isinstance(self.may_see, Within) else frozenset()


IN_PROCESS = "in-process"
"""The name of what asks without a service between: the service itself, tests of policies, and tools."""

DEFAULT_OPTIONS = RequestOptions(caller=IN_PROCESS)
"""No limits: any enterprise, facts from memory, no deadline."""


_SERVER_KEYS = ("now", "caller", "parameters")


class Missing(NamedTuple):
    """What a question names and is not there: the record of a key of the context, or the subject or the resource."""

    key: str | None = None


class Case(NamedTuple):
    """What one question is decided on."""

    question: Question
    subject: Any
    resource: Any
    context: Any


def check_context(model: Model, question: Question) -> Action:
    """Return the declaration of the question's action. Raises InvalidRequest naming every key that does not fit."""
    action = model.action(question.action, question.resource.type)
    keys = action.keys
    if any(type(value) is not keys.get(key) for key, value in question.context.items()):
        raise _misfit(question, action)
    return action


def _misfit(question: Question, action: Action) -> InvalidRequest:
    """Name every key of a context that does not fit the action."""
    keys = action.keys
    violations = []
    for key, value in question.context.items():
        if type(value) is keys.get(key):
            continue
        if key in _SERVER_KEYS:
            violations.append(Violation(f"context[{key}]", "is set by the server"))
        elif key not in keys:
            known = ", ".join(f"`{name}`" for name in keys) or "empty"
            said = f"is not part of the context of `{question.action}`, which is {known}"
            violations.append(Violation(f"context[{key}]", said))
        else:
            violations.append(Violation(f"context[{key}]", f"must be of type {keys[key].__name__}"))
    return InvalidRequest(*violations)


class Assembly:
    """How questions about one action on one type of resource become cases, as far as it is the same for all of them."""

    __slots__ = ("_action", "_finds", "_model", "_records")

    def __init__(self, model: Model, action: str, resource_type: str) -> None:
        self._model = model
        self._action = declared = model.action(action, resource_type)
        self._records = tuple(declared.records.items())
        self._finds = bool(declared.resolver.along) or declared.resolver.find is not None

    def case(
        self, question: Question, snapshot: FactSnapshot, may_see: MaySee, now: int, caller: str, parameters: Any
    ) -> Case | Missing:
        """Find everything that the question names, or say what is missing.

        Raises InvalidRequest, and CallerNotPermitted where the resource is outside the caller's right. A record of the
        context outside of it is as one that does not exist.
        """
        action, given = self._action, question.context
        if given:
            keys = action.keys
            for key, value in given.items():
                if type(value) is not keys.get(key):
                    raise _misfit(question, action)
        values: dict[str, Any] = {key: given.get(key) for key in action.plain} if action.plain else {}
        # The context first: what is wrong with it must not depend on whether the resource exists.
        for key, record_type in self._records:
            values[key] = None
            if key in given:
                record = values[key] = _seen(self._model, Entity(record_type, str(given[key])), snapshot, may_see)
                if record is None:
                    return Missing(key)
        try:
            # The subject later: one that an import locks must not hide that the caller has no right to the resource.
            asked = question.resource
            resource, home = snapshot.locate(asked.type, asked.id)
            if resource is not None and _is_unseen(self._model, resource, home, may_see):
                raise _no_right(self._model)
            asked = question.subject
            subject = snapshot.locate(asked.type, asked.id)[0]
            if subject is None or resource is None:
                return Missing()
        except FactNotLoaded as error:
            if _is_hidden_import(self._model, error, may_see):
                raise _no_right(self._model) from error
            raise
        if self._finds:
            query = ResolverInput(subject, resource, now, parameters, snapshot, values, action.name)
            values = {**values, **self._model.resolve(action, query)}
            for key in action.always_found:
                if values.get(key) is None:
                    raise FactNotLoaded(f"`{key}` of the context of `{action.name}` on {action.resource} was not found")
        return Case(question, subject, resource, action.context(now, caller, parameters, **values))


def assemble(
    model: Model, question: Question, snapshot: FactSnapshot, may_see: MaySee, now: int, caller: str, parameters: Any
) -> Case | Missing:
    """Find everything that one question names, as `Assembly` does."""
    assembly = Assembly(model, question.action, question.resource.type)
    return assembly.case(question, snapshot, may_see, now, caller, parameters)


def is_there(model: Model, entity: Entity, snapshot: FactSnapshot, may_see: MaySee) -> bool:
    """Tell whether the entity exists within the caller's right. Raises FactNotLoaded while it is imported there."""
    return _seen(model, entity, snapshot, may_see) is not None


def _seen(model: Model, entity: Entity, snapshot: FactSnapshot, may_see: MaySee) -> Any:
    """Return the record that exists within the caller's right, or None. Raises FactNotLoaded while it is imported."""
    try:
        record, home = snapshot.locate(entity.type, entity.id)
    except FactNotLoaded as error:
        if _is_hidden_import(model, error, may_see):
            return None
        raise
    return None if record is None or _is_unseen(model, record, home, may_see) else record


def check_seen(model: Model, entity: Entity, snapshot: FactSnapshot, may_see: MaySee) -> None:
    """Raises CallerNotPermitted where the entity exists, and is about tenants outside the caller's right: for a caller
    who had the right before.
    """
    try:
        record, home = snapshot.locate(entity.type, entity.id)
    except FactNotLoaded as error:
        if _is_hidden_import(model, error, may_see):
            raise _no_right(model) from error
        if error.importing is None:
            raise
        return  # it is being imported
    if record is not None and _is_unseen(model, record, home, may_see):
        raise _no_right(model)


def check_acts(model: Model, resource: Entity, snapshot: FactSnapshot, may_see: MaySee) -> None:
    """Raises CallerNotPermitted where an act changes something, and is of a tenant outside the caller's right."""
    record, home = snapshot.locate(resource.type, resource.id)
    if record is None or home is None or may_see is everything:
        return
    tenants = model.units.acted_for(record, home)
    if tenants is not None and not any(map(may_see, tenants)):
        raise _no_right(model)


def _is_hidden_import(model: Model, error: FactNotLoaded, may_see: MaySee) -> bool:
    """Whether what is not loaded is of a tenant outside of the caller's right that is being imported."""
    kind, unit_id = error.importing or ("", "")
    return kind == model.units.roots[model.tenant] and not may_see(unit_id)


def _is_unseen(model: Model, record: Any, home: Unit | None, may_see: MaySee) -> bool:
    """Whether the caller has no right to any of the tenants that a record is about."""
    if may_see is everything or home is None:
        return False
    concerned = model.units.concerned_by(record, home)
    return concerned is not None and not any(map(may_see, concerned))


def _no_right(model: Model) -> CallerNotPermitted:
    return CallerNotPermitted(f"this caller has no right to decisions about this {model.tenant.lower()}")
