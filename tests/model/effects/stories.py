"""People who act as the next steps tell them: who is denied reads why, does what is said, and asks again.

A story fails where a deny offers no step, where a step lacks what it takes to follow it, and where following it leads
to the same deny.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from acting import ENGINE, PLATFORM, Platform, codes
from harness import MINUTE, bundle

from sealauthz.model.effects.rule_terms import rules_digest
from sealauthz.model.records.identity import (
    IdentityVerification,
    VerificationMethod,
    VerificationPurpose,
    VerificationState,
)
from sealauthz_client.answers import NextStep, Reason

FACE = "VERIFY_FACE"
SHOWN_BY = {FACE: "verification", "REQUEST_NEW_ADMIN_FACE": "receiver_verification"}
"""The steps by which somebody shows their face, and under which name the check is said."""


Carried = Mapping[str, Any]
"""What a step carries."""


class Story:
    """What people do on a platform, one after the other."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._shown = 0

    @property
    def now(self) -> int:
        return self.platform.now

    def wait(self, micros: int) -> None:
        """Let time pass."""
        self.platform.now += micros

    def does(
        self,
        subject: str,
        action: str,
        resource: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        receiver: str = "",
        caller: str = PLATFORM,
        **context: Any,
    ) -> Mapping[str, Any]:
        """Do what is allowed, after showing the face that a step asks for. Return what the act made.

        `receiver`: the person who shows their face where a step asks for that of a new administrator.
        """
        asked = (subject, action, resource, arguments)
        said = _said(context)
        done = self.platform.try_to(*asked, caller=caller, **said)
        for _ in SHOWN_BY:
            steps = {} if done else {step.code: step for step in done.decision.next_steps}
            for code in steps.keys() & SHOWN_BY.keys():
                said[SHOWN_BY[code]] = self.shows_face(subject if code == FACE else receiver, steps[code])
            if steps.keys() & SHOWN_BY.keys():
                done = self.platform.try_to(*asked, caller=caller, **said)
        assert done, (asked, codes(done), [step.code for step in done.decision.next_steps])
        assert done.operation is not None
        return done.operation.values

    def is_told(
        self, code: str, step: str, *asked: Any, says: str = "", alone: bool = False, **context: Any
    ) -> Carried:
        """Somebody is denied first of all for a reason with a step. Return what the step carries.

        `says`: what they read in Chinese, as part of the reason. `alone`: the reason has no other step.
        """
        reason = self._denied(*asked, **context)[0]
        assert reason.code == code, reason.code
        read = text_of(reason)
        assert says in read, read
        assert not alone or len(reason.next_steps) == 1, [each.code for each in reason.next_steps]
        return _carried(reason, step)

    def finds(self, code: str, step: str, *asked: Any, **context: Any) -> Carried:
        """Somebody is denied for a reason, among others, with a step. Return what the step carries."""
        reasons = {reason.code: reason for reason in self._denied(*asked, **context)}
        assert code in reasons, list(reasons)
        return _carried(reasons[code], step)

    def _denied(self, *asked: Any, **context: Any) -> tuple[Reason, ...]:
        done = self.platform.try_to(*asked, **_said(context))
        assert not done, f"it is allowed: {asked}"
        return done.decision.reasons

    def is_refused(self, code: str, *asked: Any, **context: Any) -> None:
        """Somebody is denied for a reason that no step of theirs ends."""
        done = self.platform.try_to(*asked, **context)
        assert not done
        assert done.decision.reasons[0].code == code, codes(done)

    def shows_face(self, person: str, step: NextStep, method: str = "FACE") -> str:
        """Show a face for what a step says that it must be bound to. Return the id of the check."""
        said = step.parameters
        assert said.keys() >= {"purpose", "bound_type", "bound_id"}, step
        self._shown += 1
        check = f"shown-{self._shown}"
        bound = (str(said["bound_type"]), str(said["bound_id"]), str(said.get("bound_digest", "")))
        passed = (VerificationState.PASSED, self.now - MINUTE // 6)
        purpose = VerificationPurpose(str(said["purpose"]))
        shown = IdentityVerification(check, person, VerificationMethod(method), purpose, check, *bound, *passed)
        self.platform.write(shown)
        return check

    def seals(self, subject: str, seal: str, task: str, **context: Any) -> None:
        """Put a seal under a task, and have the engine put it there."""
        made = self.does(subject, "use", f"Seal:{seal}", {"audience": ENGINE}, task=task, **context)
        for use_id in json.loads(str(made["use_ids"])):
            self.does(subject, "seal", f"SealUse:{use_id}", caller=ENGINE)
            self.does(subject, "confirm_sealed", f"SealUse:{use_id}", caller=ENGINE)

    def arrives(self, like: Any, person: str, **known: Any) -> None:
        """Somebody opens an account."""
        self.platform.write(
            dataclasses.replace(like, id=person, real_name=f"{person}某", id_hash=f"hash-{person}", **known)
        )

    def proposes(
        self, by: str, kind: str, action: str, resource: str, rules: Any, counts_from: int | None = None
    ) -> str:
        """Propose rules of an enterprise. Return the id of the change."""
        digest = digest_of(action, resource, rules)
        terms = {"rule_kind": kind, "digest": digest, "counts_from": counts_from or self.now}
        return str(self.does(by, "propose_rule_change", "Enterprise:e", terms)["change_id"])

    def agrees(
        self, by: str, second: str, kind: str, action: str, resource: str, rules: Any, counts_from: Any = None
    ) -> Mapping[str, Any]:
        """Have two persons agree to rules of an enterprise, and the first write them when they count."""
        change = self.proposes(by, kind, action, resource, rules, counts_from)
        self.does(second, "confirm_change", f"RuleChange:{change}")
        if counts_from is not None:
            self.platform.now = max(self.now, counts_from)
        digest = digest_of(action, resource, rules)
        return self.does(by, action, resource, stated(rules), change=change, digest=digest)

    def writes_alone(self, by: str, action: str, resource: str, rules: Any) -> Mapping[str, Any]:
        """Write rules as the owner of a company of one, on the own face."""
        return self.does(by, action, resource, stated(rules), digest=digest_of(action, resource, rules))


def digest_of(action: str, resource: str, rules: Any) -> str:
    """What persons agree to, or show their face for, when they write rules."""
    record_type, _, record_id = resource.partition(":")
    return rules_digest(action, record_type, record_id, rules)


def use_of(subject: str, seal: str) -> tuple[Any, ...]:
    """The question for a use of a seal by the sealing engine."""
    return subject, "use", f"Seal:{seal}", {"audience": ENGINE}


def stated(rules: Any) -> dict[str, Any]:
    """Rules as a client says them: nothing that is left out."""
    return dataclasses.asdict(rules, dict_factory=lambda items: {k: v for k, v in items if v is not None})


def text_of(reason: Reason, language: str = "zh") -> str:
    """What a person reads of a reason, with all that its steps carry."""
    known: dict[str, Any] = {}
    for step in reason.next_steps:
        known |= step.parameters
    return bundle().texts.reason(reason.code, language, known)


def _carried(reason: Reason, step: str) -> Carried:
    found = [each for each in reason.next_steps if each.code == step]
    assert found, (reason.code, [each.code for each in reason.next_steps])
    return found[0].parameters


def _said(context: Mapping[str, Any]) -> dict[str, Any]:
    """The context of a question; a name that means something else here is written with a stroke behind it."""
    return {name.removesuffix("_"): value for name, value in context.items()}
