"""The gRPC service: messages to questions and facts, answers to messages, errors to statuses, and who may do what.

`interceptor` wraps every request; `build` puts everything on one port.
"""

from sealauthz.service.callers import RPCS, Caller, Callers
from sealauthz.service.server import Server, ServerSettings, build, is_loopback

__all__ = ["RPCS", "Caller", "Callers", "Server", "ServerSettings", "build", "is_loopback"]
