"""Where each next step leads, and by whom: acts, facts of the outside world, another question, another person, time.

`Way` says what who follows a step does. Acts are performed; facts are written by their owners; what the person says
differently is another context of the same question; what another person does is the same question, asked by them.
"""

from __future__ import annotations

from dataclasses import dataclass

SELF, OTHERS, ANYBODY = "self", "others", "anybody"


@dataclass(frozen=True)
class Way:
    """What following a step may mean. `acts` as `Type/action`, performed by `who`; the rest is said above."""

    who: str = ANYBODY
    acts: tuple[str, ...] = ()
    facts: bool = False
    says: bool = False
    other: bool = False
    waits: bool = False


def acts(
    who: str, *names: str, facts: bool = False, says: bool = False, other: bool = False, waits: bool = False
) -> Way:
    return Way(who, names, facts, says, other, waits)


FACTS = Way(facts=True)
SAYS = Way(says=True)
OTHER = Way(other=True)

_SEAL = (
    "Seal/edit", "Seal/submit_review", "SealReview/decide", "Seal/enable", "SealHold/release", "Seal/report_found",
    "Seal/grant", "SealGrant/confirm", "Seal/assign_custodian", "Seal/collect",
    "SealOuting/record_return", "SealProposal/withdraw", "SealGrant/extend",
)  # fmt: skip
_GRANTING = (
    "SealGrant/extend", "Seal/grant", "OpenGrant/deliver_letter", "OpenGrant/confirm", "SealGrant/confirm",
    "CrossEnterpriseGrant/deliver_letter", "AuthLetter/verify", "CrossEnterpriseGrant/confirm",
    "CrossEnterpriseGrant/assign",
)  # fmt: skip
_APPROVING = (f"{OTHERS} SealUseRequest/approve",)
_ADMIN = (
    "JoinApplication/approve_join", "Membership/reinstate", "Membership/assign_role",
    "ApprovalProcess/edit", "BusinessCategory/edit", "Enterprise/subscribe", "Enterprise/invite",
    "Invitation/confirm_invitee",
)  # fmt: skip
_CONSENTS = ("Signatory/permit_double_agency", "Signatory/agree_to_termination")
_TASKS = ("SigningTask/transfer", "SigningTask/sign", "SigningTask/refuse", "SigningTask/approve", "Contract/recall")
_CASE = (
    "RetrievalCase/withdraw", "RetrievalCase/review", "RetrievalCase/adjudicate", "RetrievalCase/decide_appeal",
    "RetrievalCase/execute", "RetrievalCase/certify", "RetrievalCase/submit", "EnterpriseAuthentication/decide",
    "RetrievalCase/publish_notice", "RetrievalCase/answer_claim",
)  # fmt: skip

