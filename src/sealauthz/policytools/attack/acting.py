"""Trying acts in a world: decided by the real policies, carried out by the real effects, and never written anywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sealauthz.decision import Bundle, NextStep
from sealauthz.decision.assembly import Case, RequestOptions, everything
from sealauthz.decision.catalog import ReasonCatalog
from sealauthz.decision.decision import Decision
from sealauthz.decision.evaluation import Evaluation
from sealauthz.decision.plan import Plan
from sealauthz.operations.arguments import check_named, read_arguments
from sealauthz.operations.following import followed, named_by
from sealauthz.policytools.attack.moves import ActMove, Asked
from sealauthz.policytools.attack.reads import Relevance
from sealauthz.policytools.attack.views import View
from sealauthz.policytools.attack.world import World, Writing
from sealauthz.runtime.errors import EvaluationFailed, FactConflict, InvalidRequest, InvariantBroken, Violation
from sealauthz.schema import Act, Instant, Model, Put
from sealauthz.schema.effect import merged

Given = tuple[tuple[str, str, Any], ...]
"""What was provided: whose it is, what was done, and the record."""

_ForKey = tuple[str, str, str, Any]
"""What somebody outside gives: the key that it comes under, whose it is, what was done, and the record."""

T = TypeVar("T")

_MOST_VERDICTS = 200_000
"""How many verdicts are kept at most; then all are forgotten."""

_WITNESSES = 3
"""Of how many requirements it is kept that nothing settles them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an act is allowed: then `asked` is the act with what was `provided` for it in its context. Else `unmet`
    are the requirements that nothing settles.
    """

    asked: Asked
    is_allowed: bool
    unmet: tuple[str, ...] = ()
    provided: Given = ()
    lasting: tuple[str, ...] = ()
    """Those of `unmet` that nobody outside gives anything for: while one of them is unmet, the act is denied."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an allowed act cannot be carried out with these arguments: the fields, and what is said of each."""

    violations: tuple[Violation, ...] = ()


