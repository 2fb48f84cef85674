"""The record of a decision is the same text, whichever way it is written."""

from __future__ import annotations

import random

import pytest
from tiny.model import TINY

from sealauthz.audit import record_text
from sealauthz.audit.record import Concerned, Origin, decision_record
from sealauthz.audit.record_text import decision_text
from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.ids import new_id
from sealauthz.decision.question import ContextValue, Entity, Question
from sealauthz_client.answers import Audience, Obligation, Reason

WORDS = ("d1", "", "a b", 'q"', "b\\s", "t\tn\n", "\u00e9\u7ae0", "\x7f", "d-" + "9" * 60)
TRACE = "0af7651916cd43dd8448eb211c80319c"
DIGEST = "0123456789abcdef" * 4
SAFE = ("READER", "sha256:" + DIGEST, DIGEST)


def plain_or_odd(chance: random.Random) -> str:
    return f"id-{chance.randrange(99)}" if chance.random() < 0.95 else chance.choice(WORDS)


def made(chance: random.Random) -> tuple[str, Origin, Decision, Concerned, int]:
    (action, resource_type), declared = chance.choice(list(TINY.actions.items()))
    if chance.random() < 0.05:
        action = chance.choice(("unknown", 'quo"ted'))
    subject = Entity("User" if chance.random() < 0.95 else 'U"', plain_or_odd(chance))
    resource = Entity(resource_type, plain_or_odd(chance))
    context: dict[str, ContextValue] = {}
    for key, how_often in (*((key, 0.5) for key in declared.keys), ("note", 0.1), ("unknown", 0.05)):
        if chance.random() < how_often:
            told = plain_or_odd(chance) if key in declared.records else chance.choice(SAFE)
            context[key] = chance.choice([told, told, told, plain_or_odd(chance), 4711, 0, -(1 << 70), True, False])
    effect = chance.choice(list(Effect))
    is_denied = effect is Effect.DENY
    reasons = tuple(
        Reason(chance.choice(("A", "B_C")), 1, chance.choice(list(Audience)), chance.choice(("R", "")))
        for _ in range(chance.randrange(1, 4) if is_denied else 0)
    )
    obligations = tuple(Obligation(code, {}) for code in ("X", "Y")[: 0 if is_denied else chance.randrange(3)])
    is_named = chance.random() < 0.8
    decision = Decision(
        Question(subject, action, resource, context),
        effect,
        new_id(),
        chance.choice((DIGEST[:16], "")),
        chance.choice((0, 7, 1 << 40)),
        1_790_000_000_000_000,
        chance.choice((0, 1_790_000_000_000_001)),
        reasons,
        obligations,
        timeline="t" * 36 if is_named else "",
        policy_digest=DIGEST if is_named else "",
    )
    missing = [each for each in (subject, resource) if chance.random() < 0.05]
    concerned = Concerned(frozenset(missing), frozenset(chance.sample(("red", "blue", 'gr"'), chance.randrange(3))))
    origin = Origin(
        chance.choice(("shop", "caf\u00e9", "")),
        chance.choice(("ipv4:127.0.0.1:1", "")),
        chance.choice((TRACE, "")) if chance.random() < 0.95 else '"',
    )
    return chance.choice(("Authorize", "Explain")), origin, decision, concerned, chance.choice((0, 250))


def test_a_record_put_together_from_parts_is_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    chance, plainly = random.Random(110), 0

    def told(*arguments: object) -> str:
        nonlocal plainly
        plainly += 1
        return decision_record(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(record_text, "decision_record", told)
    for _ in range(4_000):
        given = made(chance)
        assert decision_text(TINY, *given) == decision_record(TINY, *given), given
    assert 1_000 < plainly < 3_000, "both ways are compared"
