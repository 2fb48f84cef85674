"""Honest people who follow next steps: what they do is what a step asks of them that is shown to somebody who acts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.policytools.attack.acting import Acting
from sealauthz.policytools.attack.moves import ActMove, Asked
from sealauthz.policytools.attack.said import Said
from sealauthz.policytools.attack.world import World
from sealauthz.schema import Action, Instant

_MOST_CONTEXTS = 40
"""With how many contexts of one act on one record it is looked which steps are shown."""

_MOST = 100_000
"""How many answers are kept at most; then all are forgotten."""


class Following:
    """Tells which acts of honest people are asked for: by a next step that is shown to one of `askers`, about a record
    that their question, or the step, is about.
    """

    def __init__(self, bundle: Bundle, acting: Acting, said: Said, askers: tuple[str, ...]) -> None:
        self._model = bundle.model
        self._acting = acting
        self._said = said
        self._askers = askers
        self._steps: dict[tuple[str, str], set[str]] = {}
        """The steps that ask for an act."""
        for step, acts in self._model.step_acts.items():
            for act in acts:
                self._steps.setdefault(act, set()).add(step)
        book = bundle.rulebook
        self._shown = {
            key: book.steps_of(requirements, key[1])
            for key, requirements in book.requirements.items()
            if key in self._model.actions
        }
        self._known: dict[Any, bool] = {}

    def may_be_asked(self, action: Action) -> bool:
        """Tell whether any step asks for an action of other people."""
        return (action.name, action.resource) in self._steps

    def is_asked(self, world: World, now: Instant, move: ActMove) -> bool:
        """Tell whether somebody is shown a step that asks for an act."""
        asked = move.asked
        key = (asked.subject, asked.action, asked.resource, now, world.digest)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._known[key] = any(self._asking(world, now, move))
        return found

    def _asking(self, world: World, now: Instant, move: ActMove) -> Iterator[bool]:
        steps = self._steps.get((move.asked.action, move.asked.resource[0]), set())
        for key, shown in self._shown.items():
            if steps.isdisjoint(shown):
                continue
            for record_id in world.ids(key[1]):
                for asker in self._askers:
                    if asker != move.asked.subject:
                        for one in self._questions(world, now, key, record_id, asker):
                            yield self._asks(world, now, one, steps, move)

    def _questions(
        self, world: World, now: Instant, key: tuple[str, str], record_id: str, asker: str
    ) -> Iterator[Asked]:
        """Return what somebody may ask: with each key of the context by itself, then with several."""
        asked = Asked(asker, key[0], (key[1], record_id))
        keys = self._model.action(*key).keys
        seen: set[Asked] = set()
        for free in (*({each} for each in keys), keys):
            for one in itertools.islice(self._said.contexts(world, now, asked, frozenset(free)), _MOST_CONTEXTS):
                if one not in seen:
                    seen.add(one)
                    yield one

    def _asks(self, world: World, now: Instant, asked: Asked, steps: set[str], move: ActMove) -> bool:
        for step in self._acting.shown(world, now, asked):
            if step.code in steps:
                about = {asked.resource[1], *(str(value) for _, value in asked.context)}
                about |= {str(value) for value in step.parameters.values()}
                if self._concerns(world, move.asked.resource, about, asked.subject):
                    return True
        return False

    def _concerns(self, world: World, key: tuple[str, str], about: set[str], asker: str) -> bool:
        """Tell whether a record is one of those that are spoken of, names one of them or who asks, or names what is
        theirs who asks.
        """
        record_type, record_id = key
        if record_id in about:
            return True
        record = world.records[record_type][record_id]
        for column in self._model.shapes[record_type].columns:
            named = getattr(record, column.name)
            if column.ref is None or named is None:
                continue
            if named == asker or named in about or self._is_of(world, (column.ref, named), asker):
                return True
        return False

    def _is_of(self, world: World, key: tuple[str, str], person: str) -> bool:
        """Tell whether a record names a person."""
        record = world.records.get(key[0], {}).get(key[1])
        columns = self._model.shapes[key[0]].columns
        return record is not None and person in [
            getattr(record, each.name) for each in columns if each.ref in self._model.subjects
        ]
