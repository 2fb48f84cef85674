"""A search that keeps apart what does not concern each other.

Acts that never notice each other need not be done one after the other in every mixture: on a shortest way to a goal,
somebody notices each act, another act behind it or the goal. So facts are put together of **parts**: an act alone, or
acts of which each notices those before it. Two parts are put together only where some question, asked in the facts of
the one, reads what the other one wrote; and both are kept only where an answer then rests on both.

Why nothing is missed: let acts of a shortest way be in one part where one read what the other wrote before. Parts did
not read from each other, so each comes about by itself in the same way. The last act of a part, and the goal, read from
each of the parts that it needs. Asked where some of these are done, it reads the same up to the first place that
another one wrote; so that one is put together with them next.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sealauthz.attack.candidates import Doer, base_of
from sealauthz.attack.found import Ended
from sealauthz.attack.goals import Goal, Goals
from sealauthz.attack.levels import Levels
from sealauthz.attack.moves import ActMove, Asked, leaves_of
from sealauthz.attack.noting import Noting
from sealauthz.attack.reads import Relevance
from sealauthz.attack.said import Said
from sealauthz.attack.taking import Taking
from sealauthz.attack.touching import Footprint, Trace
from sealauthz.attack.views import Reads
from sealauthz.attack.world import Digest, World
from sealauthz.policytest.fixtures import FactSet
from sealauthz.schema import Action, Change, Instant, Put

_FRESH_TOO = ("fresh-too", "fresh")


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Acts each of which notices those before it, in their order; what they leave."""

    moves: tuple[ActMove, ...]
    digest: Digest
    footprint: Footprint
    changes: tuple[Change, ...]

    @property
    def operations(self) -> frozenset[str]:
        """What was done, whatever its number."""
        return frozenset(base_of(each.operation_id) for each in self.moves)


@dataclass(frozen=True, slots=True)
class Asking:
    """A question that was asked somewhere: what its answer rests on, and what it names."""

    trace: Trace
    names: frozenset[Any]
    action: str = ""


