"""The policy language: reading policy text, refusing what must not be in it, checking it, and evaluating it."""

from sealauthz.polar.contract import ReasonEntry, Rulebook, rulebook_of
from sealauthz.polar.gate import admit
from sealauthz.polar.source import CONTRACT_FILE, FLOOR_FILE, Source
from sealauthz.polar.syntax import RuleNode, Statement

__all__ = [
    "CONTRACT_FILE",
    "FLOOR_FILE",
    "ReasonEntry",
    "RuleNode",
    "Rulebook",
    "Source",
    "Statement",
    "admit",
    "rulebook_of",
]
