"""Records that wait for their place in the log of decisions, written in the transaction of what they record."""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sealauthz.facts.store.performed import Statement
from sealauthz.facts.store.statements import insert_row
from sealauthz.facts.store.system_tables import AUDIT_PENDING

_encode = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


@cache
def _encode_quickly() -> Callable[[Any], bytes]:
    """Return what does the same in a tenth of the time, in UTF-8, and with another form of fractions."""
    # Here: most commands write no record, and loading it takes some milliseconds.
    import msgspec

    return msgspec.json.Encoder(order="sorted").encode


def written(content: Mapping[str, Any]) -> str:
    """Return a record as it is stored and hashed: JSON in ASCII, one line, keys in order.

    Empty values are left out: they say nothing. A zero and a false do.
    """
    said = {key: value for key, value in content.items() if value or value == 0}
    try:
        encoded = _encode_quickly()(said)
    except (TypeError, ValueError):  # a subclass of a text or a number, or half of a character
        return _encode(said)
    return encoded.decode() if encoded.isascii() and b"\x7f" not in encoded else _encode(said)


FIRST_HELD = "held-"
"""How the ids of rows begin that are held back, as no process vouches for them. They sort behind all others."""


def waiting(is_postgresql: bool, at: int, *records: str, key: bytes = b"") -> Statement:
    """Return what has records wait, in one row, those of an earlier instant first.

    With a `key`, the id of the row ends with a MAC over the rest of the id and the records: it shows that a process
    that has the key wrote the row. Releases that know no such MAC read the row as any other.
    """
    milliseconds, text = at // 1_000, "\n".join(records)
    row_id = f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-{uuid.uuid4()}"
    if key:
        row_id = vouched(row_id, text, key)
    return insert_row(AUDIT_PENDING, ("id", "records"), is_postgresql), {"id": row_id, "records": text}


def vouched(row_id: str, records: str, key: bytes) -> str:
    """Return the id of a row with the MAC behind it."""
    return f"{row_id}-{_mac(row_id, records, key)}"


def is_vouched(row_id: str, records: str, key: bytes) -> bool:
    """Return whether a process that has the key wrote this row."""
    begin, _, mac = row_id.rpartition("-")
    return hmac.compare_digest(_mac(begin, records, key).encode(), mac.encode())


def _mac(row_id: str, records: str, key: bytes) -> str:
    # With the length of the id: nobody moves the border between the two.
    return hmac.digest(key, f"{len(row_id)}:{row_id}{records}".encode(), "sha256").hex()


def waiting_since(row_id: str) -> int:
    """Return the instant, in microseconds, at which the row of this id was written."""
    return (int(row_id[:8], 16) << 16 | int(row_id[9:13], 16)) * 1_000
