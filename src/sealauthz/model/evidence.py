"""What clients give with their questions, as access diffs suppose it: checks of identity, signing tasks, working hours.

Checks are good for minutes, and an export is looked at when it is hours or months old. So a diff also supposes checks
that the subject has passed just now, bound to the very thing that is asked about, and asks within the working hours.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sealauthz.model.records.contracts import whole_digest
from sealauthz.model.records.identity import (
    IdentityVerification,
    VerificationMethod,
    VerificationPurpose,
    VerificationState,
)
from sealauthz.model.records.signing import TaskState
from sealauthz.schema import Action, Instant
from sealauthz.schema.evidence import (
    Evidence,
    Fresh,
    FreshQuery,
    Ranked,
    RecordKey,
    SampledFacts,
    SampleQuery,
    Samples,
    Stated,
)

_DAYS_BACK = 14
_WANTED = ("documents_digest", "intent_digest")
"""The keys of contexts that say what a check is to be bound to."""


class _Tasks(Samples):
    """The tasks that the subject handles or operates, all of contracts to which the resource's enterprise is a party,
    and one of another contract.
    """

    depends_on_subject = True

    def __init__(self, record_type: str, facts: SampledFacts, now: Instant) -> None:
        super().__init__(record_type, facts, now)
        self._known: dict[str, list[str]] = {}

    def choose(self, query: SampleQuery) -> Sequence[Ranked]:
        own = self.facts.of_subject(query.subject, self.record_type) if query.subject is not None else ()
        known = self._of_tenant(self.facts.tenant_of(query.resource))
        return [*((0, task) for task in sorted(own)), *((1, task) for task in known if task not in own)]

    def _of_tenant(self, tenant_id: str) -> list[str]:
        if tenant_id not in self._known:
            near = self.facts.of_tenant(tenant_id, self.record_type)
            tasks = self.facts.of(self.record_type).values()
            elsewhere = (task.id for task in tasks if task.state == TaskState.PENDING and task.id not in near)
            self._known[tenant_id] = [*sorted(near), *sorted(elsewhere)[:1]]
        return self._known[tenant_id]


class _Persons(Samples):
    """The subject, those whom the tasks of the resource's enterprise name, and one who is none of these."""

    depends_on_subject = True
    _NAMED = 3

    def __init__(self, record_type: str, facts: SampledFacts, now: Instant) -> None:
        super().__init__(record_type, facts, now)
        self._known: dict[str, list[str]] = {}

    def choose(self, query: SampleQuery) -> Sequence[Ranked]:
        own = [] if query.subject is None else [query.subject[1]]
        known = self._of_tenant(self.facts.tenant_of(query.resource))
        return [*((0, person) for person in own), *((1, person) for person in known if person not in own)]

    def _of_tenant(self, tenant_id: str) -> list[str]:
        if tenant_id not in self._known:
            tasks = self.facts.of("SigningTask")
            near = [tasks[task_id] for task_id in sorted(self.facts.of_tenant(tenant_id, "SigningTask"))]
            named = [person for task in near for person in (task.handler_id, task.signed_by_id) if person]
            some = list(dict.fromkeys(named))[: self._NAMED]
            others = sorted(set(self.facts.of(self.record_type)) - set(some))
            self._known[tenant_id] = [*some, *others[:1]]
        return self._known[tenant_id]


class _FreshCheck(Fresh):
    """A check that is supposed. With None as its digest it is bound to what the context says that it must be: to all
    documents, or to the act itself.
    """

    __slots__ = ("digest", "method", "purpose")

    method: VerificationMethod
    purpose: VerificationPurpose
    digest: str | None

    def __new__(cls, method: VerificationMethod, purpose: VerificationPurpose, digest: str | None) -> _FreshCheck:
        made = super().__new__(cls, ":".join(("fresh", method, purpose, *([] if digest == "" else [digest or "all"]))))
        made.method, made.purpose, made.digest = method, purpose, digest
        return made


