"""The application that answers HTTP requests: it finds the method of a path, and has the reception or a pool serve it.

Who calls, rights, limits, pools and the log are those of the interceptor, as for calls over gRPC.
"""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from importlib import resources
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import Receive, Scope, Send

from sealauthz.observability.log import Log
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.service.handling import Method, RequestLog, write_incident
from sealauthz.service.http.exchange import Exchange
from sealauthz.service.http.json_reader import MAX_BYTES, read
from sealauthz.service.http.json_writer import written
from sealauthz.service.http.problems import Header, plain_status, problem
from sealauthz.service.http.streaming import Following, event_of, request_of_stream
from sealauthz.service.interceptor import Interceptor
from sealauthz.service.patience import MESSAGE_WITHIN_S
from sealauthz.service.reception import Reception
from sealauthz.service.status import Failure, failure_of

PACKAGE = "sealauthz.v1"
PREFIX = "/v1"

_JSON = re.compile(rb'application/json(?: *; *charset="?utf-8"?)?', re.IGNORECASE)
_SECONDS = re.compile(rb"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_METADATA = frozenset({b"authorization", b"traceparent", b"tracestate"})
"""The headers that a call over gRPC has as metadata."""

_ANSWER_HEADERS: tuple[Header, ...] = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
_CLOSE: Header = (b"connection", b"close")


class Application:
    """An ASGI application with the methods of the services that are added to it, as generated code adds them."""

    def __init__(self, interceptor: Interceptor, log: Log) -> None:
        self._interceptor = interceptor
        self._log = log
        self._unary: dict[str, Callable[[Any], None]] = {}
        self._streams: dict[str, Method] = {}
        self.run_next: Callable[[], bool] = lambda: False
        """Runs one queued call (`reception.Source`)."""
        self.longest_unseen_s = 0.0
        self.reception = Reception(_NoStreams(), interceptor, log, arrivals=self, name="http reception")
        self._router = Router(
            [Route("/openapi.json", _openapi), Mount(PREFIX, app=self._rpc)], default=_unknown, redirect_slashes=False
        )

    def add(self, path: str, begin: Callable[[Any], None]) -> None:
        """Take the calls of a unary method (`reception.Source`)."""
        self._unary[_place(path)] = begin

    def start(self) -> None:
        """Take calls: the listener does."""

    def add_generic_rpc_handlers(self, _handlers: Any) -> None:
        """Add nothing: what is registered comes with `add_registered_method_handlers` again."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Serve the methods of a service, but for those that take a stream: a request of HTTP has one body."""
        descriptor = descriptor_pool.Default().FindServiceByName(service)
        unary = {}
        for name, handler in handlers.items():
            method = descriptor.methods_by_name[name]
            asked, answered = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
            if handler.unary_unary is not None:
                unary[name] = grpc.unary_unary_rpc_method_handler(
                    _parsed(handler.unary_unary, answered),
                    request_deserializer=functools.partial(read, kind=asked),
                    response_serializer=written,
                )
            elif handler.unary_stream is not None:
                path = f"/{service}/{name}"
                in_json = grpc.unary_stream_rpc_method_handler(
                    handler.unary_stream,
                    request_deserializer=functools.partial(request_of_stream, kind=asked),
                    response_serializer=event_of,
                )
                self._streams[_place(path)] = self._interceptor.method(in_json, path)
        self.reception.add_registered_method_handlers(service, unary)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Whatever goes wrong, the caller is told no more than an incident id."""
        if scope["type"] != "http":
            raise RuntimeError(f"a connection of the type {scope['type']} is not served")
        has_begun = False

        async def sending(message: Any) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._router(scope, receive, sending)
        except Exception as error:
            failure = failure_of(error)
            write_incident(self._log, failure, error)
            if has_begun:
                raise  # the server closes the connection: what was sent is not whole
            await _send_problem(send, failure.status(), more=(_CLOSE,))

    async def _rpc(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        begin, streaming = self._unary.get(path), self._streams.get(path)
        if begin is None and streaming is None:
            await _unknown(scope, receive, send)
        elif scope["method"] != "POST":
            status = plain_status(grpc.StatusCode.UNIMPLEMENTED, "an RPC is called by POST", "METHOD_NOT_ALLOWED")
            await _send_problem(send, status, HTTPStatus.METHOD_NOT_ALLOWED, ((b"allow", b"POST"), _CLOSE))
        elif begin is not None:
            await self._answer(begin, scope, receive, send)
        elif streaming is not None:
            await self._follow(streaming, scope, receive, send)

    async def _answer(self, begin: Callable[[Any], None], scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request of a unary method."""
        exchange, malformed = self._exchange(scope)
        loop, is_whole = asyncio.get_running_loop(), False
        try:
            begin(exchange)
            if exchange.take is not None and not exchange.answered.done():
                if malformed is not None:
                    self.reception.refuse(exchange, malformed)  # type: ignore[arg-type]
                else:
                    is_whole = await self._take_body(exchange, receive)
            timer = None
            if not exchange.answered.done():
                if is_whole:
                    loop.call_soon(self.run_next)
                if (remaining_s := exchange.time_remaining()) < _LONG_S:
                    timer = loop.call_later(remaining_s, exchange.expire)
                await asyncio.sleep(0)
            if not exchange.answered.done():
                await _wait(exchange, receive)
            if timer is not None:
                timer.cancel()
            answer = exchange.answered.result()
        finally:
            exchange.leave()
        close = () if is_whole else (_CLOSE,)
        if isinstance(answer, bytes):
            await _send(send, HTTPStatus.OK, (*_ANSWER_HEADERS, *close), answer)
        else:
            await _send_problem(send, answer, exchange.http_status, close)

    async def _take_body(self, exchange: Exchange, receive: Receive) -> bool:
        """Hand over the body of a unary call; return whether it was whole, and else have the call ended."""
        call: Any = exchange
        try:
            async with asyncio.timeout(MESSAGE_WITHIN_S):
                body = await _body(receive)
        except TimeoutError:
            exchange.http_status = HTTPStatus.REQUEST_TIMEOUT
            self.reception.give_up(call)
        except _TooLong:
            exchange.http_status = HTTPStatus.CONTENT_TOO_LARGE if hasattr(HTTPStatus, "CONTENT_TOO_LARGE") else 413
            self.reception.refuse(call, InvalidRequest.at("request", f"must have at most {MAX_BYTES:,} bytes"))
        except _Left:
            self.reception.give_up(call)
        else:
            if exchange.take is not None:
                exchange.take(call, body)
            return True
        return False

    async def _follow(self, method: Method, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request of a method with a stream of messages."""
        exchange, malformed = self._exchange(scope)
        try:
            begun = self._interceptor.arrived(method, exchange.metadata, exchange.certificate)
            if isinstance(begun, Failure):
                await _send_problem(send, begun.status(), more=(_CLOSE,))
                return
            body = malformed or await _body_of_stream(receive, begun)
            if body is None:
                return
            if isinstance(body, InvalidRequest):
                failure = begun.failed(body)
                begun.end(failure)
                await _send_problem(send, failure.status(), more=(_CLOSE,))
                return
            room = self._interceptor.room(method, begun)
            if isinstance(room, Failure):
                await _send_problem(send, room.status())
                return
            following = Following(exchange, receive, send, scope["state"].get("abort"), self._log)
            exchange.may_wait = True
            asked = (body, _header(scope, b"last-event-id"))
            room.executor.submit(following.pump, functools.partial(room.wrapped, asked, exchange, begun))
            status = await following.send_events()
            if status is not None:
                await _send_problem(send, status)
        finally:
            exchange.leave()

    def _exchange(self, scope: Scope) -> tuple[Exchange, InvalidRequest | None]:
        """Return a request as a call, and what is malformed in its headers."""
        metadata = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"] if name in _METADATA
        )
        client = scope.get("client") or ("", 0)
        family = "ipv6" if ":" in client[0] else "ipv4"
        timeout_s, malformed = _checked_headers(scope)
        certificate = scope["state"].get("certificate")
        exchange = Exchange(metadata, f"{family}:{client[0]}:{client[1]}", certificate, timeout_s, self._failed)
        return exchange, malformed

    def _failed(self, error: BaseException) -> None:
        self._log.error("call_failed", error)


_LONG_S = 1e9


class _TooLong(Exception):
    """A body of more bytes than may be."""


class _Left(Exception):
    """The caller has left before its body was whole."""


class _NoStreams:
    """Serves nothing: the reception of HTTP is given no streams."""

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Any) -> None:
        """Serve nothing."""

    def add_registered_method_handlers(self, service_name: str, method_handlers: Any) -> None:
        """Serve nothing."""


def _place(path: str) -> str:
    """Return the path of a method under HTTP: `/v1/AuthorizationService/Authorize`."""
    return f"{PREFIX}{path.replace(f'/{PACKAGE}.', '/', 1)}"


def _parsed(behavior: Callable[..., Any], kind: type[Message]) -> Callable[..., Any]:
    """Return a behavior whose answers are messages, also those that come written."""

    @functools.wraps(behavior)
    def parsed(request: Any, call: Any) -> Any:
        answer = behavior(request, call)
        return kind.FromString(answer) if type(answer) is bytes else answer

    return parsed


def _header(scope: Scope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def _checked_headers(scope: Scope) -> tuple[float | None, InvalidRequest | None]:
    """Return how many seconds a request leaves for its answer, and what is malformed in its headers."""
    timeout_s, has_json, once = None, False, set()
    for name, value in scope["headers"]:
        if name not in (b"content-type", b"content-encoding", b"request-timeout", b"last-event-id"):
            continue
        if name in once:
            return None, InvalidRequest.at(name.decode().title(), "is there twice")
        once.add(name)
        if name == b"content-type":
            has_json = _JSON.fullmatch(value) is not None
        elif name == b"content-encoding" and value.lower() != b"identity":
            return None, InvalidRequest.at("Content-Encoding", "is not supported: send the body as it is")
        elif name == b"request-timeout":
            if not _SECONDS.fullmatch(value):
                return None, InvalidRequest.at("Request-Timeout", "must be a number of seconds, such as `2.5`")
            timeout_s = float(value)
    if not has_json:
        return None, InvalidRequest.at("Content-Type", "must be `application/json`")
    return timeout_s, None


async def _body(receive: Receive) -> bytes:
    """Return the whole body. Raises _TooLong, _Left."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Left
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BYTES:
            raise _TooLong
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _body_of_stream(receive: Receive, request_log: RequestLog) -> bytes | InvalidRequest | None:
    """Return the whole body of a request for a stream, or what is wrong with it; None if the caller has left."""
    try:
        async with asyncio.timeout(MESSAGE_WITHIN_S):
            return await _body(receive)
    except TimeoutError:
        return InvalidRequest.at("request", f"did not come within {MESSAGE_WITHIN_S:g} seconds")
    except _TooLong:
        return InvalidRequest.at("request", f"must have at most {MAX_BYTES:,} bytes")
    except _Left:
        request_log.nothing_came(has_ended=True)
        return None


async def _wait(exchange: Exchange, receive: Receive) -> None:
    """Wait until a call is answered, or its caller has left."""

    async def left() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        exchange.cancel()
        exchange.leave()

    watching = asyncio.ensure_future(left())
    try:
        await exchange.answered
    finally:
        watching.cancel()


async def _send(send: Send, status: int, headers: tuple[Header, ...], body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def _send_problem(
    send: Send, status: status_pb2.Status, http_status: int | None = None, more: tuple[Header, ...] = ()
) -> None:
    found = problem(status, http_status, ((b"cache-control", b"no-store"), *more))
    await _send(send, found.status, found.headers, found.body)


async def _unknown(_scope: Scope, _receive: Receive, send: Send) -> None:
    status = plain_status(grpc.StatusCode.UNIMPLEMENTED, "nothing is served at this path", "PATH_UNKNOWN")
    await _send_problem(send, status, HTTPStatus.NOT_FOUND, (_CLOSE,))


@functools.cache
def openapi() -> bytes:
    """Return the description of the RPCs over HTTP, OpenAPI 3.1 (tools/openapi.py makes it from the protos)."""
    return resources.files("sealauthz.service.http").joinpath("openapi.json").read_bytes()


async def _openapi(_request: Request) -> Response:
    return Response(openapi(), media_type="application/json")
