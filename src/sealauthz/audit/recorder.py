"""The recorder: has what was answered wait for its place in the log, in a thread beside those that answer.

Advice is noted, and written within a tenth of a second: a crash may lose what was answered in between. What must be in
the log first waits for its write, together with all others that do: one commit for many. While nothing can be written,
advice is kept up to a limit, and counted above it; the log then says how much it lacks.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from sealauthz.audit.concerning import Concerning
from sealauthz.audit.record import (
    Concerned,
    Origin,
    batch_record,
    decision_record,
    event_record,
    list_record,
    mentioned,
    named,
    policies_named,
    safe_context,
)
from sealauthz.audit.record_text import decision_text
from sealauthz.audit.sequencer import Sequencer
from sealauthz.decision.decision import Decision
from sealauthz.decision.listing import ListedActions, ListPage
from sealauthz.decision.question import ListQuery, Question
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.memory.permits import NotAtOnce
from sealauthz.facts.store.database import end
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.store import Store, now_us
from sealauthz.facts.store.sweep import Report
from sealauthz.polar.reach import Root
from sealauthz.runtime.background import SHORT_TURN, Background, Failed, in_turns
from sealauthz.runtime.errors import FactsUnavailable, SealAuthzError
from sealauthz.schema import Model

EVERY_S = 0.05
"""How long advice waits to be written, at most, where nothing is in the way."""

MOST_WAITING = 50_000
"""So many decisions may wait to be written."""

WAIT_S = 10.0
"""How long an answer waits to be recorded, where its call has no deadline."""

_AT_ONCE = 1_000
_MOST_TENANTS = 100
_A_DECISION = 2_048
"""So many characters take the room of a decision."""

_IDS = 16
"""So many ids do, too."""
_PAUSE_S = 0.5
_NO_PLACES_S = 2.0


class Listed(NamedTuple):
    """A page of a list that was answered: the first, or one that goes on; to a caller with a right to some tenants
    (None: to all).
    """

    query: ListQuery
    page: ListPage
    is_first: bool = True
    within: frozenset[str] | None = None


What = Decision | Sequence[Decision | str] | Listed | ListedActions
"""What was answered: one decision, several (a text stands for one that there is not), a page, or the actions that are
listed with exceptions.
"""


class Answered(NamedTuple):
    """One answer, as it is noted: `at` is when, and `trace_id` names the trace of the call, if it has one."""

    kind: str
    caller: str
    peer: str
    trace_id: str
    what: What
    at: int
    duration_us: int
    more: Mapping[str, Any] = {}


Then = Callable[[BaseException | None], None]
"""Is told that an answer waits in the database for its place, or why it does not. It raises nothing, and waits for
nothing: the recorder goes on behind it.
"""


class _Ticket:
    """What a thread waits with for the record of its answer to be written (`Then`)."""

    __slots__ = ("error", "over")

    def __init__(self) -> None:
        self.over = threading.Event()
        self.error: BaseException | None = None

    def __call__(self, error: BaseException | None) -> None:
        self.error = error
        self.over.set()


class Recorder:
    """Records what is answered from one store, from start to stop. Any thread may use it.

    Unless it `takes_advice`, only what must be in the log first is recorded. With a `sequencer`, what nobody waits for
    gets its place at once: it would be written and read twice.
    """

    def __init__(
        self,
        store: Store,
        fact_cache: FactCache,
        report: Report,
        failed: Failed,
        every_s: float = EVERY_S,
        most: int = MOST_WAITING,
        takes_advice: bool = True,
        sequencer: Sequencer | None = None,
    ) -> None:
        self.takes_advice = takes_advice
        self._sequencer = sequencer
        self._concerning = Concerning(store.model)
        self._waits_until = 0.0  # of the steady clock: until then no places are given here
        self._store = store
        self._model = store.model
        self._fact_cache = fact_cache
        self._report = report
        self._every_s = every_s
        self._most = most
        self._noted: deque[tuple[Answered | str, Then | None]] = deque()
        self._lacks = 0
        self._held = 0  # the weight of what is noted
        self._counting = threading.Lock()
        self._is_stuck = False
        self._wake = threading.Event()
        self.thread = Background("recorder", self._step, failed)

    def start(self) -> None:
        """Begin to write."""
        self.thread.start()

    def stop(self) -> None:
        """Write what is left, as far as that can be done at once."""
        self.thread.stop()
        self._wake.set()
        self.thread.join(5.0)
        while self._noted and self._write():
            pass

    @property
    def log_problem(self) -> str:
        """Why nothing is signed here, as the stored log is not the one that was signed; empty if nothing is wrong."""
        return self._sequencer.problem if self._sequencer is not None else ""

    @property
    def waiting(self) -> int:
        """How many answers are noted and not written."""
        return len(self._noted)

    def note(self, answered: Answered | str) -> None:
        """Note an answer, or a record as it is, and wait for nothing. Above the limit it is counted only."""
        answered = self._said(answered)
        weight = _weight(answered)
        with self._counting:
            if self._held >= self._most:
                self._lacks += 1
                return
            self._held += weight
        self._noted.append((answered, None))

    def record(self, answered: Answered | str, within_s: float = WAIT_S) -> None:
        """Return once an answer, or a record as it is, waits in the database for its place.

        Raises FactsUnavailable, after which it may be recorded, and must not be given.
        """
        ticket = _Ticket()
        self.record_then(answered, ticket)
        if not ticket.over.wait(within_s) or ticket.error is not None:
            raise FactsUnavailable("the answer cannot be recorded now") from ticket.error

    def record_then(self, answered: Answered | str, then: Then) -> None:
        """Do the same without a wait: `then` is told, once, on the thread of the recorder.

        Raises FactsUnavailable where there is no room: then `then` is told nothing.
        """
        answered = self._said(answered)
        weight = _weight(answered)
        with self._counting:
            if self._held >= self._most:
                raise FactsUnavailable("the answer cannot be recorded now")
            self._held += weight
        self._noted.append((answered, then))
        self._wake.set()

    def _step(self) -> None:
        self._wake.wait(self._every_s)
        self._wake.clear()
        while self._noted:
            if not self._write():
                # Those that wait were refused at once, and so are those to come, each with an attempt.
                self._wake.wait(_PAUSE_S)
                return
            if len(self._noted) < _AT_ONCE:
                return  # advice has time; who waits has woken us for the next step

    def _write(self) -> bool:
        """Write some of what is noted; False where that cannot be done now, and then advice stays noted."""
        noted = [self._noted.popleft() for _ in range(min(len(self._noted), _AT_ONCE))]
        self._hold(-sum(_weight(answered) for answered, _ in noted))
        lines: list[str] = []
        try:
            lines = self._lines(noted)
            with self._counting:
                lacks, self._lacks = self._lacks, 0
            if lacks:
                lines.append(event_record("Lacking", now_us(), count=lacks))
                noted.append((lines[-1], None))
                self._report("audit_lacking", {"records": lacks}, None)
            self._keep(lines, is_awaited=any(then is not None for _, then in noted))
        except SealAuthzError as error:
            self._give_back(noted, lines, error)
            return False
        except BaseException as error:
            self._give_back(noted, lines, error)
            raise
        for _, then in noted:
            if then is not None:
                then(None)
        if self._is_stuck:
            self._is_stuck = False
            self._report("audit_written_again", {}, None)
        return True

    def _give_back(
        self, noted: Sequence[tuple[Answered | str, Then | None]], lines: Sequence[str], error: BaseException
    ) -> None:
        """Refuse those that wait, and note the others again: as they are written, if they are, so that what was
        committed after all is known by its id.
        """
        again: Sequence[Answered | str] = lines or [answered for answered, _ in noted]
        for answered, (_, then) in zip(reversed(again), reversed(noted), strict=True):
            if then is None:
                self._hold(_weight(answered))
                self._noted.appendleft((answered, None))
            else:
                then(error)
        if not self._is_stuck:
            self._is_stuck = True
            self._report("audit_unwritten", {"waiting": len(self._noted)}, error)

    def _hold(self, weight: int) -> None:
        with self._counting:
            self._held += weight

    def _keep(self, lines: Sequence[str], *, is_awaited: bool) -> None:
        """Give records their places in the log at once, or have them wait for these. Raises FactsUnavailable."""
        if self._sequencer is not None and not is_awaited and self._place(self._sequencer, lines):
            return
        with self._store.writing() as connection:
            driver = Driver(connection)
            with driver.together():
                driver.run(*self._store.waiting(driver.is_postgresql, now_us(), *lines))
                end(connection)

    def _place(self, sequencer: Sequencer, lines: Sequence[str]) -> bool:
        if time.monotonic() < self._waits_until:
            return False
        try:
            return sequencer.place(lines)
        except (SealAuthzError, SQLAlchemyError, ValueError, LookupError):
            # Why no places can be given, who sequences tells. Those that got theirs after all are known by their ids.
            self._waits_until = time.monotonic() + _NO_PLACES_S
            return False

    def _said(self, answered: Answered | str) -> Answered | str:
        """Return the record of a decision, where memory tells what it is about: what waits is short then, and the
        decision is freed while it, and all that hangs on it, is still in the caches of the processor.
        """
        if isinstance(answered, str) or not isinstance(answered.what, Decision):
            return answered
        decision = answered.what
        named = mentioned(self._model, decision.question)
        concerned = self._concerning.remembered(named, decision.timeline, decision.revision)
        if concerned is None:
            try:
                work = partial(self._concerning.of_each, [named])
                (concerned,) = self._fact_cache.answer(work, may_wait=False)
            except (NotAtOnce, SealAuthzError):
                return answered
        return self._line(answered, concerned)

    def _lines(self, noted: Iterable[tuple[Answered | str, Then | None]]) -> list[str]:
        """Return the records. Raises FactsUnavailable where nobody can say what they are about."""
        answers = [answered for answered, _ in noted if isinstance(answered, Answered)]
        named = [self._mentioned(answered.what) for answered in answers]
        found: Iterator[Concerned] = iter(())
        if answers:
            found = iter(self._fact_cache.answer(partial(self._concerning.of_each, named)))
        return [
            each if isinstance(each, str) else self._line(each, next(found)) for each, _ in in_turns(noted, SHORT_TURN)
        ]

    def _mentioned(self, what: What) -> Sequence[tuple[str, str]]:
        if isinstance(what, Decision):
            return mentioned(self._model, what.question)
        if isinstance(what, Listed):
            sought = what.query.sought, ""
            return [each for each in mentioned(self._model, what.query.about("")) if each != sought]
        questions = what.questions if isinstance(what, ListedActions) else _questions(what)
        return [named for question in questions for named in mentioned(self._model, question)]

    def _line(self, answered: Answered, concerned: Concerned) -> str:
        origin = Origin(answered.caller, answered.peer, answered.trace_id)
        what = answered.what
        if isinstance(what, Decision):
            if answered.more:
                return decision_record(
                    self._model, answered.kind, origin, what, concerned, answered.duration_us, **answered.more
                )
            return decision_text(self._model, answered.kind, origin, what, concerned, answered.duration_us)
        if isinstance(what, Listed | ListedActions):
            if isinstance(what, Listed):
                content = _page_content(what, concerned, self._model)
            else:
                content = _actions_content(what, concerned, self._model)
            return list_record(
                self._model, answered.kind, origin, content, answered.at, concerned, answered.duration_us
            )
        return batch_record(self._model, answered.kind, origin, what, answered.at, concerned, answered.duration_us)


def _questions(items: Sequence[Decision | str]) -> list[Question]:
    return [each.question for each in items if isinstance(each, Decision)]


def _weight(answered: Answered | str) -> int:
    """Return how much room an answer takes, in decisions: of a batch each counts, and of a page its ids do."""
    if isinstance(answered, str):
        return 1 + len(answered) // _A_DECISION
    what = answered.what
    if isinstance(what, Decision):
        return 1
    if isinstance(what, Listed):
        return 1 + len(what.page.ids) // _IDS
    return 1 + len(what.questions if isinstance(what, ListedActions) else what)


def _page_content(listed: Listed, concerned: Concerned, model: Model) -> dict[str, Any]:
    """Return what was listed: how many, and the digest of their ids, one in a line."""
    query, page = listed.query, listed.page
    context, withheld = safe_context(model, query.about(""), concerned)
    return {
        "subject" if query.root is Root.SUBJECT else "resource": named(query.known, concerned),
        "action": query.action,
        "sought": query.sought,
        "context": context,
        "withheld": withheld,
        "except": list(query.except_requirements),
        **_limited_to(listed.within),
        "effect": "LIST",
        "evaluated_at": page.evaluated_at,
        "is_first": listed.is_first,
        "count": len(page.ids),
        "ids_sha256": hashlib.sha256("\n".join(page.ids).encode()).hexdigest(),
        "is_complete": page.is_complete,
        **policies_named(page.policy_version, page.policy_digest),
        "revision": page.revision,
        "timeline": page.timeline,
        "until": page.valid_until,
    }


def _limited_to(tenants: frozenset[str] | None) -> dict[str, Any]:
    """Return the tenants that a caller could list, as far as a record has room for them."""
    if tenants is None:
        return {}
    return {"is_limited": True, **({"within": sorted(tenants)} if 0 < len(tenants) <= _MOST_TENANTS else {})}


def _actions_content(listed: ListedActions, concerned: Concerned, model: Model) -> dict[str, Any]:
    """Return what a list of actions says, in the form of a page: the ids are the actions."""
    asked = listed.questions[0]  # there are no exceptions where the type has no action
    context: dict[str, Any] = {}
    withheld: set[str] = set()
    for question in listed.questions:
        kept, left_out = safe_context(model, question, concerned)
        context |= kept
        withheld.update(left_out)
    return {
        "subject": named(asked.subject, concerned),
        "resource": named(asked.resource, concerned),
        "context": context,
        "withheld": sorted(withheld),
        "except": list(listed.except_requirements),
        "effect": "LIST",
        "evaluated_at": listed.evaluated_at,
        "count": len(listed.items),
        "ids_sha256": hashlib.sha256("\n".join(each.id for each in listed.items).encode()).hexdigest(),
        **policies_named(listed.policy_version, listed.policy_digest),
        "revision": listed.revision,
        "timeline": listed.timeline,
    }
