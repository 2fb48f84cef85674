"""A gRPC service behind a guard: each method has a rule, and a method without one is refused."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
import grpc.aio

from sealauthz_client.enforcing import AsyncGuard, Denied, Guard
from sealauthz_client.error_details import TRAILER, error_trailer
from sealauthz_client.failures import CallFailed
from sealauthz_client.messages import Question

Rule = Callable[[Any, Any], Question]
"""Makes the question of a request and its `grpc.ServicerContext`."""

OPEN = "any caller"
"""The rule of a method that anybody may call, such as health."""

Rules = Mapping[str, Rule | str]
"""By the full name of a method: `/shop.v1.Orders/Cancel`."""

_NO_RULE = (grpc.StatusCode.PERMISSION_DENIED, "no rule says who may call this method")

_PLAIN = (grpc.StatusCode.INTERNAL, "this method is a plain function, and its AsyncGuardInterceptor needs `async def`")


class GuardInterceptor(grpc.ServerInterceptor):
    """Checks each call of a server of threads before its handler runs.

    PERMISSION_DENIED for a deny, with the first reason, the next steps and what is `unmet` in `ErrorInfo`; UNAVAILABLE
    without an answer. A stream of requests cannot be judged by its first one: it takes the rule `OPEN` and a guard of
    its own.
    """

    def __init__(self, guard: Guard, rules: Rules) -> None:
        self._guard = guard
        self._rules = dict(rules)

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """Return the handler of a call, behind its rule."""
        handler = continuation(handler_call_details)
        rule = self._rules.get(handler_call_details.method)
        if handler is None or rule == OPEN:
            return handler

        def checked(inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
            def method(request: Any, context: Any) -> Any:
                if handler.request_streaming or not callable(rule):
                    context.abort(*_NO_RULE)
                    raise AssertionError("abort raises")
                try:
                    self._guard.check(rule(request, context))
                except (Denied, CallFailed) as error:
                    code, message, trailer = status_of(error)
                    context.set_trailing_metadata(trailer)
                    context.abort(code, message)
                    raise
                return inner(request, context)

            return method

        return _behind(handler, checked)


class AsyncGuardInterceptor(grpc.aio.ServerInterceptor):
    """As `GuardInterceptor`, for a server of `grpc.aio`. A plain function behind a rule is INTERNAL, and is not run:

    it would act when it is called and fail when it is awaited, and the caller would not know what was done.
    """

    def __init__(self, guard: AsyncGuard, rules: Rules) -> None:
        self._guard = guard
        self._rules = dict(rules)

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any) -> Any:
        """Return the handler of a call, behind its rule."""
        handler = await continuation(handler_call_details)
        rule = self._rules.get(handler_call_details.method)
        if handler is None or rule == OPEN:
            return handler

        async def check(inner: Callable[[Any, Any], Any], request: Any, context: Any) -> None:
            if handler.request_streaming or not callable(rule):
                await context.abort(*_NO_RULE)
                raise AssertionError("abort raises")
            if not _is_async(inner):
                await context.abort(*_PLAIN)
                raise AssertionError("abort raises")
            try:
                await self._guard.check(rule(request, context))
            except (Denied, CallFailed) as error:
                await context.abort(*status_of(error))
                raise

        def checked(inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
            async def answered(request: Any, context: Any) -> Any:
                await check(inner, request, context)
                return await inner(request, context)

            async def streamed(request: Any, context: Any) -> Any:
                await check(inner, request, context)
                written = inner(request, context)
                if inspect.isawaitable(written):
                    await written  # it wrote to the context itself
                else:
                    async for reply in written:
                        yield reply

            return streamed if handler.response_streaming else answered

        return _behind(handler, checked)


def _is_async(method: Callable[..., Any]) -> bool:
    """Tell whether `grpc.aio` runs a method in its event loop: it looks at the function in the same way."""
    return inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)


def _behind(handler: Any, checked: Callable[[Any], Any]) -> Any:
    """Return a handler of the same kind that checks first."""
    kind = "_".join("stream" if each else "unary" for each in (handler.request_streaming, handler.response_streaming))
    make = getattr(grpc, f"{kind}_rpc_method_handler")
    return make(checked(getattr(handler, kind)), handler.request_deserializer, handler.response_serializer)


def status_of(error: Denied | CallFailed) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """Return how a call ends that was denied, or could not be decided: code, message, trailer."""
    if isinstance(error, CallFailed):
        return grpc.StatusCode.UNAVAILABLE, "it cannot be decided now who may do this", ()
    reason = error.reasons[0].code if error.reasons else "DENIED"
    said = {"decision_id": error.decision.decision_id, "next_steps": " ".join(step.code for step in error.next_steps)}
    if error.unmet:
        said["unmet"] = " ".join(error.unmet)
    message = error.reasons[0].text if error.reasons and error.reasons[0].text else "not allowed"
    code = grpc.StatusCode.PERMISSION_DENIED
    return code, message, ((TRAILER, error_trailer(code.value[0], message, reason, said)),)
