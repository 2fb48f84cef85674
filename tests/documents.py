"""What a document shows: its blocks of code, and the commands in them with what they print."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from own_process import run_module
from shared_cache import SHARED_CACHE

from sealauthz.cli import app as cli
from sealauthz.decision import Bundle, PolicyDecisionPoint, Question
from sealauthz.facts import FactCache, Store
from sealauthz.observability.log import make_log
from sealauthz.operations import Assertions, Operations
from sealauthz.ops.demo.callers import demo_caller
from sealauthz.service import Callers, ServerSettings, build
from sealauthz_client.assertions import Signer

ROOT = Path(__file__).resolve().parent.parent


def blocks(document: Path, language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


_CONSOLE = re.compile(r"^( *)```console(?: (\w+))?\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def printed(document: Path) -> Iterator[tuple[str, str]]:
    """What the document says that each command prints."""
    return commands(document.read_text(encoding="utf-8"))


def sections(document: Path) -> dict[str, str]:
    """The text below each heading, up to the next heading of any level."""
    found: dict[str, str] = {}
    heading, is_code = "", False
    for line in document.read_text(encoding="utf-8").splitlines(keepends=True):
        is_code ^= line.lstrip().startswith("```")
        if line.startswith("#") and not is_code:
            heading = line.lstrip("#").strip()
        found[heading] = found.get(heading, "") + line
    return found


def commands(text: str, kind: str = "") -> Iterator[tuple[str, str]]:
    """The commands of console blocks with what they print: of blocks for any database, and of those for one `kind`."""
    for _, of_kind, block in _CONSOLE.findall(text):
        for entry in re.split(r"^\$ ", textwrap.dedent(block), flags=re.MULTILINE)[1:]:
            command, _, output = entry.partition("\n")
            if of_kind in ("", kind):
                yield command, output


def is_shown(output: str, shown: str) -> bool:
    """Tell whether a command printed what a document shows, in which `…` stands for anything."""
    pattern = re.escape("\n".join(without_ids(shown))).replace("…", ".*")
    return re.fullmatch(pattern, "\n".join(without_ids(output)), re.DOTALL) is not None


def without_counts(output: str) -> list[str]:
    """Leave out versions, counts, line numbers and durations: they change with every rule that is installed."""
    output = re.sub(r"\b[0-9a-f]{16}\b", "VERSION", output)
    return [" ".join(re.sub(r"[\d,.]*\d", "N", line).split()) for line in output.splitlines()]


def without_ids(output: str) -> list[str]:
    """Leave out ids of operations, decisions and records, too: they differ from run to run."""
    output = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID", output)
    return without_counts(re.sub(r"\b[0-9a-f]{32}\b", "HASH", output))


@contextlib.contextmanager
def served(store: Store, bundle: Bundle, folder: Path, patch: pytest.MonkeyPatch, *first: Question) -> Iterator[None]:
    """Serve facts as the demo does, and have commands ask there. `first` is asked before: what is compiled at its
    first use would take longer than a command waits.
    """
    pdp = PolicyDecisionPoint(FactCache(store), bundle)
    for question in first:
        pdp.decide(question)
    signer, token = Signer.fresh("demo", "demo"), "t" * 40
    acts = Operations(store, pdp, assertions=Assertions.of("demo", signer.key_set))
    settings = ServerSettings("127.0.0.1:0", is_insecure=True)
    server = build(settings, Callers([demo_caller(token)]), store, pdp, acts, make_log(io.StringIO()))
    server.start()
    (folder / "persons.pem").write_bytes(signer.pem)
    patch.setenv("SEALAUTHZ_SIGN_WITH", str(folder / "persons.pem"))
    patch.setenv("SEALAUTHZ_ADDRESS", f"127.0.0.1:{server.port}")
    patch.setenv("SEALAUTHZ_TOKEN", token)
    patch.setenv("COLUMNS", "100")
    try:
        yield
    finally:
        server.stop(0)


def run(command: str) -> str:
    """Run a command of a document where the document was written: at the root, on a terminal of 100 columns.

    What runs no tests runs in this process, which has read and compiled most of the policies already.
    """
    program, *arguments = shlex.split(command)
    assert program == "sealauthz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "100")
        patch.chdir(ROOT)
        if arguments[1] in {"check", "diff"}:
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                cli.run(arguments)
            shown = out.getvalue(), err.getvalue()
        else:
            done = run_module("sealauthz", *arguments, env=os.environ | SHARED_CACHE)
            shown = done.stdout, done.stderr
    assert shown[1] == ""
    return shown[0]
