"""The enterprise itself, carried out: certified and authenticated, renamed, watched; what leaves it."""

from __future__ import annotations

from typing import Any

import pytest
from harness import NewWorld, World, bundle, face

from sealauthz.model import MODEL
from sealauthz.model.effects.enterprises import CertifyArguments, DecideCertificationArguments
from sealauthz.model.records.organisation import CertificationMethod, RegistrySnapshot
from sealauthz.model.records.retrieval import ReviewVerdict
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.schema import looks

DOCUMENTS = CertifyArguments(CertificationMethod.DOCUMENTS)
PASSED = DecideCertificationArguments(ReviewVerdict.PASSED)
REJECTED = DecideCertificationArguments(ReviewVerdict.REJECTED)
NEW = {"Enterprise": {"g": {"name": "Typed in", "uscc": "91110000633674814Q", "auth_state": "REGISTERED"}}}


def certified(here: World, person: str) -> str:
    return str(here.perform(person, "certify", "Enterprise:g", DOCUMENTS).values["certification_id"])


def authenticated(here: World, person: str, certification: str) -> Any:
    """Authenticate on the face of the applicant."""
    digest = here.intent_digest(person, "authenticate", "Enterprise:g")
    here.write(face("v-g", person, "ADMIN_CHANGE", "EnterpriseAuthentication", certification, digest))
    return here.perform(person, "authenticate", "Enterprise:g", verification="v-g")


def test_a_new_enterprise_is_certified_decided_and_authenticated(world: NewWorld) -> None:
    here = world(put=NEW)
    certification = certified(here, "stranger")
    assert here.get("Enterprise", "g").auth_state == "CERTIFYING"
    assert here.codes("stranger", "certify", "Enterprise:g") == ["CERTIFICATION_UNDER_REVIEW"]
    assert here.codes("stranger", "authenticate", "Enterprise:g") == ["CERTIFICATION_UNDER_REVIEW"]
    here.perform("reviewer", "decide", f"EnterpriseAuthentication:{certification}", PASSED)
    assert here.get("Enterprise", "g").auth_state == "CERTIFYING", "the decision alone gives nobody anything"
    assert here.codes("stranger", "authenticate", "Enterprise:g") == ["REGISTRY_STALE"]
    here.write(RegistrySnapshot("reg-g", "g", "EXISTING", here.now, None, registered_name="As registered"))
    assert here.codes("stranger", "authenticate", "Enterprise:g") == ["FACE_VERIFICATION_REQUIRED"]
    done = authenticated(here, "stranger", certification)
    assert here.get("IdentityVerification", "v-g").state == "CONSUMED"
    enterprise = here.get("Enterprise", "g")
    assert (enterprise.auth_state, enterprise.name) == ("AUTHENTICATED", "As registered")
    member = here.get("Membership", str(done.values["membership_id"]))
    assert (member.person_id, member.joined_via) == ("stranger", "AUTHENTICATOR")
    assert here.get("RoleAssignment", str(done.values["assignment_id"])).is_primary
    assert here.ask("stranger", "invite", "Enterprise:g")
    assert here.codes("signer", "certify", "Enterprise:g") == ["ORG_ALREADY_AUTHENTICATED"]


def test_a_certification_that_is_rejected_is_begun_again(world: NewWorld) -> None:
    here = world(put=NEW)
    first, other = certified(here, "stranger"), certified(here, "signer")
    here.perform("reviewer", "decide", f"EnterpriseAuthentication:{first}", REJECTED)
    assert here.get("Enterprise", "g").auth_state == "CERTIFYING", "another one still waits"
    here.perform("signer", "withdraw", f"EnterpriseAuthentication:{other}")
    second = certified(here, "stranger")
    here.perform("reviewer", "decide", f"EnterpriseAuthentication:{second}", REJECTED)
    assert here.get("Enterprise", "g").auth_state == "AUTH_FAILED"
    certified(here, "stranger")
    assert here.get("Enterprise", "g").auth_state == "CERTIFYING"


def test_an_old_certification_counts_no_more_once_the_authentication_has_failed(world: NewWorld) -> None:
    here = world(put=NEW)
    here.write(RegistrySnapshot("reg-g", "g", "EXISTING", here.now, None))
    old = certified(here, "stranger")
    here.perform("reviewer", "decide", f"EnterpriseAuthentication:{old}", PASSED)
    authenticated(here, "stranger", old)
    # The platform found out, and the enterprise begins again with somebody else.
    here.change(("Enterprise", "g", {"auth_state": "AUTH_FAILED"}))
    assert here.codes("stranger", "authenticate", "Enterprise:g") == ["CERTIFICATION_MISSING"]
    certified(here, "signer")
    assert here.get("EnterpriseAuthentication", old).state == "EXPIRED"
    assert here.codes("stranger", "authenticate", "Enterprise:g") == ["CERTIFICATION_MISSING"]


