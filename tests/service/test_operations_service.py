"""OperationsService over a real port: what is performed, remembered and told, for whom, and what is malformed."""

from __future__ import annotations

import dataclasses
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from calls import TOKEN, ask, entity, refusal_of, refused
from conftest import Serve, Served, metadata, trusted
from fake_acts import VALUES, FakeActs
from fake_pdp import FLAGGED, NOW, allow, deny
from google.protobuf.timestamp_pb2 import Timestamp

from sealauthz.decision import Entity, RequestOptions
from sealauthz.operations import Performance, Performed
from sealauthz.runtime.errors import FactsUnavailable, InvalidRequest, InvariantBroken
from sealauthz.service.fields import timestamp
from sealauthz_client import CallFailed, SealAuthzClient
from sealauthz_client.v1 import authorization_pb2, operations_pb2

Value = operations_pb2.ArgumentValue
SECRET = "陈小明 13812341569"


def perform(request_id: str = "A1", resource: str = "Seal:S1", **fields: Any) -> operations_pb2.PerformRequest:
    whole = {"subject": entity("Person:P1"), "action": "use", "resource": entity(resource), "request_id": request_id}
    return operations_pb2.PerformRequest(**{**whole, **fields})


def listed(*values: Value) -> Value:
    return Value(list_value=operations_pb2.ArgumentList(values=values))


def record(**values: Value) -> Value:
    return Value(record_value=operations_pb2.ArgumentRecord(values=values))


def number(value: int) -> Value:
    return Value(int_value=value)


@pytest.fixture
def acts() -> FakeActs:
    return FakeActs()


@pytest.fixture
def served(serve: Serve, acts: FakeActs) -> Served:
    return serve(acts=acts)


# --- performing -------------------------------------------------------------------------------------------------------


def test_an_allowed_act_is_answered_with_its_decision_and_what_was_done(served: Served) -> None:
    answer = ask(served.operations.Perform, perform())
    assert not answer.replayed
    assert answer.decision.effect == authorization_pb2.EFFECT_ALLOW
    assert [obligation.code for obligation in answer.decision.obligations] == ["DECREMENT_USE"]
    operation = answer.operation
    assert (operation.operation_id, operation.caller, operation.request_id) == ("O-A1", "demo", "A1")
    assert (operation.subject, operation.action, operation.resource) == (entity("Person:P1"), "use", entity("Seal:S1"))
    assert operation.performed_at == timestamp(NOW)
    assert operation.revision.number == 8
    assert operation.receipt == "head.body.signature"
    named = operations_pb2.NamedValue
    assert dict(operation.values) == {
        "role_id": named(string_value="R1"),
        "count": named(int_value=2),
        "ends_at": named(time_value=timestamp(NOW)),
        "is_last": named(bool_value=True),
    }


def test_a_deny_is_answered_as_authorize_answers_it_and_nothing_is_done(serve: Serve) -> None:
    acts = FakeActs(deny)
    served = serve(acts=acts, pdp=None)
    answer = ask(served.operations.Perform, perform(language="en"))
    assert answer.decision.effect == authorization_pb2.EFFECT_DENY
    assert [reason.code for reason in answer.decision.reasons] == ["NOT_A_MEMBER"]
    assert not answer.HasField("operation")
    assert acts.done == []


def test_the_same_request_again_gets_the_first_answer(served: Served, acts: FakeActs) -> None:
    first = ask(served.operations.Perform, perform())
    acts.answer = deny  # what would be decided now does not count
    again = ask(served.operations.Perform, perform())
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.operation, again.decision) == (first.operation, first.decision)


def test_other_content_under_the_same_request_is_refused(served: Served) -> None:
    ask(served.operations.Perform, perform())
    refusal = refused(served.operations.Perform, perform(arguments={"reason": Value(string_value="other")}))
    assert (refusal.code, refusal.metadata["invariant"]) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID")