WAYS: dict[str, Way] = {
    "ACCEPT_INVITATION": acts(SELF, "Invitation/accept"),
    "ASK_FOR_SEAL_REVIEW": acts(OTHERS, "Seal/submit_review", "SealReview/decide"),
    "ASK_OTHER_REVIEWER": OTHER,
    "ASSIGN_OTHER_PERSON": OTHER,
    "ATTACH_RESOLUTION": acts(ANYBODY, "Enterprise/record_resolution", "BoardResolution/countersign", facts=True),
    "AUTHENTICATE_ENTERPRISE": acts(ANYBODY, "Enterprise/certify", "EnterpriseAuthentication/decide",
                                    "Enterprise/authenticate", facts=True),
    "CERTIFY_LEGAL_REP_ONLINE": acts(SELF, "Enterprise/certify", "RetrievalCase/certify", facts=True),
    "CHECK_CONTEXT": SAYS,
    "CHOOSE_ACTION": SAYS,
    "CHOOSE_LEADER": SAYS,
    "CHOOSE_MEMBER": SAYS,
    "CHOOSE_NEW_ADMIN": SAYS,
    "CHOOSE_OTHER_CATEGORY": FACTS,
    "CHOOSE_OTHER_CUSTODIAN": SAYS,
    "CHOOSE_OTHER_GRANTEE": acts(ANYBODY, "Seal/grant", says=True),
    "CHOOSE_OTHER_SEAL": Way(facts=True, says=True, other=True),
    "CHOOSE_RECEIVER": SAYS,
    "CHOOSE_ROLE": SAYS,
    "CHOOSE_SEAL": SAYS,
    "CHOOSE_SUBSTITUTE": SAYS,
    "CHOOSE_TASK": SAYS,
    "CHOOSE_TYPE": SAYS,
    "CLAIM_INVITATION": acts(SELF, "Invitation/claim", facts=True, says=True),
    "COLLECT_SEAL": acts(ANYBODY, "Seal/collect"),
    "CONFIRM_RULE_CHANGE": acts(SELF, "RuleChange/confirm_change"),
    "CONTACT_ADMIN": acts(OTHERS, *_ADMIN, facts=True, other=True),
    "CONTACT_APPLICANT": OTHER,
    "CONTACT_INITIATOR": acts(OTHERS, "Contract/recall", facts=True, other=True),
    "CONTACT_LEGAL_REP": acts(OTHERS, *_SEAL, facts=True, other=True),
    "CONTACT_PLATFORM": FACTS,
    "CONTACT_SEAL_ADMIN": acts(OTHERS, *_SEAL, facts=True, other=True),
    "CREATE_OWN_SEAL": acts(ANYBODY, "Enterprise/create_seal", other=True),
    "DECIDE_SEAL_REVIEW": acts(SELF, "SealReview/decide"),
    "ENTER_USE_CODE": Way(says=True, facts=True),
    "FINISH_CONTRACTS": acts(ANYBODY, "Contract/recall", "Contract/terminate", *_CONSENTS, facts=True),
    "FINISH_OPEN_TASK": acts(ANYBODY, *_TASKS, facts=True),
    "FINISH_TASKS": acts(ANYBODY, *_TASKS, "SealUseRequest/withdraw", facts=True),
    "FORWARD_TO_OPERATOR": OTHER,
    "HANDOVER_TASKS": acts(ANYBODY, "SigningTask/transfer", "Seal/assign_custodian", facts=True),
    "INVITE_MEMBER": acts(SELF, "Enterprise/invite", f"{OTHERS} Invitation/accept", "Membership/assign_role",
                          facts=True, other=True),
    "JOIN_ENTERPRISE": acts(SELF, "Enterprise/join", f"{OTHERS} JoinApplication/approve_join", facts=True),
    "LET_COLLEAGUE_ASK": acts(OTHERS, "Seal/request_use", f"{ANYBODY} SealUseRequest/approve", other=True),
    "LIFT_CERTIFICATE_SUSPENSION": FACTS,
    "MATCH_PHONE": Way(facts=True, says=True),
    "NAME_BENEFICIARY": SAYS,
    "NAME_RULE_CHANGE": SAYS,
    "NAME_WITNESSES": acts(OTHERS, "SealProposal/witness"),
    "NARROW_GRANT": acts(ANYBODY, "Seal/grant", says=True, facts=True),
    "PAY_FROM_ACCOUNT": acts(SELF, "RetrievalCase/certify"),
    "PROPOSE_END": acts(ANYBODY, "Seal/propose_end", "SealProposal/witness", says=True),
    "PROPOSE_LIFT": acts(OTHERS, "SealHold/propose_lift"),
    "PROPOSE_RULE_CHANGE": acts(ANYBODY, "Enterprise/propose_rule_change", "RuleChange/confirm_change", says=True),
    "REAPPLY_JOIN": acts(SELF, "Enterprise/join", waits=True),
    "REFRESH_REGISTRY": FACTS,
    "REJECT_SEAL_REVIEW": SAYS,
    "REMIND_ADMIN": acts(SELF, "JoinApplication/remind", waits=True),
    "RENEW_CERTIFICATE": FACTS,
    "REPORT_NOT_SEALED": acts(ANYBODY, "SealUse/report_not_sealed", "Seal/use"),
    "STATE_BASIS": SAYS,
    "WAIT_SEALING": acts(ANYBODY, "SealUse/seal", "SealUse/confirm_sealed", "SealUse/report_not_sealed"),
    "REPORT_SEAL_FOUND": acts(ANYBODY, "Seal/report_found"),
    "REPORT_SEAL_LOST": acts(ANYBODY, "Seal/report_lost"),
    "REQUEST_CONSENT": acts(OTHERS, *_CONSENTS, facts=True),
    "REQUEST_CONSENTS": acts(OTHERS, *_CONSENTS, facts=True),
    "REQUEST_CROSS_GRANT": acts(OTHERS, *_GRANTING, says=True),
    "REQUEST_DELEGATION": acts(OTHERS, "Membership/delegate", f"{ANYBODY} Delegation/accept", says=True),
    "REQUEST_GRANT": acts(OTHERS, *_GRANTING),
    "REQUEST_GRANT_RENEWAL": acts(OTHERS, *_GRANTING),
    "REQUEST_INVITATION": acts(OTHERS, "Enterprise/invite", says=True),
    "REQUEST_NEW_ADMIN_FACE": Way(facts=True, says=True),  # `Chance.show_face`
    "REQUEST_POST_APPROVAL": acts(OTHERS, "EmergencyUse/approve_afterwards"),
    "REQUEST_SEAL_USE": acts(SELF, "Seal/request_use", *_APPROVING, says=True),
    "REQUEST_SECOND_PERSON": OTHER,
    "REQUEST_TRANSFER": acts(OTHERS, "SigningTask/transfer", other=True),
    "RESUBMIT_APPROVAL": acts(SELF, "Seal/request_use", *_APPROVING, says=True),
    "RETRIEVE_BY_DOCUMENTS": acts(SELF, "RetrievalCase/withdraw", "Enterprise/retrieve"),
    "RETRIEVE_ENTERPRISE": acts(SELF, "Enterprise/retrieve", "Enterprise/claim_admin_gone", says=True),
    "RETRY_LATER": FACTS,
    "RETURN_SEAL": acts(ANYBODY, "SealOuting/record_return"),
    "REVIEW_CASE": acts(OTHERS, *_CASE, other=True),
    "SIGN_AUTH_LETTER": acts(ANYBODY, "SealGrant/deliver_letter", "OpenGrant/deliver_letter",
                             "CrossEnterpriseGrant/deliver_letter", "AuthLetter/verify", facts=True),
    "STATE_OWN_TERMS": FACTS,
    "STATE_REASON": SAYS,
    "SUBMIT_APPROVAL": acts(SELF, "Seal/request_use", *_APPROVING),
    "SUBMIT_DOCUMENTS": acts(SELF, "Enterprise/certify", "RetrievalCase/certify", facts=True),
    "SUBMIT_SEAL_REVIEW": acts(ANYBODY, "Seal/submit_review", "SealReview/decide"),
    "SWITCH_ACCOUNT": OTHER,
    "TRANSFER_ADMIN": acts(SELF, "Enterprise/transfer_admin", "Membership/assign_role"),
    "UPLOAD_SEAL_FACE": acts(ANYBODY, "Seal/edit", "Seal/submit_review", "SealReview/decide", facts=True),
    "UPLOAD_USE_PHOTOS": acts(SELF, "SealUseRequest/deliver_photos"),
    "URGE": Way(),
    "VERIFY_FACE": Way(facts=True, says=True),
    "VERIFY_REALNAME": FACTS,
    "VIEW_RETRIEVAL_PROGRESS": Way(),
    "WAIT_ADMIN": acts(OTHERS, "JoinApplication/approve_join", "JoinApplication/reject_join"),
    "WAIT_APPLICANT": FACTS,
    "WAIT_APPROVAL": acts(OTHERS, *_APPROVING),
    "WAIT_INVITEE": acts(OTHERS, "Invitation/claim", facts=True),
    "WAIT_INVITER": acts(OTHERS, "Invitation/confirm_invitee"),
    "WAIT_MEMBER": FACTS,
    "WAIT_PREVIOUS": acts(OTHERS, *_TASKS, facts=True),
    "WAIT_RETRIEVAL": acts(OTHERS, *_CASE, waits=True),
    "WAIT_RETURN": acts(OTHERS, "SealOuting/record_return"),
    "WAIT_REVIEW": acts(OTHERS, *_CASE, "InternalReview/decide", facts=True),
    "WAIT_RULE_CHANGE": acts(OTHERS, "RuleChange/confirm_change", "RuleChange/withdraw"),
    "WAIT_SEAL_REVIEW": acts(OTHERS, "SealReview/decide"),
    "WAIT_UNTIL": Way(waits=True),
    "WITHDRAW_APPLICATION": acts(SELF, "JoinApplication/withdraw"),
    "WITHDRAW_RULE_CHANGE": acts(ANYBODY, "RuleChange/withdraw", "Enterprise/propose_rule_change"),
    "WITHDRAW_PROPOSAL": acts(ANYBODY, "SealProposal/withdraw", "Seal/propose_end"),
}  # fmt: skip

