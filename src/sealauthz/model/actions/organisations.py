"""Acts on enterprises and on who belongs to them: joining, roles, certification, watching."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.bound import ArgumentsContext, binding, columns, given_id, given_text, intent_digest
from sealauthz.model.actions.common import Context, ReasonedContext, found
from sealauthz.model.actions.known import persons
from sealauthz.model.effects import administration, alerts, enterprises, joining
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.identity import IdentityVerification, Person
from sealauthz.model.records.membership import Membership
from sealauthz.model.records.seals import Seal
from sealauthz.schema import Resolver, ResolverInput, actions, looks
from sealauthz.schema.action import Snapshot


@dataclass(slots=True)
class NameChangeContext(Context):
    """Changing an enterprise's name: `contracts` are those that it sent or is a party of, in every state."""

    contracts: list[Contract] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class RoleContext(ArgumentsContext):
    """Giving a role: which one; that of an administrator on the intent checks of both, as when handing over."""

    role: str | None = None
    receiver_verification: IdentityVerification | None = None


@dataclass(slots=True)
class AdminChangeContext(ArgumentsContext):
    """Handing an enterprise over: to whom, on the intent checks of both for this very act."""

    receiver: Membership | None = None
    receiver_verification: IdentityVerification | None = None


@dataclass(slots=True)
class ClaimContext(Context):
    """Claiming an invitation to a phone: on a match of its carrier, which is bound to the invitation's contact."""

    verification: IdentityVerification | None = None


@dataclass(slots=True, kw_only=True)
class JoinContext(Context):
    """Applying to join. Of the server's making: how many applications of the subject are open anywhere, and how often
    this enterprise turned the subject down within `parameters.rejections_window` before now, by whatever account.
    """

    open_applications: int
    rejections: int


@dataclass(slots=True, kw_only=True)
class MemberContext(Context):
    """An act on a membership: `member` is the person behind it, with the tasks that this person holds."""

    member: Person


@dataclass(slots=True)
class AbsenceContext(Context):
    """Recording that a member is away: `substitute` approves in their place."""

    substitute: Membership | None = None


@dataclass(slots=True)
class CertificationContext(Context):
    """Certifying an enterprise: `twin_id` is the authenticated enterprise of the same USCC and realm, or of any realm
    with `parameters.authenticated_once_anywhere`.
    """

    twin_id: str | None = None


@dataclass(slots=True, kw_only=True)
class AuthenticationContext(CertificationContext):
    """Authenticating an enterprise: on a check of the applicant's intent for this act, bound to `intent_digest`."""

    intent_digest: str
    verification: IdentityVerification | None = None


@dataclass(slots=True)
class SubscriptionContext(Context):
    """Naming a leader who watches: one seal, or all of them."""

    leader: Membership | None = None
    seal: Seal | None = None


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
    same = {"uscc": enterprise.uscc}
    if not query.parameters.authenticated_once_anywhere:
        same["realm"] = enterprise.realm
    twins = query.snapshot.matching("Enterprise", **same, auth_state="AUTHENTICATED")
    return {"twin_id": next((twin for twin in twins if twin != enterprise.id), None)}


def _authentication(query: ResolverInput) -> Mapping[str, Any]:
    terms = columns(query.resource, "realm", "uscc")
    return {**_certification(query), "intent_digest": intent_digest("authenticate", query.resource, terms)}


def _join(query: ResolverInput) -> Mapping[str, Any]:
    person, enterprise = query.subject, query.resource
    since = query.now - query.parameters.rejections_window
    others = {account.id for account in person.accounts}
    accounts = {person.id, *others}
    is_open = [
        application
        for account in (person, *persons(query, others))
        for application in account.applications
        if application.state == "PENDING" and query.now < application.expires_at
    ]
    rejected = [
        application
        for application in enterprise.applications
        if application.person_id in accounts and application.state == "REJECTED" and application.decided_at > since
    ]
    return {"open_applications": len(is_open), "rejections": len(rejected)}


def _handed_over(query: ResolverInput) -> Mapping[str, Any]:
    return {"receiver": given_id(query, "receiver"), "arguments": given_text(query, "digest")}


