"""The commands that ask: `check`, `explain`, `actions`, `list`."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click
from rich.console import RenderableType

from sealauthz.cli.answer_source import Where, answer_source, where_options
from sealauthz.cli.app import Exit
from sealauthz.cli.completing import action_names, names, references, resource_types, subject_types
from sealauthz.cli.moments import When, at_option
from sealauthz.cli.output import (
    conditional_json,
    conditional_list_json,
    decision_json,
    explanation_json,
    list_json,
    output_option,
    print_json,
)
from sealauthz.runtime.terminal import (
    actions_table,
    conditional_items,
    conditional_page,
    console,
    decision_page,
    explanation_page,
    list_page,
    show,
)
from sealauthz_client.answers import ConditionalPage, ListPage

if TYPE_CHECKING:
    from sealauthz_client import ContextValue

F = TypeVar("F", bound=Callable[..., Any])

_REFERENCE = re.compile(r"[A-Za-z]\w*:.+", re.ASCII | re.DOTALL)
_MAX_PAGE_SIZE = 1_000


class Reference(click.ParamType[str]):
    """`TYPE:ID`, the name of a record."""

    name = "TYPE:ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check the form; the answer says whether there is such a record."""
        if not _REFERENCE.fullmatch(str(value)):
            self.fail(f"`{value}` is not a reference: write TYPE:ID, as in Person:p-lin", param, ctx)
        return str(value)


GivenContext: TypeAlias = "tuple[tuple[str, ContextValue], ...]"
"""The context of a question as options give it."""


class ContextEntry(click.ParamType["tuple[str, ContextValue]"]):
    """`key=value`, a part of the context; or `key:=value` for what is a number, `true`, `false` or an instant."""

    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ContextValue]:
        """Split at the first `=`."""
        key, equals, text = str(value).partition("=")
        if not equals or not key.removesuffix(":"):
            self.fail(f"`{value}` must be KEY=VALUE, as in task=task-paper", param, ctx)
        if not key.endswith(":"):
            return key, text
        plain = _plain_value(text)
        if plain is None:
            said = "must be a whole number, `true`, `false`, or an instant as 2026-03-02T09:00:00+08:00"
            self.fail(f"`{value}`: `{text}` {said}", param, ctx)
        return key.removesuffix(":"), plain


def _plain_value(text: str) -> ContextValue | None:
    """Read a value that is no text; None where it is none."""
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
        return int(text)
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment


context_option = click.option(
    "-c",
    "--context",
    type=ContextEntry(),
    multiple=True,
    help="Context of the question, such as the task; may be repeated. KEY:=VALUE where it is no text.",
)


except_option = click.option(
    "--except",
    "exceptions",
    metavar="REQUIREMENT",
    multiple=True,
    help="List what lacks no more than this requirement, such as FRESH_FACE; may be repeated. Permits nothing.",
)


def question_arguments(command: F) -> F:
    """Add subject, action, resource and context."""
    subject, resource = (
        click.argument("subject", type=Reference(), shell_complete=references(subject_types)),
        click.argument("resource", type=Reference(), shell_complete=references(resource_types)),
    )
    return subject(click.argument("action", shell_complete=names(action_names))(resource(context_option(command))))


