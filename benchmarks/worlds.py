"""The facts and the questions of the benchmarks: many enterprises, all alike, and what their people ask.

Each enterprise has 20 members (the first administers it, the second its seals), 5 seals with a certificate, 10 grants,
and a contract with a task for those who are asked about. Two members ask: `user`, who has all that a use of the first
seal needs, and `plain`, who asks for the last seal, which is frozen, without a grant and without a face check. The
legal representative is the `user` of the enterprise before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sealauthz.decision import Entity, Question
from sealauthz.model.records.contracts import Contract, ContractDocument, ContractMatter, ContractState, DocumentState
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
from sealauthz.model.records.organisation import (
    AuthenticationState,
    Enterprise,
    RegistrySnapshot,
    RegistryStatus,
    uscc_check_character,
)
from sealauthz.model.records.seals import Certificate, HoldSource, Seal, SealHold, SealKind, SealState
from sealauthz.model.records.signing import (
    PartyKind,
    Signatory,
    SigningTask,
    TaskAction,
    TaskOperator,
    TaskSeal,
    TaskState,
)

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
NOW = 1_790_000_000_000_000

MEMBERS, SEALS, GRANTS = 20, 5, 10
ADMIN, KEEPER, USER, PLAIN = 0, 1, 2, 12

SUBJECTS = ("seal use", "membership", "retrieval")
"""What the questions are about."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, what it is about, and whether it is to be allowed."""

    about: str
    question: Question
    is_allowed: bool


def records(enterprises: int) -> Iterator[Any]:
    """The facts of that many enterprises."""
    for number in range(enterprises):
        yield from enterprise(number, enterprises)
        yield from _contract(number, enterprises)


def questions(enterprises: int) -> Iterator[Asked]:
    """Of each enterprise, one question of each kind that is allowed, and one that is denied."""
    for number in range(enterprises):
        here, user, plain = f"e{number}", f"p{number}-{USER}", f"p{number}-{PLAIN}"
        use = {"task": f"t{number}"}
        reason = {"reason": "ADMIN_RESIGNED"}
        legal_representative = f"p{(number - 1) % enterprises}-{USER}"
        for is_allowed, about, subject, action, kind, id_, context in (
            (True, "seal use", user, "use", "Seal", f"s{number}-0", {**use, "verification": f"v{number}"}),
            (False, "seal use", plain, "use", "Seal", f"s{number}-{SEALS - 1}", use),
            (True, "membership", legal_representative, "join", "Enterprise", here, {}),
            (False, "membership", plain, "join", "Enterprise", here, {}),
            (True, "retrieval", legal_representative, "retrieve", "Enterprise", here, reason),
            (False, "retrieval", plain, "retrieve", "Enterprise", here, reason),
        ):
            yield Asked(about, Question(Entity("Person", subject), action, Entity(kind, id_), context), is_allowed)


def enterprise(n: int, enterprises: int) -> Iterator[Any]:
    """The facts of one enterprise, without contracts."""
    body = f"91{n:015}"
    uscc = body + uscc_check_character(body)
    yield Enterprise(f"e{n}", f"企业{n}", uscc, auth_state=AuthenticationState.AUTHENTICATED)
    legal_representative = f"p{(n - 1) % enterprises}-{USER}"
    fetched_at = NOW - 60 * MINUTE
    yield RegistrySnapshot(
        f"reg{n}", f"e{n}", RegistryStatus.EXISTING, fetched_at, legal_representative, is_matched=True
    )
    for k in range(MEMBERS):
        yield Person(
            f"p{n}-{k}",
            realname_state=RealnameState.VERIFIED,
            id_hash=f"hash{n}-{k}",
            real_name=f"张{n}",
            phone="13800001569",
            last_active_at=NOW - MINUTE,
        )
        yield Membership(f"m{n}-{k}", f"p{n}-{k}", f"e{n}", JoinedVia.IMPORT, NOW - 365 * DAY)
    yield RoleAssignment(f"ra{n}", f"m{n}-{ADMIN}", Role.SYSTEM_ADMIN, is_primary=True)
    yield RoleAssignment(f"rk{n}", f"m{n}-{KEEPER}", Role.SEAL_ADMIN)
    yield Certificate(f"cert{n}", f"e{n}", "CA", f"{n}", NOW - DAY, NOW + DAY)
    for k in range(SEALS):
        yield Seal(f"s{n}-{k}", f"e{n}", f"公章{k}", SealKind.OFFICIAL, SealState.ACTIVE, certificate_id=f"cert{n}")
    yield SealHold(f"h{n}", f"s{n}-{SEALS - 1}", HoldSource.ADMIN, NOW - DAY)
    for k in range(GRANTS):
        yield SealGrant(
            f"g{n}-{k}",
            f"s{n}-{k % SEALS}",
            f"m{n}-{USER + k}",
            f"rk{n}",
            right=SealRight.USE,
            scope=GrantScope.ALL_CONTRACTS,
            term=GrantTerm.FIXED,
            valid_from=NOW - 30 * DAY,
            valid_to=NOW + 30 * DAY,
            confirmation=GrantConfirmation.INTENT,
            state=GrantState.ACTIVE,
            use_limit=10,
            confirmed_by_id=f"p{n}-{KEEPER}",
            confirmed_at=NOW - 30 * DAY,
        )


def _contract(n: int, enterprises: int) -> Iterator[Any]:
    # Not the next one, which the user represents: nobody seals what he agrees with himself.
    other = f"e{(n + 2) % enterprises}"
    yield Contract(
        f"c{n}",
        other,
        "SALES",
        ContractState.SIGNING,
        matter=ContractMatter.GENERAL,
        amount=40_000_00,
        currency="CNY",
    )
    yield ContractDocument(f"d{n}", f"c{n}", f"digest{n}", DocumentState.COMPLETE)
    yield Signatory(f"from{n}", f"c{n}", PartyKind.ENTERPRISE, None, other)
    yield Signatory(
        f"to{n}",
        f"c{n}",
        PartyKind.ENTERPRISE,
        None,
        f"e{n}",
        matter=ContractMatter.GENERAL,
        amount=40_000_00,
        currency="CNY",
    )
    yield SigningTask(f"tf{n}", f"from{n}", TaskAction.CORPORATE_SEAL, 1, TaskState.SIGNED)
    yield SigningTask(f"t{n}", f"to{n}", TaskAction.CORPORATE_SEAL, 2, TaskState.PENDING)
    for k in (USER, PLAIN):
        yield TaskOperator(f"o{n}-{k}", f"t{n}", f"p{n}-{k}")
    for k in (0, SEALS - 1):
        yield TaskSeal(f"ts{n}-{k}", f"t{n}", f"s{n}-{k}")
    yield IdentityVerification(
        f"v{n}",
        f"p{n}-{USER}",
        VerificationMethod.FACE,
        VerificationPurpose.SIGN,
        f"provider{n}",
        state=VerificationState.PASSED,
        passed_at=NOW - 5 * MINUTE,
        bound_type="SigningTask",
        bound_id=f"t{n}",
        bound_digest=f"digest{n}",
    )
