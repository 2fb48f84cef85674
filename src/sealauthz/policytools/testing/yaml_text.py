"""Reads YAML as the plain values of JSON, and remembers where each stands.

Only what a reviewer reads the same way as the machine is accepted: no anchors, no tags, no second key of the same name,
and a plain word is text unless it is `true`, `false`, `null` or a whole number (`yes`, `no` and `on` are text).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from sealauthz.runtime.errors import Fault, SuiteRefused

MAX_BYTES = 4_000_000
MAX_DEPTH = 40

Path = tuple[str | int, ...]
"""The way from the top of a document to a value: keys and positions."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_NUMBER = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan|0[xo][0-9a-fA-F]+", re.ASCII
)
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its value, and the line and column of each value in it."""

    file: str
    value: Any
    places: dict[Path, tuple[int, int]] = field(repr=False)

    def fault(self, path: Path, message: str) -> Fault:
        """Say what is wrong with the value at a path, or with the nearest one around it that stands in the file."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return Fault(self.file, *self.places[path[:end]], message)
        return Fault(self.file, 1, 1, message)

    def line(self, path: Path) -> int:
        """Return the line on which the value at a path is named."""
        return self.fault(path, "").line


def read_yaml(file: str, text: str) -> Document:
    """Read one document. Raises SuiteRefused."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise SuiteRefused(Fault(file, 1, 1, f"a test file has at most {MAX_BYTES} bytes"))
    reader = _Reader(file)
    try:
        value = reader.document(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        said = " ".join(str(error.problem or error.context or "is not YAML").split())
        raise SuiteRefused(Fault(file, *(_place_of(mark) if mark else (1, 1)), said)) from error
    except yaml.YAMLError as error:
        raise SuiteRefused(Fault(file, 1, 1, " ".join(str(error).split()))) from error
    return Document(file, value, reader.places)


class _Reader:
    """Builds the value out of the events of the parser, no deeper than MAX_DEPTH."""

    def __init__(self, file: str) -> None:
        self.places: dict[Path, tuple[int, int]] = {}
        self._file = file

    def document(self, events: Iterator[Any]) -> Any:
        value: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refuse(event, "a test file is one document")
            elif isinstance(event, yaml.NodeEvent):
                value = self._value(event, events, ())
        return value

    def _value(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        # A key has its place already, which is where a person looks for its value.
        self.places.setdefault(path, _place_of(event.start_mark))
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise self._refuse(event, "anchors and aliases are not accepted: name a fixture or a situation instead")
        if event.tag is not None and event.tag != "!":
            raise self._refuse(event, f"tags are not accepted: `{event.tag}`")
        if len(path) > MAX_DEPTH:
            raise self._refuse(event, f"values nest deeper than {MAX_DEPTH}")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            for inner in events:
                if isinstance(inner, yaml.SequenceEndEvent):
                    break
                items.append(self._value(inner, events, (*path, len(items))))
            return items
        return self._mapping(events, path)

    def _mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for key in events:
            if isinstance(key, yaml.MappingEndEvent):
                break
            if not isinstance(key, yaml.ScalarEvent) or key.anchor:
                raise self._refuse(key, "a key is plain text")
            if key.value in table:
                raise self._refuse(key, f"`{key.value}` is given twice")
            name = sys.intern(key.value)
            inner = (*path, name)
            self.places[inner] = _place_of(key.start_mark)
            table[name] = self._value(next(events), events, inner)
        return table

    def _scalar(self, event: Any) -> Any:
        if not event.implicit[0]:  # in quotes
            return event.value
        if event.value in _WORDS:
            return _WORDS[event.value]
        if _WHOLE.fullmatch(event.value):
            if len(event.value) > 20:
                raise self._refuse(event, "a whole number has at most 20 digits")
            return int(event.value)
        if _NUMBER.fullmatch(event.value):
            raise self._refuse(event, f"`{event.value}` is no whole number; put text in quotes")
        return sys.intern(event.value)  # thousands of tests say the same few words

    def _refuse(self, event: Any, message: str) -> SuiteRefused:
        return SuiteRefused(Fault(self._file, *_place_of(event.start_mark), message))


def _place_of(mark: Any) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1
