"""Answers from a decision point in this process, asked like `SealAuthzClient`."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from sealauthz.decision import Entity, PolicyDecisionPoint, Question, RequestOptions
from sealauthz.decision.listing import ListPage as FoundPage
from sealauthz.decision.paging import Paging
from sealauthz.decision.question import ListQuery
from sealauthz.polar.reach import Root
from sealauthz.runtime.errors import OperationUnknown
from sealauthz_client import answers
from sealauthz_client.answers import ConditionalItem, ConditionalPage, Decision, Explanation, ListPage, moment

if TYPE_CHECKING:
    from sealauthz.operations import Operation, Operations
    from sealauthz.operations.progress import ShownStage
    from sealauthz_client import ArgumentValue, ContextValue
    from sealauthz_client.assertions import Signer

Context: TypeAlias = "Mapping[str, ContextValue]"

CLI_OPTIONS = _OPTIONS = RequestOptions(caller="cli")


@dataclass(frozen=True, slots=True)
class Acting:
    """What carries acts out, and what signs for the persons who act here."""

    operations: Operations
    signer: Signer


@dataclass(frozen=True, slots=True)
class InProcess:
    """The calls of the client that commands use. No rights are checked.

    Other options of the client are ignored: here the facts are always the newest.
    """

    pdp: PolicyDecisionPoint
    acting: Callable[[], Acting]
    """Returns what commands need that act or look at acts, the same each time."""

    def authorize(
        self, subject: str, action: str, resource: str, context: Context, language: str = "", **_: object
    ) -> Decision:
        """Decide one question."""
        question = Question(_entity(subject), action, _entity(resource), _given(context))
        return self.pdp.decide(question, _OPTIONS).answer(language)

    def perform(
        self,
        subject: str,
        action: str,
        resource: str,
        context: Context,
        arguments: Mapping[str, ArgumentValue],
        request_id: str,
        language: str = "",
        **_: object,
    ) -> answers.Performed:
        """Carry an act out, if it is allowed."""
        from sealauthz.operations import Performance  # here, because few commands act

        acting = self.acting()
        question = Question(_entity(subject), action, _entity(resource), _given(context))
        given = {name: _numbered(value) for name, value in arguments.items()}
        performance = Performance(question, request_id, given)
        performance = replace(performance, assertion=acting.signer.sign(subject, performance.digest))
        performed = acting.operations.perform(performance, _OPTIONS)
        operation = None if performed.operation is None else _operation_answer(performed.operation)
        return answers.Performed(performed.decision.answer(language), operation, request_id, performed.is_replay)

    def operation(self, operation_id: str) -> answers.Operation:
        """Return what was performed here. Raises OperationUnknown."""
        found = self.acting().operations.operation(operation_id, _OPTIONS)
        if found is None:
            raise OperationUnknown("no operation of this id was performed here")
        return _operation_answer(found)

    def progress(self, subject: str, resource: str, language: str = "", **_: object) -> answers.Progress:
        """Tell how far something is, to a subject who may look."""
        found = self.acting().operations.progress(_entity(subject), _entity(resource), _OPTIONS)
        return answers.Progress(
            found.decision.answer(language),
            tuple(map(_stage_answer, found.stages)),
            {decision.question.action: decision.answer(language) for decision in found.actions},
        )

    def explain(
        self, subject: str, action: str, resource: str, context: Context, language: str = "", **_: object
    ) -> Explanation:
        """Decide one question and tell the rules."""
        question = Question(_entity(subject), action, _entity(resource), _given(context))
        return self.pdp.explain(question, _OPTIONS).answer(language)

    def list_actions(
        self, subject: str, resource: str, context: Context, language: str = "", **_: object
    ) -> dict[str, Decision]:
        """Decide every action of the resource's type."""
        decisions = self.pdp.actions(_entity(subject), _entity(resource), _given(context), _OPTIONS)
        return {decision.question.action: decision.answer(language) for decision in decisions}

    def list_actions_except(
        self, subject: str, resource: str, except_requirements: Sequence[str], context: Context, **_: object
    ) -> tuple[ConditionalItem, ...]:
        """Tell which actions would be allowed but for requirements."""
        found = self.pdp.actions_except(
            _entity(subject), _entity(resource), except_requirements, _given(context), _OPTIONS
        )
        return found.items

    def resource_pages_except(
        self,
        subject: str,
        action: str,
        resource_type: str,
        except_requirements: Sequence[str],
        context: Context,
        page_size: int = 0,
        **_: object,
    ) -> Iterator[ConditionalPage]:
        """List the resources on which the subject might act but for requirements, page by page."""
        query = ListQuery(
            Root.SUBJECT, _entity(subject), action, resource_type, _given(context), tuple(except_requirements)
        )
        return (page.conditional_answer() for page in self._pages(query, page_size))

    def subject_pages_except(
        self,
        subject_type: str,
        action: str,
        resource: str,
        except_requirements: Sequence[str],
        context: Context,
        page_size: int = 0,
        **_: object,
    ) -> Iterator[ConditionalPage]:
        """List who might act on the resource but for requirements, page by page."""
        query = ListQuery(
            Root.RESOURCE, _entity(resource), action, subject_type, _given(context), tuple(except_requirements)
        )
        return (page.conditional_answer() for page in self._pages(query, page_size))

    def resource_pages(
        self, subject: str, action: str, resource_type: str, context: Context, page_size: int = 0, **_: object
    ) -> Iterator[ListPage]:
        """List the resources of a type on which the subject may act, page by page."""
        query = ListQuery(Root.SUBJECT, _entity(subject), action, resource_type, _given(context))
        return (page.answer() for page in self._pages(query, page_size))

    def subject_pages(
        self, subject_type: str, action: str, resource: str, context: Context, page_size: int = 0, **_: object
    ) -> Iterator[ListPage]:
        """List who may act on the resource, page by page."""
        query = ListQuery(Root.RESOURCE, _entity(resource), action, subject_type, _given(context))
        return (page.answer() for page in self._pages(query, page_size))

    def _pages(self, query: ListQuery, page_size: int) -> Iterator[FoundPage]:
        token, is_complete = "", False
        while not is_complete:
            page = self.pdp.list_page(query, Paging(page_size, token), _OPTIONS)
            yield page
            token, is_complete = page.next_page_token, page.is_complete


