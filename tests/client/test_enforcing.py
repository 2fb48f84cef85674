"""Nothing is done but on an allow whose obligations are all known and met, and that still holds."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from answering import FLAGGED, JOIN, Answering, AsyncAnswering, decision
from fastapi import Depends, FastAPI
from starlette.requests import Request

from sealauthz_client import AsyncGuard, CallFailed, Decision, Denied, Guard, Obligation, Question
from sealauthz_client.error_details import details_of
from sealauthz_client.interceptors import OPEN, AsyncGuardInterceptor, GuardInterceptor
from sealauthz_client.messages import decision_from
from sealauthz_client.starlette import EXCEPTION_HANDLERS, requires
from sealauthz_client.v1 import authorization_pb2

DENY = decision(reasons=(FLAGGED, JOIN))
OUT = CallFailed(grpc.StatusCode.UNAVAILABLE, "nobody is there", retry_after_s=1.5)
QUESTION = Question("Person:P1", "use", "Seal:S1", {"task": "T1"})


def check(answer: Decision | Exception, met: list[str], *, is_async: bool) -> Decision:
    """Check with a guard that knows two obligations."""

    def meets(owed: Obligation, allowed: Decision) -> None:
        if owed.code == "FAILS":
            raise OSError("the register is away")
        met.append(owed.code)

    async def meets_later(owed: Obligation, allowed: Decision) -> None:
        meets(owed, allowed)

    if is_async:
        guard = AsyncGuard(AsyncAnswering(answer), dict.fromkeys(("LOG", "TELL", "FAILS"), meets_later))
        return asyncio.run(guard.check(QUESTION))
    return Guard(Answering(answer), dict.fromkeys(("LOG", "TELL", "FAILS"), meets)).check(QUESTION)


@pytest.mark.parametrize("is_async", [False, True])
def test_an_allow_is_given_once_all_is_met_that_it_owes(is_async: bool) -> None:
    met: list[str] = []
    assert check(decision("LOG", "TELL"), met, is_async=is_async)
    assert met == ["LOG", "TELL"]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (DENY, Denied),
        (OUT, CallFailed),
        (decision("LOG", "NEW_TO_ALL"), Denied),
        (decision(is_allowed=False), Denied),
        (decision(lasts_s=0), Denied),
        (decision("FAILS"), OSError),
    ],
    ids=["denied", "no answer", "unknown obligation", "denied without a reason", "ended", "not met"],
)
def test_everything_else_is_none(answer: Decision | Exception, error: type[Exception], is_async: bool) -> None:
    met: list[str] = []
    with pytest.raises(error):
        check(answer, met, is_async=is_async)
    assert met == [], "what cannot be done leaves nothing half met"


def test_an_effect_that_is_not_known_is_a_deny() -> None:
    message = authorization_pb2.Decision(decision_id="D1")
    for effect in (0, 2, 3, 99):
        message.effect = effect  # type: ignore[assignment]
        with pytest.raises(Denied):
            check(decision_from(message), [], is_async=False)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_deny_names_all_obligations_that_are_not_known(is_async: bool) -> None:
    with pytest.raises(Denied) as raised:
        check(decision("NEW", "LOG", "NEWER"), [], is_async=is_async)
    assert raised.value.unmet == ("NEW", "NEWER")
    assert str(raised.value) == "obligations that are not known here: NEW, NEWER"


def test_a_deny_shows_what_the_person_may_know() -> None:
    error = Denied(DENY)
    assert [reason.code for reason in error.reasons] == ["NOT_A_MEMBER"]
    assert [step.code for step in error.next_steps] == ["JOIN_ENTERPRISE"]
    assert "RISK" not in str(error)


def test_a_decorated_function_runs_only_if_its_question_is_allowed() -> None:
    answering = Answering(decision())
    ran: list[str] = []

    @Guard(answering, language="zh").requires(lambda person, seal, **_: Question(person, "use", seal))
    def stamp(person: str, seal: str, *, copies: int = 1) -> int:
        """Stamp."""
        ran.append(seal)
        return copies

    assert stamp("Person:P1", "Seal:S1", copies=2) == 2
    assert answering.asked == [("Person:P1", "use", "Seal:S1", None, "zh")]
    assert stamp.__doc__ == "Stamp."
    answering.answer = DENY
    with pytest.raises(Denied):
        stamp("Person:P1", "Seal:S2")
    assert ran == ["Seal:S1"]


def test_a_decorated_coroutine_runs_only_if_its_question_is_allowed() -> None:
    answering = AsyncAnswering(decision())
    ran: list[str] = []

    @AsyncGuard(answering).requires(lambda seal: Question("Person:P1", "use", seal))
    async def stamp(seal: str) -> None:
        ran.append(seal)

    asyncio.run(stamp("Seal:S1"))
    answering.answer = DENY
    with pytest.raises(Denied):
        asyncio.run(stamp("Seal:S2"))
    assert ran == ["Seal:S1"]


def test_what_would_begin_before_it_is_asked_is_not_decorated() -> None:
    async def coroutine() -> None: ...

    def plain() -> None: ...

    def generator() -> Iterator[int]:
        yield 1

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    guard: Any = Guard(Answering(decision())).requires(lambda: QUESTION)
    later: Any = AsyncGuard(AsyncAnswering(decision())).requires(lambda: QUESTION)
    for decorate, function in (
        (guard, coroutine),
        (guard, generator),
        (guard, async_generator),
        (later, plain),
        (later, generator),
        (later, async_generator),
    ):
        with pytest.raises(TypeError, match="this guard is for"):
            decorate(function)


# --- gRPC -------------------------------------------------------------------------------------------------------------

RULES = {
    "/shop.Orders/Cancel": lambda request, context: Question("Person:P1", "use", f"Seal:{request.decode()}"),
    "/shop.Orders/List": lambda request, context: QUESTION,
    "/shop.Orders/Upload": lambda request, context: QUESTION,
    "/shop.Orders/Health": OPEN,
}


class Orders:
    """Handlers that note that they ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def handlers(self) -> grpc.GenericRpcHandler:
        def unary(request: Any, context: Any) -> bytes:
            self.ran.append("unary")
            return b"done"

        def stream(request: Any, context: Any) -> Iterator[bytes]:
            self.ran.append("stream")
            yield b"done"

        return self._of(unary, stream)

    def async_handlers(self) -> grpc.GenericRpcHandler:
        async def unary(request: Any, context: Any) -> bytes:
            self.ran.append("unary")
            return b"done"

        async def stream(request: Any, context: Any) -> AsyncIterator[bytes]:
            self.ran.append("stream")
            yield b"done"

        return self._of(unary, stream)

    def _of(self, unary: Any, stream: Any) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            "shop.Orders",
            {
                "Cancel": grpc.unary_unary_rpc_method_handler(unary),
                "Forgotten": grpc.unary_unary_rpc_method_handler(unary),
                "Health": grpc.unary_unary_rpc_method_handler(unary),
                "List": grpc.unary_stream_rpc_method_handler(stream),
                "Upload": grpc.stream_unary_rpc_method_handler(unary),
            },
        )


