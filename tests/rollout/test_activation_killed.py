"""An activation whose process is killed before or after any of its statements happens as a whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.mark.slow
def test_an_activation_is_whole_or_there_is_none(url: str) -> None:
    paths = os.pathsep.join([str(TESTS), str(TESTS / "operations"), *sys.path])
    done = subprocess.run(
        [sys.executable, str(TESTS / "rollout" / "killing_activations.py"), url],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    points = [json.loads(line) for line in done.stdout.splitlines()]
    assert [point["ended"] for point in points] == ["killed"] * (len(points) - 1) + ["exit 0"]
    assert len(points) > 20
    for point in points:
        assert point["added"] in ([], [True]), point
        assert point["revisions"] == len(point["added"]), point
        assert point["is_whole"], point
    states = [bool(point["added"]) for point in points]
    assert states == sorted(states)
    assert (states[0], states[-1]) == (False, True)