class _Checks(Samples):
    """The subject's own checks that are bound to the object, of the others the newest of each kind; of somebody else's
    one that is bound to the object, and the newest that passed. Supposed are checks of each method and purpose that the
    rules of the action know.
    """

    depends_on_subject = True

    def __init__(self, record_type: str, facts: SampledFacts, now: Instant) -> None:
        super().__init__(record_type, facts, now)
        checks = facts.of(record_type)
        self._bound: dict[RecordKey, list[Any]] = defaultdict(list)
        for check in checks.values():
            self._bound[check.bound_type, check.bound_id].append(check)
        self._passed = sorted((c for c in checks.values() if c.state == VerificationState.PASSED), key=self._age)

    def choose(self, query: SampleQuery) -> Sequence[Ranked]:
        bound = self._bound_next(query)
        digests = self._digests(bound)
        person_id = query.subject[1] if query.subject is not None else ""
        ids = self.facts.of_subject(query.subject, self.record_type) if query.subject is not None else ()
        checks = self.facts.of(self.record_type)
        own: list[Ranked] = []
        seen: set[tuple[Any, ...]] = set()
        for check in sorted((checks[check_id] for check_id in ids), key=self._age):
            if (check.bound_type, check.bound_id) == bound:
                own.append((0, check.id))
                continue
            kind = (check.method, check.purpose, check.state, check.bound_type, _reach(check.bound_digest, digests))
            if kind not in seen:
                seen.add(kind)
                own.append((4, check.id))
        others = [check for check in self._bound.get(bound, ()) if check.person_id != person_id]
        others.sort(key=lambda c: (c.state != VerificationState.PASSED, _reach(c.bound_digest, digests), self._age(c)))
        somebody = [(2, check.id) for check in others[:1]]
        anybody = (check.id for check in self._passed if check.person_id != person_id)
        newest = next((check for check in anybody if (2, check) not in somebody), None)
        return [*own, *somebody, *([(4, newest)] if newest is not None else [])]

    def fresh(self, query: SampleQuery, words: Collection[str]) -> Sequence[tuple[int, Fresh]]:
        # A face check of the first document comes first.
        digests = self._digests(self._bound_next(query))
        tried = _digests_to_try(digests, query.action)
        methods = [method for method in VerificationMethod if method in words]
        purposes = [purpose for purpose in VerificationPurpose if purpose in words]
        return [
            (0 if method == VerificationMethod.FACE else 2, _FreshCheck(method, purpose, digest))
            for purpose in purposes
            for method in methods
            for digest in tried
        ]

    def make(self, fresh: Fresh, query: FreshQuery) -> Any:
        if not isinstance(fresh, _FreshCheck):
            raise TypeError(f"`{fresh}` is no check")
        # A check of another one than the subject is that of the person whom the key before it names.
        other = getattr(query.context, query.key.removesuffix("_verification"), None)
        person = other.person if other is not None and query.key != "verification" else query.subject
        bound = self._bound_of(query.key, query.action, query.given, (type(query.resource).__name__, query.resource.id))
        digest = fresh.digest if fresh.digest is not None else _wanted_digest(query.context)
        check = IdentityVerification(
            id=str(fresh),
            person_id=person.id,
            method=fresh.method,
            purpose=fresh.purpose,
            provider_ref=str(fresh),
            bound_type=bound[0],
            bound_id=bound[1],
            bound_digest=digest or "",
            state=VerificationState.PASSED,
            passed_at=self.now,
            fallback_from=None if fresh.method == VerificationMethod.FACE else VerificationMethod.FACE,
        )
        check.person = person
        return check

    def _bound_next(self, query: SampleQuery) -> RecordKey:
        """What the check must be bound to of which the key comes next."""
        return self._bound_of(list(query.action.records)[len(query.given)], query.action, query.given, query.resource)

    def _bound_of(self, key: str, action: Action, given: Sequence[str | None], resource: RecordKey) -> RecordKey:
        """What a check must be bound to: the task or the request of the context where it has a key for one. When an
        enterprise is handed over, the giver's is bound to the membership that receives it, the receiver's to the
        enterprise.
        """
        for position, (name, record_type) in enumerate(action.records.items()):
            if record_type in ("SigningTask", "SealUseRequest"):
                return record_type, given[position] or ""
            if name == "receiver" and key == "verification":
                return record_type, given[position] or ""
        if key != "verification":
            return "Enterprise", self.facts.tenant_of(resource)
        return resource

    def _digests(self, bound: RecordKey) -> set[str]:
        """The digests of the documents of the contract in which a check's object is a task."""
        task = self.facts.of("SigningTask").get(bound[1]) if bound[0] == "SigningTask" else None
        party = self.facts.of("Signatory").get(task.signatory_id) if task is not None else None
        documents = self.facts.naming("ContractDocument", "contract_id", party.contract_id) if party is not None else ()
        return {document.digest for document in documents}

    def _age(self, check: Any) -> tuple[bool, int, str]:
        """Orders checks: the newest first, those of the future last."""
        return (check.passed_at > self.now, -check.passed_at, check.id)


def _reach(digest: str, digests: set[str]) -> int:
    """How much a check bound to a digest covers: 0 all documents with these digests, 1 one of several, 2 none."""
    return 0 if digest == whole_digest(digests) else 1 if digest in digests else 2


def _wanted_digest(context: Any) -> str | None:
    """Return the digest that a context says a check must have."""
    return next((getattr(context, key) for key in _WANTED if getattr(context, key, None) is not None), None)


def _digests_to_try(known: set[str], action: Action) -> list[str | None]:
    """What a supposed check may be bound to beside its object: a document, all documents, or nothing."""
    some: list[str | None] = [*sorted(known)[:2]]
    if any(field.name in _WANTED for field in dataclasses.fields(action.context)):
        some.append(None)
    return some or [""]


def _within_hours(context: Any, resource: Any) -> Any:
    """Return a context at the latest time of the clock that is within the working hours of the resource's enterprise.

    The context as it is where it has no local time, the enterprise no hours, or the time is within them already.
    """
    day, weekday, minute = (getattr(context, name, None) for name in ("local_day", "local_weekday", "local_minute"))
    enterprise = getattr(resource, "enterprise", None)
    hours: Sequence[Any] = list(getattr(enterprise, "working_hours", ()))
    if day is None or weekday is None or minute is None or not hours:
        return context
    named = {special.day: special.weekday for special in getattr(enterprise, "holidays", ())}
    for back in range(_DAYS_BACK):
        that = (weekday - 1 - back) % 7 + 1
        applies = named.get(day - back, that)
        open_ = [some for some in hours if some.weekday == applies and some.from_minute < some.to_minute]
        if not open_:
            continue
        if back == 0 and any(some.from_minute <= minute < some.to_minute for some in open_):
            return context
        first = min(some.from_minute for some in open_)
        return dataclasses.replace(context, local_day=day - back, local_weekday=that, local_minute=first)
    return context


EVIDENCE = Evidence(
    samples={"SigningTask": _Tasks, "Person": _Persons, "IdentityVerification": _Checks},
    fresh_context=_within_hours,
    to_come=frozenset({"expires_at", "ended_at", "due_at"}),
    traits={
        "Person": ("account_state", "realname_state"),
        "Membership": ("state",),
        "RoleAssignment": ("role", "state"),
        "RegistrySnapshot": (),
    },
    concerned=("PlatformStaff",),
    stated=(Stated("IdentityVerification", "bound_digest", "this act", "intent_digest"),),
)
