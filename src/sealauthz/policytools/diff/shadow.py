"""A candidate in the shadow of the policies that decide: it decides a sample of the live questions too, and what it
answers otherwise is noted, with the rules behind it. No answer waits for it, and none depends on it.

Both sides decide a question once more, on one snapshot and at one time, so that nothing but the policies can differ.
"""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sealauthz.decision import Bundle, Decision, Question
from sealauthz.decision.assembly import Case, RequestOptions
from sealauthz.decision.catalog import ReasonCatalog
from sealauthz.decision.evaluation import Evaluation
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.memory.permits import NotAtOnce
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.policytools.diff.causes import causes_of, obliging
from sealauthz.policytools.diff.changes import Cause, CauseKind
from sealauthz.policytools.diff.side import Prepared, Side
from sealauthz.runtime.background import Background, Failed, ignored
from sealauthz.runtime.errors import EvaluationFailed, SealAuthzError
from sealauthz.schema import Model

_WAITING = 256
"""Questions that wait to be compared; of more, some are left out."""

_EXAMPLES = 3
_DIFFERENCES = 500
_IDLE_S = 0.05


class Difference(StrEnum):
    """How the candidate answers otherwise; what somebody gains comes first."""

    GAIN = "GAIN"
    """It allows what is denied."""
    OBLIGATION = "OBLIGATION"
    """Both allow, with other obligations."""
    BROKEN = "BROKEN"
    """It cannot decide."""
    LOSS = "LOSS"
    """It denies what is allowed."""
    MENDED = "MENDED"
    """It decides what the policies that are active cannot decide."""
    REASONS = "REASONS"
    """Both deny, for other reasons."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What differences are counted together: the same rules behind the same change of one action.

    `before` and `after` are the codes of the reasons of a deny, `added` and `dropped` obligations, `error` the name of
    the exception where one of the two cannot decide.
    """

    difference: Difference
    action: str
    resource_type: str
    causes: tuple[Cause, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    error: str = ""


@dataclass(slots=True)
class Noted:
    """How often something differed, when first and last (instants), and for which questions.

    A question's context holds ids of records only, and no cause what a condition saw.
    """

    kind: Kind
    first_at: int
    last_at: int = 0
    count: int = 0
    examples: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """What a candidate answers otherwise than the policies that are active, gains first, then by how often.

    `sampled` questions were drawn; `left_out` of them found no room, `not_in_memory` could not be decided again without
    reading, and `uncounted` differences are of more kinds than are kept.
    """

    active: str
    candidate: str
    since: int
    sampled: int
    compared: int
    left_out: int
    not_in_memory: int
    uncounted: int
    differences: tuple[Noted, ...]


def in_order(noted: Iterable[Noted]) -> list[Noted]:
    """Sort differences: gains first, then by how often."""
    places = {difference: place for place, difference in enumerate(Difference)}
    return sorted(noted, key=lambda each: (places[each.kind.difference], -each.count))


class Shadow:
    """Compares a sample of live questions. Any thread may offer them; one of its own decides them.

    `share` is the part of the questions that is drawn, `cpu_share` the part of one core that it takes at most.
    """

    def __init__(
        self,
        fact_cache: FactCache,
        active: Callable[[], Bundle],
        candidate: Bundle,
        *,
        share: float,
        cpu_share: float,
        now: Callable[[], int],
        failed: Failed = ignored,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._fact_cache = fact_cache
        self._active = active
        self._candidate = candidate
        self._share = share
        self._cpu_share = cpu_share
        self._now = now
        self._draw = draw
        self._waiting: deque[tuple[Question, RequestOptions]] = deque()
        self._changing = threading.Lock()
        self._begin(active())
        self.thread = Background("shadow", self._step, failed)

    def offer(self, question: Question, options: RequestOptions) -> None:
        """Perhaps draw a question that was just decided. Takes no lock and never raises."""
        if self._draw() >= self._share:
            return
        self._sampled += 1
        if len(self._waiting) >= _WAITING:
            self._left_out += 1
            return
        self._waiting.append((question, options))

    def compare_waiting(self) -> None:
        """Compare what waits now, and no more."""
        for _ in range(len(self._waiting)):
            self._compare(*self._waiting.popleft())

    def report(self) -> ShadowReport:
        """Return what was found up to now."""
        with self._changing:
            return ShadowReport(
                self._sides[0].bundle.version,
                self._candidate.version,
                self._since,
                self._sampled,
                self._compared,
                self._left_out,
                self._not_in_memory,
                self._uncounted,
                tuple(dataclasses.replace(noted) for noted in in_order(self._noted.values())),
            )

    def _begin(self, active: Bundle) -> None:
        """Count from nothing, against these policies."""
        self._since = self._now()
        self._catalogs = ReasonCatalog(active), ReasonCatalog(self._candidate)
        self._sides = tuple(Side(bundle, self._fact_cache, self._since) for bundle in (active, self._candidate))
        self._sampled = self._compared = self._left_out = self._not_in_memory = self._uncounted = 0
        self._noted: dict[Kind, Noted] = {}

    def _step(self) -> None:
        if not self._waiting:
            self.thread.rest(_IDLE_S)
            return
        before = time.thread_time()
        self._compare(*self._waiting.popleft())
        taken = time.thread_time() - before
        self.thread.rest(taken / self._cpu_share - taken)

    def _compare(self, question: Question, options: RequestOptions) -> None:
        active = self._active()
        if active is not self._sides[0].bundle:
            with self._changing:
                self._begin(active)
        now = self._now()
        # What the live question waited for does not matter any more; and nothing is loaded for a shadow.
        options = RequestOptions(options.may_see, options.caller, may_wait=False)

        def work(snapshot: FactSnapshot) -> tuple[Kind, Question | None] | None:
            kind = self._difference(snapshot, question, options, now)
            return None if kind is None else (kind, _shown(self._candidate.model, question, snapshot))

        try:
            found = self._fact_cache.answer(work, may_wait=False)
        except NotAtOnce:
            self._not_in_memory += 1
            return
        except SealAuthzError:
            # A question that is refused, or about what its caller may not see: nobody got an answer.
            return
        with self._changing:
            self._compared += 1
            if found is not None:
                self._note(*found, now)

    def _note(self, kind: Kind, shown: Question | None, now: int) -> None:
        noted = self._noted.get(kind)
        if noted is None:
            if len(self._noted) >= _DIFFERENCES:
                self._uncounted += 1
                return
            noted = self._noted[kind] = Noted(kind, now)
        noted.last_at = now
        noted.count += 1
        if shown is not None and len(noted.examples) < _EXAMPLES and shown not in noted.examples:
            noted.examples = (*noted.examples, shown)

    def _difference(self, snapshot: FactSnapshot, question: Question, options: RequestOptions, now: int) -> Kind | None:
        """How the two answer one question; None where they answer alike."""
        old, new = (_Quiet(catalog, snapshot, now, options) for catalog in self._catalogs)
        before, after = old.decide(question), new.decide(question)
        about = question.action, question.resource.type
        if old.error or new.error:
            if bool(old.error) == bool(new.error):
                return None  # neither can decide
            difference = Difference.BROKEN if new.error else Difference.MENDED
            return Kind(difference, *about, before=_codes(before), after=_codes(after), error=new.error or old.error)
        if before and after:
            return self._other_obligations(question, before, after, old, new)
        if bool(before) != bool(after):
            gains = bool(after)
            causes = self._causes(question, old, new, gains=gains)
            difference = Difference.GAIN if gains else Difference.LOSS
            return Kind(difference, *about, causes, before=_codes(before), after=_codes(after))
        codes = _codes(before), _codes(after)
        return None if codes[0] == codes[1] else Kind(Difference.REASONS, *about, before=codes[0], after=codes[1])

    def _other_obligations(
        self, question: Question, before: Decision, after: Decision, old: Evaluation, new: Evaluation
    ) -> Kind | None:
        had, has = ({each.code for each in decision.obligations} for decision in (before, after))
        if had == has:
            return None
        added, dropped = tuple(sorted(has - had)), tuple(sorted(had - has))
        prepared = self._prepared(question, old, new)
        causes: tuple[Cause, ...] = ()
        if prepared is not None:
            causes = (
                *(obliging(self._sides[1], prepared, code) for code in added),
                *(obliging(self._sides[0], prepared, code) for code in dropped),
            )
        about = question.action, question.resource.type
        return Kind(Difference.OBLIGATION, *about, causes, added=added, dropped=dropped)

    def _causes(self, question: Question, old: Evaluation, new: Evaluation, *, gains: bool) -> tuple[Cause, ...]:
        prepared = self._prepared(question, old, new)
        if prepared is None:
            return (Cause(CauseKind.ACTION),)
        sides = (self._sides[0], prepared.old_context), (self._sides[1], prepared.new_context)
        return tuple(map(_blind, causes_of(prepared, *(reversed(sides) if gains else sides))))

    def _prepared(self, question: Question, old: Evaluation, new: Evaluation) -> Prepared | None:
        """What a question is decided on by both; None where one does not have the action."""
        before, after = old.case(question), new.case(question)
        if not isinstance(before, Case) or not isinstance(after, Case):
            return None
        action = self._candidate.model.action(question.action, question.resource.type)
        return Prepared(before.subject, action, before.resource, before.context, after.context)


class _Quiet(Evaluation):
    """An evaluation whose failure is kept, and not logged as that of an answer.

    Only the kind of failure is kept: its text may hold what a condition saw, and is an engine's.
    """

    error = ""

    def failed(self, question: Question, error: EvaluationFailed) -> Decision:
        self.error = type(error.__cause__ or error).__name__
        return self.deny(question, [])


def _codes(decision: Decision) -> tuple[str, ...]:
    return tuple(reason.code for reason in decision.reasons)


def _blind(cause: Cause) -> Cause:
    """The cause without what the conditions saw: it is kept, and shown to others than who asked."""
    return dataclasses.replace(cause, stops=tuple(dataclasses.replace(stop, values=()) for stop in cause.stops))


def _shown(model: Model, question: Question, snapshot: FactSnapshot) -> Question | None:
    """The question without what its context says, but for ids of records that there are; None where its subject or its
    resource is not there. Any text may be given as an id, also one about a person.
    """

    def is_there(record_type: str, record_id: str) -> bool:
        return record_type in model.records and snapshot.find(record_type, record_id) is not None

    subject, resource = question.subject, question.resource
    if not is_there(subject.type, subject.id) or not is_there(resource.type, resource.id):
        return None
    known = model.actions.get((question.action, resource.type))
    records: Any = known.records if known is not None else {}
    given = question.context.items()
    kept = {key: value for key, value in given if key in records and is_there(records[key], str(value))}
    return Question(question.subject, question.action, question.resource, kept)
