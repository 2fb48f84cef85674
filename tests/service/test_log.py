"""The log: what is at its other end stops nothing."""

from __future__ import annotations

import datetime
import io
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from calls import TOKEN, refused, use
from conftest import trusted
from fake_acts import FakeActs
from fake_pdp import FakePdp
from grpc_health.v1 import health_pb2, health_pb2_grpc

from sealauthz.facts import Store
from sealauthz.observability import log as log_module
from sealauthz.observability.log import Log, Queued, make_log
from sealauthz.service import Callers, ServerSettings, build
from sealauthz_client.v1 import authorization_pb2_grpc


class Pipe:
    """Both ends of a pipe. Each is closed once: its number may be somebody else's a moment later."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self._is_read = True

    def stop_reading(self) -> None:
        """Close the end that is read from."""
        if self._is_read:
            self._is_read = False
            os.close(self.reading)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.stop_reading()
    os.close(pipe.writing)


class Stderr:
    """Standard error that is one end of a pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def write(self, text: str) -> int:
        return os.write(self._descriptor, text.encode())

    def flush(self) -> None:
        pass


def fill(writing: int) -> None:
    """Write until no more fits."""
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"\n" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)


@pytest.mark.parametrize("is_stuck", [False, True])
def test_calls_and_health_are_answered_whatever_becomes_of_the_log(
    store: Store, monkeypatch: pytest.MonkeyPatch, pipe: Pipe, is_stuck: bool
) -> None:
    if is_stuck:
        fill(pipe.writing)
    else:
        pipe.stop_reading()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", Stderr(pipe.writing))
        log = make_log()
    settings = ServerSettings("127.0.0.1:0", is_insecure=True, threads=2)
    server = build(settings, Callers([trusted()]), store, FakePdp(), FakeActs(), log)
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            stub: Any = authorization_pb2_grpc.AuthorizationServiceStub(channel)
            probes = health_pb2_grpc.HealthStub(channel)
            for _ in range(20):
                answer = stub.Authorize(use(), metadata=(("authorization", f"Bearer {TOKEN}"),), timeout=5)
                assert answer.HasField("decision")
                assert refused(stub.Authorize, use(), None).code == grpc.StatusCode.UNAUTHENTICATED
                answer = probes.Check(health_pb2.HealthCheckRequest(), timeout=5)
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
    finally:
        if is_stuck:
            pipe.stop_reading()
        server.stop(0)
        # Or its thread would write to whatever has the number of the descriptor next.
        assert isinstance(log._sink, Queued)
        assert log._sink.drain(10)


def test_what_was_dropped_is_counted_before_the_next_line(pipe: Pipe) -> None:
    fill(pipe.writing)
    queued = Queued(pipe.writing, max_entries=2)
    log = Log(queued, {"worker": 3})
    log.info("first")
    deadline = time.monotonic() + 10
    while queued._entries:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for _ in range(7):
        log.info("later")
    assert not queued.drain(0.1)
    found: list[dict[str, Any]] = []

    def read() -> None:
        with open(pipe.reading, closefd=False) as lines:
            while len(found) < 4:
                if line := lines.readline().strip():
                    found.append(json.loads(line))

    reader = threading.Thread(target=read)
    reader.start()
    assert queued.drain(10)
    reader.join(10)
    assert [line["event"] for line in found] == ["first", "log_dropped", "later", "later"]
    assert (found[1]["dropped"], found[1]["worker"], found[1]["level"]) == (5, 3, "warning")


def test_an_error_of_a_given_stream_reaches_nobody() -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    make_log(Broken()).info("call")
    closed = io.StringIO()
    closed.close()
    make_log(closed).info("call")


PROGRAM = """
import sys
from sealauthz.observability.log import make_log
log = make_log()
for number in range(int(sys.argv[1])):
    log.info("line", number=number)
"""


def test_the_end_of_the_process_writes_what_is_queued() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM, "500"], capture_output=True, timeout=60, check=True)
    assert [json.loads(line)["number"] for line in ended.stderr.splitlines()] == list(range(500))


