"""Making grants: to a member, to all, to another enterprise; passing a right on, and going on with a predecessor's.

What a grant gives: USE to put the seal, APPROVE to decide on requests for it, AUDIT to read its log, AUTO_SIGN and
EMERGENCY those uses. MANAGE gives the daily care of one seal: to edit it, to submit its face for review, to switch it
off, to collect it and to say who keeps it. It never gives to switch a seal on, to grant it, to decide a review, to end
a seal, nor anything over the legal representative's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from sealauthz.model.effects.acting import check_length, member_of, own_role, refuse
from sealauthz.model.effects.told import about_seal, persons, seal_administrators
from sealauthz.model.records.cross_grants import CrossEnterpriseGrant, CrossGrantContractType
from sealauthz.model.records.grants import (
    GrantContractType,
    GrantScope,
    GrantTemplate,
    GrantTerm,
    OpenGrant,
    OpenGrantTemplate,
    SealGrant,
    SealRight,
)
from sealauthz.schema import UNLIMITED, Act, Instant, Outcome, Put
from sealauthz.schema.record import Ref

_IN_EFFECT = ("PENDING_EFFECT", "ACTIVE")


class GrantKind(StrEnum):
    """To whom a right is given."""

    MEMBER = "MEMBER"
    """To one member: a SealGrant. With `parent` in the context it passes a right on, with `adopts` it goes on with a
    predecessor's.
    """
    ALL = "ALL"
    """To all members, or to those of a department, for documents of templates: an OpenGrant."""
    ENTERPRISE = "ENTERPRISE"
    """To another enterprise: a CrossEnterpriseGrant."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template that a grant is limited to: the seal owner's own, or that of an initiator."""

    template_id: str
    initiator: Annotated[str | None, Ref("Enterprise")] = None


@dataclass(frozen=True, slots=True)
class NewGrant:
    """What is granted. `member` is for kind MEMBER, `department` for ALL, `holder` for ENTERPRISE.

    An adoption takes all of its terms from the grant that it goes on with, so that nothing else is said with `adopts`.
    """

    kind: GrantKind
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    right: SealRight = SealRight.USE
    member: Annotated[str | None, Ref("Membership")] = None
    department: Annotated[str | None, Ref("Department")] = None
    holder: Annotated[str | None, Ref("Enterprise")] = None
    scope: GrantScope = GrantScope.LISTED_TYPES
    contract_types: tuple[str, ...] = ()
    templates: tuple[Template, ...] = ()
    term: GrantTerm = GrantTerm.FIXED
    use_limit: int = UNLIMITED
    amount_max: int = UNLIMITED
    currency: str = ""
    may_subgrant: bool = False
    adopts: Annotated[str | None, Ref("SealGrant")] = None


def grant(act: Act) -> Outcome:
    """Give a right on a seal. It gives nothing until it is confirmed."""
    kind, given = GrantKind(act.arguments.kind), act.arguments
    if act.context.parent is not None and (kind is not GrantKind.MEMBER or given.adopts is not None):
        refuse("context[parent]", "is passed on to a member, and adopts nothing")
    if given.adopts is not None:
        return _adopted(act)
    if given.valid_to is None:
        refuse("arguments[valid_to]", "must say until when the grant lasts")
    match kind:
        case GrantKind.MEMBER:
            return _to_member(act)
        case GrantKind.ALL:
            return _to_all(act)
        case GrantKind.ENTERPRISE:
            return _to_enterprise(act)


def _grantor(act: Act) -> Any:
    """The role under which the subject grants: that of a seal administrator, or of the legal representative."""
    roles = ("LEGAL_REP",) if act.resource.kind == "LEGAL_REP" else ("SEAL_ADMIN", "LEGAL_REP")
    return own_role(act, act.resource.enterprise, *roles)


