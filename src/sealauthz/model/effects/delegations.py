"""Letting a colleague use seals in one's place for a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from sealauthz.model.effects.acting import check_length, member_of, refuse
from sealauthz.model.records.delegations import Delegation, DelegationContractType, DelegationPower, DelegationState
from sealauthz.model.records.grants import GrantScope
from sealauthz.schema import Act, Event, Instant, Outcome, Put
from sealauthz.schema.effect import Value
from sealauthz.schema.record import Ref


@dataclass(frozen=True, slots=True)
class NewDelegation:
    """Whom one lets use a seal in one's place, or all seals that one may use, for which contracts and how long."""

    delegate: Annotated[str, Ref("Membership")]
    valid_to: Instant
    valid_from: Instant | None = None
    seal: Annotated[str | None, Ref("Seal")] = None
    scope: GrantScope = GrantScope.ALL_CONTRACTS
    contract_types: tuple[str, ...] = ()
    reason: str = ""


def delegate(act: Act) -> Outcome:
    """Ask a colleague to act in one's place. Only the use of a seal is delegated, and it counts once it is accepted."""
    principal, given = act.resource, act.arguments
    enterprise = principal.enterprise
    chosen = member_of(act, enterprise, given.delegate, "delegate")
    if chosen.person_id == principal.person_id:
        refuse("arguments[delegate]", "is the person who delegates")
    begin = act.now if given.valid_from is None else given.valid_from
    if not max(begin, act.now) < given.valid_to:
        refuse("arguments[valid_to]", "must be after the delegation begins, and to come")
    check_length(begin, given.valid_to, act.context.parameters.delegation_longest)
    if given.seal is not None:
        seals = enterprise.seals.holding("id", given.seal)
        if not seals or seals[0].kind == "LEGAL_REP":
            refuse("arguments[seal]", "is no seal of this enterprise that others can use in one's place")
    types = tuple(dict.fromkeys(given.contract_types))
    if (given.scope == GrantScope.LISTED_TYPES) != bool(types) or "" in types:
        refuse("arguments[contract_types]", "must list what `LISTED_TYPES` covers, and nothing for `ALL_CONTRACTS`")
    made = Delegation(
        act.new_id("delegation"),
        principal.id,
        chosen.id,
        DelegationPower.USE_SEAL,
        GrantScope(given.scope),
        begin,
        given.valid_to,
        seal_id=given.seal,
        reason=given.reason,
        offered_by_id=act.subject.id,
        offered_at=act.now,
    )
    details = (Put(DelegationContractType(act.new_id(f"type-{each}"), made.id, each)) for each in types)
    event = _event("DELEGATION_OFFERED", act, enterprise.id, made, chosen.person_id)
    return Outcome((Put(made), *details), (event,), {"delegation_id": made.id})


def accept(act: Act) -> Outcome:
    """Accept to act in a colleague's place."""
    delegation = act.resource
    principal = delegation.principal
    event = _event("DELEGATION_ACCEPTED", act, principal.enterprise_id, delegation, principal.person_id)
    return Outcome((act.set(delegation, state=DelegationState.ACTIVE),), (event,))


def revoke(act: Act) -> Outcome:
    """End a delegation at once; one that nobody accepted yet, too."""
    delegation = act.resource
    principal, chosen = delegation.principal, delegation.delegate
    told = tuple(p for p in (principal.person_id, chosen.person_id) if p != act.subject.id)
    event = _event("DELEGATION_ENDED", act, principal.enterprise_id, delegation, *told)
    return Outcome((act.set(delegation, state=DelegationState.REVOKED),), (event,))


def _event(code: str, act: Act, tenant_id: str, delegation: Any, *told: str) -> Event:
    values: dict[str, Value] = {"actor_id": act.subject.id, "valid_until": delegation.valid_to}
    if delegation.seal_id is not None:
        values["seal_id"] = delegation.seal_id
    return Event(code, tenant_id, ("Delegation", delegation.id), told, values)


EVENTS = {
    "DELEGATION_OFFERED": "Somebody wants the recipient to use seals in their place.",
    "DELEGATION_ACCEPTED": "The delegate accepted; for the person who delegates.",
    "DELEGATION_ENDED": "A delegation ended; for the other of the two.",
}
"""The codes of these events, each with what it tells."""
