"""The names of settings and variables, without what they may hold: for commands that need few of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PREFIX = "SEALAUTHZ_"
CONFIG_FILE = "SEALAUTHZ_CONFIG"
OTHER_NAMES = frozenset(
    {
        CONFIG_FILE,
        "SEALAUTHZ_CACHE",
        "SEALAUTHZ_PYTHON",
        "SEALAUTHZ_ADDRESS",
        "SEALAUTHZ_TOKEN",
        "SEALAUTHZ_TLS_ROOTS",
        "SEALAUTHZ_CERTIFICATE",
        "SEALAUTHZ_SIGN_WITH",
    }
)
"""Names that are read elsewhere: where the file is, where loaded bundles are kept, the interpreter of `make`, and how
the commands reach a server.
"""

SETTINGS: Mapping[str, frozenset[str]] = {
    "server": frozenset(
        {
            "listen",
            "tls_certificate",
            "tls_key",
            "client_ca",
            "reflection",
            "threads",
            "max_concurrent_calls",
            "transaction_threads",
            "max_transactions",
            "max_streams",
            "caller_share",
            "caller_calls_per_s",
            "workers",
            "health_interval_s",
            "stop_grace_s",
            "log_level",
        }
    ),
    "http": frozenset({"listen"}),
    "database": frozenset({"url", "url_file", "password_file"}),
    "facts": frozenset({"memory_mb", "max_age_s", "poll_s", "warm_up", "import_lease_s"}),
    "policies": frozenset({"folder", "source", "signers"}),
    "metrics": frozenset({"listen"}),
    "traces": frozenset({"endpoint", "ca", "ratio"}),
    "receipts": frozenset({"issuer", "keys"}),
    "audit": frozenset(
        {
            "name",
            "key",
            "pending_key",
            "sequences",
            "advice",
            "folder",
            "webhook",
            "timestamps",
            "timestamp_roots",
            "timestamps_every_s",
        }
    ),
    "assertions": frozenset({"audience", "issuers"}),
    "jwt": frozenset({"issuers"}),
}
"""The sections with their settings."""

TABLES = frozenset({"callers"})
"""What holds a table for each name that somebody chose."""


def variable(*parts: str) -> str:
    """Return the variable of a setting."""
    return f"{PREFIX}{'__'.join(parts)}".upper()


def file_of(environ: Mapping[str, str], path: Path | None = None) -> Path | None:
    """Return the file of the configuration: the one that is given, the one that a variable names, or none."""
    return path or (Path(environ[CONFIG_FILE]) if environ.get(CONFIG_FILE) else None)
