"""The access diff: who gains and who loses what when one bundle takes the place of another, over one set of facts.

Every subject, action and resource is decided under both bundles, in every context that the facts offer. What the two
answer differently is a change, and each change names the rules that are responsible for it.

What is good for minutes only is decided twice: as it is, and as if it were fresh (`freshness.py`). And what the rules
themselves say to be looser is held against what the questions showed (`loosening.py`): where no question showed any
effect of it, the diff cannot tell.

Rules it keeps. Nothing is left out silently: what was not decided is counted in the extent. A question that a bundle
cannot decide is never taken for a denial like any other. Contexts are compared one by one, so that a person who may use
a seal for one task today, and for two tomorrow, is a change too.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sealauthz.accessdiff.freshness import (
    SUPPOSED_CODE,
    Supposed,
    SupposedCode,
    check_of,
    digests_to_try,
    time_of,
    with_code,
    within_hours,
)
from sealauthz.accessdiff.loosening import NEW, OLD, Loosening, RuleChanges, Sign, changes_of, proved_sign
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import assemble
from sealauthz.decision.bundle import named_by_obligations
from sealauthz.decision.pdp import everything
from sealauthz.errors import EvaluationFailed, SealAuthzError
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.store.rows import RecordRows
from sealauthz.model import MODEL
from sealauthz.model.records.contracts import whole_digest
from sealauthz.model.records.identity import VerificationMethod, VerificationPurpose
from sealauthz.polar import RuleNode, trace
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.program import Clause
from sealauthz.polar.runtime import FREE
from sealauthz.polar.syntax import Attribute, Call, Literal
from sealauthz.polar.terms import nodes_of
from sealauthz.polar.unparse import written, written_head, written_statement
from sealauthz.schema import Action, ResolverInput, Unit, shape_of

ContextEntries = tuple[tuple[str, str], ...]
"""What the asker says, by key, in the order of the context's form."""

Progress = Callable[[int, int], None]
"""Told now and then how many of how many resources are done."""

FREE_TEXT = "some other text"
"""Stands for all texts that no policy compares with."""

_DENY, _ALLOW, _FAILED = 0, 1, 2
_MAX_STOPS = 3
_MAX_SPOTS = 3
_FRESH_TIMES = 4
_MAX_SHOWN = 8
"""Contexts of one gain that are looked at for the rules that it shows."""
_BLOCK_RULES = ("has_permission", "has_role", "has_relation")


# --- what is told ---------------------------------------------------------------------------------------------------


class ChangeKind(StrEnum):
    """What kind of change it is."""

    GAIN = "GAIN"
    """Denied in every context before, allowed in one now."""
    WIDER = "WIDER"
    """Allowed before, and now in a context in which it was denied."""
    LOSS = "LOSS"
    """Allowed in a context before, denied in every one now."""
    NARROWER = "NARROWER"
    """Still allowed, but denied in a context in which it was allowed."""
    OBLIGATION = "OBLIGATION"
    """Allowed by both, with other obligations."""
    BROKEN = "BROKEN"
    """Cannot be decided any more: the new bundle fails."""
    MENDED = "MENDED"
    """Could not be decided before: the old bundle fails."""


MIRRORED = {
    ChangeKind.GAIN: ChangeKind.LOSS,
    ChangeKind.LOSS: ChangeKind.GAIN,
    ChangeKind.WIDER: ChangeKind.NARROWER,
    ChangeKind.NARROWER: ChangeKind.WIDER,
    ChangeKind.BROKEN: ChangeKind.MENDED,
    ChangeKind.MENDED: ChangeKind.BROKEN,
    ChangeKind.OBLIGATION: ChangeKind.OBLIGATION,
}
"""What a change becomes when the two bundles change places."""


