"""What those who keep registers may do: the registry of enterprises, the certificate authority, the courts, and the
platform where it stops an enterprise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from sealauthz.model.outside.changes import Happening, becomes, fresh
from sealauthz.model.records.organisation import OperatingState, RegistryStatus
from sealauthz.model.records.seals import Certificate, CertificateState, HoldSource, SealHold
from sealauthz.schema import Instant, OutsideMove, Put, Update
from sealauthz.schema.outside import Found

_YEAR = 365 * 86_400_000_000


def _current(found: Found) -> Iterator[Any]:
    return (each for each in found.get("RegistrySnapshot", {}).values() if each.is_current)


def _instead(snapshot: Any, new: Any, said: str) -> Happening:
    """A snapshot that takes the place of the current one."""
    return said, (Update("RegistrySnapshot", snapshot.id, {"is_current": False}), Put(new))


def _new_representatives(found: Found, now: Instant) -> Iterator[Happening]:
    """The registry names somebody else as the legal representative of an enterprise."""
    for snapshot in _current(found):
        for person_id in found.get("Person", {}):
            if person_id != snapshot.legal_rep_id:
                new = replace(snapshot, id=f"{snapshot.id}-{person_id}", legal_rep_id=person_id, fetched_at=now)
                yield _instead(
                    snapshot, new, f"{person_id} becomes the legal representative of {snapshot.enterprise_id}"
                )


def _new_statuses(found: Found, now: Instant) -> Iterator[Happening]:
    for snapshot in _current(found):
        for status in RegistryStatus:
            if status != snapshot.status:
                new = replace(snapshot, id=f"{snapshot.id}-{status}", status=status, fetched_at=now)
                yield _instead(snapshot, new, f"{snapshot.enterprise_id} is {status}, and was {snapshot.status}")


def _matched(found: Found, _now: Instant) -> Iterator[Happening]:
    for snapshot in _current(found):
        said = "does not match" if snapshot.is_matched else "matches"
        yield (
            f"what is known of {snapshot.enterprise_id} {said}",
            (Update("RegistrySnapshot", snapshot.id, {"is_matched": not snapshot.is_matched}),),
        )


def _renewed(found: Found, now: Instant) -> Iterator[Happening]:
    known = found.get("Certificate", {})
    for certificate in known.values():
        new_id = fresh(found, "Certificate", certificate.id)
        # A serial number has hexadecimal digits only.
        serial = f"{certificate.serial}{len(known):02d}"
        new = Certificate(new_id, certificate.enterprise_id, certificate.issuer, serial, now, now + _YEAR)
        seals = [each.id for each in found.get("Seal", {}).values() if each.certificate_id == certificate.id]
        yield (
            f"{certificate.id} is renewed",
            (
                Put(new),
                *(Update("Seal", seal_id, {"certificate_id": new_id}) for seal_id in seals),
            ),
        )


def _held(source: HoldSource, found: Found, now: Instant) -> Iterator[Happening]:
    for seal in found.get("Seal", {}).values():
        hold_id = fresh(found, "SealHold", f"{seal.id}-{source}")
        yield f"{seal.id} is held", (Put(SealHold(hold_id, seal.id, source, now, reference=f"order-{hold_id}")),)


MOVES = (
    OutsideMove(
        "the registry names a new legal representative", "the registry", "writes a new snapshot", _new_representatives
    ),
    OutsideMove(
        "the registry gives an enterprise another status", "the registry", "writes a new snapshot", _new_statuses
    ),
    OutsideMove(
        "the registry confirms a representative, or no more", "the registry", "writes whether the data match", _matched
    ),
    OutsideMove(
        "the certificate authority suspends a certificate, or lifts it",
        "the certificate authority",
        "writes what a certificate is",
        partial(
            becomes,
            "Certificate",
            "state",
            {
                CertificateState.ACTIVE: (CertificateState.SUSPENDED,),
                CertificateState.SUSPENDED: (CertificateState.ACTIVE,),
            },
        ),
    ),
    OutsideMove(
        "the certificate authority ends a certificate",
        "the certificate authority",
        "writes what a certificate is",
        partial(
            becomes,
            "Certificate",
            "state",
            {
                CertificateState.ACTIVE: (CertificateState.EXPIRED, CertificateState.REVOKED),
                CertificateState.SUSPENDED: (CertificateState.EXPIRED, CertificateState.REVOKED),
            },
        ),
    ),
    OutsideMove(
        "the certificate authority renews a certificate",
        "the certificate authority",
        "writes a new certificate, which the seals of the old one name",
        _renewed,
    ),
    OutsideMove("a court holds a seal", "the court", "writes a hold", partial(_held, HoldSource.JUDICIAL)),
    OutsideMove("the platform holds a seal", "the platform", "writes a hold", partial(_held, HoldSource.PLATFORM)),
    OutsideMove(
        "the platform stops an enterprise, or lets it go on",
        "the platform",
        "writes whether an enterprise is active",
        partial(
            becomes,
            "Enterprise",
            "operating_state",
            {
                OperatingState.ACTIVE: (OperatingState.FROZEN,),
                OperatingState.FROZEN: (OperatingState.ACTIVE, OperatingState.CLOSED),
            },
        ),
    ),
)
