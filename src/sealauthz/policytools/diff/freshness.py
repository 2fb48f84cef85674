"""Facts that are good for minutes, as if they were fresh.

An export is looked at when it is hours or months old. By then what is good for minutes has expired, and nobody may do
what asks for it, whatever the rules say. So the access diff asks its questions a second time: at the time of the facts,
with what the model supposes to be fresh (`schema.evidence`), and with texts that a record has not been given yet. None
of it is written anywhere.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from sealauthz.schema import Instant, Model


class FreshText(str):
    """A text, such as a one-time code, that a record has not been given yet."""

    __slots__ = ()


FRESH_TEXT = FreshText("fresh")


def time_of(model: Model, records: Iterable[Any], now: Instant) -> Instant:
    """Return when these facts were written last, as far as they tell: the latest thing that happened, not after now."""
    columns = {
        name: [c.name for c in shape.columns if c.name.endswith("_at") and c.name not in model.evidence.to_come]
        for name, shape in model.shapes.items()
    }
    times = (getattr(record, name) for record in records for name in columns[type(record).__name__])
    return max((at for at in times if at <= now), default=0) or now


def with_text(record: Any, key: str) -> Any:
    """Return a record as if it had been given the fresh text."""
    given = copy.copy(record)
    setattr(given, key, str(FRESH_TEXT))
    return given
