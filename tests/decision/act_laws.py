"""The laws of what an act does to facts: each takes the act and what there was before and behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sealauthz.decision import Decision, Entity, Question
from sealauthz.model import MODEL
from sealauthz.schema import looks
from sealauthz.schema.rules import Life

PLATFORM, ENGINE = "platform", "engine"
"""The two who call: a service, and the sealing engine."""

Key = tuple[str, str]
Records = Mapping[Key, Any]
Changed = Mapping[Key, tuple[Any, Any]]

NAMES = {name: [column.name for column in MODEL.shapes[name].columns] for name in MODEL.records}
"""The columns of each record type."""

ACTING = frozenset(
    (resource, name) for (name, resource), action in MODEL.actions.items() if action.effect not in (None, looks)
)
"""The acts that change something, by resource type and name."""

LIMITS = {
    name: ("used", limit)
    for name, names in NAMES.items()
    for limit in ("use_limit", "uses")
    if "used" in names and limit in names
}
"""The records that can be used a number of times: the columns of the count and of its limit."""

CHECKS_USED = {"CONSUME_VERIFICATION", "CONSUME_NEW_ADMIN_VERIFICATION", "CONSUME_CARRIER_MATCH"}
"""The obligations that use up an identity check."""

GIVES_BACK = {"report_not_sealed"}
"""The acts that take a count back."""

DAILY_CARE = {"edit", "submit_review", "disable", "collect", "assign_custodian"}
"""What a MANAGE grant gives on its seal."""


_COUNTED = {
    "SealGrant": ("grant_id", "parent_grant_id"),
    "OpenGrant": ("open_grant_id",),
    "CrossEnterpriseGrant": ("cross_grant_id",),
    "SealUseRequest": ("request_id", "process_request_ids"),
}


@dataclass(frozen=True)
class Deed:
    """An act that somebody tries: who does what, what they say, and who calls for them."""

    subject: str
    action: str
    resource: Key
    context: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    caller: str = PLATFORM

    @property
    def question(self) -> Question:
        return Question(Entity("Person", self.subject), self.action, Entity(*self.resource), dict(self.context))


def changes_between(before: Records, after: Records) -> Changed:
    """Return each record that differs, before and after; None where there is none."""
    keys = before.keys() | after.keys()
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def assert_ends_are_final(deed: Deed, changed: Changed) -> None:
    for key, (old, new) in changed.items():
        for life in MODEL.shapes[key[0]].rules_of(Life) if old is not None else ():
            state = getattr(old, life.column)
            if not life.reachable(state):
                assert new is not None, f"{deed} removed {key}, which is {state}"
                assert getattr(new, life.column) == state, f"{deed} changed {key}, which is {state}"


def assert_counts(deed: Deed, changed: Changed) -> None:
    for key, (old, new) in changed.items():
        if key[0] in LIMITS and new is not None:
            used, limit = (getattr(new, name) for name in LIMITS[key[0]])
            assert 0 <= used <= limit, f"{deed} counted {used} of {limit} on {key}"
            assert old is None or used >= old.used or deed.action in GIVES_BACK, f"{deed} gave a use back"


def assert_used_up(deed: Deed, decision: Decision, before: Records, after: Records, checks: set[str]) -> None:
    """What an allow rests on is used up with the act, and never serves again."""
    for obligation in decision.obligations:
        named = obligation.parameters
        if obligation.code in CHECKS_USED:
            check = str(named["verification_id"])
            assert check not in checks, f"{deed} used {check} again"
            checks.add(check)
            assert after["IdentityVerification", check].state == "CONSUMED", f"{deed} left {check}"
        if obligation.code == "DECREMENT_USE":
            for name, value in named.items():
                for record_id in _ids(value):
                    for record_type in LIMITS:
                        old = before.get((record_type, record_id))
                        if old is not None and name.startswith(_COUNTED[record_type]):
                            new = after[record_type, record_id]
                            assert new.used == old.used + 1, f"{deed} did not count {record_type}:{record_id}"


def assert_cared_for(deed: Deed, before: Records, after: Records, now: int) -> None:
    """Nobody takes care of a seal without a role or a right for it, and nobody gets that right by themself."""
    if deed.resource[0] == "Seal" and deed.action in DAILY_CARE:
        assert _may_care(deed.subject, before["Seal", deed.resource[1]], before, now), f"{deed}: by nobody's right"
    for key, (old, new) in changes_between(before, after).items():
        if key[0] == "SealGrant" and new is not None and new.state == "ACTIVE" and not _is_active(old):
            member = after["Membership", new.membership_id]
            grantor = after["RoleAssignment", new.grantor_id]
            giver = after["Membership", grantor.membership_id]
            assert member.state == "ACTIVE", f"{deed} gave a right to who is no member"
            assert member.person_id != giver.person_id, f"{deed}: {key} is given to who gave it"
            if new.right == "MANAGE":
                assert old is not None, f"{deed} made a right of care that nobody confirmed"
                assert new.parent_id is None, f"{deed} passed on a right of care"
                assert deed.subject != member.person_id, f"{deed}: {key} is confirmed by who gets it"


def _may_care(person: str, seal: Any, records: Records, now: int) -> bool:
    memberships = {
        each.id
        for (kind, _), each in records.items()
        if kind == "Membership" and each.person_id == person and each.enterprise_id == seal.enterprise_id
        and each.state == "ACTIVE" and now < each.ended_at
    }  # fmt: skip
    represents = any(
        kind == "RegistrySnapshot" and each.enterprise_id == seal.enterprise_id and each.legal_rep_id == person
        for (kind, _), each in records.items()
    )
    has_role = any(
        kind == "RoleAssignment" and each.membership_id in memberships and each.state == "ACTIVE"
        and each.valid_from <= now < each.valid_to and each.role in ("SYSTEM_ADMIN", "SEAL_ADMIN", "LEGAL_REP")
        for (kind, _), each in records.items()
    )  # fmt: skip
    is_given = any(
        kind == "SealGrant" and each.seal_id == seal.id and each.right == "MANAGE" and each.state == "ACTIVE"
        and each.membership_id in memberships and each.valid_from <= now < each.valid_to
        for (kind, _), each in records.items()
    )  # fmt: skip
    return represents or has_role or is_given


def _is_active(record: Any) -> bool:
    return record is not None and record.state == "ACTIVE"


def _ids(value: Any) -> list[str]:
    text = str(value)
    return json.loads(text) if text.startswith("[") else [text]