class Acting:
    """Decides and carries out acts in worlds. `may_provide` are the people who pass checks of their own."""

    def __init__(self, bundle: Bundle, relevance: Relevance) -> None:
        self._bundle = bundle
        self._model = bundle.model
        self._catalog = ReasonCatalog(bundle)
        self._subject_type = bundle.model.subjects[0]
        self._relevance = relevance
        self._verdicts: dict[Any, Verdict] = {}
        self.decided = 0
        """How many acts were decided by the policies."""
        self.remembered = 0
        """How many more were answered by an earlier decision on facts that are the same to it."""
        self._views: dict[tuple[str, str, str], View] = {}
        self._denied: dict[tuple[Any, ...], dict[str, set[tuple[Any, ...]]]] = {}
        """For acts that are denied: requirements that nothing settles, each with what it rests on then."""
        self._reasons = 0
        self._steps = _requirements_with_steps(bundle)

    def verdict(self, world: World, now: Instant, asked: Asked, may_provide: frozenset[str]) -> Verdict:
        """Decide an act; what somebody outside gives to one of these people, they get."""
        denied = self._denied.get((*_act_of(asked), now))
        if denied is not None:
            for requirement, seen in denied.items():
                if self._looks(world, asked, requirement) in seen:
                    self.remembered += 1
                    return Verdict(asked, False, (requirement,), lasting=(requirement,))
        key = (asked, now, may_provide, world.as_seen_by(self._view(asked)))
        found = self._verdicts.get(key)
        if found is not None:
            self.remembered += 1
            return found
        if len(self._verdicts) >= _MOST_VERDICTS:
            self._verdicts.clear()
        self.decided += 1
        found = self._verdict(world, now, asked, may_provide)
        if found.lasting:
            self._reasons += 1
            if self._reasons >= _MOST_VERDICTS:
                self._denied.clear()
                self._reasons = 0
            self._deny(world, now, asked, found.lasting)
        else:
            self._verdicts[key] = found
        return found

    def _deny(self, world: World, now: Instant, asked: Asked, lasting: tuple[str, ...]) -> None:
        """Remember why an act is denied."""
        known = self._denied.setdefault((*_act_of(asked), now), {})
        for requirement in lasting[:_WITNESSES]:
            known.setdefault(requirement, set()).add(self._looks(world, asked, requirement))

    def _looks(self, world: World, asked: Asked, requirement: str) -> tuple[Any, ...]:
        """What a requirement of an act rests on: of its context, and of the facts."""
        keys = self._relevance.keys_of(requirement, asked.action, asked.resource[0])
        given = tuple([each for each in asked.context if each[0] in keys]) if asked.context else ()
        return given, world.as_seen_by(self._view(asked, requirement))

    def _view(self, asked: Asked, requirement: str = "") -> View:
        """What may alter whether an act is allowed, or whether a requirement of it is settled."""
        key = (asked.action, asked.resource[0], requirement)
        view = self._views.get(key)
        if view is None:
            about, relevance = key[:2], self._relevance
            view = View(relevance.requirement(requirement, *about) if requirement else relevance.reads(*about))
            self._views[key] = view
        return view

    def _verdict(self, world: World, now: Instant, asked: Asked, may_provide: frozenset[str]) -> Verdict:
        provided: Given = ()
        for _ in range(len(self._model.provided) + 1):
            decide = partial(self._decided, world, now, asked, may_provide, provided)
            found = self._answer(world, now, asked, decide)
            if isinstance(found, Verdict):
                return found
            if found is None:
                break
            key, whose, says, record = found
            provided = (*provided, (whose, says, record))
            world = world.with_records([record])
            asked = asked.with_context(key, record.id)
        return Verdict(asked, False, ("",))

    def _decided(
        self,
        world: World,
        now: Instant,
        asked: Asked,
        may_provide: frozenset[str],
        provided: Given,
        evaluation: Evaluation,
        case: Case,
        plan: Plan,
    ) -> Verdict | _ForKey:
        """Decide an act for which this was `provided` before; return what somebody outside gives for it, if that is all
        that it lacks.
        """
        work = plan.begin(case)
        if plan.allow(work):
            return Verdict(asked, True, (), provided)
        unmet = tuple(evaluation.unmet(plan, work))
        if not unmet or not self._steps.keys() >= set(unmet):
            lasting = tuple(each for each in unmet if each not in self._steps) if not provided else ()
            return Verdict(asked, False, unmet or ("",), lasting=lasting)
        steps = evaluation.evaluate(case, plan).next_steps
        return self._given(world, now, case, steps, asked, may_provide) or Verdict(asked, False, unmet)

    def _answer(
        self, world: World, now: Instant, asked: Asked, answer: Callable[[Evaluation, Case, Plan], T]
    ) -> T | None:
        """Return what is answered of an act in a world; None where it cannot be asked or answered."""
        evaluation = Evaluation(self._catalog, world.snapshot(), now, RequestOptions(caller=asked.caller))
        question = asked.question(self._subject_type)
        try:
            case = evaluation.case(question)
            return answer(evaluation, case, self._catalog.plan(question)) if isinstance(case, Case) else None
        except (EvaluationFailed, InvalidRequest):
            return None

    def shown(self, world: World, now: Instant, asked: Asked) -> tuple[NextStep, ...]:
        """Return the next steps that somebody is shown who asks for an act; none where it is allowed."""
        return self._answer(world, now, asked, lambda evaluation, *of: evaluation.evaluate(*of).next_steps) or ()

    def _given(
        self, world: World, now: Instant, case: Case, steps: Any, asked: Asked, may_provide: Collection[str]
    ) -> _ForKey | None:
        """Return what somebody outside gives for a denied act."""
        have = dict(asked.context)
        for step in steps:
            provided = self._model.provided.get(step.code)
            if provided is None or provided.key in have:
                continue
            whose = provided.whose(case.subject, case.resource, case.context)
            if whose is None or whose not in may_provide:
                continue
            named = {name: str(value) for name, value in step.parameters.items()}
            said = json.dumps([step.code, whose, sorted(named.items()), now])
            base = hashlib.sha256(said.encode()).hexdigest()[:12]
            number = 0
            while True:
                try:
                    record = provided.made(f"given-{base}-{number}", whose, named, now)
                except (KeyError, ValueError):
                    return None
                if (type(record).__name__, record.id) not in world:
                    return provided.key, whose, provided.says, record
                number += 1
        return None

    def allowed(self, world: World, now: Instant, verdict: Verdict) -> Allowed | Refused:
        """Return an allowed act as it is carried out in a world."""
        records = [record for _, _, record in verdict.provided]
        if records:
            world = world.with_records(records)

        def carried_out(evaluation: Evaluation, case: Case, plan: Plan) -> Allowed | None:
            decision = evaluation.evaluate(case, plan)
            parts = (self._model, self._relevance, verdict, case, decision, evaluation)
            return Allowed(*parts, plan, self._subject_type) if decision else None

        return self._answer(world, now, verdict.asked, carried_out) or Refused()