@click.command()
@question_arguments
@at_option
@click.option("--policy-version", default="", metavar="VERSION", help="With --at: by these policies.")
@where_options
@output_option
def check(
    *,
    subject: str,
    action: str,
    resource: str,
    context: GivenContext,
    at: When | None,
    policy_version: str,
    where: Where,
    output: str,
) -> int:
    """May SUBJECT do ACTION to RESOURCE?

    Exits with 0 if allowed and with 1 if denied. A deny says why, and what to
    do about it. Decides in this process, on the database of the configuration,
    unless --server or SEALAUTHZ_ADDRESS names a server.

    With --at it decides as of the past, by the facts, the policies and the
    clock of then, and tells the rules that proved it. Exits with 3 where that
    cannot be told for sure: the history is pruned, the policies are not kept.

    \b
      sealauthz check Person:p-lin join Enterprise:e-yunshan
      sealauthz check Person:p-lin use Seal:seal-official -c task=task-paper
      SEALAUTHZ_TOKEN=… sealauthz check Person:p-lin join Enterprise:e-yunshan \\
        --server 127.0.0.1:8443 --insecure
      sealauthz check Person:p-lin use Seal:seal-official \\
        --at 2026-03-02T09:00:00+08:00
    """
    if at is not None:
        # Here, because few commands look back.
        from sealauthz.cli.past import decide_as_of, past_json, past_page

        past = decide_as_of(where, (subject, action, resource), as_mapping(context), at, policy_version)
        print_answer(output, past_json(past), past_page(f"{subject} {action} {resource}", past))
        return Exit.DONE if past.effect == "ALLOW" else Exit.REFUSED
    if policy_version:
        raise click.UsageError("--policy-version needs --at")
    with answer_source(where) as source:
        decision = source.authorize(
            subject, action, resource, as_mapping(context), language=where.language or "", consistency=where.consistency
        )
    print_answer(output, decision_json(decision), decision_page(f"{subject} {action} {resource}", decision))
    return Exit.DONE if decision else Exit.REFUSED


@click.command()
@question_arguments
@click.option("--unmet", is_flag=True, help="Show what stands in the way only, not what is met or waived.")
@where_options
@output_option
def explain(
    *,
    subject: str,
    action: str,
    resource: str,
    context: GivenContext,
    unmet: bool,
    where: Where,
    output: str,
) -> int:
    """Why may SUBJECT do ACTION to RESOURCE, or why not?

    Answers like `check`, then lists every requirement of the action: met,
    waived or unmet, with the rules (file:line) that say so. For each rule that
    did not hold it shows the condition that stopped it, with the values it
    compared. Exits with 0 whatever the answer is.

    \b
      sealauthz explain Person:p-lin use Seal:seal-official -c task=task-paper
      sealauthz explain --unmet Person:p-lin use Seal:seal-official
    """
    with answer_source(where) as source:
        explanation = source.explain(
            subject, action, resource, as_mapping(context), language=where.language or "", consistency=where.consistency
        )
    title = "requirements of the action"
    if unmet:
        in_the_way = tuple(outcome for outcome in explanation.requirements if outcome.standing == "UNMET")
        explanation = dataclasses.replace(explanation, requirements=in_the_way)
        title = "requirements that are not met"
    page = explanation_page(f"{subject} {action} {resource}", explanation, title)
    print_answer(output, explanation_json(explanation), page)
    return Exit.DONE


@click.command()
@click.argument("subject", type=Reference(), shell_complete=references(subject_types))
@click.argument("resource", type=Reference(), shell_complete=references(resource_types))
@context_option
@except_option
@where_options
@output_option
def actions(
    *,
    subject: str,
    resource: str,
    context: GivenContext,
    exceptions: tuple[str, ...],
    where: Where,
    output: str,
) -> int:
    """What may SUBJECT do to RESOURCE?

    Answers for every action that the policies know for the resource's type.
    With --except it lists the actions that are allowed, or would be if these
    requirements alone were met. Exits with 0 whatever the answers are.

    \b
      sealauthz actions Person:p-zhou Seal:seal-official -c task=task-cartons
      sealauthz actions Person:p-zhou Seal:seal-official --except FRESH_FACE \\
        -c task=task-cartons
    """
    if exceptions:
        _refuse_language(where)
        with answer_source(where) as source:
            items = source.list_actions_except(
                subject, resource, exceptions, as_mapping(context), consistency=where.consistency
            )
        as_conditional = {"except_requirements": sorted(set(exceptions)), "conditional": conditional_json(items)}
        print_answer(output, as_conditional, conditional_items(exceptions, items))
        return Exit.DONE
    with answer_source(where) as source:
        decisions = source.list_actions(
            subject, resource, as_mapping(context), language=where.language or "", consistency=where.consistency
        )
    as_json = {action: decision_json(decision) for action, decision in decisions.items()}
    print_answer(output, as_json, actions_table(decisions))
    return Exit.DONE