def test_arguments_of_every_form_arrive_as_they_were_given(served: Served, acts: FakeActs) -> None:
    parts = listed(record(name=Value(string_value="legal"), limit=number(3)), record())
    given = {
        "name": Value(string_value="人事专用章"),
        "count": number(-(1 << 63)),
        "is_last": Value(bool_value=False),
        "until": Value(time_value=timestamp(NOW)),
        "parts": parts,
        "none": listed(),
    }
    context = {"task": authorization_pb2.ContextValue(string_value="T1")}
    ask(served.operations.Perform, perform(arguments=given, context=context))
    (performance,) = acts.asked
    assert performance.question.context == {"task": "T1"}
    assert performance.arguments == {
        "name": "人事专用章",
        "count": -(1 << 63),
        "is_last": False,
        "until": NOW,
        "parts": [{"name": "legal", "limit": 3}, {}],
        "none": [],
    }
    assert performance.arguments["is_last"] is False


NESTED = number(1)
for _ in range(5):
    NESTED = listed(NESTED)

MALFORMED = {
    "nothing at all": (
        operations_pb2.PerformRequest(),
        {
            "subject": "is required",
            "resource": "is required",
            "action": "is required",
            "request_id": "is required",
        },
    ),
    "a long request id": (perform("x" * 129), {"request_id": "must have at most 128 characters"}),
    "an oversize assertion": (perform(assertion="x" * 4_097), {"assertion": "must have at most 4,096 characters"}),
    "an unknown language": (perform(language="fr"), {"language": "must be empty or one of en, zh"}),
    "a value without a value": (perform(arguments={"a": Value()}), {"arguments[a]": "must hold a value"}),
    "an empty name": (
        perform(arguments={"": number(1)}),
        {"arguments": "must have names of 1 to 128 printable characters"},
    ),
    "65 arguments": (
        perform(arguments={f"a{n}": number(n) for n in range(65)}),
        {"arguments": "must have at most 64 items"},
    ),
    "201 items": (
        perform(arguments={"a": listed(*[number(1)] * 201)}),
        {"arguments[a]": "must have at most 200 items"},
    ),
    "a part without a value": (
        perform(arguments={"a": listed(number(1), record(b=Value()))}),
        {"arguments[a][1][b]": "must hold a value"},
    ),
    "a control character in a part": (
        perform(arguments={"a": record(b=Value(string_value="\x1b"))}),
        {"arguments[a][b]": "must be one line of characters that can be seen, without (U+001B without a name)"},
    ),
    "a long text": (
        perform(arguments={"a": Value(string_value="x" * 1_025)}),
        {"arguments[a]": "must have at most 1,024 characters"},
    ),
    "a time out of range": (
        perform(arguments={"a": Value(time_value=Timestamp(seconds=253_402_300_800))}),
        {"arguments[a]": "must be from 1970-01-01T00:00:00Z to 9999-12-31T23:59:59Z"},
    ),
    "too deep": (
        perform(arguments={"a": NESTED}),
        {"arguments[a][0][0][0][0]": "must not lie more than 4 lists and records deep"},
    ),
}


