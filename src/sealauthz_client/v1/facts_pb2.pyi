import datetime

from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealauthz_client.v1 import records_pb2 as _records_pb2
from sealauthz_client.v1 import revision_pb2 as _revision_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FactKey(_message.Message):
    __slots__ = ("record_type", "id")
    RECORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    record_type: str
    id: str
    def __init__(self, record_type: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class FactChange(_message.Message):
    __slots__ = ("put", "delete", "update")
    PUT_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    put: _records_pb2.Fact
    delete: FactKey
    update: FactUpdate
    def __init__(self, put: _Optional[_Union[_records_pb2.Fact, _Mapping]] = ..., delete: _Optional[_Union[FactKey, _Mapping]] = ..., update: _Optional[_Union[FactUpdate, _Mapping]] = ...) -> None: ...

class FactUpdate(_message.Message):
    __slots__ = ("fact", "fields")
    FACT_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    fact: _records_pb2.Fact
    fields: _field_mask_pb2.FieldMask
    def __init__(self, fact: _Optional[_Union[_records_pb2.Fact, _Mapping]] = ..., fields: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class Precondition(_message.Message):
    __slots__ = ("key", "exists", "absent", "at_revision")
    class Exists(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class Absent(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    KEY_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    AT_REVISION_FIELD_NUMBER: _ClassVar[int]
    key: FactKey
    exists: Precondition.Exists
    absent: Precondition.Absent
    at_revision: int
    def __init__(self, key: _Optional[_Union[FactKey, _Mapping]] = ..., exists: _Optional[_Union[Precondition.Exists, _Mapping]] = ..., absent: _Optional[_Union[Precondition.Absent, _Mapping]] = ..., at_revision: _Optional[int] = ...) -> None: ...

class WriteFactsRequest(_message.Message):
    __slots__ = ("request_id", "changes", "preconditions")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    changes: _containers.RepeatedCompositeFieldContainer[FactChange]
    preconditions: _containers.RepeatedCompositeFieldContainer[Precondition]
    def __init__(self, request_id: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[FactChange, _Mapping]]] = ..., preconditions: _Optional[_Iterable[_Union[Precondition, _Mapping]]] = ...) -> None: ...

class WriteFactsResponse(_message.Message):
    __slots__ = ("revision", "committed_at", "replayed")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    revision: _revision_pb2.FactRevision
    committed_at: _timestamp_pb2.Timestamp
    replayed: bool
    def __init__(self, revision: _Optional[_Union[_revision_pb2.FactRevision, _Mapping]] = ..., committed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., replayed: _Optional[bool] = ...) -> None: ...

class FactFilter(_message.Message):
    __slots__ = ("field", "value")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    field: str
    value: str
    def __init__(self, field: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class ReadFactsRequest(_message.Message):
    __slots__ = ("record_type", "filters", "page_size", "page_token")
    RECORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    record_type: str
    filters: _containers.RepeatedCompositeFieldContainer[FactFilter]
    page_size: int
    page_token: str
    def __init__(self, record_type: _Optional[str] = ..., filters: _Optional[_Iterable[_Union[FactFilter, _Mapping]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ReadFactsResponse(_message.Message):
    __slots__ = ("facts", "next_page_token", "revision")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    facts: _containers.RepeatedCompositeFieldContainer[StoredFact]
    next_page_token: str
    revision: _revision_pb2.FactRevision
    def __init__(self, facts: _Optional[_Iterable[_Union[StoredFact, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., revision: _Optional[_Union[_revision_pb2.FactRevision, _Mapping]] = ...) -> None: ...

class StoredFact(_message.Message):
    __slots__ = ("fact", "revision", "hidden_fields")
    FACT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELDS_FIELD_NUMBER: _ClassVar[int]
    fact: _records_pb2.Fact
    revision: int
    hidden_fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, fact: _Optional[_Union[_records_pb2.Fact, _Mapping]] = ..., revision: _Optional[int] = ..., hidden_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class ImportFactsRequest(_message.Message):
    __slots__ = ("import_id", "enterprise_ids", "facts", "part", "last", "abandon")
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_IDS_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    ABANDON_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    enterprise_ids: _containers.RepeatedScalarFieldContainer[str]
    facts: _containers.RepeatedCompositeFieldContainer[_records_pb2.Fact]
    part: int
    last: bool
    abandon: bool
    def __init__(self, import_id: _Optional[str] = ..., enterprise_ids: _Optional[_Iterable[str]] = ..., facts: _Optional[_Iterable[_Union[_records_pb2.Fact, _Mapping]]] = ..., part: _Optional[int] = ..., last: _Optional[bool] = ..., abandon: _Optional[bool] = ...) -> None: ...

class ImportFactsResponse(_message.Message):
    __slots__ = ("revision", "parts", "facts", "finished")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    revision: _revision_pb2.FactRevision
    parts: int
    facts: int
    finished: bool
    def __init__(self, revision: _Optional[_Union[_revision_pb2.FactRevision, _Mapping]] = ..., parts: _Optional[int] = ..., facts: _Optional[int] = ..., finished: _Optional[bool] = ...) -> None: ...

class WatchChangesRequest(_message.Message):
    __slots__ = ("after", "record_types", "enterprise_ids")
    AFTER_FIELD_NUMBER: _ClassVar[int]
    RECORD_TYPES_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_IDS_FIELD_NUMBER: _ClassVar[int]
    after: str
    record_types: _containers.RepeatedScalarFieldContainer[str]
    enterprise_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, after: _Optional[str] = ..., record_types: _Optional[_Iterable[str]] = ..., enterprise_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchChangesResponse(_message.Message):
    __slots__ = ("revision", "committed_at", "changes")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    revision: _revision_pb2.FactRevision
    committed_at: _timestamp_pb2.Timestamp
    changes: _containers.RepeatedCompositeFieldContainer[ChangedFact]
    def __init__(self, revision: _Optional[_Union[_revision_pb2.FactRevision, _Mapping]] = ..., committed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., changes: _Optional[_Iterable[_Union[ChangedFact, _Mapping]]] = ...) -> None: ...

class ChangedFact(_message.Message):
    __slots__ = ("key", "before", "after", "hidden_fields")
    KEY_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELDS_FIELD_NUMBER: _ClassVar[int]
    key: FactKey
    before: _records_pb2.Fact
    after: _records_pb2.Fact
    hidden_fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, key: _Optional[_Union[FactKey, _Mapping]] = ..., before: _Optional[_Union[_records_pb2.Fact, _Mapping]] = ..., after: _Optional[_Union[_records_pb2.Fact, _Mapping]] = ..., hidden_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class ListImportsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListImportsResponse(_message.Message):
    __slots__ = ("imports",)
    IMPORTS_FIELD_NUMBER: _ClassVar[int]
    imports: _containers.RepeatedCompositeFieldContainer[OpenImport]
    def __init__(self, imports: _Optional[_Iterable[_Union[OpenImport, _Mapping]]] = ...) -> None: ...

class OpenImport(_message.Message):
    __slots__ = ("caller", "import_id", "enterprise_ids", "parts", "began_at", "last_part_at")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_IDS_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    BEGAN_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_PART_AT_FIELD_NUMBER: _ClassVar[int]
    caller: str
    import_id: str
    enterprise_ids: _containers.RepeatedScalarFieldContainer[str]
    parts: int
    began_at: _timestamp_pb2.Timestamp
    last_part_at: _timestamp_pb2.Timestamp
    def __init__(self, caller: _Optional[str] = ..., import_id: _Optional[str] = ..., enterprise_ids: _Optional[_Iterable[str]] = ..., parts: _Optional[int] = ..., began_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_part_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class EndImportRequest(_message.Message):
    __slots__ = ("caller", "import_id")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    caller: str
    import_id: str
    def __init__(self, caller: _Optional[str] = ..., import_id: _Optional[str] = ...) -> None: ...

class EndImportResponse(_message.Message):
    __slots__ = ("revision", "parts")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    revision: _revision_pb2.FactRevision
    parts: int
    def __init__(self, revision: _Optional[_Union[_revision_pb2.FactRevision, _Mapping]] = ..., parts: _Optional[int] = ...) -> None: ...
