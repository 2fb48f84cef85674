"""Whether a database can be connected to, and waiting until it can."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from sealauthz.facts.store.database import translated
from sealauthz.facts.store.engine import cause_shown, make_engine, parse

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 10.0

Away = Callable[[str, float], bool]
"""Takes why a database cannot be connected to, without a secret, and the pause in seconds before the next attempt;
returns whether to go on waiting."""


def wait_until_reachable(url: str, away: Away) -> bool:
    """Wait until PostgreSQL takes a connection; return whether it did, or False once `away` gave up.

    A file of SQLite is not waited for. Raises ConfigRefused; FactsUnavailable for a database that took the connection
    and cannot be used.
    """
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite":
        return True
    engine, pause_s = make_engine(parsed, must_exist=True), _FIRST_PAUSE_S
    try:
        while why := _why_not(engine, url):
            if not away(why, pause_s):
                return False
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    finally:
        engine.dispose()
    return True


def _why_not(engine: Engine, url: str) -> str:
    """Return why no connection can be had; empty where one can. Raises FactsUnavailable."""
    import psycopg

    with translated("read"):
        try:
            engine.connect().close()
        except (OperationalError, psycopg.OperationalError) as error:
            return cause_shown(error, url) or type(error).__name__
    return ""
