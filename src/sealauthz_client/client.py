"""The client: one connection with the calls of every service."""

from __future__ import annotations

from sealauthz_client.audit import AuditCalls
from sealauthz_client.authorization import AuthorizationCalls
from sealauthz_client.events import EventsCalls
from sealauthz_client.facts import FactsCalls
from sealauthz_client.operations import OperationsCalls
from sealauthz_client.policy import PolicyCalls


class SealAuthzClient(AuditCalls, AuthorizationCalls, EventsCalls, FactsCalls, OperationsCalls, PolicyCalls):
    """A connection to the service. Any thread may use it; close it, or use it as a context manager.

    `tls_roots` are the PEM certificates to trust (None: those of grpcio); `certificate` is the caller's own, with its
    key (PEM), where the server wants one: then the token may be empty. `insecure` is plain text, to loopback only.
    Every call ends within its `timeout_s`, attempts included, and raises CallFailed if there is no answer by then.
    Questions take `consistency`: None answers from memory (`Decision.facts_age`), `NEWEST` and `at_least(token)` do not
    answer from older facts.
    """
