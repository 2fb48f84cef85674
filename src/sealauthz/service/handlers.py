"""Handlers of gRPC methods as the interceptor makes them: they take and give bytes, and know the request's log."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, NamedTuple

import grpc
from google.protobuf.message import DecodeError

from sealauthz.errors import InvalidRequest
from sealauthz.service.pools import Pool, Share
from sealauthz.service.request_log import RefusalLog, RequestLog

Behavior = Callable[..., Any]
Deserializer = Callable[[bytes], Any]
Serializer = Callable[[Any], bytes]


class Method(NamedTuple):
    """A method of a service: how it is handled and refused; of streams, for each caller too."""

    service: str
    method: str
    make: Callable[..., Any]
    wrapped: Behavior
    attributes: dict[str, Any]
    pool: Pool | Share
    refusal: Any
    refusals: RefusalLog
    of_callers: dict[str, Method]

    def handler_of(self, request_log: RequestLog) -> Any:
        """Return a handler for one request, whose caller is identified.

        It takes and gives bytes: what grpcio itself cannot parse or serialize it answers with INTERNAL, without a line
        in the log, and leaks the memory of the call.
        """
        return self.make(_Handling(self.wrapped, request_log, self.attributes))


class _Handling:
    """The behavior for one request."""

    def __init__(self, wrapped: Behavior, request_log: RequestLog, attributes: Mapping[str, Any]) -> None:
        self.__dict__.update(attributes)
        self._wrapped = wrapped
        self._request_log = request_log

    def __call__(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._wrapped(request, context, self._request_log)


def kind_of(handler: Any) -> tuple[Callable[..., Any], Behavior]:
    """Return how to make a handler of the same kind, and the behavior to wrap."""
    for kind in ("unary_unary", "unary_stream", "stream_unary", "stream_stream"):
        behavior = getattr(handler, kind)
        if behavior is not None:
            return getattr(grpc, f"{kind}_rpc_method_handler"), behavior
    raise TypeError("a handler without a behavior")


def parsing(behavior: Behavior, deserializer: Deserializer | None, is_streaming: bool) -> Behavior:
    """Return a behavior that takes a request as bytes, or a stream of them, and parses it once the call is admitted."""
    if deserializer is None:
        return behavior

    @functools.wraps(behavior)
    def parse(request: Any, call: Any) -> Any:
        if is_streaming:
            return behavior((parsed(message, deserializer) for message in request), call)
        return behavior(parsed(request, deserializer), call)

    return parse


def parsed(message: bytes, deserializer: Deserializer) -> Any:
    """Return a request. Raises InvalidRequest where the bytes are not one."""
    try:
        return deserializer(message)
    except DecodeError as error:
        raise InvalidRequest.at(
            "request", "is not a protobuf message of the type that the method takes, or has text that is not UTF-8"
        ) from error


def serialized(messages: Iterator[Any], serializer: Serializer) -> Iterator[bytes]:
    """Yield the messages as bytes, and close their source when nobody takes more of them."""
    try:
        for message in messages:
            yield serializer(message)
    finally:
        if isinstance(messages, Generator):
            messages.close()
