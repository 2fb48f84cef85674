"""How gRPC is set up before it is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from grpc._cython import cygrpc  # type: ignore[attr-defined]

from sealauthz.runtime import grpc_environment

_SHOW = """
import os, sys
from sealauthz.cli import app
assert "grpc" not in sys.modules
app.run(["--version"])
print(os.environ["GRPC_EXPERIMENTS"], os.environ["GRPC_VERBOSITY"])
"""


def shown(**given: str) -> list[str]:
    """Return what a command leaves in the environment, in which nothing else is set for gRPC."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRPC_")}
    done = subprocess.run(
        [sys.executable, "-c", _SHOW], env=environment | given, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.splitlines()[-1].split(" ")


def test_a_command_sets_grpc_up_before_it_is_imported() -> None:
    assert shown() == ["-event_engine_listener", "NONE"]


def test_what_an_operator_has_set_counts() -> None:
    assert shown(GRPC_EXPERIMENTS="", GRPC_VERBOSITY="INFO") == ["", "INFO"]


def test_the_grpcio_that_is_installed_knows_what_is_switched_off() -> None:
    """If not, a newer grpcio has one way only: decision 133 has to be looked at again."""
    library = Path(cygrpc.__file__).read_bytes()
    for name in grpc_environment.DEFAULTS["GRPC_EXPERIMENTS"].split(","):
        assert name.removeprefix("-").encode() in library
