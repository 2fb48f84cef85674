"""The founding story, step by step: what is asked, what the answer must be, and what happens in between.

State changes are written as facts here, by a caller that may write them all; on a platform their owners write them.
"""

from __future__ import annotations

from sealauthz.demo.facts import DAY, HOUR, YUNSHAN_USCC, digest, person
from sealauthz.demo.harness import ALLOW, Harness, deny
from sealauthz.demo.retrieval import (
    PAPER,
    SEAL,
    YUNSHAN,
    face_for_task,
    power_has_moved,
    the_administrator_resigns,
    the_enterprise_is_retrieved,
    used,
)
from sealauthz.model.records.contracts import TaskState
from sealauthz.model.records.membership import (
    ApplicationState,
    JoinApplication,
    JoinedVia,
    Membership,
    Role,
    RoleAssignment,
)
from sealauthz.model.records.organisation import AuthenticationState, Enterprise
from sealauthz.model.records.requests import Approval, ApprovalVerdict, RequestDocument, SealUseRequest, UseRequestState


def tell(harness: Harness) -> None:
    """Tell the whole story on a harness that has the opening facts."""
    _an_outsider_joins(harness)
    _a_member_gets_to_use_the_seal(harness)
    the_administrator_resigns(harness)
    the_enterprise_is_retrieved(harness)
    power_has_moved(harness)
    _an_organisation_is_authenticated_once(harness)


