"""Malformed requests over HTTP: each is refused with the path of what is wrong, and none is ever an allow."""

from __future__ import annotations

import json
from typing import Any

import pytest
from calls import refused
from conftest import TOKEN, Serve, Served
from http_calls import AUTHORIZE, LOCAL, QUESTION, asking, connected, post, until_closed

from sealauthz_client.v1 import authorization_pb2

GOOD = json.dumps(QUESTION)


def changed(**fields: Any) -> dict[str, Any]:
    """The question with other fields; None leaves one out."""
    return {name: value for name, value in {**QUESTION, **fields}.items() if value is not None}


def context(value: Any) -> dict[str, Any]:
    return changed(context={"task": value})


MALFORMED: dict[str, tuple[Any, str, str]] = {
    "nothing": (b"", "request", "is not JSON"),
    "blanks": (b"  \n", "request", "is not JSON"),
    "no JSON": (b"garbage", "request", "is not JSON"),
    "half of it": (GOOD[:-1].encode(), "request", "is not JSON"),
    "more behind it": (GOOD.encode() + b"{}", "request", "is not JSON"),
    "a list": (f"[{GOOD}]".encode(), "request", "must be a JSON object"),
    "a string": (json.dumps(GOOD).encode(), "request", "must be a JSON object"),
    "null": (b"null", "request", "must be a JSON object"),
    "true": (b"true", "request", "must be a JSON object"),
    "a mark of byte order": (b"\xef\xbb\xbf" + GOOD.encode(), "request", "is not JSON"),
    "UTF-16": (GOOD.encode("utf-16"), "request", "is not UTF-8"),
    "what is not UTF-8": (GOOD.replace("P1", "P\xff").encode("latin-1"), "request", "is not UTF-8"),
    "a comment": (b"/* */" + GOOD.encode(), "request", "is not JSON"),
    "a comma too many": (GOOD[:-1].encode() + b",}", "request", "is not JSON"),
    "a control character": (GOOD.replace("P1", "P\t1").encode(), "request", "is not JSON"),
    "a name twice": (GOOD[:-1].encode() + b',"action":"view"}', "request", "the same name twice"),
    "a name twice, deeper": (GOOD.replace('"id": "P1"', '"id":"P1","id":"P1"').encode(), "request", "twice"),
    "a name twice, one escaped": (GOOD[:-1].encode() + b',"\\u0061ction":"view"}', "request", "twice"),
    "not a number": (b'{"x":NaN}', "request", "a number that JSON does not know"),
    "infinity": (b'{"x":-Infinity}', "request", "a number that JSON does not know"),
    "a number without an end": (b'{"x":1e999}', "request", "too large"),
    "a number of many digits": (b'{"x":' + b"9" * 5_000 + b"}", "request", "too long"),
    "a leading zero": (b'{"x":01}', "request", "is not JSON"),
    "too deep": (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "request", "nested too deeply"),
    "an unknown field": (changed(fully=True), "fully", "is not a field of the request"),
    "an unknown field, deeper": (
        changed(subject={"type": "Person", "id": "P1", "i": 1}),
        "subject.i",
        "is not a field",
    ),
    "another case": ({**QUESTION, "Action": "use"}, "Action", "is not a field"),
    "an extension": ({**QUESTION, "[sealauthz.v1.x]": 1}, "[sealauthz.v1.x]", "is not a field"),
    "the type of an any": ({**QUESTION, "@type": "x"}, "@type", "is not a field"),
    "no subject": (changed(subject=None), "subject", "is required"),
    "a null subject": ({**QUESTION, "subject": None}, "subject", "is required"),
    "an empty subject": (changed(subject={}), "subject", "is required"),
    "a text for the subject": (changed(subject="Person:P1"), "subject", "must be an object"),
    "a list for the subject": (changed(subject=[{"type": "Person", "id": "P1"}]), "subject", "must be an object"),
    "no action": (changed(action=None), "action", "is required"),
    "a number for the action": (changed(action=1), "action", "must be a string"),
    "a list for the action": (changed(action=["use"]), "action", "must be a string"),
    "half a character": (GOOD.replace("P1", "\\ud800").encode(), "subject.id", "half a surrogate pair"),
    "a context without a value": (context({}), "context[task]", ""),
    "a context of a text": (context("t"), "context[task]", "must be an object"),
    "a context of null": (context(None), "context[task]", "must be an object"),
    "a context that is a list": (changed(context=[]), "context", "must be an object"),
    "two values": (
        context({"stringValue": "a", "boolValue": True}),
        "context[task].bool_value",
        "cannot be there beside",
    ),
    "both spellings": (
        context({"stringValue": "a", "string_value": "a"}),
        "context[task].string_value",
        "is there twice",
    ),
    "a text for a truth": (context({"boolValue": "true"}), "context[task].bool_value", "must be true or false"),
    "a number for a truth": (context({"boolValue": 1}), "context[task].bool_value", "must be true or false"),
    "a truth for a number": (context({"intValue": True}), "context[task].int_value", "must be a whole number"),
    "a fraction": (context({"intValue": 1.5}), "context[task].int_value", "must be a whole number"),
    "a number with blanks": (context({"intValue": " 1"}), "context[task].int_value", "must be a whole number"),
    "a hexadecimal number": (context({"intValue": "0x1"}), "context[task].int_value", "must be a whole number"),
    "an Arabic digit": (context({"intValue": "\u0663"}), "context[task].int_value", "must be a whole number"),
    "too great a number": (context({"intValue": str(2**63)}), "context[task].int_value", "must be from"),
    "too great a float": (context({"intValue": 1e30}), "context[task].int_value", "must be from"),
    "no instant": (context({"timeValue": "yesterday"}), "context[task].time_value", "is not a Timestamp"),
    "a number for an instant": (context({"timeValue": 1}), "context[task].time_value", "must be a string"),
    "an instant of the year 10000": (context({"timeValue": "10000-01-01T00:00:00Z"}), "context[task].time_value", ""),
    "consistency of a text": (changed(consistency="full"), "consistency", "must be an object"),
    "consistency without": (changed(consistency={"fullyConsistent": False}), "consistency", "must not say"),
    "consistency twice": (
        changed(consistency={"fullyConsistent": True, "minimizeLatency": True}),
        "consistency.minimize_latency",
        "cannot be there beside",
    ),
    "an unknown language": (changed(language="xx"), "language", ""),
}


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve(http_listen=LOCAL)


