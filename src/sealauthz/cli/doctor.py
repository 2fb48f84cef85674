"""The command `doctor`: looks at an installation, and says what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sealauthz.cli.app import Exit, service_model
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.settings import bundle_cache, database_url, insecure_option, read_config, store_options
from sealauthz.runtime.terminal import console, show

if TYPE_CHECKING:
    from sealauthz.ops.doctor import Finding

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}
_EXIT_OF = {"ok": Exit.DONE, "warning": Exit.REFUSED, "problem": Exit.WRONG_USE}


@click.command()
@click.option(
    "--sync",
    "syncs",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    metavar="MAPPING",
    help="Look at what the sync of this mapping left, too; may be repeated.",
)
@store_options
@insecure_option
@output_option
def doctor(
    *, syncs: tuple[Path, ...], config_file: Path | None, database: str | None, insecure: bool, output: str
) -> int:
    """Look at everything that serving needs, and say what to do.

    All that keeps `serve` from starting, callers, keys and who may read them,
    certificates and their end, keys that issuers publish, metrics and the
    collector of traces, policies, the database with its schema and its clock,
    disk, activated policies, the processes that serve, announcements of new
    revisions, imports that stand still, the log of decisions and where its
    checkpoints go, and syncs. Each line is ok, a warning or a problem, and what to do follows an arrow.

    It changes nothing, sends no checkpoint and prints no secret. Each look has a time limit, and
    one that fails keeps no other from being taken. Run it as the user of the
    service, on its machine.

    \b
    Exit codes of this command:
      0  all is well
      1  there are warnings: it works, and something will be in the way
      2  there are problems, a configuration that cannot be used among them

    \b
      sealauthz doctor --config /etc/sealauthz.toml --sync hr.toml
      sealauthz doctor -o json | jq '.[] | select(.level != "ok")'
    """
    found = []
    for finding in _findings(config_file, database, syncs, insecure=insecure):
        found.append(finding)
        if output == "table":
            show(console(), _line(finding))
    if output == "json":
        print_json([asdict(finding) for finding in found])
    return max(_EXIT_OF[finding.level] for finding in found)


def _findings(
    config_file: Path | None, database: str | None, syncs: tuple[Path, ...], *, insecure: bool
) -> Iterator[Finding]:
    # Here, because these take a second to load.
    from sealauthz.cli.preconditions import unmet
    from sealauthz.config import CONFIG_FILE, Config
    from sealauthz.facts.store.engine import parse
    from sealauthz.ops.doctor import Check, Level, examine, run

    named = config_file or (Path(os.environ[CONFIG_FILE]) if os.environ.get(CONFIG_FILE) else None)
    context, read = click.get_current_context(), list[tuple[Config, str]]()

    def look() -> Iterator[tuple[Level, str, str]]:
        # The database says which model the rest is read for, so that this has a time limit as well.
        with context.scope(cleanup=False):
            config = read_config(config_file, database)
            url = database_url(config, database)
            parse(url)
            read.append((config, url))
            for _, problem in unmet(config, url, insecure=insecure):
                yield Level.PROBLEM, problem, "`serve` does not start: correct the setting"
        yield Level.OK, f"`{named}`" if named else "no file: the defaults and the variables", ""

    for finding in run(Check("configuration", look)):
        is_wrong = finding.level is Level.PROBLEM and not finding.todo
        yield replace(finding, todo="`sealauthz config check` shows all that is wrong") if is_wrong else finding
    for config, url in read:
        yield from examine(config, service_model(), url, named, bundle_cache(), syncs)


def _line(finding: Finding) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=7)
    grid.add_column(width=13)
    grid.add_column(overflow="fold")
    what = Text(finding.what)
    if finding.todo:
        what.append(f"\n→ {finding.todo}", style="cyan")
    grid.add_row(Text(finding.level, style=_STYLES[finding.level]), Text(finding.area), what)
    return grid
