# The table of roles and permissions: who may, in principle, do what. It is coarse on purpose (it knows no time and no
# context); the checklists of the other files decide the rest, and nothing is allowed by this table alone.

resource Enterprise {
  roles = ["member", "administrator", "seal_administrator", "legal_representative"];
  permissions = [
    "join", "retrieve", "claim_admin_gone", "authenticate", "view_administrator", "invite", "create_seal",
    "transfer_admin", "change_name", "export", "monitor", "record_resolution",
    "propose_rule_change", "set_amount_bands", "set_working_hours", "set_holidays", "change_settings", "create_process",
    "create_category", "certify", "subscribe"];

  "invite" if "administrator";
  "invite" if "legal_representative";
  "create_seal" if "seal_administrator";
  "create_seal" if "legal_representative";
  "transfer_admin" if "administrator";
  "transfer_admin" if "legal_representative";
  "change_name" if "administrator";
  "change_name" if "legal_representative";
  "export" if "administrator";
  "export" if "legal_representative";
  "propose_rule_change" if "administrator";
  "propose_rule_change" if "legal_representative";
  "set_amount_bands" if "administrator";
  "set_amount_bands" if "legal_representative";
  "set_working_hours" if "administrator";
  "set_working_hours" if "legal_representative";
  "set_holidays" if "administrator";
  "set_holidays" if "legal_representative";
  "change_settings" if "administrator";
  "change_settings" if "legal_representative";
  "create_process" if "administrator";
  "create_process" if "legal_representative";
  "create_category" if "administrator";
  "create_category" if "legal_representative";
  "subscribe" if "administrator";
  "subscribe" if "legal_representative";
  "monitor" if "member";
  "monitor" if "legal_representative";
}

has_role(person: Person, "member", enterprise: Enterprise) if is_listed_member(person, enterprise);
has_role(person: Person, "administrator", enterprise: Enterprise) if is_assigned(person, enterprise, "SYSTEM_ADMIN");
has_role(person: Person, "seal_administrator", enterprise: Enterprise) if is_assigned(person, enterprise, "SEAL_ADMIN");
has_role(person: Person, "legal_representative", enterprise: Enterprise) if legal_representative(person, enterprise);

# Who is listed as a member, by the state alone: this table knows no time.
listed_membership(person: Person, enterprise: Enterprise, membership) if
  membership in enterprise.memberships and
  membership.person_id = person.id and
  membership.state = "ACTIVE";

is_listed_member(person: Person, enterprise: Enterprise) if listed_membership(person, enterprise, _);

is_listed(person: Person, enterprise: Enterprise) if
  is_listed_member(person, enterprise) or
  legal_representative(person, enterprise);

is_assigned(person: Person, enterprise: Enterprise, role) if
  listed_membership(person, enterprise, membership) and
  assignment in membership.assignments and
  assignment.role = role and
  assignment.state = "ACTIVE";

# What anybody may try; the checklists say who gets through.
has_permission(_: Person, "join", _: Enterprise);
has_permission(_: Person, "retrieve", _: Enterprise);
has_permission(_: Person, "claim_admin_gone", _: Enterprise);
has_permission(_: Person, "certify", _: Enterprise);
has_permission(_: Person, "authenticate", _: Enterprise);
has_permission(_: Person, "view_administrator", _: Enterprise);

# A role of the enterprise's own making may contain some of an administrator's powers, never that to give or take roles.
#@ M-07
has_permission(person: Person, "invite", enterprise: Enterprise) if is_assigned(person, enterprise, "CUSTOM");
has_permission(person: Person, "approve_join", application: JoinApplication) if
  is_assigned(person, application.enterprise, "CUSTOM");
has_permission(person: Person, "reject_join", application: JoinApplication) if
  is_assigned(person, application.enterprise, "CUSTOM");
has_permission(person: Person, "suspend", membership: Membership) if
  is_assigned(person, membership.enterprise, "CUSTOM");
has_permission(person: Person, "end", membership: Membership) if is_assigned(person, membership.enterprise, "CUSTOM");

resource Invitation {
  permissions = ["claim", "confirm_invitee", "accept"];
}

