"""What an edit of a record may not touch: what never changes, what only rises, what is over for good, and the terms of
a right once somebody has confirmed them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sealauthz.facts.store.changes import Change, Changes, all_of, broken, name_of
from sealauthz.facts.units import HOME_KEY, Rows
from sealauthz.model.identifiers import uscc_problem
from sealauthz.model.lives import LIVES

_FIXED: Mapping[str, Sequence[tuple[str, tuple[str, ...]]]] = {
    # Another person in the same membership would inherit its roles and grants: joining again makes a new one.
    "Membership": (("I3", ("person_id",)),),
    "RoleAssignment": (("I8", ("role", "custom_role_id")),),
    "IdentityVerification": (
        ("I12", ("person_id", "method", "purpose", "provider_ref", "bound_type", "bound_id", "bound_digest")),
    ),
    # Whoever is a party stays the same party: tasks, fixed seals and the rights of callers hang on it.
    "Contract": (("C-02", ("initiator_id",)),),
    "Signatory": (("C-02", ("kind", "person_id", "enterprise_id")),),
    # What was used, approved, proposed, consented to or told is history.
    "SealUse": (("I16", ("seal_id", "person_id", "digest", "used_at", "grant_id", "holder_id")),),
    "EmergencyUse": (("I16", ("used_at", "reason")),),
    "Approval": (("I14", ("approver_id", "step", "step_id", "verdict", "decided_at")),),
    "PartyConsent": (("U-14", ("kind", "given_by_id", "person_id", "given_at")),),
    "BoardResolution": (("U-17", ("contract_id", "kind", "source", "passed_at")),),
    "NoticeDelivery": (("I17", ("person_id", "channel", "sent_at")),),
    "SealReview": (("S-02", ("submitted_by_id", "submitted_at", "face_digest", "name_on_seal")),),
    "SealProposal": (("S-14", ("proposed_by_id", "proposed_at", "ending", "reason")),),
    "SealWitness": (("S-14", ("membership_id",)),),
    # Who has a right, from whom and on what.
    "SealGrant": (("S-10", ("membership_id", "grantor_id", "right", "parent_id")),),
    "OpenGrant": (("S-10", ("grantor_id",)),),
    "CrossEnterpriseGrant": (("S-10", ("holder_id", "grantor_id")),),
    "HolderAssignment": (("U-20", ("membership_id",)),),
    "Delegation": (("U-18", ("delegate_id", "power", "seal_id")),),
    "SealUseRequest": (("I14", ("applicant_id",)),),
    "GrantContractType": (("S-10", ("contract_type",)),),
    "GrantTemplate": (("S-10", ("template_id",)),),
    "OpenGrantTemplate": (("S-10", ("template_id",)),),
    "CrossGrantContractType": (("S-10", ("contract_type",)),),
    "DelegationContractType": (("U-18", ("contract_type",)),),
    "RequestDocument": (("U-15", ("digest",)),),
    "MonitorSubscription": (("W-06", ("leader_id", "seal_id")),),
    # Whom it is about, and who said so. Another person's is another record.
    "JoinApplication": (("I17", ("person_id", "applied_at")),),
    "Invitation": (("M-06", ("target_id", "token_hash")),),
    "RetrievalCase": (("I17", ("applicant_id", "opened_at")),),
    "EnterpriseAuthentication": (("I17", ("applicant_id", "method", "purpose", "case_id")),),
    "RetrievalReview": (("R-08", ("staff_id", "attempt", "verdict", "decided_at")),),
    "Objection": (("I17", ("person_id", "raised_at")),),
    "SealHold": (("I17", ("source", "placed_at", "placed_by_id")),),
}
"""Columns that never change, beside the home keys, with the invariant that says so."""

_RISING: Mapping[str, tuple[str, str]] = {
    "SealGrant": ("I10", "used"),
    "OpenGrant": ("I10", "used"),
    "CrossEnterpriseGrant": ("I10", "used"),
    "SealUseRequest": ("I10", "used"),
    "JoinApplication": ("M-02", "reminders"),
    "RetrievalCase": ("I6", "attempt"),
}
"""The counters that are never lowered."""


_ONCE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "IdentityVerification": ("I12", ("passed_at", "consumed_at")),
    "RetrievalCase": ("I17", ("executed_at",)),
    "SigningTask": ("I16", ("signed_by_id",)),
    "EmergencyUse": ("I16", ("approved_by_id", "approved_at")),
}
"""Columns that say that something has happened: once they hold a value they keep it."""

_DECIDED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "SealReview": ("S-02", ("decided_by_id", "decided_at")),
    "InternalReview": ("C-07", ("reviewer_id", "decided_at")),
    "JoinApplication": ("I17", ("decided_by_id", "decided_at")),
    "EnterpriseAuthentication": ("I17", ("decided_at",)),
}
"""What a record keeps, by whom and when, once its state is one of `_VERDICTS`."""

_VERDICTS = frozenset(
    ("PASSED", "APPROVED", "REJECTED", "SIGN_REJECTED", "WITHDRAWN", "EXPIRED", "CANCELLED", "SUPERSEDED")
)


@dataclass(frozen=True, slots=True)
class _Terms:
    """The terms of a right, settled once `column` no longer holds `open_value`: they may shrink and never grow."""

    invariant: str
    column: str
    open_value: str
    rises: tuple[str, ...] = ()
    """The columns of which a larger value gives more."""
    keeps: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    """The record types whose rows, by naming it, give more."""
    limits: tuple[str, ...] = ()
    """Those of the record types of which having no row at all gives everything."""

    def are_settled(self, record: Any) -> bool:
        """Tell whether somebody has agreed to the terms of this record."""
        return bool(getattr(record, self.column) != self.open_value)


_TERMS: Mapping[str, _Terms] = {
    "SealGrant": _Terms(
        "S-10",
        "confirmation",
        "NONE",
        rises=("valid_to", "use_limit", "amount_max", "may_subgrant"),
        details=("GrantContractType", "GrantTemplate"),
        limits=("GrantTemplate",),
    ),
    "OpenGrant": _Terms(
        "S-10",
        "confirmation",
        "NONE",
        rises=("valid_to", "use_limit"),
        keeps=("department_id",),
        details=("OpenGrantTemplate",),
    ),
    "CrossEnterpriseGrant": _Terms(
        "S-10", "confirmation", "NONE", rises=("valid_to", "use_limit"), details=("CrossGrantContractType",)
    ),
    "Delegation": _Terms("U-18", "state", "PENDING_ACCEPT", rises=("valid_to",), details=("DelegationContractType",)),
    "SealUseRequest": _Terms(
        "U-15",
        "state",
        "DRAFT",
        rises=("valid_to", "uses"),
        keeps=("contract_id", "process_id", "device_id", "is_out_of_hours", "carries_out"),
        details=("RequestDocument",),
    ),
}


def check_edit(change: Change) -> None:
    """Check what an edit of a record may not touch. Raises InvariantBroken."""
    before, after = change.before, change.after
    home_key = HOME_KEY.get(change.record_type)
    for invariant, columns in (*_FIXED.get(change.record_type, ()), *([("HOME", (home_key,))] if home_key else ())):
        _check_kept(change, invariant, columns)
    if change.record_type in _RISING:
        invariant, counter = _RISING[change.record_type]
        if getattr(after, counter) < getattr(before, counter):
            broken(invariant, f"{change} must not lower `{counter}`")
    _check_lives(change)
    if change.record_type in _ONCE:
        invariant, columns = _ONCE[change.record_type]
        _check_kept(change, invariant, [column for column in columns if getattr(before, column)])
    if change.record_type in _DECIDED and before.state in _VERDICTS:
        _check_kept(change, *_DECIDED[change.record_type])
    terms = _TERMS.get(change.record_type)
    if terms is not None and terms.are_settled(before):
        _check_terms(change, terms)
    match change.record_type:
        case "Enterprise":
            if before.auth_state == "AUTHENTICATED" and before.uscc != after.uscc:
                broken("I2", f"{change} is authenticated and must keep its `uscc`")
            check_uscc(change)
        case "Seal":
            # What was reviewed, granted and put into keeping is a seal of that kind, and of that person.
            if before.state != "DRAFT":
                _check_kept(change, "S-02", ("kind",))
            if before.legal_rep_id is not None:
                _check_kept(change, "S-05", ("legal_rep_id",))
        case _:
            pass


def check_uscc(change: Change) -> None:
    """Check the enterprise's USCC. Raises InvariantBroken."""
    problem = uscc_problem(change.after.uscc)
    if problem is not None:
        broken("I2", f"{change} has a `uscc` that is not valid: {problem}")


