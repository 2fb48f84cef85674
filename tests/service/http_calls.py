"""Requests over HTTP as tests make them: with a client of another make, and with bare bytes."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
from conftest import TOKEN, Served

LOCAL = "127.0.0.1:0"
AUTHORIZE = "/v1/AuthorizationService/Authorize"
QUESTION: dict[str, Any] = {
    "subject": {"type": "Person", "id": "P1"},
    "action": "use",
    "resource": {"type": "Seal", "id": "S1"},
}


def asking(served: Served, token: str | None = TOKEN, **options: Any) -> httpx.Client:
    """A client with a bearer token, or with none."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    options.setdefault("base_url", f"http://127.0.0.1:{served.server.http_port}")
    return httpx.Client(headers=headers, timeout=20, trust_env=False, **options)


def post(served: Served, path: str = AUTHORIZE, body: Any = None, token: str | None = TOKEN, **headers: str) -> Any:
    """The response to one request; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(QUESTION if body is None else body).encode()
    given = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    with asking(served, token) as client:
        return client.post(path, content=content, headers=given)


@contextlib.contextmanager
def connected(served: Served) -> Iterator[socket.socket]:
    """A connection without a client."""
    port = served.server.http_port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        yield connection


def until_closed(connection: socket.socket) -> bytes:
    """All that comes until the server closes a connection."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65_536):
            found += part
    return found


def events(response: httpx.Response) -> Iterator[dict[str, str]]:
    """The server-sent events of a response, each as its fields; comments are left out."""
    event: dict[str, str] = {}
    for line in response.iter_lines():
        if not line and event:
            yield event
            event = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value
