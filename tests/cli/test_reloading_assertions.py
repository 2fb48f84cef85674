"""SIGHUP has the issuers of assertions read again: by all of the file, or by nothing."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from sealauthz.cli.reloading import Reload
from sealauthz.cli.settings import person_assertions
from sealauthz.client.assertions import Signer
from sealauthz.config import load
from sealauthz.decision import Entity, Question
from sealauthz.errors import AssertionNeeded
from sealauthz.model import MODEL
from sealauthz.operations import Performance
from sealauthz.process.log import make_log

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