has_permission(person: Person, "claim", invitation: Invitation) if is_invited_phone(person, invitation);
has_permission(person: Person, "confirm_invitee", invitation: Invitation) if is_inviter(person, invitation);
has_permission(person: Person, "accept", invitation: Invitation) if invitation.target_id = person.id;

resource JoinApplication {
  permissions = ["approve_join", "reject_join", "remind", "withdraw", "view_progress"];
  relations = { enterprise: Enterprise };

  "approve_join" if "administrator" on "enterprise";
  "approve_join" if "legal_representative" on "enterprise";
  "reject_join" if "administrator" on "enterprise";
  "reject_join" if "legal_representative" on "enterprise";
}

has_relation(enterprise: Enterprise, "enterprise", application: JoinApplication) if enterprise = application.enterprise;
has_permission(person: Person, "remind", application: JoinApplication) if application.person_id = person.id;
has_permission(person: Person, "withdraw", application: JoinApplication) if application.person_id = person.id;

resource Membership {
  permissions = ["assign_role", "suspend", "end", "resign", "view_history", "reinstate", "delegate"];
  relations = { enterprise: Enterprise };

  "assign_role" if "administrator" on "enterprise";
  "assign_role" if "legal_representative" on "enterprise";
  "suspend" if "administrator" on "enterprise";
  "suspend" if "legal_representative" on "enterprise";
  "end" if "administrator" on "enterprise";
  "end" if "legal_representative" on "enterprise";
  "reinstate" if "administrator" on "enterprise";
  "reinstate" if "legal_representative" on "enterprise";
}

has_relation(enterprise: Enterprise, "enterprise", membership: Membership) if enterprise = membership.enterprise;
has_permission(person: Person, "resign", membership: Membership) if membership.person_id = person.id;
has_permission(person: Person, "view_history", membership: Membership) if membership.person_id = person.id;
has_permission(person: Person, "delegate", membership: Membership) if membership.person_id = person.id;

resource RoleAssignment {
  permissions = ["revoke"];
  relations = { enterprise: Enterprise };

  "revoke" if "administrator" on "enterprise";
  "revoke" if "legal_representative" on "enterprise";
}

has_relation(enterprise: Enterprise, "enterprise", assignment: RoleAssignment) if
  enterprise = assignment.membership.enterprise;

# S-03: managing a seal does not include using it: a seal administrator is not among those who use.
resource Seal {
  permissions = [
    "view", "edit", "disable", "enable", "revoke", "grant", "request_use", "use",
    "submit_review", "freeze", "report_lost", "report_found", "propose_end", "destroy", "assign_custodian",
    "auto_use", "stamp", "carry_out", "emergency_use", "view_log", "view_attempts", "collect", "place_hold"];
  relations = { owner: Enterprise };

  "edit" if "seal_administrator" on "owner";
  "disable" if "seal_administrator" on "owner";
  "enable" if "seal_administrator" on "owner";
  "revoke" if "seal_administrator" on "owner";
  "grant" if "seal_administrator" on "owner";
  "edit" if "legal_representative" on "owner";
  "disable" if "legal_representative" on "owner";
  "enable" if "legal_representative" on "owner";
  "revoke" if "legal_representative" on "owner";
  "grant" if "legal_representative" on "owner";

  "view" if "member" on "owner";
  "view" if "legal_representative" on "owner";
  "request_use" if "member" on "owner";
  "request_use" if "legal_representative" on "owner";
  "use" if "member" on "owner";
  "use" if "legal_representative" on "owner";
  "stamp" if "member" on "owner";
  "carry_out" if "member" on "owner";
}

has_relation(enterprise: Enterprise, "owner", seal: Seal) if enterprise = seal.enterprise;

