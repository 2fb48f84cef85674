"""Which characters names and texts may have, and how an error describes another one."""

from __future__ import annotations

import re
import unicodedata

_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and a symbol that are blank."""

_UNSEEN = re.compile(
    # Control characters, the ends of lines and paragraphs, and halves of surrogate pairs.
    "[\x00-\x1f\x7f-\x9f\u2028-\u2029\ud800-\udfff"
    # What Unicode calls default-ignorable: joiners, marks of direction, selectors, tags.
    "\u00ad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\ufffb"
    f"\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff{_BLANK}]"
)
_SEEN = re.compile(rf"[^\W_{_BLANK}]")


def foreign_to_names(name: str) -> str:
    """Return the first character of a name that is not ASCII, as an error shows it; empty if there is none.

    Names are ASCII, so that none looks like another: no table of look-alikes is needed.
    """
    found = next((char for char in name if not char.isascii()), "")
    return described(found) if found else ""


def is_plain(text: str) -> bool:
    """Tell whether a text has no fault (`text_fault`), without saying which."""
    return not text or (_UNSEEN.search(text) is None and _SEEN.search(text) is not None)


def text_fault(text: str) -> str:
    """Return what is wrong with a text that people read, as an error says it; empty for nothing.

    It is one line, has nothing that cannot be seen or that turns what is around it, and, unless it is empty, has a
    letter or digit: a reason of blanks is none.
    """
    if found := _UNSEEN.search(text):
        return f"must be one line of characters that can be seen, without {described(found[0])}"
    return "must have a letter or a digit" if text and not _SEEN.search(text) else ""


def without_unseen(text: str) -> str:
    """Return a text without what cannot be seen."""
    return _UNSEEN.sub("", text)


def escaped(text: str) -> str:
    """Return a text for a terminal: what cannot be seen is written as JSON writes it, but for tabs and ends of lines.

    So the text of a JSON value is still one, and of the same value.
    """
    return _UNSEEN.sub(lambda found: found[0] if found[0] in "\t\n" else _numbered(found[0]), text)


def _numbered(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def described(char: str) -> str:
    """Return a character with its number and name in Unicode, which differ for characters that look alike."""
    number = f"U+{ord(char):04X}"
    is_seen = char.isprintable() and not char.isspace() and not unicodedata.combining(char) and not _UNSEEN.match(char)
    seen = f"`{char}` " if is_seen else ""
    return f"{seen}({number} {unicodedata.name(char, 'without a name')})"
