"""The commands that ask: `check`, `explain`, `actions`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from sealauthz.cli.answer_source import Where, answer_source, where_options
from sealauthz.cli.app import Exit
from sealauthz.cli.output import decision_json, explanation_json, output_option, print_json
from sealauthz.client import NEWEST
from sealauthz.terminal import actions_table, console, decision_page, explanation_page, show

F = TypeVar("F", bound=Callable[..., Any])

REFERENCE = re.compile(r"[A-Za-z]\w*:.+", re.ASCII | re.DOTALL)


class Reference(click.ParamType[str]):
    """`TYPE:ID`, the name of a record."""

    name = "TYPE:ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check the form; the answer says whether there is such a record."""
        if not REFERENCE.fullmatch(str(value)):
            self.fail(f"`{value}` is not a reference: write TYPE:ID, as in Person:p-lin", param, ctx)
        return str(value)


class ContextEntry(click.ParamType[tuple[str, str]]):
    """`key=value`, a part of the context."""

    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Split at the first `=`."""
        key, equals, text = str(value).partition("=")
        if not equals or not key:
            self.fail(f"`{value}` must be KEY=VALUE, as in task=task-paper", param, ctx)
        return key, text


def question_arguments(command: F) -> F:
    """Add subject, action, resource and context."""
    for part in (
        context_option,
        click.argument("resource", type=Reference()),
        click.argument("action"),
        click.argument("subject", type=Reference()),
    ):
        command = part(command)
    return command


def context_option(command: F) -> F:
    """Add `--context KEY=VALUE`, any number of times."""
    option = click.option(
        "-c",
        "--context",
        type=ContextEntry(),
        multiple=True,
        help="Context of the question, such as the task; may be repeated.",
    )
    return option(command)


@click.command()
@question_arguments
@where_options
@output_option
def check(
    *, subject: str, action: str, resource: str, context: tuple[tuple[str, str], ...], where: Where, output: str
) -> int:
    """May SUBJECT do ACTION to RESOURCE?

    Exits with 0 if allowed and with 1 if denied. A deny says why, and what to
    do about it. Decides in this process, on the database of the configuration,
    unless --server or SEALAUTHZ_ADDRESS names a server.

    \b
      sealauthz check Person:p-lin join Enterprise:e-yunshan
      sealauthz check Person:p-lin use Seal:seal-official -c task=task-paper
      SEALAUTHZ_TOKEN=… sealauthz check Person:p-lin join Enterprise:e-yunshan \\
        --server 127.0.0.1:8443 --insecure
    """
    with answer_source(where) as source:
        decision = source.authorize(
            subject, action, resource, as_mapping(context), language=where.language or "", consistency=NEWEST
        )
    if output == "json":
        print_json(decision_json(decision))
    else:
        show(console(), decision_page(f"{subject} {action} {resource}", decision))
    return Exit.DONE if decision else Exit.REFUSED


@click.command()
@question_arguments
@where_options
@output_option
def explain(
    *, subject: str, action: str, resource: str, context: tuple[tuple[str, str], ...], where: Where, output: str
) -> int:
    """Why may SUBJECT do ACTION to RESOURCE, or why not?

    Answers like `check`, then lists every requirement of the action: met,
    waived or unmet, with the rules (file:line) that say so. For each rule that
    did not hold it shows the condition that stopped it, with the values it
    compared. Exits with 0 whatever the answer is.

    \b
      sealauthz explain Person:p-lin use Seal:seal-official -c task=task-paper
    """
    with answer_source(where) as source:
        explanation = source.explain(
            subject, action, resource, as_mapping(context), language=where.language or "", consistency=NEWEST
        )
    if output == "json":
        print_json(explanation_json(explanation))
    else:
        show(console(), explanation_page(f"{subject} {action} {resource}", explanation))
    return Exit.DONE


@click.command()
@click.argument("subject", type=Reference())
@click.argument("resource", type=Reference())
@context_option
@where_options
@output_option
def actions(*, subject: str, resource: str, context: tuple[tuple[str, str], ...], where: Where, output: str) -> int:
    """What may SUBJECT do to RESOURCE?

    Answers for every action that the policies know for the resource's type.
    Exits with 0 whatever the answers are.

    \b
      sealauthz actions Person:p-zhou Seal:seal-official -c task=task-cartons
    """
    with answer_source(where) as source:
        decisions = source.list_actions(
            subject, resource, as_mapping(context), language=where.language or "", consistency=NEWEST
        )
    if output == "json":
        print_json({action: decision_json(decision) for action, decision in decisions.items()})
    else:
        show(console(), actions_table(decisions))
    return Exit.DONE


def as_mapping(context: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return the context as given. Raises UsageError for a key given twice."""
    made = dict(context)
    if len(made) != len(context):
        raise click.UsageError("--context names a key twice")
    return made
