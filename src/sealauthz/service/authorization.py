"""AuthorizationService: questions in, decisions out. Every malformed field of a question is named by its path."""

from __future__ import annotations

import time
from collections import Counter

from sealauthz.audit.recorder import Listed
from sealauthz.decision import PolicyDecisionPoint, RequestOptions
from sealauthz.decision.decision import Decision
from sealauthz.decision.listing import ListPage
from sealauthz.decision.paging import Paging
from sealauthz.decision.question import ListQuery, Question
from sealauthz.facts.memory.consistency import FROM_MEMORY, FULL, Consistency, Deadline
from sealauthz.facts.memory.permits import NotAtOnce, TooLongAtOnce
from sealauthz.observability.log import Log
from sealauthz.observability.metrics.meter import Meter, measuring
from sealauthz.polar.reach import Root
from sealauthz.runtime.errors import InvalidRequest, SealAuthzError, Violation
from sealauthz.service import encoding
from sealauthz.service.budget import MAX_QUESTIONS_AT_ONCE, Budget
from sealauthz.service.callers import Call
from sealauthz.service.fields import FieldViolations, check_store, token_from
from sealauthz.service.handling import write_incident
from sealauthz.service.questions import (
    checked_language,
    context_from,
    entity_from,
    may_see_of,
    note_decision,
    note_question,
    parts_from,
    question_from,
)
from sealauthz.service.recording import NOTHING_RECORDED, Recording
from sealauthz.service.responses import about_page, conditional_messages, explanation_message, fill_decision
from sealauthz.service.status import failure_of
from sealauthz_client.v1 import authorization_pb2, authorization_pb2_grpc

MAX_BATCH = 1_000
MAX_EXCEPTIONS = 32

AsksPage = authorization_pb2.ListResourcesRequest | authorization_pb2.ListSubjectsRequest
AsksWithTexts = (
    authorization_pb2.AuthorizeRequest
    | authorization_pb2.AuthorizeBatchRequest
    | authorization_pb2.ListActionsRequest
    | authorization_pb2.ExplainRequest
)


