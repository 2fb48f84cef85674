"""Starlette and FastAPI behind a guard: a dependency that asks, and what a deny looks like over HTTP."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
from starlette.requests import Request
from starlette.responses import JSONResponse

from sealauthz_client.answers import Decision, NextStep
from sealauthz_client.enforcing import AsyncGuard, Denied
from sealauthz_client.failures import CallFailed
from sealauthz_client.messages import Question

_CONFLICTS = (grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.FAILED_PRECONDITION)


def requires(guard: AsyncGuard, question: Callable[[Request], Question]) -> Callable[[Request], Awaitable[Decision]]:
    """Return a dependency: `Depends(requires(guard, lambda request: Question(…)))`. It gives the allow to the endpoint.

    A guard of a function (`AsyncGuard(lambda: app.state.authz)`) can be named there before there is a client.
    It raises Denied and CallFailed, which `EXCEPTION_HANDLERS` answer.
    """

    async def allowed(request: Request) -> Decision:
        return await guard.check(question(request))

    return allowed


async def denied(request: Request, error: Exception) -> JSONResponse:
    """Answer a deny: 403 with reasons, next steps and what is `unmet`; 404 for what the person may not know of."""
    if not isinstance(error, Denied):
        return JSONResponse({"error": "denied"}, 403)
    is_hidden = any(reason.code == "NOT_FOUND" for reason in error.reasons)
    return JSONResponse(denial_of(error), 404 if is_hidden else 403)


async def no_answer(request: Request, error: Exception) -> JSONResponse:
    """Answer a call without an answer: 400 for a malformed one, 409 for an act that facts stand against, else 503.

    An act that needs the person's own assertion gets 403, with the digest to sign and the `request_id` to repeat it by.
    """
    if isinstance(error, CallFailed) and error.reason == "ASSERTION_NEEDED":
        wanted = {"digest": error.metadata.get("digest", ""), "request_id": error.request_id}
        return JSONResponse({"error": "assertion_needed", **wanted}, 403)
    if isinstance(error, CallFailed) and error.code == grpc.StatusCode.INVALID_ARGUMENT:
        return JSONResponse({"error": "malformed", "fields": [field for field, _ in error.violations]}, 400)
    if isinstance(error, CallFailed) and error.code in _CONFLICTS:
        return JSONResponse({"error": "conflict", "reason": error.reason}, 409)
    retry_after_s = math.ceil(error.retry_after_s) if isinstance(error, CallFailed) else 0
    return JSONResponse({"error": "undecided"}, 503, {"Retry-After": str(max(retry_after_s, 1))})


def denial_of(error: Denied) -> dict[str, Any]:
    """Return what the person may be shown of a deny, as JSON."""
    return {
        "error": "denied",
        "decision_id": error.decision.decision_id,
        "reasons": [{"code": each.code, "text": each.text} for each in error.reasons],
        "next_steps": [_step(each) for each in error.next_steps],
        "unmet": list(error.unmet),
    }


def _step(step: NextStep) -> dict[str, Any]:
    said = step.parameters.items()
    plain = {name: value if isinstance(value, str | int) else value.isoformat() for name, value in said}
    return {"code": step.code, "text": step.text, "parameters": plain}


EXCEPTION_HANDLERS: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[JSONResponse]]] = {
    Denied: denied,
    CallFailed: no_answer,
}
"""For `Starlette(exception_handlers=…)` and `FastAPI(exception_handlers=…)`."""
