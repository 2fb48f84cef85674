"""AuthorizationService: questions in, decisions out."""

from __future__ import annotations

from collections import Counter

from sealauthz.decision import PolicyDecisionPoint, RequestOptions
from sealauthz.decision.assembly import MaySee, Within, everything
from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.listing import ListPage
from sealauthz.decision.paging import Paging
from sealauthz.decision.question import ListQuery, Question
from sealauthz.errors import InvalidRequest, SealAuthzError
from sealauthz.facts.memory.consistency import Deadline
from sealauthz.process.log import Log
from sealauthz.service.call import Call
from sealauthz.service.questions import (
    MAX_BATCH,
    AsksPage,
    AsksWithTexts,
    consistency_from,
    language_from,
    paging_from,
    parts_from,
    question_from,
    resources_query_from,
    subjects_query_from,
    with_prefix,
)
from sealauthz.service.request_log import write_incident
from sealauthz.service.responses import explanation_message, fill_decision, resources_message, subjects_message
from sealauthz.service.status import failure_of
from sealauthz.service.violations import FieldViolations
from sealauthz.v1 import authorization_pb2, authorization_pb2_grpc


class AuthorizationServicer(authorization_pb2_grpc.AuthorizationServiceServicer):
    """Answers for one decision point. An error ends the call in the interceptor, or the item of a batch here."""

    def __init__(self, pdp: PolicyDecisionPoint, store_id: str, log: Log) -> None:
        self._pdp = pdp
        self._store_id = store_id
        self._log = log

    def Authorize(self, request: authorization_pb2.AuthorizeRequest, call: Call) -> authorization_pb2.AuthorizeResponse:
        """Decide one question."""
        question, language = question_from(request), language_from(request)
        self._note_question(call, question.action, question.resource.type)
        decision = self._pdp.decide(question, self._options(request, call))
        _note_decision(call, decision)
        response = authorization_pb2.AuthorizeResponse()
        fill_decision(response.decision, decision, call.caller, self._store_id, language)
        return response

    def AuthorizeBatch(
        self, request: authorization_pb2.AuthorizeBatchRequest, call: Call
    ) -> authorization_pb2.AuthorizeBatchResponse:
        """Decide up to 1,000 questions; each has a decision or a status of its own."""
        violations = FieldViolations()
        violations.check_count("questions", len(request.questions), MAX_BATCH, least=1)
        violations.refuse()
        language = language_from(request)
        read = [_read(message, index) for index, message in enumerate(request.questions)]
        questions = [question for question in read if isinstance(question, Question)]
        options = self._options(request, call)
        answers = iter(self._pdp.decide_many(questions, options) if questions else ())
        results = [next(answers) if isinstance(question, Question) else question for question in read]
        counted = Counter(result.effect if isinstance(result, Decision) else "ERROR" for result in results)
        call.noted["items"] = len(results)
        call.noted.update({f"items_{word.lower()}": count for word, count in sorted(counted.items())})
        response = authorization_pb2.AuthorizeBatchResponse()
        for index, result in enumerate(results):
            self._fill_item(response.items.add(), result, index, call, language)
        return response

    def ListActions(
        self, request: authorization_pb2.ListActionsRequest, call: Call
    ) -> authorization_pb2.ListActionsResponse:
        """Decide every action of the resource's type."""
        (subject, resource, context), language = parts_from(request), language_from(request)
        self._note_question(call, "", resource.type)
        decisions = self._pdp.actions(subject, resource, context, self._options(request, call))
        call.noted["items"] = len(decisions)
        response = authorization_pb2.ListActionsResponse()
        for decision in decisions:
            part = response.actions.add(action=decision.question.action)
            fill_decision(part.decision, decision, call.caller, self._store_id, language)
        return response

    def Explain(self, request: authorization_pb2.ExplainRequest, call: Call) -> authorization_pb2.ExplainResponse:
        """Decide one question, and name the rules that matter."""
        question, language = question_from(request), language_from(request)
        self._note_question(call, question.action, question.resource.type)
        explanation = self._pdp.explain(question, self._options(request, call))
        _note_decision(call, explanation.decision)
        return authorization_pb2.ExplainResponse(
            explanation=explanation_message(explanation, call.caller, self._store_id, language)
        )

    def ListResources(
        self, request: authorization_pb2.ListResourcesRequest, call: Call
    ) -> authorization_pb2.ListResourcesResponse:
        """List the resources of a type on which the subject may act, one page."""
        query = resources_query_from(request)
        page = self._page(query, paging_from(request), self._options(request, call), call)
        return resources_message(page, self._store_id)

    def ListSubjects(
        self, request: authorization_pb2.ListSubjectsRequest, call: Call
    ) -> authorization_pb2.ListSubjectsResponse:
        """List who may act on the resource, one page."""
        query = subjects_query_from(request)
        page = self._page(query, paging_from(request), self._options(request, call), call)
        return subjects_message(page, self._store_id)

    def _page(self, query: ListQuery, paging: Paging, options: RequestOptions, call: Call) -> ListPage:
        self._note_question(call, query.action, query.resource_type)
        page = self._pdp.list_page(query, paging, options)
        call.noted["items"] = len(page.ids)
        call.noted["complete"] = int(page.is_complete)
        return page

    def _fill_item(
        self,
        item: authorization_pb2.AuthorizeBatchItem,
        result: Decision | SealAuthzError,
        index: int,
        call: Call,
        language: str,
    ) -> None:
        if isinstance(result, Decision):
            fill_decision(item.decision, result, call.caller, self._store_id, language)
            return
        if isinstance(result, InvalidRequest) and not result.violations[0].field.startswith("questions["):
            result = with_prefix(result, f"questions[{index}].")
        failure = failure_of(result)
        write_incident(self._log, failure, result)
        item.status.CopyFrom(failure.item_status())

    def _options(self, request: AsksWithTexts | AsksPage, call: Call) -> RequestOptions:
        """For whom to answer, how fresh, and until when."""
        caller = call.caller
        may_see: MaySee = everything if caller.tenants is None else Within(caller.tenants)
        return RequestOptions(may_see, caller.name, consistency_from(request, self._store_id), Deadline(call.deadline))

    def _note_question(self, call: Call, action: str, resource_type: str) -> None:
        # Only words of the vocabulary: any other text is the client's own, and may be personal.
        actions = self._pdp.bundle.actions.get(resource_type)
        if actions is not None:
            call.noted["resource_type"] = resource_type
            if action in actions:
                call.noted["action"] = action


def _read(message: authorization_pb2.Question, index: int) -> Question | InvalidRequest:
    """Read one question of a batch; a malformed one does not fail the others."""
    try:
        return question_from(message, f"questions[{index}].")
    except InvalidRequest as error:
        return error


def _note_decision(call: Call, decision: Decision) -> None:
    call.noted["decision_id"] = decision.decision_id
    call.noted["effect"] = str(Effect(decision.effect))
