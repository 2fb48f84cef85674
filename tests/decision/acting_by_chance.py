"""Acting by chance: acts that may be allowed are looked for, and what a refusal or a deny names is mended.

`Chance` makes every choice from one seed, so that a failure is found again.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from act_arguments import Speaker
from act_laws import ACTING, PLATFORM, Deed, Key
from acting_world import ActingWorld, Tried
from policy_suite import suite

from sealauthz.decision import Decision
from sealauthz.facts import Put, Update
from sealauthz.model import MODEL
from sealauthz.model.records.identity import IdentityVerification
from sealauthz.policytools.testing.suite import Ask
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.schema import values_of

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

FACE = "VERIFY_FACE"
SHOWING = {FACE: "verification", "REQUEST_NEW_ADMIN_FACE": "receiver_verification"}
"""The steps by which somebody shows their face, with the key of the context for the check."""
_TRIES = 60
_DIGEST = re.compile("sha256:[0-9a-f]{64}")


@cache
def allowed_in_tests() -> Mapping[tuple[str, str], tuple[Ask, ...]]:
    """The questions of the policy tests that are allowed, by resource type and action, of acts that change facts."""
    found: dict[tuple[str, str], list[Ask]] = defaultdict(list)
    for test in suite():
        for ask in () if test.allow_impossible else test.asks:
            if isinstance(ask, Ask) and ask.expected.effect == "ALLOW":
                key = (ask.question.resource.type, ask.question.action)
                if key in ACTING:
                    found[key].append(ask)
    return {key: tuple(some) for key, some in sorted(found.items())}


class Chance:
    """Whose turn it is, what they try and what the world does: all by one seed."""

    def __init__(self, world: ActingWorld, seed: int) -> None:
        self.by = random.Random(seed)
        self.world = world
        self.deed: Deed
        """What was tried last."""
        self.hints: Sequence[Any] = ()

    @property
    def speaker(self) -> Speaker:
        speaker = Speaker(self.by, self.world.records, self.world.now)
        speaker.hints = self.hints
        return speaker

    def deed_of(self, ask: Ask) -> Deed:
        """Return what a policy test asks as an act, with arguments."""
        question = ask.question
        resource = (question.resource.type, question.resource.id)
        arguments = self.speaker.arguments(resource[0], question.action, 0.0)
        return Deed(
            question.subject.id, question.action, resource, question.context, arguments, self.caller_of(resource)
        )

    def caller_of(self, resource: Key) -> str:
        """Return who calls for an act: of a use of a seal the engine that its receipt is for."""
        audience = getattr(self.world.records.get(resource), "audience", "")
        return audience or PLATFORM

    def persist(self, deed: Deed, tries: int = _TRIES, *, lightly: bool = False) -> Tried:
        """Try an act until it is done or denied for good: what a refusal names is said in another way.

        `lightly`: no law is looked at.
        """
        attempt = self.world.do if lightly else self.world.attempt
        tried, allowed = attempt(deed), None
        for _ in range(tries):
            self.deed = deed
            if _DIGEST.search(str(tried.error)):
                break
            if isinstance(tried.error, InvalidRequest):
                paths = [violation.field for violation in tried.error.violations] or ["arguments"]
                if lightly and "subject" in paths:
                    break
                allowed, deed = deed, self.speaker.said_again(deed, self.by.choice(paths))
            elif tried.performed is not None and not tried.performed:
                shown = self.show_face(deed, tried.performed.decision)
                if shown is not None:
                    deed = shown
                elif allowed is not None:
                    # Another context is denied: then the arguments have to fit the one that was allowed.
                    deed = self.speaker.said_again(allowed, "arguments")
                else:
                    break
            else:
                break
            tried = attempt(deed)
        return tried

    def other_rules(self, tried: Tried) -> tuple[Deed, dict[Key, Any]] | None:
        """Return the act that was refused because it was agreed to other rules, or a face was shown for others, and the
        facts in which they are these.

        None where it was not refused for that.
        """
        found = _DIGEST.search(str(tried.error))
        if found is None:
            return None
        records = {**self.world.records}
        deed = replace(self.deed, context={**self.deed.context, "digest": found[0]})
        # What a face is to be shown for then: the rules, or the act with these arguments.
        steps = {step.code: step.parameters.get("bound_digest") for step in self.world.decide(deed).next_steps}
        for key, record_type, column, digest in (
            ("change", "RuleChange", "digest", found[0]),
            ("verification", "IdentityVerification", "bound_digest", steps.get(FACE)),
            ("receiver_verification", "IdentityVerification", "bound_digest", steps.get("REQUEST_NEW_ADMIN_FACE")),
        ):
            named = (record_type, str(deed.context.get(key)))
            if named in records and digest is not None:
                records[named] = replace(records[named], **{column: digest})
        return deed, records

    def show_face(self, deed: Deed, decision: Decision, code: str = FACE) -> Deed | None:
        """Have a face shown as a step of a deny asks for it; None where none does, or where that was done."""
        steps = [step for step in decision.next_steps if step.code == code]
        person = deed.subject if code == FACE else self._receiver(deed)
        if not steps or person is None or str(deed.context.get(SHOWING[code], "")).startswith("shown-"):
            return None
        said = {name: str(value) for name, value in steps[0].parameters.items()}
        if not said.keys() >= {"purpose", "bound_type", "bound_id"}:
            return None
        check = f"shown-{len(self.world.records)}"
        record = IdentityVerification(
            check, person, "FACE", said["purpose"], check, said["bound_type"], said["bound_id"],  # type: ignore[arg-type]
            said.get("bound_digest", ""), "PASSED", self.world.now - MINUTE,  # type: ignore[arg-type]
        )  # fmt: skip
        if not self.world.outside(Put(record)):
            return None
        return replace(deed, context={**deed.context, SHOWING[code]: check})

    def _receiver(self, deed: Deed) -> str | None:
        """The person to whom an enterprise is handed over, or who becomes an administrator of it."""
        named = deed.resource if deed.resource[0] == "Membership" else ("Membership", deed.context.get("receiver"))
        found = self.world.records.get(named)  # type: ignore[arg-type]
        return None if found is None else str(found.person_id)

    # --- what may be allowed ------------------------------------------------------------------------------------------

    def legal(self, acts: frozenset[tuple[str, str]] = ACTING, looks: int = 200) -> Deed | None:
        """Look for an act that is allowed now, or for which a face is asked; None where none was found."""
        for deed in self._candidates(acts, looks):
            decision = self.world.decide(deed)
            if decision or {step.code for step in decision.next_steps} == {FACE}:
                return deed
        return None

    def legal_for(
        self, acts: Sequence[tuple[tuple[str, str], Callable[[str], bool]]], near: set[str], done: Counter[Any]
    ) -> Deed | None:
        """Look for an act that is allowed to one of those who may do it, in the order of acts, records near first.

        `done` counts the acts that were tried before: those come last. None where nothing was found.
        """
        speaker = self.speaker
        people = speaker.ids("Person")
        places = [
            ((record_type, record_id), action, may_act)
            for (record_type, action), may_act in acts
            for record_id in speaker.ids(record_type)
            if done[action, (record_type, record_id)] < 4
        ]
        tried: Counter[Any] = Counter()
        for (action, key, *_), count in done.items():
            tried[key[0], action] += count

        def rank(place: tuple[Key, str, Any]) -> tuple[int, bool]:
            key, action, _ = place
            is_near = not near.isdisjoint((key[1], *map(str, values_of(self.world.records[key]))))
            return tried[key[0], action], not is_near

        for resource, action, may_act in sorted(places, key=rank)[:40]:
            for person in filter(may_act, people):
                if (action, resource, person) in done:
                    continue
                said = replace(speaker.deed(resource, action, person, 0.0), caller=self.caller_of(resource))
                for deed in (replace(said, context={}), said) if said.context else (said,):
                    decision = self.world.decide(deed)
                    if decision or {step.code for step in decision.next_steps} == {FACE}:
                        return deed
        return None

    def any(self) -> Deed | None:
        """Return anything that somebody may try."""
        return next(self._candidates(ACTING, 1), None)

    def _candidates(self, acts: frozenset[tuple[str, str]], looks: int) -> Iterator[Deed]:
        speaker = self.speaker
        by_type: dict[str, list[str]] = defaultdict(list)
        for resource, action in sorted(acts):
            by_type[resource].append(action)
        there = [record_type for record_type in by_type if speaker.ids(record_type)]
        people = speaker.ids("Person")
        while there and looks > 0:
            record_type = self.by.choice(there)
            resource = (record_type, self.by.choice(speaker.ids(record_type)))
            action = self.by.choice(by_type[record_type])
            for person in self.by.sample(people, min(len(people), looks, 12)):
                looks -= 1
                yield replace(speaker.deed(resource, action, person), caller=self.caller_of(resource))

    # --- the outside world --------------------------------------------------------------------------------------------

    def pass_time(self) -> None:
        """Let time pass; once in a while the clock is set back a little."""
        self.world.now += self.by.choice((1, 1_000_000, MINUTE, HOUR, HOUR, DAY, 8 * DAY, 31 * DAY, -MINUTE))

    def change_outside(self) -> bool:
        """Have somebody outside write what is theirs: any column of any record that no act owns."""
        key = self.by.choice([*self.world.records])
        shape = MODEL.shapes[key[0]]
        free = [c for c in shape.columns if c.name not in shape.owned_by_acts and c.name not in ("id", shape.home)]
        if not free:
            return False
        column = self.by.choice(free)
        value: Any = None
        if not column.is_optional or self.by.random() < 0.7:
            value = self.speaker._value(column.name, column)
        return self.world.outside(Update(*key, {column.name: value}))
