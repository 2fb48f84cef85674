"""Trying acts in a world: decided by the real policies, carried out by the real effects, and never written anywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.attack.moves import ActMove, Asked
from sealauthz.attack.reads import Relevance
from sealauthz.attack.world import World, Written
from sealauthz.decision import Bundle
from sealauthz.decision.assembly import Case, RequestOptions, everything
from sealauthz.decision.catalog import ReasonCatalog
from sealauthz.decision.evaluation import Evaluation
from sealauthz.errors import EvaluationFailed, FactConflict, InvalidRequest, InvariantBroken, SealAuthzError, Violation
from sealauthz.operations.arguments import check_named, read_arguments
from sealauthz.operations.following import followed, named_by
from sealauthz.schema import Act, Instant, Put, RecordChange
from sealauthz.schema.effect import merged

Given = tuple[tuple[str, str, Any], ...]
"""What was provided: whose it is, what was done, and the record."""


_MOST_VERDICTS = 1_000_000
"""How many verdicts are kept at most; then all are forgotten."""


_MOST_OUTCOMES = 200_000
"""The same of what acts would change."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an act is allowed: then `asked` is the act with what was `provided` for it in its context. Else `unmet`
    are the requirements that nothing settles.
    """

    asked: Asked
    is_allowed: bool
    unmet: tuple[str, ...] = ()
    provided: Given = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an allowed act cannot be carried out with these arguments: the fields, and what is said of each."""

    violations: tuple[Violation, ...] = ()