@pytest.mark.parametrize(("request_", "violations"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_act_is_refused_with_its_paths_and_not_decided(
    served: Served, acts: FakeActs, request_: operations_pb2.PerformRequest, violations: dict[str, str]
) -> None:
    refusal = refused(served.operations.Perform, request_)
    assert (refusal.code, refusal.violations) == (grpc.StatusCode.INVALID_ARGUMENT, violations)
    assert acts.asked == []


@pytest.mark.parametrize(
    ("error", "code", "metadata_"),
    [
        (InvalidRequest.at("arguments[role]", "names no Role"), grpc.StatusCode.INVALID_ARGUMENT, {}),
        (InvariantBroken("I7", "no"), grpc.StatusCode.FAILED_PRECONDITION, {"invariant": "I7"}),
        (FactsUnavailable("the facts cannot be written now"), grpc.StatusCode.UNAVAILABLE, {}),
    ],
)
def test_what_refuses_an_act_is_told_like_the_errors_of_other_calls(
    serve: Serve, error: Exception, code: grpc.StatusCode, metadata_: dict[str, str]
) -> None:
    def fail(_question: Any) -> Any:
        raise error

    refusal = refused(serve(acts=FakeActs(fail)).operations.Perform, perform())
    assert (refusal.code, refusal.metadata) == (code, metadata_)


@pytest.mark.parametrize("is_allowed", [True, False])
def test_an_allow_without_an_operation_or_a_deny_with_one_never_leaves(
    serve: Serve, acts: FakeActs, monkeypatch: pytest.MonkeyPatch, is_allowed: bool
) -> None:
    question = perform()
    served = serve(acts=acts)
    real = acts.perform

    def torn(performance: Performance, options: RequestOptions) -> Performed:
        performed = real(performance, options)
        if is_allowed:
            return dataclasses.replace(performed, operation=None)
        return dataclasses.replace(performed, decision=deny(performance.question))

    monkeypatch.setattr(acts, "perform", torn)
    assert refused(served.operations.Perform, question).code == grpc.StatusCode.INTERNAL


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("performs", "is_permitted"),
    [
        (None, True),
        (frozenset({"use"}), True),
        (frozenset({"Seal/use"}), True),
        (frozenset({"join", "Seal/use"}), True),
        (frozenset(), False),
        (frozenset({"join"}), False),
        (frozenset({"Enterprise/use"}), False),
        (frozenset({"Seal"}), False),
        (frozenset({"Seal/"}), False),
    ],
    ids=lambda value: " ".join(sorted(value)) or "nothing" if isinstance(value, frozenset) else str(value),
)
def test_a_caller_performs_only_what_is_listed_for_it(
    serve: Serve, acts: FakeActs, performs: frozenset[str] | None, is_permitted: bool
) -> None:
    served = serve(trusted(performs=performs), acts=acts)
    if is_permitted:
        assert ask(served.operations.Perform, perform()).HasField("operation")
        return
    refusal = refused(served.operations.Perform, perform())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_PERMITTED")
    assert refusal.message == "the caller `demo` may not perform `use` on Seal"
    assert acts.asked == []  # not even decided


def test_the_right_to_a_type_is_not_written_into_the_action(serve: Serve, acts: FakeActs) -> None:
    served = serve(trusted(performs=frozenset({"Seal/use"})), acts=acts)
    refusal = refused(served.operations.Perform, perform(action="Seal/use", resource="Contract:C1"))
    assert refusal.code == grpc.StatusCode.PERMISSION_DENIED
    assert acts.asked == []


def test_nobody_performs_unless_that_is_listed(serve: Serve) -> None:
    served = serve(dataclasses.replace(trusted(), performs=frozenset()))
    assert refused(served.operations.Perform, perform()).code == grpc.StatusCode.PERMISSION_DENIED


def test_an_act_on_another_enterprise_is_not_permitted(serve: Serve, acts: FakeActs) -> None:
    served = serve(trusted(tenants=frozenset({"E1"})), acts=acts)
    assert ask(served.operations.Perform, perform()).HasField("operation")
    assert refused(served.operations.Perform, perform("A2", "Seal:S2")).code == grpc.StatusCode.PERMISSION_DENIED
    assert acts.done == ["A1"]


def test_reasons_for_operators_are_not_told_with_an_act_either(serve: Serve) -> None:
    served = serve(trusted(sees_operator_reasons=False), acts=FakeActs(lambda asked: deny(asked, FLAGGED)))
    decision = ask(served.operations.Perform, perform()).decision
    assert [reason.code for reason in decision.reasons] == ["NOT_PERMITTED_NOW"]


# --- what was performed -----------------------------------------------------------------------------------------------


def test_an_operation_is_returned_as_it_was_to_the_same_caller_only(serve: Serve, acts: FakeActs) -> None:
    served = serve(trusted(), trusted(name="other", token="o" * 40), acts=acts)
    done = ask(served.operations.Perform, perform()).operation
    request = operations_pb2.GetOperationRequest(operation_id="O-A1")
    assert ask(served.operations.GetOperation, request).operation == done
    refusal = refused(served.operations.GetOperation, request, "o" * 40)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "OPERATION_UNKNOWN")
    absent = operations_pb2.GetOperationRequest(operation_id="O-none")
    assert refused(served.operations.GetOperation, absent, "o" * 40).everything.count("O-") == 0
    assert refused(served.operations.GetOperation, absent).message == refusal.message
    empty = refused(served.operations.GetOperation, operations_pb2.GetOperationRequest())
    assert empty.violations == {"operation_id": "is required"}


