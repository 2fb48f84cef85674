"""I4 looks only at what a write takes away: it refuses what a look at every enterprise would refuse."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from sealauthz.facts.store.rows import RecordRows
from sealauthz.model.member_invariants import check_administrator
from sealauthz.model.records.membership import JoinedVia, Membership, Role, RoleAssignment
from sealauthz.model.records.organisation import Enterprise
from sealauthz.runtime.errors import InvariantBroken
from sealauthz.schema import Change, Changes

STATES = ("ACTIVE", "SUSPENDED", "ENDED")
ROLES = (Role.SYSTEM_ADMIN, Role.SYSTEM_ADMIN, Role.SEAL_ADMIN)


def facts(rng: random.Random) -> dict[tuple[str, str], Any]:
    """Some enterprises, members and roles, in any state."""
    records: list[Any] = []
    for e in range(2):
        auth = rng.choice(("AUTHENTICATED", "AUTHENTICATED", "UNAUTHENTICATED"))
        operating = rng.choice(("ACTIVE", "ACTIVE", "FROZEN"))
        records.append(Enterprise(f"e{e}", f"e{e}", f"u{e}", auth_state=auth, operating_state=operating))
        for m in range(3):
            member = Membership(f"e{e}m{m}", f"p{m}", f"e{e}", JoinedVia.IMPORT, 1, rng.choice(STATES))
            records.append(member)
            states = ("ACTIVE", "ACTIVE", "REVOKED")
            records += (
                RoleAssignment(f"{member.id}r{r}", member.id, rng.choice(ROLES), rng.choice(states)) for r in range(2)
            )
    return {(type(record).__name__, record.id): record for record in records}


def without_administrator(records: dict[tuple[str, str], Any]) -> set[str]:
    """Every operating enterprise that nobody administers, by looking at all there is."""
    all_of = [*records.values()]
    active = {r.id: r.enterprise_id for r in all_of if isinstance(r, Membership) and r.state == "ACTIVE"}
    administered = {
        active.get(r.membership_id)
        for r in all_of
        if isinstance(r, RoleAssignment) and (r.role, r.state) == ("SYSTEM_ADMIN", "ACTIVE")
    }
    operating = {
        r.id
        for r in all_of
        if isinstance(r, Enterprise) and (r.auth_state, r.operating_state) == ("AUTHENTICATED", "ACTIVE")
    }
    return operating - administered


def changed(rng: random.Random, before: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
    """What some edits, new records and deletions make of it."""
    after, other = dict(before), facts(rng)
    for key in rng.sample(sorted(before), rng.randint(1, 4)):
        kept = {"role": before[key].role} if isinstance(before[key], RoleAssignment) else {}
        after[key] = replace(other[key], **kept)
    for key in rng.sample(sorted(before), rng.randint(0, 2)):
        if key[0] == "RoleAssignment":
            del after[key]
    if rng.random() < 0.3:
        after["Enterprise", "e9"] = Enterprise("e9", "e9", "u9", auth_state="AUTHENTICATED", operating_state="ACTIVE")
    if rng.random() < 0.3:
        after["Membership", "new"] = Membership("new", "p9", "e0", JoinedVia.IMPORT, 1)
        after["RoleAssignment", "new"] = RoleAssignment("new", "new", rng.choice(ROLES))
    return after


def test_what_is_refused_is_what_would_be_without_an_administrator() -> None:
    rng = random.Random(4)
    refused = 0
    for _ in range(3_000):
        before = facts(rng)
        if without_administrator(before):
            continue
        after = changed(rng, before)
        changes = Changes(
            Change(*key, before.get(key), after.get(key))
            for key in sorted(before.keys() | after.keys())
            if before.get(key) != after.get(key)
        )
        expected = without_administrator(after)
        if expected:
            refused += 1
            with pytest.raises(InvariantBroken):
                check_administrator(changes, RecordRows(after.values()))
        else:
            check_administrator(changes, RecordRows(after.values()))
    assert refused > 100


def test_what_an_import_leaves_is_looked_at_as_a_whole() -> None:
    rng = random.Random(5)
    for _ in range(200):
        records = facts(rng)
        changes = Changes(Change(*key, record, record) for key, record in records.items())
        if without_administrator(records):
            with pytest.raises(InvariantBroken):
                check_administrator(changes, RecordRows(records.values()))
        else:
            check_administrator(changes, RecordRows(records.values()))


class Noting(RecordRows):
    """Rows that note in which enterprises all members were looked for."""

    looked: set[str]

    def naming(self, record_type: str, column: str, ids: Any) -> Any:
        if record_type == "Membership":
            self.looked = getattr(self, "looked", set()) | set(ids)
        return super().naming(record_type, column, ids)


def test_a_member_who_administers_nothing_is_written_without_a_look_at_the_others() -> None:
    enterprise = Enterprise("e0", "e0", "u0", auth_state="AUTHENTICATED")
    member = Membership("m", "p", "e0", JoinedVia.IMPORT, 1)
    role = RoleAssignment("r", "m", Role.SEAL_ADMIN)
    for change in (
        Change("Membership", "m", None, member),
        Change("Membership", "m", member, replace(member, state="SUSPENDED")),
        Change("RoleAssignment", "r", None, role),
        Change("RoleAssignment", "r", role, replace(role, state="REVOKED")),
        Change("Enterprise", "e0", replace(enterprise, name="before"), enterprise),
    ):
        rows = Noting([enterprise, change.after, *([member] if change.record_type == "RoleAssignment" else ())])
        check_administrator(Changes([change]), rows)
        assert not getattr(rows, "looked", set()), change
