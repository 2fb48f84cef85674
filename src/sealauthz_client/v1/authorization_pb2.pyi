import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealauthz_client.v1 import revision_pb2 as _revision_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Effect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EFFECT_UNSPECIFIED: _ClassVar[Effect]
    EFFECT_ALLOW: _ClassVar[Effect]
    EFFECT_DENY: _ClassVar[Effect]

class Audience(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIENCE_UNSPECIFIED: _ClassVar[Audience]
    AUDIENCE_USER: _ClassVar[Audience]
    AUDIENCE_OPERATOR: _ClassVar[Audience]

class Standing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STANDING_UNSPECIFIED: _ClassVar[Standing]
    STANDING_MET: _ClassVar[Standing]
    STANDING_WAIVED: _ClassVar[Standing]
    STANDING_UNMET: _ClassVar[Standing]
EFFECT_UNSPECIFIED: Effect
EFFECT_ALLOW: Effect
EFFECT_DENY: Effect
AUDIENCE_UNSPECIFIED: Audience
AUDIENCE_USER: Audience
AUDIENCE_OPERATOR: Audience
STANDING_UNSPECIFIED: Standing
STANDING_MET: Standing
STANDING_WAIVED: Standing
STANDING_UNMET: Standing

class Consistency(_message.Message):
    __slots__ = ("minimize_latency", "at_least_as_fresh", "fully_consistent")
    MINIMIZE_LATENCY_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_AS_FRESH_FIELD_NUMBER: _ClassVar[int]
    FULLY_CONSISTENT_FIELD_NUMBER: _ClassVar[int]
    minimize_latency: bool
    at_least_as_fresh: str
    fully_consistent: bool
    def __init__(self, minimize_latency: _Optional[bool] = ..., at_least_as_fresh: _Optional[str] = ..., fully_consistent: _Optional[bool] = ...) -> None: ...

class Entity(_message.Message):
    __slots__ = ("type", "id")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    type: str
    id: str
    def __init__(self, type: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class ContextValue(_message.Message):
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

class Question(_message.Message):
    __slots__ = ("subject", "action", "resource", "context")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ContextValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ContextValue, _Mapping]] = ...) -> None: ...
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    subject: Entity
    action: str
    resource: Entity
    context: _containers.MessageMap[str, ContextValue]
    def __init__(self, subject: _Optional[_Union[Entity, _Mapping]] = ..., action: _Optional[str] = ..., resource: _Optional[_Union[Entity, _Mapping]] = ..., context: _Optional[_Mapping[str, ContextValue]] = ...) -> None: ...

class AuthorizeRequest(_message.Message):
    __slots__ = ("subject", "action", "resource", "context", "language", "consistency")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ContextValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ContextValue, _Mapping]] = ...) -> None: ...
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    subject: Entity
    action: str
    resource: Entity
    context: _containers.MessageMap[str, ContextValue]
    language: str
    consistency: Consistency
    def __init__(self, subject: _Optional[_Union[Entity, _Mapping]] = ..., action: _Optional[str] = ..., resource: _Optional[_Union[Entity, _Mapping]] = ..., context: _Optional[_Mapping[str, ContextValue]] = ..., language: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ...) -> None: ...

class AuthorizeResponse(_message.Message):
    __slots__ = ("decision",)
    DECISION_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    def __init__(self, decision: _Optional[_Union[Decision, _Mapping]] = ...) -> None: ...

class AuthorizeBatchRequest(_message.Message):
    __slots__ = ("questions", "language", "consistency")
    QUESTIONS_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    questions: _containers.RepeatedCompositeFieldContainer[Question]
    language: str
    consistency: Consistency
    def __init__(self, questions: _Optional[_Iterable[_Union[Question, _Mapping]]] = ..., language: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ...) -> None: ...

class AuthorizeBatchResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[AuthorizeBatchItem]
    def __init__(self, items: _Optional[_Iterable[_Union[AuthorizeBatchItem, _Mapping]]] = ...) -> None: ...

class AuthorizeBatchItem(_message.Message):
    __slots__ = ("decision", "status")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    status: ItemStatus
    def __init__(self, decision: _Optional[_Union[Decision, _Mapping]] = ..., status: _Optional[_Union[ItemStatus, _Mapping]] = ...) -> None: ...

