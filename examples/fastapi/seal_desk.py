"""A backend with FastAPI: pages behind a guard, and an act that is performed once.

uvicorn --app-dir examples/fastapi seal_desk:app
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from engine import SealingEngine
from fastapi import Depends, FastAPI, Header, Request
from pydantic import BaseModel

from sealauthz_client import AsyncGuard, AsyncSealAuthzClient, Decision, Denied, Obligation, Question, RetryPolicy
from sealauthz_client.starlette import EXCEPTION_HANDLERS

log = logging.getLogger("seal_desk")

LANGUAGE = "en"
TIMEOUT_S = float(os.environ.get("SEALAUTHZ_TIMEOUT_S", "2"))
"""What a page may wait for an answer, all attempts included."""
RETRY = RetryPolicy(hedge_after_s=0.2)

AFTER_USE = frozenset({"NOTIFY_OWNER"})
"""What this service does, where it is owed, once a seal was used."""


async def watermark(owed: Obligation, allowed: Decision) -> None:
    """The page is printed with the person and the decision on it, below: nothing else is to be done before."""


class Desk:
    """What the endpoints share: the connection, the guard, and the engine that seals."""

    def __init__(self, client: AsyncSealAuthzClient) -> None:
        self.client = client
        # What is not in here denies: a service must not act on an allow that owes what it does not know.
        self.guard = AsyncGuard(client, {"WATERMARK": watermark}, language=LANGUAGE)

    async def allowed(self, person: str, action: str, resource: str) -> Decision:
        """Return the allow, once all is met that it owes. Raises Denied, and CallFailed without an answer."""
        return await self.guard.check(Question(f"Person:{person}", action, resource))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Connect before the first request, and close after the last."""
    address, token = os.environ["SEALAUTHZ_ADDRESS"], os.environ["SEALAUTHZ_TOKEN"]
    # Over TLS where it is not this machine: leave `insecure` out, and give `tls_roots`.
    async with AsyncSealAuthzClient(address, token, insecure=True, timeout_s=TIMEOUT_S, retry=RETRY) as client:
        app.state.desk = Desk(client)
        with SealingEngine.connect(
            address, os.environ["SEALAUTHZ_ENGINE_TOKEN"], os.environ.get("SEALAUTHZ_ENGINE", "sealing-engine")
        ) as engine:
            app.state.engine = engine
            yield


# A deny is answered with 403 and what the person can do; what cannot be decided with 503, and is never an allow.
app = FastAPI(lifespan=lifespan, exception_handlers=dict(EXCEPTION_HANDLERS))


def person_of(x_person: Annotated[str, Header()]) -> str:
    """The person of the session. Here a gateway says it, which strips the header from what comes in."""
    return x_person


Person = Annotated[str, Depends(person_of)]


async def may_view(request: Request, contract: str, person: Person) -> Decision:
    """A dependency of pages on a contract: they run only on an allow."""
    desk: Desk = request.app.state.desk
    return await desk.allowed(person, "view", f"Contract:{contract}")


@app.get("/contracts/{contract}")
async def show_contract(contract: str, person: Person, allowed: Annotated[Decision, Depends(may_view)]) -> Any:
    """A page that may be seen, with the watermark that the allow owes."""
    owes_watermark = any(owed.code == "WATERMARK" for owed in allowed.obligations)
    return {"contract": contract, "watermark": f"{person} {allowed.decision_id}" if owes_watermark else None}


@app.get("/seals/{seal}/log")
async def show_log(seal: str, request: Request, person: Person) -> Any:
    """A page that owes more than this service can do: denied, though the answer is an allow."""
    allowed = await request.app.state.desk.allowed(person, "view_log", f"Seal:{seal}")
    return {"seal": seal, "decision": allowed.decision_id}


@app.post("/seals/{seal}/freeze")
async def freeze(
    seal: str,
    request: Request,
    person: Person,
    idempotency_key: Annotated[str, Header()],
    assertion: Annotated[str, Header()] = "",
) -> Any:
    """An act that the person must confirm: first 403 with what to sign, then again with the signed assertion."""
    performed = await request.app.state.desk.client.perform(
        f"Person:{person}", "freeze", f"Seal:{seal}", request_id=f"freeze-{idempotency_key}", assertion=assertion
    )
    if not performed:
        raise Denied(performed.decision)
    return {"operation": performed.operation.operation_id, "replayed": performed.is_replay}


class Use(BaseModel):
    """What a person seals with, and the check of their face for it."""

    seal: str
    verification: str = ""


@app.post("/tasks/{task}/seal")
async def seal_task(
    task: str, use: Use, request: Request, person: Person, idempotency_key: Annotated[str, Header()]
) -> Any:
    """An act: decided and carried out at once, for one key once. The engine seals with the receipt."""
    desk, engine = request.app.state.desk, request.app.state.engine
    context = {"task": task} | ({"verification": use.verification} if use.verification else {})
    # The key of the browser is the id of the act: whatever breaks on the way, asking again tells what happened.
    performed = await desk.client.perform(
        f"Person:{person}",
        "use",
        f"Seal:{use.seal}",
        context,
        {"audience": engine.name},
        request_id=f"seal-{idempotency_key}",
        language=LANGUAGE,
    )
    if not performed:
        raise Denied(performed.decision)
    # The act itself has met the others. If one is left that is not known here, the receipt is not handed on, and so
    # nothing is sealed.
    unknown = [owed.code for owed in performed.decision.obligations if owed.code not in AFTER_USE]
    if unknown:
        log.error("operation %s owes %s, which nobody here does", performed.operation.operation_id, unknown)
        raise Denied(performed.decision, unknown[0])
    sealed = await asyncio.to_thread(engine.seal, performed.operation.receipt)
    return {"operation": performed.operation.operation_id, "replayed": performed.is_replay, "sealed": sealed}
