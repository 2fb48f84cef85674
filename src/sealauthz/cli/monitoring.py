"""`sealauthz monitor`: what happens to the seals of an enterprise, live in a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from sealauthz.cli.answer_source import connected, connection_options, outage_reporter, watched_address
from sealauthz.cli.app import Exit
from sealauthz.cli.asking import Reference
from sealauthz.cli.completing import references, subject_types
from sealauthz.cli.output import activity_json, decision_json, output_option
from sealauthz.cli.printing import say
from sealauthz.runtime.terminal import activity_line, console, decision_page, show
from sealauthz_client import Activity, Decision

_MOST_BEFORE = 1_000


@click.command()
@click.argument("subject", type=Reference(), shell_complete=references(subject_types))
@click.option("--enterprise", "enterprises", metavar="ID", multiple=True, required=True, help="Of it; may be repeated.")
@click.option("--seal", "seal_ids", metavar="ID", multiple=True, help="Only this seal; may be repeated.")
@click.option("--person", "persons", metavar="ID", multiple=True, help="Only this person; may be repeated.")
@click.option("--branch", "branches", type=Reference(), multiple=True, help="Only this department or enterprise.")
@click.option("--personal", is_flag=True, help="What SUBJECT may see one by one, such as their own uses.")
@click.option(
    "--before", type=click.IntRange(0, _MOST_BEFORE), default=10, show_default=True, help="Show so many of before."
)
@click.option("--after", metavar="TOKEN", default="", help="Go on behind this item, and show none before.")
@click.option("--once", is_flag=True, help="Show what has happened, and end.")
@click.option("--language", type=click.Choice(["en", "zh"]), help="Add texts to a deny, in this language.")
@click.option("--server", metavar="HOST:PORT", help="The server to watch. [SEALAUTHZ_ADDRESS]")
@output_option
@connection_options
def monitor(
    *,
    subject: str,
    enterprises: tuple[str, ...],
    seal_ids: tuple[str, ...],
    persons: tuple[str, ...],
    branches: tuple[str, ...],
    personal: bool,
    before: int,
    after: str,
    once: bool,
    language: str | None,
    server: str | None,
    output: str,
    token_file: Path | None,
    ca: Path | None,
    insecure: bool,
) -> int:
    """Show what happens to the seals of an enterprise, as SUBJECT may see it.

    Begins with alerts that nobody has acknowledged and with what happened
    last, and goes on until Ctrl-C. Resumes after an outage without losing
    anything, and says once per outage that the server cannot be reached.
    Ends with 1 where SUBJECT may not watch, or may not any more. With -o json
    each line is one item, whose token resumes behind it (--after).

    \b
      sealauthz monitor Person:p-chen --enterprise e-yunshan --insecure
      sealauthz monitor Person:p-chen --enterprise e-yunshan --once --insecure
    """
    address = watched_address(server)
    view: dict[str, Any] = {"seal_ids": seal_ids, "person_ids": persons, "branches": branches, "personal": personal}
    with connected(address, token_file, ca, insecure) as client:
        screen = Screen(subject, output)

        def show_last(after: str = "") -> str:
            """Show what happened last, the oldest first; return the token of the newest."""
            page = client.seal_activity(
                subject, enterprises, after=after, page_size=max(before, 1), language=language or "", **view
            )
            screen.decided(page.decision)
            for item in page.items[:before][::-1]:
                screen.show(item)
            return page.items[0].token if page.items else ""

        def decided(decision: Decision) -> None:
            # The watch has its place by now: what is listed here and comes again is shown once.
            if decision and not after and not screen.has_begun:
                show_last()
            screen.decided(decision)

        if once:
            show_last(after)
        else:
            # A personal view has no decision to wait for.
            place = show_last() if personal and not after else after
            watch = client.watch_seal_activity(
                subject,
                enterprises,
                place,
                language=language or "",
                on_decision=decided,
                on_outage=outage_reporter(address),
                **view,
            )
            for item in watch:
                screen.show(item)
    return Exit.REFUSED if screen.is_denied else Exit.DONE


class Screen:
    """What is shown: each item once, as a line for people or for programs."""

    def __init__(self, subject: str, output: str) -> None:
        self._subject = subject
        self._is_json = output == "json"
        self._shown: set[str] = set()
        self._console = console()
        self.has_begun = False
        self.is_denied = False

    def decided(self, decision: Decision | None) -> None:
        """Take note of whether the subject may watch; a deny is shown, once."""
        self.has_begun = True
        if decision is None or decision or self.is_denied:
            return
        self.is_denied = True
        if self._is_json:
            self._say({"decision": decision_json(decision)})
        else:
            show(self._console, decision_page(f"{self._subject} monitor", decision))

    def show(self, item: Activity) -> None:
        """Show one item, unless it was."""
        if item.token:
            if item.token in self._shown:
                return
            self._shown.add(item.token)
            if len(self._shown) > 2 * _MOST_BEFORE:
                self._shown = {item.token}  # only the first ones may come twice
        if self._is_json:
            self._say(activity_json(item))
        else:
            self._console.print(activity_line(item), soft_wrap=True)
            self._console.file.flush()

    def _say(self, value: object) -> None:
        say(json.dumps(value, ensure_ascii=False))
        sys.stdout.flush()
