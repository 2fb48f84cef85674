"""Ids that policies name, looked up in an export of facts: a mistyped one denies, or allows, without a word."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from sealauthz.cli.app import Stop, service_model
from sealauthz.cli.printing import say
from sealauthz.cli.records import put_of
from sealauthz.decision.bundle import Bundle, written_ids_of
from sealauthz.decision.inspection import Inspection
from sealauthz.polar.check import Diagnostic, Severity
from sealauthz.polar.diagnostic import cut, did_you_mean
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.schema import Model

_CODE = "unknown-id"

_SUGGESTIONS = 20
"""For so many ids a similar one is looked for, which compares with every id of their type."""


def with_unknown_ids(inspection: Inspection, facts: Path) -> Inspection:
    """Add a warning for each id that is not among the facts of a file. What has errors has no ids that count yet.

    Raises Stop where the file cannot be read, or is no export.
    """
    bundle = inspection.bundle
    known = _ids_in(facts, service_model() if bundle is None else bundle.model)
    if bundle is None:
        say(f"the ids are looked up in `{facts}` once the errors are mended", err=True)
        return inspection
    unknown = _unknown(bundle, known)
    return dataclasses.replace(inspection, diagnostics=(*inspection.diagnostics, *unknown))


def _unknown(bundle: Bundle, known: Mapping[str, set[str]]) -> Iterator[Diagnostic]:
    suggestions = _SUGGESTIONS
    for record, id_, place in written_ids_of(bundle):
        ids = known.get(record, ())
        if id_ in ids:
            continue
        message = f"there is no {record} `{id_}` among the facts"
        hint = "" if ids else f"nor any other {record}: export the facts without --type"
        if ids and suggestions:
            suggestions -= 1
            hint = did_you_mean(id_, ids)
        yield Diagnostic(Severity.WARNING, _CODE, cut(message), place, cut(hint))


def _ids_in(path: Path, model: Model) -> Mapping[str, set[str]]:
    """The ids of the records of each type."""
    known: dict[str, set[str]] = defaultdict(set)
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):  # noqa: B007 (the error names it)
                if line.strip():
                    record = put_of(model, line).record
                    known[type(record).__name__].add(record.id)
    except OSError as error:
        raise Stop(f"`{path}` cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Stop(f"`{path}` is not UTF-8 text") from error
    except InvalidRequest as error:
        said = "; ".join(f"`{each.field}` {each.description}" for each in error.violations)
        hint = "; write one fact a line, as `sealauthz facts export` does" if number == 1 else ""
        raise Stop(f"{path}:{number}: {said}{hint}") from error
    return known
