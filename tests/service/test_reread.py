"""What is read again while the server goes on: the certificate, and the callers with their rights and limits."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from calls import ask, refusal_of, refused, use
from conftest import Serve, metadata, trusted
from cryptography.hazmat.primitives import serialization

from sealauthz.runtime.errors import ConfigRefused
from sealauthz.service.callers import Callers
from sealauthz.service.certificates import TlsCertificate
from sealauthz_client.v1 import authorization_pb2_grpc, facts_pb2

OTHER = "o" * 40


# --- certificates -----------------------------------------------------------------------------------------------------


class Files:
    """A certificate and its key, in files."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "server.pem", folder / "server.key"

    def write(self, authority: trustme.CA) -> None:
        issued = authority.issue_cert("127.0.0.1")
        self.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        self.key.write_bytes(issued.private_key_pem.bytes())


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files(tmp_path)
    files.write(trustme.CA())
    return files


def message_of(files: Files) -> str:
    with pytest.raises(ConfigRefused) as caught:
        TlsCertificate(files.certificate, files.key)
    return str(caught.value).replace(f"{files.key.parent}/", "")


def test_a_key_of_another_certificate_is_told_as_that(files: Files) -> None:
    before = files.key.read_bytes()
    files.write(trustme.CA())
    files.key.write_bytes(before)
    assert message_of(files) == "the TLS key `server.key` is not the key of the certificate `server.pem`"


@pytest.mark.parametrize(("what", "name"), [("key", "server.key"), ("certificate", "server.pem")])
def test_what_is_no_pem_is_told_by_its_name(files: Files, what: str, name: str) -> None:
    getattr(files, what).write_bytes(b"nothing of use")
    assert message_of(files) == f"the TLS {what} `{name}` is not a {what} in PEM form"


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(files: Files) -> None:
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    secret = serialization.BestAvailableEncryption(b"passphrase")
    form = serialization.PrivateFormat.PKCS8
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, secret))
    assert message_of(files) == "the TLS key `server.key` has a passphrase, and must have none"


