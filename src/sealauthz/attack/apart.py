"""A search that keeps apart what does not concern each other.

Acts that never notice each other need not be done one after the other in every mixture: on a shortest way to a goal,
somebody notices each act, another act behind it or the goal. So facts are put together of **parts**: an act alone, or
acts of which each notices those before it. Two parts are put together only where some question, asked in the facts of
the one, reads what the other one wrote; and both are kept only where an answer then rests on both.

Why nothing is missed: let acts of a shortest way be in one part where one read what the other wrote before. Parts did
not read from each other, so each comes about by itself in the same way. The last act of a part, and the goal, read from
each of the parts that it needs. Asked where some of these are done, it reads the same up to the first place that
another one wrote; so that one is put together with them next.

Where time may pass once, each act comes before that or behind it, and a question is asked for each instant until when
it may pass as well. An act behind it is asked for as if time had passed, where it has not yet; what is put together
has time pass until one instant, and all that comes before then is done first. A goal that asks whose act was the last
one is asked for the last act of each part, and needs that part then: the last act of a way is the last of its part.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sealauthz.attack.candidates import Doer
from sealauthz.attack.found import Ended
from sealauthz.attack.goals import Goal, Goals, LastAct
from sealauthz.attack.levels import Levels
from sealauthz.attack.moves import ActMove
from sealauthz.attack.noting import Noting
from sealauthz.attack.orders import Orders, kind, last_act
from sealauthz.attack.parts import NO_ACT, Key, Name, Node, Part, may_meet, values_in, values_of
from sealauthz.attack.reads import Relevance
from sealauthz.attack.said import Said
from sealauthz.attack.shown import Idle
from sealauthz.attack.taking import Taking
from sealauthz.attack.touching import Footprint, Trace
from sealauthz.attack.views import Reads, View
from sealauthz.attack.waits import ends_of_waits
from sealauthz.attack.world import Digest, World
from sealauthz.policytest.fixtures import FactSet
from sealauthz.schema import Action, Change, Instant

_FRESH_TOO = ("fresh-too", "fresh")


class Apart:
    """One search. `acts` are those that may be possible at all."""

    def __init__(
        self,
        relevance: Relevance,
        noting: Noting,
        said: Said,
        taking: Taking,
        goals: Goals,
        goal: Goal,
        doers: Sequence[Doer],
        acts: Sequence[Action],
        levels: Levels,
        depth: int,
        first: World,
        ends_at: float,
        most: int,
        lengths: Sequence[int],
    ) -> None:
        self._relevance = relevance
        self._noting = noting
        self._said = said
        self._taking = taking
        self._goals = goals
        self._goal = goal
        self._now: Instant = goal.now
        self._doers = doers
        self._levels = levels
        self._depth = depth
        self._ends_at = ends_at
        self._most = most
        self._first = first
        self._model = goal.facts.model
        self._held = values_in(goal.facts.records) | self._model.records.keys()
        self._ask = goals.asker(goal, noting.altered.stays)
        self._named = {each.name + "/" + each.resource: said.types_named(each) for each in acts}
        self._texts = {each.name + "/" + each.resource: said.reads(each).columns for each in acts}
        self._refused: set[str] = set()
        self._acts = acts
        self._sayable: dict[Instant, Mapping[str, frozenset[Any]]] = {}
        """What is said in acts in the beginning, and when time has passed."""
        self._orders = Orders(self._model, noting, taking, doers, first)
        self._lengths = lengths
        self._last = goals.last_acts(goal) if goals.asks_of_the_act(goal) else frozenset()
        """The acts one of which must be the last: none where the goal does not ask for that, None where any may be."""
        self._views: dict[int, View] = {}
        self.instants: set[Instant] = set()
        """Until when time may pass."""
        self._is_mistaken = self._is_late = False
        self._learn_instants(first)
        self._together_known: dict[frozenset[Name], Node] = {}
        self._met: set[Name] = set()
        self.states = 1
        self.complete = 0
        self.steps: tuple[ActMove, ...] = ()
        self.record = ""
        self.now = goal.now
        """When the goal was reached."""

    def ended(self) -> Ended:
        """Search, and return what ended it. It begins again where an act alters what was taken to stay as it is,
        or time may pass until an instant that was not known.
        """
        while True:
            ended = self._ended()
            if ended is not None:
                return ended
            if self._is_mistaken:
                self._noting.forget()

    def _ended(self) -> Ended | None:
        self._is_mistaken = self._is_late = False
        self._together_known.clear()
        self._met.clear()
        self._refused.clear()
        self.states = 1
        self.complete = 0
        root = Node((), (), self._goal.facts, self._first.digest)
        self._met.add((root.digest, 0, NO_ACT))
        self._look(root, self._first, 0)
        if self.record:
            return Ended.REACHED
        nodes: list[list[Node]] = [[root]]
        parts: list[list[Part]] = [[]]
        for count in range(1, self._depth + 1):
            here: list[Node] = []
            made: list[Part] = []
            for node in nodes[count - 1]:
                for after in self._extended(node, count):
                    here.append(after)
                    made += after.parts
                    if self._is_cut():
                        return self._cut()
            if self._is_mistaken or self._is_late:
                return None
            for size in range(1, count):
                for node in nodes[size]:
                    for part in parts[count - size]:
                        concerned = self._concerned(node, part, is_last=count == self._depth)
                        if concerned is not None:
                            both = self._together(node, part, count, concerned)
                            if both is not None:
                                here.append(both)
                        if self._is_cut():
                            return self._cut()
            if self._is_mistaken or self._is_late:
                return None
            nodes.append(here)
            parts.append(made)
            self.complete = count
        # What is put together has at most twice as many acts as the largest that there is.
        largest = max(count for count, some in enumerate(nodes) if some)
        return Ended.ALL if 2 * largest < self._depth else Ended.DEPTH

    def _is_cut(self) -> bool:
        return bool(self.record) or self.states >= self._most or time.monotonic() > self._ends_at

    def _cut(self) -> Ended:
        if self.record:
            return Ended.REACHED
        return Ended.STATES if self.states >= self._most else Ended.TIME

    # --- time ---------------------------------------------------------------------------------------------------------

    def _learn_instants(self, world: World) -> None:
        """Take note of until when time may pass; what is known before then is asked again."""
        if self._goal.waits:
            found = set(ends_of_waits(world, self._first, self._now, self._lengths))
            self._is_late = self._is_late or not found <= self.instants
            self.instants |= found

    def _times(self, until: Instant) -> list[Instant]:
        """When something is asked where time passed until then, or not yet: then now, and when it will have passed."""
        return [until] if until else [self._now, *sorted(self.instants)]

    def _view(self, left: int, until: Instant) -> View:
        """The facts as all that may follow sees them; until when time passes is read from every instant."""
        if until or not self._goal.waits:
            return self._levels.view(left)
        if left not in self._views:
            shapes = self._model.shapes.items()
            columns = ((name, each.name) for name, shape in shapes for each in shape.columns if each.is_instant)
            self._views[left] = View(self._levels.sees(left) | Reads(frozenset(columns), frozenset()))
        return self._views[left]

    # --- one act more -------------------------------------------------------------------------------------------------

    def _extended(self, node: Node, count: int) -> Iterator[Node]:
        """Return the parts that end with an act that may be done here, and rests on all that was done."""
        left = self._depth - count
        world = World(node.facts, self._goal.facts, self._first)
        once: set[Any] = set()
        for move, asked in node.following:
            until, last = self._until(move), self._asked_for(move)
            wrought = (until, last, move.wrought(self._view(left, until)))
            if wrought in once:
                continue
            written = move.writing.on(world)
            if written is None or not written.after or not self._levels.sees(left).sees(written.changes):
                continue
            after = world.moved(written)
            name = (written.digest, until, last)
            if name in self._met:
                once.add(wrought)
                continue
            if not self._taking.takes(world, move, written, after):
                self._refused.add(move.operation_id)
                node.refused.append((asked, self._taken(move)))
                continue
            once.add(wrought)
            self._met.add(name)
            if self._noting.altered.learn(written.changes):
                self._is_mistaken = True
            if not until:
                self._learn_instants(after)
            self.states += 1
            moves = (*node.moves, move)
            part = self._part(moves, after.facts, written.digest)
            found = Node((part,), moves, after.facts, written.digest, until=until)
            self._look(found, after, count)
            yield found
            if self.record:
                return

    def _until(self, move: ActMove) -> Instant:
        """Until when time passes before an act; 0 where it does not."""
        return 0 if move.at == self._now else move.at

    def _asked_for(self, move: ActMove) -> LastAct:
        """Whose act a move is, and which, if the goal asks for that."""
        is_asked = self._last is None or move.asked.action in self._last
        return last_act(move) if is_asked else NO_ACT

    def _taken(self, move: ActMove) -> Reads:
        return self._relevance.taken(move.asked.action, move.asked.resource[0])

    def _part(self, moves: tuple[ActMove, ...], facts: FactSet, digest: Digest, before: FactSet | None = None) -> Part:
        changes = tuple(facts.since(before or self._goal.facts))
        footprint = Footprint(self._model, changes, self._held, self._first.leading)
        changed = tuple(Change(*key, was, record) for key, was, record in changes)
        return Part(moves, digest, footprint, changed, self._until(moves[-1]), self._asked_for(moves[-1]))

    # --- parts together -----------------------------------------------------------------------------------------------

    def _concerned(self, node: Node, part: Part, *, is_last: bool) -> set[Key] | None:
        """Return what might be answered otherwise in some facts where a part is done too, by who asks and what for;
        None where nothing is, nor the goal.
        """
        found: set[Key] = set()
        if not may_meet(node, part):
            return None
        is_seen = part.footprint.may_be_noticed_by(node.reaches)
        if is_last:
            return found if is_seen else None
        times = self._times(node.until or part.until)
        for key, trace in node.asks.items():
            if key[2] in times and part.footprint.may_be_noticed_by(trace):
                found.add(key)
        for key, reads in node.refused:
            if key[2] in times and reads.sees(part.changes):
                found.add(key)
        made, came = node.made, part.footprint.types
        for action, named in self._named.items():
            is_named = not made.isdisjoint(named)
            names_both = is_named and _name_both(named, made, came)
            for now in times:
                says = bool(self._said_first_in(part, action, now))
                for number in range(len(self._doers)):
                    key = (number, action, now)
                    if names_both or (says and (is_named or key in node.asks)):
                        found.add(key)
        return found if is_seen or found else None

    def _together(self, node: Node, part: Part, count: int, concerned: set[Key]) -> Node | None:
        """Return what there is where a part is done too; None where nobody notices all parts, it cannot be, or it was
        found before.
        """
        key = frozenset((*(each.name for each in node.parts), part.name))
        is_again = any(part.operations & each.operations for each in node.parts)
        if not is_again and key in self._together_known:
            return self._asked_more(self._together_known[key], count, concerned)
        found = self._orders.found([*(each.moves for each in node.parts), part.moves])
        if found is None:
            return None
        moves, own, world = found
        facts, digest = world.facts, world.digest
        part_then = self._part(own[-1], facts, digest ^ node.digest, node.facts) if is_again else part
        if is_again:
            key = frozenset((*(each.name for each in node.parts), part_then.name))
            if key in self._together_known:
                return self._asked_more(self._together_known[key], count, concerned)
        until = node.until or part.until
        both = Node((*node.parts, part_then), moves, facts, digest, is_open=False, until=until)
        self._together_known[key] = both
        world = World(facts, self._goal.facts, self._first)
        self._ask_goal(both, world)
        if count >= self._depth or self.record:
            return both if self.record else None
        self._ask_all(both, world, count, concerned)
        if not both.is_open:
            both.facts = self._goal.facts
            return None
        self.states += 1
        return both

    def _asked_more(self, both: Node, count: int, concerned: set[Key]) -> Node | None:
        """Ask the rest where parts were put together before; return that if it counts only now."""
        more = concerned - both.looked
        if not more or count >= self._depth:
            return None
        was_open = both.is_open
        world = self._first
        for move in both.moves:
            written = move.writing.on(world)
            if written is None:
                return None
            world = world.moved(written)
        both.facts = world.facts
        self._ask_all(both, world, count, more)
        if was_open or not both.is_open:
            return None
        self.states += 1
        return both

    # --- what is asked ------------------------------------------------------------------------------------------------

    def _look(self, node: Node, world: World, count: int) -> None:
        """Ask everything here, and keep what rests on all parts."""
        self._ask_goal(node, world)
        if not self.record and count < self._depth:
            times, doers = self._times(node.until), range(len(self._doers))
            everything = {(number, action, now) for number in doers for action in self._named for now in times}
            self._ask_all(node, world, count, everything)

    def _ask_all(self, node: Node, world: World, count: int, concerned: set[Key]) -> None:
        """Ask some here, and keep what rests on all parts."""
        left = self._depth - count - 1
        node.looked |= concerned
        footprints = [each.footprint for each in node.parts]
        beside = frozenset(footprints)
        for number, doer in enumerate(self._doers):
            for action in self._levels.acts(left):
                about = f"{action.name}/{action.resource}"
                what = (doer.subject, action.name, action.resource)
                earlier = tuple(each.operation_id for each in node.moves if kind(each) == what)
                for now in self._times(node.until):
                    key = (number, about, now)
                    if key not in concerned:
                        continue
                    look = self._noting.look(world, now, doer, action, earlier, beside)
                    asks: list[Trace] = []
                    for move, trace in look.moves:
                        names = values_of(move)
                        if all(self._rests_on(part, trace, names, key, move) for part in node.parts):
                            node.following.append((move, key))
                            asks.append(trace)
                    for trace, named, idle in look.denied:
                        if self._is_kept_apart(idle, footprints):
                            continue
                        if all(self._rests_on(part, trace, named, key) for part in node.parts):
                            asks.append(trace)
                    if asks:
                        node.asks[key] = _all(asks)
                        node.is_open = True

    def _is_kept_apart(self, idle: Sequence[Idle], footprints: Sequence[Footprint]) -> bool:
        """Tell whether an act is denied with something that serves nothing, and tried again where it is put together
        with what the act is done to. Not where time may pass on the way there.
        """
        return not self._goal.waits and any(each.is_apart(footprints) for each in idle)

    def _rests_on(
        self, part: Part, trace: Trace, names: frozenset[Any], key: Key | None = None, move: ActMove | None = None
    ) -> bool:
        """Tell whether an answer rests on a part: what it read, or what it names."""
        footprint = part.footprint
        if footprint.is_noticed_by(trace) or not footprint.ids.isdisjoint(names):
            return True
        if key is not None:
            said = self._said_first_in(part, key[1], key[2])
            if not said.isdisjoint(names) or (_FRESH_TOO[0] in names and part.footprint.has(_FRESH_TOO[1])):
                return True
        return move is not None and move.operation_id in self._refused and self._taken(move).sees(part.changes)

    def _said_first_in(self, part: Part, action: str, now: Instant) -> frozenset[Any]:
        """Return what may be said in an act because a part said it, and might not before."""
        said = part.footprint.said
        found = frozenset().union(*(some for column, some in said.items() if column in self._texts[action]))
        return found - self._sayable_at(now)[action] if found else found

    def _sayable_at(self, now: Instant) -> Mapping[str, frozenset[Any]]:
        """What is said in acts at some time in the beginning."""
        if now not in self._sayable:
            near = frozenset((now - 1, now, now + 1))
            said = {f"{each.name}/{each.resource}": self._said.sayable(self._first, now, each) for each in self._acts}
            self._sayable[now] = {action: some | near for action, some in said.items()}
        return self._sayable[now]

    def _ask_goal(self, node: Node, world: World) -> None:
        traces = []
        for now in self._times(node.until):
            for last, ending in self._last_acts(node, now).items():
                for record, trace, is_reached in self._ask(world, now, last):
                    moves = self._ordered(node, last) if is_reached else None
                    if moves is not None:
                        self.record, self.steps, self.now = record, moves, now
                        return
                    names = frozenset({record.partition(":")[2]})
                    if not self._noting.altered.is_lasting(trace) and all(
                        part in ending or self._rests_on(part, trace, names) for part in node.parts
                    ):
                        traces.append(trace)
        node.reaches = _all(traces)
        node.is_open = node.is_open or bool(traces)

    def _last_acts(self, node: Node, now: Instant) -> Mapping[LastAct, list[Part]]:
        """Return whose act may have been the last one, and which, as far as the goal asks: each with the parts that end
        with it, for which that is needed.
        """
        found: dict[LastAct, list[Part]] = {}
        if self._last == frozenset() or (now != self._now and not node.until) or not node.parts:
            return {NO_ACT: []}
        for part in node.parts:
            if part.until == node.until and part.last != NO_ACT:
                found.setdefault(part.last, []).append(part)
        return found

    def _ordered(self, node: Node, last: LastAct) -> tuple[ActMove, ...] | None:
        """Return the acts of parts in an order of which some act is the last one; None where there is none."""
        if last == NO_ACT or last == last_act(node.moves[-1]):
            return node.moves
        found = self._orders.found([each.moves for each in node.parts], last)
        return None if found is None else found[0]


def _all(traces: Sequence[Trace]) -> Trace:
    return Trace().union(traces)


def _name_both(named: Sequence[str], some: set[str], others: set[str]) -> bool:
    """Tell whether one act may name one of some types and one of others; `named` are the types of what it names."""
    return any(
        one in some and other in others
        for at, one in enumerate(named)
        for place, other in enumerate(named)
        if at != place
    )
