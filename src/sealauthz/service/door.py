"""Where a call waits that grpcio itself serves until it is known who calls by the certificate of its connection.

An interceptor of grpcio sees the metadata of a call, and not its connection. The pool that its handler names does: it
is given the call, on the thread that serves all of them, before anything waits.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import grpc

from sealauthz.service.arrivals import certificate_in
from sealauthz.service.handling import Method, RequestLog
from sealauthz.service.pools import AtOnce
from sealauthz.service.status import Failure

P = ParamSpec("P")
T = TypeVar("T")
LetIn = Callable[[bytes | None], tuple[Method, RequestLog] | Failure]
"""Given a certificate, returns the method as its caller has it, or how the call ends."""


class Door:
    """The behavior of one call. Until its pool was asked, it knows of nobody, and lets nobody in."""

    def __init__(self, let_in: LetIn, at_once: AtOnce, refuse: Callable[[Failure, grpc.ServicerContext], Any]) -> None:
        self._let_in = let_in
        self._at_once = at_once
        self._refuse = refuse
        self._found: tuple[Method, RequestLog] | Failure | None = None
        self.pool = _Pool(self)

    def __call__(self, requests: Any, context: grpc.ServicerContext) -> Any:
        """Handle the call."""
        found = self._found
        if isinstance(found, tuple):
            method, request_log = found
            return method.awaiting(requests, context, request_log)
        if found is None:
            raise AssertionError("nobody asked who calls")
        return self._refuse(found, context)

    def pool_of(self, arguments: tuple[Any, ...]) -> ThreadPoolExecutor:
        """Find out who calls, and return what runs the call: at once, where all that is left is to refuse it."""
        try:
            certificate = certificate_in(arguments)
        except Exception:  # noqa: BLE001 (another grpcio; what is raised here would end the thread that serves all calls)
            certificate = None  # with which nobody is let in
        self._found = self._let_in(certificate)
        return self._found[0].executor if isinstance(self._found, tuple) else self._at_once


class _Pool(ThreadPoolExecutor):
    """What grpcio takes for the pool of the call. It has no threads."""

    def __init__(self, door: Door) -> None:  # and nothing of an executor, which one call would be too short for
        self._door = door

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run the call where it belongs. Like `Pool.submit` it raises nothing."""
        return self._door.pool_of(args).submit(fn, *args, **kwargs)