class ItemStatus(_message.Message):
    __slots__ = ("code", "message", "reason", "field_violations")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    reason: str
    field_violations: _containers.RepeatedCompositeFieldContainer[FieldViolation]
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., reason: _Optional[str] = ..., field_violations: _Optional[_Iterable[_Union[FieldViolation, _Mapping]]] = ...) -> None: ...

class FieldViolation(_message.Message):
    __slots__ = ("field", "description")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    field: str
    description: str
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class ListActionsRequest(_message.Message):
    __slots__ = ("subject", "resource", "context", "language", "consistency", "except_requirements")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ContextValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ContextValue, _Mapping]] = ...) -> None: ...
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    EXCEPT_REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    subject: Entity
    resource: Entity
    context: _containers.MessageMap[str, ContextValue]
    language: str
    consistency: Consistency
    except_requirements: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, subject: _Optional[_Union[Entity, _Mapping]] = ..., resource: _Optional[_Union[Entity, _Mapping]] = ..., context: _Optional[_Mapping[str, ContextValue]] = ..., language: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ..., except_requirements: _Optional[_Iterable[str]] = ...) -> None: ...

class ListActionsResponse(_message.Message):
    __slots__ = ("actions", "conditional_actions")
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    CONDITIONAL_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    actions: _containers.RepeatedCompositeFieldContainer[ActionDecision]
    conditional_actions: _containers.RepeatedCompositeFieldContainer[ConditionalItem]
    def __init__(self, actions: _Optional[_Iterable[_Union[ActionDecision, _Mapping]]] = ..., conditional_actions: _Optional[_Iterable[_Union[ConditionalItem, _Mapping]]] = ...) -> None: ...

class ConditionalItem(_message.Message):
    __slots__ = ("id", "still_required")
    ID_FIELD_NUMBER: _ClassVar[int]
    STILL_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    id: str
    still_required: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., still_required: _Optional[_Iterable[str]] = ...) -> None: ...

class ActionDecision(_message.Message):
    __slots__ = ("action", "decision")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    action: str
    decision: Decision
    def __init__(self, action: _Optional[str] = ..., decision: _Optional[_Union[Decision, _Mapping]] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("subject", "action", "resource", "context", "language", "consistency")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ContextValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ContextValue, _Mapping]] = ...) -> None: ...
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    subject: Entity
    action: str
    resource: Entity
    context: _containers.MessageMap[str, ContextValue]
    language: str
    consistency: Consistency
    def __init__(self, subject: _Optional[_Union[Entity, _Mapping]] = ..., action: _Optional[str] = ..., resource: _Optional[_Union[Entity, _Mapping]] = ..., context: _Optional[_Mapping[str, ContextValue]] = ..., language: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("explanation",)
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    explanation: Explanation
    def __init__(self, explanation: _Optional[_Union[Explanation, _Mapping]] = ...) -> None: ...

class ListResourcesRequest(_message.Message):
    __slots__ = ("subject", "action", "resource_type", "context", "page_size", "page_token", "consistency", "except_requirements")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ContextValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ContextValue, _Mapping]] = ...) -> None: ...
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    EXCEPT_REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    subject: Entity
    action: str
    resource_type: str
    context: _containers.MessageMap[str, ContextValue]
    page_size: int
    page_token: str
    consistency: Consistency
    except_requirements: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, subject: _Optional[_Union[Entity, _Mapping]] = ..., action: _Optional[str] = ..., resource_type: _Optional[str] = ..., context: _Optional[_Mapping[str, ContextValue]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ..., except_requirements: _Optional[_Iterable[str]] = ...) -> None: ...

