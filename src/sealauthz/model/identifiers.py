"""Checks of the codes that name organisations and persons: the USCC and the resident id.

A `…_problem` function answers None for a valid code, otherwise what is wrong with it, in words that never repeat the
code. Only ASCII counts: a full-width `９` looks like a 9, and would make one organisation pass for two.
"""

from __future__ import annotations

import datetime
import string

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The characters of a USCC, each worth its index (no I, O, S, V, Z). Source: GB 32100-2015."""

USCC_LENGTH = 18

_USCC_VALUES = {character: value for value, character in enumerate(USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(USCC_LENGTH - 1))

_ORGANISATION_VALUES = {c: value for value, c in enumerate(string.digits + string.ascii_uppercase)}
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECKS = "0123456789X"

_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"

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
    """Say what is wrong with a unified social credit code, or None if it is valid. Upper case only."""
    if len(text) != USCC_LENGTH:
        return f"must have {USCC_LENGTH} characters"
    if any(c not in _USCC_VALUES for c in text):
        return "must consist of ASCII digits and upper-case letters other than I, O, S, V and Z"
    if any(c not in string.digits for c in text[2:8]):
        return "must have digits in positions 3 to 8"
    if text[-1] != uscc_check_character(text[:-1]):
        return "has a wrong check character"
    return None


def organisation_code_is_consistent(uscc: str) -> bool:
    """Tell whether positions 9 to 17 of a USCC carry their own check character (GB 11714).

    A reason to look twice, never to refuse: codes are in use that were issued without it.
    """
    code = uscc[8:17]
    if len(code) != 9 or any(c not in _ORGANISATION_VALUES for c in code):
        return False
    total = sum(_ORGANISATION_VALUES[c] * weight for c, weight in zip(code, _ORGANISATION_WEIGHTS, strict=False))
    return code[-1] == _ORGANISATION_CHECKS[(11 - total % 11) % 11]


def resident_id_problem(text: str) -> str | None:
    """Say what is wrong with a resident id number, or None if it is valid. Source: GB 11643-1999."""
    body, check = text[:-1], text[-1:]
    if len(text) != 18:
        return "must have 18 characters"
    if any(c not in string.digits for c in body) or check not in string.digits + "X":
        return "must consist of 17 ASCII digits and a digit or upper-case X"
    try:
        datetime.date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return "has a date of birth that does not exist"
    total = sum(int(c) * weight for c, weight in zip(body, _RESIDENT_WEIGHTS, strict=True))
    if check != _RESIDENT_CHECKS[total % 11]:
        return "has a wrong check character"
    return None