def _an_outsider_joins(harness: Harness) -> None:
    harness.chapter("An outsider opens a signing task")
    harness.ask(
        "Lin Hao is named for a signing task of Yunshan Printing. May he put its seal on the contract?",
        "Person:p-lin use " + SEAL,
        PAPER,
        expect=deny("NOT_A_MEMBER", "NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("JOIN_ENTERPRISE", "REQUEST_SEAL_USE", "CHOOSE_OTHER_SEAL", "VERIFY_FACE"),
    )
    harness.ask("So may he apply to join the company?", f"Person:p-lin join {YUNSHAN}", expect=ALLOW)
    harness.write(
        "He applies; the administrator Chen Jing is to decide.",
        JoinApplication(
            id="application-lin",
            person_id="p-lin",
            enterprise_id="e-yunshan",
            applied_at=harness.now(),
            expires_at=harness.now() + 30 * DAY,
            handler_id="m-chen",
        ),
    )
    harness.ask(
        "He tries the seal again.",
        "Person:p-lin use " + SEAL,
        PAPER,
        expect=deny("JOIN_PENDING", "NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=(
            "WAIT_ADMIN",
            "REMIND_ADMIN",
            "RETRIEVE_ENTERPRISE",
            "REQUEST_SEAL_USE",
            "CHOOSE_OTHER_SEAL",
            "VERIFY_FACE",
        ),
        shown=("陈*", "138****1569"),
    )
    harness.ask("May he remind her?", "Person:p-lin remind JoinApplication:application-lin", expect=ALLOW)
    harness.write("She is reminded.", harness.changed("application-lin", reminders=1, last_reminded_at=harness.now()))
    harness.ask(
        "And at once again?",
        "Person:p-lin remind JoinApplication:application-lin",
        expect=deny("REMINDER_TOO_SOON"),
        next_steps=("WAIT_UNTIL",),
    )
    harness.wait("Three hours later", 3 * HOUR)
    harness.ask(
        "May Chen Jing approve the application?",
        "Person:p-chen approve_join JoinApplication:application-lin",
        expect=ALLOW,
    )
    harness.write(
        "She approves; Lin Hao is a member.",
        harness.changed(
            "application-lin", state=ApplicationState.APPROVED, decided_by_id="p-chen", decided_at=harness.now()
        ),
        Membership(
            id="m-lin",
            person_id="p-lin",
            enterprise_id="e-yunshan",
            joined_via=JoinedVia.APPLICATION,
            joined_at=harness.now(),
        ),
    )


def _a_member_gets_to_use_the_seal(harness: Harness) -> None:
    harness.chapter("A member asks for the seal")
    harness.ask(
        "Lin Hao tries the seal as a member.",
        "Person:p-lin use " + SEAL,
        PAPER,
        expect=deny("NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("REQUEST_SEAL_USE", "CHOOSE_OTHER_SEAL", "VERIFY_FACE"),
    )
    harness.ask("May he request to use it?", "Person:p-lin request_use " + SEAL, expect=ALLOW)
    harness.write(
        "He requests it for exactly this document, and Zhou Min approves.",
        SealUseRequest(
            id="request-lin",
            seal_id="seal-official",
            applicant_id="m-lin",
            submitted_at=harness.now(),
            valid_from=harness.now(),
            valid_to=harness.now() + 7 * DAY,
            contract_id="contract-paper",
            state=UseRequestState.APPROVED,
            purpose="paper for the spring catalogue",
        ),
        RequestDocument(id="request-lin-1", request_id="request-lin", digest=digest("purchase of paper")),
        Approval(
            id="approval-lin",
            request_id="request-lin",
            approver_id="m-zhou",
            verdict=ApprovalVerdict.PASSED,
            decided_at=harness.now(),
        ),
    )
    harness.ask(
        "He tries the seal with the approved request.",
        "Person:p-lin use " + SEAL,
        PAPER,
        expect=deny("FACE_VERIFICATION_REQUIRED"),
        next_steps=("VERIFY_FACE",),
        shown=("SIGN", "SigningTask", "task-paper"),
    )
    face = face_for_task(harness, "lin", "paper")
    harness.write("His face is checked, for this task and this document.", face)
    harness.ask(
        "He tries the seal with the fresh face check.",
        "Person:p-lin use " + SEAL,
        {**PAPER, "verification": face.id},
        expect=ALLOW,
        obligations=("CONSUME_VERIFICATION", "DECREMENT_USE", "APPEND_SEAL_LOG", "NOTIFY_MONITORS"),
    )
    harness.write(
        "The contract is sealed: check and request are used up, the task is signed.",
        used(face, harness),
        harness.changed("request-lin", state=UseRequestState.COMPLETED, used=1),
        harness.changed("task-paper", state=TaskState.SIGNED),
    )
    harness.ask(
        "Could the same check be used twice?",
        "Person:p-lin use " + SEAL,
        {**PAPER, "verification": face.id},
        expect=deny("TASK_NOT_PENDING", "APPROVAL_REQUIRED", "FACE_VERIFICATION_ALREADY_USED"),
    )


def _an_organisation_is_authenticated_once(harness: Harness) -> None:
    harness.chapter("An organisation is authenticated once")
    harness.write(
        "Tang Yi registers the same company, by the same social credit code, a second time.",
        person("tang", "唐一", "13100009351", harness.now()),
        Enterprise(id="e-copy", name="云杉印务（上海）有限公司", uscc=YUNSHAN_USCC),
    )
    harness.ask(
        "May he have it authenticated?",
        "Person:p-tang authenticate Enterprise:e-copy",
        expect=deny("ORG_ALREADY_AUTHENTICATED"),
        next_steps=("JOIN_ENTERPRISE", "RETRIEVE_ENTERPRISE"),
        shown=("e-yunshan",),
    )
    harness.refuse(
        "And if a faulty service wrote it down as authenticated all the same?",
        "I1",
        harness.changed("e-copy", auth_state=AuthenticationState.AUTHENTICATED),
        Membership(
            id="m-tang",
            person_id="p-tang",
            enterprise_id="e-copy",
            joined_via=JoinedVia.AUTHENTICATOR,
            joined_at=harness.now(),
        ),
        RoleAssignment(id="role-tang-admin", membership_id="m-tang", role=Role.SYSTEM_ADMIN),
    )
