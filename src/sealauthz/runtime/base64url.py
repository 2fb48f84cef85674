"""Base64 that is safe in a URL, without padding (RFC 4648, section 5), as the service writes tokens and keys."""

from __future__ import annotations

import base64


def encode(content: bytes) -> str:
    """Return the text of some bytes."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes of a text. Raises ValueError where anything in it is of another alphabet."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
