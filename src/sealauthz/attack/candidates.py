"""The moves that one person may make by one action, found once for all worlds that look the same to it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sealauthz.attack.acting import Acting, Allowed, Refused, Verdict
from sealauthz.attack.moves import ActMove, Asked
from sealauthz.attack.reads import Relevance
from sealauthz.attack.said import Said
from sealauthz.attack.views import Reads, View
from sealauthz.attack.world import World
from sealauthz.decision import Bundle
from sealauthz.schema import Action, Instant

PLATFORM = "platform"
"""The name of the service that asks, where a goal names no others."""

_MOST_MOVES = 60_000
"""How many moves are kept at most; then all are forgotten."""


@dataclass(frozen=True, slots=True)
class Doer:
    """Who acts. `may_provide` are the people who pass checks of their own for it, `callers` the services that ask when
    a record names them.
    """

    subject: str
    may_provide: frozenset[str]
    callers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """What it took to find something: acts decided, and contexts and arguments that were too many."""

    decided: int = 0
    contexts: int = 0
    arguments: int = 0


NOTHING = Cost()


class Costs:
    """Counts what it takes to find things, as often where they are remembered."""

    def __init__(self, acting: Acting, said: Said) -> None:
        self._acting = acting
        self._left_out = said.left_out

    def so_far(self, before: Cost = NOTHING) -> Cost:
        """Return what it took since `before`; all in all without that."""
        acting, left_out = self._acting, self._left_out
        return Cost(
            acting.decided + acting.remembered - before.decided,
            left_out.contexts - before.contexts,
            left_out.arguments - before.arguments,
        )

    def again(self, cost: Cost) -> None:
        """Count what is remembered as it was counted when it was found."""
        self._acting.remembered += cost.decided
        self._left_out.contexts += cost.contexts
        self._left_out.arguments += cost.arguments


@dataclass(frozen=True, eq=False)
class Kept:
    """What was found: the moves, and what that cost."""

    moves: tuple[ActMove, ...]
    cost: Cost = NOTHING
    _alike: dict[View | None, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def alike(self, view: View | None) -> tuple[int, ...]:
        """A number for each move: the same where moves write the same as a view sees it (None: all), whatever the ids
        are that they make up; 0 where no other one does.
        """
        if view not in self._alike:
            wrought = [each.wrought(view) for each in self.moves]
            times = Counter(wrought)
            self._alike[view] = tuple([each if times[each] > 1 else 0 for each in wrought])
        return self._alike[view]

    @cached_property
    def whats(self) -> frozenset[int]:
        """What each move is, and what it writes, as a number."""
        return frozenset(each.what for each in self.moves)


class Candidates:
    """The moves of people in worlds. Unless it remembers, each is worked out where it is asked for."""

    def __init__(self, bundle: Bundle, relevance: Relevance, acting: Acting, said: Said, *, remembers: bool) -> None:
        self._model = bundle.model
        self._relevance = relevance
        self._acting = acting
        self._said = said
        self._remembers = remembers
        self._costs = Costs(acting, said)
        self._views: dict[tuple[str, str], View] = {}
        self._kept: dict[Any, Kept] = {}
        self._moves = 0
        self._views_of_ways: dict[tuple[str, str], View] = {}
        self._ways_known: dict[Any, tuple[tuple[ActMove, ...], int]] = {}
        """Ways by what is asked and how the world looks, with how many sets of arguments were too many."""
        self._ways_size = 0

    def of(
        self, world: World, now: Instant, doer: Doer, action: Action, earlier: tuple[str, ...]
    ) -> tuple[ActMove, ...]:
        """Return what a person may do by an action, record by record. `earlier` are the operations that they did by it
        before: one that is done again gets another id.
        """
        return self.kept(world, now, doer, action, earlier).moves

    def kept(self, world: World, now: Instant, doer: Doer, action: Action, earlier: tuple[str, ...]) -> Kept:
        """Return what a person may do by an action. The same answer is the same object as long as it is remembered."""
        if not self._remembers:
            return Kept(tuple(self._found(world, now, doer, action, earlier)))
        key = (doer, action.name, action.resource, now, earlier, world.as_seen_by(self._view(action)))
        kept = self._kept.get(key)
        if kept is not None:
            self._costs.again(kept.cost)
            return kept
        before = self._costs.so_far()
        moves = tuple(self._found(world, now, doer, action, earlier))
        size = len(moves) + 1
        self._moves += size
        if self._moves > _MOST_MOVES:
            self._kept.clear()
            self._moves = size
        kept = Kept(moves, self._costs.so_far(before))
        self._kept[key] = kept
        return kept

    def _view(self, action: Action) -> View:
        """What may alter the moves by an action: what allows it, what it does, and what is said in it."""
        key = (action.name, action.resource)
        if key not in self._views:
            self._views[key] = View(self._relevance.trying(*key) | self._said.reads(action))
        return self._views[key]

    def _view_of_ways(self, action: Action) -> View:
        """What may alter the ways to carry out an act that is allowed: what it does, and what is said in it."""
        key = (action.name, action.resource)
        if key not in self._views_of_ways:
            self._views_of_ways[key] = View(self._relevance.carrying_out(*key) | self._said.reads(action))
        return self._views_of_ways[key]

    def _found(
        self, world: World, now: Instant, doer: Doer, action: Action, earlier: tuple[str, ...]
    ) -> Iterator[ActMove]:
        for record_id in world.ids(action.resource):
            caller = self.caller(world, action, record_id, doer.callers)
            asked = Asked(doer.subject, action.name, (action.resource, record_id), (), caller)
            for verdict in self._allowed(world, now, asked, doer.may_provide):
                yield from self._ways(world, now, verdict, action, earlier)

    def against(self, world: World, now: Instant, doer: Doer, action: Action) -> list[list[Reads]]:
        """Return, for each record that an act may be done to, what alters each requirement because of which it is
        denied now in any context; none where it may be allowed.
        """
        found = []
        for record_id in world.ids(action.resource):
            caller = self.caller(world, action, record_id, doer.callers)
            asked = Asked(doer.subject, action.name, (action.resource, record_id), (), caller)
            lasting = self._acting.verdict(world, now, asked, doer.may_provide).lasting
            about = action.name, action.resource
            standing = [each for each in lasting if not self._relevance.keys_of(each, *about)]
            found.append([self._relevance.requirement(each, *about) for each in standing])
        return found

    def caller(self, world: World, action: Action, record_id: str, callers: tuple[str, ...]) -> str:
        """Return which service asks: one that the record names, if it is among those that there are."""
        if callers:
            record = world.records[action.resource][record_id]
            for column in self._model.shapes[action.resource].columns:
                if column.type is str and getattr(record, column.name) in callers:
                    return str(getattr(record, column.name))
        return PLATFORM

    def _allowed(self, world: World, now: Instant, asked: Asked, may_provide: frozenset[str]) -> Iterator[Verdict]:
        """Return the contexts in which an act is allowed."""
        first = self._acting.verdict(world, now, asked, may_provide)
        if first.is_allowed:
            yield first
        for one in self.contexts(world, now, asked, first):
            verdict = self._acting.verdict(world, now, one, may_provide)
            if verdict.is_allowed:
                yield verdict

    def contexts(self, world: World, now: Instant, asked: Asked, first: Verdict) -> Iterator[Asked]:
        """Return an act in each context that may be answered otherwise than without one; `first` is the answer then."""
        keys = frozenset(self._model.action(asked.action, asked.resource[0]).keys)
        # What others were given is shown only where the rules ask for it: what came for it, or what nothing settles.
        shown = {key for key, _ in first.asked.context}
        for requirement in first.unmet:
            rests_on = self._relevance.keys_of(requirement, asked.action, asked.resource[0]) if requirement else keys
            if not rests_on:
                return  # no context settles it
            shown |= rests_on
        for one in self._said.contexts(world, now, asked, keys, frozenset(shown)):
            if one.context:
                yield one

    def _ways(
        self, world: World, now: Instant, verdict: Verdict, action: Action, earlier: tuple[str, ...]
    ) -> Sequence[ActMove]:
        """Return the ways to carry out an allowed act, worked out once for all worlds that look the same to them."""
        if not self._remembers:
            return self._carried_out(world, now, verdict, action, earlier)
        key = (verdict.asked, now, world.as_seen_by(self._view_of_ways(action)))
        left_out = self._said.left_out
        before = left_out.arguments
        known = self._ways_known.get(key)
        if known is None:
            moves = self._carried_out(world, now, verdict, action, ())
            self._ways_size += len(moves) + 1
            if self._ways_size > _MOST_MOVES:
                self._ways_known.clear()
                self._ways_size = len(moves) + 1
            known = self._ways_known[key] = (moves, left_out.arguments - before)
        moves, arguments = known
        again = {base_of(each) for each in earlier}
        if any(base_of(each.operation_id) in again for each in moves):
            left_out.arguments = before
            return self._once_more(world, now, verdict, action, earlier, moves, arguments)
        left_out.arguments = before + arguments
        return moves

    def _once_more(
        self,
        world: World,
        now: Instant,
        verdict: Verdict,
        action: Action,
        earlier: tuple[str, ...],
        known: Sequence[ActMove],
        left_out: int,
    ) -> Sequence[ActMove]:
        """Return the ways to carry out an act, of which some were done before: what is done once more gets another id,
        and all else stays as it is known.
        """
        again, allowed = {base_of(each) for each in earlier}, self._acting.allowed(world, now, verdict)
        if isinstance(allowed, Refused):
            return ()
        moves: list[ActMove] = []
        for each in known:
            is_done = base_of(each.operation_id) in again
            move = _outcome(allowed, verdict.asked, each.arguments, earlier) if is_done else each
            if isinstance(move, Refused):
                # Then something else may be said in its place.
                return self._carried_out(world, now, verdict, action, earlier)
            moves.append(move)
        self._said.left_out.arguments += left_out
        return moves

    def _carried_out(
        self, world: World, now: Instant, verdict: Verdict, action: Action, earlier: tuple[str, ...]
    ) -> tuple[ActMove, ...]:
        allowed = self._acting.allowed(world, now, verdict)
        if isinstance(allowed, Refused):
            return ()
        asked = verdict.asked
        return tuple(self._said.ways(world, now, action, lambda given: _outcome(allowed, asked, given, earlier)))


def _outcome(allowed: Allowed, asked: Asked, given: Any, earlier: tuple[str, ...]) -> ActMove | Refused:
    """Carry out an allowed act with arguments."""
    return allowed.outcome(given, operation_of(asked, given, earlier))


def operation_of(asked: Asked, arguments: Any, earlier: tuple[str, ...]) -> str:
    """Return what names an act: the same wherever it is done in a sequence, another one for its repetition."""
    said = repr((asked.subject, asked.action, asked.resource, asked.context, sorted(arguments.items())))
    base = hashlib.sha256(said.encode()).hexdigest()[:16]
    again = sum(each.startswith(base) for each in earlier)
    return f"{base}-{again}"


def base_of(operation: str) -> str:
    """Return what an operation has in common with those by which the same is done again."""
    return operation.rpartition("-")[0]
