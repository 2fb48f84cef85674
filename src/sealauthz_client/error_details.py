"""The details of an error, read from its trailer: the messages of `google.rpc` that the service sends.

They are declared here in a pool of their own, so that the client needs no further package, and none that the program
may use beside it (`googleapis-common-protos`) meets a second declaration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

TRAILER = "grpc-status-details-bin"

_SOURCE = """
Status: code 1 int32, message 2 string, details 3 repeated Detail
Detail: type_url 1 string, value 2 bytes
ErrorInfo: reason 1 string, domain 2 string, metadata 3 repeated Entry
Entry: key 1 string, value 2 string
BadRequest: field_violations 1 repeated FieldViolation
FieldViolation: field 1 string, description 2 string
RetryInfo: retry_delay 1 Duration
Duration: seconds 1 int64, nanos 2 int32
"""
"""Each message with its fields, as they are numbered in `google/rpc/status.proto` and `error_details.proto`. `Detail`
is `google.protobuf.Any`, and `Entry` what a map holds on the wire."""


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """What a trailer says: the reason of the error with what varies, malformed fields, and how long to wait."""

    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[tuple[str, str], ...] = ()
    retry_after_s: float = 0.0


def _classes() -> dict[str, Any]:
    """Return the class of each message, by its name."""
    file = descriptor_pb2.FileDescriptorProto(name="error_details", package="sealauthz_client.rpc", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for line in _SOURCE.strip().splitlines():
        name, _, fields = line.partition(": ")
        message = file.message_type.add(name=name)
        for declared in fields.split(", "):
            field_name, number, *repeated, kind = declared.split(" ")
            made = message.field.add(name=field_name, number=int(number))
            made.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if kind[0].isupper():
                made.type, made.type_name = kinds.TYPE_MESSAGE, f".sealauthz_client.rpc.{kind}"
            else:
                made.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        message.name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"sealauthz_client.rpc.{message.name}")
        )
        for message in file.message_type
    }


_MESSAGES = _classes()


def details_of(trailer: Sequence[tuple[str, str | bytes]] | None) -> ErrorDetails:
    """Return what a trailer says. What is not there, or cannot be read, is empty: no error hides another one."""
    packed = next((value for key, value in trailer or () if key == TRAILER and isinstance(value, bytes)), b"")
    reason, retry_after_s = "", 0.0
    metadata: dict[str, str] = {}
    violations: tuple[tuple[str, str], ...] = ()
    try:
        for detail in _MESSAGES["Status"].FromString(packed).details:
            kind = detail.type_url.rpartition("/google.rpc.")[2]
            if kind == "ErrorInfo":
                info = _MESSAGES[kind].FromString(detail.value)
                reason, metadata = info.reason, {entry.key: entry.value for entry in info.metadata}
            elif kind == "BadRequest":
                found = _MESSAGES[kind].FromString(detail.value).field_violations
                violations = tuple((violation.field, violation.description) for violation in found)
            elif kind == "RetryInfo":
                delay = _MESSAGES[kind].FromString(detail.value).retry_delay
                retry_after_s = max(delay.seconds + delay.nanos / 1e9, 0.0)
    except DecodeError:
        return ErrorDetails()
    return ErrorDetails(reason, metadata, violations, retry_after_s)


def error_trailer(code: int, message: str, reason: str, metadata: dict[str, str], domain: str = "") -> bytes:
    """Return the value of a trailer that says why a call ended: `google.rpc.Status` with an `ErrorInfo`."""
    entries = [_MESSAGES["Entry"](key=key, value=value) for key, value in metadata.items()]
    info = _MESSAGES["ErrorInfo"](reason=reason, domain=domain, metadata=entries)
    detail = _MESSAGES["Detail"](type_url="type.googleapis.com/google.rpc.ErrorInfo", value=info.SerializeToString())
    packed: bytes = _MESSAGES["Status"](code=code, message=message, details=[detail]).SerializeToString()
    return packed
