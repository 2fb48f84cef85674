"""The units in which facts are loaded, and which records each unit holds.

A record is at home in exactly one unit: that of its enterprise, contract or person. It may be a guest in others, where
a decision reads it from the other end. A path says how a record leads to the id of a unit that holds it: `seal_id`
follows our key up; `~Membership.person_id` goes down to the memberships whose key names us.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, Protocol

from sealauthz.model import RECORDS, shape_of


class UnitKind(StrEnum):
    """What a unit is built around."""

    ENTERPRISE = "ENTERPRISE"
    CONTRACT = "CONTRACT"
    PERSON = "PERSON"


class Unit(NamedTuple):
    """One unit: its kind, and the id of its root record."""

    kind: UnitKind
    id: str


class Step(NamedTuple):
    """One step of a path: up by our own `column`, or down to the records of type `record` whose `column` names us."""

    record: str
    column: str

    @property
    def is_up(self) -> bool:
        """Whether the step follows our own key."""
        return not self.record


Path = tuple[Step, ...]

ROOTS: Mapping[str, UnitKind] = {
    "Enterprise": UnitKind.ENTERPRISE,
    "Contract": UnitKind.CONTRACT,
    "Person": UnitKind.PERSON,
}
"""The record types that a unit is built around. Their order is the order in which writers lock them."""

HOME_KEY: Mapping[str, str] = {
    "IdentityVerification": "person_id",
    "PlatformStaff": "person_id",
    "RegistrySnapshot": "enterprise_id",
    "Membership": "enterprise_id",
    "RoleAssignment": "membership_id",
    "Invitation": "enterprise_id",
    "JoinApplication": "enterprise_id",
    "RetrievalCase": "enterprise_id",
    "EnterpriseAuthentication": "enterprise_id",
    "RetrievalReview": "case_id",
    "Objection": "case_id",
    "Certificate": "enterprise_id",
    "Seal": "enterprise_id",
    "SealHold": "seal_id",
    "SealGrant": "seal_id",
    "GrantContractType": "grant_id",
    "SealUseRequest": "seal_id",
    "RequestDocument": "request_id",
    "Approval": "request_id",
    "ContractDocument": "contract_id",
    "Signatory": "contract_id",
    "SigningTask": "signatory_id",
    "TaskOperator": "task_id",
    "TaskSeal": "task_id",
    "InternalReview": "signatory_id",
    "PartyConsent": "signatory_id",
    "SealUse": "task_id",
    "Department": "enterprise_id",
    "CustomRole": "enterprise_id",
    "CustomRolePower": "role_id",
    "WorkingHours": "enterprise_id",
    "Holiday": "enterprise_id",
    "MonitorSubscription": "enterprise_id",
    "ApprovalProcess": "enterprise_id",
    "ProcessStep": "process_id",
    "StepApprover": "step_id",
    "AmountBand": "enterprise_id",
    "BusinessCategory": "enterprise_id",
    "CategorySeal": "category_id",
    "CategoryPermission": "category_id",
    "BoardResolution": "enterprise_id",
    "Device": "enterprise_id",
    "GrantTemplate": "grant_id",
    "EmergencyUse": "grant_id",
    "OpenGrant": "seal_id",
    "OpenGrantTemplate": "grant_id",
    "CrossEnterpriseGrant": "seal_id",
    "CrossGrantContractType": "grant_id",
    "HolderAssignment": "grant_id",
    "Delegation": "principal_id",
    "DelegationContractType": "delegation_id",
    "SealReview": "seal_id",
    "SealProposal": "seal_id",
    "SealWitness": "proposal_id",
    "NoticeDelivery": "case_id",
}
"""The column of each record type that leads towards its home. It never changes once written."""

_GUESTS: Mapping[UnitKind, Mapping[str, tuple[str, ...]]] = {
    UnitKind.ENTERPRISE: {
        "Person": (
            "~Membership.person_id/enterprise_id",
            "~JoinApplication.person_id/enterprise_id",
            "~RegistrySnapshot.legal_rep_id/enterprise_id",
            "~RetrievalCase.applicant_id/enterprise_id",
            "~EnterpriseAuthentication.applicant_id/enterprise_id",
            "~Objection.person_id/case_id/enterprise_id",
        ),
        "PlatformStaff": ("~RetrievalReview.staff_id/case_id/enterprise_id",),
    },
    UnitKind.CONTRACT: {},
    UnitKind.PERSON: {
        "Membership": ("person_id",),
        "RoleAssignment": ("membership_id/person_id",),
        "JoinApplication": ("person_id",),
        "Invitation": ("target_id",),
        "RetrievalCase": ("applicant_id",),
        "RegistrySnapshot": ("legal_rep_id",),
        "TaskOperator": ("person_id",),
        "SigningTask": ("handler_id", "~TaskOperator.task_id/person_id"),
        "Signatory": (
            "~SigningTask.signatory_id/handler_id",
            "~SigningTask.signatory_id/~TaskOperator.task_id/person_id",
        ),
        "Contract": (
            "~Signatory.contract_id/~SigningTask.signatory_id/handler_id",
            "~Signatory.contract_id/~SigningTask.signatory_id/~TaskOperator.task_id/person_id",
        ),
    },
}

COMPLETE: Mapping[UnitKind, Mapping[str, tuple[str, ...]]] = {
    UnitKind.ENTERPRISE: {
        "Enterprise": (
            "authentications",
            "registry_snapshots",
            "memberships",
            "invitations",
            "applications",
            "retrieval_cases",
            "seals",
            "certificates",
            "departments",
            "custom_roles",
            "working_hours",
            "holidays",
            "devices",
            "approval_processes",
            "amount_bands",
            "categories",
            "resolutions",
            "monitors",
        ),
        # Grants, requests and delegations of a member are all within the same enterprise (invariant SAME_ENTERPRISE).
        "Membership": ("assignments", "grants", "use_requests", "delegations_given", "delegations_received"),
        "CustomRole": ("powers",),
        "ApprovalProcess": ("steps",),
        "ProcessStep": ("approvers",),
        "BusinessCategory": ("seals", "permissions"),
        "RetrievalCase": ("certifications", "reviews", "objections", "notices"),
        "Seal": ("holds", "grants", "open_grants", "cross_grants", "use_requests", "reviews", "proposals"),
        "SealGrant": ("contract_types", "templates", "emergency_uses"),
        "OpenGrant": ("templates",),
        "CrossEnterpriseGrant": ("contract_types", "holders"),
        "Delegation": ("contract_types",),
        "SealProposal": ("witnesses",),
        "SealUseRequest": ("documents", "approvals"),
    },
    UnitKind.CONTRACT: {
        "Contract": ("documents", "signatories"),
        "Signatory": ("tasks", "reviews", "consents"),
        "SigningTask": ("operators", "fixed_seals"),
    },
    UnitKind.PERSON: {
        "Person": (
            "memberships",
            "verifications",
            "applications",
            "invitations",
            "handled_tasks",
            "operated_tasks",
            "retrieval_cases",
            "staff_posts",
            "represented",
        ),
        "Membership": ("assignments",),
    },
}
"""The collections that a unit wires, because it holds every row of them. Any other stays unset and raises when read."""


def _parse(path: str) -> Path:
    """Read a path from its text."""
    steps = []
    for part in path.split("/"):
        record, _, column = part.removeprefix("~").rpartition(".")
        steps.append(Step(record, column))
    return tuple(steps)


@cache
def home_path(record_type: str) -> Path:
    """Return the steps from a record to its home root; empty for a root itself. Raises KeyError for an unknown type."""
    if record_type in ROOTS:
        return ()
    key = HOME_KEY[record_type]
    parent = shape_of(RECORDS[record_type]).column(key).ref or ""
    return (Step("", key), *home_path(parent))


@cache
def home_kind(record_type: str) -> UnitKind:
    """Return the kind of the unit that records of this type are at home in. Raises KeyError for an unknown type."""
    while record_type not in ROOTS:
        record_type = shape_of(RECORDS[record_type]).column(HOME_KEY[record_type]).ref or ""
    return ROOTS[record_type]


@cache
def paths_to(kind: UnitKind, record_type: str) -> tuple[Path, ...]:
    """Return every way in which records of this type get into units of this kind; empty if they never do."""
    if home_kind(record_type) == kind:
        return (home_path(record_type),)
    return tuple(_parse(path) for path in _GUESTS[kind].get(record_type, ()))


@cache
def locked_keys(record_type: str) -> tuple[str, ...]:
    """Return the columns of a record type of which a writer locks the home of what they name.

    Some make a person or post a guest of an enterprise's unit: whoever changes the guest sees in which enterprises it
    is one. The others rest a right on a membership elsewhere: whoever ends the membership sees what rests on it.
    """
    paths = [path for guest in _GUESTS[UnitKind.ENTERPRISE] for path in paths_to(UnitKind.ENTERPRISE, guest)]
    keys = tuple(path[0].column for path in paths if path[0].record == record_type)
    return (*keys, "membership_id") if record_type == "HolderAssignment" else keys


class Rows(Protocol):
    """Records by type, from wherever they are kept."""

    def get(self, record_type: str, ids: Collection[str]) -> Mapping[str, Any]:
        """Return those of the records that exist, by id."""

    def naming(self, record_type: str, column: str, ids: Collection[str]) -> Sequence[Any]:
        """Return the records of the type whose `column` holds one of the ids."""


def homes_of(records: Iterable[Any], rows: Rows) -> dict[tuple[str, str], Unit]:
    """Return the home unit of each record by type and id; a record whose chain is broken is left out."""
    homes: dict[tuple[str, str], Unit] = {}
    by_type: dict[str, list[Any]] = defaultdict(list)
    for record in records:
        by_type[type(record).__name__].append(record)
    for record_type, some in by_type.items():
        kind = home_kind(record_type)
        for record_id, roots in follow(record_type, home_path(record_type), some, rows).items():
            for root in roots:
                homes[record_type, record_id] = Unit(kind, root)
    return homes


def units_of(records: Iterable[Any], rows: Rows) -> dict[tuple[str, str], set[Unit]]:
    """Return every unit that holds each record, by the record's type and id."""
    units: dict[tuple[str, str], set[Unit]] = {}
    by_type: dict[str, list[Any]] = defaultdict(list)
    for record in records:
        by_type[type(record).__name__].append(record)
        units[type(record).__name__, record.id] = set()
    for record_type, some in by_type.items():
        for kind in UnitKind:
            for path in paths_to(kind, record_type):
                for record_id, roots in follow(record_type, path, some, rows).items():
                    units[record_type, record_id].update(Unit(kind, root) for root in roots)
    return units


def follow(record_type: str, path: Path, records: Iterable[Any], rows: Rows) -> dict[str, set[str]]:
    """Follow a path from each record, by one look-up per step; return the ids that it ends at, by the record's id."""
    # Where we stand: the records reached, each with the ids of those we started from.
    reached: dict[str, set[str]] = {record.id: {record.id} for record in records}
    standing: dict[str, Any] = {record.id: record for record in records}
    here = record_type
    for number, step in enumerate(path):
        onward: dict[str, set[str]] = defaultdict(set)
        if step.is_up:
            for record_id, record in standing.items():
                target = getattr(record, step.column)
                if target is not None:
                    onward[target] |= reached[record_id]
            here = shape_of(RECORDS[here]).column(step.column).ref or ""
            # The id of the root is enough: whether the row is there is the concern of the foreign key.
            standing = {} if number == len(path) - 1 else dict(rows.get(here, onward.keys()))
        else:
            here = step.record
            standing = {}
            for record in rows.naming(here, step.column, reached.keys()):
                standing[record.id] = record
                onward[record.id] |= reached[getattr(record, step.column)]
        reached = onward
    ends: dict[str, set[str]] = defaultdict(set)
    for end, starts in reached.items():
        for start in starts:
            ends[start].add(end)
    return ends
