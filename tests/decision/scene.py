"""One enterprise with everything in order, from which each case departs by one fact.

The facts are those of the policy tests: the fixture `spruce` of `policies/tests/fixtures.yaml`, which tells who is who.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from sealauthz.decision import Bundle, Decision, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.policies import Policies
from sealauthz.decision.question import ContextValue
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.model.records.grants import GrantConfirmation, GrantScope, GrantState, GrantTerm, SealGrant, SealRight
from sealauthz.model.records.identity import (
    IdentityVerification,
    Person,
    RealnameState,
    VerificationMethod,
    VerificationPurpose,
    VerificationState,
)
from sealauthz.model.records.membership import Invitation, JoinApplication, JoinedVia, Membership, Role, RoleAssignment
from sealauthz.model.records.organisation import CertificationMethod, CertificationPurpose, CertificationState
from sealauthz.model.records.requests import Approval, ApprovalVerdict, RequestDocument, SealUseRequest, UseRequestState
from sealauthz.model.records.retrieval import (
    CaseState,
    EnterpriseAuthentication,
    RetrievalCase,
    RetrievalPath,
    RetrievalReason,
    RetrievalReview,
    ReviewVerdict,
)
from sealauthz.policytools.testing.library import Library
from sealauthz.schema import FOREVER

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOW = 1_790_000_000 * SECOND

BUNDLE = Bundle.load(MODEL)


class _Shared(Policies):
    """Policies that many tests share, so that none may replace them."""

    def replace_base(self, bundle: Bundle) -> None:
        raise AssertionError(f"give your decision point the bundle, not POLICIES, to replace it by {bundle.version}")


POLICIES = _Shared(BUNDLE)
"""The bundle with what is worked out for its decisions: once, as in a service, and not for each decision point."""

POLICY_TESTS = Path(__file__).resolve().parents[2] / "policies" / "tests"

CEDAR_USCC = "11320000MB151840XJ"

SIGNING = {"task": "t", "verification": "v-user"}
"""What `user` gives to use the seal `s`."""


def person(name: str, **changes: Any) -> Person:
    """A verified person who was seen a minute ago."""
    values = {
        "realname_state": RealnameState.VERIFIED,
        "id_hash": f"hash-{name}",
        "real_name": f"{name}某",
        "phone": "13800001569",
        "last_active_at": NOW - MINUTE,
    }
    return Person(name, **(values | changes))


def member(name: str, enterprise: str = "e", **changes: Any) -> Membership:
    """An active membership of a year."""
    values = {"joined_via": JoinedVia.IMPORT, "joined_at": NOW - 365 * DAY}
    return Membership(
        f"m-{name}" if enterprise == "e" else f"m-{enterprise}-{name}", name, enterprise, **(values | changes)
    )


def role(name: str, what: Role, **changes: Any) -> RoleAssignment:
    """An active assignment to the member of that name."""
    return RoleAssignment(f"r-{name}", f"m-{name}", what, **changes)


def face(
    purpose: VerificationPurpose, bound_type: str, bound_id: str, name: str, **changes: Any
) -> IdentityVerification:
    """A face check that `name` passed five minutes ago, with the id `v-name`."""
    values = {
        "state": VerificationState.PASSED,
        "passed_at": NOW - 5 * MINUTE,
        "bound_type": bound_type,
        "bound_id": bound_id,
        "bound_digest": "digest-1" if purpose == VerificationPurpose.SIGN else "",
    }
    return IdentityVerification(
        f"v-{name}", name, VerificationMethod.FACE, purpose, f"provider-{name}-{bound_id}", **(values | changes)
    )


def grant(name: str, seal: str = "s", **changes: Any) -> SealGrant:
    """A live USE grant for all contracts to the member of that name, given by keeper."""
    values = {
        "right": SealRight.USE,
        "scope": GrantScope.ALL_CONTRACTS,
        "term": GrantTerm.FIXED,
        "valid_from": NOW - 30 * DAY,
        "valid_to": NOW + 30 * DAY,
        "confirmation": GrantConfirmation.INTENT,
        "state": GrantState.ACTIVE,
        "use_limit": 10,
        "confirmed_by_id": "keeper",
        "confirmed_at": NOW - 30 * DAY,
    }
    return SealGrant(f"g-{name}", seal, f"m-{name}", "r-keeper", **(values | changes))


def case(**changes: Any) -> RetrievalCase:
    """A retrieval case of outsider by documents, whose notice has just ended."""
    values = {
        "applicant_id": "outsider",
        "reason": RetrievalReason.ADMIN_RESIGNED,
        "path": RetrievalPath.DOCUMENTS,
        "opened_at": NOW - 5 * DAY,
        "state": CaseState.NOTICE,
        "notice_from": NOW - 73 * HOUR,
    }
    return RetrievalCase("k", "e", **(values | changes))


def executable() -> list[Any]:
    """A case that may be executed, and what it rests on."""
    return [
        case(),
        EnterpriseAuthentication(
            "a-k",
            "e",
            "outsider",
            CertificationMethod.DOCUMENTS,
            NOW - 5 * DAY,
            CertificationPurpose.RETRIEVAL,
            CertificationState.PASSED,
            "k",
        ),
        RetrievalReview("rv-1", "k", "staff-1", 1, ReviewVerdict.PASSED, NOW - 4 * DAY),
        RetrievalReview("rv-2", "k", "staff-2", 1, ReviewVerdict.PASSED, NOW - 4 * DAY),
        face(VerificationPurpose.RETRIEVE, "RetrievalCase", "k", "outsider"),
    ]


def request(name: str, **changes: Any) -> list[Any]:
    """An approved request of that member for the contract's one document, approved by approver."""
    values = {"contract_id": "c", "state": UseRequestState.APPROVED}
    return [
        SealUseRequest(f"q-{name}", "s", f"m-{name}", NOW - HOUR, NOW - HOUR, NOW + DAY, **(values | changes)),
        RequestDocument(f"qd-{name}", f"q-{name}", "digest-1"),
        Approval(f"qa-{name}", f"q-{name}", "m-approver", ApprovalVerdict.PASSED, NOW - HOUR),
        grant("approver", right=SealRight.APPROVE),
    ]


