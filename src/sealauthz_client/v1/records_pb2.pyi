import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RealnameState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REALNAME_STATE_UNSPECIFIED: _ClassVar[RealnameState]
    REALNAME_STATE_UNVERIFIED: _ClassVar[RealnameState]
    REALNAME_STATE_VERIFIED: _ClassVar[RealnameState]
    REALNAME_STATE_REVOKED: _ClassVar[RealnameState]

class AccountState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_STATE_UNSPECIFIED: _ClassVar[AccountState]
    ACCOUNT_STATE_ACTIVE: _ClassVar[AccountState]
    ACCOUNT_STATE_LOCKED: _ClassVar[AccountState]
    ACCOUNT_STATE_CLOSED: _ClassVar[AccountState]

class IdType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ID_TYPE_UNSPECIFIED: _ClassVar[IdType]
    ID_TYPE_RESIDENT_ID: _ClassVar[IdType]
    ID_TYPE_PASSPORT: _ClassVar[IdType]
    ID_TYPE_OTHER: _ClassVar[IdType]

class VerificationMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERIFICATION_METHOD_UNSPECIFIED: _ClassVar[VerificationMethod]
    VERIFICATION_METHOD_FACE: _ClassVar[VerificationMethod]
    VERIFICATION_METHOD_SMS: _ClassVar[VerificationMethod]
    VERIFICATION_METHOD_PASSWORD: _ClassVar[VerificationMethod]
    VERIFICATION_METHOD_MOBILE3: _ClassVar[VerificationMethod]
    VERIFICATION_METHOD_BANK4: _ClassVar[VerificationMethod]

class VerificationPurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERIFICATION_PURPOSE_UNSPECIFIED: _ClassVar[VerificationPurpose]
    VERIFICATION_PURPOSE_LOGIN: _ClassVar[VerificationPurpose]
    VERIFICATION_PURPOSE_JOIN: _ClassVar[VerificationPurpose]
    VERIFICATION_PURPOSE_SIGN: _ClassVar[VerificationPurpose]
    VERIFICATION_PURPOSE_SEAL_GRANT: _ClassVar[VerificationPurpose]
    VERIFICATION_PURPOSE_SEAL_MANAGE: _ClassVar[VerificationPurpose]
    VERIFICATION_PURPOSE_APPROVE: _ClassVar[VerificationPurpose]
    VERIFICATION_PURPOSE_RETRIEVE: _ClassVar[VerificationPurpose]
    VERIFICATION_PURPOSE_ADMIN_CHANGE: _ClassVar[VerificationPurpose]

class VerificationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERIFICATION_STATE_UNSPECIFIED: _ClassVar[VerificationState]
    VERIFICATION_STATE_STARTED: _ClassVar[VerificationState]
    VERIFICATION_STATE_PASSED: _ClassVar[VerificationState]
    VERIFICATION_STATE_CONSUMED: _ClassVar[VerificationState]
    VERIFICATION_STATE_FAILED: _ClassVar[VerificationState]
    VERIFICATION_STATE_EXPIRED: _ClassVar[VerificationState]