class CauseKind(StrEnum):
    """In what the two bundles differ for a change."""

    ACTION = "ACTION"
    """The bundle that denies does not have the action."""
    FAILURE = "FAILURE"
    """The bundle that denies cannot decide."""
    VISIBILITY = "VISIBILITY"
    """The resource is visible to the subject under one bundle only."""
    PERMISSION = "PERMISSION"
    """The table of roles and permissions gives the permission in one bundle only."""
    CHECKLIST = "CHECKLIST"
    """Only the bundle that denies has the requirement on the checklist."""
    REQUIREMENT = "REQUIREMENT"
    """Both have the requirement, and it is met under one only."""
    OBLIGATION = "OBLIGATION"
    """Only one obliges to something: `requirement` says to what, `required_by` where."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of a bundle."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the bundle that denies stopped: the rule, the condition in it (or in a rule that it calls), the values."""

    rule: Spot
    spot: Spot
    condition: str
    values: tuple[str, ...] = dataclasses.field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Cause:
    """One difference behind a change. It speaks of the bundle that allows and the one that denies, so that it is the
    same for a gain and for the loss that mirrors it.

    `allowed_by` is the rule that holds in the bundle that allows, as an exception where `is_waived`; `is_rule_changed`
    says that the other bundle does not have this rule word for word. `only_allowing` and `only_denying` are rules below
    it that one bundle has and the other does not, `parameters` those it compares with that differ. `required_by` is the
    `requires` line that only the bundle that denies has. `error` is what went wrong where that bundle cannot decide.
    """

    kind: CauseKind
    requirement: str = ""
    allowed_by: Spot | None = None
    is_waived: bool = False
    is_rule_changed: bool = False
    only_allowing: tuple[Spot, ...] = ()
    only_denying: tuple[Spot, ...] = ()
    parameters: tuple[str, ...] = ()
    required_by: Spot | None = None
    stops: tuple[Stop, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `context` is one under which it shows, the one that says least; `further` counts the others.

    `added` and `dropped` are obligations. `error` is what went wrong where a bundle cannot decide.
    """

    kind: ChangeKind
    subject: Entity
    action: str
    resource: Entity
    context: ContextEntries = ()
    further: int = 0
    causes: tuple[Cause, ...] = ()
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    error: str = ""

    @property
    def question(self) -> Question:
        """The question that the two bundles answer differently."""
        return Question(self.subject, self.action, self.resource, dict(self.context))

    def mirrored(self) -> Change:
        """The same change with the two bundles in each other's place."""
        return dataclasses.replace(self, kind=MIRRORED[self.kind], added=self.dropped, dropped=self.added)


@dataclass(frozen=True, slots=True)
class OtherReasons:
    """A denial for which the two bundles give different reasons."""

    subject: Entity
    action: str
    resource: Entity
    context: ContextEntries
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much was decided, and what was not.

    A pair is a subject and a resource; a question is a pair with an action; a decision is a question in one context,
    under both bundles. `cut` counts the questions with more contexts than the limit. `undecidable` counts the questions
    that neither bundle can decide in some context. `denials` counts questions that both deny, of which the reasons were
    compared for `compared`. All are about the facts as they are; `fresh_decisions` and `fresh_cut` count the same with
    fresh facts.
    """

    subjects: int = 0
    resources: int = 0
    actions: int = 0
    pairs: int = 0
    decided_pairs: int = 0
    questions: int = 0
    decisions: int = 0
    cut: int = 0
    undecidable: int = 0
    denials: int = 0
    compared: int = 0
    fresh_decisions: int = 0
    fresh_cut: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every pair was decided, in every context that was drawn."""
        return self.decided_pairs == self.pairs and not self.cut and not self.fresh_cut


@dataclass(frozen=True, slots=True)
class BundleDelta:
    """In what two bundles differ: the names of files, and parameters with their values before and after."""

    old: str
    new: str
    files: tuple[str, ...] = ()
    parameters: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class AccessDiff:
    """What changes, in the order of kind, type, action, resource and subject. `other_reasons` are no changes.

    `fresh` are the changes that show only where checks and codes are fresh. `loosenings` are the differences of the
    rules that may allow more, `shown` those of them of which these facts showed an effect.
    """

    bundles: BundleDelta
    now: int
    extent: Extent
    changes: tuple[Change, ...] = ()
    other_reasons: tuple[OtherReasons, ...] = ()
    name: str = ""
    fresh: tuple[Change, ...] = ()
    loosenings: tuple[Loosening, ...] = ()
    shown: frozenset[Loosening] = frozenset()

    def of(self, *kinds: ChangeKind) -> tuple[Change, ...]:
        """The changes of these kinds, of the facts as they are."""
        return tuple(change for change in self.changes if change.kind in kinds)

    def fresh_of(self, *kinds: ChangeKind) -> tuple[Change, ...]:
        """The changes of these kinds that show only with fresh facts."""
        return tuple(change for change in self.fresh if change.kind in kinds)


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the diff goes before it decides less, and says so.

    `pairs`: above it, each resource is decided for those with a tie to it and `strangers` of each kind of others.
    `contexts`: of one question; with fresh facts four times as many. `denials`: denials whose reasons are compared;
    None for all.
    """

    pairs: int = 2_000_000
    contexts: int = 256
    denials: int | None = 20_000
    strangers: int = 3


def compare(
    old: Bundle,
    new: Bundle,
    records: Iterable[Any],
    now: int,
    limits: Limits | None = None,
    progress: Progress | None = None,
    name: str = "",
) -> AccessDiff:
    """Decide everything about these records under both bundles and return what differs.

    First as they are at `now`. Then, where the rules could decide differently, as if what lasts for minutes were fresh:
    when the facts were written, and at `now`.
    """
    facts = _Facts(records)
    fact_cache = FactCache.of_records(MODEL, facts.records)
    limits = limits or Limits()
    rules = changes_of(old, new)
    with fact_cache.read() as snapshot:
        as_they_are = _Comparison(old, new, facts, fact_cache, snapshot, _View(now), limits, name)
        found = as_they_are.run(progress)
        signs = set(as_they_are.signs)
        fresh: list[Change] = []
        decisions = cut = 0
        # What fails as it is has been told, takes longest, and can be approved by nobody.
        failing = frozenset((c.subject.id, c.action, c.resource) for c in found.of(ChangeKind.BROKEN))
        for instant in dict.fromkeys((time_of(facts.records, now), now)) if rules.concerned else ():
            view = _View(instant, rules, failing)
            comparison = _Comparison(old, new, facts, fact_cache, snapshot, view, limits, name)
            more = comparison.run(None)
            decisions += more.extent.decisions
            cut += more.extent.cut
            signs |= comparison.signs
            fresh += _beside((*found.changes, *fresh), more.changes)
    return dataclasses.replace(
        found,
        extent=dataclasses.replace(found.extent, fresh_decisions=decisions, fresh_cut=cut),
        fresh=tuple(fresh),
        loosenings=rules.loosenings,
        shown=frozenset(loosening for loosening in rules.loosenings if loosening.sign in signs),
    )


def unseen(diffs: Sequence[AccessDiff]) -> tuple[Loosening, ...]:
    """Return what may allow more, and of which no set of facts showed an effect: the diff cannot tell what it does."""
    shown = frozenset[Loosening]().union(*(diff.shown for diff in diffs))
    return tuple(loosening for loosening in diffs[0].loosenings if loosening not in shown) if diffs else ()


_MORE = (ChangeKind.GAIN, ChangeKind.WIDER)
_LESS = (ChangeKind.LOSS, ChangeKind.NARROWER)


def _beside(known: Iterable[Change], more: Iterable[Change]) -> Iterator[Change]:
    """Leave out the changes that are told already: one that gains access gains it in every context, or with a check."""
    told = {_told_by(change) for change in known}
    whole = {(change.kind, change.subject, change.action, change.resource) for change in known}
    for change in more:
        about = (change.subject, change.action, change.resource)
        is_gained, is_lost = (ChangeKind.GAIN, *about) in whole, (ChangeKind.LOSS, *about) in whole
        if (
            _told_by(change) in told
            or (is_gained and change.kind in (*_MORE, ChangeKind.OBLIGATION))
            or (is_lost and change.kind in (*_LESS, ChangeKind.OBLIGATION))
        ):
            continue
        yield change


def _told_by(change: Change) -> tuple[Any, ...]:
    is_one = change.kind in (ChangeKind.WIDER, ChangeKind.NARROWER)
    about = (change.subject, change.action, change.resource)
    return (change.kind, *about, change.context if is_one else (), change.added, change.dropped)


@dataclass(frozen=True, slots=True)
class _View:
    """How the facts are looked at: when, and whether as they are or, about what these changes concern, as if fresh.

    `leaves_out` are questions that are not asked: person, action, resource.
    """

    now: int
    fresh_for: RuleChanges | None = None
    leaves_out: frozenset[tuple[str, str, Entity]] = frozenset()

    @property
    def is_fresh(self) -> bool:
        return self.fresh_for is not None


def grouped(changes: Iterable[Change]) -> list[list[Change]]:
    """Put together what changes for the same causes: same kind, action and type, same rules. In order."""
    groups: dict[tuple[Any, ...], list[Change]] = {}
    for change in changes:
        key = (
            change.kind,
            change.action,
            change.resource.type,
            change.causes,
            change.added,
            change.dropped,
            change.error,
        )
        groups.setdefault(key, []).append(change)
    return list(groups.values())


# --- the facts, and the contexts that they offer --------------------------------------------------------------------


class _Facts:
    """The records by what the diff asks of them."""

    def __init__(self, records: Iterable[Any]) -> None:
        by_id: dict[str, dict[str, Any]] = {record_type: {} for record_type in MODEL.records}
        for record in records:
            by_id[type(record).__name__][record.id] = record
        self.by_id = by_id
        self.records = [record for some in by_id.values() for record in some.values()]
        self.persons = sorted(by_id["Person"])
        self._homes = MODEL.units.homes_of(self.records, RecordRows(self.records))
        self.own_checks: dict[str, list[Any]] = defaultdict(list)
        self.bound_checks: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for check in by_id["IdentityVerification"].values():
            self.own_checks[check.person_id].append(check)
            self.bound_checks[check.bound_type, check.bound_id].append(check)
        self.own_tasks: dict[str, set[str]] = defaultdict(set)
        for task in by_id["SigningTask"].values():
            if task.handler_id is not None:
                self.own_tasks[task.handler_id].add(task.id)
        for operator in by_id["TaskOperator"].values():
            self.own_tasks[operator.person_id].add(operator.task_id)
        self.contract_of: dict[str, str] = {}
        self.tasks_of: dict[str, list[str]] = defaultdict(list)
        signatories = by_id["Signatory"]
        for task in by_id["SigningTask"].values():
            signatory = signatories.get(task.signatory_id)
            if signatory is not None:
                self.contract_of[task.id] = signatory.contract_id
                self.tasks_of[signatory.contract_id].append(task.id)
        self.contracts_of: dict[str, set[str]] = defaultdict(set)
        self.parties_of: dict[str, set[str]] = defaultdict(set)
        for contract in by_id["Contract"].values():
            self.contracts_of[contract.initiator_id].add(contract.id)
            self.parties_of[contract.id].add(contract.initiator_id)
        for signatory in signatories.values():
            if signatory.enterprise_id is not None:
                self.contracts_of[signatory.enterprise_id].add(signatory.contract_id)
                self.parties_of[signatory.contract_id].add(signatory.enterprise_id)
        self.digests: dict[str, set[str]] = defaultdict(set)
        for document in by_id["ContractDocument"].values():
            self.digests[document.contract_id].add(document.digest)

    def home(self, record_type: str, record_id: str) -> Unit | None:
        """The unit that a record is at home in."""
        return self._homes.get((record_type, record_id))

    def enterprise_of(self, record_type: str, record_id: str) -> str:
        """The enterprise that a record belongs to; empty where it belongs to none."""
        home = self.home(record_type, record_id)
        return home.id if home is not None and home.kind == "ENTERPRISE" else ""

    # --- ties, for facts that are too many to decide every pair ---------------------------------------------------

    def ties(self) -> dict[Unit, set[str]]:
        """The persons that the records of each unit name, directly or by membership or post."""
        persons: dict[Unit, set[str]] = defaultdict(set)
        for record in self.records:
            home = self.home(type(record).__name__, record.id)
            if home is None:
                continue
            for column in shape_of(type(record)).columns:
                key = getattr(record, column.name) if column.ref in ("Person", "Membership", "PlatformStaff") else None
                if key is None:
                    continue
                named = self.by_id[str(column.ref)].get(key)
                if named is not None:
                    persons[home].add(named.id if column.ref == "Person" else named.person_id)
        return persons

    def kinds_of_person(self) -> list[list[str]]:
        """The persons by what a rule could tell of them without looking at a resource."""
        roles: dict[str, set[str]] = defaultdict(set)
        memberships = self.by_id["Membership"]
        for membership in memberships.values():
            roles[membership.person_id].add(f"member {membership.state}")
        for assignment in self.by_id["RoleAssignment"].values():
            membership = memberships.get(assignment.membership_id)
            if membership is not None:
                roles[membership.person_id].add(f"{assignment.role} {assignment.state}")
        for snapshot in self.by_id["RegistrySnapshot"].values():
            if snapshot.legal_rep_id is not None:
                roles[snapshot.legal_rep_id].add("legal representative")
        kinds: dict[tuple[Any, ...], list[str]] = defaultdict(list)
        for person_id in self.persons:
            person = self.by_id["Person"][person_id]
            kinds[str(person.account_state), str(person.realname_state), frozenset(roles[person_id])].append(person_id)
        return list(kinds.values())


class _Contexts:
    """The contexts that the facts offer for a question.

    Tasks: those that the subject handles or operates, all of contracts to which the resource's enterprise is a party,
    and one of another contract. Checks of identity: the subject's own that are bound to the object, of the others the
    newest of each kind; of somebody else, one bound to the object and the newest that passed. Texts: those that a
    policy compares with, what the record of the context has under the same name (the code of a request), the empty one,
    and one that stands for all others. Each may be left out, too. Among fresh facts there are also checks that the
    subject has just passed, for each method and purpose that the rules of the action know.
    """

    def __init__(self, facts: _Facts, bundles: Sequence[Bundle], view: _View, limit: int) -> None:
        self._facts = facts
        self._bundles = bundles
        self._now = view.now
        self._is_fresh = view.is_fresh
        self._supposed: dict[tuple[str, str], list[tuple[str, str]]] = {}
        # There are more of them where checks are supposed beside those that there are, and few questions to ask.
        self._limit = limit * _FRESH_TIMES if view.is_fresh else limit
        self._words: dict[str, list[str]] = {}
        self._tasks: dict[str, list[str]] = {}
        self._shared: dict[int, tuple[list[tuple[str | None, ...]], bool]] = {}
        passed = [check for check in facts.by_id["IdentityVerification"].values() if check.state == "PASSED"]
        self._passed = sorted(passed, key=self._age)

    def of(
        self, person_id: str, action: str, form: Action, resource_type: str, resource_id: str
    ) -> tuple[list[tuple[str | None, ...]], bool]:
        """The values of the keys of a context's form, None for what is left out, and whether some were cut."""
        facts = self._facts
        if not form.records or not (person_id in facts.own_checks or person_id in facts.own_tasks):
            # The many who have nothing of their own to bring are offered the same.
            found = self._shared.get(id(form))
            if found is None:
                found = self._shared[id(form)] = self._drawn("", action, form, resource_type, resource_id)
            return found
        return self._drawn(person_id, action, form, resource_type, resource_id)

    def forget(self) -> None:
        """Forget what was kept for one resource."""
        self._shared.clear()

    def _drawn(
        self, person_id: str, action: str, form: Action, resource_type: str, resource_id: str
    ) -> tuple[list[tuple[str | None, ...]], bool]:
        # The rank of a context says how telling it is: what is cut is cut from the end.
        drawn: list[tuple[int, tuple[str | None, ...]]] = [(0, ())]
        for record_type in form.records.values():
            more: list[tuple[int, tuple[str | None, ...]]] = []
            for rank, values in drawn:
                if record_type == "SigningTask":
                    choices = self._some_tasks(person_id, resource_type, resource_id)
                elif record_type == "IdentityVerification":
                    bound = bound_of(form, values, (resource_type, resource_id))
                    choices = self._some_checks(person_id, bound)
                    if self._is_fresh:
                        choices = [*self._supposed_checks(action, form, resource_type, bound), *choices]
                else:
                    choices = [(0, record_id) for record_id in sorted(self._facts.by_id[record_type])]
                more += [(rank + extra, (*values, choice)) for extra, choice in ((0, None), *choices)]
            drawn = more
        for key in form.texts:
            words = self._words_of(key)
            drawn = [
                (rank, (*values, word))
                for rank, values in drawn
                for word in (None, *dict.fromkeys((*self._own_texts(form, values, key), *words)))
            ]
        drawn.sort(key=lambda ranked: ranked[0])
        return [values for _, values in drawn[: self._limit]], len(drawn) > self._limit

    def _supposed_checks(
        self, action: str, form: Action, resource_type: str, bound: tuple[str, str]
    ) -> list[tuple[int, str]]:
        """Checks that the subject has just passed, bound to the object; a face check of the first document first."""
        digests = self._facts.digests.get(self._facts.contract_of.get(bound[1], ""), set())
        tried = digests_to_try(
            digests if bound[0] == "SigningTask" else (), {each.name: each for each in dataclasses.fields(form.context)}
        )
        return [
            (0 if method == VerificationMethod.FACE else 2, Supposed(method, purpose, digest))
            for method, purpose in self._kinds_of_check(action, resource_type)
            for digest in tried
        ]

    def _kinds_of_check(self, action: str, resource_type: str) -> list[tuple[str, str]]:
        """The methods and purposes that the rules of an action compare with, in either bundle."""
        key = (action, resource_type)
        if key not in self._supposed:
            words: set[str] = set()
            for bundle in self._bundles:
                needs = ((requirement, *key) for requirement in bundle.rulebook.requirements.get(key, ()))
                rules = [rule for need in needs for rule in bundle.rulebook.meets.get(need, ())]
                words |= _literals_below(rules, bundle)
            methods = [method for method in VerificationMethod if method in words]
            self._supposed[key] = [(m, purpose) for purpose in VerificationPurpose if purpose in words for m in methods]
        return self._supposed[key]

    def _own_texts(self, form: Action, values: tuple[str | None, ...], key: str) -> list[str]:
        """What the records of a context hold under the name of a text; among fresh facts a code that was not given."""
        found = []
        for record_type, record_id in zip(form.records.values(), values, strict=False):
            record = self._facts.by_id[record_type].get(record_id or "")
            text = getattr(record, key, None)
            if text:
                found.append(str(text))
            elif text == "" and self._is_fresh:
                found.append(SUPPOSED_CODE)
        return found

    def _some_tasks(self, person_id: str, resource_type: str, resource_id: str) -> list[tuple[int, str]]:
        facts = self._facts
        enterprise = facts.enterprise_of(resource_type, resource_id)
        known = self._tasks.get(enterprise)
        if known is None:
            contracts = facts.contracts_of.get(enterprise, ())
            known = sorted(task for contract in contracts for task in facts.tasks_of.get(contract, ()))
            elsewhere = (
                task.id
                for task in facts.by_id["SigningTask"].values()
                if task.state == "PENDING" and facts.contract_of.get(task.id) not in contracts
            )
            another = min(elsewhere, default=None)
            self._tasks[enterprise] = known = known if another is None else [*known, another]
        own = facts.own_tasks.get(person_id, set())
        return [*((0, task) for task in sorted(own)), *((1, task) for task in known if task not in own)]

    def _some_checks(self, person_id: str, bound: tuple[str, str]) -> list[tuple[int, str]]:
        facts = self._facts
        digests = facts.digests.get(facts.contract_of.get(bound[1], ""), set()) if bound[0] == "SigningTask" else set()
        own: list[tuple[int, str]] = []
        seen: set[tuple[Any, ...]] = set()
        for check in sorted(facts.own_checks.get(person_id, ()), key=self._age):
            if (check.bound_type, check.bound_id) == bound:
                own.append((0, check.id))
                continue
            kind = (check.method, check.purpose, check.state, check.bound_type, _reach(check.bound_digest, digests))
            if kind not in seen:
                seen.add(kind)
                own.append((4, check.id))
        others = [check for check in facts.bound_checks.get(bound, ()) if check.person_id != person_id]
        others.sort(key=lambda c: (c.state != "PASSED", _reach(c.bound_digest, digests), self._age(c)))
        somebody = [(2, check.id) for check in others[:1]]
        anybody = (check.id for check in self._passed if check.person_id != person_id)
        newest = next((check for check in anybody if (2, check) not in somebody), None)
        return [*own, *somebody, *([(4, newest)] if newest is not None else [])]

    def _age(self, check: Any) -> tuple[bool, int, str]:
        """Orders checks: the newest first, those of the future last."""
        return (check.passed_at > self._now, -check.passed_at, check.id)

    def _words_of(self, key: str) -> list[str]:
        """The texts that a bundle may compare a key of the context with, and one that it does not."""
        if key not in self._words:
            found: set[str] = {""}
            for bundle in self._bundles:
                found |= _literals_near(key, bundle)
            free = FREE_TEXT
            while free in found:
                free += "."
            self._words[key] = [*sorted(found), free]
        return self._words[key]


def bound_of(form: Action, values: Sequence[str | None], resource: tuple[str, str]) -> tuple[str, str]:
    """What a check must be bound to: the task or the request of the context where it has a key for one."""
    for position, record_type in enumerate(form.records.values()):
        if record_type in ("SigningTask", "SealUseRequest"):
            return record_type, values[position] or ""
    return resource


def _reach(digest: str, digests: set[str]) -> int:
    """How much a check bound to a digest covers: 0 all documents with these digests, 1 one of several, 2 none."""
    return 0 if digest == whole_digest(digests) else 1 if digest in digests else 2


def _literals_near(key: str, bundle: Bundle) -> set[str]:
    """The strings in rules that read an attribute of that name, and in all rules that those call."""
    rules_near = [
        rule
        for rules in bundle.rulebook.rules.values()
        for rule in rules
        if any(isinstance(node, Attribute) and node.name == key for node in nodes_of(rule))
    ]
    return _literals_below(rules_near, bundle)


def _literals_below(rules: Iterable[RuleNode], bundle: Bundle) -> set[str]:
    """The strings in rules, and in all rules that those call."""
    by_name = bundle.rulebook.rules
    waiting = list(rules)
    seen: set[int] = set()
    found: set[str] = set()
    while waiting:
        rule = waiting.pop()
        if id(rule) in seen:
            continue
        seen.add(id(rule))
        for node in nodes_of(rule):
            if isinstance(node, Literal) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, Call):
                waiting += by_name.get(node.name, ())
    return found