# What is done to a seal by those who run it.
has_permission(person: Person, "submit_review", seal: Seal) if is_seal_officer(person, seal.enterprise);
has_permission(person: Person, "report_found", seal: Seal) if is_seal_officer(person, seal.enterprise);
has_permission(person: Person, "propose_end", seal: Seal) if is_seal_officer(person, seal.enterprise);
has_permission(person: Person, "destroy", seal: Seal) if is_seal_officer(person, seal.enterprise);
has_permission(person: Person, "assign_custodian", seal: Seal) if is_seal_officer(person, seal.enterprise);
has_permission(person: Person, "collect", seal: Seal) if is_seal_officer(person, seal.enterprise);
has_permission(person: Person, "place_hold", _: Seal) if is_risk_staff(person);
# A grant may give the daily care of a seal, and the right to pass its use on.
has_permission(person: Person, "edit", seal: Seal) if is_granted_care(person, seal);
has_permission(person: Person, "submit_review", seal: Seal) if is_granted_care(person, seal);
has_permission(person: Person, "disable", seal: Seal) if is_granted_care(person, seal);
has_permission(person: Person, "assign_custodian", seal: Seal) if is_granted_care(person, seal);
has_permission(person: Person, "collect", seal: Seal) if is_granted_care(person, seal);
has_permission(person: Person, "grant", seal: Seal) if
  grant in seal.grants and
  grant.may_subgrant = true and
  grant.state = "ACTIVE" and
  grant.membership.person_id = person.id;

is_granted_care(person: Person, seal: Seal) if
  grant in seal.grants and
  grant.right = "MANAGE" and
  grant.state = "ACTIVE" and
  grant.membership.person_id = person.id;

# Who keeps, uses or runs a seal may stop it; the checklist says who that is.
has_permission(person: Person, "freeze", seal: Seal) if is_listed(person, seal.enterprise);
has_permission(person: Person, "report_lost", seal: Seal) if is_listed(person, seal.enterprise);

is_seal_officer(person: Person, enterprise: Enterprise) if is_assigned(person, enterprise, "SEAL_ADMIN");
is_seal_officer(person: Person, enterprise: Enterprise) if legal_representative(person, enterprise);
# A seal that is granted to another enterprise is used by that one's members too.
has_permission(person: Person, "use", seal: Seal) if
  grant in seal.cross_grants and
  grant.state = "ACTIVE" and
  membership in person.memberships and
  membership.enterprise_id = grant.holder_id and
  membership.state = "ACTIVE";

# Automatic sealing and emergency use: by those to whom the owner granted it.
has_permission(person: Person, "auto_use", seal: Seal) if is_listed_member(person, seal.enterprise);
has_permission(person: Person, "emergency_use", seal: Seal) if is_listed_member(person, seal.enterprise);

resource SealGrant {
  permissions = ["confirm", "revoke", "extend", "deliver_letter"];
  relations = { owner: Enterprise };

  "confirm" if "seal_administrator" on "owner";
  "confirm" if "legal_representative" on "owner";
}

has_relation(enterprise: Enterprise, "owner", grant: SealGrant) if enterprise = grant.seal.enterprise;

has_permission(person: Person, "deliver_letter", grant: SealGrant) if is_seal_officer(person, grant.seal.enterprise);
has_permission(person: Person, "deliver_letter", grant: SealGrant) if grant.grantor.membership.person_id = person.id;
has_permission(person: Person, "extend", grant: SealGrant) if is_seal_officer(person, grant.seal.enterprise);
# A person who passes their right on confirms that, and a grantor takes their grant back.
has_permission(person: Person, "confirm", grant: SealGrant) if grant.grantor.membership.person_id = person.id;
has_permission(person: Person, "revoke", grant: SealGrant) if is_seal_officer(person, grant.seal.enterprise);
has_permission(person: Person, "revoke", grant: SealGrant) if grant.grantor.membership.person_id = person.id;
has_permission(person: Person, "revoke", grant: SealGrant) if
  is_assigned(person, grant.seal.enterprise, "SYSTEM_ADMIN");

resource SigningTask {
  permissions = ["open", "sign", "approve", "transfer", "view_progress"];
}

has_permission(_: Person, "open", _: SigningTask);
has_permission(person: Person, "sign", task: SigningTask) if is_named_person(person, task);
has_permission(person: Person, "approve", task: SigningTask) if is_named_approver(person, task);
has_permission(_: Person, "transfer", _: SigningTask);

