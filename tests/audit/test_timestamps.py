"""Time stamps (RFC 3161): an authority of OpenSSL stamps checkpoints, and a token that proves nothing is not kept."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from posted import answering
from time_authority import Authority
from tiny.model import TINY

from sealauthz.audit.anchoring import SUFFIX, Folder
from sealauthz.audit.note import Checkpoint, Signer
from sealauthz.audit.posting import AnchorRefused
from sealauthz.audit.timestamps import STAMP, StampRefused, TimeStamps, read_roots, verify_stamp
from sealauthz.config import load
from sealauthz.runtime.errors import ConfigRefused

SIGNER = Signer.fresh("test.example/log")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def address(authority: Authority) -> Iterator[str]:
    with answering(authority.answer) as address:
        yield address


@pytest.fixture
def stamps(authority: Authority, address: str, tmp_path: Path) -> TimeStamps:
    authority.change = None
    return TimeStamps(address, authority.roots, Folder(tmp_path / "kept"), every_s=0.0)


def checkpoint(size: int) -> Checkpoint:
    return Checkpoint(SIGNER.verifier.name, size, size.to_bytes(32))


def keep(stamps: TimeStamps, size: int) -> None:
    stamps.keep(SIGNER.sign(checkpoint(size)), checkpoint(size))


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "kept").glob(f"*{STAMP}"))


def test_a_stamp_is_kept_beside_its_checkpoint_and_verified_again(
    stamps: TimeStamps, authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(stamps, 3)
    assert stamps.last() == checkpoint(3)
    (token,) = kept(tmp_path)
    note = token.with_suffix(SUFFIX)
    found = verify_stamp(token.read_bytes(), note.read_bytes(), read_roots(authority.roots))
    assert (found.authority, found.size) == ("CN=A TSA", 3)
    assert abs(found.at / 1e6 - time.time()) < 600
    by_hand = f"openssl ts -verify -data {note} -in {token} -CAfile {authority.roots}".split()
    assert b"Verification: OK" in subprocess.run(by_hand, check=True, capture_output=True).stdout
    # What is stamped is this note and no other.
    other = SIGNER.sign(checkpoint(4)).encode()
    with pytest.raises(StampRefused):
        verify_stamp(token.read_bytes(), other, read_roots(authority.roots))


def test_nothing_is_kept_that_proves_nothing(
    stamps: TimeStamps, authority: Authority, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    known: list[bytes] = []

    def replayed(_query: bytes, reply: bytes) -> tuple[int, bytes]:
        known.append(reply)
        return 200, known[0]

    other = Authority(tmp_path_factory.mktemp("other"))
    server = Authority(authority.folder / "server", is_for=ExtendedKeyUsageOID.SERVER_AUTH)
    refused = bytes.fromhex("30053003020102")  # status: rejection
    changes: list[Callable[[bytes, bytes], tuple[int, bytes]]] = [
        lambda _query, reply: (500, reply),
        lambda _query, _reply: (200, b""),
        lambda _query, _reply: (200, b"<html>"),
        lambda _query, _reply: (200, refused),
        lambda _query, reply: (200, reply[:-1]),
        lambda _query, reply: (200, reply[:-5] + bytes([reply[-5] ^ 1]) + reply[-4:]),
        lambda _query, reply: (200, reply.replace(b"A TSA", b"B TSA")),
        lambda query, _reply: (200, other.stamp(query)),
        lambda query, reply: (200, authority.stamp(query[:-12] + bytes([query[-12] ^ 1]) + query[-11:])),
    ]
    for change in changes:
        authority.change = change
        with pytest.raises(AnchorRefused):
            keep(stamps, 3)
    authority.change = replayed
    keep(stamps, 3)  # the first is true, and is given again
    with pytest.raises(AnchorRefused, match="proves nothing"):
        keep(stamps, 4)
    assert len(kept(tmp_path)) == 1
    with pytest.raises(subprocess.CalledProcessError):
        server.stamp(b"")  # OpenSSL itself takes no certificate that is not for stamping


def test_one_stamp_in_a_while_is_enough(authority: Authority, address: str, tmp_path: Path) -> None:
    """Also for several processes, and where the clock is set back."""
    authority.change = None
    folder = Folder(tmp_path / "kept")
    for size in (3, 4):
        keep(TimeStamps(address, authority.roots, folder, every_s=1_000), size)
    assert len(kept(tmp_path)) == 1
    for at in (time.time() - 2_000, time.time() + 9_000):
        os.utime(kept(tmp_path)[-1], (at, at))
        keep(TimeStamps(address, authority.roots, folder, every_s=1_000), 5 if at < time.time() else 6)
    assert len(kept(tmp_path)) == 3


def test_verify_says_who_stamped_what_and_which_token_proves_nothing(
    stamps: TimeStamps, authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(stamps, 3)
    (tmp_path / "export").write_text("")
    from sealauthz.audit.report import Report
    from sealauthz.cli.audit_verify import _add_stamps

    report = Report()
    _add_stamps(report, tmp_path / "kept", authority.roots)
    assert report
    assert [(each.authority, each.size) for each in report.stamped] == [("CN=A TSA", 3)]
    report = Report()
    _add_stamps(report, tmp_path / "kept", None)
    assert report.unchecked
    (token,) = kept(tmp_path)
    token.chmod(0o600)
    token.write_bytes(token.read_bytes()[:-1])
    report = Report()
    _add_stamps(report, tmp_path / "kept", authority.roots)
    assert not report
    assert [finding.kind for finding in report.findings] == ["STAMP"]


def test_what_cannot_be_configured_is_refused(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    folder = Folder(tmp_path)
    for url, roots, said in (
        ("ftp://tsa.example/s3cret", authority.roots, "must begin with"),
        ("http://tsa.example", tmp_path / "empty.pem", "holds no certificates"),
        ("http://tsa.example", tmp_path / "gone.pem", "holds no certificates"),
    ):
        with pytest.raises(ConfigRefused, match=said) as refused:
            TimeStamps(url, roots, folder)
        assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('timestamps = "http://t.example"', "`folder` is needed"),
        ('folder = "kept"\nwitness = "https://w.example/s3cret"', "`audit.witness`"),
        ('folder = "kept"\ntimestamps = "http://t.example"', "`timestamp_roots` is needed"),
        ('folder = "kept"\ntimestamps = "t.example/s3cret"\ntimestamp_roots = "r.pem"', "must begin with"),
    ],
)
def test_a_configuration_that_would_keep_nothing_is_refused(tmp_path: Path, settings: str, said: str) -> None:
    file = tmp_path / "sealauthz.toml"
    file.write_text(f"[audit]\n{settings}\n")
    with pytest.raises(ConfigRefused, match=said) as refused:
        load(TINY, {}, file)
    assert "s3cret" not in str(refused.value)
