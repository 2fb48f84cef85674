"""Anchoring: checkpoints leave the database, each at least once, and a log that is another one is not anchored."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from audit_logs import grown, run
from tiny.model import TINY

from sealauthz.audit.anchoring import Anchoring, Folder, Webhook, anchor
from sealauthz.audit.log import Log
from sealauthz.audit.note import Signer, open_checkpoint
from sealauthz.audit.posting import AnchorRefused
from sealauthz.audit.sequencer import Sequencer
from sealauthz.facts import Store
from sealauthz.runtime.background import Background
from sealauthz.runtime.errors import ConfigRefused


@pytest.fixture(params=["sqlite"])
def url(request: pytest.FixtureRequest, new_database: Callable[..., str]) -> str:
    return new_database(request.param, TINY)


class Hook:
    """A service that takes checkpoints, or answers as it is told."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.status = 204
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if hook.status < 300:
                    hook.got.append(body)
                self.send_response(hook.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/log?secret=s3cret"


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    thread = threading.Thread(target=hook.server.serve_forever)
    thread.start()
    yield hook
    hook.server.shutdown()
    thread.join()
    hook.server.server_close()


def test_a_folder_gets_a_file_for_each_checkpoint_once(
    store: Store, sequencer: Sequencer, signer: Signer, tmp_path: Path
) -> None:
    log, folder = Log(store), Folder(tmp_path / "kept")
    assert not anchor(log, folder)
    grown(store, sequencer, 3)
    assert anchor(log, folder)
    assert not anchor(log, folder)
    grown(store, sequencer, 2)
    # As another process that knows nothing of the one before.
    assert anchor(log, Folder(tmp_path / "kept"))
    files = sorted((tmp_path / "kept").iterdir())
    assert [file.name for file in files] == ["00000000000000000003.checkpoint", "00000000000000000005.checkpoint"]
    assert [open_checkpoint(file.read_text(), [signer.verifier]).size for file in files] == [3, 5]
    assert not files[0].stat().st_mode & 0o222


def test_a_log_that_is_another_one_is_not_anchored(store: Store, signer: Signer, tmp_path: Path) -> None:
    log, folder, sequencer = Log(store), Folder(tmp_path / "kept"), Sequencer(store, "test.example/log", signer)
    grown(store, sequencer, 3)
    anchor(log, folder)
    run(store, *(f"DELETE FROM audit_{name}" for name in ("log", "about", "tile", "checkpoint")))
    with pytest.raises(AnchorRefused, match="the log is empty, and had 3 records"):
        anchor(log, folder)
    sequencer = Sequencer(store, "test.example/log", signer)  # another one would not go on
    grown(store, sequencer, 2)
    with pytest.raises(AnchorRefused, match="the log has 2 records, and had 3"):
        anchor(log, folder)
    grown(store, sequencer, 4)
    with pytest.raises(AnchorRefused, match="does not go on from its first 3 records"):
        anchor(log, folder)
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_a_folder_overwrites_nothing(store: Store, sequencer: Sequencer, tmp_path: Path) -> None:
    grown(store, sequencer, 3)
    note, checkpoint = Log(store).head().note, Log(store).checkpoint()
    assert checkpoint is not None
    folder = Folder(tmp_path)
    folder.keep(note, checkpoint)
    folder.keep(note, checkpoint)
    other = Signer.fresh("test.example/log").sign(checkpoint.__class__("test.example/log", 3, bytes(32)))
    with pytest.raises(AnchorRefused, match="of another log of that size"):
        folder.keep(other, checkpoint.__class__("test.example/log", 3, bytes(32)))
    (tmp_path / "file").touch()
    with pytest.raises(AnchorRefused, match="cannot be written"):
        Folder(tmp_path / "file").keep(note, checkpoint)


def test_a_webhook_is_sent_the_newest_until_it_has_it(store: Store, sequencer: Sequencer, hook: Hook) -> None:
    log, sink = Log(store), Webhook(hook.url)
    grown(store, sequencer, 3)
    for status in (500, 302, 404):
        hook.status = status
        with pytest.raises(AnchorRefused, match=f"status {status}"):
            anchor(log, sink)
    hook.status = 200
    grown(store, sequencer, 1)
    assert anchor(log, sink)
    assert not anchor(log, sink)
    assert hook.got == [log.head().note]
    # A process that was started again sends it again.
    assert anchor(log, Webhook(hook.url))
    assert len(hook.got) == 2


def test_an_address_is_encrypted_or_here_and_never_said() -> None:
    with pytest.raises(ConfigRefused) as refused:
        Webhook("http://log.example/s3cret")
    assert "s3cret" not in str(refused.value)
    with pytest.raises(ConfigRefused):
        Webhook("file:///etc/passwd")


def test_one_sink_does_not_wait_for_another(store: Store, sequencer: Sequencer, hook: Hook, tmp_path: Path) -> None:
    grown(store, sequencer, 3)
    told = threading.Event()

    def failed(thread: Background, error: BaseException) -> None:
        assert (thread.name, "s3cret" in str(error)) == ("anchor-webhook", False)
        told.set()

    hook.status = 503
    folder = Folder(tmp_path / "kept")
    anchoring = Anchoring(Log(store), [Webhook(hook.url), folder], failed, every_s=0.01)
    anchoring.start()
    with contextlib.suppress(AnchorRefused):
        while folder.last() is None:
            pass
    assert told.wait(10)
    assert hook.got == []
    hook.status = 200
    while not hook.got:
        pass
    anchoring.stop()
    for thread in anchoring.threads:
        assert thread.join(10)
