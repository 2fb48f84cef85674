"""Small consistent sets of facts, each with a question that is allowed on it: what `sealauthz facts new` writes.

Every person, company, phone number and code here is invented. Ids, codes and hashes follow from the prefix, so that the
sets of two prefixes are in nobody's way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.records import contracts, organisation, signing
from sealauthz.model.records.grants import GrantConfirmation, GrantScope, GrantState, GrantTerm, SealGrant, SealRight
from sealauthz.model.records.identity import (
    IdentityVerification,
    Person,
    RealnameState,
    VerificationMethod,
    VerificationPurpose,
    VerificationState,
)
from sealauthz.model.records.membership import JoinedVia, Membership, Role, RoleAssignment
from sealauthz.model.records.seals import Certificate, CertificateState, Seal, SealKind, SealState
from sealauthz.ops.demo.facts import DAY, HOUR, MINUTE, digest


@dataclass(frozen=True, slots=True)
class Question:
    """What is allowed on the facts of a story, with the context that it takes."""

    subject: str
    action: str
    resource: str
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """A set of facts by a prefix and the time, and what is allowed on it, until how long after that time."""

    about: str
    records: Callable[[str, int], list[Any]]
    question: Callable[[str], Question]
    lasts_us: int


def _uscc(prefix: str) -> str:
    """Return a valid code, another for each prefix."""
    number = int.from_bytes(hashlib.sha256(prefix.encode()).digest()[:8]) % 10**9
    body = f"91310115{number:09d}"
    return body + organisation.uscc_check_character(body)


def _human(prefix: str, key: str, name: str, now: int) -> Person:
    return Person(
        id=f"{prefix}-{key}",
        realname_state=RealnameState.VERIFIED,
        id_hash=digest(f"id of {prefix} {key}"),
        real_name=name,
        phone="13800000000",
        last_active_at=now - 2 * HOUR,
    )


def company(prefix: str, now: int) -> list[Any]:
    """Return a company that is authenticated, with an administrator of it and of its seals."""
    enterprise, admin = f"{prefix}-company", f"{prefix}-company-admin"
    return [
        _human(prefix, "company-admin", "陈静", now),
        organisation.Enterprise(
            id=enterprise,
            name="云杉印务有限公司",
            uscc=_uscc(enterprise),
            auth_state=organisation.AuthenticationState.AUTHENTICATED,
        ),
        organisation.RegistrySnapshot(
            id=f"{enterprise}-registry",
            enterprise_id=enterprise,
            status=organisation.RegistryStatus.EXISTING,
            fetched_at=now - HOUR,
            is_matched=True,
        ),
        Membership(
            id=f"{admin}-member",
            person_id=admin,
            enterprise_id=enterprise,
            joined_via=JoinedVia.AUTHENTICATOR,
            joined_at=now - 100 * DAY,
        ),
        *(
            RoleAssignment(
                id=f"{admin}-{word}",
                membership_id=f"{admin}-member",
                role=role,
                valid_from=now - 100 * DAY,
                is_primary=role is Role.SYSTEM_ADMIN,
            )
            for role, word in ((Role.SYSTEM_ADMIN, "role"), (Role.SEAL_ADMIN, "seals"))
        ),
    ]


def seal_use(prefix: str, now: int) -> list[Any]:
    """Return all that a member needs who seals a contract under a grant, with a face check that has just passed."""
    seal, task, user = f"{prefix}-seal", f"{prefix}-task", f"{prefix}-user"
    matter, amount, currency = contracts.ContractMatter.GENERAL, 40_000_00, "CNY"
    return [
        *company(prefix, now),
        organisation.Enterprise(id=f"{prefix}-partner", name="青禾纸业有限公司", uscc=_uscc(f"{prefix}-partner")),
        _human(prefix, "user", "周敏", now),
        Membership(
            id=f"{user}-member",
            person_id=user,
            enterprise_id=f"{prefix}-company",
            joined_via=JoinedVia.INVITE,
            joined_at=now - 90 * DAY,
        ),
        Certificate(
            id=f"{prefix}-certificate",
            enterprise_id=f"{prefix}-company",
            issuer="CN=DEMO CA",
            serial=f"{prefix}-1".upper(),
            not_before=now - 90 * DAY,
            not_after=now + 400 * DAY,
            state=CertificateState.ACTIVE,
        ),
        Seal(
            id=seal,
            enterprise_id=f"{prefix}-company",
            name="公章",
            kind=SealKind.OFFICIAL,
            state=SealState.ACTIVE,
            certificate_id=f"{prefix}-certificate",
        ),
        SealGrant(
            id=f"{prefix}-grant",
            seal_id=seal,
            membership_id=f"{user}-member",
            grantor_id=f"{prefix}-company-admin-seals",
            right=SealRight.USE,
            scope=GrantScope.ALL_CONTRACTS,
            term=GrantTerm.FIXED,
            valid_from=now - 80 * DAY,
            valid_to=now + 200 * DAY,
            confirmation=GrantConfirmation.INTENT,
            confirmed_by_id=f"{prefix}-company-admin",
            confirmed_at=now - 80 * DAY,
            state=GrantState.ACTIVE,
        ),
        contracts.Contract(
            id=f"{prefix}-contract",
            initiator_id=f"{prefix}-partner",
            contract_type="PURCHASE",
            state=contracts.ContractState.SIGNING,
            deadline=now + 30 * DAY,
            matter=matter,
            amount=amount,
            currency=currency,
        ),
        contracts.ContractDocument(
            id=f"{prefix}-document",
            contract_id=f"{prefix}-contract",
            digest=digest(f"{prefix} purchase"),
            state=contracts.DocumentState.COMPLETE,
        ),
        signing.Signatory(
            id=f"{prefix}-party",
            contract_id=f"{prefix}-contract",
            kind=signing.PartyKind.ENTERPRISE,
            enterprise_id=f"{prefix}-company",
            matter=matter,
            amount=amount,
            currency=currency,
        ),
        signing.SigningTask(
            id=task,
            signatory_id=f"{prefix}-party",
            action=signing.TaskAction.CORPORATE_SEAL,
            state=signing.TaskState.PENDING,
        ),
        signing.TaskOperator(id=f"{prefix}-operator", task_id=task, person_id=user),
        IdentityVerification(
            id=f"{prefix}-check",
            person_id=user,
            method=VerificationMethod.FACE,
            purpose=VerificationPurpose.SIGN,
            provider_ref=f"{prefix}-provider-{now}",
            state=VerificationState.PASSED,
            passed_at=now - MINUTE,
            bound_type="SigningTask",
            bound_id=task,
            bound_digest=digest(f"{prefix} purchase"),
        ),
    ]


STORIES: Mapping[str, Story] = {
    "seal-use": Story(
        "a member seals a contract of another company under a grant",
        seal_use,
        lambda prefix: Question(
            f"Person:{prefix}-user",
            "use",
            f"Seal:{prefix}-seal",
            {"task": f"{prefix}-task", "verification": f"{prefix}-check"},
        ),
        9 * MINUTE,
    ),
    "company": Story(
        "a company with an administrator, who may have a seal made",
        company,
        lambda prefix: Question(f"Person:{prefix}-company-admin", "create_seal", f"Enterprise:{prefix}-company", {}),
        DAY,
    ),
}
"""The stories by their names."""
