"""What the log says of requests: one line for each, one for each hidden error, and a count of those refused for lack
of room.
"""

from __future__ import annotations

import time

from sealauthz.errors import CallerNotPermitted, FactsUnavailable, SealAuthzError
from sealauthz.process.log import Log
from sealauthz.service.callers import Caller
from sealauthz.service.pools import HEALTH, Pool, Share
from sealauthz.service.status import Failure, failure_of

_MAX_CAUSE_CHARACTERS = 300
_REFUSAL_LINE_EVERY_S = 1.0


class RequestLog:
    """What is known of one request, from its arrival to its line in the log."""

    def __init__(self, log: Log, service: str, method: str) -> None:
        self._log = log
        self._started = time.perf_counter()
        self.service = service
        self.method = method
        self.caller: Caller | None = None
        self.noted: dict[str, str | int] = {}

    def failed(self, error: Exception) -> Failure:
        """Return how an error ends the request; log what the caller must not see."""
        failure = failure_of(error)
        write_incident(self._log, failure, error)
        if isinstance(error, SealAuthzError) and not failure.incident:
            self.noted["reason"] = failure.reason
            if isinstance(error, CallerNotPermitted):
                self.noted["message"] = failure.message
            elif isinstance(error, FactsUnavailable) and error.__cause__ is not None:
                self.noted["cause"] = _database_error(error.__cause__)
        return failure

    def end(self, failure: Failure | None, code: str = "OK") -> None:
        """Write the line of the request; a probe that is answered gets none."""
        if self.service == HEALTH and failure is None:
            return
        duration_ms = round((time.perf_counter() - self._started) * 1_000, 3)
        if failure is not None:
            code = failure.code.name
            if failure.incident:
                self.noted["incident"] = failure.incident
        self._log.info("call", method=f"{self.service}/{self.method}", code=code, duration_ms=duration_ms, **self.noted)


class RefusalLog:
    """The refusals of one method: a line every second at most, because refusing must cost less than answering."""

    def __init__(self, log: Log, pool: Pool | Share, **noted: str) -> None:
        self._log = log
        self._noted = noted
        self._pool = pool
        self._refused = 0
        self._next_at = 0.0

    def note(self) -> None:
        """Count a refusal; log how many there were since the last line, if that is due."""
        self._refused += 1
        now = time.monotonic()
        if now >= self._next_at:
            limit = {"pool": self._pool.name, "most": self._pool.max_calls}
            self._log.warning("busy", **limit, refused=self._refused, **self._noted)
            self._refused, self._next_at = 0, now + _REFUSAL_LINE_EVERY_S


def write_incident(log: Log, failure: Failure, error: BaseException) -> None:
    """Log an error that the caller is not shown, under its incident id."""
    if failure.incident:
        log.error("incident", error, incident=failure.incident)  # noqa: PLE1205 (a log of ours)


def _database_error(cause: BaseException) -> str:
    """Return what the database says, without what SQLAlchemy adds: the statement with its parameters."""
    said = getattr(cause, "orig", None) or cause
    return f"{type(said).__name__}: {said}"[:_MAX_CAUSE_CHARACTERS]
