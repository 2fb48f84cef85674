"""The commands that work on policies, as one group; `policy check`, `policy compile` and `policy schema` are here."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.policy_attack import policy_attack
from sealauthz.cli.policy_diff import policy_diff
from sealauthz.cli.policy_test import policy_mutate, policy_test
from sealauthz.cli.settings import bundle_cache
from sealauthz.errors import did_you_mean

if TYPE_CHECKING:
    from sealauthz.decision import Bundle
    from sealauthz.decision.inspection import Inspection
    from sealauthz.decision.signoffs import Accepted
    from sealauthz.polar.check import Diagnostic
    from sealauthz.polar.groups import Exemption

_HEAD = re.compile(r"def (?:r\d+_)+(\w+?)(?:_(?:part|either))*\(", re.ASCII)
"""The head of a function that the compiler made, with the name of its rule."""

folder_argument = click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)


@click.group()
def policy() -> None:
    """Work with policies."""


policy.add_command(policy_test)
policy.add_command(policy_mutate)
policy.add_command(policy_diff)
policy.add_command(policy_attack)


@policy.command("check")
@folder_argument
@click.option("--strict", is_flag=True, help="Count every warning as an error, as in CI.")
@output_option
def policy_check(*, folder: Path | None, strict: bool, output: str) -> int:
    """Tell everything that is wrong with the policies in FOLDER.

    Without FOLDER, those installed with sealauthz, which are the ones that
    `sealauthz serve` serves. Errors keep a bundle from being served: exits
    with 1. Warnings do not: exits with 0, unless --strict makes them errors.
    JSON is a list of diagnostics; one with the severity "accepted" is signed
    off in bundle.toml, and its hint says who agreed. One with the severity
    "exempt" is a requirement of a group that an action leaves out, written in a
    file of FOLDER, and its hint says why.

    \b
      sealauthz policy check --strict policies/
      sealauthz policy check -o json | jq '.[] | select(.severity == "error")'
    """
    from sealauthz.decision.inspection import inspect

    found = inspect(service_model(), folder, bundle_cache())
    if output == "json":
        accepted = found.bundle.accepted if found.bundle is not None else ()
        diagnostics = [_as_json(diagnostic, is_strict=strict) for diagnostic in found.diagnostics]
        print_json([*diagnostics, *map(_exempt_as_json, found.exemptions), *map(_accepted_as_json, accepted)])
    else:
        for diagnostic in found.diagnostics:
            click.echo(f"{_as_text(found, diagnostic, is_strict=strict)}\n")
        for exemption in found.exemptions:
            click.echo(f"{exemption.place}: exempt: {exemption}\n     {exemption.reason}\n")
        for each in found.bundle.accepted if found.bundle is not None else ():
            click.echo(f"bundle.toml: accepted: `{each.name}`: {each.what}\n     {each.why}\n")
        click.echo(_summary(found, is_strict=strict))
    is_refused = found.bundle is None or (strict and bool(found.diagnostics))
    return Exit.REFUSED if is_refused else Exit.DONE


@policy.command("compile")
@folder_argument
@click.option("--show", is_flag=True, help="Print the Python, with comments that name the lines of the policies.")
@click.option("--rule", metavar="NAME", help="Print the Python of one rule only.")
def policy_compile(*, folder: Path | None, show: bool, rule: str | None) -> int:
    """Compile the policies in FOLDER to Python, as serving them does.

    Without FOLDER, those installed with sealauthz. Each rule becomes one
    function for each pattern in which it is called, so one rule may have
    several.

    \b
      sealauthz policy compile policies/
      sealauthz policy compile --rule live_grant
    """
    from sealauthz.decision.bundle import Bundle
    from sealauthz.decision.questions import questions_of

    start = time.perf_counter()
    bundle = Bundle.load(service_model(), folder)  # from no cache: that would be neither checked nor compiled
    seconds = time.perf_counter() - start
    functions = _functions(bundle)
    if rule is not None:
        named = {name for name, _ in functions}
        if rule not in named:
            raise Stop(f"no function was made of a rule `{rule}`{did_you_mean(rule, named)}")
        functions = [function for function in functions if function[0] == rule]
    if show or rule is not None:
        click.echo("\n\n\n".join(text for _, text in functions))
        return Exit.DONE
    rules = sum(map(len, bundle.rulebook.rules.values()))
    questions = sum(1 for _ in questions_of(service_model(), bundle.rulebook))
    lines = sum(len(text.splitlines()) for _, text in functions)
    click.echo(
        f"policy {bundle.version}: {rules} rules became {len(functions)} functions with {lines} lines,\n"
        f"for {questions} kinds of questions, in {seconds:.2f} s (parsed, checked and compiled)"
    )
    return Exit.DONE


@policy.command("schema")
@folder_argument
def policy_schema(*, folder: Path | None) -> None:
    """Print the JSON Schema of policy tests.

    With FOLDER, it also suggests the actions, reasons, next steps and rules that
    the policies in it know. An editor that speaks YAML uses the file that a
    comment at the top of the tests names:

    \b
      sealauthz policy schema policies/ > policies/tests/.schema.json
      # yaml-language-server: $schema=.schema.json
    """
    from sealauthz.policytest.form import json_schema

    model = service_model()
    if folder is None:
        print_json(json_schema(model))
        return
    from sealauthz.decision import Bundle
    from sealauthz.policytest.loading import Vocabulary

    bundle = Bundle.load(model, folder, cache=bundle_cache())
    print_json(json_schema(model, Vocabulary(bundle).suggestions()))


def _functions(bundle: Bundle) -> list[tuple[str, str]]:
    """The functions that were compiled, each with the name of its rule."""
    from sealauthz.decision.questions import questions_of
    from sealauthz.polar.engine import CompiledEngine

    if not isinstance(bundle.engine, CompiledEngine):
        raise TypeError("only the compiled engine has functions")
    for rule, *arguments in questions_of(service_model(), bundle.rulebook):
        bundle.engine.prepare(rule, *arguments)  # nothing is left to do where the load compiled all
    found = []
    for text in bundle.engine.show().strip("\n").split("\n\n\n"):
        head = _HEAD.match(text)
        found.append((head[1] if head else "", text))
    return found


def _as_text(inspection: Inspection, diagnostic: Diagnostic, *, is_strict: bool) -> str:
    severity = _severity(diagnostic, is_strict=is_strict)
    colour = "red" if severity == "error" else "yellow"
    place = ":".join(
        str(part) for part in (diagnostic.place.file, diagnostic.place.line, diagnostic.place.column) if part
    )
    label = click.style(f"{severity}:", fg=colour, bold=True)
    lenient = "" if severity == diagnostic.severity else f", a {diagnostic.severity} without --strict"
    lines = [f"{f'{place}: ' if place else ''}{label} {diagnostic.message} [{diagnostic.code}{lenient}]"]
    lines += inspection.excerpt(diagnostic).splitlines()
    if diagnostic.hint:
        lines.append(f"     {diagnostic.hint}")
    return "\n".join(lines)


def _as_json(diagnostic: Diagnostic, *, is_strict: bool) -> dict[str, Any]:
    return {
        "severity": _severity(diagnostic, is_strict=is_strict),
        "code": diagnostic.code,
        "file": diagnostic.place.file,
        "line": diagnostic.place.line,
        "column": diagnostic.place.column,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    }


def _exempt_as_json(exemption: Exemption) -> dict[str, Any]:
    return {
        "severity": "exempt",
        "code": "group",
        "file": exemption.place.file,
        "line": exemption.place.line,
        "column": exemption.place.column,
        "message": str(exemption),
        "hint": exemption.reason,
    }


def _accepted_as_json(accepted: Accepted) -> dict[str, Any]:
    return {
        "severity": "accepted",
        "code": "signoff",
        "file": "bundle.toml",
        "line": 0,
        "column": 0,
        "message": f"`{accepted.name}`: {accepted.what}",
        "hint": accepted.why,
    }


def _severity(diagnostic: Diagnostic, *, is_strict: bool) -> str:
    """What a diagnostic counts as: under `--strict` a warning is an error."""
    return "error" if is_strict else str(diagnostic.severity)


def _summary(inspection: Inspection, *, is_strict: bool) -> str:
    counted = Counter(str(diagnostic.severity) for diagnostic in inspection.diagnostics)
    lenient = counted["warning"] if is_strict else 0
    if lenient:
        counted = Counter(error=counted.total())
    said = ", ".join(
        f"{counted[name]} {name}{'s' * (counted[name] > 1)}" for name in ("error", "warning") if counted[name]
    )
    if lenient:
        are = "is a warning" if lenient == 1 else "are warnings"
        said += f", {lenient} of which {are} without --strict"
    bundle = inspection.bundle
    if bundle is None or lenient:
        return f"refused: {said}"
    counts = {
        "files": len(bundle.sources),
        "rules": sum(len(rules) for rules in bundle.rulebook.rules.values()),
        "resource types": len(bundle.rulebook.resource_types),
        "actions": len(bundle.rulebook.requirements),
        "reasons": len(bundle.rulebook.reasons),
    }
    held = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"ok: policy {bundle.version}, {held}" + (f"; {said}" if said else "")
