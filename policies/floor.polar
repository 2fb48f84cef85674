# The floor. Product-owned: no other file may drop these requirements, meet them otherwise or waive them.
#
# Whatever a bundle adds, the account acts, the real name is verified, the enterprise is authenticated and operates, and
# the person belongs to it. Each action is in one group, which requires what applies to it; the rest of its checklist is
# in the file of its subject.

# --- what each sort of act requires ---------------------------------------------------------------------------------

# What a person does about themself alone.
group("OWN_AFFAIRS", _: JoinApplication, ["withdraw"]);
group("OWN_AFFAIRS", _: Membership, ["view_history"]);
group("OWN_AFFAIRS", _: RetrievalCase, ["withdraw"]);
group("OWN_AFFAIRS", _: EnterpriseAuthentication, ["withdraw"]);

# What persons do who need not belong to the enterprise: parties of a contract, the platform's staff, who founds it.
group("VERIFIED_PERSONS", _: Enterprise, ["certify", "authenticate", "view_administrator"]);
group("VERIFIED_PERSONS", _: EnterpriseAuthentication, ["decide"]);
group("VERIFIED_PERSONS", _: Seal, ["place_hold"]);
group("VERIFIED_PERSONS", _: SealReview, ["examine"]);
group("VERIFIED_PERSONS", _: SealHold, ["lift", "propose_lift"]);
group("VERIFIED_PERSONS", _: SealUse, ["view"]);
group("VERIFIED_PERSONS", _: Contract, ["view", "download", "print", "view_refusal"]);
group("VERIFIED_PERSONS", _: JoinApplication, ["view_progress"]);
group("VERIFIED_PERSONS", _: SealUseRequest, ["view_progress"]);
group("VERIFIED_PERSONS", _: SigningTask, ["view_progress"]);
group("VERIFIED_PERSONS", _: RetrievalCase, [
  "review", "publish_notice", "view_progress", "adjudicate", "decide_appeal"]);

# Taking an enterprise back, and objecting to that.
group("RETRIEVING", _: Enterprise, ["retrieve"]);
group("RETRIEVING", _: RetrievalCase, ["answer_claim", "certify", "submit", "object", "execute", "appeal"]);

# Becoming a member, and asking whether those who decide on that are still there.
group("JOINING", _: Enterprise, ["join", "claim_admin_gone"]);
group("JOINING", _: Invitation, ["claim", "accept"]);
group("JOINING", _: JoinApplication, ["remind"]);

# What only takes away or watches: it must be possible in an enterprise that is frozen or closed, too.
group("PROTECTING", _: Enterprise, ["monitor"]);
group("PROTECTING", _: Membership, ["resign"]);
group("PROTECTING", _: Seal, ["freeze", "report_lost", "view_log", "view_attempts"]);
group("PROTECTING", _: SealOuting, ["record_return"]);
group("PROTECTING", _: SealGrant, ["revoke"]);
group("PROTECTING", _: OpenGrant, ["revoke"]);
group("PROTECTING", _: CrossEnterpriseGrant, ["revoke", "unassign"]);
group("PROTECTING", _: Delegation, ["revoke"]);
group("PROTECTING", _: AuthLetter, ["withdraw"]);
group("PROTECTING", _: BoardResolution, ["withdraw"]);
group("PROTECTING", _: RuleChange, ["withdraw"]);
group("PROTECTING", _: SealProposal, ["withdraw"]);
group("PROTECTING", _: PartyConsent, ["withdraw"]);
group("PROTECTING", _: SealUseRequest, ["withdraw", "deliver_photos"]);
group("PROTECTING", _: MonitorSubscription, ["end"]);
group("PROTECTING", _: Alert, ["view", "acknowledge"]);

# All else: the business of members.
group("BUSINESS", _: Enterprise, [
  "invite", "create_seal", "transfer_admin", "change_name", "export", "record_resolution", "propose_rule_change",
  "set_amount_bands", "set_working_hours", "set_holidays", "change_settings", "create_process", "create_category",
  "subscribe"]);
