"""Checks of the code that names an organisation: the unified social credit code (USCC).

Only ASCII counts: a full-width `９` looks like a 9, and would make one organisation pass for two.
"""

from __future__ import annotations

import string

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The characters of a USCC, each worth its index (no I, O, S, V, Z). Source: GB 32100-2015."""

USCC_LENGTH = 18

_USCC_VALUES = {character: value for value, character in enumerate(USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(USCC_LENGTH - 1))

_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)


def normalise_uscc(text: str) -> str:
    """Return the text with ASCII letters in upper case and nothing else changed: the only leniency there is."""
    return text.translate(_UPPER)


def uscc_check_character(body: str) -> str:
    """Return the check character that the first 17 characters of a USCC call for. Source: GB 32100-2015.

    Raises KeyError for a character that no USCC has.
    """
    total = sum(_USCC_VALUES[c] * weight for c, weight in zip(body, _USCC_WEIGHTS, strict=True))
    # The outer modulo is not for show: a total of 0 mod 31 would otherwise call for a 32nd character.
    return USCC_ALPHABET[(31 - total % 31) % 31]


def uscc_problem(text: str) -> str | None:
    """Say what is wrong with a USCC, in words that never repeat it, or None if it is valid. Upper case only."""
    if len(text) != USCC_LENGTH:
        return f"must have {USCC_LENGTH} characters"
    if any(c not in _USCC_VALUES for c in text):
        return "must consist of ASCII digits and upper-case letters other than I, O, S, V and Z"
    if any(c not in string.digits for c in text[2:8]):
        return "must have digits in positions 3 to 8"
    if text[-1] != uscc_check_character(text[:-1]):
        return "has a wrong check character"
    return None
