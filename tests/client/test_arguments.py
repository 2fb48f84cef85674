"""What cannot be sent is a ValueError before a call is made, which names the argument and what was expected."""

from __future__ import annotations

import asyncio
import datetime
import inspect
from typing import Any

import grpc
import pytest
from answering import Answering, AsyncBatches, Batches, decision

from sealauthz_client import (
    AnswerCache,
    AsyncBatchingAuthorizer,
    AsyncSealAuthzClient,
    BatchingAuthorizer,
    Guard,
    Question,
    RenewedToken,
    RetryPolicy,
    SealAuthzClient,
    Token,
    absent,
    at_least,
    at_revision,
    delete,
    exists,
    fact,
    put,
    update,
)
from sealauthz_client.caching import key_of
from sealauthz_client.calls import Call, Pages, Watch
from sealauthz_client.v1 import authorization_pb2, operations_pb2, records_pb2

ANY = "a truth value, a whole number, text"
NAIVE = datetime.datetime(2026, 1, 1)  # noqa: DTZ001
SEAL = records_pb2.Seal(id="S1")
GIVEN: dict[str, Any] = {
    "subject": "Person:P1",
    "action": "use",
    "resource": "Seal:S1",
    "resource_type": "Seal",
    "subject_type": "Person",
    "except_requirements": ["FRESH_FACE"],
    "questions": [Question("Person:P1", "use", "Seal:S1")],
    "decision_id": "D1",
    "operation_id": "O1",
    "record": "D1",
    "first_size": 1,
    "changes": [put(SEAL)],
    "record_type": "Seal",
    "import_id": "I1",
    "enterprise_ids": ["E1"],
    "facts": [SEAL],
    "caller": "platform",
    "version": "v1",
    "files": [("policies", "a.polar", "")],
    "digest": "sha256:0",
    "expected_active": "v0",
}
"""What every call can be made with, by the name of the parameter."""
CALLS = {name: each.__wrapped__ for name, each in vars(SealAuthzClient).items() if hasattr(each, "__wrapped__")}
PARAMETERS = [
    (name, parameter)
    for name, build in CALLS.items()
    for parameter in inspect.signature(build).parameters.values()
    if not parameter.name.startswith("on_")  # a function of the caller's
]


def required(name: str) -> dict[str, Any]:
    parameters = inspect.signature(CALLS[name]).parameters.values()
    return {each.name: GIVEN[each.name] for each in parameters if each.default is inspect.Parameter.empty}


def built(name: str, **given: Any) -> Any:
    found = CALLS[name](**{**required(name), **given})
    return next(found) if inspect.isgenerator(found) else found