def _check_lives(change: Change) -> None:
    """Check that no state goes back, or leaves a final one. Raises InvariantBroken."""
    for life in LIVES.get(change.record_type, ()):
        before, after = getattr(change.before, life.column), getattr(change.after, life.column)
        allowed = life.reachable(before)
        if before == after or after in allowed:
            continue
        if not allowed:
            broken(life.invariant, f"{change} is {before}, which is final, and cannot become {after}")
        cannot = "cannot go back to" if life.is_before(after, before) else "cannot become"
        right = ", ".join(sorted(allowed))
        broken(life.invariant, f"{change} is {before} and {cannot} {after} in one write; it may become {right}")


def _check_kept(change: Change, invariant: str, columns: Sequence[str]) -> None:
    for column in columns:
        if getattr(change.before, column) != getattr(change.after, column):
            broken(invariant, f"{change} must keep its `{column}`")


def _check_terms(change: Change, terms: _Terms) -> None:
    """Check that settled terms do not grow."""
    before, after = change.before, change.after
    _check_kept(change, terms.invariant, terms.keeps)
    wider = [column for column in terms.rises if getattr(after, column) > getattr(before, column)]
    if after.valid_from < before.valid_from:
        wider.append("valid_from")
    if getattr(before, "scope", "") == "LISTED_TYPES" and after.scope != before.scope:
        wider.append("scope")
    # Without a currency there was no limit; one in another currency is another limit.
    if getattr(before, "currency", "") and after.currency != before.currency:
        wider.append("currency")
    if wider:
        broken(terms.invariant, f"{change} must not be widened in `{wider[0]}`: that takes a new one")