def _to_member(act: Act) -> Outcome:
    seal, given, parent = act.resource, act.arguments, act.context.parent
    if given.member is None:
        refuse("arguments[member]", "must say who gets the grant")
    member = member_of(act, seal.enterprise, given.member, "member")
    grantor = own_role(act, seal.enterprise) if parent is not None else _grantor(act)
    if member.person_id == act.subject.id:
        refuse("arguments[member]", "is the person who grants")
    made = SealGrant(
        act.new_id("grant"),
        seal.id,
        member.id,
        grantor.id,
        SealRight(given.right),
        GrantScope(given.scope),
        GrantTerm(given.term),
        _begin(act),
        given.valid_to,
        use_limit=given.use_limit,
        amount_max=given.amount_max,
        currency=given.currency,
        may_subgrant=given.may_subgrant,
        parent_id=None if parent is None else parent.id,
    )
    check_terms(act, made, grantor, has_no_end=made.term == GrantTerm.LONG_TERM)
    if parent is not None:
        _check_within(made, given, parent)
    types = [GrantContractType(act.new_id(f"type-{t}"), made.id, t) for t in _types(given)]
    templates = [
        GrantTemplate(act.new_id(f"template-{number}"), made.id, each.template_id, each.initiator)
        for number, each in enumerate(_templates(given))
    ]
    return _granted(act, made, [*types, *templates])


def _to_all(act: Act) -> Outcome:
    seal, given = act.resource, act.arguments
    _refuse_said(given, "member", "holder", "amount_max", "currency", "contract_types", "may_subgrant")
    if given.right != SealRight.USE:
        refuse("arguments[right]", "must be `USE`: nothing else is given to all")
    if not given.templates:
        refuse("arguments[templates]", "must not be empty: what all get is limited to templates")
    if given.department is not None and not seal.enterprise.departments.holding("id", given.department):
        refuse("arguments[department]", "is none of this enterprise")
    grantor = _grantor(act)
    made = OpenGrant(
        act.new_id("grant"),
        seal.id,
        grantor.id,
        _begin(act),
        given.valid_to,
        department_id=given.department,
        use_limit=given.use_limit,
    )
    check_terms(act, made, grantor, has_no_end=False)
    templates = [
        OpenGrantTemplate(act.new_id(f"template-{number}"), made.id, each.template_id, each.initiator)
        for number, each in enumerate(_templates(given))
    ]
    return _granted(act, made, templates)


def _to_enterprise(act: Act) -> Outcome:
    seal, given = act.resource, act.arguments
    _refuse_said(given, "member", "department", "templates", "may_subgrant")
    if given.right != SealRight.USE:
        refuse("arguments[right]", "must be `USE`: nothing else leaves the enterprise")
    if given.holder is None or given.holder == seal.enterprise_id:
        refuse("arguments[holder]", "must name another enterprise")
    grantor = _grantor(act)
    made = CrossEnterpriseGrant(
        act.new_id("grant"),
        seal.id,
        given.holder,
        grantor.id,
        GrantScope(given.scope),
        _begin(act),
        given.valid_to,
        use_limit=given.use_limit,
        amount_max=given.amount_max,
        currency=given.currency,
    )
    check_terms(act, made, grantor, has_no_end=False)
    types = [CrossGrantContractType(act.new_id(f"type-{t}"), made.id, t) for t in _types(given)]
    return _granted(act, made, types)


def _adopted(act: Act) -> Outcome:
    """Go on with a predecessor's grant: to the same member, in nothing wider, and for no longer."""
    seal, given = act.resource, act.arguments
    found = seal.grants.holding("id", given.adopts)
    old = found[0] if found else refuse("arguments[adopts]", "is no grant of this seal")
    if given.kind != GrantKind.MEMBER or old.parent_id is not None or old.state not in _IN_EFFECT:
        refuse("arguments[adopts]", "must be a member's grant that stands and that nobody passed on")
    grantor = _grantor(act)
    if old.grantor_id == grantor.id or old.membership_id == grantor.membership_id:
        refuse("arguments[adopts]", "is a grant that the subject gave, or has")
    made = SealGrant(
        act.new_id("grant"),
        seal.id,
        old.membership_id,
        grantor.id,
        SealRight(old.right),
        GrantScope(old.scope),
        GrantTerm(old.term),
        max(old.valid_from, act.now),
        min(old.valid_to, grantor.valid_to),
        use_limit=uses_left(old),
        amount_max=old.amount_max,
        currency=old.currency,
        may_subgrant=old.may_subgrant,
        adopts_id=old.id,
    )
    check_terms(act, made, grantor, has_no_end=made.term == GrantTerm.LONG_TERM)
    types = [GrantContractType(act.new_id(f"type-{t.id}"), made.id, t.contract_type) for t in old.contract_types]
    templates = [
        GrantTemplate(act.new_id(f"template-{t.id}"), made.id, t.template_id, t.initiator_id) for t in old.templates
    ]
    return _granted(act, made, [*types, *templates])