def test_what_is_malformed_is_refused_with_its_path(served: Served) -> None:
    with asking(served) as client:
        for name, (body, field, description) in MALFORMED.items():
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            response = client.post(AUTHORIZE, content=content, headers={"content-type": "application/json"})
            problem = response.json()
            assert (response.status_code, problem["code"]) == (400, "INVALID_ARGUMENT"), name
            assert problem["reason"] == "INVALID_REQUEST", name
            violation = problem["fieldViolations"][0]
            assert violation["field"] == field, (name, violation)
            assert description in violation["description"], (name, violation)
            assert "EFFECT" not in response.text, name
        assert client.post(AUTHORIZE, json=QUESTION).status_code == 200


def test_each_malformed_field_is_named(served: Served) -> None:
    problem = post(served, body={"subject": {"type": 1, "x": 2}, "action": False, "resource": 3}).json()
    assert [violation["field"] for violation in problem["fieldViolations"]] == [
        "subject.type",
        "subject.x",
        "action",
        "resource",
    ]


def test_paths_are_those_of_grpc(served: Served) -> None:
    questions = [QUESTION, changed(subject={"type": "Person"}), {}]
    answer = post(served, "/v1/AuthorizationService/AuthorizeBatch", {"questions": questions}).json()
    over_grpc = served.authorization.AuthorizeBatch(
        authorization_pb2.AuthorizeBatchRequest(
            questions=[
                authorization_pb2.Question(
                    subject=authorization_pb2.Entity(**each.get("subject", {})) if "subject" in each else None,
                    action=each.get("action", ""),
                    resource=authorization_pb2.Entity(**each.get("resource", {})) if "resource" in each else None,
                )
                for each in questions
            ]
        ),
        metadata=(("authorization", f"Bearer {TOKEN}"),),
    )
    over_http = [
        [violation["field"] for violation in item.get("status", {}).get("fieldViolations", [])]
        for item in answer["items"]
    ]
    assert over_http == [[violation.field for violation in item.status.field_violations] for item in over_grpc.items]
    assert over_http[1] == ["questions[1].subject.id"]
    failed = refused(served.authorization.Authorize, authorization_pb2.AuthorizeRequest(action="\n"))
    problem = post(served, body={"action": "\n"}).json()
    assert {each["field"]: each["description"] for each in problem["fieldViolations"]} == failed.violations
    assert (problem["detail"], problem["reason"]) == (failed.message, failed.reason)


