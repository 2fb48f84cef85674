"""What a document shows: its blocks of code, and the commands in them with what they print."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from shared_cache import SHARED_CACHE

from sealauthz.cli import app as cli

ROOT = Path(__file__).resolve().parent.parent


def blocks(document: Path, language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def printed(document: Path) -> Iterator[tuple[str, str]]:
    """What the document says that each command prints."""
    for block in blocks(document, "console"):
        for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = entry.partition("\n")
            yield command, output


def without_counts(output: str) -> list[str]:
    """Leave out versions, counts, line numbers and durations: they change with every rule that is installed."""
    output = re.sub(r"\b[0-9a-f]{16}\b", "VERSION", output)
    return [" ".join(re.sub(r"[\d,.]*\d", "N", line).split()) for line in output.splitlines()]


def run(command: str) -> str:
    """Run a command of a document where the document was written: at the root, on a terminal of 100 columns.

    What runs no tests runs in this process, which has read and compiled most of the policies already.
    """
    program, *arguments = shlex.split(command)
    assert program == "sealauthz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "100")
        patch.chdir(ROOT)
        if arguments[1] in {"check", "diff"}:
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                cli.run(arguments)
            shown = out.getvalue(), err.getvalue()
        else:
            done = subprocess.run(
                [sys.executable, "-m", "sealauthz", *arguments],
                env=os.environ | SHARED_CACHE,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            shown = done.stdout, done.stderr
    assert shown[1] == ""
    return shown[0]
