"""Where the service is and how it is reached: what every transport makes a channel from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from sealauthz_client.calls import Rpc

DEFAULT_TIMEOUT_S = 2.0
MAX_RECEIVE_BYTES = 32 * 1024 * 1024

ChannelOptions = Sequence[tuple[str, Any]]

Headers = Callable[[], Iterable[tuple[str, str]]]
"""Returns what else goes with a call as metadata; asked at each attempt, by the thread or task that makes the call."""


def no_headers() -> Iterable[tuple[str, str]]:
    """Return nothing."""
    return ()


_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    # By default grpcio waits a second before it connects again: all our attempts would have failed by then. Its
    # `min_reconnect_backoff_ms` is not set: despite its name it is how long one attempt may take.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address with the credentials of its channel (None: plain text) and the options of the channel."""

    address: str
    credentials: grpc.ChannelCredentials | None
    options: ChannelOptions

    @classmethod
    def of(
        cls,
        address: str,
        tls_roots: bytes | None,
        certificate: bytes | None,
        insecure: bool,
        options: ChannelOptions,
    ) -> Endpoint:
        """Return an endpoint. Raises ValueError for plain text to anything but loopback, or with a certificate."""
        all_options = (*_OPTIONS, *options)
        if not insecure:
            return cls(address, grpc.ssl_channel_credentials(tls_roots, certificate, certificate), all_options)
        if not _is_loopback(address):
            raise ValueError(f"plain text goes to loopback only, not to `{address}`")
        if certificate is not None:
            raise ValueError("a certificate is shown over TLS only")
        return cls(address, None, all_options)


def _is_loopback(address: str) -> bool:
    host, _, _ = address.rpartition(":")
    return host in ("localhost", "[::1]") or (host.startswith("127.") and host.replace(".", "").isdecimal())


def method_on(channel: Any, rpc: Rpc[Any]) -> Any:
    """Return how a channel, of threads or of asyncio, calls an rpc."""
    service, _, name = rpc.path[1:].partition("/")
    method = rpc.request.DESCRIPTOR.file.services_by_name[service.rpartition(".")[2]].methods_by_name[name]
    streams = (method.client_streaming, method.server_streaming)
    make = getattr(channel, "_".join("stream" if is_stream else "unary" for is_stream in streams))
    return make(rpc.path, request_serializer=rpc.request.SerializeToString, response_deserializer=rpc.reply.FromString)


def metadata_of(token: str, headers: Headers) -> tuple[tuple[str, str], ...]:
    """Return how a token is shown (an empty one is not), and what goes with it. Raises ValueError for another token."""
    more = tuple(headers())
    if any(name.lower() == "authorization" for name, _ in more):
        raise ValueError("`authorization` is where the token is shown: give it as `token`")
    return ((("authorization", f"Bearer {token}"),) if token else ()) + more
