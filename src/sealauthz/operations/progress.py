"""How far something is, for a person who may see it: the stages, whose turn it is, and what that person can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sealauthz.decision.assembly import Case, RequestOptions
from sealauthz.decision.decision import Decision
from sealauthz.decision.paging import Paging
from sealauthz.decision.pdp import PolicyDecisionPoint
from sealauthz.decision.question import Entity, ListQuery, Question
from sealauthz.facts.memory.consistency import Consistency
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.polar.reach import Root
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.schema import Model
from sealauthz.schema.progress import ProgressInput, Stage, StageState

_MOST_ACTORS = 20


@dataclass(frozen=True, slots=True)
class ShownStage:
    """A stage as it is shown: `actors` are those whose turn it is, as far as they may be shown, masked.

    Its value `waits_for_nobody` is 1 where nobody may do now what it waits for, and the stage reports that.
    """

    stage: Stage
    actors: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """The stages in their order, and the decision on every act on the record. Falsy where looking is denied."""

    decision: Decision
    stages: tuple[ShownStage, ...] = ()
    actions: tuple[Decision, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.decision)


def progress_of(
    model: Model, pdp: PolicyDecisionPoint, subject: Entity, resource: Entity, options: RequestOptions
) -> Progress:
    """Return how far a record is, if the subject may see that.

    Raises InvalidRequest for a type that has no timeline, and what decisions raise.
    """
    timeline = model.timelines.get(resource.type)
    if timeline is None:
        known = ", ".join(f"`{name}`" for name in sorted(model.timelines))
        raise InvalidRequest.at("resource.type", f"has no progress to show: {known} have")
    question = Question(subject, model.progress_action, resource)

    def follow(case: Case, _decision: Decision, snapshot: FactSnapshot) -> tuple[Stage, ...]:
        return timeline(ProgressInput(case.resource, case.context.now, case.context.parameters, snapshot))

    decision, stages, _ = pdp.decide_to_act(question, follow, options)
    if not decision or stages is None:
        return Progress(decision)
    # What follows is of these facts or newer ones: who waits is looked up, and may have changed since.
    later = replace(options, consistency=Consistency(decision.revision, decision.timeline))
    shown = tuple(_shown(model, pdp, subject, resource, stage, later) for stage in stages)
    actions = pdp.actions(subject, resource, options=later)
    return Progress(decision, shown, tuple(each for each in actions if each.question.action != question.action))


def _shown(
    model: Model, pdp: PolicyDecisionPoint, subject: Entity, resource: Entity, stage: Stage, options: RequestOptions
) -> ShownStage:
    if stage.state is not StageState.NOW:
        return ShownStage(stage)
    ids: dict[str, None] = {}
    for action in stage.waits_for:
        query = ListQuery(Root.RESOURCE, resource, action, subject.type)
        ids |= dict.fromkeys(pdp.list_page(query, Paging(_MOST_ACTORS), options).ids)
    if stage.reports_nobody and not ids:
        stage = replace(stage, values={**stage.values, "waits_for_nobody": 1})
    ids.pop(subject.id, None)
    return ShownStage(stage, pdp.shown_of(subject.type, tuple(ids), options))
