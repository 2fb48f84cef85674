"""Every next step leads somewhere: to an action that is not denied at once for what the step should have known, or to a
fact that somebody else brings about. A time that is told is the time from which it is another answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from effort import tries
from following_ways import OTHERS, WAYS
from hypothesis import HealthCheck, given, settings
from policy_suite import asks
from random_scenes import asked_scenes
from scene import BUNDLE, NOW, POLICIES, Scene

from sealauthz.decision import Decision, PolicyDecisionPoint, Question
from sealauthz.decision.question import Entity
from sealauthz_client.answers import NOTHING_TO_DO, NextStep

BOOK = BUNDLE.rulebook
Facts = Sequence[Any]
Next = tuple[Question, int]
Leads = Callable[[Facts, Question, NextStep, int], Iterator[Next]]


def found(facts: Facts, kind: str, **values: object) -> list[Any]:
    """The records of a type that have these values."""
    return [
        record
        for record in facts
        if type(record).__name__ == kind and all(getattr(record, name) == value for name, value in values.items())
    ]


def named(action: str, kind: str, parameter: str, **context: str) -> Leads:
    """An action on what a parameter of the step names."""

    def leads(_: Facts, asked: Question, step: NextStep, now: int) -> Iterator[Next]:
        assert parameter in step.parameters, f"the step names no {parameter}"
        at = max(now, *(int(step.parameters.get(name, now)) for name in ("allowed_at", "remind_allowed_at")))  # type: ignore[arg-type]
        yield Question(asked.subject, action, Entity(kind, str(step.parameters[parameter])), context), at

    return leads


def own_application(facts: Facts, asked: Question, _: NextStep, now: int) -> Iterator[Next]:
    """Taking back an application of the person's own, wherever it is."""
    own = found(facts, "JoinApplication", person_id=asked.subject.id, state="PENDING")
    (application, *_) = [each for each in own if now < each.expires_at]
    yield Question(asked.subject, "withdraw", Entity("JoinApplication", application.id)), now


def here(action: str, **context: str) -> Leads:
    """An action on what was asked about."""
    return lambda _facts, asked, _step, now: iter([(Question(asked.subject, action, asked.resource, context), now)])


def rejecting(_facts: Facts, asked: Question, _step: NextStep, now: int) -> Iterator[Next]:
    """Turning down what is reviewed, by the act that was asked for: an administrator decides, the platform examines."""
    yield Question(asked.subject, asked.action, asked.resource, {"verdict": "REJECTED"}), now


def handing_over(facts: Facts, asked: Question, _: NextStep, now: int) -> Iterator[Next]:
    """Handing over the enterprise that a membership or a role is of."""
    record = found(facts, asked.resource.type, id=asked.resource.id)[0]
    membership = (
        record if asked.resource.type == "Membership" else found(facts, "Membership", id=record.membership_id)[0]
    )
    yield Question(asked.subject, "transfer_admin", Entity("Enterprise", membership.enterprise_id)), now


def retrieving(facts: Facts, asked: Question, step: NextStep, now: int) -> Iterator[Next]:
    """Retrieving the enterprise, or claiming first that its administrator has gone, as the step says."""
    act = str(step.parameters.get("act", "retrieve"))
    return named(act, "Enterprise", "enterprise_id", reason="ADMIN_UNREACHABLE")(facts, asked, step, now)


def requesting(facts: Facts, asked: Question, step: NextStep, now: int) -> Iterator[Next]:
    """Asking to use a seal, in the process that the step names."""
    process = step.parameters.get("process_id")
    given = {} if process is None else {"process": process}
    return named("request_use", "Seal", "seal_id", **given)(facts, asked, step, now)


