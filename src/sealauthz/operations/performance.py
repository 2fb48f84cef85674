"""What is asked when an act is to be performed, and the answer. A deny is falsy, as a decision is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.question import Entity, Question
from sealauthz.schema.effect import Value
from sealauthz_client.answers import Obligation
from sealauthz_client.assertions import assertion_digest

ArgumentValue = str | int | bool | Sequence["ArgumentValue"] | Mapping[str, "ArgumentValue"]
"""The value of an argument as a client gives it. Instants are microseconds since 1970-01-01T00:00:00Z."""


@dataclass(frozen=True, slots=True)
class Performance:
    """An act that is to be performed: who does what, with which arguments, under which request id of the caller.

    `assertion` is the person's signed assertion of it, empty without one. It is no part of what is asked.
    """

    question: Question
    request_id: str
    arguments: Mapping[str, ArgumentValue] = field(default_factory=dict)
    assertion: str = field(default="", repr=False)

    @property
    def digest(self) -> str:
        """What the person confirms: the digest of this request, by its id."""
        asked = self.question
        subject, resource = str(asked.subject), str(asked.resource)
        return assertion_digest(subject, asked.action, resource, asked.context, self.arguments, self.request_id)

    @property
    def fingerprint(self) -> str:
        """The digest of all that is asked: the same request id stands for the same of it only."""
        asked = self.question
        content = {
            "subject": [asked.subject.type, asked.subject.id],
            "action": asked.action,
            "resource": [asked.resource.type, asked.resource.id],
            "context": dict(asked.context),
            "arguments": self.arguments,
        }
        return "perform:" + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Operation:
    """An act that was performed: the same answer for every repetition of its request.

    `at` is an instant in microseconds, `values` what the act made, by plain names, and `receipt` the signed receipt;
    empty where there is none.
    """

    operation_id: str
    caller: str
    request_id: str
    subject: Entity
    action: str
    resource: Entity
    revision: int
    timeline: str
    at: int
    values: Mapping[str, Value] = field(default_factory=dict)
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Performed:
    """The answer: the decision, and the operation where it was allowed. `is_replay`: it was performed before."""

    decision: Decision
    operation: Operation | None = None
    is_replay: bool = False

    def __bool__(self) -> bool:
        return self.operation is not None


def kept_form(performed: Performed, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer as it is kept: ids, codes and instants. INVARIANT: it holds no personal text."""
    decision, operation = performed.decision, performed.operation
    if operation is None:
        raise TypeError("a deny is not kept")
    return {
        "operation_id": operation.operation_id,
        "caller": operation.caller,
        "request_id": operation.request_id,
        "subject": [operation.subject.type, operation.subject.id],
        "action": operation.action,
        "resource": [operation.resource.type, operation.resource.id],
        "context": dict(context),
        "revision": operation.revision,
        "timeline": operation.timeline,
        "at": operation.at,
        "values": dict(operation.values),
        "receipt": operation.receipt,
        "decision": {
            "id": decision.decision_id,
            "policy_version": decision.policy_version,
            "policy_digest": decision.policy_digest,
            "revision": decision.revision,
            "timeline": decision.timeline,
            "evaluated_at": decision.evaluated_at,
            "valid_until": decision.valid_until,
            "obligations": [[obligation.code, dict(obligation.parameters)] for obligation in decision.obligations],
        },
    }


def from_kept_form(kept: Mapping[str, Any]) -> Performed:
    """Return the answer that was kept, as a repetition of its request gets it."""
    decided = kept["decision"]
    subject, resource = Entity(*kept["subject"]), Entity(*kept["resource"])
    decision = Decision(
        question=Question(subject, kept["action"], resource, kept["context"]),
        effect=Effect.ALLOW,
        decision_id=decided["id"],
        policy_version=decided["policy_version"],
        policy_digest=decided.get("policy_digest", ""),
        revision=decided["revision"],
        timeline=decided["timeline"],
        evaluated_at=decided["evaluated_at"],
        valid_until=decided["valid_until"],
        obligations=tuple(Obligation(code, parameters) for code, parameters in decided["obligations"]),
    )
    operation = Operation(
        operation_id=kept["operation_id"],
        caller=kept["caller"],
        request_id=kept["request_id"],
        subject=subject,
        action=kept["action"],
        resource=resource,
        revision=kept["revision"],
        timeline=kept["timeline"],
        at=kept["at"],
        values=kept["values"],
        receipt=kept["receipt"],
    )
    return Performed(decision, operation, is_replay=True)