def application(name: str, **changes: Any) -> JoinApplication:
    """A pending application to Spruce, made two days ago."""
    return JoinApplication(f"j-{name}", name, "e", NOW - 2 * DAY, NOW + 28 * DAY, **changes)


def invitation(**changes: Any) -> Invitation:
    """An open invitation of outsider to Spruce, by admin."""
    values = {
        "inviter_id": "m-admin",
        "target_id": "outsider",
        "token_hash": "token-hash",
        "created_at": NOW - DAY,
        "expires_at": NOW + DAY,
    }
    return Invitation("i", "e", **(values | changes))


@cache
def opening() -> tuple[Any, ...]:
    """The facts that every case starts from."""
    library = Library(MODEL)
    facts, now = library.fixtures_of(POLICY_TESTS / "fixtures.yaml")["spruce"]
    library.refuse()
    assert now == NOW
    return tuple(facts.records)


class Scene:
    """Facts by record type and id, to be changed one by one."""

    def __init__(self, records: Iterable[Any] | None = None) -> None:
        self._records = {(type(r).__name__, r.id): r for r in (opening() if records is None else records)}

    def put(self, *records: Any) -> Scene:
        """A scene with these records added or replaced."""
        return Scene([*({**self._records, **{(type(r).__name__, r.id): r for r in records}}).values()])

    def change(self, record_type: str, record_id: str, **values: Any) -> Scene:
        """A scene in which one record has other values."""
        return self.put(dataclasses.replace(self._records[record_type, record_id], **values))

    def record(self, record_type: str, record_id: str) -> Any:
        """One fact."""
        return self._records[record_type, record_id]

    def drop(self, record_type: str, record_id: str) -> Scene:
        """A scene without one record."""
        return Scene(record for key, record in self._records.items() if key != (record_type, record_id))

    @property
    def records(self) -> list[Any]:
        """All facts."""
        return list(self._records.values())

    def pdp(self, now: int = NOW, policies: Bundle | Policies = POLICIES) -> PolicyDecisionPoint:
        """A decision point over these facts."""
        return PolicyDecisionPoint(FactCache.of_records(MODEL, self.records), policies, lambda: now)

    def ask(
        self, subject: str, action: str, resource: tuple[str, str], now: int = NOW, **context: ContextValue
    ) -> Decision:
        """Ask whether a person may do something."""
        return self.pdp(now).decide(question(subject, action, resource, **context))


def question(subject: str, action: str, resource: tuple[str, str], **context: ContextValue) -> Question:
    """A question of a person."""
    return Question(Entity("Person", subject), action, Entity(*resource), context)


def codes(decision: Decision) -> list[str]:
    """The reasons of a decision, in order."""
    return [reason.code for reason in decision.reasons]


__all__ = ["FOREVER", "NOW", "Scene", "codes", "question"]
