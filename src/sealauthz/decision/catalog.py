"""The reason catalog of a bundle: its reasons with their next steps, and what those steps carry."""

from __future__ import annotations

from collections.abc import Mapping

from sealauthz.answers import Audience, NextStep, Reason
from sealauthz.decision.bundle import Bundle, named_by_obligations
from sealauthz.decision.candidates import Plans


class ReasonCatalog:
    """What a bundle says about its reasons, made once and shared by all evaluations."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.plans = Plans(bundle)
        self._places: dict[tuple[str, str], dict[str, int]] = {}
        self.rank = {code: number for number, code in enumerate(bundle.rulebook.reasons)}
        self._reasons: dict[tuple[str, str], Reason] = {}
        carried = bundle.rulebook.carried
        self.parameters = frozenset(step for what, step in carried if what == "parameter")
        self.counted = {step: tuple(sorted(names)) for (what, step), names in carried.items() if what == "counted"}
        self.carrying = self.parameters | self.counted.keys()
        self.naming = frozenset(named_by_obligations(bundle.rulebook))

    def places(self, action: str, type_: str) -> Mapping[str, int]:
        """The place of each requirement in the checklist of an action."""
        found = self._places.get((action, type_))
        if found is None:
            requirements = self.bundle.rulebook.requirements[action, type_]
            found = {requirement: number for number, requirement in enumerate(requirements)}
            self._places[action, type_] = found
        return found

    def reason(self, code: str, requirement: str = "") -> Reason:
        """The reason without what its steps carry. There are as many as the bundle has."""
        found = self._reasons.get((code, requirement))
        if found is None:
            entry = self.bundle.rulebook.reasons[code]
            steps = tuple(NextStep(step) for step in entry.next_steps)
            found = Reason(code, entry.stage, Audience(entry.audience), requirement, steps)
            self._reasons[code, requirement] = found
        return found
