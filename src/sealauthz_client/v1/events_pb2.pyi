import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealauthz_client.v1 import authorization_pb2 as _authorization_pb2
from sealauthz_client.v1 import operations_pb2 as _operations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WatchRequest(_message.Message):
    __slots__ = ("after", "enterprise_ids", "language")
    AFTER_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_IDS_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    after: str
    enterprise_ids: _containers.RepeatedScalarFieldContainer[str]
    language: str
    def __init__(self, after: _Optional[str] = ..., enterprise_ids: _Optional[_Iterable[str]] = ..., language: _Optional[str] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("token", "event")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    token: str
    event: Event
    def __init__(self, token: _Optional[str] = ..., event: _Optional[_Union[Event, _Mapping]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("code", "enterprise_id", "about", "recipient_ids", "values", "committed_at", "text")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _operations_pb2.NamedValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_operations_pb2.NamedValue, _Mapping]] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_IDS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    code: str
    enterprise_id: str
    about: _authorization_pb2.Entity
    recipient_ids: _containers.RepeatedScalarFieldContainer[str]
    values: _containers.MessageMap[str, _operations_pb2.NamedValue]
    committed_at: _timestamp_pb2.Timestamp
    text: str
    def __init__(self, code: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., about: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., recipient_ids: _Optional[_Iterable[str]] = ..., values: _Optional[_Mapping[str, _operations_pb2.NamedValue]] = ..., committed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., text: _Optional[str] = ...) -> None: ...
