"""Write `docs/rules.md`: rule of the rulebook -> requirement -> file:line -> facts it reads -> tests.

Everything in it is read from the bundle's tags (`#@ U-01`), the comments above them, the constraints of the records,
and the tests in `policies/tests`; but for the rules that are no decisions, which are named here with the place that
enforces them. What a rule says is the comment that begins with its id (`# U-01: …`) above a tag that names it, or else
the comment above the first tag that names it alone. A group that requires something without a tag of its own is listed
with the rules that meet it.
`--check` says whether the file is up to date, whether every rule is accounted for and says something that no other rule
says, whether every tag has a comment, and whether every tagged rule has a test.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import re
import sys
import typing
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle
from sealauthz.decision.folder import installed_folder
from sealauthz.model import MODEL
from sealauthz.model.parameters import Parameters
from sealauthz.polar import Rulebook, RuleNode
from sealauthz.polar.syntax import Attribute, Call, In, Matches, Place, Term, TypePattern, Unify, Variable
from sealauthz.polar.terms import Node, parts
from sealauthz.polar.unparse import written_head
from sealauthz.policytest.loading import files_of_tests, load_suite
from sealauthz.policytest.suite import PolicyTest
from sealauthz.schema import shape_of
from sealauthz.schema.rules import Check

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "rules.md"
SETTLING = {"meets": "met by", "waived": "waived by", "because": "explained by", "requires": "required by"}
RULEBOOK = {"M": 15, "S": 18, "U": 26, "C": 14, "R": 17, "W": 7}
"""The series of the rulebook (members, seals, their use, contracts, retrieval, watching), with their last numbers."""

ANSWERS = [f"A-{number:02}" for number in range(1, 16)]
"""What was added to the rulebook afterwards. Some of them say more of a rule, and have no place of their own."""

NO_DECISIONS = {
    "W-04": (
        "Every use is logged before it counts, and no role edits the log.",
        "the caller that seals, by the obligation `APPEND_SEAL_LOG`; that facts are history and stay is kept by"
        " `facts/store/invariants.py` (I17). Each decision of the service itself is in its audit log",
    ),
}
"""Rules that no question decides: what each says, and what enforces it."""

Types = dict[str, str]


class Reader:
    """Finds the facts that rules read, following calls and the types of variables."""

    def __init__(self, rules: dict[str, list[RuleNode]]) -> None:
        self._rules = rules
        self._seen: dict[tuple[str, tuple[str, ...]], tuple[set[str], list[str]]] = {}

    def facts_of(self, rule: RuleNode) -> set[str]:
        """Return `Record.column` for every fact that the rule reads, itself or through the rules that it calls."""
        facts, _ = self._read(rule, ["" for _ in rule.parameters])
        return facts

    def _read(self, rule: RuleNode, given: list[str]) -> tuple[set[str], list[str]]:
        types: Types = {}
        for parameter, known in zip(rule.parameters, given, strict=True):
            if parameter.variable and parameter.variable != "_":
                types[parameter.variable] = parameter.type or known
        facts: set[str] = set()
        # Twice: a variable may be used in the text before what tells its type.
        for _ in range(2):
            facts |= self._read_body(rule.body, types)
        return facts, [types.get(parameter.variable or "", "") for parameter in rule.parameters]

    def _read_body(self, body: Term | None, types: Types) -> set[str]:
        facts: set[str] = set()
        waiting: list[Node] = [body] if body is not None else []
        while waiting:
            node = waiting.pop(0)
            match node:
                case Attribute():
                    facts |= _follow(node, types)[1]
                    continue
                case Call(name, arguments, _) if name in self._rules:
                    facts |= self._read_call(name, arguments, types)
                case Unify(Variable(name, _), value, _) | In(Variable(name, _), value, _):
                    if isinstance(value, Attribute):
                        path_type = _follow(value, types)[0]
                        types[name] = types.get(name) or path_type
                case Matches(Variable(name, _), TypePattern(type_, _, _), _):
                    types[name] = type_
                case _:
                    pass
            waiting[:0] = parts(node)
        return facts

    def _read_call(self, name: str, arguments: tuple[Term, ...], types: Types) -> set[str]:
        given = [_type_of(argument, types) for argument in arguments]
        facts: set[str] = set()
        for number, callee in enumerate(self._rules[name]):
            if len(callee.parameters) != len(arguments):
                continue
            key = (f"{name}/{number}", tuple(given))
            if key not in self._seen:
                self._seen[key] = (set(), given)
                self._seen[key] = self._read(callee, given)
            read, learnt = self._seen[key]
            facts |= read
            for argument, type_ in zip(arguments, learnt, strict=True):
                if isinstance(argument, Variable) and type_ and argument.name != "_":
                    types[argument.name] = types.get(argument.name) or type_
        return facts


def _type_of(argument: Term, types: Types) -> str:
    match argument:
        case Variable(name, _):
            return types.get(name, "")
        case Attribute():
            return _follow(argument, types)[0]
        case _:
            return ""


def _follow(term: Term, types: Types) -> tuple[str, set[str]]:
    """Follow `variable.attribute.attribute`: the type at its end, and the facts on the way."""
    match term:
        case Variable(name, _):
            return types.get(name, "") or ("Context" if name == "context" else ""), set()
        case Attribute(base, name, _, _):
            here, read = _follow(base, types)
            type_, fact = _attribute(here, name)
            return type_, read | {fact} if fact else read
        case _:
            return "", set()


@functools.cache  # the types of a context are read from text each time, and this is asked a hundred thousand times
def _attribute(type_: str, name: str) -> tuple[str, str]:
    """The type behind an attribute, and the fact it is (empty for a relation, which is a way and not a fact)."""
    if type_ in MODEL.records:
        shape = MODEL.shapes[type_]
        for relation in shape.relations:
            if relation.name == name:
                return relation.record, ""
        return "", f"{type_}.{name}"
    if type_ == "Parameters":
        return "", f"parameter {name}"
    for cls in MODEL.contexts:
        hints = typing.get_type_hints(cls)
        if type_ in {"Context", cls.__name__} and name in hints:
            if name == "parameters":
                return Parameters.__name__, ""
            plain = [part for part in typing.get_args(hints[name]) or (hints[name],) if part is not type(None)]
            record = getattr(plain[0], "__name__", "")
            return (record, "") if record in MODEL.records else ("", f"context {name}")
    return "", ""


@dataclasses.dataclass(frozen=True)
class _Place:
    """A rule: what it is about (an action or a reason), of which type, and where it stands."""

    what: str
    kind: str
    file: str
    line: int

    @property
    def link(self) -> str:
        """A link to its line."""
        return f"[{self.file}:{self.line}](../policies/{self.file}#L{self.line})"


@dataclasses.dataclass
class Entry:
    """What is known about one rule of the rulebook. `places` are by requirement and by what a rule does with it."""

    text: str = ""
    constraints: list[str] = dataclasses.field(default_factory=list)
    places: dict[tuple[str, str], list[_Place]] = dataclasses.field(default_factory=lambda: defaultdict(list))
    facts: set[str] = dataclasses.field(default_factory=set)
    tests: list[str] = dataclasses.field(default_factory=list)


def entries(bundle: Bundle) -> dict[str, Entry]:
    """Read every tagged rule of the bundle, and the tests of each."""
    found: dict[str, Entry] = defaultdict(Entry)
    reader = Reader(bundle.rulebook.rules)
    for statement in bundle.statements:
        if not isinstance(statement, RuleNode):
            continue
        for rule_id in statement.tags:
            entry = found[rule_id]
            key, place = _place(statement)
            if key[1] == SETTLING["meets"] and (key[0], SETTLING["requires"]) not in entry.places:
                of_groups = list(_groups_requiring(bundle.rulebook, key[0].strip("`")))
                if of_groups:
                    entry.places[key[0], SETTLING["requires"]] += of_groups
            entry.places[key].append(place)
            entry.facts |= reader.facts_of(statement)
    for rule_id, text in stated_rules(tag_comments(installed_folder())).items():
        if rule_id in found:
            found[rule_id].text = text
    for rule_id, said in _constraints():
        if rule_id in found:
            found[rule_id].constraints.append(said)
    for test in load_suite(files_of_tests([ROOT / "policies" / "tests"]), bundle):
        for rule_id in test.rules:
            found[rule_id].tests.append(_linked(test))
    return dict(found)


def _groups_requiring(book: Rulebook, requirement: str) -> Iterator[_Place]:
    """The groups that require something without a tag that says of which rule it is."""
    for group in book.groups.by_name.values():
        place = group.requirements.get(requirement)
        if place is not None and not any(rule.tags for rule in book.requires.values() if rule.place == place):
            yield _Place(f"the group [{group.name}](#groups)", "", place.file, place.line)


def _place(rule: RuleNode) -> tuple[tuple[str, str], _Place]:
    """The requirement and what the rule does with it; and for what, with its place."""
    if rule.name not in SETTLING:
        return ("", "defined by"), _Place(
            f"`{written_head(rule.name, rule.parameters)}`", "", rule.place.file, rule.place.line
        )
    literals = [parameter.literal for parameter in rule.parameters if parameter.literal]
    requirement = literals[-1] if rule.name == "requires" else literals[0]
    other = " ".join(f"`{literal}`" for literal in literals if literal != requirement)
    kind = rule.parameters[1 if rule.name == "requires" else 2 if rule.name == "waived" else 3].type
    return (f"`{requirement}`", SETTLING[rule.name]), _Place(
        other, kind or "any resource", rule.place.file, rule.place.line
    )


def _listed(places: list[_Place]) -> Iterator[str]:
    """Places as text: those of one type and file together, with a link to the first line of each thing that is said."""
    groups: dict[tuple[str, str], list[_Place]] = defaultdict(list)
    for place in places:
        groups[place.kind, place.file].append(place)
    for (kind, _), group in groups.items():
        if not kind:
            yield from (f"{place.what} ({place.link})" for place in group)
            continue
        words = ", ".join(dict.fromkeys(place.what for place in group if place.what))
        # One line of a group may be about several.
        lines = list({place.line: place for place in group}.values())
        links = [lines[0].link, *(f"[{place.line}]({place.link.partition('(')[2]}" for place in lines[1:4])]
        more = f" and {len(lines) - 4} more" if len(lines) > 4 else ""
        yield f"{words} on {kind} ({', '.join(links)}{more})".strip()


def _constraints() -> Iterator[tuple[str, str]]:
    """What the database itself keeps of a rule."""
    for name, cls in MODEL.records.items():
        for constraint in shape_of(cls).constraints:
            if isinstance(constraint, Check):
                yield constraint.invariant, f"each `{name}`: `{constraint.condition}`"
            else:
                where = f", where `{constraint.where}`" if constraint.where else ""
                columns = ", ".join(f"`{column}`" for column in constraint.columns)
                yield constraint.invariant, f"one `{name}` for each {columns}{where}"


@dataclasses.dataclass(frozen=True)
class TagComment:
    """The comment above a line of tags, by paragraph, each with the rule whose id it begins with (or none)."""

    rules: tuple[str, ...]
    place: str
    paragraphs: tuple[tuple[str, str], ...]


def tag_comments(folder: Path) -> list[TagComment]:
    """Read the lines of tags in the policies, in the order of the files."""
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
    """Cut a comment where a line begins with the id of a rule."""
    paragraphs: list[tuple[str, list[str]]] = []
    for line in comment:
        begun = re.match(r"([A-Z]-\d\d): ", line)
        if begun or not paragraphs:
            paragraphs.append((begun[1] if begun else "", []))
        paragraphs[-1][1].append(line[begun.end() :] if begun else line)
    return tuple((rule_id, " ".join(lines)) for rule_id, lines in paragraphs)


def stated_rules(comments: list[TagComment]) -> dict[str, str]:
    """Return what each rule says, by its id."""
    stated: dict[str, str] = {}
    for comment in comments:
        for rule_id, text in comment.paragraphs:
            if rule_id in comment.rules:
                stated.setdefault(rule_id, text)
    for comment in comments:
        if len(comment.rules) == 1 and comment.paragraphs:
            stated.setdefault(comment.rules[0], comment.paragraphs[0][1])
    return stated


def _linked(test: PolicyTest) -> str:
    """The name of a test, without the rules that it begins with, as a link to its line."""
    words = test.name.split()
    while words and words[0] in test.rules:
        words.pop(0)
    file = Path(test.file).name
    return f"[{' '.join(words)}](../policies/tests/{file}#L{test.line})"


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


def page(found: dict[str, Entry], book: Rulebook) -> str:
    """Write the whole page."""
    lines = [
        "# The rules",
        "",
        "Written by `tools/rules_doc.py` from the tags in `policies/`, the constraints of the records and the tests in",
        "`policies/tests/`; do not edit.",
        "",
        "| rule | in short | policies | tests |",
        "|---|---|---|---|",
    ]
    for rule_id in [*rulebook(), *(answer for answer in ANSWERS if answer in found)]:
        entry = found.get(rule_id)
        if entry is None:
            lines.append(f"| {rule_id} | {NO_DECISIONS.get(rule_id, ('', ''))[0]} | no decision: see below | |")
            continue
        files = ", ".join(sorted({f"`{place.file}`" for places in entry.places.values() for place in places}))
        lines.append(f"| [{rule_id}](#{rule_id.lower()}) | {_in_short(entry.text)} | {files} | {len(entry.tests)} |")
    lines += ["", "## What is no decision", "", "| rule | what it says | what enforces it |", "|---|---|---|"]
    lines += [f"| {rule_id} | {said} | {where} |" for rule_id, (said, where) in NO_DECISIONS.items()]
    for rule_id in (rule_id for rule_id in [*rulebook(), *ANSWERS] if rule_id in found):
        entry = found[rule_id]
        lines += ["", f"## {rule_id}", ""]
        if entry.text:
            lines += [entry.text, ""]
        if entry.places:
            lines += ["| requirement | | where |", "|---|---|---|"]
            lines += [
                f"| {needed} | {verb} | {'; '.join(_listed(places))} |"
                for (needed, verb), places in entry.places.items()
            ]
            lines += [""]
        if entry.constraints:
            lines += [f"Kept by the database: {'; '.join(entry.constraints)}", ""]
        if entry.facts:
            lines += [f"Reads: {', '.join(f'`{fact}`' for fact in sorted(entry.facts))}", ""]
        lines += ["Tests:", "", *(f"- {test}" for test in entry.tests)] if entry.tests else ["Tests: none"]
    lines += checklists(book)
    return "\n".join(lines) + "\n"


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
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the page is not up to date")
    arguments = parser.parse_args()
    bundle = Bundle.load(MODEL, cache=bundle_cache())
    found = entries(bundle)
    written = page(found, bundle.rulebook)
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
        print("docs/rules.md is not up to date: run tools/rules_doc.py", file=sys.stderr)
        return 1
    missing = [rule_id for rule_id in rulebook() if rule_id not in found and rule_id not in NO_DECISIONS]
    both = [rule_id for rule_id in NO_DECISIONS if rule_id in found]
    problems = {
        "has no test": untested,
        "says nothing of its own: begin the comment above a tag of it with its id": unstated,
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
