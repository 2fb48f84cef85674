"""The client that other services import. It needs grpcio and protobuf, and neither policies nor a database.

    with SealAuthzClient("sealauthz.internal:8443", token, tls_roots=roots) as client:
        decision = client.authorize("Person:P1", "use", "Seal:S1", {"task": "T1"})
        if decision:
            ...

A decision is falsy unless it allows, and so is a question without an answer: what cannot be answered is never an allow.
"""

from __future__ import annotations

from sealauthz.answers import (
    Attempt,
    ConditionalItem,
    ConditionalPage,
    Decision,
    Event,
    Explanation,
    ListPage,
    LogEntry,
    LogProof,
    NamedValue,
    NextStep,
    Obligation,
    Operation,
    ParameterValue,
    Performed,
    Progress,
    Reason,
    RequirementOutcome,
    RuleRef,
    Stage,
)
from sealauthz.client.audit import AuditCalls
from sealauthz.client.authorization import NEWEST, AuthorizationCalls, at_least
from sealauthz.client.events import EventsCalls
from sealauthz.client.facts import FactsCalls, absent, at_revision, delete, exists, fact, put, update
from sealauthz.client.messages import Changes, ContextValue, Imported, NoAnswer, OpenImport, Page, Question, Written
from sealauthz.client.operations import ArgumentValue, OperationsCalls
from sealauthz.client.policy import PolicyCalls
from sealauthz.client.transport import DEFAULT_TIMEOUT_S, MAX_ATTEMPTS, MAX_RECEIVE_BYTES, CallFailed

__all__ = [
    "DEFAULT_TIMEOUT_S",
    "MAX_ATTEMPTS",
    "MAX_RECEIVE_BYTES",
    "NEWEST",
    "ArgumentValue",
    "Attempt",
    "CallFailed",
    "Changes",
    "ConditionalItem",
    "ConditionalPage",
    "ContextValue",
    "Decision",
    "Event",
    "Explanation",
    "Imported",
    "ListPage",
    "LogEntry",
    "LogProof",
    "NamedValue",
    "NextStep",
    "NoAnswer",
    "Obligation",
    "OpenImport",
    "Operation",
    "Page",
    "ParameterValue",
    "Performed",
    "Progress",
    "Question",
    "Reason",
    "RequirementOutcome",
    "RuleRef",
    "SealAuthzClient",
    "Stage",
    "Written",
    "absent",
    "at_least",
    "at_revision",
    "delete",
    "exists",
    "fact",
    "put",
    "update",
]


class SealAuthzClient(AuditCalls, AuthorizationCalls, EventsCalls, FactsCalls, OperationsCalls, PolicyCalls):
    """A connection to the service. Any thread may use it; close it, or use it as a context manager.

    `tls_roots` are the PEM certificates to trust (None: those of grpcio); `certificate` is the caller's own, with its
    key (PEM), where the server wants one: then the token may be empty. `insecure` is plain text, to loopback only.
    Every call ends within its `timeout_s`, attempts included, and raises CallFailed if there is no answer by then.
    Questions take `consistency`: None answers from memory (`Decision.facts_age`), `NEWEST` and `at_least(token)` do not
    answer from older facts.
    """
