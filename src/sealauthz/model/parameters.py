"""The numbers of the policies, as `parameters.toml` of the bundle gives them."""

from __future__ import annotations

from dataclasses import dataclass

from sealauthz.schema import Duration


@dataclass(frozen=True, slots=True)
class Parameters:
    """Every number that a rule compares with. Sources: the tags in `parameters.toml`."""

    reminder_gap: Duration
    reminder_limit: int
    reapply_cooldown: Duration
    open_applications_limit: int
    rejections_limit: int
    rejections_window: Duration
    admin_responsive_within: Duration
    admin_unresponsive_after: Duration
    face_for_use: Duration
    face_for_retrieval: Duration
    face_for_grant: Duration
    face_for_management: Duration
    face_for_admin_change: Duration
    intent_for_signing: Duration
    notice_documents: Duration
    notice_legal_rep: Duration
    registry_fresh_within: Duration
    retrieval_window: Duration
    retrieval_attempts: int
    retrieval_enterprises: int
    cooling_off: Duration
    appeal_within: Duration
    post_approval_within: Duration
    alert_after_admin_change: Duration
    allow_valid_for: Duration
    deny_valid_for: Duration
