"""Acts that put a seal: for a signing task or on paper; and looking at its use."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from sealauthz.model.actions.common import Context, enterprises_of, found
from sealauthz.model.actions.known import (
    approvers_of,
    authors_of,
    emergencies_of,
    given_to,
    grants_of,
    insiders,
    passed_on_by,
    persons,
    principal_ids,
)
from sealauthz.model.effects import alerts, engine, outings, sealing
from sealauthz.model.records.contracts import Contract, whole_digest
from sealauthz.model.records.identity import IdentityVerification, Person
from sealauthz.model.records.organisation import Enterprise
from sealauthz.model.records.requests import SealUseRequest
from sealauthz.model.records.seal_uses import SealUse
from sealauthz.model.records.seals import Seal
from sealauthz.model.records.signing import SigningTask
from sealauthz.schema import EMPTY, Instant, Resolver, ResolverInput, actions, looks

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = 60_000_000


@dataclass(slots=True)
class SealUseContext(Context):
    """Using a seal: for which signing task, and on which intent check.

    Of the server's making: the local day (counted from 1970-01-01), weekday (Monday is 1) and minute of the day where
    the seal's owner is, None where its time zone is not known; `holders`, the enterprises to which the seal was granted
    across enterprises and which the subject belongs to, in the order of their ids; `principals`, those who let the
    subject act for them at the seal's owner, or passed a grant on to one of them, each with what they represent; and
    `emergencies`, in an emergency and where what was reserved is sealed, the tasks that the subject used the seal for
    in emergencies before, with `afterwards`, those who approved that, and who had given them the right just then, each
    with what they represent.

    Of the task's contract: `documents_digest`, the digest of all its documents (`whole_digest`); `parties`, the other
    enterprises for which the subject or one of the principals signed a task of it or is named for one, and all others
    where an enterprise holds the seal; `approvers`, those who decided on requests to use the seal for it; and
    `authors`, those who reviewed it for the seal's owner, recorded or confirmed a resolution of the owner about it, or
    let a person act for several of its parties, each with what they represent; and `insiders`, those who gave or
    confirmed a grant by which the subject may use the seal within `parameters.cooling_off` before now, or named them
    for its holder; those who had put an approver in place so shortly before the verdict; and, where a person is a
    party, whom the registry names for the owner.
    """

    task: SigningTask | None = None
    verification: IdentityVerification | None = None
    reason: str | None = None
    local_day: int | None = None
    local_weekday: int | None = None
    local_minute: int | None = None
    holders: list[Enterprise] = dataclasses.field(default_factory=list)
    principals: list[Person] = dataclasses.field(default_factory=list)
    documents_digest: str | None = None
    parties: list[Enterprise] = dataclasses.field(default_factory=list)
    approvers: list[Person] = dataclasses.field(default_factory=list)
    authors: list[Person] = dataclasses.field(default_factory=list)
    insiders: list[Person] = dataclasses.field(default_factory=list)
    emergencies: list[SigningTask] = dataclasses.field(default_factory=list)
    afterwards: list[Person] = dataclasses.field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class SealingContext(SealUseContext):
    """Putting the seal of a reserved use (`use`), in the moment of sealing: what is found is as where it was used.

    `seal` is the seal, `task` and `verification` those of the use, with the check as it is now.
    """

    use: SealUse
    seal: Seal


@dataclass(slots=True)
class StampContext(Context):
    """Using a physical seal, or carrying it out: for which approved request, with the digest of its one-time code.

    Of the server's making: `contract`, the one that a request for this seal names, None where it names none, and
    `documents_digest`, the digest of all its documents (`whole_digest`), or of those that a request without one lists;
    `approvers`, those who decided on the request, each with what they represent; `authors`, as in SealUseContext;
    `parties`, the other enterprises of the contract for which the subject acts too, or that they are or were a member
    of, and all others where an enterprise holds the seal; `insiders`, who had put an approver in place and, where a
    person is a party, whom the registry names, as in SealUseContext; the local day, weekday and minute as there; and
    `day_ends`, the end of that day. None where the time zone of the seal's owner is not known.
    """

    request: SealUseRequest | None = None
    verification: IdentityVerification | None = None
    code_digest: str | None = None
    contract: Contract | None = None
    documents_digest: str | None = None
    day_ends: Instant | None = None
    local_day: int | None = None
    local_weekday: int | None = None
    local_minute: int | None = None
    approvers: list[Person] = dataclasses.field(default_factory=list)
    authors: list[Person] = dataclasses.field(default_factory=list)
    parties: list[Enterprise] = dataclasses.field(default_factory=list)
    insiders: list[Person] = dataclasses.field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class UseRecordContext(Context):
    """Looking at one use of a seal: `seal` is the seal that was used, `holder` the enterprise for which it was used if
    that is not the seal's owner.
    """

    seal: Seal
    holder: Enterprise | None = None


def _seal_use(query: ResolverInput) -> Mapping[str, Any]:
    seal = query.resource
    clock = _clock_at(seal.enterprise.timezone, query.now // _MINUTE)
    # Those who delegated to the subject at the seal's owner, each in the unit that holds what they represent.
    ids = principal_ids(query, seal.enterprise, {seal.id})
    resolved = _sealed(query, seal, ids)
    resolved["holders"] = holders_among(query, seal.cross_grants)
    resolved["principals"] = persons(query, ids)
    resolved |= emergencies_of(query, seal)
    if clock is not None:
        resolved |= clock
    return resolved


def _seal_use_again(query: ResolverInput) -> Mapping[str, Any]:
    seal = query.resource
    return _sealed(query, seal, principal_ids(query, seal.enterprise, {seal.id}))


@lru_cache(maxsize=1_024)
def _clock_at(timezone: str, minute: int) -> dict[str, Any] | None:
    """The day, weekday and minute in a time zone, of a minute since 1970; None where the zone is not known."""
    local = _local_time(timezone, minute * _MINUTE)
    return None if local is None else _clock(local)


def _clock(local: datetime) -> dict[str, Any]:
    """The day, weekday and minute of a local time."""
    day = (local.date() - _EPOCH.date()).days
    return {"local_day": day, "local_weekday": local.isoweekday(), "local_minute": local.hour * 60 + local.minute}


def _sealing(query: ResolverInput) -> Mapping[str, Any]:
    """What is found where a seal is used, about the use that was reserved."""
    made = query.resource
    seal = query.snapshot.find("Seal", made.seal_id)
    if seal is None:
        return {}
    check = None if made.verification_id is None else query.snapshot.find("IdentityVerification", made.verification_id)
    task = query.snapshot.find("SigningTask", made.task_id)
    given = {"task": task, "verification": check}
    resolved = _seal_use(query._replace(resource=seal, given=given))
    return {**resolved, **given, "use": made, "seal": seal}


def _sealed(query: ResolverInput, seal: Seal, principals: set[str]) -> dict[str, Any]:
    """What is sealed, and for whom else those act who are to seal it."""
    task = query.given.get("task")
    if task is None:
        return dict.fromkeys(("parties", "approvers", "authors", "insiders"), EMPTY) | {"documents_digest": None}
    contract = task.signatory.contract
    made: Any = seal.use_requests
    requests = made.holding("contract_id", contract.id) if made else ()
    parties = _other_parties(query, seal.enterprise_id, contract, {query.subject.id, *principals}, _held(seal))
    return {
        "documents_digest": documents_digest(contract),
        "parties": parties,
        "approvers": approvers_of(query, requests),
        "authors": authors_of(query, seal.enterprise, contract, parties),
        "insiders": insiders(query, seal.enterprise, contract, given_to(query, seal), requests, parties),
    }


def sealed_by_hand(query: ResolverInput, enterprise: Enterprise, contract: Contract) -> Mapping[str, Any]:
    """What is asked about an act that seals for an enterprise without a seal: when it is there, and for whom else the
    subject and those act who approved the use of one of its seals for the contract.
    """
    requests = [
        r for seal in enterprise.seals for r in cast(Any, seal.use_requests).holding("contract_id", contract.id)
    ]
    own = cast(Any, enterprise.memberships).holding("person_id", query.subject.id)
    seal_ids = {seal.id for seal in enterprise.seals}
    principals = passed_on_by(own, seal_ids)
    parties = _other_parties(query, enterprise.id, contract, {query.subject.id, *principals})
    resolved = {
        "parties": parties,
        "principals": persons(query, principals),
        "approvers": approvers_of(query, requests),
        "authors": authors_of(query, enterprise, contract, parties),
        "insiders": insiders(query, enterprise, contract, grants_of(own, seal_ids), requests, parties),
    }
    clock = _clock_at(enterprise.timezone, query.now // _MINUTE)
    return resolved if clock is None else {**resolved, **clock}


def _held(seal: Seal) -> set[str]:
    return {grant.holder_id for grant in seal.cross_grants}


def _other_parties(
    query: ResolverInput, owner_id: str, contract: Contract, acting: set[str], holders: Set[str] = frozenset()
) -> list[Any]:
    """The other enterprises of a contract for which these persons act too, or acted as members; all of them where an
    enterprise holds the seal, which may be one of them or stand above one; the sender, too, then.

    Who stamped for a party is named in none of its tasks, and may have left it since.
    """
    acting_persons = (query.subject, *persons(query, acting - {query.subject.id}))
    # Whatever account they did it with.
    accounts = [account for person in acting_persons for account in (person, *person.accounts)]
    acting = {account.id for account in accounts}
    concerned = {membership.enterprise_id for account in accounts for membership in account.memberships}
    others = set()
    for party in contract.signatories:
        enterprise_id = party.enterprise_id
        if not enterprise_id or enterprise_id == owner_id:
            continue
        if holders or enterprise_id in concerned or _acts_for(acting, party.tasks):
            others.add(enterprise_id)
    if holders and contract.initiator_id != owner_id:
        others.add(contract.initiator_id)
    return found(query.snapshot, "Enterprise", others)


def _acts_for(persons: set[str], tasks: list[SigningTask]) -> bool:
    """Whether one of the persons signed one of the tasks, or is named for one."""
    for task in tasks:
        if task.signed_by_id in persons or task.signed_for_id in persons or task.handler_id in persons:
            return True
        for operator in task.operators:
            if operator.person_id in persons:
                return True
    return False


def documents_digest(contract: Contract) -> str | None:
    """The digest of all documents of a contract, as `whole_digest` gives it."""
    documents = contract.documents
    if len(documents) == 1:  # by far the most
        return documents[0].digest or None
    return whole_digest([document.digest for document in documents])


def _stamped_digest(request: SealUseRequest, contract: Contract | None) -> str | None:
    """The digest of what a request has stamped: its contract, or the papers that it lists."""
    if contract is not None:
        return documents_digest(contract)
    return None if request.contract_id else whole_digest([document.digest for document in request.documents])


def _stamp(query: ResolverInput) -> Mapping[str, Any]:
    resolved = _stamp_again(query)
    timezone = query.resource.enterprise.timezone
    clock = _clock_at(timezone, query.now // _MINUTE)
    return resolved if clock is None else {**resolved, **clock, "day_ends": end_of_day(timezone, query.now)}


def _stamp_again(query: ResolverInput) -> Mapping[str, Any]:
    """What the request leads to. One for another seal leads nowhere from this one; the policies refuse it."""
    seal, request = query.resource, query.given.get("request")
    if request is None or request.seal_id != seal.id:
        nobody = dict.fromkeys(("approvers", "parties", "authors", "insiders"), EMPTY)
        return {"contract": None, "documents_digest": None, **nobody}
    contract = None if request.contract_id is None else query.snapshot.find("Contract", request.contract_id)
    parties = (
        EMPTY
        if contract is None
        else _other_parties(query, seal.enterprise_id, contract, {query.subject.id}, _held(seal))
    )
    return {
        "contract": contract,
        "documents_digest": _stamped_digest(request, contract),
        "approvers": approvers_of(query, [request]),
        "authors": EMPTY if contract is None else authors_of(query, seal.enterprise, contract, parties),
        "parties": parties,
        "insiders": EMPTY if contract is None else insiders(query, seal.enterprise, contract, (), [request], parties),
    }


def holders_among(query: ResolverInput, grants: Iterable[Any]) -> list[Any]:
    """The enterprises that hold one of the grants and that the subject belongs to, in the order of their ids."""
    if not grants:
        return EMPTY
    holders = {grant.holder_id for grant in grants}
    return found(query.snapshot, "Enterprise", holders & set(enterprises_of(query.subject)))


@cache
def _zone(name: str) -> ZoneInfo | None:
    """The time zone of that name; None where there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # no such zone (a KeyError), or no name of one
        return None


