"""From a question to what the policies read: subject, resource and typed context, all at one revision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.decision.contexts import CertificationContext, Context, ContextForm, MemberContext, TaskContext, form_of
from sealauthz.decision.question import Question
from sealauthz.domain.contracts import SigningTask
from sealauthz.domain.organisation import AuthenticationState, Enterprise, Membership
from sealauthz.domain.parameters import Parameters
from sealauthz.errors import CallerNotPermitted, InvalidRequest, Violation
from sealauthz.facts.units import Unit, UnitKind
from sealauthz.facts.world import Picture

MaySee = Callable[[str], bool]
"""Whether the caller may ask about the enterprise with this id."""


def everything(_enterprise_id: str) -> bool:
    """The right to ask about any enterprise."""
    return True


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
    question: Question, picture: Picture, may_see: MaySee, now: int, caller: str, parameters: Parameters
) -> Case | None:
    """Find everything that the question names; None where subject or resource do not exist.

    Raises CallerNotPermitted where an enterprise concerned is outside the caller's right.
    """
    form = check_context(question)
    subject, _ = _found(picture, question.subject.type, question.subject.id)
    resource, home = _found(picture, question.resource.type, question.resource.id)
    if resource is not None:
        _refuse_unseen(resource, home, may_see)
    if subject is None or resource is None:
        return None
    given = question.context
    values: dict[str, Any] = {key: given.get(key) for key in form.texts}
    for key, record_type in form.records.items():
        record, home = _found(picture, record_type, str(given[key])) if key in given else (None, None)
        if record is not None:
            _refuse_unseen(record, home, may_see)
        values[key] = record
    if form.context in _FOUND_BY_THE_SERVER:
        values |= _found_by_the_server(form, picture, resource)
    return Case(question, subject, resource, form.context(now=now, caller=caller, parameters=parameters, **values))


def _found(picture: Picture, record_type: str, record_id: str) -> tuple[Any, Unit | None]:
    """The record and its home unit; None for both where there is none of that type and id."""
    home = picture.home(record_type, record_id)
    records = None if home is None else picture.unit(home)
    record = None if records is None else records.get(record_type, {}).get(record_id)
    return (None, None) if record is None else (record, home)


_FOUND_BY_THE_SERVER = frozenset({TaskContext, MemberContext, CertificationContext})
"""The contexts to which the server adds what the resource leads to."""


def _found_by_the_server(form: ContextForm, picture: Picture, resource: Any) -> Mapping[str, Any]:
    if form.context is TaskContext and isinstance(resource, SigningTask):
        party = resource.signatory.enterprise_id
        return {"enterprise": picture.find("Enterprise", party) if party else None}
    if form.context is MemberContext and isinstance(resource, Membership):
        return {"member": picture.find("Person", resource.person_id)}
    if form.context is CertificationContext and isinstance(resource, Enterprise):
        same = {"realm": resource.realm, "uscc": resource.uscc}
        twins = picture.matching("Enterprise", **same, auth_state=str(AuthenticationState.AUTHENTICATED))
        return {"twin_id": next((twin for twin in twins if twin != resource.id), None)}
    return {}


def _refuse_unseen(record: Any, home: Unit | None, may_see: MaySee) -> None:
    """Raise CallerNotPermitted where the caller has no right to the enterprise that this record is about."""
    if may_see is everything:
        return
    if isinstance(record, SigningTask):
        # The party whose act it is; for a person's own signature, the enterprise that sent the contract.
        enterprise = record.signatory.enterprise_id or record.signatory.contract.initiator_id
    elif home is not None and home.kind == UnitKind.ENTERPRISE:
        enterprise = home.id
    else:
        return
    if not may_see(enterprise):
        raise CallerNotPermitted("this caller has no right to decisions about this enterprise")
