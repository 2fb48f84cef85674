"""Answers that are held until something is done: that they are in the log. Their calls hold no thread meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

from grpc_status import rpc_status  # type: ignore[import-untyped]

from sealauthz.audit.recorder import WAIT_S
from sealauthz.runtime.errors import FactsUnavailable, SealAuthzError
from sealauthz.runtime.spans import part_of
from sealauthz.service.arrivals import Aborted, ArrivedCall
from sealauthz.service.handling import RequestLog
from sealauthz.service.pools import Pool, Share
from sealauthz.service.status import Failure

Once = Callable[[Callable[[BaseException | None], None]], None]


class Later(NamedTuple):
    """An answer that may be given once something is done: `once` begins that, and calls back (`Call.given_once`)."""

    message: bytes
    once: Once


class HeldAnswers:
    """The answers that are held. Any thread may give one."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._held: dict[ArrivedCall, tuple[float, Callable[[BaseException | None], None]]] = {}

    def hold(self, later: Later, call: ArrivedCall, request_log: RequestLog, place: Pool | Share) -> None:
        """Hold the answer of a call. It counts among the calls of its pool until it has ended.

        On the thread that serves all calls.
        """
        call.follow()
        over: Future[None] = Future()
        place.hold(over)
        waiting = part_of(request_log.trace, "audit")
        waiting.__enter__()

        def give(error: BaseException | None) -> None:
            # INVARIANT: who takes it out ends the call, and nobody else does.
            if self._held.pop(call, None) is None:
                return
            try:
                waiting.__exit__(None if error is None else type(error), None, None)
                _end(call, request_log, later.message, error)
            except BaseException as another:  # noqa: BLE001 (the recorder goes on behind it)
                self._failed(another)
            finally:
                over.set_result(None)

        self._held[call] = (time.monotonic() + min(WAIT_S, call.time_remaining()), give)
        try:
            later.once(give)
        except SealAuthzError as error:
            give(error)

    def end_late(self) -> None:
        """End those that have been held for as long as one may wait."""
        now = time.monotonic()
        for until, give in list(self._held.values()):
            if until < now:
                give(TimeoutError("the answer was not recorded in time"))


def _end(call: ArrivedCall, request_log: RequestLog, message: bytes, error: BaseException | None) -> None:
    if error is not None:
        unrecorded = FactsUnavailable("the answer cannot be recorded now")
        unrecorded.__cause__ = error
        failure = request_log.failed(unrecorded)
        request_log.end(failure)
        end(call, failure)
    elif call.is_active():
        request_log.end(None)
        call.answer(message)
    else:
        request_log.end(None, "CANCELLED")


def end(call: ArrivedCall, failure: Failure) -> None:
    """End a call with a failure."""
    try:
        call.abort_with_status(rpc_status.to_status(failure.status()))
    except Aborted:
        call.end()
