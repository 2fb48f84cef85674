"""An act whose process is killed before or after any of its statements is done as a whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny.model import TINY

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "backend"),
    [
        ("publish", "sqlite"),
        ("publish", "postgresql"),
        ("add", "postgresql"),
        ("archive", "postgresql"),
        ("sweep", "postgresql"),
    ],
)
def test_an_act_is_done_as_a_whole_or_not_at_all(
    new_database: Callable[..., str], tmp_path: Path, action: str, backend: str
) -> None:
    """An update with an event, two new records, and a record that goes; and what time alone ends, with its event."""
    url = new_database(backend, TINY)
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
    points = [json.loads(line) for line in done.stdout.splitlines()]
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
