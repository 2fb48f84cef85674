from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class FactRevision(_message.Message):
    __slots__ = ("number", "token")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    number: int
    token: str
    def __init__(self, number: _Optional[int] = ..., token: _Optional[str] = ...) -> None: ...
