"""Which characters names may have, and how an error describes another one."""

from __future__ import annotations

import unicodedata


def foreign_to_names(name: str) -> str:
    """Return the first character of a name that is not ASCII, as an error shows it; empty if there is none.

    Names are ASCII, so that none looks like another: no table of look-alikes is needed.
    """
    found = next((char for char in name if not char.isascii()), "")
    return described(found) if found else ""


def described(char: str) -> str:
    """Return a character with its number and name in Unicode, which differ for characters that look alike."""
    number = f"U+{ord(char):04X}"
    seen = f"`{char}` " if char.isprintable() and not char.isspace() and not unicodedata.combining(char) else ""
    return f"{seen}({number} {unicodedata.name(char, 'without a name')})"
