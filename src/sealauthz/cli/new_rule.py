"""The files of a rule that is about to be written: until its condition is, it denies."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sealauthz.polar import Source
from sealauthz.polar.check.contradictions import NOT_WRITTEN_YET
from sealauthz.polar.layout import formatted
from sealauthz.policytools.testing.examples import Example

TODO = "TODO"
"""Stands at each place that is still to be written."""

_SECTION = re.compile(r"^\[reasons\][ \t]*(?:#.*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NewRule:
    """What a rule is called and about: the requirement, its reason, and the action on a resource type.

    `group` are the other actions that are one act with it, as texts.
    """

    name: str
    reason: str
    action: str
    type: str
    subject: str
    stage: int
    next_step: str
    group: Sequence[str]

    @property
    def helper(self) -> str:
        """The helper that has the condition."""
        return f"meets_{self.name.lower()}"

    @property
    def variable(self) -> str:
        """What a resource is called in the rules."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.type).lower()


def polar_of(rule: NewRule) -> str:
    """The policy file."""
    subject, resource = rule.subject.lower(), rule.variable
    arguments = f"{subject}: {rule.subject}, {resource}: {rule.type}, context"
    lines = [
        f"# {TODO}: say in a sentence what {rule.name} asks for, and why.",
        f'requires("{rule.action}", _: {rule.type}, "{rule.name}");',
        "",
        f'meets({subject}: {rule.subject}, "{rule.name}", "{rule.action}", {resource}: {rule.type}, context) if',
        f"  {rule.helper}({subject}, {resource}, context);",
        "",
        f"# {TODO}: write the condition in place of the line that never holds: until then everybody is denied.",
        f"#   {rule.helper}({arguments}) if …;",
        f"{rule.helper}(_: {rule.subject}, _: {rule.type}, context) if {NOT_WRITTEN_YET};",
        "",
        f"# {TODO}: if it rests on what ends by itself (a grant, a check, a role), say when; else remove this.",
        f'#   lapses({subject}: {rule.subject}, "{rule.action}", {resource}: {rule.type}, context, at) if …;',
        "",
        f"# {TODO}: where a more exact reason can be told, tell it; else remove this.",
        f'#   because("{rule.name}", "ANOTHER_REASON", {arguments}) if …;',
        f'otherwise("{rule.name}", "{rule.reason}");',
        "",
        f"# {TODO}: its place among the reasons (the head of reasons.polar), who may see it, and the next step.",
        f'reason("{rule.reason}", {rule.stage}, "USER", "{rule.next_step}");',
    ]
    if rule.group:
        members = ", ".join(rule.group)
        others = _wrapped(f"{TODO}: `{rule.action}` is one act with {members}, which do without this.")
        how = _wrapped("If that is a way round it, ask it of the group (group_requires) and meet it for each of them.")
        lines[2:2] = [*others, *how]
    return formatted(Source(f"{rule.name.lower()}.polar", "".join(f"{line}\n" for line in lines)))


def _wrapped(text: str) -> list[str]:
    """A comment in lines of at most 120 columns."""
    lines = ["#"]
    for word in text.split():
        if len(lines[-1]) + 1 + len(word) > 120:
            lines.append("#")
        lines[-1] += f" {word}"
    return lines


def texts_of(before: str, rule: NewRule) -> str | None:
    """The file of texts with those of the reason; None where they cannot be added to what is there."""
    said = (
        f'{rule.reason}.en = "{TODO}: say why this is denied, and what the person can do."\n'
        f'{rule.reason}.zh = "{TODO}：说明被拒绝的原因和处理办法。"\n'
    )
    section = _SECTION.search(before)
    if section is None:
        text = f"{before.rstrip()}\n\n[reasons]\n{said}".lstrip()
    else:
        text = f"{before[: section.end()]}\n{said}{before[section.end() :].removeprefix(chr(10))}"
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    return text if set(table.get("reasons", {}).get(rule.reason, ())) == {"en", "zh"} else None


def tests_of(rule: NewRule, example: Example | None) -> str:
    """The file of policy tests: one case that is denied already, and one that is to be allowed."""
    if example is None:
        return (
            f"# {TODO}: no installed test allows `{rule.action}` on {rule.type}, so there was nothing to begin with.\n"
            f"# Write one that is denied with [{rule.reason}] and one that is allowed (docs/policy-tests.md).\n"
            'include: ["default:fixtures.yaml"]\ntests: []\n'
        )
    lines = [
        f"# What is asked here the installed policies allow: only {rule.name} stands in the way.",
        f'include: ["default:{example.file}"]',
        f"fixture: {_yaml(example.fixture)}",
        "",
        "tests:",
        f"  # {TODO}: facts with which {rule.name} is not met, and the name of what is true then.",
        f"  - name: {_yaml(f'{rule.name} denies who does not meet it')}",
        *_case(rule, example.case),
        f"    expect: [{rule.reason}]",
        "",
        f"  # {TODO}: facts with which it is met (`given`). This test fails until the condition is written.",
        f"  - name: {_yaml(f'{rule.name} allows who meets it')}",
        *_case(rule, example.case),
        "    expect: allow",
    ]
    return "".join(f"{line}\n" for line in lines)


def _case(rule: NewRule, case: Mapping[str, object]) -> list[str]:
    said = {
        **{key: case[key] for key in case if key != "resource"},
        "action": rule.action,
        "resource": case["resource"],
    }
    said = {"subject": said.pop("subject"), "action": said.pop("action"), "resource": said.pop("resource"), **said}
    return [f"    {key}: {_yaml(value)}" for key, value in said.items()]


def _yaml(value: object) -> str:
    """A value as YAML on one line: plain words without quotes, all else as JSON, which YAML reads."""
    if isinstance(value, str):
        return value if re.fullmatch(r"[A-Za-z][\w:-]*\w", value, re.ASCII) and ": " not in value else _json(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_yaml(key)}: {_yaml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    return _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
