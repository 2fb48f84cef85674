"""The commands about callers: what the tables of the configuration come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.cli.completing import callers_of, names, rpc_names
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.printing import say
from sealauthz.cli.settings import config_option, read_config
from sealauthz.runtime.errors import did_you_mean
from sealauthz.runtime.terminal import console, show, table

if TYPE_CHECKING:
    from sealauthz.config.explaining import Access, CallerReport


@click.group()
def callers() -> None:
    """Show who may call, and what each caller may do."""


@callers.command("list")
@click.option(
    "--rpc", metavar="SERVICE/METHOD", shell_complete=names(rpc_names), help="Only those who may call this one."
)
@config_option
@output_option
def list_(*, rpc: str | None, config_file: Path | None, output: str) -> int:
    """List the callers of the configuration.

    What the columns count is shown by `sealauthz callers explain NAME`.

    \b
      sealauthz callers list --config /etc/sealauthz.toml
      sealauthz callers list --rpc FactsService/ImportFacts
    """
    from sealauthz.config.explaining import report_of
    from sealauthz.service.callers import RPCS

    config = read_config(config_file)
    reports = [report_of(config, service_model(), name) for name in sorted(config.callers)]
    if rpc is not None:
        if rpc not in RPCS:
            raise click.UsageError(f"there is no RPC `{rpc}`{did_you_mean(rpc, RPCS)}")
        reports = [report for report in reports if rpc in report.rpcs]
    if output == "json":
        print_json([_json(report) for report in reports])
        return Exit.DONE
    if not reports:
        nobody = "nobody may call it" if rpc else "the configuration names no callers, so nobody can ask"
        say(nobody, err=True)
        return Exit.DONE
    tenants = f"{service_model().units.tenant.lower()}s"
    titles = ("caller", "known by", "RPCs", tenants, "reads", "writes", "performs", "warnings")
    rows = [
        (
            report.name,
            str(len(report.known_by)),
            str(len(report.rpcs)),
            "all" if report.tenants is None else str(len(report.tenants)),
            _count(len(report.reads), "type"),
            _count(len(report.writes), "type"),
            _count(len(report.performs), "action"),
            str(len(report.warnings)) if report.warnings else "",
        )
        for report in reports
    ]
    show(console(), table(titles, rows))
    return Exit.DONE


@callers.command()
@click.argument("name", shell_complete=names(callers_of))
@config_option
@output_option
def explain(*, name: str, config_file: Path | None, output: str) -> int:
    """Say what the table of a caller comes to.

    By what it is known, what it may call, read, write and have performed, and
    about whom. Warnings name what gives nothing, such as acts
    without the RPC that performs them, and what gives more than it seems to.

    \b
      sealauthz callers explain signing-service
      sealauthz callers explain signing-service -o json
    """
    from sealauthz.config.explaining import report_of

    config = read_config(config_file)
    if name not in config.callers:
        raise Stop(f"the configuration names no caller `{name}`{did_you_mean(name, config.callers)}")
    report = report_of(config, service_model(), name)
    if output == "json":
        print_json(_json(report))
    else:
        show(console(), _page(report))
    return Exit.DONE


def _json(report: CallerReport) -> dict[str, Any]:
    return asdict(report)


def _page(report: CallerReport) -> RenderableType:
    """Lay out what a caller comes to: each kind of right under a title, and the warnings last."""
    tenants = ["every one"] if report.tenants is None else list(report.tenants)
    rate = "as fast as it likes" if report.calls_per_s is None else f"{report.calls_per_s:g} calls a second"
    sections: list[tuple[str, Iterable[str]]] = [
        ("known by", report.known_by),
        ("calls", report.rpcs),
        (f"{service_model().units.tenant.lower()}s", tenants),
        ("reads", map(_access, report.reads)),
        ("writes", map(_access, report.writes)),
        ("performs", report.performs),
        ("forwards the word of persons from", report.forwards_for),
        ("limits", [f"{report.share:.0%} of what is under way at once, {rate} in each worker"]),
        ("reasons", ["those for operators too" if report.sees_operator_reasons else "those for persons"]),
    ]
    lines: list[RenderableType] = [Text(report.name, style="bold")]
    for title, found in sections:
        listed = list(found) or ["nothing"]
        lines.append(Padding(Text(title, style="dim"), (0, 0, 0, 2)))
        lines += [Padding(Text(each), (0, 0, 0, 4)) for each in listed]
    for warning in report.warnings:
        lines.append(Text.assemble(("warning", "yellow"), f"  {warning}"))
    return Group(*lines)


def _access(access: Access) -> str:
    fields = "all fields" if access.fields is None else ", ".join(access.fields) or "the id alone"
    if not access.without:
        return f"{access.record_type}: {fields}"
    return f"{access.record_type}: {fields}; but not {', '.join(access.without)}: {access.why_not}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}" if number else "none"