def _act_of(asked: Asked) -> tuple[Any, ...]:
    """An act without its context."""
    return asked.subject, asked.action, asked.resource, asked.caller


class Allowed:
    """An allowed act in one world: decided once, whatever is said when it is carried out."""

    def __init__(
        self,
        model: Model,
        relevance: Relevance,
        verdict: Verdict,
        case: Case,
        decision: Decision,
        evaluation: Evaluation,
        plan: Plan,
        subject_type: str,
    ) -> None:
        asked = verdict.asked
        self._evaluation = evaluation
        self._question = asked.question(subject_type)
        self._plan = plan
        self._model = model
        self._verdict = verdict
        self._case = case
        self._decision = decision
        self._snapshot = evaluation.snapshot
        self._action = model.action(asked.action, asked.resource[0])
        self._writes = relevance.writes(asked.action, asked.resource[0])

    def outcome(self, given: Mapping[str, Any], operation_id: str) -> ActMove | Refused:
        """Carry the act out with these arguments: the move that it is, or why it cannot be."""
        case, action, model = self._case, self._action, self._model
        if action.effect is None:
            return Refused()
        try:
            arguments = read_arguments(action.arguments, given)
            check_named(model, action.arguments, arguments, self._snapshot, everything)
            named, context, snapshot = named_by(self._decision), case.context, self._snapshot
            act = Act(case.subject, action.name, case.resource, context, arguments, named, snapshot, operation_id)
            follows = followed(model, act, action.effect(act))
            provided = [Put(record) for _, _, record in self._verdict.provided]
            changes = merged([*provided, *follows.changes])
        except InvalidRequest as error:
            return Refused(error.violations)
        except (EvaluationFailed, FactConflict, InvariantBroken):
            return Refused()
        except (LookupError, TypeError, AttributeError, ValueError):
            # Policies that oblige to less than the effect rests on: an act that fails so changes nothing.
            return Refused()
        if not self._writes.covers(changes):
            # INVARIANT: what is left out of a search rests on it.
            raise RuntimeError(f"`{action.name}` on {action.resource} writes what its functions do not name")
        return ActMove(self._verdict.asked, given, self._verdict.provided, operation_id, act.now, Writing(changes))


def _requirements_with_steps(bundle: Bundle) -> Mapping[str, frozenset[str]]:
    """The requirements of which a reason sends people to somebody outside who gives them something, each with the keys
    under which that comes.
    """
    book, provided = bundle.rulebook, bundle.model.provided
    found: dict[str, frozenset[str]] = {}
    for requirement in book.otherwise:
        codes = {book.otherwise[requirement]}
        codes |= {str(rule.parameters[1].literal) for rule in book.because.get(requirement, ())}
        steps = {step for code in codes for step in book.reasons[code].next_steps if step in provided}
        if steps:
            found[requirement] = frozenset(provided[step].key for step in steps)
    return found