group("BUSINESS", _: Invitation, ["confirm_invitee"]);
group("BUSINESS", _: JoinApplication, ["approve_join", "reject_join"]);
group("BUSINESS", _: Membership, ["assign_role", "suspend", "end", "reinstate", "record_absence", "delegate"]);
group("BUSINESS", _: RoleAssignment, ["revoke"]);
group("BUSINESS", _: Seal, [
  "view", "edit", "disable", "enable", "revoke", "grant", "request_use", "use", "submit_review", "report_found",
  "propose_end", "destroy", "assign_custodian", "collect", "auto_use", "stamp", "carry_out", "emergency_use"
]);
group("BUSINESS", _: SealUse, ["seal"]);
group("BUSINESS", _: SealReview, ["decide"]);
group("BUSINESS", _: SealHold, ["release"]);
group("BUSINESS", _: SealGrant, ["confirm", "extend", "deliver_letter"]);
group("BUSINESS", _: OpenGrant, ["confirm", "deliver_letter"]);
group("BUSINESS", _: CrossEnterpriseGrant, ["confirm", "assign", "deliver_letter"]);
group("BUSINESS", _: AuthLetter, ["verify"]);
group("BUSINESS", _: BoardResolution, ["countersign"]);
group("BUSINESS", _: Delegation, ["accept"]);
group("BUSINESS", _: SealUseRequest, ["approve", "reject"]);
group("BUSINESS", _: BusinessCategory, ["initiate", "edit"]);
group("BUSINESS", _: ApprovalProcess, ["edit"]);
group("BUSINESS", _: RuleChange, ["confirm_change"]);
group("BUSINESS", _: EmergencyUse, ["approve_afterwards"]);
group("BUSINESS", _: SealProposal, ["witness"]);
group("BUSINESS", _: Contract, ["recall", "terminate"]);
group("BUSINESS", _: SigningTask, ["open", "sign", "approve", "transfer", "refuse"]);
group("BUSINESS", _: Signatory, ["permit_double_agency", "agree_to_termination", "request_review"]);
group("BUSINESS", _: InternalReview, ["decide"]);

# What a sealing engine reports of the outside world: true whatever became of the person in the meantime.
group("REPORTING", _: SealUse, ["confirm_sealed", "report_not_sealed"]);

# What the service does by itself, in the name of the person whom it is about: to alert those who watch.
group("SERVICE", _: SealOuting, ["alert"]);
group("SERVICE", _: SealUse, ["alert"]);
group("SERVICE", _: DeniedAttempt, ["alert"]);

group_requires("SERVICE",
  ["SERVICE_ITSELF"]);
group_requires("REPORTING",
  ["SEALING_ENGINE"]);
group_requires("OWN_AFFAIRS",
  ["ACCOUNT_ACTIVE"]);
group_requires("VERIFIED_PERSONS",
  ["ACCOUNT_ACTIVE", "REALNAME_VERIFIED"]);
group_requires("RETRIEVING",
  ["ACCOUNT_ACTIVE", "REALNAME_VERIFIED", "ENTERPRISE_AUTHENTICATED"]);
group_requires("JOINING",
  ["ACCOUNT_ACTIVE", "REALNAME_VERIFIED", "ENTERPRISE_AUTHENTICATED", "ENTERPRISE_OPERATING"]);
group_requires("PROTECTING",
  ["ACCOUNT_ACTIVE", "REALNAME_VERIFIED", "ENTERPRISE_AUTHENTICATED", "MEMBER"]);
group_requires("BUSINESS",
  ["ACCOUNT_ACTIVE", "REALNAME_VERIFIED", "ENTERPRISE_AUTHENTICATED", "ENTERPRISE_OPERATING", "MEMBER"]);

exempt("PROTECTING", "resign", _: Membership, "REALNAME_VERIFIED", "Who may do nothing may still leave.");
exempt("PROTECTING", "resign", _: Membership, "ENTERPRISE_AUTHENTICATED", "An enterprise of any sort may be left.");
exempt("BUSINESS", "view", _: Seal, "ENTERPRISE_AUTHENTICATED", "To see a seal binds nobody; none can be used.");
exempt("PROTECTING", "withdraw", _: SealUseRequest, "ENTERPRISE_AUTHENTICATED", "Who takes it back asks for less.");

