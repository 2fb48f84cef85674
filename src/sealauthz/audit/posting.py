"""What is sent to those who keep or sign checkpoints elsewhere, over HTTP: bounded in time and size, and sent nowhere
else than was configured.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sealauthz.runtime.errors import ConfigRefused

TIMEOUT_S = 10.0
_MAX_BYTES = 256 * 1024
_AT_ONCE = 16 * 1024


class AnchorRefused(Exception):
    """A checkpoint was not kept: the sink could not, or the log is not the one whose checkpoint it kept last."""


class Answer(NamedTuple):
    """What was answered: the status of HTTP, and the body."""

    status: int
    body: bytes


class _Unmoved(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else than where it was sent."""

    def redirect_request(self, *_arguments: Any) -> None:
        """Follow nothing."""


def check_address(url: str, name: str, *, is_plain_fine: bool = False) -> None:
    """Raise ConfigRefused unless an address may be posted to. Nothing of it is said: it may hold a secret."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise ConfigRefused(f"`{name}` is no address") from None
    is_local = host in ("localhost", "127.0.0.1", "::1")
    if host and (parts.scheme == "https" or (parts.scheme == "http" and (is_local or is_plain_fine))):
        return
    where = (
        "begin with `https:` or `http:`"
        if is_plain_fine
        else "begin with `https:`; plain text goes to this machine only"
    )
    raise ConfigRefused(f"`{name}` must {where}")


def post(url: str, body: bytes, content_type: str, who: str, timeout_s: float = TIMEOUT_S) -> Answer:
    """Send a body; return what is answered, whatever the status. Raises AnchorRefused, which names `who`."""
    headers = {"Content-Type": content_type, "User-Agent": "sealauthz"}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 (checked by `check_address`)
    until = time.monotonic() + timeout_s
    opener = urllib.request.build_opener(_Unmoved)
    try:
        try:
            response = opener.open(request, timeout=timeout_s)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            return Answer(response.status, _read(response, until, who))
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise AnchorRefused(f"{who} cannot be reached") from error


def _read(response: Any, until: float, who: str) -> bytes:
    """Return the body. Who sends it byte by byte is not waited for either."""
    found = b""
    while some := response.read1(_AT_ONCE):
        found += some
        if len(found) > _MAX_BYTES:
            raise AnchorRefused(f"{who} answered with more than {_MAX_BYTES:,} bytes")
        if time.monotonic() > until:
            raise AnchorRefused(f"{who} did not answer in time")
    return found
