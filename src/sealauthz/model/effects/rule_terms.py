"""The rules that an enterprise makes for itself, as the arguments of the acts that write them; and their digest.

`rules_digest` is what two persons agree to before such rules are written: a proposal carries it, and what is written
must have it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any

from sealauthz.model.records.membership import Role
from sealauthz.model.records.organisation import AdminPower, DayKind
from sealauthz.model.records.procedures import CategoryState, FaceFallback, ProcessState, RuleKind, StepMode
from sealauthz.schema import Instant
from sealauthz.schema.record import Ref


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of rules that another person is to confirm: which rules, the digest of them, and from when on."""

    rule_kind: RuleKind
    digest: str
    counts_from: Instant


@dataclass(frozen=True, slots=True)
class Band:
    """From this amount on (minor units of the currency), this process."""

    currency: str
    from_amount: int
    process: Annotated[str, Ref("ApprovalProcess")]


@dataclass(frozen=True, slots=True)
class Bands:
    """All amount bands of an enterprise."""

    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes `[from, to)` of a weekday (Monday is 1)."""

    weekday: int
    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True)
class Week:
    """All working hours of an enterprise; none means that it has no such limit."""

    hours: tuple[Hours, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """A day (counted from 1970-01-01) that is not what its weekday says."""

    day: int
    kind: DayKind = DayKind.HOLIDAY
    weekday: int | None = None


@dataclass(frozen=True, slots=True)
class Days:
    """All days of an enterprise that are not what their weekdays say."""

    days: tuple[Day, ...] = ()


@dataclass(frozen=True, slots=True)
class DepartmentTerms:
    """A department: a new one, or `department` with another name or place."""

    name: str
    department: Annotated[str | None, Ref("Department")] = None
    parent: Annotated[str | None, Ref("Department")] = None


@dataclass(frozen=True, slots=True)
class CustomRoleTerms:
    """A role of the enterprise's own making: a new one, or `role` with another name or other powers."""

    name: str
    role: Annotated[str | None, Ref("CustomRole")] = None
    powers: tuple[AdminPower, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """What changes of an organisation's settings; what is not named stays."""

    timezone: str | None = None
    departments: tuple[DepartmentTerms, ...] = ()
    custom_roles: tuple[CustomRoleTerms, ...] = ()


@dataclass(frozen=True, slots=True)
class Approver:
    """Who may pass a step: one member, or all who hold a role."""

    member: Annotated[str | None, Ref("Membership")] = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a process; `position` orders the steps, and those at one position stand side by side."""

    approvers: tuple[Approver, ...]
    position: int = 1
    mode: StepMode = StepMode.ANY


@dataclass(frozen=True, slots=True)
class NewProcess:
    """A process of approval."""

    name: str
    steps: tuple[Step, ...]
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class ProcessEdit:
    """What changes of a process; what is left out stays. Steps that are named take the place of all that there are."""

    name: str | None = None
    state: ProcessState | None = None
    is_open: bool | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class NewCategory:
    """A kind of business: which process and seals its contracts take, who may start one, and what holders may do."""

    name: str
    process: Annotated[str | None, Ref("ApprovalProcess")] = None
    face_fallback: FaceFallback = FaceFallback.NONE
    holders_may_download: bool = False
    holders_may_print: bool = False
    seals: tuple[Annotated[str, Ref("Seal")], ...] = ()
    members: tuple[Annotated[str, Ref("Membership")], ...] = ()


@dataclass(frozen=True, slots=True)
class CategoryEdit:
    """A category as it is to be: all of it but its state, which stays where it is left out."""

    name: str
    state: CategoryState | None = None
    process: Annotated[str | None, Ref("ApprovalProcess")] = None
    face_fallback: FaceFallback = FaceFallback.NONE
    holders_may_download: bool = False
    holders_may_print: bool = False
    seals: tuple[Annotated[str, Ref("Seal")], ...] = ()
    members: tuple[Annotated[str, Ref("Membership")], ...] = ()


def rules_digest(action: str, resource_type: str, resource_id: str, rules: Any) -> str:
    """Return the digest of rules that an act writes on a resource.

    It is `sha256:` and the SHA-256, in hexadecimal, of the JSON of the action, the resource (`Type:id`) and the
    arguments, each argument with its value or its default: keys in their order, no spaces, text as it is (UTF-8).
    """
    whole = {"action": action, "resource": f"{resource_type}:{resource_id}", "arguments": dataclasses.asdict(rules)}
    text = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
