"""Cases of policy tests that allow an action: to begin a test of one's own with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sealauthz.policytools.testing.yaml_text import read_yaml

COMMON = "fixtures.yaml"
_QUESTION = ("now", "given", "subject", "resource", "context")


@dataclass(frozen=True, slots=True)
class Example:
    """A question that is allowed: the file that has its facts, its fixture, and what the case says."""

    file: str
    fixture: str
    case: Mapping[str, Any]


def example_of(tests: Path, action: str, resource_type: str) -> Example | None:
    """Find the shortest case of the test files in a folder that allows an action on a type; None where there is none.

    Its file is that of the common fixtures, where these are all that it needs.
    """
    found = list(_examples(tests, action, resource_type))
    if not found:
        return None
    best = min(found, key=lambda each: ("given" in each.case, len(str(each.case)), each.file))
    common = tests / COMMON
    if "given" in best.case or not common.is_file():
        return best
    has_it = best.fixture in read_yaml(COMMON, common.read_text(encoding="utf-8")).value.get("fixtures", ())
    return replace(best, file=COMMON) if has_it else best


def _examples(tests: Path, action: str, resource_type: str) -> Iterator[Example]:
    for path in sorted(tests.glob("*.yaml")):
        document = read_yaml(path.name, path.read_text(encoding="utf-8")).value
        for case in document.get("tests") or ():
            fixture = case.get("fixture", document.get("fixture"))
            resource = case.get("resource")
            is_asked = case.get("action") == action and isinstance(case.get("subject"), str)
            if not (is_asked and fixture and isinstance(resource, str) and resource.startswith(f"{resource_type}:")):
                continue
            if "allow_impossible" in case:
                continue
            said = {key: case[key] for key in _QUESTION if key in case}
            if _allows(case.get("expect")):
                yield Example(path.name, fixture, said)


def _allows(expected: object) -> bool:
    return expected == "allow" or (isinstance(expected, dict) and expected.get("effect") == "allow")
