"""The search: worlds that moves lead to, the nearest first, until a goal is reached or a bound ends it.

Worlds that hold the same facts at the same time are one. The last act of a sequence is followed only where what it
changes may be seen by the goal; nothing else is left out but what `Bounds` counts.
"""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sealauthz.attack.acting import Acting
from sealauthz.attack.candidates import Candidates, Doer, Kept
from sealauthz.attack.found import Ended, Found, Limits, Made, both
from sealauthz.attack.gains import Gains
from sealauthz.attack.goals import Goal, Goals
from sealauthz.attack.moves import ActMove, Move, OutsideMoved, Waited
from sealauthz.attack.reads import Reads, Relevance, View
from sealauthz.attack.said import Said, Words
from sealauthz.attack.symmetry import Swap, swaps_of
from sealauthz.attack.waits import ends_of_waits, lengths_of
from sealauthz.attack.world import World
from sealauthz.decision import Bundle
from sealauthz.errors import EvaluationFailed
from sealauthz.policytest.fixtures import FactSet
from sealauthz.schema import Action, Instant, looks

_MOST_DUTIES = 200
"""How many duties are done one after the other at most: each might give cause for another one."""


@dataclass(slots=True)
class _Node:
    """Facts that were reached, how, and what may still be done. `world` is there only while they are looked at."""

    facts: FactSet
    digest: int
    world: World | None
    now: Instant
    parent: _Node | None
    move: Move | None
    acts: int
    waits: int
    is_deceived: bool
    swaps: tuple[Swap, ...] = ()
    """The colluders who are interchangeable still."""


class Search:
    """Searches for the goals of a bundle, one after the other."""

    def __init__(self, bundle: Bundle, goals: Goals, words: Words) -> None:
        self.bundle = bundle
        self.goals = goals
        self.words = words
        self.relevance = Relevance(bundle)

    def with_bundle(self, bundle: Bundle) -> Search:
        """Return what searches for the same goals under other policies; what a goal says stays what it says here."""
        return Search(bundle, self.goals, self.words)

    def tried(self, goal: Goal, limits: Limits) -> frozenset[tuple[str, str]]:
        """Return the acts that a search for a goal may try, by name and type of what they are done to."""
        return _Run(self, goal, limits).tried

    def run(self, goal: Goal, limits: Limits) -> Found:
        """Look for the shortest sequence of moves that reaches a goal, and then, further, for one of gains."""
        found = _Run(self, goal, limits).found()
        leads_further = found.ended in (Ended.DEPTH, Ended.TIME, Ended.STATES)
        if limits.far <= found.depth or not leads_further or not limits.is_pruned:
            return found
        further = dataclasses.replace(limits, depth=limits.far)
        return both(found, _Run(self, goal, further, follows_gains=True).found())


