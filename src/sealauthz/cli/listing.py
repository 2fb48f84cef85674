"""The command that lists what is allowed: `list`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import click

from sealauthz.answers import ListPage
from sealauthz.cli.answer_source import Where, answer_source, where_options
from sealauthz.cli.app import Exit
from sealauthz.cli.asking import REFERENCE, as_mapping, context_option
from sealauthz.cli.output import list_json, output_option, print_json
from sealauthz.client import NEWEST
from sealauthz.terminal import console, list_page, show

_MAX_PAGE_SIZE = 1_000


@click.command("list")
@click.argument("subject")
@click.argument("action")
@click.argument("resource")
@context_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N of them. [default: all]")
@where_options
@output_option
def list_(
    *,
    subject: str,
    action: str,
    resource: str,
    context: tuple[tuple[str, str], ...],
    limit: int | None,
    where: Where,
    output: str,
) -> int:
    """On which RESOURCE may SUBJECT do ACTION, or who may do it to RESOURCE?

    Written like `check`, but one of the two ids is left out: the type alone
    asks for all of that type. Lists exactly those that `check` would allow,
    in the order of their ids, and says whether these are all. Exits with 0
    whatever is found, and with 3 if facts or policies changed meanwhile.

    \b
      sealauthz list Person:p-zhou use Seal -c task=task-cartons
      sealauthz list Person join Enterprise:e-yunshan
    """
    if where.language:
        raise click.UsageError("--language adds texts to answers, and a list has none")
    is_of_resources = _names_record(subject)
    if is_of_resources == _names_record(resource):
        raise click.UsageError("write one of SUBJECT and RESOURCE as TYPE:ID, and of the other the TYPE alone")
    size = min(limit or _MAX_PAGE_SIZE, _MAX_PAGE_SIZE)
    with answer_source(where) as source:
        ask = source.resource_pages if is_of_resources else source.subject_pages
        pages = ask(subject, action, resource, as_mapping(context), page_size=size, consistency=NEWEST)
        found = _taken(pages, limit)
    if output == "json":
        print_json(list_json(found))
    else:
        show(console(), list_page(f"{subject} {action} {resource}", found))
    return Exit.DONE


def _names_record(text: str) -> bool:
    return REFERENCE.fullmatch(text) is not None


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