def test_every_call_is_built_of_what_it_requires() -> None:
    assert len(CALLS) > 35
    assert all(isinstance(built(name), Call | Pages | Watch) for name in CALLS)


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS, ids=[f"{name}-{each.name}" for name, each in PARAMETERS])
def test_each_parameter_of_each_call_refuses_what_it_cannot_hold(name: str, parameter: inspect.Parameter) -> None:
    wrong: list[Any] = [object(), b"bytes", 1.5j, [object()], {"a": object()}]
    if parameter.name != "timeout_s" and "None" not in str(parameter.annotation):
        wrong.append(None)
    for value in wrong:
        with pytest.raises(ValueError, match=r"expected |must name|give its"):
            built(name, **{parameter.name: value})


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"subject": None}, "`subject`: expected text of the form `Type:id`, got None"),
        ({"subject": ("Person", "P1")}, "`subject`: expected text of the form `Type:id`, got `tuple`"),
        ({"action": 7}, "`action`: expected text, got `int`"),
        ({"resource": "Seal:\udcff"}, "`resource`: expected text, got half of a surrogate pair"),
        ({"context": ["task"]}, "`context`: expected a mapping of names to values, got `list`"),
        (
            {"context": {"task": None}},
            f"`context.task`: expected {ANY} or a time, got None",
        ),
        ({"context": {"n": 1.0}}, f"`context.n`: expected {ANY} or a time, got `float`"),
        ({"context": {"n": 2**63}}, f"`context.n`: expected a whole number from -{2**63} to {2**63 - 1}"),
        ({"context": {"at": NAIVE}}, "`context.at`: expected a time with a time zone, got one without"),
        (
            {"arguments": {"documents": [{"digest": b"x"}]}},
            f"`arguments.documents[0].digest`: expected {ANY}, a time, a mapping or a list, got `bytes`",
        ),
        ({"timeout_s": "30"}, "`timeout_s`: expected a number of seconds, got `str`"),
        ({"timeout_s": float("nan")}, "`timeout_s`: expected a number of seconds, got `float`"),
    ],
    ids=lambda each: str(each)[:40] if isinstance(each, dict) else "",
)
def test_an_error_names_the_argument_and_what_was_expected(given: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (its text is compared whole)
        built("perform", **given)
    assert str(raised.value) == error


def test_a_question_of_a_list_is_named_by_its_place() -> None:
    good = GIVEN["questions"][0]
    for wrong, place in (
        (Question("Person:P1", "use", None), "questions[1].resource"),  # type: ignore[arg-type]
        (("Person:P1", "use", "Seal:S1"), "questions[1]"),
    ):
        with pytest.raises(ValueError, match=r"^`" + place.replace("[", r"\[").replace("]", r"\]") + "`: expected"):
            built("authorize_batch", questions=[good, wrong])


def test_each_value_travels_as_its_own_type() -> None:
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    values = {"flag": True, "count": 1, "word": "1", "at": at}
    request = built("perform", context=values, arguments={**values, "rows": [{"a": (1, 2)}, {}], "none": []}).request
    assert isinstance(request, operations_pb2.PerformRequest)
    kinds = {name: value.WhichOneof("value") for name, value in request.arguments.items()}
    plain = {"flag": "bool_value", "count": "int_value", "word": "string_value", "at": "time_value"}
    assert kinds == {**plain, "rows": "list_value", "none": "list_value"}
    assert {name: value.WhichOneof("value") for name, value in request.context.items()} == plain
    assert request.arguments["at"].time_value.ToDatetime(tzinfo=datetime.UTC) == at
    first = request.arguments["rows"].list_value.values[0].record_value.values["a"].list_value
    assert [each.int_value for each in first.values] == [1, 2]


def test_what_may_be_left_out_is_left_out() -> None:
    request = built("decide_as_of", revision=None, time=None, context=None).request
    assert [field.name for field, _ in request.ListFields()] == ["subject", "action", "resource"]
    assert not built("authorize").request.HasField("consistency")


@pytest.mark.parametrize(
    "make",
    [
        lambda: put("Seal:S1"),
        lambda: put(authorization_pb2.Entity()),
        lambda: update(SEAL, 5),
        lambda: fact(SEAL, {"level": 1.5}),
        lambda: fact(SEAL, {"at": NAIVE}),
        lambda: delete("Seal", None),
        lambda: exists(SEAL, "S1"),
        lambda: absent("Seal", 1),
        lambda: at_revision("Seal", "S1", "7"),
        lambda: at_revision("Seal", "S1", None),
        lambda: at_least(7),
        lambda: built("import_facts", part_size=0),
        lambda: built("import_facts", facts=["Seal:S1"]),
        lambda: built("propose_policy", files=["a.polar"]),
        lambda: built("propose_policy", files=[("rules", "a.polar", "")]),
        lambda: built("activate_policy", signature="key"),
        lambda: Guard(None),
        lambda: RetryPolicy(max_attempts="4"),
        lambda: RetryPolicy(first_pause_s=None),
        lambda: Token("t", "3600"),
    ],
)
def test_what_is_made_for_a_call_is_checked_too(make: Any) -> None:
    with pytest.raises(ValueError, match=r"^`[a-z_.\[\]0-9]+`: expected "):
        make()


# --- The connection ---------------------------------------------------------------------------------------------------

UNPRINTABLE = "`token`: expected printable ASCII, got a line break or the like: strip what a file holds"
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
LOCKED = KEY.replace(b"PRIVATE", b"ENCRYPTED PRIVATE")


@pytest.mark.parametrize("client", [SealAuthzClient, AsyncSealAuthzClient])
@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"address": None}, "`address`: expected text of the form `host:port`, got None"),
        ({"token": b"secret"}, "`token`: expected text, or what renews a token, got `bytes`"),
        (
            {"token": "secret\n"},
            UNPRINTABLE,
        ),
        (
            {"token": "sécret"},
            UNPRINTABLE,
        ),
        ({"tls_roots": "/etc/ca.pem"}, "`tls_roots`: expected bytes in PEM form, got `str`"),
        ({"tls_roots": b""}, "`tls_roots`: expected a certificate as PEM, a certificate is missing"),
        (
            {"certificate": CERTIFICATE},
            "`certificate`: expected a certificate and its unencrypted private key as PEM,"
            " its unencrypted private key is missing",
        ),
        (
            {"certificate": CERTIFICATE + LOCKED},
            "`certificate`: expected a certificate and its unencrypted private key as PEM,"
            " its unencrypted private key is missing",
        ),
        (
            {"certificate": KEY},
            "`certificate`: expected a certificate and its unencrypted private key as PEM, a certificate is missing",
        ),
        ({"timeout_s": "30"}, "`timeout_s`: expected a number of seconds, got `str`"),
        ({"retry": 4}, "`retry`: expected a `RetryPolicy`, got `int`"),
        ({"headers": {"traceparent": "1"}}, "`headers`: expected a function, got `dict`"),
    ],
)
def test_a_client_is_not_made_of_what_cannot_connect(client: Any, given: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (its text is compared whole)
        client(**{"address": "127.0.0.1:1", "token": "secret", **given})
    assert str(raised.value) == error


@pytest.mark.parametrize(
    ("name", "value"),
    [("trace", "a\nb"), ("trace", "é"), ("trace", b"x"), ("trace-bin", "x"), ("Trace", "x"), ("a b", "x"), (b"t", "x")],
)
def test_a_header_that_cannot_be_sent_does_not_show_the_token(name: Any, value: Any) -> None:
    with (
        SealAuthzClient("127.0.0.1:1", "secret", insecure=True, headers=lambda: [(name, value)]) as client,
        pytest.raises(ValueError, match="header") as raised,
    ):
        client.authorize("Person:P1", "use", "Seal:S1")
    assert "secret" not in str(raised.value)


def test_a_token_that_is_renewed_is_checked_before_it_is_shown() -> None:
    class Source:
        def current(self) -> str:
            return "secret\n"

        def refused(self, text: str) -> None: ...

    for source in (Source(), RenewedToken(lambda: Token("secret\n", 60))):
        with (
            SealAuthzClient("127.0.0.1:1", source, insecure=True) as client,
            pytest.raises(ValueError, match="strip what a file holds") as raised,
        ):
            client.authorize("Person:P1", "use", "Seal:S1")
        assert "secret" not in str(raised.value)


# --- What asks in the place of a client -------------------------------------------------------------------------------


def test_a_batch_is_not_joined_by_what_cannot_be_sent() -> None:
    batches, later = Batches(), AsyncBatches()
    for given in ({"subject": None}, {"context": {"task": None}}, {"timeout_s": "30"}):
        question = {"subject": "Person:P1", "action": "use", "resource": "Seal:S1", **given}
        with pytest.raises(ValueError, match="expected "):
            BatchingAuthorizer(batches).authorize(**question)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="expected "):
            asyncio.run(AsyncBatchingAuthorizer(later).authorize(**question))  # type: ignore[arg-type]
    assert batches.sizes == later.sizes == []


