"""The log: what is at its other end stops nothing."""

from __future__ import annotations

import io
import json
import os
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
from fake_pdp import FakePdp
from grpc_health.v1 import health_pb2, health_pb2_grpc

from sealauthz.facts import Store
from sealauthz.service import Callers, ServerSettings, build, make_log
from sealauthz.service.log import Queued
from sealauthz.v1 import authorization_pb2_grpc

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


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
    reading, writing = pipe
    if is_stuck:
        fill(writing)
    else:
        os.close(reading)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", Stderr(writing))
        log = make_log()
    settings = ServerSettings("127.0.0.1:0", is_insecure=True, threads=2)
    server = build(settings, Callers([trusted()]), store, FakePdp(), log)
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
            os.close(reading)
        server.stop(0)


def test_what_was_dropped_is_counted_before_the_next_line(pipe: Pipe) -> None:
    reading, writing = pipe
    fill(writing)
    queued = Queued(writing, max_lines=2)
    queued.write('{"event": "first", "worker": 3}\n')
    deadline = time.monotonic() + 10
    while queued._lines:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for _ in range(7):
        queued.write('{"event": "later", "worker": 3}\n')
    assert not queued.drain(0.1)
    found: list[dict[str, Any]] = []

    def read() -> None:
        with open(reading, closefd=False) as lines:
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
from sealauthz.service import make_log
log = make_log()
for number in range(int(sys.argv[1])):
    log.info("line", number=number)
"""


def test_the_end_of_the_process_writes_what_is_queued() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM, "500"], capture_output=True, timeout=60, check=True)
    assert [json.loads(line)["number"] for line in ended.stderr.splitlines()] == list(range(500))


def test_the_end_of_the_process_does_not_wait_for_a_stuck_reader(pipe: Pipe, tmp_path: Path) -> None:
    _, writing = pipe
    fill(writing)
    began = time.monotonic()
    assert subprocess.run([sys.executable, "-c", PROGRAM, "5"], stderr=writing, timeout=60, check=False).returncode == 0
    assert time.monotonic() - began < 20
