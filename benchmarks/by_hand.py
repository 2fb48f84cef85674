"""May this person use this seal, written by hand: the yardstick for what is compiled from the policies.

The rules of `use` on Seal in `policies/` as far as the facts of the benchmarks need them, in the order in which a
careful programmer would ask them, with plain loops where every decision goes through. It allows nothing that the
policies deny; where they know a further way (a delegation, an open grant, a process of the enterprise's own, a
fall-back for the face check …), it refuses.
"""

from __future__ import annotations

from typing import Any

from sealauthz.schema import UNLIMITED

CORPORATE = frozenset({"OFFICIAL", "CONTRACT", "FINANCE", "PERSONNEL", "INVOICE", "DEPARTMENT", "OTHER"})
OPEN = frozenset({"PENDING", "IN_PROGRESS"})
BEFORE = frozenset({"WAITING", "PENDING", "IN_PROGRESS", "REJECTED", "EXPIRED"})
CONFIRMED = frozenset({"AUTH_LETTER", "INTENT"})
GENERAL_SEALS = frozenset({"OFFICIAL", "CONTRACT", "INVOICE", "LEGAL_REP", "DEPARTMENT", "OTHER"})
PLAIN_MATTERS = frozenset({"GENERAL", "FINANCE", "PERSONNEL"})
BINDING = frozenset({"OFFICIAL", "FINANCE", "LEGAL_REP"})
NAMED = frozenset({"WAITING", "PENDING", "IN_PROGRESS", "SIGNED"})


def may_use(person: Any, seal: Any, context: Any) -> bool:
    """Whether the person may use the seal for the task of the context, now."""
    enterprise, task, now = seal.enterprise, context.task, context.now
    if person.account_state != "ACTIVE" or person.realname_state != "VERIFIED":
        return False
    if enterprise.auth_state != "AUTHENTICATED" or enterprise.operating_state != "ACTIVE":
        return False
    if not (_is_member(person, enterprise) or _is_legal_representative(person, enterprise)):
        return False
    if task is None or not _is_ready(task, now) or not _is_operator(person, task, enterprise, context):
        return False
    if not _takes(task, seal):
        return False
    if seal.state != "ACTIVE" or seal.category != "ELECTRONIC" or seal.legal_rep_id is not None:
        return False
    for hold in seal.holds:
        if hold.state != "RELEASED":
            return False
    certificate = seal.certificate
    if (
        certificate is None
        or certificate.enterprise_id != seal.enterprise_id
        or certificate.state != "ACTIVE"
        or not certificate.not_before <= now < certificate.not_after
    ):
        return False
    contract = task.signatory.contract
    if not _has_licence(enterprise) or not _may_be_sealed(seal, contract, task, enterprise):
        return False
    if _is_auditor(person, seal, enterprise, now) or _has_a_conflict(person, seal, contract):
        return False
    is_own = seal.kind == "LEGAL_REP" and _is_legal_representative(person, enterprise)
    if not (is_own or _has_authority(person, seal, contract, now)):
        return False
    if seal.kind in BINDING and _gave_a_verdict(person, seal, contract):
        return False
    return seal.kind in ("DEPARTMENT", "OTHER") or _has_fresh_face(person, task, contract, context)


def _is_member(person: Any, enterprise: Any) -> bool:
    person_id = person.id
    for membership in enterprise.memberships:
        if membership.person_id == person_id and membership.state == "ACTIVE":
            return True
    return False


def _is_legal_representative(person: Any, enterprise: Any) -> bool:
    for snapshot in enterprise.registry_snapshots:
        if snapshot.is_current and snapshot.status == "EXISTING" and snapshot.legal_rep_id == person.id:
            return True
    return False


def _has_licence(enterprise: Any) -> bool:
    return any(snapshot.is_current and snapshot.status == "EXISTING" for snapshot in enterprise.registry_snapshots)


def _may_be_sealed(seal: Any, contract: Any, task: Any, enterprise: Any) -> bool:
    """Where the owner has processes, bands or hours of its own, there is more to ask: not in these facts."""
    if not contract.documents or any(document.state != "COMPLETE" for document in contract.documents):
        return False
    if contract.matter not in PLAIN_MATTERS or not (seal.kind in GENERAL_SEALS or seal.kind == contract.matter):
        return False
    if contract.amount is None and contract.is_monetary:
        return False
    if task.signatory.needs_review or task.signatory.reviews or task.signatory.category_id is not None:
        return False
    if contract.category_id is not None and contract.initiator_id == enterprise.id:
        return False
    return not (enterprise.amount_bands or enterprise.working_hours)


def _gave_a_verdict(person: Any, seal: Any, contract: Any) -> bool:
    return any(
        approval.approver.person_id == person.id
        for request in seal.use_requests
        if request.contract_id == contract.id
        for approval in request.approvals
    )


def _is_auditor(person: Any, seal: Any, enterprise: Any, now: int) -> bool:
    for membership in enterprise.memberships:
        if membership.person_id == person.id and membership.state == "ACTIVE":
            for assignment in membership.assignments:
                if assignment.role == "SEAL_AUDITOR" and assignment.state == "ACTIVE" and now < assignment.valid_to:
                    return True
    return any(
        grant.right == "AUDIT" and grant.state == "ACTIVE" and grant.membership.person_id == person.id
        for grant in seal.grants
    )


def _has_a_conflict(person: Any, seal: Any, contract: Any) -> bool:
    """Whether the person would deal with himself or act for both, for which no resolution or consent is asked here."""
    person_id, owner_id = person.id, seal.enterprise_id
    represented = {snapshot.enterprise_id for snapshot in person.represented if snapshot.is_current}
    for party in contract.signatories:
        if party.person_id == person_id:
            return True
        if party.enterprise_id is None or party.enterprise_id == owner_id:
            continue
        if party.enterprise_id in represented:
            return True
        for task in party.tasks:
            if task.signed_by_id == person_id:
                return True
            if task.state in NAMED and (
                task.handler_id == person_id or any(operator.person_id == person_id for operator in task.operators)
            ):
                return True
    return False


