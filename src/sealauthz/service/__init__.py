"""The gRPC service: messages to questions and facts, answers to messages, errors to statuses, and who may do what.

`interceptor` wraps every request; `build` puts everything on one port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sealauthz.service.callers import RPCS, Caller, Callers

if TYPE_CHECKING:
    from sealauthz.service.server import Server, ServerSettings, build, is_loopback

__all__ = ["RPCS", "Caller", "Callers", "Server", "ServerSettings", "build", "is_loopback"]


def __getattr__(name: str) -> Any:
    """Import the server when it is wanted: a configuration needs the callers alone, and every command reads one."""
    if name not in __all__:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    from sealauthz.service import server

    return getattr(server, name)
