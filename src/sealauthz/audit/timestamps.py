"""Time stamps: an authority signs that a checkpoint was there at a time (RFC 3161), for those who doubt our clock.

The checkpoint is stamped as it lies in its folder, and the token is kept beside it. What is kept was verified first:
signature, certificates, nonce and digest. Who has the root certificates of the authority verifies it again, also with
`openssl ts`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509

from sealauthz.audit.anchoring import SUFFIX, Folder
from sealauthz.audit.note import Checkpoint, NoteRefused, read_checkpoint
from sealauthz.audit.posting import TIMEOUT_S, AnchorRefused, check_address, post
from sealauthz.runtime.errors import ConfigRefused

STAMP = ".tsr"
EVERY_S = 3_600.0
_OK = 200


class StampRefused(ValueError):
    """A token does not show that the content was there at a time."""


class Stamped(NamedTuple):
    """That an authority saw a checkpoint of so many records, and when, in microseconds since 1970."""

    authority: str
    size: int
    at: int


def _library() -> Any:
    """Return the library that reads and verifies tokens. Raises ConfigRefused where it is not installed."""
    try:
        import rfc3161_client
    except ImportError as error:
        raise ConfigRefused("time stamps need a package that is not installed: `sealauthz[timestamps]`") from error
    return rfc3161_client


def read_roots(file: Path) -> list[x509.Certificate]:
    """Read the root certificates of an authority. Raises ConfigRefused, also where nothing could verify with them."""
    _library()
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigRefused(f"`{file}` holds no certificates in PEM form") from error


def verify_stamp(token: bytes, content: bytes, roots: Sequence[x509.Certificate], nonce: int | None = None) -> Stamped:
    """Return who has stamped a checkpoint, and when. Raises StampRefused, ConfigRefused."""
    library = _library()
    builder = library.VerifierBuilder(roots=list(roots), nonce=nonce)
    try:
        response = library.decode_timestamp_response(token)
        builder.build().verify_message(response, content)
        info = response.tst_info
        (signer,) = response.signed_data.signer_infos
        names = [
            certificate.subject.rfc4514_string()
            for certificate in map(x509.load_der_x509_certificate, response.signed_data.certificates)
            if (certificate.issuer, certificate.serial_number) == (signer.issuer, signer.serial_number)
        ]
        size = read_checkpoint(content.decode()).size
    except (library.VerificationError, ValueError, NoteRefused) as error:
        raise StampRefused(str(error) or type(error).__name__) from error
    return Stamped(names[0] if names else "", size, int(info.gen_time.timestamp() * 1_000_000))


class TimeStamps:
    """A sink that has checkpoints stamped by an authority, one in `every_s` seconds."""

    def __init__(
        self, url: str, roots: Path, folder: Folder, every_s: float = EVERY_S, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Raises ConfigRefused."""
        # Tokens are signed, so that plain text will do: most authorities offer nothing else.
        check_address(url, "audit.timestamps", is_plain_fine=True)
        self.name = "timestamps"
        self.every_s = every_s
        self._url = url
        self._roots = read_roots(roots)
        self._folder = folder
        self._timeout_s = timeout_s

    def last(self) -> Checkpoint | None:
        """Return the newest checkpoint that is stamped. Raises AnchorRefused."""
        newest = self._folder.newest(STAMP)
        return None if newest is None else read_checkpoint(self._folder.read(newest[0], SUFFIX).decode())

    def keep(self, note: str, checkpoint: Checkpoint) -> None:
        """Have a checkpoint stamped, unless another was within `every_s`, and keep the token."""
        if not self._is_due():
            return
        self._folder.keep(note, checkpoint)
        content, library = self._folder.read(checkpoint.size, SUFFIX), _library()
        request = (
            library.TimestampRequestBuilder()
            .data(content)
            .hash_algorithm(library.HashAlgorithm.SHA256)
            .nonce(nonce=True)
            .cert_request(cert_request=True)
            .build()
        )
        answer = post(
            self._url, request.as_bytes(), "application/timestamp-query", "the time stamp authority", self._timeout_s
        )
        if answer.status != _OK:
            raise AnchorRefused(f"the time stamp authority answered with status {answer.status}")
        try:
            verify_stamp(answer.body, content, self._roots, request.nonce)
        except StampRefused as error:
            raise AnchorRefused(f"the time stamp authority answered with what proves nothing: {error}") from error
        self._folder.add(checkpoint.size, STAMP, answer.body)

    def _is_due(self) -> bool:
        newest = self._folder.newest(STAMP)
        # Also where the clock was set back behind what was stamped.
        return newest is None or not 0 <= time.time() - newest[2] < self.every_s
