"""The keys of those who issue tokens of callers: from a file, or fetched and kept for a while."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from sealauthz.runtime.background import Background, Failed, ignored
from sealauthz.runtime.errors import ConfigRefused
from sealauthz.runtime.keysets import KINDS, Key, public_key, signing_keys
from sealauthz.service.fetching import FetchFailed, fetch

ASK_AGAIN_S = 30.0
"""After an attempt to fetch keys there is none for so long, whatever is asked for."""

Report = Callable[[str, Mapping[str, object]], None]
"""Is told an event and what belongs to it."""


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key, and the algorithms that it verifies, whatever a token says."""

    algorithms: frozenset[str]
    key: Key


IssuerKeys = Mapping[str, IssuerKey]
"""Keys by their `kid`; the only one of a set may have none, and then stands under the empty text."""


class KeySource(Protocol):
    """Where the keys of one issuer come from."""

    def keys(self) -> IssuerKeys | None:
        """Return the keys that count now, the same object while they are the same; None if there are none."""

    def ask(self) -> bool:
        """Have the keys looked for again, because one is missing; return whether waiting for that is of use."""


def read_issuer_keys(key_set: Any, algorithms: Iterable[str]) -> IssuerKeys:
    """Return the keys of a JSON Web Key Set for these algorithms. Others are left out.

    A key that names its algorithm is for that one, any other for those that fit its type and curve. Raises ValueError
    for what is no set of public keys, for two keys of one name, and where no key is left.
    """
    found: dict[str, IssuerKey] = {}
    nameless: list[IssuerKey] = []
    for entry in signing_keys(key_set):
        own, kind, curve = entry.get("alg"), entry.get("kty"), entry.get("crv", "")
        fitting = [name for name in algorithms if KINDS[name] == (kind, curve if kind != "RSA" else "")]
        if own is not None:
            fitting = [name for name in algorithms if name == own]
        if not fitting:
            continue
        key = IssuerKey(frozenset(fitting), public_key(entry, fitting[0]))
        kid = entry.get("kid")
        if kid is None:
            nameless.append(key)
        elif not isinstance(kid, str) or not kid or kid in found:
            raise ValueError("has a key without a `kid` of its own")
        else:
            found[kid] = key
    if nameless:
        if found or len(nameless) > 1:
            raise ValueError("has several keys, and not each has a `kid`")
        return {"": nameless[0]}
    if not found:
        raise ValueError(f"has no key for one of {', '.join(algorithms)}")
    return found


class FixedKeys:
    """The keys of a file, as they were when the configuration was read. Raises ConfigRefused."""

    def __init__(self, file: Path, algorithms: Iterable[str]) -> None:
        try:
            key_set: Any = json.loads(file.read_bytes())
        except (OSError, ValueError, RecursionError):
            # INVARIANT: nothing of what the file holds is said.
            raise ConfigRefused(f"`{file}` cannot be read as a JSON Web Key Set") from None
        try:
            self._keys = read_issuer_keys(key_set, algorithms)
        except ValueError as error:
            raise ConfigRefused(f"`{file}` {error}") from error

    def keys(self) -> IssuerKeys:
        """Return the keys."""
        return self._keys

    def ask(self) -> bool:
        """Return False: a file is read again at a reload only."""
        return False