def test_a_reviewer_finds_the_owner_and_never_themself(world: NewWorld) -> None:
    here = world(put=NEW)
    certification = f"EnterpriseAuthentication:{certified(here, 'stranger')}"
    for verdict, owner in ((ReviewVerdict.PASSED, "reviewer"), (ReviewVerdict.REJECTED, "stranger")):
        said = DecideCertificationArguments(verdict, owner)
        with pytest.raises(InvalidRequest, match="owner"):
            here.perform("reviewer", "decide", certification, said)
    here.perform("reviewer", "decide", certification, DecideCertificationArguments(ReviewVerdict.PASSED, "stranger"))
    decided = here.get("EnterpriseAuthentication", certification.partition(":")[2])
    assert (decided.owner_id, decided.reviewer_id, decided.decided_at) == ("stranger", "reviewer", here.now)


def test_a_new_name_ends_the_seals_and_certificates_that_bear_the_old_one(world: NewWorld) -> None:
    here = world(
        change={"Contract": {"c": {"state": "COMPLETE"}}},
        put={
            "Seal": {
                "s-draft": {"name": "D", "kind": "CONTRACT", "state": "DRAFT"},
                "s-old": {"name": "O", "kind": "DEPARTMENT", "state": "COLLECTED", "category": "PHYSICAL"},
                "s-boss": {"name": "B", "kind": "LEGAL_REP", "legal_rep_id": "boss"},
            }
        },
    )
    here.change(("RegistrySnapshot", "reg-e", {"is_current": False}))
    here.write(RegistrySnapshot("reg-2", "e", "EXISTING", here.now, "boss", registered_name="新云杉", is_matched=True))
    here.perform("admin", "change_name", "Enterprise:e")
    assert here.get("Enterprise", "e").name == "新云杉"
    assert [str(here.get("Seal", each).state) for each in ("s", "s-draft", "s-old", "s-boss")] == [
        "REVOKED",
        "REVOKED",
        "COLLECTED",
        "ACTIVE",
    ]
    assert here.get("Certificate", "cert").state == "REVOKED"
    assert here.codes("admin", "change_name", "Enterprise:e") == ["NAME_UNCHANGED"]
    assert "SEAL_REVOKED" in here.codes("keeper", "enable", "Seal:s")
    assert [event.code for event in here.events] == ["NAME_CHANGED", "CERTIFICATE_WANTED"]


def test_an_export_is_told_to_those_who_run_the_enterprise(world: NewWorld) -> None:
    here = world("there is a second administrator")
    here.perform("second", "export", "Enterprise:e")
    assert {(event.code, event.recipients) for event in here.events} == {
        ("DATA_EXPORTED", ("admin", "second")),
        ("DATA_EXPORTED", ()),
    }


def test_a_leader_watches_until_the_watch_ends(world: NewWorld) -> None:
    here = world()
    assert here.codes("plain", "monitor", "Enterprise:e") == ["NOT_A_MONITOR"]
    made = here.perform("admin", "subscribe", "Enterprise:e", leader="m-plain").values["subscription_id"]
    again = here.perform("admin", "subscribe", "Enterprise:e", leader="m-plain").values["subscription_id"]
    assert made == again
    assert here.ask("plain", "monitor", "Enterprise:e")
    one = here.perform("admin", "subscribe", "Enterprise:e", leader="m-plain", seal="s").values["subscription_id"]
    here.perform("plain", "end", f"MonitorSubscription:{made}")
    assert here.codes("plain", "monitor", "Enterprise:e") == ["NOT_A_MONITOR"]
    assert here.ask("plain", "view_log", "Seal:s"), "the watch of one seal goes on"
    assert here.get("MonitorSubscription", str(one)).seal_id == "s"
    assert {event.code for event in here.events} == {"MONITORING_CHANGED"}
    assert all(set(event.recipients) == {"plain", "admin"} for event in here.events)


def test_what_is_only_looked_at_changes_nothing(world: NewWorld) -> None:
    here = world("outsider has applied to join", "outsider has opened a case")
    for subject, action, resource in (
        ("admin", "monitor", "Enterprise:e"),
        ("outsider", "view_administrator", "Enterprise:e"),
        ("plain", "view_history", "Membership:m-plain"),
        ("outsider", "view_progress", "RetrievalCase:k"),
    ):
        assert MODEL.action(action, resource.partition(":")[0]).effect is looks
        outcome = here.perform(subject, action, resource)
        assert (outcome.events, dict(outcome.values)) == ((), {})


OURS = (
    "Enterprise",
    "EnterpriseAuthentication",
    "Invitation",
    "JoinApplication",
    "Membership",
    "MonitorSubscription",
    "RetrievalCase",
    "RoleAssignment",
)
"""The types of this part: everything that can be decided about them can be performed."""


@pytest.mark.parametrize("record_type", OURS)
def test_every_action_has_an_effect(record_type: str) -> None:
    # What an enterprise decides for itself, and its seals, are told of elsewhere.
    own_rules = {"change_settings", "propose_rule_change", "record_resolution", "create_seal"}
    others = {name for name in bundle().rulebook.actions_of("Enterprise") if name.startswith(("set_", "create_"))}
    names = set(bundle().rulebook.actions_of(record_type)) - own_rules - others
    assert names
    assert [name for name in sorted(names) if MODEL.action(name, record_type).effect is None] == []
