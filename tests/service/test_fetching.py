"""Fetching the keys of an issuer: from HTTPS only, and whatever is at the other end, soon over and never too much."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest
import trustme

from sealauthz.service.fetching import MAX_BYTES, FetchFailed, fetch

AUTHORITY = trustme.CA()
WITHIN_S = 0.4
Answer = Callable[[ssl.SSLSocket], None]


class Endpoint:
    """A TLS server on loopback that answers as it is told."""

    def __init__(self, answer: Answer | None, name: str = "127.0.0.1") -> None:
        self._answer = answer
        self.asked: list[bytes] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert(name).configure_cert(self._context)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}/keys?set=1"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listening.accept()
                with closing(plain), suppress(OSError):
                    if self._answer is None:  # never a handshake
                        plain.recv(1)
                        plain.settimeout(5)
                        while plain.recv(4_096):
                            pass
                        continue
                    with self._context.wrap_socket(plain, server_side=True) as secure:
                        self.asked.append(secure.recv(4_096))
                        self._answer(secure)

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)


@pytest.fixture
def endpoint() -> Iterator[Callable[..., Endpoint]]:
    running: list[Endpoint] = []

    def begin(answer: Answer | None, name: str = "127.0.0.1") -> Endpoint:
        running.append(Endpoint(answer, name))
        return running[-1]

    yield begin
    for each in running:
        each.close()


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def sends(*parts: bytes) -> Answer:
    def answer(secure: ssl.SSLSocket) -> None:
        for part in parts:
            secure.sendall(part)

    return answer


def drips(secure: ssl.SSLSocket) -> None:
    for letter in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 1_000:
        secure.sendall(bytes([letter]))
        time.sleep(0.02)


def hangs(secure: ssl.SSLSocket) -> None:
    secure.settimeout(5)
    secure.recv(1)


def endless(secure: ssl.SSLSocket) -> None:
    secure.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        secure.sendall(b"x" * 65_536)


def test_a_document_is_fetched(endpoint: Callable[..., Endpoint]) -> None:
    there = endpoint(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"{}"))
    assert fetch(there.url, trusting()) == b"{}"
    assert there.asked[0].startswith(b"GET /keys?set=1 HTTP/1.1\r\n")
    assert f"Host: {there.url.split('/')[2]}\r\n".encode() in there.asked[0]


BAD: dict[str, tuple[Answer | None, str]] = {
    "a redirect to plain text": (
        sends(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
        "status 302",
    ),
    "a redirect to itself": (
        sends(b"HTTP/1.1 301 Moved\r\nLocation: /keys\r\nContent-Length: 2\r\n\r\n{}"),
        "status 301",
    ),
    "an error": (sends(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}"), "status 500"),
    "ten megabytes": (
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n" + b"x" * (MAX_BYTES + 5)),
        f"longer than {MAX_BYTES}",
    ),
    "without end": (endless, f"longer than {MAX_BYTES}"),
    "a bomb": (
        sends(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"x" * 10_000_000)),
        "is packed",
    ),
    "cut short": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}"), "IncompleteRead|cut short"),
    "chunks that are none": (sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"), "IncompleteRead"),
    "no HTTP": (sends(b"SSH-2.0-OpenSSH_9\r\n"), "BadStatusLine"),
    "nothing": (sends(), "RemoteDisconnected|EOF"),
    "a byte now and then": (drips, f"after {WITHIN_S} seconds"),
    "silence": (hangs, f"after {WITHIN_S} seconds|timed out"),
    "no handshake": (None, f"after {WITHIN_S} seconds|timed out"),
    "a header without end": (sends(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 70_000), "LineTooLong"),
    "headers without end": (sends(b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200), "more than 100 headers"),
}


@pytest.mark.parametrize("name", BAD)
def test_whatever_answers_it_is_soon_over(endpoint: Callable[..., Endpoint], name: str) -> None:
    answer, message = BAD[name]
    began = time.monotonic()
    with pytest.raises(FetchFailed, match=message):
        fetch(endpoint(answer).url, trusting(), WITHIN_S)
    assert time.monotonic() - began < 10 * WITHIN_S


def test_the_other_end_must_be_who_it_says(endpoint: Callable[..., Endpoint]) -> None:
    answer = sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    with pytest.raises(FetchFailed, match="certificate verify failed"):
        fetch(endpoint(answer).url, ssl.create_default_context(), WITHIN_S)
    with pytest.raises(FetchFailed, match="certificate verify failed"):
        fetch(endpoint(answer, "elsewhere.example").url, trusting(), WITHIN_S)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/keys", "file:///etc/passwd", "ftp://127.0.0.1/", "https:///keys", ""]
)
def test_only_https_is_asked(url: str) -> None:
    with pytest.raises(FetchFailed, match="not one of HTTPS"):
        fetch(url, trusting(), WITHIN_S)


def test_nobody_there_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FetchFailed, match="Connection refused"):
        fetch(f"https://127.0.0.1:{port}/", trusting(), WITHIN_S)
