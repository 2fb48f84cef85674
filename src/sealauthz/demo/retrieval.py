"""The chapters of the story in which the administrator resigns, the enterprise is retrieved, and power moves."""

from __future__ import annotations

from dataclasses import replace

from sealauthz.demo.facts import DAY, MINUTE, digest
from sealauthz.demo.harness import ALLOW, Harness, deny
from sealauthz.model.records.grants import GrantInvalidity, GrantState
from sealauthz.model.records.identity import (
    AccountState,
    IdentityVerification,
    VerificationMethod,
    VerificationPurpose,
    VerificationState,
)
from sealauthz.model.records.membership import AssignmentState, JoinedVia, Membership, Role, RoleAssignment
from sealauthz.model.records.organisation import (
    CertificationMethod,
    CertificationPurpose,
    CertificationState,
    RegistrySnapshot,
    RegistryStatus,
)
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


def the_administrator_resigns(harness: Harness) -> None:
    """Chen Jing leaves; what she granted still works."""
    harness.chapter("The administrator resigns")
    harness.wait("Two weeks later", 14 * DAY)
    harness.write(
        "Chen Jing has left; the identity provider closes her account.",
        harness.changed("p-chen", account_state=AccountState.CLOSED),
    )
    harness.ask(
        "He Miao is named for the next task and no member. May she use the seal?",
        "Person:p-he use " + SEAL,
        CARTONS,
        expect=deny("NO_ACTIVE_ADMIN", "NO_SEAL_GRANT", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("RETRIEVE_ENTERPRISE", "REQUEST_SEAL_USE", "CHOOSE_OTHER_SEAL", "VERIFY_FACE"),
    )
    face = face_for_task(harness, "zhou", "cartons")
    harness.write("Zhou Min, named for the same task, has her face checked.", face)
    harness.ask(
        "She holds a grant that Chen Jing gave. No power has moved yet: does it still work?",
        "Person:p-zhou use " + SEAL,
        {**CARTONS, "verification": face.id},
        expect=ALLOW,
    )


def the_enterprise_is_retrieved(harness: Harness) -> None:
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
        RetrievalCase(
            id="case-1",
            enterprise_id="e-yunshan",
            applicant_id="p-he",
            reason=RetrievalReason.ADMIN_RESIGNED,
            path=RetrievalPath.DOCUMENTS,
            opened_at=harness.now(),
            state=CaseState.CERTIFYING,
        ),
        EnterpriseAuthentication(
            id="certification-yunshan-2",
            enterprise_id="e-yunshan",
            applicant_id="p-he",
            method=CertificationMethod.DOCUMENTS,
            submitted_at=harness.now(),
            purpose=CertificationPurpose.RETRIEVAL,
            case_id="case-1",
        ),
        face,
        harness.changed("registry-yunshan-1", is_current=False),
        _snapshot(2, harness.now()),
    )
    harness.ask(
        "May she submit the case?",
        "Person:p-he submit RetrievalCase:case-1",
        {"verification": face.id},
        expect=ALLOW,
        obligations=("CONSUME_VERIFICATION",),
    )
    harness.write("She does.", used(face, harness), harness.changed("case-1", state=CaseState.IN_REVIEW))
    harness.ask(
        "May Qian Yi of the platform's staff review it?",
        "Person:p-qian review RetrievalCase:case-1",
        expect=ALLOW,
    )
    face = _face_for_case(harness, "he")
    harness.write(
        "Two reviewers pass the documents. Chen Jing's phone answers no more, so that a public notice stands in; the "
        "notice period of 72 hours begins.",
        harness.changed("case-1", state=CaseState.NOTICE, notice_from=harness.now(), published_at=harness.now()),
        NoticeDelivery(
            id="notice-chen",
            case_id="case-1",
            person_id="p-chen",
            channel=NoticeChannel.SMS,
            sent_at=harness.now(),
            state=DeliveryState.FAILED,
        ),
        harness.changed("certification-yunshan-2", state=CertificationState.PASSED, decided_at=harness.now()),
        face,
        *(
            RetrievalReview(
                id=f"review-{reviewer}",
                case_id="case-1",
                staff_id=f"staff-{reviewer}",
                attempt=1,
                verdict=ReviewVerdict.PASSED,
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
        _snapshot(3, harness.now()),
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
        used(face, harness),
        harness.changed("case-1", state=CaseState.EXECUTED, executed_at=harness.now()),
        Membership(
            id="m-he",
            person_id="p-he",
            enterprise_id="e-yunshan",
            joined_via=JoinedVia.RETRIEVAL,
            joined_at=harness.now(),
        ),
        RoleAssignment(
            id="role-he-admin",
            membership_id="m-he",
            role=Role.SYSTEM_ADMIN,
            valid_from=harness.now(),
            is_primary=True,
        ),
        *(harness.changed(id_, state=AssignmentState.REVOKED) for id_ in ("role-chen-admin", "role-chen-seals")),
        *(
            harness.changed(id_, state=GrantState.INVALIDATED, invalid_reason=GrantInvalidity.ADMIN_CHANGED)
            for id_ in ("grant-zhou-use", "grant-zhou-approve")
        ),
    )


def power_has_moved(harness: Harness) -> None:
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
    harness.ask(
        "And now?",
        "Person:p-he assign_role Membership:m-lin",
        {"role": "SEAL_ADMIN"},
        expect=ALLOW,
    )
    harness.write(
        "She makes Lin Hao administrator of the seals.",
        RoleAssignment(
            id="role-lin-seals",
            membership_id="m-lin",
            role=Role.SEAL_ADMIN,
            granted_by_id="p-he",
            valid_from=harness.now(),
        ),
    )
    face = face_for_task(harness, "zhou", "cartons")
    harness.write("Zhou Min has her face checked again.", face)
    harness.ask(
        "Does the grant that Chen Jing gave her still work?",
        "Person:p-zhou use " + SEAL,
        {**CARTONS, "verification": face.id},
        expect=deny("GRANT_INVALIDATED_ADMIN_CHANGED"),
        next_steps=("REQUEST_GRANT_RENEWAL",),
        shown=("林*", "139****2684"),
    )


def face_for_task(harness: Harness, who: str, task: str) -> IdentityVerification:
    """Make a face check that has just passed, for a task and its document."""
    return _face(
        harness, who, VerificationPurpose.SIGN, bound=("SigningTask", f"task-{task}", digest(f"purchase of {task}"))
    )


def _face_for_case(harness: Harness, who: str) -> IdentityVerification:
    """Make a face check that has just passed, for the retrieval case."""
    return _face(harness, who, VerificationPurpose.RETRIEVE, bound=("RetrievalCase", "case-1", ""))


def _face(
    harness: Harness, who: str, purpose: VerificationPurpose, bound: tuple[str, str, str]
) -> IdentityVerification:
    number = harness.number()
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
        passed_at=harness.now(),
    )


def used(face: IdentityVerification, harness: Harness) -> IdentityVerification:
    """Return the check, consumed now."""
    return replace(face, state=VerificationState.CONSUMED, consumed_at=harness.now())


def _snapshot(number: int, fetched_at: int) -> RegistrySnapshot:
    return RegistrySnapshot(
        id=f"registry-yunshan-{number}",
        enterprise_id="e-yunshan",
        status=RegistryStatus.EXISTING,
        fetched_at=fetched_at,
        legal_rep_id="p-luo",
    )
