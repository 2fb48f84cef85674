"""Orders in which the acts of several parts go as each of them went by itself: time passes once, between acts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sealauthz.attack.candidates import Doer, base_of
from sealauthz.attack.goals import LastAct
from sealauthz.attack.moves import ActMove, Asked
from sealauthz.attack.noting import Noting
from sealauthz.attack.taking import Taking
from sealauthz.attack.world import World
from sealauthz.schema import Model, Put

Moves = tuple[ActMove, ...]


class Orders:
    """Does acts one after the other, where each goes as it went."""

    def __init__(self, model: Model, noting: Noting, taking: Taking, doers: Iterable[Doer], first: World) -> None:
        self._model = model
        self._noting = noting
        self._taking = taking
        self._doers = {each.subject: each for each in doers}
        self._first = first

    def found(
        self, parts: Sequence[Moves], last: LastAct | None = None
    ) -> tuple[Moves, tuple[Moves, ...], World] | None:
        """Do the acts of all parts: return all in an order in which each goes, those of each part as they were done
        there (under another name where the same was done before), and what they lead to. None where there is no such
        order, or none of which this is the `last` act.
        """
        dead: set[tuple[int, ...]] = set()
        every = tuple(map(len, parts))

        def go(world: World, at: tuple[int, ...], done: Moves, own: tuple[Moves, ...]) -> Any:
            if at == every:
                return (done, own, world) if last is None or not done or last == last_act(done[-1]) else None
            if at in dead:
                return None
            for number, moves in enumerate(parts):
                if at[number] == len(moves) or not _may_follow(done, moves[at[number]]):
                    continue
                names = _names(moves[: at[number]], own[number])
                move = self._again(world, moves[at[number]], done, names)
                after = None if move is None else self._moved(world, move)
                if move is not None and after is not None:
                    further = (*at[:number], at[number] + 1, *at[number + 1 :])
                    did = (*own[:number], (*own[number], move), *own[number + 1 :])
                    found = go(after, further, (*done, move), did)
                    if found is not None:
                        return found
            dead.add(at)
            return None

        found: tuple[Moves, tuple[Moves, ...], World] | None = go(
            self._first, (0,) * len(parts), (), ((),) * len(parts)
        )
        return found

    def _again(self, world: World, move: ActMove, done: Moves, names: Mapping[str, str]) -> ActMove | None:
        """Return an act as it may be done here: as it was done, or under another name what was done before."""
        earlier = tuple(each.operation_id for each in done if kind(each) == kind(move))
        base = base_of(move.operation_id)
        is_other = bool(names) or move.operation_id != f"{base}-0" or any(base_of(each) == base for each in earlier)
        action = self._model.action(move.asked.action, move.asked.resource[0])
        asked, arguments = move.asked, move.arguments
        given = {record.id for _, _, record in move.provided}
        context = tuple((key, _renamed(value, names)) for key, value in asked.context if value not in given)
        resource = (asked.resource[0], _renamed(asked.resource[1], names))
        again = Asked(asked.subject, asked.action, resource, context, asked.caller)
        doer = self._doers[asked.subject]
        found = self._noting.again(world, move.at, doer, again, action, _renamed(arguments, names), earlier)
        if found is None or is_other:
            return found
        return found if found.operation_id == move.operation_id and found.what == move.what else None

    def _moved(self, world: World, move: ActMove) -> World | None:
        written = move.writing.on(world)
        if written is None or not written.after:
            return None
        after = world.moved(written)
        return after if self._taking.takes(world, move, written, after) else None


def _may_follow(done: Moves, move: ActMove) -> bool:
    """Tell whether time has not passed already that passes behind an act."""
    return not done or done[-1].at <= move.at


def kind(move: ActMove) -> tuple[str, str, str]:
    """Who did what kind of thing."""
    return move.asked.subject, move.asked.action, move.asked.resource[0]


def last_act(move: ActMove) -> LastAct:
    """Who did what, as a goal asks for it."""
    return move.asked.subject, move.asked.action


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
