"""Where oso is not installed everything works but the reference, and that says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from shared_cache import SHARED_CACHE

from sealauthz.facts import upgrade
from sealauthz.model import MODEL

DECISION_TESTS = Path(__file__).parent / "decision"

WITHOUT_OSO = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("oso", "polar", "_polar_lib"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
sys.path.insert(0, sys.argv[1])
"""

DECIDES = """
from scene import Scene
assert Scene().ask("user", "use", ("Seal", "s"), task="t", verification="v-user")
denied = Scene().ask("plain", "use", ("Seal", "s"), task="t", verification="v-plain")
print([reason.code for reason in denied.reasons])
"""

REFERENCE = """
from sealauthz.decision.bundle import Bundle, EngineKind
from sealauthz.model import MODEL
try:
    Bundle.load(MODEL, engine=EngineKind.OSO)
except Exception as error:
    print(type(error).__name__, str(error))
"""

COMMAND = """
from sealauthz.cli.app import run
print(run(sys.argv[2:]))
"""


def run(program: str, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_OSO + program, str(DECISION_TESTS), *arguments],
        env=os.environ | SHARED_CACHE,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
        check=False,
        cwd=folder,
    )


def test_the_service_decides_without_oso() -> None:
    done = run(DECIDES)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "['NO_SEAL_GRANT']\n"


def test_the_reference_says_that_oso_is_not_installed() -> None:
    done = run(REFERENCE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "BundleRefused the reference engine needs the extra `oso`, which is not installed here\n"


@pytest.mark.parametrize("engine", ["compiled", "oso"])
def test_a_command_that_asks_for_oso_ends_with_one_line(engine: str, tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path / 'sealauthz.db'}", MODEL)
    done = run(COMMAND, "check", "Person:p", "join", "Enterprise:e", "--engine", engine, folder=tmp_path)
    assert done.returncode == 0
    assert ("oso" in done.stderr) == (engine == "oso")
    assert done.stdout == "1\n" if engine == "oso" else done.stdout.startswith("DENY ")