# --- what meets it --------------------------------------------------------------------------------------------------

authenticated(resource, context) if owner(resource, context, enterprise) and enterprise.auth_state = "AUTHENTICATED";
authenticated(task: SigningTask, _) if task.signatory.kind = "PERSON";
authenticated(resource, _) if is_of_person_party(resource);

operating(resource, context) if owner(resource, context, enterprise) and enterprise.operating_state = "ACTIVE";
operating(task: SigningTask, _) if task.signatory.kind = "PERSON";
operating(resource, _) if is_of_person_party(resource);

# What a person says as a party of a contract is no enterprise's.
is_of_person_party(party: Signatory) if party.kind = "PERSON";
is_of_person_party(consent: PartyConsent) if consent.signatory.kind = "PERSON";

belongs_to_owner(person: Person, resource, context) if
  owner(resource, context, enterprise) and
  belongs(person, enterprise, context);
belongs_to_owner(_: Person, task: SigningTask, _) if task.signatory.kind = "PERSON";
belongs_to_owner(_: Person, resource, _) if is_of_person_party(resource);
# An enterprise that holds another one's seal may give it back.
belongs_to_owner(person: Person, _: CrossEnterpriseGrant, context: GrantEndContext) if
  holder = context.holder and
  holder matches Enterprise and
  belongs(person, holder, context);

# The account acts: it is neither locked nor closed.
meets(person: Person, "ACCOUNT_ACTIVE", _, _, _) if person.account_state = "ACTIVE";

# M-03: A person verifies their real name before anything else.
#@ M-03
meets(person: Person, "REALNAME_VERIFIED", _, _, _) if person.realname_state = "VERIFIED";

# R-02: Only an enterprise that is authenticated, and not closed, can be retrieved.
# The same goes for its seals, and for most other acts.
#@ R-02 S-01
meets(_: Person, "ENTERPRISE_AUTHENTICATED", _, resource, context) if authenticated(resource, context);

# M-13: A suspended member, or a member of a frozen or closed enterprise, reads their own history and nothing else.
# Here: the enterprise operates.
#@ M-13
meets(_: Person, "ENTERPRISE_OPERATING", _, resource, context) if operating(resource, context);

# M-01: A person acts for an enterprise only as its active member, as its legal representative, or through a live grant
# across enterprises.
#@ M-01
meets(person: Person, "MEMBER", _, resource, context) if belongs_to_owner(person, resource, context);

# … or, only to use a seal, as a person whom an enterprise named that holds it by a grant of its owner.
#@ M-01 U-20 U-21
meets(person: Person, "MEMBER", "use", seal: Seal, context: SealUseContext) if is_holders_user(person, seal, context);
meets(person: Person, "MEMBER", "seal", _: SealUse, context: SealingContext) if
  is_holders_user(person, context.seal, context);

# U-25: What became of a reserved use, only the engine reports that its receipt is for. Nobody's account or membership is
# asked for: what happened has happened.
#@ U-25
meets(_: Person, "SEALING_ENGINE", "confirm_sealed", use: SealUse, context) if is_called_by_engine(use, context);
meets(_: Person, "SEALING_ENGINE", "report_not_sealed", use: SealUse, context) if is_called_by_engine(use, context);

is_called_by_engine(use: SealUse, context) if
  use.audience != "" and
  context.caller = use.audience;

# W-05: Only the service itself alerts, in its own process: no caller goes by this name.
#@ W-05
meets(_: Person, "SERVICE_ITSELF", "alert", _: SealOuting, context) if is_service(context);
meets(_: Person, "SERVICE_ITSELF", "alert", _: SealUse, context) if is_service(context);
meets(_: Person, "SERVICE_ITSELF", "alert", _: DeniedAttempt, context) if is_service(context);

is_service(context) if context.caller = "in-process";
