"""The search: worlds that moves lead to, the nearest first, until a goal is reached or a bound ends it.

Worlds that hold the same facts at the same time are one. The last act of a sequence is followed only where what it
changes may be seen by the goal; nothing else is left out but what `Bounds` counts.
"""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from sealauthz.attack.acting import Acting
from sealauthz.attack.apart import Apart
from sealauthz.attack.barriers import Barred, Barriers
from sealauthz.attack.candidates import Candidates, Doer
from sealauthz.attack.following import Following
from sealauthz.attack.found import Ended, Found, Limits, Made, both
from sealauthz.attack.goals import Goal, Goals
from sealauthz.attack.levels import Levels, possible
from sealauthz.attack.moves import ActMove, Move, Waited, happening
from sealauthz.attack.nodes import Node, Seen, Unused, done, earlier
from sealauthz.attack.noting import Noting
from sealauthz.attack.reaching import Reaching
from sealauthz.attack.reads import Relevance
from sealauthz.attack.said import Said, Words
from sealauthz.attack.symmetry import Swap, swaps_of
from sealauthz.attack.taking import Taking
from sealauthz.attack.waits import ends_of_waits, lengths_of
from sealauthz.attack.world import World, Written
from sealauthz.decision import Bundle
from sealauthz.schema import Action, Instant, OutsideMove, looks

_MOST_DUTIES = 200
"""How many duties are done one after the other at most: each might give cause for another one."""

_SHALLOW = 2
"""Up to how many acts it is not worth looking which acts are denied whatever is done."""


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
        """Look for the shortest sequence of moves that reaches a goal, and then for longer ones of which acts are used
        soon: first of those of which one at a time waits to be used, then of those of which two do, and so on.
        """
        run = _Run(self, goal, limits)
        found = run.found()
        leads_further = found.ended in (Ended.DEPTH, Ended.TIME, Ended.STATES)
        if limits.far <= found.depth or not leads_further or not limits.is_pruned:
            return found
        over = time.monotonic() + limits.seconds
        for width in range(1, limits.far):
            left = dataclasses.replace(limits, depth=limits.far, seconds=over - time.monotonic())
            run = _Run(self, goal, left, width=width, before=run)
            further = run.found()
            found = both(found, further, is_all=not run.left_out)
            if further.ended in (Ended.REACHED, Ended.TIME, Ended.STATES) or not run.left_out:
                break
        return found


