"""What the services tell the recorder of each answer, and which answers must be in the log before they are given."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sealauthz.audit.recorder import WAIT_S, Answered, Listed, Recorder, What
from sealauthz.decision.assembly import RequestOptions
from sealauthz.decision.bundle import Bundle
from sealauthz.decision.decision import Decision
from sealauthz.decision.listing import ListedActions
from sealauthz.facts.memory.consistency import Deadline
from sealauthz.runtime.spans import span
from sealauthz.service.callers import Call
from sealauthz.service.questions import may_see_of


class Recording:
    """Records the answers of a service; without a recorder, none.

    `aside` stands around each wait: another call gets the thread meanwhile. `bundle_of` returns the
    bundle of a version.
    """

    def __init__(
        self,
        recorder: Recorder | None = None,
        aside: Callable[[], AbstractContextManager[object]] = nullcontext,
        bundle_of: Callable[[str], Bundle | None] = lambda _version: None,
    ) -> None:
        self._recorder = recorder
        self._aside = aside
        self._bundle_of = bundle_of
        # A version, and what its bundle demands. Replaced as one: other threads read it.
        self._first: tuple[str, frozenset[tuple[str, str]]] = "", frozenset()

    def is_first(self, bundle: Bundle, *about: tuple[str, str]) -> bool:
        """Tell whether an answer about one of these actions on types must be in the log before it is given."""
        if self._recorder is None:
            return False
        version, first = self._first
        if bundle.version != version:
            # What is only decided here, and carried out elsewhere, has no other record.
            bare = (key for key, action in bundle.model.actions.items() if action.effect is None)
            first = frozenset((*bundle.rulebook.audited, *bare))
            self._first = bundle.version, first
        return not first.isdisjoint(about)

    def answered(self, kind: str, call: Call, what: What, began: int, *, is_first: bool = False, **more: Any) -> None:
        """Record an answer that is about to be given; `began` is when its call was, by `time.perf_counter_ns`.

        Where it must be in the log first, this waits for that: also where only the policies that decided demand it, and
        not those that were served when the call began. A call that may not wait says so instead (`Call.given_once`).
        Raises FactsUnavailable.
        """
        recorder = self._recorder
        if recorder is not None and not is_first:
            version, about = _decided_by(what)
            bundle = self._bundle_of(version)
            is_first = bundle is not None and self.is_first(bundle, *about)
        if recorder is None or not (is_first or recorder.takes_advice):
            return
        duration_us = (time.perf_counter_ns() - began) // 1_000
        at = time.time_ns() // 1_000
        answer = Answered(kind, call.caller.name, call.peer, call.trace_id, what, at, duration_us, more)
        if not is_first:
            recorder.note(answer)
            return
        if not call.may_wait:
            call.given_once = functools.partial(recorder.record_then, answer)
            return
        remaining_s = call.remaining_s()
        with span("audit"), self._aside():
            recorder.record(answer, WAIT_S if remaining_s is None else remaining_s)


def _decided_by(what: What) -> tuple[str, list[tuple[str, str]]]:
    """Return the version of the policies that decided an answer, and about which actions on types."""
    if isinstance(what, Decision):
        return what.policy_version, [(what.question.action, what.question.resource.type)]
    if isinstance(what, Listed):
        return what.page.policy_version, [(what.query.action, what.query.resource_type)]
    if isinstance(what, ListedActions):
        return what.policy_version, [(each.action, each.resource.type) for each in what.questions]
    decisions = [each for each in what if isinstance(each, Decision)]
    about = [(each.question.action, each.question.resource.type) for each in decisions]
    return (decisions[0].policy_version if decisions else ""), about


NOTHING_RECORDED = Recording()


def act_options(call: Call) -> RequestOptions:
    """Return for whom an act is performed, until when, and where its request comes from."""
    caller, deadline = call.caller, Deadline(call.deadline)
    return RequestOptions(may_see_of(caller), caller.name, deadline=deadline, peer=call.peer, trace_id=call.trace_id)
