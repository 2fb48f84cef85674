"""Callers who show a certificate: exactly one SPIFFE id that names a caller, on whichever way calls are served."""

from __future__ import annotations

import dataclasses
import ipaddress
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from calls import refused, use
from conftest import Serve, Served, metadata, trusted
from cryptography import x509
from test_tokens import CALLER, ISSUER, KEYS, NOW, SERVICE, made
from workloads import ID, Authority, leaf_of

from sealauthz.runtime.errors import CallerUnknown, ConfigRefused
from sealauthz.service import Callers, arrivals, certificates
from sealauthz.service.certificates import TlsCertificate
from sealauthz.service.peers import Peers, is_spiffe_id
from sealauthz.service.tokens import TokenIssuer, TokenOf
from sealauthz_client.v1 import authorization_pb2_grpc, facts_pb2, facts_pb2_grpc, operations_pb2, operations_pb2_grpc

OTHER = "o" * 40
AUTHORITY = Authority()

# --- SPIFFE ids -------------------------------------------------------------------------------------------------------

IDS = [ID, "spiffe://a/b", "spiffe://a-b_c.d1/x/Y.z/..a/b..", f"spiffe://{'a' * 255}/b", "spiffe://a/" + "b" * 2_037]
NO_IDS = [
    "",
    "spiffe://example.org",
    "spiffe://example.org/",
    "spiffe:///signing",
    "spiffe://Example.org/signing",
    "Spiffe://example.org/signing",
    "https://example.org/signing",
    "spiffe://example.org/signing/",
    "spiffe://example.org//signing",
    "spiffe://example.org/./signing",
    "spiffe://example.org/../signing",
    "spiffe://example.org/signing/..",
    "spiffe://example.org/signing?a=b",
    "spiffe://example.org/signing#a",
    "spiffe://example.org:443/signing",
    "spiffe://user@example.org/signing",
    "spiffe://example.org/sign%69ng",
    "spiffe://example.org/sign ing",
    "spiffe://example.org/signing\n",
    "spiffe://exämple.org/signing",
    "spiffe://example.org/sïgning",
    f"spiffe://{'a' * 256}/b",
    "spiffe://a/" + "b" * 2_038,
]


def test_the_form_of_a_spiffe_id() -> None:
    assert [text for text in IDS if not is_spiffe_id(text)] == []
    assert [text for text in NO_IDS if is_spiffe_id(text)] == []


# --- certificates -----------------------------------------------------------------------------------------------------


def issued(*names: Any, **how: Any) -> bytes:
    return leaf_of(AUTHORITY.issue(*names, **how))


NOBODY = {
    "no name": issued,
    "a name of the DNS that looks like an id": lambda: issued(x509.DNSName(ID)),
    "a mail address": lambda: issued(x509.RFC822Name("signing@example.org")),
    "two ids": lambda: issued(ID, "spiffe://example.org/other"),
    "the id twice": lambda: issued(ID, ID),
    "an id and another URI": lambda: issued(ID, "https://example.org/"),
    "another URI": lambda: issued("https://example.org/signing"),
    "a trust domain": lambda: issued("spiffe://example.org"),
    "an id in capitals": lambda: issued("SPIFFE://example.org/signing"),
    "an authority": lambda: issued(ID, is_authority=True),
    "what may sign certificates": lambda: issued(ID, usages=("digital_signature", "key_cert_sign")),
    "what may sign revocations": lambda: issued(ID, usages=("digital_signature", "crl_sign")),
    "garbage": lambda: b"garbage",
    "nothing": lambda: b"",
    "half a certificate": lambda: issued(ID)[:200],
}


@pytest.mark.parametrize("name", NOBODY)
def test_a_certificate_without_exactly_one_id_of_a_workload_is_nobodys(name: str) -> None:
    peers, shown = Peers(AUTHORITY.pem), NOBODY[name]()
    for _ in range(2):
        with pytest.raises(CallerUnknown, match="certificate"):
            peers.name(shown)


