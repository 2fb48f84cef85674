"""Making, reviewing, keeping and ending seals, carried out."""

from __future__ import annotations

from typing import Any

import pytest
from harness import HOUR, NOW, NewWorld, World

from sealauthz.model.effects.seals import Custody, Ending, NewSeal, SealEdit, Submission
from sealauthz.model.records.seals import SealCategory, SealEnding
from sealauthz.runtime.errors import InvalidRequest

USING = {"task": "t", "verification": "v-user"}
PHYSICAL: dict[str, Any] = {"change": {"Seal": {"s": {"category": "PHYSICAL", "certificate_id": None}}}}


@pytest.fixture
def managed(world: NewWorld) -> World:
    """Spruce with a registry snapshot that tells its name, and a second seal administrator."""
    return world(
        put={
            "Person": {"head": {"real_name": "head某", "id_hash": "hash-head"}},
            "Membership": {"m-head": {"person_id": "head"}, "m-boss": {"person_id": "boss"}},
            "RoleAssignment": {"r-head": {"membership_id": "m-head", "role": "SEAL_ADMIN"}},
        },
        change={"RegistrySnapshot": {"reg-e": {"registered_name": "云杉印务"}}},
    )


def test_a_new_seal_is_in_use_once_another_person_has_passed_its_face(managed: World) -> None:
    made = managed.perform(
        "keeper", "create_seal", "Enterprise:e", NewSeal("合同章", face_digest="face"), kind="CONTRACT"
    )
    seal_id = str(made.values["seal_id"])
    seal = f"Seal:{seal_id}"
    assert managed.get("Seal", seal_id).state == "DRAFT"
    outcome = managed.perform("keeper", "submit_review", seal, Submission("云杉印务"))
    review = f"SealReview:{outcome.values['review_id']}"
    assert set(managed.events[-1].recipients) == {"head", "boss"}
    assert managed.codes("keeper", "decide", review, verdict="PASSED") == ["DUAL_CONTROL_REQUIRED"]
    managed.perform("head", "decide", review, verdict="PASSED")
    assert managed.get("Seal", seal_id).state == "ACTIVE"
    assert managed.ask("plain", "request_use", seal)


def test_a_review_says_passed_or_rejected(managed: World) -> None:
    managed.perform("keeper", "create_seal", "Enterprise:e", NewSeal("合同章", face_digest="face"), kind="CONTRACT")
    (seal,) = [seal for seal in managed.get("Enterprise", "e").seals if seal.kind == "CONTRACT"]
    made = managed.perform("keeper", "submit_review", f"Seal:{seal.id}", Submission("云杉印务"))
    review = f"SealReview:{made.values['review_id']}"
    with pytest.raises(InvalidRequest, match="verdict"):
        managed.perform("head", "decide", review)
    managed.perform("head", "decide", review, verdict="REJECTED")
    assert managed.get("Seal", seal.id).state == "REVIEW_REJECTED"
    managed.perform("keeper", "edit", f"Seal:{seal.id}", SealEdit(face_digest="other"))
    assert managed.ask("keeper", "submit_review", f"Seal:{seal.id}")


def test_only_the_legal_representative_makes_the_seal_that_is_theirs(managed: World) -> None:
    made = managed.perform("boss", "create_seal", "Enterprise:e", NewSeal("法人章"), kind="LEGAL_REP")
    assert managed.get("Seal", str(made.values["seal_id"])).legal_rep_id == "boss"
    with pytest.raises(InvalidRequest, match="living"):
        managed.perform("boss", "create_seal", "Enterprise:e", NewSeal("法人章"), kind="LEGAL_REP")


def test_a_new_face_of_a_seal_in_use_is_reviewed_first(managed: World) -> None:
    assert managed.ask("user", "use", "Seal:s", **USING)
    managed.perform("keeper", "edit", "Seal:s", SealEdit(face_digest="new", name_on_seal="云杉印务"))
    assert managed.codes("user", "use", "Seal:s", **USING) == ["SEAL_UNDER_REVIEW"]
    (review,) = managed.get("Seal", "s").reviews
    managed.perform("head", "decide", f"SealReview:{review.id}", verdict="PASSED")
    assert managed.ask("user", "use", "Seal:s", **USING)


def test_a_seal_is_switched_off_and_on(managed: World) -> None:
    managed.perform("keeper", "disable", "Seal:s")
    assert managed.codes("user", "use", "Seal:s", **USING) == ["SEAL_DISABLED"]
    managed.perform("keeper", "enable", "Seal:s")
    assert managed.ask("user", "use", "Seal:s", **USING)
    assert [event.code for event in managed.events] == ["SEAL_DISABLED", "SEAL_ENABLED"]


def test_an_expired_seal_with_a_new_certificate_is_switched_off(world: NewWorld) -> None:
    other = {"enterprise_id": "e", "issuer": "CA", "serial": "2", "not_before": "now", "not_after": "now + 1 day"}
    here = world(put={"Certificate": {"cert2": other}}, change={"Seal": {"s": {"state": "EXPIRED"}}})
    here.perform("keeper", "edit", "Seal:s", SealEdit(certificate="cert2"))
    assert (here.get("Seal", "s").state, here.get("Seal", "s").certificate_id) == ("DISABLED", "cert2")
    here.perform("keeper", "enable", "Seal:s")


