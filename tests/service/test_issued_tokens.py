"""Callers who come with a token of an issuer, on a real port: on both ways that calls are served, and in streams."""

from __future__ import annotations

import dataclasses
from typing import Any

import grpc
import pytest
from calls import ask, refusal_of, refused, use
from conftest import Serve, Served, metadata, trusted
from test_tokens import CALLER, ISSUER, KEYS, NOW, SERVICE, Fixed, made

from sealauthz.service.callers import Callers
from sealauthz.service.issuer_keys import IssuerKeys
from sealauthz.service.tokens import TokenIssuer, TokenOf
from sealauthz_client.v1 import facts_pb2


class World:
    """A served caller that is known by a token of its own and by those of an issuer; the clock stands."""

    def __init__(self, serve: Serve) -> None:
        self.now = float(NOW)
        self.keys = Fixed(KEYS.found)
        self.served: Served = serve(trusted())
        self.know(TokenIssuer(ISSUER, SERVICE, self.keys))

    def know(self, *issuers: TokenIssuer, issued: tuple[TokenOf, ...] = (TokenOf(ISSUER, CALLER),)) -> None:
        caller = dataclasses.replace(trusted(), issued=issued)
        self.served.server.reload(Callers([caller], issuers, lambda: self.now))

    def answers(self, text: str) -> bool:
        return bool(ask(self.served.authorization.Authorize, use(), text).HasField("decision"))

    def refuses(self, text: str) -> Any:
        return refused(self.served.authorization.Authorize, use(), text)


@pytest.fixture
def world(serve: Serve) -> World:
    return World(serve)


def test_a_token_of_an_issuer_is_as_good_as_one_of_the_configuration(world: World) -> None:
    text = made("ES256")
    assert world.answers(text)
    assert world.answers("t" * 40)
    world.now = NOW + 600
    refusal = world.refuses(text)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CALLER_UNKNOWN")
    assert refusal.message == "the token has expired"
    assert world.answers("t" * 40)
    world.now = NOW - 600  # the clock is set back
    assert world.refuses(text).message == "the token is not valid yet"
    assert world.answers(made("ES256", iat=NOW - 601, exp=NOW))
    calls = [line for line in world.served.log if line["event"] == "call"]
    assert {line.get("issuer") for line in calls if line["code"] == "OK"} == {ISSUER, None}
    assert {line["message"] for line in calls if line["code"] != "OK"} == {
        "the token has expired",
        "the token is not valid yet",
    }
    assert text.split(".")[1] not in world.served.log_text
    assert text.split(".")[2] not in world.served.log_text


def test_an_issuer_or_a_subject_that_is_taken_away_ends_its_tokens_at_once(world: World) -> None:
    text = made("ES256")
    assert world.answers(text)
    world.know(TokenIssuer(ISSUER, SERVICE, world.keys), issued=(TokenOf(ISSUER, "another"),))
    assert world.refuses(text).message == "the token names no caller"
    world.know(TokenIssuer(ISSUER, SERVICE, world.keys))
    assert world.answers(text)
    world.know()
    assert world.refuses(text).message == "unknown bearer token"


def test_without_keys_nobody_is_let_in_and_may_try_again(world: World) -> None:
    text = made("ES256")
    assert world.answers(text)
    world.keys.found = None
    refusal = world.refuses(text)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "KEYS_UNAVAILABLE")
    assert refusal.retry_ms == 500
    assert world.keys.asked == 1
    assert world.answers("t" * 40)


def ended(watch: Any) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        next(watch)
    refusal = refusal_of(caught.value)
    assert refusal.code == grpc.StatusCode.UNAVAILABLE
    return str(refusal.message)


@pytest.mark.parametrize("end", ["time", "keys", "issuer"])
def test_a_watch_ends_with_what_its_caller_showed(world: World, end: str) -> None:
    watches = [
        world.served.facts.WatchChanges(facts_pb2.WatchChangesRequest(), metadata=metadata(text), timeout=30)
        for text in (made("ES256"), "t" * 40)
    ]
    assert all(next(watch).revision.number > 0 for watch in watches)
    if end == "time":
        world.now = NOW + 600
    elif end == "keys":
        without: IssuerKeys = {kid: key for kid, key in (KEYS.found or {}).items() if kid != "ES256"}
        world.keys.found = without
    else:
        world.know()
    if end == "keys":  # and not only at the next look
        world.served.server._interceptor.end_gone()
    expected = "the rights of this caller have changed" if end == "issuer" else "what this caller is known by has ended"
    assert ended(watches[0]) == f"{expected}; reconnect"
    assert not watches[1].done()
    watches[1].cancel()
