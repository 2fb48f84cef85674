"""Moves of people, and what stands against the others: each with what that rests on in the facts at hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from sealauthz.attack.acting import Acting, Allowed, Refused, Verdict
from sealauthz.attack.candidates import Candidates, Cost, Costs, Doer, operation_of
from sealauthz.attack.moves import ActMove, Asked, leaves_of
from sealauthz.attack.reads import Relevance
from sealauthz.attack.remembered import Beside, Remembered
from sealauthz.attack.said import Said
from sealauthz.attack.shown import Idle, Shown
from sealauthz.attack.touching import Place, Trace, What, trace_of
from sealauthz.attack.traced import reading
from sealauthz.attack.views import View
from sealauthz.attack.world import World
from sealauthz.decision import Bundle
from sealauthz.decision.assembly import Case
from sealauthz.errors import EvaluationFailed, InvalidRequest
from sealauthz.schema import Action, Change, Instant

_MOST_ASKED = 6
"""Of how many requirements that nothing settles it is looked what each rests on."""


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


class Denied(NamedTuple):
    """That an act is denied, or refused: what it rests on, what it names, and what is shown that serves nothing."""

    trace: Trace
    named: frozenset[Any]
    idle: tuple[Idle, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody may do by an action in some facts, each with what it rests on; and what it rests on that the rest
    is denied.
    """

    moves: tuple[tuple[ActMove, Trace], ...]
    denied: tuple[Denied, ...]
    cost: Cost