class ListResourcesResponse(_message.Message):
    __slots__ = ("resource_ids", "next_page_token", "complete", "revision", "policy_version", "evaluated_at", "valid_until", "conditional_resources")
    RESOURCE_IDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    EVALUATED_AT_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    CONDITIONAL_RESOURCES_FIELD_NUMBER: _ClassVar[int]
    resource_ids: _containers.RepeatedScalarFieldContainer[str]
    next_page_token: str
    complete: bool
    revision: _revision_pb2.FactRevision
    policy_version: str
    evaluated_at: _timestamp_pb2.Timestamp
    valid_until: _timestamp_pb2.Timestamp
    conditional_resources: _containers.RepeatedCompositeFieldContainer[ConditionalItem]
    def __init__(self, resource_ids: _Optional[_Iterable[str]] = ..., next_page_token: _Optional[str] = ..., complete: _Optional[bool] = ..., revision: _Optional[_Union[_revision_pb2.FactRevision, _Mapping]] = ..., policy_version: _Optional[str] = ..., evaluated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., conditional_resources: _Optional[_Iterable[_Union[ConditionalItem, _Mapping]]] = ...) -> None: ...

class ListSubjectsRequest(_message.Message):
    __slots__ = ("resource", "action", "subject_type", "context", "page_size", "page_token", "consistency", "except_requirements")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ContextValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ContextValue, _Mapping]] = ...) -> None: ...
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    EXCEPT_REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    resource: Entity
    action: str
    subject_type: str
    context: _containers.MessageMap[str, ContextValue]
    page_size: int
    page_token: str
    consistency: Consistency
    except_requirements: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, resource: _Optional[_Union[Entity, _Mapping]] = ..., action: _Optional[str] = ..., subject_type: _Optional[str] = ..., context: _Optional[_Mapping[str, ContextValue]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, _Mapping]] = ..., except_requirements: _Optional[_Iterable[str]] = ...) -> None: ...

class ListSubjectsResponse(_message.Message):
    __slots__ = ("subject_ids", "next_page_token", "complete", "revision", "policy_version", "evaluated_at", "valid_until", "conditional_subjects")
    SUBJECT_IDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    EVALUATED_AT_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    CONDITIONAL_SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    subject_ids: _containers.RepeatedScalarFieldContainer[str]
    next_page_token: str
    complete: bool
    revision: _revision_pb2.FactRevision
    policy_version: str
    evaluated_at: _timestamp_pb2.Timestamp
    valid_until: _timestamp_pb2.Timestamp
    conditional_subjects: _containers.RepeatedCompositeFieldContainer[ConditionalItem]
    def __init__(self, subject_ids: _Optional[_Iterable[str]] = ..., next_page_token: _Optional[str] = ..., complete: _Optional[bool] = ..., revision: _Optional[_Union[_revision_pb2.FactRevision, _Mapping]] = ..., policy_version: _Optional[str] = ..., evaluated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., conditional_subjects: _Optional[_Iterable[_Union[ConditionalItem, _Mapping]]] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("effect", "reasons", "next_steps", "obligations", "decision_id", "policy_version", "revision", "evaluated_at", "valid_until", "facts_age")
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_STEPS_FIELD_NUMBER: _ClassVar[int]
    OBLIGATIONS_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EVALUATED_AT_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    FACTS_AGE_FIELD_NUMBER: _ClassVar[int]
    effect: Effect
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    next_steps: _containers.RepeatedCompositeFieldContainer[NextStep]
    obligations: _containers.RepeatedCompositeFieldContainer[Obligation]
    decision_id: str
    policy_version: str
    revision: _revision_pb2.FactRevision
    evaluated_at: _timestamp_pb2.Timestamp
    valid_until: _timestamp_pb2.Timestamp
    facts_age: _duration_pb2.Duration
    def __init__(self, effect: _Optional[_Union[Effect, str]] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ..., next_steps: _Optional[_Iterable[_Union[NextStep, _Mapping]]] = ..., obligations: _Optional[_Iterable[_Union[Obligation, _Mapping]]] = ..., decision_id: _Optional[str] = ..., policy_version: _Optional[str] = ..., revision: _Optional[_Union[_revision_pb2.FactRevision, _Mapping]] = ..., evaluated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., facts_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Reason(_message.Message):
    __slots__ = ("code", "stage", "audience", "requirement", "next_steps", "text")
    CODE_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_FIELD_NUMBER: _ClassVar[int]
    NEXT_STEPS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    code: str
    stage: int
    audience: Audience
    requirement: str
    next_steps: _containers.RepeatedCompositeFieldContainer[NextStep]
    text: str
    def __init__(self, code: _Optional[str] = ..., stage: _Optional[int] = ..., audience: _Optional[_Union[Audience, str]] = ..., requirement: _Optional[str] = ..., next_steps: _Optional[_Iterable[_Union[NextStep, _Mapping]]] = ..., text: _Optional[str] = ...) -> None: ...

class NextStep(_message.Message):
    __slots__ = ("code", "parameters", "text")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ParameterValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ParameterValue, _Mapping]] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    code: str
    parameters: _containers.MessageMap[str, ParameterValue]
    text: str
    def __init__(self, code: _Optional[str] = ..., parameters: _Optional[_Mapping[str, ParameterValue]] = ..., text: _Optional[str] = ...) -> None: ...

