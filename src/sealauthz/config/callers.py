"""The tables of callers: what each is known by, and what it may do."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Literal

import pydantic
from pydantic import Field, SecretStr, ValidationInfo, field_validator

from sealauthz.config.words import EVERYTHING, SecretFileSetting, Section, check_words, model_of
from sealauthz.runtime.characters import foreign_to_names
from sealauthz.schema import Model
from sealauthz.service import RPCS, Caller
from sealauthz.service.callers import AUDITING, SHIPPING
from sealauthz.service.peers import is_spiffe_id
from sealauthz.service.tokens import TokenOf

MAX_TOKENS = 8
"""So many tokens may count at once for a caller: one, and the next; the rest is for who has many clients to move."""


class JwtOfCaller(Section):
    """Which tokens of an issuer are a caller's: those with this subject, if one is named, and with these claims."""

    issuer: str
    subject: str = Field("", max_length=512)
    claims: dict[str, str | int | bool] = Field({})

    @field_validator("subject")
    @classmethod
    def _check_subject(cls, value: str) -> str:
        if foreign := foreign_to_names(value):
            raise ValueError(f"has ASCII characters only, so that none looks like another: {foreign}")
        return value

    @pydantic.model_validator(mode="after")
    def _check_names_somebody(self) -> JwtOfCaller:
        if not self.subject and not self.claims:
            raise ValueError(
                "needs a `subject` or `claims`: otherwise every token of the issuer would be this caller's"
            )
        return self


