"""Raising alarms: what the service itself performs, once for each cause, where no act of a person is the cause.

Each is an act like others: decided by the policies, carried out in one transaction, on record, and answered again with
the same answer when it is repeated. Its request is named after its cause. So any number of processes may raise it, at
any time, and one of them does.

Denied acts become records first, in the order of the log of decisions, and only then is the log followed further: what
a crash breaks off is done again, and was done once.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sealauthz.audit.record import NOT_THERE, content_of
from sealauthz.decision.assembly import DEFAULT_OPTIONS
from sealauthz.decision.decision import Effect
from sealauthz.decision.product_reasons import FACT_UNAVAILABLE
from sealauthz.decision.question import Entity, Question
from sealauthz.facts.memory.consistency import FULL
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.store.acting import Basis, Intended, Observed
from sealauthz.facts.store.batch import Batch, check
from sealauthz.facts.store.following import MOST_LOOKED_AT, request_of
from sealauthz.facts.store.store import Store, now_us
from sealauthz.operations.expiries import SWEEPER
from sealauthz.operations.operations import Operations
from sealauthz.operations.performance import Performance
from sealauthz.operations.recording import PERFORM
from sealauthz.runtime.background import Background, Failed
from sealauthz.runtime.errors import EvaluationFailed, FactConflict, FactNotLoaded, InvalidRequest, InvariantBroken
from sealauthz.schema import Put
from sealauthz.schema.alarms import Alarm, Attempt, Attempts

log = logging.getLogger("sealauthz.operations.alarms")

_EVERY_S = 1.0
_LOOKS = 30
"""So many times the log is followed for each look at what time alone has made a cause."""

_AT_ONCE = 200
_JOIN_S = 5.0
_HOLDS_FOR = 60_000_000
_NAME = "attempts"
_MOST_REFUSED = 1_000
_OPTIONS = replace(DEFAULT_OPTIONS, consistency=FULL)


class Alarms:
    """Raises the alarms of a store, from start to stop."""

    def __init__(
        self,
        store: Store,
        fact_cache: FactCache,
        acts: Operations,
        failed: Failed,
        every_s: float = _EVERY_S,
        now: Callable[[], int] = now_us,
    ) -> None:
        self._store = store
        self._model = store.model
        self._fact_cache = fact_cache
        self._acts = acts
        self._every_s = every_s
        self._now = now
        self._steps = 0
        self._refused: set[str] = set()
        """Requests that could not be performed, and are not tried again by this process."""
        self.counted: Counter[tuple[str, str]] = Counter()
        """By the action of the alarm: how many were `raised` by this process, and how many were `refused`."""
        for alarm in self._model.alarms:
            self.counted[alarm.action, "refused"] = 0  # it is there before it rises
        self.thread = Background("alarms", self._step, failed)

    def start(self) -> None:
        """Begin to look."""
        self.thread.start()

    def stop(self) -> None:
        """Look no longer, and wait a little for a look under way."""
        self.thread.stop()
        self.thread.join(_JOIN_S)

    def look(self) -> int:
        """Raise what time alone has made a cause; return how many alarms were raised. Raises FactsUnavailable."""
        return sum(self._look_for(alarm) for alarm in self._model.alarms)

    def follow(self) -> int:
        """Follow the log of decisions to its end; return how many alarms were raised. Raises FactsUnavailable."""
        attempts, raised = self._model.attempts, 0
        while attempts is not None and not self.thread.is_stopping:
            begin, end, found = self._store.log_to_follow(_NAME, PERFORM, _AT_ONCE)
            for number, text in found:
                attempt = self._attempt(attempts, text)
                if attempt is not None and self._put(attempts, attempt):
                    done = self._raise(attempts.alarm, attempt.id, attempt.subject_id)
                    if done is None:
                        self._store.follow_log(_NAME, number)  # and this one again, the next time
                        return raised
                    raised += done
            if end > begin:
                self._store.follow_log(_NAME, end)
            if len(found) < _AT_ONCE and end - begin < MOST_LOOKED_AT:
                break
        return raised

    def _look_for(self, alarm: Alarm) -> int:
        raised, after = 0, (-1, "")
        while True:
            found = self._store.unraised(alarm, _OPTIONS.caller, self._now(), after, _AT_ONCE)
            for _, record_id in found:
                subject_id = self._fact_cache.answer(partial(_subject_of, alarm, record_id), FULL)
                raised += (subject_id is not None and self._raise(alarm, record_id, subject_id)) or 0
            if len(found) < _AT_ONCE or self.thread.is_stopping:
                return raised
            after = found[-1]

    def _raise(self, alarm: Alarm, record_id: str, subject_id: str) -> int | None:
        """Perform the act of an alarm: 1 where it was performed now, 0 where it was not, or before; None where that
        cannot be known now.
        """
        request_id = request_of(alarm, record_id)
        if request_id in self._refused:
            return 0
        subject = Entity(self._model.subjects[0], subject_id)
        question = Question(subject, alarm.action, Entity(alarm.record_type, record_id))
        try:
            performed = self._acts.perform(Performance(question, request_id), _OPTIONS)
        except (InvariantBroken, FactConflict, EvaluationFailed, InvalidRequest) as error:
            if len(self._refused) < _MOST_REFUSED:
                self._refused.add(request_id)
            log.error("the alarm `%s` cannot be raised", request_id, exc_info=error)
            self.counted[alarm.action, "refused"] += 1
            return 0
        if not performed and any(reason.code == FACT_UNAVAILABLE for reason in performed.decision.reasons):
            return None
        is_new = bool(performed) and not performed.is_replay
        self.counted[alarm.action, "raised"] += is_new
        return int(is_new)

    def _attempt(self, attempts: Attempts, text: str) -> Attempt | None:
        """Return the denied act that a record of the log is about; None for another one."""
        try:
            content = content_of(text)
        except ValueError:
            return None  # `audit verify` tells of it
        if content["kind"] != PERFORM or content.get("effect") != Effect.DENY:
            return None
        subject_type, _, subject_id = content.get("subject", "").partition(":")
        topic_type, _, topic_id = content.get("resource", "").partition(":")
        is_act = (content.get("action"), topic_type) in self._model.actions
        if (
            topic_type != attempts.topic_type
            or not is_act
            or subject_type not in self._model.subjects
            or topic_id.startswith(NOT_THERE)
        ):
            return None
        return Attempt(content["id"], topic_id, subject_id, content["action"], _reason(content), content["at"])

    def _put(self, attempts: Attempts, attempt: Attempt) -> bool:
        """Record a denied act, unless it is recorded; tell whether it is. What it is about may be gone by now."""
        is_there = False

        def intend() -> Intended | bool:
            nonlocal is_there
            now = self._now()
            timeline, revision, observed, record = self._fact_cache.answer(
                lambda snapshot: _wanted(attempts, attempt, snapshot), FULL
            )
            is_there = record is not None
            if not isinstance(record, Put):
                return is_there
            wanted = check(Batch(SWEEPER, f"attempt-{attempt.id}", (record,)), self._model)
            basis = Basis(timeline, revision, observed, now + _HOLDS_FOR, lambda: True)
            return Intended(wanted, basis, lambda _is_postgresql, _receipt: [])

        try:
            self._store.act(intend)
        except (InvariantBroken, FactConflict, InvalidRequest) as error:
            log.error("the denied attempt `%s` cannot be recorded", attempt.id, exc_info=error)
            return False
        return is_there

    def _step(self) -> None:
        self.thread.rest(self._every_s)
        if self.thread.is_stopping:
            return
        self.follow()
        if self._steps % _LOOKS == 0:
            self.look()
        self._steps += 1
        self.thread.goes_well()


def _subject_of(alarm: Alarm, record_id: str, snapshot: FactSnapshot) -> str | None:
    """The id at the end of the path to the subject of an alarm; None where the record is gone, or not to be had now."""
    try:
        record = snapshot.find(alarm.record_type, record_id)
        for name in alarm.subject[:-1]:
            record = None if record is None else getattr(record, name)
    except FactNotLoaded as error:
        if error.importing is None:
            raise
        return None
    found = None if record is None else getattr(record, alarm.subject[-1])
    return None if found is None else str(found)


def _wanted(attempts: Attempts, attempt: Attempt, snapshot: FactSnapshot) -> tuple[str, int, Observed, Any]:
    """What to put of a denied act: the record as it is, where it is there; None where nothing is to be put."""
    observed = Observed()
    observing = snapshot.observing(observed)
    there = observing.find(attempts.alarm.record_type, attempt.id)
    if there is not None:
        return snapshot.timeline, snapshot.revision, observed, there
    made = None
    if observing.find(attempts.topic_type, attempt.topic_id) is not None:
        made = attempts.record(observing, attempt)
    return snapshot.timeline, snapshot.revision, observed, None if made is None else Put(made)


def _reason(content: Mapping[str, Any]) -> str:
    """The first reason that a person was told."""
    told = [reason[0] for reason in content.get("reasons", ()) if len(reason) == 2]
    return told[0] if told else ""
