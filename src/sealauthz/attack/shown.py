"""What is shown for an act and serves nothing there, whatever else is done.

A face check that was passed for another grant does not confirm this one. That the grant may still be confirmed by a
letter has nothing to do with the check: with it and without it, the same would be answered.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sealauthz.attack.acting import Acting
from sealauthz.attack.moves import Asked
from sealauthz.attack.reads import Relevance
from sealauthz.attack.touching import Event, Footprint, Trace
from sealauthz.attack.traced import reading
from sealauthz.attack.world import World
from sealauthz.decision import Bundle
from sealauthz.decision.assembly import Case
from sealauthz.errors import EvaluationFailed, InvalidRequest
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.syntax import RuleNode
from sealauthz.schema import Instant

_MEETS = "meets__alone_"
"""What a rule is called that is asked by itself, before its number."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What asks each rule that reads a key; `is_found` where one reads what the server finds as well."""

    askers: tuple[Callable[[Any], Any], ...]
    is_found: bool


@dataclass(frozen=True, slots=True)
class Idle:
    """What is shown under one key of an act on a resource, and serves nothing there. It rests on `shown_it` that no
    rule that reads the key holds with it, and on `without` that none does where nothing is shown.
    """

    resource: tuple[str, str]
    record: tuple[str, str]
    shown_it: Trace
    without: Trace

    def is_apart(self, footprints: Sequence[Footprint]) -> bool:
        """Tell whether what is shown came by one part and the resource by another one, and nobody else alters anything
        of it. Then the act is asked without it where that part is not done; and with it as soon as both are.
        """
        of_it = [each for each in footprints if self.record in each.made]
        of_resource = [each for each in footprints if self.resource in each.made]
        if len(of_it) != 1 or len(of_resource) != 1 or of_it == of_resource:
            return False
        others = [each for each in footprints if each is not of_it[0] and each is not of_resource[0]]
        return not (
            any(each.may_be_noticed_by(self.shown_it) for each in others)
            or any(each.may_be_noticed_by(self.without) for each in (*others, *of_it))
        )


class Shown:
    """Asks the rules that read a key of an act, each by itself."""

    def __init__(self, bundle: Bundle, relevance: Relevance, acting: Acting) -> None:
        self._bundle = bundle
        self._model = bundle.model
        self._relevance = relevance
        self._acting = acting
        self._known: dict[tuple[str, str, str], _Reading | None] = {}

    def serves(self, world: World, now: Instant, asked: Asked, key: str) -> tuple[bool, list[Event]]:
        """Tell whether a rule that reads a key may hold for an act, and what was read to find that out."""
        reading_it = self._reading(asked.action, asked.resource[0], key)
        if reading_it is None:
            return True, []
        question = asked.question(self._model.subjects[0])
        with reading() as events, suppress(EvaluationFailed, InvalidRequest):
            case = self._acting.evaluation(world, now, asked).case(question)
            if isinstance(case, Case):
                plan = self._acting.plan(question)
                if not reading_it.is_found:
                    events.clear()
                return any(ask(plan.begin(case)) for ask in reading_it.askers), events
        return True, events

    def _reading(self, action: str, resource_type: str, key: str) -> _Reading | None:
        """Return what asks each rule that reads a key; None where it decides otherwise, too."""
        about = (action, resource_type, key)
        if about not in self._known:
            self._known[about] = self._asking(*about)
        return self._known[about]

    def _asking(self, action: str, resource_type: str, key: str) -> _Reading | None:
        relevance, engine = self._relevance, self._rules_alone
        names = relevance.names_for_key(key, action, resource_type)
        declared = self._model.action(action, resource_type)
        resource, context = self._model.records[resource_type], declared.context
        found = relevance.found_by_server(declared)
        askers, is_found = [], False
        for subject in (self._model.records[each] for each in self._model.subjects):
            if not names.isdisjoint(relevance.names_of("visible", subject, resource, context)):
                return None
            for requirement in self._bundle.rulebook.requirements.get((action, resource_type), ()):
                likes = (requirement, action, resource, context)
                if not names.isdisjoint(relevance.names_of("waived", *likes)):
                    return None
                if names.isdisjoint(relevance.names_of("meets", subject, *likes)):
                    continue
                for name in self._names_alone:
                    rule = self._names_alone[name]
                    of = (rule.parameters[1].literal, rule.parameters[2].literal)
                    if of[0] not in (None, requirement) or of[1] not in (None, action):
                        continue
                    mentioned = engine.mentioned(name, subject, *likes)
                    if not names.isdisjoint(mentioned):
                        askers.append(engine.asker(name, subject, *likes))
                        is_found = is_found or not found.isdisjoint(mentioned)
        return _Reading(tuple(askers), is_found)

    @cached_property
    def _names_alone(self) -> Mapping[str, RuleNode]:
        """The rules that meet requirements, each under a name of its own."""
        rules = (each for each in self._bundle.statements if isinstance(each, RuleNode) and each.name == "meets")
        return {f"{_MEETS}{number}": rule for number, rule in enumerate(rules)}

    @cached_property
    def _rules_alone(self) -> CompiledEngine:
        """An engine of the bundle that knows these names as well."""
        engine = self._bundle.engine
        if not isinstance(engine, CompiledEngine):
            raise TypeError("only the compiled engine knows what its functions read")
        alone = [dataclasses.replace(rule, name=name) for name, rule in self._names_alone.items()]
        return engine.reloaded([*self._bundle.statements, *alone])