class Obligation(_message.Message):
    __slots__ = ("code", "parameters", "text")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ParameterValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ParameterValue, _Mapping]] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    code: str
    parameters: _containers.MessageMap[str, ParameterValue]
    text: str
    def __init__(self, code: _Optional[str] = ..., parameters: _Optional[_Mapping[str, ParameterValue]] = ..., text: _Optional[str] = ...) -> None: ...

class ParameterValue(_message.Message):
    __slots__ = ("string_value", "int_value", "time_value")
    STRING_VALUE_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    TIME_VALUE_FIELD_NUMBER: _ClassVar[int]
    string_value: str
    int_value: int
    time_value: _timestamp_pb2.Timestamp
    def __init__(self, string_value: _Optional[str] = ..., int_value: _Optional[int] = ..., time_value: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("decision", "requirements")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    requirements: _containers.RepeatedCompositeFieldContainer[RequirementOutcome]
    def __init__(self, decision: _Optional[_Union[Decision, _Mapping]] = ..., requirements: _Optional[_Iterable[_Union[RequirementOutcome, _Mapping]]] = ...) -> None: ...

class RequirementOutcome(_message.Message):
    __slots__ = ("requirement", "standing", "reasons", "tried", "because", "attempts")
    REQUIREMENT_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    TRIED_FIELD_NUMBER: _ClassVar[int]
    BECAUSE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    requirement: str
    standing: Standing
    reasons: _containers.RepeatedScalarFieldContainer[str]
    tried: _containers.RepeatedCompositeFieldContainer[RuleRef]
    because: _containers.RepeatedCompositeFieldContainer[RuleRef]
    attempts: _containers.RepeatedCompositeFieldContainer[Attempt]
    def __init__(self, requirement: _Optional[str] = ..., standing: _Optional[_Union[Standing, str]] = ..., reasons: _Optional[_Iterable[str]] = ..., tried: _Optional[_Iterable[_Union[RuleRef, _Mapping]]] = ..., because: _Optional[_Iterable[_Union[RuleRef, _Mapping]]] = ..., attempts: _Optional[_Iterable[_Union[Attempt, _Mapping]]] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("rule", "is_met", "condition", "file", "line", "values", "under")
    RULE_FIELD_NUMBER: _ClassVar[int]
    IS_MET_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    UNDER_FIELD_NUMBER: _ClassVar[int]
    rule: RuleRef
    is_met: bool
    condition: str
    file: str
    line: int
    values: _containers.RepeatedScalarFieldContainer[str]
    under: _containers.RepeatedCompositeFieldContainer[Attempt]
    def __init__(self, rule: _Optional[_Union[RuleRef, _Mapping]] = ..., is_met: _Optional[bool] = ..., condition: _Optional[str] = ..., file: _Optional[str] = ..., line: _Optional[int] = ..., values: _Optional[_Iterable[str]] = ..., under: _Optional[_Iterable[_Union[Attempt, _Mapping]]] = ...) -> None: ...

class RuleRef(_message.Message):
    __slots__ = ("head", "file", "line", "rules")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    head: str
    file: str
    line: int
    rules: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, head: _Optional[str] = ..., file: _Optional[str] = ..., line: _Optional[int] = ..., rules: _Optional[_Iterable[str]] = ...) -> None: ...
