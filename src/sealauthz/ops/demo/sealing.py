"""The first half of the story: somebody joins, seals a contract, and a right is taken back in between."""

from __future__ import annotations

from collections.abc import Mapping

from sealauthz.ops.demo.callers import ENGINE
from sealauthz.ops.demo.checks import face_for_act, face_for_task
from sealauthz.ops.demo.facts import DAY, HOUR
from sealauthz.ops.demo.harness import PERFORMED_BEFORE, Harness, Told, deny, named
from sealauthz_client import ArgumentValue, Performed
from sealauthz_client.answers import moment
from sealauthz_client.receipts import Receipt

SEAL = "Seal:seal-official"
YUNSHAN = "Enterprise:e-yunshan"
PAPER = {"task": "task-paper"}
CARTONS = {"task": "task-cartons"}
SEALED = {"audience": ENGINE}


def an_outsider_joins(harness: Harness) -> str:
    """Lin Hao becomes a member; return the membership."""
    harness.chapter("An outsider opens a signing task")
    harness.perform(
        "Lin Hao is named for a signing task of Yunshan Printing, and tries its seal.",
        "Person:p-lin use " + SEAL,
        PAPER,
        SEALED,
        expect=deny("NOT_A_MEMBER", "NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("JOIN_ENTERPRISE", "REQUEST_SEAL_USE", "VERIFY_FACE"),
    )
    joined = harness.perform(
        "So he applies to join the company.",
        f"Person:p-lin join {YUNSHAN}",
        told=(("APPLICATION_RECEIVED", "p-chen"),),
    )
    application = f"JoinApplication:{named(joined, 'application_id')}"
    harness.perform(
        "He tries the seal again.",
        "Person:p-lin use " + SEAL,
        PAPER,
        SEALED,
        expect=deny("JOIN_PENDING", "NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("WAIT_ADMIN", "REMIND_ADMIN", "RETRIEVE_ENTERPRISE", "REQUEST_SEAL_USE", "VERIFY_FACE"),
        shown=("陈*", "138****1569", "claim_admin_gone"),
    )
    harness.perform(
        "He reminds the administrator.",
        f"Person:p-lin remind {application}",
        told=(("APPLICATION_REMINDER", "p-chen"),),
    )
    harness.perform(
        "And at once again.",
        f"Person:p-lin remind {application}",
        expect=deny("REMINDER_TOO_SOON"),
        next_steps=("WAIT_UNTIL",),
    )
    harness.progress(
        "He looks how far his application is.",
        "Person:p-lin",
        application,
        expect="APPLIED:DONE JOIN_DECIDED:NOW JOINED:NEXT",
    )
    harness.wait("Three hours later", 3 * HOUR)
    harness.refuse_act(
        "Can the platform approve it in Chen Jing's name, without her own signed word?",
        f"Person:p-chen approve_join {application}",
        "ASSERTION_NEEDED",
    )
    approved = harness.perform(
        "Chen Jing approves; Lin Hao is a member.",
        f"Person:p-chen approve_join {application}",
        told=(("APPLICATION_APPROVED", "p-lin"),),
    )
    return f"Membership:{named(approved, 'membership_id')}"


def a_member_seals_a_contract(harness: Harness) -> None:
    """Lin Hao asks for the seal, uses it, and the engine puts it."""
    harness.chapter("A member seals the contract")
    harness.perform(
        "Lin Hao tries the seal as a member.",
        "Person:p-lin use " + SEAL,
        PAPER,
        SEALED,
        expect=deny("NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("REQUEST_SEAL_USE", "VERIFY_FACE"),
    )
    requested = harness.perform(
        "He requests it for exactly this contract.",
        "Person:p-lin request_use " + SEAL,
        arguments={
            "contract": "contract-paper",
            "valid_to": moment(harness.now() + 7 * DAY),
            "purpose": "paper for the spring catalogue",
        },
        told=(("APPROVAL_WANTED", "p-zhou", "p-luo"),),
    )
    harness.perform(
        "Zhou Min, who may decide on that, approves.",
        f"Person:p-zhou approve SealUseRequest:{named(requested, 'request_id')}",
        told=(("REQUEST_APPROVED", "p-lin"),),
    )
    harness.perform(
        "He tries the seal with the approved request.",
        "Person:p-lin use " + SEAL,
        PAPER,
        SEALED,
        expect=deny("FACE_VERIFICATION_REQUIRED"),
        next_steps=("VERIFY_FACE",),
        shown=("SIGN", "SigningTask", "task-paper"),
    )
    face = face_for_task(harness, "lin", "paper")
    harness.write("His face is checked, for this task and this document.", face)
    place = {"document": "document-paper", "position": "page 4, below the signature"}
    placed: Mapping[str, ArgumentValue] = {**SEALED, "placements": [place]}
    checked = {**PAPER, "verification": face.id}
    used = harness.perform(
        "He uses the seal: that is counted, the check is used up, and the engine gets a receipt.",
        "Person:p-lin use " + SEAL,
        checked,
        placed,
        told=(("SEAL_USED", "p-chen", "p-luo"),),
        request_id="lin-seals-the-paper",
    )
    harness.perform(
        "The answer got lost on its way. The platform asks again, by the same id: nothing is done twice.",
        "Person:p-lin use " + SEAL,
        checked,
        placed,
        expect=PERFORMED_BEFORE,
        request_id="lin-seals-the-paper",
    )
    harness.refuse_receipt(
        "Somebody shows the receipt to another engine.",
        _receipt(used),
        "another-engine",
        "the receipt is for another audience",
    )
    put_seal(harness, used)
    harness.progress(
        "Lin Hao looks how far his task is: the contract is sealed.",
        "Person:p-lin",
        "SigningTask:task-paper",
        expect="EARLIER_TASKS:DONE TASK_SIGNED:DONE CONTRACT_COMPLETE:DONE",
    )
    harness.perform(
        "Could the same check be used twice?",
        "Person:p-lin use " + SEAL,
        checked,
        placed,
        expect=deny("CONTRACT_NOT_SIGNING", "APPROVAL_REQUIRED", "FACE_VERIFICATION_ALREADY_USED"),
    )


def a_right_is_taken_back_in_between(harness: Harness) -> None:
    """A right ends between its use and the sealing, so that the receipt is void."""
    harness.chapter("A right is taken back in between")
    face = face_for_task(harness, "zhou", "cartons")
    harness.write("Zhou Min, named for another task, has her face checked.", face)
    used = harness.perform(
        "She uses the seal, by a grant for all contracts.",
        "Person:p-zhou use " + SEAL,
        {**CARTONS, "verification": face.id},
        SEALED,
        told=(("ALERT_FIRST_USE", "p-chen", "p-luo"), ("SEAL_USED", "p-chen", "p-luo")),
    )
    harness.perform(
        "Before the engine has sealed, Chen Jing takes that grant back: it covers too much.",
        "Person:p-chen revoke SealGrant:grant-zhou-use",
        told=(("GRANT_REVOKED", "p-chen", "p-zhou"),),
    )
    receipt = harness.verify(
        "The engine verifies the receipt. It is genuine; to seal is still to be asked.", _receipt(used), ENGINE
    )
    use = _use(receipt)
    harness.perform(
        "In the moment of sealing all is decided again, and the receipt is void.",
        f"Person:p-zhou seal {use}",
        caller=ENGINE,
        expect=deny("NO_SEAL_GRANT"),
    )
    harness.perform(
        "The engine says that it put no seal: the use counts no more.",
        f"Person:p-zhou report_not_sealed {use}",
        caller=ENGINE,
        told=(("SEAL_USE_NOT_SEALED", "p-chen", "p-luo", "p-zhou"),),
    )
    harness.progress(
        "Zhou Min looks at her task.",
        "Person:p-zhou",
        "SigningTask:task-cartons",
        expect="EARLIER_TASKS:DONE TASK_SIGNED:NOW CONTRACT_COMPLETE:NEXT",
    )
    give_grant(harness, "Chen Jing gives her a smaller one, for purchases.", "chen", told=("GRANT_TO_CONFIRM", "p-luo"))


def give_grant(harness: Harness, words: str, who: str, told: Told) -> None:
    """Have somebody give Zhou Min the use of the seal for purchases, and confirm it with a check of their face."""
    granted = harness.perform(
        words,
        f"Person:p-{who} grant {SEAL}",
        arguments={
            "kind": "MEMBER",
            "member": "m-zhou",
            "contract_types": ["PURCHASE"],
            "use_limit": 20,
            "valid_to": moment(harness.now() + 180 * DAY),
        },
        told=(told,),
    )
    grant_id = named(granted, "grant_id")
    face = face_for_act(harness, who, "confirm", f"SealGrant:{grant_id}")
    harness.write("Who gave it shows their face, for this grant.", face)
    harness.perform(
        "With that it is confirmed, and counts.",
        f"Person:p-{who} confirm SealGrant:{grant_id}",
        {"verification": face.id},
        told=(("GRANT_CONFIRMED", "p-zhou"),),
    )


def put_seal(harness: Harness, used: Performed) -> None:
    """Have the engine verify its receipt, put the seal, and say so."""
    receipt = harness.verify("The engine verifies the receipt with the published keys alone.", _receipt(used), ENGINE)
    use = _use(receipt)
    harness.perform("It seals: all is decided again, in that moment.", f"{receipt.subject} seal {use}", caller=ENGINE)
    harness.perform(
        "It says that the seal was put; the task is signed, and the contract complete.",
        f"{receipt.subject} confirm_sealed {use}",
        caller=ENGINE,
        told=(("CONTRACT_COMPLETE",),),
    )


def _receipt(used: Performed) -> str:
    """Return the receipt of an act."""
    return used.operation.receipt if used.operation else ""


def _use(receipt: Receipt) -> str:
    """Return the use that a receipt permits to seal: of the one document of the contract."""
    return f"SealUse:{receipt.permits['documents'][0]['use_id']}"
