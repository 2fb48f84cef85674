"""What the text of an event may name: of the records that it holds the ids of, as far as every recipient sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sealauthz.decision.assembly import Case
from sealauthz.decision.evaluation import Evaluation
from sealauthz.decision.question import Entity, Question
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.runtime.errors import CallerNotPermitted, EvaluationFailed
from sealauthz.schema import Event, Named

MayRead = Callable[[str, str], bool]
"""Tells whether the caller may read a column of a type of records."""


def all_of_it(_record_type: str, _column: str) -> bool:
    """The right to read everything."""
    return True


def names_for(evaluation: Evaluation, snapshot: FactSnapshot, event: Event, may_read: MayRead) -> dict[str, str]:
    """Return what the text of an event says beside its values.

    A name that is left out is not said: its record is gone, being imported, outside the caller's right, or hidden from
    one of those who are told; or the caller may not read what it is made of. Where nobody is named as a recipient, only
    the tenant is: whom the platform tells, we cannot judge.
    """
    found: dict[str, str] = {}
    for named in evaluation.catalog.bundle.model.named:
        readable = {name for name, column in named.reads.items() if may_read(*column)}
        record_id = event.values.get(named.key) if named.key else event.tenant_id
        if type(record_id) is not str or not readable or (named.key and not event.recipients):
            continue
        if all(_sees(evaluation, named, record_id, recipient) for recipient in event.recipients):
            said = _said(snapshot, named, record_id)
            found |= {name: text for name, text in said.items() if name in readable}
    return found


def _said(snapshot: FactSnapshot, named: Named, record_id: str) -> Mapping[str, str]:
    try:
        record = snapshot.find(named.record_type, record_id)
        return {} if record is None else named.says(record)
    except EvaluationFailed:
        # An import may be open for hours: the events of all others must not wait behind this one.
        return {}


def _sees(evaluation: Evaluation, named: Named, record_id: str, recipient: str) -> bool:
    # With several types of subjects, an id would not say who is told.
    (subject_type,) = evaluation.catalog.bundle.model.subjects
    question = Question(Entity(subject_type, recipient), named.action, Entity(named.record_type, record_id))
    try:
        case = evaluation.case(question)
        return isinstance(case, Case) and evaluation.sees(case)
    except (CallerNotPermitted, EvaluationFailed):
        return False
