"""The search: worlds that moves lead to, the nearest first, until a goal is reached or a bound ends it.

Worlds that hold the same facts at the same time are one. The last act of a sequence is followed only where what it
changes may be seen by the goal; nothing else is left out but what `Found` counts.
"""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.policytools.attack.acting import Acting
from sealauthz.policytools.attack.candidates import Candidates, Doer
from sealauthz.policytools.attack.following import Following
from sealauthz.policytools.attack.found import Ended, Found, Limits, Made
from sealauthz.policytools.attack.goals import Goal, Goals
from sealauthz.policytools.attack.levels import Levels
from sealauthz.policytools.attack.moves import ActMove, Move, Waited, happening
from sealauthz.policytools.attack.reaching import Reaching
from sealauthz.policytools.attack.reads import Relevance
from sealauthz.policytools.attack.said import Said, Words
from sealauthz.policytools.attack.waits import ends_of_waits, lengths_of
from sealauthz.policytools.attack.world import Digest, World, Written
from sealauthz.policytools.testing.fixtures import FactSet
from sealauthz.schema import Action, Instant, OutsideMove, looks

_MOST_DUTIES = 200
"""How many duties are done one after the other at most: each might give cause for another one."""


@dataclass(slots=True)
class Node:
    """Facts that were reached, how, and what may still be done. `world` is there only while they are looked at."""

    facts: FactSet
    digest: Digest
    world: World | None
    now: Instant
    parent: Node | None
    move: Move | None
    acts: int
    waits: int
    is_deceived: bool

    @property
    def state(self) -> tuple[Any, ...]:
        """What tells it from other nodes behind which something else may follow."""
        return self.digest, self.now, self.waits, self.is_deceived


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
        """Look for the shortest sequence of moves that reaches a goal."""
        return _Run(self, goal, limits).found()


