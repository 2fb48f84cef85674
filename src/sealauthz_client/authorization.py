"""The calls that ask: decisions, explanations and lists; and how fresh the facts must be that answer them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sealauthz_client import messages
from sealauthz_client.answers import ConditionalItem, ConditionalPage, Decision, Explanation, ListPage
from sealauthz_client.calls import Call, Pages, Repeats, Rpc
from sealauthz_client.messages import ContextValue, NoAnswer, Question
from sealauthz_client.requests import build
from sealauthz_client.v1 import authorization_pb2

AnyPage = TypeVar("AnyPage", ListPage, ConditionalPage)

NEWEST = authorization_pb2.Consistency(fully_consistent=True)
"""Facts that include everything committed before the call."""


def at_least(revision_token: str) -> authorization_pb2.Consistency:
    """Return how to ask for facts that include a revision, such as that of a write (`Written.revision_token`)."""
    return build(authorization_pb2.Consistency, at_least_as_fresh=revision_token)


_AUTHORIZE = Rpc(authorization_pb2.AuthorizeRequest, authorization_pb2.AuthorizeResponse, Repeats.READS)
_AUTHORIZE_BATCH = Rpc(authorization_pb2.AuthorizeBatchRequest, authorization_pb2.AuthorizeBatchResponse, Repeats.READS)
_LIST_ACTIONS = Rpc(authorization_pb2.ListActionsRequest, authorization_pb2.ListActionsResponse, Repeats.READS)
_EXPLAIN = Rpc(authorization_pb2.ExplainRequest, authorization_pb2.ExplainResponse, Repeats.READS_MUCH)


@dataclass(frozen=True)
class _Listing:
    """A list that the service makes: its rpc, and how its fields name what is `given` and what is `found`."""

    rpc: Rpc[Any]
    given: str
    found: str

    def page(self, given: str, found_type: str, fields: Mapping[str, Any], timeout_s: float | None) -> Call[ListPage]:
        """Return the call of one page of what is allowed."""
        ids = f"{self.found}_ids"
        request = self._request(given, found_type, fields, ())
        return self.rpc.call(request, lambda reply: messages.list_page_from(reply, getattr(reply, ids)), timeout_s)

    def page_except(
        self,
        given: str,
        found_type: str,
        exceptions: Sequence[str],
        fields: Mapping[str, Any],
        timeout_s: float | None,
    ) -> Call[ConditionalPage]:
        """Return the call of one page of what is allowed but for requirements."""
        items = f"conditional_{self.found}s"
        request = self._request(given, found_type, fields, _exceptions(exceptions))
        return self.rpc.call(
            request, lambda reply: messages.conditional_page_from(reply, getattr(reply, items), exceptions), timeout_s
        )

    def _request(self, given: str, found_type: str, fields: Mapping[str, Any], exceptions: Sequence[str]) -> Any:
        ends = {self.given: given, f"{self.found}_type": found_type}
        return build(self.rpc.request, **ends, **fields, except_requirements=exceptions)


_RESOURCES = _Listing(
    Rpc(authorization_pb2.ListResourcesRequest, authorization_pb2.ListResourcesResponse, Repeats.READS_MUCH),
    given="subject",
    found="resource",
)
_SUBJECTS = _Listing(
    Rpc(authorization_pb2.ListSubjectsRequest, authorization_pb2.ListSubjectsResponse, Repeats.READS_MUCH),
    given="resource",
    found="subject",
)


def authorize(
    subject: str,
    action: str,
    resource: str,
    context: Mapping[str, ContextValue] | None = None,
    *,
    language: str = "",
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Call[Decision]:
    """Decide one question. `subject` and `resource` are `Type:id`; `language` asks for texts (`en`, `zh`)."""
    request = build(
        authorization_pb2.AuthorizeRequest,
        subject=subject,
        action=action,
        resource=resource,
        context=context,
        language=language,
        consistency=consistency,
    )
    return _AUTHORIZE.call(request, lambda reply: messages.decision_from(reply.decision), timeout_s)


def authorize_batch(
    questions: Iterable[Question | authorization_pb2.Question],
    *,
    language: str = "",
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Call[list[Decision | NoAnswer]]:
    """Decide up to 1,000 questions at one revision; the answers come in the order of the questions."""
    request = build(
        authorization_pb2.AuthorizeBatchRequest,
        questions=questions,
        language=language,
        consistency=consistency,
    )
    return _AUTHORIZE_BATCH.call(
        request,
        lambda reply: [
            messages.decision_from(item.decision) if item.HasField("decision") else messages.no_answer_from(item.status)
            for item in reply.items
        ],
        timeout_s,
    )


def list_actions(
    subject: str,
    resource: str,
    context: Mapping[str, ContextValue] | None = None,
    *,
    language: str = "",
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Call[dict[str, Decision]]:
    """Decide every action of the resource's type; by action, in the order of the policies."""
    request = build(
        authorization_pb2.ListActionsRequest,
        subject=subject,
        resource=resource,
        context=context,
        language=language,
        consistency=consistency,
    )
    return _LIST_ACTIONS.call(
        request, lambda reply: {item.action: messages.decision_from(item.decision) for item in reply.actions}, timeout_s
    )