class AuthorizationServicer(authorization_pb2_grpc.AuthorizationServiceServicer):
    """Answers for one decision point. An error ends the call in the interceptor, or the item of a batch here."""

    def __init__(
        self,
        pdp: PolicyDecisionPoint,
        store_id: str,
        log: Log,
        meter: Meter | None = None,
        recording: Recording = NOTHING_RECORDED,
    ) -> None:
        self._pdp = pdp
        self._recording = recording
        self._store_id = store_id
        self._log = log
        self._budget = Budget()
        self._measured = measuring(meter)

    def Authorize(self, request: authorization_pb2.AuthorizeRequest, call: Call) -> bytes:
        """Decide one question. The response is written already, as a batch is (`service.encoding`)."""
        began = time.perf_counter_ns()
        question, language = question_from(request), checked_language(request.language)
        bundle, about = self._pdp.bundle, (question.action, question.resource.type)
        note_question(call, bundle, *about)
        is_first = self._recording.is_first(bundle, about)
        decision = self._decide(question, self._options(request, call))
        note_decision(call, decision)
        self._measured(decision)
        answer = encoding.response(decision, call.caller, self._store_id, language)
        self._recording.answered("Authorize", call, decision, began, is_first=is_first)
        return answer

    def AuthorizeBatch(self, request: authorization_pb2.AuthorizeBatchRequest, call: Call) -> bytes:
        """Decide up to 1,000 questions; each has a decision or a status of its own."""
        began = time.perf_counter_ns()
        violations = FieldViolations()
        violations.check_count("questions", len(request.questions), MAX_BATCH, least=1)
        violations.refuse()
        if not call.may_wait and len(request.questions) > MAX_QUESTIONS_AT_ONCE:
            raise NotAtOnce
        if call.may_wait:
            call.counts_as(len(request.questions))
        language = checked_language(request.language)
        read = [_read(message, index) for index, message in enumerate(request.questions)]
        questions = [question for question in read if isinstance(question, Question)]
        options, about = self._options(request, call), ((each.action, each.resource.type) for each in questions)
        is_first = self._recording.is_first(self._pdp.bundle, *about)
        answers = iter(self._pdp.decide_many(questions, options) if questions else ())
        if not call.may_wait:  # not before: a batch that is tried again counts once
            call.counts_as(len(request.questions))
        results = [next(answers) if isinstance(question, Question) else question for question in read]
        for result in results:
            if isinstance(result, Decision):
                self._measured(result)
        counted = Counter(result.effect if isinstance(result, Decision) else "ERROR" for result in results)
        call.noted["items"] = len(results)
        call.noted.update({f"items_{word.lower()}": count for word, count in sorted(counted.items())})
        answer = encoding.batch(
            encoding.decided(result, call.caller, self._store_id, language)
            if isinstance(result, Decision)
            else self._failed(result, index).SerializeToString()
            for index, result in enumerate(results)
        )
        items = [result if isinstance(result, Decision) else type(result).__name__ for result in results]
        self._recording.answered("AuthorizeBatch", call, items, began, is_first=is_first)
        return answer

    def ListActions(
        self, request: authorization_pb2.ListActionsRequest, call: Call
    ) -> authorization_pb2.ListActionsResponse:
        """Decide every action of the resource's type, or tell which would be allowed but for some requirements."""
        began, violations = time.perf_counter_ns(), FieldViolations()
        subject, resource, context = parts_from(request, "", violations)
        exceptions = _exceptions_from(request, violations)
        violations.refuse()
        language = checked_language(request.language)
        note_question(call, self._pdp.bundle, "", resource.type)
        if exceptions:
            options = self._options(request, call)
            listed = self._pdp.actions_except(subject, resource, exceptions, context, options)
            call.noted["items"] = len(listed.items)
            asked_about = ((each.action, resource.type) for each in listed.questions)
            is_first = self._recording.is_first(self._pdp.bundle, *asked_about)
            self._recording.answered("ListActions", call, listed, began, is_first=is_first)
            return authorization_pb2.ListActionsResponse(conditional_actions=conditional_messages(listed.items))
        decisions = self._pdp.actions(subject, resource, context, self._options(request, call))
        call.noted["items"] = len(decisions)
        about = ((each.question.action, resource.type) for each in decisions)
        is_first = self._recording.is_first(self._pdp.bundle, *about)
        self._recording.answered("ListActions", call, decisions, began, is_first=is_first)
        response = authorization_pb2.ListActionsResponse()
        for decision in decisions:
            self._measured(decision)
            part = response.actions.add(action=decision.question.action)
            fill_decision(part.decision, decision, call.caller, self._store_id, language)
        return response

    def Explain(self, request: authorization_pb2.ExplainRequest, call: Call) -> authorization_pb2.ExplainResponse:
        """Decide one question, and name the rules that matter."""
        began = time.perf_counter_ns()
        question, language = question_from(request), checked_language(request.language)
        bundle, about = self._pdp.bundle, (question.action, question.resource.type)
        note_question(call, bundle, *about)
        explanation = self._pdp.explain(question, self._options(request, call))
        note_decision(call, explanation.decision)
        self._measured(explanation.decision)
        is_first = self._recording.is_first(bundle, about)
        self._recording.answered("Explain", call, explanation.decision, began, is_first=is_first)
        return authorization_pb2.ExplainResponse(
            explanation=explanation_message(explanation, call.caller, self._store_id, language)
        )

    def ListResources(
        self, request: authorization_pb2.ListResourcesRequest, call: Call
    ) -> authorization_pb2.ListResourcesResponse:
        """List the resources of a type on which the subject may act, one page."""
        page = self._page(request, call)
        response = authorization_pb2.ListResourcesResponse(**about_page(page, self._store_id))
        if page.except_requirements:
            response.conditional_resources.extend(conditional_messages(page.items))
        else:
            response.resource_ids.extend(page.ids)
        return response

    def ListSubjects(
        self, request: authorization_pb2.ListSubjectsRequest, call: Call
    ) -> authorization_pb2.ListSubjectsResponse:
        """List who may act on the resource, one page."""
        page = self._page(request, call)
        response = authorization_pb2.ListSubjectsResponse(**about_page(page, self._store_id))
        if page.except_requirements:
            response.conditional_subjects.extend(conditional_messages(page.items))
        else:
            response.subject_ids.extend(page.ids)
        return response

    def _decide(self, question: Question, options: RequestOptions) -> Decision:
        if options.may_wait:
            return self._pdp.decide(question, options)
        began = self._budget.begin(question)
        try:
            return self._pdp.decide(question, options)
        finally:
            self._budget.end(question, began)

    def _look_for(self, query: ListQuery, paging: Paging, options: RequestOptions) -> ListPage:
        if options.may_wait:
            return self._pdp.list_page(query, paging, options)
        began = self._budget.begin(query)
        try:
            return self._pdp.list_page(query, paging, options)
        except TooLongAtOnce:
            self._budget.leave(query)
            raise
        finally:
            self._budget.end(query, began)

    def _page(self, request: AsksPage, call: Call) -> ListPage:
        began = time.perf_counter_ns()
        query, options = _query_from(request), self._options(request, call)
        note_question(call, self._pdp.bundle, query.action, query.resource_type)
        page = self._look_for(query, Paging(request.page_size, request.page_token), options)
        call.noted["items"] = len(page.ids)
        call.noted["complete"] = int(page.is_complete)
        is_first = self._recording.is_first(self._pdp.bundle, (query.action, query.resource_type))
        kind = "ListResources" if query.root is Root.SUBJECT else "ListSubjects"
        self._recording.answered(
            kind, call, Listed(query, page, not request.page_token, call.caller.tenants), began, is_first=is_first
        )
        return page

    def _failed(self, error: SealAuthzError, index: int) -> authorization_pb2.AuthorizeBatchItem:
        """Return the item of a batch that has no decision."""
        if isinstance(error, InvalidRequest) and not error.violations[0].field.startswith("questions["):
            moved = (Violation(f"questions[{index}].{v.field}", v.description) for v in error.violations)
            error = InvalidRequest(*moved)
        failure = failure_of(error)
        write_incident(self._log, failure, error)
        return authorization_pb2.AuthorizeBatchItem(status=failure.item_status())

    def _options(self, request: AsksWithTexts | AsksPage, call: Call) -> RequestOptions:
        """For whom to answer, how fresh, and until when."""
        caller = call.caller
        consistency = _consistency_from(request, self._store_id)
        return RequestOptions(may_see_of(caller), caller.name, consistency, Deadline(call.deadline), call.may_wait)


