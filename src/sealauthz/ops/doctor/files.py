"""Checks of the files that a configuration names: keys, secrets and certificates, who may read them, and their end."""

from __future__ import annotations

import datetime
import ipaddress
import json
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sealauthz.audit.note import Signer
from sealauthz.config import Config
from sealauthz.facts.store.engine import parse
from sealauthz.operations.assertions import load_issuer
from sealauthz.operations.keys import SigningKeys
from sealauthz.ops.doctor.findings import Found, Level
from sealauthz.rollout.signatures import Signers
from sealauthz.runtime.errors import ConfigRefused
from sealauthz.service.certificates import TlsCertificate
from sealauthz.service.issuer_keys import KeySources

WARN_DAYS = 30
"""A certificate is warned of so many days before its end, or in its last quarter if it does not live that long."""

_ANYBODY = ("0.0.0.0", "::", "*")  # noqa: S104 (nothing listens here)
_OPEN = stat.S_IWGRP | stat.S_IRWXO


def look_at_keys(config: Config, config_file: Path | None) -> Found:
    """Look at the keys: those that sign, those that verify, and who else may read what is secret."""
    receipts, audit = config.receipts, config.audit
    # What cannot be used keeps `serve` from starting, and is reported with all such things (`cli.preconditions`).
    if receipts.keys:
        with suppress(ConfigRefused):
            SigningKeys.load(receipts.keys)
            yield Level.OK, f"receipts are signed with `{receipts.keys[0]}`, {len(receipts.keys)} published", ""
    else:
        yield Level.OK, "no key signs receipts: acts that need one are refused", ""
    if audit.key is not None:
        with suppress(ConfigRefused):
            Signer.load(audit.name, audit.key)
            yield Level.OK, f"checkpoints of the log are signed with `{audit.key}`", ""
    yield from _signers(config)
    yield from _assertions(config)
    yield from _tokens(config)
    yield from _same_keys(config)
    for file, what in {file: (file, what) for file, what in _secrets(config, config_file)}.values():
        yield from _mode(file, what)


def look_at_certificates(config: Config) -> Found:
    """Look at the certificate of the server and the authorities of callers'."""
    server = config.server
    if server.tls_certificate is None or server.tls_key is None:
        yield Level.OK, "no certificate: plain text, on this machine only", ""
        return
    try:
        TlsCertificate(server.tls_certificate, server.tls_key, server.client_ca)
    except ConfigRefused:
        return
    chain = x509.load_pem_x509_certificates(server.tls_certificate.read_bytes())
    yield from _names(chain[0], server.listen)
    for number, certificate in enumerate(chain):
        yield from _end(certificate, "an intermediate certificate" if number else "the certificate of the server")
    for file in server.client_ca:
        for certificate in x509.load_pem_x509_certificates(file.read_bytes()):
            yield from _end(certificate, f"an authority of callers' certificates in `{file}`")


def _signers(config: Config) -> Found:
    """Look at the keys without whose signature no policies are activated."""
    files = config.policies.signers
    if not files:
        yield Level.OK, "policies are activated without a signature: `policies.signers` names no key", ""
        return
    try:
        Signers(files)
    except ConfigRefused:
        return
    names = ", ".join(f"`{file.stem}`" for file in files)
    yield Level.OK, f"policies are activated with a signature of {names}", ""
    for file in files:
        if file.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            said = f"other users may write `{file}`: who replaces it can sign policies"
            yield Level.PROBLEM, said, f"`chmod go-w {file}`"


def _assertions(config: Config) -> Found:
    owners: dict[tuple[str, ...], str] = {}
    for name, issuer in config.assertions.issuers.items():
        try:
            load_issuer(name, issuer.keys, None)
        except ConfigRefused:
            continue
        yield Level.OK, f"`{name}` may sign for persons", ""
        for key in json.loads(issuer.keys.read_bytes())["keys"]:
            public = tuple(str(key.get(part, "")) for part in ("kty", "crv", "x", "y", "n"))
            if owners.setdefault(public, name) != name:
                said = f"`{owners[public]}` and `{name}` have the same key: each can sign as the other"
                yield Level.PROBLEM, said, "give each issuer a key of its own"


def _tokens(config: Config) -> Found:
    for name, issuer in config.jwt.issuers.items():
        try:
            issuer.issuer(name, KeySources())
        except ConfigRefused:
            continue
        fetched = f"; its keys are fetched from `{issuer.keys}`" if "://" in issuer.keys else ""
        yield Level.OK, f"`{name}` may issue tokens of callers{fetched}", ""


