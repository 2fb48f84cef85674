"""The set-up makes .venv from the lock on a Python that the policy engine runs on, and the lock is what the project
declares.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import sealauthz

ROOT = Path(__file__).parent.parent

_SPEC = importlib.util.spec_from_file_location("sealauthz_setup", ROOT / "tools" / "setup.py")
assert _SPEC is not None
assert _SPEC.loader is not None
setup = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(setup)


@pytest.mark.parametrize(
    ("printed", "is_usable"),
    [
        ("uv 0.13.8 (x86_64-unknown-linux-gnu)", True),
        ("uv 0.11.0", True),
        ("uv 0.10.9", False),
        ("uv 1.0.0", True),
        ("", False),
    ],
)
def test_old_or_broken_uv_is_not_used(tmp_path, printed, is_usable):
    uv = tmp_path / "uv"
    uv.write_text(f"#!/bin/sh\necho '{printed}'\n")
    uv.chmod(0o755)
    assert setup.is_usable_uv(str(uv)) is is_usable


def test_missing_uv_is_not_used(tmp_path):
    assert not setup.is_usable_uv(str(tmp_path / "uv"))


def test_environment_of_uv_has_no_trace_of_an_activated_environment(monkeypatch):
    monkeypatch.setenv("PATH", f"{setup.VENV / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    for name in setup.FOREIGN:
        monkeypatch.setenv(name, str(setup.VENV))
    found = setup.environment()
    assert found["PATH"] == f"/usr/bin{os.pathsep}/bin"
    assert not {*setup.FOREIGN} & {*found}


@pytest.fixture
def checkout(tmp_path):
    """A project of its own with the files that the set-up reads, and a uv that it need not fetch."""
    for file in ("requirements.lock", "pyproject.toml", "client/pyproject.toml", "tools/setup.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def run_setup(checkout, **variables):
    environment = dict(os.environ, PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **variables)
    command = [sys.executable, str(checkout / "tools" / "setup.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["no-such-python", "/bin/sh"])
def test_unusable_python_is_refused_with_what_to_do(checkout, name):
    done = run_setup(checkout, SEALAUTHZ_PYTHON=name)
    assert done.returncode == 1
    assert "name a CPython 3.12 or 3.11 in SEALAUTHZ_PYTHON" in done.stderr
    assert not (checkout / ".venv" / "sealauthz-setup").exists()


def test_interrupted_set_up_starts_over(checkout, monkeypatch):
    monkeypatch.setattr(setup, "VENV", checkout / ".venv")
    monkeypatch.setattr(setup, "STAMP", checkout / ".venv" / "sealauthz-setup")
    monkeypatch.setattr(setup, "find_uv", lambda: "uv")
    commands = []

    def run(command, goal):
        commands.append(command[1])
        if command[1] == "venv":
            (checkout / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
            (checkout / ".venv" / "bin" / "python").touch()
        elif command[1:3] == ["pip", "sync"] and commands.count("venv") == 1:
            raise setup.SetupError(f"could not {goal}")

    monkeypatch.setattr(setup, "run", run)
    with pytest.raises(setup.SetupError, match=re.escape("could not install what requirements.lock lists")):
        setup.set_up()
    setup.set_up()
    assert commands.count("venv") == 2
    done = len(commands)
    setup.set_up()
    assert len(commands) == done


LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CLIENT = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())
PINS = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", LOCK, re.MULTILINE))


def test_every_declared_dependency_is_locked_at_its_lower_bound_or_above():
    declared = [
        *PROJECT["project"]["dependencies"],
        *CLIENT["project"]["dependencies"],
        *CLIENT["build-system"]["requires"],
        *PROJECT["dependency-groups"]["dev"],
        *PROJECT["build-system"]["requires"],
    ]
    # The client is built from this repository, too.
    declared.remove(f"sealauthz-client=={sealauthz.__version__}")
    for requirement in declared:
        match = re.match(r"([A-Za-z0-9-]+)(?:\[\w+\])?(?:[>=]=([0-9.]+))", requirement)
        assert match is not None, requirement
        name, bound = match.groups()
        assert [int(part) for part in re.findall(r"\d+", PINS[name])] >= [int(part) for part in bound.split(".")], (
            requirement
        )


def test_generated_code_and_runtime_are_of_one_grpc_version():
    family = ["grpcio", "grpcio-status", "grpcio-health-checking", "grpcio-reflection", "grpcio-tools"]
    assert {PINS[name] for name in family} == {PINS["grpcio"]}


def test_the_lock_names_no_registry_and_every_entry_has_hashes():
    assert "://" not in LOCK
    assert "index-url" not in LOCK
    entries = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) == len(PINS)
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