def list_actions_except(
    subject: str,
    resource: str,
    except_requirements: Sequence[str],
    context: Mapping[str, ContextValue] | None = None,
    *,
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Call[tuple[ConditionalItem, ...]]:
    """Tell which actions are allowed, or would be if these requirements alone were met. Permits nothing.

    Raises ValueError without a requirement, and CallFailed (INVALID_ARGUMENT) for one that no action has.
    """
    request = build(
        authorization_pb2.ListActionsRequest,
        subject=subject,
        resource=resource,
        context=context,
        consistency=consistency,
        except_requirements=_exceptions(except_requirements),
    )
    return _LIST_ACTIONS.call(
        request, lambda reply: messages.conditional_items_from(reply.conditional_actions), timeout_s
    )


def explain(
    subject: str,
    action: str,
    resource: str,
    context: Mapping[str, ContextValue] | None = None,
    *,
    language: str = "",
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Call[Explanation]:
    """Decide one question, and name the rules that matter and the conditions that stopped them."""
    request = build(
        authorization_pb2.ExplainRequest,
        subject=subject,
        action=action,
        resource=resource,
        context=context,
        language=language,
        consistency=consistency,
    )
    return _EXPLAIN.call(request, lambda reply: messages.explanation_from(reply.explanation), timeout_s)


def list_resources(
    subject: str,
    action: str,
    resource_type: str,
    context: Mapping[str, ContextValue] | None = None,
    *,
    page_size: int = 0,
    page_token: str = "",
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Call[ListPage]:
    """List one page of the resources of a type on which the subject may do the action.

    `consistency` is that of the first page; the others are of the same revision.
    """
    fields = _page_fields(action, context, page_size, page_token, consistency)
    return _RESOURCES.page(subject, resource_type, fields, timeout_s)


def list_subjects(
    subject_type: str,
    action: str,
    resource: str,
    context: Mapping[str, ContextValue] | None = None,
    *,
    page_size: int = 0,
    page_token: str = "",
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Call[ListPage]:
    """List one page of those who may do the action to the resource. `subject_type` is `Person`."""
    fields = _page_fields(action, context, page_size, page_token, consistency)
    return _SUBJECTS.page(resource, subject_type, fields, timeout_s)


def list_resources_except(
    subject: str,
    action: str,
    resource_type: str,
    except_requirements: Sequence[str],
    context: Mapping[str, ContextValue] | None = None,
    *,
    page_size: int = 0,
    page_token: str = "",
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Call[ConditionalPage]:
    """List one page of the resources on which the action is allowed, or would be if these requirements were met:
    the seals that a person could use but for the face check. It permits nothing; ask `authorize` before acting.

    Raises ValueError without a requirement, and CallFailed (INVALID_ARGUMENT) for one that the action has not.
    """
    fields = _page_fields(action, context, page_size, page_token, consistency)
    return _RESOURCES.page_except(subject, resource_type, except_requirements, fields, timeout_s)


def list_subjects_except(
    subject_type: str,
    action: str,
    resource: str,
    except_requirements: Sequence[str],
    context: Mapping[str, ContextValue] | None = None,
    *,
    page_size: int = 0,
    page_token: str = "",
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Call[ConditionalPage]:
    """List one page of those to whom the action is allowed, or would be if these requirements alone were met.

    It permits nothing, and raises as `list_resources_except` does.
    """
    fields = _page_fields(action, context, page_size, page_token, consistency)
    return _SUBJECTS.page_except(resource, subject_type, except_requirements, fields, timeout_s)


def resource_pages_except(
    subject: str,
    action: str,
    resource_type: str,
    except_requirements: Sequence[str],
    context: Mapping[str, ContextValue] | None = None,
    *,
    page_size: int = 0,
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Pages[ConditionalPage, ConditionalPage]:
    """List page after page of `list_resources_except`; raises CallFailed as `resource_pages` does."""
    page_at = partial(list_resources_except, subject, action, resource_type, except_requirements, context)
    return _all_pages(partial(page_at, page_size=page_size, consistency=consistency, timeout_s=timeout_s))


def subject_pages_except(
    subject_type: str,
    action: str,
    resource: str,
    except_requirements: Sequence[str],
    context: Mapping[str, ContextValue] | None = None,
    *,
    page_size: int = 0,
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Pages[ConditionalPage, ConditionalPage]:
    """List page after page of `list_subjects_except`; raises CallFailed as `resource_pages` does."""
    page_at = partial(list_subjects_except, subject_type, action, resource, except_requirements, context)
    return _all_pages(partial(page_at, page_size=page_size, consistency=consistency, timeout_s=timeout_s))


def resource_pages(
    subject: str,
    action: str,
    resource_type: str,
    context: Mapping[str, ContextValue] | None = None,
    *,
    page_size: int = 0,
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Pages[ListPage, ListPage]:
    """List page after page, each within `timeout_s`.

    Raises CallFailed with ABORTED once facts or policies have changed under it: the ids so far are of another
    revision than those that would follow. Drop them and begin again.
    """

    page_at = partial(list_resources, subject, action, resource_type, context)
    return _all_pages(partial(page_at, page_size=page_size, consistency=consistency, timeout_s=timeout_s))


def subject_pages(
    subject_type: str,
    action: str,
    resource: str,
    context: Mapping[str, ContextValue] | None = None,
    *,
    page_size: int = 0,
    consistency: authorization_pb2.Consistency | None = None,
    timeout_s: float | None = None,
) -> Pages[ListPage, ListPage]:
    """List page after page, each within `timeout_s`; raises CallFailed as `resource_pages` does."""

    page_at = partial(list_subjects, subject_type, action, resource, context)
    return _all_pages(partial(page_at, page_size=page_size, consistency=consistency, timeout_s=timeout_s))


def _page_fields(
    action: str,
    context: Mapping[str, ContextValue] | None,
    page_size: int,
    page_token: str,
    consistency: authorization_pb2.Consistency | None,
) -> dict[str, Any]:
    """Return what every request for a page of a list holds beside what is known and what is looked for."""
    return {
        "action": action,
        "context": context,
        "page_size": page_size,
        "page_token": page_token,
        "consistency": consistency,
    }


def _exceptions(requirements: Sequence[str]) -> Sequence[str]:
    """Return the requirements to except. Raises ValueError where there are none."""
    if isinstance(requirements, Sized) and not requirements:
        raise ValueError("except_requirements must name one requirement at least")
    return requirements


def _all_pages(page_at: Callable[..., Call[AnyPage]]) -> Pages[AnyPage, AnyPage]:
    """Return page after page, up to the one that is complete."""
    return Pages(
        first=page_at(page_token=""),
        following=lambda page: None if page.is_complete else page_at(page_token=page.next_page_token),
        items=lambda page: (page,),
    )