def _same_keys(config: Config) -> Found:
    """Yield where one key has two jobs: who holds it for the one could do the other."""
    owners: dict[bytes, str] = {}
    files = [(file, "receipts.keys") for file in config.receipts.keys]
    files += [(config.audit.key, "audit.key")] if config.audit.key else []
    files += [(config.server.tls_key, "server.tls_key")] if config.server.tls_key else []
    files += [(file, "policies.signers") for file in config.policies.signers]
    for file, setting in files:
        public = _public(file)
        if public and owners.setdefault(public, setting) != setting:
            said = f"`{owners[public]}` and `{setting}` name the same key"
            yield Level.WARNING, said, "make a key for each: a leak or a change of one is then no matter of the other"


def _public(file: Path) -> bytes:
    for public in (_of_private, load_pem_public_key):
        try:
            return public(file.read_bytes()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
            continue
    return b""  # what is wrong with it was said


def _of_private(content: bytes) -> PublicKeyTypes:
    return load_pem_private_key(content, password=None).public_key()


def _secrets(config: Config, config_file: Path | None) -> Iterator[tuple[Path, str]]:
    if config.server.tls_key:
        yield config.server.tls_key, "the TLS key"
    for file in config.receipts.keys:
        yield file, "the key of receipts"
    if config.audit.key:
        yield config.audit.key, "the key of the log"
    if config.audit.pending_key:
        yield config.audit.pending_key, "the key of records that wait for the log"
    for secret in (config.database.url_file, config.database.password_file):
        if secret:
            yield secret.path, "the secret"
    if config_file is not None and parse(config.database.url.get_secret_value()).password:
        yield config_file, "the configuration, which may hold a password,"


def _mode(file: Path, what: str) -> Found:
    try:
        found = file.stat()
        with file.open("rb"):
            pass
    except OSError as error:
        why = (error.strerror or "it cannot be read").lower()
        yield Level.PROBLEM, f"{what} `{file}`: {why}", "put it there, and let the user of the service read it"
        return
    if stat.S_ISREG(found.st_mode) and found.st_mode & _OPEN:
        said = f"{what} `{file}` is open to other users: mode {stat.S_IMODE(found.st_mode):04o}"
        yield Level.WARNING, said, f"`chmod 600 {file}`, or 640 with a group of the service's own"


def _end(certificate: x509.Certificate, what: str) -> Found:
    now = datetime.datetime.now(datetime.UTC)
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    left = ends - now
    if begins > now:
        yield Level.PROBLEM, f"{what} is not valid before {begins:%Y-%m-%d %H:%M} UTC", "is the clock right?"
    elif left <= datetime.timedelta(0):
        yield (
            Level.PROBLEM,
            f"{what} ended at {ends:%Y-%m-%d %H:%M} UTC",
            "replace the file: `serve` reads it by itself",
        )
    else:
        for_long = left > min(datetime.timedelta(days=WARN_DAYS), (ends - begins) / 4)
        days = f"{left.days} days" if left.days else f"{left.seconds // 3600} hours"
        said = f"{what} ends in {days}, at {ends:%Y-%m-%d %H:%M} UTC"
        yield (Level.OK, said, "") if for_long else (Level.WARNING, said, "renew it: `serve` reads the file by itself")


def _names(certificate: x509.Certificate, listen: str) -> Found:
    """Compare the names of a certificate with where the service listens. Clients may call it by others."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        todo = "issue it with the names that clients call as subjectAltName"
        yield Level.PROBLEM, "the certificate has no names: clients refuse it", todo
        return
    hosts = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    hosts += [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    host = listen.rpartition(":")[0].strip("[]").lower()
    said = f"the certificate is for {', '.join(hosts) or 'nobody that clients can call'}"
    if host in _ANYBODY or _is_for(host, hosts):
        yield (Level.OK, said, "") if hosts else (Level.PROBLEM, said, "issue it with names or addresses")
    else:
        todo = "fine if clients call it by one of these names; otherwise issue it again"
        yield Level.WARNING, f"{said}, and the service listens on `{host}`", todo


def _is_for(host: str, names: list[str]) -> bool:
    if host in names:
        return True
    try:
        return str(ipaddress.ip_address(host)) in names
    except ValueError:
        return f"*.{host.partition('.')[2]}" in names
