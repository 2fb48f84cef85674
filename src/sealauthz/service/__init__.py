"""The gRPC service: messages to questions and facts, answers to messages, errors to statuses, and who may do what.

`edge` stands around every call; `build` puts everything on one port.
"""

from sealauthz.service.callers import RPCS, Caller, Callers
from sealauthz.service.capture import captured, never_block
from sealauthz.service.log import Log, make_log
from sealauthz.service.server import Server, ServerSettings, build, is_loopback

__all__ = [
    "RPCS",
    "Caller",
    "Callers",
    "Log",
    "Server",
    "ServerSettings",
    "build",
    "captured",
    "is_loopback",
    "make_log",
    "never_block",
]
