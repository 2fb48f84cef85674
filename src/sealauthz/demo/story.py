"""The founding story, step by step: what is asked, what the answer must be, and what happens in between.

State changes are written as facts here, by a caller that may write them all; on a platform their owners write them.
"""

from __future__ import annotations

from dataclasses import replace

from sealauthz.demo.facts import DAY, HOUR, MINUTE, YUNSHAN_USCC, administrator, digest, member, person, snapshot
from sealauthz.demo.harness import ALLOW, Harness, deny
from sealauthz.model.records import identity, organisation, retrieval
from sealauthz.model.records.contracts import TaskState
from sealauthz.model.records.grants import GrantInvalidity, GrantState
from sealauthz.model.records.membership import (
    ApplicationState,
    AssignmentState,
    JoinApplication,
    JoinedVia,
    Role,
    RoleAssignment,
)
from sealauthz.model.records.requests import Approval, ApprovalVerdict, RequestDocument, SealUseRequest, UseRequestState

SEAL = "Seal:seal-official"
YUNSHAN = "Enterprise:e-yunshan"
PAPER = {"task": "task-paper"}
CARTONS = {"task": "task-cartons"}


def tell(harness: Harness) -> None:
    """Tell the whole story on a harness that has the opening facts."""
    _an_outsider_joins(harness)
    _a_member_gets_to_use_the_seal(harness)
    _the_administrator_resigns(harness)
    _the_enterprise_is_retrieved(harness)
    _power_has_moved(harness)
    _an_organisation_is_authenticated_once(harness)


