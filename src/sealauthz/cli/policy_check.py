"""The command `policy check`: everything that is wrong with policies, for people, for programs and for code hosts."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sealauthz.cli.app import Exit, service_model
from sealauthz.cli.findings import Finding, findings_of, severity_of
from sealauthz.cli.output import print_json
from sealauthz.cli.printing import say
from sealauthz.cli.settings import bundle_cache, on_policies
from sealauthz.runtime.errors import BundleRefused

if TYPE_CHECKING:
    from sealauthz.decision.inspection import Inspection
    from sealauthz.polar.check import Diagnostic

folder_argument = click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)


@click.command("check")
@folder_argument
@click.option("--strict", is_flag=True, help="Count every warning as an error, as in CI.")
@click.option(
    "--facts",
    "facts",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Look the ids up that the policies name, in an export of `sealauthz facts export`.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "sarif"]),
    default="table",
    show_default=True,
    help="For people, for programs, or for editors and code hosts.",
)
def policy_check(*, folder: Path | None, strict: bool, facts: Path | None, output: str) -> int:
    """Tell everything that is wrong with the policies in FOLDER.

    Without FOLDER, those installed with sealauthz, which are the ones that
    `sealauthz serve` serves. Errors keep a bundle from being served: exits
    with 1. Warnings do not: exits with 0, unless --strict makes them errors.

    JSON is a list of findings; docs/policy-ci.md says what each holds. One
    with the severity "accepted" is signed off in bundle.toml, and its hint
    says who agreed. One with the severity "exempt" is a requirement of a group
    that an action leaves out, written in a file of FOLDER, and its hint says
    why.

    SARIF 2.1.0 has the same for editors and code hosts, which show each
    finding at its place. Its paths begin at the working directory, so run it
    at the top of the repository.

    With --facts, an id that a rule compares with that of a record, such as
    "e-acme" in `enterprise.id = "e-acme"`, is looked up among the facts, and
    one that is not there is a warning.

    \b
      sealauthz policy check --strict policies/
      sealauthz policy check policies/ --facts export.jsonl
      sealauthz policy check -o json | jq '.[] | select(.severity == "error")'
      sealauthz policy check -o sarif policies/ > policies.sarif
    """
    from sealauthz.decision.inspection import inspect

    with suppress(BundleRefused):  # what is wrong in `model.toml` is among what is found
        on_policies(folder)
    found = inspect(service_model(), folder, bundle_cache())
    if facts is not None:
        from sealauthz.cli.known_ids import with_unknown_ids

        found = with_unknown_ids(found, facts)
    is_refused = found.bundle is None or (strict and bool(found.diagnostics))
    if output == "table":
        _print(found, is_strict=strict)
        return Exit.REFUSED if is_refused else Exit.DONE
    findings = list(findings_of(found, is_strict=strict))
    if output == "json":
        print_json([_as_json(finding) for finding in findings])
    else:
        from sealauthz.cli.sarif import sarif_of

        print_json(sarif_of(findings, folder, Path.cwd()))
    return Exit.REFUSED if is_refused else Exit.DONE


def _as_json(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in Finding.__slots__}


def _print(inspection: Inspection, *, is_strict: bool) -> None:
    for diagnostic in inspection.diagnostics:
        say(f"{_as_text(inspection, diagnostic, is_strict=is_strict)}\n")
    for exemption in inspection.exemptions:
        say(f"{exemption.place}: exempt: {exemption}\n     {exemption.reason}\n")
    for each in inspection.bundle.accepted if inspection.bundle is not None else ():
        say(f"bundle.toml: accepted: `{each.name}`: {each.what}\n     {each.why}\n")
    say(_summary(inspection, is_strict=is_strict))


def _as_text(inspection: Inspection, diagnostic: Diagnostic, *, is_strict: bool) -> str:
    severity = severity_of(diagnostic, is_strict=is_strict)
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
