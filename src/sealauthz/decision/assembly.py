"""From a question, and for whom it is asked, to what the policies read: subject, resource and typed context."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sealauthz.decision.question import Entity, Question
from sealauthz.errors import CallerNotPermitted, FactNotLoaded, InvalidRequest, Violation
from sealauthz.facts.memory.consistency import FROM_MEMORY, NO_DEADLINE, Consistency, Deadline
from sealauthz.facts.memory.snapshot import FactSnapshot
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

    @property
    def tenants(self) -> frozenset[str] | None:
        """The tenants in whose facts the caller may have something changed; None for every tenant."""
        if self.may_see is everything:
            return None
        return self.may_see.tenants if isinstance(self.may_see, Within) else frozenset()


DEFAULT_OPTIONS = RequestOptions()
"""No limits: any enterprise, facts from memory, no deadline."""


_SERVER_KEYS = ("now", "caller", "parameters")


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
    if violations:
        raise InvalidRequest(*violations)
    return action


def assemble(
    model: Model, question: Question, snapshot: FactSnapshot, may_see: MaySee, now: int, caller: str, parameters: Any
) -> Case | None:
    """Find everything that the question names; None where subject or resource do not exist.

    Raises CallerNotPermitted where the tenants concerned are outside the caller's right.
    """
    action = check_context(model, question)
    # The subject later: one that an import locks must not hide that the caller has no right to the resource.
    resource, home = _found(model, snapshot, question.resource.type, question.resource.id, may_see)
    if resource is not None:
        _refuse_unseen(model, resource, home, may_see)
    subject, _ = _found(model, snapshot, question.subject.type, question.subject.id, may_see)
    if subject is None or resource is None:
        return None
    given = question.context
    values: dict[str, Any] = {key: given.get(key) for key in action.texts} if action.texts else {}
    for key, record_type in action.records.items():
        record = None
        if key in given:
            record, home = _found(model, snapshot, record_type, str(given[key]), may_see)
            if record is not None:
                _refuse_unseen(model, record, home, may_see)
        values[key] = record
    found = model.resolve(action, ResolverInput(subject, resource, now, parameters, snapshot, values))
    return Case(question, subject, resource, action.context(now, caller, parameters, **{**values, **found}))


def check_given(model: Model, question: Question, snapshot: FactSnapshot, may_see: MaySee) -> None:
    """Raises InvalidRequest for a context that does not fit, and CallerNotPermitted for what in it is out of reach.

    It is what `assemble` checks of the context alone, for a list that is empty.
    """
    action = check_context(model, question)
    for key, record_type in action.records.items():
        if key in question.context:
            _check_found(model, snapshot, record_type, str(question.context[key]), may_see)


def check_seen(model: Model, entity: Entity, snapshot: FactSnapshot, may_see: MaySee) -> None:
    """Raises CallerNotPermitted where the entity exists, and is about tenants outside the caller's right."""
    _check_found(model, snapshot, entity.type, entity.id, may_see)


def _check_found(model: Model, snapshot: FactSnapshot, record_type: str, record_id: str, may_see: MaySee) -> None:
    """Raise CallerNotPermitted where a record exists, and is about tenants outside the caller's right."""
    try:
        record, home = _found(model, snapshot, record_type, record_id, may_see)
    except FactNotLoaded as error:
        if error.importing is None:
            raise
        return  # it is being imported: nothing is told about it
    if record is not None:
        _refuse_unseen(model, record, home, may_see)


def _found(
    model: Model, snapshot: FactSnapshot, record_type: str, record_id: str, may_see: MaySee
) -> tuple[Any, Unit | None]:
    """The record and its home unit; None for both where there is none of that type and id."""
    try:
        return snapshot.locate(record_type, record_id)
    except FactNotLoaded as error:
        # Who may not ask about a tenant does not learn either that it is being imported.
        kind, unit_id = error.importing or ("", "")
        if kind == model.units.roots[model.tenant] and not may_see(unit_id):
            raise _no_right(model) from error
        raise


def _refuse_unseen(model: Model, record: Any, home: Unit | None, may_see: MaySee) -> None:
    """Raise CallerNotPermitted where the caller has no right to any of the tenants that this record is about."""
    if may_see is everything or home is None:
        return
    concerned = model.units.concerned_by(record, home)
    if concerned is not None and not any(map(may_see, concerned)):
        raise _no_right(model)


def _no_right(model: Model) -> CallerNotPermitted:
    return CallerNotPermitted(f"this caller has no right to decisions about this {model.tenant.lower()}")
