"""What a decision asks of the engine, found once for each action, type of resource and type of subject.

The questions of one decision share what they find out (`Work`). They are all about the same subject, resource and
context, which they take from there, so that no question can be about others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from sealauthz.decision.assembly import Assembly, Case
from sealauthz.decision.bundle import Bundle, Engine
from sealauthz.polar.engine import CompiledEngine, Work
from sealauthz.polar.runtime import FREE
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed
from sealauthz_client.answers import Obligation

Asker = Callable[[Work], Any]
"""Asks one rule about what a decision is about: True or False, or the values of what it finds."""


class Plan:
    """The questions of one kind of decision, each asked with the work of one (`begin`).

    They are made when first asked for: most decisions never come to the reasons of a deny.
    """

    def __init__(self, bundle: Bundle, subject: str, action: str, resource: str, names_obligations: bool) -> None:
        model, book = bundle.model, bundle.rulebook
        self._engine = bundle.engine
        self._action = action
        self.assembly = Assembly(model, action, resource)
        self._types = (model.records[subject], model.records[resource], model.action(action, resource).context)
        self._has_lapses = "lapses" in book.names
        self._names_obligations = names_obligations
        self.places = {requirement: place for place, requirement in enumerate(book.requirements[action, resource])}
        # Most obligations name nothing, and are always the same.
        self.obligations = {code: Obligation(code) for code in book.obligations.get((action, resource), ())}
        self._explained = book.explained
        self._meets: dict[str, Asker] = {}
        self._because: dict[str, Asker] = {}
        self._carried: dict[tuple[str, str], Asker] = {}
        self._leads_nowhere: dict[str, Asker] = {}

    def begin(self, case: Case) -> Work:
        """Begin a decision: what its questions are about, and what they share."""
        if isinstance(self._engine, CompiledEngine):
            return self._engine.begin(case.subject, case.resource, case.context)
        return [case.subject, case.resource, case.context]

    @cached_property
    def allow(self) -> Asker:
        """Whether the act is allowed."""
        subject, resource, context = self._types
        return self._asker("allow", subject, self._action, resource, context)

    @cached_property
    def lapses(self) -> Asker | None:
        """When an allow ends; None where the policies never say."""
        subject, resource, context = self._types
        if not self._has_lapses:
            return None
        return self._asker("lapses", subject, self._action, resource, context, FREE, is_distinct=False)

    @cached_property
    def obligation(self) -> Asker:
        """What an allow obliges to, by codes."""
        subject, resource, context = self._types
        return self._asker("obligation", subject, self._action, resource, context, FREE, is_distinct=False)

    @cached_property
    def named(self) -> Asker | None:
        """What obligations name: code, name and value; None where they name nothing."""
        subject, resource, context = self._types
        if not self._names_obligations:
            return None
        likes = (FREE, FREE, FREE, subject, self._action, resource, context)
        return self._asker("obligation_parameter", *likes, is_distinct=False)

    @cached_property
    def visible(self) -> Asker:
        """Whether the subject may learn that there is such a resource."""
        return self._asker("visible", *self._types)

    @cached_property
    def has_standing(self) -> Asker:
        """Whether the subject may learn more than what keeps it out."""
        return self._asker("has_standing", *self._types)

    @cached_property
    def unmet(self) -> Asker:
        """The requirements that nothing settles."""
        subject, resource, context = self._types
        return self._asker("unmet", subject, FREE, self._action, resource, context)

    @cached_property
    def has_permission(self) -> Asker:
        """Whether the table of permissions allows the act; it takes no context."""
        subject, resource, _ = self._types
        return self._asker("has_permission", subject, self._action, resource)

    def meets(self, requirement: str) -> Asker:
        """Whether a requirement is met."""
        found = self._meets.get(requirement)
        if found is None:
            subject, resource, context = self._types
            found = self._asker("meets", subject, requirement, self._action, resource, context)
            self._meets[requirement] = found
        return found

    def because(self, requirement: str) -> Asker | None:
        """The reasons that hold for a requirement; None where no rule tells."""
        found = self._because.get(requirement)
        if found is None and requirement in self._explained:
            found = self._because[requirement] = self._asker("because", requirement, FREE, *self._types)
        return found

    def carried(self, rule: str, step: str) -> Asker:
        """What a next step carries: the `parameter` or what is `counted`, by name and value."""
        found = self._carried.get((rule, step))
        if found is None:
            found = self._carried[rule, step] = self._asker(rule, step, FREE, FREE, *self._types)
        return found

    def leads_nowhere(self, step: str) -> Asker:
        """Whether a next step cannot be taken here, or would change nothing."""
        found = self._leads_nowhere.get(step)
        if found is None:
            found = self._leads_nowhere[step] = self._asker("leads_nowhere", step, *self._types)
        return found

    def _asker(self, rule: str, *likes: object, is_distinct: bool = True) -> Asker:
        """What asks a rule. Where it does not matter, what it finds may come several times."""
        if isinstance(self._engine, CompiledEngine):
            try:
                return self._engine.asker(rule, *likes, is_distinct=is_distinct)
            except BundleRefused as error:
                raise EvaluationFailed(f"`{rule}` cannot be asked like this: {error}") from error
        return _asking(self._engine, rule, likes)


def _asking(engine: Engine, rule: str, likes: tuple[object, ...]) -> Asker:
    """What asks an engine that finds nothing out ahead."""
    ask = engine.each if FREE in likes else engine.holds

    def asked(work: Work) -> Any:
        left = iter(work)
        return ask(rule, *(next(left) if isinstance(like, type) else like for like in likes))

    return asked
