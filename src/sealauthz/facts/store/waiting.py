"""Records that wait for their place in the log of decisions, written in the transaction of what they record."""

from __future__ import annotations

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


def waiting(is_postgresql: bool, at: int, *records: str) -> Statement:
    """Return what has records wait, in one row, those of an earlier instant first."""
    milliseconds = at // 1_000
    row_id = f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-{uuid.uuid4()}"
    return insert_row(AUDIT_PENDING, ("id", "records"), is_postgresql), {"id": row_id, "records": "\n".join(records)}


def waiting_since(row_id: str) -> int:
    """Return the instant, in microseconds, at which the row of this id was written."""
    return (int(row_id[:8], 16) << 16 | int(row_id[9:13], 16)) * 1_000