def test_a_service_that_signs_nothing_has_an_empty_key_set(served: Served) -> None:
    assert ask(served.operations.GetKeys, operations_pb2.GetKeysRequest()).jwks == '{"keys":[]}'


# --- the log ----------------------------------------------------------------------------------------------------------


def test_the_log_holds_ids_of_ours_and_nothing_of_what_was_given(served: Served) -> None:
    said = {"reason": Value(string_value=SECRET)}
    ask(served.operations.Perform, perform(arguments=said, assertion=SECRET))
    line = served.last_call()
    assert (line["method"], line["code"]) == ("sealauthz.v1.OperationsService/Perform", "OK")
    assert (line["resource_type"], line["action"], line["effect"]) == ("Seal", "use", "ALLOW")
    assert (line["operation_id"], line["revision"], line["replayed"]) == ("O-A1", 8, 0)
    assert line["decision_id"] == "D1"
    served.forget_log()
    ask(served.operations.Perform, perform("A2", arguments=said, action=SECRET))
    refused(served.operations.Perform, perform("A1", arguments={**said, SECRET: Value()}))
    assert SECRET not in served.log_text


def test_the_log_of_a_refused_action_holds_no_text_of_the_client(serve: Serve) -> None:
    served = serve(trusted(performs=frozenset({"join"})))
    refused(served.operations.Perform, perform(action=SECRET, arguments={}))
    assert served.last_call()["message"] == "the caller `demo` may not perform this action"
    assert SECRET not in served.log_text


# --- the end of a call, and of a server -------------------------------------------------------------------------------


