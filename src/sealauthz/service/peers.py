"""The certificate that the other end of a connection showed: which SPIFFE id it is of, and for how long it counts.

That it was issued by an authority of the configuration was checked when the connection was made, by TLS. What is
checked here holds for each call: connections outlive certificates.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from sealauthz.runtime.errors import CallerUnknown

E = TypeVar("E", bound=x509.ExtensionType)

MAX_ID_BYTES = 2_048
_TRUST_DOMAIN = r"[a-z0-9._-]{1,255}"
_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+"
_ID = re.compile(rf"spiffe://{_TRUST_DOMAIN}(?:/{_SEGMENT})+")
_MOST_REMEMBERED = 4_096


def is_spiffe_id(text: str) -> bool:
    """Tell whether a text is the SPIFFE id of a workload: a trust domain and a path, and nothing else."""
    return len(text) <= MAX_ID_BYTES and _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class _Seen:
    """A certificate that was looked at: whose it is, or why it is nobody's; from when and until when it counts."""

    name: str
    refusal: str
    begins_at: float = 0
    ends_at: float = 0


class Peers:
    """Tells whose a certificate is. Each is looked at once, and its time is compared each time."""

    def __init__(self, authorities: bytes, now: Callable[[], float] = time.time) -> None:
        self._authorities = x509.load_pem_x509_certificates(authorities)
        self._ever = list(self._authorities)
        self._removed: list[x509.Certificate] = []
        self._now = now
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()
        self._changing = threading.Lock()

    def trust(self, authorities: bytes) -> None:
        """Trust these authorities from now on.

        What one issued that is gone counts no longer, on connections that are open as well: as far as the certificate
        itself tells, which does not show the authorities between.
        """
        newer = x509.load_pem_x509_certificates(authorities)
        with self._changing:
            self._ever += [each for each in newer if each not in self._ever]
            removed = [each for each in self._ever if each not in newer and not _is_issued(each, newer)]
            self._authorities, self._removed = newer, removed
            self._seen = OrderedDict()

    def name(self, certificate: bytes) -> str:
        """Return the SPIFFE id of a certificate in PEM form that is valid now. Raises CallerUnknown."""
        remembered = self._seen  # another one once other authorities are trusted: nothing of before gets into it
        seen = remembered.get(certificate)
        if seen is None:
            seen = self._look(certificate)
            with self._changing:
                remembered[certificate] = seen
                while len(remembered) > _MOST_REMEMBERED:
                    remembered.popitem(last=False)
        if seen.refusal:
            raise CallerUnknown(seen.refusal)
        now = self._now()
        if now < seen.begins_at:
            raise CallerUnknown("the certificate is not valid yet")
        if now >= seen.ends_at:
            raise CallerUnknown("the certificate has expired")
        return seen.name

    def _look(self, pem: bytes) -> _Seen:
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            refusal = _refusal(certificate)
            if refusal:
                return _Seen("", refusal)
            (name,) = _uris(certificate)
            begins_at, ends_at = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            if _is_issued(certificate, self._removed) and not _is_issued(certificate, self._authorities):
                return _Seen("", "the certificate is of an authority that is no longer trusted")
        except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
            return _Seen("", "the certificate cannot be read")
        return _Seen(name, "", begins_at.timestamp(), ends_at.timestamp())


def _refusal(certificate: x509.Certificate) -> str:
    """Return why a certificate is of no workload (SPIFFE X.509-SVID); nothing if it is of one."""
    uris = _uris(certificate)
    if len(uris) != 1:
        return "the certificate must have exactly one URI among its names, a SPIFFE id"
    if not is_spiffe_id(uris[0]):
        return "the URI of the certificate is no SPIFFE id of a workload"
    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if (constraints is not None and constraints.ca) or (usage is not None and (usage.key_cert_sign or usage.crl_sign)):
        return "the certificate is that of an authority, and of no workload"
    return ""


def _uris(certificate: x509.Certificate) -> list[str]:
    names = _extension(certificate, x509.SubjectAlternativeName)
    return [] if names is None else names.get_values_for_type(x509.UniformResourceIdentifier)


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _is_issued(certificate: x509.Certificate, authorities: Iterable[x509.Certificate]) -> bool:
    """Tell whether one of the authorities itself has issued a certificate."""
    for authority in authorities:
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False
