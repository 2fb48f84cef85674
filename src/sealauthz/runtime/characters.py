"""Which characters names and texts may have, and how an error describes another one."""

from __future__ import annotations

import re
import unicodedata

_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and a symbol that are blank."""

_FILLER = re.compile(f"[{_FILLERS}]")
_SEEN = re.compile(rf"[^\W_{_FILLERS}]")


def foreign_to_names(name: str) -> str:
    """Return the first character of a name that is not ASCII, as an error shows it; empty if there is none.

    Names are ASCII, so that none looks like another: no table of look-alikes is needed.
    """
    found = next((char for char in name if not char.isascii()), "")
    return described(found) if found else ""


def is_plain(text: str) -> bool:
    """Tell whether a text has no fault (`text_fault`), without saying which."""
    return not text or (text.isprintable() and _SEEN.search(text) is not None and not _FILLER.search(text))


def text_fault(text: str) -> str:
    """Return what is wrong with a text that people read, as an error says it; empty for nothing.

    It is one line, has nothing that cannot be seen or that turns what is around it, and, unless it is empty, has a
    letter or digit: a reason of blanks is none.
    """
    if is_plain(text):
        return ""
    unseen = next((char for char in text if not char.isprintable() or char in _FILLERS), "")
    if unseen:
        return f"must be one line of characters that can be seen, without {described(unseen)}"
    return "must have a letter or a digit"


def escaped(text: str) -> str:
    """Return a text for a terminal: what cannot be seen, other than the end of a line, is written as its number."""
    if text.isprintable() and not _FILLER.search(text):
        return text
    return "".join(
        char if (char.isprintable() and char not in _FILLERS) or char == "\n" else f"\\u{{{ord(char):04x}}}"
        for char in text
    )


def described(char: str) -> str:
    """Return a character with its number and name in Unicode, which differ for characters that look alike."""
    number = f"U+{ord(char):04X}"
    is_seen = char.isprintable() and not char.isspace() and not unicodedata.combining(char) and char not in _FILLERS
    seen = f"`{char}` " if is_seen else ""
    return f"{seen}({number} {unicodedata.name(char, 'without a name')})"
