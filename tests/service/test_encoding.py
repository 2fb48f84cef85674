"""The bytes of an answer are those of the message that it is."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import trusted
from fake_pdp import allow
from google.protobuf.internal import encoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.question import Entity, Question
from sealauthz.schema import FOREVER
from sealauthz.service import RPCS, encoding, responses
from sealauthz.service.callers import EXPLAIN
from sealauthz_client.answers import Audience, NextStep, Obligation, Reason
from sealauthz_client.v1 import authorization_pb2

ASKED = Question(Entity("Person", "P1"), "use", Entity("Seal", "S1"), {})

texts = st.sampled_from(["", "公章", "x" * 127, "x" * 128, "é" * 130]) | st.text("aé章\x00", max_size=4)
words = st.sampled_from(["", "SEAL_FROZEN", "VERIFY_FACE", "é", "x" * 128])
names = st.sampled_from(["", "waiting", "opens_at", "from_until", "seal_id", "x" * 130])
instants = st.integers(0, FOREVER) | st.sampled_from(
    [0, 1, 999_999, 1_000_000, 268_435_456_000_000, 1_760_000_000_123_456]
)


@st.composite
def parameters(draw: Any) -> dict[str, str | int]:
    made: dict[str, str | int] = {}
    for name in draw(st.lists(names, max_size=4, unique=True)):
        numbers = instants if responses.is_instant(name) else st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(0, 3)
        made[name] = draw(texts | numbers)
    return made


def step_of(code: str, carried: dict[str, str | int]) -> NextStep:
    """Make a next step. What it says follows from its code: two steps that are the same never say different things."""
    return NextStep(code, carried, f"公章 {code}" if len(code) % 2 else "")


steps = st.builds(step_of, words, parameters() | st.just({}))
reasons = st.builds(
    Reason,
    words,
    st.integers(0, 300),
    st.sampled_from(Audience),
    words,
    st.lists(steps, max_size=3).map(tuple),
    st.just("") | texts,
)
obligations = st.builds(Obligation, words, parameters() | st.just({}), st.just("") | texts)
decisions = st.builds(
    Decision,
    st.just(ASKED),
    st.sampled_from(Effect),
    texts,
    words,
    st.integers(0, (1 << 63) - 1),
    instants,
    instants,
    st.lists(reasons, max_size=3).map(tuple),
    st.lists(obligations, max_size=3).map(tuple),
    words,
    st.floats(0, 1e6),
)
CALLERS = {
    "sees all": trusted(),
    "sees what persons see": trusted(sees_operator_reasons=False),
    "is told no requirements": trusted(rpcs=frozenset(RPCS) - {EXPLAIN}, sees_operator_reasons=False),
}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(decisions, st.sampled_from(sorted(CALLERS)), words)
def test_an_answer_as_bytes_is_the_answer_as_a_message(decision: Decision, who: str, store_id: str) -> None:
    caller = CALLERS[who]
    message = authorization_pb2.AuthorizeResponse()
    responses.fill_decision(message.decision, decision, caller, store_id)
    written = encoding.response(decision, caller, store_id)
    assert authorization_pb2.AuthorizeResponse.FromString(written) == message
    item = authorization_pb2.AuthorizeBatchItem(decision=message.decision)
    batch = encoding.batch([encoding.decided(decision, caller, store_id)] * 2)
    assert authorization_pb2.AuthorizeBatchResponse.FromString(batch) == authorization_pb2.AuthorizeBatchResponse(
        items=[item, item]
    )


@pytest.mark.parametrize("micros", [-1, -1_000_001])
def test_a_time_before_1970_is_written_too(micros: int) -> None:
    decision = Decision(ASKED, Effect.ALLOW, "D", "v", 1, micros, micros)
    message = authorization_pb2.AuthorizeResponse()
    responses.fill_decision(message.decision, decision, trusted(), "store")
    written = encoding.response(decision, trusted(), "store")
    assert authorization_pb2.AuthorizeResponse.FromString(written) == message


@given(st.integers(0, (1 << 64) - 1) | st.integers(0, 70).map(lambda bits: (1 << bits) - 1 & (1 << 64) - 1))
def test_a_number_is_written_as_protobuf_does(value: int) -> None:
    assert encoding.varint(value) == encoder._VarintBytes(value)  # type: ignore[attr-defined]


def test_a_negative_number_is_not_written_as_another() -> None:
    with pytest.raises(ValueError, match="negative"):
        encoding.varint(-1)


def test_an_allow_stays_an_allow_and_a_deny_a_deny() -> None:
    allowed = authorization_pb2.AuthorizeResponse.FromString(encoding.response(allow(ASKED), trusted(), "store"))
    assert allowed.decision.effect == authorization_pb2.EFFECT_ALLOW
    denied = Decision(ASKED, Effect.DENY, "D", "v", 1, 1, 2)
    seen = authorization_pb2.AuthorizeResponse.FromString(
        encoding.response(denied, trusted(sees_operator_reasons=False), "s")
    )
    assert seen.decision.effect == authorization_pb2.EFFECT_DENY
    assert [reason.code for reason in seen.decision.reasons] == ["NOT_PERMITTED_NOW"]