CONTENT_TYPES = {
    "application/json": 200,
    "application/json; charset=utf-8": 200,
    'Application/JSON;charset="UTF-8"': 200,
    "application/json; charset=utf-16": 400,
    "application/json, text/plain": 400,
    "text/plain": 400,
    "application/x-www-form-urlencoded": 400,
    "application/grpc": 400,
    "application/jsonx": 400,
    "": 400,
}


def test_only_json_is_taken(served: Served) -> None:
    for content_type, status in CONTENT_TYPES.items():
        response = post(served, content_type=content_type)
        assert response.status_code == status, content_type
    with asking(served) as client:
        assert client.post(AUTHORIZE, content=GOOD.encode()).status_code == 400, "without a content type"
        encoded = {"content-type": "application/json", "content-encoding": "gzip"}
        assert client.post(AUTHORIZE, content=GOOD.encode(), headers=encoded).status_code == 400
        twice = [("content-type", "application/json"), ("content-type", "application/json")]
        assert client.post(AUTHORIZE, content=GOOD.encode(), headers=twice).status_code == 400


def test_the_timeout_is_a_number_of_seconds(served: Served) -> None:
    for text in ("", "-1", "1s", "1e3", "NaN", "1,5", "0x1", "1.", "9" * 10):
        problem = post(served, request_timeout=text).json()
        assert problem["fieldViolations"][0]["field"] == "Request-Timeout", text
    assert post(served, request_timeout="30").status_code == 200


def test_too_long_a_body_is_refused(served: Served) -> None:
    long = changed(language="x" * 5_000_000)
    for path in (AUTHORIZE, "/v1/FactsService/WatchChanges"):
        response = post(served, path, long)
        assert response.status_code in (400, 413), path
        assert "must have at most 4,194,304 bytes" in response.text
    with connected(served) as connection:
        head = f"POST {AUTHORIZE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        part = b"x" * 65_536
        try:
            for _ in range(1_000):
                connection.sendall(b"10000\r\n%b\r\n" % part)
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            pytest.fail("64 megabytes were read")
    assert post(served).status_code == 200


def test_a_refused_call_is_logged(served: Served) -> None:
    for broken in ({"body": b"garbage"}, {"content_type": "text/plain"}, {"request_timeout": "x"}):
        served.forget_log()
        post(served, **broken)  # type: ignore[arg-type]
        line = served.last_call()
        assert (line["code"], line["reason"], line["caller"]) == ("INVALID_ARGUMENT", "INVALID_REQUEST", "demo")


def test_a_closed_connection_is_not_used_again(served: Served) -> None:
    with connected(served) as connection:
        head = f"POST {AUTHORIZE} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
        connection.sendall(head.encode() + b"POST" + f" {AUTHORIZE} HTTP/1.1\r\n\r\n".encode())
        assert until_closed(connection).count(b"HTTP/1.1 ") == 1, "nothing behind an unread body is a request"
