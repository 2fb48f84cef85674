"""Running an enterprise, carried out: roles, suspensions, who leaves, and to whom it is handed over."""

from __future__ import annotations

from typing import Any

import pytest
from harness import DAY, HOUR, SECOND, NewWorld, World

from sealauthz.model.effects.administration import (
    AbsenceArguments,
    AssignRoleArguments,
    SuspendArguments,
    TransferAdminArguments,
)
from sealauthz.model.effects.rule_terms import rules_digest
from sealauthz.model.records.identity import IdentityVerification
from sealauthz.model.records.membership import SuspensionCause
from sealauthz.runtime.errors import InvalidRequest

USE = ("user", "use", "Seal:s")
USING = {"task": "t", "verification": "v-user"}


def face(here: World, person: str, bound_type: str, bound_id: str, digest: str) -> str:
    check = f"v-{person}-{bound_type}-{bound_id}-{here.now}"
    here.write(
        IdentityVerification(
            check,
            person,
            "FACE",
            "ADMIN_CHANGE",
            check,
            bound_type=bound_type,
            bound_id=bound_id,
            bound_digest=digest,
            state="PASSED",
            passed_at=here.now,
        )
    )
    return check


def faces(here: World, giver: str, receiver: str, said: Any = None, role: str = "") -> dict[str, str]:
    """What both show when an enterprise is handed over, or one more is given the role of an administrator."""
    action, resource = ("assign_role", f"Membership:m-{receiver}") if role else ("transfer_admin", "Enterprise:e")
    context = {"role": role} if role else {"receiver": f"m-{receiver}"}
    if said is not None:
        context["digest"] = rules_digest(action, *resource.split(":"), said)
    digest = here.intent_digest(giver, action, resource, **context)
    return {
        **context,
        "verification": face(here, giver, "Membership", f"m-{receiver}", digest),
        "receiver_verification": face(here, receiver, "Enterprise", "e", digest),
    }


# --- roles ------------------------------------------------------------------------------------------------------------


def test_a_role_is_given_used_and_taken_with_what_was_given_under_it(world: NewWorld) -> None:
    here = world()
    given = here.perform("admin", "assign_role", "Membership:m-plain", role="SEAL_ADMIN")
    assignment = here.get("RoleAssignment", str(given.values["assignment_id"]))
    assert (assignment.role, assignment.granted_by_id, assignment.valid_from) == ("SEAL_ADMIN", "admin", here.now)
    with pytest.raises(InvalidRequest, match=r"context\[role\]"):
        here.perform("admin", "assign_role", "Membership:m-plain", role="SEAL_ADMIN")
    assert here.ask(*USE, **USING)
    here.perform("admin", "revoke", "RoleAssignment:r-keeper")
    grant = here.get("SealGrant", "g-user")
    assert (grant.state, grant.invalid_reason) == ("INVALIDATED", "ADMIN_CHANGED")
    assert not here.ask(*USE, **USING)
    assert {event.code for event in here.events} == {"ROLE_GIVEN", "ROLE_ENDED", "GRANT_INVALIDATED"}


def test_a_role_whose_time_is_over_is_given_again(world: NewWorld) -> None:
    past = {"membership_id": "m-plain", "role": "SEAL_ADMIN", "valid_from": "now - 9 days", "valid_to": "now - 1 day"}
    grant = {
        "membership_id": "m-approver",
        "grantor_id": "r-past",
        "confirmed_by_id": "plain",
        "valid_from": "now - 9 days",
        "valid_to": "now - 1 day",
    }
    here = world(put={"RoleAssignment": {"r-past": past}, "SealGrant": {"g-past": grant}})
    here.perform("admin", "assign_role", "Membership:m-plain", role="SEAL_ADMIN")
    assert (here.get("RoleAssignment", "r-past").state, here.get("SealGrant", "g-past").state) == ("EXPIRED", "EXPIRED")


def test_a_second_administrator_is_made_on_both_faces(world: NewWorld) -> None:
    here = world()
    said = AssignRoleArguments(valid_to=here.now + 30 * DAY)
    checks = faces(here, "admin", "plain", said, "SYSTEM_ADMIN")
    for other in (None, AssignRoleArguments(valid_to=here.now + 31 * DAY)):
        with pytest.raises(InvalidRequest, match="digest"):
            here.perform("admin", "assign_role", "Membership:m-plain", other, **checks)
    here.perform("admin", "assign_role", "Membership:m-plain", said, **checks)
    assert here.ask("plain", "invite", "Enterprise:e")
    shown = [check for key, check in checks.items() if key.endswith("verification")]
    assert [here.get("IdentityVerification", each).state for each in shown] == ["CONSUMED", "CONSUMED"]
    here.now += 31 * DAY
    assert "NOT_ENTERPRISE_ADMIN" in here.codes("plain", "invite", "Enterprise:e")


