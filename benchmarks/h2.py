"""Generates load: unary gRPC calls over plain HTTP/2, cheap enough that the server is what is measured.

A gRPC client in Python costs as much as the server does. This one sends bytes that were made before, many calls on each
connection, and reads of the answers only where they end and whether they held a message; a call that ends without one
has failed. It costs some microseconds a call.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_WINDOW = 2**31 - 1
_REFILL = 2**24
_FRAME = 16_384
_FIRST_WINDOW = 65_535
_FIRST_STREAMS = 100
"""How many calls a connection has under way until the server has announced its own limit."""
_MAX_CONCURRENT_STREAMS = 3


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def _number(value: int, prefix: int, first: int) -> bytes:
    """Write a number as HPACK does, in the last `prefix` bits of a byte and what follows."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes((first | value,))
    found = bytearray((first | most,))
    value -= most
    while value >= 128:
        found.append(value % 128 + 128)
        value //= 128
    found.append(value)
    return bytes(found)


def _text(text: str) -> bytes:
    return _number(len(text), 7, 0) + text.encode("ascii")


def _header(name: int | str, value: str) -> bytes:
    """Write a header that is not remembered; a number names one of HPACK's own names."""
    named = _number(name, 4, 0) if isinstance(name, int) else b"\0" + _text(name)
    return named + _text(value)


class Request:
    """One call, ready to be sent on any stream."""

    def __init__(self, authority: str, path: str, token: str, message: bytes, timeout_s: int = 20) -> None:
        headers = b"\x83\x86" + b"".join(
            (
                _header(4, path),
                _header(1, authority),
                _header(31, "application/grpc"),
                _header("te", "trailers"),
                _header("grpc-timeout", f"{timeout_s}S"),
                _header(23, f"Bearer {token}"),
            )
        )
        self._headers = struct.pack(">I", len(headers))[1:] + bytes((_HEADERS, _END_HEADERS))
        self._block = headers
        data = struct.pack(">BI", 0, len(message)) + message
        self._parts = [data[at : at + _FRAME] for at in range(0, len(data), _FRAME)]
        self.bytes = len(data)

    def on(self, stream: int) -> bytes:
        """Return the bytes of the call on a stream."""
        number = struct.pack(">I", stream)
        sent = [self._headers, number, self._block]
        for part in self._parts:
            is_last = part is self._parts[-1]
            sent += [struct.pack(">I", len(part))[1:], bytes((_DATA, _END_STREAM if is_last else 0)), number, part]
        return b"".join(sent)


@dataclass(slots=True)
class Outcome:
    """What a run of calls came to: how many ended with a message, how many without, in how many seconds.

    `waits` holds the seconds that each took that ended with a message.
    """

    answered: int = 0
    failed: int = 0
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)


class _Connection:
    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        settings = struct.pack(">HIHI", 4, _WINDOW, 5, 2**24 - 1)
        self.socket.sendall(
            _PREFACE
            + _frame(_SETTINGS, 0, 0, settings)
            + _frame(_WINDOW_UPDATE, 0, 0, struct.pack(">I", _WINDOW - 65_535))
        )
        self.socket.setblocking(False)
        self.out = bytearray()
        self.read = bytearray()
        self.stream = -1
        self.begun: dict[int, float] = {}
        self.with_message: set[int] = set()
        self.taken = 0
        self.window = _FIRST_WINDOW
        self.most_streams = _FIRST_STREAMS
        self.held: deque[tuple[Request, float]] = deque()


