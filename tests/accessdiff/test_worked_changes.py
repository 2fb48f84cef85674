"""`docs/policies.md` teaches by three worked changes: what it shows is what is there, and what it prints is printed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sealauthz.decision.inspection import inspect
from sealauthz.model import MODEL

ROOT = Path(__file__).parent.parent.parent
DOC = ROOT / "docs" / "policies.md"
EXAMPLES = ROOT / "docs" / "examples"
WORKED = ("face-window", "finance-seal", "department-head")


def blocks(language):
    """The code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", DOC.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def printed():
    """What the document says that each command prints."""
    for block in blocks("console"):
        for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = entry.partition("\n")
            yield command, output


def without_counts(output):
    """Leave out versions, counts, line numbers and durations: they change with every rule that is installed."""
    output = re.sub(r"\b[0-9a-f]{16}\b", "VERSION", output)
    return [" ".join(re.sub(r"[\d,.]*\d", "N", line).split()) for line in output.splitlines()]


@pytest.mark.timeout(320)  # a comparison decides thousands of questions, and mutation runs the tests again and again
@pytest.mark.parametrize(("command", "output"), list(printed()), ids=lambda value: value.partition("\n")[0][:60])
def test_a_command_prints_what_the_document_says(command, output):
    program, *arguments = shlex.split(command)
    assert program == "sealauthz"
    done = subprocess.run(
        [sys.executable, "-m", "sealauthz", *arguments],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stderr == ""
    assert without_counts(done.stdout) == without_counts(output)


@pytest.mark.parametrize("folder", WORKED)
def test_the_folder_has_neither_errors_nor_warnings(folder):
    assert inspect(MODEL, EXAMPLES / folder).diagnostics == ()


@pytest.mark.parametrize("language", ["polar", "toml", "yaml"])
def test_what_is_shown_stands_in_a_folder(language):
    files = [
        path.read_text(encoding="utf-8") for folder in WORKED for path in (EXAMPLES / folder).rglob(f"*.{language}")
    ]
    shown = blocks(language)
    assert shown
    for block in shown:
        assert any(block.strip() in text for text in files), block


@pytest.mark.parametrize("folder", WORKED)
def test_each_change_is_explained(folder):
    assert f"](examples/{folder}/" in DOC.read_text(encoding="utf-8")


def test_every_file_of_the_bundle_has_its_place():
    said = DOC.read_text(encoding="utf-8").partition("## What is where")[2].partition("\n## ")[0]
    there = {path.name for path in (ROOT / "policies").iterdir() if path.is_file()}
    assert set(re.findall(r"`(\w+\.(?:polar|toml))`", said)) == there
