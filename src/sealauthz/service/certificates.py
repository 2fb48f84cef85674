"""The server's certificate, its key and the authorities of callers' certificates, read again while it serves."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

import grpc
from cryptography import x509

from sealauthz.observability.log import Log
from sealauthz.runtime.background import Background, Failed, ignored
from sealauthz.runtime.errors import ConfigRefused
from sealauthz.service.peers import Peers

LOOK_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class _Read:
    key: bytes
    certificate: bytes
    authorities: bytes
    context: ssl.SSLContext | None = field(default=None, compare=False)
    """The same for Python's own TLS, which HTTP is served with."""

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)], self.authorities or None)


class TlsCertificate:
    """What the files held when they were last read and could be used. Raises ConfigRefused if they cannot be.

    `authorities` issue the certificates of callers, which each connection must show one of; `peers` tells whose it is.
    """

    def __init__(self, certificate: Path, key: Path, authorities: Sequence[Path] = ()) -> None:
        self._files = certificate, key, tuple(authorities)
        self._looks = _looks_of(self._files)
        self._read = self._given = _read(*self._files)
        self._reading = threading.Lock()
        self.peers = Peers(self._read.authorities) if authorities else None

    def credentials(self) -> grpc.ServerCredentials:
        """Return what a listener is opened with. Connections that are made after a reload get the newer certificate."""
        # It may answer None, which grpcio's annotation does not know.
        newer = self._newer
        return grpc.dynamic_ssl_server_credentials(self._read.configuration(), newer, self.peers is not None)  # type: ignore[arg-type]

    def context(self) -> ssl.SSLContext:
        """Return what Python's own TLS serves a new connection with."""
        context = self._read.context
        if context is None:
            raise AssertionError("what was read has a context")
        return context

    @property
    def ends_at(self) -> float:
        """When the certificate ends, in seconds since 1970-01-01T00:00:00Z."""
        return _end_of(self._read.certificate)

    def reload(self) -> bool:
        """Read the files again; return whether they hold something else. Raises ConfigRefused, and changes nothing."""
        with self._reading:
            looks = _looks_of(self._files)
            read = _read(*self._files)
            is_new = read != self._read
            if self.peers is not None and read.authorities != self._read.authorities:
                self.peers.trust(read.authorities)
            self._read, self._looks = read, looks
            return is_new

    def looks_changed(self) -> bool:
        """Tell whether the files may hold something else than when they were last read well, without reading them."""
        return _looks_of(self._files) != self._looks

    def _newer(self) -> grpc.ServerCertificateConfiguration | None:
        """Tell grpcio, which asks before each handshake, what to use from now on; None if nothing has changed."""
        read = self._read
        if read is self._given:
            return None
        self._given = read
        return read.configuration()


class CertificateWatch:
    """Reads the certificate again when its files have changed: a renewal needs no signal."""

    def __init__(self, certificate: TlsCertificate, log: Log, failed: Failed = ignored) -> None:
        self._certificate = certificate
        self._log = log
        self._refused = ""
        self.thread = Background("tls", self._step, failed)

    def look(self) -> None:
        """Read what has changed. What cannot be used is told once, and the older goes on."""
        if not self._certificate.looks_changed():
            return
        try:
            is_new = self._certificate.reload()
        except ConfigRefused as error:
            if str(error) != self._refused:
                self._refused = str(error)
                self._log.error("certificate_refused", message=self._refused)
            return
        self._refused = ""
        if is_new:
            self._log.info("certificate_read")

    def _step(self) -> None:
        self.look()
        self.thread.goes_well()
        self.thread.rest(LOOK_EVERY_S)


@lru_cache(maxsize=4)
def _end_of(content: bytes) -> float:
    """Return the end of the first certificate, which is the server's own."""
    return x509.load_pem_x509_certificates(content)[0].not_valid_after_utc.timestamp()


def _looks_of(files: tuple[Path, Path, tuple[Path, ...]]) -> list[tuple[int, ...] | None]:
    """Return what tells a file from another of the same name, without reading it; None where there is none."""
    looks: list[tuple[int, ...] | None] = []
    for file in (files[0], files[1], *files[2]):
        try:
            found = file.stat()
        except OSError:
            looks.append(None)
        else:
            looks.append((found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev))
    return looks


def _read(certificate: Path, key: Path, authorities: Sequence[Path]) -> _Read:
    """Read the files. Raises ConfigRefused naming the one that is at fault."""
    read = _Read(_bytes(key, "key"), _bytes(certificate, "certificate"), _authorities(authorities))
    # grpcio says no more than that it cannot listen. The files are read by their names once more, and must not change.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=lambda: _refuse_passphrase(key))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigRefused(f"the TLS key `{key}` is not the key of the certificate `{certificate}`") from error
        for path, what, mark in ((certificate, "certificate", b"CERTIFICATE-----"), (key, "key", b"PRIVATE KEY-----")):
            if mark not in path.read_bytes():
                raise ConfigRefused(f"the TLS {what} `{path}` is not a {what} in PEM form") from error
        raise ConfigRefused(f"the TLS certificate `{certificate}` and key `{key}` cannot be used: {error}") from error
    if read != _Read(_bytes(key, "key"), _bytes(certificate, "certificate"), read.authorities):
        raise ConfigRefused(f"the TLS certificate `{certificate}` changed while it was read; try again")
    context.set_alpn_protocols(["http/1.1"])
    if read.authorities:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=read.authorities.decode("ascii", "ignore"))
    return replace(read, context=context)


def _authorities(files: Sequence[Path]) -> bytes:
    """Return the certificates of the authorities in all files. Raises ConfigRefused for what is none."""
    found: list[bytes] = []
    for file in files:
        content = _bytes(file, "authority")
        try:
            certificates = x509.load_pem_x509_certificates(content)
            are_all = all(_is_authority(certificate) for certificate in certificates)
        except (ValueError, TypeError) as error:
            raise ConfigRefused(f"the TLS authority `{file}` is not a certificate in PEM form") from error
        if not are_all:
            raise ConfigRefused(f"the TLS authority `{file}` holds a certificate that is of no authority (CA)")
        found.append(content)
    return b"\n".join(found)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _bytes(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigRefused(f"the TLS {what} `{path}` cannot be read") from error


def _refuse_passphrase(key: Path) -> NoReturn:
    raise ConfigRefused(f"the TLS key `{key}` has a passphrase, and must have none")