@dataclass(slots=True, eq=False)
class Node:
    """Parts that were put together, and what is asked there that rests on all of them."""

    parts: tuple[Part, ...]
    moves: tuple[ActMove, ...]
    facts: FactSet
    digest: Digest
    following: list[tuple[ActMove, tuple[int, str]]] = field(default_factory=list)
    """The moves that may be made."""
    asks: dict[tuple[int, str], Trace] = field(default_factory=dict)
    """What the answers rest on that rest on all parts, by who asks and what for."""
    reaches: Trace = field(default_factory=Trace)
    """What the goal rests on."""
    refused: list[tuple[tuple[int, str], Reads]] = field(default_factory=list)
    looked: set[tuple[int, str]] = field(default_factory=set)
    is_open: bool = True

    @property
    def made(self) -> set[str]:
        """The types of the records that came."""
        return {each for part in self.parts for each in part.footprint.types}


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
        self._held = (
            _values_in(goal.facts.records) | self._model.records.keys() | {self._now, self._now - 1, self._now + 1}
        )
        self._ask = goals.asker(goal, noting.stays)
        self._named = {each.name + "/" + each.resource: said.types_named(each) for each in acts}
        self._texts = {each.name + "/" + each.resource: said.reads(each).columns for each in acts}
        self._refused: set[str] = set()
        self._sayable = {each.name + "/" + each.resource: said.sayable(first, self._now, each) for each in acts}
        """What is said in acts in the beginning."""
        self._is_mistaken = False
        self._together_known: dict[frozenset[Digest], Node] = {}
        self._met: set[Digest] = set()
        self.states = 1
        self.complete = 0
        self.steps: tuple[ActMove, ...] = ()
        self.record = ""

    def ended(self) -> Ended:
        """Search, and return what ended it. It begins again where an act alters what was taken to stay as it is."""
        while True:
            ended = self._ended()
            if not self._is_mistaken or ended is not None:
                return ended or Ended.DEPTH
            self._noting.forget()

    def _ended(self) -> Ended | None:
        self._is_mistaken = False
        self._together_known.clear()
        self._met.clear()
        self._refused.clear()
        self.states = 1
        self.complete = 0
        root = Node((), (), self._goal.facts, self._first.digest)
        self._met.add(root.digest)
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
            if self._is_mistaken:
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

    # --- one act more -------------------------------------------------------------------------------------------------

    def _extended(self, node: Node, count: int) -> Iterator[Node]:
        """Return the parts that end with an act that may be done here, and rests on all that was done."""
        left = self._depth - count
        world = World(node.facts, self._goal.facts, self._first)
        view = self._levels.view(left)
        once: set[int] = set()
        for move, asked in node.following:
            wrought = move.wrought(view)
            if wrought in once:
                continue
            written = move.writing.on(world)
            if written is None or not written.after or not self._levels.sees(left).sees(written.changes):
                continue
            after = world.moved(written)
            if written.digest in self._met:
                once.add(wrought)
                continue
            if not self._taking.takes(world, move, written, after):
                self._refused.add(move.operation_id)
                node.refused.append((asked, self._taken(move)))
                continue
            once.add(wrought)
            self._met.add(written.digest)
            if self._noting.learn(written.changes):
                self._is_mistaken = True
            self.states += 1
            moves = (*node.moves, move)
            part = self._part(moves, after.facts, written.digest)
            found = Node((part,), moves, after.facts, written.digest)
            self._look(found, after, count)
            yield found
            if self.record:
                return

    def _taken(self, move: ActMove) -> Reads:
        return self._relevance.taken(move.asked.action, move.asked.resource[0])

    def _part(self, moves: tuple[ActMove, ...], facts: FactSet, digest: Digest, before: FactSet | None = None) -> Part:
        changes = tuple(facts.since(before or self._goal.facts))
        footprint = Footprint(self._model, changes, self._held, self._first.leading)
        return Part(moves, digest, footprint, tuple(Change(*key, was, record) for key, was, record in changes))

    # --- parts together -----------------------------------------------------------------------------------------------

    def _concerned(self, node: Node, part: Part, *, is_last: bool) -> set[tuple[int, str]] | None:
        """Return what might be answered otherwise in some facts where a part is done too, by who asks and what for;
        None where nothing is, nor the goal.
        """
        found: set[tuple[int, str]] = set()
        is_seen = part.footprint.may_be_noticed_by(node.reaches)
        if is_last:
            return found if is_seen else None
        for key, trace in node.asks.items():
            if part.footprint.may_be_noticed_by(trace):
                found.add(key)
        for key, reads in node.refused:
            if reads.sees(part.changes):
                found.add(key)
        made, came = node.made, part.footprint.types
        for action, named in self._named.items():
            is_named = not made.isdisjoint(named)
            says = bool(self._said_first_in(part, action))
            for number in range(len(self._doers)):
                key = (number, action)
                if (is_named and _name_both(named, made, came)) or (says and (is_named or key in node.asks)):
                    found.add(key)
        return found if is_seen or found else None

    def _together(self, node: Node, part: Part, count: int, concerned: set[tuple[int, str]]) -> Node | None:
        """Return what there is where a part is done too; None where nobody notices all parts, it cannot be, or it was
        found before.
        """
        key = frozenset((*(each.digest for each in node.parts), part.digest))
        is_again = any(part.operations & each.operations for each in node.parts)
        if not is_again and key in self._together_known:
            return self._asked_more(self._together_known[key], count, concerned)
        found = self._mixed(node, part)
        if found is None:
            return None  # from the other side perhaps
        moves, own, facts, digest = found
        part_then = self._part(own, facts, digest ^ node.digest, node.facts) if is_again else part
        if is_again:
            key = frozenset((*(each.digest for each in node.parts), part_then.digest))
            if key in self._together_known:
                return self._asked_more(self._together_known[key], count, concerned)
        both = Node((*node.parts, part_then), moves, facts, digest, is_open=False)
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

    def _asked_more(self, both: Node, count: int, concerned: set[tuple[int, str]]) -> Node | None:
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

    def _mixed(self, node: Node, part: Part) -> tuple[tuple[ActMove, ...], tuple[ActMove, ...], FactSet, Digest] | None:
        """Do the acts of a part as well, in some order in which each goes as it went."""
        dead: set[tuple[int, int]] = set()

        def go(
            world: World, one: int, two: int, done: tuple[ActMove, ...], own: tuple[ActMove, ...]
        ) -> tuple[tuple[ActMove, ...], tuple[ActMove, ...], World] | None:
            if one == len(node.moves) and two == len(part.moves):
                return done, own, world
            if (one, two) in dead:
                return None
            for is_own in (False, True):
                at, moves = (two, part.moves) if is_own else (one, node.moves)
                if at == len(moves):
                    continue
                names = _names(part.moves[:two], own) if is_own else {}
                move = self._again(world, moves[at], done, names)
                after = None if move is None else self._moved(world, move)
                if move is not None and after is not None:
                    found = go(after, one + (not is_own), two + is_own, (*done, move), (*own, move) if is_own else own)
                    if found is not None:
                        return found
            dead.add((one, two))
            return None

        found = go(self._first, 0, 0, (), ())
        return None if found is None else (found[0], found[1], found[2].facts, found[2].digest)

    def _again(self, world: World, move: ActMove, done: Sequence[ActMove], names: Mapping[str, str]) -> ActMove | None:
        """Return an act as it may be done here: as it was done, or under another name what was done before."""
        earlier = tuple(each.operation_id for each in done if _kind(each) == _kind(move))
        base = base_of(move.operation_id)
        is_other = bool(names) or any(base_of(each) == base for each in earlier)
        doer = next(each for each in self._doers if each.subject == move.asked.subject)
        action = self._model.action(move.asked.action, move.asked.resource[0])
        asked, arguments = move.asked, move.arguments
        given = {record.id for _, _, record in move.provided}
        context = tuple((key, _renamed(value, names)) for key, value in asked.context if value not in given)
        resource = (asked.resource[0], _renamed(asked.resource[1], names))
        again = Asked(asked.subject, asked.action, resource, context, asked.caller)
        found = self._noting.again(world, self._now, doer, again, action, _renamed(arguments, names), earlier)
        if found is None or is_other:
            return found
        return found if found.operation_id == move.operation_id and found.what == move.what else None

    def _moved(self, world: World, move: ActMove) -> World | None:
        written = move.writing.on(world)
        if written is None or not written.after:
            return None
        after = world.moved(written)
        return after if self._taking.takes(world, move, written, after) else None

    # --- what is asked ------------------------------------------------------------------------------------------------

    def _look(self, node: Node, world: World, count: int) -> None:
        """Ask everything here, and keep what rests on all parts."""
        self._ask_goal(node, world)
        if not self.record and count < self._depth:
            everything = {(number, action) for number in range(len(self._doers)) for action in self._named}
            self._ask_all(node, world, count, everything)

    def _ask_all(self, node: Node, world: World, count: int, concerned: set[tuple[int, str]]) -> None:
        """Ask some here, and keep what rests on all parts."""
        left = self._depth - count - 1
        node.looked |= concerned
        beside = frozenset(each.footprint for each in node.parts)
        for number, doer in enumerate(self._doers):
            for action in self._levels.acts(left):
                key = (number, f"{action.name}/{action.resource}")
                if key not in concerned:
                    continue
                earlier = tuple(
                    each.operation_id
                    for each in node.moves
                    if _kind(each) == (doer.subject, action.name, action.resource)
                )
                look = self._noting.look(world, self._now, doer, action, earlier, beside)
                asks: list[Trace] = []
                for move, trace in look.moves:
                    names = _values_of(move)
                    if all(self._rests_on(part, trace, names, key[1], move) for part in node.parts):
                        node.following.append((move, key))
                        asks.append(trace)
                for trace, named in look.denied:
                    if all(self._rests_on(part, trace, named, key[1]) for part in node.parts):
                        asks.append(trace)
                if asks:
                    node.asks[key] = _all(asks)
                    node.is_open = True

    def _rests_on(
        self, part: Part, trace: Trace, names: frozenset[Any], action: str = "", move: ActMove | None = None
    ) -> bool:
        """Tell whether an answer rests on a part: what it read, or what it names."""
        footprint = part.footprint
        if footprint.is_noticed_by(trace) or not footprint.ids.isdisjoint(names):
            return True
        if action:
            said = self._said_first_in(part, action)
            if not said.isdisjoint(names) or (_FRESH_TOO[0] in names and part.footprint.has(_FRESH_TOO[1])):
                return True
        return move is not None and move.operation_id in self._refused and self._taken(move).sees(part.changes)

    def _said_first_in(self, part: Part, action: str) -> frozenset[Any]:
        """Return what may be said in an act because a part said it, and might not before."""
        said = part.footprint.said
        found = frozenset().union(*(some for column, some in said.items() if column in self._texts[action]))
        return found - self._sayable[action]

    def _ask_goal(self, node: Node, world: World) -> None:
        traces = []
        for record, trace, is_reached in self._ask(world, self._now):
            if is_reached:
                self.record = record
                self.steps = node.moves
                return
            names = frozenset({record.partition(":")[2]})
            if not self._noting.is_lasting(trace) and all(self._rests_on(part, trace, names) for part in node.parts):
                traces.append(trace)
        node.reaches = _all(traces)
        node.is_open = node.is_open or bool(traces)