def test_a_cache_has_no_answer_to_what_cannot_be_sent() -> None:
    cache = AnswerCache()
    cache.watched(7)
    for question in (("Person:P1", "use", "Seal:S1", {"task": []}), ([], "use", "Seal:S1", None), ("P", "u", "S", [1])):
        key = key_of(*question, "")  # type: ignore[arg-type]
        cache.put(key, decision(), cache.place)
        assert cache.get(key_of(*question, "")) is None  # type: ignore[arg-type]


def test_a_guard_asks_with_what_it_is_given() -> None:
    answering = Answering(decision())
    assert Guard(answering).check(Question("Person:P1", "use", "Seal:S1"))
    assert Guard(lambda: answering).check(Question("Person:P1", "use", "Seal:S1"))
    assert len(answering.asked) == 2


def test_grpcio_takes_what_was_checked() -> None:
    """A name or value that passes here is not refused there, where the error would show the token."""
    headers = [("traceparent", "00-ab ~"), ("trace-bin", b"\x00\xff"), ("a_b.c", "")]
    with SealAuthzClient("127.0.0.1:1", "a token~", insecure=True, timeout_s=0.2, headers=lambda: headers) as client:
        with pytest.raises(Exception) as raised:  # noqa: PT011 (which one it is, is asserted below)
            client.authorize("Person:P1", "use", "Seal:S1")
        assert getattr(raised.value, "code", None) in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
