"""Persons, the checks of who they are and what they want, and the posts of the platform's own staff."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from sealauthz.model.masking import mask_name, mask_phone
from sealauthz.model.normal_forms import (
    hash_problem,
    normalise_hash,
    normalise_realm,
    realm_problem,
    reference_problem,
)
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import Instant, Normalised, PersonalText, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, RelatedTo, SetOnce, Subject, Unique, Valid

if TYPE_CHECKING:
    from sealauthz.model.records.batches import IntentBatch
    from sealauthz.model.records.membership import Invitation, JoinApplication, Membership
    from sealauthz.model.records.organisation import RegistrySnapshot
    from sealauthz.model.records.retrieval import RetrievalCase
    from sealauthz.model.records.signing import SigningTask, TaskOperator


class IdType(StrEnum):
    """The kind of identity document."""

    RESIDENT_ID = "RESIDENT_ID"
    PASSPORT = "PASSPORT"
    OTHER = "OTHER"


class RealnameState(StrEnum):
    """Whether the person's real name is verified."""

    UNVERIFIED = "UNVERIFIED"
    VERIFIED = "VERIFIED"
    REVOKED = "REVOKED"


class AccountState(StrEnum):
    """Whether the person's account may act at all."""

    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"
    CLOSED = "CLOSED"


class VerificationMethod(StrEnum):
    """How a person proved identity or intent."""

    FACE = "FACE"
    SMS = "SMS"
    PASSWORD = "PASSWORD"  # noqa: S105 (a method's name, not a secret)
    MOBILE3 = "MOBILE3"
    BANK4 = "BANK4"


class VerificationPurpose(StrEnum):
    """What a verification was started for; it counts for nothing else."""

    LOGIN = "LOGIN"
    JOIN = "JOIN"
    SIGN = "SIGN"
    SEAL_GRANT = "SEAL_GRANT"
    SEAL_MANAGE = "SEAL_MANAGE"
    APPROVE = "APPROVE"
    RETRIEVE = "RETRIEVE"
    ADMIN_CHANGE = "ADMIN_CHANGE"


class VerificationState(StrEnum):
    """How far a verification is."""

    STARTED = "STARTED"
    PASSED = "PASSED"
    CONSUMED = "CONSUMED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class StaffDuty(StrEnum):
    """What a member of the platform's staff does."""

    REVIEWER = "REVIEWER"
    SUPPORT = "SUPPORT"
    RISK = "RISK"


class PostState(StrEnum):
    """Whether a staff post is held."""

    ACTIVE = "ACTIVE"
    ENDED = "ENDED"


