"""Where the service is and how it is reached: what every transport holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import grpc

from sealauthz_client.calls import Rpc
from sealauthz_client.requests import seconds, unexpected
from sealauthz_client.retrying import RetryBudget, RetryPolicy
from sealauthz_client.tokens import checked_token

TokensT = TypeVar("TokensT")

DEFAULT_TIMEOUT_S = 2.0
MAX_RECEIVE_BYTES = 32 * 1024 * 1024

ChannelOptions = Sequence[tuple[str, Any]]

Headers = Callable[[], Iterable[tuple[str, str]]]
"""Returns what else goes with a call as metadata; asked at each attempt, by the thread or task that makes the call."""


_HEADER_NAME = re.compile(r"[0-9a-z_.-]+")


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
        """Return an endpoint. Raises ValueError for plain text to anything but loopback, or with a certificate, and for
        what is no PEM.
        """
        if not isinstance(address, str) or not address:
            raise unexpected("address", "text of the form `host:port`", address)
        all_options = (*_OPTIONS, *options)
        if not insecure:
            _check_pem("tls_roots", tls_roots, _CERTIFICATE)
            _check_pem("certificate", certificate, _CERTIFICATE, _KEY)
            return cls(address, grpc.ssl_channel_credentials(tls_roots, certificate, certificate), all_options)
        if not _is_loopback(address):
            raise ValueError(f"plain text goes to loopback only, not to `{address}`")
        if certificate is not None:
            raise ValueError("a certificate is shown over TLS only")
        return cls(address, None, all_options)


_CERTIFICATE = ("a certificate", re.compile(rb"-----BEGIN CERTIFICATE-----"))
_KEY = ("its unencrypted private key", re.compile(rb"-----BEGIN (RSA |EC )?PRIVATE KEY-----"))


def _check_pem(name: str, text: bytes | None, *parts: tuple[str, re.Pattern[bytes]]) -> None:
    """Raise ValueError where PEM lacks a part: the handshake would fail at each attempt, and not say why."""
    if text is None:
        return
    if not isinstance(text, bytes):
        raise unexpected(name, "bytes in PEM form", text)
    for words, begins in parts:
        if not begins.search(text):
            raise ValueError(f"`{name}`: expected {' and '.join(each for each, _ in parts)} as PEM, {words} is missing")


def _is_loopback(address: str) -> bool:
    host, _, _ = address.rpartition(":")
    return host in ("localhost", "[::1]") or (
        host.startswith("127.") and host.isascii() and host.replace(".", "").isdecimal()
    )


def method_on(channel: Any, rpc: Rpc[Any]) -> Any:
    """Return how a channel, of threads or of asyncio, calls an rpc."""
    service, _, name = rpc.path[1:].partition("/")
    method = rpc.request.DESCRIPTOR.file.services_by_name[service.rpartition(".")[2]].methods_by_name[name]
    streams = (method.client_streaming, method.server_streaming)
    make = getattr(channel, "_".join("stream" if is_stream else "unary" for is_stream in streams))
    return make(rpc.path, request_serializer=rpc.request.SerializeToString, response_deserializer=rpc.reply.FromString)


def metadata_of(token: str, headers: Headers) -> tuple[tuple[str, str], ...]:
    """Return how a token is shown (an empty one is not), and what goes with it.

    Raises ValueError for another token, and for what metadata cannot hold; the error of grpcio would show the token.
    """
    more = tuple(headers())
    for name, value in more:
        if not isinstance(name, str):
            raise unexpected("headers", "names that are text", name)
        if name.lower() == "authorization":
            raise ValueError("`authorization` is where the token is shown: give it as `token`")
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"a header is named by lower-case letters, digits, `-`, `_` and `.`, and not {name!a}")
        if not (isinstance(value, bytes) if name.endswith("-bin") else _is_printable(value)):
            kind = "bytes" if name.endswith("-bin") else "printable ASCII"
            raise ValueError(f"the header `{name}` holds {kind}, and nothing else")
    return ((("authorization", f"Bearer {checked_token(token)}"),) if token else ()) + more


def _is_printable(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


class Wire(Generic[TokensT]):
    """What a connection of either kind holds: a channel, the token that is shown on it, what is left of repetitions."""

    _makes: ClassVar[Any]
    """Makes channels: `grpc` for threads, `grpc.aio` for asyncio."""
    _fixed: ClassVar[Any]
    """The source of a token that does not change."""

    def __init__(
        self,
        address: str,
        token: str | TokensT,
        *,
        tls_roots: bytes | None = None,
        certificate: bytes | None = None,
        insecure: bool = False,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retry: RetryPolicy | None = None,
        channel_options: ChannelOptions = (),
        headers: Headers = no_headers,
    ) -> None:
        if retry is not None and not isinstance(retry, RetryPolicy):
            raise unexpected("retry", "a `RetryPolicy`", retry)
        if not callable(headers):
            raise unexpected("headers", "a function", headers)
        if not isinstance(token, str) and not callable(getattr(token, "current", None)):
            raise unexpected("token", "text, or what renews a token", token)
        self._timeout_s = seconds("timeout_s", timeout_s)
        self._token: TokensT = self._fixed(token) if isinstance(token, str) else token
        endpoint = Endpoint.of(address, tls_roots, certificate, insecure, channel_options)
        if endpoint.credentials is None:
            self._channel = self._makes.insecure_channel(endpoint.address, options=endpoint.options)
        else:
            self._channel = self._makes.secure_channel(endpoint.address, endpoint.credentials, options=endpoint.options)
        self._is_closed = False
        self._headers = headers
        self._policy = retry or RetryPolicy()
        self._budget = RetryBudget(self._policy)
        self._methods: dict[Rpc[Any], Any] = {}

    def _method(self, rpc: Rpc[Any]) -> Any:
        found = self._methods.get(rpc)
        if found is None:
            found = self._methods[rpc] = method_on(self._channel, rpc)
        return found
