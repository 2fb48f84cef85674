"""The founding story, step by step: what is asked, what the answer must be, and what happens in between.

State changes are written as facts here, by a caller that may write them all; on a platform their owners write them.
"""

from __future__ import annotations

from dataclasses import replace

from sealauthz.demo.facts import DAY, HOUR, MINUTE, YUNSHAN_USCC, digest, person
from sealauthz.demo.stage import ALLOW, Stage, deny
from sealauthz.model.records.contracts import TaskState
from sealauthz.model.records.grants import GrantInvalidity, GrantState
from sealauthz.model.records.identity import (
    AccountState,
    IdentityVerification,
    VerificationMethod,
    VerificationPurpose,
    VerificationState,
)
from sealauthz.model.records.membership import (
    ApplicationState,
    AssignmentState,
    JoinApplication,
    JoinedVia,
    Membership,
    Role,
    RoleAssignment,
)
from sealauthz.model.records.organisation import (
    AuthenticationState,
    CertificationMethod,
    CertificationPurpose,
    CertificationState,
    Enterprise,
    RegistrySnapshot,
    RegistryStatus,
)
from sealauthz.model.records.requests import Approval, ApprovalVerdict, RequestDocument, SealUseRequest, UseRequestState
from sealauthz.model.records.retrieval import (
    CaseState,
    DeliveryState,
    EnterpriseAuthentication,
    NoticeChannel,
    NoticeDelivery,
    RetrievalCase,
    RetrievalPath,
    RetrievalReason,
    RetrievalReview,
    ReviewVerdict,
)

SEAL = "Seal:seal-official"
YUNSHAN = "Enterprise:e-yunshan"
PAPER = {"task": "task-paper"}
CARTONS = {"task": "task-cartons"}


def tell(stage: Stage) -> None:
    """Tell the whole story on a stage that has the opening facts."""
    _an_outsider_joins(stage)
    _a_member_gets_to_use_the_seal(stage)
    _the_administrator_resigns(stage)
    _the_enterprise_is_retrieved(stage)
    _power_has_moved(stage)
    _an_organisation_is_authenticated_once(stage)


