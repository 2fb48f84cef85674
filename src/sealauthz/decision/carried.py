"""What next steps and obligations carry, and which next steps lead somewhere here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sealauthz.decision.making import maker
from sealauthz.decision.plan import Asker, Plan
from sealauthz.polar import Rulebook
from sealauthz.polar.engine import Work
from sealauthz.runtime.errors import EvaluationFailed
from sealauthz.runtime.instants import FOREVER
from sealauthz.schema import Model
from sealauthz.schema.record import is_record
from sealauthz_client.answers import NextStep, ParameterValue

_next_step = maker(NextStep)

Made = dict[str, NextStep | None]
"""The steps of one decision so far, by code: several reasons may have one. None where it leads nowhere."""


class StepMaker:
    """One next step of one kind of decision: what is asked about it, found once. `plain` is the step as it is where it
    carries nothing.
    """

    __slots__ = ("_counted", "_leads_nowhere", "_model", "_names", "_parameter", "plain")

    def __init__(self, step: NextStep, book: Rulebook, model: Model, plan: Plan) -> None:
        code = step.code
        self.plain = step
        self._model = model
        self._leads_nowhere: Asker | None = plan.leads_nowhere(code) if code in book.withheld else None
        self._parameter: Asker | None = plan.carried("parameter", code) if ("parameter", code) in book.carried else None
        self._names = tuple(sorted(book.carried.get(("counted", code), ())))
        self._counted: Asker | None = plan.carried("counted", code) if self._names else None

    @property
    def is_always_the_same(self) -> bool:
        """Whether there is nothing to find out."""
        return self._leads_nowhere is None and self._parameter is None and self._counted is None

    def make(self, work: Work) -> NextStep | None:
        """Return the step with what it carries; None where it leads nowhere, or to none of all that it counts."""
        if self._leads_nowhere is not None and self._leads_nowhere(work):
            return None
        parameters: dict[str, ParameterValue] = {}
        if self._parameter is not None:
            parameters = _least_values(self._model, self._parameter(work))
        if self._counted is not None:
            counts = dict.fromkeys(self._names, 0)
            for name, _item in self._counted(work):
                counts[name] += 1
            if not any(counts.values()):
                return None
            parameters |= counts
        return _next_step(self.plain.code, parameters, "") if parameters else self.plain


def _least_values(model: Model, found: list[tuple[str, Any]]) -> dict[str, ParameterValue]:
    """The parameters of a step, from what was found for it.

    Of several values of a name the least counts, whichever an engine finds first. Subjects are masked. What has no end
    does not end at the end of time.
    """
    least: dict[str, Any] = {}
    for name, value in found:
        if name not in least or _order(value) < _order(least[name]):
            least[name] = value
    parameters: dict[str, ParameterValue] = {}
    for name, value in least.items():
        if type(value) is str or type(value) is int:
            if value != FOREVER:
                parameters[name] = value
        else:
            parameters |= _shown(model, name, value)
    return parameters


def _shown(model: Model, name: str, value: Any) -> Mapping[str, str]:
    """What may be shown of a subject, masked."""
    if type(value).__name__ not in model.shown:
        raise EvaluationFailed(f"the parameter `{name}` is neither text, nor a number, nor a subject")
    return {f"{name}_{part}": text for part, text in shown_of(model, value).items()}


def shown_of(model: Model, value: Any) -> Mapping[str, str]:
    """Return what may be shown of a subject, masked, by the name of each part."""
    parts = model.shown[type(value).__name__]
    return {part: masked(getattr(value, column)) for part, (column, masked) in parts.items()}


def named_by(found: Iterable[tuple[str, str, Any]]) -> dict[str, dict[str, ParameterValue]]:
    """What obligations name, by their codes.

    Of several values of a name the least counts, whichever comes first; a name that ends in `_ids` holds all of
    them, as a JSON array: an id may be any text.
    """
    named: dict[str, dict[str, ParameterValue]] = {}
    lists: dict[tuple[str, str], set[ParameterValue]] = {}
    for code, name, value in found:
        if type(value) is not str and type(value) is not int:
            raise EvaluationFailed(f"what `{code}` names as `{name}` is neither text nor a number")
        held = named.setdefault(code, {})
        if name.endswith("_ids"):
            lists.setdefault((code, name), set()).add(value)
        elif name not in held or _order(value) < _order(held[name]):
            held[name] = value
    for (code, name), values in lists.items():
        named[code][name] = json.dumps(sorted(values, key=_order), ensure_ascii=False)
    return named


def _order(value: Any) -> tuple[str, Any]:
    """What puts the values of a parameter in an order: numbers and texts as they are, records by their ids."""
    return (type(value).__name__, value.id if is_record(type(value)) else value)