@pytest.mark.parametrize(
    ("role", "said", "field"),
    [
        ("CUSTOM", {}, "custom_role"),
        ("SEAL_ADMIN", {"custom_role": "cr"}, "custom_role"),
        ("CUSTOM", {"custom_role": "cr-f"}, "custom_role"),
        ("SEAL_ADMIN", {"department": "d-e"}, "department"),
        ("DEPT_ADMIN", {"department": "d-f"}, "department"),
        ("SEAL_ADMIN", {"valid_to": 1}, "valid_to"),
    ],
)
def test_a_role_with_what_does_not_go_with_it_is_refused(
    world: NewWorld, role: str, said: dict[str, Any], field: str
) -> None:
    here = world(
        put={
            "CustomRole": {"cr": {"enterprise_id": "e", "name": "A"}, "cr-f": {"enterprise_id": "f", "name": "B"}},
            "Department": {"d-e": {"enterprise_id": "e", "name": "A"}, "d-f": {"enterprise_id": "f", "name": "B"}},
        }
    )
    with pytest.raises(InvalidRequest, match=field):
        here.perform("admin", "assign_role", "Membership:m-plain", AssignRoleArguments(**said), role=role)


# --- suspending and leaving -------------------------------------------------------------------------------------------


def test_a_suspension_takes_nothing_and_all_comes_back(world: NewWorld) -> None:
    here = world()
    here.perform("admin", "suspend", "Membership:m-keeper", SuspendArguments(SuspensionCause.ABSENCE))
    suspended = here.get("Membership", "m-keeper")
    assert (suspended.state, suspended.suspended_for, suspended.suspended_at) == ("SUSPENDED", "ABSENCE", here.now)
    assert here.codes("keeper", "freeze", "Seal:s") != []
    assert here.get("RoleAssignment", "r-keeper").state == "ACTIVE"
    assert here.ask(*USE, **USING), "what was given stands where nobody is suspected"
    here.perform("admin", "reinstate", "Membership:m-keeper")
    assert here.ask("keeper", "freeze", "Seal:s")


def test_who_leaves_takes_everything_along(world: NewWorld) -> None:
    here = world(
        put={
            "RoleAssignment": {
                "r-user": {"membership_id": "m-user", "role": "CONTRACT_ADMIN"},
                "r-f": {"membership_id": "m-trader", "role": "SEAL_ADMIN"},
            },
            "SealGrant": {
                "g-wide": {"membership_id": "m-user", "may_subgrant": True},
                "g-sub": {
                    "membership_id": "m-plain",
                    "grantor_id": "r-user",
                    "parent_id": "g-wide",
                    "confirmed_by_id": "user",
                },
            },
            "Delegation": {
                "del": {
                    "principal_id": "m-keeper",
                    "delegate_id": "m-user",
                    "power": "USE_SEAL",
                    "scope": "ALL_CONTRACTS",
                    "valid_from": "now - 1 day",
                    "valid_to": "now + 30 days",
                    "state": "ACTIVE",
                }
            },
            "MonitorSubscription": {"w": {"enterprise_id": "e", "leader_id": "m-user"}},
            "Seal": {"s-f": {"enterprise_id": "f", "name": "F", "certificate_id": None}},
            "CrossEnterpriseGrant": {
                "x": {
                    "seal_id": "s-f",
                    "holder_id": "e",
                    "grantor_id": "r-f",
                    "scope": "ALL_CONTRACTS",
                    "valid_from": "now - 1 day",
                    "valid_to": "now + 30 days",
                    "confirmation": "AUTH_LETTER",
                    "state": "ACTIVE",
                }
            },
            "HolderAssignment": {"ha": {"grant_id": "x", "membership_id": "m-user"}},
        },
        drop=["TaskOperator:o-user", "SigningTask:t-hand"],
    )
    here.perform("user", "resign", "Membership:m-user")
    left = here.get("Membership", "m-user")
    assert (left.state, left.end_reason, left.ended_at) == ("ENDED", "RESIGNED", here.now)
    ended = {
        ("RoleAssignment", "r-user"): "REVOKED",
        ("SealGrant", "g-user"): "INVALIDATED",
        ("SealGrant", "g-wide"): "INVALIDATED",
        ("SealGrant", "g-sub"): "INVALIDATED",
        ("Delegation", "del"): "LAPSED",
        ("MonitorSubscription", "w"): "ENDED",
        ("HolderAssignment", "ha"): "REVOKED",
    }
    assert {key: str(here.get(*key).state) for key in ended} == ended
    assert here.get("SealGrant", "g-user").invalid_reason == "GRANTEE_LEFT"
    assert here.codes(*USE, **USING) != []


