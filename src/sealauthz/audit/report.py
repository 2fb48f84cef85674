"""What a verification of the log has found: what is wrong, where, and what cannot be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from sealauthz.audit.timestamps import Stamped

MOST_FINDINGS = 100


class Kind(StrEnum):
    """What is wrong at a place of the log."""

    CHANGED = "CHANGED"
    MOVED = "MOVED"
    MISSING = "MISSING"
    ADDED = "ADDED"
    HASHES = "HASHES"
    INDEX = "INDEX"
    CHECKPOINT = "CHECKPOINT"
    ROOT = "ROOT"
    CUT = "CUT"
    FORKED = "FORKED"
    STAMP = "STAMP"


class Finding(NamedTuple):
    """One thing that is wrong: from which record on, to which (not included)."""

    kind: Kind
    first: int
    end: int
    said: str


@dataclass(slots=True)
class Report:
    """What a verification has found; falsy where anything is wrong. `unchecked` says what cannot be told from this."""

    size: int = 0
    records: int = 0
    origin: str = ""
    signed_by: str = ""
    pruned: int = 0
    stamped: list[Stamped] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return not self.findings

    def add(self, kind: Kind, first: int, end: int, said: str) -> None:
        """Note what is wrong, as far as anybody would read on."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(kind, first, end, said))