class _Run:
    """One search for one goal. One of some `width` follows only ways of which no more acts at a time are there for
    nothing that was done so far, and none that does an act twice in the same way.
    """

    def __init__(
        self, search: Search, goal: Goal, limits: Limits, *, width: int | None = None, before: _Run | None = None
    ) -> None:
        self._bundle = bundle = search.bundle
        self._model = bundle.model
        self._goals = search.goals
        relevance = search.relevance
        self._goal = goal
        self._limits = limits
        self._depth = limits.depth or goal.depth
        self._width = width
        self.left_out = 0
        """How many moves were not followed because too many acts would have been unused behind them."""
        if before is None:
            self._acting = Acting(bundle, relevance)
            seen = self._goals.looks_at(goal).columns
            if goal.following:
                # They do what a next step asks for by what it tells.
                seen |= relevance.columns_read
            self._said = Said(bundle, relevance, search.words, seen)
            self._candidates = Candidates(bundle, relevance, self._acting, self._said, remembers=limits.is_pruned)
            self._taking = Taking(relevance, remembers=limits.is_pruned)
        else:
            self._acting, self._said, self._candidates = before._acting, before._said, before._candidates
            self._taking = before._taking
        self._relevance = relevance
        self._following = Following(bundle, self._acting, self._said, (*goal.colluders, *goal.following))
        self._first = World(goal.facts)
        self._began = time.monotonic()
        self._seen = Seen()
        self._ends: set[Any] = set()
        """Which states a goal that asks of the last act was asked of again behind another one, and behind which."""
        self._deepest = 0
        self._reads = self._goals.reads(goal)
        self._reaching = Reaching(self._model, self._goals, goal, remembers=limits.is_pruned)
        self._asks_of_the_act = self._goals.asks_of_the_act(goal)
        acts = [each for each in self._model.actions.values() if each.effect not in (None, looks)]
        self._acts = [each for each in acts if not goal.acts or each.name in goal.acts]
        self._outside = [each for each in self._model.outside if each.name in goal.outside]
        self._possible: Sequence[Action] = self._acts
        """Those that may be allowed at some time, as far as was looked for that."""
        self._levels = self._by_distance(relevance)
        self._swaps = self._interchangeable(relevance)
        self._lengths = lengths_of(bundle.parameters)

    def _interchangeable(self, relevance: Relevance) -> tuple[Swap, ...]:
        """Return the colluders who are interchangeable as it begins."""
        goal = self._goal
        if not self._limits.is_pruned or len(goal.colluders) == 1 or goal.dutiful:
            return ()  # which duty is done first may depend on ids
        reads = self._reads | relevance.all_of(self._acts, self._outside)
        words = (word for some in self._said.words.values() for word in some)
        named = {*goal.deceived, *goal.following, *goal.callers, *words, *relevance.texts, *self._goals.texts(goal)}
        return swaps_of(goal.facts, goal.colluders, reads, named)

    @property
    def tried(self) -> frozenset[tuple[str, str]]:
        """The acts that may be tried, duties among them."""
        acts = {(each.name, each.resource) for left in range(self._depth) for each in self._acts_with(left)}
        return frozenset(acts | {(duty.action, duty.type) for duty in self._goal.dutiful})

    def found(self) -> Found:
        """Search."""
        world = self._first
        goal, swaps = self._goal, self._swaps
        start = Node(world.facts, world.digest, world, goal.now, None, None, 0, goal.waits, False, swaps)
        record = self._reached(start)
        if record:
            return self._result(Ended.REACHED, start, record)
        barred = None if self._width or not self._limits.is_pruned else self._barred()
        if barred is not None:
            found = self._result(barred.ended)
            return dataclasses.replace(found, states=barred.worlds, complete=barred.complete)
        if barred is None and self._is_apart:
            return self._found_apart()
        settled = self._settled(start)
        waiting = deque([settled])
        self._seen.add(self._key(settled), 0)
        while waiting:
            node = waiting.popleft()
            self._deepest = max(self._deepest, node.acts)
            node.world = node.world or World(node.facts, self._goal.facts, self._first)
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

    @property
    def _is_apart(self) -> bool:
        """Whether what does not concern each other is kept apart: where all that happens is acts of people who want
        them, and time that passes once.
        """
        goal = self._goal
        others = (goal.waits > 1, goal.dutiful, goal.following, goal.deceived, goal.outside, goal.callers)
        is_deep = self._depth > self._limits.together
        return is_deep and self._levels is not None and not (self._width or any(others))

    def _found_apart(self) -> Found:
        """Search with what does not concern each other kept apart."""
        levels = self._levels
        if levels is None:
            raise RuntimeError("only a search that leaves out what cannot matter keeps anything apart")
        first = World(self._goal.facts, tells=True)
        noting = Noting(self._bundle, self._relevance, self._acting, self._said, first)
        doers = [doer for doer, _ in self._doers(is_deceived=False)]
        ends_at = self._began + self._limits.seconds
        parts = (self._relevance, noting, self._said, self._taking, self._goals, self._goal, doers, self._possible)
        apart = Apart(*parts, levels, self._depth, first, ends_at, self._limits.states, self._lengths)
        ended = apart.ended()
        steps = tuple(self._made_by(apart.steps, apart.now)) if apart.record else ()
        found = self._result(ended)
        complete = self._depth if ended in (Ended.DEPTH, Ended.ALL) else apart.complete
        return dataclasses.replace(
            found, steps=steps, record=apart.record, states=apart.states, complete=complete, is_apart=True
        )

    def _made_by(self, moves: Sequence[ActMove], until: Instant) -> Iterator[Made]:
        """Return the steps that acts are, one after the other, and time that passes before them or behind."""
        world, now = self._first, self._goal.now
        for move in moves:
            if move.at != now:
                yield Made(Waited(move.at), now, world.facts, world.facts)
                now = move.at
            written = move.writing.on(world)
            if written is None:
                raise RuntimeError("an act that was found cannot be done again")
            after = world.moved(written)
            yield Made(move, now, world.facts, after.facts)
            world = after
        if until != now:
            yield Made(Waited(until), now, world.facts, world.facts)

    def _by_distance(self, relevance: Relevance) -> Levels | None:
        """What may still be done and matter, by how many acts are left; None where everything is tried."""
        goal = self._goal
        if not self._limits.is_pruned or goal.following:
            # What they are asked rests on what is denied, whatever that is.
            return None
        acts = self._acts
        if self._depth > _SHALLOW and not goal.waits:
            doers = [doer for doer, _ in self._doers(is_deceived=False)]
            acts = self._possible = possible(relevance, self._candidates, goal, doers, acts, self._outside)
        return Levels(relevance, self._said, self._goals, goal, self._depth, acts, self._outside)

    def _barred(self) -> Barred | None:
        """Tell whether every last act of the goal is denied for something that stays so."""
        doers = [doer for doer, _ in self._doers(is_deceived=False)]
        goal, parts = self._goal, (self._relevance, self._acting, self._candidates)
        barriers = Barriers(*parts, self._goals, goal, doers, self._possible, self._outside)
        return barriers.barred(self._depth, self._is_over)

    def _acts_with(self, left: int) -> Sequence[Action]:
        """The acts that are tried when so many are left behind each."""
        return self._acts if self._levels is None else self._levels.acts(left)

    def _result(self, ended: Ended, node: Node | None = None, record: str = "") -> Found:
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

    def _next(self, node: Node, world: World) -> Iterator[Node]:
        """Return the worlds that one move leads to, each once."""
        without = [World(each.facts, self._goal.facts, self._first) for each in node.unused]
        if node.acts < self._depth:
            # First what happens outside, which is less than what people may do.
            for move in self._outside:
                yield from self._outside_of(node, world, without, move)
            for doer, is_deceived in self._doers(is_deceived=node.is_deceived):
                yield from self._acts_of(node, world, without, doer, is_deceived=is_deceived)
        if node.waits and not isinstance(node.move, Waited):
            for until in ends_of_waits(world, self._first, node.now, self._lengths):
                after = dataclasses.replace(
                    node, world=world, now=until, parent=node, move=Waited(until), waits=node.waits - 1
                )
                is_met = self._seen.has(self._key(after), after.acts, after.unused)
                if not is_met or (self._asks_of_the_act and self._reached(after)):
                    self._seen.add(self._key(after), after.acts, after.unused)
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

    def _acts_of(
        self, node: Node, world: World, without: list[World], doer: Doer, *, is_deceived: bool
    ) -> Iterator[Node]:
        before = done(node) if self._width else frozenset()
        follows = doer.subject in self._goal.following
        left = self._depth - node.acts - 1
        # How long time passes rests on what nobody else reads.
        view = None if self._levels is None or node.waits else self._levels.view(left)
        for action in self._acts_with(left):
            if self._is_over():
                return
            if follows and not self._following.may_be_asked(action):
                continue
            # Where no act is done twice, none needs another name the second time.
            again = () if self._width else earlier(node, doer, action)
            kept = self._candidates.kept(world, node.now, doer, action, again)
            known = [self._candidates.kept(each, node.now, doer, action, again) for each in without if kept.moves]
            once: set[int] = set()
            for number, move in enumerate(kept.moves):
                if any(swap.makes_less_of(move, self._goal.colluders) for swap in node.swaps):
                    continue
                if move.operation_id in before:
                    self.left_out += 1
                    continue
                if follows and not self._following.is_asked(world, node.now, move):
                    continue
                alike = kept.alike(view)[number] if self._limits.is_pruned else 0
                if alike in once:
                    continue
                pairs = zip(without, known, strict=True)
                # What made somebody ask for it is used by it, whatever that was.
                unused = [each for each, some in pairs if not follows and (some is kept or move.what in some.whats)]
                after = self._after(node, world, move, unused, is_deceived=is_deceived)
                if after is not None:
                    yield self._settled(after)
                if alike and (after is not None or self._taking.takes_too(world, move)):
                    # Another one that writes the same, as far as anybody sees, leads no further.
                    once.add(alike)

    def _outside_of(self, node: Node, world: World, without: list[World], move: OutsideMove) -> Iterator[Node]:
        """Return the worlds that something outside leads to."""
        known = [frozenset(each.what for each in happening(move, other, node.now)) for other in without]
        for moved in happening(move, world, node.now):
            unused = [each for each, some in zip(without, known, strict=True) if moved.what in some]
            after = self._after(node, world, moved, unused)
            if after is not None:
                yield self._settled(after)

    def _after(
        self, node: Node, world: World, move: Any, without: list[World], *, is_deceived: bool | None = None
    ) -> Node | None:
        """Return what a move leads to; None where it changes nothing, was met, is refused, or cannot matter. `without`
        are the worlds without an act that it may not use.
        """
        written = move.writing.on(world)
        if written is None or not written.after:
            return None
        acts = node.acts + 1
        deceived = node.is_deceived if is_deceived is None else is_deceived
        key = (written.digest, node.now, node.waits, deceived)
        left = self._depth - acts
        if self._seen.is_nearer(key, acts) or (not self._width and self._seen.has(key, acts)):
            return self._ended_by(node, world, move, written)
        if self._levels is not None and not self._levels.sees(left).sees(written.changes):
            return self._ended_by(node, world, move, written)
        unused: tuple[Unused, ...] = ()
        if self._width and left:
            without = [each for each in without if self._taking.takes_too(each, move)]
            if len(without) >= self._width:
                self.left_out += 1
                return self._reached_at_once(node, world, move, written)
            unused = (Unused(world.facts, world.digest), *(self._unused(node, each, move) for each in without))
            if self._seen.has(key, acts, unused):
                return self._ended_by(node, world, move, written)
        after = world.moved(written)
        swaps = tuple(each for each in node.swaps if not each.touches(written.changes)) if node.swaps else ()
        found = Node(
            after.facts, written.digest, after, node.now, node, move, acts, node.waits, deceived, swaps, unused
        )
        # Asked first of last acts, because that costs less.
        is_last = not left and not node.waits and not self._goal.dutiful
        if (is_last and not self._reached(found)) or not self._taking.takes(world, move, written, after):
            return None
        self._seen.add(key, acts, unused)
        return found

    def _ended_by(self, node: Node, world: World, move: Any, written: Written) -> Node | None:
        """Return what a move leads to that leads to nothing new, if the goal asks whose act the last one was and is
        reached by it.
        """
        if not self._asks_of_the_act:
            return None
        end = (written.digest, node.now, self._last(move))
        if end in self._ends:
            return None
        self._ends.add(end)
        return self._reached_at_once(node, world, move, written)

    def _reached_at_once(self, node: Node, world: World, move: Any, written: Written) -> Node | None:
        """Return what a move leads to behind which too many acts are unused to go on, if the goal is reached by it."""
        if not (self._goal.dutiful or self._reads.sees(written.changes)):
            return None
        after = world.moved(written)
        found = dataclasses.replace(node, facts=after.facts, world=after, parent=node, move=move, acts=node.acts + 1)
        return found if self._reached(self._settled(found)) and after.takes(written) else None

    def _unused(self, node: Node, other: World, move: Any) -> Unused:
        """Return what is there behind a move without an act that it does not use."""
        after = other.moved(move.writing.on(other))
        if self._goal.dutiful:
            settled = self._settled(dataclasses.replace(node, facts=after.facts, world=after))
            return Unused(settled.facts, World(settled.facts, self._goal.facts, self._first).digest)
        return Unused(after.facts, after.digest)

    def _key(self, node: Node) -> tuple[Any, ...]:
        return node.digest, node.now, node.waits, node.is_deceived

    def _last(self, move: Move | None) -> tuple[str, str] | None:
        """Whose act was the last one, and which."""
        return (move.asked.subject, move.asked.action) if isinstance(move, ActMove) else None

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
            for move in self._candidates.of(world, node.now, doer, action, earlier(node, doer, action)):
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
