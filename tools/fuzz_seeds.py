"""Well-formed requests of each RPC, for the fuzzer to spoil."""

from __future__ import annotations

from typing import Any

from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]

from sealauthz.audit.note import Signer
from sealauthz.audit.record import event_record
from sealauthz.audit.sequencer import Sequencer
from sealauthz.facts import Store
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.waiting import waiting
from sealauthz.service.callers import SERVICES
from sealauthz.service.fields import revision_message
from sealauthz_client.v1 import (
    audit_pb2,
    authorization_pb2,
    events_pb2,
    facts_pb2,
    monitor_pb2,
    operations_pb2,
    policy_pb2,
    records_pb2,
)

_RECORDS = 20


def log_some(store: Store) -> None:
    """Give a log of decisions its first records, so that there is something to ask it for."""
    lines = [
        event_record("Fuzz", now_us(), id=f"D{number}", subject="Person:nobody-1", action="use", resource="Seal:S9")
        for number in range(_RECORDS)
    ]
    with store.writing() as connection:
        driver = Driver(connection)
        driver.run(*waiting(driver.is_postgresql, now_us(), *lines))
    name = f"sealauthz/{store.store_id}"
    Sequencer(store, name, Signer.fresh(name)).drain()


def question_fields(number: int) -> dict[str, Any]:
    """Return a question about somebody and something that there is not: whatever becomes of it, it is no allow."""
    type_, action = [
        (type_, action) for type_ in ("Seal", "Contract", "Enterprise") for action in ("use", "view", "join")
    ][number % 9]
    return {
        "subject": authorization_pb2.Entity(type="Person", id=f"nobody-{number}"),
        "action": action,
        "resource": authorization_pb2.Entity(type=type_, id=f"nothing-{number}"),
        "context": {"task": authorization_pb2.ContextValue(string_value=f"none-{number}")} if number % 2 else {},
    }


