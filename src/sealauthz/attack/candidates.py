"""The moves that one person may make by one action, found once for all worlds that look the same to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sealauthz.attack.acting import Acting, Refused, Verdict
from sealauthz.attack.moves import ActMove, Asked
from sealauthz.attack.reads import Relevance, View
from sealauthz.attack.said import Said
from sealauthz.attack.world import World
from sealauthz.decision import Bundle
from sealauthz.schema import Action, Instant

PLATFORM = "platform"
"""The name of the service that asks, where a goal names no others."""

_MOST_MOVES = 60_000
"""How many moves are kept at most; then all are forgotten."""

_STANDINGS_OF_A_MOVE = 8
"""How many standings take as much memory as one move."""


@dataclass(frozen=True, slots=True)
class Doer:
    """Who acts. `may_provide` are the people who pass checks of their own for it, `callers` the services that ask when
    a record names them.
    """

    subject: str
    may_provide: frozenset[str]
    callers: tuple[str, ...] = ()


Standing = tuple[int, frozenset[str]]
"""How far somebody is from an act: what is asked, as a number, and the requirements that nothing settles; none where
they may.
"""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Kept:
    """What was found: the moves, and, where that is asked for, how far the person is from each act that they tried. And
    what that took: acts decided, and contexts and arguments that were too many.
    """

    moves: tuple[ActMove, ...]
    standings: frozenset[Standing]
    decided: int
    contexts: int
    arguments: int


class Candidates:
    """The moves of people in worlds. Unless it remembers, each is worked out where it is asked for."""

    def __init__(
        self, bundle: Bundle, relevance: Relevance, acting: Acting, said: Said, *, remembers: bool, tells: bool = False
    ) -> None:
        self._model = bundle.model
        self._relevance = relevance
        self._acting = acting
        self._said = said
        self._remembers = remembers
        self._tells = tells
        """Whether it tells how far people are from what they may not do."""
        self._standings: set[Standing] = set()
        self._unmet: dict[frozenset[str], frozenset[str]] = {}
        self._views: dict[tuple[str, str], View] = {}
        self._kept: dict[Any, Kept] = {}
        self._moves = 0
        self._provided = frozenset(each.key for each in bundle.model.provided.values())

    def of(
        self, world: World, now: Instant, doer: Doer, action: Action, earlier: tuple[str, ...]
    ) -> tuple[ActMove, ...]:
        """Return what a person may do by an action, record by record. `earlier` are the operations that they did by it
        before: one that is done again gets another id.
        """
        return self.kept(world, now, doer, action, earlier).moves

    def kept(self, world: World, now: Instant, doer: Doer, action: Action, earlier: tuple[str, ...]) -> Kept:
        """Return what a person may do by an action, and how far they are from what they may not. The same answer is
        the same object as long as it is remembered.
        """
        if not self._remembers:
            return Kept(tuple(self._found(world, now, doer, action, earlier)), frozenset(), 0, 0, 0)
        key = (doer, action.name, action.resource, now, earlier, world.as_seen_by(self._view(action)))
        kept = self._kept.get(key)
        acting, left_out = self._acting, self._said.left_out
        if kept is not None:
            acting.remembered += kept.decided
            left_out.contexts += kept.contexts
            left_out.arguments += kept.arguments
            return kept
        decided = acting.decided + acting.remembered
        contexts, arguments = left_out.contexts, left_out.arguments
        self._standings = set()
        moves = tuple(self._found(world, now, doer, action, earlier))
        if self._tells:
            self._standings.update((_what(each, self._provided), frozenset()) for each in moves)
        decided = acting.decided + acting.remembered - decided
        size = len(moves) + 1 + len(self._standings) // _STANDINGS_OF_A_MOVE
        self._moves += size
        if self._moves > _MOST_MOVES:
            self._kept.clear()
            self._moves = size
        standings = frozenset(self._standings)
        kept = Kept(moves, standings, decided, left_out.contexts - contexts, left_out.arguments - arguments)
        self._kept[key] = kept
        return kept

    def _view(self, action: Action) -> View:
        """What may alter the moves by an action: what allows it, what it does, and what is said in it."""
        key = (action.name, action.resource)
        if key not in self._views:
            self._views[key] = View(self._relevance.performing(*key) | self._said.reads(action))
        return self._views[key]

    def _found(
        self, world: World, now: Instant, doer: Doer, action: Action, earlier: tuple[str, ...]
    ) -> Iterator[ActMove]:
        for record_id in world.ids(action.resource):
            caller = self._caller(world, action, record_id, doer.callers)
            asked = Asked(doer.subject, action.name, (action.resource, record_id), (), caller)
            for verdict in self._allowed(world, now, asked, doer.may_provide):
                yield from self._ways(world, now, verdict, action, earlier)

    def _caller(self, world: World, action: Action, record_id: str, callers: tuple[str, ...]) -> str:
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
        self._tell(asked, first)
        if first.is_allowed:
            yield first
        keys = frozenset(self._model.action(asked.action, asked.resource[0]).keys)
        # What others were given is shown only where the rules ask for it: what came for it, or what nothing settles.
        shown = {key for key, _ in first.asked.context}
        for requirement in first.unmet:
            rests_on = self._relevance.keys_of(requirement, asked.action, asked.resource[0]) if requirement else keys
            if not rests_on:
                return  # no context settles it
            shown |= rests_on
        for one in self._said.contexts(world, asked, keys, frozenset(shown)):
            if not one.context:
                continue
            verdict = self._acting.verdict(world, now, one, may_provide)
            self._tell(one, verdict)
            if verdict.is_allowed:
                yield verdict

    def _tell(self, asked: Asked, verdict: Verdict) -> None:
        """Note how far somebody is from an act; what may be done at all is told by the moves."""
        if self._tells and not verdict.is_allowed:
            unmet = frozenset(verdict.unmet)
            self._standings.add((hash(asked), self._unmet.setdefault(unmet, unmet)))

    def _ways(
        self, world: World, now: Instant, verdict: Verdict, action: Action, earlier: tuple[str, ...]
    ) -> Iterator[ActMove]:
        allowed = self._acting.allowed(world, now, verdict)
        if isinstance(allowed, Refused):
            return
        yield from self._said.ways(
            world, now, action, lambda given: allowed.outcome(given, _operation(verdict.asked, given, earlier))
        )


def _what(move: ActMove, provided: frozenset[str]) -> int:
    """What a move is, and what it writes: the same act may do another thing elsewhere."""
    asked = move.asked
    context = tuple(each for each in asked.context if each[0] not in provided)
    said = repr((sorted(move.arguments.items()), move.writing.changes))
    return hash((asked.subject, asked.action, asked.resource, context, said))


def _operation(asked: Asked, arguments: Any, earlier: tuple[str, ...]) -> str:
    """Return what names an act: the same wherever it is done in a sequence, another one for its repetition."""
    said = repr((asked.subject, asked.action, asked.resource, asked.context, sorted(arguments.items())))
    base = hashlib.sha256(said.encode()).hexdigest()[:16]
    again = sum(each.startswith(base) for each in earlier)
    return f"{base}-{again}"
