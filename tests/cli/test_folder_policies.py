"""The policies of a folder that decides are read again, at a reload or when a file changes; broken ones are not."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tiny.model import TINY

from sealauthz.cli.folder_policies import FolderLoader, FolderPolicies, Watching
from sealauthz.cli.reloading import Reload
from sealauthz.cli.rolling_out import _load
from sealauthz.config import load
from sealauthz.decision import Bundle
from sealauthz.decision.bundle import inputs_key
from sealauthz.decision.policies import Policies
from sealauthz.model import MODEL
from sealauthz.observability.log import make_log
from sealauthz.rollout import Archive
from sealauthz.runtime.background import ignored
from sealauthz.runtime.errors import BundleRefused

TINY_POLICIES = Path(__file__).parents[1] / "tiny" / "policies"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY_POLICIES, tmp_path / "policies"))


class Scene:
    """A process that decides with a folder, or with what was activated."""

    def __init__(self, folder: Path, *, is_of_folder: bool = True) -> None:
        self.policies = Policies(Bundle.load(TINY, folder))
        following: Any = SimpleNamespace(is_of_folder=is_of_folder)
        self.read: list[weakref.ref[Bundle]] = []

        def load(_config: Any) -> Bundle:
            bundle = Bundle.load(TINY, folder)
            self.read.append(weakref.ref(bundle))
            return bundle

        self.folder = FolderPolicies(self.policies, following, load)

    @property
    def version(self) -> str:
        assert self.policies.base is not None
        return self.policies.base.version


def change(folder: Path, longest: int, of: int = 500) -> None:
    numbers = folder / "parameters.toml"
    numbers.write_text(numbers.read_text().replace(f"longest = {of}", f"longest = {longest}"))


def test_a_folder_is_loaded_again_only_where_its_files_have_changed(folder: Path) -> None:
    loads: list[str] = []

    def load(_config: Any) -> Bundle:
        bundle = Bundle.load(TINY, folder)
        loads.append(bundle.version)
        if len(loads) == 2:
            change(folder, 7, of=5)  # while it is loaded
        return bundle

    config: Any = None
    loader = FolderLoader(load, lambda _config: inputs_key(TINY, folder))
    first = loader(config)
    assert (loader(config) is first, len(loads)) == (True, 1)
    change(folder, 5)
    second = loader(config)
    assert (second.version != first.version, len(loads)) == (True, 2)
    third = loader(config)
    assert (third.version != second.version, len(loads)) == (True, 3)
    text = (folder / "documents.polar").read_text()
    (folder / "documents.polar").write_text(text + "visible(_, _, _) if\n")
    for _ in range(2):
        with pytest.raises(BundleRefused):
            loader(config)
    (folder / "documents.polar").write_text(text)
    assert (loader(config) is third, len(loads)) == (True, 3)
    (folder / "floor.polar").unlink()
    with pytest.raises(BundleRefused):
        loader(config)


def test_a_reload_takes_all_or_nothing(tmp_path: Path, folder: Path) -> None:
    scene, log = Scene(folder), io.StringIO()
    reloaded: list[str] = []
    server: Any = SimpleNamespace(reload=lambda _callers: bool(reloaded.append("server")))
    acts: Any = SimpleNamespace(assertions=None)
    file = tmp_path / "sealauthz.toml"
    file.write_text("")
    config = load(MODEL, {}, file)
    limited, threshold = make_log(log).limited()
    shipping: Any = SimpleNamespace(signers=None)
    reload = Reload(
        config, lambda: load(MODEL, {}, file), MODEL, server, acts, limited, None, scene.folder, shipping, threshold
    )

    def last() -> dict[str, Any]:
        for _ in range(100):
            if lines := log.getvalue().splitlines():
                log.truncate(0)
                log.seek(0)
                return dict(json.loads(lines[-1]))
            subprocess.run(["sleep", "0.02"], check=True)
        raise AssertionError("nothing was logged")

    before, base = scene.version, scene.policies.base
    reload()
    assert (last()["has_new_policies"], scene.version, reloaded) == (False, before, ["server"])
    assert scene.policies.base is base, "what is the same stays"
    assert [read() for read in scene.read] == [None], "and what was read to compare takes no memory"
    change(folder, 5)
    reload()
    assert last()["has_new_policies"] is True
    assert scene.version != before
    before = scene.version
    # A mistake in the policies keeps the callers and the certificate as they are, too.
    (folder / "documents.polar").write_text((folder / "documents.polar").read_text() + "visible(_, _, _) if\n")
    reload()
    said = last()
    assert said["event"] == "reload_refused"
    assert said["message"].startswith("documents.polar:")
    assert (scene.version, reloaded) == (before, ["server", "server"])
    file.write_text('[server]\nlog_level = "error"\n[policies]\nsigners = ["none.pem"]\n')
    reload()
    assert "none.pem" in last()["message"]
    assert threshold.level == "info"
    shutil.copy(TINY_POLICIES / "documents.polar", folder)
    file.write_text('[server]\nlog_level = "error"\n')
    reload()
    assert threshold.level == "error"
    assert shipping.signers is not None
    limited.info("nobody reads this")
    limited.error("but_this")
    assert last()["event"] == "but_this"


def test_a_folder_that_does_not_decide_is_not_read(folder: Path) -> None:
    scene = Scene(folder, is_of_folder=False)
    (folder / "documents.polar").unlink()
    config: Any = None
    assert scene.folder.read(config) is None


def test_a_watched_folder_decides_when_a_file_has_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene(folder)
    watching = Watching(TINY, folder, scene.folder, ignored)
    first = scene.version
    watching.look()
    assert capsys.readouterr().out == ""
    change(folder, 5)
    # Who writes several files is waited for.
    watching.look()
    assert scene.version == first
    watching.look()
    second = scene.version
    assert second != first
    assert capsys.readouterr().out.startswith(f"policy {second} decides")
    with (folder / "documents.polar").open("a") as file:
        file.write("visible(_, _, _) if\n")
    watching.look()
    watching.look()
    out = capsys.readouterr().out
    assert f"{folder}/documents.polar:" in out
    assert out.endswith("these policies cannot be served; those of before go on\n")
    assert scene.version == second
    watching.look()
    assert capsys.readouterr().out == ""
    (folder / "documents.polar").unlink()
    watching.look()
    watching.look()
    assert scene.version == second
    shutil.copy(TINY_POLICIES / "documents.polar", folder)
    watching.look()
    watching.look()
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"policy {second} decides")


def test_reload_signals_what_serves_and_nothing_else(sealauthz: Any, tmp_path: Path) -> None:
    program = "import signal, sys; signal.sigwait({signal.SIGHUP}); print('again')"
    ready = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP}); print('on', flush=True); "
    with subprocess.Popen(
        [sys.executable, "-c", ready + program, "sealauthz", "serve"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        server.stdout.readline()
        assert sealauthz("reload", str(server.pid))[0] == 0
        assert server.communicate(timeout=30)[0] == "again\n"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as other:
        code, _, err = sealauthz("reload", str(other.pid))
        assert (code, err) == (1, f"error: process {other.pid} is no `sealauthz serve` of this machine\n")
        other.communicate("\n", timeout=30)
        assert other.returncode == 0


def test_policies_are_freed_when_others_have_taken_their_place(folder: Path) -> None:
    archive = Archive.of_folder(TINY, folder)
    gone = weakref.ref(_load(TINY, archive))
    kept = _load(TINY, archive)
    assert (gone(), kept.version) == (None, Bundle.load(TINY, folder).version)