def test_a_certificate_that_changes_while_it_is_read_is_not_used(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_bytes
    times = 0

    def read_bytes(path: Path) -> bytes:
        nonlocal times
        times += 1
        return read(path) + (b"\n" if times > 2 else b"")

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert message_of(files) == "the TLS certificate `server.pem` changed while it was read; try again"


def test_new_connections_get_the_newer_certificate_and_old_ones_go_on(serve: Serve, tmp_path: Path) -> None:
    older, newer = trustme.CA(), trustme.CA()
    files = Files(tmp_path)
    files.write(older)
    served = serve(is_insecure=False, tls_certificate=files.certificate, tls_key=files.key)
    opened: list[grpc.Channel] = []

    def connected(authority: trustme.CA) -> Any:
        credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
        options = [("grpc.use_local_subchannel_pool", 1)]
        opened.append(grpc.secure_channel(served.address, credentials, options))
        return authorization_pb2_grpc.AuthorizationServiceStub(opened[-1])  # type: ignore[no-untyped-call]

    first = connected(older)
    assert ask(first.Authorize, use()).HasField("decision")
    assert not served.server.reload(Callers([trusted()])), "nothing has changed"
    assert ask(connected(older).Authorize, use()).HasField("decision")

    files.write(newer)
    assert served.server.reload(Callers([trusted()]))
    for _ in range(2):
        assert ask(connected(newer).Authorize, use()).HasField("decision")
    assert ask(first.Authorize, use()).HasField("decision")

    files.key.write_bytes(b"half written")
    with pytest.raises(ConfigRefused):
        served.server.reload(Callers([]))
    assert ask(connected(newer).Authorize, use()).HasField("decision"), "neither certificate nor callers are others"
    with pytest.raises(grpc.RpcError):
        ask(connected(older).Authorize, use(), timeout=1)
    for channel in opened:
        channel.close()


# --- callers ----------------------------------------------------------------------------------------------------------


def test_rights_limits_and_tokens_count_from_the_next_call_on(serve: Serve) -> None:
    served = serve(trusted())
    assert ask(served.authorization.Authorize, use()).HasField("decision")
    served.server.reload(Callers([trusted(rpcs=frozenset()), trusted(name="other", token=OTHER, calls_per_s=0.1)]))
    assert refused(served.authorization.Authorize, use()).code == grpc.StatusCode.PERMISSION_DENIED
    assert ask(served.authorization.Authorize, use(), OTHER).HasField("decision")
    assert refused(served.authorization.Authorize, use(), OTHER).code == grpc.StatusCode.RESOURCE_EXHAUSTED
    served.server.reload(Callers([trusted(name="other", token=OTHER)]))
    assert refused(served.authorization.Authorize, use()).code == grpc.StatusCode.UNAUTHENTICATED
    assert ask(served.authorization.Authorize, use(), OTHER).HasField("decision")


def test_the_streams_of_those_whose_rights_changed_end_and_others_go_on(serve: Serve) -> None:
    served = serve(trusted(), trusted(name="other", token=OTHER), trusted(name="gone", token="g" * 40))
    over = threading.Event()

    def parts() -> Iterator[Any]:
        over.wait(30)
        yield from ()

    watches = {}
    for token in ("t" * 40, OTHER, "g" * 40):
        watches[token] = served.facts.WatchChanges(
            facts_pb2.WatchChangesRequest(), metadata=metadata(token), timeout=30
        )
        assert next(watches[token]).revision.number > 0
    importing = served.facts.ImportFacts.future(parts(), metadata=metadata("g" * 40), timeout=30)
    while len(served.server._interceptor._streaming) < 4:
        pass
    served.server.reload(Callers([trusted(tenants=frozenset({"E1"})), trusted(name="other", token=OTHER)]))
    for token in ("t" * 40, "g" * 40):
        with pytest.raises(grpc.RpcError) as caught:
            next(watches[token])
        refusal = refusal_of(caught.value)
        assert refusal.code == grpc.StatusCode.UNAVAILABLE
        assert refusal.message == "the rights of this caller have changed; reconnect"
    assert refusal_of(importing.exception(10)).message == "the rights of this caller have changed; reconnect"
    assert not watches[OTHER].done()
    watches[OTHER].cancel()
    over.set()


def test_a_token_takes_the_place_of_another_without_a_gap(serve: Serve) -> None:
    """The next token is added, clients move, the first is taken away; only what rests on a token that is gone ends."""

    def both(*tokens: str) -> Callers:
        digests = frozenset(hashlib.sha256(token.encode()).digest() for token in tokens)
        return Callers([replace(trusted(), tokens=digests)])

    old, new = "t" * 40, OTHER
    served = serve(trusted())
    watches = [
        served.facts.WatchChanges(facts_pb2.WatchChangesRequest(), metadata=metadata(old), timeout=30) for _ in range(2)
    ]
    assert all(next(watch).revision.number > 0 for watch in watches)
    served.server.reload(both(old, new))
    assert ask(served.authorization.Authorize, use(), old).HasField("decision")
    (asked,) = [line for line in served.log if line.get("method", "").endswith("/Authorize")]
    assert asked["token"] == hashlib.sha256(old.encode()).hexdigest()[:8]
    assert ask(served.authorization.Authorize, use(), new).HasField("decision")
    assert not any(watch.done() for watch in watches)
    watches[0].cancel()
    watches[0] = served.facts.WatchChanges(facts_pb2.WatchChangesRequest(), metadata=metadata(new), timeout=30)
    assert next(watches[0]).revision.number > 0
    served.server.reload(both(new))
    with pytest.raises(grpc.RpcError) as caught:
        next(watches[1])
    assert refusal_of(caught.value).message == "the rights of this caller have changed; reconnect"
    assert not watches[0].done()
    watches[0].cancel()
    assert refused(served.authorization.Authorize, use(), old).code == grpc.StatusCode.UNAUTHENTICATED
    served.forget_log()
    assert ask(served.authorization.Authorize, use(), new).HasField("decision")
    assert not any("token" in line for line in served.log if line.get("method", "").endswith("/Authorize"))


def test_a_stream_that_begins_while_the_rights_change_ends_too(serve: Serve) -> None:
    served = serve(trusted())
    interceptor = served.server._interceptor
    begin = interceptor._begin_stream

    def late(call: Any) -> None:
        served.server.reload(Callers([]))
        begin(call)

    interceptor._begin_stream = late  # type: ignore[method-assign]
    watch = served.facts.WatchChanges(facts_pb2.WatchChangesRequest(), metadata=metadata(), timeout=10)
    with pytest.raises(grpc.RpcError) as caught:
        list(watch)
    assert refusal_of(caught.value).message == "the rights of this caller have changed; reconnect"
