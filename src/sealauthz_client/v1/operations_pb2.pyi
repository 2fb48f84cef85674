import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealauthz_client.v1 import authorization_pb2 as _authorization_pb2
from sealauthz_client.v1 import revision_pb2 as _revision_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PerformRequest(_message.Message):
    __slots__ = ("subject", "action", "resource", "context", "arguments", "request_id", "language", "assertion")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _authorization_pb2.ContextValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_authorization_pb2.ContextValue, _Mapping]] = ...) -> None: ...
    class ArgumentsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ArgumentValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ArgumentValue, _Mapping]] = ...) -> None: ...
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    ASSERTION_FIELD_NUMBER: _ClassVar[int]
    subject: _authorization_pb2.Entity
    action: str
    resource: _authorization_pb2.Entity
    context: _containers.MessageMap[str, _authorization_pb2.ContextValue]
    arguments: _containers.MessageMap[str, ArgumentValue]
    request_id: str
    language: str
    assertion: str
    def __init__(self, subject: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., action: _Optional[str] = ..., resource: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., context: _Optional[_Mapping[str, _authorization_pb2.ContextValue]] = ..., arguments: _Optional[_Mapping[str, ArgumentValue]] = ..., request_id: _Optional[str] = ..., language: _Optional[str] = ..., assertion: _Optional[str] = ...) -> None: ...

class ArgumentValue(_message.Message):
    __slots__ = ("string_value", "int_value", "bool_value", "time_value", "list_value", "record_value")
    STRING_VALUE_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    BOOL_VALUE_FIELD_NUMBER: _ClassVar[int]
    TIME_VALUE_FIELD_NUMBER: _ClassVar[int]
    LIST_VALUE_FIELD_NUMBER: _ClassVar[int]
    RECORD_VALUE_FIELD_NUMBER: _ClassVar[int]
    string_value: str
    int_value: int
    bool_value: bool
    time_value: _timestamp_pb2.Timestamp
    list_value: ArgumentList
    record_value: ArgumentRecord
    def __init__(self, string_value: _Optional[str] = ..., int_value: _Optional[int] = ..., bool_value: _Optional[bool] = ..., time_value: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., list_value: _Optional[_Union[ArgumentList, _Mapping]] = ..., record_value: _Optional[_Union[ArgumentRecord, _Mapping]] = ...) -> None: ...

class ArgumentList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[ArgumentValue]
    def __init__(self, values: _Optional[_Iterable[_Union[ArgumentValue, _Mapping]]] = ...) -> None: ...

class ArgumentRecord(_message.Message):
    __slots__ = ("values",)
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ArgumentValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ArgumentValue, _Mapping]] = ...) -> None: ...
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.MessageMap[str, ArgumentValue]
    def __init__(self, values: _Optional[_Mapping[str, ArgumentValue]] = ...) -> None: ...

class PerformResponse(_message.Message):
    __slots__ = ("decision", "operation", "replayed")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    decision: _authorization_pb2.Decision
    operation: Operation
    replayed: bool
    def __init__(self, decision: _Optional[_Union[_authorization_pb2.Decision, _Mapping]] = ..., operation: _Optional[_Union[Operation, _Mapping]] = ..., replayed: _Optional[bool] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("operation_id", "caller", "request_id", "subject", "action", "resource", "revision", "performed_at", "values", "receipt")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: NamedValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[NamedValue, _Mapping]] = ...) -> None: ...
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    PERFORMED_AT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    caller: str
    request_id: str
    subject: _authorization_pb2.Entity
    action: str
    resource: _authorization_pb2.Entity
    revision: _revision_pb2.FactRevision
    performed_at: _timestamp_pb2.Timestamp
    values: _containers.MessageMap[str, NamedValue]
    receipt: str
    def __init__(self, operation_id: _Optional[str] = ..., caller: _Optional[str] = ..., request_id: _Optional[str] = ..., subject: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., action: _Optional[str] = ..., resource: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., revision: _Optional[_Union[_revision_pb2.FactRevision, _Mapping]] = ..., performed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., values: _Optional[_Mapping[str, NamedValue]] = ..., receipt: _Optional[str] = ...) -> None: ...