# --- deciding -------------------------------------------------------------------------------------------------------


class _Side:
    """One of the two bundles, and what it answers."""

    def __init__(self, bundle: Bundle, fact_cache: FactCache, now: int) -> None:
        self.bundle = bundle
        self.engine = bundle.engine
        self.point = PolicyDecisionPoint(fact_cache, bundle, lambda: now)
        self.rules = bundle.rulebook.rules
        self._said = {_said(rule) for rules in self.rules.values() for rule in rules}
        self._has_lapses = "lapses" in self.rules
        self._naming = named_by_obligations(bundle.rulebook)
        self._requires = {
            (rule.parameters[0].literal, rule.parameters[1].type, rule.parameters[2].literal): Spot(
                rule.place.file, rule.place.line
            )
            for rule in bundle.rulebook.rules.get("requires", ())
        }

    def knows(self, action: str, resource_type: str) -> bool:
        """Whether the bundle has the action."""
        return (action, resource_type) in self.bundle.rulebook.requirements

    def outcome(self, subject: Any, action: str, resource: Any, context: Any) -> int:
        """What the decision point would answer, without its reasons."""
        try:
            if not self.engine.holds("allow", subject, action, resource, context):
                return _DENY
            # An allow says what must be done and how long it stands; the decision point denies where that fails.
            if self._has_lapses:
                self.engine.each("lapses", subject, action, resource, context, FREE)
            self.obligations(subject, action, resource, context)
        except EvaluationFailed:
            return _FAILED
        return _ALLOW

    def obligations(self, subject: Any, action: str, resource: Any, context: Any) -> frozenset[str]:
        """What an allow obliges to. Raises EvaluationFailed."""
        if (action, type(resource).__name__) not in self.bundle.rulebook.obligations:
            return frozenset()
        found = frozenset(code for (code,) in self.engine.each("obligation", subject, action, resource, context, FREE))
        if found and (action, type(resource).__name__) in self._naming:
            self.engine.each("obligation_parameter", FREE, FREE, FREE, subject, action, resource, context)
        return found

    def holds(self, rule: str, *arguments: object) -> bool:
        """Whether a rule holds; not where it cannot be evaluated."""
        try:
            return self.engine.holds(rule, *arguments)
        except EvaluationFailed:
            return False

    def failure(self, subject: Any, action: str, resource: Any, context: Any) -> str:
        """What goes wrong in a question that cannot be decided."""
        try:
            self.engine.holds("allow", subject, action, resource, context)
            if self._has_lapses:
                self.engine.each("lapses", subject, action, resource, context, FREE)
            self.obligations(subject, action, resource, context)
        except EvaluationFailed as error:
            return f"{error} ({type(error.__cause__).__name__})" if error.__cause__ is not None else str(error)
        return ""

    def unmet(self, subject: Any, action: str, resource: Any, context: Any) -> list[str]:
        """The requirements that nothing settles, in the order of the bundle."""
        listed = self.bundle.rulebook.requirements.get((action, type(resource).__name__), ())
        try:
            found = {code for (code,) in self.engine.each("unmet", subject, FREE, action, resource, context)}
        except EvaluationFailed:
            return []
        return [requirement for requirement in listed if requirement in found]

    def required_by(self, action: str, resource_type: str, requirement: str) -> Spot | None:
        """The `requires` line of a requirement."""
        return self._requires.get((action, resource_type, requirement))

    def obliging(self, asked: _Asked, code: str) -> Cause:
        """The line behind an obligation."""
        type_ = type(asked.resource).__name__
        rules = (
            rule
            for rule in self.rules.get("obligation", ())
            if (rule.parameters[1].literal, rule.parameters[2].type, rule.parameters[4].literal)
            == (asked.action, type_, code)
        )
        spots = (Spot(rule.place.file, rule.place.line) for rule in rules)
        return Cause(CauseKind.OBLIGATION, code, required_by=next(spots, None))

    def tried(self, rule: str, *arguments: object) -> tuple[trace.Attempt, ...]:
        """The clauses that were tried; none where that cannot be told."""
        try:
            return self.engine.explain(rule, *arguments)
        except EvaluationFailed:
            return ()

    def proved(self, rule: str, *arguments: object) -> list[Spot]:
        """Where the clauses stand that held while a rule was evaluated; none where that cannot be told."""
        engine = self.engine
        if not isinstance(engine, CompiledEngine):
            return []
        try:
            events = engine.events_of(rule, *arguments)
        except EvaluationFailed:
            return []
        clauses = (c.condition.clause for c in engine.coverage([events]) if c.met and c.condition.term is None)
        return [Spot(clause.place.file, clause.place.line) for clause in clauses if clause is not None]

    def has_twin(self, rule: RuleNode | None) -> bool:
        """Whether the bundle has a rule that says the same, word for word."""
        return rule is not None and _said(rule) in self._said

    def rule_at(self, spot: Spot, name: str) -> RuleNode | None:
        """The rule of that name that stands there."""
        return next(
            (rule for rule in self.rules.get(name, ()) if (rule.place.file, rule.place.line) == (spot.file, spot.line)),
            None,
        )


