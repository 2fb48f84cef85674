"""The tables of those who issue tokens of callers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from sealauthz.config.words import Section, check_words
from sealauthz.service.issuer_keys import KeySources
from sealauthz.service.tokens import ALGORITHMS, DEFAULT_ALGORITHMS, DEFAULT_TYPES, TokenIssuer
from sealauthz_client import assertions, receipts

_OTHER_TYPES = (assertions.TYPE, receipts.TYPE)


class JwtIssuerSection(Section):
    """An issuer of tokens of callers: where its keys are, and what has to be true of a token."""

    keys: str = Field(min_length=1)
    audience: str = Field(min_length=1, max_length=256)
    algorithms: list[str] = Field(list(DEFAULT_ALGORITHMS), min_length=1)
    typ: list[str] = Field(list(DEFAULT_TYPES), min_length=1)
    leeway_s: int = Field(5, ge=0, le=60)
    max_lifetime_s: int = Field(3_600, ge=60, le=86_400)
    refresh_s: int = Field(300, ge=30, le=86_400)
    max_key_age_s: int = Field(3_600, ge=60, le=604_800)
    ca: Path | None = None

    @field_validator("keys")
    @classmethod
    def _check_keys(cls, value: str) -> str:
        if "://" in value:
            place = urlsplit(value)
            if place.scheme != "https" or not place.hostname or place.username is not None or place.fragment:
                raise ValueError("must be a file, or an address that begins `https://` and names nobody")
        return value

    @field_validator("algorithms")
    @classmethod
    def _check_algorithms(cls, value: list[str]) -> list[str]:
        check_words(value, ALGORITHMS, "algorithm of public keys")
        return value

    @field_validator("typ")
    @classmethod
    def _check_types(cls, value: list[str]) -> list[str]:
        found = [name.lower().removeprefix("application/") for name in value]
        if others := [name for name in found if name in _OTHER_TYPES]:
            raise ValueError(f"`{others[0]}` is the type of another token, which must not pass for one of a caller")
        return found

    def issuer(self, name: str, sources: KeySources) -> TokenIssuer:
        """Return the issuer that the service works with. Raises ConfigRefused."""
        algorithms = tuple(dict.fromkeys(self.algorithms))
        keys = sources.source(name, self.keys, algorithms, self.ca, self.refresh_s, self.max_key_age_s)
        return TokenIssuer(name, self.audience, keys, frozenset(self.typ), self.leeway_s, self.max_lifetime_s)


class JwtSection(Section):
    """Who may issue tokens of callers. Without issuers, only tokens that the configuration itself knows count."""

    issuers: dict[str, JwtIssuerSection] = Field({})