def _all(traces: Sequence[Trace]) -> Trace:
    return Trace(
        frozenset().union(*(each.rested for each in traces)),
        frozenset().union(*(each.passed for each in traces)),
        frozenset().union(*(each.walked for each in traces)),
    )


def _name_both(named: Sequence[str], some: set[str], others: set[str]) -> bool:
    """Tell whether one act may name one of some types and one of others; `named` are the types of what it names."""
    return any(
        one in some and other in others
        for at, one in enumerate(named)
        for place, other in enumerate(named)
        if at != place
    )


def _kind(move: ActMove) -> tuple[str, str, str]:
    """Who did what kind of thing."""
    return move.asked.subject, move.asked.action, move.asked.resource[0]


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return what is said with other names of what acts made."""
    if not names:
        return value
    if isinstance(value, Mapping):
        return {key: _renamed(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def _names(before: Sequence[ActMove], again: Sequence[ActMove]) -> dict[str, str]:
    """The ids that acts made, and those that they made when they were done once more."""
    found: dict[str, str] = {}
    for one, other in zip(before, again, strict=True):
        for old, new in zip(_made(one), _made(other), strict=False):
            if old != new:
                found[old] = new
    return found


def _made(move: ActMove) -> list[str]:
    return [each.record.id for each in move.writing.changes if isinstance(each, Put)]


def _values_in(records: Iterable[Any]) -> frozenset[Any]:
    """All that records hold."""
    found: set[Any] = set()
    for record in records:
        for name in type(record).__dataclass_fields__:
            value = getattr(record, name, None)
            if type(value) in (str, int) or isinstance(value, str):
                found.add(value)
    return frozenset(found)


def _values_of(move: ActMove) -> frozenset[Any]:
    """What is named and said in an act, and in what somebody outside gave for it."""
    found: set[Any] = {move.asked.resource[1]}
    found.update(value for _, value in move.asked.context if type(value) is not bool)
    found.update(value for value in leaves_of(move.arguments) if type(value) is not bool)
    for _, _, record in move.provided:
        found |= {each for each in _values_in([record]) if isinstance(each, str)}
    return frozenset(found)
