"""What is asked of the service, before anything is sent: one description of each call for every kind of transport."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from sealauthz_client.failures import CallFailed
from sealauthz_client.requests import seconds

R = TypeVar("R")
ReplyT = TypeVar("ReplyT", bound=Message)
PageT = TypeVar("PageT")


class Repeats(Enum):
    """What happens if a call arrives twice."""

    READS = "it only reads: it may be sent again, and beside one that is under way"
    READS_MUCH = "it only reads, and takes long: it may be sent again, but not beside one that is under way"
    TAKES_EFFECT_ONCE = "its own id, or a condition in it, lets it take effect once: it is sent until its deadline"
    NEVER = "it may take effect twice: it is sent once"


@dataclass(frozen=True)
class Rpc(Generic[ReplyT]):
    """An rpc, found in the generated code by its request. Requests and replies are messages of one rpc only."""

    request: type[Message]
    reply: type[ReplyT]
    repeats: Repeats

    @property
    def path(self) -> str:
        """The name of the rpc on the wire."""
        for service in self.request.DESCRIPTOR.file.services_by_name.values():
            for method in service.methods:
                if method.input_type is self.request.DESCRIPTOR and method.output_type is self.reply.DESCRIPTOR:
                    return f"/{service.full_name}/{method.name}"
        raise LookupError(f"no rpc takes `{self.request.DESCRIPTOR.full_name}`")

    def call(
        self,
        request: Message | Sequence[Message],
        read: Callable[[ReplyT], R],
        timeout_s: float | None = None,
        *,
        request_id: str = "",
    ) -> Call[R]:
        """Return a call of this rpc, with how its reply is read. Raises ValueError for a timeout that is no number."""
        bound_s = None if timeout_s is None else seconds("timeout_s", timeout_s)
        return Call(self, request, read, bound_s, request_id)


@dataclass(frozen=True, slots=True)
class Call(Generic[R]):
    """One call, with a message or a stream of them.

    `timeout_s` bounds all attempts (None: that of the client). `request_id` is what a failure names: of an act, a write
    or an import.
    """

    rpc: Rpc[Any]
    request: Message | Sequence[Message]
    read: Callable[[Any], R]
    timeout_s: float | None
    request_id: str


Steps = Generator[Call[Any], Any, R]
"""Calls one after the other: each is yielded, and its answer sent in; what is returned is the answer of all."""


@dataclass(frozen=True, slots=True)
class Pages(Generic[PageT, R]):
    """A list that comes page by page: the first call, the call of the page behind one (None: it was the last), and
    what a page holds.
    """

    first: Call[PageT]
    following: Callable[[PageT], Call[PageT] | None]
    items: Callable[[PageT], Iterable[R]]


@dataclass(frozen=True, slots=True)
class Watch(Generic[R]):
    """A stream that goes on, resumed after an outage.

    `read` reads a message, None where it holds nothing for the reader. `resume` puts into the request behind what
    message to go on. `on_outage` is called once per outage, `on_end` whenever a stream has ended, for whatever reason.
    `is_over` tells of a message whether it is the last one.
    """

    rpc: Rpc[Any]
    request: Any
    read: Callable[[Any], R | None]
    resume: Callable[[Any, Any], None]
    on_outage: Callable[[CallFailed], None] | None = None
    is_over: Callable[[Any], bool] | None = None
    on_end: Callable[[], None] | None = None
