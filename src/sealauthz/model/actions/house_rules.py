"""Acts on what an enterprise decides for itself: its resolutions, and the rules of its own."""

from __future__ import annotations

from dataclasses import dataclass

from sealauthz.model.actions.common import Context
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.identity import Person
from sealauthz.schema import actions


@dataclass(slots=True)
class ResolutionContext(Context):
    """Recording a resolution: of whom (BOARD, SHAREHOLDERS or LEGAL_REP), about which contract, and whom it benefits,
    None where nobody.
    """

    source: str | None = None
    contract: Contract | None = None
    beneficiary: Person | None = None


ACTIONS = (*actions("Enterprise", ResolutionContext, "record_resolution", gives=("source", "contract", "beneficiary")),)