class NamedValue(_message.Message):
    __slots__ = ("string_value", "int_value", "bool_value", "time_value")
    STRING_VALUE_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    BOOL_VALUE_FIELD_NUMBER: _ClassVar[int]
    TIME_VALUE_FIELD_NUMBER: _ClassVar[int]
    string_value: str
    int_value: int
    bool_value: bool
    time_value: _timestamp_pb2.Timestamp
    def __init__(self, string_value: _Optional[str] = ..., int_value: _Optional[int] = ..., bool_value: _Optional[bool] = ..., time_value: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetOperationRequest(_message.Message):
    __slots__ = ("operation_id",)
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    def __init__(self, operation_id: _Optional[str] = ...) -> None: ...

class GetOperationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class GetKeysRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetKeysResponse(_message.Message):
    __slots__ = ("jwks",)
    JWKS_FIELD_NUMBER: _ClassVar[int]
    jwks: str
    def __init__(self, jwks: _Optional[str] = ...) -> None: ...

class GetProgressRequest(_message.Message):
    __slots__ = ("subject", "resource", "language")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    subject: _authorization_pb2.Entity
    resource: _authorization_pb2.Entity
    language: str
    def __init__(self, subject: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., resource: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., language: _Optional[str] = ...) -> None: ...

class GetProgressResponse(_message.Message):
    __slots__ = ("decision", "stages", "actions")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    decision: _authorization_pb2.Decision
    stages: _containers.RepeatedCompositeFieldContainer[ProgressStage]
    actions: _containers.RepeatedCompositeFieldContainer[_authorization_pb2.ActionDecision]
    def __init__(self, decision: _Optional[_Union[_authorization_pb2.Decision, _Mapping]] = ..., stages: _Optional[_Iterable[_Union[ProgressStage, _Mapping]]] = ..., actions: _Optional[_Iterable[_Union[_authorization_pb2.ActionDecision, _Mapping]]] = ...) -> None: ...

class ProgressStage(_message.Message):
    __slots__ = ("code", "state", "at", "until", "actors", "values")
    class StageState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STAGE_STATE_UNSPECIFIED: _ClassVar[ProgressStage.StageState]
        STAGE_STATE_DONE: _ClassVar[ProgressStage.StageState]
        STAGE_STATE_NOW: _ClassVar[ProgressStage.StageState]
        STAGE_STATE_NEXT: _ClassVar[ProgressStage.StageState]
        STAGE_STATE_ENDED: _ClassVar[ProgressStage.StageState]
    STAGE_STATE_UNSPECIFIED: ProgressStage.StageState
    STAGE_STATE_DONE: ProgressStage.StageState
    STAGE_STATE_NOW: ProgressStage.StageState
    STAGE_STATE_NEXT: ProgressStage.StageState
    STAGE_STATE_ENDED: ProgressStage.StageState
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: NamedValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[NamedValue, _Mapping]] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    ACTORS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    code: str
    state: ProgressStage.StageState
    at: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    actors: _containers.RepeatedCompositeFieldContainer[ShownSubject]
    values: _containers.MessageMap[str, NamedValue]
    def __init__(self, code: _Optional[str] = ..., state: _Optional[_Union[ProgressStage.StageState, str]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actors: _Optional[_Iterable[_Union[ShownSubject, _Mapping]]] = ..., values: _Optional[_Mapping[str, NamedValue]] = ...) -> None: ...

class ShownSubject(_message.Message):
    __slots__ = ("parts",)
    class PartsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PARTS_FIELD_NUMBER: _ClassVar[int]
    parts: _containers.ScalarMap[str, str]
    def __init__(self, parts: _Optional[_Mapping[str, str]] = ...) -> None: ...
