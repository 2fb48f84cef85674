"""The facts of policy tests, in which what decides was done by another account of the same human."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

from policy_suite import _by_key, suite
from scene import Scene

from sealauthz.decision import Question
from sealauthz.policytools.testing.suite import Ask
from sealauthz.schema import shape_of

OF_THE_ACCOUNT_ALONE = {
    # Its tasks wait for a transfer, and its seals for another keeper, whoever else leaves.
    ("SigningTask", "HANDOVER_REQUIRED"),
    ("TaskOperator", "HANDOVER_REQUIRED"),
    ("Seal", "HANDOVER_REQUIRED"),
    ("TaskOperator", "RECEIVER_NOT_ELIGIBLE"),
    # A delegate who opens a task seals nothing; where a seal is used, the principal's accounts are known.
    ("Signatory", "NOT_TASK_OPERATOR"),
    # It audits nothing, its verdicts count for nothing, and a notice to it has not reached the one that counts.
    ("SealGrant", "AUDITOR_READ_ONLY"),
    ("Approval", "NOT_AN_APPROVER"),
    ("NoticeDelivery", "NOT_IN_NOTICE"),
    # What it applied for leads nowhere.
    ("RetrievalCase", "RETRIEVAL_IN_PROGRESS"),
    ("JoinApplication", "DUPLICATE_APPLICATION"),
    ("JoinApplication", "TOO_MANY_APPLICATIONS"),
    ("JoinApplication", "SELF_APPROVAL"),
    ("EnterpriseAuthentication", "CERTIFICATION_UNDER_REVIEW"),
}
"""Where an account that counts no more stands for itself alone, by the record and the reason of the deny."""

COLUMN_OF_THE_ACCOUNT_ALONE = {
    # What it gave has ended with that: nobody watches by it any more.
    ("SealGrant", "grantor_id", "MONITORED_PERSON"),
}
"""The same in one column alone."""

_PLACES = ("Person", "Membership", "RoleAssignment", "PlatformStaff")


class SecondAccount(NamedTuple):
    """A denied question, and facts in which a second account of a human stands where the first one stood."""

    name: str
    record_type: str
    column: str
    question: Question
    now: int
    before: Scene
    after: Scene


def second_accounts() -> Iterator[SecondAccount]:
    """Each column of the facts of a denied question that was filled to deny it, filled with another account's place."""
    for test in suite():
        match test.asks:
            case (Ask() as first, Ask(label="but") as second) if first.question == second.question:
                yield from _second_accounts(test.name, first, second)
                yield from _second_accounts(test.name, second, first)
        for ask in test.asks:
            ask.facts.release()


def _second_accounts(name: str, other: Ask, denied: Ask) -> Iterator[SecondAccount]:
    records = list(denied.facts.records)
    known, held = _by_key(other.facts.records), _by_key(records)
    for key, record in held.items():
        if known.get(key) == record:
            continue
        for column in _filled(known.get(key), record):
            place = getattr(record, column.name)
            person = _person_at(held, column.ref, place)
            if person is None or person.same_as_id is not None:
                continue
            twins = _twins(records, person)
            # Who gives a post has one, or the registry names them.
            if column.name == "granted_by_id" and not any(kind == "Membership" for kind, _ in twins):
                continue
            changed = dataclasses.replace(record, **{column.name: twins[column.ref, place].id})
            facts = [changed if each is record else each for each in records]
            yield SecondAccount(
                name, key[0], column.name, denied.question, denied.now, Scene(records), Scene([*facts, *twins.values()])
            )


def _filled(before: Any, record: Any) -> Iterator[Any]:
    for column in shape_of(type(record)).columns:
        value = getattr(record, column.name)
        if column.ref not in _PLACES or value is None or column.name == "same_as_id":
            continue
        # Whose place it is decides nothing: another account in it would be another place.
        if type(record).__name__ in _PLACES and column.name in ("person_id", "membership_id"):
            continue
        if before is None or getattr(before, column.name) != value:
            yield column


def _person_at(held: dict[tuple[str, str], Any], record_type: str, record_id: str) -> Any:
    record = held.get((record_type, record_id))
    while record is not None and record_type != "Person":
        record_type, key = (
            ("Membership", "membership_id") if hasattr(record, "membership_id") else ("Person", "person_id")
        )
        record = held.get((record_type, getattr(record, key)))
    return record


def _twins(records: list[Any], person: Any) -> dict[tuple[str, str], Any]:
    """The other account, and the same places held by it, by the keys of the first one's."""
    other = dataclasses.replace(
        person, id="double", id_hash="hash-double", realname_state="REVOKED", same_as_id=person.id, phone_hash=""
    )
    twins: dict[tuple[str, str], Any] = {("Person", person.id): other}
    for record in records:
        if type(record).__name__ in ("Membership", "PlatformStaff") and record.person_id == person.id:
            twins[type(record).__name__, record.id] = dataclasses.replace(
                record, id=f"twin-{record.id}", person_id="double"
            )
    for record in records:
        if type(record).__name__ == "RoleAssignment" and ("Membership", record.membership_id) in twins:
            twins["RoleAssignment", record.id] = dataclasses.replace(
                record, id=f"twin-{record.id}", membership_id=f"twin-{record.membership_id}", is_primary=False
            )
    return twins
