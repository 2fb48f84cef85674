"""The process that `oso_process.py` starts: it takes programs and questions from a pipe and asks oso.

A frame is a length of four bytes and a JSON text. The parent sends lists
of messages; each is answered by one frame. Records arrive as plain values and become instances of stand-in classes that
have nothing but fields; a record that was not sent along is asked for when a rule first reads it.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sealauthz.polar.reference import ReferenceEngine, ReferenceUnavailable
from sealauthz.polar.runtime import FREE
from sealauthz.polar.source import Source
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed, FactNotLoaded

MAX_FRAME_BYTES = 256 * 1024 * 1024
MAX_MEMORY_BYTES = 1536 * 1024 * 1024
MAX_CPU_S = 3_600
"""Processor time of one process in all its life; `allow_cpu` bounds each question."""
STACK_BYTES = 256 * 1024 * 1024

HEADER: Final = struct.Struct(">I")

# The first item of a JSON list says what it stands for. Numbers, strings, booleans and null stand for themselves.
LIST: Final = "l"
TUPLE: Final = "t"
DICT: Final = "d"
RECORD: Final = "r"
UNSET: Final = "u"
ARGUMENT_FREE: Final = "f"

ClassForm = tuple[str, Sequence[str], Sequence[str], Sequence[str] | None]
"""A class: its name, the bases that are forms too, its own fields, and those that decide equality (None: identity)."""


class Stranded(Exception):
    """The other end of the pipe is gone."""


def frame_of(message: object) -> bytes:
    """Write a message as a frame."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body


# --- records --------------------------------------------------------------------------------------------------------


class StandIn:
    """An instance of a class of the parent: fields and nothing else. `_link` tells where the fields come from."""

    __slots__ = ("_link",)
    _link: Any
    _fields: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        # Called for what is not set: either nothing was read of this record yet, or it has no such value.
        link = self._link
        if link is None:
            raise AttributeError(name)
        self._link = None
        table, handle = link
        table.fill(self, table.fetch(handle))
        return getattr(self, name)


def _equal_by(compared: Sequence[str]) -> Callable[[Any, Any], Any]:
    def equal(left: Any, right: Any) -> Any:
        if right.__class__ is not left.__class__:
            return NotImplemented
        return all(getattr(left, name) == getattr(right, name) for name in compared)

    return equal


def stand_ins(forms: Sequence[ClassForm]) -> list[type]:
    """Make a class for each form; the order of the forms has bases before what derives from them."""
    made: dict[str, Any] = {}
    for name, bases, fields, compared in forms:
        namespace: dict[str, Any] = {"__slots__": tuple(fields)}
        if compared is not None:
            namespace["__eq__"] = _equal_by(compared)
        parents = tuple(made[base] for base in bases) or (StandIn,)
        namespace["_fields"] = (*(field for parent in parents for field in parent._fields), *fields)
        made[name] = type(name, parents, namespace)
    return list(made.values())


class Table:
    """The records of one world as far as they are known here."""

    def __init__(
        self, classes: Sequence[Any], sent: Sequence[Sequence[Any]], fetch: Callable[[int], Sequence[Any]]
    ) -> None:
        self.fetch = fetch
        self._classes = classes
        self._sent = sent
        self._made: dict[int, Any] = {}
        self.handles: dict[int, int] = {}

    def record(self, handle: int, class_index: int) -> Any:
        """The stand-in for a record of the parent."""
        found = self._made.get(handle)
        if found is None:
            found = self._made[handle] = self._classes[class_index].__new__(self._classes[class_index])
            self.handles[id(found)] = handle
            if handle < len(self._sent):
                found._link = None
                self.fill(found, self._sent[handle])
            else:
                found._link = (self, handle)
        return found

    def fill(self, record: Any, values: Sequence[Any]) -> None:
        """Give a record its values."""
        for name, value in zip(type(record)._fields, values, strict=True):
            if type(value) is not list or value[0] != UNSET:
                setattr(record, name, self.value(value))

    def value(self, form: Any) -> Any:
        """Read a value."""
        if type(form) is not list:
            return form
        kind = form[0]
        if kind == RECORD:
            return self.record(form[1], form[2])
        if kind == ARGUMENT_FREE:
            return FREE
        if kind == DICT:
            return {key: self.value(value) for key, value in form[1:]}
        members = map(self.value, form[1:])
        return tuple(members) if kind == TUPLE else list(members)

    def form(self, value: Any) -> Any:
        """Write a value. Raises EvaluationFailed for what the parent does not know."""
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if kind is list or kind is tuple:
            return [LIST if kind is list else TUPLE, *map(self.form, value)]
        if kind is dict:
            return [DICT, *([key, self.form(item)] for key, item in value.items())]
        handle = self.handles.get(id(value))
        if handle is None:
            raise EvaluationFailed("a solution is no value")
        return [RECORD, handle]


