"""From a question to what the policies read: subject, resource and typed context, all at one revision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sealauthz.decision.contexts import Context, ContextForm, form_of
from sealauthz.decision.question import Entity, Question
from sealauthz.decision.surroundings import Surroundings, found_for
from sealauthz.errors import CallerNotPermitted, FactNotLoaded, InvalidRequest, Violation
from sealauthz.facts.memory.fact_cache import FactSnapshot
from sealauthz.facts.units import Unit, UnitKind
from sealauthz.model.parameters import Parameters
from sealauthz.model.records.contracts import Contract, SealUse, SigningTask

MaySee = Callable[[str], bool]
"""Whether the caller may ask about the enterprise with this id."""


def everything(_enterprise_id: str) -> bool:
    """The right to ask about any enterprise."""
    return True


_NO_RIGHT = "this caller has no right to decisions about this enterprise"


@dataclass(frozen=True, slots=True)
class Within:
    """The right to ask about these enterprises and no others."""

    enterprises: frozenset[str]

    def __call__(self, enterprise_id: str) -> bool:
        """Tell whether an enterprise is one of them."""
        return enterprise_id in self.enterprises


_SERVER_KEYS = ("now", "caller", "parameters")


@dataclass(frozen=True, slots=True)
class Case:
    """What one question is decided on."""

    question: Question
    subject: Any
    resource: Any
    context: Context


def check_context(question: Question) -> ContextForm:
    """Return the context form of the question's action. Raises InvalidRequest naming every key that does not fit it."""
    form = form_of(question.action, question.resource.type)
    keys = form.keys
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
    return form


def assemble(
    question: Question, snapshot: FactSnapshot, may_see: MaySee, now: int, caller: str, parameters: Parameters
) -> Case | None:
    """Find everything that the question names; None where subject or resource do not exist.

    Raises CallerNotPermitted where an enterprise concerned is outside the caller's right.
    """
    form = check_context(question)
    # The subject later: a person whom an import shuts must not hide that the caller has no right to the resource.
    resource, home = _found(snapshot, question.resource.type, question.resource.id, may_see)
    if resource is not None:
        _refuse_unseen(resource, home, may_see)
    subject, _ = _found(snapshot, question.subject.type, question.subject.id, may_see)
    if subject is None or resource is None:
        return None
    given = question.context
    values: dict[str, Any] = {key: given.get(key) for key in form.texts}
    for key, record_type in form.records.items():
        record, home = _found(snapshot, record_type, str(given[key]), may_see) if key in given else (None, None)
        if record is not None:
            _refuse_unseen(record, home, may_see)
        values[key] = record
    values |= found_for(form.context, Surroundings(subject, resource, now, parameters, snapshot, dict(values)))
    return Case(question, subject, resource, form.context(now=now, caller=caller, parameters=parameters, **values))


def check_given(question: Question, snapshot: FactSnapshot, may_see: MaySee) -> None:
    """Raises InvalidRequest for a context that does not fit, and CallerNotPermitted for what in it is out of reach.

    It is what `assemble` checks of the context alone, for a list that is empty.
    """
    form = check_context(question)
    for key, record_type in form.records.items():
        if key in question.context:
            _check_found(snapshot, record_type, str(question.context[key]), may_see)


def check_seen(entity: Entity, snapshot: FactSnapshot, may_see: MaySee) -> None:
    """Raises CallerNotPermitted where the entity exists, and is about an enterprise outside the caller's right."""
    _check_found(snapshot, entity.type, entity.id, may_see)


def _check_found(snapshot: FactSnapshot, record_type: str, record_id: str, may_see: MaySee) -> None:
    """Raise CallerNotPermitted where a record exists, and is about an enterprise outside the caller's right."""
    try:
        record, home = _found(snapshot, record_type, record_id, may_see)
    except FactNotLoaded as error:
        if error.importing is None:
            raise
        return  # it is being imported: nothing is told about it
    if record is not None:
        _refuse_unseen(record, home, may_see)


def _found(snapshot: FactSnapshot, record_type: str, record_id: str, may_see: MaySee) -> tuple[Any, Unit | None]:
    """The record and its home unit; None for both where there is none of that type and id."""
    try:
        return snapshot.locate(record_type, record_id)
    except FactNotLoaded as error:
        # Whoever may not ask about an enterprise is not told that it is being imported either.
        kind, unit_id = error.importing or ("", "")
        if kind == UnitKind.ENTERPRISE and not may_see(unit_id):
            raise CallerNotPermitted(_NO_RIGHT) from error
        raise


def _refuse_unseen(record: Any, home: Unit | None, may_see: MaySee) -> None:
    """Raise CallerNotPermitted where the caller has no right to the enterprise that this record is about."""
    if may_see is everything:
        return
    if isinstance(record, SealUse):
        record = record.task
    if isinstance(record, SigningTask):
        # The party whose act it is; for a person's own signature, the enterprise that sent the contract.
        enterprises = [record.signatory.enterprise_id or record.signatory.contract.initiator_id]
    elif isinstance(record, Contract):
        parties = [party.enterprise_id for party in record.signatories if party.enterprise_id]
        enterprises = [record.initiator_id, *parties]
    elif home is not None and home.kind == UnitKind.ENTERPRISE:
        enterprises = [home.id]
    else:
        return
    if not any(map(may_see, enterprises)):
        raise CallerNotPermitted(_NO_RIGHT)
