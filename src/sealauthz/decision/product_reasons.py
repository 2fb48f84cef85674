"""The reasons that the service gives by itself, whatever the policies say."""

from __future__ import annotations

from sealauthz.decision.questions import NO_PERMISSION

NOT_FOUND = "NOT_FOUND"
CONTEXT_NOT_FOUND = "CONTEXT_NOT_FOUND"
UNKNOWN_ACTION = "UNKNOWN_ACTION"
UNKNOWN_TYPE = "UNKNOWN_TYPE"
FACT_UNAVAILABLE = "FACT_UNAVAILABLE"
POLICY_ERROR = "POLICY_ERROR"
PRODUCT_REASONS = (
    NOT_FOUND,
    CONTEXT_NOT_FOUND,
    UNKNOWN_ACTION,
    UNKNOWN_TYPE,
    FACT_UNAVAILABLE,
    POLICY_ERROR,
    NO_PERMISSION,
)
"""All of them; a bundle describes them like its own."""
