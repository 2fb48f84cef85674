"""The wire contract reads well: everything is commented, and each comment starts with the name it describes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROTOS = sorted((Path(__file__).parents[2] / "protos/sealauthz/v1").glob("*.proto"))
DECLARED = re.compile(
    r"\s*(?:(?:service|message|enum|rpc|oneof) (?P<named>\w+)"
    r"|(?:optional |repeated )?[\w.]+(?:<[^>]+>)? (?P<field>\w+) = \d+;"
    r"|(?P<value>[A-Z][A-Z0-9_]+) = \d+;)"
)


def test_there_are_protos() -> None:
    assert [path.stem for path in PROTOS] == [
        "audit",
        "authorization",
        "events",
        "facts",
        "monitor",
        "operations",
        "policy",
        "records",
        "revision",
    ]


@pytest.mark.parametrize("path", PROTOS, ids=lambda path: path.stem)
def test_everything_is_commented_and_the_comment_starts_with_its_name(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    missing = []
    for number, line in enumerate(lines):
        match = DECLARED.match(line)
        if match is None or line.startswith(("syntax", "package", "import")):
            continue
        name = match["named"] or match["field"] or match["value"]
        first = number
        while lines[first - 1].lstrip().startswith("//"):
            first -= 1
        if first == number or not re.match(rf"\s*// {name}\b", lines[first]):
            missing.append(f"{number + 1}: {name}")
    assert missing == []


@pytest.mark.parametrize("path", PROTOS, ids=lambda path: path.stem)
def test_zero_is_unspecified_and_never_sent(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if re.match(r"\s+[A-Z0-9_]+ = 0;", line):
            assert line.endswith("_UNSPECIFIED = 0;")