class FetchedKeys:
    """Keys from an address, fetched by a thread of their own: now and then, and when one is missing.

    `max_age_s` after the last answer none counts any longer: who is kept from the address must not go on to trust keys
    that were taken back long ago.
    """

    def __init__(
        self,
        issuer: str,
        fetched: Callable[[], bytes],
        algorithms: Iterable[str],
        refresh_s: float,
        max_age_s: float,
        report: Report = lambda _event, _numbers: None,
        failed: Failed = ignored,
        clocks: tuple[Callable[[], float], Callable[[], float]] = (time.monotonic, time.time),
    ) -> None:
        self._issuer = issuer
        self._fetched = fetched
        self._algorithms = tuple(algorithms)
        self._refresh_s = refresh_s
        self._max_age_s = max_age_s
        self._report = report
        self._clocks = clocks
        self._found: tuple[IssuerKeys, tuple[float, ...]] | None = None
        self._asked_at: float | None = None
        self._is_asking = False
        self._has_failed = ""
        self._wanted = threading.Event()
        self.thread = Background("issuer-keys", self._step, failed)

    def start(self) -> None:
        """Begin to fetch."""
        self.thread.start()

    def stop(self) -> None:
        """Fetch nothing more, and wait for nothing."""
        self.thread.stop()
        self._wanted.set()

    def keys(self) -> IssuerKeys | None:
        """Return the keys, unless they are too old by either clock: one stands still in a sleep, one can be set."""
        if self._found is None:
            return None
        keys, at = self._found
        age_s = max(clock() - then for clock, then in zip(self._clocks, at, strict=True))
        return keys if age_s < self._max_age_s else None

    def ask(self) -> bool:
        """Have the keys fetched now, unless that was done a moment ago; return whether an answer is to come."""
        if self._is_asking or self._wanted.is_set() or self._asked_at is None:
            return True
        if self._clocks[0]() - self._asked_at < ASK_AGAIN_S:
            return False
        self._wanted.set()
        return True

    def look(self) -> None:
        """Fetch once. What cannot be fetched or used changes nothing, and is told."""
        self._is_asking = True
        self._wanted.clear()
        try:
            began_at = tuple(clock() for clock in self._clocks)
            self._asked_at = began_at[0]
            keys = read_issuer_keys(json.loads(self._fetched()), self._algorithms)
        except (FetchFailed, ValueError, TypeError, RecursionError) as error:
            said = str(error) if isinstance(error, FetchFailed) else f"the answer {_cause(error)}"
            if said != self._has_failed:
                self._report("issuer_keys_refused", {"issuer": self._issuer, "message": said})
            self._has_failed = said
        else:
            before = self._found[0] if self._found is not None else None
            is_new = before is None or _names(keys) != _names(before)
            self._found = keys if is_new or before is None else before, began_at
            if is_new:
                self._report("issuer_keys", {"issuer": self._issuer, "keys": len(keys)})
            self._has_failed = ""
        finally:
            self._is_asking = False

    def _step(self) -> None:
        self.look()
        self.thread.goes_well()
        pause_s = min(self._refresh_s, ASK_AGAIN_S) if self._has_failed else self._refresh_s
        if not self.thread.is_stopping:
            self._wanted.wait(pause_s)


def _names(keys: IssuerKeys) -> dict[str, tuple[frozenset[str], str]]:
    return {kid: (key.algorithms, key.key.thumbprint()) for kid, key in keys.items()}


def _cause(error: BaseException) -> str:
    """Say what is wrong with a set; of JSON, only that it is none."""
    return "is no JSON" if isinstance(error, json.JSONDecodeError | RecursionError | UnicodeDecodeError) else str(error)


class KeySources:
    """The sources of all issuers. What is configured as before is kept over a reload, with the keys that it has."""

    def __init__(self, report: Report = lambda _event, _numbers: None, failed: Failed = ignored) -> None:
        self._report = report
        self._failed = failed
        self._running: dict[tuple[object, ...], FetchedKeys] = {}
        self._found: dict[tuple[object, ...], FetchedKeys] = {}

    def source(
        self, issuer: str, keys: str, algorithms: tuple[str, ...], ca: Path | None, refresh_s: float, max_age_s: float
    ) -> KeySource:
        """Return where the keys of an issuer come from: a file, or an address. Raises ConfigRefused.

        Nothing is fetched before `use`.
        """
        if not keys.startswith("https://"):
            return FixedKeys(Path(keys), algorithms)
        try:
            roots = None if ca is None else ca.read_text(encoding="ascii")
            context = ssl.create_default_context(cadata=roots)
        except (OSError, ValueError, ssl.SSLError):
            raise ConfigRefused(f"`{ca}` cannot be read as certificates in PEM form") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        settings = (issuer, keys, algorithms, roots, refresh_s, max_age_s)
        known = self._running.get(settings) or self._found.get(settings)
        if known is None:
            fetched = partial(fetch, keys, context)
            known = FetchedKeys(issuer, fetched, algorithms, refresh_s, max_age_s, self._report, self._failed)
        self._found[settings] = known
        return known

    def use(self) -> None:
        """Go by the sources that were asked for since the last time: fetch for these, and no more for others."""
        found, self._found = self._found, {}
        for settings, source in self._running.items():
            if settings not in found:
                source.stop()
        for settings, source in found.items():
            if settings not in self._running:
                source.start()
        self._running = found

    def forget(self) -> None:
        """Drop what was asked for and is not to be used: the configuration was refused."""
        self._found = {}

    def close(self) -> None:
        """Fetch nothing more."""
        self.forget()
        self.use()