class _Run:
    """One search for one goal."""

    def __init__(self, search: Search, goal: Goal, limits: Limits) -> None:
        self._model = search.bundle.model
        self._goals = search.goals
        relevance = search.relevance
        self._goal = goal
        self._limits = limits
        self._depth = limits.depth or goal.depth
        self._acting = Acting(search.bundle, relevance)
        self._said = Said(search.bundle, search.words)
        self._candidates = Candidates(search.bundle, relevance, self._acting, self._said, remembers=limits.is_pruned)
        self._following = Following(search.bundle, self._acting, self._said, (*goal.colluders, *goal.following))
        self._first = World(goal.facts)
        self._began = time.monotonic()
        self._seen: set[tuple[Any, ...]] = set()
        """The states that were met. The nearest come first, so that none is met again behind fewer acts."""
        self._ends: set[Any] = set()
        """Which states a goal that asks of the last act was asked of again behind another one, and behind which."""
        self._deepest = 0
        self._reads = self._goals.reads(goal)
        self._reaching = Reaching(self._model, self._goals, goal, remembers=limits.is_pruned)
        self._asks_of_the_act = self._goals.asks_of_the_act(goal)
        acts = [each for each in self._model.actions.values() if each.effect not in (None, looks)]
        self._acts = [each for each in acts if not goal.acts or each.name in goal.acts]
        self._outside = [each for each in self._model.outside if each.name in goal.outside]
        self._levels = self._by_distance(relevance)
        self._lengths = lengths_of(search.bundle.parameters)

    @property
    def tried(self) -> frozenset[tuple[str, str]]:
        """The acts that may be tried, duties among them."""
        acts = {(each.name, each.resource) for left in range(self._depth) for each in self._acts_with(left)}
        return frozenset(acts | {(duty.action, duty.type) for duty in self._goal.dutiful})

    def found(self) -> Found:
        """Search."""
        goal, world = self._goal, self._first
        start = Node(world.facts, world.digest, world, goal.now, None, None, 0, goal.waits, is_deceived=False)
        record = self._reached(start)
        if record:
            return self._result(Ended.REACHED, start, record)
        settled = self._settled(start)
        waiting = deque([settled])
        self._seen.add(settled.state)
        while waiting:
            node = waiting.popleft()
            self._deepest = max(self._deepest, node.acts)
            node.world = node.world or World(node.facts, goal.facts, self._first)
            for after in self._next(node, node.world):
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

    def _by_distance(self, relevance: Relevance) -> Levels | None:
        """What may still be done and matter, by how many acts are left; None where everything is tried."""
        if not self._limits.is_pruned or self._goal.following:
            # What they are asked rests on what is denied, whatever that is.
            return None
        return Levels(relevance, self._said, self._goals, self._goal, self._depth, self._acts, self._outside)

    def _acts_with(self, left: int) -> Sequence[Action]:
        """The acts that are tried when so many are left behind each."""
        return self._acts if self._levels is None else self._levels.acts(left)

    def _result(self, ended: Ended, node: Node | None = None, record: str = "") -> Found:
        steps: list[Made] = []
        at = node
        while at is not None and at.parent is not None and at.move is not None:
            steps.append(Made(at.move, at.parent.now, at.parent.facts, at.facts))
            at = at.parent
        # The nearest are looked at first, and the time that may pass behind an act after it.
        tried = max(self._deepest - (1 if self._goal.waits else 0), 0)
        return Found(
            goal=self._goal,
            ended=ended,
            depth=self._depth,
            complete=self._depth if ended in (Ended.DEPTH, Ended.ALL) else tried,
            steps=tuple(reversed(steps)),
            record=record,
            states=len(self._seen),
            decided=self._acting.decided,
            remembered=self._acting.remembered,
            contexts_left_out=self._said.left_out.contexts,
            arguments_left_out=self._said.left_out.arguments,
            seconds=time.monotonic() - self._began,
        )

    # --- moves --------------------------------------------------------------------------------------------------------

    def _next(self, node: Node, world: World) -> Iterator[Node]:
        """Return the worlds that one move leads to, each once."""
        if node.acts < self._depth:
            # First what happens outside, which is less than what people may do.
            for move in self._outside:
                yield from self._outside_of(node, world, move)
            for doer, is_deceived in self._doers(is_deceived=node.is_deceived):
                yield from self._acts_of(node, world, doer, is_deceived=is_deceived)
        if node.waits and not isinstance(node.move, Waited):
            for until in ends_of_waits(world, self._first, node.now, self._lengths):
                after = dataclasses.replace(
                    node, world=world, now=until, parent=node, move=Waited(until), waits=node.waits - 1
                )
                if after.state not in self._seen or (self._asks_of_the_act and self._reached(after)):
                    self._seen.add(after.state)
                    yield self._settled(after)

    def _doers(self, *, is_deceived: bool) -> Iterator[tuple[Doer, bool]]:
        """Return who may act, and whether an honest person has been deceived then; `is_deceived`: one was before."""
        goal, colluders = self._goal, frozenset(self._goal.colluders)
        for subject in goal.colluders:
            yield Doer(subject, colluders, goal.callers), is_deceived
        if not is_deceived:
            for subject in goal.deceived:
                # They show their own face, because they believe in what they do.
                yield Doer(subject, colluders | {subject}, goal.callers), True
        for subject in goal.following:
            yield Doer(subject, frozenset({subject}), goal.callers), is_deceived

    def _is_over(self) -> bool:
        return time.monotonic() - self._began > self._limits.seconds

    def _acts_of(self, node: Node, world: World, doer: Doer, *, is_deceived: bool) -> Iterator[Node]:
        follows = doer.subject in self._goal.following
        for action in self._acts_with(self._depth - node.acts - 1):
            if self._is_over():
                return
            if follows and not self._following.may_be_asked(action):
                continue
            for move in self._candidates.of(world, node.now, doer, action, _earlier(node, doer, action)):
                if follows and not self._following.is_asked(world, node.now, move):
                    continue
                after = self._after(node, world, move, is_deceived=is_deceived)
                if after is not None:
                    yield self._settled(after)

    def _outside_of(self, node: Node, world: World, move: OutsideMove) -> Iterator[Node]:
        """Return the worlds that something outside leads to."""
        for moved in happening(move, world, node.now):
            after = self._after(node, world, moved, is_deceived=node.is_deceived)
            if after is not None:
                yield self._settled(after)

    def _after(self, node: Node, world: World, move: Any, *, is_deceived: bool) -> Node | None:
        """Return what a move leads to; None where it changes nothing, was met, is refused, or cannot matter."""
        written = move.writing.on(world)
        if written is None or not written.after:
            return None
        acts = node.acts + 1
        left = self._depth - acts
        is_met = (written.digest, node.now, node.waits, is_deceived) in self._seen
        if is_met or (self._levels is not None and not self._levels.sees(left).sees(written.changes)):
            return self._ended_by(node, world, move, written)
        after = world.moved(written)
        found = Node(after.facts, written.digest, after, node.now, node, move, acts, node.waits, is_deceived)
        # Asked first of last acts, because that costs less.
        is_last = not left and not node.waits and not self._goal.dutiful
        if (is_last and not self._reached(found)) or not after.takes(written):
            return None
        self._seen.add(found.state)
        return found

    def _ended_by(self, node: Node, world: World, move: Any, written: Written) -> Node | None:
        """Return what a move leads to that leads to nothing new, if the goal asks whose act the last one was and is
        reached by it.
        """
        if not self._asks_of_the_act or not (self._goal.dutiful or self._reads.sees(written.changes)):
            return None
        who = (move.asked.subject, move.asked.action) if isinstance(move, ActMove) else None
        end = (written.digest, node.now, who)
        if end in self._ends:
            return None
        self._ends.add(end)
        after = world.moved(written)
        found = dataclasses.replace(node, facts=after.facts, world=after, parent=node, move=move, acts=node.acts + 1)
        return found if self._reached(self._settled(found)) and after.takes(written) else None

    def _settled(self, node: Node) -> Node:
        """Return what follows once honest people have done their duties, as far as they may, on each record once."""
        done: set[tuple[int, str]] = set()
        while len(done) < _MOST_DUTIES:
            after = self._dutiful(node, done)
            if after is None:
                break
            node = after
        return node

    def _dutiful(self, node: Node, done: set[tuple[int, str]]) -> Node | None:
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

    def _carried_out(self, node: Node, world: World, move: ActMove) -> Node | None:
        """Return what a duty that is done leads to; None where it changes nothing, or is refused."""
        written = move.writing.on(world)
        if written is None or not written.after:
            return None
        after = world.moved(written)
        if not after.takes(written):
            return None
        return dataclasses.replace(node, facts=after.facts, digest=after.digest, world=after, parent=node, move=move)

    # --- the goal -----------------------------------------------------------------------------------------------------

    def _reached(self, node: Node) -> str:
        """Return the record by which the goal is reached; empty where it is not."""
        world = node.world or World(node.facts, self._goal.facts, self._first)
        return self._reaching.record(world, node.now, node.move)


def _earlier(node: Node, doer: Doer, action: Action) -> tuple[str, ...]:
    """The operations that somebody did by an action before, the last first."""
    found = []
    at: Node | None = node
    while at is not None:
        if isinstance(at.move, ActMove):
            asked = at.move.asked
            if (asked.subject, asked.action, asked.resource[0]) == (doer.subject, action.name, action.resource):
                found.append(at.move.operation_id)
        at = at.parent
    return tuple(found)
