"""Acts on retrieving an enterprise: opening a case, and all that leads to its execution and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.bound import ArgumentsContext, binding, columns, given_text, intent_digest
from sealauthz.model.actions.common import Context, VerifiedContext
from sealauthz.model.effects import retrieval, taking_over
from sealauthz.model.records.identity import IdentityVerification
from sealauthz.runtime.instants import NEVER
from sealauthz.schema import Action, Resolver, ResolverInput, actions, looks
from sealauthz.schema.effect import Effect


@dataclass(slots=True, kw_only=True)
class RetrievalContext(Context):
    """Opening a retrieval: why, and how often it was tried.

    Of the server's making, all within `parameters.retrieval_window` before now: `attempts` counts the certifications
    submitted to retrieve this enterprise by documents, `own_attempts` those that the subject submitted as its legal
    representative, and `enterprises` the other enterprises for which the subject opened a case.
    """

    attempts: int
    own_attempts: int
    enterprises: int
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class AdminGoneContext(RetrievalContext):
    """Claiming that the administrator has gone. `claims` counts what the subject claimed lately, of any enterprise."""

    claims: int


@dataclass(slots=True, kw_only=True)
class SubmissionContext(RetrievalContext):
    """Submitting a retrieval, on a check of the applicant's intent for this attempt, bound to `intent_digest`."""

    verification: IdentityVerification | None = None
    intent_digest: str


@dataclass(slots=True)
class AnswerContext(VerifiedContext):
    """Answering a claim: on a check of intent to say that one is in charge."""


@dataclass(slots=True)
class ObjectionContext(ArgumentsContext):
    """Objecting to a case: on a check of intent to object to it, on this ground."""


@dataclass(slots=True)
class ExecutionContext(VerifiedContext):
    """Executing a case: on a check of intent to take the enterprise over by it."""


@dataclass(slots=True)
class AppealContext(VerifiedContext):
    """Appealing against what was executed: on a check of intent to appeal."""


@dataclass(slots=True)
class EvidenceContext(RetrievalContext):
    """Certifying a case: by papers, a letter, a payment from the account, or the legal representative online."""

    method: str | None = None


def _retrieval(query: ResolverInput) -> Mapping[str, Any]:
    # Of a case, or of the enterprise itself.
    enterprise = getattr(query.resource, "enterprise", query.resource)
    since = query.now - query.parameters.retrieval_window
    # What was prepared for a claim counts once the claim went unanswered, and before that for the claim itself.
    lately = [
        a
        for a in enterprise.authentications
        if a.purpose == "RETRIEVAL"
        and a.submitted_at > since
        and (a.case.claimed_until <= query.now or a.case_id == query.resource.id)
    ]
    submitted = [a for a in lately if a.method != "LEGAL_REP_ONLINE"]
    # Who has another account does not begin to count again with it.
    accounts = (query.subject, *query.subject.accounts)
    ids = {account.id for account in accounts}
    own = [a for a in lately if a.method == "LEGAL_REP_ONLINE" and a.applicant_id in ids]
    others = {
        case.enterprise_id
        for account in accounts
        for case in account.retrieval_cases
        if case.opened_at > since and case.enterprise_id != enterprise.id
    }
    return {"attempts": _attempts(submitted), "own_attempts": len(own), "enterprises": len(others)}


def _claim(query: ResolverInput) -> Mapping[str, Any]:
    since = query.now - query.parameters.retrieval_window
    claims = [
        case
        for account in (query.subject, *query.subject.accounts)
        for case in account.retrieval_cases
        if case.claimed_until > NEVER and case.opened_at > since
    ]
    return {**_retrieval(query), "claims": len(claims)}


def _attempts(certifications: list[Any]) -> int:
    """How often a retrieval was tried. A payment from the corporate account beside papers is one attempt with them."""
    tries = Counter((a.case_id, a.attempt, a.method == "BANK_TRANSFER") for a in certifications)
    return sum(max(tries[case, attempt, True], tries[case, attempt, False]) for case, attempt in {k[:2] for k in tries})


def _case(query: ResolverInput) -> Mapping[str, Any]:
    return columns(query.resource, "enterprise_id", "applicant_id", "reason", "path", "attempt")


def _objection(query: ResolverInput) -> Mapping[str, Any]:
    return {**_case(query), "arguments": given_text(query, "digest")}


def _submission(query: ResolverInput) -> Mapping[str, Any]:
    return {**_retrieval(query), "intent_digest": intent_digest("submit", query.resource, _case(query))}


_RETRIEVAL = Resolver(find=_retrieval, is_about_subject=True)


def _on_the_case(context: type, name: str, effect: Effect) -> tuple[Action, ...]:
    """Declare an act on a case that rests on a check of intent and needs no more."""
    return actions(
        "RetrievalCase",
        context,
        name,
        gives=("verification",),
        resolver=binding(name, _case),
        effect=effect,
    )


ACTIONS = (
    *actions(
        "Enterprise",
        RetrievalContext,
        "retrieve",
        gives=("reason",),
        resolver=_RETRIEVAL,
        arguments=retrieval.RetrieveArguments,
        effect=retrieval.retrieve,
    ),
    *actions(
        "Enterprise",
        AdminGoneContext,
        "claim_admin_gone",
        gives=("reason",),
        resolver=Resolver(find=_claim, is_about_subject=True),
        arguments=retrieval.RetrieveArguments,
        effect=retrieval.claim,
    ),
    *actions(
        "RetrievalCase",
        EvidenceContext,
        "certify",
        gives=("method",),
        resolver=_RETRIEVAL,
        effect=retrieval.certify_case,
    ),
    *actions(
        "RetrievalCase",
        SubmissionContext,
        "submit",
        gives=("verification",),
        resolver=Resolver(find=_submission, is_about_subject=True),
        effect=retrieval.submit,
    ),
    *actions("RetrievalCase", Context, "review", arguments=retrieval.ReviewArguments, effect=retrieval.review),
    *actions("RetrievalCase", Context, "publish_notice", effect=retrieval.publish_notice),
    *actions(
        "RetrievalCase",
        ObjectionContext,
        "object",
        gives=("verification", "digest"),
        resolver=binding("object", _objection),
        arguments=retrieval.ObjectArguments,
        effect=retrieval.object_to,
    ),
    *actions("RetrievalCase", Context, "adjudicate", arguments=retrieval.FindingArguments, effect=retrieval.adjudicate),
    *_on_the_case(AnswerContext, "answer_claim", retrieval.answer),
    *_on_the_case(ExecutionContext, "execute", taking_over.execute),
    *_on_the_case(AppealContext, "appeal", taking_over.appeal),
    *actions(
        "RetrievalCase",
        Context,
        "decide_appeal",
        arguments=retrieval.FindingArguments,
        effect=taking_over.decide_appeal,
    ),
    *actions("RetrievalCase", Context, "withdraw", effect=retrieval.withdraw_case),
    *actions("RetrievalCase", Context, "view_progress", effect=looks),
)