# --- the process ----------------------------------------------------------------------------------------------------


class Worker:
    """Answers messages, one after the other."""

    def __init__(self, read: int, write: int) -> None:
        self._read = read
        self._write = write
        self._engine: ReferenceEngine | None = None
        self._classes: list[type] = []
        self._table = Table([], [], self._fetch)

    def serve(self) -> None:
        """Answer until the parent is gone."""
        try:
            while True:
                for message in self._receive():
                    self._send(self._answer(message))
        except Stranded:
            return

    def _answer(self, message: Mapping[str, Any]) -> object:
        try:
            if "load" in message:
                return self._load(**message["load"])
            if "world" in message:
                self._table = Table(self._classes, message["world"], self._fetch)
                return {"done": True}
            return self._ask(**message["ask"])
        except FactNotLoaded as error:
            return {"failed": str(error), "not_loaded": True}
        except EvaluationFailed as error:
            return {"failed": str(error)}
        except ReferenceUnavailable as error:
            return {"unavailable": str(error)}
        except BundleRefused as error:
            place = f"{error.file}:{error.line}:{error.column}: "
            return {"refused": [str(error).removeprefix(place), error.file, error.line, error.column]}
        except (MemoryError, RecursionError):
            return {"failed": "the reference ran out of memory"}

    def _load(self, sources: Sequence[tuple[str, str]], classes: Sequence[ClassForm]) -> object:
        allow_cpu(60)
        self._engine = None
        self._classes = stand_ins(classes)
        self._engine = ReferenceEngine([Source(file, text) for file, text in sources], self._classes)
        return {"done": True}

    def _ask(self, kind: str, rule: str, arguments: Sequence[Any], seconds: int) -> object:
        if self._engine is None:
            raise EvaluationFailed("no bundle is loaded")
        allow_cpu(seconds)
        values = [self._table.value(argument) for argument in arguments]
        if kind == "holds":
            return {"holds": self._engine.holds(rule, *values)}
        return {"each": [list(map(self._table.form, found)) for found in self._engine.each(rule, *values)]}

    def _fetch(self, handle: int) -> Sequence[Any]:
        self._send({"fetch": handle})
        values: Sequence[Any] = self._receive()
        return values

    def _receive(self) -> Any:
        (length,) = HEADER.unpack(self._bytes(HEADER.size))
        return json.loads(self._bytes(length))

    def _bytes(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            part = os.read(self._read, min(count - len(parts), 1 << 20))
            if not part:
                raise Stranded
            parts += part
        return bytes(parts)

    def _send(self, message: object) -> None:
        left = memoryview(frame_of(message))
        try:
            while left:
                left = left[os.write(self._write, left) :]
        except BrokenPipeError as error:
            raise Stranded from error


def allow_cpu(seconds: int) -> None:
    """Let this process run for so many seconds more, and be killed then."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(usage.ru_utime + usage.ru_stime) + seconds + 1
    _limit(resource.RLIMIT_CPU, min(limit, MAX_CPU_S), MAX_CPU_S)


def _limit(which: int, soft: int, hard: int) -> None:
    """Set a limit, or what the system allows of it."""
    _, present = resource.getrlimit(which)
    if present != resource.RLIM_INFINITY:
        hard = min(hard, present)
    resource.setrlimit(which, (min(soft, hard), hard))


def _main() -> None:
    read, write = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_AS, MAX_MEMORY_BYTES, MAX_MEMORY_BYTES)
    allow_cpu(60)
    # oso recurses on the C stack; that of a thread has the size that we say.
    threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=Worker(read, write).serve)
    thread.start()
    thread.join()


if __name__ == "__main__":
    _main()
