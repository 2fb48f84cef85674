"""What acts own is written by a caller with the right to import, and by nobody else."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import grpc
import pytest
from calls import ask, refused
from conftest import Serve, demo_database, trusted

from sealauthz.facts import Batch, Store
from sealauthz.model import MODEL
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.letters import AuthLetter
from sealauthz.model.records.organisation import (
    CertificationMethod,
    CertificationState,
    Enterprise,
    MonitorSubscription,
)
from sealauthz.model.records.requests import SealUseRequest
from sealauthz.model.records.retrieval import EnterpriseAuthentication
from sealauthz.model.records.signing import PartyKind, Signatory, SigningTask, TaskAction, TaskState
from sealauthz.schema import Put
from sealauthz.service import RPCS
from sealauthz.service.callers import IMPORT
from sealauthz.service.records import forms_of
from sealauthz_client import at_revision, delete
from sealauthz_client.v1 import facts_pb2, records_pb2

FORMS = forms_of(MODEL)

WRITER = trusted(name="writer", token="w" * 40, rpcs=frozenset(RPCS) - {IMPORT})
"""May write every field of every type, and not import."""

OWNED = {
    *("Membership", "RoleAssignment", "Absence", "Invitation", "JoinApplication"),
    *("SealGrant", "GrantContractType", "GrantTemplate", "EmergencyUse", "OpenGrant", "OpenGrantTemplate"),
    *("CrossEnterpriseGrant", "CrossGrantContractType", "HolderAssignment", "Delegation", "DelegationContractType"),
    *(
        "RequestDocument",
        "Approval",
        "UsePhoto",
        "RetrievalCase",
        "RetrievalReview",
        "RetrievalAppeal",
        "Objection",
    ),
    *("SealHold", "SealReview", "SealProposal", "SealWitness", "SealUse", "CountedRequest", "SealOuting"),
    *("Alert", "DeniedAttempt"),
    *("PartyConsent", "InternalReview", "BoardResolution", "RuleChange"),
    *("AuthLetter", "MonitorSubscription"),
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return demo_database(tmp_path)


def write(*changes: facts_pb2.FactChange, request_id: str = "R1", **more: Any) -> facts_pb2.WriteFactsRequest:
    return facts_pb2.WriteFactsRequest(request_id=request_id, changes=changes, **more)


def update(fields: list[str], **record: Any) -> facts_pb2.FactChange:
    changed = facts_pb2.FactUpdate(fact=records_pb2.Fact(**record))
    changed.fields.paths.extend(fields)
    return facts_pb2.FactChange(update=changed)


def put(**record: Any) -> facts_pb2.FactChange:
    return facts_pb2.FactChange(put=records_pb2.Fact(**record))


def of(record: Any) -> facts_pb2.FactChange:
    return facts_pb2.FactChange(put=FORMS.fact_of(record))


def test_the_records_that_acts_own_are_these() -> None:
    whole = {name for name, shape in MODEL.shapes.items() if len(shape.owned_by_acts) == len(shape.columns)}
    assert whole == OWNED
    in_part = {name: shape.owned_by_acts for name, shape in MODEL.shapes.items() if shape.owned_by_acts}
    assert {name: columns for name, columns in in_part.items() if name not in whole} == {
        "Seal": {"state"},
        "StampReport": {"state"},
        "Enterprise": {"auth_state"},
        "SigningTask": {"signed_by_id", "signed_for_id", "signed_at", "refused_by_id", "refused_at", "refusal_reason"},
        "EnterpriseAuthentication": {"state", "decided_at", "owner_id", "reviewer_id"},
        "SealUseRequest": {column.name for column in MODEL.shapes["SealUseRequest"].columns} - {"code_digest"},
    }


def test_the_columns_that_acts_own_are_columns() -> None:
    for shape in MODEL.shapes.values():
        assert shape.owned_by_acts <= {column.name for column in shape.columns}


def test_what_acts_own_is_refused_to_a_caller_without_the_right_to_import(serve: Serve, store: Store) -> None:
    served = serve(trusted(), WRITER)
    used = update(["used"], seal_grant=records_pb2.SealGrant(id="grant-zhou-use", used=1))
    ended = update(
        ["state"],
        role_assignment=records_pb2.RoleAssignment(id="role-chen-seals", state=records_pb2.ASSIGNMENT_STATE_REVOKED),
    )
    before = store.revision()
    for change in (used, ended, delete("GrantTemplate", "none"), delete("RoleAssignment", "role-chen-seals")):
        refusal = refused(served.facts.WriteFacts, write(change), "w" * 40)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_PERMITTED")
        assert "is changed by acts" in refusal.message
    assert store.revision() == before
    counted = store.read("SealGrant", {"id": "grant-zhou-use"}).records[0].revision
    ask(served.facts.WriteFacts, write(used, preconditions=[at_revision("SealGrant", "grant-zhou-use", counted)]))
    assert store.revision() == before + 1


def test_a_seal_is_made_as_a_draft_and_its_state_is_left_to_acts(serve: Serve) -> None:
    served = serve(trusted(), WRITER)
    new = {"enterprise_id": "e-yunshan", "name": "new", "kind": records_pb2.SEAL_KIND_OTHER}
    active = records_pb2.Seal(id="seal-new", state=records_pb2.SEAL_STATE_ACTIVE, **new)
    draft = records_pb2.Seal(id="seal-new", state=records_pb2.SEAL_STATE_DRAFT, **new)
    disabled = records_pb2.Seal(id="seal-official", state=records_pb2.SEAL_STATE_DISABLED)
    for change in (put(seal=active), update(["state"], seal=disabled)):
        refusal = refused(served.facts.WriteFacts, write(change), "w" * 40)
        assert refusal.code == grpc.StatusCode.PERMISSION_DENIED
        assert refusal.message.startswith("`Seal.state` is changed by acts: ")
    ask(served.facts.WriteFacts, write(put(seal=draft)), "w" * 40)
    renamed = records_pb2.Seal(id="seal-official", name="renamed")
    ask(served.facts.WriteFacts, write(update(["name"], seal=renamed), request_id="R2"), "w" * 40)
    ask(served.facts.WriteFacts, write(update(["state"], seal=disabled), request_id="R3"))


def test_evidence_and_watching_are_not_written_without_the_right_to_import(serve: Serve) -> None:
    made = [
        AuthLetter("letter-new", "seal-official", "digest", "p-chen", 1, seal_grant_id="grant-zhou-use"),
        MonitorSubscription("watch-new", "e-yunshan", "m-chen-yunshan"),
    ]
    served = serve(trusted(), WRITER)
    for record in made:
        refusal = refused(served.facts.WriteFacts, write(of(record)), "w" * 40)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_PERMITTED")
        assert "is changed by acts" in refusal.message


def test_a_certification_is_handed_in_and_its_verdict_is_left_to_acts(serve: Serve) -> None:
    served = serve(trusted(), WRITER)
    submitted = EnterpriseAuthentication("certification-new", "e-yunshan", "p-zhou", CertificationMethod.DOCUMENTS, 1)
    found = dataclasses.replace(submitted, reviewer_id="p-chen", owner_id="p-zhou")
    passed = dataclasses.replace(submitted, state=CertificationState.PASSED, decided_at=2)
    for record in (found, passed):
        refusal = refused(served.facts.WriteFacts, write(of(record)), "w" * 40)
        assert refusal.code == grpc.StatusCode.PERMISSION_DENIED
        assert refusal.message.startswith("`EnterpriseAuthentication.")
    ask(served.facts.WriteFacts, write(of(submitted)), "w" * 40)


def test_the_service_of_controllers_writes_a_code_and_nothing_else_of_a_request(serve: Serve, store: Store) -> None:
    made = {"seal_id": "seal-official", "applicant_id": "m-zhou", "submitted_at": 1, "valid_from": 1, "valid_to": 2}
    request = SealUseRequest("request-new", **made)
    store.write(Batch("test", "made", (Put(request),)))
    fields = {"SealUseRequest": frozenset({"code_digest"})}
    controllers = trusted(name="controllers", token="c" * 40, rpcs=frozenset(RPCS) - {IMPORT}, write=fields)
    served = serve(trusted(), WRITER, controllers)
    code = records_pb2.SealUseRequest(id="request-new", code_digest="digest-of-a-code")
    used = records_pb2.SealUseRequest(id="request-new", uses=9)
    for token in ("w" * 40, "c" * 40):
        for change in (update(["uses"], seal_use_request=used), of(dataclasses.replace(request, id="request-other"))):
            refusal = refused(served.facts.WriteFacts, write(change), token)
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_PERMITTED")
    ask(served.facts.WriteFacts, write(update(["code_digest"], seal_use_request=code)), "c" * 40)
    written = store.read("SealUseRequest", {"id": "request-new"}).records[0].record
    assert written == dataclasses.replace(request, code_digest="digest-of-a-code")


def test_the_platform_makes_tasks_and_enterprises_and_says_of_nobody_that_they_signed(
    serve: Serve, store: Store
) -> None:
    served = serve(trusted(), WRITER)
    contract = Contract("contract-new", "e-yunshan", "SALES")
    party = Signatory("party-new", "contract-new", PartyKind.ENTERPRISE, enterprise_id="e-yunshan")
    task = SigningTask("task-new", "party-new", TaskAction.APPROVE, state=TaskState.PENDING)
    enterprise = Enterprise("e-new", "new", "91110000633674814Q")
    ask(served.facts.WriteFacts, write(*map(of, (contract, party, task, enterprise))), "w" * 40)
    signed = records_pb2.SigningTask(id="task-new", state=records_pb2.TASK_STATE_SIGNED, signed_by_id="p-zhou")
    authenticated = records_pb2.Enterprise(id="e-new", auth_state=records_pb2.AUTHENTICATION_STATE_AUTHENTICATED)
    for change in (
        update(["state", "signed_by_id"], signing_task=signed),
        of(dataclasses.replace(task, id="task-other", state=TaskState.SIGNED, signed_by_id="p-zhou")),
        update(["auth_state"], enterprise=authenticated),
    ):
        refusal = refused(served.facts.WriteFacts, write(change, request_id="R2"), "w" * 40)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_PERMITTED")
        assert "is changed by acts" in refusal.message
    ask(served.facts.WriteFacts, write(update(["state"], signing_task=signed), request_id="R3"), "w" * 40)


def test_a_type_that_is_not_listed_is_refused_as_before(serve: Serve) -> None:
    served = serve(trusted(rpcs=frozenset(RPCS) - {IMPORT}, write={}))
    refusal = refused(served.facts.WriteFacts, write(delete("SealGrant", "grant-zhou-use")))
    assert refusal.message == "the caller `demo` may not write `SealGrant`"
