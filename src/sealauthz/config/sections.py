"""The sections of the configuration: every setting with its type, its default and its range."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import pydantic
from pydantic import Field, SecretStr, field_validator

from sealauthz.audit.anchoring import Webhook
from sealauthz.audit.note import check_name
from sealauthz.audit.posting import check_address
from sealauthz.config.callers import CallerSection, check_callers
from sealauthz.config.issuers import JwtSection
from sealauthz.config.words import EVERYTHING, SecretFileSetting, Section, check_words, split
from sealauthz.runtime.errors import ConfigRefused
from sealauthz.schema import Model
from sealauthz.service import Callers
from sealauthz.service.issuer_keys import KeySources

if TYPE_CHECKING:
    from sealauthz.service import ServerSettings

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
    log_level: Literal["info", "warning", "error"] = "info"

    @field_validator("client_ca", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split(value)


def _checked_address(value: str | None) -> str | None:
    """Return an address `host:port`. Raises ValueError for what is none."""
    if value is not None:
        from sealauthz.service import is_loopback

        try:
            is_loopback(value)
        except ConfigRefused as error:
            raise ValueError(str(error)) from None
    return value


class HttpSection(Section):
    """Where the RPCs are served over HTTP and JSON too, with the TLS of `[server]`; without an address nowhere."""

    listen: str | None = None

    _check_listen = field_validator("listen")(_checked_address)


class DatabaseSection(Section):
    """Where the facts are. The URL may hold a password and is never shown; it, or the password, may be in a file."""

    url: SecretStr = SecretStr("sqlite:///sealauthz.db")
    url_file: SecretFileSetting | None = None
    password_file: SecretFileSetting | None = None

    @pydantic.model_validator(mode="after")
    def _check_url(self) -> DatabaseSection:
        if self.url_file is not None and "url" in self.model_fields_set:
            raise ValueError("has `url` and `url_file`: give one of them")
        if not self.model_fields_set:
            return self  # all defaults, which loads nothing of the facts
        from sealauthz.facts.store.engine import parse

        try:
            url = parse(self._given())
        except ConfigRefused as error:
            raise ValueError(str(error)) from None
        if self.password_file is not None and (url.password is not None or url.get_backend_name() == "sqlite"):
            raise ValueError("`password_file` is for a URL of PostgreSQL without a password")
        return self

    @property
    def whole_url(self) -> str:
        """The URL with its password."""
        if self.password_file is None:
            return self._given()
        from sealauthz.facts.store.engine import parse

        return parse(self._given()).set(password=self.password_file.content).render_as_string(hide_password=False)

    def _given(self) -> str:
        return self.url.get_secret_value() if self.url_file is None else self.url_file.content


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

    _check_listen = field_validator("listen")(_checked_address)


class TracesSection(Section):
    """Which collector gets the traces of calls, over OTLP; without one none are kept. `ratio` is the share of those
    that are kept of calls which come without a trace.
    """

    endpoint: str | None = None
    ca: Path | None = None
    ratio: float = Field(0.01, ge=0, le=1)

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port and "@" not in parts.netloc
        except ValueError:
            is_good = False
        if not is_good or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(
                "must be `http://HOST:PORT` or `https://HOST:PORT`, where a collector takes OTLP over gRPC"
            )
        return value

    @pydantic.model_validator(mode="after")
    def _check_ca(self) -> TracesSection:
        if self.ca is not None and not (self.endpoint or "").startswith("https:"):
            raise ValueError("`ca` is for an `endpoint` of `https:`")
        return self


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


def _refused(check: Callable[..., object], *arguments: Any, **options: Any) -> None:
    """Raise ValueError where a check raises ConfigRefused."""
    try:
        check(*arguments, **options)
    except ConfigRefused as error:
        raise ValueError(str(error)) from None


class AuditSection(Section):
    """How the log of decisions is called, the key that signs its checkpoints, whether this process gives records their
    places, and whether answers that need not be in the log first are recorded. Without a key checkpoints are unsigned.
    `pending_key` is a secret of all processes by which they know records of each other; without it, `key` is.
    Who gives records their places keeps checkpoints in `folder`, and sends them to `webhook`, whose address may be
    secret. With a folder, every `timestamps_every_s` an authority at `timestamps` is asked to stamp one, which the root
    certificates in `timestamp_roots` verify.
    """

    name: str = Field("", max_length=256)
    key: Path | None = None
    pending_key: Path | None = None
    sequences: bool = True
    advice: bool = True
    folder: Path | None = None
    webhook: SecretStr | None = None
    timestamps: SecretStr | None = None
    timestamp_roots: Path | None = None
    timestamps_every_s: float = Field(3_600.0, ge=10, le=7 * 86_400)

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
        if self.webhook is not None:
            _refused(Webhook, self.webhook.get_secret_value())
        if self.folder is None and self.timestamps:
            raise ValueError("`folder` is needed beside `timestamps`: what the authority signs is kept there")
        if self.timestamps is not None:
            if self.timestamp_roots is None:
                raise ValueError("`timestamp_roots` is needed beside `timestamps`: what nobody can verify is not kept")
            _refused(check_address, self.timestamps.get_secret_value(), "audit.timestamps", is_plain_fine=True)
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
    http: HttpSection = HttpSection()
    database: DatabaseSection = DatabaseSection()
    facts: FactsSection = FactsSection()
    policies: PoliciesSection = PoliciesSection()
    metrics: MetricsSection = MetricsSection()
    traces: TracesSection = TracesSection()
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
        from sealauthz.service import ServerSettings, is_loopback

        server = self.server
        if insecure and not is_loopback(server.listen):
            raise ConfigRefused(f"`server.listen`: `{server.listen}` is not on loopback, as plain text must be")
        if insecure and self.http.listen is not None and not is_loopback(self.http.listen):
            raise ConfigRefused(f"`http.listen`: `{self.http.listen}` is not on loopback, as plain text must be")
        if not insecure and (server.tls_certificate is None or server.tls_key is None):
            raise ConfigRefused("`server.tls_certificate` and `server.tls_key` are needed to serve over TLS")
        return ServerSettings(
            is_insecure=insecure,
            tls_certificate=None if insecure else server.tls_certificate,
            tls_key=None if insecure else server.tls_key,
            client_ca=() if insecure else tuple(server.client_ca),
            http_listen=self.http.listen,
            has_reflection=insecure if server.reflection is None else server.reflection,
            **server.model_dump(exclude=_ELSEWHERE),
        )