@record(
    Unique(
        "I5",
        ("realm", "id_type", "id_hash"),
        where="realname_state = 'VERIFIED' OR (same_as_id IS NOT NULL AND id_hash <> '')",
        says="one identity document verifies one person",
    ),
    Check("I5", "realname_state <> 'VERIFIED' OR id_hash <> ''", says="a verified person has the hash of an id number"),
    # The account of one human must not become the account of another, with its memberships.
    Fixed(
        "I5",
        "realm",
        "id_type",
        "id_hash",
        once=lambda person: person.realname_state == "VERIFIED" or person.same_as_id is not None,
        says="the document of a verified person never changes: another one is verified again, after a revocation",
    ),
    # Who compares persons compares ids: so a human has one account that is verified, whatever documents they have.
    Check(
        "I5",
        "same_as_id IS NULL OR (realname_state <> 'VERIFIED' AND same_as_id <> id)",
        says="an account of somebody who has another account is not verified itself",
    ),
    Valid("I5", "realm", realm_problem, says="a realm is written in one way"),
    Valid("I5", "id_hash", hash_problem, says="a hash is written in one way"),
    Valid("A-13", "phone_hash", hash_problem, says="a hash is written in one way"),
    Life({"UNVERIFIED": ("VERIFIED",), "VERIFIED": ("REVOKED",)}, {"REVOKED": ("VERIFIED",)}, "I5", "realname_state"),
    Life({"ACTIVE": ("LOCKED",), "LOCKED": ("CLOSED",)}, {"LOCKED": ("ACTIVE",)}, column="account_state"),
    RelatedTo(
        "Enterprise",
        "~Membership.person_id/enterprise_id",
        "~JoinApplication.person_id/enterprise_id",
        "~RegistrySnapshot.legal_rep_id/enterprise_id",
        "~EmergencyUse.representative_id/grant_id/seal_id/enterprise_id",
        "~RetrievalCase.applicant_id/enterprise_id",
        "~EnterpriseAuthentication.applicant_id/enterprise_id",
        "~EnterpriseAuthentication.reviewer_id/enterprise_id",
        "~PlatformStaff.person_id/~RetrievalReview.staff_id/case_id/enterprise_id",
        "~Objection.person_id/case_id/enterprise_id",
    ),
    # The accounts that count no more are found from the one that does, and so are the places in which they are members,
    # whom they represent, and what they tried to retrieve (the paths of those records).
    RelatedTo("Person", "same_as_id"),
    root=Subject({"name": "real_name", "phone": "phone"}),
    permanent=True,
)
class Person:
    """A natural person. Names and phones live in this row only, which can be blanked; the id stays.

    `same_as_id` is the account of the same human that counts: with an identity card and a passport somebody has
    verified two. The one that names the other keeps its document and is not verified any more, so that all it gave
    counts for nothing, and nobody else is verified by that document.
    """

    id: str
    realm: Annotated[str, Normalised(normalise_realm)] = "PUBLIC"
    realname_state: RealnameState = RealnameState.UNVERIFIED
    account_state: AccountState = AccountState.ACTIVE
    id_type: IdType = IdType.RESIDENT_ID
    id_hash: Annotated[str, Normalised(normalise_hash)] = ""
    id_last4: Annotated[str, PersonalText(has_stars=False)] = ""
    real_name: Annotated[str, PersonalText(mask_name, has_stars=False)] = ""
    phone: Annotated[str, PersonalText(mask_phone, has_stars=False)] = ""
    phone_bound_at: Instant = NEVER
    last_active_at: Instant = NEVER
    same_as_id: Annotated[str | None, Ref("Person", crosses=True)] = None
    phone_hash: Annotated[str, Normalised(normalise_hash)] = ""

    accounts: list[Person] = many("same_as_id")
    memberships: list[Membership] = many("person_id", whole_in=("Person",))
    verifications: list[IdentityVerification] = many("person_id")
    intent_batches: list[IntentBatch] = many("person_id")
    applications: list[JoinApplication] = many("person_id")
    invitations: list[Invitation] = many("target_id")
    handled_tasks: list[SigningTask] = many("handler_id")
    operated_tasks: list[TaskOperator] = many("person_id")
    retrieval_cases: list[RetrievalCase] = many("applicant_id", whole_in=("Person",))
    staff_posts: list[PlatformStaff] = many("person_id")
    represented: list[RegistrySnapshot] = many("legal_rep_id", whole_in=("Person",))


@record(
    Valid("I12", "provider_ref", reference_problem, says="a provider's reference is taken as it is"),
    Unique("I12", ("provider_ref",), says="a provider's reference stands for one check"),
    Check("I12", "state <> 'CONSUMED' OR consumed_at > 0", says="a consumed check says when it was consumed"),
    Fixed(
        "I12",
        "person_id",
        "method",
        "purpose",
        "provider_ref",
        "bound_type",
        "bound_id",
        "bound_digest",
        "fallback_from",
        says="whose check it is, how it was made and what it is bound to never change",
    ),
    SetOnce("I12", "passed_at", "consumed_at", says="when a check passed, and when it was consumed, is history"),
    Life({"STARTED": ("PASSED", "FAILED"), "PASSED": ("CONSUMED", "EXPIRED")}, invariant="I12"),
    home="person_id",
    permanent=True,
)
class IdentityVerification:
    """One check of a person's identity or intent: single use, for one purpose and one object."""

    id: str
    person_id: Annotated[str, Ref("Person")]
    method: VerificationMethod
    purpose: VerificationPurpose
    provider_ref: str
    bound_type: str = ""
    bound_id: str = ""
    bound_digest: str = ""
    state: VerificationState = VerificationState.STARTED
    passed_at: Instant = NEVER
    consumed_at: Instant = NEVER
    fallback_from: VerificationMethod | None = None

    person: Person = one("person_id")


@record(
    Fixed("R-08", "duty", says="another duty is another post"),
    # A post may be taken again.
    Life({"ACTIVE": ("ENDED",)}, {"ENDED": ("ACTIVE",)}),
    RelatedTo("Enterprise", "~RetrievalReview.staff_id/case_id/enterprise_id"),
    home="person_id",
    permanent=True,
)
class PlatformStaff:
    """A post on the platform's own staff, which reviews certifications and decides objections."""

    id: str
    person_id: Annotated[str, Ref("Person")]
    duty: StaffDuty
    state: PostState = PostState.ACTIVE

    person: Person = one("person_id")
