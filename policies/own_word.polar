# The person's own word: acts that rest on no check of who is there need the person's signed assertion.
#
# A platform asks in the name of a person whom we cannot see. A face check, or a phone that the carrier matched, shows them;
# it is used up with the act. Every other act that changes something needs an assertion of that very act, signed by the
# issuer of the person's identity (docs/operations.md), so that a platform alone cannot act for anybody. It needs none
# where no person is there: an automatic use rests on its grant, and the sealing engine says what it does with its own
# hands. Nor does who only looks.

# A-15: An act that uses up no face check of the person needs their own signed assertion of exactly this act, once, within a
# minute. An automatic use, and what a sealing engine does and reports, need none.
#@ A-15
obligation(_: Person, ["accept", "revoke"], _: Delegation, _, "CONSUME_ASSERTION");
obligation(_: Person, ["accept", "confirm_invitee"], _: Invitation, _, "CONSUME_ASSERTION");
obligation(
  _: Person, ["approve_join", "reject_join", "remind", "withdraw"], _: JoinApplication, _, "CONSUME_ASSERTION");
obligation(_: Person, [
  "certify", "change_name", "claim_admin_gone", "create_seal", "invite", "join", "propose_rule_change",
  "record_resolution",
  "retrieve", "subscribe"
], _: Enterprise, _, "CONSUME_ASSERTION");
obligation(_: Person, ["decide", "withdraw"], _: EnterpriseAuthentication, _, "CONSUME_ASSERTION");
obligation(_: Person, [
  "delegate", "end", "record_absence", "reinstate", "resign", "suspend"
], _: Membership, _, "CONSUME_ASSERTION");
obligation(_: Person, "revoke", _: RoleAssignment, _, "CONSUME_ASSERTION");
obligation(_: Person, "end", _: MonitorSubscription, _, "CONSUME_ASSERTION");
obligation(_: Person, ["confirm_change", "withdraw"], _: RuleChange, _, "CONSUME_ASSERTION");
obligation(_: Person, ["countersign", "withdraw"], _: BoardResolution, _, "CONSUME_ASSERTION");

# Seals, what stops them, and rights to them.
obligation(_: Person, [
  "assign_custodian", "collect", "destroy", "disable", "edit", "enable", "freeze", "grant", "place_hold", "propose_end",
  "report_lost", "request_use", "revoke", "submit_review"
], _: Seal, _, "CONSUME_ASSERTION");
obligation(_: Person, ["lift", "propose_lift"], _: SealHold, _, "CONSUME_ASSERTION");
obligation(_: Person, "examine", _: SealReview, _, "CONSUME_ASSERTION");
obligation(_: Person, ["witness", "withdraw"], _: SealProposal, _, "CONSUME_ASSERTION");
obligation(_: Person, "record_return", _: SealOuting, _, "CONSUME_ASSERTION");
obligation(_: Person, ["deliver_letter", "extend", "revoke"], _: SealGrant, _, "CONSUME_ASSERTION");
obligation(_: Person, ["deliver_letter", "revoke"], _: OpenGrant, _, "CONSUME_ASSERTION");
obligation(_: Person, [
  "assign", "confirm", "deliver_letter", "revoke", "unassign"
], _: CrossEnterpriseGrant, _, "CONSUME_ASSERTION");
obligation(_: Person, ["verify", "withdraw"], _: AuthLetter, _, "CONSUME_ASSERTION");
obligation(_: Person, ["approve", "deliver_photos", "reject", "withdraw"], _: SealUseRequest, _, "CONSUME_ASSERTION");
obligation(_: Person, "approve_afterwards", _: EmergencyUse, _, "CONSUME_ASSERTION");

# Contracts.
obligation(_: Person, ["approve", "refuse", "transfer"], _: SigningTask, _, "CONSUME_ASSERTION");
obligation(_: Person, ["recall", "terminate"], _: Contract, _, "CONSUME_ASSERTION");
obligation(_: Person, [
  "agree_to_termination", "permit_double_agency", "request_review"
], _: Signatory, _, "CONSUME_ASSERTION");
obligation(_: Person, "decide", _: InternalReview, _, "CONSUME_ASSERTION");
obligation(_: Person, "withdraw", _: PartyConsent, _, "CONSUME_ASSERTION");

# Retrieval, the platform's own staff included.
obligation(_: Person, [
  "adjudicate", "certify", "decide_appeal", "publish_notice", "review", "withdraw"
], _: RetrievalCase, _, "CONSUME_ASSERTION");

# What uses up a face check only at times needs the word at all others: a seal that is used without one, a role below that of
# an administrator, what a signed letter confirms, and what another person had a part in.
obligation(person: Person, "use", seal: Seal, context, "CONSUME_ASSERTION") if
  waived("FRESH_FACE", "use", seal, context) and
  not acts_alone(person, seal.enterprise, context);
obligation(_: Person, "assign_role", _: Membership, context, "CONSUME_ASSERTION") if needs_no_face_check(context.role);
obligation(_: Person, "confirm", grant: SealGrant, context, "CONSUME_ASSERTION") if
  has_letter(grant, context.now, context);
obligation(_: Person, "confirm", grant: OpenGrant, context, "CONSUME_ASSERTION") if
  has_letter(grant, context.now, context);
obligation(person: Person, "decide", review: SealReview, context, "CONSUME_ASSERTION") if
  not decides_own_review(person, review, context);
obligation(person: Person, [
  "set_amount_bands", "set_working_hours", "set_holidays", "change_settings", "create_process", "create_category"
], enterprise: Enterprise, context, "CONSUME_ASSERTION") if
  not changes_alone(person, enterprise, context);
obligation(person: Person, "edit", process: ApprovalProcess, context, "CONSUME_ASSERTION") if
  not changes_alone(person, process.enterprise, context);
obligation(person: Person, "edit", category: BusinessCategory, context, "CONSUME_ASSERTION") if
  not changes_alone(person, category.enterprise, context);
