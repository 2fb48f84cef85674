"""Normal forms of what identifies: texts that look alike to a reader must not pass for two.

Facts that come in over the wire or from a file are brought into them; the store refuses any other form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from sealauthz.runtime.characters import without_unseen

_HEXADECIMAL = re.compile(r"(?:[0-9a-fA-F]{2}){8,}", re.ASCII)
_REALM = re.compile(r"[A-Z0-9]+(?::[A-Z0-9][A-Z0-9._-]*)?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_VISIBLE = re.compile(r"[!-~]*", re.ASCII)


def _settled(form: Callable[[str], str], text: str) -> str:
    """Bring a text into a form until that changes nothing more: letters that meet may make another one."""
    while (formed := form(text)) != text:
        text = formed
    return text


def _plain(text: str) -> str:
    """Return a text in the characters that it is meant in: full-width ones narrow, and none that cannot be seen."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())  # none of what follows is about these
    # Blanks of all kinds are one kind of blank; what has no width is nothing.
    folded = " ".join(unicodedata.normalize("NFKC", text).split())
    return " ".join(without_unseen(folded).split())


def _compact(text: str) -> str:
    return _plain(text).replace(" ", "")


def normalise_realm(text: str) -> str:
    """Return a realm in capital letters without blanks: `PUBLIC`, `PRIVATE:PLANT`."""
    return _settled(lambda part: _compact(part).upper(), text)


def realm_problem(text: str) -> str | None:
    """Say what is wrong with a realm, or None if it is in its normal form."""
    normal = normalise_realm(text)
    if not _REALM.fullmatch(normal):
        return "must be `PUBLIC`, or `PRIVATE:` and the name of a deployment, in ASCII letters and digits"
    return None if text == normal else f"must be written `{normal}`"


def normalise_hash(text: str) -> str:
    """Return a keyed hash without blanks; one in hexadecimal in small letters."""
    compact = _settled(_compact, text)
    return compact.lower() if _HEXADECIMAL.fullmatch(compact) else compact


def hash_problem(text: str) -> str | None:
    """Say what is wrong with a keyed hash, in words that never repeat it, or None if it is in its normal form."""
    if not _VISIBLE.fullmatch(text):
        return "must have visible ASCII characters only"
    return None if text == normalise_hash(text) else "must be in small letters if it is hexadecimal"


def normalise_name(text: str) -> str:
    """Return the name of an issuer in capital letters with single blanks: such names are compared without case."""
    return _settled(lambda part: _plain(part).upper(), text)


def normalise_serial(text: str) -> str:
    """Return a serial number in capital letters without blanks and the colons between its bytes."""
    return _settled(lambda part: _compact(part).replace(":", "").upper(), text)


def normalise_currency(text: str) -> str:
    """Return the code of a currency in capital letters without blanks."""
    return _settled(lambda part: _compact(part).upper(), text)


def currency_problem(text: str) -> str | None:
    """Say what is wrong with the code of a currency (ISO 4217), or None if it is none or in its normal form."""
    normal = normalise_currency(text)
    if normal and not _CURRENCY.fullmatch(normal):
        return "must be the three letters of a currency, such as `CNY`"
    return None if text == normal else f"must be written `{normal}`"


def name_problem(text: str) -> str | None:
    """Say what is wrong with the name of an issuer, or None if it is in its normal form."""
    return None if text == normalise_name(text) else f"must be written `{normalise_name(text)}`"


def serial_problem(text: str) -> str | None:
    """Say what is wrong with a serial number, or None if it is in its normal form."""
    normal = normalise_serial(text)
    if not _VISIBLE.fullmatch(normal):
        return "must have visible ASCII characters only"
    return None if text == normal else f"must be written `{normal}`"


def reference_problem(text: str) -> str | None:
    """Say what is wrong with the reference of a provider, which is taken as it is, or None."""
    return None if _VISIBLE.fullmatch(text) else "must have visible ASCII characters only"
