"""The ids of decisions: unique, and in the order of their time."""

from __future__ import annotations

import os
import re
import time

_TAILS_AT_ONCE = 256
_tails: dict[int, list[str]] = {}
"""The random parts of ids to come, by process: a forked one must not hand out the ids of its parent."""

_heads: dict[int, str] = {}
"""The part of an id that tells the time, of the last millisecond alone."""


def new_id() -> str:
    """Return a time-ordered unique id (RFC 9562, version 7). Its random part is drawn for many at once."""
    milliseconds = time.time_ns() // 1_000_000
    head = _heads.get(milliseconds)
    if head is None:
        head = f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-"
        _heads.clear()
        _heads[milliseconds] = head
    tails = _tails.setdefault(os.getpid(), [])
    while True:
        try:
            return head + tails.pop()
        except IndexError:
            drawn = os.urandom(10 * _TAILS_AT_ONCE).hex()
            tails.extend(_tail(drawn[at : at + 20]) for at in range(0, len(drawn), 20))


_is_id = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").fullmatch


def made_at(id_: str) -> int | None:
    """Return when an id was made, in microseconds since 1970, to a millisecond; None for what is none of these ids."""
    found = _is_id(id_)
    return None if found is None else int(found[1] + found[2], 16) * 1_000


def _tail(digits: str) -> str:
    """The part of an id behind its time: version and variant with 74 random bits."""
    return f"7{digits[:3]}-{'89ab'[int(digits[3], 16) & 3]}{digits[4:7]}-{digits[7:19]}"
