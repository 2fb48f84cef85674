"""The configuration: one TOML file, and `SEALAUTHZ_…` variables that win over it. Read once, by the composition root.

    [server]                                        SEALAUTHZ_SERVER__LISTEN
    listen = "127.0.0.1:8443"
    tls_certificate = "server.pem"                  # relative to the file
    tls_key = "server.key"

    [database]
    url = "sqlite:///sealauthz.db"                  # SEALAUTHZ_DATABASE__URL

    [facts]
    memory_mb = 512                                 # for what is loaded; SEALAUTHZ_FACTS__MEMORY_MB
    max_age_s = 5.0                                 # of what answers from memory

    [policies]
    folder = "policies"                             # relative to the file; without it, the installed policies

    [receipts]
    issuer = "https://authz.example"                # who signs, as the receipts say
    keys = ["receipts.pem"]                         # the first signs, the others are published beside it

    [assertions]
    audience = "https://authz.example"              # the service, as signed assertions of persons name it
    [assertions.issuers."https://id.example"]       # who may sign for persons; from the file only
    keys = "id-keys.json"                           # its public keys: a JSON Web Key Set, each key with its `alg`
    callers = ["signing"]                           # who may forward them; without it, every caller

    [callers.signing]                               # from the file only
    token_sha256 = "9f86d081…"                      # hexadecimal SHA-256 of a random token of 32 characters or more
    rpcs = ["AuthorizationService/Authorize"]       # or "*"
    enterprises = ["E1"]                            # or "*"
    read = { Seal = ["name", "state"], Person = "*" }
    write = { SealHold = "*" }
    performs = ["use", "Enterprise/join"]           # or "*"; on every type, or on one
    sees_operator_reasons = false
    share = 0.5                                     # the part of all calls that may be its own at once
    calls_per_s = 100                               # how fast it may ask

What a caller is not given it does not have. Unknown names are errors that name them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_origin

import pydantic
from pydantic import Field, SecretStr, ValidationInfo, field_validator

from sealauthz.errors import ConfigRefused, did_you_mean
from sealauthz.schema import Model
from sealauthz.service import RPCS, Caller, Callers, ServerSettings, is_loopback

PREFIX = "SEALAUTHZ_"
CONFIG_FILE = "SEALAUTHZ_CONFIG"
OTHER_NAMES = frozenset(
    {
        CONFIG_FILE,
        "SEALAUTHZ_CACHE",
        "SEALAUTHZ_PYTHON",
        "SEALAUTHZ_ADDRESS",
        "SEALAUTHZ_TOKEN",
        "SEALAUTHZ_TLS_ROOTS",
        "SEALAUTHZ_SIGN_WITH",
    }
)
"""Names that are read elsewhere: where the file is, where loaded bundles are kept, the interpreter of `make`, and how
the commands reach a server.
"""

EVERYTHING = "*"
MAX_WORKERS = 64

_ELSEWHERE = {"tls_certificate", "tls_key", "reflection", "workers", "stop_grace_s", "caller_calls_per_s"}
"""What of `[server]` is not simply a setting of the server."""


class _Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class ServerSection(_Section):
    """How to serve."""

    listen: str = "127.0.0.1:8443"
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    reflection: bool | None = None
    threads: int = Field(8, ge=1, le=256)
    max_concurrent_calls: int = Field(512, ge=1, le=100_000)
    transaction_threads: int = Field(16, ge=1, le=256)
    max_transactions: int = Field(128, ge=1, le=100_000)
    max_streams: int = Field(256, ge=1, le=4_096)
    caller_share: float = Field(0.5, gt=0, le=1)
    caller_calls_per_s: float | None = Field(None, gt=0, le=1_000_000)
    workers: int = Field(1, ge=1, le=MAX_WORKERS)
    health_interval_s: float = Field(2.0, gt=0, le=60)
    stop_grace_s: float = Field(5.0, ge=0, le=300)
    answers_on_arrival: bool = True


class DatabaseSection(_Section):
    """Where the facts are. The URL may hold a password and is never shown."""

    url: SecretStr = SecretStr("sqlite:///sealauthz.db")


class FactsSection(_Section):
    """How facts are kept in memory."""

    memory_mb: int = Field(512, ge=16, le=1_000_000)
    max_age_s: float = Field(5.0, gt=0, le=3_600)
    poll_s: float | None = Field(None, gt=0, le=60)
    warm_up: bool = False
    import_lease_s: float = Field(600.0, ge=60, le=604_800)


class PoliciesSection(_Section):
    """Which policies to decide with."""

    folder: Path | None = None


class ReceiptsSection(_Section):
    """Who signs receipts of acts, and with which keys: the first signs, all are published. Without keys there are none.

    A variable holds the files with commas between them.
    """

    issuer: str = Field("", max_length=256)
    keys: list[Path] = []

    @field_validator("keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class AssertionIssuerSection(_Section):
    """An issuer of persons' identities: the file of its public keys, and the callers that may forward what it signs."""

    keys: Path
    callers: list[str] | Literal["*"] = "*"


