"""The part of a trace that a call comes from, as its metadata names it (W3C Trace Context, level 1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

# Later versions may add something; what of theirs we know stands where it does here. Neither `ff` nor zeros are valid.
_PARENT = re.compile(
    r"(?:00|((?!00|ff)[0-9a-f]{2}))"
    r"-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]([0-9a-f])(?(1)(?:-.*)?)"
)
_SAMPLED = frozenset("13579bdf")
"""The last digits of flags that say that the trace is kept."""

_MOST_CHARACTERS = 512
"""Of a `tracestate`: what is longer need not be carried."""


class Parent(NamedTuple):
    """What a call belongs to: the trace and the span that it comes from, in hexadecimal, and whether that is kept."""

    trace_id: str
    span_id: str
    is_sampled: bool
    state: str = ""


def parent_in(metadata: Iterable[tuple[str, str | bytes]] | None) -> Parent | None:
    """Return what metadata names as the parent of a call; None where it names none, several, or what is not valid."""
    header: str | bytes | None = None
    state = ""
    for key, value in metadata or ():
        if key == "traceparent":
            if header is not None:
                return None
            header = value
        elif key == "tracestate" and isinstance(value, str):
            state = f"{state},{value}" if state else value
    return None if header is None else _read(header, state if len(state) <= _MOST_CHARACTERS else "")


def _read(header: str | bytes, state: str) -> Parent | None:
    found = _PARENT.fullmatch(header) if isinstance(header, str) else None
    if found is None:
        return None
    _, trace_id, span_id, flags = found.groups()
    return Parent(trace_id, span_id, flags in _SAMPLED, state)
