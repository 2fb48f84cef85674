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

class ActivityView(_message.Message):
    __slots__ = ("subject", "enterprise_ids", "seal_ids", "person_ids", "branches", "personal")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_IDS_FIELD_NUMBER: _ClassVar[int]
    SEAL_IDS_FIELD_NUMBER: _ClassVar[int]
    PERSON_IDS_FIELD_NUMBER: _ClassVar[int]
    BRANCHES_FIELD_NUMBER: _ClassVar[int]
    PERSONAL_FIELD_NUMBER: _ClassVar[int]
    subject: _authorization_pb2.Entity
    enterprise_ids: _containers.RepeatedScalarFieldContainer[str]
    seal_ids: _containers.RepeatedScalarFieldContainer[str]
    person_ids: _containers.RepeatedScalarFieldContainer[str]
    branches: _containers.RepeatedCompositeFieldContainer[_authorization_pb2.Entity]
    personal: bool
    def __init__(self, subject: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., enterprise_ids: _Optional[_Iterable[str]] = ..., seal_ids: _Optional[_Iterable[str]] = ..., person_ids: _Optional[_Iterable[str]] = ..., branches: _Optional[_Iterable[_Union[_authorization_pb2.Entity, _Mapping]]] = ..., personal: _Optional[bool] = ...) -> None: ...

class WatchSealActivityRequest(_message.Message):
    __slots__ = ("view", "after", "language")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    view: ActivityView
    after: str
    language: str
    def __init__(self, view: _Optional[_Union[ActivityView, _Mapping]] = ..., after: _Optional[str] = ..., language: _Optional[str] = ...) -> None: ...

class WatchSealActivityResponse(_message.Message):
    __slots__ = ("token", "item", "decision")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    token: str
    item: SealActivity
    decision: _authorization_pb2.Decision
    def __init__(self, token: _Optional[str] = ..., item: _Optional[_Union[SealActivity, _Mapping]] = ..., decision: _Optional[_Union[_authorization_pb2.Decision, _Mapping]] = ...) -> None: ...

class ListSealActivityRequest(_message.Message):
    __slots__ = ("view", "after", "since", "until", "page_size", "page_token", "language")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    view: ActivityView
    after: str
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    language: str
    def __init__(self, view: _Optional[_Union[ActivityView, _Mapping]] = ..., after: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., language: _Optional[str] = ...) -> None: ...

class ListSealActivityResponse(_message.Message):
    __slots__ = ("decision", "items", "next_page_token")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    decision: _authorization_pb2.Decision
    items: _containers.RepeatedCompositeFieldContainer[SealActivity]
    next_page_token: str
    def __init__(self, decision: _Optional[_Union[_authorization_pb2.Decision, _Mapping]] = ..., items: _Optional[_Iterable[_Union[SealActivity, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SealActivity(_message.Message):
    __slots__ = ("token", "code", "enterprise_id", "about", "seal_id", "person_id", "values", "committed_at", "standing")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _operations_pb2.NamedValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_operations_pb2.NamedValue, _Mapping]] = ...) -> None: ...
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    token: str
    code: str
    enterprise_id: str
    about: _authorization_pb2.Entity
    seal_id: str
    person_id: str
    values: _containers.MessageMap[str, _operations_pb2.NamedValue]
    committed_at: _timestamp_pb2.Timestamp
    standing: bool
    def __init__(self, token: _Optional[str] = ..., code: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., about: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., seal_id: _Optional[str] = ..., person_id: _Optional[str] = ..., values: _Optional[_Mapping[str, _operations_pb2.NamedValue]] = ..., committed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., standing: _Optional[bool] = ...) -> None: ...