ENDED_BY: dict[tuple[str, str], tuple[str, ...]] = {
    ("DOCUMENTS_BEING_SEALED", "WAIT_SEALING"): ("SealUse/report_not_sealed",),
    ("SEAL_LOST", "CONTACT_SEAL_ADMIN"): ("Seal/report_found",),
    ("SEAL_FROZEN", "CONTACT_SEAL_ADMIN"): ("SealHold/release",),
    ("SEAL_DISABLED", "CONTACT_SEAL_ADMIN"): ("Seal/enable",),
    ("SEAL_NOT_ACTIVE", "CONTACT_SEAL_ADMIN"): ("Seal/enable", "Seal/submit_review", "SealReview/decide"),
    ("SEAL_UNDER_REVIEW", "CONTACT_SEAL_ADMIN"): ("SealReview/decide", "Seal/submit_review"),
    ("GRANT_NOT_CONFIRMED", "CONTACT_SEAL_ADMIN"): ("SealGrant/confirm",),
    ("PROCESS_DISABLED", "CONTACT_ADMIN"): ("ApprovalProcess/edit",),
    ("JOIN_PENDING", "WAIT_ADMIN"): ("JoinApplication/approve_join",),
    ("DUPLICATE_APPLICATION", "WAIT_ADMIN"): ("JoinApplication/reject_join",),
    ("MEMBERSHIP_SUSPENDED", "CONTACT_ADMIN"): ("Membership/reinstate",),
    ("USE_LIMIT_EXHAUSTED", "REQUEST_GRANT_RENEWAL"): ("SealGrant/extend", "Seal/grant", "SealGrant/confirm"),
}
"""What whom a step names does about a reason, where the step may mean many things."""
