"""The index of a rulebook: from a tag (`#@ U-13`) or a requirement to its rules, constraints, facts and tests."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sealauthz.decision import Bundle
from sealauthz.polar import Rulebook, RuleNode
from sealauthz.polar.unparse import written_head
from sealauthz.policytools.testing.facts_read import FactsRead
from sealauthz.policytools.testing.suite import PolicyTest
from sealauthz.schema.rules import Check

ROLES = {"requires": "required by", "meets": "met by", "waived": "waived by", "because": "explained by"}
"""The predicates of the contract that name a requirement, each with what its rules are to the requirement."""
DEFINED = "defined by"
"""What a tagged rule of any other predicate is: a helper, which belongs to no requirement."""


@dataclass(frozen=True, slots=True)
class RulePlace:
    """One rule: what it is for (actions, reasons, or the head of a helper), its resource type, its file and line."""

    subject: str
    type: str
    file: str
    line: int


@dataclass
class IndexEntry:
    """What the policies and tests contain about one tag. `places` are by requirement (empty for helpers) and role."""

    text: str = ""
    constraints: list[str] = field(default_factory=list)
    places: dict[tuple[str, str], list[RulePlace]] = field(default_factory=lambda: defaultdict(list))
    facts: set[str] = field(default_factory=set)
    tests: list[PolicyTest] = field(default_factory=list)


def index_by_tag(bundle: Bundle, folders: Sequence[Path], tests: Iterable[PolicyTest] = ()) -> dict[str, IndexEntry]:
    """Return an entry for each tag that a rule of the bundle or a test carries. `folders` hold the policy texts, whose
    comments say what a tag means.
    """
    found: dict[str, IndexEntry] = defaultdict(IndexEntry)
    facts_read = FactsRead(bundle.model, bundle.rulebook.rules)
    for statement in bundle.statements:
        if not isinstance(statement, RuleNode):
            continue
        for tag in statement.tags:
            entry = found[tag]
            key, place = _placed(statement)
            if key[1] == ROLES["meets"] and (key[0], ROLES["requires"]) not in entry.places:
                in_groups = list(_groups_requiring(bundle.rulebook, key[0]))
                if in_groups:
                    entry.places[key[0], ROLES["requires"]] += in_groups
            entry.places[key].append(place)
            entry.facts |= facts_read.of(statement)
    for tag, text in stated_rules([comment for folder in folders for comment in tag_comments(folder)]).items():
        if tag in found:
            found[tag].text = text
    for tag, constraint in _constraints(bundle):
        if tag in found:
            found[tag].constraints.append(constraint)
    for test in tests:
        for tag in test.rules:
            found[tag].tests.append(test)
    return dict(found)


def places_by_requirement(bundle: Bundle) -> dict[str, dict[str, list[RulePlace]]]:
    """Return the rules of each requirement by role, in the order of the names."""
    found: dict[str, dict[str, list[RulePlace]]] = {}
    for statement in bundle.statements:
        if isinstance(statement, RuleNode) and statement.name in ROLES:
            (requirement, role), place = _placed(statement)
            found.setdefault(requirement, {}).setdefault(role, []).append(place)
    for requirement, places in found.items():
        places.setdefault(ROLES["requires"], []).extend(_groups_requiring(bundle.rulebook, requirement, tagged=True))
    return {requirement: found[requirement] for requirement in sorted(found)}


def _groups_requiring(book: Rulebook, requirement: str, *, tagged: bool = False) -> Iterator[RulePlace]:
    """The groups that list a requirement: all, or those whose statement has no tag of its own."""
    for group in book.groups.by_name.values():
        place = group.requirements.get(requirement)
        if place is None:
            continue
        if tagged or not any(rule.tags for rule in book.requires.values() if rule.place == place):
            yield RulePlace(f"group {group.name}", "", place.file, place.line)


def _placed(rule: RuleNode) -> tuple[tuple[str, str], RulePlace]:
    """The requirement and role of a rule, and its place."""
    if rule.name not in ROLES:
        head = written_head(rule.name, rule.parameters)
        return ("", DEFINED), RulePlace(head, "", rule.place.file, rule.place.line)
    literals = [parameter.literal for parameter in rule.parameters if parameter.literal]
    requirement = literals[-1] if rule.name == "requires" else literals[0]
    others = " ".join(literal for literal in literals if literal != requirement)
    type_ = rule.parameters[1 if rule.name == "requires" else 2 if rule.name == "waived" else 3].type
    return (requirement, ROLES[rule.name]), RulePlace(others, type_ or "any resource", rule.place.file, rule.place.line)


def _constraints(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """The constraints of the database by the tag that they enforce."""
    for name, shape in bundle.model.shapes.items():
        for constraint in shape.constraints:
            if isinstance(constraint, Check):
                yield constraint.invariant, f"each `{name}`: `{constraint.condition}`"
            else:
                where = f", where `{constraint.where}`" if constraint.where else ""
                columns = ", ".join(f"`{column}`" for column in constraint.columns)
                yield constraint.invariant, f"one `{name}` for each {columns}{where}"


@dataclass(frozen=True, slots=True)
class TagComment:
    """The comment above a line of tags, by paragraph, each with the tag that it begins with (or empty)."""

    rules: tuple[str, ...]
    place: str
    paragraphs: tuple[tuple[str, str], ...]


def tag_comments(folder: Path) -> list[TagComment]:
    """Read the lines of tags in the policies of a folder, in the order of the files."""
    found = []
    for path in sorted(folder.glob("*.polar")):
        comment: list[str] = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("#@"):
                found.append(TagComment(tuple(line[2:].split()), f"{path.name}:{number}", _paragraphs(comment)))
            is_prose = line.startswith("# ") and not line.startswith("# ---")
            comment = [*comment, line.removeprefix("# ")] if is_prose else []
    return found


def _paragraphs(comment: list[str]) -> tuple[tuple[str, str], ...]:
    """Cut a comment where a line begins with a tag."""
    paragraphs: list[tuple[str, list[str]]] = []
    for line in comment:
        begun = re.match(r"([A-Z]-\d\d): ", line)
        if begun or not paragraphs:
            paragraphs.append((begun[1] if begun else "", []))
        paragraphs[-1][1].append(line[begun.end() :] if begun else line)
    return tuple((tag, " ".join(lines)) for tag, lines in paragraphs)


def stated_rules(comments: list[TagComment]) -> dict[str, str]:
    """Return the text of each tag: the paragraph that begins with it, else the comment above its first line of tags
    that names it alone.
    """
    stated: dict[str, str] = {}
    for comment in comments:
        for tag, text in comment.paragraphs:
            if tag in comment.rules:
                stated.setdefault(tag, text)
    for comment in comments:
        if len(comment.rules) == 1 and comment.paragraphs:
            stated.setdefault(comment.rules[0], comment.paragraphs[0][1])
    return stated