@dataclass(slots=True)
class _Counts:
    """The extent in the making."""

    decided_pairs: int = 0
    questions: int = 0
    decisions: int = 0
    cut: int = 0
    undecidable: int = 0
    denials: int = 0
    compared: int = 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with what it is decided on; each side has a context of its own, for its parameters."""

    subject: Any
    action: str
    resource: Any
    form: Action
    old_context: Any
    new_context: Any


class _Comparison:
    """One comparison of two bundles."""

    def __init__(
        self,
        old: Bundle,
        new: Bundle,
        facts: _Facts,
        fact_cache: FactCache,
        snapshot: FactSnapshot,
        view: _View,
        limits: Limits,
        name: str,
    ) -> None:
        now = view.now
        self._old = _Side(old, fact_cache, now)
        self._new = _Side(new, fact_cache, now)
        self._facts = facts
        self._snapshot = snapshot
        self._now = now
        self._is_fresh = view.is_fresh
        self._leaves_out = view.leaves_out
        self.signs: set[Sign] = set()
        """What the changes show of the rules behind them."""
        self._limits = limits
        self._name = name
        self._contexts = _Contexts(facts, (old, new), view, limits.contexts)
        self._counts = _Counts()
        self._changes: list[Change] = []
        self._other_reasons: list[OtherReasons] = []
        self._denied: list[Question] = []
        self._found: dict[tuple[str, str], Any] = {}
        self._actions = _actions_of(old, new, view.fresh_for)

    def run(self, progress: Progress | None) -> AccessDiff:
        facts, counts = self._facts, self._counts
        resources = [(type_, id_) for type_ in self._actions for id_ in sorted(facts.by_id[type_])]
        pairs = len(facts.persons) * len(resources)
        who = self._everybody(resources) if pairs <= self._limits.pairs else self._those_concerned(resources)
        for number, (resource_type, resource_id, persons) in enumerate(who):
            if progress is not None:
                progress(number, len(resources))
            counts.decided_pairs += len(persons)
            self._decide(resource_type, resource_id, persons)
            self._contexts.forget()
            if len(self._denied) >= 500:
                self._compare_reasons()
        self._compare_reasons()
        if progress is not None:
            progress(len(resources), len(resources))
        extent = Extent(
            subjects=len(facts.persons),
            resources=len(resources),
            actions=sum(map(len, self._actions.values())),
            pairs=pairs,
            **dataclasses.asdict(counts),
        )
        order = {kind: number for number, kind in enumerate(ChangeKind)}
        types = list(self._actions)
        changes = sorted(
            self._changes,
            key=lambda c: (
                order[c.kind],
                types.index(c.resource.type),
                c.action,
                c.resource.id,
                c.subject.id,
                c.context,
            ),
        )
        bundles = delta(self._old.bundle, self._new.bundle)
        return AccessDiff(bundles, self._now, extent, tuple(changes), tuple(self._other_reasons), self._name)

    # --- whom to ask about -----------------------------------------------------------------------------------------

    def _everybody(self, resources: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str, Sequence[str]]]:
        for resource_type, resource_id in resources:
            yield resource_type, resource_id, self._facts.persons

    def _those_concerned(self, resources: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str, Sequence[str]]]:
        """For each resource all who have a tie to it, the platform's staff, and some of each kind of strangers."""
        facts = self._facts
        ties = facts.ties()
        kinds = facts.kinds_of_person()
        staff = {post.person_id for post in facts.by_id["PlatformStaff"].values()}
        for resource_type, resource_id in resources:
            concerned = staff & set(facts.persons)
            home = facts.home(resource_type, resource_id)
            if home is not None:
                concerned |= ties.get(home, set())
                near = facts.contracts_of if home.kind == "ENTERPRISE" else facts.parties_of
                kind = "CONTRACT" if home.kind == "ENTERPRISE" else "ENTERPRISE"
                for unit_id in near.get(home.id, ()) if home.kind != "PERSON" else ():
                    concerned |= ties.get(Unit(kind, unit_id), set())
            strangers: list[str] = []
            for some in kinds:
                taken = 0
                for person_id in some:
                    if taken == self._limits.strangers:
                        break
                    if person_id not in concerned:
                        strangers.append(person_id)
                        taken += 1
            yield resource_type, resource_id, sorted(concerned | set(strangers))

    # --- deciding --------------------------------------------------------------------------------------------------

    def _decide(self, resource_type: str, resource_id: str, persons: Sequence[str]) -> None:
        for action in self._actions[resource_type]:
            form = MODEL.action(action, resource_type)
            someone = self._facts.persons[0] if self._facts.persons else ""
            prepared = self._prepared(action, resource_type, resource_id, someone)
            if prepared is None:
                # To both bundles it does not exist.
                self._counts.questions += len(persons)
                self._counts.decisions += len(persons)
                self._counts.denials += len(persons)
                continue
            resource, old_context, new_context = prepared
            is_known = (self._old.knows(action, resource_type), self._new.knows(action, resource_type))
            has_keys = bool(form.keys)
            drawn: list[tuple[str | None, ...]] = [()]
            is_cut = False
            for person_id in persons:
                if (person_id, action, Entity(resource_type, resource_id)) in self._leaves_out:
                    continue
                subject = self._find("Person", person_id)
                if form.resolver.is_about_subject:
                    _, old_context, new_context = (
                        self._prepared(action, resource_type, resource_id, person_id) or prepared
                    )
                asked = _Asked(subject, action, resource, form, old_context, new_context)
                if has_keys:
                    drawn, is_cut = self._contexts.of(person_id, action, form, resource_type, resource_id)
                self._counts.questions += 1
                self._counts.cut += is_cut
                self._counts.decisions += len(drawn)
                self._judge(asked, drawn, is_known)

    def _prepared(
        self, action: str, resource_type: str, resource_id: str, person_id: str
    ) -> tuple[Any, Any, Any] | None:
        """The resource and a context for each side, to be filled with what an asker says; None where there is none."""
        question = Question(Entity("Person", person_id), action, Entity(resource_type, resource_id))
        parameters = self._old.bundle.parameters
        case = assemble(MODEL, question, self._snapshot, everything, self._now, "", parameters)
        if case is None:
            return None
        context = within_hours(case.context, case.resource) if self._is_fresh else case.context
        return case.resource, context, dataclasses.replace(context, parameters=self._new.bundle.parameters)

    def _judge(self, asked: _Asked, drawn: list[tuple[str | None, ...]], is_known: tuple[bool, bool]) -> None:
        """Decide one question in all its contexts under both bundles, and note what differs."""
        before: list[int] = []
        after: list[int] = []
        old, new = self._old, self._new
        subject, action, resource = asked.subject, asked.action, asked.resource
        for values in drawn:
            if values:
                self._fill(asked, values)
            before.append(old.outcome(subject, action, resource, asked.old_context) if is_known[0] else _DENY)
            after.append(new.outcome(subject, action, resource, asked.new_context) if is_known[1] else _DENY)
        if before == after and _ALLOW not in before and _FAILED not in before:
            self._counts.denials += 1
            if all(is_known) and not self._is_fresh:
                self._note_denial(asked, drawn)
            return
        both = list(zip(before, after, strict=True))
        if (_FAILED, _FAILED) in both:
            self._counts.undecidable += 1
        gained = [drawn[i] for i, (b, a) in enumerate(both) if a == _ALLOW and b != _ALLOW]
        lost = [drawn[i] for i, (b, a) in enumerate(both) if b == _ALLOW and a != _ALLOW]
        self._note(asked, gained, ChangeKind.GAIN if _ALLOW not in before else ChangeKind.WIDER)
        self._note(asked, lost, ChangeKind.LOSS if _ALLOW not in after else ChangeKind.NARROWER)
        for kind, pair in ((ChangeKind.BROKEN, 1), (ChangeKind.MENDED, 0)):
            failed = [drawn[i] for i, side in enumerate(both) if side[pair] == _FAILED and side[1 - pair] != _FAILED]
            self._note(asked, failed, kind)
        allowed = [drawn[i] for i, pair in enumerate(both) if pair == (_ALLOW, _ALLOW)]
        if allowed:
            self._compare_obligations(asked, allowed)

    def _compare_obligations(self, asked: _Asked, allowed: list[tuple[str | None, ...]]) -> None:
        differing: dict[tuple[frozenset[str], frozenset[str]], list[tuple[str | None, ...]]] = {}
        for values in allowed:
            self._fill(asked, values)
            before = self._old.obligations(asked.subject, asked.action, asked.resource, asked.old_context)
            after = self._new.obligations(asked.subject, asked.action, asked.resource, asked.new_context)
            if before != after:
                differing.setdefault((before, after), []).append(values)
        for (before, after), combinations in differing.items():
            least = _least(combinations)
            self._changes.append(
                dataclasses.replace(
                    self._change(asked, ChangeKind.OBLIGATION, least[0]),
                    further=len(least) - 1,
                    causes=(
                        *(self._new.obliging(asked, code) for code in sorted(after - before)),
                        *(self._old.obliging(asked, code) for code in sorted(before - after)),
                    ),
                    added=tuple(sorted(after - before)),
                    dropped=tuple(sorted(before - after)),
                )
            )
            type_ = type(asked.resource).__name__
            self.signs |= {("obligation", asked.action, type_, code) for code in before - after}

    def _fill(self, asked: _Asked, values: tuple[str | None, ...]) -> None:
        """Put what the asker says into the contexts of both sides."""
        contexts = (asked.old_context, asked.new_context)
        position = 0
        supposed: list[tuple[str, Supposed]] = []
        for key, record_type in asked.form.records.items():
            value = values[position]
            if isinstance(value, Supposed):
                supposed.append((key, value))
            record = None if value is None or isinstance(value, Supposed) else self._find(record_type, value)
            for context in contexts:
                setattr(context, key, record)
            position += 1
        for key in asked.form.texts:
            value = values[position]
            for context in contexts:
                setattr(context, key, None if value is None else str(value))
                if isinstance(value, SupposedCode):
                    self._give_code(asked.form, context, key)
            position += 1
        self._find_with(asked)
        for key, check in supposed:
            # A check of another one than the subject is that of the person whom the key before it names.
            other = getattr(asked.old_context, key.removesuffix("_verification"), None)
            person = other.person if other is not None and key != "verification" else asked.subject
            bound = bound_of(asked.form, values, (type(asked.resource).__name__, asked.resource.id))
            for context in contexts:
                setattr(context, key, check_of(check, person, bound, context, self._now))

    def _give_code(self, form: Action, context: Any, key: str) -> None:
        """Suppose that the record of a context has the code that the asker gives."""
        for name in form.records:
            record = getattr(context, name)
            if getattr(record, key, None) == "":
                setattr(context, name, with_code(record, key))

    def _find_with(self, asked: _Asked) -> None:
        """Put into the contexts of both sides what the server finds by what the asker says."""
        given = {key: getattr(asked.new_context, key) for key in asked.form.keys}
        parameters = self._new.bundle.parameters
        query = ResolverInput(asked.subject, asked.resource, self._now, parameters, self._snapshot, given)
        resolver = asked.form.resolver
        for key, found in (resolver.find_again(query) if resolver.find_again is not None else {}).items():
            setattr(asked.old_context, key, found)
            setattr(asked.new_context, key, found)

    def _find(self, record_type: str, record_id: str) -> Any:
        key = (record_type, record_id)
        record = self._found.get(key)
        if record is None:
            record = self._found[key] = self._snapshot.find(record_type, record_id)
        return record

    # --- what differs ----------------------------------------------------------------------------------------------

    def _note(self, asked: _Asked, contexts: list[tuple[str | None, ...]], kind: ChangeKind) -> None:
        """Note a change that shows in these contexts. Of one who had access, and has it still, each counts."""
        if not contexts:
            return
        least = _least(contexts)
        if kind in (ChangeKind.WIDER, ChangeKind.NARROWER):
            self._changes += [self._change(asked, kind, values) for values in least]
        else:
            self._changes.append(dataclasses.replace(self._change(asked, kind, least[0]), further=len(least) - 1))
            for values in least[1:_MAX_SHOWN] if kind == ChangeKind.GAIN else ():
                self._change(asked, kind, values)  # for what it shows

    def _change(self, asked: _Asked, kind: ChangeKind, values: tuple[str | None, ...]) -> Change:
        self._fill(asked, values)
        causes: tuple[Cause, ...] = ()
        error = ""
        if kind in (ChangeKind.GAIN, ChangeKind.WIDER):
            causes = self._causes(asked, (self._new, asked.new_context), (self._old, asked.old_context))
            self._show_gain(asked, causes)
        elif kind in (ChangeKind.LOSS, ChangeKind.NARROWER):
            causes = self._causes(asked, (self._old, asked.old_context), (self._new, asked.new_context))
        elif kind in (ChangeKind.BROKEN, ChangeKind.MENDED):
            side, context = (
                (self._new, asked.new_context) if kind == ChangeKind.BROKEN else (self._old, asked.old_context)
            )
            error = side.failure(asked.subject, asked.action, asked.resource, context)
        self.signs |= {("parameter", name) for cause in causes for name in cause.parameters}
        return Change(
            kind,
            Entity(type(asked.subject).__name__, asked.subject.id),
            asked.action,
            Entity(type(asked.resource).__name__, asked.resource.id),
            _entries(asked.form, values),
            causes=causes,
            error=error,
        )

    def _show_gain(self, asked: _Asked, causes: Iterable[Cause]) -> None:
        """Note what a gain shows: the rules that held for it, in either bundle, and what is not required any more."""
        subject, action, resource = asked.subject, asked.action, asked.resource
        type_ = type(resource).__name__
        for cause in causes:
            if cause.kind == CauseKind.ACTION:
                self.signs.add(("action", action, type_))
            elif cause.kind == CauseKind.CHECKLIST:
                self.signs.add(("requires", action, type_, cause.requirement))
            for name, side, context in ((OLD, self._old, asked.old_context), (NEW, self._new, asked.new_context)):
                asks: dict[CauseKind, list[tuple[Any, ...]]] = {
                    CauseKind.VISIBILITY: [("visible", subject, resource, context)],
                    CauseKind.PERMISSION: [("has_permission", subject, action, resource)],
                    CauseKind.REQUIREMENT: [
                        ("meets", subject, cause.requirement, action, resource, context),
                        ("waived", cause.requirement, action, resource, context),
                    ],
                }
                for ask in asks.get(cause.kind, ()):
                    self.signs |= {proved_sign(name, spot.file, spot.line) for spot in side.proved(*ask)}

    def _causes(self, asked: _Asked, allowing: tuple[_Side, Any], denying: tuple[_Side, Any]) -> tuple[Cause, ...]:
        """Why one side allows and the other denies."""
        yes, yes_context = allowing
        no, no_context = denying
        subject, action, resource = asked.subject, asked.action, asked.resource
        if not no.knows(action, type(resource).__name__):
            return (Cause(CauseKind.ACTION),)
        causes: list[Cause] = []
        failure = no.failure(subject, action, resource, no_context)
        if failure:
            causes.append(Cause(CauseKind.FAILURE, error=failure))
        if not no.holds("visible", subject, resource, no_context):
            asks = ("visible", (subject, resource, yes_context), (subject, resource, no_context))
            causes.append(_cause(CauseKind.VISIBILITY, yes, no, asks))
        if not no.holds("has_permission", subject, action, resource):
            asks = ("has_permission", (subject, action, resource), (subject, action, resource))
            causes.append(_cause(CauseKind.PERMISSION, yes, no, asks))
        for requirement in no.unmet(subject, action, resource, no_context):
            causes.append(self._unmet_cause(asked, requirement, allowing, denying))
        return tuple(causes)

    def _unmet_cause(
        self, asked: _Asked, requirement: str, allowing: tuple[_Side, Any], denying: tuple[_Side, Any]
    ) -> Cause:
        yes, yes_context = allowing
        no, no_context = denying
        subject, action, resource = asked.subject, asked.action, asked.resource
        type_ = type(resource).__name__
        asks: tuple[str, tuple[Any, ...], tuple[Any, ...]] = (
            "meets",
            (subject, requirement, action, resource, yes_context),
            (subject, requirement, action, resource, no_context),
        )
        if yes.required_by(action, type_, requirement) is None:
            stops = _stops(no.tried(asks[0], *asks[2]))
            spot = no.required_by(action, type_, requirement)
            return Cause(CauseKind.CHECKLIST, requirement, required_by=spot, stops=stops)
        if not yes.holds(asks[0], *asks[1]):
            # Not met, so waived. The bundle that denies has no such exception, or one that does not hold.
            asks = (
                "waived",
                (requirement, action, resource, yes_context),
                (requirement, action, resource, no_context),
            )
        return _cause(CauseKind.REQUIREMENT, yes, no, asks, requirement)

    # --- reasons ---------------------------------------------------------------------------------------------------

    def _note_denial(self, asked: _Asked, drawn: list[tuple[str | None, ...]]) -> None:
        """Keep a denial, to compare its reasons in the context that says most."""
        limit = self._limits.denials
        if limit is not None and self._counts.compared >= limit:
            return
        values = max(drawn, key=lambda some: sum(value is not None for value in some))
        self._fill(asked, values)
        old_sees = self._old.holds("visible", asked.subject, asked.resource, asked.old_context)
        new_sees = self._new.holds("visible", asked.subject, asked.resource, asked.new_context)
        self._counts.compared += 1
        if old_sees or new_sees:
            context = dict(_entries(asked.form, values))
            resource = Entity(type(asked.resource).__name__, asked.resource.id)
            self._denied.append(
                Question(Entity(type(asked.subject).__name__, asked.subject.id), asked.action, resource, context)
            )

    def _compare_reasons(self) -> None:
        """Compare the reasons of the denials that were kept, and forget them."""
        before = self._old.point.decide_many(self._denied)
        after = self._new.point.decide_many(self._denied)
        for question, old, new in zip(self._denied, before, after, strict=True):
            if isinstance(old, SealAuthzError) or isinstance(new, SealAuthzError):
                continue
            codes = tuple(tuple(reason.code for reason in decision.reasons) for decision in (old, new))
            if codes[0] != codes[1]:
                context = tuple((key, str(value)) for key, value in question.context.items())
                self._other_reasons.append(
                    OtherReasons(question.subject, question.action, question.resource, context, *codes)
                )
        self._denied.clear()


