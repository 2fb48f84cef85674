"""Acts that are performed as a test tells them to be: remembered by request, and carried out nowhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from fake_pdp import NOW, allow

from sealauthz.decision import RequestOptions
from sealauthz.decision.decision import Decision
from sealauthz.decision.question import Entity, Question
from sealauthz.operations import Operation, Performance, Performed
from sealauthz.operations.progress import Progress
from sealauthz.runtime.errors import CallerNotPermitted, FactConflict

VALUES: Mapping[str, str | int | bool] = {"role_id": "R1", "count": 2, "ends_at": NOW, "is_last": True}


class FakeActs:
    """Performs what `answer` allows; an act on `Seal:S2` concerns E2, all others E1."""

    def __init__(self, answer: Callable[[Question], Decision] = allow, values: Mapping[str, str | int | bool] = VALUES):
        self.answer = answer
        self.values = values
        self.asked: list[Performance] = []
        self.done: list[str] = []
        """The ids of the requests, one for each time that an act was carried out."""
        self.options: RequestOptions | None = None
        self._performing = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[Performance, Performed]] = {}

    def perform(self, performance: Performance, options: RequestOptions) -> Performed:
        """Perform an act, unless it was performed before."""
        self.asked.append(performance)
        self.options = options
        question, key = performance.question, (options.caller, performance.request_id)
        if not options.may_see("E2" if question.resource.id == "S2" else "E1"):
            raise CallerNotPermitted("this caller has no right to decisions about this enterprise")
        if (earlier := self._earlier(key, performance)) is not None:
            return earlier
        decision = self.answer(question)
        if not decision:
            return Performed(decision, None)
        operation = Operation(
            operation_id=f"O-{performance.request_id}",
            caller=options.caller,
            request_id=performance.request_id,
            subject=question.subject,
            action=question.action,
            resource=question.resource,
            revision=8,
            timeline="T",
            at=NOW,
            values=self.values,
            receipt="head.body.signature" if question.action == "use" else "",
        )
        performed = Performed(decision, operation)
        with self._performing:
            if (earlier := self._earlier(key, performance)) is not None:
                return earlier
            self._kept[key] = (performance, performed)
            self.done.append(performance.request_id)
        return performed

    def _earlier(self, key: tuple[str, str], performance: Performance) -> Performed | None:
        if key not in self._kept:
            return None
        earlier, performed = self._kept[key]
        if earlier != performance:
            raise FactConflict("REQUEST_ID", "the `request_id` was used before, for another content")
        return Performed(performed.decision, performed.operation, is_replay=True)

    def operation(self, operation_id: str, options: RequestOptions) -> Operation | None:
        """Return an operation of this caller."""
        caller = options.caller
        found = (performed.operation for (by, _), (_, performed) in self._kept.items() if by == caller)
        return next((operation for operation in found if operation and operation.operation_id == operation_id), None)

    def progress(self, subject: Entity, resource: Entity, options: RequestOptions) -> Progress:
        """Tell nothing but the answer."""
        self.options = options
        return Progress(self.answer(Question(subject, "view_progress", resource)))
