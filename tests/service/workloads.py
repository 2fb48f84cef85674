"""Authorities, and certificates of workloads: right ones, and each kind of wrong one."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ID = "spiffe://example.org/signing"
_USAGES = [
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
]


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in names for name in _USAGES})


class Authority:
    """An authority; `issue` returns PEM, key and certificate in one."""

    def __init__(self, name: str = "authority", of: Authority | None = None) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        builder = _builder(self.name, (of or self).name, self.key.public_key(), 3_600)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        self.certificate = builder.sign((of or self).key, hashes.SHA256())
        self.chain = b"" if of is None else self.pem + of.chain

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(
        self,
        *names: x509.GeneralName | str,
        ends_in_s: float = 600,
        begins_in_s: float = -60,
        is_authority: bool = False,
        usages: Sequence[str] = ("digital_signature",),
    ) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name("a workload"), self.name, key.public_key(), ends_in_s, begins_in_s)
        builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        builder = builder.add_extension(_usage(*usages), critical=True)
        if names:
            given = [x509.UniformResourceIdentifier(name) if isinstance(name, str) else name for name in names]
            builder = builder.add_extension(x509.SubjectAlternativeName(given), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        form = serialization.PrivateFormat.PKCS8
        secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return secret + certificate + self.chain


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, ends_in_s: float, begins_in_s: float = -60
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(seconds=begins_in_s))
        .not_valid_after(now + datetime.timedelta(seconds=ends_in_s))
    )


def leaf_of(pem: bytes) -> bytes:
    """The first certificate, as grpcio shows it."""
    return x509.load_pem_x509_certificates(pem)[0].public_bytes(serialization.Encoding.PEM)
