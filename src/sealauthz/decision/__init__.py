"""Questions, decisions, the policy bundle, and the policy decision point that brings them together."""

from sealauthz.decision.bundle import Bundle
from sealauthz.decision.decision import (
    Attempt,
    Audience,
    Decision,
    Effect,
    Explanation,
    NextStep,
    Obligation,
    Reason,
    RequirementOutcome,
    RuleRef,
    Standing,
)
from sealauthz.decision.pdp import PolicyDecisionPoint, system_clock
from sealauthz.decision.question import ContextValue, Entity, Question

__all__ = [
    "Attempt",
    "Audience",
    "Bundle",
    "ContextValue",
    "Decision",
    "Effect",
    "Entity",
    "Explanation",
    "NextStep",
    "Obligation",
    "PolicyDecisionPoint",
    "Question",
    "Reason",
    "RequirementOutcome",
    "RuleRef",
    "Standing",
    "system_clock",
]