class Acting:
    """Decides and carries out acts in worlds. `may_provide` are the people who pass checks of their own."""

    def __init__(self, bundle: Bundle, relevance: Relevance) -> None:
        self._bundle = bundle
        self._model = bundle.model
        self._catalog = ReasonCatalog(bundle)
        self._subject_type = bundle.model.subjects[0]
        self._relevance = relevance
        self._verdicts: dict[Any, Verdict] = {}
        self.decided = 0
        """How many acts were decided by the policies."""
        self.remembered = 0
        """How many more were answered by an earlier decision on facts that are the same to it."""
        self._outcomes: dict[Any, ActMove | Refused] = {}
        self._steps = _requirements_with_steps(bundle)

    def verdict(self, world: World, now: Instant, asked: Asked, may_provide: frozenset[str]) -> Verdict:
        """Decide an act; what somebody outside gives to one of these people, they get."""
        reads = self._relevance.reads(asked.action, asked.resource[0])
        key = (asked, now, may_provide, world.as_seen_by(reads))
        found = self._verdicts.get(key)
        if found is not None:
            self.remembered += 1
            return found
        if len(self._verdicts) >= _MOST_VERDICTS:
            self._verdicts.clear()
        self.decided += 1
        found = self._verdicts[key] = self._verdict(world, now, asked, may_provide)
        return found

    def _verdict(self, world: World, now: Instant, asked: Asked, may_provide: frozenset[str]) -> Verdict:
        provided: Given = ()
        for _ in range(len(self._model.provided) + 1):
            evaluation = self._evaluation(world, now, asked)
            question = asked.question(self._subject_type)
            try:
                case = evaluation.case(question)
                if not isinstance(case, Case):
                    return Verdict(asked, False, ("",))
                plan = self._catalog.plan(question)
                work = plan.begin(case)
                if plan.allow(work):
                    return Verdict(asked, True, (), provided)
                unmet = tuple(evaluation.unmet(plan, work))
                if not unmet or not self._steps.issuperset(unmet):
                    return Verdict(asked, False, unmet or ("",))
                decision = evaluation.evaluate(case, plan)
                given = self._given(world, now, case, decision.next_steps, asked, may_provide)
            except (EvaluationFailed, InvalidRequest):
                return Verdict(asked, False, ("",))
            if not given:
                return Verdict(asked, False, unmet)
            key, whose, says, record = given
            provided = (*provided, (whose, says, record))
            world = world.with_records([record])
            asked = asked.with_context(key, record.id)
        return Verdict(asked, False, ("",))

    def _given(
        self, world: World, now: Instant, case: Case, steps: Any, asked: Asked, may_provide: Collection[str]
    ) -> tuple[str, str, str, Any] | None:
        """Return what somebody outside gives for a denied act: the key, whose it is, what was done, and the record."""
        have = dict(asked.context)
        for step in steps:
            provided = self._model.provided.get(step.code)
            if provided is None or provided.key in have:
                continue
            whose = provided.whose(case.subject, case.resource, case.context)
            if whose is None or whose not in may_provide:
                continue
            named = {name: str(value) for name, value in step.parameters.items()}
            said = json.dumps([step.code, whose, sorted(named.items()), now])
            base = hashlib.sha256(said.encode()).hexdigest()[:12]
            number = 0
            while True:
                try:
                    record = provided.made(f"given-{base}-{number}", whose, named, now)
                except (KeyError, ValueError):
                    return None
                if (type(record).__name__, record.id) not in world:
                    return provided.key, whose, provided.says, record
                number += 1
        return None

    def outcome(
        self, world: World, now: Instant, verdict: Verdict, arguments: Mapping[str, Any], operation_id: str
    ) -> ActMove | Refused:
        """Carry an allowed act out with these arguments: the move that it is, or why it cannot be."""
        asked = verdict.asked
        seen = world.as_seen_by(self._relevance.performing(asked.action, asked.resource[0]))
        key = (asked, now, json.dumps(arguments, sort_keys=True), operation_id, seen)
        found = self._outcomes.get(key)
        if found is None:
            if len(self._outcomes) >= _MOST_OUTCOMES:
                self._outcomes.clear()
            found = self._outcomes[key] = self._outcome(world, now, verdict, arguments, operation_id)
        return found

    def _outcome(
        self, world: World, now: Instant, verdict: Verdict, given: Mapping[str, Any], operation_id: str
    ) -> ActMove | Refused:
        asked, model = verdict.asked, self._model
        records = [record for _, _, record in verdict.provided]
        if records:
            world = world.with_records(records)
        action = model.action(asked.action, asked.resource[0])
        if action.effect is None:
            return Refused()
        try:
            arguments = read_arguments(action.arguments, given)
            evaluation = self._evaluation(world, now, asked)
            question = asked.question(self._subject_type)
            case = evaluation.case(question)
            if not isinstance(case, Case):
                return Refused()
            decision = evaluation.evaluate(case, self._catalog.plan(question))
            if not decision:
                return Refused()
            snapshot = evaluation.snapshot
            check_named(model, action.arguments, arguments, snapshot, everything)
            named = named_by(decision)
            act = Act(case.subject, action.name, case.resource, case.context, arguments, named, snapshot, operation_id)
            follows = followed(model, act, action.effect(act))
            changes = merged([*map(Put, records), *follows.changes])
        except InvalidRequest as error:
            return Refused(error.violations)
        except (EvaluationFailed, FactConflict, InvariantBroken):
            return Refused()
        except (LookupError, TypeError, AttributeError, ValueError):
            # Policies that oblige to less than the effect rests on: an act that fails so changes nothing.
            return Refused()
        return ActMove(asked, given, verdict.provided, operation_id, changes)

    def written(self, world: World, changes: tuple[RecordChange, ...]) -> Written | None:
        """Return what changes would write in a world; None where they cannot be written."""
        try:
            return world.written(changes)
        except SealAuthzError:
            return None

    def _evaluation(self, world: World, now: Instant, asked: Asked) -> Evaluation:
        return Evaluation(self._catalog, world.snapshot(), now, RequestOptions(caller=asked.caller))


def _requirements_with_steps(bundle: Bundle) -> frozenset[str]:
    """The requirements of which a reason sends people to somebody outside who gives them something."""
    book, provided = bundle.rulebook, bundle.model.provided.keys()
    found = set()
    for requirement in book.otherwise:
        codes = {book.otherwise[requirement]}
        codes |= {str(rule.parameters[1].literal) for rule in book.because.get(requirement, ())}
        if any(step in provided for code in codes for step in book.reasons[code].next_steps):
            found.add(requirement)
    return frozenset(found)
