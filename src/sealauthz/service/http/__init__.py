"""The RPCs over HTTP/1.1 and JSON: another way to the same handlers, callers, limits and log as over gRPC.

It needs `sealauthz[http]`; only `listener` and `application` import it.
"""
