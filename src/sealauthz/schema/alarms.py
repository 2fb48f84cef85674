"""What the service itself raises an alarm of: records whose time has come, and attempts that were denied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sealauthz.schema.action import Snapshot
from sealauthz.schema.activity import Path


class Alarm(NamedTuple):
    """Records that may be the cause of an alarm: those whose columns hold one of these values each, and whose instant
    in the column `since` is at most `within` ago (0: however long).

    Of each, the service performs `action`, for the subject at the end of the path `subject`, until it has been allowed
    once: whether it is, the policies say.
    """

    record_type: str
    action: str
    subject: Path
    since: str
    where: Mapping[str, tuple[str | int, ...]]
    within: int = 0


class Attempt(NamedTuple):
    """A denied act, as the log of decisions has it: `id` is the decision's, `at` its instant."""

    id: str
    topic_id: str
    subject_id: str
    action: str
    reason: str
    at: int


class Attempts(NamedTuple):
    """Which denied acts are recorded: those on topics.

    `record` returns what to put of one, None where it is not recorded; of what was put the service raises `alarm`,
    once.
    """

    topic_type: str
    record: Callable[[Snapshot, Attempt], Any]
    alarm: Alarm
