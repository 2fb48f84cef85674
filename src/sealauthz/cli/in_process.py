"""Answers from a decision point in this process, asked like `SealAuthzClient`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sealauthz.answers import ConditionalItem, ConditionalPage, Decision, Explanation, ListPage
from sealauthz.decision import Entity, PolicyDecisionPoint, Question, RequestOptions
from sealauthz.decision.listing import ListPage as FoundPage
from sealauthz.decision.paging import Paging
from sealauthz.decision.question import ListQuery
from sealauthz.polar.reach import Root

Context = Mapping[str, str]

_OPTIONS = RequestOptions(caller="cli")


@dataclass(frozen=True, slots=True)
class InProcess:
    """The calls of the client that commands use. No rights are checked.

    Other options of the client are ignored: here the facts are always the newest.
    """

    pdp: PolicyDecisionPoint

    def authorize(
        self, subject: str, action: str, resource: str, context: Context, language: str = "", **_: object
    ) -> Decision:
        """Decide one question."""
        question = Question(_entity(subject), action, _entity(resource), context)
        return self.pdp.decide(question, _OPTIONS).answer(language)

    def explain(
        self, subject: str, action: str, resource: str, context: Context, language: str = "", **_: object
    ) -> Explanation:
        """Decide one question and tell the rules."""
        question = Question(_entity(subject), action, _entity(resource), context)
        return self.pdp.explain(question, _OPTIONS).answer(language)

    def list_actions(
        self, subject: str, resource: str, context: Context, language: str = "", **_: object
    ) -> dict[str, Decision]:
        """Decide every action of the resource's type."""
        decisions = self.pdp.actions(_entity(subject), _entity(resource), context, _OPTIONS)
        return {decision.question.action: decision.answer(language) for decision in decisions}

    def list_actions_except(
        self, subject: str, resource: str, except_requirements: Sequence[str], context: Context, **_: object
    ) -> tuple[ConditionalItem, ...]:
        """Tell which actions would be allowed but for requirements."""
        found = self.pdp.actions_except(_entity(subject), _entity(resource), except_requirements, context, _OPTIONS)
        return tuple(found)

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
        query = ListQuery(Root.SUBJECT, _entity(subject), action, resource_type, context, tuple(except_requirements))
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
        query = ListQuery(Root.RESOURCE, _entity(resource), action, subject_type, context, tuple(except_requirements))
        return (page.conditional_answer() for page in self._pages(query, page_size))

    def resource_pages(
        self, subject: str, action: str, resource_type: str, context: Context, page_size: int = 0, **_: object
    ) -> Iterator[ListPage]:
        """List the resources of a type on which the subject may act, page by page."""
        query = ListQuery(Root.SUBJECT, _entity(subject), action, resource_type, context)
        return (page.answer() for page in self._pages(query, page_size))

    def subject_pages(
        self, subject_type: str, action: str, resource: str, context: Context, page_size: int = 0, **_: object
    ) -> Iterator[ListPage]:
        """List who may act on the resource, page by page."""
        query = ListQuery(Root.RESOURCE, _entity(resource), action, subject_type, context)
        return (page.answer() for page in self._pages(query, page_size))

    def _pages(self, query: ListQuery, page_size: int) -> Iterator[FoundPage]:
        token, is_complete = "", False
        while not is_complete:
            page = self.pdp.list_page(query, Paging(page_size, token), _OPTIONS)
            yield page
            token, is_complete = page.next_page_token, page.is_complete


def _entity(text: str) -> Entity:
    record_type, _, record_id = text.partition(":")
    return Entity(record_type, record_id)
