"""A time stamp authority (RFC 3161) of OpenSSL, with certificates of its own."""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TODAY = datetime.datetime.now(datetime.UTC)
CONFIGURATION = """
[tsa]
default_tsa = authority
[authority]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """An authority with a root of its own; its certificate is for stamping, unless `is_for` says otherwise."""

    def __init__(self, folder: Path, *, is_for: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.change: Callable[[bytes, bytes], tuple[int, bytes]] | None = None
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = self._certificate("A Root", root_key, "A Root", root_key, x509.BasicConstraints(True, None))
        usage = x509.ExtendedKeyUsage([is_for])
        own = self._certificate("A TSA", key, "A Root", root_key, usage)
        self.roots = folder / "roots.pem"
        self.roots.write_bytes(root.public_bytes(Encoding.PEM))
        (folder / "tsa.pem").write_bytes(own.public_bytes(Encoding.PEM))
        (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))

    @staticmethod
    def _certificate(
        name: str,
        key: ec.EllipticCurvePrivateKey,
        by: str,
        by_key: ec.EllipticCurvePrivateKey,
        extension: x509.ExtensionType,
    ) -> x509.Certificate:
        def called(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        return (
            x509.CertificateBuilder()
            .subject_name(called(name))
            .issuer_name(called(by))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(TODAY - datetime.timedelta(days=1))
            .not_valid_after(TODAY + datetime.timedelta(days=1))
            .add_extension(extension, critical=True)
            .sign(by_key, hashes.SHA256())
        )

    def stamp(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        options = "-config tsa.cnf -queryfile query -signer tsa.pem -inkey key.pem -out reply"
        subprocess.run(["openssl", "ts", "-reply", *options.split()], cwd=self.folder, check=True, capture_output=True)
        return (self.folder / "reply").read_bytes()

    def answer(self, _path: str, query: bytes) -> tuple[int, bytes]:
        reply = self.stamp(query)
        return (200, reply) if self.change is None else self.change(query, reply)
