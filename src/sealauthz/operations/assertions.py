"""Whose word counts as the person's own: the issuers of their identities, and what of an assertion an act uses up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sealauthz.operations.performance import Performance
from sealauthz.operations.signed_assertions import Assertion, AssertionRefused, Issuer, read_keys, verify
from sealauthz.runtime.errors import AssertionNeeded, ConfigRefused

_SECOND = 1_000_000


class Assertions:
    """Verifies the assertions that callers forward to the service of a name, its audience."""

    def __init__(self, audience: str, issuers: Iterable[Issuer]) -> None:
        self._audience = audience
        self._issuers: Mapping[str, Issuer] = {issuer.name: issuer for issuer in issuers}

    @classmethod
    def of(cls, name: str, key_set: Mapping[str, Any]) -> Assertions:
        """Return what verifies assertions of one issuer for a service of the same name: for what is tried out."""
        return cls(name, [Issuer(name, read_keys(key_set))])

    def verified(self, performance: Performance, caller: str, now: int) -> Assertion:
        """Return the assertion that comes with an act. `now` is an instant. Raises AssertionNeeded."""
        digest = performance.digest
        try:
            return verify(
                performance.assertion,
                self._issuers,
                self._audience,
                caller=caller,
                subject=str(performance.question.subject),
                digest=digest,
                now=now // _SECOND,
            )
        except AssertionRefused as error:
            raise AssertionNeeded(f"{error}: the person must sign another", digest) from error


def load_issuer(name: str, file: Path, callers: frozenset[str] | None) -> Issuer:
    """Return an issuer with the keys of a JSON Web Key Set in a file. Raises ConfigRefused."""
    try:
        key_set: Any = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        # INVARIANT: nothing of what the file holds is said.
        raise ConfigRefused(f"`{file}` cannot be read as a JSON Web Key Set") from error
    try:
        return Issuer(name, read_keys(key_set), callers)
    except ValueError as error:
        raise ConfigRefused(f"`{file}` {error}") from error
