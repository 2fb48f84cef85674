"""Every malformed request is INVALID_ARGUMENT, with the path of each malformed field."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from calls import ask, entity, question, refused, use
from conftest import Serve, Served
from fake_pdp import FakePdp
from google.protobuf.timestamp_pb2 import Timestamp

from sealauthz_client.v1 import authorization_pb2, facts_pb2, records_pb2

Value = authorization_pb2.ContextValue
NEWEST = Timestamp(seconds=253_402_300_800)


def authorize(**fields: Any) -> authorization_pb2.AuthorizeRequest:
    whole: dict[str, Any] = {"subject": entity("Person:P1"), "action": "use", "resource": entity("Seal:S1"), **fields}
    return authorization_pb2.AuthorizeRequest(**whole)


def write(*changes: facts_pb2.FactChange, **fields: Any) -> facts_pb2.WriteFactsRequest:
    return facts_pb2.WriteFactsRequest(**{"request_id": "R1", "changes": changes, **fields})


def remove(record_type: str, record_id: str) -> facts_pb2.FactChange:
    return facts_pb2.FactChange(delete=facts_pb2.FactKey(record_type=record_type, id=record_id))


QUESTIONS = {
    "no subject": (authorize(subject=None), {"subject": "is required"}),
    "no resource": (authorize(resource=None), {"resource": "is required"}),
    "an empty subject": (authorize(subject=authorization_pb2.Entity()), {"subject": "is required"}),
    "no subject type": (authorize(subject=entity(":P1")), {"subject.type": "is required"}),
    "no subject id": (authorize(subject=entity("Person:")), {"subject.id": "is required"}),
    "no resource id": (authorize(resource=entity("Seal:")), {"resource.id": "is required"}),
    "an empty action": (authorize(action=""), {"action": "is required"}),
    "a long action": (authorize(action="x" * 129), {"action": "must have at most 128 characters"}),
    "a long id": (authorize(resource=entity("Seal:" + "x" * 129)), {"resource.id": "must have at most 128 characters"}),
    "a control character": (
        authorize(subject=entity("Person:P\n1")),
        {"subject.id": "must have printable characters only"},
    ),
    "a NUL": (authorize(action="use\0"), {"action": "must have printable characters only"}),
    "a hidden direction": (
        authorize(subject=entity("Person:\u202e1")),
        {"subject.id": "must have printable characters only"},
    ),
    "everything": (
        authorization_pb2.AuthorizeRequest(),
        {"subject": "is required", "resource": "is required", "action": "is required"},
    ),
    "a value without a value": (authorize(context={"task": Value()}), {"context[task]": "must hold a value"}),
    "33 keys": (
        authorize(context={f"k{i}": Value(int_value=i) for i in range(33)}),
        {"context": "must have at most 32 items"},
    ),
    "an empty key": (
        authorize(context={"": Value(int_value=1)}),
        {"context": "must have keys of 1 to 128 printable characters"},
    ),
    "a long value": (
        authorize(context={"reason": Value(string_value="x" * 1_025)}),
        {"context[reason]": "must have at most 1,024 characters"},
    ),
    "a control character in a value": (
        authorize(context={"reason": Value(string_value="a\x1bb")}),
        {"context[reason]": "must be one line of characters that can be seen, without (U+001B without a name)"},
    ),
    "a time out of range": (
        authorize(context={"at": Value(time_value=NEWEST)}),
        {"context[at]": "must be from 1970-01-01T00:00:00Z to 9999-12-31T23:59:59Z"},
    ),
}


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve()


@pytest.mark.parametrize(("request_", "violations"), QUESTIONS.values(), ids=QUESTIONS)
def test_a_malformed_question_is_refused_with_its_paths(
    served: Served, request_: authorization_pb2.AuthorizeRequest, violations: dict[str, str]
) -> None:
    refusal = refused(served.authorization.Authorize, request_)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert refusal.violations == violations
    explain = authorization_pb2.ExplainRequest.FromString(request_.SerializeToString())
    assert refused(served.authorization.Explain, explain).violations == violations
    # In a batch it is the item that is malformed: the call is answered, and so are the others.
    bad = authorization_pb2.Question.FromString(request_.SerializeToString())
    batch = authorization_pb2.AuthorizeBatchRequest(questions=[question(), bad, question()])
    items = ask(served.authorization.AuthorizeBatch, batch).items
    assert [item.HasField("decision") for item in items] == [True, False, True]
    status = items[1].status
    assert (status.code, status.reason) == (3, "INVALID_REQUEST")
    assert {v.field: v.description for v in status.field_violations} == {
        f"questions[1].{field}": description for field, description in violations.items()
    }


def test_a_malformed_list_of_actions_is_refused_with_its_paths(served: Served) -> None:
    request = authorization_pb2.ListActionsRequest(subject=entity("Person:"), context={"k": Value()})
    assert refused(served.authorization.ListActions, request).violations == {
        "subject.id": "is required",
        "resource": "is required",
        "context[k]": "must hold a value",
    }


def test_a_malformed_list_is_refused_with_its_paths(served: Served) -> None:
    resources = authorization_pb2.ListResourcesRequest(subject=entity("Person:"), context={"k": Value()})
    assert refused(served.authorization.ListResources, resources).violations == {
        "subject.id": "is required",
        "action": "is required",
        "resource_type": "is required",
        "context[k]": "must hold a value",
    }
    subjects = authorization_pb2.ListSubjectsRequest(action="a\n", subject_type="x" * 129)
    assert refused(served.authorization.ListSubjects, subjects).violations == {
        "resource": "is required",
        "action": "must have printable characters only",
        "subject_type": "must have at most 128 characters",
    }


@pytest.mark.parametrize("count", [0, 1_001])
def test_a_batch_has_1_to_1000_questions(served: Served, count: int) -> None:
    request = authorization_pb2.AuthorizeBatchRequest(questions=[question()] * count)
    assert refused(served.authorization.AuthorizeBatch, request).violations == {
        "questions": "must have 1 to 1,000 items"
    }


def test_a_batch_of_1000_is_answered_in_order(served: Served) -> None:
    asked = [question(action="use" if i % 2 else "freeze") for i in range(1_000)]
    items = ask(served.authorization.AuthorizeBatch, authorization_pb2.AuthorizeBatchRequest(questions=asked)).items
    assert len(items) == 1_000


def test_a_batch_of_only_malformed_questions_is_answered(serve: Serve) -> None:
    pdp = FakePdp()
    served = serve(pdp=pdp)
    bad = authorization_pb2.Question()
    items = ask(
        served.authorization.AuthorizeBatch, authorization_pb2.AuthorizeBatchRequest(questions=[bad, bad])
    ).items
    assert [item.status.code for item in items] == [3, 3]
    assert pdp.asked == []


def test_context_values_arrive_as_they_were_sent(serve: Serve) -> None:
    pdp = FakePdp()
    served = serve(pdp=pdp)
    request = use(task="T1")
    request.context["count"].int_value = -5
    request.context["flag"].bool_value = False
    request.context["at"].time_value.CopyFrom(Timestamp(seconds=2, nanos=1_999))
    ask(served.authorization.Authorize, request)
    context = pdp.asked[0].context
    assert context == {"task": "T1", "count": -5, "flag": False, "at": 2_000_001}
    assert {key: type(value) for key, value in context.items()} == {"task": str, "count": int, "flag": bool, "at": int}
    assert pdp.caller == "demo"


SEAL = {"id": "S1", "enterprise_id": "E1", "name": "x", "kind": records_pb2.SEAL_KIND_OTHER}
KEY = facts_pb2.FactKey(record_type="Seal", id="S1")
GOOD = facts_pb2.FactChange(put=records_pb2.Fact(seal=records_pb2.Seal(**SEAL)))


def malformed_seal(**fields: Any) -> facts_pb2.FactChange:
    return facts_pb2.FactChange(put=records_pb2.Fact(seal=records_pb2.Seal(**{**SEAL, **fields})))


WRITES = {
    "no request id": (write(GOOD, request_id=""), {"request_id": "is required"}),
    "a long request id": (write(GOOD, request_id="x" * 129), {"request_id": "must have at most 128 characters"}),
    "no changes": (write(), {"changes": "must have 1 to 1,000 items"}),
    "1,001 changes": (write(*[GOOD] * 1_001), {"changes": "must have 1 to 1,000 items"}),
    "1,001 preconditions": (
        write(GOOD, preconditions=[facts_pb2.Precondition(key=KEY, at_revision=1)] * 1_001),
        {"preconditions": "must have at most 1,000 items"},
    ),
    "an empty change": (write(GOOD, facts_pb2.FactChange()), {"changes[1]": "must hold `put`, `update` or `delete`"}),
    "an empty fact": (
        write(facts_pb2.FactChange(put=records_pb2.Fact())),
        {"changes[0].put": "must hold a record"},
    ),
    "a bad state in the fourth change": (
        write(*[remove("SealHold", str(i)) for i in range(3)], malformed_seal(state=99)),
        {"changes[3].put.seal.state": "is not a value"},
    ),
    "an unspecified kind": (
        write(malformed_seal(kind=0)),
        {"changes[0].put.seal.kind": "must be a value of its enum, and not UNSPECIFIED"},
    ),
    "a long id": (write(malformed_seal(id="x" * 129)), {"changes[0].put.seal.id": "must have at most 128 characters"}),
    "an unknown type": (write(remove("Stamp", "S1")), {"changes[0].delete.record_type": "is not a record type"}),
    "an empty key": (write(remove("", "")), {"changes[0].delete": "is required"}),
    "no id": (write(remove("Seal", "")), {"changes[0].delete.id": "is required"}),
    "the same record twice": (
        write(GOOD, malformed_seal(name="y")),
        {"changes[1]": "changes a record that the batch changes already"},
    ),
    "a precondition without a kind": (
        write(GOOD, preconditions=[facts_pb2.Precondition(key=KEY)]),
        {"preconditions[0]": "must hold `exists`, `absent` or `at_revision`"},
    ),
    "a precondition without a key": (
        write(GOOD, preconditions=[facts_pb2.Precondition(at_revision=3)]),
        {"preconditions[0].key": "is required"},
    ),
    "a precondition at revision 0": (
        write(GOOD, preconditions=[facts_pb2.Precondition(key=KEY, at_revision=0)]),
        {"preconditions[0].at_revision": "must be at least 1"},
    ),
    "a text that is too long for an index": (
        write(
            facts_pb2.FactChange(
                put=records_pb2.Fact(
                    identity_verification=records_pb2.IdentityVerification(
                        id="V1",
                        person_id="P1",
                        method=records_pb2.VERIFICATION_METHOD_FACE,
                        purpose=records_pb2.VERIFICATION_PURPOSE_SIGN,
                        provider_ref="字" * 200,
                    )
                )
            )
        ),
        {"changes[0].put.identity_verification.provider_ref": "is longer than 512 bytes"},
    ),
}


@pytest.mark.parametrize(("request_", "violations"), WRITES.values(), ids=WRITES)
def test_a_malformed_write_is_refused_with_its_paths_and_nothing_is_written(
    served: Served, request_: facts_pb2.WriteFactsRequest, violations: dict[str, str]
) -> None:
    before = ask(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Seal")).revision
    refusal = refused(served.facts.WriteFacts, request_)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert refusal.violations == violations
    assert ask(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Seal")).revision == before


def filtered(field: str, value: str) -> facts_pb2.ReadFactsRequest:
    return facts_pb2.ReadFactsRequest(record_type="Seal", filters=[facts_pb2.FactFilter(field=field, value=value)])


READS = {
    "no record type": (facts_pb2.ReadFactsRequest(), {"record_type": "is required"}),
    "an unknown record type": (
        facts_pb2.ReadFactsRequest(record_type="Stamp"),
        {"record_type": "is not a record type"},
    ),
    "a negative page size": (
        facts_pb2.ReadFactsRequest(record_type="Seal", page_size=-1),
        {"page_size": "must not be negative"},
    ),
    "a page token of nobody": (
        facts_pb2.ReadFactsRequest(record_type="Seal", page_token="AAAA"),
        {"page_token": "is not a page token of this query"},
    ),
    "no page token at all": (
        facts_pb2.ReadFactsRequest(record_type="Seal", page_token="é!"),
        {"page_token": "is not a page token"},
    ),
    "a huge page token": (
        facts_pb2.ReadFactsRequest(record_type="Seal", page_token="A" * 5_000),
        {"page_token": "is not a page token"},
    ),
    "a filter by nothing": (filtered("", "x"), {"filters[0].field": "is required"}),
    "a filter by an unknown field": (filtered("colour", "x"), {"filters[0].field": "is not a field of `Seal`"}),
    "a filter by an unknown word": (filtered("state", "SHINY"), {"filters[0].value": "is not a value of the field"}),
    "17 filters": (
        facts_pb2.ReadFactsRequest(record_type="Seal", filters=[facts_pb2.FactFilter(field="name")] * 17),
        {"filters": "must have at most 16 items"},
    ),
    "the same filter twice": (
        facts_pb2.ReadFactsRequest(record_type="Seal", filters=[facts_pb2.FactFilter(field="name")] * 2),
        {"filters[1].field": "is named twice"},
    ),
    "a filter by an instant": (
        facts_pb2.ReadFactsRequest(
            record_type="Contract", filters=[facts_pb2.FactFilter(field="deadline", value="2026-01-01")]
        ),
        {"filters[0].field": "is personal or an instant, which no filter may name"},
    ),
    "a filter by no truth value": (
        facts_pb2.ReadFactsRequest(
            record_type="RegistrySnapshot", filters=[facts_pb2.FactFilter(field="is_current", value="yes")]
        ),
        {"filters[0].value": "must be `true` or `false`"},
    ),
    "a filter by no number": (
        facts_pb2.ReadFactsRequest(
            record_type="SigningTask", filters=[facts_pb2.FactFilter(field="position", value="1.5")]
        ),
        {"filters[0].value": "must be a whole number"},
    ),
}


@pytest.mark.parametrize(("request_", "violations"), READS.values(), ids=READS)
def test_a_malformed_read_is_refused_with_its_paths(
    served: Served, request_: facts_pb2.ReadFactsRequest, violations: dict[str, str]
) -> None:
    refusal = refused(served.facts.ReadFacts, request_)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert refusal.violations == violations


def test_the_message_names_the_first_fault_and_how_many_more_there_are(served: Served) -> None:
    refusal = refused(served.authorization.Authorize, authorization_pb2.AuthorizeRequest())
    assert refusal.message == "`subject` is required (and 2 more)"
