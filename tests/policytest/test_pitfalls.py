"""`docs/pitfalls.md` names, for each pitfall, the tests that cover it: they are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "pitfalls.md").read_text(encoding="utf-8")
NAMED = re.findall(r"^- `([^`]+)`: (.+)$", TEXT, re.MULTILINE)


def names_in(path):
    """The names of the tests of a file: of policies, or of Python."""
    pattern = r"^  - name: (.+)$" if path.suffix == ".yaml" else r"^(?:async )?def (test_\w+)\("
    return set(re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_test_is_there(file, name):
    assert name in names_in(ROOT / file)


def test_all_pitfalls_are_there_and_each_names_a_test():
    sections = re.split(r"^## (\d+)\. .*$", TEXT, flags=re.MULTILINE)[1:]
    assert [int(number) for number in sections[::2]] == list(range(1, 48))
    assert all(re.search(r"^- `", section, re.MULTILINE) for section in sections[1::2])
