"""oso in a process of its own, for programs that kill or hang it: our end of the pipe to `oso_worker.py`.

The worker limits its memory and its processor time. Answers are JSON, and records come back as the numbers of those
that were sent.
"""

from __future__ import annotations

import dataclasses
import json
import os
import select
import subprocess
import sys
import time
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import oso_worker
from oso_worker import (
    ARGUMENT_FREE,
    DICT,
    HEADER,
    LIST,
    MAX_FRAME_BYTES,
    RECORD,
    TUPLE,
    UNSET,
    ClassForm,
    frame_of,
)

from sealauthz.polar.reference import ReferenceUnavailable
from sealauthz.polar.runtime import FREE
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed, FactNotLoaded

SENT_ALONG = 200
"""Records that are sent with a question before anyone asks for them."""

_MAX_MESSAGE = 500


class ProcessLost(Exception):
    """The process died, hung, or said what makes no sense."""


class ReferenceProcess:
    """One process and the pipes to it. Every fault kills it; it is never used again then."""

    def __init__(self) -> None:
        command = [sys.executable, "-X", "utf8", Path(oso_worker.__file__)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("both are pipes")
        self._write, self._read = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._write, False)
        os.set_blocking(self._read, False)
        self._end = weakref.finalize(self, _end, self._process)

    @property
    def is_alive(self) -> bool:
        """Whether the process can be used."""
        return self._end.alive and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def close(self) -> None:
        """Kill the process."""
        self._end()

    def send(self, message: object, deadline_s: float) -> None:
        """Send a frame within so many seconds. Raises ProcessLost."""
        until = time.monotonic() + deadline_s
        left = memoryview(frame_of(message))
        while left:
            self._wait(self._write, select.POLLOUT, until)
            try:
                left = left[os.write(self._write, left) :]
            except BlockingIOError:
                continue
            except OSError as error:
                self._lost("died", error)

    def receive(self, deadline_s: float) -> dict[str, Any]:
        """Return the next frame, which is waited for so many seconds. Raises ProcessLost."""
        until = time.monotonic() + deadline_s
        (length,) = HEADER.unpack(self._bytes(HEADER.size, until))
        if length > MAX_FRAME_BYTES:
            self._lost("sent too much")
        try:
            message = json.loads(self._bytes(length, until))
        except (ValueError, RecursionError) as error:
            self._lost("made no sense", error)
        if type(message) is not dict:
            self._lost("made no sense")
        return message

    def _bytes(self, count: int, until: float) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            self._wait(self._read, select.POLLIN, until)
            try:
                part = os.read(self._read, min(count - len(parts), 1 << 20))
            except BlockingIOError:
                continue
            if not part:
                self._lost("died")
            parts += part
        return bytes(parts)

    def _wait(self, descriptor: int, event: int, until: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        left = until - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            self._lost("took too long")

    def _lost(self, how: str, cause: Exception | None = None) -> NoReturn:
        self.close()
        raise ProcessLost(f"the reference process {how}") from cause


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


# --- values ---------------------------------------------------------------------------------------------------------


class Forms:
    """Writes values for the process, and reads its answers: records get numbers, in the order in which they turn up."""

    def __init__(self, classes: Sequence[Any]) -> None:
        self._indexes = {cls: index for index, cls in enumerate(classes)}
        self._fields = {cls: [field.name for field in dataclasses.fields(cls)] for cls in classes}
        self.records: list[Any] = []
        self._handles: dict[int, int] = {}

    def of(self, value: Any) -> Any:
        """Write a value. Raises EvaluationFailed for what is neither plain nor an instance of a known class."""
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if value is FREE:
            return [ARGUMENT_FREE]
        index = self._indexes.get(kind)
        if index is not None:
            return [RECORD, self._handle(value), index]
        if isinstance(value, list):
            return [LIST, *map(self.of, value)]
        if kind is tuple:
            return [TUPLE, *map(self.of, value)]
        if kind is dict and all(type(key) is str for key in value):
            return [DICT, *([key, self.of(item)] for key, item in value.items())]
        raise EvaluationFailed(f"a question holds a {kind.__name__}, which the reference does not take")

    def of_record(self, record: Any) -> list[Any]:
        """Write what a record holds."""
        values = []
        for name in self._fields[type(record)]:
            try:
                values.append(self.of(getattr(record, name)))
            except AttributeError:
                values.append([UNSET])
        return values

    def sent_along(self, count: int = SENT_ALONG) -> list[list[Any]]:
        """Write the first records, and what they refer to, up to a number of them."""
        sent: list[list[Any]] = []
        while len(sent) < min(count, len(self.records)):
            sent.append(self.of_record(self.records[len(sent)]))
        return sent

    def read(self, form: Any) -> Any:
        """Read a value of an answer. Raises ProcessLost where it makes no sense."""
        if form is None or type(form) in (bool, int, float, str):
            return form
        if type(form) is not list or not form:
            raise ProcessLost("the reference process made no sense")
        kind, *members = form
        if kind == RECORD and len(members) == 1:
            return self.record(members[0])
        if kind == LIST:
            return list(map(self.read, members))
        if kind == TUPLE:
            return tuple(map(self.read, members))
        if kind == DICT and all(type(m) is list and len(m) == 2 and type(m[0]) is str for m in members):
            return {key: self.read(value) for key, value in members}
        raise ProcessLost("the reference process made no sense")

    def record(self, handle: Any) -> Any:
        """The record of a number. Raises ProcessLost where there is none."""
        if type(handle) is not int or not 0 <= handle < len(self.records):
            raise ProcessLost("the reference process asked for what it was not given")
        return self.records[handle]

    def _handle(self, record: Any) -> int:
        handle = self._handles.get(id(record))
        if handle is None:
            handle = self._handles[id(record)] = len(self.records)
            self.records.append(record)
        return handle


def forms_of(classes: Iterable[Any]) -> list[ClassForm]:
    """Write classes down, bases first. All of them are dataclasses."""
    forms: dict[Any, ClassForm] = {}

    def write(cls: Any) -> None:
        if cls in forms:
            return
        bases = _bases_of(cls)
        for base in bases:
            write(base)
        inherited = {field.name for base in bases for field in dataclasses.fields(base)}
        fields = dataclasses.fields(cls)
        is_equal_by_value = cls.__dataclass_params__.eq
        forms[cls] = (
            cls.__name__,
            [base.__name__ for base in bases],
            [field.name for field in fields if field.name not in inherited],
            [field.name for field in fields if field.compare] if is_equal_by_value else None,
        )

    for cls in classes:
        write(cls)
    return list(forms.values())


def _bases_of(cls: Any) -> list[Any]:
    """The dataclasses that one derives from. A class that was extended has the name of what it was before, which is
    not another one.
    """
    bases: list[Any] = [base for base in cls.__bases__ if dataclasses.is_dataclass(base)]
    return [each for base in bases for each in (_bases_of(base) if base.__name__ == cls.__name__ else [base])]


def ordered(classes: Iterable[Any]) -> list[Any]:
    """The classes in the order in which `forms_of` writes them, bases included."""
    found: dict[Any, None] = {}

    def add(cls: Any) -> None:
        for base in _bases_of(cls):
            add(base)
        found[cls] = None

    for cls in classes:
        add(cls)
    return list(found)


def answer_of(message: dict[str, Any], forms: Forms) -> bool | list[tuple[Any, ...]]:
    """Read the answer to a question. Raises EvaluationFailed, and ProcessLost where it makes no sense."""
    match message:
        case {"holds": bool(holds)}:
            return holds
        case {"each": list(found)} if all(type(values) is list for values in found):
            return [tuple(map(forms.read, values)) for values in found]
        case {"failed": str(said), "not_loaded": True}:
            raise FactNotLoaded(_line(said))
        case {"failed": str(said)}:
            raise EvaluationFailed(_line(said))
        case _:
            raise ProcessLost("the reference process made no sense")


def check_loaded(message: dict[str, Any]) -> None:
    """Read the answer to a load. Raises BundleRefused, and ProcessLost where it makes no sense."""
    match message:
        case {"done": True}:
            return
        case {"refused": [str(said), str(file), int(line), int(column)]}:
            raise BundleRefused(_line(said), file, line, column)
        case {"unavailable": str(said)}:
            raise ReferenceUnavailable(_line(said))
        case {"failed": str(said)}:
            raise BundleRefused(_line(said))
        case _:
            raise ProcessLost("the reference process made no sense")


def _line(said: str) -> str:
    return " ".join(said.split())[:_MAX_MESSAGE]