def test_the_end_of_the_process_does_not_wait_for_a_stuck_reader(pipe: Pipe, tmp_path: Path) -> None:
    fill(pipe.writing)
    began = time.monotonic()
    assert (
        subprocess.run([sys.executable, "-c", PROGRAM, "5"], stderr=pipe.writing, timeout=60, check=False).returncode
        == 0
    )
    assert time.monotonic() - began < 20


def test_lines_are_written_many_at_a_time_and_none_is_cut_in_two(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(log_module, "_write", lambda _descriptor, text: written.append(text))
    queued = Queued(pipe.writing)
    log = Log(queued)
    for number in range(200):
        log.info("line", number=number, text="é" * 40)
    assert queued.drain(10)
    assert len(written) < 20
    assert all(len(block) <= select.PIPE_BUF and block.endswith(b"\n") for block in written)
    assert [json.loads(line)["number"] for line in b"".join(written).splitlines()] == list(range(200))


def test_a_line_longer_than_a_pipe_takes_at_once_is_written(pipe: Pipe) -> None:
    queued = Queued(pipe.writing)
    log = Log(queued)
    for text in ("short", "long" * select.PIPE_BUF, "short"):
        log.info("line", text=text)
    with open(pipe.reading, closefd=False) as lines:
        found = [json.loads(lines.readline())["text"] for _ in range(3)]
    assert [len(text) for text in found] == [5, 4 * select.PIPE_BUF, 5]


def test_what_is_logged_says_when_it_happened_and_not_when_it_was_written(pipe: Pipe) -> None:
    queued = Queued(pipe.writing)
    before = time.time()
    Log(queued).bind(worker=2).info("line", value=object(), text="\udc80")
    after = time.time()
    with open(pipe.reading, closefd=False) as lines:
        line = json.loads(lines.readline())
    happened = datetime.datetime.fromisoformat(line["time"]).timestamp()
    assert before - 0.001 <= happened <= after
    assert (line["event"], line["level"], line["worker"]) == ("line", "info", 2)
    assert line["value"].startswith("<object object")


def test_what_cannot_be_written_ends_nothing(pipe: Pipe) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    loop: list[Any] = []
    loop.append(loop)
    queued = Queued(pipe.writing)
    log = Log(queued)
    log.info("one", value=Broken())
    log.info("two", loop=loop)
    log.bind(worker=loop).info("three", value=3)
    log.info("four", value=3)
    with open(pipe.reading, closefd=False) as lines:
        found = [json.loads(lines.readline()) for _ in range(4)]
    assert [entry["event"] for entry in found] == ["one", "two", "three", "four"]
    assert [entry.get("unwritable") for entry in found] == [["value"], ["loop"], ["value", "worker"], None]


def test_a_thread_that_cannot_write_goes_on(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Queued, entries: list[Any], dropped: int) -> None:
        raise MemoryError

    queued = Queued(pipe.writing)
    log = Log(queued)
    with monkeypatch.context() as patched:
        patched.setattr(Queued, "_write_out", fail)
        log.info("lost")
        assert queued.drain(10)
    log.info("kept")
    with open(pipe.reading, closefd=False) as lines:
        found = [json.loads(lines.readline()) for _ in range(2)]
    assert [(entry["event"], entry.get("dropped")) for entry in found] == [("log_dropped", 1), ("kept", None)]


def test_a_process_without_a_standard_error_logs_nothing_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    make_log().info("call")


def test_an_error_is_told_with_its_causes_and_without_values() -> None:
    stream = io.StringIO()
    secret = "4f7a-token"
    try:
        try:
            raise ValueError("the cause")
        except ValueError as error:
            raise RuntimeError("the error") from error
    except RuntimeError as error:
        make_log(stream).error("incident", error, incident="i-1")
    line = json.loads(stream.getvalue())
    assert [told["exc_type"] for told in line["exception"]] == ["RuntimeError", "ValueError"]
    assert line["exception"][0]["frames"]
    assert secret not in stream.getvalue()
