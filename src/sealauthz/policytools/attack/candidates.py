"""The moves that one person may make by one action, found once for all worlds that look the same to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.policytools.attack.acting import Acting, Refused, Verdict
from sealauthz.policytools.attack.moves import ActMove, Asked
from sealauthz.policytools.attack.reads import Relevance
from sealauthz.policytools.attack.said import Said
from sealauthz.policytools.attack.views import View
from sealauthz.policytools.attack.world import World
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


class Candidates:
    """The moves of people in worlds. Unless it remembers, each is worked out where it is asked for."""

    def __init__(self, bundle: Bundle, relevance: Relevance, acting: Acting, said: Said, *, remembers: bool) -> None:
        self._model = bundle.model
        self._relevance = relevance
        self._acting = acting
        self._said = said
        self._remembers = remembers
        self._views: dict[tuple[str, str], View] = {}
        self._known: dict[Any, tuple[ActMove, ...]] = {}
        self._size = 0

    def of(
        self, world: World, now: Instant, doer: Doer, action: Action, earlier: tuple[str, ...]
    ) -> tuple[ActMove, ...]:
        """Return what a person may do by an action, record by record. `earlier` are the operations that they did by it
        before: one that is done again gets another id.
        """
        if not self._remembers:
            return tuple(self._found(world, now, doer, action, earlier))
        key = (doer, action.name, action.resource, now, earlier, world.as_seen_by(self._view(action)))
        moves = self._known.get(key)
        if moves is None:
            moves = tuple(self._found(world, now, doer, action, earlier))
            self._size += len(moves) + 1
            if self._size > _MOST_MOVES:
                self._known.clear()
                self._size = len(moves) + 1
            self._known[key] = moves
        return moves

    def _view(self, action: Action) -> View:
        """What may alter the moves by an action: what allows it, what it does, and what is said in it."""
        key = (action.name, action.resource)
        if key not in self._views:
            self._views[key] = View(self._relevance.trying(*key) | self._said.reads(action))
        return self._views[key]

    def _found(
        self, world: World, now: Instant, doer: Doer, action: Action, earlier: tuple[str, ...]
    ) -> Iterator[ActMove]:
        for record_id in world.ids(action.resource):
            caller = self.caller(world, action, record_id, doer.callers)
            asked = Asked(doer.subject, action.name, (action.resource, record_id), (), caller)
            for verdict in self._allowed(world, now, asked, doer.may_provide):
                yield from self._carried_out(world, now, verdict, action, earlier)

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

    def _carried_out(
        self, world: World, now: Instant, verdict: Verdict, action: Action, earlier: tuple[str, ...]
    ) -> Iterator[ActMove]:
        """Return the ways to carry out an allowed act."""
        allowed = self._acting.allowed(world, now, verdict)
        if isinstance(allowed, Refused):
            return
        asked = verdict.asked
        yield from self._said.ways(
            world, now, action, lambda given: allowed.outcome(given, _operation_of(asked, given, earlier))
        )


def _operation_of(asked: Asked, arguments: Any, earlier: tuple[str, ...]) -> str:
    """Return what names an act: the same wherever it is done in a sequence, another one for its repetition."""
    said = repr((asked.subject, asked.action, asked.resource, asked.context, sorted(arguments.items())))
    base = hashlib.sha256(said.encode()).hexdigest()[:16]
    again = sum(each.startswith(base) for each in earlier)
    return f"{base}-{again}"