class StaffDuty(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STAFF_DUTY_UNSPECIFIED: _ClassVar[StaffDuty]
    STAFF_DUTY_REVIEWER: _ClassVar[StaffDuty]
    STAFF_DUTY_SUPPORT: _ClassVar[StaffDuty]
    STAFF_DUTY_RISK: _ClassVar[StaffDuty]

class PostState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POST_STATE_UNSPECIFIED: _ClassVar[PostState]
    POST_STATE_ACTIVE: _ClassVar[PostState]
    POST_STATE_ENDED: _ClassVar[PostState]

class ContractState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTRACT_STATE_UNSPECIFIED: _ClassVar[ContractState]
    CONTRACT_STATE_DRAFT: _ClassVar[ContractState]
    CONTRACT_STATE_FILLING: _ClassVar[ContractState]
    CONTRACT_STATE_SIGNING: _ClassVar[ContractState]
    CONTRACT_STATE_COMPLETE: _ClassVar[ContractState]
    CONTRACT_STATE_REJECTED: _ClassVar[ContractState]
    CONTRACT_STATE_RECALLED: _ClassVar[ContractState]
    CONTRACT_STATE_EXPIRED: _ClassVar[ContractState]
    CONTRACT_STATE_TERMINATING: _ClassVar[ContractState]
    CONTRACT_STATE_TERMINATED: _ClassVar[ContractState]
    CONTRACT_STATE_FORCE_FINISHED: _ClassVar[ContractState]
    CONTRACT_STATE_DELETED: _ClassVar[ContractState]

class ContractMatter(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTRACT_MATTER_UNSPECIFIED: _ClassVar[ContractMatter]
    CONTRACT_MATTER_UNSTATED: _ClassVar[ContractMatter]
    CONTRACT_MATTER_GENERAL: _ClassVar[ContractMatter]
    CONTRACT_MATTER_FINANCE: _ClassVar[ContractMatter]
    CONTRACT_MATTER_PERSONNEL: _ClassVar[ContractMatter]
    CONTRACT_MATTER_GUARANTEE: _ClassVar[ContractMatter]
    CONTRACT_MATTER_MARRIAGE: _ClassVar[ContractMatter]
    CONTRACT_MATTER_ADOPTION: _ClassVar[ContractMatter]
    CONTRACT_MATTER_INHERITANCE: _ClassVar[ContractMatter]
    CONTRACT_MATTER_PUBLIC_UTILITY_STOP: _ClassVar[ContractMatter]

class DocumentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DOCUMENT_STATE_UNSPECIFIED: _ClassVar[DocumentState]
    DOCUMENT_STATE_INCOMPLETE: _ClassVar[DocumentState]
    DOCUMENT_STATE_COMPLETE: _ClassVar[DocumentState]

class PartyKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARTY_KIND_UNSPECIFIED: _ClassVar[PartyKind]
    PARTY_KIND_PERSON: _ClassVar[PartyKind]
    PARTY_KIND_ENTERPRISE: _ClassVar[PartyKind]

class TaskAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_ACTION_UNSPECIFIED: _ClassVar[TaskAction]
    TASK_ACTION_CORPORATE_SEAL: _ClassVar[TaskAction]
    TASK_ACTION_LEGAL_REP_SEAL: _ClassVar[TaskAction]
    TASK_ACTION_HANDLER_SIGN: _ClassVar[TaskAction]
    TASK_ACTION_PERSONAL_SIGN: _ClassVar[TaskAction]
    TASK_ACTION_APPROVE: _ClassVar[TaskAction]
    TASK_ACTION_FILL: _ClassVar[TaskAction]

class TaskState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_STATE_UNSPECIFIED: _ClassVar[TaskState]
    TASK_STATE_WAITING: _ClassVar[TaskState]
    TASK_STATE_PENDING: _ClassVar[TaskState]
    TASK_STATE_IN_PROGRESS: _ClassVar[TaskState]
    TASK_STATE_SIGNED: _ClassVar[TaskState]
    TASK_STATE_REJECTED: _ClassVar[TaskState]
    TASK_STATE_TRANSFERRED: _ClassVar[TaskState]
    TASK_STATE_VOIDED: _ClassVar[TaskState]
    TASK_STATE_EXPIRED: _ClassVar[TaskState]

class ReviewState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REVIEW_STATE_UNSPECIFIED: _ClassVar[ReviewState]
    REVIEW_STATE_PENDING: _ClassVar[ReviewState]
    REVIEW_STATE_PASSED: _ClassVar[ReviewState]
    REVIEW_STATE_REJECTED: _ClassVar[ReviewState]
    REVIEW_STATE_SIGN_REJECTED: _ClassVar[ReviewState]

class ConsentKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSENT_KIND_UNSPECIFIED: _ClassVar[ConsentKind]
    CONSENT_KIND_DOUBLE_AGENCY: _ClassVar[ConsentKind]
    CONSENT_KIND_TERMINATION: _ClassVar[ConsentKind]

class SealUseState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEAL_USE_STATE_UNSPECIFIED: _ClassVar[SealUseState]
    SEAL_USE_STATE_RESERVED: _ClassVar[SealUseState]
    SEAL_USE_STATE_SEALED: _ClassVar[SealUseState]
    SEAL_USE_STATE_NOT_SEALED: _ClassVar[SealUseState]
    SEAL_USE_STATE_UNKNOWN: _ClassVar[SealUseState]

class SealUseAct(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEAL_USE_ACT_UNSPECIFIED: _ClassVar[SealUseAct]
    SEAL_USE_ACT_USE: _ClassVar[SealUseAct]
    SEAL_USE_ACT_AUTO_USE: _ClassVar[SealUseAct]
    SEAL_USE_ACT_EMERGENCY_USE: _ClassVar[SealUseAct]

class AuthenticationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUTHENTICATION_STATE_UNSPECIFIED: _ClassVar[AuthenticationState]
    AUTHENTICATION_STATE_UNREGISTERED: _ClassVar[AuthenticationState]
    AUTHENTICATION_STATE_REGISTERED: _ClassVar[AuthenticationState]
    AUTHENTICATION_STATE_CERTIFYING: _ClassVar[AuthenticationState]
    AUTHENTICATION_STATE_AUTHENTICATED: _ClassVar[AuthenticationState]
    AUTHENTICATION_STATE_AUTH_FAILED: _ClassVar[AuthenticationState]

class OperatingState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATING_STATE_UNSPECIFIED: _ClassVar[OperatingState]
    OPERATING_STATE_ACTIVE: _ClassVar[OperatingState]
    OPERATING_STATE_FROZEN: _ClassVar[OperatingState]
    OPERATING_STATE_CLOSED: _ClassVar[OperatingState]

class RegistryStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REGISTRY_STATUS_UNSPECIFIED: _ClassVar[RegistryStatus]
    REGISTRY_STATUS_EXISTING: _ClassVar[RegistryStatus]
    REGISTRY_STATUS_REVOKED: _ClassVar[RegistryStatus]
    REGISTRY_STATUS_CANCELLED: _ClassVar[RegistryStatus]
    REGISTRY_STATUS_ABNORMAL: _ClassVar[RegistryStatus]
    REGISTRY_STATUS_LIQUIDATION: _ClassVar[RegistryStatus]
    REGISTRY_STATUS_BANKRUPTCY: _ClassVar[RegistryStatus]

class AdminPower(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ADMIN_POWER_UNSPECIFIED: _ClassVar[AdminPower]
    ADMIN_POWER_INVITE: _ClassVar[AdminPower]
    ADMIN_POWER_DECIDE_APPLICATIONS: _ClassVar[AdminPower]
    ADMIN_POWER_SUSPEND_MEMBERS: _ClassVar[AdminPower]
    ADMIN_POWER_END_MEMBERSHIPS: _ClassVar[AdminPower]

class JoinedVia(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOINED_VIA_UNSPECIFIED: _ClassVar[JoinedVia]
    JOINED_VIA_AUTHENTICATOR: _ClassVar[JoinedVia]
    JOINED_VIA_INVITE: _ClassVar[JoinedVia]
    JOINED_VIA_APPLICATION: _ClassVar[JoinedVia]
    JOINED_VIA_IMPORT: _ClassVar[JoinedVia]
    JOINED_VIA_RETRIEVAL: _ClassVar[JoinedVia]

class MembershipState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEMBERSHIP_STATE_UNSPECIFIED: _ClassVar[MembershipState]
    MEMBERSHIP_STATE_ACTIVE: _ClassVar[MembershipState]
    MEMBERSHIP_STATE_SUSPENDED: _ClassVar[MembershipState]
    MEMBERSHIP_STATE_ENDED: _ClassVar[MembershipState]

class EndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    END_REASON_UNSPECIFIED: _ClassVar[EndReason]
    END_REASON_RESIGNED: _ClassVar[EndReason]
    END_REASON_REMOVED: _ClassVar[EndReason]
    END_REASON_ENTERPRISE_CLOSED: _ClassVar[EndReason]

class SuspensionCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUSPENSION_CAUSE_UNSPECIFIED: _ClassVar[SuspensionCause]
    SUSPENSION_CAUSE_SUSPICION: _ClassVar[SuspensionCause]
    SUSPENSION_CAUSE_ABSENCE: _ClassVar[SuspensionCause]

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_SYSTEM_ADMIN: _ClassVar[Role]
    ROLE_SEAL_ADMIN: _ClassVar[Role]
    ROLE_LEGAL_REP: _ClassVar[Role]
    ROLE_CONTRACT_ADMIN: _ClassVar[Role]
    ROLE_SEAL_AUDITOR: _ClassVar[Role]
    ROLE_DEPT_ADMIN: _ClassVar[Role]
    ROLE_CUSTOM: _ClassVar[Role]

class AssignmentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ASSIGNMENT_STATE_UNSPECIFIED: _ClassVar[AssignmentState]
    ASSIGNMENT_STATE_ACTIVE: _ClassVar[AssignmentState]
    ASSIGNMENT_STATE_REVOKED: _ClassVar[AssignmentState]
    ASSIGNMENT_STATE_EXPIRED: _ClassVar[AssignmentState]

class InvitationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INVITATION_STATE_UNSPECIFIED: _ClassVar[InvitationState]
    INVITATION_STATE_OPEN: _ClassVar[InvitationState]
    INVITATION_STATE_ACCEPTED: _ClassVar[InvitationState]
    INVITATION_STATE_DECLINED: _ClassVar[InvitationState]
    INVITATION_STATE_EXPIRED: _ClassVar[InvitationState]
    INVITATION_STATE_CANCELLED: _ClassVar[InvitationState]

class ApplicationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APPLICATION_STATE_UNSPECIFIED: _ClassVar[ApplicationState]
    APPLICATION_STATE_PENDING: _ClassVar[ApplicationState]
    APPLICATION_STATE_APPROVED: _ClassVar[ApplicationState]
    APPLICATION_STATE_REJECTED: _ClassVar[ApplicationState]
    APPLICATION_STATE_WITHDRAWN: _ClassVar[ApplicationState]
    APPLICATION_STATE_EXPIRED: _ClassVar[ApplicationState]
    APPLICATION_STATE_CANCELLED: _ClassVar[ApplicationState]
    APPLICATION_STATE_SUPERSEDED: _ClassVar[ApplicationState]

class DayKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DAY_KIND_UNSPECIFIED: _ClassVar[DayKind]
    DAY_KIND_HOLIDAY: _ClassVar[DayKind]
    DAY_KIND_WORKDAY: _ClassVar[DayKind]

class SubscriptionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUBSCRIPTION_STATE_UNSPECIFIED: _ClassVar[SubscriptionState]
    SUBSCRIPTION_STATE_ACTIVE: _ClassVar[SubscriptionState]
    SUBSCRIPTION_STATE_ENDED: _ClassVar[SubscriptionState]

class ProcessState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROCESS_STATE_UNSPECIFIED: _ClassVar[ProcessState]
    PROCESS_STATE_ENABLED: _ClassVar[ProcessState]
    PROCESS_STATE_DISABLED: _ClassVar[ProcessState]

class StepMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_MODE_UNSPECIFIED: _ClassVar[StepMode]
    STEP_MODE_ANY: _ClassVar[StepMode]
    STEP_MODE_ALL: _ClassVar[StepMode]

class CategoryState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CATEGORY_STATE_UNSPECIFIED: _ClassVar[CategoryState]
    CATEGORY_STATE_ENABLED: _ClassVar[CategoryState]
    CATEGORY_STATE_DISABLED: _ClassVar[CategoryState]
    CATEGORY_STATE_DELETED: _ClassVar[CategoryState]

class FaceFallback(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FACE_FALLBACK_UNSPECIFIED: _ClassVar[FaceFallback]
    FACE_FALLBACK_NONE: _ClassVar[FaceFallback]
    FACE_FALLBACK_MOBILE3: _ClassVar[FaceFallback]
    FACE_FALLBACK_BANK4: _ClassVar[FaceFallback]

class ResolutionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESOLUTION_KIND_UNSPECIFIED: _ClassVar[ResolutionKind]
    RESOLUTION_KIND_GUARANTEE: _ClassVar[ResolutionKind]
    RESOLUTION_KIND_SELF_DEALING: _ClassVar[ResolutionKind]

class ResolutionSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESOLUTION_SOURCE_UNSPECIFIED: _ClassVar[ResolutionSource]
    RESOLUTION_SOURCE_BOARD: _ClassVar[ResolutionSource]
    RESOLUTION_SOURCE_SHAREHOLDERS: _ClassVar[ResolutionSource]
    RESOLUTION_SOURCE_LEGAL_REP: _ClassVar[ResolutionSource]

class ResolutionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESOLUTION_STATE_UNSPECIFIED: _ClassVar[ResolutionState]
    RESOLUTION_STATE_VALID: _ClassVar[ResolutionState]
    RESOLUTION_STATE_WITHDRAWN: _ClassVar[ResolutionState]

class RuleKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RULE_KIND_UNSPECIFIED: _ClassVar[RuleKind]
    RULE_KIND_AMOUNT_BANDS: _ClassVar[RuleKind]
    RULE_KIND_WORKING_HOURS: _ClassVar[RuleKind]
    RULE_KIND_HOLIDAYS: _ClassVar[RuleKind]
    RULE_KIND_PROCESSES: _ClassVar[RuleKind]
    RULE_KIND_CATEGORIES: _ClassVar[RuleKind]
    RULE_KIND_SETTINGS: _ClassVar[RuleKind]

class RuleChangeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RULE_CHANGE_STATE_UNSPECIFIED: _ClassVar[RuleChangeState]
    RULE_CHANGE_STATE_PROPOSED: _ClassVar[RuleChangeState]
    RULE_CHANGE_STATE_CONFIRMED: _ClassVar[RuleChangeState]
    RULE_CHANGE_STATE_CARRIED_OUT: _ClassVar[RuleChangeState]
    RULE_CHANGE_STATE_WITHDRAWN: _ClassVar[RuleChangeState]

class RetrievalReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETRIEVAL_REASON_UNSPECIFIED: _ClassVar[RetrievalReason]
    RETRIEVAL_REASON_ADMIN_RESIGNED: _ClassVar[RetrievalReason]
    RETRIEVAL_REASON_ADMIN_UNREACHABLE: _ClassVar[RetrievalReason]
    RETRIEVAL_REASON_ADMIN_DECEASED: _ClassVar[RetrievalReason]
    RETRIEVAL_REASON_ADMIN_DISPUTE: _ClassVar[RetrievalReason]
    RETRIEVAL_REASON_ACCOUNT_TAKEN: _ClassVar[RetrievalReason]

class RetrievalPath(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETRIEVAL_PATH_UNSPECIFIED: _ClassVar[RetrievalPath]
    RETRIEVAL_PATH_LEGAL_REP_ONLINE: _ClassVar[RetrievalPath]
    RETRIEVAL_PATH_DOCUMENTS: _ClassVar[RetrievalPath]

class CaseState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CASE_STATE_UNSPECIFIED: _ClassVar[CaseState]
    CASE_STATE_DRAFT: _ClassVar[CaseState]
    CASE_STATE_CERTIFYING: _ClassVar[CaseState]
    CASE_STATE_IN_REVIEW: _ClassVar[CaseState]
    CASE_STATE_NOTICE: _ClassVar[CaseState]
    CASE_STATE_OBJECTED: _ClassVar[CaseState]
    CASE_STATE_APPROVED: _ClassVar[CaseState]
    CASE_STATE_REJECTED: _ClassVar[CaseState]
    CASE_STATE_REJECTED_FINAL: _ClassVar[CaseState]
    CASE_STATE_RESOLVED_BY_ADMIN: _ClassVar[CaseState]
    CASE_STATE_WITHDRAWN: _ClassVar[CaseState]
    CASE_STATE_EXPIRED: _ClassVar[CaseState]
    CASE_STATE_EXECUTED: _ClassVar[CaseState]
    CASE_STATE_UNDER_APPEAL: _ClassVar[CaseState]
    CASE_STATE_REVERSED: _ClassVar[CaseState]
    CASE_STATE_SUPERSEDED: _ClassVar[CaseState]
    CASE_STATE_CLAIMED: _ClassVar[CaseState]

class CertificationMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CERTIFICATION_METHOD_UNSPECIFIED: _ClassVar[CertificationMethod]
    CERTIFICATION_METHOD_LEGAL_REP_ONLINE: _ClassVar[CertificationMethod]
    CERTIFICATION_METHOD_AUTH_LETTER: _ClassVar[CertificationMethod]
    CERTIFICATION_METHOD_BANK_TRANSFER: _ClassVar[CertificationMethod]
    CERTIFICATION_METHOD_DOCUMENTS: _ClassVar[CertificationMethod]

class CertificationPurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CERTIFICATION_PURPOSE_UNSPECIFIED: _ClassVar[CertificationPurpose]
    CERTIFICATION_PURPOSE_FIRST: _ClassVar[CertificationPurpose]
    CERTIFICATION_PURPOSE_RETRIEVAL: _ClassVar[CertificationPurpose]
    CERTIFICATION_PURPOSE_INFO_CHANGE: _ClassVar[CertificationPurpose]

class CertificationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CERTIFICATION_STATE_UNSPECIFIED: _ClassVar[CertificationState]
    CERTIFICATION_STATE_SUBMITTED: _ClassVar[CertificationState]
    CERTIFICATION_STATE_IN_REVIEW: _ClassVar[CertificationState]
    CERTIFICATION_STATE_PASSED: _ClassVar[CertificationState]
    CERTIFICATION_STATE_REJECTED: _ClassVar[CertificationState]
    CERTIFICATION_STATE_EXPIRED: _ClassVar[CertificationState]

class ReviewVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REVIEW_VERDICT_UNSPECIFIED: _ClassVar[ReviewVerdict]
    REVIEW_VERDICT_PASSED: _ClassVar[ReviewVerdict]
    REVIEW_VERDICT_REJECTED: _ClassVar[ReviewVerdict]

class ObjectionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OBJECTION_STATE_UNSPECIFIED: _ClassVar[ObjectionState]
    OBJECTION_STATE_OPEN: _ClassVar[ObjectionState]
    OBJECTION_STATE_UPHELD: _ClassVar[ObjectionState]
    OBJECTION_STATE_DISMISSED: _ClassVar[ObjectionState]

class AppealState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APPEAL_STATE_UNSPECIFIED: _ClassVar[AppealState]
    APPEAL_STATE_OPEN: _ClassVar[AppealState]
    APPEAL_STATE_UPHELD: _ClassVar[AppealState]
    APPEAL_STATE_DISMISSED: _ClassVar[AppealState]

class NoticeChannel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTICE_CHANNEL_UNSPECIFIED: _ClassVar[NoticeChannel]
    NOTICE_CHANNEL_SMS: _ClassVar[NoticeChannel]
    NOTICE_CHANNEL_EMAIL: _ClassVar[NoticeChannel]
    NOTICE_CHANNEL_IN_APP: _ClassVar[NoticeChannel]
    NOTICE_CHANNEL_POST: _ClassVar[NoticeChannel]

class DeliveryState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_STATE_UNSPECIFIED: _ClassVar[DeliveryState]
    DELIVERY_STATE_SENT: _ClassVar[DeliveryState]
    DELIVERY_STATE_ACCEPTED: _ClassVar[DeliveryState]
    DELIVERY_STATE_FAILED: _ClassVar[DeliveryState]

class CertificateState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CERTIFICATE_STATE_UNSPECIFIED: _ClassVar[CertificateState]
    CERTIFICATE_STATE_ACTIVE: _ClassVar[CertificateState]
    CERTIFICATE_STATE_SUSPENDED: _ClassVar[CertificateState]
    CERTIFICATE_STATE_REVOKED: _ClassVar[CertificateState]
    CERTIFICATE_STATE_EXPIRED: _ClassVar[CertificateState]

class DeviceState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEVICE_STATE_UNSPECIFIED: _ClassVar[DeviceState]
    DEVICE_STATE_ACTIVE: _ClassVar[DeviceState]
    DEVICE_STATE_RETIRED: _ClassVar[DeviceState]

class SealKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEAL_KIND_UNSPECIFIED: _ClassVar[SealKind]
    SEAL_KIND_OFFICIAL: _ClassVar[SealKind]
    SEAL_KIND_CONTRACT: _ClassVar[SealKind]
    SEAL_KIND_FINANCE: _ClassVar[SealKind]
    SEAL_KIND_PERSONNEL: _ClassVar[SealKind]
    SEAL_KIND_INVOICE: _ClassVar[SealKind]
    SEAL_KIND_LEGAL_REP: _ClassVar[SealKind]
    SEAL_KIND_DEPARTMENT: _ClassVar[SealKind]
    SEAL_KIND_OTHER: _ClassVar[SealKind]

class SealState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEAL_STATE_UNSPECIFIED: _ClassVar[SealState]
    SEAL_STATE_DRAFT: _ClassVar[SealState]
    SEAL_STATE_PENDING_REVIEW: _ClassVar[SealState]
    SEAL_STATE_REVIEW_REJECTED: _ClassVar[SealState]
    SEAL_STATE_ACTIVE: _ClassVar[SealState]
    SEAL_STATE_DISABLED: _ClassVar[SealState]
    SEAL_STATE_LOST: _ClassVar[SealState]
    SEAL_STATE_EXPIRED: _ClassVar[SealState]
    SEAL_STATE_REVOKED: _ClassVar[SealState]
    SEAL_STATE_COLLECTED: _ClassVar[SealState]
    SEAL_STATE_DESTROYED: _ClassVar[SealState]

class SealCategory(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEAL_CATEGORY_UNSPECIFIED: _ClassVar[SealCategory]
    SEAL_CATEGORY_ELECTRONIC: _ClassVar[SealCategory]
    SEAL_CATEGORY_PHYSICAL: _ClassVar[SealCategory]

class HoldSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLD_SOURCE_UNSPECIFIED: _ClassVar[HoldSource]
    HOLD_SOURCE_ADMIN: _ClassVar[HoldSource]
    HOLD_SOURCE_RETRIEVAL: _ClassVar[HoldSource]
    HOLD_SOURCE_PLATFORM: _ClassVar[HoldSource]
    HOLD_SOURCE_JUDICIAL: _ClassVar[HoldSource]
    HOLD_SOURCE_LOSS: _ClassVar[HoldSource]

class HoldState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLD_STATE_UNSPECIFIED: _ClassVar[HoldState]
    HOLD_STATE_PLACED: _ClassVar[HoldState]
    HOLD_STATE_RELEASED: _ClassVar[HoldState]

class SealRight(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEAL_RIGHT_UNSPECIFIED: _ClassVar[SealRight]
    SEAL_RIGHT_USE: _ClassVar[SealRight]
    SEAL_RIGHT_APPROVE: _ClassVar[SealRight]
    SEAL_RIGHT_MANAGE: _ClassVar[SealRight]
    SEAL_RIGHT_AUDIT: _ClassVar[SealRight]
    SEAL_RIGHT_AUTO_SIGN: _ClassVar[SealRight]
    SEAL_RIGHT_EMERGENCY: _ClassVar[SealRight]

class GrantScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRANT_SCOPE_UNSPECIFIED: _ClassVar[GrantScope]
    GRANT_SCOPE_ALL_CONTRACTS: _ClassVar[GrantScope]
    GRANT_SCOPE_LISTED_TYPES: _ClassVar[GrantScope]

class GrantTerm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRANT_TERM_UNSPECIFIED: _ClassVar[GrantTerm]
    GRANT_TERM_FIXED: _ClassVar[GrantTerm]
    GRANT_TERM_LONG_TERM: _ClassVar[GrantTerm]

class GrantConfirmation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRANT_CONFIRMATION_UNSPECIFIED: _ClassVar[GrantConfirmation]
    GRANT_CONFIRMATION_NONE: _ClassVar[GrantConfirmation]
    GRANT_CONFIRMATION_AUTH_LETTER: _ClassVar[GrantConfirmation]
    GRANT_CONFIRMATION_INTENT: _ClassVar[GrantConfirmation]

class GrantState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRANT_STATE_UNSPECIFIED: _ClassVar[GrantState]
    GRANT_STATE_PENDING_CONFIRM: _ClassVar[GrantState]
    GRANT_STATE_PENDING_EFFECT: _ClassVar[GrantState]
    GRANT_STATE_ACTIVE: _ClassVar[GrantState]
    GRANT_STATE_EXHAUSTED: _ClassVar[GrantState]
    GRANT_STATE_EXPIRED: _ClassVar[GrantState]
    GRANT_STATE_REVOKED: _ClassVar[GrantState]
    GRANT_STATE_INVALIDATED: _ClassVar[GrantState]

class GrantInvalidity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRANT_INVALIDITY_UNSPECIFIED: _ClassVar[GrantInvalidity]
    GRANT_INVALIDITY_ADMIN_CHANGED: _ClassVar[GrantInvalidity]
    GRANT_INVALIDITY_GRANTEE_LEFT: _ClassVar[GrantInvalidity]
    GRANT_INVALIDITY_NOT_SIGNED: _ClassVar[GrantInvalidity]

class HolderState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLDER_STATE_UNSPECIFIED: _ClassVar[HolderState]
    HOLDER_STATE_ACTIVE: _ClassVar[HolderState]
    HOLDER_STATE_REVOKED: _ClassVar[HolderState]

class LetterState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LETTER_STATE_UNSPECIFIED: _ClassVar[LetterState]
    LETTER_STATE_DELIVERED: _ClassVar[LetterState]
    LETTER_STATE_VERIFIED: _ClassVar[LetterState]
    LETTER_STATE_REJECTED: _ClassVar[LetterState]
    LETTER_STATE_WITHDRAWN: _ClassVar[LetterState]

class DelegationPower(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELEGATION_POWER_UNSPECIFIED: _ClassVar[DelegationPower]
    DELEGATION_POWER_USE_SEAL: _ClassVar[DelegationPower]
    DELEGATION_POWER_PERSONAL_SIGNATURE: _ClassVar[DelegationPower]
    DELEGATION_POWER_LEGAL_REP_INTENT: _ClassVar[DelegationPower]

class DelegationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELEGATION_STATE_UNSPECIFIED: _ClassVar[DelegationState]
    DELEGATION_STATE_PENDING_ACCEPT: _ClassVar[DelegationState]
    DELEGATION_STATE_ACTIVE: _ClassVar[DelegationState]
    DELEGATION_STATE_EXPIRED: _ClassVar[DelegationState]
    DELEGATION_STATE_REVOKED: _ClassVar[DelegationState]
    DELEGATION_STATE_LAPSED: _ClassVar[DelegationState]

class SealReviewState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEAL_REVIEW_STATE_UNSPECIFIED: _ClassVar[SealReviewState]
    SEAL_REVIEW_STATE_IN_REVIEW: _ClassVar[SealReviewState]
    SEAL_REVIEW_STATE_PASSED: _ClassVar[SealReviewState]
    SEAL_REVIEW_STATE_REJECTED: _ClassVar[SealReviewState]

class SealEnding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEAL_ENDING_UNSPECIFIED: _ClassVar[SealEnding]
    SEAL_ENDING_REVOKE: _ClassVar[SealEnding]
    SEAL_ENDING_DESTROY: _ClassVar[SealEnding]

class ProposalState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROPOSAL_STATE_UNSPECIFIED: _ClassVar[ProposalState]
    PROPOSAL_STATE_OPEN: _ClassVar[ProposalState]
    PROPOSAL_STATE_CARRIED_OUT: _ClassVar[ProposalState]
    PROPOSAL_STATE_WITHDRAWN: _ClassVar[ProposalState]

class OutingState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTING_STATE_UNSPECIFIED: _ClassVar[OutingState]
    OUTING_STATE_OUT: _ClassVar[OutingState]
    OUTING_STATE_RETURNED: _ClassVar[OutingState]
    OUTING_STATE_LOST: _ClassVar[OutingState]

class UseRequestState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    USE_REQUEST_STATE_UNSPECIFIED: _ClassVar[UseRequestState]
    USE_REQUEST_STATE_DRAFT: _ClassVar[UseRequestState]
    USE_REQUEST_STATE_IN_APPROVAL: _ClassVar[UseRequestState]
    USE_REQUEST_STATE_APPROVED: _ClassVar[UseRequestState]
    USE_REQUEST_STATE_IN_USE: _ClassVar[UseRequestState]
    USE_REQUEST_STATE_COMPLETED: _ClassVar[UseRequestState]
    USE_REQUEST_STATE_FINISHED: _ClassVar[UseRequestState]
    USE_REQUEST_STATE_REJECTED: _ClassVar[UseRequestState]
    USE_REQUEST_STATE_WITHDRAWN: _ClassVar[UseRequestState]
    USE_REQUEST_STATE_EXPIRED: _ClassVar[UseRequestState]
    USE_REQUEST_STATE_VOIDED: _ClassVar[UseRequestState]

class ApprovalVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APPROVAL_VERDICT_UNSPECIFIED: _ClassVar[ApprovalVerdict]
    APPROVAL_VERDICT_PASSED: _ClassVar[ApprovalVerdict]
    APPROVAL_VERDICT_REJECTED: _ClassVar[ApprovalVerdict]

class ReportState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPORT_STATE_UNSPECIFIED: _ClassVar[ReportState]
    REPORT_STATE_REPORTED: _ClassVar[ReportState]
    REPORT_STATE_COMPARED: _ClassVar[ReportState]

class AlertState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALERT_STATE_UNSPECIFIED: _ClassVar[AlertState]
    ALERT_STATE_OPEN: _ClassVar[AlertState]
    ALERT_STATE_ACKNOWLEDGED: _ClassVar[AlertState]
REALNAME_STATE_UNSPECIFIED: RealnameState
REALNAME_STATE_UNVERIFIED: RealnameState
REALNAME_STATE_VERIFIED: RealnameState
REALNAME_STATE_REVOKED: RealnameState
ACCOUNT_STATE_UNSPECIFIED: AccountState
ACCOUNT_STATE_ACTIVE: AccountState
ACCOUNT_STATE_LOCKED: AccountState
ACCOUNT_STATE_CLOSED: AccountState
ID_TYPE_UNSPECIFIED: IdType
ID_TYPE_RESIDENT_ID: IdType
ID_TYPE_PASSPORT: IdType
ID_TYPE_OTHER: IdType
VERIFICATION_METHOD_UNSPECIFIED: VerificationMethod
VERIFICATION_METHOD_FACE: VerificationMethod
VERIFICATION_METHOD_SMS: VerificationMethod
VERIFICATION_METHOD_PASSWORD: VerificationMethod
VERIFICATION_METHOD_MOBILE3: VerificationMethod
VERIFICATION_METHOD_BANK4: VerificationMethod
VERIFICATION_PURPOSE_UNSPECIFIED: VerificationPurpose
VERIFICATION_PURPOSE_LOGIN: VerificationPurpose
VERIFICATION_PURPOSE_JOIN: VerificationPurpose
VERIFICATION_PURPOSE_SIGN: VerificationPurpose
VERIFICATION_PURPOSE_SEAL_GRANT: VerificationPurpose
VERIFICATION_PURPOSE_SEAL_MANAGE: VerificationPurpose
VERIFICATION_PURPOSE_APPROVE: VerificationPurpose
VERIFICATION_PURPOSE_RETRIEVE: VerificationPurpose
VERIFICATION_PURPOSE_ADMIN_CHANGE: VerificationPurpose
VERIFICATION_STATE_UNSPECIFIED: VerificationState
VERIFICATION_STATE_STARTED: VerificationState
VERIFICATION_STATE_PASSED: VerificationState
VERIFICATION_STATE_CONSUMED: VerificationState
VERIFICATION_STATE_FAILED: VerificationState
VERIFICATION_STATE_EXPIRED: VerificationState
STAFF_DUTY_UNSPECIFIED: StaffDuty
STAFF_DUTY_REVIEWER: StaffDuty
STAFF_DUTY_SUPPORT: StaffDuty
STAFF_DUTY_RISK: StaffDuty
POST_STATE_UNSPECIFIED: PostState
POST_STATE_ACTIVE: PostState
POST_STATE_ENDED: PostState
CONTRACT_STATE_UNSPECIFIED: ContractState
CONTRACT_STATE_DRAFT: ContractState
CONTRACT_STATE_FILLING: ContractState
CONTRACT_STATE_SIGNING: ContractState
CONTRACT_STATE_COMPLETE: ContractState
CONTRACT_STATE_REJECTED: ContractState
CONTRACT_STATE_RECALLED: ContractState
CONTRACT_STATE_EXPIRED: ContractState
CONTRACT_STATE_TERMINATING: ContractState
CONTRACT_STATE_TERMINATED: ContractState
CONTRACT_STATE_FORCE_FINISHED: ContractState
CONTRACT_STATE_DELETED: ContractState
CONTRACT_MATTER_UNSPECIFIED: ContractMatter
CONTRACT_MATTER_UNSTATED: ContractMatter
CONTRACT_MATTER_GENERAL: ContractMatter
CONTRACT_MATTER_FINANCE: ContractMatter
CONTRACT_MATTER_PERSONNEL: ContractMatter
CONTRACT_MATTER_GUARANTEE: ContractMatter
CONTRACT_MATTER_MARRIAGE: ContractMatter
CONTRACT_MATTER_ADOPTION: ContractMatter
CONTRACT_MATTER_INHERITANCE: ContractMatter
CONTRACT_MATTER_PUBLIC_UTILITY_STOP: ContractMatter
DOCUMENT_STATE_UNSPECIFIED: DocumentState
DOCUMENT_STATE_INCOMPLETE: DocumentState
DOCUMENT_STATE_COMPLETE: DocumentState
PARTY_KIND_UNSPECIFIED: PartyKind
PARTY_KIND_PERSON: PartyKind
PARTY_KIND_ENTERPRISE: PartyKind
TASK_ACTION_UNSPECIFIED: TaskAction
TASK_ACTION_CORPORATE_SEAL: TaskAction
TASK_ACTION_LEGAL_REP_SEAL: TaskAction
TASK_ACTION_HANDLER_SIGN: TaskAction
TASK_ACTION_PERSONAL_SIGN: TaskAction
TASK_ACTION_APPROVE: TaskAction
TASK_ACTION_FILL: TaskAction
TASK_STATE_UNSPECIFIED: TaskState
TASK_STATE_WAITING: TaskState
TASK_STATE_PENDING: TaskState
TASK_STATE_IN_PROGRESS: TaskState
TASK_STATE_SIGNED: TaskState
TASK_STATE_REJECTED: TaskState
TASK_STATE_TRANSFERRED: TaskState
TASK_STATE_VOIDED: TaskState
TASK_STATE_EXPIRED: TaskState
REVIEW_STATE_UNSPECIFIED: ReviewState
REVIEW_STATE_PENDING: ReviewState
REVIEW_STATE_PASSED: ReviewState
REVIEW_STATE_REJECTED: ReviewState
REVIEW_STATE_SIGN_REJECTED: ReviewState
CONSENT_KIND_UNSPECIFIED: ConsentKind
CONSENT_KIND_DOUBLE_AGENCY: ConsentKind
CONSENT_KIND_TERMINATION: ConsentKind
SEAL_USE_STATE_UNSPECIFIED: SealUseState
SEAL_USE_STATE_RESERVED: SealUseState
SEAL_USE_STATE_SEALED: SealUseState
SEAL_USE_STATE_NOT_SEALED: SealUseState
SEAL_USE_STATE_UNKNOWN: SealUseState
SEAL_USE_ACT_UNSPECIFIED: SealUseAct
SEAL_USE_ACT_USE: SealUseAct
SEAL_USE_ACT_AUTO_USE: SealUseAct
SEAL_USE_ACT_EMERGENCY_USE: SealUseAct
AUTHENTICATION_STATE_UNSPECIFIED: AuthenticationState
AUTHENTICATION_STATE_UNREGISTERED: AuthenticationState
AUTHENTICATION_STATE_REGISTERED: AuthenticationState
AUTHENTICATION_STATE_CERTIFYING: AuthenticationState
AUTHENTICATION_STATE_AUTHENTICATED: AuthenticationState
AUTHENTICATION_STATE_AUTH_FAILED: AuthenticationState
OPERATING_STATE_UNSPECIFIED: OperatingState
OPERATING_STATE_ACTIVE: OperatingState
OPERATING_STATE_FROZEN: OperatingState
OPERATING_STATE_CLOSED: OperatingState
REGISTRY_STATUS_UNSPECIFIED: RegistryStatus
REGISTRY_STATUS_EXISTING: RegistryStatus
REGISTRY_STATUS_REVOKED: RegistryStatus
REGISTRY_STATUS_CANCELLED: RegistryStatus
REGISTRY_STATUS_ABNORMAL: RegistryStatus
REGISTRY_STATUS_LIQUIDATION: RegistryStatus
REGISTRY_STATUS_BANKRUPTCY: RegistryStatus
ADMIN_POWER_UNSPECIFIED: AdminPower
ADMIN_POWER_INVITE: AdminPower
ADMIN_POWER_DECIDE_APPLICATIONS: AdminPower
ADMIN_POWER_SUSPEND_MEMBERS: AdminPower
ADMIN_POWER_END_MEMBERSHIPS: AdminPower
JOINED_VIA_UNSPECIFIED: JoinedVia
JOINED_VIA_AUTHENTICATOR: JoinedVia
JOINED_VIA_INVITE: JoinedVia
JOINED_VIA_APPLICATION: JoinedVia
JOINED_VIA_IMPORT: JoinedVia
JOINED_VIA_RETRIEVAL: JoinedVia
MEMBERSHIP_STATE_UNSPECIFIED: MembershipState
MEMBERSHIP_STATE_ACTIVE: MembershipState
MEMBERSHIP_STATE_SUSPENDED: MembershipState
MEMBERSHIP_STATE_ENDED: MembershipState
END_REASON_UNSPECIFIED: EndReason
END_REASON_RESIGNED: EndReason
END_REASON_REMOVED: EndReason
END_REASON_ENTERPRISE_CLOSED: EndReason
SUSPENSION_CAUSE_UNSPECIFIED: SuspensionCause
SUSPENSION_CAUSE_SUSPICION: SuspensionCause
SUSPENSION_CAUSE_ABSENCE: SuspensionCause
ROLE_UNSPECIFIED: Role
ROLE_SYSTEM_ADMIN: Role
ROLE_SEAL_ADMIN: Role
ROLE_LEGAL_REP: Role
ROLE_CONTRACT_ADMIN: Role
ROLE_SEAL_AUDITOR: Role
ROLE_DEPT_ADMIN: Role
ROLE_CUSTOM: Role
ASSIGNMENT_STATE_UNSPECIFIED: AssignmentState
ASSIGNMENT_STATE_ACTIVE: AssignmentState
ASSIGNMENT_STATE_REVOKED: AssignmentState
ASSIGNMENT_STATE_EXPIRED: AssignmentState
INVITATION_STATE_UNSPECIFIED: InvitationState
INVITATION_STATE_OPEN: InvitationState
INVITATION_STATE_ACCEPTED: InvitationState
INVITATION_STATE_DECLINED: InvitationState
INVITATION_STATE_EXPIRED: InvitationState
INVITATION_STATE_CANCELLED: InvitationState
APPLICATION_STATE_UNSPECIFIED: ApplicationState
APPLICATION_STATE_PENDING: ApplicationState
APPLICATION_STATE_APPROVED: ApplicationState
APPLICATION_STATE_REJECTED: ApplicationState
APPLICATION_STATE_WITHDRAWN: ApplicationState
APPLICATION_STATE_EXPIRED: ApplicationState
APPLICATION_STATE_CANCELLED: ApplicationState
APPLICATION_STATE_SUPERSEDED: ApplicationState
DAY_KIND_UNSPECIFIED: DayKind
DAY_KIND_HOLIDAY: DayKind
DAY_KIND_WORKDAY: DayKind
SUBSCRIPTION_STATE_UNSPECIFIED: SubscriptionState
SUBSCRIPTION_STATE_ACTIVE: SubscriptionState
SUBSCRIPTION_STATE_ENDED: SubscriptionState
PROCESS_STATE_UNSPECIFIED: ProcessState
PROCESS_STATE_ENABLED: ProcessState
PROCESS_STATE_DISABLED: ProcessState
STEP_MODE_UNSPECIFIED: StepMode
STEP_MODE_ANY: StepMode
STEP_MODE_ALL: StepMode
CATEGORY_STATE_UNSPECIFIED: CategoryState
CATEGORY_STATE_ENABLED: CategoryState
CATEGORY_STATE_DISABLED: CategoryState
CATEGORY_STATE_DELETED: CategoryState
FACE_FALLBACK_UNSPECIFIED: FaceFallback
FACE_FALLBACK_NONE: FaceFallback
FACE_FALLBACK_MOBILE3: FaceFallback
FACE_FALLBACK_BANK4: FaceFallback
RESOLUTION_KIND_UNSPECIFIED: ResolutionKind
RESOLUTION_KIND_GUARANTEE: ResolutionKind
RESOLUTION_KIND_SELF_DEALING: ResolutionKind
RESOLUTION_SOURCE_UNSPECIFIED: ResolutionSource
RESOLUTION_SOURCE_BOARD: ResolutionSource
RESOLUTION_SOURCE_SHAREHOLDERS: ResolutionSource
RESOLUTION_SOURCE_LEGAL_REP: ResolutionSource
RESOLUTION_STATE_UNSPECIFIED: ResolutionState
RESOLUTION_STATE_VALID: ResolutionState
RESOLUTION_STATE_WITHDRAWN: ResolutionState
RULE_KIND_UNSPECIFIED: RuleKind
RULE_KIND_AMOUNT_BANDS: RuleKind
RULE_KIND_WORKING_HOURS: RuleKind
RULE_KIND_HOLIDAYS: RuleKind
RULE_KIND_PROCESSES: RuleKind
RULE_KIND_CATEGORIES: RuleKind
RULE_KIND_SETTINGS: RuleKind
RULE_CHANGE_STATE_UNSPECIFIED: RuleChangeState
RULE_CHANGE_STATE_PROPOSED: RuleChangeState
RULE_CHANGE_STATE_CONFIRMED: RuleChangeState
RULE_CHANGE_STATE_CARRIED_OUT: RuleChangeState
RULE_CHANGE_STATE_WITHDRAWN: RuleChangeState
RETRIEVAL_REASON_UNSPECIFIED: RetrievalReason
RETRIEVAL_REASON_ADMIN_RESIGNED: RetrievalReason
RETRIEVAL_REASON_ADMIN_UNREACHABLE: RetrievalReason
RETRIEVAL_REASON_ADMIN_DECEASED: RetrievalReason
RETRIEVAL_REASON_ADMIN_DISPUTE: RetrievalReason
RETRIEVAL_REASON_ACCOUNT_TAKEN: RetrievalReason
RETRIEVAL_PATH_UNSPECIFIED: RetrievalPath
RETRIEVAL_PATH_LEGAL_REP_ONLINE: RetrievalPath
RETRIEVAL_PATH_DOCUMENTS: RetrievalPath
CASE_STATE_UNSPECIFIED: CaseState
CASE_STATE_DRAFT: CaseState
CASE_STATE_CERTIFYING: CaseState
CASE_STATE_IN_REVIEW: CaseState
CASE_STATE_NOTICE: CaseState
CASE_STATE_OBJECTED: CaseState
CASE_STATE_APPROVED: CaseState
CASE_STATE_REJECTED: CaseState
CASE_STATE_REJECTED_FINAL: CaseState
CASE_STATE_RESOLVED_BY_ADMIN: CaseState
CASE_STATE_WITHDRAWN: CaseState
CASE_STATE_EXPIRED: CaseState
CASE_STATE_EXECUTED: CaseState
CASE_STATE_UNDER_APPEAL: CaseState
CASE_STATE_REVERSED: CaseState
CASE_STATE_SUPERSEDED: CaseState
CASE_STATE_CLAIMED: CaseState
CERTIFICATION_METHOD_UNSPECIFIED: CertificationMethod
CERTIFICATION_METHOD_LEGAL_REP_ONLINE: CertificationMethod
CERTIFICATION_METHOD_AUTH_LETTER: CertificationMethod
CERTIFICATION_METHOD_BANK_TRANSFER: CertificationMethod
CERTIFICATION_METHOD_DOCUMENTS: CertificationMethod
CERTIFICATION_PURPOSE_UNSPECIFIED: CertificationPurpose
CERTIFICATION_PURPOSE_FIRST: CertificationPurpose
CERTIFICATION_PURPOSE_RETRIEVAL: CertificationPurpose
CERTIFICATION_PURPOSE_INFO_CHANGE: CertificationPurpose
CERTIFICATION_STATE_UNSPECIFIED: CertificationState
CERTIFICATION_STATE_SUBMITTED: CertificationState
CERTIFICATION_STATE_IN_REVIEW: CertificationState
CERTIFICATION_STATE_PASSED: CertificationState
CERTIFICATION_STATE_REJECTED: CertificationState
CERTIFICATION_STATE_EXPIRED: CertificationState
REVIEW_VERDICT_UNSPECIFIED: ReviewVerdict
REVIEW_VERDICT_PASSED: ReviewVerdict
REVIEW_VERDICT_REJECTED: ReviewVerdict
OBJECTION_STATE_UNSPECIFIED: ObjectionState
OBJECTION_STATE_OPEN: ObjectionState
OBJECTION_STATE_UPHELD: ObjectionState
OBJECTION_STATE_DISMISSED: ObjectionState
APPEAL_STATE_UNSPECIFIED: AppealState
APPEAL_STATE_OPEN: AppealState
APPEAL_STATE_UPHELD: AppealState
APPEAL_STATE_DISMISSED: AppealState
NOTICE_CHANNEL_UNSPECIFIED: NoticeChannel
NOTICE_CHANNEL_SMS: NoticeChannel
NOTICE_CHANNEL_EMAIL: NoticeChannel
NOTICE_CHANNEL_IN_APP: NoticeChannel
NOTICE_CHANNEL_POST: NoticeChannel
DELIVERY_STATE_UNSPECIFIED: DeliveryState
DELIVERY_STATE_SENT: DeliveryState
DELIVERY_STATE_ACCEPTED: DeliveryState
DELIVERY_STATE_FAILED: DeliveryState
CERTIFICATE_STATE_UNSPECIFIED: CertificateState
CERTIFICATE_STATE_ACTIVE: CertificateState
CERTIFICATE_STATE_SUSPENDED: CertificateState
CERTIFICATE_STATE_REVOKED: CertificateState
CERTIFICATE_STATE_EXPIRED: CertificateState
DEVICE_STATE_UNSPECIFIED: DeviceState
DEVICE_STATE_ACTIVE: DeviceState
DEVICE_STATE_RETIRED: DeviceState
SEAL_KIND_UNSPECIFIED: SealKind
SEAL_KIND_OFFICIAL: SealKind
SEAL_KIND_CONTRACT: SealKind
SEAL_KIND_FINANCE: SealKind
SEAL_KIND_PERSONNEL: SealKind
SEAL_KIND_INVOICE: SealKind
SEAL_KIND_LEGAL_REP: SealKind
SEAL_KIND_DEPARTMENT: SealKind
SEAL_KIND_OTHER: SealKind
SEAL_STATE_UNSPECIFIED: SealState
SEAL_STATE_DRAFT: SealState
SEAL_STATE_PENDING_REVIEW: SealState
SEAL_STATE_REVIEW_REJECTED: SealState
SEAL_STATE_ACTIVE: SealState
SEAL_STATE_DISABLED: SealState
SEAL_STATE_LOST: SealState
SEAL_STATE_EXPIRED: SealState
SEAL_STATE_REVOKED: SealState
SEAL_STATE_COLLECTED: SealState
SEAL_STATE_DESTROYED: SealState
SEAL_CATEGORY_UNSPECIFIED: SealCategory
SEAL_CATEGORY_ELECTRONIC: SealCategory
SEAL_CATEGORY_PHYSICAL: SealCategory
HOLD_SOURCE_UNSPECIFIED: HoldSource
HOLD_SOURCE_ADMIN: HoldSource
HOLD_SOURCE_RETRIEVAL: HoldSource
HOLD_SOURCE_PLATFORM: HoldSource
HOLD_SOURCE_JUDICIAL: HoldSource
HOLD_SOURCE_LOSS: HoldSource
HOLD_STATE_UNSPECIFIED: HoldState
HOLD_STATE_PLACED: HoldState
HOLD_STATE_RELEASED: HoldState
SEAL_RIGHT_UNSPECIFIED: SealRight
SEAL_RIGHT_USE: SealRight
SEAL_RIGHT_APPROVE: SealRight
SEAL_RIGHT_MANAGE: SealRight
SEAL_RIGHT_AUDIT: SealRight
SEAL_RIGHT_AUTO_SIGN: SealRight
SEAL_RIGHT_EMERGENCY: SealRight
GRANT_SCOPE_UNSPECIFIED: GrantScope
GRANT_SCOPE_ALL_CONTRACTS: GrantScope
GRANT_SCOPE_LISTED_TYPES: GrantScope
GRANT_TERM_UNSPECIFIED: GrantTerm
GRANT_TERM_FIXED: GrantTerm
GRANT_TERM_LONG_TERM: GrantTerm
GRANT_CONFIRMATION_UNSPECIFIED: GrantConfirmation
GRANT_CONFIRMATION_NONE: GrantConfirmation
GRANT_CONFIRMATION_AUTH_LETTER: GrantConfirmation
GRANT_CONFIRMATION_INTENT: GrantConfirmation
GRANT_STATE_UNSPECIFIED: GrantState
GRANT_STATE_PENDING_CONFIRM: GrantState
GRANT_STATE_PENDING_EFFECT: GrantState
GRANT_STATE_ACTIVE: GrantState
GRANT_STATE_EXHAUSTED: GrantState
GRANT_STATE_EXPIRED: GrantState
GRANT_STATE_REVOKED: GrantState
GRANT_STATE_INVALIDATED: GrantState
GRANT_INVALIDITY_UNSPECIFIED: GrantInvalidity
GRANT_INVALIDITY_ADMIN_CHANGED: GrantInvalidity
GRANT_INVALIDITY_GRANTEE_LEFT: GrantInvalidity
GRANT_INVALIDITY_NOT_SIGNED: GrantInvalidity
HOLDER_STATE_UNSPECIFIED: HolderState
HOLDER_STATE_ACTIVE: HolderState
HOLDER_STATE_REVOKED: HolderState
LETTER_STATE_UNSPECIFIED: LetterState
LETTER_STATE_DELIVERED: LetterState
LETTER_STATE_VERIFIED: LetterState
LETTER_STATE_REJECTED: LetterState
LETTER_STATE_WITHDRAWN: LetterState
DELEGATION_POWER_UNSPECIFIED: DelegationPower
DELEGATION_POWER_USE_SEAL: DelegationPower
DELEGATION_POWER_PERSONAL_SIGNATURE: DelegationPower
DELEGATION_POWER_LEGAL_REP_INTENT: DelegationPower
DELEGATION_STATE_UNSPECIFIED: DelegationState
DELEGATION_STATE_PENDING_ACCEPT: DelegationState
DELEGATION_STATE_ACTIVE: DelegationState
DELEGATION_STATE_EXPIRED: DelegationState
DELEGATION_STATE_REVOKED: DelegationState
DELEGATION_STATE_LAPSED: DelegationState
SEAL_REVIEW_STATE_UNSPECIFIED: SealReviewState
SEAL_REVIEW_STATE_IN_REVIEW: SealReviewState
SEAL_REVIEW_STATE_PASSED: SealReviewState
SEAL_REVIEW_STATE_REJECTED: SealReviewState
SEAL_ENDING_UNSPECIFIED: SealEnding
SEAL_ENDING_REVOKE: SealEnding
SEAL_ENDING_DESTROY: SealEnding
PROPOSAL_STATE_UNSPECIFIED: ProposalState
PROPOSAL_STATE_OPEN: ProposalState
PROPOSAL_STATE_CARRIED_OUT: ProposalState
PROPOSAL_STATE_WITHDRAWN: ProposalState
OUTING_STATE_UNSPECIFIED: OutingState
OUTING_STATE_OUT: OutingState
OUTING_STATE_RETURNED: OutingState
OUTING_STATE_LOST: OutingState
USE_REQUEST_STATE_UNSPECIFIED: UseRequestState
USE_REQUEST_STATE_DRAFT: UseRequestState
USE_REQUEST_STATE_IN_APPROVAL: UseRequestState
USE_REQUEST_STATE_APPROVED: UseRequestState
USE_REQUEST_STATE_IN_USE: UseRequestState
USE_REQUEST_STATE_COMPLETED: UseRequestState
USE_REQUEST_STATE_FINISHED: UseRequestState
USE_REQUEST_STATE_REJECTED: UseRequestState
USE_REQUEST_STATE_WITHDRAWN: UseRequestState
USE_REQUEST_STATE_EXPIRED: UseRequestState
USE_REQUEST_STATE_VOIDED: UseRequestState
APPROVAL_VERDICT_UNSPECIFIED: ApprovalVerdict
APPROVAL_VERDICT_PASSED: ApprovalVerdict
APPROVAL_VERDICT_REJECTED: ApprovalVerdict
REPORT_STATE_UNSPECIFIED: ReportState
REPORT_STATE_REPORTED: ReportState
REPORT_STATE_COMPARED: ReportState
ALERT_STATE_UNSPECIFIED: AlertState
ALERT_STATE_OPEN: AlertState
ALERT_STATE_ACKNOWLEDGED: AlertState

class Person(_message.Message):
    __slots__ = ("id", "realm", "realname_state", "account_state", "id_type", "id_hash", "id_last4", "real_name", "phone", "phone_bound_at", "last_active_at", "same_as_id", "phone_hash")
    ID_FIELD_NUMBER: _ClassVar[int]
    REALM_FIELD_NUMBER: _ClassVar[int]
    REALNAME_STATE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_STATE_FIELD_NUMBER: _ClassVar[int]
    ID_TYPE_FIELD_NUMBER: _ClassVar[int]
    ID_HASH_FIELD_NUMBER: _ClassVar[int]
    ID_LAST4_FIELD_NUMBER: _ClassVar[int]
    REAL_NAME_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    PHONE_BOUND_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_ACTIVE_AT_FIELD_NUMBER: _ClassVar[int]
    SAME_AS_ID_FIELD_NUMBER: _ClassVar[int]
    PHONE_HASH_FIELD_NUMBER: _ClassVar[int]
    id: str
    realm: str
    realname_state: RealnameState
    account_state: AccountState
    id_type: IdType
    id_hash: str
    id_last4: str
    real_name: str
    phone: str
    phone_bound_at: _timestamp_pb2.Timestamp
    last_active_at: _timestamp_pb2.Timestamp
    same_as_id: str
    phone_hash: str
    def __init__(self, id: _Optional[str] = ..., realm: _Optional[str] = ..., realname_state: _Optional[_Union[RealnameState, str]] = ..., account_state: _Optional[_Union[AccountState, str]] = ..., id_type: _Optional[_Union[IdType, str]] = ..., id_hash: _Optional[str] = ..., id_last4: _Optional[str] = ..., real_name: _Optional[str] = ..., phone: _Optional[str] = ..., phone_bound_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_active_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., same_as_id: _Optional[str] = ..., phone_hash: _Optional[str] = ...) -> None: ...

class IdentityVerification(_message.Message):
    __slots__ = ("id", "person_id", "method", "purpose", "provider_ref", "bound_type", "bound_id", "bound_digest", "state", "passed_at", "consumed_at", "fallback_from")
    ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_REF_FIELD_NUMBER: _ClassVar[int]
    BOUND_TYPE_FIELD_NUMBER: _ClassVar[int]
    BOUND_ID_FIELD_NUMBER: _ClassVar[int]
    BOUND_DIGEST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PASSED_AT_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_AT_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FROM_FIELD_NUMBER: _ClassVar[int]
    id: str
    person_id: str
    method: VerificationMethod
    purpose: VerificationPurpose
    provider_ref: str
    bound_type: str
    bound_id: str
    bound_digest: str
    state: VerificationState
    passed_at: _timestamp_pb2.Timestamp
    consumed_at: _timestamp_pb2.Timestamp
    fallback_from: VerificationMethod
    def __init__(self, id: _Optional[str] = ..., person_id: _Optional[str] = ..., method: _Optional[_Union[VerificationMethod, str]] = ..., purpose: _Optional[_Union[VerificationPurpose, str]] = ..., provider_ref: _Optional[str] = ..., bound_type: _Optional[str] = ..., bound_id: _Optional[str] = ..., bound_digest: _Optional[str] = ..., state: _Optional[_Union[VerificationState, str]] = ..., passed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., consumed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fallback_from: _Optional[_Union[VerificationMethod, str]] = ...) -> None: ...

class PlatformStaff(_message.Message):
    __slots__ = ("id", "person_id", "duty", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    DUTY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    person_id: str
    duty: StaffDuty
    state: PostState
    def __init__(self, id: _Optional[str] = ..., person_id: _Optional[str] = ..., duty: _Optional[_Union[StaffDuty, str]] = ..., state: _Optional[_Union[PostState, str]] = ...) -> None: ...

class Contract(_message.Message):
    __slots__ = ("id", "initiator_id", "contract_type", "state", "deadline", "matter", "is_monetary", "amount", "currency", "template_id", "initiated_by_id", "category_id", "forbids_transfer")
    ID_FIELD_NUMBER: _ClassVar[int]
    INITIATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    MATTER_FIELD_NUMBER: _ClassVar[int]
    IS_MONETARY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    INITIATED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    FORBIDS_TRANSFER_FIELD_NUMBER: _ClassVar[int]
    id: str
    initiator_id: str
    contract_type: str
    state: ContractState
    deadline: _timestamp_pb2.Timestamp
    matter: ContractMatter
    is_monetary: bool
    amount: int
    currency: str
    template_id: str
    initiated_by_id: str
    category_id: str
    forbids_transfer: bool
    def __init__(self, id: _Optional[str] = ..., initiator_id: _Optional[str] = ..., contract_type: _Optional[str] = ..., state: _Optional[_Union[ContractState, str]] = ..., deadline: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., matter: _Optional[_Union[ContractMatter, str]] = ..., is_monetary: _Optional[bool] = ..., amount: _Optional[int] = ..., currency: _Optional[str] = ..., template_id: _Optional[str] = ..., initiated_by_id: _Optional[str] = ..., category_id: _Optional[str] = ..., forbids_transfer: _Optional[bool] = ...) -> None: ...

class ContractDocument(_message.Message):
    __slots__ = ("id", "contract_id", "digest", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_ID_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    contract_id: str
    digest: str
    state: DocumentState
    def __init__(self, id: _Optional[str] = ..., contract_id: _Optional[str] = ..., digest: _Optional[str] = ..., state: _Optional[_Union[DocumentState, str]] = ...) -> None: ...

class Signatory(_message.Message):
    __slots__ = ("id", "contract_id", "kind", "person_id", "enterprise_id", "category_id", "needs_review", "matter", "is_monetary", "amount", "currency", "guarantor_for_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    NEEDS_REVIEW_FIELD_NUMBER: _ClassVar[int]
    MATTER_FIELD_NUMBER: _ClassVar[int]
    IS_MONETARY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    GUARANTOR_FOR_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    contract_id: str
    kind: PartyKind
    person_id: str
    enterprise_id: str
    category_id: str
    needs_review: bool
    matter: ContractMatter
    is_monetary: bool
    amount: int
    currency: str
    guarantor_for_id: str
    def __init__(self, id: _Optional[str] = ..., contract_id: _Optional[str] = ..., kind: _Optional[_Union[PartyKind, str]] = ..., person_id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., category_id: _Optional[str] = ..., needs_review: _Optional[bool] = ..., matter: _Optional[_Union[ContractMatter, str]] = ..., is_monetary: _Optional[bool] = ..., amount: _Optional[int] = ..., currency: _Optional[str] = ..., guarantor_for_id: _Optional[str] = ...) -> None: ...

class SigningTask(_message.Message):
    __slots__ = ("id", "signatory_id", "action", "position", "state", "handler_id", "signed_by_id", "signed_for_id", "refused_by_id", "refused_at", "refusal_reason", "signed_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATORY_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    HANDLER_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNED_FOR_ID_FIELD_NUMBER: _ClassVar[int]
    REFUSED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    REFUSED_AT_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_REASON_FIELD_NUMBER: _ClassVar[int]
    SIGNED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    signatory_id: str
    action: TaskAction
    position: int
    state: TaskState
    handler_id: str
    signed_by_id: str
    signed_for_id: str
    refused_by_id: str
    refused_at: _timestamp_pb2.Timestamp
    refusal_reason: str
    signed_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., signatory_id: _Optional[str] = ..., action: _Optional[_Union[TaskAction, str]] = ..., position: _Optional[int] = ..., state: _Optional[_Union[TaskState, str]] = ..., handler_id: _Optional[str] = ..., signed_by_id: _Optional[str] = ..., signed_for_id: _Optional[str] = ..., refused_by_id: _Optional[str] = ..., refused_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., refusal_reason: _Optional[str] = ..., signed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TaskOperator(_message.Message):
    __slots__ = ("id", "task_id", "person_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    task_id: str
    person_id: str
    def __init__(self, id: _Optional[str] = ..., task_id: _Optional[str] = ..., person_id: _Optional[str] = ...) -> None: ...

class TaskSeal(_message.Message):
    __slots__ = ("id", "task_id", "seal_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    task_id: str
    seal_id: str
    def __init__(self, id: _Optional[str] = ..., task_id: _Optional[str] = ..., seal_id: _Optional[str] = ...) -> None: ...

class InternalReview(_message.Message):
    __slots__ = ("id", "signatory_id", "state", "reviewer_id", "decided_at", "bound_digest")
    ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATORY_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REVIEWER_ID_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    BOUND_DIGEST_FIELD_NUMBER: _ClassVar[int]
    id: str
    signatory_id: str
    state: ReviewState
    reviewer_id: str
    decided_at: _timestamp_pb2.Timestamp
    bound_digest: str
    def __init__(self, id: _Optional[str] = ..., signatory_id: _Optional[str] = ..., state: _Optional[_Union[ReviewState, str]] = ..., reviewer_id: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., bound_digest: _Optional[str] = ...) -> None: ...

class PartyConsent(_message.Message):
    __slots__ = ("id", "signatory_id", "kind", "given_by_id", "person_id", "given_at", "bound_digest", "amount_max", "currency", "valid_to", "withdrawn_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATORY_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    GIVEN_BY_ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    GIVEN_AT_FIELD_NUMBER: _ClassVar[int]
    BOUND_DIGEST_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    signatory_id: str
    kind: ConsentKind
    given_by_id: str
    person_id: str
    given_at: _timestamp_pb2.Timestamp
    bound_digest: str
    amount_max: int
    currency: str
    valid_to: _timestamp_pb2.Timestamp
    withdrawn_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., signatory_id: _Optional[str] = ..., kind: _Optional[_Union[ConsentKind, str]] = ..., given_by_id: _Optional[str] = ..., person_id: _Optional[str] = ..., given_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., bound_digest: _Optional[str] = ..., amount_max: _Optional[int] = ..., currency: _Optional[str] = ..., valid_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., withdrawn_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SealUse(_message.Message):
    __slots__ = ("id", "task_id", "seal_id", "person_id", "digest", "used_at", "grant_id", "holder_id", "state", "act", "operation_id", "audience", "documents_digest", "certificate_id", "verification_id", "open_grant_id", "cross_grant_id", "delegation_id", "signed_for_id", "position", "impressions", "sealing_at", "closed_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    USED_AT_FIELD_NUMBER: _ClassVar[int]
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    HOLDER_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ACT_FIELD_NUMBER: _ClassVar[int]
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_ID_FIELD_NUMBER: _ClassVar[int]
    OPEN_GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    CROSS_GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    DELEGATION_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNED_FOR_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    IMPRESSIONS_FIELD_NUMBER: _ClassVar[int]
    SEALING_AT_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    task_id: str
    seal_id: str
    person_id: str
    digest: str
    used_at: _timestamp_pb2.Timestamp
    grant_id: str
    holder_id: str
    state: SealUseState
    act: SealUseAct
    operation_id: str
    audience: str
    documents_digest: str
    certificate_id: str
    verification_id: str
    open_grant_id: str
    cross_grant_id: str
    delegation_id: str
    signed_for_id: str
    position: str
    impressions: int
    sealing_at: _timestamp_pb2.Timestamp
    closed_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., task_id: _Optional[str] = ..., seal_id: _Optional[str] = ..., person_id: _Optional[str] = ..., digest: _Optional[str] = ..., used_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., grant_id: _Optional[str] = ..., holder_id: _Optional[str] = ..., state: _Optional[_Union[SealUseState, str]] = ..., act: _Optional[_Union[SealUseAct, str]] = ..., operation_id: _Optional[str] = ..., audience: _Optional[str] = ..., documents_digest: _Optional[str] = ..., certificate_id: _Optional[str] = ..., verification_id: _Optional[str] = ..., open_grant_id: _Optional[str] = ..., cross_grant_id: _Optional[str] = ..., delegation_id: _Optional[str] = ..., signed_for_id: _Optional[str] = ..., position: _Optional[str] = ..., impressions: _Optional[int] = ..., sealing_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CountedRequest(_message.Message):
    __slots__ = ("id", "use_id", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    USE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    use_id: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., use_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class Enterprise(_message.Message):
    __slots__ = ("id", "name", "uscc", "realm", "auth_state", "operating_state", "timezone", "parent_id", "contact_set_at", "contact_changed_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    USCC_FIELD_NUMBER: _ClassVar[int]
    REALM_FIELD_NUMBER: _ClassVar[int]
    AUTH_STATE_FIELD_NUMBER: _ClassVar[int]
    OPERATING_STATE_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTACT_SET_AT_FIELD_NUMBER: _ClassVar[int]
    CONTACT_CHANGED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    uscc: str
    realm: str
    auth_state: AuthenticationState
    operating_state: OperatingState
    timezone: str
    parent_id: str
    contact_set_at: _timestamp_pb2.Timestamp
    contact_changed_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., uscc: _Optional[str] = ..., realm: _Optional[str] = ..., auth_state: _Optional[_Union[AuthenticationState, str]] = ..., operating_state: _Optional[_Union[OperatingState, str]] = ..., timezone: _Optional[str] = ..., parent_id: _Optional[str] = ..., contact_set_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., contact_changed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RegistrySnapshot(_message.Message):
    __slots__ = ("id", "enterprise_id", "status", "fetched_at", "legal_rep_id", "is_current", "registered_name", "is_matched")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FETCHED_AT_FIELD_NUMBER: _ClassVar[int]
    LEGAL_REP_ID_FIELD_NUMBER: _ClassVar[int]
    IS_CURRENT_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_NAME_FIELD_NUMBER: _ClassVar[int]
    IS_MATCHED_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    status: RegistryStatus
    fetched_at: _timestamp_pb2.Timestamp
    legal_rep_id: str
    is_current: bool
    registered_name: str
    is_matched: bool
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., status: _Optional[_Union[RegistryStatus, str]] = ..., fetched_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., legal_rep_id: _Optional[str] = ..., is_current: _Optional[bool] = ..., registered_name: _Optional[str] = ..., is_matched: _Optional[bool] = ...) -> None: ...

class Department(_message.Message):
    __slots__ = ("id", "enterprise_id", "name", "parent_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    name: str
    parent_id: str
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., name: _Optional[str] = ..., parent_id: _Optional[str] = ...) -> None: ...

class CustomRole(_message.Message):
    __slots__ = ("id", "enterprise_id", "name")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    name: str
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class CustomRolePower(_message.Message):
    __slots__ = ("id", "role_id", "power")
    ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    POWER_FIELD_NUMBER: _ClassVar[int]
    id: str
    role_id: str
    power: AdminPower
    def __init__(self, id: _Optional[str] = ..., role_id: _Optional[str] = ..., power: _Optional[_Union[AdminPower, str]] = ...) -> None: ...

class WorkingHours(_message.Message):
    __slots__ = ("id", "enterprise_id", "weekday", "from_minute", "to_minute")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    WEEKDAY_FIELD_NUMBER: _ClassVar[int]
    FROM_MINUTE_FIELD_NUMBER: _ClassVar[int]
    TO_MINUTE_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    weekday: int
    from_minute: int
    to_minute: int
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., weekday: _Optional[int] = ..., from_minute: _Optional[int] = ..., to_minute: _Optional[int] = ...) -> None: ...

class Holiday(_message.Message):
    __slots__ = ("id", "enterprise_id", "day", "kind", "weekday")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    WEEKDAY_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    day: int
    kind: DayKind
    weekday: int
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., day: _Optional[int] = ..., kind: _Optional[_Union[DayKind, str]] = ..., weekday: _Optional[int] = ...) -> None: ...

class Membership(_message.Message):
    __slots__ = ("id", "person_id", "enterprise_id", "joined_via", "joined_at", "state", "ended_at", "end_reason", "department_id", "suspended_for", "suspended_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    JOINED_VIA_FIELD_NUMBER: _ClassVar[int]
    JOINED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    DEPARTMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_FOR_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    person_id: str
    enterprise_id: str
    joined_via: JoinedVia
    joined_at: _timestamp_pb2.Timestamp
    state: MembershipState
    ended_at: _timestamp_pb2.Timestamp
    end_reason: EndReason
    department_id: str
    suspended_for: SuspensionCause
    suspended_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., person_id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., joined_via: _Optional[_Union[JoinedVia, str]] = ..., joined_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[MembershipState, str]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_reason: _Optional[_Union[EndReason, str]] = ..., department_id: _Optional[str] = ..., suspended_for: _Optional[_Union[SuspensionCause, str]] = ..., suspended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RoleAssignment(_message.Message):
    __slots__ = ("id", "membership_id", "role", "state", "granted_by_id", "valid_from", "valid_to", "is_primary", "custom_role_id", "department_id", "revoked_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    GRANTED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    IS_PRIMARY_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_ROLE_ID_FIELD_NUMBER: _ClassVar[int]
    DEPARTMENT_ID_FIELD_NUMBER: _ClassVar[int]
    REVOKED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    membership_id: str
    role: Role
    state: AssignmentState
    granted_by_id: str
    valid_from: _timestamp_pb2.Timestamp
    valid_to: _timestamp_pb2.Timestamp
    is_primary: bool
    custom_role_id: str
    department_id: str
    revoked_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., membership_id: _Optional[str] = ..., role: _Optional[_Union[Role, str]] = ..., state: _Optional[_Union[AssignmentState, str]] = ..., granted_by_id: _Optional[str] = ..., valid_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., is_primary: _Optional[bool] = ..., custom_role_id: _Optional[str] = ..., department_id: _Optional[str] = ..., revoked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Absence(_message.Message):
    __slots__ = ("id", "membership_id", "substitute_id", "recorded_by_id", "recorded_at", "valid_from", "valid_to", "withdrawn_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_ID_FIELD_NUMBER: _ClassVar[int]
    SUBSTITUTE_ID_FIELD_NUMBER: _ClassVar[int]
    RECORDED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    membership_id: str
    substitute_id: str
    recorded_by_id: str
    recorded_at: _timestamp_pb2.Timestamp
    valid_from: _timestamp_pb2.Timestamp
    valid_to: _timestamp_pb2.Timestamp
    withdrawn_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., membership_id: _Optional[str] = ..., substitute_id: _Optional[str] = ..., recorded_by_id: _Optional[str] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., withdrawn_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Invitation(_message.Message):
    __slots__ = ("id", "enterprise_id", "inviter_id", "token_hash", "created_at", "expires_at", "target_id", "state", "phone_hash", "contact_digest", "confirmed_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    INVITER_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_HASH_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PHONE_HASH_FIELD_NUMBER: _ClassVar[int]
    CONTACT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    inviter_id: str
    token_hash: str
    created_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    target_id: str
    state: InvitationState
    phone_hash: str
    contact_digest: str
    confirmed_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., inviter_id: _Optional[str] = ..., token_hash: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., target_id: _Optional[str] = ..., state: _Optional[_Union[InvitationState, str]] = ..., phone_hash: _Optional[str] = ..., contact_digest: _Optional[str] = ..., confirmed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class JoinApplication(_message.Message):
    __slots__ = ("id", "person_id", "enterprise_id", "applied_at", "expires_at", "state", "handler_id", "reminders", "last_reminded_at", "decided_by_id", "decided_at", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    APPLIED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    HANDLER_ID_FIELD_NUMBER: _ClassVar[int]
    REMINDERS_FIELD_NUMBER: _ClassVar[int]
    LAST_REMINDED_AT_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    person_id: str
    enterprise_id: str
    applied_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    state: ApplicationState
    handler_id: str
    reminders: int
    last_reminded_at: _timestamp_pb2.Timestamp
    decided_by_id: str
    decided_at: _timestamp_pb2.Timestamp
    reason: str
    def __init__(self, id: _Optional[str] = ..., person_id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., applied_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[ApplicationState, str]] = ..., handler_id: _Optional[str] = ..., reminders: _Optional[int] = ..., last_reminded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decided_by_id: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class MonitorSubscription(_message.Message):
    __slots__ = ("id", "enterprise_id", "leader_id", "seal_id", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    LEADER_ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    leader_id: str
    seal_id: str
    state: SubscriptionState
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., leader_id: _Optional[str] = ..., seal_id: _Optional[str] = ..., state: _Optional[_Union[SubscriptionState, str]] = ...) -> None: ...

class ApprovalProcess(_message.Message):
    __slots__ = ("id", "enterprise_id", "name", "state", "is_open")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    IS_OPEN_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    name: str
    state: ProcessState
    is_open: bool
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[_Union[ProcessState, str]] = ..., is_open: _Optional[bool] = ...) -> None: ...

class ProcessStep(_message.Message):
    __slots__ = ("id", "process_id", "position", "mode", "valid_from", "valid_to")
    ID_FIELD_NUMBER: _ClassVar[int]
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    id: str
    process_id: str
    position: int
    mode: StepMode
    valid_from: _timestamp_pb2.Timestamp
    valid_to: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., process_id: _Optional[str] = ..., position: _Optional[int] = ..., mode: _Optional[_Union[StepMode, str]] = ..., valid_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StepApprover(_message.Message):
    __slots__ = ("id", "step_id", "membership_id", "role", "valid_from", "valid_to")
    ID_FIELD_NUMBER: _ClassVar[int]
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    id: str
    step_id: str
    membership_id: str
    role: Role
    valid_from: _timestamp_pb2.Timestamp
    valid_to: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., step_id: _Optional[str] = ..., membership_id: _Optional[str] = ..., role: _Optional[_Union[Role, str]] = ..., valid_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AmountBand(_message.Message):
    __slots__ = ("id", "enterprise_id", "process_id", "currency", "from_amount")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    FROM_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    process_id: str
    currency: str
    from_amount: int
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., process_id: _Optional[str] = ..., currency: _Optional[str] = ..., from_amount: _Optional[int] = ...) -> None: ...

class BusinessCategory(_message.Message):
    __slots__ = ("id", "enterprise_id", "name", "state", "process_id", "face_fallback", "holders_may_download", "holders_may_print")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    FACE_FALLBACK_FIELD_NUMBER: _ClassVar[int]
    HOLDERS_MAY_DOWNLOAD_FIELD_NUMBER: _ClassVar[int]
    HOLDERS_MAY_PRINT_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    name: str
    state: CategoryState
    process_id: str
    face_fallback: FaceFallback
    holders_may_download: bool
    holders_may_print: bool
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[_Union[CategoryState, str]] = ..., process_id: _Optional[str] = ..., face_fallback: _Optional[_Union[FaceFallback, str]] = ..., holders_may_download: _Optional[bool] = ..., holders_may_print: _Optional[bool] = ...) -> None: ...

class CategorySeal(_message.Message):
    __slots__ = ("id", "category_id", "seal_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    category_id: str
    seal_id: str
    def __init__(self, id: _Optional[str] = ..., category_id: _Optional[str] = ..., seal_id: _Optional[str] = ...) -> None: ...

class CategoryPermission(_message.Message):
    __slots__ = ("id", "category_id", "membership_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    category_id: str
    membership_id: str
    def __init__(self, id: _Optional[str] = ..., category_id: _Optional[str] = ..., membership_id: _Optional[str] = ...) -> None: ...

class BoardResolution(_message.Message):
    __slots__ = ("id", "enterprise_id", "contract_id", "kind", "source", "passed_at", "state", "recorded_by_id", "recorded_at", "confirmed_by_id", "confirmed_at", "beneficiary_id", "bound_digest", "amount_max", "currency", "valid_to")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PASSED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RECORDED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AT_FIELD_NUMBER: _ClassVar[int]
    BENEFICIARY_ID_FIELD_NUMBER: _ClassVar[int]
    BOUND_DIGEST_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    contract_id: str
    kind: ResolutionKind
    source: ResolutionSource
    passed_at: _timestamp_pb2.Timestamp
    state: ResolutionState
    recorded_by_id: str
    recorded_at: _timestamp_pb2.Timestamp
    confirmed_by_id: str
    confirmed_at: _timestamp_pb2.Timestamp
    beneficiary_id: str
    bound_digest: str
    amount_max: int
    currency: str
    valid_to: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., contract_id: _Optional[str] = ..., kind: _Optional[_Union[ResolutionKind, str]] = ..., source: _Optional[_Union[ResolutionSource, str]] = ..., passed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[ResolutionState, str]] = ..., recorded_by_id: _Optional[str] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., confirmed_by_id: _Optional[str] = ..., confirmed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., beneficiary_id: _Optional[str] = ..., bound_digest: _Optional[str] = ..., amount_max: _Optional[int] = ..., currency: _Optional[str] = ..., valid_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RuleChange(_message.Message):
    __slots__ = ("id", "enterprise_id", "rule_kind", "digest", "counts_from", "proposed_by_id", "proposed_at", "state", "confirmed_by_id", "confirmed_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    RULE_KIND_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FROM_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    rule_kind: RuleKind
    digest: str
    counts_from: _timestamp_pb2.Timestamp
    proposed_by_id: str
    proposed_at: _timestamp_pb2.Timestamp
    state: RuleChangeState
    confirmed_by_id: str
    confirmed_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., rule_kind: _Optional[_Union[RuleKind, str]] = ..., digest: _Optional[str] = ..., counts_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., proposed_by_id: _Optional[str] = ..., proposed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[RuleChangeState, str]] = ..., confirmed_by_id: _Optional[str] = ..., confirmed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RetrievalCase(_message.Message):
    __slots__ = ("id", "enterprise_id", "applicant_id", "reason", "path", "opened_at", "state", "attempt", "notice_from", "executed_at", "reason_text", "published_at", "appealed_at", "claimed_until", "in_charge_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FROM_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_AT_FIELD_NUMBER: _ClassVar[int]
    REASON_TEXT_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_AT_FIELD_NUMBER: _ClassVar[int]
    APPEALED_AT_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    IN_CHARGE_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    applicant_id: str
    reason: RetrievalReason
    path: RetrievalPath
    opened_at: _timestamp_pb2.Timestamp
    state: CaseState
    attempt: int
    notice_from: _timestamp_pb2.Timestamp
    executed_at: _timestamp_pb2.Timestamp
    reason_text: str
    published_at: _timestamp_pb2.Timestamp
    appealed_at: _timestamp_pb2.Timestamp
    claimed_until: _timestamp_pb2.Timestamp
    in_charge_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., applicant_id: _Optional[str] = ..., reason: _Optional[_Union[RetrievalReason, str]] = ..., path: _Optional[_Union[RetrievalPath, str]] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[CaseState, str]] = ..., attempt: _Optional[int] = ..., notice_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., executed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason_text: _Optional[str] = ..., published_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., appealed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., claimed_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., in_charge_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class EnterpriseAuthentication(_message.Message):
    __slots__ = ("id", "enterprise_id", "applicant_id", "method", "submitted_at", "purpose", "state", "case_id", "attempt", "decided_at", "owner_id", "reviewer_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    REVIEWER_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    applicant_id: str
    method: CertificationMethod
    submitted_at: _timestamp_pb2.Timestamp
    purpose: CertificationPurpose
    state: CertificationState
    case_id: str
    attempt: int
    decided_at: _timestamp_pb2.Timestamp
    owner_id: str
    reviewer_id: str
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., applicant_id: _Optional[str] = ..., method: _Optional[_Union[CertificationMethod, str]] = ..., submitted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purpose: _Optional[_Union[CertificationPurpose, str]] = ..., state: _Optional[_Union[CertificationState, str]] = ..., case_id: _Optional[str] = ..., attempt: _Optional[int] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., owner_id: _Optional[str] = ..., reviewer_id: _Optional[str] = ...) -> None: ...

class RetrievalReview(_message.Message):
    __slots__ = ("id", "case_id", "staff_id", "attempt", "verdict", "decided_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    STAFF_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    case_id: str
    staff_id: str
    attempt: int
    verdict: ReviewVerdict
    decided_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., case_id: _Optional[str] = ..., staff_id: _Optional[str] = ..., attempt: _Optional[int] = ..., verdict: _Optional[_Union[ReviewVerdict, str]] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Objection(_message.Message):
    __slots__ = ("id", "case_id", "person_id", "raised_at", "state", "ground")
    ID_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    RAISED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    GROUND_FIELD_NUMBER: _ClassVar[int]
    id: str
    case_id: str
    person_id: str
    raised_at: _timestamp_pb2.Timestamp
    state: ObjectionState
    ground: str
    def __init__(self, id: _Optional[str] = ..., case_id: _Optional[str] = ..., person_id: _Optional[str] = ..., raised_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[ObjectionState, str]] = ..., ground: _Optional[str] = ...) -> None: ...

class RetrievalAppeal(_message.Message):
    __slots__ = ("id", "case_id", "person_id", "raised_at", "state", "decided_by_id", "decided_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    RAISED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    case_id: str
    person_id: str
    raised_at: _timestamp_pb2.Timestamp
    state: AppealState
    decided_by_id: str
    decided_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., case_id: _Optional[str] = ..., person_id: _Optional[str] = ..., raised_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[AppealState, str]] = ..., decided_by_id: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class NoticeDelivery(_message.Message):
    __slots__ = ("id", "case_id", "person_id", "channel", "sent_at", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    case_id: str
    person_id: str
    channel: NoticeChannel
    sent_at: _timestamp_pb2.Timestamp
    state: DeliveryState
    def __init__(self, id: _Optional[str] = ..., case_id: _Optional[str] = ..., person_id: _Optional[str] = ..., channel: _Optional[_Union[NoticeChannel, str]] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[DeliveryState, str]] = ...) -> None: ...

class Certificate(_message.Message):
    __slots__ = ("id", "enterprise_id", "issuer", "serial", "not_before", "not_after", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    issuer: str
    serial: str
    not_before: _timestamp_pb2.Timestamp
    not_after: _timestamp_pb2.Timestamp
    state: CertificateState
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., issuer: _Optional[str] = ..., serial: _Optional[str] = ..., not_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., not_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[CertificateState, str]] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("id", "enterprise_id", "serial", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    serial: str
    state: DeviceState
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., serial: _Optional[str] = ..., state: _Optional[_Union[DeviceState, str]] = ...) -> None: ...

class Seal(_message.Message):
    __slots__ = ("id", "enterprise_id", "name", "kind", "state", "category", "custodian_id", "certificate_id", "legal_rep_id", "acting_custodian_id", "acting_from", "acting_to", "device_id", "face_digest")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    CUSTODIAN_ID_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    LEGAL_REP_ID_FIELD_NUMBER: _ClassVar[int]
    ACTING_CUSTODIAN_ID_FIELD_NUMBER: _ClassVar[int]
    ACTING_FROM_FIELD_NUMBER: _ClassVar[int]
    ACTING_TO_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    FACE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    name: str
    kind: SealKind
    state: SealState
    category: SealCategory
    custodian_id: str
    certificate_id: str
    legal_rep_id: str
    acting_custodian_id: str
    acting_from: _timestamp_pb2.Timestamp
    acting_to: _timestamp_pb2.Timestamp
    device_id: str
    face_digest: str
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[_Union[SealKind, str]] = ..., state: _Optional[_Union[SealState, str]] = ..., category: _Optional[_Union[SealCategory, str]] = ..., custodian_id: _Optional[str] = ..., certificate_id: _Optional[str] = ..., legal_rep_id: _Optional[str] = ..., acting_custodian_id: _Optional[str] = ..., acting_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., acting_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., device_id: _Optional[str] = ..., face_digest: _Optional[str] = ...) -> None: ...

class SealHold(_message.Message):
    __slots__ = ("id", "seal_id", "source", "placed_at", "state", "placed_by_id", "lift_proposed_by_id", "lift_proposed_at", "reference")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PLACED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PLACED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    LIFT_PROPOSED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    LIFT_PROPOSED_AT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    id: str
    seal_id: str
    source: HoldSource
    placed_at: _timestamp_pb2.Timestamp
    state: HoldState
    placed_by_id: str
    lift_proposed_by_id: str
    lift_proposed_at: _timestamp_pb2.Timestamp
    reference: str
    def __init__(self, id: _Optional[str] = ..., seal_id: _Optional[str] = ..., source: _Optional[_Union[HoldSource, str]] = ..., placed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[HoldState, str]] = ..., placed_by_id: _Optional[str] = ..., lift_proposed_by_id: _Optional[str] = ..., lift_proposed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reference: _Optional[str] = ...) -> None: ...

class SealGrant(_message.Message):
    __slots__ = ("id", "seal_id", "membership_id", "grantor_id", "right", "scope", "term", "valid_from", "valid_to", "confirmation", "state", "invalid_reason", "use_limit", "used", "amount_max", "currency", "may_subgrant", "parent_id", "confirmed_by_id", "confirmed_at", "adopts_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_ID_FIELD_NUMBER: _ClassVar[int]
    GRANTOR_ID_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    CONFIRMATION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    INVALID_REASON_FIELD_NUMBER: _ClassVar[int]
    USE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    MAY_SUBGRANT_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AT_FIELD_NUMBER: _ClassVar[int]
    ADOPTS_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    seal_id: str
    membership_id: str
    grantor_id: str
    right: SealRight
    scope: GrantScope
    term: GrantTerm
    valid_from: _timestamp_pb2.Timestamp
    valid_to: _timestamp_pb2.Timestamp
    confirmation: GrantConfirmation
    state: GrantState
    invalid_reason: GrantInvalidity
    use_limit: int
    used: int
    amount_max: int
    currency: str
    may_subgrant: bool
    parent_id: str
    confirmed_by_id: str
    confirmed_at: _timestamp_pb2.Timestamp
    adopts_id: str
    def __init__(self, id: _Optional[str] = ..., seal_id: _Optional[str] = ..., membership_id: _Optional[str] = ..., grantor_id: _Optional[str] = ..., right: _Optional[_Union[SealRight, str]] = ..., scope: _Optional[_Union[GrantScope, str]] = ..., term: _Optional[_Union[GrantTerm, str]] = ..., valid_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., confirmation: _Optional[_Union[GrantConfirmation, str]] = ..., state: _Optional[_Union[GrantState, str]] = ..., invalid_reason: _Optional[_Union[GrantInvalidity, str]] = ..., use_limit: _Optional[int] = ..., used: _Optional[int] = ..., amount_max: _Optional[int] = ..., currency: _Optional[str] = ..., may_subgrant: _Optional[bool] = ..., parent_id: _Optional[str] = ..., confirmed_by_id: _Optional[str] = ..., confirmed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., adopts_id: _Optional[str] = ...) -> None: ...

class GrantContractType(_message.Message):
    __slots__ = ("id", "grant_id", "contract_type")
    ID_FIELD_NUMBER: _ClassVar[int]
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_TYPE_FIELD_NUMBER: _ClassVar[int]
    id: str
    grant_id: str
    contract_type: str
    def __init__(self, id: _Optional[str] = ..., grant_id: _Optional[str] = ..., contract_type: _Optional[str] = ...) -> None: ...

class GrantTemplate(_message.Message):
    __slots__ = ("id", "grant_id", "template_id", "initiator_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    INITIATOR_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    grant_id: str
    template_id: str
    initiator_id: str
    def __init__(self, id: _Optional[str] = ..., grant_id: _Optional[str] = ..., template_id: _Optional[str] = ..., initiator_id: _Optional[str] = ...) -> None: ...

class EmergencyUse(_message.Message):
    __slots__ = ("id", "grant_id", "used_at", "reason", "approved_by_id", "approved_at", "representative_id", "alerted_at", "task_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    USED_AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVED_AT_FIELD_NUMBER: _ClassVar[int]
    REPRESENTATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    ALERTED_AT_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    grant_id: str
    used_at: _timestamp_pb2.Timestamp
    reason: str
    approved_by_id: str
    approved_at: _timestamp_pb2.Timestamp
    representative_id: str
    alerted_at: _timestamp_pb2.Timestamp
    task_id: str
    def __init__(self, id: _Optional[str] = ..., grant_id: _Optional[str] = ..., used_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., approved_by_id: _Optional[str] = ..., approved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., representative_id: _Optional[str] = ..., alerted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., task_id: _Optional[str] = ...) -> None: ...

class OpenGrant(_message.Message):
    __slots__ = ("id", "seal_id", "grantor_id", "valid_from", "valid_to", "department_id", "confirmation", "state", "invalid_reason", "use_limit", "used", "confirmed_by_id", "confirmed_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    GRANTOR_ID_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    DEPARTMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMATION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    INVALID_REASON_FIELD_NUMBER: _ClassVar[int]
    USE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    seal_id: str
    grantor_id: str
    valid_from: _timestamp_pb2.Timestamp
    valid_to: _timestamp_pb2.Timestamp
    department_id: str
    confirmation: GrantConfirmation
    state: GrantState
    invalid_reason: GrantInvalidity
    use_limit: int
    used: int
    confirmed_by_id: str
    confirmed_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., seal_id: _Optional[str] = ..., grantor_id: _Optional[str] = ..., valid_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., department_id: _Optional[str] = ..., confirmation: _Optional[_Union[GrantConfirmation, str]] = ..., state: _Optional[_Union[GrantState, str]] = ..., invalid_reason: _Optional[_Union[GrantInvalidity, str]] = ..., use_limit: _Optional[int] = ..., used: _Optional[int] = ..., confirmed_by_id: _Optional[str] = ..., confirmed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OpenGrantTemplate(_message.Message):
    __slots__ = ("id", "grant_id", "template_id", "initiator_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    INITIATOR_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    grant_id: str
    template_id: str
    initiator_id: str
    def __init__(self, id: _Optional[str] = ..., grant_id: _Optional[str] = ..., template_id: _Optional[str] = ..., initiator_id: _Optional[str] = ...) -> None: ...

class CrossEnterpriseGrant(_message.Message):
    __slots__ = ("id", "seal_id", "holder_id", "grantor_id", "scope", "valid_from", "valid_to", "confirmation", "state", "invalid_reason", "use_limit", "used", "confirmed_by_id", "confirmed_at", "amount_max", "currency")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    HOLDER_ID_FIELD_NUMBER: _ClassVar[int]
    GRANTOR_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    CONFIRMATION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    INVALID_REASON_FIELD_NUMBER: _ClassVar[int]
    USE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    id: str
    seal_id: str
    holder_id: str
    grantor_id: str
    scope: GrantScope
    valid_from: _timestamp_pb2.Timestamp
    valid_to: _timestamp_pb2.Timestamp
    confirmation: GrantConfirmation
    state: GrantState
    invalid_reason: GrantInvalidity
    use_limit: int
    used: int
    confirmed_by_id: str
    confirmed_at: _timestamp_pb2.Timestamp
    amount_max: int
    currency: str
    def __init__(self, id: _Optional[str] = ..., seal_id: _Optional[str] = ..., holder_id: _Optional[str] = ..., grantor_id: _Optional[str] = ..., scope: _Optional[_Union[GrantScope, str]] = ..., valid_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., confirmation: _Optional[_Union[GrantConfirmation, str]] = ..., state: _Optional[_Union[GrantState, str]] = ..., invalid_reason: _Optional[_Union[GrantInvalidity, str]] = ..., use_limit: _Optional[int] = ..., used: _Optional[int] = ..., confirmed_by_id: _Optional[str] = ..., confirmed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., amount_max: _Optional[int] = ..., currency: _Optional[str] = ...) -> None: ...

class CrossGrantContractType(_message.Message):
    __slots__ = ("id", "grant_id", "contract_type")
    ID_FIELD_NUMBER: _ClassVar[int]
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_TYPE_FIELD_NUMBER: _ClassVar[int]
    id: str
    grant_id: str
    contract_type: str
    def __init__(self, id: _Optional[str] = ..., grant_id: _Optional[str] = ..., contract_type: _Optional[str] = ...) -> None: ...

class HolderAssignment(_message.Message):
    __slots__ = ("id", "grant_id", "membership_id", "state", "assigned_by_id", "assigned_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    grant_id: str
    membership_id: str
    state: HolderState
    assigned_by_id: str
    assigned_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., grant_id: _Optional[str] = ..., membership_id: _Optional[str] = ..., state: _Optional[_Union[HolderState, str]] = ..., assigned_by_id: _Optional[str] = ..., assigned_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AuthLetter(_message.Message):
    __slots__ = ("id", "seal_id", "digest", "delivered_by_id", "delivered_at", "state", "verified_by_id", "verified_at", "seal_grant_id", "open_grant_id", "cross_grant_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_AT_FIELD_NUMBER: _ClassVar[int]
    SEAL_GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    OPEN_GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    CROSS_GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    seal_id: str
    digest: str
    delivered_by_id: str
    delivered_at: _timestamp_pb2.Timestamp
    state: LetterState
    verified_by_id: str
    verified_at: _timestamp_pb2.Timestamp
    seal_grant_id: str
    open_grant_id: str
    cross_grant_id: str
    def __init__(self, id: _Optional[str] = ..., seal_id: _Optional[str] = ..., digest: _Optional[str] = ..., delivered_by_id: _Optional[str] = ..., delivered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[LetterState, str]] = ..., verified_by_id: _Optional[str] = ..., verified_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seal_grant_id: _Optional[str] = ..., open_grant_id: _Optional[str] = ..., cross_grant_id: _Optional[str] = ...) -> None: ...

class Delegation(_message.Message):
    __slots__ = ("id", "principal_id", "delegate_id", "power", "scope", "valid_from", "valid_to", "seal_id", "state", "reason", "offered_by_id", "offered_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_ID_FIELD_NUMBER: _ClassVar[int]
    DELEGATE_ID_FIELD_NUMBER: _ClassVar[int]
    POWER_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    OFFERED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    OFFERED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    principal_id: str
    delegate_id: str
    power: DelegationPower
    scope: GrantScope
    valid_from: _timestamp_pb2.Timestamp
    valid_to: _timestamp_pb2.Timestamp
    seal_id: str
    state: DelegationState
    reason: str
    offered_by_id: str
    offered_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., principal_id: _Optional[str] = ..., delegate_id: _Optional[str] = ..., power: _Optional[_Union[DelegationPower, str]] = ..., scope: _Optional[_Union[GrantScope, str]] = ..., valid_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seal_id: _Optional[str] = ..., state: _Optional[_Union[DelegationState, str]] = ..., reason: _Optional[str] = ..., offered_by_id: _Optional[str] = ..., offered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DelegationContractType(_message.Message):
    __slots__ = ("id", "delegation_id", "contract_type")
    ID_FIELD_NUMBER: _ClassVar[int]
    DELEGATION_ID_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_TYPE_FIELD_NUMBER: _ClassVar[int]
    id: str
    delegation_id: str
    contract_type: str
    def __init__(self, id: _Optional[str] = ..., delegation_id: _Optional[str] = ..., contract_type: _Optional[str] = ...) -> None: ...

class SealReview(_message.Message):
    __slots__ = ("id", "seal_id", "submitted_by_id", "submitted_at", "face_digest", "name_on_seal", "state", "decided_by_id", "decided_at", "examiner_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    FACE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    NAME_ON_SEAL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    EXAMINER_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    seal_id: str
    submitted_by_id: str
    submitted_at: _timestamp_pb2.Timestamp
    face_digest: str
    name_on_seal: str
    state: SealReviewState
    decided_by_id: str
    decided_at: _timestamp_pb2.Timestamp
    examiner_id: str
    def __init__(self, id: _Optional[str] = ..., seal_id: _Optional[str] = ..., submitted_by_id: _Optional[str] = ..., submitted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., face_digest: _Optional[str] = ..., name_on_seal: _Optional[str] = ..., state: _Optional[_Union[SealReviewState, str]] = ..., decided_by_id: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., examiner_id: _Optional[str] = ...) -> None: ...

class SealProposal(_message.Message):
    __slots__ = ("id", "seal_id", "ending", "proposed_by_id", "proposed_at", "reason", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    ENDING_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    seal_id: str
    ending: SealEnding
    proposed_by_id: str
    proposed_at: _timestamp_pb2.Timestamp
    reason: str
    state: ProposalState
    def __init__(self, id: _Optional[str] = ..., seal_id: _Optional[str] = ..., ending: _Optional[_Union[SealEnding, str]] = ..., proposed_by_id: _Optional[str] = ..., proposed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., state: _Optional[_Union[ProposalState, str]] = ...) -> None: ...

class SealWitness(_message.Message):
    __slots__ = ("id", "proposal_id", "membership_id", "agreed_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_ID_FIELD_NUMBER: _ClassVar[int]
    AGREED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    proposal_id: str
    membership_id: str
    agreed_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., proposal_id: _Optional[str] = ..., membership_id: _Optional[str] = ..., agreed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SealOuting(_message.Message):
    __slots__ = ("id", "seal_id", "holder_id", "out_from", "due_at", "state", "returned_at", "received_by_id", "alerted_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    HOLDER_ID_FIELD_NUMBER: _ClassVar[int]
    OUT_FROM_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RETURNED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    ALERTED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    seal_id: str
    holder_id: str
    out_from: _timestamp_pb2.Timestamp
    due_at: _timestamp_pb2.Timestamp
    state: OutingState
    returned_at: _timestamp_pb2.Timestamp
    received_by_id: str
    alerted_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., seal_id: _Optional[str] = ..., holder_id: _Optional[str] = ..., out_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[OutingState, str]] = ..., returned_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_by_id: _Optional[str] = ..., alerted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Alert(_message.Message):
    __slots__ = ("id", "enterprise_id", "kind", "raised_for", "raised_at", "seal_id", "person_id", "state", "acknowledged_by_id", "acknowledged_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    RAISED_FOR_FIELD_NUMBER: _ClassVar[int]
    RAISED_AT_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    enterprise_id: str
    kind: str
    raised_for: str
    raised_at: _timestamp_pb2.Timestamp
    seal_id: str
    person_id: str
    state: AlertState
    acknowledged_by_id: str
    acknowledged_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., enterprise_id: _Optional[str] = ..., kind: _Optional[str] = ..., raised_for: _Optional[str] = ..., raised_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seal_id: _Optional[str] = ..., person_id: _Optional[str] = ..., state: _Optional[_Union[AlertState, str]] = ..., acknowledged_by_id: _Optional[str] = ..., acknowledged_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DeniedAttempt(_message.Message):
    __slots__ = ("id", "seal_id", "person_id", "action", "reason", "attempted_at", "within_day")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTED_AT_FIELD_NUMBER: _ClassVar[int]
    WITHIN_DAY_FIELD_NUMBER: _ClassVar[int]
    id: str
    seal_id: str
    person_id: str
    action: str
    reason: str
    attempted_at: _timestamp_pb2.Timestamp
    within_day: int
    def __init__(self, id: _Optional[str] = ..., seal_id: _Optional[str] = ..., person_id: _Optional[str] = ..., action: _Optional[str] = ..., reason: _Optional[str] = ..., attempted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., within_day: _Optional[int] = ...) -> None: ...

class SealUseRequest(_message.Message):
    __slots__ = ("id", "seal_id", "applicant_id", "submitted_at", "valid_from", "valid_to", "contract_id", "state", "uses", "used", "purpose", "process_id", "is_out_of_hours", "device_id", "code_digest", "carries_out", "photos_owed")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    APPLICANT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    IS_OUT_OF_HOURS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CARRIES_OUT_FIELD_NUMBER: _ClassVar[int]
    PHOTOS_OWED_FIELD_NUMBER: _ClassVar[int]
    id: str
    seal_id: str
    applicant_id: str
    submitted_at: _timestamp_pb2.Timestamp
    valid_from: _timestamp_pb2.Timestamp
    valid_to: _timestamp_pb2.Timestamp
    contract_id: str
    state: UseRequestState
    uses: int
    used: int
    purpose: str
    process_id: str
    is_out_of_hours: bool
    device_id: str
    code_digest: str
    carries_out: bool
    photos_owed: int
    def __init__(self, id: _Optional[str] = ..., seal_id: _Optional[str] = ..., applicant_id: _Optional[str] = ..., submitted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., contract_id: _Optional[str] = ..., state: _Optional[_Union[UseRequestState, str]] = ..., uses: _Optional[int] = ..., used: _Optional[int] = ..., purpose: _Optional[str] = ..., process_id: _Optional[str] = ..., is_out_of_hours: _Optional[bool] = ..., device_id: _Optional[str] = ..., code_digest: _Optional[str] = ..., carries_out: _Optional[bool] = ..., photos_owed: _Optional[int] = ...) -> None: ...

class RequestDocument(_message.Message):
    __slots__ = ("id", "request_id", "digest")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    digest: str
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class Approval(_message.Message):
    __slots__ = ("id", "request_id", "approver_id", "verdict", "decided_at", "step", "step_id", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVER_ID_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    approver_id: str
    verdict: ApprovalVerdict
    decided_at: _timestamp_pb2.Timestamp
    step: int
    step_id: str
    reason: str
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ..., approver_id: _Optional[str] = ..., verdict: _Optional[_Union[ApprovalVerdict, str]] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., step: _Optional[int] = ..., step_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class UsePhoto(_message.Message):
    __slots__ = ("id", "request_id", "digest", "delivered_at", "delivered_by_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_AT_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_BY_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    digest: str
    delivered_at: _timestamp_pb2.Timestamp
    delivered_by_id: str
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ..., digest: _Optional[str] = ..., delivered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delivered_by_id: _Optional[str] = ...) -> None: ...

class StampReport(_message.Message):
    __slots__ = ("id", "request_id", "device_id", "impressions", "reported_at", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    IMPRESSIONS_FIELD_NUMBER: _ClassVar[int]
    REPORTED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    device_id: str
    impressions: int
    reported_at: _timestamp_pb2.Timestamp
    state: ReportState
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ..., device_id: _Optional[str] = ..., impressions: _Optional[int] = ..., reported_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[ReportState, str]] = ...) -> None: ...

class FieldValue(_message.Message):
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

class IntentBatch(_message.Message):
    __slots__ = ("id", "person_id", "digest", "total", "currency")
    ID_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    id: str
    person_id: str
    digest: str
    total: int
    currency: str
    def __init__(self, id: _Optional[str] = ..., person_id: _Optional[str] = ..., digest: _Optional[str] = ..., total: _Optional[int] = ..., currency: _Optional[str] = ...) -> None: ...

class IntentBatchItem(_message.Message):
    __slots__ = ("id", "batch_id", "task_id", "seal_id", "documents_digest", "amount", "currency", "used_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    SEAL_ID_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    USED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    batch_id: str
    task_id: str
    seal_id: str
    documents_digest: str
    amount: int
    currency: str
    used_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., batch_id: _Optional[str] = ..., task_id: _Optional[str] = ..., seal_id: _Optional[str] = ..., documents_digest: _Optional[str] = ..., amount: _Optional[int] = ..., currency: _Optional[str] = ..., used_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GenericRecord(_message.Message):
    __slots__ = ("type", "id", "values")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: FieldValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[FieldValue, _Mapping]] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    type: str
    id: str
    values: _containers.MessageMap[str, FieldValue]
    def __init__(self, type: _Optional[str] = ..., id: _Optional[str] = ..., values: _Optional[_Mapping[str, FieldValue]] = ...) -> None: ...

class Fact(_message.Message):
    __slots__ = ("person", "identity_verification", "platform_staff", "contract", "contract_document", "signatory", "signing_task", "task_operator", "task_seal", "internal_review", "party_consent", "seal_use", "counted_request", "use_photo", "stamp_report", "enterprise", "registry_snapshot", "department", "custom_role", "custom_role_power", "working_hours", "holiday", "membership", "role_assignment", "absence", "invitation", "join_application", "monitor_subscription", "approval_process", "process_step", "step_approver", "amount_band", "business_category", "category_seal", "category_permission", "board_resolution", "rule_change", "retrieval_case", "enterprise_authentication", "retrieval_review", "objection", "retrieval_appeal", "notice_delivery", "certificate", "device", "seal", "seal_hold", "seal_grant", "grant_contract_type", "grant_template", "emergency_use", "open_grant", "open_grant_template", "cross_enterprise_grant", "cross_grant_contract_type", "holder_assignment", "auth_letter", "delegation", "delegation_contract_type", "seal_review", "seal_proposal", "seal_witness", "seal_outing", "intent_batch", "intent_batch_item", "seal_use_request", "request_document", "approval", "alert", "denied_attempt", "generic", "extension")
    class ExtensionEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: FieldValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[FieldValue, _Mapping]] = ...) -> None: ...
    PERSON_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_VERIFICATION_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_STAFF_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    SIGNATORY_FIELD_NUMBER: _ClassVar[int]
    SIGNING_TASK_FIELD_NUMBER: _ClassVar[int]
    TASK_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TASK_SEAL_FIELD_NUMBER: _ClassVar[int]
    INTERNAL_REVIEW_FIELD_NUMBER: _ClassVar[int]
    PARTY_CONSENT_FIELD_NUMBER: _ClassVar[int]
    SEAL_USE_FIELD_NUMBER: _ClassVar[int]
    COUNTED_REQUEST_FIELD_NUMBER: _ClassVar[int]
    USE_PHOTO_FIELD_NUMBER: _ClassVar[int]
    STAMP_REPORT_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    DEPARTMENT_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_ROLE_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_ROLE_POWER_FIELD_NUMBER: _ClassVar[int]
    WORKING_HOURS_FIELD_NUMBER: _ClassVar[int]
    HOLIDAY_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_FIELD_NUMBER: _ClassVar[int]
    ROLE_ASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    ABSENCE_FIELD_NUMBER: _ClassVar[int]
    INVITATION_FIELD_NUMBER: _ClassVar[int]
    JOIN_APPLICATION_FIELD_NUMBER: _ClassVar[int]
    MONITOR_SUBSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_PROCESS_FIELD_NUMBER: _ClassVar[int]
    PROCESS_STEP_FIELD_NUMBER: _ClassVar[int]
    STEP_APPROVER_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_BAND_FIELD_NUMBER: _ClassVar[int]
    BUSINESS_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_SEAL_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_PERMISSION_FIELD_NUMBER: _ClassVar[int]
    BOARD_RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    RULE_CHANGE_FIELD_NUMBER: _ClassVar[int]
    RETRIEVAL_CASE_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_AUTHENTICATION_FIELD_NUMBER: _ClassVar[int]
    RETRIEVAL_REVIEW_FIELD_NUMBER: _ClassVar[int]
    OBJECTION_FIELD_NUMBER: _ClassVar[int]
    RETRIEVAL_APPEAL_FIELD_NUMBER: _ClassVar[int]
    NOTICE_DELIVERY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    SEAL_FIELD_NUMBER: _ClassVar[int]
    SEAL_HOLD_FIELD_NUMBER: _ClassVar[int]
    SEAL_GRANT_FIELD_NUMBER: _ClassVar[int]
    GRANT_CONTRACT_TYPE_FIELD_NUMBER: _ClassVar[int]
    GRANT_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    EMERGENCY_USE_FIELD_NUMBER: _ClassVar[int]
    OPEN_GRANT_FIELD_NUMBER: _ClassVar[int]
    OPEN_GRANT_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    CROSS_ENTERPRISE_GRANT_FIELD_NUMBER: _ClassVar[int]
    CROSS_GRANT_CONTRACT_TYPE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_ASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    AUTH_LETTER_FIELD_NUMBER: _ClassVar[int]
    DELEGATION_FIELD_NUMBER: _ClassVar[int]
    DELEGATION_CONTRACT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SEAL_REVIEW_FIELD_NUMBER: _ClassVar[int]
    SEAL_PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    SEAL_WITNESS_FIELD_NUMBER: _ClassVar[int]
    SEAL_OUTING_FIELD_NUMBER: _ClassVar[int]
    INTENT_BATCH_FIELD_NUMBER: _ClassVar[int]
    INTENT_BATCH_ITEM_FIELD_NUMBER: _ClassVar[int]
    SEAL_USE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    REQUEST_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    ALERT_FIELD_NUMBER: _ClassVar[int]
    DENIED_ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    GENERIC_FIELD_NUMBER: _ClassVar[int]
    EXTENSION_FIELD_NUMBER: _ClassVar[int]
    person: Person
    identity_verification: IdentityVerification
    platform_staff: PlatformStaff
    contract: Contract
    contract_document: ContractDocument
    signatory: Signatory
    signing_task: SigningTask
    task_operator: TaskOperator
    task_seal: TaskSeal
    internal_review: InternalReview
    party_consent: PartyConsent
    seal_use: SealUse
    counted_request: CountedRequest
    use_photo: UsePhoto
    stamp_report: StampReport
    enterprise: Enterprise
    registry_snapshot: RegistrySnapshot
    department: Department
    custom_role: CustomRole
    custom_role_power: CustomRolePower
    working_hours: WorkingHours
    holiday: Holiday
    membership: Membership
    role_assignment: RoleAssignment
    absence: Absence
    invitation: Invitation
    join_application: JoinApplication
    monitor_subscription: MonitorSubscription
    approval_process: ApprovalProcess
    process_step: ProcessStep
    step_approver: StepApprover
    amount_band: AmountBand
    business_category: BusinessCategory
    category_seal: CategorySeal
    category_permission: CategoryPermission
    board_resolution: BoardResolution
    rule_change: RuleChange
    retrieval_case: RetrievalCase
    enterprise_authentication: EnterpriseAuthentication
    retrieval_review: RetrievalReview
    objection: Objection
    retrieval_appeal: RetrievalAppeal
    notice_delivery: NoticeDelivery
    certificate: Certificate
    device: Device
    seal: Seal
    seal_hold: SealHold
    seal_grant: SealGrant
    grant_contract_type: GrantContractType
    grant_template: GrantTemplate
    emergency_use: EmergencyUse
    open_grant: OpenGrant
    open_grant_template: OpenGrantTemplate
    cross_enterprise_grant: CrossEnterpriseGrant
    cross_grant_contract_type: CrossGrantContractType
    holder_assignment: HolderAssignment
    auth_letter: AuthLetter
    delegation: Delegation
    delegation_contract_type: DelegationContractType
    seal_review: SealReview
    seal_proposal: SealProposal
    seal_witness: SealWitness
    seal_outing: SealOuting
    intent_batch: IntentBatch
    intent_batch_item: IntentBatchItem
    seal_use_request: SealUseRequest
    request_document: RequestDocument
    approval: Approval
    alert: Alert
    denied_attempt: DeniedAttempt
    generic: GenericRecord
    extension: _containers.MessageMap[str, FieldValue]
    def __init__(self, person: _Optional[_Union[Person, _Mapping]] = ..., identity_verification: _Optional[_Union[IdentityVerification, _Mapping]] = ..., platform_staff: _Optional[_Union[PlatformStaff, _Mapping]] = ..., contract: _Optional[_Union[Contract, _Mapping]] = ..., contract_document: _Optional[_Union[ContractDocument, _Mapping]] = ..., signatory: _Optional[_Union[Signatory, _Mapping]] = ..., signing_task: _Optional[_Union[SigningTask, _Mapping]] = ..., task_operator: _Optional[_Union[TaskOperator, _Mapping]] = ..., task_seal: _Optional[_Union[TaskSeal, _Mapping]] = ..., internal_review: _Optional[_Union[InternalReview, _Mapping]] = ..., party_consent: _Optional[_Union[PartyConsent, _Mapping]] = ..., seal_use: _Optional[_Union[SealUse, _Mapping]] = ..., counted_request: _Optional[_Union[CountedRequest, _Mapping]] = ..., use_photo: _Optional[_Union[UsePhoto, _Mapping]] = ..., stamp_report: _Optional[_Union[StampReport, _Mapping]] = ..., enterprise: _Optional[_Union[Enterprise, _Mapping]] = ..., registry_snapshot: _Optional[_Union[RegistrySnapshot, _Mapping]] = ..., department: _Optional[_Union[Department, _Mapping]] = ..., custom_role: _Optional[_Union[CustomRole, _Mapping]] = ..., custom_role_power: _Optional[_Union[CustomRolePower, _Mapping]] = ..., working_hours: _Optional[_Union[WorkingHours, _Mapping]] = ..., holiday: _Optional[_Union[Holiday, _Mapping]] = ..., membership: _Optional[_Union[Membership, _Mapping]] = ..., role_assignment: _Optional[_Union[RoleAssignment, _Mapping]] = ..., absence: _Optional[_Union[Absence, _Mapping]] = ..., invitation: _Optional[_Union[Invitation, _Mapping]] = ..., join_application: _Optional[_Union[JoinApplication, _Mapping]] = ..., monitor_subscription: _Optional[_Union[MonitorSubscription, _Mapping]] = ..., approval_process: _Optional[_Union[ApprovalProcess, _Mapping]] = ..., process_step: _Optional[_Union[ProcessStep, _Mapping]] = ..., step_approver: _Optional[_Union[StepApprover, _Mapping]] = ..., amount_band: _Optional[_Union[AmountBand, _Mapping]] = ..., business_category: _Optional[_Union[BusinessCategory, _Mapping]] = ..., category_seal: _Optional[_Union[CategorySeal, _Mapping]] = ..., category_permission: _Optional[_Union[CategoryPermission, _Mapping]] = ..., board_resolution: _Optional[_Union[BoardResolution, _Mapping]] = ..., rule_change: _Optional[_Union[RuleChange, _Mapping]] = ..., retrieval_case: _Optional[_Union[RetrievalCase, _Mapping]] = ..., enterprise_authentication: _Optional[_Union[EnterpriseAuthentication, _Mapping]] = ..., retrieval_review: _Optional[_Union[RetrievalReview, _Mapping]] = ..., objection: _Optional[_Union[Objection, _Mapping]] = ..., retrieval_appeal: _Optional[_Union[RetrievalAppeal, _Mapping]] = ..., notice_delivery: _Optional[_Union[NoticeDelivery, _Mapping]] = ..., certificate: _Optional[_Union[Certificate, _Mapping]] = ..., device: _Optional[_Union[Device, _Mapping]] = ..., seal: _Optional[_Union[Seal, _Mapping]] = ..., seal_hold: _Optional[_Union[SealHold, _Mapping]] = ..., seal_grant: _Optional[_Union[SealGrant, _Mapping]] = ..., grant_contract_type: _Optional[_Union[GrantContractType, _Mapping]] = ..., grant_template: _Optional[_Union[GrantTemplate, _Mapping]] = ..., emergency_use: _Optional[_Union[EmergencyUse, _Mapping]] = ..., open_grant: _Optional[_Union[OpenGrant, _Mapping]] = ..., open_grant_template: _Optional[_Union[OpenGrantTemplate, _Mapping]] = ..., cross_enterprise_grant: _Optional[_Union[CrossEnterpriseGrant, _Mapping]] = ..., cross_grant_contract_type: _Optional[_Union[CrossGrantContractType, _Mapping]] = ..., holder_assignment: _Optional[_Union[HolderAssignment, _Mapping]] = ..., auth_letter: _Optional[_Union[AuthLetter, _Mapping]] = ..., delegation: _Optional[_Union[Delegation, _Mapping]] = ..., delegation_contract_type: _Optional[_Union[DelegationContractType, _Mapping]] = ..., seal_review: _Optional[_Union[SealReview, _Mapping]] = ..., seal_proposal: _Optional[_Union[SealProposal, _Mapping]] = ..., seal_witness: _Optional[_Union[SealWitness, _Mapping]] = ..., seal_outing: _Optional[_Union[SealOuting, _Mapping]] = ..., intent_batch: _Optional[_Union[IntentBatch, _Mapping]] = ..., intent_batch_item: _Optional[_Union[IntentBatchItem, _Mapping]] = ..., seal_use_request: _Optional[_Union[SealUseRequest, _Mapping]] = ..., request_document: _Optional[_Union[RequestDocument, _Mapping]] = ..., approval: _Optional[_Union[Approval, _Mapping]] = ..., alert: _Optional[_Union[Alert, _Mapping]] = ..., denied_attempt: _Optional[_Union[DeniedAttempt, _Mapping]] = ..., generic: _Optional[_Union[GenericRecord, _Mapping]] = ..., extension: _Optional[_Mapping[str, FieldValue]] = ...) -> None: ...
