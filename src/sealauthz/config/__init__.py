"""The configuration: one TOML file, and `SEALAUTHZ_…` variables that win over it. Read once, by the composition root.

    [server]                                        SEALAUTHZ_SERVER__LISTEN
    listen = "127.0.0.1:8443"
    tls_certificate = "server.pem"                  # relative to the file
    tls_key = "server.key"
    client_ca = ["mesh-ca.pem"]                     # then each connection shows a certificate, and is its caller's

    [database]
    url = "sqlite:///sealauthz.db"                  # SEALAUTHZ_DATABASE__URL

    [facts]
    memory_mb = 512                                 # for what is loaded; SEALAUTHZ_FACTS__MEMORY_MB
    max_age_s = 5.0                                 # of what answers from memory

    [policies]
    folder = "policies"                             # relative to the file; without it, the installed policies
    source = "store"                                # what is activated goes over the folder; or "folder": it does not
    signers = ["security.pem"]                      # public keys: one of them must have signed what is activated

    [metrics]
    listen = "127.0.0.1:9464"                       # where they are collected; without it, nothing is measured

    [receipts]
    issuer = "https://authz.example"                # who signs, as the receipts say
    keys = ["receipts.pem"]                         # the first signs, the others are published beside it

    [audit]
    name = "authz.example/log"                      # of the log of decisions, as its checkpoints say
    key = "log.pem"                                 # signs its checkpoints

    [assertions]
    audience = "https://authz.example"              # the service, as signed assertions of persons name it
    [assertions.issuers."https://id.example"]       # who may sign for persons; from the file only
    keys = "id-keys.json"                           # its public keys: a JSON Web Key Set, each key with its `alg`
    callers = ["signing"]                           # who may forward them; without it, every caller

    [jwt.issuers."https://login.example"]           # who may issue tokens of callers; from the file only
    keys = "https://login.example/jwks.json"        # or a file
    audience = "https://authz.example"              # the service, as the tokens name it

    [callers.signing]                               # from the file only
    token_sha256 = "9f86d081…"                      # hexadecimal SHA-256 of a random token of 32 characters or more,
                                                    # or a list of them; or in a file: token_sha256_file
    jwt = { issuer = "https://login.example", subject = "signing" }
    spiffe = "spiffe://example/signing"             # of its certificate, with `client_ca`
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

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pydantic
from pydantic import Field, SecretStr, field_validator
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from sealauthz.audit.note import check_name
from sealauthz.config import places
from sealauthz.config.callers import CallerSection, check_callers
from sealauthz.config.issuers import JwtSection
from sealauthz.config.reading import read_text, table_of
from sealauthz.config.secret_files import SecretFileSetting
from sealauthz.config.words import EVERYTHING, Section, check_words, split
from sealauthz.errors import ConfigRefused, did_you_mean
from sealauthz.schema import Model
from sealauthz.service import Callers, ServerSettings, is_loopback
from sealauthz.service.issuer_keys import KeySources

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
        "SEALAUTHZ_CERTIFICATE",
        "SEALAUTHZ_SIGN_WITH",
    }
)
"""Names that are read elsewhere: where the file is, where loaded bundles are kept, the interpreter of `make`, and how
the commands reach a server.
"""

MAX_WORKERS = 64

_ELSEWHERE = {
    "tls_certificate",
    "tls_key",
    "client_ca",
    "reflection",
    "workers",
    "stop_grace_s",
    "caller_calls_per_s",
    "log_level",
}
"""What of `[server]` is not simply a setting of the server."""


class ServerSection(Section):
    """How to serve."""

    listen: str = "127.0.0.1:8443"
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    client_ca: list[Path] = Field([])
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
    log_level: Literal["info", "warning", "error"] = "info"

    @field_validator("client_ca", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split(value)


class DatabaseSection(Section):
    """Where the facts are. The URL may hold a password and is never shown; it, or the password, may be in a file."""

    url: SecretStr = SecretStr("sqlite:///sealauthz.db")
    url_file: SecretFileSetting | None = None
    password_file: SecretFileSetting | None = None

    @pydantic.model_validator(mode="after")
    def _check_url(self) -> DatabaseSection:
        if self.url_file is not None and "url" in self.model_fields_set:
            raise ValueError("has `url` and `url_file`: give one of them")
        if self.password_file is not None:
            url = self._parsed()
            if url is None or url.password is not None or url.get_backend_name() == "sqlite":
                raise ValueError("`password_file` is for a URL of PostgreSQL without a password")
        return self

    @property
    def whole_url(self) -> str:
        """The URL with its password."""
        url = self._parsed() if self.password_file is not None else None
        if url is None or self.password_file is None:
            return self._given()
        return url.set(password=self.password_file.content).render_as_string(hide_password=False)

    def _given(self) -> str:
        return self.url.get_secret_value() if self.url_file is None else self.url_file.content

    def _parsed(self) -> URL | None:
        try:
            return make_url(self._given())
        except ArgumentError:
            return None


class FactsSection(Section):
    """How facts are kept in memory."""

    memory_mb: int = Field(512, ge=16, le=1_000_000)
    max_age_s: float = Field(5.0, gt=0, le=3_600)
    poll_s: float | None = Field(None, gt=0, le=60)
    warm_up: bool = False
    import_lease_s: float = Field(600.0, ge=60, le=604_800)


class PoliciesSection(Section):
    """Which policies to decide with: those that were activated, and before any were, those of the folder; or those of
    the folder in any case.
    """

    folder: Path | None = None
    source: Literal["store", "folder"] = "store"
    signers: list[Path] = Field([])

    @field_validator("signers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class MetricsSection(Section):
    """Where metrics are collected, over plain HTTP; without an address nothing is measured."""

    listen: str | None = None

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                is_loopback(value)
            except ConfigRefused as error:
                raise ValueError(str(error)) from None
        return value


class ReceiptsSection(Section):
    """Who signs receipts of acts, and with which keys: the first signs, all are published. Without keys there are none.

    A variable holds the files with commas between them.
    """

    issuer: str = Field("", max_length=256)
    keys: list[Path] = Field([])

    @field_validator("keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split(value)


class AuditSection(Section):
    """How the log of decisions is called, the key that signs its checkpoints, and whether this process gives records
    their places. Without a key checkpoints are unsigned.
    """

    name: str = Field("", max_length=256)
    key: Path | None = None
    sequences: bool = True

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        try:
            if value:
                check_name(value)
        except ConfigRefused as error:
            raise ValueError(str(error)) from None
        return value

    @pydantic.model_validator(mode="after")
    def _check_key(self) -> AuditSection:
        if self.key is not None and not self.name:
            raise ValueError("`name` is needed beside `key`: checkpoints name the log that they speak of")
        return self


class AssertionIssuerSection(Section):
    """An issuer of persons' identities: the file of its public keys, and the callers that may forward what it signs."""

    keys: Path
    callers: list[str] | Literal["*"] = "*"


