"""What a served process says beside its log comes out as lines of the log, and waits for no reader."""

from __future__ import annotations

import gc
import io
import json
import logging
import subprocess
import sys
import threading
import time
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

from sealauthz.observability import log
from sealauthz.observability.capture import captured
from sealauthz.observability.log import Entry, StrangersRationed, make_log


class Said:
    """A log, and what is in it."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.log = make_log(self._stream)

    def lines(self) -> list[dict[str, Any]]:
        entries = [json.loads(line) for line in self._stream.getvalue().splitlines()]
        return [{key: value for key, value in entry.items() if key != "time"} for entry in entries]


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.mark.parametrize("name", ["sealauthz.decision.pdp", "grpc._server", "sqlalchemy.pool", "psycopg.pool", "other"])
def test_what_is_logged_elsewhere_is_a_line_of_the_log_with_its_error(said: Said, name: str) -> None:
    with captured(said.log):
        try:
            raise ValueError("a fault")
        except ValueError:
            logging.getLogger(name).exception("something `%s` failed", "here")
    (line,) = said.lines()
    (error,) = line.pop("exception")
    assert (error["exc_type"], error["exc_value"]) == ("ValueError", "a fault")
    assert line == {"event": "logged", "level": "error", "logger": name, "message": "something `here` failed"}


def test_below_a_warning_nothing_is_logged(said: Said) -> None:
    with captured(said.log):
        logging.getLogger("grpc").info("chatter")
        logging.getLogger("grpc").warning("odd")
    assert [(line["level"], line["message"]) for line in said.lines()] == [("warning", "odd")]


def test_the_same_message_is_written_now_and_then_with_how_often_it_came(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(log, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns))

    def broken() -> None:
        logging.getLogger("policies").error("broken")

    with captured(said.log):
        for _ in range(100):
            broken()
        logging.getLogger("policies").error("another")
        now[0] += log.REPEATED_EVERY_S
        broken()
    lines = [(line["message"], line.get("repeated", 0)) for line in said.lines()]
    assert lines == [("broken", 0), ("another", 0), ("broken", 99)]


def test_different_messages_of_one_line_of_code_are_bounded_and_counted(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(log, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns))
    with captured(said.log):
        for number in range(2_000):
            if number == 1_999:
                now[0] += log.REPEATED_EVERY_S
            logging.getLogger("other").error("odd `%d`", number)
    lines = said.lines()
    assert len(lines) < 20
    assert len(lines) + sum(line.get("repeated", 0) for line in lines) == 2_000


def test_calls_of_strangers_are_one_line_a_second_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(log, "time", SimpleNamespace(monotonic=lambda: now[0]))
    taken: list[Entry] = []
    sink = StrangersRationed(SimpleNamespace(put=taken.append))

    def call(code: str, **fields: object) -> None:
        sink.put(Entry("info", "call", 0, {}, {"code": code, **fields}))

    for _ in range(100):
        call("UNAUTHENTICATED", message="no token")
        call("UNAUTHENTICATED", message="unknown token")
    call("OK")
    for _ in range(3):
        call("OK", caller="signing")
        sink.put(Entry("warning", "busy", 0, {}, {}))
    now[0] += log.REPEATED_EVERY_S
    call("UNAUTHENTICATED")
    written = [(each.fields.get("code"), each.fields.get("caller"), each.fields.get("repeated")) for each in taken]
    assert written == [
        ("UNAUTHENTICATED", None, None),
        ("OK", None, None),
        *[("OK", "signing", None), (None, None, None)] * 3,
        ("UNAUTHENTICATED", None, 199),
    ]


def test_a_record_that_cannot_be_written_harms_nobody(said: Said) -> None:
    with captured(said.log):
        logging.getLogger("other").error("%d", "no number")
    assert said.lines() == [{"event": "logged", "level": "warning", "logger": "other", "unwritable": True}]


def test_a_warning_is_a_line_of_the_log(said: Said) -> None:
    with warnings.catch_warnings(), captured(said.log):
        warnings.simplefilter("always")
        warnings.warn("beware", stacklevel=1)
    (line,) = said.lines()
    assert (line["logger"], "beware" in line["message"]) == ("py.warnings", True)


def test_a_thread_that_fails_is_a_line_of_the_log(said: Said) -> None:
    def fail() -> None:
        raise ValueError("a fault")

    with captured(said.log):
        thread = threading.Thread(target=fail, name="worker")
        thread.start()
        thread.join()
    (line,) = said.lines()
    assert (line["event"], line["thread"], line["exception"][0]["exc_value"]) == ("thread_failed", "worker", "a fault")


def test_an_error_that_nobody_can_be_told_is_a_line_of_the_log(said: Said) -> None:
    class Failing:
        def __del__(self) -> None:
            raise ValueError("a fault")

    with captured(said.log):
        Failing()
        gc.collect()
    (line,) = said.lines()
    assert (line["event"], line["exception"][0]["exc_value"]) == ("unraisable", "a fault")


def test_what_is_printed_is_a_line_of_the_log(said: Said) -> None:
    with captured(said.log):
        sys.stderr.write("one\ntw")
        sys.stderr.write("o\n")
    assert [line["text"] for line in said.lines()] == ["one", "two"]


def test_afterwards_everything_is_as_it_was() -> None:
    def state() -> tuple[Any, ...]:
        root = logging.getLogger()
        hooks = (sys.stderr, sys.unraisablehook, threading.excepthook, warnings.showwarning)
        return (*root.handlers, root.level, *hooks)

    before = state()
    with captured(Said().log):
        assert state() != before
    assert state() == before


def test_a_full_pipe_makes_nobody_wait_not_even_code_that_is_not_ours() -> None:
    program = (
        "import os; from sealauthz.observability.capture import never_block; never_block()\n"
        "try:\n"
        "    while True: os.write(2, b'x' * 4096)\n"
        "except BlockingIOError: print('full')"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"full\n"
        finally:
            process.kill()