def _actions_of(old: Bundle, new: Bundle, only: RuleChanges | None) -> dict[str, tuple[str, ...]]:
    """The actions of each resource type that has some in either bundle, in the order of the records.

    With `only`, those that these changes concern.
    """
    found = {}
    for type_ in MODEL.records:
        actions = dict.fromkeys((*old.rulebook.actions_of(type_), *new.rulebook.actions_of(type_)))
        kept = tuple(action for action in actions if only is None or (action, type_) in only.concerned)
        if kept:
            found[type_] = kept
    return found


def delta(old: Bundle, new: Bundle) -> BundleDelta:
    """Say in what the files of two bundles differ."""
    texts = [{source.file: source.text for source in bundle.sources} for bundle in (old, new)]
    names = sorted(texts[0].keys() | texts[1].keys())
    fields = [field.name for field in dataclasses.fields(old.parameters)]
    parameters = [(name, getattr(old.parameters, name), getattr(new.parameters, name)) for name in fields]
    return BundleDelta(
        old.version,
        new.version,
        tuple(name for name in names if texts[0].get(name) != texts[1].get(name)),
        tuple((name, before, after) for name, before, after in parameters if before != after),
    )


def _entries(form: Action, values: tuple[str | None, ...]) -> ContextEntries:
    return tuple((key, value) for key, value in zip(form.keys, values, strict=True) if value is not None)


