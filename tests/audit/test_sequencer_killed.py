"""A sequencer that is killed at any of its statements loses no record, and gives none two places."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.parametrize("how", ["step", "place"])
def test_a_step_is_done_as_a_whole_or_not_at_all(url: str, how: str) -> None:
    paths = os.pathsep.join([str(HERE), str(HERE.parent), str(HERE.parent / "operations"), *sys.path])
    done = subprocess.run(
        [sys.executable, str(HERE / "sequencing_and_dying.py"), url, how],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    points = [json.loads(line) for line in done.stdout.splitlines()]
    assert [point["ended"] for point in points] == ["killed"] * (len(points) - 1) + ["exit 0"]
    assert len(points) > 15
    assert all(point["whole"] and point["in order"] for point in points), points
    assert not points[0]["placed"]
    assert points[-1]["placed"]
