"""The policy language: reading policy text, refusing what must not be in it, and evaluating it."""

from sealauthz.polar.gate import admit
from sealauthz.polar.rulebook import CONTRACT_FILE, FLOOR_FILE, ReasonEntry, Rulebook, rulebook_of
from sealauthz.polar.source import Block, Kind, Rule, Source, Statement, Token

__all__ = [
    "CONTRACT_FILE",
    "FLOOR_FILE",
    "Block",
    "Kind",
    "ReasonEntry",
    "Rule",
    "Rulebook",
    "Source",
    "Statement",
    "Token",
    "admit",
    "rulebook_of",
]
