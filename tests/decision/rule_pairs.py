"""Per rule of the rulebook: a question that is allowed, and the one fact that turns it into a deny with exactly one
reason.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from scene import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    Scene,
    application,
    case,
    executable,
    face,
    grant,
    invitation,
    member,
    request,
    role,
)
from scene import person as a_person

from sealauthz.decision.question import ContextValue
from sealauthz.domain.contracts import (
    ContractState,
    PartyKind,
    Signatory,
    SigningTask,
    TaskAction,
    TaskOperator,
    TaskState,
)
from sealauthz.domain.identity import (
    AccountState,
    PostState,
    RealnameState,
    StaffDuty,
    VerificationPurpose,
    VerificationState,
)
from sealauthz.domain.organisation import (
    ApplicationState,
    AssignmentState,
    AuthenticationState,
    CertificationMethod,
    CertificationState,
    Enterprise,
    InvitationState,
    MembershipState,
    OperatingState,
    RegistryStatus,
    Role,
)
from sealauthz.domain.retrieval import CaseState, Objection, ObjectionState, RetrievalPath, ReviewVerdict
from sealauthz.domain.seals import (
    ApprovalVerdict,
    CertificateState,
    GrantConfirmation,
    GrantInvalidity,
    GrantScope,
    GrantState,
    HoldSource,
    SealHold,
    SealKind,
    SealState,
    UseRequestState,
)

SIGNING = {"task": "t", "verification": "v-user"}
RETRIEVING = {"reason": "ADMIN_RESIGNED"}


@dataclasses.dataclass(frozen=True)
class Pair:
    """One rule, one question, the facts under which it is allowed, and the one fact that denies it."""

    rule: str
    reason: str
    subject: str
    action: str
    resource: tuple[str, str]
    but: Callable[[Scene], Scene]
    given: Callable[[Scene], Scene] = lambda scene: scene
    context: Mapping[str, ContextValue] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.rule}-{self.reason}"


def change(record_type: str, record_id: str, **values: Any) -> Callable[[Scene], Scene]:
    """The fact that one record holds other values."""
    return lambda scene: scene.change(record_type, record_id, **values)


def put(*records: Any) -> Callable[[Scene], Scene]:
    """The fact that these records are there."""
    return lambda scene: scene.put(*records)


def drop(record_type: str, record_id: str) -> Callable[[Scene], Scene]:
    """The fact that a record is not there."""
    return lambda scene: scene.drop(record_type, record_id)


def both(*changes: Callable[[Scene], Scene]) -> Callable[[Scene], Scene]:
    """Several facts, for what a case is given."""

    def apply(scene: Scene) -> Scene:
        for each in changes:
            scene = each(scene)
        return scene

    return apply


def use(rule: str, reason: str, but: Callable[[Scene], Scene], **more: Any) -> Pair:
    """A pair about `user` using the seal `s` for the task `t`."""
    values: dict[str, Any] = {"subject": "user", "context": SIGNING} | more
    return Pair(rule, reason, action="use", resource=("Seal", "s"), but=but, **values)


def execute(rule: str, reason: str, but: Callable[[Scene], Scene], **more: Any) -> Pair:
    """A pair about `outsider` executing the retrieval case `k`."""
    values: dict[str, Any] = {"given": both(AWAY, put(*executable())), "context": {"verification": "v-outsider"}} | more
    return Pair(rule, reason, "outsider", "execute", ("RetrievalCase", "k"), but, **values)


E = ("Enterprise", "e")
S = ("Seal", "s")
T = ("SigningTask", "t")
HAND = ("SigningTask", "t-hand")
J = ("JoinApplication", "j-outsider")
K = ("RetrievalCase", "k")

PENDING = put(application("outsider"))
SECOND_ADMIN = put(member("second"), a_person("second"), role("second", Role.SYSTEM_ADMIN))
GRANT_TO_CONFIRM = put(
    grant("plain", state=GrantState.PENDING_CONFIRM, confirmation=GrantConfirmation.NONE),
    face(VerificationPurpose.SEAL_GRANT, "SealGrant", "g-plain", "keeper"),
)
LEGAL_REP_TASK = both(
    change("Seal", "s", kind=SealKind.LEGAL_REP),
    change("SigningTask", "t", action=TaskAction.LEGAL_REP_SEAL),
)
AWAY = change("Person", "admin", last_active_at=NOW - 8 * DAY)
LEGAL_REP_CASE = both(
    put(*executable()),
    change("RetrievalCase", "k", path=RetrievalPath.LEGAL_REP_ONLINE),
    change("EnterpriseAuthentication", "a-k", method=CertificationMethod.LEGAL_REP_ONLINE),
    change("RegistrySnapshot", "reg-e", legal_rep_id="outsider"),
)
SUBMITTABLE = both(put(*executable()), change("RetrievalCase", "k", state=CaseState.DRAFT))
OPEN_TASK = SigningTask("t-open", "party-e", TaskAction.HANDLER_SIGN, 3, TaskState.WAITING, "plain")

PAIRS = [
    # --- membership
    Pair(
        "M-01", "NOT_A_MEMBER", "plain", "request_use", S, change("Membership", "m-plain", state=MembershipState.ENDED)
    ),
    Pair("M-01", "NOT_A_MEMBER", "user", "open", T, change("Membership", "m-user", state=MembershipState.ENDED)),
    Pair(
        "M-01",
        "JOIN_PENDING",
        "user",
        "open",
        T,
        change("Membership", "m-user", state=MembershipState.ENDED),
        given=put(application("user")),
    ),
    Pair("M-02", "ALREADY_MEMBER", "outsider", "join", E, put(member("outsider"))),
    Pair("M-02", "DUPLICATE_APPLICATION", "outsider", "join", E, PENDING),
    Pair(
        "M-02",
        "ENTERPRISE_NOT_AUTHENTICATED",
        "outsider",
        "join",
        E,
        change("Enterprise", "e", auth_state=AuthenticationState.CERTIFYING),
    ),
    Pair(
        "M-03",
        "REALNAME_REQUIRED",
        "outsider",
        "join",
        E,
        change("Person", "outsider", realname_state=RealnameState.UNVERIFIED),
    ),
    Pair(
        "M-03", "ACCOUNT_LOCKED", "outsider", "join", E, change("Person", "outsider", account_state=AccountState.LOCKED)
    ),
    Pair(
        "M-04",
        "NOT_ENTERPRISE_ADMIN",
        "second",
        "approve_join",
        J,
        change("RoleAssignment", "r-second", state=AssignmentState.REVOKED),
        given=both(PENDING, SECOND_ADMIN),
    ),
    Pair(
        "M-04",
        "SELF_APPROVAL",
        "boss",
        "approve_join",
        J,
        change("JoinApplication", "j-outsider", person_id="boss"),
        given=PENDING,
    ),
    Pair(
        "M-04",
        "ALREADY_DECIDED",
        "admin",
        "reject_join",
        J,
        change("JoinApplication", "j-outsider", state=ApplicationState.APPROVED),
        given=PENDING,
        context={"reason": "not known here"},
    ),
    Pair(
        "M-04",
        "APPLICANT_NOT_VERIFIED",
        "admin",
        "approve_join",
        J,
        change("Person", "outsider", realname_state=RealnameState.REVOKED),
        given=PENDING,
    ),
    Pair(
        "M-05",
        "REAPPLY_COOLDOWN",
        "outsider",
        "join",
        E,
        change("JoinApplication", "j-outsider", decided_at=NOW - HOUR),
        given=put(
            application("outsider", state=ApplicationState.REJECTED, reason="unknown", decided_at=NOW - 25 * HOUR)
        ),
    ),
    Pair(
        "M-06",
        "INVITATION_EXPIRED",
        "outsider",
        "accept",
        ("Invitation", "i"),
        put(invitation(expires_at=NOW)),
        given=put(invitation()),
    ),
    Pair(
        "M-06",
        "INVITATION_USED",
        "outsider",
        "accept",
        ("Invitation", "i"),
        put(invitation(state=InvitationState.ACCEPTED)),
        given=put(invitation()),
    ),
    Pair(
        "M-06",
        "INVITATION_MISMATCH",
        "outsider",
        "accept",
        ("Invitation", "i"),
        change("Invitation", "i", target_id="stranger"),
        given=put(invitation()),
    ),
    Pair(
        "M-06",
        "INVITATION_EXPIRED",
        "outsider",
        "accept",
        ("Invitation", "i"),
        change("RoleAssignment", "r-second", state=AssignmentState.REVOKED),
        given=both(SECOND_ADMIN, put(invitation(inviter_id="m-second"))),
    ),
    Pair(
        "M-04",
        "APPLICANT_IS_MEMBER",
        "admin",
        "approve_join",
        J,
        put(member("outsider")),
        given=PENDING,
    ),
    Pair(
        "M-07",
        "NOT_ENTERPRISE_ADMIN",
        "second",
        "invite",
        E,
        change("RoleAssignment", "r-second", valid_to=NOW),
        given=SECOND_ADMIN,
    ),
    Pair(
        "M-07",
        "NOT_ENTERPRISE_ADMIN",
        "second",
        "assign_role",
        ("Membership", "m-plain"),
        change("RoleAssignment", "r-second", role=Role.CONTRACT_ADMIN),
        given=SECOND_ADMIN,
    ),
    Pair(
        "M-07",
        "MEMBERSHIP_NOT_LIVE",
        "admin",
        "suspend",
        ("Membership", "m-plain"),
        change("Membership", "m-plain", state=MembershipState.ENDED),
    ),
    *(
        Pair(
            "M-08",
            "LAST_ADMIN",
            subject,
            action,
            resource,
            change("RoleAssignment", "r-second", state=AssignmentState.REVOKED),
            given=SECOND_ADMIN,
        )
        for subject, action, resource in (
            ("admin", "suspend", ("Membership", "m-admin")),
            ("admin", "end", ("Membership", "m-admin")),
            ("admin", "resign", ("Membership", "m-admin")),
            ("admin", "revoke", ("RoleAssignment", "r-admin")),
        )
    ),
    Pair(
        "M-10",
        "HANDOVER_REQUIRED",
        "admin",
        "end",
        ("Membership", "m-plain"),
        put(OPEN_TASK),
        given=drop("TaskOperator", "o-plain"),
    ),
    Pair(
        "M-10",
        "HANDOVER_REQUIRED",
        "plain",
        "resign",
        ("Membership", "m-plain"),
        put(OPEN_TASK),
        given=drop("TaskOperator", "o-plain"),
    ),
    Pair(
        "M-13",
        "MEMBERSHIP_SUSPENDED",
        "plain",
        "request_use",
        S,
        change("Membership", "m-plain", state=MembershipState.SUSPENDED),
    ),
    Pair(
        "M-13",
        "ENTERPRISE_FROZEN",
        "plain",
        "request_use",
        S,
        change("Enterprise", "e", operating_state=OperatingState.FROZEN),
    ),
    Pair(
        "M-13",
        "ENTERPRISE_CLOSED",
        "plain",
        "request_use",
        S,
        change("Enterprise", "e", operating_state=OperatingState.CLOSED),
    ),
    Pair("M-14", "NOT_FOUND", "outsider", "view_administrator", E, drop("TaskOperator", "o-outsider")),
    Pair(
        "M-14",
        "NOT_FOUND",
        "outsider",
        "view_administrator",
        E,
        change("Contract", "c", state=ContractState.DRAFT),
    ),
    Pair(
        "M-14",
        "NOT_FOUND",
        "approver",
        "view_administrator",
        E,
        change("Membership", "m-approver", state=MembershipState.ENDED),
    ),
    Pair(
        "M-14",
        "NOT_FOUND",
        "stranger",
        "view_administrator",
        E,
        change("JoinApplication", "j-stranger", expires_at=NOW),
        given=put(application("stranger")),
    ),
    Pair(
        "M-13",
        "MEMBERSHIP_SUSPENDED",
        "plain",
        "retrieve",
        E,
        change("Membership", "m-plain", state=MembershipState.SUSPENDED),
        given=AWAY,
        context=RETRIEVING,
    ),
    Pair(
        "M-13",
        "ENTERPRISE_FROZEN",
        "approver",
        "resign",
        ("Membership", "m-approver"),
        change("Enterprise", "e", operating_state=OperatingState.FROZEN),
    ),
    Pair(
        "M-02", "MEMBERSHIP_SUSPENDED", "outsider", "join", E, put(member("outsider", state=MembershipState.SUSPENDED))
    ),
    Pair(
        "M-14",
        "NOT_FOUND",
        "stranger",
        "view_administrator",
        E,
        drop("JoinApplication", "j-stranger"),
        given=put(application("stranger")),
    ),
    Pair(
        "M-14",
        "REMINDER_TOO_SOON",
        "outsider",
        "remind",
        J,
        change("JoinApplication", "j-outsider", last_reminded_at=NOW - 23 * HOUR),
        given=PENDING,
    ),
    Pair(
        "M-14",
        "REMINDERS_USED_UP",
        "outsider",
        "remind",
        J,
        change("JoinApplication", "j-outsider", reminders=3),
        given=PENDING,
    ),
    Pair(
        "M-15",
        "ORG_ALREADY_AUTHENTICATED",
        "outsider",
        "authenticate",
        ("Enterprise", "e2"),
        change("Enterprise", "e", auth_state=AuthenticationState.AUTHENTICATED),
        given=both(
            put(Enterprise("e2", "云杉印务", "91350100M000100Y43")),
            change("Enterprise", "e", auth_state=AuthenticationState.REGISTERED),
        ),
    ),
    Pair(
        "M-15",
        "ORG_ALREADY_AUTHENTICATED",
        "outsider",
        "authenticate",
        E,
        change("Enterprise", "e", auth_state=AuthenticationState.AUTHENTICATED),
        given=change("Enterprise", "e", auth_state=AuthenticationState.REGISTERED),
    ),
    # --- seal management
    Pair(
        "S-01",
        "NOT_SEAL_ADMIN",
        "keeper",
        "create_seal",
        E,
        change("RoleAssignment", "r-keeper", state=AssignmentState.REVOKED),
    ),
    *(
        Pair("S-01", "NOT_SEAL_ADMIN", "keeper", action, S, change("RoleAssignment", "r-keeper", valid_from=NOW + 1))
        for action in ("edit", "disable", "enable", "revoke", "grant")
    ),
    Pair("S-01", "SEAL_REVOKED", "keeper", "edit", S, change("Seal", "s", state=SealState.REVOKED)),
    Pair("S-01", "SEAL_NOT_DISABLED", "keeper", "enable", S, change("Seal", "s", state=SealState.LOST)),
    Pair("S-05", "LEGAL_REP_ONLY", "keeper", "edit", S, change("Seal", "s", kind=SealKind.LEGAL_REP)),
    use(
        "S-03",
        "NO_SEAL_GRANT",
        drop("SealGrant", "g-keeper"),
        subject="keeper",
        given=put(grant("keeper")),
        context={"task": "t", "verification": "v-keeper"},
    ),
    use("S-06", "GRANT_NOT_CONFIRMED", change("SealGrant", "g-user", state=GrantState.PENDING_CONFIRM)),
    Pair(
        "S-06",
        "GRANT_NOT_CONFIRMED",
        "keeper",
        "confirm",
        ("SealGrant", "g-plain"),
        change("IdentityVerification", "v-keeper", passed_at=NOW - 30 * MINUTE),
        given=GRANT_TO_CONFIRM,
        context={"verification": "v-keeper"},
    ),
    Pair(
        "S-07",
        "GRANTEE_NOT_MEMBER",
        "keeper",
        "confirm",
        ("SealGrant", "g-plain"),
        change("Membership", "m-plain", state=MembershipState.SUSPENDED),
        given=GRANT_TO_CONFIRM,
        context={"verification": "v-keeper"},
    ),
    Pair(
        "S-09",
        "SELF_GRANT",
        "keeper",
        "confirm",
        ("SealGrant", "g-plain"),
        change("SealGrant", "g-plain", membership_id="m-keeper"),
        given=GRANT_TO_CONFIRM,
        context={"verification": "v-keeper"},
    ),
    use(
        "S-17",
        "GRANT_INVALIDATED_ADMIN_CHANGED",
        put(grant("user", state=GrantState.INVALIDATED, invalid_reason=GrantInvalidity.ADMIN_CHANGED)),
    ),
    use("S-17", "GRANT_INVALIDATED_ADMIN_CHANGED", change("RoleAssignment", "r-keeper", state=AssignmentState.REVOKED)),
    use("S-17", "GRANT_INVALIDATED_ADMIN_CHANGED", change("Membership", "m-keeper", state=MembershipState.ENDED)),
    Pair(
        "S-17",
        "GRANT_NOT_PENDING",
        "head",
        "confirm",
        ("SealGrant", "g-plain"),
        change("RoleAssignment", "r-keeper", state=AssignmentState.REVOKED),
        given=both(
            GRANT_TO_CONFIRM,
            put(a_person("head"), member("head"), role("head", Role.SEAL_ADMIN)),
            put(face(VerificationPurpose.SEAL_GRANT, "SealGrant", "g-plain", "head")),
        ),
        context={"verification": "v-head"},
    ),
    use("S-17", "GRANTOR_NOT_ENTITLED", change("RoleAssignment", "r-keeper", role=Role.SEAL_AUDITOR)),
    # --- seal use
    *(
        use("U-01", "SEAL_FROZEN", put(SealHold(f"h-{source}", "s", source, NOW - HOUR)))
        for source in (HoldSource.ADMIN, HoldSource.RETRIEVAL, HoldSource.PLATFORM, HoldSource.JUDICIAL)
    ),
    use("U-01", "SEAL_LOST", put(SealHold("h-loss", "s", HoldSource.LOSS, NOW - HOUR))),
    *(
        use("U-01", reason, change("Seal", "s", state=state))
        for reason, state in (
            ("SEAL_UNDER_REVIEW", SealState.PENDING_REVIEW),
            ("SEAL_DISABLED", SealState.DISABLED),
            ("SEAL_LOST", SealState.LOST),
            ("SEAL_EXPIRED", SealState.EXPIRED),
            ("SEAL_REVOKED", SealState.REVOKED),
            ("SEAL_REVOKED", SealState.DESTROYED),
        )
    ),
    use("U-02", "NO_SEAL_GRANT", drop("SealGrant", "g-user")),
    use("U-02", "NO_SEAL_GRANT", change("SealGrant", "g-user", state=GrantState.REVOKED)),
    use("U-02", "CONTRACT_TYPE_NOT_COVERED", change("SealGrant", "g-user", scope=GrantScope.LISTED_TYPES)),
    use(
        "U-03",
        "NO_SEAL_GRANT",
        change("SealUseRequest", "q-plain", contract_id=None),
        subject="plain",
        given=put(*request("plain")),
        context={"task": "t", "verification": "v-plain"},
    ),
    *(
        use(
            "U-03",
            reason,
            but,
            subject="plain",
            given=put(*request("plain")),
            context={"task": "t", "verification": "v-plain"},
        )
        for reason, but in (
            ("APPROVAL_REQUIRED", change("SealUseRequest", "q-plain", state=UseRequestState.IN_APPROVAL)),
            ("APPROVAL_REQUIRED", change("Approval", "qa-plain", verdict=ApprovalVerdict.REJECTED)),
            ("APPROVAL_REQUIRED", change("Approval", "qa-plain", approver_id="m-plain")),
            ("APPROVAL_REQUIRED", change("Approval", "qa-plain", approver_id="m-user")),
            ("APPROVAL_REQUIRED", change("Approval", "qa-plain", decided_at=NOW + 1)),
            ("APPROVAL_REQUIRED", drop("SealGrant", "g-approver")),
            ("APPROVAL_REQUIRED", change("SealGrant", "g-approver", valid_to=NOW)),
            ("APPROVAL_REQUIRED", change("Seal", "s", custodian_id="m-approver")),
            ("APPROVAL_REQUIRED", change("Person", "approver", realname_state=RealnameState.REVOKED)),
            ("USE_LIMIT_EXHAUSTED", change("SealUseRequest", "q-plain", used=1)),
            ("GRANT_NOT_YET_EFFECTIVE", change("SealUseRequest", "q-plain", valid_from=NOW + 1)),
            ("DOCUMENT_CHANGED", change("RequestDocument", "qd-plain", digest="digest-2")),
            ("REQUEST_EXPIRED", change("SealUseRequest", "q-plain", valid_to=NOW)),
        )
    ),
    use("U-06", "USE_LIMIT_EXHAUSTED", change("SealGrant", "g-user", used=10)),
    use("U-06", "USE_LIMIT_EXHAUSTED", change("SealGrant", "g-user", state=GrantState.EXHAUSTED)),
    use("U-07", "GRANT_EXPIRED", change("SealGrant", "g-user", valid_to=NOW)),
    use("U-07", "GRANT_NOT_YET_EFFECTIVE", change("SealGrant", "g-user", valid_from=NOW + 1)),
    *(
        use("U-09", reason, change("IdentityVerification", "v-user", **values))
        for reason, values in (
            ("FACE_VERIFICATION_EXPIRED", {"passed_at": NOW - 30 * MINUTE}),
            ("FACE_VERIFICATION_ALREADY_USED", {"state": VerificationState.CONSUMED, "consumed_at": NOW - 1}),
            ("FACE_VERIFICATION_REQUIRED", {"state": VerificationState.FAILED}),
            ("FACE_VERIFICATION_REQUIRED", {"purpose": VerificationPurpose.LOGIN}),
            ("FACE_VERIFICATION_REQUIRED", {"bound_id": "t-hand"}),
            ("FACE_VERIFICATION_REQUIRED", {"bound_digest": "digest-2"}),
            ("FACE_VERIFICATION_REQUIRED", {"person_id": "plain"}),
            ("FACE_VERIFICATION_REQUIRED", {"passed_at": NOW + 1}),
        )
    ),
    use(
        "U-09",
        "FACE_VERIFICATION_REQUIRED",
        change("Seal", "s", kind=SealKind.FINANCE),
        given=change("Seal", "s", kind=SealKind.DEPARTMENT),
        context={"task": "t"},
    ),
    use("U-11", "CERT_MISSING", change("Seal", "s", certificate_id=None)),
    use("U-11", "CERT_EXPIRED", change("Certificate", "cert", not_after=NOW)),
    use("U-11", "CERT_NOT_YET_VALID", change("Certificate", "cert", not_before=NOW + 1)),
    use("U-11", "CERT_SUSPENDED", change("Certificate", "cert", state=CertificateState.SUSPENDED)),
    use("U-11", "CERT_REVOKED", change("Certificate", "cert", state=CertificateState.REVOKED)),
    # --- signing
    use("C-01", "CONTRACT_NOT_SIGNING", change("Contract", "c", state=ContractState.RECALLED)),
    use("C-01", "CONTRACT_EXPIRED", change("Contract", "c", deadline=NOW)),
    use("C-01", "TASK_NOT_PENDING", change("SigningTask", "t", state=TaskState.SIGNED)),
    use("C-01", "NOT_YOUR_TURN", change("SigningTask", "t", state=TaskState.WAITING)),
    use("C-01", "NOT_YOUR_TURN", change("SigningTask", "t-f", state=TaskState.PENDING)),
    Pair("C-01", "NOT_YOUR_TURN", "user", "open", T, change("SigningTask", "t-f", state=TaskState.PENDING)),
    use("C-02", "NOT_TASK_OPERATOR", drop("TaskOperator", "o-user")),
    use(
        "C-02",
        "NOT_TASK_OPERATOR",
        put(TaskOperator("o-user", "t", "user")),
        subject="keeper",
        given=both(
            *(drop("TaskOperator", f"o-{name}") for name in ("user", "plain", "keeper", "outsider", "boss")),
            drop("TaskSeal", "ts"),
            put(grant("keeper")),
        ),
        context={"task": "t", "verification": "v-keeper"},
    ),
    Pair(
        "C-02",
        "NOT_TASK_OPERATOR",
        "user",
        "open",
        T,
        drop("SealGrant", "g-user"),
        given=both(*(drop("TaskOperator", f"o-{name}") for name in ("user", "plain", "keeper", "outsider", "boss"))),
    ),
    Pair(
        "C-03",
        "NOT_TASK_OPERATOR",
        "boss",
        "open",
        T,
        change("RegistrySnapshot", "reg-e", legal_rep_id="signer"),
        given=both(LEGAL_REP_TASK, put(member("boss"))),
    ),
    Pair(
        "C-04",
        "IDENTITY_MISMATCH",
        "user",
        "sign",
        HAND,
        change("SigningTask", "t-hand", handler_id="plain"),
        given=put(face(VerificationPurpose.SIGN, "SigningTask", "t-hand", "user")),
        context={"verification": "v-user"},
    ),
    Pair(
        "C-04",
        "IDENTITY_MISMATCH",
        "signer",
        "sign",
        ("SigningTask", "t-p"),
        change("Signatory", "party-p", person_id="stranger"),
        given=put(
            Signatory("party-p", "c", PartyKind.PERSON, "signer"),
            SigningTask("t-p", "party-p", TaskAction.PERSONAL_SIGN, 2, TaskState.PENDING, "signer"),
            face(VerificationPurpose.SIGN, "SigningTask", "t-p", "signer"),
        ),
        context={"verification": "v-signer"},
    ),
    use("C-01", "CONTRACT_NOT_SIGNING", change("SigningTask", "t-f", state=TaskState.REJECTED)),
    use("C-05", "SEAL_NOT_PERMITTED_FOR_TASK", change("TaskSeal", "ts", seal_id="s2")),
    # --- retrieval
    Pair(
        "R-01",
        "NO_STANDING",
        "stranger",
        "retrieve",
        E,
        drop("JoinApplication", "j-stranger"),
        given=both(AWAY, put(application("stranger"))),
        context=RETRIEVING,
    ),
    Pair(
        "R-01",
        "NO_STANDING",
        "outsider",
        "retrieve",
        E,
        drop("TaskOperator", "o-outsider"),
        given=AWAY,
        context=RETRIEVING,
    ),
    Pair(
        "R-01",
        "NO_STANDING",
        "outsider",
        "retrieve",
        E,
        change("Contract", "c", state=ContractState.RECALLED),
        given=AWAY,
        context=RETRIEVING,
    ),
    Pair(
        "R-02",
        "ENTERPRISE_NOT_AUTHENTICATED",
        "outsider",
        "retrieve",
        E,
        change("Enterprise", "e", auth_state=AuthenticationState.AUTH_FAILED),
        given=AWAY,
        context=RETRIEVING,
    ),
    Pair(
        "R-02",
        "ENTERPRISE_CLOSED",
        "outsider",
        "retrieve",
        E,
        change("Enterprise", "e", operating_state=OperatingState.CLOSED),
        given=AWAY,
        context=RETRIEVING,
    ),
    Pair("R-03", "RETRIEVAL_IN_PROGRESS", "outsider", "retrieve", E, put(case()), given=AWAY, context=RETRIEVING),
    Pair(
        "R-07",
        "ADMIN_AVAILABLE",
        "outsider",
        "retrieve",
        E,
        change("Person", "admin", last_active_at=NOW - 6 * DAY),
        given=AWAY,
        context=RETRIEVING,
    ),
    Pair(
        "R-05",
        "CERTIFICATION_REQUIRED",
        "outsider",
        "submit",
        K,
        change("EnterpriseAuthentication", "a-k", state=CertificationState.REJECTED),
        given=SUBMITTABLE,
        context={"verification": "v-outsider"},
    ),
    Pair(
        "R-15",
        "NOT_CASE_APPLICANT",
        "keeper",
        "submit",
        K,
        change("RetrievalCase", "k", applicant_id="outsider"),
        given=both(
            SUBMITTABLE,
            lambda scene: scene.put(dataclasses.replace(scene.record("EnterpriseAuthentication", "a-k"), id="a-k2")),
            change("EnterpriseAuthentication", "a-k2", applicant_id="keeper"),
            change("RetrievalCase", "k", applicant_id="keeper"),
            put(face(VerificationPurpose.RETRIEVE, "RetrievalCase", "k", "keeper")),
        ),
        context={"verification": "v-keeper"},
    ),
    execute(
        "R-05", "CERTIFICATION_REQUIRED", change("EnterpriseAuthentication", "a-k", state=CertificationState.IN_REVIEW)
    ),
    execute("R-05", "REGISTRY_DATA_STALE", change("RegistrySnapshot", "reg-e", fetched_at=NOW - 24 * HOUR)),
    execute(
        "R-06", "FACE_VERIFICATION_EXPIRED", change("IdentityVerification", "v-outsider", passed_at=NOW - 10 * MINUTE)
    ),
    execute("R-06", "FACE_VERIFICATION_REQUIRED", change("IdentityVerification", "v-outsider", bound_id="k2")),
    execute(
        "R-06",
        "FACE_VERIFICATION_ALREADY_USED",
        change("IdentityVerification", "v-outsider", state=VerificationState.CONSUMED),
    ),
    execute("R-08", "REVIEW_PENDING", drop("RetrievalReview", "rv-2")),
    execute("R-08", "REVIEW_PENDING", change("RetrievalReview", "rv-2", staff_id="staff-1")),
    execute("R-08", "REVIEW_PENDING", change("PlatformStaff", "staff-2", duty=StaffDuty.SUPPORT)),
    execute("R-08", "REVIEW_PENDING", change("RetrievalReview", "rv-2", decided_at=NOW - HOUR)),
    execute("R-08", "REVIEW_PENDING", change("RetrievalReview", "rv-2", verdict=ReviewVerdict.REJECTED)),
    execute("R-08", "REVIEWER_CONFLICT", change("PlatformStaff", "staff-2", person_id="boss")),
    execute("R-07", "ADMIN_AVAILABLE", change("Person", "admin", last_active_at=NOW - DAY)),
    execute("R-02", "ENTERPRISE_CLOSED", change("Enterprise", "e", operating_state=OperatingState.CLOSED)),
    execute("R-09", "OBJECTION_OPEN", change("RetrievalCase", "k", state=CaseState.OBJECTED)),
    execute("R-05", "REGISTRY_NOT_EXISTING", change("RegistrySnapshot", "reg-e", status=RegistryStatus.REVOKED)),
    execute("R-08", "REVIEWER_CONFLICT", put(member("reviewer2"))),
    execute("R-09", "OBJECTION_OPEN", put(Objection("ob", "k", "admin", NOW - DAY))),
    execute(
        "R-09",
        "OBJECTION_OPEN",
        change("Objection", "ob", state=ObjectionState.UPHELD),
        given=both(AWAY, put(*executable(), Objection("ob", "k", "admin", NOW - DAY, ObjectionState.DISMISSED))),
    ),
    execute("R-10", "NOTICE_PERIOD", change("RetrievalCase", "k", notice_from=NOW - 72 * HOUR + 1)),
    execute("R-10", "NOTICE_NOT_GIVEN", change("RetrievalCase", "k", notice_from=0), given=LEGAL_REP_CASE),
    execute(
        "R-05", "LEGAL_REP_MISMATCH", change("RegistrySnapshot", "reg-e", legal_rep_id="boss"), given=LEGAL_REP_CASE
    ),
    execute("R-10", "NOTICE_PERIOD", change("RetrievalCase", "k", notice_from=NOW - 23 * HOUR), given=LEGAL_REP_CASE),
    execute("R-10", "CASE_NOT_EXECUTABLE", change("RetrievalCase", "k", state=CaseState.IN_REVIEW)),
    execute("R-10", "CASE_OVER", change("RetrievalCase", "k", state=CaseState.EXECUTED)),
    Pair(
        "R-08",
        "REVIEWER_CONFLICT",
        "reviewer",
        "review",
        K,
        put(member("reviewer", state=MembershipState.ENDED)),
        given=put(case(state=CaseState.IN_REVIEW)),
    ),
    Pair(
        "R-08",
        "NOT_FOUND",
        "reviewer",
        "review",
        K,
        change("PlatformStaff", "staff-1", state=PostState.ENDED),
        given=put(case(state=CaseState.IN_REVIEW)),
    ),
    Pair(
        "R-09",
        "NOT_IN_NOTICE",
        "admin",
        "object",
        K,
        change("RetrievalCase", "k", notice_from=NOW - 72 * HOUR),
        given=put(case(notice_from=NOW - HOUR), face(VerificationPurpose.RETRIEVE, "RetrievalCase", "k", "admin")),
        context={"verification": "v-admin"},
    ),
    Pair(
        "R-11",
        "RETRIEVAL_NOT_EXECUTED",
        "plain",
        "invite",
        E,
        change("RoleAssignment", "r-plain", state=AssignmentState.REVOKED),
        given=put(case(applicant_id="plain"), role("plain", Role.SYSTEM_ADMIN)),
    ),
    Pair("R-16", "NOT_FOUND", "outsider", "view_progress", K, put(case(applicant_id="signer")), given=put(case())),
    Pair(
        "R-16",
        "NOT_FOUND",
        "admin",
        "view_progress",
        K,
        change("RoleAssignment", "r-admin", state=AssignmentState.REVOKED),
        given=put(case()),
    ),
]


@dataclasses.dataclass(frozen=True)
class ContextPair:
    """A rule about what the client says: the same facts, and two contexts."""

    rule: str
    reason: str
    subject: str
    action: str
    resource: tuple[str, str]
    allowed: Mapping[str, ContextValue]
    denied: Mapping[str, ContextValue]
    given: Callable[[Scene], Scene] = lambda scene: scene

    def __str__(self) -> str:
        return f"{self.rule}-{self.reason}-{self.action}"


CONTEXT_PAIRS = [
    ContextPair("M-05", "REASON_REQUIRED", "admin", "reject_join", J, {"reason": "unknown here"}, {}, PENDING),
    ContextPair(
        "M-05", "REASON_REQUIRED", "admin", "reject_join", J, {"reason": "unknown here"}, {"reason": ""}, PENDING
    ),
    ContextPair("R-04", "REASON_REQUIRED", "outsider", "retrieve", E, RETRIEVING, {}, AWAY),
    ContextPair("R-04", "REASON_REQUIRED", "outsider", "retrieve", E, RETRIEVING, {"reason": "BORED"}, AWAY),
    ContextPair("C-01", "TASK_REQUIRED", "user", "use", S, SIGNING, {"verification": "v-user"}),
    ContextPair("C-01", "TASK_REQUIRED", "user", "use", S, SIGNING, {"task": "no-such-task", "verification": "v-user"}),
    ContextPair("U-09", "FACE_VERIFICATION_REQUIRED", "user", "use", S, SIGNING, {"task": "t"}),
    ContextPair(
        "U-09", "FACE_VERIFICATION_REQUIRED", "user", "use", S, SIGNING, {"task": "t", "verification": "v-plain"}
    ),
]