def test_a_certificate_counts_for_its_time_at_each_call() -> None:
    now = [time.time()]
    peers = Peers(AUTHORITY.pem, lambda: now[0])
    # Other names beside the id are of no account.
    shown = issued(ID, x509.DNSName("signing.example.org"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    assert peers.name(shown) == peers.name(shown) == ID
    now[0] += 700
    with pytest.raises(CallerUnknown, match="has expired"):
        peers.name(shown)
    now[0] -= 800
    with pytest.raises(CallerUnknown, match="not valid yet"):
        peers.name(shown)


def test_what_an_authority_issued_ends_with_it() -> None:
    root, other = Authority("root"), Authority("other")
    between = Authority("between", of=root)
    of_root, of_other, of_between = (leaf_of(each.issue(ID)) for each in (root, other, between))
    peers = Peers(root.pem + other.pem + between.pem)
    assert [peers.name(each) for each in (of_root, of_other, of_between)] == [ID] * 3
    peers.trust(root.pem)  # `between` is still trusted: by what `root` says of it
    assert [peers.name(each) for each in (of_root, of_between)] == [ID] * 2
    with pytest.raises(CallerUnknown, match="no longer trusted"):
        peers.name(of_other)
    peers.trust(other.pem)
    assert peers.name(of_other) == ID
    for gone in (of_root, of_between):
        with pytest.raises(CallerUnknown, match="no longer trusted"):
            peers.name(gone)


def test_as_many_are_remembered_as_there_is_room_for() -> None:
    peers = Peers(AUTHORITY.pem)
    for number in range(4_100):
        with pytest.raises(CallerUnknown):
            peers.name(str(number).encode())
    assert len(peers._seen) == 4_096


# --- who calls --------------------------------------------------------------------------------------------------------


def test_all_that_is_shown_must_name_the_same_caller() -> None:
    both = dataclasses.replace(trusted(), spiffe=frozenset({ID}), issued=(TokenOf(ISSUER, CALLER),))
    callers = Callers([both, trusted(name="other", token=OTHER)], [TokenIssuer(ISSUER, SERVICE, KEYS)], lambda: NOW)
    assert callers.identify((), ID) is both
    for token in ("t" * 40, made("ES256")):
        assert callers.identify(metadata(token), ID) is both
    refusals = {
        OTHER: "name different callers",
        made("ES256", sub="nobody"): "names no caller",
        made("ES256", exp=NOW): "has expired",
        "x": "unknown bearer token",
    }
    for token, said in refusals.items():
        with pytest.raises(CallerUnknown, match=said):
            callers.identify(metadata(token), ID)
    for shown in ([("authorization", "Basic dDp0")], [("authorization", "")], [*metadata(), *metadata()]):
        with pytest.raises(CallerUnknown, match="one bearer token"):
            callers.identify(shown, ID)
    for spiffe in ("spiffe://example.org/nobody", ID.upper(), ""):
        for shown in ((), metadata()):
            with pytest.raises(CallerUnknown, match="the certificate names no caller"):
                callers.identify(shown, spiffe)
    with pytest.raises(CallerUnknown, match="no bearer token"):
        callers.identify(())


# --- on a port --------------------------------------------------------------------------------------------------------


class Secured:
    """A server that asks for certificates, and channels to it."""

    def __init__(self, serve: Serve, folder: Path) -> None:
        self.host = trustme.CA()
        self.certificate, self.key, self.authorities = (folder / name for name in ("s.pem", "s.key", "ca.pem"))
        self.write(self.host)
        self.authorities.write_bytes(AUTHORITY.pem)
        self.served: Served = serve(
            dataclasses.replace(trusted(rpcs=trusted().rpcs - {"FactsService/ReadFacts"}), spiffe=frozenset({ID})),
            trusted(name="other", token=OTHER),
            is_insecure=False,
            tls_certificate=self.certificate,
            tls_key=self.key,
            client_ca=(self.authorities,),
        )
        self.opened: list[grpc.Channel] = []

    def write(self, host: trustme.CA) -> None:
        own = host.issue_cert("127.0.0.1")
        self.certificate.write_bytes(b"".join(blob.bytes() for blob in own.cert_chain_pems))
        self.key.write_bytes(own.private_key_pem.bytes())

    def channel(self, certificate: bytes | None, host: trustme.CA | None = None) -> grpc.Channel:
        roots = (host or self.host).cert_pem.bytes()
        credentials = grpc.ssl_channel_credentials(roots, certificate, certificate)
        channel = grpc.secure_channel(self.served.address, credentials, [("grpc.use_local_subchannel_pool", 1)])
        self.opened.append(channel)
        return channel


@pytest.fixture
def secured(serve: Serve, tmp_path: Path) -> Iterator[Secured]:
    secured = Secured(serve, tmp_path)
    yield secured
    for channel in secured.opened:
        channel.close()


def each_way(channel: grpc.Channel) -> list[tuple[Any, Any]]:
    """A call of each kind: answered at once, from a pool, a stream."""
    facts = facts_pb2_grpc.FactsServiceStub(channel)
    return [
        (authorization_pb2_grpc.AuthorizationServiceStub(channel).Authorize, use()),
        (operations_pb2_grpc.OperationsServiceStub(channel).GetKeys, operations_pb2.GetKeysRequest()),
        (lambda *args, **kw: next(facts.WatchChanges(*args, **kw)), facts_pb2.WatchChangesRequest()),
    ]


def test_a_certificate_is_its_callers_on_each_way(secured: Secured) -> None:
    channel = secured.channel(AUTHORITY.issue(ID))
    for method, request in each_way(channel):
        assert method(request, timeout=10) is not None
        assert method(request, timeout=10, metadata=metadata()) is not None
        for token in (OTHER, "unknown"):
            assert refused(method, request, token).code == grpc.StatusCode.UNAUTHENTICATED
    read = facts_pb2_grpc.FactsServiceStub(channel).ReadFacts
    with pytest.raises(grpc.RpcError) as caught:
        read(facts_pb2.ReadFactsRequest(record_type="Seal"), timeout=10)
    assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
    calls = [line for line in secured.served.log if line["event"] == "call" and line["code"] == "OK"]
    assert {(line["caller"], line["spiffe"]) for line in calls} == {("demo", ID)}


NOT_ON_A_PORT = {
    "an id of nobody": ("spiffe://example.org/nobody",),
    "two ids": (ID, "spiffe://example.org/other"),
    "a name of the DNS that looks like an id": (x509.DNSName(ID),),
    "another URI": ("https://example.org/signing",),
}


def test_no_way_leads_past_the_certificate(secured: Secured) -> None:
    for names in NOT_ON_A_PORT.values():
        for method, request in each_way(secured.channel(AUTHORITY.issue(*names))):
            # Not with the token of a caller either.
            for shown in (None, metadata(), metadata(OTHER)):
                with pytest.raises(grpc.RpcError) as caught:
                    method(request, timeout=10, metadata=shown)
                assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    for certificate in (None, Authority("authority").issue(ID), AUTHORITY.issue(ID, ends_in_s=-5)):
        for method, request in each_way(secured.channel(certificate))[:1]:
            with pytest.raises(grpc.RpcError) as caught:
                method(request, timeout=2, metadata=metadata())
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_what_grpcio_does_not_show_lets_nobody_in(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_call: Any) -> bytes:
        raise AttributeError("auth_context")

    channel = secured.channel(AUTHORITY.issue(ID))
    for read in (lambda _call: None, broken):
        with monkeypatch.context() as patched:
            patched.setattr(arrivals, "_certificate_of", read)
            for method, request in each_way(channel):
                for shown in (None, metadata()):
                    with pytest.raises(grpc.RpcError) as caught:
                        method(request, timeout=10, metadata=shown)
                    assert caught.value.code() in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INTERNAL}
        for method, request in each_way(channel):
            assert method(request, timeout=10) is not None, "the thread that serves all calls goes on"


def test_a_grpcio_that_shows_no_certificates_is_not_served_with(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(arrivals.cygrpc, "auth_context")
    with pytest.raises(ConfigRefused, match="does not show the certificates of callers"):
        Secured(serve, tmp_path)


def test_a_connection_outlives_neither_its_certificate_nor_the_authority(secured: Secured) -> None:
    certificate = AUTHORITY.issue(ID)
    channel = secured.channel(certificate)
    interceptor = secured.served.server._interceptor
    watch = facts_pb2_grpc.FactsServiceStub(channel).WatchChanges(facts_pb2.WatchChangesRequest(), timeout=30)
    assert next(watch).revision.number > 0
    newer = Authority("newer")
    secured.authorities.write_bytes(newer.pem)
    secured.served.server._certificate_watch.look()  # type: ignore[union-attr]
    for method, request in each_way(channel):
        with pytest.raises(grpc.RpcError) as caught:
            method(request, timeout=10)
        assert caught.value.details() == "the certificate is of an authority that is no longer trusted"
    interceptor.end_gone()
    with pytest.raises(grpc.RpcError) as caught:
        next(watch)
    assert caught.value.details() == "what this caller is known by has ended; reconnect"
    for method, request in each_way(secured.channel(newer.issue(ID))):
        assert method(request, timeout=10) is not None
    with pytest.raises(grpc.RpcError) as caught:
        each_way(secured.channel(certificate))[0][0](use(), timeout=2)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_files_are_read_again_when_they_change_and_a_broken_one_is_refused_once(secured: Secured) -> None:
    watch = secured.served.server._certificate_watch
    assert watch is not None
    first = secured.channel(AUTHORITY.issue(ID))
    assert each_way(first)[0][0](use(), timeout=10) is not None

    def told() -> list[str]:
        return [line["event"] for line in secured.served.log if line["event"].startswith("certificate")]

    watch.look()
    assert told() == []
    newer = trustme.CA()
    secured.write(newer)
    watch.look()
    watch.look()
    assert told() == ["certificate_read"]
    assert each_way(secured.channel(AUTHORITY.issue(ID), newer))[0][0](use(), timeout=10) is not None
    assert each_way(first)[0][0](use(), timeout=10) is not None, "no call is lost"
    good = secured.authorities.read_bytes()
    for broken in (b"", b"garbage", leaf_of(AUTHORITY.issue(ID))):
        secured.authorities.write_bytes(broken)
        watch.look()
        watch.look()
    secured.authorities.unlink()
    watch.look()
    assert told()[1:] == ["certificate_refused"] * 3  # the same is told once
    assert each_way(secured.channel(AUTHORITY.issue(ID), newer))[0][0](use(), timeout=10) is not None
    secured.authorities.write_bytes(good)
    watch.look()
    assert each_way(secured.channel(AUTHORITY.issue(ID), newer))[0][0](use(), timeout=10) is not None


def test_the_watch_looks_by_itself(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "LOOK_EVERY_S", 0.02)
    secured = Secured(serve, tmp_path)
    secured.write(trustme.CA())
    deadline = time.monotonic() + 10
    while not any(line["event"] == "certificate_read" for line in secured.served.log):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_authority_must_be_one(tmp_path: Path) -> None:
    own = trustme.CA().issue_cert("127.0.0.1")
    certificate, key, authority = (tmp_path / name for name in ("s.pem", "s.key", "ca.pem"))
    certificate.write_bytes(b"".join(blob.bytes() for blob in own.cert_chain_pems))
    key.write_bytes(own.private_key_pem.bytes())
    for content, said in (
        (None, "cannot be read"),
        (b"", "is not a certificate in PEM form"),
        (b"garbage", "is not a certificate in PEM form"),
        (leaf_of(AUTHORITY.issue(ID)), "is of no authority"),
        (AUTHORITY.pem + leaf_of(AUTHORITY.issue(ID)), "is of no authority"),
    ):
        if content is not None:
            authority.write_bytes(content)
        with pytest.raises(ConfigRefused, match=said):
            TlsCertificate(certificate, key, [authority])
