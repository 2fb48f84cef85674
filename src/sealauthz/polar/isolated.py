"""The reference engine in a process of its own, which may die without harm: the parent's end of `worker.py`.

The process is started by exec, not fork, in an empty environment and the root folder, with three pipes and no other
descriptor. It limits itself before it sees a policy: memory, processor time, no core file, no new descriptor (so no
file and no network), no growing file. Nothing that it says is executed or unpickled: answers are JSON, checked in
shape, and records come back as numbers of records that were sent. Not enforced: what a process of the same user may do
to others by signals or `ptrace`; new processes where the user is root; memory where the system ignores the limit
(macOS).
"""

from __future__ import annotations

import dataclasses
import json
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from sealauthz.polar.plain_sources import plain_sources
from sealauthz.polar.reference import QUERY_TIMEOUT_MS, ReferenceUnavailable
from sealauthz.polar.runtime import FREE
from sealauthz.polar.source import Source
from sealauthz.polar.worker import (
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
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed, FactNotLoaded

LOAD_DEADLINE_S = 20.0
QUESTION_DEADLINE_S = QUERY_TIMEOUT_MS / 1_000 + 1
"""One second more than oso gives itself."""

SENT_ALONG = 200
"""Records that are sent with a question before anyone asks for them."""

_MAX_MESSAGE = 500


class ProcessLost(Exception):
    """The process died, hung, or said what makes no sense."""


class ReferenceProcess:
    """One process and the pipes to it. Every fault kills it; it is never used again then."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-X", "utf8", "-m", "sealauthz.polar.worker"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={},
            start_new_session=True,
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


# --- the engine -----------------------------------------------------------------------------------------------------


class IsolatedReference:
    """One bundle on oso in a process of its own. Safe to call from several threads, which wait for each other.

    A process that is lost is replaced when the next question comes.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        classes: Iterable[type],
        load_deadline_s: float = LOAD_DEADLINE_S,
        question_deadline_s: float = QUESTION_DEADLINE_S,
    ) -> None:
        """Load the sources. Raises BundleRefused, also where they kill the process, and ReferenceUnavailable."""
        # Here, because the process opens no file to read a grammar from.
        self._sources = [(source.file, source.text) for source in plain_sources(sources)]
        self._classes = ordered(classes)
        self._load_deadline_s = load_deadline_s
        self._question_deadline_s = question_deadline_s
        self._lock = threading.Lock()
        self._process = self._loaded()

    def holds(self, rule: str, *arguments: object) -> bool:
        """Whether a rule holds for these arguments. Raises EvaluationFailed."""
        return self._ask("holds", rule, arguments) is True

    def each(self, rule: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Return the values that the FREE arguments can take, each combination once, in the order found.

        Raises EvaluationFailed.
        """
        answer = self._ask("each", rule, arguments)
        return answer if isinstance(answer, list) else []

    def explain(self, rule: str, *arguments: object) -> tuple[()]:
        """Return nothing: oso does not tell why a rule did not hold."""
        return ()

    def close(self) -> None:
        """End the process. The engine cannot be used any more."""
        with self._lock:
            self._process.close()
            self._sources = []

    def _loaded(self) -> ReferenceProcess:
        process = ReferenceProcess()
        load = {"sources": self._sources, "classes": forms_of(self._classes)}
        try:
            process.send([{"load": load}], self._load_deadline_s)
            check_loaded(process.receive(self._load_deadline_s))
        except ProcessLost as error:
            process.close()
            raise BundleRefused(f"{error} when it loaded the policies") from error
        except (BundleRefused, ReferenceUnavailable):
            process.close()
            raise
        return process

    def _ask(self, kind: str, rule: str, arguments: Sequence[object]) -> bool | list[tuple[Any, ...]]:
        forms = Forms(self._classes)
        ask = {
            "kind": kind,
            "rule": rule,
            "arguments": [forms.of(argument) for argument in arguments],
            "seconds": int(self._question_deadline_s) + 1,
        }
        world = forms.sent_along()
        with self._lock:
            if not self._process.is_alive:
                self._restart()
            try:
                return self._answer([{"world": world}, {"ask": ask}], forms)
            except ProcessLost as error:
                self._process.close()
                raise EvaluationFailed(f"{error} over `{rule}`") from error

    def _restart(self) -> None:
        if not self._sources:
            raise EvaluationFailed("this reference was closed")
        try:
            self._process = self._loaded()
        except (BundleRefused, ReferenceUnavailable) as error:
            raise EvaluationFailed("the reference process cannot be started again") from error

    def _answer(self, messages: list[object], forms: Forms) -> bool | list[tuple[Any, ...]]:
        until = time.monotonic() + self._question_deadline_s
        self._process.send(messages, self._question_deadline_s)
        if self._process.receive(until - time.monotonic()) != {"done": True}:
            raise ProcessLost("the reference process made no sense")
        while True:
            message = self._process.receive(until - time.monotonic())
            if "fetch" not in message:
                return answer_of(message, forms)
            values = forms.of_record(forms.record(message["fetch"]))
            self._process.send(values, until - time.monotonic())