@click.command("list")
@click.argument("subject", shell_complete=references(subject_types))
@click.argument("action", shell_complete=names(action_names))
@click.argument("resource", shell_complete=references(resource_types))
@context_option
@except_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N of them. [default: all]")
@where_options
@output_option
def list_(
    *,
    subject: str,
    action: str,
    resource: str,
    context: GivenContext,
    exceptions: tuple[str, ...],
    limit: int | None,
    where: Where,
    output: str,
) -> int:
    """On which RESOURCE may SUBJECT do ACTION, or who may do it to RESOURCE?

    Written like `check`, but one of the two ids is left out: the type alone
    asks for all of that type. Lists exactly those that `check` would allow,
    in the order of their ids, and says whether these are all. Exits with 0
    whatever is found, and with 3 if facts or policies changed meanwhile.

    With --except it also lists what would be allowed if these requirements
    alone were met, each with those that it still needs: the seals that a
    person could use, before the face is shown. None of that is permitted yet.

    \b
      sealauthz list Person:p-zhou use Seal -c task=task-cartons
      sealauthz list Person:p-zhou use Seal -c task=task-cartons \\
        --except FRESH_FACE
      sealauthz list Person join Enterprise:e-yunshan
    """
    _refuse_language(where)
    is_of_resources, names_resource = (_REFERENCE.fullmatch(text) is not None for text in (subject, resource))
    if is_of_resources == names_resource:
        raise click.UsageError("write one of SUBJECT and RESOURCE as TYPE:ID, and of the other the TYPE alone")
    size = min(limit or _MAX_PAGE_SIZE, _MAX_PAGE_SIZE)
    question = f"{subject} {action} {resource}"
    with answer_source(where) as source:
        if exceptions:
            ask_but_for = source.resource_pages_except if is_of_resources else source.subject_pages_except
            conditional = ask_but_for(
                subject,
                action,
                resource,
                exceptions,
                as_mapping(context),
                page_size=size,
                consistency=where.consistency,
            )
            would_be = _taken_but_for(conditional, limit)
        else:
            ask = source.resource_pages if is_of_resources else source.subject_pages
            found = _taken(
                ask(subject, action, resource, as_mapping(context), page_size=size, consistency=where.consistency),
                limit,
            )
    if exceptions:
        print_answer(output, conditional_list_json(would_be), conditional_page(question, would_be))
    else:
        print_answer(output, list_json(found), list_page(question, found))
    return Exit.DONE


def _refuse_language(where: Where) -> None:
    """Raise UsageError for a language where there is nothing to say in it."""
    if where.language:
        raise click.UsageError("--language adds texts to answers, and a list has none")


def print_answer(output: str, as_json: object, page: RenderableType) -> None:
    """Print an answer, for programs or for people."""
    if output == "json":
        print_json(as_json)
    else:
        show(console(), page)


def _taken(pages: Iterator[ListPage], limit: int | None) -> ListPage:
    """Bring the pages together, up to the limit."""
    found = next(pages)
    while not found.is_complete and (limit is None or len(found.ids) < limit):
        page = next(pages)
        valid_until = min(found.valid_until, page.valid_until) if page.ids else found.valid_until
        ids = (*found.ids, *page.ids)
        found = dataclasses.replace(found, ids=ids, is_complete=page.is_complete, valid_until=valid_until)
    if limit is not None and len(found.ids) > limit:
        return dataclasses.replace(found, ids=found.ids[:limit], is_complete=False)
    return found


def _taken_but_for(pages: Iterator[ConditionalPage], limit: int | None) -> ConditionalPage:
    """Bring the pages of a list that excepts requirements together, up to the limit."""
    found = next(pages)
    while not found.is_complete and (limit is None or len(found.items) < limit):
        page = next(pages)
        valid_until = min(found.valid_until, page.valid_until) if page.items else found.valid_until
        items = (*found.items, *page.items)
        found = dataclasses.replace(found, items=items, is_complete=page.is_complete, valid_until=valid_until)
    if limit is not None and len(found.items) > limit:
        return dataclasses.replace(found, items=found.items[:limit], is_complete=False)
    return found


def as_mapping(context: GivenContext) -> dict[str, ContextValue]:
    """Return the context as given. Raises UsageError for a key given twice."""
    made = dict(context)
    if len(made) != len(context):
        raise click.UsageError("--context names a key twice")
    return made
