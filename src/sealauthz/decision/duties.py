"""Obligations that nobody meets: each must be met by the transaction, an event or the caller, as the model says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sealauthz.polar.diagnostic import Diagnostic, Severity
from sealauthz.runtime.errors import did_you_mean
from sealauthz.schema import Model

if TYPE_CHECKING:
    from sealauthz.polar.check.rules import Rules

_OBLIGATION = ("obligation", 5)
_CODE = 4


def duty_diagnostics_of(model: Model, rules: Rules) -> Iterator[Diagnostic]:
    """Yield an error for each obligation of which the model does not say where it is met.

    A model without any duties has its acts decided only: there the caller meets everything.
    """
    if not model.duties:
        return
    for clause in rules.by_key.get(_OBLIGATION, ()):
        code = clause.node.parameters[_CODE].literal
        if isinstance(code, str) and code not in model.duties:
            message = f"nobody meets the obligation `{code}`{did_you_mean(code, model.duties)}"
            hint = "an obligation is met by the act itself, by an event or by the caller: the model says which"
            yield Diagnostic(Severity.ERROR, "obligation", message, clause.node.place, hint)
