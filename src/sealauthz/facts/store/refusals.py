"""A broken constraint, said in our words: which invariant, and on which record."""

from __future__ import annotations

import re
import sqlite3

import psycopg
from sqlalchemy.exc import IntegrityError

from sealauthz.errors import FactConflict, InvariantBroken
from sealauthz.facts.store.tables import Tables


def refusal_of(error: IntegrityError, tables: Tables, name: str, is_taken: bool) -> FactConflict | InvariantBroken:
    """Return the error for a row that the database refused. `is_taken`: its id exists already."""
    constraint, is_unique = _constraint_of(error, tables)
    if is_taken:
        return FactConflict("ID", f"{name} exists")
    invariant = tables.invariants.get(constraint)
    if is_unique:
        return FactConflict(
            invariant or "UNIQUE", f"{name} conflicts with a record that exists ({invariant or 'UNIQUE'})"
        )
    if invariant is None or invariant == "REFERENCE":
        return InvariantBroken("REFERENCE", f"{name} names a record that does not exist, or is named by one that does")
    return InvariantBroken(invariant, f"{name} breaks {invariant}")


def _constraint_of(error: IntegrityError, tables: Tables) -> tuple[str, bool]:
    """Return the name of the broken constraint (empty if unknown), and whether it is a unique one."""
    cause = error.orig
    if isinstance(cause, psycopg.Error):
        return cause.diag.constraint_name or "", isinstance(cause, psycopg.errors.UniqueViolation)
    if isinstance(cause, sqlite3.IntegrityError):
        kind, _, detail = str(cause).partition(" constraint failed: ")
        if kind == "UNIQUE":
            places = [place.strip().split(".") for place in detail.split(",")]
            key = (places[0][0], *(column for _, column in places))
            return tables.unique_columns.get(key, ""), True
        named = re.match(r"\w+", detail)
        return named.group() if named else "", False
    return "", False
