"""The numbers of the policies, as `parameters.toml` of the bundle gives them, and the range of each.

A folder that needs a number outside of its range says who agreed, in `bundle.toml` (`decision/signoffs.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from sealauthz.schema import Duration
from sealauthz.schema.parameters import count, length


@dataclass(frozen=True, slots=True)
class Parameters:
    """Every number that a rule compares with. Sources: the tags in `parameters.toml`."""

    reminder_gap: Duration = length("1 hour", "7 days")
    reminder_limit: int = count(0, 10)
    reapply_cooldown: Duration = length("1 hour", "30 days")
    open_applications_limit: int = count(1, 20)
    rejections_limit: int = count(1, 10)
    rejections_window: Duration = length("7 days", "365 days")
    admin_responsive_within: Duration = length("1 day", "30 days")
    admin_unresponsive_after: Duration = length("1 day", "14 days")
    receipt_lasts: Duration = length("10 seconds", "10 minutes")
    face_for_batch: Duration = length("1 minute", "30 minutes")
    face_for_use: Duration = length("1 minute", "1 hour")
    face_for_retrieval: Duration = length("1 minute", "30 minutes")
    match_for_invitation: Duration = length("1 minute", "1 hour")
    face_for_grant: Duration = length("1 minute", "1 hour")
    face_for_management: Duration = length("1 minute", "1 hour")
    face_for_admin_change: Duration = length("1 minute", "30 minutes")
    clock_skew: Duration = length("1 second", "1 minute")
    intent_for_signing: Duration = length("1 minute", "1 hour")
    admin_remains_for: Duration = length("1 day", "90 days")
    absence_notice: Duration = length("1 hour", "7 days")
    suspicion_reaches_back: Duration = length("7 days", "365 days")
    rule_change_valid: Duration = length("1 day", "365 days")
    lift_proposal_valid: Duration = length("1 hour", "30 days")
    notice_documents: Duration = length("24 hours", "30 days")
    notice_legal_rep: Duration = length("12 hours", "30 days")
    registry_fresh_within: Duration = length("1 hour", "7 days")
    registry_valid_for: Duration = length("1 day", "30 days")
    licence_valid_for: Duration = length("7 days", "365 days")
    authenticated_once_anywhere: int = count(0, 1)
    retrieval_draft_for: Duration = length("1 hour", "7 days")
    retrieval_idle_for: Duration = length("3 days", "60 days")
    retrieval_window: Duration = length("7 days", "365 days")
    retrieval_attempts: int = count(1, 10)
    retrieval_enterprises: int = count(1, 10)
    claim_answer_within: Duration = length("24 hours", "30 days")
    claim_decision_within: Duration = length("24 hours", "7 days")
    claim_barred_for: Duration = length("7 days", "365 days")
    claim_limit: int = count(0, 10)
    cooling_off: Duration = length("12 hours", "30 days")
    appeal_within: Duration = length("7 days", "365 days")
    grant_longest: Duration = length("1 day", "1096 days")
    delegation_longest: Duration = length("1 day", "365 days")
    absence_longest: Duration = length("1 day", "365 days")
    request_longest: Duration = length("1 day", "30 days")
    post_approval_within: Duration = length("1 hour", "72 hours")
    first_days: Duration = length("1 day", "90 days")
    sole_owner_settled: Duration = length("7 days", "365 days")
    sole_owner_limit: int = count(0, 1000)
    alert_after_admin_change: Duration = length("1 hour", "30 days")
    allow_valid_for: Duration = length("1 second", "5 minutes")
    deny_valid_for: Duration = length("1 second", "1 minute")