def _least(contexts: list[tuple[str | None, ...]]) -> list[tuple[str | None, ...]]:
    """The contexts of which no other says a part, those that say least first."""
    ordered = sorted(contexts, key=lambda values: sum(value is not None for value in values))
    least: list[tuple[str | None, ...]] = []
    for values in ordered:
        is_more = any(
            all(mine is None or mine == theirs for mine, theirs in zip(other, values, strict=True)) for other in least
        )
        if not is_more:
            least.append(values)
    return least


# --- why ------------------------------------------------------------------------------------------------------------


def _cause(
    kind: CauseKind,
    yes: _Side,
    no: _Side,
    asks: tuple[str, tuple[Any, ...], tuple[Any, ...]],
    requirement: str = "",
) -> Cause:
    """Find the clause that holds on the side that allows, and where the other side stops."""
    name, yes_arguments, no_arguments = asks
    proving = next((attempt.clause for attempt in yes.tried(name, *yes_arguments) if attempt.is_met), None)
    tried = no.tried(name, *no_arguments)
    if proving is None:
        return Cause(kind, requirement, stops=_stops(tried))
    words = _words(proving)
    # Where the rule is the same, what matters is where it stops now, not where its neighbours do.
    same = [attempt for attempt in tried if _words(attempt.clause) == words]
    spot = Spot(proving.place.file, proving.place.line)
    rule = yes.rule_at(spot, name)
    below = _below(rule, yes, no)
    return Cause(
        kind,
        requirement,
        spot,
        is_waived=name == "waived",
        is_rule_changed=not same and not no.has_twin(rule),
        only_allowing=tuple(other for other in _only_in(yes, no, below) if other != spot)[:_MAX_SPOTS],
        only_denying=_only_in(no, yes, below)[:_MAX_SPOTS],
        parameters=_changed_parameters(rule, yes, no, below),
        stops=_stops(same or tried),
    )


