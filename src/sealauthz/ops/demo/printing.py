"""How the story is laid out in a terminal: answers to acts, events, receipts, and values in few words."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sealauthz.runtime.terminal import decision_body, instant, verdict
from sealauthz_client import ArgumentValue, Decision, Event, NamedValue, NextStep, Obligation, Performed
from sealauthz_client.answers import moment
from sealauthz_client.receipts import Receipt

INDENT = 5
"""How far steps stand behind their numbers."""

_SECOND = 1_000_000
_LONG = re.compile(r"\b([a-z]{2}-[0-9a-f]{6}|sha256:[0-9a-f]{12})[0-9a-f]{26,}\b")

Part = TypeVar("Part", NextStep, Obligation)


def answer(performed: Performed) -> RenderableType:
    """Lay out the answer to an act: what it made and what is left to do, or why it was denied."""
    operation = performed.operation
    if operation is None:
        return Group(verdict(performed.decision), decision_body(readable(performed.decision)))
    said = "PERFORMED BEFORE" if performed.is_replay else "PERFORMED"
    made = [f"{name}={written(value)}" for name, value in operation.values.items() if value != ""]
    made += [f"receipt={operation.receipt[:24]}…"] if operation.receipt else []
    lines: list[RenderableType] = [Text(said, style="bold green"), decision_body(readable(performed.decision))]
    lines += [Padding(Text(short(each)), (0, 0, 0, 2)) for each in made]
    return Group(*lines)


def told(event: Event) -> Table:
    """Lay out an event: to whom it goes, and what it says."""
    to = ", ".join(event.recipient_ids) or "whom the platform knows"
    return behind("✉", Text.assemble((event.code, "cyan"), f"  to {to}: {event.text}"), width=2)


def permits(receipt: Receipt) -> Table:
    """Lay out what a receipt permits, for each document."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    grid.add_row("by", f"{receipt.issuer}, for {receipt.audience}")
    grid.add_row("until", instant(moment(receipt.expires_at * _SECOND)))
    grid.add_row("permits", f"{receipt.subject} {receipt.permits['action']} {receipt.permits['resource']}")
    for document in receipt.permits["documents"]:
        times = f"{document['impressions']} times" if document["impressions"] != 1 else "once"
        place = f", {document['position']}" if document["position"] else ""
        grid.add_row("document", f"{short(document['digest'])}{place}, {times}")
    return grid


def written(value: ArgumentValue | NamedValue) -> str:
    """Write a value in few words."""
    if isinstance(value, datetime.datetime):
        return instant(value)
    if isinstance(value, Mapping):
        return f"{{{' '.join(f'{name}={written(part)}' for name, part in value.items())}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(written, value))}]"
    return str(value)


def short(text: str) -> str:
    """Shorten digests, and the ids that the service made: nobody reads them."""
    return _LONG.sub(r"\1…", text)


def readable(decision: Decision) -> Decision:
    """Return a decision for printing, with short ids and digests in its next steps and obligations."""

    def shortened(part: Part) -> Part:
        values = {k: short(v) if isinstance(v, str) else v for k, v in part.parameters.items()}
        return dataclasses.replace(part, parameters=values)

    reasons = (
        dataclasses.replace(reason, next_steps=tuple(map(shortened, reason.next_steps))) for reason in decision.reasons
    )
    obligations = tuple(map(shortened, decision.obligations))
    return dataclasses.replace(decision, reasons=tuple(reasons), obligations=obligations)


def behind(mark: str, words: Text, width: int = INDENT) -> Table:
    """Lay out words behind a mark, so that their further lines stand under the first."""
    grid = Table.grid()
    grid.add_column(width=width, style="bold cyan")
    grid.add_column()
    grid.add_row(mark, words)
    return grid
