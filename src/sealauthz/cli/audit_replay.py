"""`audit replay`: what the log says is decided again and compared."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sealauthz.audit.log import Entry, Log, Wanted
from sealauthz.audit.replay import NO_WORDS, Outcome, Replay, Replayed, Words
from sealauthz.cli.app import Exit
from sealauthz.cli.bars import counting
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.past import past_of
from sealauthz.cli.printing import say
from sealauthz.cli.settings import store_options
from sealauthz.decision.question import ContextValue
from sealauthz.facts import Store
from sealauthz.runtime.terminal import console, show, table

_SHOWN = 50


@click.option("--from", "first", type=click.IntRange(0), default=0, metavar="NUMBER", help="From this record on.")
@click.option("--to", "last", type=click.IntRange(0), metavar="NUMBER", help="Up to this record.")
@click.option(
    "--policies",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="A folder that decided, where its policies were never activated.",
)
@click.option(
    "--words",
    "words_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help='What clients gave in words, by JSON Lines: {"id": "…", "context": {"reason": "…"}}.',
)
@store_options
@output_option
def audit_replay(
    *,
    first: int,
    last: int | None,
    policies: Path | None,
    words_file: Path | None,
    config_file: Path | None,
    database: str | None,
    output: str,
    **wanted: Any,
) -> int:
    """Decide again what the log says, and compare.

    Each decision is made by the facts, the policies and the clock of then.
    Exits with 1 if any gives another answer than the logged one, or if a
    record was changed, and says why; with 3 if all that can be checked is the
    same, and something cannot be: words that the record leaves out and nobody
    gives (--words), a history that is pruned.

    \b
      sealauthz audit replay --from 4000 --to 4711
      sealauthz audit replay --kind Perform --since 2026-03-01 -o json
      sealauthz audit replay --words words.jsonl
    """
    counted: Counter[str] = Counter()
    told: list[Replayed] = []
    words = NO_WORDS if words_file is None else _read_words(words_file)
    with past_of(config_file, database, policies) as (store, as_of, _):
        with counting("replaying", None) as so_far:
            for found in Replay(store, as_of, words).run(_entries(store, Wanted(**wanted), first, last)):
                counted[found.outcome] += 1
                so_far(counted.total())
                if found.outcome not in (Outcome.SAME, Outcome.NOTHING_DECIDED):
                    told.append(found)
        pruned = Log(store).pruned()
    if first < pruned.until:
        say(f"not checkable: {pruned.said}", err=True)
    if output == "json":
        print_json({"outcomes": dict(sorted(counted.items())), "records": [_json(each) for each in told]})
    else:
        _show(counted, told)
    if counted[Outcome.DIFFERENT] or counted[Outcome.TAMPERED]:
        return Exit.REFUSED
    return Exit.NO_ANSWER if counted[Outcome.NOT_CHECKABLE] else Exit.DONE


def _entries(store: Store, wanted: Wanted, first: int, last: int | None) -> Iterator[Entry]:
    """Yield the records that are wanted, the newest first; and those that nobody can read, whatever they are about."""
    for entry in Log(store).backwards(first, last):
        try:
            is_wanted = wanted.fits(entry.content)
        except (ValueError, KeyError, TypeError):
            is_wanted = True
        if is_wanted:
            yield entry


def _read_words(file: Path) -> Words:
    words: dict[str, dict[str, ContextValue]] = {}
    try:
        for line in file.read_text(encoding="utf-8").splitlines():
            said = json.loads(line)
            context = said["context"]
            if type(said["id"]) is not str or not isinstance(context, dict):
                raise TypeError
            words[said["id"]] = context
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        said = 'needs lines of {"id": "…", "context": {"key": "words"}}'
        raise click.BadParameter(f"`{file}`: {said}", param_hint="--words") from error
    return words


def _json(found: Replayed) -> dict[str, Any]:
    return {**dataclasses.asdict(found), "outcome": str(found.outcome)}


def _show(counted: Counter[str], told: list[Replayed]) -> None:
    # What differs comes first.
    told = sorted(told, key=lambda each: each.outcome is Outcome.NOT_CHECKABLE)
    rows = []
    for each in told[:_SHOWN]:
        said = each.said
        if each.logged is not None and each.found is not None:
            said += "".join(f"\n{name}: {each.logged.get(name)} → {each.found[name]}" for name in each.found)
        rows.append((str(each.number), str(each.outcome), each.cause, said))
    if rows:
        show(console(), table(("number", "", "cause", "what"), rows))
    if len(told) > _SHOWN:
        say(f"{len(told) - _SHOWN} more are listed with -o json", err=True)
    words_of = {
        Outcome.SAME: "give the logged answer",
        Outcome.DIFFERENT: "give another answer",
        Outcome.TAMPERED: "were changed",
        Outcome.NOT_CHECKABLE: "are not checkable",
        Outcome.NOTHING_DECIDED: "decided nothing",
    }
    total = sum(counted.values())
    parts = [f"{counted[outcome]} {words}" for outcome, words in words_of.items() if counted[outcome]]
    say(f"{total} records: {', '.join(parts)}" if parts else "there are no such records")