def _below(rule: RuleNode | None, yes: _Side, no: _Side) -> set[str]:
    """The names of all rules that a rule calls, in either bundle; of a line in a block, those that blocks stand for."""
    waiting = list(_BLOCK_RULES) if rule is None else _called(rule)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found or (name not in yes.rules and name not in no.rules):
            continue
        found.add(name)
        for side in (yes, no):
            for other in side.rules.get(name, ()):
                waiting += _called(other)
    return found


def _called(rule: RuleNode) -> list[str]:
    """The names of the rules that a rule calls."""
    return [node.name for node in nodes_of(rule) if isinstance(node, Call)]


def _only_in(side: _Side, other: _Side, names: set[str]) -> tuple[Spot, ...]:
    """The rules of these names that one bundle has and the other has not, word for word."""
    found = (rule for name in names for rule in side.rules.get(name, ()) if not other.has_twin(rule))
    return tuple(
        Spot(rule.place.file, rule.place.line)
        for rule in sorted(found, key=lambda rule: (rule.place.file, rule.place.line))
    )


def _changed_parameters(rule: RuleNode | None, yes: _Side, no: _Side, names: set[str]) -> tuple[str, ...]:
    """The parameters that differ, of those that a rule or the rules below it read."""
    rules = [some for name in names for side in (yes, no) for some in side.rules.get(name, ())]
    some_rules = (*rules, *([rule] if rule else []))
    read = {node.name for some in some_rules for node in nodes_of(some) if isinstance(node, Attribute)}
    changed = delta(yes.bundle, no.bundle).parameters
    return tuple(name for name, _, _ in changed if name in read)


def _said(rule: RuleNode) -> str:
    """A rule as text, wherever it stands."""
    return written_statement(rule)


def _words(clause: Clause) -> str:
    """A clause as text, wherever it stands."""
    return " ".join((written_head(clause.name, clause.parameters), *map(written, clause.goals)))


def _stops(attempts: Iterable[trace.Attempt]) -> tuple[Stop, ...]:
    """Where each attempt stopped, each place once."""
    stops: dict[Stop, None] = {}
    for attempt in attempts:
        if attempt.is_met or attempt.place is None:
            continue
        last = attempt
        # Down to the condition that decided, as long as there is one way down only.
        while len(last.under) == 1 and last.under[0].place is not None and not last.under[0].is_met:
            last = last.under[0]
        if last.place is not None:
            rule = Spot(attempt.clause.place.file, attempt.clause.place.line)
            stops.setdefault(Stop(rule, Spot(last.place.file, last.place.line), last.condition, last.values))
    return tuple(stops)[:_MAX_STOPS]