class Slow(FakeActs):
    """Performs an act once it is told to; meanwhile it is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.go_on = threading.Event(), threading.Event()

    def perform(self, performance: Performance, options: RequestOptions) -> Performed:
        self.began.set()
        assert self.go_on.wait(20)
        return super().perform(performance, options)


def test_the_deadline_of_the_call_is_that_of_the_act(served: Served, acts: FakeActs) -> None:
    before = time.monotonic()
    ask(served.operations.Perform, perform(), timeout=7)
    assert acts.options is not None
    assert acts.options.deadline.at is not None
    assert before < acts.options.deadline.at < time.monotonic() + 8


def test_an_act_that_outlasts_its_caller_is_answered_to_the_next_attempt(serve: Serve) -> None:
    acts = Slow()
    served = serve(acts=acts)
    with pytest.raises(grpc.RpcError) as caught:
        served.operations.Perform(perform(), metadata=metadata(), timeout=0.2)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert acts.began.is_set()
    acts.go_on.set()
    again = ask(served.operations.Perform, perform())
    assert again.HasField("operation")
    assert acts.done == ["A1"]


def test_an_act_under_way_is_finished_by_a_server_that_stops(serve: Serve) -> None:
    acts = Slow()
    served = serve(acts=acts)
    call = served.operations.Perform.future(perform(), metadata=metadata(), timeout=20)
    assert acts.began.wait(20)
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(served.server.stop, 20)
        acts.go_on.set()
        assert call.result().operation.operation_id == "O-A1"
        stopping.result(20)
    assert acts.done == ["A1"]


def test_an_act_that_a_stopping_server_gives_up_is_performed_once_by_the_next(serve: Serve) -> None:
    acts = Slow()
    first = serve(acts=acts, shares_port=True)
    client = SealAuthzClient(first.address, TOKEN, insecure=True, timeout_s=20)
    with client, ThreadPoolExecutor(2) as pool:
        asked = pool.submit(client.perform, "Person:P1", "use", "Seal:S1", request_id="A1")
        assert acts.began.wait(20)
        serve(acts=acts, shares_port=True, listen=first.address)
        stopping = pool.submit(first.server.stop, 0)  # cancels the call; its thread goes on
        acts.go_on.set()
        performed = asked.result(20)
        stopping.result(20)
    assert performed
    assert performed.operation is not None
    assert acts.done == ["A1"]


# --- the client -------------------------------------------------------------------------------------------------------


def test_the_client_returns_what_was_performed(served: Served, acts: FakeActs) -> None:
    with SealAuthzClient(served.address, TOKEN, insecure=True, timeout_s=10) as client:
        performed = client.perform(
            "Person:P1",
            "use",
            "Seal:S1",
            {"task": "T1"},
            {"names": ["a", "b"], "terms": {"count": 2, "is_last": True}},
            request_id="A1",
        )
        assert performed
        assert (performed.request_id, performed.is_replay) == ("A1", False)
        assert performed.decision
        operation = performed.operation
        assert operation is not None
        assert (operation.subject, operation.resource, operation.revision) == ("Person:P1", "Seal:S1", 8)
        assert {name: operation.values[name] for name in ("role_id", "count", "is_last")} == {
            name: VALUES[name] for name in ("role_id", "count", "is_last")
        }
        assert operation.values["ends_at"] == operation.performed_at
        assert client.operation("O-A1") == operation
        assert client.keys() == {"keys": []}
        with pytest.raises(CallFailed) as caught:
            client.operation("O-none")
        assert caught.value.code == grpc.StatusCode.NOT_FOUND
    assert acts.asked[0].question.resource == Entity("Seal", "S1")
    assert acts.asked[0].arguments == {"names": ["a", "b"], "terms": {"count": 2, "is_last": True}}


def test_a_denied_act_is_false_to_the_client(serve: Serve) -> None:
    with SealAuthzClient(serve(acts=FakeActs(deny)).address, TOKEN, insecure=True) as client:
        performed = client.perform("Person:P1", "use", "Seal:S1")
    assert not performed
    assert performed.operation is None
    assert [reason.code for reason in performed.decision.reasons] == ["NOT_A_MEMBER"]


def test_attempts_have_one_request_id_and_the_error_tells_it(serve: Serve) -> None:
    failing = [FactsUnavailable("not now")] * 2

    def flaky(question: Any) -> Any:
        if failing:
            raise failing.pop()
        return allow(question)

    acts = FakeActs(flaky)
    with SealAuthzClient(serve(acts=acts).address, TOKEN, insecure=True, timeout_s=10) as client:
        assert client.perform("Person:P1", "use", "Seal:S1")
        assert len(acts.asked) == 3
        (request_id,) = {asked.request_id for asked in acts.asked}
        assert acts.done == [request_id]
        client.perform("Person:P1", "use", "Seal:S1")
        assert len(set(acts.done)) == 2  # without one, each act has a fresh one
        acts.answer = deny
        failing += [FactsUnavailable("not now")] * 20
        acts.answer = flaky
        with pytest.raises(CallFailed) as caught:
            client.perform("Person:P1", "use", "Seal:S1", timeout_s=0.3)
        assert caught.value.request_id == acts.asked[-1].request_id


def test_a_call_that_is_refused_says_so_with_its_details(served: Served) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        served.operations.Perform(operations_pb2.PerformRequest(), metadata=metadata())
    assert refusal_of(caught.value).domain == "sealauthz.dev"