def end_of_day(timezone: str, now: Instant) -> Instant | None:
    """The end of the day of a time in a zone; None where the zone is not known."""
    local = _local_time(timezone, now)
    if local is None:
        return None
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) + timedelta(days=1)
    return (midnight - _EPOCH) // timedelta(microseconds=1)


def _local_time(timezone: str, now: Instant) -> datetime | None:
    """The time in a zone; None where the zone is not known."""
    zone = _zone(timezone)
    return None if zone is None else (_EPOCH + timedelta(microseconds=now)).astimezone(zone)


_STAMP_GIVES = ("request", "verification", "code_digest")
_SEAL_USE = Resolver(
    find=_seal_use, paths={"holders": ("cross_grants", "holder_id")}, is_about_subject=True, find_again=_seal_use_again
)
_STAMP = Resolver(
    find=_stamp, paths={"contract": ("use_requests", "contract_id")}, is_about_subject=True, find_again=_stamp_again
)

_SEALING = Resolver(
    find=_sealing,
    paths={"seal": ("seal_id",), "holders": ("seal_id", "cross_grants", "holder_id")},
    is_about_subject=True,
)
_USE_RECORD = Resolver(along={"seal": ("seal_id",), "holder": ("holder_id",)})

ACTIONS = (
    *actions(
        "Seal",
        SealUseContext,
        "use",
        gives=("task", "verification"),
        resolver=_SEAL_USE,
        arguments=sealing.UseArguments,
        effect=sealing.use,
    ),
    *actions(
        "Seal",
        SealUseContext,
        "auto_use",
        gives=("task",),
        resolver=_SEAL_USE,
        arguments=sealing.UseArguments,
        effect=sealing.auto_use,
    ),
    *actions(
        "Seal",
        SealUseContext,
        "emergency_use",
        gives=("task", "verification", "reason"),
        resolver=_SEAL_USE,
        arguments=sealing.UseArguments,
        effect=sealing.emergency_use,
    ),
    *(
        action
        for name, effect in (("stamp", outings.stamp), ("carry_out", outings.carry_out))
        for action in actions(
            "Seal",
            StampContext,
            name,
            gives=_STAMP_GIVES,
            resolver=_STAMP,
            arguments=outings.OpeningArguments,
            effect=effect,
        )
    ),
    *actions("SealOuting", Context, "alert", effect=alerts.raised),
    *actions("DeniedAttempt", Context, "alert", effect=alerts.raised),
    *actions("SealUse", Context, "alert", effect=alerts.raised),
    *actions("SealOuting", Context, "record_return", effect=outings.record_return),
    *actions("SealUse", SealingContext, "seal", resolver=_SEALING, effect=engine.seal),
    *actions("SealUse", UseRecordContext, "confirm_sealed", resolver=_USE_RECORD, effect=engine.confirm_sealed),
    *actions("SealUse", UseRecordContext, "report_not_sealed", resolver=_USE_RECORD, effect=engine.report_not_sealed),
    *actions("SealUse", UseRecordContext, "view", resolver=_USE_RECORD, effect=looks),
)
