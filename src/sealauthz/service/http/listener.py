"""The port of HTTP: uvicorn on a thread of its own, with limits on connections and on the heads of requests."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sealauthz.runtime.background import Background, Failed, ignored
from sealauthz.runtime.errors import ConfigRefused

MAX_CONNECTIONS = 4_096
"""One more is closed as soon as it is made."""

MAX_HEAD_BYTES = 32_768
HEAD_WITHIN_S = 5.0
"""How long a connection may take to send the head of a request."""

IDLE_S = 60.0
"""How long a connection may wait for its next request."""

_BACKLOG = 512


class NewestContext(ssl.SSLContext):
    """Has each new connection use the context that `newest` returns: certificates change while the port is open."""

    newest: Callable[[], ssl.SSLContext]

    @classmethod
    def of(cls, newest: Callable[[], ssl.SSLContext]) -> NewestContext:
        """Return a context for a listener."""
        context = cls(ssl.PROTOCOL_TLS_SERVER)
        context.newest = newest
        return context

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """Begin the TLS of one connection."""
        return self.newest().wrap_bio(*arguments, **options)


class Connection(HttpToolsProtocol):
    """One connection. What it shows of its client is in the `state` of each request."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, unless there are too many."""
        super().connection_made(transport)
        certificate = None
        if (tls := transport.get_extra_info("ssl_object")) is not None and (der := tls.getpeercert(binary_form=True)):
            certificate = ssl.DER_cert_to_PEM_cert(der).encode()
        self.app_state = {**self.app_state, "certificate": certificate, "abort": transport.abort}
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, up to the most bytes that the head of a request may have."""
        if self.transport.is_closing():
            return
        if self._head_timer is not None:
            self._head_bytes += len(data)
            # The beginning of a body may be among them.
            if self._head_bytes > MAX_HEAD_BYTES + len(data):
                self.transport.abort()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._end_head()
        super().on_headers_complete()

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection, with what its client has not read."""
        self.transport.abort()

    def _await_head(self) -> None:
        self._end_head()
        self._head_timer = self.loop.call_later(HEAD_WITHIN_S, self.transport.abort)

    def _end_head(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _Server(uvicorn.Server):
    """A server that says when it takes requests."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._begun = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self._begun()


class Listener:
    """Serves an application on `host:port`. It holds the port from the beginning. Raises ConfigRefused."""

    def __init__(
        self,
        listen: str,
        application: Any,
        newest_context: Callable[[], ssl.SSLContext] | None,
        *,
        shares_port: bool = False,
        failed: Failed = ignored,
    ) -> None:
        self._socket = _bound(listen, shares_port=shares_port)
        self.port: int = self._socket.getsockname()[1]
        self._application = application
        self._context = None if newest_context is None else NewestContext.of(newest_context)
        self._server: uvicorn.Server | None = None
        self._grace_s = 5.0
        self.thread = Background("http", self._serve, failed)

    def start(self) -> None:
        """Take requests."""
        self.thread.start()

    def stop(self, grace_s: float) -> None:
        """Take no more connections, and let requests under way finish within the grace; do not wait for that."""
        self.thread.stop()
        self._grace_s = grace_s
        server = self._server
        if server is not None:
            server.config.timeout_graceful_shutdown = max(int(grace_s), 0)
            server.should_exit = True

    def join(self) -> None:
        """Wait until it has stopped."""
        self.thread.join(self._grace_s + 5)
        self._socket.close()

    def _serve(self) -> None:
        config = uvicorn.Config(
            self._application,
            http=Connection,
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="critical",  # who answers logs; what strangers send wrong is not worth a line each
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=int(IDLE_S),
            backlog=_BACKLOG,
        )
        config.load()
        config.ssl = self._context
        self._server = _Server(config, self.thread.goes_well)
        if not self.thread.is_stopping:
            self._server.run([self._socket.dup()])


def _bound(listen: str, *, shares_port: bool) -> socket.socket:
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        opened = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise ConfigRefused(f"`http.listen`: cannot listen on `{listen}`") from error
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shares_port:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.bind(address)
        opened.listen(_BACKLOG)
    except OSError as error:
        opened.close()
        raise ConfigRefused(f"`http.listen`: cannot listen on `{listen}`") from error
    return opened