ACTIONS: dict[str, Leads] = {
    "JOIN_ENTERPRISE": named("join", "Enterprise", "enterprise_id"),
    "RETRIEVE_ENTERPRISE": retrieving,
    "AUTHENTICATE_ENTERPRISE": named("authenticate", "Enterprise", "enterprise_id"),
    "REAPPLY_JOIN": named("join", "Enterprise", "enterprise_id"),
    "REMIND_ADMIN": named("remind", "JoinApplication", "application_id"),
    "WITHDRAW_APPLICATION": own_application,
    "VIEW_RETRIEVAL_PROGRESS": named("view_progress", "RetrievalCase", "case_id"),
    "REQUEST_SEAL_USE": requesting,
    "SUBMIT_APPROVAL": requesting,
    "RESUBMIT_APPROVAL": requesting,
    "DECIDE_SEAL_REVIEW": named("decide", "SealReview", "review_id", verdict="PASSED"),
    "RETRIEVE_BY_DOCUMENTS": named("withdraw", "RetrievalCase", "case_id"),
    "CONFIRM_RULE_CHANGE": named("confirm_change", "RuleChange", "change_id"),
    "WITHDRAW_RULE_CHANGE": named("withdraw", "RuleChange", "change_id"),
    "SUBMIT_SEAL_REVIEW": named("submit_review", "Seal", "seal_id"),
    "REJECT_SEAL_REVIEW": rejecting,
    "PROPOSE_END": here("propose_end", reason="x"),
    "REPORT_NOT_SEALED": named("report_not_sealed", "SealUse", "use_id"),
    "REPORT_SEAL_LOST": named("report_lost", "Seal", "seal_id"),
    "REPORT_SEAL_FOUND": named("report_found", "Seal", "seal_id"),
    "TRANSFER_ADMIN": handing_over,
    "INVITE_MEMBER": named("invite", "Enterprise", "enterprise_id"),
    "CREATE_OWN_SEAL": named("create_seal", "Enterprise", "enterprise_id"),
}
"""The steps that lead to an action of the rulebook by the same person."""

FACTS: dict[str, str] = {
    "ACCEPT_INVITATION": "the invited person accepts instead of claiming again",
    "CLAIM_INVITATION": "the match of the carrier, and then the claim",
    "MATCH_PHONE": "IdentityVerification",
    "STATE_OWN_TERMS": "the terms that the person's own side states",
    "WAIT_INVITEE": "the invited person claims the invitation",
    "WAIT_INVITER": "the inviter confirms who claimed it",
    "PROPOSE_LIFT": "one member of the staff proposes what another one does",
    "PROPOSE_RULE_CHANGE": "RuleChange",
    "ASK_FOR_SEAL_REVIEW": "a seal administrator submits the seal",
    "ASK_OTHER_REVIEWER": "another member of that side reviews the contract",
    "ASSIGN_OTHER_PERSON": "somebody else does it",
    "ATTACH_RESOLUTION": "BoardResolution",
    "CERTIFY_LEGAL_REP_ONLINE": "EnterpriseAuthentication, which `certify` makes",
    "CHECK_CONTEXT": "another question",
    "CHOOSE_ACTION": "another question",
    "CHOOSE_LEADER": "another leader in the question",
    "CHOOSE_MEMBER": "another member in the question",
    "CHOOSE_NEW_ADMIN": "another receiver in the question",
    "CHOOSE_OTHER_CATEGORY": "another category in the question",
    "CHOOSE_OTHER_CUSTODIAN": "another custodian in the question",
    "CHOOSE_OTHER_GRANTEE": "another SealGrant",
    "CHOOSE_OTHER_SEAL": "another seal in the question",
    "CHOOSE_RECEIVER": "another receiver in the question",
    "CHOOSE_ROLE": "another role in the question",
    "CHOOSE_SEAL": "a seal in the question",
    "CHOOSE_SUBSTITUTE": "another substitute in the question",
    "CHOOSE_TASK": "a task in the question",
    "CHOOSE_TYPE": "another question",
    "COLLECT_SEAL": "the seal is COLLECTED",
    "CONTACT_ADMIN": "an administrator acts",
    "CONTACT_APPLICANT": "the applicant of the case acts",
    "CONTACT_INITIATOR": "the sender changes the contract",
    "CONTACT_LEGAL_REP": "the legal representative acts",
    "CONTACT_PLATFORM": "the platform acts",
    "CONTACT_SEAL_ADMIN": "a seal administrator acts",
    "ENTER_USE_CODE": "the code in the question",
    "FINISH_CONTRACTS": "the contracts are no longer open",
    "FINISH_OPEN_TASK": "the task is no longer open",
    "FINISH_TASKS": "the holder handles the tasks",
    "FORWARD_TO_OPERATOR": "the operator acts",
    "HANDOVER_TASKS": "transfer of each task by its holder; another custodian for each seal",
    "LIFT_CERTIFICATE_SUSPENSION": "the issuer lifts the suspension",
    "NAME_BENEFICIARY": "the person in the question",
    "NAME_RULE_CHANGE": "the confirmed change in the question",
    "NAME_WITNESSES": "SealWitness",
    "NARROW_GRANT": "another SealGrant",
    "REFRESH_REGISTRY": "RegistrySnapshot",
    "RENEW_CERTIFICATE": "Certificate",
    "PAY_FROM_ACCOUNT": "a payment from the enterprise's account",
    "REQUEST_CONSENT": "ContractConsent",
    "REQUEST_CONSENTS": "ContractConsent",
    "REQUEST_CROSS_GRANT": "CrossEnterpriseGrant",
    "REQUEST_DELEGATION": "Delegation",
    "LET_COLLEAGUE_ASK": "SealUseRequest of a colleague",
    "REQUEST_GRANT": "SealGrant, to use or to approve",
    "REQUEST_GRANT_RENEWAL": "SealGrant",
    "REQUEST_INVITATION": "Invitation",
    "REQUEST_NEW_ADMIN_FACE": "IdentityVerification of the receiver",
    "REQUEST_POST_APPROVAL": "an approver settles the emergency use",
    "REQUEST_SECOND_PERSON": "somebody else does it",
    "REQUEST_TRANSFER": "the holder passes the task on",
    "RETRY_LATER": "time",
    "REVIEW_CASE": "two reviews of the case",
    "RETURN_SEAL": "the keeper records the return",
    "SIGN_AUTH_LETTER": "the letter of authorisation",
    "STATE_REASON": "a reason in the question",
    "SUBMIT_DOCUMENTS": "EnterpriseAuthentication, which `certify` makes",
    "SWITCH_ACCOUNT": "another subject",
    "UPLOAD_SEAL_FACE": "the face of the seal",
    "UPLOAD_USE_PHOTOS": "photos of the request",
    "URGE": "a notice to those before",
    "VERIFY_FACE": "IdentityVerification: the law is in test_following.py",
    "VERIFY_REALNAME": "the person is VERIFIED",
    "WAIT_ADMIN": "an administrator decides the application",
    "WAIT_APPLICANT": "the applicant is VERIFIED",
    "WAIT_APPROVAL": "an approver decides the request",
    "WAIT_MEMBER": "the member is VERIFIED",
    "WAIT_PREVIOUS": "those before act",
    "WAIT_RETRIEVAL": "the case is over",
    "WAIT_RETURN": "the holder brings the seal back",
    "STATE_BASIS": "what the act rests on is said with it",
    "WAIT_REVIEW": "the review is decided",
    "WAIT_RULE_CHANGE": "another administrator confirms the change",
    "WAIT_SEALING": "the sealing engine seals the documents, or reports that it did not",
    "WAIT_SEAL_REVIEW": "the review is decided",
    "WAIT_UNTIL": "time: the law is below",
    "WITHDRAW_PROPOSAL": "the proposal is WITHDRAWN",
}
"""The steps that lead to a fact, or to somebody else."""

