"""The numbers of the policies: one named, typed record, read from `parameters.toml` of the bundle.

In the file a length of time is text such as `"30 minutes"`; here it is microseconds.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sealauthz.schema.record import Duration

SECOND = 1_000_000
_UNITS = {
    "second": SECOND,
    "minute": 60 * SECOND,
    "hour": 3_600 * SECOND,
    "day": 86_400 * SECOND,
}
_LENGTH = re.compile(r"(\d{1,6}) (second|minute|hour|day)s?")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Every number that a rule compares with. Sources: the tags in `parameters.toml`."""

    reminder_gap: Duration
    reminder_limit: int
    reapply_cooldown: Duration
    open_applications_limit: int
    rejections_limit: int
    rejections_window: Duration
    admin_responsive_within: Duration
    admin_unresponsive_after: Duration
    face_for_use: Duration
    face_for_retrieval: Duration
    face_for_grant: Duration
    face_for_management: Duration
    face_for_admin_change: Duration
    intent_for_signing: Duration
    notice_documents: Duration
    notice_legal_rep: Duration
    registry_fresh_within: Duration
    retrieval_window: Duration
    retrieval_attempts: int
    retrieval_enterprises: int
    cooling_off: Duration
    appeal_within: Duration
    post_approval_within: Duration
    alert_after_admin_change: Duration
    allow_valid_for: Duration
    deny_valid_for: Duration


class ParameterProblem(ValueError):
    """A parameter that is missing, unknown, or not of its form; the message names it."""


def parameters_from(table: Mapping[str, object]) -> Parameters:
    """Read parameters from a parsed table. Raises ParameterProblem."""
    fields = {field.name: field for field in dataclasses.fields(Parameters)}
    for name in table:
        if name not in fields:
            raise ParameterProblem(f"unknown parameter `{name}`")
    values: dict[str, int] = {}
    for name, field in fields.items():
        if name not in table:
            raise ParameterProblem(f"parameter `{name}` is missing")
        values[name] = _count(name, table[name]) if field.type == "int" else _length(name, table[name])
    return Parameters(**values)


def _count(name: str, value: object) -> int:
    if type(value) is not int or not 0 <= value <= 1_000:
        raise ParameterProblem(f"parameter `{name}` must be a whole number from 0 to 1000")
    return value


def _length(name: str, value: object) -> int:
    match = _LENGTH.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ParameterProblem(f'parameter `{name}` must be a length of time such as "30 minutes"')
    return int(match[1]) * _UNITS[match[2]]
