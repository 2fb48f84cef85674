"""`docs/pitfalls.md` names, for each pitfall, the tests that cover it: they are there."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def _tool():
    spec = importlib.util.spec_from_file_location("protections", ROOT / "tools" / "protections.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TOOL = _tool()
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
    assert [int(number) for number in sections[::2]] == list(range(1, 51))
    assert all(re.search(r"^- `", section, re.MULTILINE) for section in sections[1::2])


def test_the_page_of_protections_is_the_list():
    assert (ROOT / "docs" / "protections.md").read_text(encoding="utf-8") == TOOL.document(TOOL.listed())


@pytest.mark.parametrize("protection", TOOL.listed(), ids=lambda protection: protection.was)
def test_what_keeps_a_wrong_allow_away_is_there_and_so_is_its_test(protection):
    assert protection.test in names_in(ROOT / protection.test_file)
    if protection.file:
        text = (ROOT / "policies" / protection.file).read_text(encoding="utf-8")
        assert protection.taken_away(ROOT / "policies") != text
