"""Runs pytest and the command in a process of their own, which is forked from one that has imported both.

To start Python, to import the packages and to load the installed policies takes many times as long as what such a run
does. The process that is forked has done no more than that, in one thread; what a run changes dies with it. A folder
that builds on the installed policies is loaded there as a reload is.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_FORKS = """
import gc, json, os, runpy, signal, sys, traceback

import pytest
import sealauthz.policytools.diff.diff, sealauthz.cli.policy_test, sealauthz.cli.policy
import sealauthz.policytools.testing.coverage_report, sealauthz.policytools.testing.loading
import sealauthz.policytools.testing.mutation
from sealauthz.runtime.collector import keep
from sealauthz.decision.bundle import Bundle
from sealauthz.model import MODEL

INSTALLED = Bundle.load(MODEL)
keep()


def run(asked):
    for number, path in ((0, os.devnull), (1, asked["out"]), (2, asked["err"])):
        os.dup2(os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY), number)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv[1:] = asked["arguments"]
    sys.path.insert(0, asked["cwd"])
    try:
        runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = run(json.loads(line))
            sys.stdout.flush(), sys.stderr.flush()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


def _uncounted(environ: Mapping[str, str]) -> dict[str, str]:
    """Leave out what makes pytest count lines: a run in a run would take itself for the process that runs it."""
    return {name: value for name, value in environ.items() if not name.startswith("SLIPCOVER_")}


@functools.cache
def _forks() -> subprocess.Popen[str]:
    """The process that is forked. It ends when its input does, with this process at the latest."""
    command = [sys.executable, "-c", _FORKS]
    environ = _uncounted(os.environ) | {"SEALAUTHZ_CACHE": "off"}
    forks = subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    atexit.register(forks.communicate)
    return forks


def run_module(
    module: str, *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a module as `python -m` does."""
    forks = _forks()
    assert forks.stdin is not None
    assert forks.stdout is not None
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        asked = {
            "module": module,
            "arguments": arguments,
            "cwd": str(cwd or Path.cwd()),
            "env": _uncounted(os.environ if env is None else env),
            "out": out.name,
            "err": err.name,
        }
        forks.stdin.write(f"{json.dumps(asked)}\n")
        forks.stdin.flush()
        code = int(forks.stdout.readline())
        printed, complained = (Path(file.name).read_text(encoding="utf-8") for file in (out, err))
    return subprocess.CompletedProcess([module, *arguments], code, printed, complained)