LATER = frozenset(
    {
        # What the action asks for in its own question, with steps of its own.
        "FACE_VERIFICATION_REQUIRED",
        "NEW_ADMIN_FACE_REQUIRED",
        "NEW_ADMIN_NOT_ELIGIBLE",
        "PHOTO_OWED",
        "CERTIFICATION_MISSING",
        # What is counted over all enterprises when it is asked about.
        "TOO_MANY_APPLICATIONS",
        "INVITATION_REQUIRED",
        "TOO_MANY_ATTEMPTS",
        # What holds the enterprise or the person for every act, and says so.
        "RETRIEVAL_HOLD",
        "COOLING_OFF",
        "ENTERPRISE_FROZEN",
        "ENTERPRISE_CLOSED",
    }
)
"""Reasons that a step need not know: each has steps of its own that lead on."""

TWIN = {(action, step) for action in ("certify", "authenticate") for step in ("RETRIEVE_ENTERPRISE", "JOIN_ENTERPRISE")}
"""Of the enterprise that is authenticated already, only the id is known where another is to be authenticated."""

AS_A_MEMBER = {"invite", "grant", "request_use", "submit_review", "propose_end", "decide", "witness", "record_return"}
"""What the legal representative does as a member, and joins first: that has a step of its own."""


def test_of_every_next_step_it_is_said_where_it_leads() -> None:
    steps = {step for entry in BOOK.reasons.values() for step in entry.next_steps} - {NOTHING_TO_DO}
    assert not ACTIONS.keys() & FACTS.keys()
    assert steps == ACTIONS.keys() | FACTS.keys()


def dead_ends(facts: Facts, pdp_at: Callable[[int], PolicyDecisionPoint], decision: Decision) -> Iterator[str]:
    """The steps of a deny that lead to a deny for a reason that is new, or to none that changes anything."""
    question, now = decision.question, decision.evaluated_at
    known = {reason.code for reason in decision.reasons}
    for reason in decision.reasons:
        for step in reason.next_steps:
            if step.code not in ACTIONS or (question.action, step.code) in TWIN:
                continue
            for asked, at in ACTIONS[step.code](facts, question, step, now):
                answer = pdp_at(at).decide(asked)
                again = [each.code for each in answer.reasons]
                later = {*LATER, "NOT_A_MEMBER"} if asked.action in AS_A_MEMBER else LATER
                if not answer and (set(again) - known - later or reason.code in again):
                    yield f"{reason.code} → {step.code} → {again}"


