"""Invitations to a phone: whom they are for, and when the inviter confirmed who claimed one."""

from __future__ import annotations

import sqlalchemy as sa

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let an invitation name a phone in the place of a person."""
    alter("person", columns=[(sa.Column("phone_hash", TEXT, nullable=False), "''")])
    alter(
        "invitation",
        columns=[
            (sa.Column("phone_hash", TEXT, nullable=False), "''"),
            (sa.Column("contact_digest", TEXT, nullable=False), "''"),
            (sa.Column("confirmed_at", sa.BigInteger(), nullable=False), "0"),
        ],
        checks={
            "invitation_a_13_3": "target_id IS NOT NULL OR phone_hash <> ''",
            "invitation_a_13_4": (
                "phone_hash = '' OR (contact_digest <> '' AND expires_at - created_at <= 604800000000)"
            ),
            "invitation_a_13_5": (
                "confirmed_at = 0 OR (phone_hash <> '' AND target_id IS NOT NULL AND confirmed_at >= created_at)"
            ),
            "invitation_a_13_6": "state <> 'ACCEPTED' OR phone_hash = '' OR confirmed_at > 0",
        },
        optional=["target_id"],
        # What a record may leave out stands behind what it must have.
        moved={"target_id": "expires_at"},
    )
