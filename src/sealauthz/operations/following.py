"""What follows from an allowed act: what its effect says, and what the duties of its obligations change and tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sealauthz.decision.decision import Decision
from sealauthz.runtime.errors import EvaluationFailed
from sealauthz.schema import Act, Model, Outcome
from sealauthz.schema.effect import Event, RecordChange, Value, merged


@dataclass(frozen=True, slots=True)
class Followed:
    """What follows from an allow: what the effect says, with all that effect, duties and events change and tell."""

    outcome: Outcome
    changes: tuple[RecordChange, ...]
    events: tuple[Event, ...]


def named_by(decision: Decision) -> dict[str, Mapping[str, Value]]:
    """Return what each obligation of a decision names, by its code, as an act takes it."""
    return {
        obligation.code: obligation.parameters  # type: ignore[misc]  # instants are numbers here
        for obligation in decision.obligations
    }


def followed(model: Model, act: Act, outcome: Outcome) -> Followed:
    """Put together what the effect and the duties of the obligations change and tell. Raises EvaluationFailed."""
    changes, events = list(outcome.changes), list(outcome.events)
    for code, named in act.obligations.items():
        duty = model.duties.get(code)
        if duty is None:
            raise EvaluationFailed(f"nobody meets the obligation `{code}`")
        if duty.meet is not None:
            changes += duty.meet(act, named)
        if duty.tell is not None:
            events += duty.tell(act, named)
    return Followed(outcome, merged(changes), tuple(events))
