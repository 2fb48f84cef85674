"""The example services do what `examples/README.md` says, each as a process of its own, beside a real server."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from sealauthz.decision import Bundle, PolicyDecisionPoint, system_clock
from sealauthz.facts import Batch, FactCache, Put, Store, upgrade
from sealauthz.model import MODEL
from sealauthz.model.records import identity
from sealauthz.observability.log import make_log
from sealauthz.operations import Assertions, Issuer, Operations
from sealauthz.operations.keys import SigningKeys
from sealauthz.ops.demo.callers import ENGINE, PLATFORM, story_caller
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.runtime.errors import FactsUnavailable
from sealauthz.service import Callers, ServerSettings, build
from sealauthz_client.assertions import Signer

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
TOKENS = {PLATFORM: "p" * 40, ENGINE: "e" * 40}
TASK = "/tasks/task-cartons/seal"


class Flaky(PolicyDecisionPoint):
    """Cannot read the facts as often as it is told."""

    failures = 0

    def decide(self, *question: Any, **options: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise FactsUnavailable("the facts cannot be read now")
        return super().decide(*question, **options)


@dataclass
class Beside:
    """A service, the server that it asks, and the facts behind that."""

    http: httpx.Client
    server: Any
    store: Store
    pdp: Flaky
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The service of Node, compiled, with exactly the packages of its lock file."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.fail("the example in TypeScript needs Node.js 20 or later with npm on PATH")
    folder = tmp_path_factory.mktemp("node") / "node"
    shutil.copytree(EXAMPLES / "node", folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    compiler = ["node", "node_modules/typescript/bin/tsc"]
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--loglevel=error"]
    for command in ([npm, "ci", *quiet], compiler):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            pytest.fail(f"`{' '.join(command)}` failed in examples/node:\n{done.stdout}{done.stderr}")
    return ["node", str(folder / "dist" / "service.js")]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(MODEL)


@pytest.fixture(params=["fastapi", "node"])
def beside(request: pytest.FixtureRequest, tmp_path: Path, bundle: Bundle) -> Iterator[Beside]:
    """A service on the demo facts."""
    url = f"sqlite:///{tmp_path / 'facts.db'}"
    upgrade(url, MODEL)
    store = Store.open(url, MODEL)
    store.write(Batch("test", "opening", tuple(map(Put, opening_facts(system_clock())))))
    pdp = Flaky(FactCache(store), bundle)
    keys = SigningKeys.fresh()
    acts = Operations(store, pdp, Issuer("demo", keys), Assertions.of("demo", Signer.fresh("demo", "demo").key_set))
    callers = Callers([story_caller(name, token) for name, token in TOKENS.items()])
    settings, log = ServerSettings("127.0.0.1:0", is_insecure=True), make_log(io.StringIO())
    server = build(settings, callers, store, pdp, acts, log, keys=partial(json.dumps, keys.key_set))
    server.start()
    if request.param == "fastapi":
        app = ["--app-dir", str(EXAMPLES / "fastapi"), "seal_desk:app", "--port", "0", "--log-level", "info"]
        command = [sys.executable, "-m", "uvicorn", *app]
    else:
        command = request.getfixturevalue("node")
    environment = {
        **os.environ,
        "SEALAUTHZ_ADDRESS": f"127.0.0.1:{server.port}",
        "SEALAUTHZ_TOKEN": TOKENS[PLATFORM],
        "SEALAUTHZ_ENGINE_TOKEN": TOKENS[ENGINE],
        "SEALAUTHZ_ENGINE": ENGINE,
        "SEALAUTHZ_PROTOS": str(ROOT / "protos"),
        "SEALAUTHZ_TIMEOUT_S": "30",
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path
    )
    said: list[str] = []
    reading: threading.Thread | None = None
    try:
        port = _port(process, said)
        # What it says later must not fill the pipe.
        reading = threading.Thread(target=lambda: said.extend(process.stdout or ()), daemon=True)
        reading.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            yield Beside(http, server, store, pdp, process, said)
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()
            if reading is not None:
                reading.join(10)
            if process.stdout is not None:
                process.stdout.close()
            server.stop(0)
            store.close()


def _port(process: subprocess.Popen[str], said: list[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"(?:listening on |running on http://127\.0\.0\.1:)(\d+)", line):
            return int(found[1])
    pytest.fail(f"the service did not start:\n{''.join(said)}")


def as_person(person: str, **headers: str) -> dict[str, str]:
    return {"X-Person": person, **{name.replace("_", "-"): value for name, value in headers.items()}}


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_backend_does_what_an_answer_says_and_nothing_without_one(beside: Beside) -> None:
    http = beside.http
    # An allow that owes a watermark, in spite of a server that cannot read its facts at first.
    beside.pdp.failures = 1
    page = http.get("/contracts/contract-cartons", headers=as_person("p-chen"))
    assert page.status_code == 200, (page.text, beside.said)
    assert re.fullmatch(r"p-chen [0-9a-f-]{36}", page.json()["watermark"])
    assert beside.pdp.failures == 0

    # Denies: of what the person may not know of, and of an allow that owes what the service does not know.
    hidden = http.get("/contracts/contract-cartons", headers=as_person("p-qian"))
    assert (hidden.status_code, hidden.json()["reasons"][0]["code"]) == (404, "NOT_FOUND")
    owing = http.get("/seals/seal-official/log", headers=as_person("p-chen"))
    assert (owing.status_code, owing.json()["error"], owing.json()["reasons"]) == (403, "denied", [])

    # A deny with the step that leads on, which another service takes.
    use = {"seal": "seal-official"}
    denied = http.post(TASK, json=use, headers=as_person("p-zhou", Idempotency_Key="one"))
    assert denied.status_code == 403, denied.text
    assert [reason["code"] for reason in denied.json()["reasons"]] == ["FACE_VERIFICATION_REQUIRED"]
    assert denied.json()["reasons"][0]["text"]
    (step,) = denied.json()["next_steps"]
    assert step["code"] == "VERIFY_FACE"
    show_face(beside.store, step["parameters"])

    # The act, with the same key: performed once, however often it is asked for.
    use["verification"] = "face-1"
    sealed = http.post(TASK, json=use, headers=as_person("p-zhou", Idempotency_Key="one"))
    assert sealed.status_code == 200, (sealed.text, beside.said)
    (use_id,) = sealed.json()["sealed"]
    assert not sealed.json()["replayed"]
    again = http.post(TASK, json=use, headers=as_person("p-zhou", Idempotency_Key="one"))
    assert again.json() == {**sealed.json(), "replayed": True}
    assert state_of(beside.store, use_id) == "SEALED"
    other = http.post(TASK, json={"seal": "another"}, headers=as_person("p-zhou", Idempotency_Key="one"))
    assert (other.status_code, other.json()) == (409, {"error": "conflict", "reason": "FACT_CONFLICT"})

    # An act that the person must confirm: the digest to sign, and nothing done.
    frozen = http.post("/seals/seal-official/freeze", headers=as_person("p-chen", Idempotency_Key="two"))
    assert (frozen.status_code, frozen.json()["error"]) == (403, "assertion_needed"), frozen.text
    assert frozen.json()["request_id"] == "freeze-two"
    assert frozen.json()["digest"].startswith("sha256:")

    # Nobody answers: nothing is allowed.
    beside.server.stop(0)
    gone = http.get("/contracts/contract-cartons", headers=as_person("p-chen"))
    assert (gone.status_code, gone.json()) == (503, {"error": "undecided"})
    assert int(gone.headers["retry-after"]) >= 1


def state_of(store: Store, use_id: str) -> str:
    with FactCache(store).read() as snapshot:
        return str(snapshot.find("SealUse", use_id).state)


def show_face(store: Store, bound: dict[str, Any]) -> None:
    """What the provider of face checks writes when one has passed."""
    check = identity.IdentityVerification(
        id="face-1",
        person_id="p-zhou",
        method=identity.VerificationMethod.FACE,
        purpose=identity.VerificationPurpose(bound["purpose"]),
        provider_ref="provider-1",
        bound_type=bound["bound_type"],
        bound_id=bound["bound_id"],
        bound_digest=bound["bound_digest"],
        state=identity.VerificationState.PASSED,
        passed_at=system_clock(),
    )
    store.write(Batch("provider", "face-1", (Put(check),)))