class AssertionsSection(Section):
    """Whose word counts as a person's own, and how the service is named in it. Without issuers it is nobody's."""

    audience: str = Field("", max_length=256)
    issuers: dict[str, AssertionIssuerSection] = Field({})


class Config(Section):
    """The whole configuration, checked."""

    server: ServerSection = ServerSection()
    database: DatabaseSection = DatabaseSection()
    facts: FactsSection = FactsSection()
    policies: PoliciesSection = PoliciesSection()
    metrics: MetricsSection = MetricsSection()
    receipts: ReceiptsSection = ReceiptsSection()
    audit: AuditSection = AuditSection()
    assertions: AssertionsSection = AssertionsSection()
    jwt: JwtSection = JwtSection()
    callers: dict[str, CallerSection] = Field({})

    @pydantic.model_validator(mode="after")
    def _check_callers(self) -> Config:
        check_callers(self.callers, self.jwt.issuers)
        return self

    @pydantic.model_validator(mode="after")
    def _check_assertions(self) -> Config:
        if self.assertions.issuers and not self.assertions.audience:
            raise ValueError(
                "`assertions.audience` is needed beside `assertions.issuers`: assertions name whom they are for"
            )
        for name, issuer in self.assertions.issuers.items():
            if issuer.callers != EVERYTHING:
                check_words(issuer.callers, self.callers, "caller", ("assertions", "issuers", name, "callers"))
        return self

    def caller_rights(self, model: Model, sources: KeySources | None = None) -> Callers:
        """Return the callers as the service works with them. Raises ConfigRefused. `sources` have the issuers' keys."""
        limits = self.server.caller_share, self.server.caller_calls_per_s
        callers = [caller.rights(model, name, *limits) for name, caller in self.callers.items()]
        sources = sources or KeySources()
        return Callers(callers, [issuer.issuer(name, sources) for name, issuer in self.jwt.issuers.items()])

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
            client_ca=() if insecure else tuple(server.client_ca),
            has_reflection=insecure if server.reflection is None else server.reflection,
            **server.model_dump(exclude=_ELSEWHERE),
        )


