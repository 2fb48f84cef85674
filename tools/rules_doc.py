"""Write `docs/rules.md`: rule of the rulebook -> requirement -> file:line -> facts it reads -> tests.

Everything in it is read from the bundle's tags (`#@ U-01`), its text, the constraints of the records, and the tests in
`policies/tests`; but for the rules that are no decisions, which are named here with the place that enforces them.
`--check` says whether the file is up to date, whether every rule is accounted for, and whether every tagged rule has a
test.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import typing
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from sealauthz.decision import Bundle
from sealauthz.decision.folder import installed_folder
from sealauthz.model import MODEL
from sealauthz.model.parameters import Parameters
from sealauthz.polar import Kind, Rule, Token
from sealauthz.policytest.loading import files_of_tests, load_suite
from sealauthz.policytest.suite import PolicyTest
from sealauthz.schema import Check, shape_of

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "rules.md"
SETTLING = {"meets": "met by", "waived": "waived by", "because": "explained by", "requires": "required by"}
RULEBOOK = {"M": 15, "S": 18, "U": 26, "C": 14, "R": 17, "W": 7}
"""The series of the rulebook (members, seals, their use, contracts, retrieval, watching), with their last numbers."""

NO_DECISIONS = {
    "U-25": (
        "Everything is decided again in the moment of sealing; an older decision is void.",
        "`decision/pdp.py`: no allow outlives `allow_valid_for` (`policies/parameters.toml`) or the first instant that"
        " `lapses` gives; whoever seals asks in that moment, and checks `valid_until`",
    ),
    "W-04": (
        "Every use is logged before it counts, and no role edits the log.",
        "whoever seals, by the obligation `APPEND_SEAL_LOG`; that facts are history and stay is kept by"
        " `facts/invariants.py` (I17). The service itself keeps no log of its decisions",
    ),
}
"""Rules that no question decides: what each says, and what enforces it."""

Types = dict[str, str]


class Reader:
    """Finds the facts that rules read, following calls and the types of variables."""

    def __init__(self, rules: dict[str, list[Rule]]) -> None:
        self._rules = rules
        self._seen: dict[tuple[str, tuple[str, ...]], tuple[set[str], list[str]]] = {}

    def facts_of(self, rule: Rule) -> set[str]:
        """Return `Record.column` for every fact that the rule reads, itself or through the rules that it calls."""
        facts, _ = self._read(rule, ["" for _ in rule.parameters])
        return facts

    def _read(self, rule: Rule, given: list[str]) -> tuple[set[str], list[str]]:
        types: Types = {}
        for parameter, known in zip(rule.parameters, given, strict=True):
            if parameter.variable and parameter.variable != "_":
                types[parameter.variable] = parameter.type or known
        facts: set[str] = set()
        # Twice: a variable may be used in the text before what tells its type.
        for _ in range(2):
            facts |= self._read_body(rule.body, types)
        return facts, [types.get(parameter.variable or "", "") for parameter in rule.parameters]

    def _read_body(self, body: tuple[Token, ...], types: Types) -> set[str]:
        facts: set[str] = set()
        index = 0
        while index < len(body):
            token = body[index]
            following = body[index + 1] if index + 1 < len(body) else None
            if (
                token.kind is Kind.SYMBOL
                and following is not None
                and following.is_mark("(")
                and token.text in self._rules
            ):
                facts |= self._read_call(token.text, body, index + 1, types)
            elif token.kind is Kind.SYMBOL and following is not None and following.is_mark("."):
                path_type, read, behind = _follow(body, index, types)
                facts |= read
                before = body[index - 1] if index else None
                bound = body[index - 2] if index > 1 else None
                if before is not None and bound is not None and bound.kind is Kind.SYMBOL and path_type:
                    unbound = index < 3 or not body[index - 3].is_mark(".")
                    if unbound and (before.is_symbol("in") or before.is_mark("=")):
                        types.setdefault(bound.text, path_type)
                        types[bound.text] = types[bound.text] or path_type
                index = behind
                continue
            elif token.is_symbol("matches") and following is not None and index:
                types[body[index - 1].text] = following.text
            index += 1
        return facts

    def _read_call(self, name: str, body: tuple[Token, ...], opening: int, types: Types) -> set[str]:
        arguments = _arguments(body, opening)
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
                if len(argument) == 1 and argument[0].kind is Kind.SYMBOL and type_ and argument[0].text != "_":
                    types[argument[0].text] = types.get(argument[0].text) or type_
        return facts


def _arguments(body: tuple[Token, ...], opening: int) -> list[list[Token]]:
    arguments: list[list[Token]] = [[]]
    depth = 0
    for token in body[opening:]:
        if token.kind is Kind.MARK and token.text in "([{":
            depth += 1
            if depth == 1:
                continue
        if token.kind is Kind.MARK and token.text in ")]}":
            depth -= 1
            if depth == 0:
                break
        if depth == 1 and token.is_mark(","):
            arguments.append([])
        else:
            arguments[-1].append(token)
    return arguments


def _type_of(argument: list[Token], types: Types) -> str:
    if len(argument) == 1:
        return types.get(argument[0].text, "")
    if len(argument) > 2 and argument[1].is_mark("."):
        return _follow(tuple(argument), 0, types)[0]
    return ""


def _follow(body: tuple[Token, ...], index: int, types: Types) -> tuple[str, set[str], int]:
    """Follow `variable.attribute.attribute`: the type at its end, the facts on the way, the index behind it."""
    variable = body[index].text
    here = types.get(variable, "") or ("Context" if variable == "context" else "")
    read: set[str] = set()
    index += 1
    while index + 1 < len(body) and body[index].is_mark("."):
        attribute = body[index + 1].text
        here, fact = _attribute(here, attribute)
        if fact:
            read.add(fact)
        index += 2
    return here, read, index


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
        if not isinstance(statement, Rule):
            continue
        for rule_id in statement.tags:
            entry = found[rule_id]
            entry.text = entry.text or _comment_above(statement)
            key, place = _place(statement)
            entry.places[key].append(place)
            entry.facts |= reader.facts_of(statement)
    for rule_id, said in _constraints():
        if rule_id in found:
            found[rule_id].constraints.append(said)
    for test in load_suite(files_of_tests([ROOT / "policies" / "tests"]), bundle).tests:
        for rule_id in test.rules:
            found[rule_id].tests.append(_linked(test))
    return dict(found)


def _place(rule: Rule) -> tuple[tuple[str, str], _Place]:
    """The requirement and what the rule does with it; and for what, with its place."""
    if rule.name not in SETTLING:
        return ("", "defined by"), _Place(f"`{rule.head}`", "", rule.file, rule.line)
    literals = [parameter.literal for parameter in rule.parameters if parameter.literal]
    requirement = literals[-1] if rule.name == "requires" else literals[0]
    other = " ".join(f"`{literal}`" for literal in literals if literal != requirement)
    kind = rule.parameters[1 if rule.name == "requires" else 2 if rule.name == "waived" else 3].type
    return (f"`{requirement}`", SETTLING[rule.name]), _Place(other, kind or "any resource", rule.file, rule.line)


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
        links = [group[0].link, *(f"[{place.line}]({place.link.partition('(')[2]}" for place in group[1:4])]
        more = f" and {len(group) - 4} more" if len(group) > 4 else ""
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


def _comment_above(rule: Rule) -> str:
    """The prose above the tag of a rule."""
    lines = (installed_folder() / rule.file).read_text(encoding="utf-8").splitlines()
    index = rule.line - 2
    while index >= 0 and not lines[index].startswith("#@"):
        index -= 1
    index -= 1
    prose: list[str] = []
    while index >= 0 and lines[index].startswith("# ") and not lines[index].startswith("# ---"):
        prose.insert(0, lines[index].removeprefix("# ").strip())
        index -= 1
    return " ".join(prose)


def _linked(test: PolicyTest) -> str:
    """The name of a test, without the rules that it begins with, as a link to its line."""
    words = test.name.split()
    while words and words[0] in test.rules:
        words.pop(0)
    file = Path(test.file).name
    return f"[{' '.join(words)}](../policies/tests/{file}#L{test.line})"


def page(found: dict[str, Entry]) -> str:
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
    for rule_id in rulebook():
        entry = found.get(rule_id)
        if entry is None:
            lines.append(f"| {rule_id} | {NO_DECISIONS.get(rule_id, ('', ''))[0]} | no decision: see below | |")
            continue
        files = ", ".join(sorted({f"`{place.file}`" for places in entry.places.values() for place in places}))
        lines.append(f"| [{rule_id}](#{rule_id.lower()}) | {_in_short(entry.text)} | {files} | {len(entry.tests)} |")
    lines += ["", "## What is no decision", "", "| rule | what it says | what enforces it |", "|---|---|---|"]
    lines += [f"| {rule_id} | {said} | {where} |" for rule_id, (said, where) in NO_DECISIONS.items()]
    for rule_id in (rule_id for rule_id in rulebook() if rule_id in found):
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
    return "\n".join(lines) + "\n"


def rulebook() -> list[str]:
    """Every rule of the rulebook, in its order."""
    return [f"{series}-{number:02}" for series, last in RULEBOOK.items() for number in range(1, last + 1)]


def _in_short(text: str) -> str:
    """The first sentence of a text."""
    first, stop, _ = text.partition(". ")
    return first.rstrip(".:") + ("." if stop or first else "")


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the page is not up to date")
    arguments = parser.parse_args()
    found = entries(Bundle.load(MODEL))
    written = page(found)
    untested = [rule_id for rule_id, entry in sorted(found.items()) if not entry.tests]
    unwritten = [rule_id for rule_id, entry in sorted(found.items()) if not entry.places]
    if not arguments.check:
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_text(written, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != written:
        print("docs/rules.md is not up to date: run tools/rules_doc.py", file=sys.stderr)
        return 1
    missing = [rule_id for rule_id in rulebook() if rule_id not in found and rule_id not in NO_DECISIONS]
    both = [rule_id for rule_id in NO_DECISIONS if rule_id in found]
    complaints = {
        "has no test": untested,
        "is tested but tagged nowhere": unwritten,
        "is neither tagged in a policy nor named as no decision": missing,
        "is tagged in a policy, and so a decision": both,
        "is no rule of the rulebook": sorted({*found, *NO_DECISIONS} - set(rulebook())),
    }
    for what, rule_ids in complaints.items():
        for rule_id in rule_ids:
            print(f"{rule_id} {what}", file=sys.stderr)
    return 1 if any(complaints.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