def test_an_administrator_who_leaves_leaves_applications_to_the_next(world: NewWorld) -> None:
    here = world("there is a second administrator", "outsider has applied to join")
    here.change(("JoinApplication", "j", {"handler_id": "m-admin"}))
    here.perform("admin", "resign", "Membership:m-admin")
    assert here.get("JoinApplication", "j").handler_id == "m-second"
    assert ("APPLICATION_REROUTED", ("second",)) in [(event.code, event.recipients) for event in here.events]
    assert "LAST_ADMIN" in here.codes("second", "resign", "Membership:m-second")


def test_a_removed_member_joins_again_without_the_old_rights(world: NewWorld) -> None:
    here = world(drop=["TaskOperator:o-user", "SigningTask:t-hand"])
    here.perform("admin", "end", "Membership:m-user")
    application = here.perform("user", "join", "Enterprise:e").values["application_id"]
    made = here.perform("admin", "approve_join", f"JoinApplication:{application}").values["membership_id"]
    assert str(made) != "m-user"
    assert here.codes("user", "use", "Seal:s", task="t") != []


def test_an_absence_is_recorded_before_it_is_used(world: NewWorld) -> None:
    here = world()
    said = AbsenceArguments(here.now + DAY)
    made = here.perform("approver", "record_absence", "Membership:m-approver", said, substitute="m-plain")
    absence = here.get("Absence", str(made.values["absence_id"]))
    assert (absence.valid_from, absence.valid_to, absence.recorded_by_id) == (here.now, here.now + DAY, "approver")
    for valid_from, valid_to in (
        (here.now - 1, here.now + DAY),
        (here.now + DAY, here.now + DAY),
        (here.now + DAY, here.now + 181 * DAY + 1),
    ):
        said = AbsenceArguments(valid_to, valid_from)
        with pytest.raises(InvalidRequest):
            here.perform("approver", "record_absence", "Membership:m-approver", said, substitute="m-plain")


# --- handing over -----------------------------------------------------------------------------------------------------


def test_an_administrator_hands_their_own_role_over(world: NewWorld) -> None:
    here = world("there is a second administrator", "outsider has applied to join")
    here.change(("JoinApplication", "j", {"handler_id": "m-admin"}))
    checks = faces(here, "admin", "plain")
    done = here.perform("admin", "transfer_admin", "Enterprise:e", **checks)
    made = here.get("RoleAssignment", str(done.values["assignment_id"]))
    assert (made.membership_id, made.is_primary, made.granted_by_id) == ("m-plain", True, "admin")
    assert (here.get("RoleAssignment", "r-admin").state, here.get("RoleAssignment", "r-second").state) == (
        "REVOKED",
        "ACTIVE",
    )
    assert here.get("JoinApplication", "j").handler_id == "m-plain"
    assert here.ask("plain", "invite", "Enterprise:e")
    assert "NOT_ENTERPRISE_ADMIN" in here.codes("admin", "invite", "Enterprise:e")


def test_nobody_hands_over_what_another_administrator_has(world: NewWorld) -> None:
    here = world("there is a second administrator")
    said = TransferAdminArguments(taken="r-second")
    checks = faces(here, "admin", "plain", said)
    with pytest.raises(InvalidRequest, match="taken"):
        here.perform("admin", "transfer_admin", "Enterprise:e", said, **checks)


def test_the_legal_representative_names_whose_role_is_taken(world: NewWorld) -> None:
    here = world("there is a second administrator")
    for taken in (None, "r-keeper"):
        said = TransferAdminArguments(taken=taken)
        with pytest.raises(InvalidRequest, match="taken"):
            here.perform("boss", "transfer_admin", "Enterprise:e", said, **faces(here, "boss", "plain", said))
        here.now += SECOND
    said = TransferAdminArguments(taken="r-admin")
    checks = faces(here, "boss", "plain", said)
    # The face was shown for this role: it takes no other.
    with pytest.raises(InvalidRequest, match="digest"):
        here.perform("boss", "transfer_admin", "Enterprise:e", TransferAdminArguments(taken="r-second"), **checks)
    here.perform("boss", "transfer_admin", "Enterprise:e", said, **checks)
    assert here.get("RoleAssignment", "r-admin").state == "REVOKED"
    assert here.ask("plain", "invite", "Enterprise:e")


def test_a_role_that_the_receiver_has_already_stays_and_the_giver_loses_theirs(world: NewWorld) -> None:
    here = world("there is a second administrator")
    here.now += HOUR
    checks = faces(here, "admin", "second")
    done = here.perform("admin", "transfer_admin", "Enterprise:e", **checks)
    assert done.values["assignment_id"] == "r-second"
    assert here.get("RoleAssignment", "r-second").is_primary
    assert here.get("RoleAssignment", "r-admin").state == "REVOKED"
