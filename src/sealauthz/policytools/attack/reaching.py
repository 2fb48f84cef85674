"""Whether a goal is reached, asked once for all facts that are the same to it."""

from __future__ import annotations

from typing import Any

from sealauthz.policytools.attack.goals import Goal, Goals
from sealauthz.policytools.attack.moves import ActMove, Move
from sealauthz.policytools.attack.views import View
from sealauthz.policytools.attack.world import World
from sealauthz.runtime.errors import EvaluationFailed
from sealauthz.schema import Instant, Model

_MOST = 400_000
"""How many answers are kept at most; then all are forgotten."""


class Reaching:
    """Asks a goal of facts. Unless it remembers, it is asked each time."""

    def __init__(self, model: Model, goals: Goals, goal: Goal, *, remembers: bool) -> None:
        self._subject_type = model.subjects[0]
        self._goals = goals
        self._goal = goal
        self._view = View(goals.rests_on(goal)) if remembers else None
        self._known: dict[tuple[Any, ...], str] = {}

    def record(self, world: World, now: Instant, move: Move | None) -> str:
        """Return the record by which the goal is reached in a world that a move led to; empty where it is not."""
        who = (move.asked.subject, move.asked.action) if isinstance(move, ActMove) else ("", "")
        return self.asked(world, now, *who)

    def asked(self, world: World, now: Instant, subject: str, action: str) -> str:
        """Return the record by which the goal is reached in a world if somebody's act was the last one; empty where it
        is not. Both are empty where the last move was no act.
        """
        if self._view is None:
            return self._asked(world, now, subject, action)
        key = (world.as_seen_by(self._view), now, subject, action)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._known[key] = self._asked(world, now, subject, action)
        return found

    def _asked(self, world: World, now: Instant, subject: str, action: str) -> str:
        snapshot = world.snapshot()
        actor = snapshot.find(self._subject_type, subject) if subject else None
        context = self._goals.context(now, self._goal.now, actor, action)
        for record_type in self._goal.about:
            for record_id in world.ids(record_type):
                record = snapshot.find(record_type, record_id)
                try:
                    if record is not None and self._goals.is_reached(self._goal, record, context):
                        return f"{record_type}:{record_id}"
                except EvaluationFailed:
                    continue
        return ""
