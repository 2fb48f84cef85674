"""Write `docs/rules.md`, the index of the rulebook: by rule (`U-13`), by requirement, by group and by action, each with
the file and line of its statements. `sealauthz policy rule U-13` prints the rest: text, facts read, tests.

`--check` reports whether the file is up to date, whether every rule is accounted for and has a text that no other rule
has, whether every tag has a comment, and whether every tagged rule has a test.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle
from sealauthz.decision.folder import installed_folder
from sealauthz.model import MODEL
from sealauthz.polar import Rulebook
from sealauthz.polar.syntax import Place
from sealauthz.policytools.testing.loading import files_of_tests, load_suite
from sealauthz.policytools.testing.rule_index import (
    ROLES,
    IndexEntry,
    RulePlace,
    index_by_tag,
    places_by_requirement,
    tag_comments,
)

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "rules.md"
RULEBOOK = {"M": 15, "S": 18, "U": 26, "C": 14, "R": 17, "W": 7}
"""The series of the rulebook (members, seals, their use, contracts, retrieval, watching), with their last numbers."""

ANSWERS = [f"A-{number:02}" for number in range(1, 16)]
"""What was added to the rulebook afterwards. Some of them add to a rule, and have no statement of their own."""

NO_DECISIONS = {
    "W-04": (
        "Every use is logged before it counts, and no role edits the log.",
        "the caller that seals, by the obligation `APPEND_SEAL_LOG`; that facts are history and stay is kept by"
        " `facts/store/invariants.py` (I17). Each decision of the service itself is in its audit log",
    ),
}
"""Rules that no question decides: the text of each, and what enforces it."""


def checklists(book: Rulebook) -> Iterator[str]:
    """Write what each group requires, what is left out of it, and the checklist of each action."""
    groups = book.groups
    yield from ("", "## Groups", "", "What actions require together is written once.", "")
    yield from ("| group | requires | actions |", "|---|---|---|")
    for group in groups.by_name.values():
        links = [f"[`{each}`]({_link(place)})" for each, place in group.requirements.items()]
        types: dict[str, list[str]] = defaultdict(list)
        for action, type_ in group.members:
            types[type_].append(f"`{action}`")
        acts = "; ".join(f"{', '.join(actions)} on {type_}" for type_, actions in types.items())
        yield f"| {group.name} | {', '.join(links)} | {acts} |"
    yield from ("", "What an action leaves out of its group:", "")
    yield from ("| group | action | does not require | because |", "|---|---|---|---|")
    for each in groups.exemptions:
        left_out = f"[`{each.requirement}`]({_link(each.place)})"
        yield f"| {each.group} | `{each.action}` on {each.type} | {left_out} | {each.reason} |"
    said = "What each action requires: what its groups do, but for what it leaves out, and what is its own."
    yield from ("", "## Checklists", "", said, "", "| action | groups | its own |", "|---|---|---|")
    for (action, type_), listed in book.requirements.items():
        names = [name for name, group in groups.by_name.items() if (action, type_) in group.members]
        left_out = [each.requirement for each in groups.exemptions if (each.action, each.type) == (action, type_)]
        without = f" without {', '.join(f'`{each}`' for each in left_out)}" if left_out else ""
        own = [each for each in listed if (each, action, type_) not in groups.given]
        links = [f"[`{each}`]({_link(book.requires[each, action, type_].place)})" for each in own]
        yield f"| `{action}` on {type_} | {', '.join(names)}{without} | {', '.join(links)} |"


def _link(place: Place) -> str:
    return f"../policies/{place.file}#L{place.line}"


def page(found: dict[str, IndexEntry], bundle: Bundle) -> str:
    """Write the whole page."""
    lines = [
        "# The rules",
        "",
        "Written by `tools/rules_doc.py` from the policies; do not edit. `sealauthz policy rule U-13` prints a rule",
        "with the facts that it reads and its tests.",
        "",
        "| rule | in short | requirements and policies | tests |",
        "|---|---|---|---|",
    ]
    for rule_id in [*rulebook(), *(answer for answer in ANSWERS if answer in found)]:
        entry = found.get(rule_id)
        if entry is None:
            lines.append(f"| {rule_id} | {NO_DECISIONS.get(rule_id, ('', ''))[0]} | no decision: see below | |")
            continue
        needed = dict.fromkeys(f"[`{name}`](#{_anchor(name)})" for name, _ in entry.places if name)
        files = dict.fromkeys(f"`{place.file}`" for places in entry.places.values() for place in places)
        where = ", ".join([*needed] or sorted(files))
        lines.append(
            f'| <a id="{rule_id.lower()}"></a>{rule_id} | {_in_short(entry.text)} | {where} | {len(entry.tests)} |'
        )
    lines += ["", "## What is no decision", "", "| rule | text | what enforces it |", "|---|---|---|"]
    lines += [f"| {rule_id} | {text} | {where} |" for rule_id, (text, where) in NO_DECISIONS.items()]
    lines += by_requirement(found, bundle)
    lines += checklists(bundle.rulebook)
    return "\n".join(lines) + "\n"


def by_requirement(found: dict[str, IndexEntry], bundle: Bundle) -> Iterator[str]:
    """Write the rules of each requirement, with a link to the first line of each role in each file."""
    tags: dict[str, list[str]] = defaultdict(list)
    for rule_id, entry in found.items():
        for needed in dict.fromkeys(needed for needed, _ in entry.places if needed):
            tags[needed].append(rule_id)
    yield from ("", "## Requirements", "", "| requirement | rules | required by | met by | waived by | explained by |")
    yield "|---|---|---|---|---|---|"
    for name, roles in places_by_requirement(bundle).items():
        cells = [", ".join(_links(roles.get(role, []))) for role in ROLES.values()]
        named = f'<a id="{_anchor(name)}"></a>`{name}`'
        yield f"| {named} | {' '.join(sorted(tags[name]))} | {' | '.join(cells)} |"


def _links(places: list[RulePlace]) -> Iterator[str]:
    """A link to the first statement in each file, with the number of those after it."""
    by_file: dict[str, list[int]] = defaultdict(list)
    for place in places:
        by_file[place.file].append(place.line)
    for file, lines in by_file.items():
        more = f" +{len(lines) - 1}" if len(lines) > 1 else ""
        yield f"[{file.removesuffix('.polar')}:{min(lines)}](../policies/{file}#L{min(lines)}){more}"


def _anchor(requirement: str) -> str:
    return requirement.lower().replace("_", "-")


def rulebook() -> list[str]:
    """Every rule of the rulebook, in its order."""
    return [f"{series}-{number:02}" for series, last in RULEBOOK.items() for number in range(1, last + 1)]


def _in_short(text: str) -> str:
    """The first sentence of a text."""
    first, _, _ = text.partition(". ")
    return f"{first.rstrip('.:… ')}." if first else ""


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the page is stale")
    arguments = parser.parse_args()
    bundle = Bundle.load(MODEL, cache=bundle_cache())
    tests = load_suite(files_of_tests([ROOT / "policies" / "tests"]), bundle)
    found = index_by_tag(bundle, [installed_folder()], tests)
    written = page(found, bundle)
    untested = [rule_id for rule_id, entry in sorted(found.items()) if not entry.tests]
    unwritten = [rule_id for rule_id, entry in sorted(found.items()) if not entry.places]
    texts = Counter(_in_short(entry.text) for entry in found.values())
    unstated = [
        rule_id for rule_id, entry in sorted(found.items()) if texts[_in_short(entry.text)] > 1 or not entry.text
    ]
    uncommented = [comment.place for comment in tag_comments(installed_folder()) if not comment.paragraphs]
    if not arguments.check:
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_text(written, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != written:
        print("docs/rules.md is stale: run tools/rules_doc.py", file=sys.stderr)
        return 1
    missing = [rule_id for rule_id in rulebook() if rule_id not in found and rule_id not in NO_DECISIONS]
    both = [rule_id for rule_id in NO_DECISIONS if rule_id in found]
    problems = {
        "has no test": untested,
        "has no text of its own: begin the comment above a tag of it with its id": unstated,
        "tags rules without a comment above": uncommented,
        "is tested but tagged nowhere": unwritten,
        "is neither tagged in a policy nor named as no decision": missing,
        "is tagged in a policy, and so a decision": both,
        "is no rule of the rulebook": sorted({*found, *NO_DECISIONS} - {*rulebook(), *ANSWERS}),
    }
    for what, places in problems.items():
        for place in places:
            print(f"{place} {what}", file=sys.stderr)
    return 1 if any(problems.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
