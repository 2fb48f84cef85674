"""Acts on enterprises and on who belongs to them: joining, roles, certification, retrieval."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.common import Context, ReasonedContext, VerifiedContext, found
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.identity import IdentityVerification, Person
from sealauthz.model.records.membership import Membership
from sealauthz.schema import Resolver, ResolverInput, actions
from sealauthz.schema.action import Snapshot


@dataclass(slots=True)
class NameChangeContext(Context):
    """Changing an enterprise's name: `contracts` are those that it sent or is a party of, in every state."""

    contracts: list[Contract] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class RoleContext(Context):
    """Giving a role: which one; that of an administrator on the intent checks of both, as when handing over."""

    role: str | None = None
    verification: IdentityVerification | None = None
    receiver_verification: IdentityVerification | None = None


@dataclass(slots=True)
class AdminChangeContext(Context):
    """Handing an enterprise over: to whom, on the intent checks of both."""

    receiver: Membership | None = None
    verification: IdentityVerification | None = None
    receiver_verification: IdentityVerification | None = None


@dataclass(slots=True)
class JoinContext(Context):
    """Applying to join. Of the server's making: how many applications of the subject are open anywhere, and how often
    this enterprise turned the subject down within `parameters.rejections_window` before now.
    """

    open_applications: int | None = None
    rejections: int | None = None


@dataclass(slots=True)
class RetrievalContext(Context):
    """Opening or submitting a retrieval: why, and how often it was tried.

    Of the server's making, all within `parameters.retrieval_window` before now: `attempts` counts the certifications
    submitted to retrieve this enterprise by documents, `own_attempts` those that the subject submitted as its legal
    representative, and `enterprises` the other enterprises for which the subject opened a case.
    """

    reason: str | None = None
    verification: IdentityVerification | None = None
    attempts: int | None = None
    own_attempts: int | None = None
    enterprises: int | None = None


@dataclass(slots=True)
class MemberContext(Context):
    """An act on a membership: `member` is the person behind it, with the tasks that this person holds."""

    member: Person | None = None


@dataclass(slots=True)
class AbsenceContext(Context):
    """Recording that a member is away: `substitute` approves in their place."""

    substitute: Membership | None = None


@dataclass(slots=True)
class CertificationContext(Context):
    """Certifying an enterprise: `twin_id` is the authenticated enterprise of the same realm and USCC."""

    twin_id: str | None = None


def _name_change(query: ResolverInput) -> Mapping[str, Any]:
    ids = set(_contracts_of(query.resource.id, query.snapshot))
    return {"contracts": found(query.snapshot, "Contract", ids)}


def _contracts_of(enterprise_id: str, snapshot: Snapshot) -> Iterator[str]:
    """The ids of the contracts that an enterprise sent or is a party of; one may come twice."""
    yield from snapshot.matching("Contract", initiator_id=enterprise_id)
    for signatory_id in snapshot.matching("Signatory", enterprise_id=enterprise_id):
        signatory = snapshot.find("Signatory", signatory_id)
        if signatory is not None:
            yield signatory.contract_id


def _certification(query: ResolverInput) -> Mapping[str, Any]:
    enterprise = query.resource
    same = {"realm": enterprise.realm, "uscc": enterprise.uscc}
    twins = query.snapshot.matching("Enterprise", **same, auth_state="AUTHENTICATED")
    return {"twin_id": next((twin for twin in twins if twin != enterprise.id), None)}


def _join(query: ResolverInput) -> Mapping[str, Any]:
    person, enterprise = query.subject, query.resource
    since = query.now - query.parameters.rejections_window
    is_open = [a for a in person.applications if a.state == "PENDING" and query.now < a.expires_at]
    rejected = [
        application
        for application in enterprise.applications
        if application.person_id == person.id and application.state == "REJECTED" and application.decided_at > since
    ]
    return {"open_applications": len(is_open), "rejections": len(rejected)}


def _retrieval(query: ResolverInput) -> Mapping[str, Any]:
    # Of a case, or of the enterprise itself.
    enterprise = getattr(query.resource, "enterprise", query.resource)
    since = query.now - query.parameters.retrieval_window
    lately = [a for a in enterprise.authentications if a.purpose == "RETRIEVAL" and a.submitted_at > since]
    submitted = [a for a in lately if a.method != "LEGAL_REP_ONLINE"]
    own = [a for a in lately if a.method == "LEGAL_REP_ONLINE" and a.applicant_id == query.subject.id]
    others = {
        case.enterprise_id
        for case in query.subject.retrieval_cases
        if case.opened_at > since and case.enterprise_id != enterprise.id
    }
    return {"attempts": _attempts(submitted), "own_attempts": len(own), "enterprises": len(others)}


def _attempts(certifications: list[Any]) -> int:
    """How often a retrieval was tried. A payment from the corporate account beside papers is one attempt with them."""
    tries = Counter((a.case_id, a.attempt, a.method == "BANK_TRANSFER") for a in certifications)
    return sum(max(tries[case, attempt, True], tries[case, attempt, False]) for case, attempt in {k[:2] for k in tries})


_RETRIEVAL = Resolver(find=_retrieval, is_about_subject=True)

ACTIONS = (
    *actions("Enterprise", NameChangeContext, "change_name", resolver=Resolver(find=_name_change)),
    *actions(
        "Enterprise", AdminChangeContext, "transfer_admin", gives=("receiver", "receiver_verification", "verification")
    ),
    *actions("Enterprise", JoinContext, "join", resolver=Resolver(find=_join, is_about_subject=True)),
    *actions("Enterprise", RetrievalContext, "retrieve", gives=("reason",), resolver=_RETRIEVAL),
    *actions("Enterprise", CertificationContext, "authenticate", resolver=Resolver(find=_certification)),
    *actions("Invitation", VerifiedContext, "claim", gives=("verification",)),
    *actions("JoinApplication", ReasonedContext, "reject_join", gives=("reason",)),
    *actions("Membership", RoleContext, "assign_role", gives=("receiver_verification", "verification", "role")),
    *actions("Membership", MemberContext, "end", "resign", resolver=Resolver(along={"member": ("person_id",)})),
    *actions("Membership", AbsenceContext, "record_absence", gives=("substitute",)),
    *actions("RetrievalCase", RetrievalContext, "submit", gives=("verification",), resolver=_RETRIEVAL),
    *actions("RetrievalCase", VerifiedContext, "object", "execute", "appeal", gives=("verification",)),
)