def _an_outsider_joins(stage: Stage) -> None:
    stage.chapter("An outsider opens a signing task")
    stage.ask(
        "Lin Hao is named for a signing task of Yunshan Printing. May he put its seal on the contract?",
        "Person:p-lin use " + SEAL,
        PAPER,
        expect=deny("NOT_A_MEMBER", "NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("JOIN_ENTERPRISE", "REQUEST_SEAL_USE", "CHOOSE_OTHER_SEAL", "VERIFY_FACE"),
    )
    stage.ask("So may he apply to join the company?", f"Person:p-lin join {YUNSHAN}", expect=ALLOW)
    stage.write(
        "He applies; the administrator Chen Jing is to decide.",
        JoinApplication(
            id="application-lin",
            person_id="p-lin",
            enterprise_id="e-yunshan",
            applied_at=stage.now(),
            expires_at=stage.now() + 30 * DAY,
            handler_id="m-chen",
        ),
    )
    stage.ask(
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
    stage.ask("May he remind her?", "Person:p-lin remind JoinApplication:application-lin", expect=ALLOW)
    stage.write("She is reminded.", stage.changed("application-lin", reminders=1, last_reminded_at=stage.now()))
    stage.ask(
        "And at once again?",
        "Person:p-lin remind JoinApplication:application-lin",
        expect=deny("REMINDER_TOO_SOON"),
        next_steps=("WAIT_UNTIL",),
    )
    stage.wait("Three hours later", 3 * HOUR)
    stage.ask(
        "May Chen Jing approve the application?",
        "Person:p-chen approve_join JoinApplication:application-lin",
        expect=ALLOW,
    )
    stage.write(
        "She approves; Lin Hao is a member.",
        stage.changed(
            "application-lin", state=ApplicationState.APPROVED, decided_by_id="p-chen", decided_at=stage.now()
        ),
        Membership(
            id="m-lin",
            person_id="p-lin",
            enterprise_id="e-yunshan",
            joined_via=JoinedVia.APPLICATION,
            joined_at=stage.now(),
        ),
    )


def _a_member_gets_to_use_the_seal(stage: Stage) -> None:
    stage.chapter("A member asks for the seal")
    stage.ask(
        "Lin Hao tries the seal as a member.",
        "Person:p-lin use " + SEAL,
        PAPER,
        expect=deny("NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("REQUEST_SEAL_USE", "CHOOSE_OTHER_SEAL", "VERIFY_FACE"),
    )
    stage.ask("May he request to use it?", "Person:p-lin request_use " + SEAL, expect=ALLOW)
    stage.write(
        "He requests it for exactly this document, and Zhou Min approves.",
        SealUseRequest(
            id="request-lin",
            seal_id="seal-official",
            applicant_id="m-lin",
            submitted_at=stage.now(),
            valid_from=stage.now(),
            valid_to=stage.now() + 7 * DAY,
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
            decided_at=stage.now(),
        ),
    )
    stage.ask(
        "He tries the seal with the approved request.",
        "Person:p-lin use " + SEAL,
        PAPER,
        expect=deny("FACE_VERIFICATION_REQUIRED"),
        next_steps=("VERIFY_FACE",),
        shown=("SIGN", "SigningTask", "task-paper"),
    )
    face = _face_for_task(stage, "lin", "paper")
    stage.write("His face is checked, for this task and this document.", face)
    stage.ask(
        "He tries the seal with the fresh face check.",
        "Person:p-lin use " + SEAL,
        {**PAPER, "verification": face.id},
        expect=ALLOW,
        obligations=("CONSUME_VERIFICATION", "DECREMENT_USE", "APPEND_SEAL_LOG", "NOTIFY_MONITORS"),
    )
    stage.write(
        "The contract is sealed: check and request are used up, the task is signed.",
        _used(face, stage),
        stage.changed("request-lin", state=UseRequestState.COMPLETED, used=1),
        stage.changed("task-paper", state=TaskState.SIGNED),
    )
    stage.ask(
        "Could the same check be used twice?",
        "Person:p-lin use " + SEAL,
        {**PAPER, "verification": face.id},
        expect=deny("TASK_NOT_PENDING", "APPROVAL_REQUIRED", "FACE_VERIFICATION_ALREADY_USED"),
    )


def _the_administrator_resigns(stage: Stage) -> None:
    stage.chapter("The administrator resigns")
    stage.wait("Two weeks later", 14 * DAY)
    stage.write(
        "Chen Jing has left; the identity provider closes her account.",
        stage.changed("p-chen", account_state=AccountState.CLOSED),
    )
    stage.ask(
        "He Miao is named for the next task and no member. May she use the seal?",
        "Person:p-he use " + SEAL,
        CARTONS,
        expect=deny("NO_ACTIVE_ADMIN", "NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("RETRIEVE_ENTERPRISE", "REQUEST_SEAL_USE", "CHOOSE_OTHER_SEAL", "VERIFY_FACE"),
    )
    face = _face_for_task(stage, "zhou", "cartons")
    stage.write("Zhou Min, named for the same task, has her face checked.", face)
    stage.ask(
        "She holds a grant that Chen Jing gave. No power has moved yet: does it still work?",
        "Person:p-zhou use " + SEAL,
        {**CARTONS, "verification": face.id},
        expect=ALLOW,
    )


def _the_enterprise_is_retrieved(stage: Stage) -> None:
    stage.chapter("The enterprise is retrieved")
    stage.ask(
        "May He Miao retrieve the enterprise without saying why?",
        f"Person:p-he retrieve {YUNSHAN}",
        expect=deny("REASON_REQUIRED"),
        next_steps=("STATE_REASON",),
    )
    stage.ask(
        "And because the administrator has resigned?",
        f"Person:p-he retrieve {YUNSHAN}",
        {"reason": "ADMIN_RESIGNED"},
        expect=ALLOW,
    )
    face = _face_for_case(stage, "he")
    stage.write(
        "A case is opened, with the company's documents; the registry is asked; her face is checked.",
        RetrievalCase(
            id="case-1",
            enterprise_id="e-yunshan",
            applicant_id="p-he",
            reason=RetrievalReason.ADMIN_RESIGNED,
            path=RetrievalPath.DOCUMENTS,
            opened_at=stage.now(),
            state=CaseState.CERTIFYING,
        ),
        EnterpriseAuthentication(
            id="certification-yunshan-2",
            enterprise_id="e-yunshan",
            applicant_id="p-he",
            method=CertificationMethod.DOCUMENTS,
            submitted_at=stage.now(),
            purpose=CertificationPurpose.RETRIEVAL,
            case_id="case-1",
        ),
        face,
        stage.changed("registry-yunshan-1", is_current=False),
        _snapshot(2, stage.now()),
    )
    stage.ask(
        "May she submit the case?",
        "Person:p-he submit RetrievalCase:case-1",
        {"verification": face.id},
        expect=ALLOW,
        obligations=("CONSUME_VERIFICATION",),
    )
    stage.write("She does.", _used(face, stage), stage.changed("case-1", state=CaseState.IN_REVIEW))
    stage.ask(
        "May Qian Yi of the platform's staff review it?",
        "Person:p-qian review RetrievalCase:case-1",
        expect=ALLOW,
    )
    face = _face_for_case(stage, "he")
    stage.write(
        "Two reviewers pass the documents. Chen Jing's phone answers no more, so that a public notice stands in; the "
        "notice period of 72 hours begins.",
        stage.changed("case-1", state=CaseState.NOTICE, notice_from=stage.now(), published_at=stage.now()),
        NoticeDelivery(
            id="notice-chen",
            case_id="case-1",
            person_id="p-chen",
            channel=NoticeChannel.SMS,
            sent_at=stage.now(),
            state=DeliveryState.FAILED,
        ),
        stage.changed("certification-yunshan-2", state=CertificationState.PASSED, decided_at=stage.now()),
        face,
        *(
            RetrievalReview(
                id=f"review-{reviewer}",
                case_id="case-1",
                staff_id=f"staff-{reviewer}",
                attempt=1,
                verdict=ReviewVerdict.PASSED,
                decided_at=stage.now(),
            )
            for reviewer in ("qian", "sun")
        ),
    )
    stage.ask("May she follow the progress?", "Person:p-he view_progress RetrievalCase:case-1", expect=ALLOW)
    stage.ask(
        "May she execute the case at once?",
        "Person:p-he execute RetrievalCase:case-1",
        {"verification": face.id},
        expect=deny("NOTICE_PERIOD"),
        next_steps=("WAIT_UNTIL",),
    )
    stage.wait("Three days and a minute later", 3 * DAY + MINUTE)
    face = _face_for_case(stage, "he")
    stage.write(
        "The registry is asked and her face is checked once more.",
        face,
        stage.changed("registry-yunshan-2", is_current=False),
        _snapshot(3, stage.now()),
    )
    stage.ask(
        "Nobody objected. May she execute the case now?",
        "Person:p-he execute RetrievalCase:case-1",
        {"verification": face.id},
        expect=ALLOW,
        obligations=("CONSUME_VERIFICATION", "EXECUTE_IN_ONE_TRANSACTION"),
    )
    stage.write(
        "All in one transaction: He Miao becomes administrator, Chen Jing's roles end, her grants die.",
        _used(face, stage),
        stage.changed("case-1", state=CaseState.EXECUTED, executed_at=stage.now()),
        Membership(
            id="m-he",
            person_id="p-he",
            enterprise_id="e-yunshan",
            joined_via=JoinedVia.RETRIEVAL,
            joined_at=stage.now(),
        ),
        RoleAssignment(
            id="role-he-admin",
            membership_id="m-he",
            role=Role.SYSTEM_ADMIN,
            valid_from=stage.now(),
            is_primary=True,
        ),
        *(stage.changed(id_, state=AssignmentState.REVOKED) for id_ in ("role-chen-admin", "role-chen-seals")),
        *(
            stage.changed(id_, state=GrantState.INVALIDATED, invalid_reason=GrantInvalidity.ADMIN_CHANGED)
            for id_ in ("grant-zhou-use", "grant-zhou-approve")
        ),
    )


def _power_has_moved(stage: Stage) -> None:
    stage.chapter("Power has moved")
    stage.ask(
        "May He Miao make an administrator of the seals at once?",
        "Person:p-he assign_role Membership:m-lin",
        {"role": "SEAL_ADMIN"},
        expect=deny("COOLING_OFF"),
        next_steps=("WAIT_UNTIL",),
    )
    stage.wait("The day of cooling off passes", DAY)
    stage.ask(
        "And now?",
        "Person:p-he assign_role Membership:m-lin",
        {"role": "SEAL_ADMIN"},
        expect=ALLOW,
    )
    stage.write(
        "She makes Lin Hao administrator of the seals.",
        RoleAssignment(
            id="role-lin-seals",
            membership_id="m-lin",
            role=Role.SEAL_ADMIN,
            granted_by_id="p-he",
            valid_from=stage.now(),
        ),
    )
    face = _face_for_task(stage, "zhou", "cartons")
    stage.write("Zhou Min has her face checked again.", face)
    stage.ask(
        "Does the grant that Chen Jing gave her still work?",
        "Person:p-zhou use " + SEAL,
        {**CARTONS, "verification": face.id},
        expect=deny("GRANT_INVALIDATED_ADMIN_CHANGED"),
        next_steps=("REQUEST_GRANT_RENEWAL",),
        shown=("林*", "139****2684"),
    )


def _an_organisation_is_authenticated_once(stage: Stage) -> None:
    stage.chapter("An organisation is authenticated once")
    stage.write(
        "Tang Yi registers the same company, by the same social credit code, a second time.",
        person("tang", "唐一", "13100009351", stage.now()),
        Enterprise(id="e-copy", name="云杉印务（上海）有限公司", uscc=YUNSHAN_USCC),
    )
    stage.ask(
        "May he have it authenticated?",
        "Person:p-tang authenticate Enterprise:e-copy",
        expect=deny("ORG_ALREADY_AUTHENTICATED"),
        next_steps=("JOIN_ENTERPRISE", "RETRIEVE_ENTERPRISE"),
        shown=("e-yunshan",),
    )
    stage.refuse(
        "And if a faulty service wrote it down as authenticated all the same?",
        "I1",
        stage.changed("e-copy", auth_state=AuthenticationState.AUTHENTICATED),
        Membership(
            id="m-tang",
            person_id="p-tang",
            enterprise_id="e-copy",
            joined_via=JoinedVia.AUTHENTICATOR,
            joined_at=stage.now(),
        ),
        RoleAssignment(id="role-tang-admin", membership_id="m-tang", role=Role.SYSTEM_ADMIN),
    )


def _face_for_task(stage: Stage, who: str, task: str) -> IdentityVerification:
    """Make a face check that has just passed, for a task and its document."""
    return _face(
        stage, who, VerificationPurpose.SIGN, bound=("SigningTask", f"task-{task}", digest(f"purchase of {task}"))
    )


def _face_for_case(stage: Stage, who: str) -> IdentityVerification:
    """Make a face check that has just passed, for the retrieval case."""
    return _face(stage, who, VerificationPurpose.RETRIEVE, bound=("RetrievalCase", "case-1", ""))


def _face(stage: Stage, who: str, purpose: VerificationPurpose, bound: tuple[str, str, str]) -> IdentityVerification:
    number = stage.number()
    bound_type, bound_id, bound_digest = bound
    return IdentityVerification(
        id=f"face-{number}",
        person_id=f"p-{who}",
        method=VerificationMethod.FACE,
        purpose=purpose,
        provider_ref=f"provider-{number}",
        bound_type=bound_type,
        bound_id=bound_id,
        bound_digest=bound_digest,
        state=VerificationState.PASSED,
        passed_at=stage.now(),
    )


def _used(face: IdentityVerification, stage: Stage) -> IdentityVerification:
    return replace(face, state=VerificationState.CONSUMED, consumed_at=stage.now())


def _snapshot(number: int, fetched_at: int) -> RegistrySnapshot:
    return RegistrySnapshot(
        id=f"registry-yunshan-{number}",
        enterprise_id="e-yunshan",
        status=RegistryStatus.EXISTING,
        fetched_at=fetched_at,
        legal_rep_id="p-luo",
    )
