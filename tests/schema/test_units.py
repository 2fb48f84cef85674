"""Paths from records to the roots of their units."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from facts_scene import scene

from sealauthz.facts.store.rows import RecordRows
from sealauthz.model import MODEL
from sealauthz.schema.units import Path


def ends_of(facts: dict[str, dict[str, Any]], record: Any, path: Path) -> set[str]:
    """Where a path leads from one record, step by step."""
    standing = [record]
    for number, step in enumerate(path):
        if not step.is_up:
            reached = {one.id for one in standing}
            standing = [each for each in facts[step.record].values() if getattr(each, step.column) in reached]
            continue
        record_type = type(standing[0]).__name__ if standing else ""
        keys = {key for one in standing if (key := getattr(one, step.column)) is not None}
        if number == len(path) - 1:
            return keys
        above = facts[MODEL.shapes[record_type].column(step.column).ref or ""] if record_type else {}
        standing = [above[key] for key in keys if key in above]
    return {one.id for one in standing}


def test_all_records_follow_a_path_together_as_each_would_alone() -> None:
    facts: dict[str, dict[str, Any]] = defaultdict(dict)
    records = scene()
    # One that a path goes through is not there.
    del records[next(at for at, each in enumerate(records) if type(each).__name__ == "Membership")]
    for record in records:
        facts[type(record).__name__][record.id] = record
    seen = set()
    for record_type, some in list(facts.items()):
        for kind in MODEL.units.kinds:
            for path in MODEL.units.paths_to(kind, record_type):
                found = MODEL.units.follow(record_type, path, some.values(), RecordRows(records))
                alone = {record_id: ends_of(facts, record, path) for record_id, record in some.items()}
                assert found == {record_id: ends for record_id, ends in alone.items() if ends}, (record_type, path)
                seen |= {(len(path), step.is_up) for step in path}
    assert seen >= {(1, True), (2, True), (2, False)}