def _an_outsider_joins(harness: Harness) -> None:
    harness.chapter("An outsider opens a signing task")
    harness.ask(
        "Lin Hao is named for a signing task of Yunshan Printing. May he put its seal on the contract?",
        "Person:p-lin use " + SEAL,
        PAPER,
        expect=deny("NOT_A_MEMBER", "NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("JOIN_ENTERPRISE", "REQUEST_SEAL_USE", "VERIFY_FACE"),
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
            "REQUEST_SEAL_USE",
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
        member("lin", "yunshan", JoinedVia.APPLICATION, harness.now()),
    )


def _a_member_gets_to_use_the_seal(harness: Harness) -> None:
    harness.chapter("A member asks for the seal")
    harness.ask(
        "Lin Hao tries the seal as a member.",
        "Person:p-lin use " + SEAL,
        PAPER,
        expect=deny("NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("REQUEST_SEAL_USE", "VERIFY_FACE"),
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
    face = _face_for_task(harness, "lin", "paper")
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
        _used(face, harness),
        harness.changed("request-lin", state=UseRequestState.COMPLETED, used=1),
        harness.changed("task-paper", state=TaskState.SIGNED),
    )
    harness.ask(
        "Could the same check be used twice?",
        "Person:p-lin use " + SEAL,
        {**PAPER, "verification": face.id},
        expect=deny("TASK_NOT_PENDING", "APPROVAL_REQUIRED", "FACE_VERIFICATION_ALREADY_USED"),
    )


def _the_administrator_resigns(harness: Harness) -> None:
    """Chen Jing leaves; what she granted still works."""
    harness.chapter("The administrator resigns")
    harness.wait("Two weeks later", 14 * DAY)
    harness.write(
        "Chen Jing has left; the identity provider closes her account.",
        harness.changed("p-chen", account_state=identity.AccountState.CLOSED),
    )
    harness.ask(
        "He Miao is named for the next task and no member. May she use the seal?",
        "Person:p-he use " + SEAL,
        CARTONS,
        expect=deny("NO_ACTIVE_ADMIN", "NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("RETRIEVE_ENTERPRISE", "REQUEST_SEAL_USE", "VERIFY_FACE"),
    )
    face = _face_for_task(harness, "zhou", "cartons")
    harness.write("Zhou Min, named for the same task, has her face checked.", face)
    harness.ask(
        "She holds a grant that Chen Jing gave. No power has moved yet: does it still work?",
        "Person:p-zhou use " + SEAL,
        {**CARTONS, "verification": face.id},
        expect=ALLOW,
    )


def _the_enterprise_is_retrieved(harness: Harness) -> None:
    """He Miao retrieves the enterprise, with the notice period."""
    harness.chapter("The enterprise is retrieved")
    harness.ask(
        "May He Miao retrieve the enterprise without saying why?",
        f"Person:p-he retrieve {YUNSHAN}",
        expect=deny("REASON_REQUIRED"),
        next_steps=("STATE_REASON",),
    )
    harness.ask(
        "And because the administrator has resigned?",
        f"Person:p-he retrieve {YUNSHAN}",
        {"reason": "ADMIN_RESIGNED"},
        expect=ALLOW,
    )
    face = _face_for_case(harness, "he")
    harness.write(
        "A case is opened, with the company's documents; the registry is asked; her face is checked.",
        retrieval.RetrievalCase(
            id="case-1",
            enterprise_id="e-yunshan",
            applicant_id="p-he",
            reason=retrieval.RetrievalReason.ADMIN_RESIGNED,
            path=retrieval.RetrievalPath.DOCUMENTS,
            opened_at=harness.now(),
            state=retrieval.CaseState.CERTIFYING,
        ),
        retrieval.EnterpriseAuthentication(
            id="certification-yunshan-2",
            enterprise_id="e-yunshan",
            applicant_id="p-he",
            method=organisation.CertificationMethod.DOCUMENTS,
            submitted_at=harness.now(),
            purpose=organisation.CertificationPurpose.RETRIEVAL,
            case_id="case-1",
        ),
        face,
        harness.changed("registry-yunshan-1", is_current=False),
        snapshot("yunshan", 2, harness.now(), "p-luo"),
    )
    harness.ask(
        "May she submit the case?",
        "Person:p-he submit RetrievalCase:case-1",
        {"verification": face.id},
        expect=ALLOW,
        obligations=("CONSUME_VERIFICATION",),
    )
    harness.write("She does.", _used(face, harness), harness.changed("case-1", state=retrieval.CaseState.IN_REVIEW))
    harness.ask(
        "May Qian Yi of the platform's staff review it?", "Person:p-qian review RetrievalCase:case-1", expect=ALLOW
    )
    face = _face_for_case(harness, "he")
    harness.write(
        "Two reviewers pass the documents. Chen Jing's phone answers no more, so that a public notice stands in; the "
        "notice period of 72 hours begins.",
        harness.changed(
            "case-1", state=retrieval.CaseState.NOTICE, notice_from=harness.now(), published_at=harness.now()
        ),
        retrieval.NoticeDelivery(
            id="notice-chen",
            case_id="case-1",
            person_id="p-chen",
            channel=retrieval.NoticeChannel.SMS,
            sent_at=harness.now(),
            state=retrieval.DeliveryState.FAILED,
        ),
        harness.changed(
            "certification-yunshan-2", state=organisation.CertificationState.PASSED, decided_at=harness.now()
        ),
        face,
        *(
            retrieval.RetrievalReview(
                id=f"review-{reviewer}",
                case_id="case-1",
                staff_id=f"staff-{reviewer}",
                attempt=1,
                verdict=retrieval.ReviewVerdict.PASSED,
                decided_at=harness.now(),
            )
            for reviewer in ("qian", "sun")
        ),
    )
    harness.ask("May she follow the progress?", "Person:p-he view_progress RetrievalCase:case-1", expect=ALLOW)
    harness.ask(
        "May she execute the case at once?",
        "Person:p-he execute RetrievalCase:case-1",
        {"verification": face.id},
        expect=deny("NOTICE_PERIOD"),
        next_steps=("WAIT_UNTIL",),
    )
    harness.wait("Three days and a minute later", 3 * DAY + MINUTE)
    face = _face_for_case(harness, "he")
    harness.write(
        "The registry is asked and her face is checked once more.",
        face,
        harness.changed("registry-yunshan-2", is_current=False),
        snapshot("yunshan", 3, harness.now(), "p-luo"),
    )
    harness.ask(
        "Nobody objected. May she execute the case now?",
        "Person:p-he execute RetrievalCase:case-1",
        {"verification": face.id},
        expect=ALLOW,
        obligations=("CONSUME_VERIFICATION", "EXECUTE_IN_ONE_TRANSACTION"),
    )
    harness.write(
        "All in one transaction: He Miao becomes administrator, Chen Jing's roles end, her grants die.",
        _used(face, harness),
        harness.changed("case-1", state=retrieval.CaseState.EXECUTED, executed_at=harness.now()),
        member("he", "yunshan", JoinedVia.RETRIEVAL, harness.now()),
        administrator("he", Role.SYSTEM_ADMIN, harness.now()),
        *(harness.changed(id_, state=AssignmentState.REVOKED) for id_ in ("role-chen-admin", "role-chen-seals")),
        *(
            harness.changed(id_, state=GrantState.INVALIDATED, invalid_reason=GrantInvalidity.ADMIN_CHANGED)
            for id_ in ("grant-zhou-use", "grant-zhou-approve")
        ),
    )


def _power_has_moved(harness: Harness) -> None:
    """The new administrator acts; the old grants are void."""
    harness.chapter("Power has moved")
    harness.ask(
        "May He Miao make an administrator of the seals at once?",
        "Person:p-he assign_role Membership:m-lin",
        {"role": "SEAL_ADMIN"},
        expect=deny("COOLING_OFF"),
        next_steps=("WAIT_UNTIL",),
    )
    harness.wait("The day of cooling off passes", DAY)
    harness.ask("And now?", "Person:p-he assign_role Membership:m-lin", {"role": "SEAL_ADMIN"}, expect=ALLOW)
    harness.write(
        "She makes Lin Hao administrator of the seals.",
        administrator("lin", Role.SEAL_ADMIN, harness.now(), granted_by_id="p-he"),
    )
    face = _face_for_task(harness, "zhou", "cartons")
    harness.write("Zhou Min has her face checked again.", face)
    harness.ask(
        "Does the grant that Chen Jing gave her still work?",
        "Person:p-zhou use " + SEAL,
        {**CARTONS, "verification": face.id},
        expect=deny("GRANT_INVALIDATED_ADMIN_CHANGED"),
        next_steps=("REQUEST_GRANT_RENEWAL",),
        shown=("林*", "139****2684"),
    )


def _an_organisation_is_authenticated_once(harness: Harness) -> None:
    harness.chapter("An organisation is authenticated once")
    harness.write(
        "Tang Yi registers the same company, by the same social credit code, a second time.",
        person("tang", "唐一", "13100009351", harness.now()),
        organisation.Enterprise(id="e-copy", name="云杉印务（上海）有限公司", uscc=YUNSHAN_USCC),
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
        harness.changed("e-copy", auth_state=organisation.AuthenticationState.AUTHENTICATED),
        member("tang", "copy", JoinedVia.AUTHENTICATOR, harness.now()),
        RoleAssignment(id="role-tang-admin", membership_id="m-tang", role=Role.SYSTEM_ADMIN),
    )


def _face_for_task(harness: Harness, who: str, task: str) -> identity.IdentityVerification:
    """Make a face check that has just passed, for a task and its document."""
    purpose, document = identity.VerificationPurpose.SIGN, digest(f"purchase of {task}")
    return _face(harness, who, purpose, "SigningTask", f"task-{task}", document)


def _face_for_case(harness: Harness, who: str) -> identity.IdentityVerification:
    """Make a face check that has just passed, for the retrieval case."""
    return _face(harness, who, identity.VerificationPurpose.RETRIEVE, "RetrievalCase", "case-1", "")


def _face(
    harness: Harness, who: str, purpose: identity.VerificationPurpose, bound_type: str, bound_id: str, bound_digest: str
) -> identity.IdentityVerification:
    number = harness.number()
    return identity.IdentityVerification(
        id=f"face-{number}",
        person_id=f"p-{who}",
        method=identity.VerificationMethod.FACE,
        purpose=purpose,
        provider_ref=f"provider-{number}",
        bound_type=bound_type,
        bound_id=bound_id,
        bound_digest=bound_digest,
        state=identity.VerificationState.PASSED,
        passed_at=harness.now(),
    )


def _used(face: identity.IdentityVerification, harness: Harness) -> identity.IdentityVerification:
    """Return the check, consumed now."""
    return replace(face, state=identity.VerificationState.CONSUMED, consumed_at=harness.now())