class _Run:
    """One search for one goal. One that follows gains leaves out what lets nobody do more, and no act is done twice in
    the same way.
    """

    def __init__(self, search: Search, goal: Goal, limits: Limits, *, follows_gains: bool = False) -> None:
        self._bundle = bundle = search.bundle
        self._model = bundle.model
        self._goals = search.goals
        relevance = search.relevance
        self._goal = goal
        self._limits = limits
        self._depth = limits.depth or goal.depth
        self._gains = Gains() if follows_gains else None
        self._acting = Acting(bundle, relevance, names_all=follows_gains)
        self._said = said = Said(bundle, search.words)
        self._candidates = Candidates(
            bundle, relevance, self._acting, said, remembers=limits.is_pruned, tells=follows_gains
        )
        self._relevance = relevance
        self._first = World(goal.facts)
        self._began = time.monotonic()
        self._seen: set[tuple[Any, ...]] = set()
        self._deepest = 0
        self._reads = self._goals.reads(goal)
        self._looks_at = View(self._goals.looks_at(goal))
        self._asks_of_the_act = self._goals.asks_of_the_act(goal)
        acts = [each for each in self._model.actions.values() if each.effect not in (None, looks)]
        self._acts = [each for each in acts if not goal.acts or each.name in goal.acts]
        self._outside = [each for each in self._model.outside if each.name in goal.outside]
        self._levels, self._matters = self._by_distance(relevance)
        self._swaps = self._interchangeable(relevance)
        self._lengths = lengths_of(bundle.parameters)

    def _interchangeable(self, relevance: Relevance) -> tuple[Swap, ...]:
        """Return the colluders who are interchangeable as it begins."""
        goal = self._goal
        if not self._limits.is_pruned or len(goal.colluders) == 1 or goal.dutiful:
            return ()  # which duty is done first may depend on ids
        reads = self._reads | relevance.all_of(self._acts, self._outside)
        words = (word for some in self._said.words.values() for word in some)
        named = {*goal.deceived, *goal.callers, *words, *relevance.texts, *self._goals.texts(goal)}
        return swaps_of(goal.facts, goal.colluders, reads, named)

    @property
    def tried(self) -> frozenset[tuple[str, str]]:
        """The acts that may be tried, duties among them."""
        acts = {(each.name, each.resource) for level in self._levels for each in level}
        return frozenset(acts | {(duty.action, duty.type) for duty in self._goal.dutiful})

    def found(self) -> Found:
        """Search."""
        world = self._first
        goal, swaps = self._goal, self._swaps
        start = _Node(world.facts, world.digest, world, goal.now, None, None, 0, goal.waits, False, swaps)
        record = self._reached(start)
        if record:
            return self._result(Ended.REACHED, start, record)
        settled = self._settled(start)
        waiting = deque([settled])
        self._seen.add(self._key(settled))
        while waiting:
            node = waiting.popleft()
            self._deepest = max(self._deepest, node.acts)
            node.world = node.world or World(node.facts, self._goal.facts, self._first)
            for after in self._next(node, node.world) if self._is_followed(node, node.world) else ():
                record = self._reached(after)
                if record:
                    return self._result(Ended.REACHED, after, record)
                after.world = None
                if after.acts < self._depth or after.waits:
                    # Time costs no act, so that what it leads to is as near as what it came from.
                    (waiting.appendleft if isinstance(after.move, Waited) else waiting.append)(after)
                if len(self._seen) >= self._limits.states:
                    return self._result(Ended.STATES)
            node.world = None
            if self._is_over():
                return self._result(Ended.TIME)
        return self._result(Ended.DEPTH if self._deepest >= self._depth - 1 else Ended.ALL)

    def _by_distance(self, relevance: Relevance) -> tuple[list[list[Action]], list[Reads] | None]:
        """For each number of acts that are left, those that may still matter, and what a change must touch to matter:
        the last act writes what the goal sees, the one before what that one or the goal rests on, and so on.

        What duties rest on matters always, because they are done at once.
        """
        if not self._limits.is_pruned:
            return [self._acts] * self._depth, None
        levels: list[list[Action]] = []
        first = self._reads
        for duty in self._goal.dutiful:
            first |= relevance.performing(duty.action, duty.type)
        matters = [first]
        for _ in range(self._depth):
            reads = matters[-1]
            near = [each for each in self._acts if relevance.writes(each.name, each.resource).may_be_seen_by(reads)]
            levels.append(near)
            for move in self._outside:
                reads |= relevance.outside(move)
            for each in near:
                reads |= relevance.performing(each.name, each.resource) | self._said.reads(each)
            matters.append(reads)
        return levels, matters

    def _result(self, ended: Ended, node: _Node | None = None, record: str = "") -> Found:
        steps: list[Made] = []
        at = node
        while at is not None and at.parent is not None and at.move is not None:
            steps.append(Made(at.move, at.parent.now, at.parent.facts, at.facts))
            at = at.parent
        return Found(
            goal=self._goal,
            ended=ended,
            depth=self._depth,
            complete=self._depth if ended in (Ended.DEPTH, Ended.ALL) else self._complete(),
            steps=tuple(reversed(steps)),
            record=record,
            states=len(self._seen),
            decided=self._acting.decided,
            remembered=self._acting.remembered,
            contexts_left_out=self._said.left_out.contexts,
            arguments_left_out=self._said.left_out.arguments,
            seconds=time.monotonic() - self._began,
        )

    def _complete(self) -> int:
        """Return how many acts were tried in every way, when a bound ended the search among those of one more: the
        nearest are looked at first, and the time that may pass behind an act after it.
        """
        return max(self._deepest - (1 if self._goal.waits else 0), 0)

    # --- moves --------------------------------------------------------------------------------------------------------

    def _next(self, node: _Node, world: World) -> Iterator[_Node]:
        """Return the worlds that one move leads to, each once."""
        if node.acts < self._depth:
            for doer, is_deceived in self._doers(node):
                yield from self._acts_of(node, world, doer, is_deceived=is_deceived)
            for move in self._outside:
                for name, changes in move.moves(world.records, node.now):
                    after = self._after(node, world, OutsideMoved(name, move.owner, move.says, changes), node.acts + 1)
                    if after is not None:
                        yield self._settled(after)
        if node.waits and not isinstance(node.move, Waited):
            for until in ends_of_waits(world, node.now, self._lengths):
                after = _Node(
                    node.facts,
                    node.digest,
                    world,
                    until,
                    node,
                    Waited(until),
                    node.acts,
                    node.waits - 1,
                    node.is_deceived,
                    node.swaps,
                )
                if self._is_new(after):
                    yield self._settled(after)

    def _is_followed(self, node: _Node, world: World) -> bool:
        """Tell whether what may be done in a world is tried: where gains are followed, only if it is one, except by the
        last act.
        """
        gains = self._gains
        if gains is None or node.acts >= self._depth - 1:
            return True
        kept: list[Kept] = []
        for doer, _ in self._doers(node):
            for action in self._levels[self._depth - node.acts - 1]:
                if self._is_over():
                    return False
                kept.append(self._candidates.kept(world, node.now, doer, action, _earlier(node, doer, action)))
        return gains.are_in(kept, world.as_seen_by(self._looks_at), node.acts)

    def _doers(self, node: _Node) -> Iterator[tuple[Doer, bool]]:
        """Return who may act, and whether an honest person has been deceived then."""
        goal, colluders = self._goal, frozenset(self._goal.colluders)
        for subject in goal.colluders:
            yield Doer(subject, colluders, goal.callers), node.is_deceived
        if not node.is_deceived:
            for subject in goal.deceived:
                # They show their own face, because they believe in what they do.
                yield Doer(subject, colluders | {subject}, goal.callers), True

    def _is_over(self) -> bool:
        return time.monotonic() - self._began > self._limits.seconds

    def _acts_of(self, node: _Node, world: World, doer: Doer, *, is_deceived: bool) -> Iterator[_Node]:
        for action in self._levels[self._depth - node.acts - 1]:
            if self._is_over():
                return
            earlier = _earlier(node, doer, action)
            for move in self._candidates.of(world, node.now, doer, action, earlier):
                if any(swap.makes_less_of(move, self._goal.colluders) for swap in node.swaps):
                    continue
                if self._gains is not None and move.operation_id in earlier:
                    continue
                after = self._after(node, world, move, node.acts + 1, is_deceived=is_deceived)
                if after is not None:
                    yield self._settled(after)

    def _after(
        self, node: _Node, world: World, move: Any, acts: int, *, is_deceived: bool | None = None
    ) -> _Node | None:
        """Return what a move leads to; None where it changes nothing, was met, is refused, or cannot matter."""
        written = move.writing.on(world)
        if written is None or not written.after:
            return None
        deceived = node.is_deceived if is_deceived is None else is_deceived
        key = (written.digest, node.now, node.waits, deceived, self._last(move))
        if key in self._seen:
            return None
        left = self._depth - acts
        if self._matters is not None and not self._matters[left].sees(written.changes):
            return None
        after = world.moved(written)
        swaps = tuple(each for each in node.swaps if not each.touches(written.changes)) if node.swaps else ()
        found = _Node(after.facts, written.digest, after, node.now, node, move, acts, node.waits, deceived, swaps)
        # Asked first of last acts, because that costs less.
        is_last = not left and not node.waits and not self._goal.dutiful
        if (is_last and not self._reached(found)) or not after.takes(written):
            return None
        self._seen.add(key)
        return found

    def _is_new(self, node: _Node) -> bool:
        key = self._key(node)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _key(self, node: _Node) -> tuple[Any, ...]:
        return node.digest, node.now, node.waits, node.is_deceived, self._last(node.move)

    def _last(self, move: Move | None) -> tuple[str, str] | None:
        """Whose act was the last one, and which, where the goal asks that: then it is part of what a state is."""
        if self._asks_of_the_act and isinstance(move, ActMove):
            return move.asked.subject, move.asked.action
        return None

    def _settled(self, node: _Node) -> _Node:
        """Return what follows once honest people have done their duties, as far as they may, on each record once."""
        done: set[tuple[int, str]] = set()
        while len(done) < _MOST_DUTIES:
            after = self._dutiful(node, done)
            if after is None:
                break
            node = after
        return node

    def _dutiful(self, node: _Node, done: set[tuple[int, str]]) -> _Node | None:
        """Return what the next duty leads to; None where nothing is left to do."""
        world = node.world or World(node.facts, self._goal.facts, self._first)
        for number, duty in enumerate(self._goal.dutiful):
            action = self._model.action(duty.action, duty.type)
            doer = Doer(duty.subject, frozenset({duty.subject}))
            for move in self._candidates.of(world, node.now, doer, action, _earlier(node, doer, action)):
                what = (number, move.asked.resource[1])
                after = None if what in done else self._carried_out(node, world, move)
                if after is not None:
                    done.add(what)
                    return after
        return None

    def _carried_out(self, node: _Node, world: World, move: ActMove) -> _Node | None:
        """Return what a duty that is done leads to; None where it changes nothing, or is refused."""
        written = move.writing.on(world)
        if written is None or not written.after:
            return None
        after = world.moved(written)
        if not after.takes(written):
            return None
        return dataclasses.replace(node, facts=after.facts, digest=after.digest, world=after, parent=node, move=move)

    # --- the goal -----------------------------------------------------------------------------------------------------

    def _reached(self, node: _Node) -> str:
        """Return the record by which the goal is reached; empty where it is not."""
        world = node.world or World(node.facts, self._goal.facts, self._first)
        snapshot = world.snapshot()
        move = node.move
        actor, action = None, ""
        if isinstance(move, ActMove):
            actor, action = snapshot.find(self._model.subjects[0], move.asked.subject), move.asked.action
        context = self._goals.context(node.now, self._goal.now, actor, action)
        for record_type in self._goal.about:
            for record_id in world.ids(record_type):
                record = snapshot.find(record_type, record_id)
                try:
                    if record is not None and self._goals.is_reached(self._goal, record, context):
                        return f"{record_type}:{record_id}"
                except EvaluationFailed:
                    continue
        return ""


def _earlier(node: _Node, doer: Doer, action: Action) -> tuple[str, ...]:
    """The operations that somebody did by an action before."""
    found = []
    at: _Node | None = node
    while at is not None:
        if isinstance(at.move, ActMove):
            asked = at.move.asked
            if (asked.subject, asked.action, asked.resource[0]) == (doer.subject, action.name, action.resource):
                found.append(at.move.operation_id)
        at = at.parent
    return tuple(found)
