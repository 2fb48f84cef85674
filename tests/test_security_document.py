"""`docs/security.md` names, for each claim, the tests that would fail if it were wrong: they are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"^- `([^`]+)`: (test_\w+)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_test_is_there(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_item_names_a_test() -> None:
    assert len(NAMED) == len(re.findall(r"^- ", TEXT, re.MULTILINE)) > 50
