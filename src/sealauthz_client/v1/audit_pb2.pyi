import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealauthz_client.v1 import authorization_pb2 as _authorization_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PastEffect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAST_EFFECT_UNSPECIFIED: _ClassVar[PastEffect]
    PAST_EFFECT_ALLOWED_THEN: _ClassVar[PastEffect]
    PAST_EFFECT_DENIED_THEN: _ClassVar[PastEffect]
PAST_EFFECT_UNSPECIFIED: PastEffect
PAST_EFFECT_ALLOWED_THEN: PastEffect
PAST_EFFECT_DENIED_THEN: PastEffect

class GetCheckpointRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCheckpointResponse(_message.Message):
    __slots__ = ("note", "size")
    NOTE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    note: str
    size: int
    def __init__(self, note: _Optional[str] = ..., size: _Optional[int] = ...) -> None: ...

class GetInclusionProofRequest(_message.Message):
    __slots__ = ("decision_id", "number")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    number: int
    def __init__(self, decision_id: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class GetInclusionProofResponse(_message.Message):
    __slots__ = ("number", "hashes", "note")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    number: int
    hashes: _containers.RepeatedScalarFieldContainer[bytes]
    note: str
    def __init__(self, number: _Optional[int] = ..., hashes: _Optional[_Iterable[bytes]] = ..., note: _Optional[str] = ...) -> None: ...

class GetConsistencyProofRequest(_message.Message):
    __slots__ = ("first_size", "second_size")
    FIRST_SIZE_FIELD_NUMBER: _ClassVar[int]
    SECOND_SIZE_FIELD_NUMBER: _ClassVar[int]
    first_size: int
    second_size: int
    def __init__(self, first_size: _Optional[int] = ..., second_size: _Optional[int] = ...) -> None: ...

class GetConsistencyProofResponse(_message.Message):
    __slots__ = ("first_size", "second_size", "first_root", "second_root", "hashes")
    FIRST_SIZE_FIELD_NUMBER: _ClassVar[int]
    SECOND_SIZE_FIELD_NUMBER: _ClassVar[int]
    FIRST_ROOT_FIELD_NUMBER: _ClassVar[int]
    SECOND_ROOT_FIELD_NUMBER: _ClassVar[int]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    first_size: int
    second_size: int
    first_root: bytes
    second_root: bytes
    hashes: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, first_size: _Optional[int] = ..., second_size: _Optional[int] = ..., first_root: _Optional[bytes] = ..., second_root: _Optional[bytes] = ..., hashes: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ListDecisionsRequest(_message.Message):
    __slots__ = ("subject", "resource", "enterprise_id", "action", "effect", "reason", "caller", "kind", "since", "until", "page_size", "page_token")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    subject: _authorization_pb2.Entity
    resource: _authorization_pb2.Entity
    enterprise_id: str
    action: str
    effect: str
    reason: str
    caller: str
    kind: str
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, subject: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., resource: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., enterprise_id: _Optional[str] = ..., action: _Optional[str] = ..., effect: _Optional[str] = ..., reason: _Optional[str] = ..., caller: _Optional[str] = ..., kind: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDecisionsResponse(_message.Message):
    __slots__ = ("records", "next_page_token")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[DecisionRecord]
    next_page_token: str
    def __init__(self, records: _Optional[_Iterable[_Union[DecisionRecord, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetDecisionRequest(_message.Message):
    __slots__ = ("decision_id",)
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    def __init__(self, decision_id: _Optional[str] = ...) -> None: ...

class GetDecisionResponse(_message.Message):
    __slots__ = ("record",)
    RECORD_FIELD_NUMBER: _ClassVar[int]
    record: DecisionRecord
    def __init__(self, record: _Optional[_Union[DecisionRecord, _Mapping]] = ...) -> None: ...

class DecisionRecord(_message.Message):
    __slots__ = ("number", "logged_at", "decision_id", "kind", "answered_at", "caller", "subject", "action", "resource", "effect", "reason_codes", "record")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    LOGGED_AT_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_AT_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    REASON_CODES_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    number: int
    logged_at: _timestamp_pb2.Timestamp
    decision_id: str
    kind: str
    answered_at: _timestamp_pb2.Timestamp
    caller: str
    subject: str
    action: str
    resource: str
    effect: str
    reason_codes: _containers.RepeatedScalarFieldContainer[str]
    record: str
    def __init__(self, number: _Optional[int] = ..., logged_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decision_id: _Optional[str] = ..., kind: _Optional[str] = ..., answered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., caller: _Optional[str] = ..., subject: _Optional[str] = ..., action: _Optional[str] = ..., resource: _Optional[str] = ..., effect: _Optional[str] = ..., reason_codes: _Optional[_Iterable[str]] = ..., record: _Optional[str] = ...) -> None: ...

class DecideAsOfRequest(_message.Message):
    __slots__ = ("subject", "action", "resource", "context", "revision", "time", "policy_version")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _authorization_pb2.ContextValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_authorization_pb2.ContextValue, _Mapping]] = ...) -> None: ...
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    subject: _authorization_pb2.Entity
    action: str
    resource: _authorization_pb2.Entity
    context: _containers.MessageMap[str, _authorization_pb2.ContextValue]
    revision: int
    time: _timestamp_pb2.Timestamp
    policy_version: str
    def __init__(self, subject: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., action: _Optional[str] = ..., resource: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., context: _Optional[_Mapping[str, _authorization_pb2.ContextValue]] = ..., revision: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., policy_version: _Optional[str] = ...) -> None: ...

class DecideAsOfResponse(_message.Message):
    __slots__ = ("decision",)
    DECISION_FIELD_NUMBER: _ClassVar[int]
    decision: PastDecision
    def __init__(self, decision: _Optional[_Union[PastDecision, _Mapping]] = ...) -> None: ...

class PastDecision(_message.Message):
    __slots__ = ("effect", "reason_codes", "obligation_codes", "policy_version", "policy_activated", "revision", "decided_at", "requirements")
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    REASON_CODES_FIELD_NUMBER: _ClassVar[int]
    OBLIGATION_CODES_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    POLICY_ACTIVATED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    effect: PastEffect
    reason_codes: _containers.RepeatedScalarFieldContainer[str]
    obligation_codes: _containers.RepeatedScalarFieldContainer[str]
    policy_version: str
    policy_activated: bool
    revision: int
    decided_at: _timestamp_pb2.Timestamp
    requirements: _containers.RepeatedCompositeFieldContainer[_authorization_pb2.RequirementOutcome]
    def __init__(self, effect: _Optional[_Union[PastEffect, str]] = ..., reason_codes: _Optional[_Iterable[str]] = ..., obligation_codes: _Optional[_Iterable[str]] = ..., policy_version: _Optional[str] = ..., policy_activated: _Optional[bool] = ..., revision: _Optional[int] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., requirements: _Optional[_Iterable[_Union[_authorization_pb2.RequirementOutcome, _Mapping]]] = ...) -> None: ...