def load(model: Model, environ: Mapping[str, str], path: Path | None = None) -> Config:
    """Read the configuration for a model: `path`, or the file that SEALAUTHZ_CONFIG names, or none; then the variables.

    Raises ConfigRefused naming what cannot be used; values that may be secret are never repeated.
    """
    path = path or _named_in(environ)
    text = "" if path is None else read_text(path)
    table, set_by = _table_of(environ, text, path)
    try:
        return Config.model_validate(table, context=model)
    except pydantic.ValidationError as error:
        problems = error.errors(include_url=False)
        raise ConfigRefused("; ".join(_said(problem, text, path, set_by) for problem in problems)) from None


def database_in(environ: Mapping[str, str], path: Path | None = None) -> str:
    """Return the URL of the database that a configuration names: it says for which model the rest is to be read.

    Raises ConfigRefused where there is none that can be read.
    """
    path = path or _named_in(environ)
    table, _ = _table_of(environ, "" if path is None else read_text(path), path)
    try:
        return DatabaseSection.model_validate(table.get("database", {})).whole_url
    except pydantic.ValidationError as error:
        raise ConfigRefused("`database` cannot be read") from error


def _named_in(environ: Mapping[str, str]) -> Path | None:
    return Path(environ[CONFIG_FILE]) if environ.get(CONFIG_FILE) else None


def _table_of(
    environ: Mapping[str, str], text: str, path: Path | None
) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    """Read the text of the file, and the variables over it; return also which variable set what."""
    table = {} if path is None else table_of(text, path)
    set_by: dict[tuple[str, str], str] = {}
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in OTHER_NAMES:
            section, field = _place_of(name)
            into = table.setdefault(section, {})
            if not isinstance(into, dict):
                raise ConfigRefused(f"`{section}`: must be a table")
            if (other := _INSTEAD.get((section, field))) and (section, other) not in set_by:
                into.pop(other, None)
            into[field] = environ[name]
            set_by[section, field] = name
    return table, set_by


_INSTEAD = {("database", "url"): "url_file", ("database", "url_file"): "url"}
"""What a variable takes away from the file, because it says the same in another way."""


def _place_of(name: str) -> tuple[str, str]:
    """Return the section and the field that a variable sets. Callers come from the file only. Raises ConfigRefused."""
    names = {
        f"{PREFIX}{section}__{field}".upper(): (section, field)
        for section, info in Config.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section)
        for field, of in info.annotation.model_fields.items()
        if get_origin(of.annotation) is not dict
    }
    if name not in names:
        raise ConfigRefused(f"unknown variable `{name}`{did_you_mean(name, [*names, *OTHER_NAMES])}")
    return names[name]


def _said(problem: Any, text: str, path: Path | None, set_by: Mapping[tuple[str, str], str]) -> str:
    """Say what pydantic found, and where, without the value."""
    context = problem.get("ctx", {})
    # A union names the member it tried behind the field.
    loc = context.get("path") or problem["loc"]
    found = [part for part in loc if not str(part).startswith(("list[", "literal[", "function-"))]
    place = [str(part) for part in found]
    variable = set_by.get((place[0], place[1])) if len(place) > 1 else None
    line = None
    if path is not None and place and variable is None:
        line = places.line_of(text, found, context.get("word", ""))
    where = f" (`{variable}`)" if variable else f" (line {line} of `{path.name}`)" if path is not None and line else ""
    if problem["type"] == "extra_forbidden":
        return f"unknown setting `{'.'.join(place)}`{did_you_mean(place[-1], _known_beside(place))}{where}"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return f"`{'.'.join(place)}`: {message}{where}" if place else message


def _known_beside(place: Sequence[str]) -> list[str]:
    """Return what may stand where an unknown setting does."""
    known: Any = Config
    for part in place[:-1]:
        if get_origin(known) is dict:
            known = get_args(known)[1]
        elif isinstance(known, type) and issubclass(known, Section) and part in known.model_fields:
            known = known.model_fields[part].annotation
        else:
            return []
    return list(known.model_fields) if isinstance(known, type) and issubclass(known, Section) else []
