"""Where a command that compares policies takes its facts from: a file, standard input, a database, or the demo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sealauthz.accessdiff.approval import escaped
from sealauthz.cli.app import Exit, Stop, service_model
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
    """Read the facts that an option names, complete as in a database.

    A set with a time of its own keeps it; any other has `now`. Raises Stop, ConfigRefused,
    FactsUnavailable.
    """
    if spec == DEMO:
        from sealauthz.demo.facts import opening_facts

        return [FactSet("", now, opening_facts(now))]
    if "://" in spec:
        return [FactSet("", now, _whole(_read_database(spec), "the database"))]
    if spec == STANDARD_INPUT:
        with click.open_file(spec, "rb") as file:
            return [FactSet("", now, _whole(_records(file, "standard input"), "standard input"))]
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
        return [FactSet("", now, _whole(_records(file, spec), f"`{spec}`"))]


def _fixtures(path: Path) -> list[FactSet]:
    """Read the fixtures of a file of policy tests, those that it includes among them."""
    from sealauthz.policytest.library import Library

    library = Library(service_model())
    fixtures = library.fixtures_of(path)
    library.refuse()
    sets = [FactSet(name, now, facts.records) for name, (facts, now) in fixtures.items() if now is not None]
    if not sets:
        raise Stop(f"`{path}` has no fixture with a time at which its facts stand", Exit.WRONG_USE)
    return sets


def _records(file: Iterable[bytes], name: str) -> list[Any]:
    """Read the records of a file."""
    from sealauthz.cli.fact_lines import read_lines

    hint = "; write one fact a line, as `sealauthz facts export` does"
    return [record for _, record in read_lines(file, f"{name}:", hint)]


def _read_database(url: str) -> Iterator[Any]:
    """Yield every record of a database as of one revision."""
    from sealauthz.cli.fact_lines import read_all
    from sealauthz.facts import Store

    with closing(Store.open(url, service_model())) as store, store.read_transaction() as snapshot:
        for name in service_model().records:
            yield from (stored.record for stored in read_all(snapshot, name, {}))


def _whole(records: Iterable[Any], name: str) -> list[Any]:
    """Refuse facts that no database would hold: a reference to a missing record would change decisions.

    Of two facts with one id the last counts, as when they are imported.
    """
    found: dict[tuple[str, str], Any] = {}
    for record in records:
        found[type(record).__name__, record.id] = record
    subjects = service_model().subjects
    if not any(type_ in subjects for type_, _ in found):
        kinds = " or ".join(subjects).lower()
        raise Stop(f"there is no {kinds} among the facts of {name}, so nothing can be decided", Exit.WRONG_USE)
    lost: list[str] = []
    for (type_, id_), record in found.items():
        for column in shape_of(type(record)).columns:
            key = getattr(record, column.name) if column.ref is not None else None
            if key is not None and (column.ref, key) not in found:
                lost.append(
                    f"`{type_}:{escaped(id_)}` names `{column.ref}:{escaped(key)}` as its `{column.name}`, "
                    "which is missing"
                )
    if lost:
        more = f" ({len(lost) - 1:,} more are missing)" if len(lost) > 1 else ""
        raise Stop(f"the facts of {name} are not whole: {lost[0]}{more}; export them without --type", Exit.WRONG_USE)
    return list(found.values())
