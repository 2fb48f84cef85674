"""What next steps ask of other people: the acts by which somebody answers who was sent to them."""

from __future__ import annotations

from collections.abc import Mapping

_ENDS_TASKS = (
    ("transfer", "SigningTask"),
    ("sign", "SigningTask"),
    ("refuse", "SigningTask"),
    ("approve", "SigningTask"),
    ("recall", "Contract"),
)

_MOVES_CASE = (
    ("withdraw", "RetrievalCase"),
    ("review", "RetrievalCase"),
    ("adjudicate", "RetrievalCase"),
    ("decide_appeal", "RetrievalCase"),
    ("execute", "RetrievalCase"),
    ("certify", "RetrievalCase"),
    ("submit", "RetrievalCase"),
    ("decide", "EnterpriseAuthentication"),
    ("publish_notice", "RetrievalCase"),
    ("answer_claim", "RetrievalCase"),
)

_BY_ACTS: tuple[tuple[tuple[str, ...], tuple[tuple[str, str], ...]], ...] = (
    (("ASK_FOR_SEAL_REVIEW", "SUBMIT_SEAL_REVIEW"), (("submit_review", "Seal"), ("decide", "SealReview"))),
    (("ATTACH_RESOLUTION",), (("record_resolution", "Enterprise"), ("countersign", "BoardResolution"))),
    (
        ("AUTHENTICATE_ENTERPRISE",),
        (("certify", "Enterprise"), ("decide", "EnterpriseAuthentication"), ("authenticate", "Enterprise")),
    ),
    (("CHOOSE_OTHER_GRANTEE", "NARROW_GRANT"), (("grant", "Seal"),)),
    (("COLLECT_SEAL",), (("collect", "Seal"),)),
    (
        ("CONTACT_ADMIN",),
        (
            ("approve_join", "JoinApplication"),
            ("reinstate", "Membership"),
            ("assign_role", "Membership"),
            ("edit", "ApprovalProcess"),
            ("edit", "BusinessCategory"),
            ("subscribe", "Enterprise"),
            ("invite", "Enterprise"),
            ("confirm_invitee", "Invitation"),
        ),
    ),
    (("CONTACT_INITIATOR",), (("recall", "Contract"),)),
    (
        ("CONTACT_LEGAL_REP", "CONTACT_SEAL_ADMIN"),
        (
            ("edit", "Seal"),
            ("submit_review", "Seal"),
            ("decide", "SealReview"),
            ("enable", "Seal"),
            ("release", "SealHold"),
            ("report_found", "Seal"),
            ("grant", "Seal"),
            ("confirm", "SealGrant"),
            ("assign_custodian", "Seal"),
            ("collect", "Seal"),
            ("record_return", "SealOuting"),
            ("withdraw", "SealProposal"),
            ("extend", "SealGrant"),
        ),
    ),
    (("CREATE_OWN_SEAL",), (("create_seal", "Enterprise"),)),
    (
        ("FINISH_CONTRACTS",),
        (
            ("recall", "Contract"),
            ("terminate", "Contract"),
            ("permit_double_agency", "Signatory"),
            ("agree_to_termination", "Signatory"),
        ),
    ),
    (
        ("FINISH_OPEN_TASK", "WAIT_PREVIOUS"),
        _ENDS_TASKS,
    ),
    (
        ("FINISH_TASKS",),
        (
            *_ENDS_TASKS,
            ("withdraw", "SealUseRequest"),
        ),
    ),
    (("HANDOVER_TASKS",), (("transfer", "SigningTask"), ("assign_custodian", "Seal"))),
    (("INVITE_MEMBER",), (("accept", "Invitation"),)),
    (("LET_COLLEAGUE_ASK",), (("request_use", "Seal"), ("approve", "SealUseRequest"))),
    (("JOIN_ENTERPRISE",), (("approve_join", "JoinApplication"),)),
    (("NAME_WITNESSES",), (("witness", "SealProposal"),)),
    (("PROPOSE_END",), (("propose_end", "Seal"), ("witness", "SealProposal"))),
    (("PROPOSE_LIFT",), (("propose_lift", "SealHold"),)),
    (("PROPOSE_RULE_CHANGE",), (("propose_rule_change", "Enterprise"), ("confirm_change", "RuleChange"))),
    (("WAIT_RULE_CHANGE",), (("confirm_change", "RuleChange"), ("withdraw", "RuleChange"))),
    (("WITHDRAW_RULE_CHANGE",), (("withdraw", "RuleChange"), ("propose_rule_change", "Enterprise"))),
    (("REPORT_NOT_SEALED",), (("report_not_sealed", "SealUse"), ("use", "Seal"))),
    (("WAIT_SEALING",), (("seal", "SealUse"), ("confirm_sealed", "SealUse"), ("report_not_sealed", "SealUse"))),
    (("REPORT_SEAL_FOUND",), (("report_found", "Seal"),)),
    (("REPORT_SEAL_LOST",), (("report_lost", "Seal"),)),
    (
        ("REQUEST_CONSENT", "REQUEST_CONSENTS"),
        (("permit_double_agency", "Signatory"), ("agree_to_termination", "Signatory")),
    ),
    (
        ("REQUEST_CROSS_GRANT", "REQUEST_GRANT", "REQUEST_GRANT_RENEWAL"),
        (
            ("extend", "SealGrant"),
            ("grant", "Seal"),
            ("deliver_letter", "OpenGrant"),
            ("confirm", "OpenGrant"),
            ("confirm", "SealGrant"),
            ("deliver_letter", "CrossEnterpriseGrant"),
            ("verify", "AuthLetter"),
            ("confirm", "CrossEnterpriseGrant"),
            ("assign", "CrossEnterpriseGrant"),
        ),
    ),
    (("REQUEST_DELEGATION",), (("delegate", "Membership"), ("accept", "Delegation"))),
    (("REQUEST_INVITATION",), (("invite", "Enterprise"),)),
    (("REQUEST_POST_APPROVAL",), (("approve_afterwards", "EmergencyUse"),)),
    (("REQUEST_SEAL_USE", "RESUBMIT_APPROVAL", "SUBMIT_APPROVAL", "WAIT_APPROVAL"), (("approve", "SealUseRequest"),)),
    (("REQUEST_TRANSFER",), (("transfer", "SigningTask"),)),
    (("RETURN_SEAL", "WAIT_RETURN"), (("record_return", "SealOuting"),)),
    (
        ("REVIEW_CASE", "WAIT_RETRIEVAL"),
        _MOVES_CASE,
    ),
    (
        ("SIGN_AUTH_LETTER",),
        (
            ("deliver_letter", "SealGrant"),
            ("deliver_letter", "OpenGrant"),
            ("deliver_letter", "CrossEnterpriseGrant"),
            ("verify", "AuthLetter"),
        ),
    ),
    (("UPLOAD_SEAL_FACE",), (("edit", "Seal"), ("submit_review", "Seal"), ("decide", "SealReview"))),
    (("WAIT_ADMIN",), (("approve_join", "JoinApplication"), ("reject_join", "JoinApplication"))),
    (("WAIT_INVITEE",), (("claim", "Invitation"),)),
    (("WAIT_INVITER",), (("confirm_invitee", "Invitation"),)),
    (
        ("WAIT_REVIEW",),
        (
            *_MOVES_CASE,
            ("decide", "InternalReview"),
        ),
    ),
    (("WAIT_SEAL_REVIEW",), (("decide", "SealReview"),)),
    (("WITHDRAW_PROPOSAL",), (("withdraw", "SealProposal"), ("propose_end", "Seal"))),
)
"""Steps that ask for the same, and the acts: each an action and the type of what it is done to."""

STEP_ACTS: Mapping[str, tuple[tuple[str, str], ...]] = {step: acts for steps, acts in _BY_ACTS for step in steps}
"""The acts of other people that each next step may lead to, by the step."""