def seeds(policies: str) -> dict[str, list[Any]]:
    """Return well-formed requests of each RPC; `policies` is the version of those that decide."""
    asked = [question_fields(number) for number in range(18)]
    lists = [{key: value for key, value in each.items() if key != "resource"} for each in asked]
    facts = [records_pb2.Fact(enterprise=records_pb2.Enterprise(id="E9", name="Nine", uscc="91350100M000100Y43"))]
    change = facts_pb2.FactChange(put=facts[0])
    value = operations_pb2.ArgumentValue
    names = operations_pb2.ArgumentList(values=[value(string_value="a"), value(int_value=1)])
    parts = operations_pb2.ArgumentRecord(values={"names": value(list_value=names), "is_last": value(bool_value=True)})
    arguments = {"role": value(string_value="LEGAL"), "parts": value(record_value=parts)}
    view = monitor_pb2.ActivityView(
        subject=asked[0]["subject"], enterprise_ids=["E9"], seal_ids=["S9"], branches=[asked[0]["resource"]]
    )
    content = policy_pb2.PolicyFiles(
        files=[
            policy_pb2.PolicyFile(part=part, name=name, text=text)
            for part, name, text in (
                (policy_pb2.POLICY_PART_POLICIES, "own.polar", 'requires("use", _: Seal, "OWN");'),
                (policy_pb2.POLICY_PART_PARAMETERS, "parameters.toml", 'deny_valid_for = "5s"'),
                (policy_pb2.POLICY_PART_BUNDLE, "bundle.toml", 'base = "installed"'),
            )
        ]
    )
    found: dict[str, list[Any]] = {
        "Authorize": [authorization_pb2.AuthorizeRequest(**each, language="en") for each in asked],
        "AuthorizeBatch": [
            authorization_pb2.AuthorizeBatchRequest(
                questions=[authorization_pb2.Question(**each) for each in asked[:4]]
            )
        ],
        "Explain": [authorization_pb2.ExplainRequest(**each) for each in asked],
        "ListActions": [
            authorization_pb2.ListActionsRequest(subject=each["subject"], resource=each["resource"]) for each in asked
        ],
        "ListResources": [
            authorization_pb2.ListResourcesRequest(**each, resource_type="Seal", page_size=3) for each in lists
        ],
        "ListSubjects": [
            authorization_pb2.ListSubjectsRequest(
                subject_type="Person", action=each["action"], resource=each["resource"], page_size=3
            )
            for each in asked
        ],
        "WriteFacts": [facts_pb2.WriteFactsRequest(request_id="R1", changes=[change])],
        "ReadFacts": [facts_pb2.ReadFactsRequest(record_type=name) for name in ("Seal", "Person", "Contract")],
        "ImportFacts": [facts_pb2.ImportFactsRequest(import_id="I1", enterprise_ids=["E9"], part=1, facts=facts)],
        "WatchChanges": [facts_pb2.WatchChangesRequest()],
        "Perform": [
            operations_pb2.PerformRequest(**each, arguments=arguments, request_id=f"A{number}", language="en")
            for number, each in enumerate(asked)
        ],
        "GetOperation": [operations_pb2.GetOperationRequest(operation_id="O1")],
        "GetProgress": [
            operations_pb2.GetProgressRequest(subject=each["subject"], resource=each["resource"], language="zh")
            for each in asked
        ],
        "EventsService/Watch": [
            events_pb2.WatchRequest(enterprise_ids=["E9"], language="en"),
            events_pb2.WatchRequest(after=f"{revision_message('S', 'T', 7).token}.2"),
        ],
        "WatchSealActivity": [monitor_pb2.WatchSealActivityRequest(view=view, language="en")],
        "ListSealActivity": [
            monitor_pb2.ListSealActivityRequest(view=view, page_size=3, since={"seconds": 1}, until={"seconds": 2}),
            monitor_pb2.ListSealActivityRequest(view=view, after=f"{revision_message('S', 'T', 7).token}.2"),
        ],
        "GetInclusionProof": [
            audit_pb2.GetInclusionProofRequest(number=3),
            audit_pb2.GetInclusionProofRequest(decision_id="D3"),
        ],
        "GetConsistencyProof": [audit_pb2.GetConsistencyProofRequest(first_size=5, second_size=_RECORDS)],
        "ListDecisions": [
            audit_pb2.ListDecisionsRequest(**some, page_size=3, since={"seconds": 1}, until={"seconds": 1 << 32})
            for some in (
                {"subject": asked[1]["subject"], "action": "use", "effect": "DENY", "kind": "Authorize"},
                {"resource": asked[0]["resource"], "enterprise_id": "E9", "reason": "NO_SUCH", "caller": "fuzz"},
                {},
            )
        ],
        "GetDecision": [audit_pb2.GetDecisionRequest(decision_id="D3")],
        "DecideAsOf": [
            audit_pb2.DecideAsOfRequest(**each, revision=1, time={"seconds": 2_000_000_000}, policy_version=policies)
            for each in asked
        ],
        "GetPolicy": [policy_pb2.GetPolicyRequest(version=policies)],
        "ValidatePolicy": [policy_pb2.ValidatePolicyRequest(content=content)],
        "ComparePolicies": [policy_pb2.ComparePoliciesRequest(version=policies)],
        "Propose": [policy_pb2.ProposeRequest(content=content, note="a note")],
        "Activate": [
            policy_pb2.ActivateRequest(
                version=policies, digest="0" * 64, signature=policy_pb2.PolicySignature(key="k", value=b"0" * 64)
            )
        ],
        "RollBack": [policy_pb2.RollBackRequest(expected_active=policies, note="a note")],
        "BeginShadow": [policy_pb2.BeginShadowRequest(version=policies, share=0.5, cpu_share=0.5)],
        "Check": [health_pb2.HealthCheckRequest(service="")],
        "Watch": [health_pb2.HealthCheckRequest(service=SERVICES[0].full_name)],
    }
    for service in SERVICES:
        for method in service.methods:
            if method.name not in found and f"{service.name}/{method.name}" not in found:
                found[method.name] = [method.input_type._concrete_class()]
    return found
