"""`audit rules`: the rules that proved a logged decision, found by deciding it again."""

from __future__ import annotations

from pathlib import Path

import click

from sealauthz.audit.as_of import Moment
from sealauthz.audit.log import Log
from sealauthz.audit.replay import check_policies, is_the_same, question_of
from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.past import past_json, past_of, past_page
from sealauthz.cli.settings import store_options
from sealauthz.decision import RequestOptions
from sealauthz.runtime.terminal import console, show


@click.command("rules")
@click.argument("which", metavar="ID|NUMBER")
@click.option(
    "--policies",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="A folder that decided, where its policies were never activated.",
)
@store_options
@output_option
def audit_rules(
    *, which: str, policies: Path | None, config_file: Path | None, database: str | None, output: str
) -> int:
    """Tell the rules that proved a logged decision: file, line and tag.

    A record holds no rules: its policies, its revision and its time determine
    them. So it is decided again, and the rules are told only if that gives the
    logged answer. Exits with 1 if it does not, and with 3 where it cannot be
    decided again.

    \b
      sealauthz audit rules 4711
    """
    with past_of(config_file, database, policies) as (store, as_of, _):
        log = Log(store)
        entry = log.entry_at(int(which)) if which.isascii() and which.isdecimal() else log.entry(which)
        if entry is None:
            raise Stop(f"the log has no record `{which}`: it may wait for its place (`audit sequence`)", Exit.REFUSED)
        content = entry.content
        if "subject" not in content or "policy" not in content or content.get("effect") == "LIST":
            raise Stop("the record is not of one decision", Exit.REFUSED)
        question = question_of(store.model, content)
        check_policies(as_of, content)
        moment = Moment(content.get("revision", 0), content["at"])
        options = RequestOptions(caller=content.get("caller", ""))
        found = as_of.decide(question, moment, options, content["policy"], content.get("timeline", ""))
    if not is_the_same(content, found.decision):
        raise Stop("deciding it again gives another answer: see `sealauthz audit replay`", Exit.REFUSED)
    if output == "json":
        print_json(past_json(found.answer()))
    else:
        show(console(), past_page(f"{question.subject} {question.action} {question.resource}", found.answer()))
    return Exit.DONE