def test_who_follows_a_step_of_a_policy_test_is_not_denied_at_once() -> None:
    followed = set()
    for ask in asks():
        if ask.expected.effect == "ALLOW" or ask.question.action not in BUNDLE.actions.get(
            ask.question.resource.type, ()
        ):
            continue

        def pdp_at(at: int) -> PolicyDecisionPoint:
            return PolicyDecisionPoint(ask.facts.fact_cache, POLICIES, lambda: at)  # noqa: B023 (called here)

        decision = pdp_at(ask.now).decide(ask.question)
        wrong = list(dead_ends(ask.facts.records, pdp_at, decision))
        assert not wrong, (ask.file, ask.line, wrong)
        followed |= {step.code for step in decision.next_steps} & ACTIONS.keys()
        assert_times(decision, lambda at: pdp_at(at).decide(ask.question))  # noqa: B023 (called here)
    assert followed >= ACTIONS.keys() - {"INVITE_MEMBER"}


NAMES = {
    "Enterprise": "enterprise_id",
    "JoinApplication": "application_id",
    "RuleChange": "change_id",
    "Seal": "seal_id",
    "SealOuting": "outing_id",
    "SealReview": "review_id",
    "SealUseRequest": "request_id",
}
"""The parameter of a step that names a record of each type."""

NAMES_NONE = {
    "ATTACH_RESOLUTION": "names the contract; the resolution is of the enterprise asked about",
    "CHOOSE_OTHER_GRANTEE": "of the seal of the grant asked about",
    "NARROW_GRANT": "of the seal of the grant asked about",
    "FINISH_CONTRACTS": "of many contracts",
    "FINISH_OPEN_TASK": "of many tasks",
    "FINISH_TASKS": "of many tasks",
    "HANDOVER_TASKS": "of many tasks and seals",
    "TRANSFER_ADMIN": "of the enterprise of the membership asked about",
    "WAIT_SEALING": "somebody else's use",
    "WITHDRAW_APPLICATION": "an application of the person's own, wherever it is",
}
"""The steps to an act on another record that they do not name, and why."""


def test_step_to_an_act_on_another_record_names_it() -> None:
    seen = set()
    for ask in asks():
        asked = ask.question
        if ask.expected.effect == "ALLOW" or asked.action not in BUNDLE.actions.get(asked.resource.type, ()):
            continue
        decision = PolicyDecisionPoint(ask.facts.fact_cache, POLICIES, lambda: ask.now).decide(asked)  # noqa: B023
        for step in (each for reason in decision.reasons for each in reason.next_steps if each.code in WAYS):
            acts = [] if WAYS[step.code].who == OTHERS else [act for act in WAYS[step.code].acts if " " not in act]
            types = {act.partition("/")[0] for act in acts}
            if step.code == "PROPOSE_RULE_CHANGE":
                assert step.parameters.keys() >= {"enterprise_id", "rule_kind"}, (ask.file, ask.line, step)
            elif not types or asked.resource.type in types or step.code in NAMES_NONE:
                continue
            else:
                named = {NAMES[each] for each in types if each in NAMES}
                assert step.parameters.keys() & named, (ask.file, ask.line, step)
            seen.add(step.code)
    assert seen >= {"PROPOSE_RULE_CHANGE", "CONFIRM_RULE_CHANGE", "REQUEST_SEAL_USE", "REMIND_ADMIN", "RETURN_SEAL"}


@given(asked_scenes())
@settings(max_examples=tries(150, 2_000), deadline=None, suppress_health_check=list(HealthCheck))
def test_who_follows_a_step_is_not_denied_at_once(pair: tuple[Scene, Question]) -> None:
    scene, question = pair
    decision = scene.pdp(NOW).decide(question)
    assert not list(dead_ends(scene.records, scene.pdp, decision))
    assert_times(decision, lambda at: scene.pdp(at).decide(question))


def assert_times(decision: Decision, later: Callable[[int], Decision]) -> None:
    """To wait until a time is told with the time, and then its reason holds no more."""
    for reason in decision.reasons:
        for step in reason.next_steps:
            if step.code == "WAIT_UNTIL":
                until = step.parameters.get("wait_until")
                assert isinstance(until, int), (decision.question, reason.code)
                assert until > decision.evaluated_at
                after = {each.code for each in later(until).reasons}
                assert reason.code not in after, (decision.question, reason.code)
