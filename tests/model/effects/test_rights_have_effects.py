"""Every act on seals, on rights on them and on an enterprise's own rules says what it changes."""

from __future__ import annotations

import pytest
from harness import bundle

from sealauthz.model import MODEL

TYPES = (
    "ApprovalProcess",
    "AuthLetter",
    "BoardResolution",
    "BusinessCategory",
    "CrossEnterpriseGrant",
    "Delegation",
    "EmergencyUse",
    "OpenGrant",
    "RuleChange",
    "SealGrant",
    "SealHold",
    "SealProposal",
    "SealReview",
    "SealUseRequest",
)
# Of types that others have acts on, too.
ACTS = (
    *(("Membership", action) for action in ("delegate",)),
    *(
        ("Enterprise", action)
        for action in (
            "create_seal",
            "record_resolution",
            "propose_rule_change",
            "set_amount_bands",
            "set_working_hours",
            "set_holidays",
            "change_settings",
            "create_process",
            "create_category",
        )
    ),
    *(
        ("Seal", action)
        for action in (
            "assign_custodian",
            "collect",
            "destroy",
            "disable",
            "edit",
            "enable",
            "freeze",
            "grant",
            "place_hold",
            "propose_end",
            "report_found",
            "report_lost",
            "request_use",
            "revoke",
            "submit_review",
            "view",
            "view_log",
        )
    ),
)


@pytest.mark.parametrize(
    ("resource", "action"),
    [*ACTS, *((resource, action) for resource in TYPES for action in bundle().rulebook.actions_of(resource))],
)
def test_an_act_says_what_it_changes(resource: str, action: str) -> None:
    assert action in bundle().rulebook.actions_of(resource)
    assert MODEL.action(action, resource).effect is not None
