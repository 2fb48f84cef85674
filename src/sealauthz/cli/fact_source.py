"""Where a command that compares policies takes its facts from: a file, standard input, a database, or the demo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sealauthz.accessdiff.approval import escaped
from sealauthz.cli.app import Exit, Stop
from sealauthz.errors import InvalidRequest
from sealauthz.model import MODEL
from sealauthz.schema import shape_of

DEMO = "demo"
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class FactSet:
    """Facts that belong together, the time at which they are looked at, and a name where there are several."""

    name: str
    now: int
    records: list[Any]


def fact_sets(spec: str, now: int) -> list[FactSet]:
    """Read the facts that a command was told to use, as whole as the database keeps them.

    A set of which the time is given by the facts themselves has that; any other has `now`. Raises Stop, ConfigRefused,
    FactsUnavailable.
    """
    if spec == DEMO:
        from sealauthz.demo.facts import opening_facts

        return [FactSet("", now, opening_facts(now))]
    if "://" in spec:
        return [FactSet("", now, _whole(_read_database(spec), "the database"))]
    if spec == STANDARD_INPUT:
        with click.open_file(spec, "rb") as file:
            return [FactSet("", now, _whole(_read_lines(file, "standard input"), "standard input"))]
    path = Path(spec)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return _fixtures(path)
    if path.is_dir():
        raise Stop(f"`{spec}` is a folder; write a file as `sealauthz facts export` prints it", Exit.WRONG_USE)
    if not path.exists():
        raise Stop(
            f"there is no file `{spec}`; --facts takes a file, `-`, a database such as sqlite:///facts.db, or `demo`",
            Exit.WRONG_USE,
        )
    with path.open("rb") as file:
        return [FactSet("", now, _whole(_read_lines(file, spec), f"`{spec}`"))]


def _fixtures(path: Path) -> list[FactSet]:
    """Read the fixtures of a file of policy tests, those that it includes among them."""
    from sealauthz.policytest.library import Library

    library = Library(MODEL)
    fixtures = library.fixtures_of(path)
    library.refuse()
    sets = [FactSet(name, now, facts.records) for name, (facts, now) in fixtures.items() if now is not None]
    if not sets:
        raise Stop(f"`{path}` has no fixture with a time at which its facts stand", Exit.WRONG_USE)
    return sets


def _read_lines(file: Iterable[bytes], name: str) -> Iterator[Any]:
    """Yield the record of each line that is not blank."""
    from sealauthz.exchange import record_of

    for number, raw in enumerate(file, 1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise Stop(f"{name}:{number}: is not UTF-8 text", Exit.WRONG_USE) from error
        if not line:
            continue
        try:
            yield record_of(MODEL, line)
        except InvalidRequest as error:
            said = "; ".join(
                f"`{v.field}` {v.description}" if v.field != "line" else v.description for v in error.violations
            )
            hint = "; write one fact a line, as `sealauthz facts export` does" if number == 1 else ""
            raise Stop(f"{name}:{number}: {said}{hint}", Exit.WRONG_USE) from error


def _read_database(url: str) -> Iterator[Any]:
    """Yield every record of a database as of one revision."""
    from sealauthz.facts import MAX_PAGE_SIZE, Store
    from sealauthz.facts.store.reading import Query, read_page

    with closing(Store.open(url, MODEL)) as store, store.read_transaction() as snapshot:
        for name in MODEL.records:
            token = None
            while token != "":
                page = read_page(snapshot, Query(name, {}), MAX_PAGE_SIZE, token or "", None)
                yield from (stored.record for stored in page.records)
                token = page.next_page_token


def _whole(records: Iterable[Any], name: str) -> list[Any]:
    """Refuse facts that no database would hold: what refers to nothing is decided otherwise than what is there.

    Of two facts with one id the last counts, as when they are imported.
    """
    found: dict[tuple[str, str], Any] = {}
    for record in records:
        found[type(record).__name__, record.id] = record
    if not any(type_ == "Person" for type_, _ in found):
        raise Stop(f"there is no person among the facts of {name}, so nothing can be decided", Exit.WRONG_USE)
    lost: list[str] = []
    for (type_, id_), record in found.items():
        for column in shape_of(type(record)).columns:
            key = getattr(record, column.name) if column.ref is not None else None
            if key is not None and (column.ref, key) not in found:
                lost.append(
                    f"`{type_}:{escaped(id_)}` names `{column.ref}:{escaped(key)}` as its `{column.name}`, "
                    "which is not among them"
                )
    if lost:
        more = f" ({len(lost) - 1:,} more are missing)" if len(lost) > 1 else ""
        raise Stop(f"the facts of {name} are not whole: {lost[0]}{more}; export them without --type", Exit.WRONG_USE)
    return list(found.values())
