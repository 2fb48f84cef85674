"""The server's certificate and its key, which are read again while the server goes on."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import grpc

from sealauthz.errors import ConfigRefused


@dataclass(frozen=True, slots=True)
class _Pair:
    key: bytes
    certificate: bytes

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)])


class TlsCertificate:
    """What the two files held when they were last read and could be used. Raises ConfigRefused if they cannot be."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = certificate, key
        self._pair = self._given = _read(certificate, key)

    def credentials(self) -> grpc.ServerCredentials:
        """Return what a listener is opened with. Connections that are made after a reload get the newer certificate."""
        # It may answer None, which grpcio's annotation does not know.
        return grpc.dynamic_ssl_server_credentials(self._pair.configuration(), self._newer)  # type: ignore[arg-type]

    def reload(self) -> bool:
        """Read the files again; return whether they hold something else. Raises ConfigRefused, and changes nothing."""
        pair = _read(*self._files)
        is_new = pair != self._pair
        self._pair = pair
        return is_new

    def _newer(self) -> grpc.ServerCertificateConfiguration | None:
        """Tell grpcio, which asks before each handshake, what to use from now on; None if nothing has changed."""
        pair = self._pair
        if pair is self._given:
            return None
        self._given = pair
        return pair.configuration()


def _read(certificate: Path, key: Path) -> _Pair:
    """Read the files. Raises ConfigRefused naming the one that is at fault."""
    pair = _Pair(_bytes(key, "key"), _bytes(certificate, "certificate"))
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
    if pair != _Pair(_bytes(key, "key"), _bytes(certificate, "certificate")):
        raise ConfigRefused(f"the TLS certificate `{certificate}` changed while it was read; try again")
    return pair


def _bytes(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigRefused(f"the TLS {what} `{path}` cannot be read") from error


def _refuse_passphrase(key: Path) -> NoReturn:
    raise ConfigRefused(f"the TLS key `{key}` has a passphrase, and must have none")
