"""Decisions as bytes, put together from parts that many have in common: what `responses.fill_decision` fills a message
with, without the message.

An answer of Authorize is a dozen small messages, most of them the same as before. Each part is made as a message once
and kept as bytes. This is the one module that writes protobuf by hand: tags, lengths and whole numbers only. A test
holds it against the messages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from google.protobuf.message import Message

from sealauthz.decision.decision import Decision
from sealauthz.service import responses
from sealauthz.service.callers import EXPLAIN, Caller
from sealauthz.service.fields import revision_message, timestamp
from sealauthz_client.answers import Audience, NextStep, Obligation, ParameterValue, Reason
from sealauthz_client.v1 import authorization_pb2

_SECOND = 1_000_000
_LENGTH_DELIMITED = 2


def _numbers(message: type[Message]) -> dict[str, int]:
    return {field.name: field.number for field in message.DESCRIPTOR.fields}


_DECISION = _numbers(authorization_pb2.Decision)


_BYTES = tuple(bytes((value,)) for value in range(0x80))


def varint(value: int) -> bytes:
    """Write a whole number that is not negative. Raises ValueError for one that is."""
    if value < 0x80:
        if value < 0:
            raise ValueError("a negative number is written in another way")
        return _BYTES[value]
    # Written out for lengths and instants: a loop takes three times as long.
    if value < 1 << 14:
        return bytes((value & 0x7F | 0x80, value >> 7))
    if 1 << 28 <= value < 1 << 35:
        return bytes(
            (
                value & 0x7F | 0x80,
                value >> 7 & 0x7F | 0x80,
                value >> 14 & 0x7F | 0x80,
                value >> 21 & 0x7F | 0x80,
                value >> 28,
            )
        )
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


_DECIDED = varint(_numbers(authorization_pb2.AuthorizeBatchItem)["decision"] << 3 | _LENGTH_DELIMITED)
_ITEM = varint(_numbers(authorization_pb2.AuthorizeBatchResponse)["items"] << 3 | _LENGTH_DELIMITED)
_ANSWER = varint(_numbers(authorization_pb2.AuthorizeResponse)["decision"] << 3 | _LENGTH_DELIMITED)
_EFFECTS = {effect: varint(_DECISION["effect"] << 3) + varint(number) for effect, number in responses.EFFECTS.items()}
_REASON = varint(_DECISION["reasons"] << 3 | _LENGTH_DELIMITED)
_STEP_OF_DECISION = varint(_DECISION["next_steps"] << 3 | _LENGTH_DELIMITED)
_STEP_OF_REASON = varint(_numbers(authorization_pb2.Reason)["next_steps"] << 3 | _LENGTH_DELIMITED)
_OBLIGATION_OF_DECISION = varint(_DECISION["obligations"] << 3 | _LENGTH_DELIMITED)
_ID = varint(_DECISION["decision_id"] << 3 | _LENGTH_DELIMITED)
_EVALUATED = varint(_DECISION["evaluated_at"] << 3 | _LENGTH_DELIMITED)
_VALID = varint(_DECISION["valid_until"] << 3 | _LENGTH_DELIMITED)
_AGE = varint(_DECISION["facts_age"] << 3 | _LENGTH_DELIMITED)
_VALUES = _numbers(authorization_pb2.ParameterValue)
_STRING_VALUE = varint(_VALUES["string_value"] << 3 | _LENGTH_DELIMITED)
_TIME_VALUE = varint(_VALUES["time_value"] << 3 | _LENGTH_DELIMITED)
_INT_VALUE = varint(_VALUES["int_value"] << 3)
_KEY, _VALUE = varint(1 << 3 | _LENGTH_DELIMITED), varint(2 << 3 | _LENGTH_DELIMITED)
_UNSIGNED = (1 << 64) - 1
_SECONDS, _NANOS = varint(1 << 3), varint(2 << 3)


class _Carrying(NamedTuple):
    """The tags of a message with a code, parameters and a text."""

    code: bytes
    parameters: bytes
    text: bytes

    @classmethod
    def of(cls, message: type[Message]) -> _Carrying:
        """Return the tags of a message."""
        numbers = _numbers(message)
        return cls(*(varint(numbers[name] << 3 | _LENGTH_DELIMITED) for name in cls._fields))


_STEP = _Carrying.of(authorization_pb2.NextStep)
_OBLIGATION = _Carrying.of(authorization_pb2.Obligation)


def response(decision: Decision, caller: Caller, store_id: str, language: str = "") -> bytes:
    """Write an AuthorizeResponse with what the caller may see of a decision."""
    written = decision_bytes(decision, caller, store_id, language)
    return _ANSWER + varint(len(written)) + written


def decided(decision: Decision, caller: Caller, store_id: str, language: str = "") -> bytes:
    """Write an AuthorizeBatchItem with what the caller may see of a decision."""
    written = decision_bytes(decision, caller, store_id, language)
    return _DECIDED + varint(len(written)) + written


def batch(items: Iterable[bytes]) -> bytes:
    """Write an AuthorizeBatchResponse of items."""
    return b"".join([part for item in items for part in (_ITEM, varint(len(item)), item)])


def decision_bytes(decision: Decision, caller: Caller, store_id: str, language: str = "") -> bytes:
    """Write a Decision with what the caller may see of it; with texts, as `fill_decision` makes it."""
    reasons = responses.visible_reasons(decision, caller)
    if language:
        decision = dataclasses.replace(decision, reasons=reasons).localized(language)
        reasons = decision.reasons
    decision_id = decision.decision_id.encode()
    parts = [_EFFECTS[decision.effect]]
    if reasons:
        parts.append(_reasons(reasons, names_requirements=caller.may_call(EXPLAIN)))
    parts.extend(_obligation(obligation) for obligation in decision.obligations)
    if decision_id:
        parts += (_ID, varint(len(decision_id)), decision_id)
    parts.append(_rests_on(decision.policy_version, store_id, decision.timeline, decision.revision))
    for tag, micros in ((_EVALUATED, decision.evaluated_at), (_VALID, decision.valid_until)):
        if micros < 0:
            content = timestamp(micros).SerializeToString()
            parts += (tag, varint(len(content)), content)
        else:
            seconds, rest = divmod(micros, _SECOND)
            parts.append(_moment(tag, seconds, rest * 1_000))
    seconds, rest = divmod(max(0, round(decision.facts_age_s * 1_000)), 1_000)
    parts.append(_moment(_AGE, seconds, rest * 1_000_000))
    return b"".join(parts)


def _moment(tag: bytes, seconds: int, nanos: int) -> bytes:
    """Write a Timestamp or a Duration."""
    written = (_SECONDS + varint(seconds) if seconds else b"") + (_NANOS + varint(nanos) if nanos else b"")
    return tag + varint(len(written)) + written


@lru_cache(maxsize=256)
def _rests_on(policy_version: str, store_id: str, timeline: str, revision: int) -> bytes:
    """Write the policy version and the revision, which are the same for many decisions."""
    return authorization_pb2.Decision(
        policy_version=policy_version, revision=revision_message(store_id, timeline, revision)
    ).SerializeToString()


def _reasons(reasons: Iterable[Reason], *, names_requirements: bool) -> bytes:
    """Write the reasons with their next steps, and all next steps, each once."""
    made: dict[object, bytes] = {}
    parts = []
    for reason in reasons:
        parts.append(_reason(reason, reason.requirement if names_requirements else "", made))
    parts.extend(_STEP_OF_DECISION + step for step in made.values())
    return b"".join(parts)


def _reason(reason: Reason, requirement: str, made: dict[object, bytes]) -> bytes:
    """Write a reason; `made` gets its next steps, without their tags."""
    steps = []
    for step in reason.next_steps:
        identity = step.identity
        written = made.get(identity)
        if written is None:
            if step.parameters or step.text:
                content = _carrying(_STEP, step)
                written = varint(len(content)) + content
            else:
                written = _plain_step(step.code)
            made[identity] = written
        steps.append(_STEP_OF_REASON + written)
    content = _head(reason.code, reason.stage, reason.audience, requirement) + b"".join(steps)
    if reason.text:
        content += authorization_pb2.Reason(text=reason.text).SerializeToString()
    return _REASON + varint(len(content)) + content


@lru_cache(maxsize=1_024)
def _plain_step(code: str) -> bytes:
    """Write a next step that carries nothing, with its length."""
    content = responses.step_message(NextStep(code)).SerializeToString()
    return varint(len(content)) + content


@lru_cache(maxsize=4_096)
def _head(code: str, stage: int, audience: Audience, requirement: str) -> bytes:
    """Write what a reason has besides its next steps."""
    return authorization_pb2.Reason(
        code=code, stage=stage, audience=responses.AUDIENCES[audience], requirement=requirement
    ).SerializeToString()


def _obligation(obligation: Obligation) -> bytes:
    if not obligation.parameters and not obligation.text:
        return _plain_obligation(obligation.code)
    content = _carrying(_OBLIGATION, obligation)
    return _OBLIGATION_OF_DECISION + varint(len(content)) + content


def _carrying(tags: _Carrying, item: NextStep | Obligation) -> bytes:
    """Write a next step or an obligation with what it carries."""
    parts = [_word(tags.code, item.code)]
    for name, value in item.parameters.items():
        held = _value(name, value)
        if held is not None:
            entry = _word(_KEY, name) + _VALUE + varint(len(held)) + held
            parts += (tags.parameters, varint(len(entry)), entry)
    if item.text:
        content = item.text.encode()
        parts += (tags.text, varint(len(content)), content)
    return b"".join(parts)


def _value(name: str, value: ParameterValue) -> bytes | None:
    """Write a ParameterValue, always with what it holds: which that is tells an empty text from a zero.

    None for what no decision of the decision point carries.
    """
    if isinstance(value, str):
        content = value.encode()
        return _STRING_VALUE + varint(len(content)) + content
    if not isinstance(value, int):
        return None
    if responses.is_instant(name):
        content = timestamp(value).SerializeToString()
        return _TIME_VALUE + varint(len(content)) + content
    return _INT_VALUE + varint(value & _UNSIGNED)  # a negative number is written as its complement


@lru_cache(maxsize=4_096)
def _word(tag: bytes, text: str) -> bytes:
    content = text.encode()
    return tag + varint(len(content)) + content


@lru_cache(maxsize=1_024)
def _plain_obligation(code: str) -> bytes:
    """Write an obligation that carries nothing."""
    message = authorization_pb2.Decision()
    message.obligations.add(code=code)
    return message.SerializeToString()