def _granted(act: Act, made: Any, details: Iterable[Any]) -> Outcome:
    told = persons(seal_administrators(act.resource.enterprise, act.now), [act.subject.id])
    event = about_seal("GRANT_TO_CONFIRM", act, act.resource, told, grant_id=made.id, valid_until=made.valid_to)
    changes = (Put(made), *(Put(detail) for detail in details))
    return Outcome(changes, (event,), {"grant_id": made.id, "grant_type": type(made).__name__})


def _begin(act: Act) -> Instant:
    """When a grant begins: now, unless it says otherwise."""
    begin: Instant | None = act.arguments.valid_from
    return act.now if begin is None else begin


def uses_left(old: Any) -> int:
    """Return how often a grant can still be used; refused where it cannot."""
    left = old.use_limit if old.use_limit == UNLIMITED else old.use_limit - old.used
    return int(left) if left > 0 else refuse("arguments[adopts]", "is used up")


def _types(given: Any) -> tuple[str, ...]:
    """The contract types that a grant lists, each once; some where it covers listed ones, none where it covers all."""
    types = tuple(dict.fromkeys(given.contract_types))
    if (given.scope == GrantScope.LISTED_TYPES) != bool(types) or "" in types:
        refuse("arguments[contract_types]", "must list what `LISTED_TYPES` covers, and nothing for `ALL_CONTRACTS`")
    return types


def _templates(given: Any) -> tuple[Template, ...]:
    templates: tuple[Template, ...] = given.templates
    if len({each.template_id for each in templates}) < len(templates) or any(not t.template_id for t in templates):
        refuse("arguments[templates]", "must name each template once")
    return templates


def _refuse_said(given: Any, *names: str) -> None:
    """Refuse arguments that another kind of grant has."""
    for name in names:
        if getattr(given, name) not in (None, "", (), False, UNLIMITED):
            refuse(f"arguments[{name}]", f"is nothing that a grant of kind `{given.kind}` has")


def check_terms(act: Act, made: Any, grantor: Any, *, has_no_end: bool) -> None:
    """Refuse terms that no grant may have, and a term beyond that of the grantor's role (I9)."""
    if made.valid_from >= made.valid_to:
        refuse("arguments[valid_to]", "must be after the grant begins")
    if not has_no_end:
        check_length(made.valid_from, made.valid_to, act.context.parameters.grant_longest)
    if made.valid_from < grantor.valid_from or made.valid_to > grantor.valid_to:
        refuse("arguments[valid_to]", "must be within the term of the grantor's role")
    if made.use_limit < 1:
        refuse("arguments[use_limit]", "must be at least 1")
    if hasattr(made, "amount_max") and (made.amount_max < 0 or (made.amount_max == UNLIMITED) != (made.currency == "")):
        refuse("arguments[amount_max]", "must come with its currency, and a currency with it")


def _check_within(made: SealGrant, given: Any, parent: Any) -> None:
    """Refuse to pass on more than one has (S-09)."""
    types = {each.contract_type for each in parent.contract_types}
    templates = {(each.template_id, each.initiator_id) for each in parent.templates}
    named = {(each.template_id, each.initiator) for each in given.templates}
    too_wide = {
        "right": made.right != parent.right,
        "may_subgrant": made.may_subgrant,
        "valid_from": made.valid_from < parent.valid_from,
        "valid_to": made.valid_to > parent.valid_to,
        "use_limit": made.use_limit > parent.use_limit,
        "amount_max": bool(parent.currency)
        and (made.currency != parent.currency or made.amount_max > parent.amount_max),
        "contract_types": parent.scope == "LISTED_TYPES"
        and (made.scope != parent.scope or not types.issuperset(given.contract_types)),
        "templates": bool(templates) and not (named and named <= templates),
    }
    for name, is_wider in too_wide.items():
        if is_wider:
            refuse(f"arguments[{name}]", "gives more than the grant that is passed on")


EVENTS = {"GRANT_TO_CONFIRM": "A right on a seal waits for its confirmation; for those who may confirm it."}
"""The codes of these events, each with what it tells."""