SETTLED: frozenset[str] = frozenset(_TERMS)
"""The record types with terms that are settled at some time."""


def owners_of_details(changes: Changes) -> set[tuple[str, str]]:
    """Return the rights whose terms are said by rows that come or go, by type and id."""
    return {
        (record_type, getattr(change.before if change.after is None else change.after, HOME_KEY[detail_type]))
        for record_type, terms in _TERMS.items()
        for detail_type in terms.details
        for change in changes.of(detail_type)
    }


def check_details(changes: Changes, rows: Rows, unfinished: Collection[tuple[str, str]] = ()) -> None:
    """S-10, U-15, U-18: no row comes or goes that gives more than what was confirmed, accepted or submitted.

    `unfinished` are rights, by type and id, that an import is still writing down.
    """
    for record_type, terms in _TERMS.items():
        before = {change.id: change.before for change in changes.of(record_type)}
        for detail_type in terms.details:
            key = HOME_KEY[detail_type]
            wider = [change.after for change in changes.of(detail_type) if change.before is None]
            if detail_type in terms.limits:
                gone = [change.before for change in changes.of(detail_type) if change.after is None]
                left = rows.naming(detail_type, key, {getattr(detail, key) for detail in gone})
                limited = {getattr(detail, key) for detail in left}
                wider += [detail for detail in gone if getattr(detail, key) not in limited]
            owners = {**all_of(rows, record_type, [getattr(detail, key) for detail in wider]), **before}
            for detail in wider:
                owner = owners[getattr(detail, key)]
                if (record_type, getattr(detail, key)) in unfinished:
                    continue
                if owner is not None and terms.are_settled(owner):
                    broken(terms.invariant, f"{name_of(detail)} would widen {name_of(owner)}: that takes a new one")