class Load:
    """Connections to one server, each with so many calls under way."""

    def __init__(self, address: str, connections: int, calls_each: int) -> None:
        host, _, port = address.rpartition(":")
        self._connections = [_Connection(host, int(port)) for _ in range(connections)]
        self._calls_each = calls_each
        self._selector = selectors.DefaultSelector()
        for connection in self._connections:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def close(self) -> None:
        """Close the connections."""
        self._selector.close()
        for connection in self._connections:
            connection.socket.close()

    def run(self, requests: Sequence[Request], calls: int) -> Outcome:
        """Make so many calls, taking the requests in turn, and return when all have ended."""
        outcome = Outcome()
        began = time.perf_counter()
        sent = 0
        for connection in self._connections:
            for _ in range(self._calls_each):
                if sent < calls:
                    self._begin(connection, requests[sent % len(requests)])
                    sent += 1
            self._flush(connection)
        while outcome.answered + outcome.failed < calls:
            for key, _ in self._selector.select(10):
                connection = key.data
                for _ in range(self._take(connection, outcome)):
                    if sent < calls:
                        self._begin(connection, requests[sent % len(requests)])
                        sent += 1
                self._flush(connection)
        outcome.seconds = time.perf_counter() - began
        return outcome

    def keep(self, requests: Sequence[Request], seconds: float) -> Outcome:
        """Have so many calls under way all the time, and begin the next when one ends, whatever came of it."""
        outcome = Outcome()
        began = time.perf_counter()
        sent = 0
        for connection in self._connections:
            for _ in range(self._calls_each):
                self._begin(connection, requests[sent % len(requests)])
                sent += 1
            self._flush(connection)
        while (passed := time.perf_counter() - began) < seconds:
            for key, _ in self._selector.select(seconds - passed):
                connection = key.data
                for _ in range(self._take(connection, outcome)):
                    self._begin(connection, requests[sent % len(requests)])
                    sent += 1
                self._flush(connection)
        outcome.seconds = time.perf_counter() - began
        return outcome

    def offer(self, requests: Sequence[Request], per_s: float, seconds: float) -> Outcome:
        """Make so many calls a second, whether or not others have ended; return when all have."""
        outcome = Outcome()
        began, sent, calls = time.perf_counter(), 0, int(per_s * seconds)
        while outcome.answered + outcome.failed < calls:
            due = min(calls, int((time.perf_counter() - began) * per_s))
            for number in range(sent, due):
                self._begin(self._connections[number % len(self._connections)], requests[number % len(requests)])
            sent = due
            for connection in self._connections:
                self._flush(connection)
            for key, _ in self._selector.select(0.002 if sent < calls else 10):
                self._take(key.data, outcome)
        outcome.seconds = time.perf_counter() - began
        return outcome

    def _begin(self, connection: _Connection, request: Request) -> None:
        """Send a call, or hold it until the server takes so much; its time begins now."""
        connection.held.append((request, time.perf_counter()))
        self._send_held(connection)

    def _send_held(self, connection: _Connection) -> None:
        held = connection.held
        while held and held[0][0].bytes <= connection.window and len(connection.begun) < connection.most_streams:
            request, began = held.popleft()
            connection.window -= request.bytes
            connection.stream += 2
            connection.out += request.on(connection.stream)
            connection.begun[connection.stream] = began

    def _flush(self, connection: _Connection) -> None:
        while connection.out:
            try:
                done = connection.socket.send(connection.out)
            except BlockingIOError:
                self._selector.modify(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)
                return
            del connection.out[:done]
        self._selector.modify(connection.socket, selectors.EVENT_READ, connection)

    def _take(self, connection: _Connection, outcome: Outcome) -> int:
        """Read what has come; return how many calls have ended."""
        try:
            arrived = connection.socket.recv(1 << 20)
        except BlockingIOError:
            return 0
        if not arrived:
            raise ConnectionError("the server closed the connection")
        read = connection.read
        read += arrived
        at, ended, now = 0, 0, time.perf_counter()
        while len(read) - at >= 9:
            length = int.from_bytes(read[at : at + 3], "big")
            if len(read) - at < 9 + length:
                break
            kind, flags = read[at + 3], read[at + 4]
            stream = int.from_bytes(read[at + 5 : at + 9], "big")
            if kind == _DATA:
                connection.taken += length
                if length:
                    connection.with_message.add(stream)
            elif kind == _SETTINGS and not flags & _ACK:
                for setting in range(at + 9, at + 9 + length, 6):
                    if int.from_bytes(read[setting : setting + 2], "big") == _MAX_CONCURRENT_STREAMS:
                        connection.most_streams = int.from_bytes(read[setting + 2 : setting + 6], "big")
                connection.out += _frame(_SETTINGS, _ACK, 0, b"")
            elif kind == _PING and not flags & _ACK:
                connection.out += _frame(_PING, _ACK, 0, bytes(read[at + 9 : at + 17]))
            elif kind == _WINDOW_UPDATE and stream == 0:
                connection.window += int.from_bytes(read[at + 9 : at + 13], "big")
            elif kind == _GOAWAY:
                raise ConnectionError("the server is going away")
            is_end = (kind in (_HEADERS, _DATA) and flags & _END_STREAM) or kind == _RST_STREAM
            if is_end and stream in connection.begun:
                ended += 1
                wait_s = now - connection.begun.pop(stream)
                if kind == _HEADERS and stream in connection.with_message:
                    outcome.answered += 1
                    outcome.waits.append(wait_s)
                else:
                    outcome.failed += 1
                connection.with_message.discard(stream)
            at += 9 + length
        del read[:at]
        if connection.taken > _REFILL:
            connection.out += _frame(_WINDOW_UPDATE, 0, 0, struct.pack(">I", connection.taken))
            connection.taken = 0
        self._send_held(connection)
        return ended