resource RetrievalCase {
  permissions = [
    "answer_claim", "certify", "submit", "review", "publish_notice", "object", "execute", "view_progress", "withdraw",
    "adjudicate",
    "appeal", "decide_appeal"];
}

has_permission(person: Person, "certify", case: RetrievalCase) if case.applicant_id = person.id;
has_permission(person: Person, "publish_notice", _: RetrievalCase) if is_reviewer(person);
has_permission(person: Person, "submit", case: RetrievalCase) if case.applicant_id = person.id;
has_permission(person: Person, "execute", case: RetrievalCase) if case.applicant_id = person.id;
has_permission(person: Person, "review", _: RetrievalCase) if is_reviewer(person);
has_permission(_: Person, "object", _: RetrievalCase);
has_permission(person: Person, "answer_claim", case: RetrievalCase) if
  is_assigned(person, case.enterprise, "SYSTEM_ADMIN");
has_permission(_: Person, "view_progress", _: RetrievalCase);
has_permission(person: Person, "withdraw", case: RetrievalCase) if case.applicant_id = person.id;
has_permission(person: Person, "adjudicate", _: RetrievalCase) if is_reviewer(person);
has_permission(person: Person, "decide_appeal", _: RetrievalCase) if is_reviewer(person);
has_permission(_: Person, "appeal", _: RetrievalCase);

resource EnterpriseAuthentication {
  permissions = ["decide", "withdraw"];
}

has_permission(person: Person, "decide", _: EnterpriseAuthentication) if is_reviewer(person);
has_permission(person: Person, "withdraw", certification: EnterpriseAuthentication) if
  certification.applicant_id = person.id;

resource SealReview {
  permissions = ["decide", "examine"];
}

has_permission(person: Person, "decide", review: SealReview) if is_seal_officer(person, review.seal.enterprise);
has_permission(person: Person, "examine", _: SealReview) if is_reviewer(person);

resource SealHold {
  permissions = ["release", "lift", "propose_lift"];
}

has_permission(person: Person, "release", hold: SealHold) if is_seal_officer(person, hold.seal.enterprise);
has_permission(person: Person, "release", hold: SealHold) if is_assigned(person, hold.seal.enterprise, "SYSTEM_ADMIN");
has_permission(person: Person, "lift", _: SealHold) if is_risk_staff(person);
has_permission(person: Person, "propose_lift", _: SealHold) if is_risk_staff(person);

resource OpenGrant {
  permissions = ["confirm", "revoke", "deliver_letter"];
}

has_permission(person: Person, "deliver_letter", grant: OpenGrant) if is_seal_officer(person, grant.seal.enterprise);
has_permission(person: Person, "confirm", grant: OpenGrant) if is_seal_officer(person, grant.seal.enterprise);
has_permission(person: Person, "revoke", grant: OpenGrant) if is_seal_officer(person, grant.seal.enterprise);
has_permission(person: Person, "revoke", grant: OpenGrant) if grant.grantor.membership.person_id = person.id;

resource CrossEnterpriseGrant {
  permissions = ["confirm", "revoke", "assign", "unassign", "deliver_letter"];
}

has_permission(person: Person, "deliver_letter", grant: CrossEnterpriseGrant) if
  is_seal_officer(person, grant.seal.enterprise);
has_permission(person: Person, "confirm", grant: CrossEnterpriseGrant) if
  is_seal_officer(person, grant.seal.enterprise);
# Both sides may end it, and the holder names its members; which enterprise that is, only the checklist knows.
has_permission(_: Person, "revoke", _: CrossEnterpriseGrant);
has_permission(_: Person, "assign", _: CrossEnterpriseGrant);
has_permission(_: Person, "unassign", _: CrossEnterpriseGrant);

# Who runs an enterprise's contracts, the checklist says.
has_permission(person: Person, "record_resolution", enterprise: Enterprise) if is_listed(person, enterprise);

resource BoardResolution {
  permissions = ["countersign", "withdraw"];
}

has_permission(person: Person, "countersign", resolution: BoardResolution) if is_listed(person, resolution.enterprise);
has_permission(person: Person, "withdraw", resolution: BoardResolution) if is_listed(person, resolution.enterprise);

