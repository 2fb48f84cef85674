"""Moves of people, and what stands against the others: each with what that rests on in the facts at hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sealauthz.attack.acting import Acting, Allowed, Refused
from sealauthz.attack.altered import Altered
from sealauthz.attack.answers import Answers, Told
from sealauthz.attack.candidates import Candidates, Cost, Costs, Doer, operation_of
from sealauthz.attack.moves import ActMove, Asked, leaves_of
from sealauthz.attack.reads import Relevance
from sealauthz.attack.remembered import Beside, Remembered
from sealauthz.attack.said import Said
from sealauthz.attack.shown import Idle, Shown
from sealauthz.attack.touching import Trace, trace_of
from sealauthz.attack.traced import reading
from sealauthz.attack.views import View
from sealauthz.attack.world import World
from sealauthz.decision import Bundle
from sealauthz.schema import Action, Instant

_MOST = 40_000
"""How many answers of a kind are kept at most; then all of that kind are forgotten."""


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
        self.altered = Altered(bundle.model, first)
        self._answers = Answers(bundle, relevance, acting, self.altered)
        self._told_beside: Remembered[Told] = Remembered()
        self._ways_known: dict[Any, tuple[tuple[tuple[ActMove, Trace], ...], tuple[Denied, ...], int]] = {}
        self._outcomes: Remembered[ActMove | Refused] = Remembered()
        self._shown = Shown(bundle, relevance, acting)
        self._serving: Remembered[bool] = Remembered()
        self._again_known: dict[Any, ActMove | None] = {}
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
                    denied.update((each, None) for each in refused if not self.altered.is_lasting(each.trace))
                    if not ways and action.records:
                        # It may be done where more is shown.
                        denied[Denied(told.trace, named)] = None
                elif not self.altered.is_lasting(told.trace):
                    denied[Denied(told.trace, named, idle)] = None
        _make_room(self._looks)
        look = self._looks[key] = Look(tuple(moves), tuple(denied), self._costs.so_far(before))
        return look

    def _view(self, action: Action, purpose: str) -> View:
        """What may alter how an act is carried out (`ways`), or that and whether it is allowed (`whole`)."""
        key = (action.name, action.resource, purpose)
        if key not in self._views:
            reads = self._relevance.carrying_out if purpose == "ways" else self._relevance.trying
            self._views[key] = View(reads(*key[:2]) | self._said.reads(action))
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
            known = serves, trace_of(events, None, self.altered.is_no_matter)
            self._serving.add((asked, now, key), beside, *known)
        serves, trace = known
        return None if serves or not self.altered.is_lasting(trace) else trace

    def _answer(self, world: World, now: Instant, asked: Asked, may_provide: frozenset[str], beside: Beside) -> Told:
        question = (asked, now, may_provide)
        known = self._told_beside.find(question, beside)
        if known is not None and not any(
            (type(each).__name__, each.id) in world for _, _, each in known[0].verdict.provided
        ):
            self._acting.remembered += 1
            return known[0]
        told = self._answers.answered(world, now, asked, may_provide)
        self._told_beside.add(question, beside, told, told.whole or told.trace)
        return told

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
        verdict = self._answers.answered(world, now, asked, doer.may_provide, is_noted=False).verdict
        if not verdict.is_allowed:
            return None
        key = (verdict.asked, now, earlier, repr(arguments), world.as_seen_by(self._view(action, "ways")))
        if key not in self._again_known:
            _make_room(self._again_known)
            allowed = self._acting.allowed(world, now, verdict)
            operation = operation_of(verdict.asked, arguments, earlier)
            outcome = Refused() if isinstance(allowed, Refused) else allowed.outcome(arguments, operation)
            self._again_known[key] = outcome if isinstance(outcome, ActMove) else None
        return self._again_known[key]

    def forget(self) -> None:
        """Forget what was found while more was taken to stay as it is."""
        self._answers.forget()
        self._told_beside.clear()
        self._ways_known.clear()
        self._again_known.clear()
        self._outcomes.clear()
        self._serving.clear()
        self._looks.clear()

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
            _make_room(self._ways_known)
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
                begun.append((allowed, trace_of(events, None, self.altered.is_no_matter)))
            return begun[0]

        def carry_out(given: Mapping[str, Any]) -> ActMove | Refused:
            operation = operation_of(verdict.asked, given, earlier)
            known = self._outcomes.find((verdict.asked, operation, now), beside)
            if known is None:
                allowed, obliged = begin()
                with reading() as read:
                    outcome = Refused() if isinstance(allowed, Refused) else allowed.outcome(given, operation)
                known = outcome, obliged | trace_of(read, None, self.altered.is_no_matter)
                self._outcomes.add((verdict.asked, operation, now), beside, *known)
            if isinstance(known[0], ActMove):
                traces[known[0].operation_id] = known[1]
            elif not self.altered.is_lasting(known[1]):
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


def _make_room(known: dict[Any, Any]) -> None:
    if len(known) >= _MOST:
        known.clear()