def test_a_seal_is_kept_for_good_or_for_a_time(managed: World) -> None:
    managed.perform("keeper", "assign_custodian", "Seal:s", Custody(), custodian="m-plain")
    assert managed.get("Seal", "s").custodian_id == "m-plain"
    term = Custody(NOW, NOW + HOUR)
    managed.perform("keeper", "assign_custodian", "Seal:s", term, custodian="m-user")
    assert managed.get("Seal", "s").custodian_id == "m-plain"
    assert managed.ask("user", "freeze", "Seal:s")
    with pytest.raises(InvalidRequest, match="acting_to"):
        managed.perform("keeper", "assign_custodian", "Seal:s", Custody(NOW, NOW), custodian="m-user")


def test_two_persons_revoke_a_seal_and_what_waits_for_it_is_void(world: NewWorld) -> None:
    here = world(
        "no seal is fixed for the task",
        "plain's request is approved",
        put={"Membership": {"m-boss": {"person_id": "boss"}}},
    )
    made = here.perform("keeper", "propose_end", "Seal:s", Ending(SealEnding.REVOKE), reason="章面变更")
    assert here.codes("keeper", "revoke", "Seal:s") == ["DUAL_CONTROL_REQUIRED"]
    here.perform("boss", "revoke", "Seal:s")
    assert here.codes("user", "use", "Seal:s", **USING) == ["SEAL_REVOKED"]
    assert here.get("SealProposal", str(made.values["proposal_id"])).state == "CARRIED_OUT"
    assert here.get("SealUseRequest", "q").state == "VOIDED"


def test_a_proposal_is_taken_back(managed: World) -> None:
    made = managed.perform("keeper", "propose_end", "Seal:s", Ending(SealEnding.REVOKE), reason="作废")
    managed.perform("keeper", "withdraw", f"SealProposal:{made.values['proposal_id']}")
    assert "END_NOT_PROPOSED" in managed.codes("head", "revoke", "Seal:s")
    with pytest.raises(InvalidRequest, match="electronic"):
        managed.perform("keeper", "propose_end", "Seal:s", Ending(SealEnding.DESTROY), reason="销毁")


def test_a_thing_is_collected_and_destroyed_before_two_witnesses(world: NewWorld) -> None:
    here = world(
        "no seal is fixed for the task",
        put={
            "Person": {"head": {"real_name": "head某", "id_hash": "hash-head"}},
            "Membership": {"m-head": {"person_id": "head"}},
            "RoleAssignment": {"r-head": {"membership_id": "m-head", "role": "SEAL_ADMIN"}},
        },
        **PHYSICAL,
    )
    assert here.codes("keeper", "collect", "Seal:s") == ["SEAL_NOT_DISABLED"]
    here.perform("keeper", "disable", "Seal:s")
    here.perform("keeper", "collect", "Seal:s")
    made = here.perform("keeper", "propose_end", "Seal:s", Ending(SealEnding.DESTROY), reason="公司更名")
    proposal = f"SealProposal:{made.values['proposal_id']}"
    assert "WITNESSES_MISSING" in here.codes("head", "destroy", "Seal:s")
    for witness in ("plain", "user"):
        here.perform(witness, "witness", proposal)
    here.perform("head", "destroy", "Seal:s")
    assert here.get("Seal", "s").state == "DESTROYED"
    assert here.codes("keeper", "edit", "Seal:s") == ["SEAL_REVOKED"]


@pytest.mark.parametrize(
    ("arguments", "kind", "field"),
    [
        (NewSeal("章"), "SIGNET", "kind"),
        (NewSeal(""), "OTHER", "name"),
        (NewSeal("章", category=SealCategory.PHYSICAL, certificate="cert"), "OTHER", "certificate"),
        (NewSeal("章", device="nothing"), "OTHER", "device"),
    ],
)
def test_what_no_seal_can_be_is_refused(managed: World, arguments: NewSeal, kind: str, field: str) -> None:
    if kind == "SIGNET":
        assert managed.codes("keeper", "create_seal", "Enterprise:e", kind=kind) == ["NOT_SEAL_ADMIN"]
        return
    with pytest.raises(InvalidRequest, match=field):
        managed.perform("keeper", "create_seal", "Enterprise:e", arguments, kind=kind)


def test_who_has_the_care_of_a_seal_looks_after_it_and_starts_nothing(world: NewWorld) -> None:
    here = world(
        put={"SealGrant": {"care": {"membership_id": "m-plain", "right": "MANAGE"}}},
        change={"RegistrySnapshot": {"reg-e": {"registered_name": "云杉印务"}}},
    )
    here.perform("plain", "edit", "Seal:s", SealEdit(face_digest="new", name_on_seal="云杉印务"))
    (review,) = here.get("Seal", "s").reviews
    # Whoever put the seal into somebody's care is no second person for what is submitted for them.
    assert here.codes("keeper", "decide", f"SealReview:{review.id}", verdict="PASSED") == ["DUAL_CONTROL_REQUIRED"]
    for action in ("enable", "grant", "revoke", "report_found"):
        assert not here.ask("plain", action, "Seal:s")
