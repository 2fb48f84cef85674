"""An act whose process is killed before or after any of its statements is done as a whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny.model import TINY

HERE = Path(__file__).parent


def killed(url: str, action: str) -> list[dict[str, Any]]:
    """What became of each point at which a process was killed."""
    paths = os.pathsep.join([str(HERE.parents[0]), *sys.path])
    done = subprocess.run(
        [sys.executable, str(HERE / "killing.py"), url, action],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "backend"),
    [
        ("publish", "sqlite"),
        ("publish", "postgresql"),
        ("together", "postgresql"),
        ("archive", "postgresql"),
        ("sweep", "postgresql"),
    ],
)
def test_an_act_is_done_as_a_whole_or_not_at_all(new_database: Callable[..., str], action: str, backend: str) -> None:
    """An update with an event, alone and together with two new records of another act, and a record that goes; and what
    time alone ends, with its event.
    """
    points = killed(new_database(backend, TINY), action)
    assert [point["ended"] for point in points] == ["killed"] * (len(points) - 1) + ["exit 0"]
    # Reading the request, deciding, locking, writing, the revision, and what is kept: each before and after.
    assert len(points) > (10 if action == "sweep" else 20)
    for point in points:
        left = point["left"]
        assert not left.pop("half"), point
        assert len(set(left.values())) == 1, point
        # The same request again: what was done is answered, what was not is done.
        assert point["again"], point
        assert point["is_replay"] == left["facts"], point
        assert point["after"] == {**dict.fromkeys(left, True), "half": False}, point
    states = [point["left"]["facts"] for point in points]
    assert states == sorted(states)
    assert not states[0]
    assert states[-1]


@pytest.mark.slow
def test_an_alarm_is_raised_once_wherever_who_raises_it_is_killed(new_database: Callable[..., str]) -> None:
    """Of a denied act in the log, and of what time has made a cause: neither is lost, nor are two raised."""
    points = killed(new_database("postgresql", TINY), "alarm")
    assert [point["ended"] for point in points] == ["killed"] * (len(points) - 1) + ["exit 0"]
    for point in points:
        assert not point["left"]["half"], point
        # What was recorded or raised before the end stays, the rest comes after it, and then there is nothing to raise.
        assert point["after"] == {"attempt": True, "half": False, "of attempt": True, "of time": True}, point
        assert point["again"], point
        assert point["is_replay"] == (point["left"]["of attempt"] and point["left"]["of time"]), point
    # The attempt is put first, then its alarm is raised, then that of time: at each stage somebody was killed.
    stages = [(each["left"]["attempt"], each["left"]["of attempt"], each["left"]["of time"]) for each in points]
    assert sorted(set(stages)) == [(False, False, False), (True, False, False), (True, True, False), (True, True, True)]
    assert stages == sorted(stages)