def _read(message: authorization_pb2.Question, index: int) -> Question | InvalidRequest:
    """Read one question of a batch; a malformed one does not fail the others."""
    try:
        return question_from(message, f"questions[{index}].")
    except InvalidRequest as error:
        return error


def _consistency_from(message: AsksWithTexts | AsksPage, store_id: str) -> Consistency:
    """Read how fresh the facts must be. Raises InvalidRequest, and RevisionUnknown for the token of another store."""
    if not message.HasField("consistency"):
        return FROM_MEMORY
    wanted = message.consistency
    match wanted.WhichOneof("requirement"):
        case "fully_consistent" if wanted.fully_consistent:
            return FULL
        case "at_least_as_fresh":
            token = token_from(wanted.at_least_as_fresh, "consistency.at_least_as_fresh")
            check_store(token, store_id)
            return Consistency(at_least=token.number, timeline=token.timeline_id)
        case None | "minimize_latency" if not wanted.fully_consistent:
            return FROM_MEMORY
        case _:
            raise InvalidRequest.at("consistency", "must not say `fully_consistent: false`; leave it out instead")


def _query_from(message: AsksPage) -> ListQuery:
    """Read what to list. Raises InvalidRequest naming every malformed field."""
    if isinstance(message, authorization_pb2.ListResourcesRequest):
        root, known, wanted = Root.SUBJECT, ("subject", message.subject), ("resource_type", message.resource_type)
    else:
        root, known, wanted = Root.RESOURCE, ("resource", message.resource), ("subject_type", message.subject_type)
    violations = FieldViolations()
    entity = entity_from(known[1], known[0], violations)
    violations.check_id("action", message.action)
    violations.check_id(*wanted)
    context = context_from(message.context, "context", violations)
    exceptions = _exceptions_from(message, violations)
    violations.refuse()
    return ListQuery(root, entity, message.action, wanted[1], context, exceptions)


def _exceptions_from(
    message: AsksPage | authorization_pb2.ListActionsRequest, violations: FieldViolations
) -> tuple[str, ...]:
    """Read which requirements need not be met yet."""
    given = tuple(message.except_requirements)
    violations.check_count("except_requirements", len(given), MAX_EXCEPTIONS)
    for place, requirement in enumerate(given[:MAX_EXCEPTIONS]):
        violations.check_id(f"except_requirements[{place}]", requirement)
    return given