class AssertionsSection(_Section):
    """Whose word counts as a person's own, and how the service is named in it. Without issuers it is nobody's."""

    audience: str = Field("", max_length=256)
    issuers: dict[str, AssertionIssuerSection] = {}


class CallerSection(_Section):
    """A caller and its rights."""

    token_sha256: SecretStr
    rpcs: list[str] | Literal["*"] = []
    enterprises: list[str] | Literal["*"] = []
    read: dict[str, list[str] | Literal["*"]] = {}
    write: dict[str, list[str] | Literal["*"]] = {}
    performs: list[str] | Literal["*"] = []
    sees_operator_reasons: bool = False
    share: float | None = Field(None, gt=0, le=1)
    calls_per_s: float | None = Field(None, gt=0, le=1_000_000)

    @field_validator("token_sha256")
    @classmethod
    def _check_digest(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if len(text) != 64 or any(c not in "0123456789abcdef" for c in text):
            raise ValueError("must be the SHA-256 of the token: 64 lower-case hexadecimal digits")
        return value

    @field_validator("rpcs")
    @classmethod
    def _check_rpcs(cls, value: list[str] | str) -> list[str] | str:
        if value != EVERYTHING:
            _check_words(value, RPCS, "RPC")
        return value

    @field_validator("read", "write")
    @classmethod
    def _check_fields(cls, value: dict[str, list[str] | str], info: ValidationInfo) -> dict[str, list[str] | str]:
        model = _model_of(info)
        _check_words(value, model.records, "record type")
        for record_type, fields in value.items():
            if fields != EVERYTHING:
                _check_words(fields, _fields_of(model, record_type), f"field of {record_type}")
        return value

    @field_validator("performs")
    @classmethod
    def _check_performs(cls, value: list[str] | str, info: ValidationInfo) -> list[str] | str:
        if value != EVERYTHING:
            actions = _model_of(info).actions
            known = [name for name, _ in actions] + [f"{record_type}/{name}" for name, record_type in actions]
            _check_words(value, dict.fromkeys(known), "action")
        return value

    def rights(self, model: Model, name: str, server: ServerSection) -> Caller:
        """Return the caller that the service works with; its limits are those of the server if it has none."""
        return Caller(
            model=model,
            name=name,
            token_sha256=bytes.fromhex(self.token_sha256.get_secret_value()),
            rpcs=frozenset(RPCS if self.rpcs == EVERYTHING else self.rpcs),
            tenants=None if self.enterprises == EVERYTHING else frozenset(self.enterprises),
            read=_fields_by_type(model, self.read),
            write=_fields_by_type(model, self.write),
            performs=None if self.performs == EVERYTHING else frozenset(self.performs),
            sees_operator_reasons=self.sees_operator_reasons,
            share=server.caller_share if self.share is None else self.share,
            calls_per_s=server.caller_calls_per_s if self.calls_per_s is None else self.calls_per_s,
        )


class Config(_Section):
    """The whole configuration, checked."""

    server: ServerSection = ServerSection()
    database: DatabaseSection = DatabaseSection()
    facts: FactsSection = FactsSection()
    policies: PoliciesSection = PoliciesSection()
    receipts: ReceiptsSection = ReceiptsSection()
    assertions: AssertionsSection = AssertionsSection()
    callers: dict[str, CallerSection] = {}

    @pydantic.model_validator(mode="after")
    def _check_callers(self) -> Config:
        names: dict[str, str] = {}
        for name, caller in self.callers.items():
            if not name.isprintable() or not 0 < len(name) <= 128:
                raise ValueError("the name of a caller must have 1 to 128 printable characters")
            twin = names.setdefault(caller.token_sha256.get_secret_value(), name)
            if twin != name:
                raise ValueError(f"the callers `{twin}` and `{name}` have the same token")
        return self

    @pydantic.model_validator(mode="after")
    def _check_assertions(self) -> Config:
        if self.assertions.issuers and not self.assertions.audience:
            raise ValueError(
                "`assertions.audience` is needed beside `assertions.issuers`: assertions name whom they are for"
            )
        for issuer in self.assertions.issuers.values():
            if issuer.callers != EVERYTHING:
                _check_words(issuer.callers, self.callers, "caller")
        return self

    def caller_rights(self, model: Model) -> Callers:
        """Return the callers as the service works with them."""
        return Callers(caller.rights(model, name, self.server) for name, caller in self.callers.items())

    def server_settings(self, *, insecure: bool = False) -> ServerSettings:
        """Return how to serve. Plain text is a switch of the command line and no setting. Raises ConfigRefused."""
        server = self.server
        if insecure and not is_loopback(server.listen):
            raise ConfigRefused(f"`server.listen`: `{server.listen}` is not on loopback, as plain text must be")
        if not insecure and (server.tls_certificate is None or server.tls_key is None):
            raise ConfigRefused("`server.tls_certificate` and `server.tls_key` are needed to serve over TLS")
        return ServerSettings(
            is_insecure=insecure,
            tls_certificate=None if insecure else server.tls_certificate,
            tls_key=None if insecure else server.tls_key,
            has_reflection=insecure if server.reflection is None else server.reflection,
            **server.model_dump(exclude=_ELSEWHERE),
        )


def load(model: Model, environ: Mapping[str, str], path: Path | None = None) -> Config:
    """Read the configuration for a model: `path`, or the file that SEALAUTHZ_CONFIG names, or none; then the variables.

    Raises ConfigRefused naming what cannot be used; values that may be secret are never repeated.
    """
    if path is None and environ.get(CONFIG_FILE):
        path = Path(environ[CONFIG_FILE])
    table = {} if path is None else _read(path)
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in OTHER_NAMES:
            section, field = _place_of(name)
            into = table.setdefault(section, {})
            if not isinstance(into, dict):
                raise ConfigRefused(f"`{section}`: must be a table")
            into[field] = environ[name]
    try:
        return Config.model_validate(table, context=model)
    except pydantic.ValidationError as error:
        raise ConfigRefused("; ".join(_said(problem) for problem in error.errors(include_url=False))) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigRefused(f"the configuration `{path}` cannot be read") from error
    except UnicodeDecodeError as error:
        raise ConfigRefused(f"the configuration `{path}` is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigRefused(f"the configuration `{path}` is not TOML: {error}") from error
    for name, fields in _PATHS.items():
        section = table.get(name)
        if not isinstance(section, dict):
            continue
        for field in fields:
            value = section.get(field)
            if isinstance(value, str):
                section[field] = str(path.parent / value)
            elif isinstance(value, list):
                section[field] = [str(path.parent / each) if isinstance(each, str) else each for each in value]
    assertions = table.get("assertions")
    issuers = assertions.get("issuers") if isinstance(assertions, dict) else None
    for issuer in issuers.values() if isinstance(issuers, dict) else ():
        if isinstance(issuer, dict) and isinstance(issuer.get("keys"), str):
            issuer["keys"] = str(path.parent / issuer["keys"])
    return table


_PATHS = {"server": ("tls_certificate", "tls_key"), "policies": ("folder",), "receipts": ("keys",)}
"""The settings that are relative to the file they stand in."""


def _place_of(name: str) -> tuple[str, str]:
    """Return the section and the field that a variable sets. Callers come from the file only. Raises ConfigRefused."""
    names = {
        f"{PREFIX}{section}__{field}".upper(): (section, field)
        for section, info in Config.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, _Section)
        for field, of in info.annotation.model_fields.items()
        if get_origin(of.annotation) is not dict
    }
    if name not in names:
        raise ConfigRefused(f"unknown variable `{name}`{did_you_mean(name, [*names, *OTHER_NAMES])}")
    return names[name]


def _model_of(info: ValidationInfo) -> Model:
    """Return the model that a configuration is read for."""
    if not isinstance(info.context, Model):
        raise TypeError("a configuration is read for a model")
    return info.context


def _check_words(words: Iterable[str], known: Iterable[str], what: str) -> None:
    for word in words:
        if word not in known:
            raise ValueError(f"unknown {what} `{word}`{did_you_mean(word, known)}")


def _fields_of(model: Model, record_type: str) -> list[str]:
    return [column.name for column in model.shapes[record_type].columns]


def _fields_by_type(model: Model, rights: Mapping[str, list[str] | str]) -> dict[str, frozenset[str]]:
    return {
        record_type: frozenset(_fields_of(model, record_type) if fields == EVERYTHING else fields)
        for record_type, fields in rights.items()
    }


def _said(problem: Any) -> str:
    """Say what pydantic found, without the value."""
    place = [str(part) for part in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        return f"unknown setting `{'.'.join(place)}`"
    # A union names the member it tried behind the field.
    place = [part for part in place if not part.startswith(("list[", "literal[", "function-"))]
    message = problem["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return f"`{'.'.join(place)}`: {message}" if place else message