def _role(query: ResolverInput) -> Mapping[str, Any]:
    return {"role": given_text(query, "role"), "arguments": given_text(query, "digest")}


_CERTIFICATION = Resolver(find=_certification)
_MEMBER = Resolver(along={"member": ("person_id",)})
_FACES = ("receiver_verification", "verification")

_JOINING = (
    *actions(
        "Enterprise", JoinContext, "join", resolver=Resolver(find=_join, is_about_subject=True), effect=joining.join
    ),
    *actions(
        "JoinApplication",
        Context,
        "approve_join",
        arguments=joining.ApproveJoinArguments,
        effect=joining.approve_join,
    ),
    *actions("JoinApplication", ReasonedContext, "reject_join", gives=("reason",), effect=joining.reject_join),
    *actions("JoinApplication", Context, "remind", effect=joining.remind),
    *actions("JoinApplication", Context, "withdraw", effect=joining.withdraw_application),
    *actions("Enterprise", Context, "invite", arguments=joining.InviteArguments, effect=joining.invite),
    *actions("Invitation", ClaimContext, "claim", gives=("verification",), effect=joining.claim),
    *actions("Invitation", Context, "confirm_invitee", effect=joining.confirm_invitee),
    *actions("Invitation", Context, "accept", effect=joining.accept),
)

_MEMBERS = (
    *actions(
        "Enterprise",
        AdminChangeContext,
        "transfer_admin",
        gives=("receiver", *_FACES, "digest"),
        resolver=binding("transfer_admin", _handed_over),
        arguments=administration.TransferAdminArguments,
        effect=administration.transfer_admin,
    ),
    *actions(
        "Membership",
        RoleContext,
        "assign_role",
        gives=(*_FACES, "role", "digest"),
        resolver=binding("assign_role", _role),
        arguments=administration.AssignRoleArguments,
        effect=administration.assign_role,
    ),
    *actions("Membership", MemberContext, "end", resolver=_MEMBER, effect=administration.end_membership),
    *actions("Membership", MemberContext, "resign", resolver=_MEMBER, effect=administration.resign),
    *actions(
        "Membership",
        Context,
        "suspend",
        arguments=administration.SuspendArguments,
        effect=administration.suspend,
    ),
    *actions("Membership", Context, "reinstate", effect=administration.reinstate),
    *actions(
        "Membership",
        AbsenceContext,
        "record_absence",
        gives=("substitute",),
        arguments=administration.AbsenceArguments,
        effect=administration.record_absence,
    ),
    *actions("Membership", Context, "view_history", effect=looks),
    *actions("RoleAssignment", Context, "revoke", effect=administration.revoke_role),
)

_ENTERPRISES = (
    *actions(
        "Enterprise",
        NameChangeContext,
        "change_name",
        resolver=Resolver(find=_name_change),
        effect=enterprises.change_name,
    ),
    *actions(
        "Enterprise",
        CertificationContext,
        "certify",
        resolver=_CERTIFICATION,
        arguments=enterprises.CertifyArguments,
        effect=enterprises.certify,
    ),
    *actions(
        "Enterprise",
        AuthenticationContext,
        "authenticate",
        gives=("verification",),
        resolver=Resolver(find=_authentication),
        effect=enterprises.authenticate,
    ),
    *actions(
        "EnterpriseAuthentication",
        Context,
        "decide",
        arguments=enterprises.DecideCertificationArguments,
        effect=enterprises.decide_certification,
    ),
    *actions("EnterpriseAuthentication", Context, "withdraw", effect=enterprises.withdraw_certification),
    *actions("Enterprise", SubscriptionContext, "subscribe", gives=("leader", "seal"), effect=enterprises.subscribe),
    *actions("MonitorSubscription", Context, "end", effect=enterprises.end_subscription),
    *actions("Alert", Context, "acknowledge", effect=alerts.acknowledge),
    *actions("Alert", Context, "view", effect=looks),
    *actions("Enterprise", Context, "export", "monitor", "view_administrator", effect=looks),
)

ACTIONS = (*_JOINING, *_MEMBERS, *_ENTERPRISES)
