"""What gRPC reads in the environment when it is imported, as the service wants it."""

from __future__ import annotations

from collections.abc import MutableMapping

DEFAULTS = {
    # Its own lines would stand between ours, as many as a stranger likes: it tells of each malformed header.
    "GRPC_VERBOSITY": "NONE",
    # The thread that serves all calls reads the sockets. Others would only wake it for each message (decision 133).
    "GRPC_EXPERIMENTS": "-event_engine_listener",
}


def prepare(environment: MutableMapping[str, str]) -> None:
    """Set what is not set, before grpc is imported. What an operator has set counts; an empty text sets nothing."""
    for name, value in DEFAULTS.items():
        environment.setdefault(name, value)