class CallerSection(Section):
    """A caller and its rights."""

    token_sha256: list[SecretStr] = Field([])
    token_sha256_file: SecretFileSetting | None = None
    jwt: list[JwtOfCaller] = Field([])
    spiffe: list[str] = Field([])
    rpcs: list[str] | Literal["*"] = Field([])
    enterprises: list[str] | Literal["*"] = Field([])
    read: dict[str, list[str] | Literal["*"]] = Field({})
    write: dict[str, list[str] | Literal["*"]] = Field({})
    performs: list[str] | Literal["*"] = Field([])
    sees_operator_reasons: bool = False
    share: float | None = Field(None, gt=0, le=1)
    calls_per_s: float | None = Field(None, gt=0, le=1_000_000)

    @field_validator("token_sha256", "jwt", "spiffe", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return value if isinstance(value, list) else [value]

    @field_validator("token_sha256")
    @classmethod
    def _check_digests(cls, value: list[SecretStr]) -> list[SecretStr]:
        for digest in value:
            _check_digest(digest.get_secret_value())
        return value

    @field_validator("token_sha256_file")
    @classmethod
    def _check_file(cls, value: SecretFileSetting | None) -> SecretFileSetting | None:
        for digest in value.content.split() if value is not None else ():
            _check_digest(digest)
        return value

    @field_validator("spiffe")
    @classmethod
    def _check_ids(cls, value: list[str]) -> list[str]:
        if wrong := [name for name in value if not is_spiffe_id(name)]:
            raise ValueError(f"`{wrong[0]}` is no SPIFFE id of a workload: `spiffe://trust-domain/path`")
        return value

    @field_validator("rpcs")
    @classmethod
    def _check_rpcs(cls, value: list[str] | str) -> list[str] | str:
        if value != EVERYTHING:
            check_words(value, RPCS, "RPC")
        return value

    @field_validator("read", "write")
    @classmethod
    def _check_fields(cls, value: dict[str, list[str] | str], info: ValidationInfo) -> dict[str, list[str] | str]:
        model = model_of(info)
        check_words(value, model.records, "record type")
        for record_type, fields in value.items():
            if fields != EVERYTHING:
                named = [field for field in fields if field != EVERYTHING]  # beside what was added to a record
                check_words(named, _fields_of(model, record_type), f"field of {record_type}")
        return value

    @field_validator("performs")
    @classmethod
    def _check_performs(cls, value: list[str] | str, info: ValidationInfo) -> list[str] | str:
        if value != EVERYTHING:
            actions = model_of(info).actions
            known = [name for name, _ in actions] + [f"{record_type}/{name}" for name, record_type in actions]
            check_words(value, dict.fromkeys(known), "action")
        return value

    @pydantic.model_validator(mode="after")
    def _check_credentials(self) -> CallerSection:
        count = len(self.tokens)
        if not count and not self.jwt and not self.spiffe:
            raise ValueError("needs something to be known by: `token_sha256`, `token_sha256_file`, `jwt` or `spiffe`")
        if count > MAX_TOKENS:
            raise ValueError(f"has {count} tokens, and may have {MAX_TOKENS}")
        return self

    @property
    def own_tokens(self) -> list[str]:
        """The digests that stand in the table itself."""
        return [digest.get_secret_value() for digest in self.token_sha256]

    @property
    def tokens_of_file(self) -> list[str]:
        """The digests that stand in a file."""
        return [] if self.token_sha256_file is None else self.token_sha256_file.content.split()

    @property
    def tokens(self) -> frozenset[bytes]:
        """The SHA-256 of each token that counts for this caller."""
        return frozenset(map(bytes.fromhex, self.own_tokens + self.tokens_of_file))

    def rights(self, model: Model, name: str, share: float = 0.5, calls_per_s: float | None = None) -> Caller:
        """Return the caller that the service works with; its limits are those given if it has none."""
        return Caller(
            model=model,
            name=name,
            tokens=self.tokens,
            issued=tuple(TokenOf(each.issuer, each.subject, each.claims) for each in self.jwt),
            spiffe=frozenset(self.spiffe),
            rpcs=frozenset(RPCS) - SHIPPING - AUDITING if self.rpcs == EVERYTHING else frozenset(self.rpcs),
            tenants=None if self.enterprises == EVERYTHING else frozenset(self.enterprises),
            read=_fields_by_type(model, self.read),
            write=_fields_by_type(model, self.write),
            performs=None if self.performs == EVERYTHING else frozenset(self.performs),
            sees_operator_reasons=self.sees_operator_reasons,
            share=share if self.share is None else self.share,
            calls_per_s=calls_per_s if self.calls_per_s is None else self.calls_per_s,
        )


_NAME = re.compile(r"[A-Za-z0-9_.:@/-]{1,128}")

OURS = frozenset({"sealauthz", "in-process"})
"""The names under which the service itself writes and acts."""


def check_callers(callers: Mapping[str, CallerSection], issuers: Collection[str]) -> None:
    """Raise ValueError for a name that cannot be one, an unknown issuer, and for a token that is of two callers."""
    owners: dict[object, str] = {}
    for name, caller in callers.items():
        if foreign := foreign_to_names(name):
            raise ValueError(
                f"the name of a caller has ASCII characters only, so that none looks like another: {foreign}"
            )
        if not _NAME.fullmatch(name):
            raise ValueError(
                "the name of a caller must have 1 to 128 letters, digits and `-`, `_`, `.`, `:`, `@` or `/`"
            )
        if name in OURS:
            raise ValueError(f"no caller can be called `{name}`: so the service calls itself")
        check_words([each.issuer for each in caller.jwt], issuers, "issuer", ("callers", name, "jwt"))
        by_jwt = [(each.issuer, each.subject, tuple(sorted(each.claims.items()))) for each in caller.jwt]
        for credential in (*caller.tokens, *by_jwt, *caller.spiffe):
            twin = owners.setdefault(credential, name)
            if twin != name:
                what = "SPIFFE id" if credential in caller.spiffe else "token"
                raise ValueError(f"the callers `{twin}` and `{name}` have the same {what}")


def _check_digest(text: str) -> None:
    if len(text) != 64 or any(c not in "0123456789abcdef" for c in text):
        raise ValueError("must be the SHA-256 of the token: 64 lower-case hexadecimal digits")


def _fields_of(model: Model, record_type: str) -> list[str]:
    return [column.name for column in model.shapes[record_type].columns]


def _fields_by_type(model: Model, rights: Mapping[str, list[str] | str]) -> dict[str, frozenset[str]]:
    """Return the fields by type.

    `*` is all of a record as it is declared. What policies have added to it is named one by one, beside `*` or not.
    """
    found = {}
    for record_type, fields in rights.items():
        declared = frozenset(_fields_of(model, record_type)) - model.added_columns(record_type)
        found[record_type] = frozenset(fields) - {EVERYTHING} | (declared if EVERYTHING in fields else frozenset())
    return found