def question_of(subject: str, action: str, resource: str, context: Context) -> Question:
    """Return a question as options name its parts."""
    return Question(_entity(subject), action, _entity(resource), _given(context))


def _given(context: Context) -> dict[str, str | int | bool]:
    """Return a context with its instants as numbers of microseconds."""
    return {key: _numbered(value) for key, value in context.items()}


def _entity(text: str) -> Entity:
    record_type, _, record_id = text.partition(":")
    return Entity(record_type, record_id)


def _numbered(value: ArgumentValue) -> Any:
    """Return an argument with its instants as numbers of microseconds."""
    if isinstance(value, datetime.datetime):
        return (value - moment(0)) // datetime.timedelta(microseconds=1)
    if isinstance(value, Mapping):
        return {name: _numbered(part) for name, part in value.items()}
    if isinstance(value, str | int):
        return value
    return [_numbered(item) for item in value]


def _operation_answer(operation: Operation) -> answers.Operation:
    return answers.Operation(
        operation_id=operation.operation_id,
        caller=operation.caller,
        request_id=operation.request_id,
        subject=str(operation.subject),
        action=operation.action,
        resource=str(operation.resource),
        revision=operation.revision,
        revision_token="",
        performed_at=moment(operation.at),
        values={name: _named(name, value) for name, value in operation.values.items()},
        receipt=operation.receipt,
    )


def _named(name: str, value: str | int | bool) -> answers.NamedValue:
    is_instant = isinstance(value, int) and not isinstance(value, bool) and name.endswith(("_at", "_until"))
    return moment(value) if is_instant else value  # type: ignore[arg-type]


def _stage_answer(shown: ShownStage) -> answers.Stage:
    stage = shown.stage
    return answers.Stage(
        stage.code,
        str(stage.state),
        answers.moment(stage.at) if stage.at else None,
        answers.moment(stage.until) if stage.until else None,
        shown.actors,
        stage.values,
    )