def calls(port: int) -> dict[str, str]:
    """Call every method; what each said, or its status with the reason."""
    said = {}
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        for name, kind in (
            ("Cancel", "unary_unary"),
            ("Forgotten", "unary_unary"),
            ("Health", "unary_unary"),
            ("List", "unary_stream"),
            ("Upload", "stream_unary"),
        ):
            method = getattr(channel, kind)(f"/shop.Orders/{name}")
            request = iter([b"S1"]) if kind == "stream_unary" else b"S1"
            try:
                answer = method(request, timeout=10)
                said[name] = (b"".join(answer) if kind == "unary_stream" else answer).decode()
            except grpc.RpcError as error:
                failed: Any = error
                found = details_of(failed.trailing_metadata())
                more = (found.metadata.get(name, "") for name in ("next_steps", "unmet"))
                said[name] = " ".join(filter(None, (failed.code().name, found.reason, *more)))
    return said


def served(
    answer: Decision | Exception, orders: Orders, *, is_async: bool, handlers: grpc.GenericRpcHandler | None = None
) -> dict[str, str]:
    """Serve the handlers behind a guard, and call them."""
    if not is_async:
        interceptor = GuardInterceptor(Guard(Answering(answer)), RULES)
        server = grpc.server(ThreadPoolExecutor(2), interceptors=[interceptor])
        server.add_generic_rpc_handlers((orders.handlers(),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            return calls(port)
        finally:
            server.stop(0).wait()

    async def serve() -> dict[str, str]:
        interceptor = AsyncGuardInterceptor(AsyncGuard(AsyncAnswering(answer)), RULES)
        server = grpc.aio.server(interceptors=[interceptor])
        server.add_generic_rpc_handlers((handlers or orders.async_handlers(),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            return await asyncio.to_thread(calls, port)
        finally:
            await server.stop(0)

    return asyncio.run(serve())


@pytest.mark.parametrize("is_async", [False, True])
def test_a_grpc_method_runs_only_behind_its_rule(is_async: bool) -> None:
    refused = {"Forgotten": "PERMISSION_DENIED", "Upload": "PERMISSION_DENIED", "Health": "done"}
    orders = Orders()
    assert served(decision(), orders, is_async=is_async) == {**refused, "Cancel": "done", "List": "done"}
    assert sorted(orders.ran) == ["stream", "unary", "unary"]
    denied = "PERMISSION_DENIED NOT_A_MEMBER JOIN_ENTERPRISE"
    owing = decision("NEW_TO_ALL", "LOG"), "PERMISSION_DENIED DENIED NEW_TO_ALL LOG"
    for answer, said in ((DENY, denied), (OUT, "UNAVAILABLE"), owing):
        orders = Orders()
        assert served(answer, orders, is_async=is_async) == {**refused, "Cancel": said, "List": said}
        assert orders.ran == ["unary"], "health only"


def test_a_plain_function_on_an_asyncio_server_is_refused_before_it_acts() -> None:
    """It would act, and then fail as what cannot be awaited."""
    orders = Orders()

    def eager(request: Any, context: Any) -> list[bytes]:
        orders.ran.append("eager")
        return [b"done"]

    plain = orders.handlers(), orders._of(eager, eager), orders._of(functools.partial(eager), eager)
    for handlers in plain:
        said = served(decision(), orders, is_async=True, handlers=handlers)
        assert (said["Cancel"], said["List"]) == ("INTERNAL", "INTERNAL")
        assert (said["Forgotten"], said["Upload"]) == ("PERMISSION_DENIED", "PERMISSION_DENIED")
        assert set(orders.ran) <= {"unary", "eager"}
        assert len(orders.ran) == 1, "Health only, whose rule is OPEN"
        orders.ran.clear()


# --- HTTP -------------------------------------------------------------------------------------------------------------


def ask_over_http(answer: Decision | Exception) -> httpx.Response:
    guard = AsyncGuard(AsyncAnswering(answer))
    app = FastAPI(exception_handlers=dict(EXCEPTION_HANDLERS))

    def question(request: Request) -> Question:
        return Question("Person:P1", "use", f"Seal:{request.path_params['seal']}")

    @app.post("/seals/{seal}/use")
    async def use(allowed: Decision = Depends(requires(guard, question))) -> dict[str, str]:  # noqa: B008
        return {"decision": allowed.decision_id}

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/seals/S1/use")

    return asyncio.run(post())


def test_a_guard_is_made_before_there_is_a_client() -> None:
    """A client of asyncio is made in its event loop; `Depends` names the guard when the module is imported."""
    app = FastAPI(exception_handlers=dict(EXCEPTION_HANDLERS))
    guard = AsyncGuard(lambda: app.state.authz)

    @app.get("/seals/{seal}")
    async def look(allowed: Decision = Depends(requires(guard, lambda request: QUESTION))) -> str:  # noqa: B008
        return allowed.decision_id

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/seals/S1")

    assert asyncio.run(get()).status_code == 500, "there is no client yet, and nothing passes"
    for answer, status in ((decision(), 200), (DENY, 403), (decision(), 200)):
        app.state.authz = AsyncAnswering(answer)
        assert asyncio.run(get()).status_code == status

    made: list[Answering] = []

    @Guard(lambda: made[0]).requires(lambda seal: Question("Person:P1", "use", seal))
    def stamp(seal: str) -> str:
        return seal

    with pytest.raises(IndexError):
        stamp("Seal:S1")
    made.append(Answering(decision()))
    assert stamp("Seal:S1") == "Seal:S1"


def test_an_endpoint_runs_only_on_an_allow() -> None:
    assert ask_over_http(decision()).json() == {"decision": "D1"}
    denied = ask_over_http(DENY)
    assert denied.status_code == 403
    assert denied.json() == {
        "error": "denied",
        "decision_id": "D1",
        "reasons": [{"code": "NOT_A_MEMBER", "text": "no"}],
        "next_steps": [{"code": "JOIN_ENTERPRISE", "text": "", "parameters": {"enterprise": "E1"}}],
        "unmet": [],
    }
    owing = ask_over_http(decision("NEW_TO_ALL", "LOG"))
    assert (owing.status_code, owing.json()["unmet"]) == (403, ["NEW_TO_ALL", "LOG"])
    out = ask_over_http(OUT)
    assert (out.status_code, out.headers["retry-after"], out.json()) == (503, "2", {"error": "undecided"})
    malformed = CallFailed(grpc.StatusCode.INVALID_ARGUMENT, "no", violations=(("resource.id", "is too long"),))
    wrong = ask_over_http(malformed)
    assert (wrong.status_code, wrong.json()) == (400, {"error": "malformed", "fields": ["resource.id"]})
    unsigned = CallFailed(grpc.StatusCode.PERMISSION_DENIED, "no", "ASSERTION_NEEDED", {"digest": "sha256:1"})
    unsigned.request_id = "R1"
    wanted = ask_over_http(unsigned)
    assert wanted.status_code == 403
    assert wanted.json() == {"error": "assertion_needed", "digest": "sha256:1", "request_id": "R1"}
    against = ask_over_http(CallFailed(grpc.StatusCode.ALREADY_EXISTS, "no", "FACT_CONFLICT"))
    assert (against.status_code, against.json()) == (409, {"error": "conflict", "reason": "FACT_CONFLICT"})
    hidden = ask_over_http(decision(reasons=(dataclasses.replace(JOIN, code="NOT_FOUND"),)))
    assert hidden.status_code == 404
