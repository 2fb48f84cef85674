"""SIGHUP has the issuers of assertions read again: by all of the file, or by nothing."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from sealauthz.cli.reloading import Reload
from sealauthz.cli.settings import person_assertions
from sealauthz.config import load
from sealauthz.decision import Entity, Question
from sealauthz.model import MODEL
from sealauthz.observability.log import make_log
from sealauthz.operations import Performance
from sealauthz.runtime.errors import AssertionNeeded
from sealauthz_client.assertions import Signer

NOW = 1_790_000_000
CONFIG = '[assertions]\naudience = "authz"\n[assertions.issuers.id]\nkeys = "id.json"\n'


def test_a_key_that_is_gone_verifies_nothing_more(tmp_path) -> None:
    file, keys = tmp_path / "sealauthz.toml", tmp_path / "id.json"
    old, new = Signer.fresh("id", "authz"), Signer.fresh("id", "authz")
    file.write_text(CONFIG)
    keys.write_text(json.dumps(old.key_set))
    config = load(MODEL, {}, file)
    acts: Any = SimpleNamespace(assertions=person_assertions(config))
    server: Any = SimpleNamespace(reload=lambda _callers: False)
    reload = Reload(config, lambda: load(MODEL, {}, file), MODEL, server, acts, make_log(io.StringIO()))
    question = Question(Entity("Person", "p"), "freeze", Entity("Seal", "s"))

    def counts(signer: Signer) -> bool:
        performance = Performance(question, "r")
        signed = Performance(question, "r", assertion=signer.sign("Person:p", performance.digest, now=NOW))
        try:
            return bool(acts.assertions.verified(signed, "console", NOW * 1_000_000))
        except AssertionNeeded:
            return False

    assert (counts(old), counts(new)) == (True, False)
    keys.write_text(json.dumps({"keys": [*old.key_set["keys"], *new.key_set["keys"]]}))
    reload()
    assert (counts(old), counts(new)) == (True, True)
    for text in ("{", json.dumps({"keys": []})):
        keys.write_text(text)
        reload()
        assert (counts(old), counts(new)) == (True, True)
    keys.write_text(json.dumps(new.key_set))
    reload()
    assert (counts(old), counts(new)) == (False, True)
    file.write_text("")
    reload()
    assert acts.assertions is None


@pytest.mark.parametrize("text", ["", '[assertions]\naudience = "authz"\n'])
def test_without_issuers_nobody_is_trusted(tmp_path, text) -> None:
    (tmp_path / "sealauthz.toml").write_text(text)
    assert person_assertions(load(MODEL, {}, tmp_path / "sealauthz.toml")) is None


_CALLER = '[callers.app]\ntoken_sha256 = "{}"\nrpcs = {}\nenterprises = ["e1"]\n'


def test_who_may_do_what_is_in_the_log_of_decisions_from_each_reload_on(tmp_path) -> None:
    """By a digest of the rights, which another token does not change, and no token."""
    file, noted = tmp_path / "sealauthz.toml", []

    def write(token: str, rpcs: str) -> dict[str, Any]:
        file.write_text(_CALLER.format(token * 64, rpcs))
        reload()
        return json.loads(noted[-1])

    server: Any = SimpleNamespace(reload=lambda _callers: False)
    recorder: Any = SimpleNamespace(note=noted.append)
    acts: Any = SimpleNamespace(assertions=None)
    log = make_log(io.StringIO())
    reload = Reload(load(MODEL, {}), lambda: load(MODEL, {}, file), MODEL, server, acts, log, recorder=recorder)
    first, second, third = write("a", "[]"), write("b", "[]"), write("b", '["EventsService/Watch"]')
    assert (first["kind"], list(first["callers"])) == ("Callers", ["app"])
    assert first["callers"] == second["callers"] != third["callers"]
    assert "aaaa" not in str(noted)
    file.write_text("[callers")
    reload()
    assert len(noted) == 3
