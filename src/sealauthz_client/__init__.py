"""The client that other services import. It needs grpcio and protobuf, and nothing of the server.

    with SealAuthzClient("sealauthz.internal:8443", token, tls_roots=roots) as client:
        decision = client.authorize("Person:P1", "use", "Seal:S1", {"task": "T1"})
        if decision:
            ...

A decision is falsy unless it allows, and so is a question without an answer: what cannot be answered is never an allow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sealauthz_client.answers import (
        Activity,
        ActivityPage,
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
    from sealauthz_client.async_client import AsyncSealAuthzClient
    from sealauthz_client.authorization import NEWEST, at_least
    from sealauthz_client.batching import AsyncBatchingAuthorizer, BatchingAuthorizer
    from sealauthz_client.caching import AnswerCache, AsyncCachedAuthorizer, CachedAuthorizer
    from sealauthz_client.channels import DEFAULT_TIMEOUT_S, MAX_RECEIVE_BYTES
    from sealauthz_client.client import SealAuthzClient
    from sealauthz_client.enforcing import AsyncGuard, Denied, Guard
    from sealauthz_client.facts import absent, at_revision, delete, exists, fact, put, update
    from sealauthz_client.failures import CallFailed
    from sealauthz_client.messages import Changes, ContextValue, Imported, NoAnswer, OpenImport, Page, Question, Written
    from sealauthz_client.operations import ArgumentValue
    from sealauthz_client.retrying import MAX_ATTEMPTS, RetryPolicy
    from sealauthz_client.tokens import RenewedAsyncToken, RenewedToken, Token

__version__ = "0.1.0"

# Each name is loaded when it is first used: who reads answers or verifies receipts needs no grpcio.
_NAMES = {
    "answers": (
        "Activity ActivityPage Attempt ConditionalItem ConditionalPage Decision Event Explanation ListPage LogEntry"
        " LogProof NamedValue NextStep Obligation Operation ParameterValue Performed Progress Reason"
        " RequirementOutcome RuleRef Stage"
    ),
    "async_client": "AsyncSealAuthzClient",
    "authorization": "NEWEST at_least",
    "batching": "AsyncBatchingAuthorizer BatchingAuthorizer",
    "caching": "AnswerCache AsyncCachedAuthorizer CachedAuthorizer",
    "channels": "DEFAULT_TIMEOUT_S MAX_RECEIVE_BYTES",
    "client": "SealAuthzClient",
    "failures": "CallFailed",
    "enforcing": "AsyncGuard Denied Guard",
    "facts": "absent at_revision delete exists fact put update",
    "messages": "Changes ContextValue Imported NoAnswer OpenImport Page Question Written",
    "operations": "ArgumentValue",
    "retrying": "MAX_ATTEMPTS RetryPolicy",
    "tokens": "RenewedAsyncToken RenewedToken Token",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = [
    "DEFAULT_TIMEOUT_S",
    "MAX_ATTEMPTS",
    "MAX_RECEIVE_BYTES",
    "NEWEST",
    "Activity",
    "ActivityPage",
    "AnswerCache",
    "ArgumentValue",
    "AsyncBatchingAuthorizer",
    "AsyncCachedAuthorizer",
    "AsyncGuard",
    "AsyncSealAuthzClient",
    "Attempt",
    "BatchingAuthorizer",
    "CachedAuthorizer",
    "CallFailed",
    "Changes",
    "ConditionalItem",
    "ConditionalPage",
    "ContextValue",
    "Decision",
    "Denied",
    "Event",
    "Explanation",
    "Guard",
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
    "RenewedAsyncToken",
    "RenewedToken",
    "RequirementOutcome",
    "RetryPolicy",
    "RuleRef",
    "SealAuthzClient",
    "Stage",
    "Token",
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


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module `{__name__}` has no `{name}`")
    found = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
