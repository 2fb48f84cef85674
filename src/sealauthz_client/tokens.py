"""The token that a client shows: a fixed text, or one that an identity provider issues and that is renewed in time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from sealauthz_client.requests import seconds, unexpected

RENEWED_AHEAD_S = 30.0
"""How long before its end a token is renewed."""


def checked_token(text: str) -> str:
    """Return a token that a header can hold. Raises ValueError, which does not show it."""
    if not isinstance(text, str):
        raise unexpected("token", "text", text)
    if not (text.isascii() and text.isprintable() and text == text.strip()):
        raise ValueError("`token`: expected printable ASCII, got a line break or the like: strip what a file holds")
    return text


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and for how many seconds it is valid from when it was asked for (`expires_in` of OAuth 2.0)."""

    text: str
    expires_in_s: float

    def __post_init__(self) -> None:
        checked_token(self.text)
        seconds("expires_in_s", self.expires_in_s)


class TokenSource(Protocol):
    """What a client takes its token from, before each attempt."""

    def current(self) -> str:
        """Return the token to show. What it raises ends the call."""
        ...

    def refused(self, text: str) -> None:
        """Note that the server did not know a token. The next one is asked for once."""
        ...


class AsyncTokenSource(Protocol):
    """What an asyncio client takes its token from, before each attempt."""

    async def current(self) -> str:
        """Return the token to show. What it raises ends the call."""
        ...

    def refused(self, text: str) -> None:
        """Note that the server did not know a token. The next one is asked for once."""
        ...


class FixedToken:
    """A token that stays; empty where the caller shows a certificate instead."""

    def __init__(self, text: str) -> None:
        self._text = checked_token(text)

    def current(self) -> str:
        """Return the token."""
        return self._text

    def refused(self, text: str) -> None:
        """There is no other one."""


class FixedAsyncToken(FixedToken):
    """A token that stays, for an asyncio client."""

    async def current(self) -> str:  # type: ignore[override]
        """Return the token."""
        return self._text


class _Held:
    """The newest token, and when it is to be renewed and ends, on the clock of `time.monotonic`, which nobody sets."""

    def __init__(self, ahead_s: float) -> None:
        self._ahead_s = ahead_s
        self._text = ""
        self._renew_at = self._ends_at = float("-inf")

    def put(self, token: Token, asked_at: float) -> str:
        self._text = token.text
        # A token that is shorter than that is used for half of its time.
        self._renew_at = asked_at + max(token.expires_in_s - self._ahead_s, token.expires_in_s / 2)
        self._ends_at = asked_at + token.expires_in_s
        return token.text

    def fresh(self) -> str:
        """The token, empty where it is to be renewed."""
        return self._text if time.monotonic() < self._renew_at else ""

    def valid(self) -> str:
        """The token, empty where it has ended."""
        return self._text if time.monotonic() < self._ends_at else ""

    def drop(self, text: str) -> None:
        if text == self._text:
            self._renew_at = self._ends_at = float("-inf")


class RenewedToken:
    """A token that `fetch` gets, kept until shortly before its end. One thread fetches, the others wait for it.

    Where fetching fails while the last token still holds, that is shown.
    """

    def __init__(self, fetch: Callable[[], Token], *, ahead_s: float = RENEWED_AHEAD_S) -> None:
        self._fetch = fetch
        self._held = _Held(ahead_s)
        self._lock = threading.Lock()

    def current(self) -> str:
        """Return the token. Raises what `fetch` raises."""
        if found := self._held.fresh():
            return found
        with self._lock:
            if found := self._held.fresh():
                return found
            asked_at = time.monotonic()
            try:
                return self._held.put(self._fetch(), asked_at)
            except Exception:
                if found := self._held.valid():
                    return found
                raise

    def refused(self, text: str) -> None:
        """Fetch another token the next time, unless that was done."""
        with self._lock:
            self._held.drop(text)


class RenewedAsyncToken:
    """A token that `fetch` gets, for an asyncio client; otherwise as `RenewedToken`."""

    def __init__(self, fetch: Callable[[], Awaitable[Token]], *, ahead_s: float = RENEWED_AHEAD_S) -> None:
        self._fetch = fetch
        self._held = _Held(ahead_s)
        self._lock = asyncio.Lock()

    async def current(self) -> str:
        """Return the token. Raises what `fetch` raises."""
        if found := self._held.fresh():
            return found
        async with self._lock:
            if found := self._held.fresh():
                return found
            asked_at = time.monotonic()
            try:
                return self._held.put(await self._fetch(), asked_at)
            except Exception:
                if found := self._held.valid():
                    return found
                raise

    def refused(self, text: str) -> None:
        """Fetch another token the next time, unless that was done."""
        self._held.drop(text)
