"""Whether acts are allowed, each answer with as little as is known of what it rests on."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sealauthz.attack.acting import Acting, Verdict
from sealauthz.attack.altered import Altered
from sealauthz.attack.moves import Asked
from sealauthz.attack.reads import Relevance
from sealauthz.attack.shown import Idle
from sealauthz.attack.touching import Trace, trace_of
from sealauthz.attack.traced import reading
from sealauthz.attack.views import View
from sealauthz.attack.world import World
from sealauthz.decision import Bundle
from sealauthz.decision.assembly import Case
from sealauthz.errors import EvaluationFailed, InvalidRequest
from sealauthz.schema import Instant

_MOST_ASKED = 6
"""Of how many requirements that nothing settles it is looked what each rests on."""

_MOST = 100_000
"""How many answers are kept at most; then all are forgotten."""


@dataclass(frozen=True, slots=True)
class Told:
    """Whether an act is allowed, and what that rests on. `whole` is all that was read, where that is more: while it is
    the same, this is the answer.
    """

    verdict: Verdict
    trace: Trace
    whole: Trace | None = None

    def instead(self, asked: Asked, others: tuple[Idle, ...], idle: tuple[Idle, ...]) -> Told:
        """Return what is told where something else is shown that serves nothing either."""
        keys = {each.record for each in others}

        def of_idle(trace: Trace) -> Trace:
            rested = frozenset(e for e in trace.rested if e[:2] not in keys and e[1:3] not in keys)
            return Trace(rested, trace.passed, trace.walked).union(each.shown_it for each in idle)

        verdict = dataclasses.replace(self.verdict, asked=asked)
        return Told(verdict, of_idle(self.trace), None if self.whole is None else of_idle(self.whole))


class Answers:
    """Asks whether acts are allowed, in worlds that tell what is read of them."""

    def __init__(self, bundle: Bundle, relevance: Relevance, acting: Acting, altered: Altered) -> None:
        self._bundle = bundle
        self._model = bundle.model
        self._relevance = relevance
        self._acting = acting
        self._altered = altered
        self._told: dict[Any, Told] = {}
        self._denied: dict[Any, dict[str, dict[Any, Trace]]] = {}
        """Why acts are denied: requirements, each with what it rests on by the names that it reads, and here."""
        self._views: dict[tuple[str, str, str], View] = {}

    def forget(self) -> None:
        """Forget what was found while more was taken to stay as it is."""
        self._told.clear()
        self._denied.clear()

    def _view(self, action: str, resource_type: str, requirement: str = "") -> View:
        """What may alter whether an act is allowed, or what one requirement of it reads."""
        key = action, resource_type, requirement
        if key not in self._views:
            about, relevance = key[:2], self._relevance
            self._views[key] = View(
                relevance.requirement(requirement, *about) if requirement else relevance.reads(*about)
            )
        return self._views[key]

    def answered(
        self, world: World, now: Instant, asked: Asked, may_provide: frozenset[str], *, is_noted: bool = True
    ) -> Told:
        """Answer; unless it `is_noted`, not all of what a denial rests on is found out."""
        act = (asked.subject, asked.action, asked.resource, now)
        for requirement, known in self._denied.get(act, {}).items():
            trace = known.get(self._looks_so(world, asked, requirement))
            if trace is not None:
                self._acting.remembered += 1
                return self._denial(world, now, asked, requirement, trace, is_noted=is_noted)
        key = (asked, now, may_provide, world.as_seen_by(self._view(asked.action, asked.resource[0])))
        told = self._told.get(key)
        if told is not None:
            self._acting.remembered += 1
            return told
        self._acting.decided += 1
        with reading() as events:
            verdict = self._acting.afresh(world, now, asked, may_provide)
        least, requirement = self._least(world, now, verdict)
        if least is None:
            # What resolvers go through is among it.
            least = trace_of(events, None, self._altered.is_no_matter)
        if requirement:
            by_requirement = self._denied.setdefault(act, {}).setdefault(requirement, {})
            by_requirement[self._looks_so(world, asked, requirement)] = least
            return self._denial(world, now, verdict.asked, requirement, least, is_noted=is_noted)
        if verdict.is_allowed and verdict.provided:
            least |= self._lacking(world, now, asked)
        if len(self._told) >= _MOST:
            self._told.clear()
        told = self._told[key] = Told(verdict, least)
        return told

    def _lacking(self, world: World, now: Instant, asked: Asked) -> Trace:
        """Return what it rests on that an act needs what somebody outside gives for it, as little as is known."""
        about = asked.action, asked.resource[0]
        lacking = []
        for requirement in self._acting.with_steps(self._bundle.rulebook.requirements.get(about, ())):
            is_found = self._relevance.asks_for_found(requirement, *about)
            trace = self._rests_on(world, now, asked, requirement, is_found=is_found)
            if trace is not None:
                lacking.append(trace)
        return min(lacking, key=self._weight, default=Trace())

    def _denial(
        self, world: World, now: Instant, asked: Asked, requirement: str, trace: Trace, *, is_noted: bool
    ) -> Told:
        """Return that an act is denied for one requirement. Unless that stays so, what is settled is rested on as well:
        it may be so because of what was done before.
        """
        if not is_noted or self._altered.is_lasting(trace):
            return Told(Verdict(asked, False, (requirement,), lasting=(requirement,)), trace)
        settled, others, unmet = self._others(world, now, asked, requirement)
        verdict = Verdict(asked, False, (requirement, *unmet), lasting=(requirement,))
        return Told(verdict, trace | settled, trace | settled | others)

    def _others(self, world: World, now: Instant, asked: Asked, but: str) -> tuple[Trace, Trace, list[str]]:
        """Return what it rests on that the requirements of an act are settled that are, all but one; that the rest is
        not; and which these are.
        """
        about, question = (asked.action, asked.resource[0]), asked.question(self._model.subjects[0])
        case = None
        with reading() as found, suppress(EvaluationFailed, InvalidRequest):
            case = self._acting.evaluation(world, now, asked).case(question)
        trace = trace_of(found, None, self._altered.is_no_matter)
        settled = others = Trace()
        unmet: list[str] = []
        if not isinstance(case, Case):
            return trace, others, unmet
        plan = self._acting.plan(question)
        for requirement in self._bundle.rulebook.requirements.get(about, ()):
            if requirement == but:
                continue
            with reading() as events:
                try:
                    is_settled = not plan.lacks(requirement)(plan.begin(case))
                except EvaluationFailed:
                    is_settled = True  # it counts, whatever it is
            rested = trace_of(events, self._altered.stays, self._altered.is_no_matter)
            if self._relevance.asks_for_found(requirement, *about):
                rested |= trace
            if is_settled:
                settled |= rested
            else:
                others |= rested
                unmet.append(requirement)
        return settled, others, unmet

    def _looks_so(self, world: World, asked: Asked, requirement: str) -> tuple[Any, ...]:
        """What a requirement of an act rests on by the names that it reads: of its context, and of the facts."""
        about = asked.action, asked.resource[0]
        keys = self._relevance.keys_of(requirement, *about)
        given = tuple([each for each in asked.context if each[0] in keys]) if asked.context else ()
        return given, world.as_seen_by(self._view(*about, requirement))

    def _least(self, world: World, now: Instant, verdict: Verdict) -> tuple[Trace | None, str]:
        """Return what a verdict rests on, as little as is known: an act is denied while one requirement is unmet for
        which nobody outside gives anything. None where all counts that was read.
        """
        asked = verdict.asked
        about = asked.action, asked.resource[0]
        if verdict.is_allowed:
            behind = world.with_records([record for _, _, record in verdict.provided])
            return self._rests_on(behind, now, asked, "allow", is_found=True), ""
        lasting = self._acting.firm(verdict)
        firm = [each for each in lasting if not self._relevance.keys_of(each, *about)] or lasting
        least: Trace | None = None
        of = ""
        for requirement in firm[:_MOST_ASKED]:
            found = self._rests_on(
                world, now, asked, requirement, is_found=self._relevance.asks_for_found(requirement, *about)
            )
            if found is not None and (least is None or self._weight(found) < self._weight(least)):
                least, of = found, requirement
                if self._altered.is_lasting(found):
                    break
        return least, of

    def _weight(self, trace: Trace) -> tuple[int, int, int]:
        if self._altered.is_lasting(trace):
            return 0, 0, 0
        return 1, len(trace.walked), len(trace.rested) + len(trace.passed)

    def _rests_on(self, world: World, now: Instant, asked: Asked, what: str, *, is_found: bool) -> Trace | None:
        """Return what it rests on that an act is allowed, or that a requirement is unmet; None where it is not so."""
        evaluation = self._acting.evaluation(world, now, asked)
        question = asked.question(self._model.subjects[0])
        try:
            with reading() as found:
                case = evaluation.case(question)
            if not isinstance(case, Case):
                return None
            plan = self._acting.plan(question)
            with reading() as events:
                holds = plan.allow(plan.begin(case)) if what == "allow" else plan.lacks(what)(plan.begin(case))
        except (EvaluationFailed, InvalidRequest):
            return None
        trace = trace_of(events, self._altered.stays, self._altered.is_no_matter)
        return (trace | trace_of(found, None, self._altered.is_no_matter) if is_found else trace) if holds else None
