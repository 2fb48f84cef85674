"""Make .venv from requirements.lock with uv, which is found on PATH or fetched by pip into .tools.

Needs some Python of 3.9 or later, and returns immediately when nothing has changed. SEALAUTHZ_PYTHON names the CPython
3.12 or 3.11 to use; otherwise that of the system is preferred, since distributions build theirs optimized (a decision
takes up to 30 % less), then any that uv finds or fetches.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV, TOOLS, LOCK = ROOT / ".venv", ROOT / ".tools", ROOT / "requirements.lock"
STAMP = VENV / "sealauthz-setup"  # INVARIANT: holds the digest of the inputs only while .venv is complete
INPUTS = (LOCK, ROOT / "pyproject.toml", ROOT / "client" / "pyproject.toml", Path(__file__).resolve())
SYSTEM_PYTHONS = ("/usr/bin/python3.12", "/usr/bin/python3.11")
ANY_PYTHON = ">=3.11,<3.13"  # oso has no wheel for 3.13
OLDEST_UV = (0, 11)  # the first that knows UV_SYSTEM_CERTS
# Variables of another environment, or of a personal setting, that would redirect ours.
FOREIGN = ("CONDA_PREFIX", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PIP_ROOT", "PIP_TARGET", "PIP_USER", "PYTHONHOME")
FOREIGN += ("PYTHONPATH", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_SYSTEM_PYTHON", "VIRTUAL_ENV")


class SetupError(Exception):
    """The set-up cannot go on; the message says what the reader can do."""


def environment() -> dict[str, str]:
    """Return the environment of uv and pip: no trace of an activated .venv, which is what gets replaced."""
    child = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    folders = child.get("PATH", os.defpath).split(os.pathsep)
    child["PATH"] = os.pathsep.join(folder for folder in folders if not Path(folder).absolute().is_relative_to(VENV))
    child.setdefault("UV_SYSTEM_CERTS", "1")
    child.setdefault("PIP_ROOT_USER_ACTION", "ignore")
    return child


def run(command: list[str], goal: str) -> None:
    """Run a command that must succeed, showing its output."""
    if subprocess.run(command, env=environment(), stdin=subprocess.DEVNULL, check=False, cwd=str(ROOT)).returncode:
        raise SetupError(f"could not {goal} (see above; the command was `{' '.join(command)}`)")


def is_usable_uv(uv: str) -> bool:
    """Run a uv, because a version manager's stand-in can have nothing behind it, and compare its version."""
    try:
        done = subprocess.run([uv, "--version"], env=environment(), capture_output=True, text=True, check=False)
    except OSError:
        return False
    match = re.match(r"uv (\d+)\.(\d+)", done.stdout)
    return match is not None and tuple(map(int, match.groups())) >= OLDEST_UV


def find_uv() -> str:
    """Return a uv that runs: that on PATH, else the locked version, fetched with its hashes."""
    on_path = shutil.which("uv", path=environment()["PATH"])
    if on_path and is_usable_uv(on_path):
        return on_path
    entry = re.search(r"^uv==(\S+)(?:[^\n]*\\\n)*[^\n]*\n", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    if entry is None:
        raise SetupError(f"`uv` is not in {LOCK.name}; run `make lock`")
    home = TOOLS / f"uv-{entry.group(1)}"
    uv = str(home / "bin" / "uv")
    if is_usable_uv(uv):
        return uv
    print(f"setup: fetching uv {entry.group(1)} into {TOOLS.name}", flush=True)
    with tempfile.TemporaryDirectory(dir=str(TOOLS)) as scratch:
        requirement = Path(scratch, "uv.txt")
        requirement.write_text(entry.group(0), encoding="utf-8")
        pip = [sys.executable, "-m", "pip"]
        if subprocess.run([*pip, "--version"], env=environment(), capture_output=True, check=False).returncode:
            run([sys.executable, "-m", "venv", f"{scratch}/venv"], "find pip; install it, or put uv on PATH")
            pip = [f"{scratch}/venv/bin/python", "-m", "pip"]
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
        target = ["--target", f"{scratch}/uv", "--requirement", str(requirement)]
        run([*pip, "install", *options, *target], "fetch uv with pip; install uv and put it on PATH")
        shutil.rmtree(str(home), ignore_errors=True)
        Path(scratch, "uv").rename(home)  # complete or not at all
    return uv


def set_up() -> None:
    """Make .venv what the lock lists."""
    asked = os.environ.get("SEALAUTHZ_PYTHON", "")
    inputs = hashlib.sha256(b"\0".join([str(ROOT).encode(), asked.encode(), *(f.read_bytes() for f in INPUTS)]))
    python = VENV / "bin" / "python"
    if python.exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8") == inputs.hexdigest():
        return
    uv = find_uv()
    chosen = asked or next((path for path in SYSTEM_PYTHONS if os.access(path, os.X_OK)), ANY_PYTHON)
    print(f"setup: making {VENV.name} with Python {chosen} (the first time takes a minute or so)", flush=True)
    options = ["--quiet", "--no-project", "--clear", "--python", chosen]
    run([uv, "venv", *options, str(VENV)], "make .venv; name a CPython 3.12 or 3.11 in SEALAUTHZ_PYTHON")
    check = "import ctypes, sqlite3, ssl, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))"
    run([str(python), "-c", check], f"use Python {chosen}; name a CPython 3.12 or 3.11 in SEALAUTHZ_PYTHON")
    at = ["--quiet", "--python", str(python)]
    run([uv, "pip", "sync", *at, "--require-hashes", str(LOCK)], f"install what {LOCK.name} lists")
    ours = ["--editable", str(ROOT / "client"), "--editable", str(ROOT)]
    # The build back end is in the lock, so no second environment that is not.
    run([uv, "pip", "install", *at, "--no-deps", "--no-build-isolation", *ours], "install sealauthz and its client")
    STAMP.write_text(inputs.hexdigest(), encoding="utf-8")


if __name__ == "__main__":
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another set-up of this folder ends first
        try:
            set_up()
        except SetupError as error:
            sys.exit(f"setup: {error}")
