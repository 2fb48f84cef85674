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

class PolicyPart(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POLICY_PART_UNSPECIFIED: _ClassVar[PolicyPart]
    POLICY_PART_POLICIES: _ClassVar[PolicyPart]
    POLICY_PART_PARAMETERS: _ClassVar[PolicyPart]
    POLICY_PART_TEXTS: _ClassVar[PolicyPart]
    POLICY_PART_BUNDLE: _ClassVar[PolicyPart]
    POLICY_PART_OTHER: _ClassVar[PolicyPart]
POLICY_PART_UNSPECIFIED: PolicyPart
POLICY_PART_POLICIES: PolicyPart
POLICY_PART_PARAMETERS: PolicyPart
POLICY_PART_TEXTS: PolicyPart
POLICY_PART_BUNDLE: PolicyPart
POLICY_PART_OTHER: PolicyPart

class PolicyFile(_message.Message):
    __slots__ = ("part", "name", "text")
    PART_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    part: PolicyPart
    name: str
    text: str
    def __init__(self, part: _Optional[_Union[PolicyPart, str]] = ..., name: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class PolicyFiles(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[PolicyFile]
    def __init__(self, files: _Optional[_Iterable[_Union[PolicyFile, _Mapping]]] = ...) -> None: ...

class PolicyVersion(_message.Message):
    __slots__ = ("version", "digest", "author", "note", "proposed_at")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_AT_FIELD_NUMBER: _ClassVar[int]
    version: str
    digest: str
    author: str
    note: str
    proposed_at: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[str] = ..., digest: _Optional[str] = ..., author: _Optional[str] = ..., note: _Optional[str] = ..., proposed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PolicyActivation(_message.Message):
    __slots__ = ("revision", "version", "previous", "kind", "author", "approver", "note", "signed_by", "activated_at")
    class ActivationKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTIVATION_KIND_UNSPECIFIED: _ClassVar[PolicyActivation.ActivationKind]
        ACTIVATION_KIND_ACTIVATE: _ClassVar[PolicyActivation.ActivationKind]
        ACTIVATION_KIND_ROLL_BACK: _ClassVar[PolicyActivation.ActivationKind]
    ACTIVATION_KIND_UNSPECIFIED: PolicyActivation.ActivationKind
    ACTIVATION_KIND_ACTIVATE: PolicyActivation.ActivationKind
    ACTIVATION_KIND_ROLL_BACK: PolicyActivation.ActivationKind
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    APPROVER_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    SIGNED_BY_FIELD_NUMBER: _ClassVar[int]
    ACTIVATED_AT_FIELD_NUMBER: _ClassVar[int]
    revision: int
    version: str
    previous: str
    kind: PolicyActivation.ActivationKind
    author: str
    approver: str
    note: str
    signed_by: str
    activated_at: _timestamp_pb2.Timestamp
    def __init__(self, revision: _Optional[int] = ..., version: _Optional[str] = ..., previous: _Optional[str] = ..., kind: _Optional[_Union[PolicyActivation.ActivationKind, str]] = ..., author: _Optional[str] = ..., approver: _Optional[str] = ..., note: _Optional[str] = ..., signed_by: _Optional[str] = ..., activated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PolicyProcess(_message.Message):
    __slots__ = ("name", "release", "serves", "follows_store", "ready", "refused", "is_live", "seen_ms_ago")
    class RefusedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    SERVES_FIELD_NUMBER: _ClassVar[int]
    FOLLOWS_STORE_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    IS_LIVE_FIELD_NUMBER: _ClassVar[int]
    SEEN_MS_AGO_FIELD_NUMBER: _ClassVar[int]
    name: str
    release: str
    serves: str
    follows_store: bool
    ready: _containers.RepeatedScalarFieldContainer[str]
    refused: _containers.ScalarMap[str, str]
    is_live: bool
    seen_ms_ago: int
    def __init__(self, name: _Optional[str] = ..., release: _Optional[str] = ..., serves: _Optional[str] = ..., follows_store: _Optional[bool] = ..., ready: _Optional[_Iterable[str]] = ..., refused: _Optional[_Mapping[str, str]] = ..., is_live: _Optional[bool] = ..., seen_ms_ago: _Optional[int] = ...) -> None: ...

class ListVersionsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListVersionsResponse(_message.Message):
    __slots__ = ("active", "versions", "activations", "processes")
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATIONS_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    active: str
    versions: _containers.RepeatedCompositeFieldContainer[PolicyVersion]
    activations: _containers.RepeatedCompositeFieldContainer[PolicyActivation]
    processes: _containers.RepeatedCompositeFieldContainer[PolicyProcess]
    def __init__(self, active: _Optional[str] = ..., versions: _Optional[_Iterable[_Union[PolicyVersion, _Mapping]]] = ..., activations: _Optional[_Iterable[_Union[PolicyActivation, _Mapping]]] = ..., processes: _Optional[_Iterable[_Union[PolicyProcess, _Mapping]]] = ...) -> None: ...

class GetPolicyRequest(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class GetPolicyResponse(_message.Message):
    __slots__ = ("version", "content")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    version: PolicyVersion
    content: PolicyFiles
    def __init__(self, version: _Optional[_Union[PolicyVersion, _Mapping]] = ..., content: _Optional[_Union[PolicyFiles, _Mapping]] = ...) -> None: ...

class ValidatePolicyRequest(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: PolicyFiles
    def __init__(self, content: _Optional[_Union[PolicyFiles, _Mapping]] = ...) -> None: ...

class PolicyDiagnostic(_message.Message):
    __slots__ = ("severity", "code", "file", "line", "column", "message")
    class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SEVERITY_UNSPECIFIED: _ClassVar[PolicyDiagnostic.Severity]
        SEVERITY_ERROR: _ClassVar[PolicyDiagnostic.Severity]
        SEVERITY_WARNING: _ClassVar[PolicyDiagnostic.Severity]
    SEVERITY_UNSPECIFIED: PolicyDiagnostic.Severity
    SEVERITY_ERROR: PolicyDiagnostic.Severity
    SEVERITY_WARNING: PolicyDiagnostic.Severity
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    severity: PolicyDiagnostic.Severity
    code: str
    file: str
    line: int
    column: int
    message: str
    def __init__(self, severity: _Optional[_Union[PolicyDiagnostic.Severity, str]] = ..., code: _Optional[str] = ..., file: _Optional[str] = ..., line: _Optional[int] = ..., column: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class ValidatePolicyResponse(_message.Message):
    __slots__ = ("servable", "version", "digest", "diagnostics")
    SERVABLE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    servable: bool
    version: str
    digest: str
    diagnostics: _containers.RepeatedCompositeFieldContainer[PolicyDiagnostic]
    def __init__(self, servable: _Optional[bool] = ..., version: _Optional[str] = ..., digest: _Optional[str] = ..., diagnostics: _Optional[_Iterable[_Union[PolicyDiagnostic, _Mapping]]] = ...) -> None: ...

class ProposeRequest(_message.Message):
    __slots__ = ("content", "note")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    content: PolicyFiles
    note: str
    def __init__(self, content: _Optional[_Union[PolicyFiles, _Mapping]] = ..., note: _Optional[str] = ...) -> None: ...

class ProposeResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: PolicyVersion
    def __init__(self, version: _Optional[_Union[PolicyVersion, _Mapping]] = ...) -> None: ...

class PolicySignature(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: bytes
    def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...

class ActivateRequest(_message.Message):
    __slots__ = ("version", "digest", "expected_active", "note", "signature")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    version: str
    digest: str
    expected_active: str
    note: str
    signature: PolicySignature
    def __init__(self, version: _Optional[str] = ..., digest: _Optional[str] = ..., expected_active: _Optional[str] = ..., note: _Optional[str] = ..., signature: _Optional[_Union[PolicySignature, _Mapping]] = ...) -> None: ...

class ActivateResponse(_message.Message):
    __slots__ = ("activation",)
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    activation: PolicyActivation
    def __init__(self, activation: _Optional[_Union[PolicyActivation, _Mapping]] = ...) -> None: ...

class RollBackRequest(_message.Message):
    __slots__ = ("expected_active", "note")
    EXPECTED_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    expected_active: str
    note: str
    def __init__(self, expected_active: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class RollBackResponse(_message.Message):
    __slots__ = ("activation",)
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    activation: PolicyActivation
    def __init__(self, activation: _Optional[_Union[PolicyActivation, _Mapping]] = ...) -> None: ...

class BeginShadowRequest(_message.Message):
    __slots__ = ("version", "share", "cpu_share")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    CPU_SHARE_FIELD_NUMBER: _ClassVar[int]
    version: str
    share: float
    cpu_share: float
    def __init__(self, version: _Optional[str] = ..., share: _Optional[float] = ..., cpu_share: _Optional[float] = ...) -> None: ...

class BeginShadowResponse(_message.Message):
    __slots__ = ("shadow",)
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    shadow: PolicyShadow
    def __init__(self, shadow: _Optional[_Union[PolicyShadow, _Mapping]] = ...) -> None: ...

class EndShadowRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EndShadowResponse(_message.Message):
    __slots__ = ("ended",)
    ENDED_FIELD_NUMBER: _ClassVar[int]
    ended: bool
    def __init__(self, ended: _Optional[bool] = ...) -> None: ...

class GetShadowRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetShadowResponse(_message.Message):
    __slots__ = ("shadow", "active", "candidate", "processes", "sampled", "compared", "left_out", "not_in_memory", "uncounted", "differences")
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    SAMPLED_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    NOT_IN_MEMORY_FIELD_NUMBER: _ClassVar[int]
    UNCOUNTED_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    shadow: PolicyShadow
    active: str
    candidate: str
    processes: int
    sampled: int
    compared: int
    left_out: int
    not_in_memory: int
    uncounted: int
    differences: _containers.RepeatedCompositeFieldContainer[ShadowDifference]
    def __init__(self, shadow: _Optional[_Union[PolicyShadow, _Mapping]] = ..., active: _Optional[str] = ..., candidate: _Optional[str] = ..., processes: _Optional[int] = ..., sampled: _Optional[int] = ..., compared: _Optional[int] = ..., left_out: _Optional[int] = ..., not_in_memory: _Optional[int] = ..., uncounted: _Optional[int] = ..., differences: _Optional[_Iterable[_Union[ShadowDifference, _Mapping]]] = ...) -> None: ...

class PolicyShadow(_message.Message):
    __slots__ = ("version", "share", "cpu_share", "caller", "begun_at")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    CPU_SHARE_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    BEGUN_AT_FIELD_NUMBER: _ClassVar[int]
    version: str
    share: float
    cpu_share: float
    caller: str
    begun_at: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[str] = ..., share: _Optional[float] = ..., cpu_share: _Optional[float] = ..., caller: _Optional[str] = ..., begun_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ShadowDifference(_message.Message):
    __slots__ = ("kind", "action", "resource_type", "count", "first_at", "last_at", "causes", "reasons_before", "reasons_after", "obligations_added", "obligations_dropped", "error", "examples")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[ShadowDifference.Kind]
        KIND_GAIN: _ClassVar[ShadowDifference.Kind]
        KIND_OBLIGATION: _ClassVar[ShadowDifference.Kind]
        KIND_BROKEN: _ClassVar[ShadowDifference.Kind]
        KIND_LOSS: _ClassVar[ShadowDifference.Kind]
        KIND_MENDED: _ClassVar[ShadowDifference.Kind]
        KIND_REASONS: _ClassVar[ShadowDifference.Kind]
    KIND_UNSPECIFIED: ShadowDifference.Kind
    KIND_GAIN: ShadowDifference.Kind
    KIND_OBLIGATION: ShadowDifference.Kind
    KIND_BROKEN: ShadowDifference.Kind
    KIND_LOSS: ShadowDifference.Kind
    KIND_MENDED: ShadowDifference.Kind
    KIND_REASONS: ShadowDifference.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_AT_FIELD_NUMBER: _ClassVar[int]
    CAUSES_FIELD_NUMBER: _ClassVar[int]
    REASONS_BEFORE_FIELD_NUMBER: _ClassVar[int]
    REASONS_AFTER_FIELD_NUMBER: _ClassVar[int]
    OBLIGATIONS_ADDED_FIELD_NUMBER: _ClassVar[int]
    OBLIGATIONS_DROPPED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    kind: ShadowDifference.Kind
    action: str
    resource_type: str
    count: int
    first_at: _timestamp_pb2.Timestamp
    last_at: _timestamp_pb2.Timestamp
    causes: _containers.RepeatedCompositeFieldContainer[ShadowCause]
    reasons_before: _containers.RepeatedScalarFieldContainer[str]
    reasons_after: _containers.RepeatedScalarFieldContainer[str]
    obligations_added: _containers.RepeatedScalarFieldContainer[str]
    obligations_dropped: _containers.RepeatedScalarFieldContainer[str]
    error: str
    examples: _containers.RepeatedCompositeFieldContainer[ShadowExample]
    def __init__(self, kind: _Optional[_Union[ShadowDifference.Kind, str]] = ..., action: _Optional[str] = ..., resource_type: _Optional[str] = ..., count: _Optional[int] = ..., first_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., causes: _Optional[_Iterable[_Union[ShadowCause, _Mapping]]] = ..., reasons_before: _Optional[_Iterable[str]] = ..., reasons_after: _Optional[_Iterable[str]] = ..., obligations_added: _Optional[_Iterable[str]] = ..., obligations_dropped: _Optional[_Iterable[str]] = ..., error: _Optional[str] = ..., examples: _Optional[_Iterable[_Union[ShadowExample, _Mapping]]] = ...) -> None: ...

class ShadowCause(_message.Message):
    __slots__ = ("kind", "requirement", "allowed_by", "waived", "required_by", "stopped_at", "parameters")
    KIND_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_BY_FIELD_NUMBER: _ClassVar[int]
    WAIVED_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_BY_FIELD_NUMBER: _ClassVar[int]
    STOPPED_AT_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    requirement: str
    allowed_by: str
    waived: bool
    required_by: str
    stopped_at: _containers.RepeatedScalarFieldContainer[str]
    parameters: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kind: _Optional[str] = ..., requirement: _Optional[str] = ..., allowed_by: _Optional[str] = ..., waived: _Optional[bool] = ..., required_by: _Optional[str] = ..., stopped_at: _Optional[_Iterable[str]] = ..., parameters: _Optional[_Iterable[str]] = ...) -> None: ...

class ShadowExample(_message.Message):
    __slots__ = ("subject", "resource", "context")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    subject: _authorization_pb2.Entity
    resource: _authorization_pb2.Entity
    context: _containers.ScalarMap[str, str]
    def __init__(self, subject: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., resource: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., context: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ComparePoliciesRequest(_message.Message):
    __slots__ = ("version", "base_version")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BASE_VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    base_version: str
    def __init__(self, version: _Optional[str] = ..., base_version: _Optional[str] = ...) -> None: ...

class PolicyCause(_message.Message):
    __slots__ = ("kind", "requirement", "allowed_by", "required_by", "parameters")
    KIND_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_BY_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_BY_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    requirement: str
    allowed_by: str
    required_by: str
    parameters: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kind: _Optional[str] = ..., requirement: _Optional[str] = ..., allowed_by: _Optional[str] = ..., required_by: _Optional[str] = ..., parameters: _Optional[_Iterable[str]] = ...) -> None: ...

class PolicyExample(_message.Message):
    __slots__ = ("subject", "resource", "context")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    subject: _authorization_pb2.Entity
    resource: _authorization_pb2.Entity
    context: _containers.ScalarMap[str, str]
    def __init__(self, subject: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., resource: _Optional[_Union[_authorization_pb2.Entity, _Mapping]] = ..., context: _Optional[_Mapping[str, str]] = ...) -> None: ...

class PolicyChange(_message.Message):
    __slots__ = ("kind", "action", "resource_type", "count", "only_when_fresh", "causes", "added_obligations", "dropped_obligations", "examples")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ONLY_WHEN_FRESH_FIELD_NUMBER: _ClassVar[int]
    CAUSES_FIELD_NUMBER: _ClassVar[int]
    ADDED_OBLIGATIONS_FIELD_NUMBER: _ClassVar[int]
    DROPPED_OBLIGATIONS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    action: str
    resource_type: str
    count: int
    only_when_fresh: bool
    causes: _containers.RepeatedCompositeFieldContainer[PolicyCause]
    added_obligations: _containers.RepeatedScalarFieldContainer[str]
    dropped_obligations: _containers.RepeatedScalarFieldContainer[str]
    examples: _containers.RepeatedCompositeFieldContainer[PolicyExample]
    def __init__(self, kind: _Optional[str] = ..., action: _Optional[str] = ..., resource_type: _Optional[str] = ..., count: _Optional[int] = ..., only_when_fresh: _Optional[bool] = ..., causes: _Optional[_Iterable[_Union[PolicyCause, _Mapping]]] = ..., added_obligations: _Optional[_Iterable[str]] = ..., dropped_obligations: _Optional[_Iterable[str]] = ..., examples: _Optional[_Iterable[_Union[PolicyExample, _Mapping]]] = ...) -> None: ...

class ComparePoliciesResponse(_message.Message):
    __slots__ = ("base_version", "version", "changes", "left_out", "cannot_tell", "records", "decisions", "complete", "revision")
    BASE_VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    CANNOT_TELL_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    base_version: str
    version: str
    changes: _containers.RepeatedCompositeFieldContainer[PolicyChange]
    left_out: int
    cannot_tell: _containers.RepeatedScalarFieldContainer[str]
    records: int
    decisions: int
    complete: bool
    revision: int
    def __init__(self, base_version: _Optional[str] = ..., version: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[PolicyChange, _Mapping]]] = ..., left_out: _Optional[int] = ..., cannot_tell: _Optional[_Iterable[str]] = ..., records: _Optional[int] = ..., decisions: _Optional[int] = ..., complete: _Optional[bool] = ..., revision: _Optional[int] = ...) -> None: ...
