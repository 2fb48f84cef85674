"""The facts with which the story opens. Every person, company, phone number and code here is invented.

Yunshan Printing (云杉印务) owes its seal on two contracts with Qinghe Paper (青禾纸业). Its only administrator is Chen
Jing; Zhou Min works there and may use the company's seal, by a grant that Chen Jing gave. Lin Hao and He Miao work
there too, but nobody has let them join on the platform yet, although both are named for signing tasks of the company.
"""

from __future__ import annotations

import hashlib
from typing import Any

from sealauthz.model.records import contracts, organisation, signing
from sealauthz.model.records.grants import GrantConfirmation, GrantScope, GrantState, GrantTerm, SealGrant, SealRight
from sealauthz.model.records.identity import Person, PlatformStaff, RealnameState, StaffDuty
from sealauthz.model.records.membership import JoinedVia, Membership, Role, RoleAssignment
from sealauthz.model.records.retrieval import EnterpriseAuthentication
from sealauthz.model.records.seals import Certificate, CertificateState, Seal, SealKind, SealState

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

YUNSHAN_USCC = "91310115YUNXYW01XM"
QINGHE_USCC = "91320505QNGHPY0235"


def digest(text: str) -> str:
    """Return the digest of an invented document, or the stand-in for the keyed hash of an id number."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def person(key: str, name: str, phone: str, now: int, **more: Any) -> Person:
    """Make a verified person whose account is in use."""
    return Person(
        id=f"p-{key}",
        realname_state=RealnameState.VERIFIED,
        id_hash=digest(f"id of {key}"),
        id_last4=phone[-4:],
        real_name=name,
        phone=phone,
        phone_bound_at=now - 400 * DAY,
        last_active_at=now - 2 * HOUR,
        **more,
    )


def member(key: str, enterprise: str, via: JoinedVia, joined_at: int) -> Membership:
    """Make a person a member of an enterprise."""
    return Membership(
        id=f"m-{key}", person_id=f"p-{key}", enterprise_id=f"e-{enterprise}", joined_via=via, joined_at=joined_at
    )


def administrator(key: str, role: Role, since: int, **more: Any) -> RoleAssignment:
    """Give a member the role of an administrator, of the whole enterprise or of its seals."""
    is_primary = role is Role.SYSTEM_ADMIN
    word = "admin" if is_primary else "seals"
    return RoleAssignment(
        id=f"role-{key}-{word}", membership_id=f"m-{key}", role=role, valid_from=since, is_primary=is_primary, **more
    )


def snapshot(key: str, number: int, fetched_at: int, legal_rep_id: str | None) -> organisation.RegistrySnapshot:
    """Make what the registry says of an enterprise that exists."""
    return organisation.RegistrySnapshot(
        id=f"registry-{key}-{number}",
        enterprise_id=f"e-{key}",
        status=organisation.RegistryStatus.EXISTING,
        fetched_at=fetched_at,
        legal_rep_id=legal_rep_id,
        is_matched=True,
    )


def opening_facts(now: int) -> list[Any]:
    """Return the records of the opening, in an order in which each refers only to those before it."""
    return [*_people(now), *_companies(now), *_yunshan(now), *_contracts(now)]


def _people(now: int) -> list[Any]:
    return [
        person("chen", "陈静", "13800001569", now),
        person("lin", "林浩", "13900002684", now),
        person("zhou", "周敏", "13700003795", now),
        person("he", "何苗", "13600004806", now),
        person("luo", "罗远", "13500005917", now),
        person("gu", "顾然", "13400006028", now),
        person("qian", "钱一", "13300007139", now),
        person("sun", "孙宁", "13200008240", now),
        PlatformStaff(id="staff-qian", person_id="p-qian", duty=StaffDuty.REVIEWER),
        PlatformStaff(id="staff-sun", person_id="p-sun", duty=StaffDuty.REVIEWER),
    ]


def _companies(now: int) -> list[Any]:
    records: list[Any] = []
    for key, name, uscc, legal_rep, admin in (
        ("yunshan", "云杉印务（上海）有限公司", YUNSHAN_USCC, "p-luo", "chen"),
        ("qinghe", "青禾纸业（苏州）有限公司", QINGHE_USCC, None, "gu"),
    ):
        records += [
            organisation.Enterprise(
                id=f"e-{key}", name=name, uscc=uscc, auth_state=organisation.AuthenticationState.AUTHENTICATED
            ),
            snapshot(key, 1, now - 60 * DAY, legal_rep),
            EnterpriseAuthentication(
                id=f"certification-{key}-1",
                enterprise_id=f"e-{key}",
                applicant_id=f"p-{admin}",
                method=organisation.CertificationMethod.DOCUMENTS,
                submitted_at=now - 301 * DAY,
                state=organisation.CertificationState.PASSED,
                decided_at=now - 300 * DAY,
            ),
            member(admin, key, JoinedVia.AUTHENTICATOR, now - 300 * DAY),
            *(administrator(admin, role, now - 300 * DAY) for role in (Role.SYSTEM_ADMIN, Role.SEAL_ADMIN)),
        ]
    return records


def _yunshan(now: int) -> list[Any]:
    return [
        member("zhou", "yunshan", JoinedVia.INVITE, now - 200 * DAY),
        Certificate(
            id="cert-yunshan",
            enterprise_id="e-yunshan",
            issuer="CN=DEMO CA",
            serial="2024-0001",
            not_before=now - 300 * DAY,
            not_after=now + 400 * DAY,
            state=CertificateState.ACTIVE,
        ),
        Seal(
            id="seal-official",
            enterprise_id="e-yunshan",
            name="云杉印务（上海）有限公司 公章",
            kind=SealKind.OFFICIAL,
            state=SealState.ACTIVE,
            certificate_id="cert-yunshan",
        ),
        *(
            SealGrant(
                id=f"grant-zhou-{right.lower()}",
                seal_id="seal-official",
                membership_id="m-zhou",
                grantor_id="role-chen-seals",
                right=right,
                scope=GrantScope.ALL_CONTRACTS,
                term=GrantTerm.FIXED,
                valid_from=now - 100 * DAY,
                valid_to=now + 265 * DAY,
                confirmation=GrantConfirmation.INTENT,
                confirmed_by_id="p-chen",
                confirmed_at=now - 100 * DAY,
                state=GrantState.ACTIVE,
            )
            for right in (SealRight.USE, SealRight.APPROVE)
        ),
    ]


def _contracts(now: int) -> list[Any]:
    records: list[Any] = []
    for key, operators in (("paper", ("lin",)), ("cartons", ("he", "zhou"))):
        records += [
            contracts.Contract(
                id=f"contract-{key}",
                initiator_id="e-qinghe",
                contract_type="PURCHASE",
                state=contracts.ContractState.SIGNING,
                deadline=now + 30 * DAY,
                matter=contracts.ContractMatter.GENERAL,
                amount=40_000_00,
                currency="CNY",
            ),
            contracts.ContractDocument(
                id=f"document-{key}",
                contract_id=f"contract-{key}",
                digest=digest(f"purchase of {key}"),
                state=contracts.DocumentState.COMPLETE,
            ),
            signing.Signatory(
                id=f"party-{key}-yunshan",
                contract_id=f"contract-{key}",
                kind=signing.PartyKind.ENTERPRISE,
                enterprise_id="e-yunshan",
                matter=contracts.ContractMatter.GENERAL,
                amount=40_000_00,
                currency="CNY",
            ),
            signing.SigningTask(
                id=f"task-{key}",
                signatory_id=f"party-{key}-yunshan",
                action=signing.TaskAction.CORPORATE_SEAL,
                state=signing.TaskState.PENDING,
            ),
            *(
                signing.TaskOperator(id=f"operator-{key}-{name}", task_id=f"task-{key}", person_id=f"p-{name}")
                for name in operators
            ),
            signing.TaskSeal(id=f"fixed-{key}", task_id=f"task-{key}", seal_id="seal-official"),
        ]
    return records