def _is_ready(task: Any, now: int) -> bool:
    contract = task.signatory.contract
    if contract.state != "SIGNING" or now >= contract.deadline or task.state not in OPEN:
        return False
    for party in contract.signatories:
        for other in party.tasks:
            if other.position < task.position and other.state in BEFORE:
                return False
    return True


def _is_operator(person: Any, task: Any, enterprise: Any, context: Any) -> bool:
    now, contract = context.now, task.signatory.contract
    if task.action == "LEGAL_REP_SEAL":
        return _is_legal_representative(person, enterprise) or any(
            seal.kind == "LEGAL_REP" and _has_authority(person, seal, contract, now) for seal in enterprise.seals
        )
    if task.action != "CORPORATE_SEAL":
        return False
    if task.operators:
        named = [operator.person_id for operator in task.operators]
        return person.id in named
    if task.fixed_seals:
        fixed = {entry.seal_id for entry in task.fixed_seals}
        return any(seal.id in fixed and _has_authority(person, seal, contract, now) for seal in enterprise.seals)
    return any(
        m.person_id == person.id and m.state == "ACTIVE" and a.role == "SEAL_ADMIN" and _stands(a, now)
        for m in enterprise.memberships
        for a in m.assignments
    )


def _takes(task: Any, seal: Any) -> bool:
    if task.signatory.enterprise_id != seal.enterprise_id:
        return False
    if task.action == "CORPORATE_SEAL":
        if seal.kind not in CORPORATE:
            return False
    elif task.action != "LEGAL_REP_SEAL" or seal.kind != "LEGAL_REP":
        return False
    for fixed in task.fixed_seals:
        if fixed.seal_id == seal.id:
            return True
    return not task.fixed_seals


def _has_authority(person: Any, seal: Any, contract: Any, now: int) -> bool:
    for grant in seal.grants:
        member = grant.membership
        if (
            member.person_id == person.id
            and member.state == "ACTIVE"
            and member.enterprise_id == seal.enterprise_id
            and grant.right == "USE"
            and _is_live(grant, now)
            and grant.used < grant.use_limit
            and _covers(grant, contract)
        ):
            return True
    return any(_is_approved(request, person, contract, now) for request in seal.use_requests)


def _is_live(grant: Any, now: int) -> bool:
    return (
        grant.state == "ACTIVE"
        and grant.confirmation in CONFIRMED
        and grant.valid_from <= now < grant.valid_to
        and _grantor_stands(grant, now)
    )


def _covers(grant: Any, contract: Any) -> bool:
    if grant.templates or grant.parent_id is not None:
        return False
    if grant.amount_max != UNLIMITED and (
        contract.amount is None or grant.currency != contract.currency or contract.amount > grant.amount_max
    ):
        return False
    if grant.scope == "LISTED_TYPES":
        return any(listed.contract_type == contract.contract_type for listed in grant.contract_types)
    return bool(grant.scope == "ALL_CONTRACTS")


def _stands(assignment: Any, now: int) -> bool:
    return bool(
        assignment.state == "ACTIVE"
        and assignment.membership.state == "ACTIVE"
        and assignment.valid_from <= now < assignment.valid_to
    )


def _grantor_stands(grant: Any, now: int) -> bool:
    grantor = grant.grantor
    if not _stands(grantor, now):
        return False
    if grantor.role == "SEAL_ADMIN":
        return bool(grant.seal.kind != "LEGAL_REP")
    if grantor.role == "LEGAL_REP":
        return _is_legal_representative(grantor.membership.person, grant.seal.enterprise)
    return False


def _is_approved(request: Any, person: Any, contract: Any, now: int) -> bool:
    applicant = request.applicant
    if (
        request.contract_id != contract.id
        or applicant.person_id != person.id
        or applicant.state != "ACTIVE"
        or request.state not in ("APPROVED", "IN_USE")
        or request.used >= request.uses
        or request.process_id is not None
        or not request.valid_from <= now < request.valid_to
    ):
        return False
    requested = {document.digest for document in request.documents}
    if not requested or requested != {document.digest for document in contract.documents}:
        return False
    approvals = request.approvals
    if any(a.verdict != "PASSED" or a.approver.person_id == person.id for a in approvals):
        return False
    return any(a.decided_at <= now and _may_approve(a.approver, request.seal, now) for a in approvals)


def _may_approve(approver: Any, seal: Any, now: int) -> bool:
    person = approver.person
    if (
        approver.state != "ACTIVE"
        or person.account_state != "ACTIVE"
        or person.realname_state != "VERIFIED"
        or seal.custodian_id == approver.id
    ):
        return False
    if _is_legal_representative(person, seal.enterprise) and approver.joined_at <= now:
        return True
    return seal.kind != "LEGAL_REP" and any(
        grant.right == "APPROVE" and grant.membership_id == approver.id and _is_live(grant, now)
        for grant in seal.grants
    )


def _has_fresh_face(person: Any, task: Any, contract: Any, context: Any) -> bool:
    check, now = context.verification, context.now
    return bool(
        check is not None
        and check.person_id == person.id
        and check.method == "FACE"
        and check.purpose == "SIGN"
        and check.bound_type == "SigningTask"
        and check.bound_id == task.id
        and check.state == "PASSED"
        and check.passed_at <= now < check.passed_at + context.parameters.face_for_use
        and any(document.digest == check.bound_digest for document in contract.documents)
    )
