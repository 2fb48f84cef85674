"""When a record that somebody decides has been decided: by whom and when is history from then on."""

from __future__ import annotations

from typing import Any

_VERDICTS = frozenset(
    ("PASSED", "APPROVED", "REJECTED", "SIGN_REJECTED", "WITHDRAWN", "EXPIRED", "CANCELLED", "SUPERSEDED")
)


def is_decided(record: Any) -> bool:
    """Tell whether the state of a record is a verdict, or ends it without one."""
    return record.state in _VERDICTS
