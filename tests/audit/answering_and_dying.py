"""Serves a store and keeps its log, as a worker does, until its input ends or it is killed. Started by a test.

    python answering_and_dying.py DATABASE_URL POLICIES KEY TOKEN

Its output is the port that it serves on, in one line.
"""

from __future__ import annotations

import hashlib
import sys
from contextlib import closing
from pathlib import Path

from tiny.model import TINY

from sealauthz.audit.note import Signer
from sealauthz.audit.recorder import Recorder
from sealauthz.audit.sequencer import Sequencer, Sequencing
from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.facts import FactCache, Store
from sealauthz.operations import Operations
from sealauthz.runtime.background import ignored
from sealauthz.service import RPCS, Caller, Callers, ServerSettings, build


def main(url: str, policies: str, key: str, token: str) -> None:
    bundle = Bundle.load(TINY, Path(policies))
    with closing(Store.open(url, TINY)) as store:
        cache = FactCache(store)
        pdp = PolicyDecisionPoint(cache, bundle)
        sequencer = Sequencer(store, "test.example/log", Signer.load("test.example/log", Path(key)))
        recorder = Recorder(store, cache, lambda *_: None, ignored, sequencer=sequencer)
        sequencing = Sequencing(sequencer, ignored)
        caller = Caller(
            TINY,
            "shop",
            frozenset({hashlib.sha256(token.encode()).digest()}),
            rpcs=frozenset(RPCS),
            tenants=None,
            performs=None,
        )
        settings = ServerSettings(listen="127.0.0.1:0", is_insecure=True)
        server = build(settings, Callers([caller]), store, pdp, Operations(store, pdp), recorder=recorder)
        recorder.start()
        sequencing.start()
        server.start()
        print(server.port, flush=True)  # noqa: T201 (the test reads it)
        sys.stdin.read()
        server.stop(0)
        recorder.stop()
        sequencing.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
