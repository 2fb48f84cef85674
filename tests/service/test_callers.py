"""Who calls, and what each caller may call, write and see: default deny, over a real port."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from calls import ask, entity, question, refused, use
from conftest import Serve, caller, trusted
from fake_pdp import FLAGGED, JOIN, FakePdp, deny

from sealauthz.facts import Batch, Put, Store, WriteReceipt
from sealauthz.model.records.seals import Seal, SealKind, SealState
from sealauthz.schema import shape_of
from sealauthz.service import RPCS
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

EMPTY = policy_pb2.PolicyFiles(files=[policy_pb2.PolicyFile(part="POLICY_PART_POLICIES", name="empty.polar")])
VIEW = monitor_pb2.ActivityView(subject=entity("Person:P1"), enterprise_ids=["E1"])
REQUESTS: dict[str, Any] = {
    "AuthorizationService/Authorize": use(),
    "AuthorizationService/AuthorizeBatch": authorization_pb2.AuthorizeBatchRequest(questions=[question()]),
    "AuthorizationService/ListActions": authorization_pb2.ListActionsRequest(
        subject=entity("Person:P1"), resource=entity("Seal:S1")
    ),
    "AuthorizationService/ListResources": authorization_pb2.ListResourcesRequest(
        subject=entity("Person:P1"), action="use", resource_type="Seal"
    ),
    "AuthorizationService/ListSubjects": authorization_pb2.ListSubjectsRequest(
        resource=entity("Seal:S1"), action="use", subject_type="Person"
    ),
    "AuthorizationService/Explain": authorization_pb2.ExplainRequest(
        subject=entity("Person:P1"), action="use", resource=entity("Seal:S1")
    ),
    "FactsService/WriteFacts": facts_pb2.WriteFactsRequest(
        request_id="R1",
        changes=[
            facts_pb2.FactChange(
                put=records_pb2.Fact(enterprise=records_pb2.Enterprise(id="E1", name="Ying", uscc="91350100M000100Y43"))
            )
        ],
    ),
    "FactsService/ReadFacts": facts_pb2.ReadFactsRequest(record_type="Seal"),
    "FactsService/ImportFacts": facts_pb2.ImportFactsRequest(
        import_id="I1", enterprise_ids=["E9"], part=1, last=True, facts=[]
    ),
    "FactsService/WatchChanges": facts_pb2.WatchChangesRequest(),
    "FactsService/ListImports": facts_pb2.ListImportsRequest(),
    "FactsService/EndImport": facts_pb2.EndImportRequest(caller="C", import_id="I"),
    "OperationsService/Perform": operations_pb2.PerformRequest(
        subject=entity("Person:P1"), action="use", resource=entity("Seal:S1"), request_id="A1"
    ),
    "EventsService/Watch": events_pb2.WatchRequest(),
    "AuditService/GetCheckpoint": audit_pb2.GetCheckpointRequest(),
    "AuditService/GetInclusionProof": audit_pb2.GetInclusionProofRequest(number=0),
    "AuditService/GetConsistencyProof": audit_pb2.GetConsistencyProofRequest(first_size=1),
    "AuditService/ListDecisions": audit_pb2.ListDecisionsRequest(),
    "AuditService/DecideAsOf": audit_pb2.DecideAsOfRequest(
        subject=entity("Person:P1"), action="use", resource=entity("Seal:S1"), revision=9_999
    ),
    "AuditService/GetDecision": audit_pb2.GetDecisionRequest(decision_id="D-none"),
    "MonitorService/WatchSealActivity": monitor_pb2.WatchSealActivityRequest(view=VIEW),
    "MonitorService/ListSealActivity": monitor_pb2.ListSealActivityRequest(view=VIEW),
    "OperationsService/GetProgress": operations_pb2.GetProgressRequest(
        subject=entity("Person:P1"), resource=entity("JoinApplication:J1")
    ),
    "OperationsService/GetOperation": operations_pb2.GetOperationRequest(operation_id="O-none"),
    "OperationsService/GetKeys": operations_pb2.GetKeysRequest(),
    "PolicyService/ListVersions": policy_pb2.ListVersionsRequest(),
    "PolicyService/GetPolicy": policy_pb2.GetPolicyRequest(version="0"),
    "PolicyService/ValidatePolicy": policy_pb2.ValidatePolicyRequest(content=EMPTY),
    "PolicyService/ComparePolicies": policy_pb2.ComparePoliciesRequest(version="0", base_version="0"),
    "PolicyService/Propose": policy_pb2.ProposeRequest(content=EMPTY),
    "PolicyService/Activate": policy_pb2.ActivateRequest(version="0", digest="0"),
    "PolicyService/RollBack": policy_pb2.RollBackRequest(expected_active="0"),
    "PolicyService/BeginShadow": policy_pb2.BeginShadowRequest(version="v1"),
    "PolicyService/EndShadow": policy_pb2.EndShadowRequest(),
    "PolicyService/GetShadow": policy_pb2.GetShadowRequest(),
}

NOTHING_THERE = {
    "FactsService/EndImport": grpc.StatusCode.FAILED_PRECONDITION,
    "OperationsService/GetOperation": grpc.StatusCode.NOT_FOUND,
    "PolicyService/GetPolicy": grpc.StatusCode.NOT_FOUND,
    "PolicyService/ComparePolicies": grpc.StatusCode.NOT_FOUND,
    "PolicyService/Propose": grpc.StatusCode.INVALID_ARGUMENT,
    "PolicyService/Activate": grpc.StatusCode.NOT_FOUND,
    "PolicyService/RollBack": grpc.StatusCode.FAILED_PRECONDITION,
    "AuditService/GetInclusionProof": grpc.StatusCode.NOT_FOUND,
    "AuditService/GetConsistencyProof": grpc.StatusCode.INVALID_ARGUMENT,
    "AuditService/DecideAsOf": grpc.StatusCode.FAILED_PRECONDITION,
    "AuditService/GetDecision": grpc.StatusCode.NOT_FOUND,
    "PolicyService/BeginShadow": grpc.StatusCode.NOT_FOUND,
}
"""What these requests are answered with: they name what is not there."""


def method_of(served: Any, rpc: str) -> Any:
    """The method, called with one message and answering with one."""
    service, _, name = rpc.partition("/")
    method = getattr(served.stub_of(service), name)
    if name == "ImportFacts":
        return lambda request, **how: method(iter([request]), **how)
    if name in ("Watch", "WatchChanges", "WatchSealActivity"):
        return lambda request, **how: next(method(request, **how))
    return method


def put(**record: Any) -> facts_pb2.FactChange:
    return facts_pb2.FactChange(put=records_pb2.Fact(**record))


def write(*changes: facts_pb2.FactChange, request_id: str = "R1", **more: Any) -> facts_pb2.WriteFactsRequest:
    return facts_pb2.WriteFactsRequest(request_id=request_id, changes=changes, **more)


def seal(**fields: Any) -> records_pb2.Seal:
    stored = {
        "id": "S1",
        "enterprise_id": "E1",
        "name": "contract seal",
        "kind": records_pb2.SEAL_KIND_CONTRACT,
        "state": records_pb2.SEAL_STATE_ACTIVE,
    }
    return records_pb2.Seal(**{**stored, **fields})


def test_the_requests_of_this_file_cover_every_rpc() -> None:
    assert set(REQUESTS) == set(RPCS)


@pytest.mark.parametrize("rpc", RPCS)
def test_a_call_without_credentials_is_unauthenticated(serve: Serve, rpc: str) -> None:
    served = serve()
    refusal = refused(method_of(served, rpc), REQUESTS[rpc], token=None)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CALLER_UNKNOWN")
    assert refusal.domain == "sealauthz.dev"
    assert "caller" not in served.last_call()


@pytest.mark.parametrize("token", ["", "x", "t" * 39, "t" * 41, "T" * 40, f"{'t' * 40} ", "t" * 5000])
def test_a_wrong_token_is_unauthenticated(serve: Serve, token: str) -> None:
    served = serve()
    assert refused(served.authorization.Authorize, use(), token).code == grpc.StatusCode.UNAUTHENTICATED
    assert not token or token not in served.log_text


@pytest.mark.parametrize(
    "metadata",
    [
        [("authorization", "Basic dDp0")],
        [("authorization", "t" * 40)],
        [("authorization", f"Bearer {'t' * 40}"), ("authorization", f"Bearer {'t' * 40}")],
        [("authorization-bin", f"Bearer {'t' * 40}".encode())],
        [("x-authorization", f"Bearer {'t' * 40}")],
    ],
)
def test_only_one_bearer_token_counts(serve: Serve, metadata: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        serve().authorization.Authorize(use(), metadata=metadata)
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_the_scheme_is_written_in_either_case(serve: Serve) -> None:
    assert (
        serve().authorization.Authorize(use(), metadata=[("authorization", f"bearer {'t' * 40}")]).HasField("decision")
    )


@pytest.mark.parametrize("rpc", RPCS)
def test_an_rpc_that_is_not_listed_is_not_permitted(serve: Serve, rpc: str) -> None:
    served = serve(trusted(rpcs=frozenset(RPCS) - {rpc}), caller("none", token="n" * 40))
    for token in ("t" * 40, "n" * 40):
        refusal = refused(method_of(served, rpc), REQUESTS[rpc], token)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_PERMITTED")
    for other in set(RPCS) - {rpc, *NOTHING_THERE}:
        ask(method_of(served, other), REQUESTS[other])
    for other in NOTHING_THERE.keys() - {rpc}:
        assert refused(method_of(served, other), REQUESTS[other]).code == NOTHING_THERE[other]


def test_each_token_is_its_own_caller(serve: Serve) -> None:
    served = serve(trusted(name="first"), trusted(name="second", token="s" * 40))
    ask(served.authorization.Authorize, use(), "s" * 40)
    assert served.last_call()["caller"] == "second"
    ask(served.authorization.Authorize, use())
    assert served.last_call()["caller"] == "first"


def test_a_decision_on_another_enterprise_is_not_permitted(serve: Serve) -> None:
    served = serve(trusted(tenants=frozenset({"E1"})))
    assert ask(served.authorization.Authorize, use("Seal:S1")).decision.effect == authorization_pb2.EFFECT_ALLOW
    refusal = refused(served.authorization.Authorize, use("Seal:S2"))
    assert refusal.code == grpc.StatusCode.PERMISSION_DENIED
    batch = authorization_pb2.AuthorizeBatchRequest(questions=[question("Seal:S1"), question("Seal:S2")])
    items = ask(served.authorization.AuthorizeBatch, batch).items
    assert items[0].HasField("decision")
    assert (items[1].status.code, items[1].status.reason) == (7, "CALLER_NOT_PERMITTED")


# --- reading ----------------------------------------------------------------------------------------------------------


def test_records_of_other_enterprises_are_not_returned(serve: Serve) -> None:
    served = serve(trusted(tenants=frozenset({"E1"})))
    page = ask(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Seal"))
    assert [stored.fact.seal.id for stored in page.facts] == ["S1"]
    page = ask(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Enterprise"))
    assert [stored.fact.enterprise.id for stored in page.facts] == ["E1"]


def test_fields_that_are_not_listed_are_left_out_and_named(serve: Serve) -> None:
    served = serve(trusted(read={"Seal": frozenset({"state"})}))
    stored = ask(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Seal")).facts[0]
    assert stored.fact.seal == records_pb2.Seal(id="S1", state=records_pb2.SEAL_STATE_ACTIVE)
    assert stored.hidden_fields == [c.name for c in shape_of(Seal).columns if c.name not in ("id", "state")]


def test_a_type_that_is_not_listed_is_not_permitted(serve: Serve) -> None:
    served = serve(trusted(read={"Seal": frozenset({"state"})}))
    refusal = refused(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Enterprise"))
    assert refusal.code == grpc.StatusCode.PERMISSION_DENIED


def test_nobody_filters_by_a_field_that_is_hidden_or_personal(serve: Serve) -> None:
    served = serve(trusted(read={"Seal": frozenset({"state"}), "Person": frozenset({"phone"})}))
    by_name = facts_pb2.ReadFactsRequest(
        record_type="Seal", filters=[facts_pb2.FactFilter(field="name", value="contract seal")]
    )
    assert refused(served.facts.ReadFacts, by_name).code == grpc.StatusCode.PERMISSION_DENIED
    by_phone = facts_pb2.ReadFactsRequest(
        record_type="Person", filters=[facts_pb2.FactFilter(field="phone", value="13812341569")]
    )
    assert refused(served.facts.ReadFacts, by_phone).code == grpc.StatusCode.INVALID_ARGUMENT


def test_personal_fields_are_masked_for_every_caller(serve: Serve) -> None:
    served = serve()
    person = ask(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Person")).facts[0].fact.person
    assert (person.real_name, person.phone, person.id_last4) == ("陈**", "138****1569", "****")
    assert "陈小明" not in served.log_text


def test_what_belongs_to_no_enterprise_calls_for_the_right_on_every_enterprise(serve: Serve) -> None:
    served = serve(trusted(tenants=frozenset({"E1", "E2"})))
    refusal = refused(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Person"))
    assert refusal.code == grpc.StatusCode.PERMISSION_DENIED
    refusal = refused(served.facts.WriteFacts, write(put(person=records_pb2.Person(id="P2"))))
    assert refusal.code == grpc.StatusCode.PERMISSION_DENIED


# --- writing ----------------------------------------------------------------------------------------------------------


def test_a_write_into_another_enterprise_is_not_permitted(serve: Serve) -> None:
    served = serve(trusted(tenants=frozenset({"E1"})))
    kind = records_pb2.SEAL_KIND_OTHER
    theirs = put(seal=records_pb2.Seal(id="S9", enterprise_id="E2", name="x", kind=kind))
    moved = put(seal=records_pb2.Seal(id="S2", enterprise_id="E1", name="x", kind=kind))
    for change in (theirs, moved):
        refusal = refused(served.facts.WriteFacts, write(put(seal=seal(name="mine")), change))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_PERMITTED")
    page = ask(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Seal"))
    assert page.facts[0].fact.seal.name == "contract seal"


def test_a_field_that_is_not_listed_keeps_its_value(serve: Serve) -> None:
    served = serve(trusted(write={"Seal": frozenset({"state"})}))
    disabled = records_pb2.SEAL_STATE_DISABLED
    refusal = refused(served.facts.WriteFacts, write(put(seal=seal(state=disabled, name="other"))))
    assert (refusal.code, refusal.message) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "the caller `demo` may not write `Seal.name`",
    )
    ask(served.facts.WriteFacts, write(put(seal=seal(state=disabled))))


def test_a_field_that_another_has_changed_meanwhile_is_not_put_back(serve: Serve, store: Store) -> None:
    served = serve(trusted(write={"Seal": frozenset({"name"})}))
    # Between the caller's look at the record, active, and its put, the seal is disabled.
    write_facts = store.write

    def disabled_meanwhile(batch: Batch, *rights: Any) -> WriteReceipt:
        disabled = Seal("S1", "E1", "contract seal", SealKind.CONTRACT, SealState.DISABLED)
        write_facts(Batch("another", "meanwhile", (Put(disabled),)))
        return write_facts(batch, *rights)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "write", disabled_meanwhile)
        refusal = refused(served.facts.WriteFacts, write(put(seal=seal(name="renamed"))))
    assert refusal.message == "the caller `demo` may not write `Seal.state`"
    stored = store.read("Seal", {"id": "S1"}).records[0].record
    assert (stored.state, stored.name) == ("DISABLED", "contract seal")


def test_the_same_request_is_answered_the_same_though_a_field_has_changed_since(serve: Serve, store: Store) -> None:
    served = serve(trusted(write={"Seal": frozenset({"name"})}))
    first = ask(served.facts.WriteFacts, write(put(seal=seal(name="renamed"))))
    disabled = Seal("S1", "E1", "renamed", SealKind.CONTRACT, SealState.DISABLED)
    store.write(Batch("another", "meanwhile", (Put(disabled),)))
    again = ask(served.facts.WriteFacts, write(put(seal=seal(name="renamed"))))
    assert again.replayed
    assert again.revision == first.revision


def test_a_new_record_holds_the_default_where_the_caller_may_not_write(serve: Serve) -> None:
    fields = frozenset({"enterprise_id", "name", "kind"})
    served = serve(trusted(write={"Seal": fields}))
    new = {"id": "S9", "enterprise_id": "E1", "name": "x", "kind": records_pb2.SEAL_KIND_OTHER}
    active = records_pb2.Seal(**new, state=records_pb2.SEAL_STATE_ACTIVE)
    assert refused(served.facts.WriteFacts, write(put(seal=active))).code == grpc.StatusCode.PERMISSION_DENIED
    ask(served.facts.WriteFacts, write(put(seal=records_pb2.Seal(**new))))


def test_a_required_field_must_be_listed_to_make_a_record(serve: Serve) -> None:
    served = serve(trusted(write={"Seal": frozenset({"state", "name"})}))
    new = records_pb2.Seal(id="S9", enterprise_id="E1", name="x", kind=records_pb2.SEAL_KIND_OTHER)
    refusal = refused(served.facts.WriteFacts, write(put(seal=new)))
    assert refusal.message == "the caller `demo` may not write `Seal.enterprise_id`"


def test_a_type_that_is_not_listed_is_not_written_or_asked_about(serve: Serve) -> None:
    served = serve(trusted(write={"SealHold": frozenset({"state"})}, read={}))
    assert refused(served.facts.WriteFacts, write(put(seal=seal()))).code == grpc.StatusCode.PERMISSION_DENIED
    key = facts_pb2.FactKey(record_type="Seal", id="S1")
    condition = facts_pb2.Precondition(key=key, exists=facts_pb2.Precondition.Exists())
    nothing = facts_pb2.FactChange(delete=facts_pb2.FactKey(record_type="SealHold", id="none"))
    refusal = refused(served.facts.WriteFacts, write(nothing, preconditions=[condition]))
    assert refusal.code == grpc.StatusCode.PERMISSION_DENIED


def test_removing_a_record_calls_for_the_right_on_all_of_its_fields(serve: Serve) -> None:
    all_fields = frozenset({"enterprise_id", "weekday", "from_minute", "to_minute"})
    served = serve(trusted(write={"WorkingHours": all_fields - {"weekday"}}), trusted(token="f" * 40))
    hours = records_pb2.WorkingHours(id="N1", enterprise_id="E1", weekday=1, from_minute=540, to_minute=1080)
    ask(served.facts.WriteFacts, write(put(working_hours=hours), request_id="R0"), "f" * 40)
    removal = facts_pb2.FactChange(delete=facts_pb2.FactKey(record_type="WorkingHours", id="N1"))
    assert refused(served.facts.WriteFacts, write(removal)).code == grpc.StatusCode.PERMISSION_DENIED
    ask(served.facts.WriteFacts, write(removal, request_id="R2"), "f" * 40)


# --- reasons ----------------------------------------------------------------------------------------------------------


def test_reasons_for_operators_need_the_right_to_see_them(serve: Serve) -> None:
    pdp = FakePdp(lambda asked: deny(asked, FLAGGED, JOIN))
    served = serve(trusted(), trusted(token="u" * 40, sees_operator_reasons=False), pdp=pdp)
    full = ask(served.authorization.Authorize, use()).decision
    assert [reason.code for reason in full.reasons] == ["RISK_FLAGGED", "NOT_A_MEMBER"]
    assert [step.code for step in full.next_steps] == ["CONTACT_PLATFORM", "JOIN_ENTERPRISE"]
    shown = ask(served.authorization.Authorize, use(), "u" * 40).decision
    assert [reason.code for reason in shown.reasons] == ["NOT_A_MEMBER"]
    assert [step.code for step in shown.next_steps] == ["JOIN_ENTERPRISE"]


def test_a_deny_keeps_a_reason_when_all_are_for_operators(serve: Serve) -> None:
    served = serve(trusted(sees_operator_reasons=False), pdp=FakePdp(lambda asked: deny(asked, FLAGGED)))
    decision = ask(served.authorization.Authorize, use()).decision
    assert decision.effect == authorization_pb2.EFFECT_DENY
    assert [(r.code, [s.code for s in r.next_steps]) for r in decision.reasons] == [
        ("NOT_PERMITTED_NOW", ["CONTACT_PLATFORM"])
    ]
    assert "RISK" not in str(decision)


def test_requirement_names_need_the_right_to_explain(serve: Serve) -> None:
    served = serve(
        trusted(),
        trusted(token="u" * 40, rpcs=frozenset(RPCS) - {"AuthorizationService/Explain"}),
        pdp=FakePdp(deny),
    )
    assert ask(served.authorization.Authorize, use()).decision.reasons[0].requirement == "MEMBER"
    assert ask(served.authorization.Authorize, use(), "u" * 40).decision.reasons[0].requirement == ""


def test_an_explanation_hides_reasons_for_operators_and_the_rules_that_name_them(serve: Serve) -> None:
    pdp = FakePdp(lambda asked: deny(asked, FLAGGED, JOIN))
    served = serve(trusted(), trusted(token="u" * 40, sees_operator_reasons=False), pdp=pdp)
    request = REQUESTS["AuthorizationService/Explain"]
    full = ask(served.authorization.Explain, request).explanation.requirements
    assert [(list(item.reasons), len(item.because), len(item.attempts)) for item in full] == [
        (["NOT_A_MEMBER"], 1, 1),
        (["RISK_FLAGGED"], 1, 1),
        ([], 0, 1),
    ]
    shown = ask(served.authorization.Explain, request, "u" * 40).explanation.requirements
    assert [(list(item.reasons), len(item.because), len(item.attempts)) for item in shown] == [
        (["NOT_A_MEMBER"], 1, 1),
        ([], 0, 0),
        ([], 0, 1),
    ]
