"""Questions, decisions, the policy bundle, and the policy decision point that brings them together."""

from sealauthz.decision.assembly import RequestOptions
from sealauthz.decision.bundle import Bundle
from sealauthz.decision.decision import Decision, Effect, Explanation, Standing
from sealauthz.decision.pdp import PolicyDecisionPoint, system_clock
from sealauthz.decision.question import ContextValue, Entity, Question
from sealauthz_client.answers import Attempt, Audience, NextStep, Obligation, Reason, RequirementOutcome, RuleRef

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
    "RequestOptions",
    "RequirementOutcome",
    "RuleRef",
    "Standing",
    "system_clock",
]