class Noting:
    """Asks as `Candidates` does, of worlds that tell what is read of them."""

    def __init__(self, bundle: Bundle, relevance: Relevance, acting: Acting, said: Said, first: World) -> None:
        self._bundle = bundle
        self._model = bundle.model
        self._relevance = relevance
        self._acting = acting
        self._said = said
        self._candidates = Candidates(bundle, relevance, acting, said, remembers=False)
        self._costs = Costs(acting, said)
        self._altered: set[tuple[str, str]] = set()
        """The columns of records that are there which acts changed so far."""
        self._made: set[str] = set()
        self._gone: set[str] = set()
        """The types of which records came, and went."""
        self._joined: set[tuple[str, str]] = set()
        """The columns by which a record that came names one that was there before."""
        self._first = first
        self._told: dict[Any, Told] = {}
        self._told_beside: Remembered[Told] = Remembered()
        self._ways_known: dict[Any, tuple[tuple[tuple[ActMove, Trace], ...], tuple[Denied, ...], int]] = {}
        self._outcomes: Remembered[ActMove | Refused] = Remembered()
        self._shown = Shown(bundle, relevance, acting)
        self._serving: Remembered[bool] = Remembered()
        self._again_known: dict[Any, ActMove | None] = {}
        self._denied: dict[Any, dict[str, dict[Any, Trace]]] = {}
        """Why acts are denied: requirements, each with what it rests on by the names that it reads, and here."""
        self._looks: dict[Any, Look] = {}
        self._views: dict[tuple[str, str, str], View] = {}

    def look(
        self, world: World, now: Instant, doer: Doer, action: Action, earlier: tuple[str, ...], beside: Beside
    ) -> Look:
        """Return what a person may do by an action, and what it rests on that they may do no more. `beside` says what
        the world is otherwise than that of the beginning.
        """
        key = (doer, action.name, action.resource, now, earlier, world.as_seen_by(self._view(action, "whole")))
        look = self._looks.get(key)
        if look is not None:
            self._costs.again(look.cost)
            return look
        before = self._costs.so_far()
        moves: list[tuple[ActMove, Trace]] = []
        denied: dict[Denied, None] = {}
        for record_id in world.ids(action.resource):
            caller = self._candidates.caller(world, action, record_id, doer.callers)
            asked = Asked(doer.subject, action.name, (action.resource, record_id), (), caller)
            for told, idle in self._asked(world, now, asked, doer.may_provide, beside):
                named = frozenset({record_id, *(each for _, each in told.verdict.asked.context)})
                if told.verdict.is_allowed:
                    ways, refused = self._ways(world, now, told, action, earlier, beside)
                    moves += ways
                    denied.update((each, None) for each in refused if not self.is_lasting(each.trace))
                    if not ways and action.records:
                        # It may be done where more is shown.
                        denied[Denied(told.trace, named)] = None
                elif not self.is_lasting(told.trace):
                    denied[Denied(told.trace, named, idle)] = None
        look = self._looks[key] = Look(tuple(moves), tuple(denied), self._costs.so_far(before))
        return look

    def _view(self, action: Action, purpose: str) -> View:
        """What may alter whether an act is allowed; how it is carried out (`ways`), or both (`whole`)."""
        key = (action.name, action.resource, purpose)
        if key not in self._views:
            relevance, about = self._relevance, key[:2]
            match purpose:
                case "ways":
                    reads = relevance.carrying_out(*about) | self._said.reads(action)
                case "whole":
                    reads = relevance.trying(*about) | self._said.reads(action)
                case _:
                    reads = relevance.reads(*about)
            self._views[key] = View(reads)
        return self._views[key]

    def _asked(
        self, world: World, now: Instant, asked: Asked, may_provide: frozenset[str], beside: Beside
    ) -> Iterator[tuple[Told, tuple[Idle, ...]]]:
        """Return what is answered in each context that may matter, as `Candidates` asks; with what is shown there and
        serves nothing.
        """
        first = self._answer(world, now, asked, may_provide, beside)
        yield first, ()
        alike: dict[tuple[tuple[str, Any], ...], tuple[Told, tuple[Idle, ...]]] = {}
        for one in self._candidates.contexts(world, now, asked, first.verdict):
            idle = self._idle(world, now, one, beside)
            if not idle:
                yield self._answer(world, now, one, may_provide, beside), ()
                continue
            # Whatever it is that serves nothing, the same is answered.
            ids = {each.record[1] for each in idle}
            said = tuple([(key, "" if value in ids else value) for key, value in one.context])
            if said in alike:
                told, others = alike[said]
                yield told.instead(one, others, idle), idle
                continue
            told = self._answer(world, now, one, may_provide, beside)
            if not told.verdict.is_allowed:
                alike[said] = told, idle
            yield told, idle

    def _idle(self, world: World, now: Instant, asked: Asked, beside: Beside) -> tuple[Idle, ...]:
        """Return what is shown for an act and serves nothing, whatever else is done. Nobody outside may give more."""
        records = self._model.action(asked.action, asked.resource[0]).records
        given = {key for key, _ in asked.context}
        if any(each.key in records and each.key not in given for each in self._model.provided.values()):
            return ()
        found = []
        for key, value in asked.context:
            if key not in records or (records[key], str(value)) not in world:
                continue
            shown_it = self._serving_nothing(world, now, asked, key, beside)
            if shown_it is None:
                continue
            bare = tuple([each for each in asked.context if each[0] != key])
            without = self._serving_nothing(world, now, dataclasses.replace(asked, context=bare), key, beside)
            if without is not None:
                found.append(Idle(asked.resource, (records[key], str(value)), shown_it, without))
        return tuple(found)

    def _serving_nothing(self, world: World, now: Instant, asked: Asked, key: str, beside: Beside) -> Trace | None:
        """Return what it rests on that no rule that reads a key holds for an act, where no act alters that."""
        known = self._serving.find((asked, now, key), beside)
        if known is None:
            serves, events = self._shown.serves(world, now, asked, key)
            known = serves, trace_of(events, None, self._is_no_matter)
            self._serving.add((asked, now, key), beside, *known)
        serves, trace = known
        return None if serves or not self.is_lasting(trace) else trace

    def _answer(self, world: World, now: Instant, asked: Asked, may_provide: frozenset[str], beside: Beside) -> Told:
        question = (asked, now, may_provide)
        known = self._told_beside.find(question, beside)
        if known is not None and not any(
            (type(each).__name__, each.id) in world for _, _, each in known[0].verdict.provided
        ):
            self._acting.remembered += 1
            return known[0]
        told = self._answered(world, now, asked, may_provide)
        self._told_beside.add(question, beside, told, told.whole or told.trace)
        return told

    def _answered(
        self, world: World, now: Instant, asked: Asked, may_provide: frozenset[str], *, is_noted: bool = True
    ) -> Told:
        """Answer; unless it `is_noted`, not all of what a denial rests on is found out."""
        act = (asked.subject, asked.action, asked.resource, now)
        for requirement, known in self._denied.get(act, {}).items():
            trace = known.get(self._looks_so(world, asked, requirement))
            if trace is not None:
                self._acting.remembered += 1
                return self._denial(world, now, asked, requirement, trace, is_noted=is_noted)
        action = self._model.action(asked.action, asked.resource[0])
        key = (asked, now, may_provide, world.as_seen_by(self._view(action, "")))
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
            least = trace_of(events, None, self._is_no_matter)
        if requirement:
            by_requirement = self._denied.setdefault(act, {}).setdefault(requirement, {})
            by_requirement[self._looks_so(world, asked, requirement)] = least
            return self._denial(world, now, verdict.asked, requirement, least, is_noted=is_noted)
        if verdict.is_allowed and verdict.provided:
            least |= self._lacking(world, now, asked)
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
        if not is_noted or self.is_lasting(trace):
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
        trace = trace_of(found, None, self._is_no_matter)
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
            rested = trace_of(events, self.stays, self._is_no_matter)
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
        key = (*about, "=" + requirement)
        if key not in self._views:
            self._views[key] = View(self._relevance.requirement(requirement, *about))
        return given, world.as_seen_by(self._views[key])

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
                if self.is_lasting(found):
                    break
        return least, of

    def again(
        self,
        world: World,
        now: Instant,
        doer: Doer,
        asked: Asked,
        action: Action,
        arguments: Mapping[str, Any],
        earlier: tuple[str, ...],
    ) -> ActMove | None:
        """Return an act that was done elsewhere as it may be done here; None where it may not."""
        verdict = self._answered(world, now, asked, doer.may_provide, is_noted=False).verdict
        if not verdict.is_allowed:
            return None
        key = (verdict.asked, now, earlier, repr(arguments), world.as_seen_by(self._view(action, "ways")))
        if key not in self._again_known:
            allowed = self._acting.allowed(world, now, verdict)
            operation = operation_of(verdict.asked, arguments, earlier)
            outcome = Refused() if isinstance(allowed, Refused) else allowed.outcome(arguments, operation)
            self._again_known[key] = outcome if isinstance(outcome, ActMove) else None
        return self._again_known[key]

    def learn(self, changes: Iterable[Change]) -> bool:
        """Take note of what an act changes; tell whether some of it was taken to stay as it is."""
        before = self._learned
        changes = tuple(changes)
        came = {(each.record_type, each.id) for each in changes if each.before is None}
        for change in changes:
            if change.before is None:
                self._made.add(change.record_type)
                columns = self._model.shapes[change.record_type].columns
                self._joined |= {
                    (change.record_type, each.name)
                    for each in columns
                    if each.ref is not None
                    and (named := getattr(change.after, each.name)) is not None
                    and (each.ref, named) not in came
                }
            elif change.after is None:
                self._gone.add(change.record_type)
            else:
                columns = self._model.shapes[change.record_type].columns
                self._altered |= {
                    (change.record_type, each.name)
                    for each in columns
                    if getattr(change.before, each.name) != getattr(change.after, each.name)
                }
        return self._learned > before

    @property
    def _learned(self) -> int:
        return len(self._altered) + len(self._made) + len(self._gone) + len(self._joined)

    def forget(self) -> None:
        """Forget what was found while more was taken to stay as it is."""
        self._told.clear()
        self._told_beside.clear()
        self._ways_known.clear()
        self._again_known.clear()
        self._outcomes.clear()
        self._serving.clear()
        self._denied.clear()
        self._looks.clear()

    def is_lasting(self, trace: Trace) -> bool:
        """Tell whether no act alters what an answer rests on."""
        return all(map(self.stays, trace.rested | trace.passed | trace.walked))

    def stays(self, place: Place) -> bool:
        """Tell whether no act alters what is read at a place."""
        what = place[0]
        if what is What.SCAN or what is What.HOLDING:
            # A member comes by an act that makes it beside what it names, or that lets it name something else.
            is_same = what is What.SCAN or (place[1], place[4]) not in self._altered
            key = place[1:3]
            return is_same and not (key in self._joined or place[1] in self._gone or key in self._altered)
        if what is What.SOME:
            return not (
                place[1] in self._made or place[1] in self._gone or any(each == place[1] for each, _ in self._altered)
            )
        if what is What.ONE:
            return place[1] not in self._gone
        return place[0] not in self._gone and (place[0], place[2]) not in self._altered

    def _is_no_matter(self, place: Place) -> bool:
        """Tell whether a place is one of a record that was there from the beginning, and stays as it is."""
        if place[0] is What.SCAN or place[0] is What.HOLDING:
            return self.stays(place)
        return type(place[0]) is str and place[:2] in self._first and self.stays(place)

    def _weight(self, trace: Trace) -> tuple[int, int, int]:
        if self.is_lasting(trace):
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
        trace = trace_of(events, self.stays, self._is_no_matter)
        return (trace | trace_of(found, None, self._is_no_matter) if is_found else trace) if holds else None

    def _ways(
        self, world: World, now: Instant, told: Told, action: Action, earlier: tuple[str, ...], beside: Beside
    ) -> tuple[list[tuple[ActMove, Trace]], list[Denied]]:
        """Return the ways to carry out an allowed act, worked out once for all worlds that look the same to them; and
        what the rest is refused for, each with what it names.
        """
        key = (told.verdict.asked, now, earlier, world.as_seen_by(self._view(action, "ways")))
        left_out = self._said.left_out
        known = self._ways_known.get(key)
        if known is None:
            before = left_out.arguments
            refused: dict[Denied, None] = {}
            moves = tuple(self._carried_out(world, now, told, action, earlier, beside, refused))
            known = self._ways_known[key] = (moves, tuple(refused), left_out.arguments - before)
        else:
            left_out.arguments += known[2]
        ways = [(move, trace | told.trace) for move, trace in known[0]]
        return ways, [Denied(each.trace | told.trace, each.named) for each in known[1]]

    def _carried_out(
        self,
        world: World,
        now: Instant,
        told: Told,
        action: Action,
        earlier: tuple[str, ...],
        beside: Beside,
        refused: dict[Denied, None],
    ) -> Iterator[tuple[ActMove, Trace]]:
        verdict = told.verdict
        begun: list[tuple[Allowed | Refused, Trace]] = []
        traces: dict[str, Trace] = {}

        def begin() -> tuple[Allowed | Refused, Trace]:
            if not begun:
                allowed = self._acting.allowed(world, now, verdict)
                with reading() as events:
                    if isinstance(allowed, Allowed):
                        allowed.found()
                        allowed.obliged()
                begun.append((allowed, trace_of(events, None, self._is_no_matter)))
            return begun[0]

        def carry_out(given: Mapping[str, Any]) -> ActMove | Refused:
            operation = operation_of(verdict.asked, given, earlier)
            known = self._outcomes.find((verdict.asked, operation, now), beside)
            if known is None:
                allowed, obliged = begin()
                with reading() as read:
                    outcome = Refused() if isinstance(allowed, Refused) else allowed.outcome(given, operation)
                known = outcome, obliged | trace_of(read, None, self._is_no_matter)
                self._outcomes.add((verdict.asked, operation, now), beside, *known)
            if isinstance(known[0], ActMove):
                traces[known[0].operation_id] = known[1]
            elif not self.is_lasting(known[1]):
                texts = (each for each in leaves_of(given) if isinstance(each, str))
                named = {verdict.asked.resource[1], *(each for _, each in verdict.asked.context), *texts}
                refused[Denied(known[1], frozenset(named))] = None
            return known[0]

        seen: set[int] = set()
        for move in self._said.ways(world, now, action, carry_out):
            wrought = move.wrought(None)
            if wrought not in seen:
                seen.add(wrought)
                yield move, traces[move.operation_id]
