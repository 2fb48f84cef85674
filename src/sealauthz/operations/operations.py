"""Performing acts: decided, carried out and kept in one transaction, or not at all.

The decision reads one snapshot and says what its effect and its obligations change. The transaction writes that through
the same checks as any write, and commits only if nothing that the decision read has changed since; else it is decided
again. A deny writes nothing. What was performed is answered again with the same answer.

Where the policies ask for the person's own assertion, the act uses one up: in the same transaction, so that what is not
performed leaves it as it was.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sealauthz.audit.record import Concerned, Origin, look_up, mentioned
from sealauthz.decision.assembly import Case, RequestOptions, check_acts
from sealauthz.decision.decision import Decision
from sealauthz.decision.pdp import PolicyDecisionPoint
from sealauthz.decision.question import Entity
from sealauthz.facts.memory.consistency import FULL
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.store.acting import Basis, Intended, Overtaken, UsedOnce
from sealauthz.facts.store.batch import Batch, WriteReceipt, check
from sealauthz.facts.store.performed import Statement, events_kept, operation_kept
from sealauthz.facts.store.store import Store
from sealauthz.facts.store.values import text_problem
from sealauthz.operations.arguments import check_named, read_arguments
from sealauthz.operations.assertions import Assertions
from sealauthz.operations.following import Followed, followed, named_by
from sealauthz.operations.performance import Operation, Performance, Performed, from_kept_form, kept_form
from sealauthz.operations.progress import Progress, progress_of
from sealauthz.operations.receipts import Issuer
from sealauthz.operations.receipts import Performed as ActPerformed
from sealauthz.operations.recording import act_record
from sealauthz.operations.signed_assertions import Assertion
from sealauthz.runtime.errors import (
    AssertionNeeded,
    CallerNotPermitted,
    FactConflict,
    HistoryLost,
    InvalidRequest,
    SealAuthzError,
)
from sealauthz.schema import Act, Action, MetBy, Model, ReceiptTerms

_SECOND = 1_000_000
_NOBODY_ASSERTS = "needs the person's signed assertion, and `[assertions]` of the configuration names no issuer of them"


class Operations:
    """Performs acts on one store. Any thread may use it. `issuer` is None where no receipts can be signed, `assertions`
    where nobody's word counts as a person's own; it may be replaced at any time. `new_id` names each operation.
    """

    def __init__(
        self,
        store: Store,
        pdp: PolicyDecisionPoint,
        issuer: Issuer | None = None,
        assertions: Assertions | None = None,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._store = store
        self._model: Model = store.model
        self._pdp = pdp
        self._issuer = issuer
        self.assertions = assertions
        self._new_id = new_id

    def perform(self, performance: Performance, options: RequestOptions) -> Performed:
        """Perform an act, if it is allowed.

        Raises InvalidRequest, CallerNotPermitted, AssertionNeeded, FactConflict (`REQUEST_ID` for a request id that
        stood for something else), InvariantBroken, FactsUnavailable, TimeOver and what else decisions raise. Nothing
        was done then, but for an error of the commit itself: the same request again tells.
        """
        _check_request(performance, options)
        try:
            done = self._perform(performance, options)
        except HistoryLost:
            raise  # what was performed before may have been undone by a restore
        except SealAuthzError:
            # What was performed before is answered again, whatever became of it since: its assertion is used up.
            earlier = self._earlier(performance, options)
            if earlier is None:
                raise
            return earlier
        # An allowed act finds out by itself whether it was performed before.
        return done if done else self._earlier(performance, options) or done

    def _perform(self, performance: Performance, options: RequestOptions) -> Performed:
        question = performance.question
        action = self._model.action(question.action, question.resource.type)
        arguments = read_arguments(action.arguments, performance.arguments)
        operation_id = self._new_id()
        tries = 0
        made: list[Performed] = []

        def intend() -> Intended | Performed:
            # The first decision may rest on what is in memory; one that was overtaken reads the newest.
            nonlocal tries
            fresh = options if tries == 0 else replace(options, consistency=FULL)
            tries += 1
            return self._intend(performance, action, arguments, operation_id, fresh, made.append)

        done = self._store.act(intend, options.tenants)
        if isinstance(done, Performed):
            return done
        if not done.is_replay:
            return made[-1]
        # Somebody sent the same request at the same time.
        kept = self._earlier(performance, options)
        if kept is None:
            raise FactConflict("REQUEST_ID", "the `request_id` was used before, for another content")
        return kept

    def operation(self, operation_id: str, options: RequestOptions) -> Operation | None:
        """Return an operation of this caller; None where there is none, or of what the caller has no right to any more.

        Raises what a fact cache raises that cannot answer.
        """
        kept = self._store.operation_by_id(options.caller, operation_id)
        found = None if kept is None else from_kept_form(kept).operation
        try:
            if found is not None:
                self._pdp.check_seen(found.resource, options)
        except CallerNotPermitted:
            return None
        return found

    def progress(self, subject: Entity, resource: Entity, options: RequestOptions) -> Progress:
        """Return how far something is, for a subject who may look. Raises InvalidRequest, and what decisions raise."""
        return progress_of(self._model, self._pdp, subject, resource, options)

    def _earlier(self, performance: Performance, options: RequestOptions) -> Performed | None:
        """Return the answer to this request, if it was performed.

        Raises FactConflict where it asked something else, and CallerNotPermitted where the caller lost the right to it.
        """
        kept = self._store.operation(options.caller, performance.request_id)
        if kept is None:
            return None
        if kept["fingerprint"] != performance.fingerprint:
            raise FactConflict("REQUEST_ID", "the `request_id` was used before, for another content")
        found = from_kept_form(kept)
        self._pdp.check_seen(performance.question.resource, options)
        # Texts are not kept: they are those of the policies that are served now, in whichever language is asked for.
        return replace(found, decision=replace(found.decision, texts=self._pdp.bundle.texts))

    def _intend(
        self,
        performance: Performance,
        action: Action,
        arguments: Any,
        operation_id: str,
        options: RequestOptions,
        answer: Callable[[Performed], None],
    ) -> Intended | Performed:
        """Decide, and say what is to be written; the answer where it is a deny. `answer` gets that of an allow."""
        began = time.perf_counter()
        asserted = self._asserted(performance, options.caller)
        concerned = Concerned()

        def follow(case: Case, decision: Decision, snapshot: FactSnapshot) -> Followed:
            if action.effect is None:
                said = f"`{action.name}` on {action.resource} can be decided, and not performed"
                raise InvalidRequest.at("action", said)
            if asserted is None:
                self._check_needs_no_assertion(performance, decision)
            nonlocal concerned
            concerned = look_up(self._model, mentioned(self._model, performance.question), snapshot)
            check_named(self._model, action.arguments, arguments, snapshot, options.may_see)
            named = named_by(decision)
            act = Act(case.subject, action.name, case.resource, case.context, arguments, named, snapshot, operation_id)
            outcome = followed(self._model, act, action.effect(act))
            if outcome.changes:
                check_acts(self._model, performance.question.resource, snapshot, options.may_see)
            return outcome

        decision, following, observed = self._pdp.decide_to_act(performance.question, follow, options)
        if not decision or following is None:
            return Performed(decision)
        until, once = decision.valid_until, None
        if asserted is not None:
            until = min(until, asserted.expires_at * _SECOND)
            once = UsedOnce(asserted.once, performance.digest)
        basis = Basis(
            decision.timeline,
            decision.revision,
            observed,
            until,
            lambda: self._pdp.has_policies(decision.policy_version),
            once,
        )
        fingerprint = performance.fingerprint
        wanted = check(Batch(options.caller, performance.request_id, following.changes), self._model, fingerprint)

        def keep(is_postgresql: bool, receipt: WriteReceipt) -> list[Statement]:
            performed = self._performed(receipt, performance, operation_id, decision, following, options.caller)
            answer(performed)
            terms = following.outcome.receipt
            record = act_record(self._model, _origin(options), decision, performed, concerned, asserted, terms, began)
            return [
                self._kept(is_postgresql, receipt, performance, fingerprint, performed, asserted),
                self._store.waiting(is_postgresql, receipt.at, record),
                *events_kept(is_postgresql, receipt, following.events),
            ]

        return Intended(wanted, basis, keep, makes_revision=bool(following.events))

    def _asserted(self, performance: Performance, caller: str) -> Assertion | None:
        """Return the verified assertion that comes with an act; None without one. Raises AssertionNeeded.

        One that is given is verified, whether the act needs it or not: nothing that comes with a request is overlooked.
        """
        if not performance.assertion:
            return None
        if self.assertions is None:
            raise AssertionNeeded(_NOBODY_ASSERTS, performance.digest)
        return self.assertions.verified(performance, caller, self._pdp.now())

    def _check_needs_no_assertion(self, performance: Performance, decision: Decision) -> None:
        duties = self._model.duties
        named = [each.code for each in decision.obligations]
        if any(code in duties and duties[code].by is MetBy.PERSON for code in named):
            said = "the person must sign an assertion of this act" if self.assertions is not None else _NOBODY_ASSERTS
            raise AssertionNeeded(said, performance.digest)

    def _performed(
        self,
        receipt: WriteReceipt,
        performance: Performance,
        operation_id: str,
        decision: Decision,
        following: Followed,
        caller: str,
    ) -> Performed:
        """Return the answer, in the transaction that has just got its revision."""
        question = performance.question
        signed = ""
        if following.outcome.receipt is not None:
            facts = ActPerformed(
                operation_id,
                caller,
                str(question.subject),
                question.action,
                str(question.resource),
                decision.policy_version,
                receipt.revision,
                receipt.timeline,
                decision.evaluated_at,
                decision.valid_until,
            )
            signed = self._issue(facts, following.outcome.receipt)
        operation = Operation(
            operation_id=operation_id,
            caller=caller,
            request_id=performance.request_id,
            subject=question.subject,
            action=question.action,
            resource=question.resource,
            revision=receipt.revision,
            timeline=receipt.timeline,
            at=receipt.at,
            values=following.outcome.values,
            receipt=signed,
        )
        return Performed(self._left_to_caller(decision), operation)

    def _kept(
        self,
        is_postgresql: bool,
        receipt: WriteReceipt,
        performance: Performance,
        fingerprint: str,
        performed: Performed,
        asserted: Assertion | None,
    ) -> Statement:
        """Return what keeps the answer."""
        operation, question = performed.operation, performance.question
        if operation is None:
            raise TypeError("a deny is not kept")
        # Only ids: what the client said in words may be about a person, and could not be erased here.
        named = self._model.action(question.action, question.resource.type).records
        context = {key: value for key, value in question.context.items() if key in named}
        kept = kept_form(performed, context)
        kept["fingerprint"] = fingerprint
        key, used_up = (operation.caller, operation.request_id), ""
        if asserted is not None:
            # Ids only, and no token: an issuer may say more of a person in it than may be kept.
            kept["assertion"] = {"issuer": asserted.issuer, "jti": asserted.jti}
            used_up = asserted.once
        return operation_kept(is_postgresql, receipt, key, operation.operation_id, kept, used_up)

    def _left_to_caller(self, decision: Decision) -> Decision:
        """Return the decision with the obligations that the caller meets: what we have met nobody is to meet again."""
        duties = self._model.duties
        left = (each for each in decision.obligations if duties[each.code].by is MetBy.CALLER)
        return replace(decision, obligations=tuple(left))

    def _issue(self, performed: ActPerformed, terms: ReceiptTerms) -> str:
        if self._issuer is None:
            raise InvalidRequest.at("action", "needs a signed receipt, and this service has no key to sign with")
        signed = self._issuer.issue(performed, terms)
        if signed is None:
            raise Overtaken("the permission ends before a receipt of it could be used")
        return signed


def _origin(options: RequestOptions) -> Origin:
    return Origin(options.caller, options.peer, options.trace_id)


def _check_request(performance: Performance, options: RequestOptions) -> None:
    for name, value in (("caller", options.caller), ("request_id", performance.request_id)):
        problem = text_problem(value, is_indexed=True) if value else "must not be empty"
        if problem is not None:
            raise InvalidRequest.at(name, problem)
