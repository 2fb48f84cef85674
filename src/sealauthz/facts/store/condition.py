"""The condition of a database, for operators: whatever its schema, and also where nothing may be answered."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, inspect, select

from sealauthz.facts.store.database import Database
from sealauthz.facts.store.importing import open_imports
from sealauthz.facts.store.serving import chain, current, head, served_schema
from sealauthz.facts.store.system_tables import FACT_CHANGE, FACT_REQUEST
from sealauthz.runtime.errors import FactsUnavailable
from sealauthz.schema import Model


@dataclass(frozen=True, slots=True)
class Condition:
    """What a database is like. `problems` say why this version answers nothing from it; none where it does."""

    schema: str
    newest_schema: str
    pending: tuple[str, ...]
    problems: tuple[str, ...]
    revision: int = 0
    revision_at: int = 0
    oldest_revision: int = 0
    oldest_revision_at: int = 0
    requests: int = 0
    open_imports: int = 0
    added: tuple[str, ...] = ()
    """What policies have added to the model of this database, by name."""
    restored_revision: int | None = None
    """The newest revision of the backup, where a restore is not complete: nothing is answered then, either."""


def condition_of(url: str, model: Model) -> Condition:
    """Look at a database. Raises ConfigRefused, and FactsUnavailable for one that cannot be reached."""
    database = Database(url, model)
    try:
        problems = []
        restored = None
        with database.plain() as connection:
            found, known = current(connection), [script.revision for script in chain(model)]
            pending = tuple(known[known.index(found) + 1 :] if found in known else () if found else known)
            try:
                served_schema(connection, model)
                is_there = True
            except FactsUnavailable as error:
                problems.append(str(error))
                is_there = inspect(connection).has_table(FACT_CHANGE.name)
        if not problems:
            try:
                database.adapt()
                with database.read(may_be_incomplete=True) as transaction:
                    restored = transaction.restored
            except FactsUnavailable as error:
                problems.append(str(error))
        if not is_there:
            return Condition(found, head(model), pending, tuple(problems))
        row = FACT_CHANGE.c
        with database.plain() as connection:
            ends = connection.execute(select(func.min(row.revision), func.max(row.revision))).one()
            marked = select(row.revision, row.at).where(row.revision.in_(ends))
            at = {int(number): int(when) for number, when in connection.execute(marked)}
            requests = connection.execute(select(func.count()).select_from(FACT_REQUEST)).scalar() or 0
            imports = len(open_imports(connection)) if not problems else 0
        oldest, newest = (number or 0 for number in ends)
        return Condition(
            found,
            head(model),
            pending,
            tuple(problems),
            newest,
            at.get(newest, 0),
            oldest,
            at.get(oldest, 0),
            requests,
            imports,
            tuple(each.key for each in model.extension.declarations),
            None if restored is None else restored.revision,
        )
    finally:
        database.close()
