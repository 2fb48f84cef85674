"""Takes each protection out of the policies that `tests/policytest/protections.toml` lists, and asks the named test,
which must fail; `--write` writes the list as `docs/protections.md`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.decision.policies import Policies
from sealauthz.model import MODEL
from sealauthz.policytools.testing.loading import load_suite
from sealauthz.policytools.testing.suite import failure_of
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed

ROOT = Path(__file__).parent.parent
LISTED = ROOT / "tests" / "policytest" / "protections.toml"
DOCUMENT = ROOT / "docs" / "protections.md"

HEAD = """# What was allowed wrongly, and what keeps it away

What an adversary once found, with facts that the store takes; the policy that refuses it now; and a test.
`make protections` takes each of these policies away in turn, and asks the test, which has to fail. What no policy
refuses, the store refuses before one is asked. The pitfalls behind them are in [pitfalls.md](pitfalls.md). This page
is written by `tools/protections.py` from `tests/policytest/protections.toml`.
"""


@dataclass(frozen=True, slots=True)
class Protection:
    """What was allowed, the text of a policy without which it would be again, and the test that notices."""

    group: str
    was: str
    file: str
    without: str
    instead: str
    test_file: str
    test: str

    def taken_away(self, policies: Path) -> str:
        """Return the text of the file without it. Raises ValueError where the text is not there once."""
        text = (policies / self.file).read_text(encoding="utf-8")
        if text.count(self.without) != 1:
            raise ValueError(f"`{self.file}` has the text {text.count(self.without)} times: {self.was}")
        return text.replace(self.without, self.instead)


def listed() -> list[Protection]:
    """Return the protections of the list, in its order."""
    return [
        Protection(
            group["name"],
            case["was"],
            case.get("file", ""),
            case.get("without", ""),
            case.get("instead", ""),
            *case["test"].split(": ", 1),
        )
        for group in tomllib.loads(LISTED.read_text(encoding="utf-8"))["group"]
        for case in group["case"]
    ]


def document(protections: list[Protection]) -> str:
    """Return the list as a page."""
    lines, group = [HEAD], ""
    for each in protections:
        if each.group != group:
            group = each.group
            lines += [f"\n## {group}\n", "| was allowed | kept away by | test |", "|---|---|---|"]
        by = f"[{each.file}](../policies/{each.file})" if each.file else "the store"
        lines.append(f"| {each.was} | {by} | `{each.test_file}`: {each.test} |")
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def problems(protections: list[Protection], policies: Path) -> Iterator[str]:
    """Say of each protection that a policy gives whether its test notices that it is gone."""
    bundle = Bundle.load(MODEL, policies)
    intact = Policies(bundle)
    files = {each.test_file for each in protections if each.file}
    suite = {(test.file, test.name): test for test in load_suite([ROOT / file for file in sorted(files)], bundle)}
    by_name = {(Path(file).name, name): test for (file, name), test in suite.items()}
    for each in protections:
        if not each.file:
            continue
        test = by_name[Path(each.test_file).name, each.test]
        if any(failure_of(test, ask, intact) for ask in test.asks):
            yield f"fails with the protection: {each.test}"
            continue
        try:
            changed = Policies(_without(each, policies))
        except (BundleRefused, ValueError) as error:
            yield f"cannot be taken away: {each.was}\n{error}"
            continue
        if not any(_notices(test, ask, changed) for ask in test.asks):
            yield f"does not notice that it is gone: {each.test}"
        print(".", end="", flush=True)


def _notices(test: Any, ask: Any, policies: Policies) -> bool:
    try:
        return failure_of(test, ask, policies) is not None
    except EvaluationFailed:
        return False  # an error is no allow


def _without(protection: Protection, policies: Path) -> Bundle:
    """Load the policies without one protection."""
    with tempfile.TemporaryDirectory() as folder:
        for path in policies.iterdir():
            if path.is_file():
                Path(folder, path.name).write_bytes(path.read_bytes())
        Path(folder, protection.file).write_text(protection.taken_away(policies), encoding="utf-8")
        return Bundle.load(MODEL, Path(folder), is_served=False)


def main() -> int:
    """Write the page, or ask the tests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/protections.md and ask nothing")
    parser.add_argument("--only", default="", help="only those whose sentence or test has this in it")
    arguments = parser.parse_args()
    protections = listed()
    if arguments.write:
        DOCUMENT.write_text(document(protections), encoding="utf-8")
        return 0
    chosen = [each for each in protections if arguments.only in each.was or arguments.only in each.test]
    found = list(problems(chosen, ROOT / "policies"))
    print(f"\n{len(chosen)} protections, {len(found)} problems", *found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
