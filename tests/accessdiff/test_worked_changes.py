"""`docs/policies.md` teaches by three worked changes: what it shows is what is there, and what it prints is printed."""

import re

import pytest
from documents import ROOT, blocks, printed, run, without_counts

from sealauthz.decision.inspection import inspect
from sealauthz.model import MODEL

DOC = ROOT / "docs" / "policies.md"
EXAMPLES = ROOT / "docs" / "examples"
WORKED = ("face-window", "finance-seal", "department-head")


@pytest.mark.timeout(320)  # a comparison decides thousands of questions, and mutation runs the tests again and again
@pytest.mark.parametrize(("command", "output"), list(printed(DOC)), ids=lambda value: value.partition("\n")[0][:60])
def test_a_command_prints_what_the_document_says(command, output):
    assert without_counts(run(command)) == without_counts(output)


@pytest.mark.parametrize("folder", WORKED)
def test_the_folder_has_neither_errors_nor_warnings(folder):
    assert inspect(MODEL, EXAMPLES / folder).diagnostics == ()


@pytest.mark.parametrize("language", ["polar", "toml", "yaml"])
def test_what_is_shown_stands_in_a_folder(language):
    files = [
        path.read_text(encoding="utf-8") for folder in WORKED for path in (EXAMPLES / folder).rglob(f"*.{language}")
    ]
    shown = blocks(DOC, language)
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