resource AuthLetter {
  permissions = ["verify", "withdraw"];
}

has_permission(person: Person, "verify", letter: AuthLetter) if is_seal_officer(person, letter.seal.enterprise);
has_permission(person: Person, "verify", letter: AuthLetter) if
  is_assigned(person, letter.seal.enterprise, "SYSTEM_ADMIN");
has_permission(person: Person, "withdraw", letter: AuthLetter) if is_seal_officer(person, letter.seal.enterprise);
has_permission(person: Person, "withdraw", letter: AuthLetter) if letter.delivered_by_id = person.id;

resource Delegation {
  permissions = ["accept", "revoke"];
}

has_permission(person: Person, "accept", delegation: Delegation) if delegation.delegate.person_id = person.id;
has_permission(person: Person, "revoke", delegation: Delegation) if is_listed(person, delegation.principal.enterprise);

resource SealUseRequest {
  permissions = ["approve", "reject", "withdraw", "view_progress", "deliver_photos"];
}

has_permission(person: Person, "approve", request: SealUseRequest) if is_listed_member(person, request.seal.enterprise);
has_permission(person: Person, "reject", request: SealUseRequest) if is_listed_member(person, request.seal.enterprise);
has_permission(person: Person, "withdraw", request: SealUseRequest) if request.applicant.person_id = person.id;
has_permission(person: Person, "deliver_photos", request: SealUseRequest) if request.applicant.person_id = person.id;

resource BusinessCategory {
  permissions = ["initiate", "edit"];
}

has_permission(person: Person, "edit", category: BusinessCategory) if is_listed(person, category.enterprise);

resource ApprovalProcess {
  permissions = ["edit"];
}

has_permission(person: Person, "edit", process: ApprovalProcess) if is_listed(person, process.enterprise);

resource RuleChange {
  permissions = ["confirm_change", "withdraw"];
}

has_permission(person: Person, "confirm_change", change: RuleChange) if is_listed(person, change.enterprise);
has_permission(person: Person, "withdraw", change: RuleChange) if is_listed(person, change.enterprise);

resource EmergencyUse {
  permissions = ["approve_afterwards"];
}

has_permission(person: Person, "approve_afterwards", use: EmergencyUse) if is_listed(person, use.grant.seal.enterprise);

resource SealProposal {
  permissions = ["witness", "withdraw"];
}

has_permission(person: Person, "witness", proposal: SealProposal) if is_listed(person, proposal.seal.enterprise);
has_permission(person: Person, "withdraw", proposal: SealProposal) if is_listed(person, proposal.seal.enterprise);

has_permission(person: Person, "initiate", category: BusinessCategory) if is_listed_member(person, category.enterprise);

resource Contract {
  permissions = ["view", "download", "print", "recall", "terminate"];
}

has_permission(_: Person, "view", _: Contract);
has_permission(_: Person, "download", _: Contract);
has_permission(_: Person, "print", _: Contract);
has_permission(_: Person, "recall", _: Contract);
has_permission(_: Person, "terminate", _: Contract);

# Which party a person may speak for, only the checklist knows.
resource Signatory {
  permissions = ["permit_double_agency", "agree_to_termination", "request_review"];
}

has_permission(_: Person, "permit_double_agency", _: Signatory);
has_permission(_: Person, "agree_to_termination", _: Signatory);
has_permission(_: Person, "request_review", _: Signatory);

resource PartyConsent {
  permissions = ["withdraw"];
}

has_permission(_: Person, "withdraw", _: PartyConsent);

resource InternalReview {
  permissions = ["decide"];
}

has_permission(_: Person, "decide", _: InternalReview);

resource SealUse {
  permissions = ["view"];
}

has_permission(_: Person, "view", _: SealUse);

resource MonitorSubscription {
  permissions = ["end"];
}

has_permission(person: Person, "end", subscription: MonitorSubscription) if is_listed(person, subscription.enterprise);
has_permission(person: Person, "view_log", seal: Seal) if is_listed(person, seal.enterprise);
has_permission(person: Person, "view_attempts", seal: Seal) if is_listed(person, seal.enterprise);
