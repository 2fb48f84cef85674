"""One document over HTTPS from a fixed address: bounded in size and in time, and from nowhere else."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from contextlib import closing, suppress
from urllib.parse import urlsplit

MAX_BYTES = 256 * 1024
WITHIN_S = 10.0
_STEP_S = 5.0


class FetchFailed(Exception):
    """The document could not be fetched; the message says why, and nothing of what came."""


def fetch(url: str, context: ssl.SSLContext, within_s: float = WITHIN_S) -> bytes:
    """Return a document. Raises FetchFailed, after `within_s` seconds at most and once the name is found.

    A redirect is not followed, because it could lead to where nothing is encrypted; no proxy is asked.
    """
    place = urlsplit(url)
    if place.scheme != "https" or not place.hostname:
        raise FetchFailed("the address is not one of HTTPS")
    try:
        path = f"{place.path or '/'}{f'?{place.query}' if place.query else ''}"
        return _fetched(place.hostname, place.port or 443, place.netloc, path, context, within_s)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchFailed(f"{type(error).__name__}: {error}"[:200] if str(error) else type(error).__name__) from error


def _fetched(host: str, port: int, name: str, path: str, context: ssl.SSLContext, within_s: float) -> bytes:
    plain = socket.create_connection((host, port), min(_STEP_S, within_s))
    # Each wait is bounded, but not how many there are: who sends a byte now and then would hold us for days.
    with closing(plain.dup()) as guard:
        is_over = threading.Event()

        def end() -> None:
            is_over.set()
            with suppress(OSError):
                guard.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(within_s, end)
        timer.daemon = True
        timer.start()
        connection = http.client.HTTPConnection(host, port)
        try:
            with closing(plain):
                connection.sock = context.wrap_socket(plain, server_hostname=host)
            with closing(connection):
                content = _answered(connection, name, path)
            if is_over.is_set():  # what ends without a length may look whole, and we ended it
                raise FetchFailed(f"there is no whole answer after {within_s:g} seconds")
            return content
        except (OSError, http.client.HTTPException, ValueError) as error:
            if is_over.is_set():
                raise FetchFailed(f"there is no whole answer after {within_s:g} seconds") from error
            raise
        finally:
            timer.cancel()


def _answered(connection: http.client.HTTPConnection, name: str, path: str) -> bytes:
    connection.request("GET", path, headers={"Host": name, "Accept": "application/json", "Connection": "close"})
    response = connection.getresponse()
    if response.status != http.HTTPStatus.OK:
        raise FetchFailed(f"the answer has the status {response.status}; a redirect is not followed")
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise FetchFailed("the answer is packed, which nobody asked for")
    content = response.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise FetchFailed(f"the answer is longer than {MAX_BYTES} bytes")
    if response.length not in (None, 0):
        raise FetchFailed("the answer was cut short")
    return content
