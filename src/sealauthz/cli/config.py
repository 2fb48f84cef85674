"""The commands on the configuration: what is wrong with it, and what counts."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from sealauthz.cli.app import Exit, service_model
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.printing import say
from sealauthz.cli.settings import config_option, insecure_option, read_config
from sealauthz.runtime.errors import ConfigRefused
from sealauthz.runtime.terminal import console, show, table


@click.group("config")
def config_() -> None:
    """Check the configuration, and show what counts."""


@config_.command()
@config_option
@insecure_option
@output_option
def check(*, config_file: Path | None, insecure: bool, output: str) -> int:
    """Report all that keeps the service from starting with this configuration.

    The file and the variables, each with its line or its name: unknown
    settings with the one that may have been meant, values out of range,
    callers and issuers, and the files that are named: certificates and keys.
    Exits with 2 if there is anything. `sealauthz doctor` looks at the
    database and the policies, too.

    \b
      sealauthz config check --config /etc/sealauthz.toml
      sealauthz config check --insecure
      sealauthz config check -o json | jq -r '.[].message'
    """
    from sealauthz.cli.preconditions import unmet
    from sealauthz.config import Problem, file_of, read

    problems: list[Problem] = []
    try:
        config = read_config(config_file)
        found = read(os.environ, config_file)
        needed = unmet(config, config.database.whole_url, insecure=insecure)
        problems = [found.problem_at(place, message) for place, message in needed]
    except ConfigRefused as refused:
        try:
            found = read(os.environ, config_file)
            found.config(service_model())
            problems = found.problems or [Problem(str(refused))]
        except ConfigRefused as error:  # no file, or no TOML
            problems = [Problem(str(error), str(file_of(os.environ, config_file) or ""))]
    if output == "json":
        print_json([asdict(problem) for problem in problems])
        return Exit.WRONG_USE if problems else Exit.DONE
    for problem in problems:
        place = problem.variable or (f"{problem.file}:{problem.line}" if problem.line else "")
        say(f"{place}: {problem.message}" if place else problem.message)
    if not problems:
        file = file_of(os.environ, config_file)
        say(f"ok: {f'`{file}`' if file else 'no file, the defaults and the variables'}")
    return Exit.WRONG_USE if problems else Exit.DONE


@config_.command("show")
@config_option
@click.option("--set", "is_set", is_flag=True, help="Only what the file or a variable sets.")
@output_option
def config_show(*, config_file: Path | None, is_set: bool, output: str) -> int:
    """Show every setting with its value and where it came from.

    From a line of the file, a variable, or by default. Passwords are masked,
    and of the digests of tokens the beginning is shown.

    \b
      sealauthz config show --config /etc/sealauthz.toml
      sealauthz config show --set
      sealauthz config show -o json | jq '.[] | select(.source == "variable")'
    """
    from sealauthz.config import read
    from sealauthz.config.showing import settings_of

    config = read_config(config_file)
    found = [
        each for each in settings_of(config, read(os.environ, config_file)) if each.source != "default" or not is_set
    ]
    if output == "json":
        print_json([asdict(setting) for setting in found])
        return Exit.DONE
    rows = [
        (setting.name, json.dumps(setting.value, ensure_ascii=False), setting.where or "default") for setting in found
    ]
    show(console(), table(("setting", "value", "from"), rows))
    return Exit.DONE
