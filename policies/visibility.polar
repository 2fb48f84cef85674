# Who may know that a thing exists, and who has standing to be told more than the gate reasons.
#
# What is invisible to a person is answered exactly like what does not exist. An enterprise is public, and so is an
# invitation to everybody who knows its id; everything else is seen by those who have to do with it.

actor Person {}

# Connected to an enterprise are its members, suspended or not, its legal representative, and those with an open task,
# application, invitation or retrieval case of their own. What is over connects no more.
is_connected_to(person: Person, enterprise: Enterprise, context) if is_colleague(person, enterprise, context);
is_connected_to(person: Person, enterprise: Enterprise, context) if is_applicant(person, enterprise, context);
is_connected_to(person: Person, enterprise: Enterprise, context) if
  invitation in enterprise.invitations and
  invitation.target_id = person.id and
  is_confirmed_invitation(invitation, context) and
  is_open_invitation(invitation, context);
is_connected_to(person: Person, enterprise: Enterprise, context) if is_retrieving(person, enterprise, context);
is_connected_to(person: Person, enterprise: Enterprise, context) if has_open_sent_task(person, enterprise, context);

is_colleague(person: Person, enterprise: Enterprise, context) if is_member(person, enterprise, context);
is_colleague(person: Person, enterprise: Enterprise, context) if suspended(person, enterprise, context);
is_colleague(person: Person, enterprise: Enterprise, _) if legal_representative(person, enterprise);

visible(_: Person, _: Enterprise, _);
visible(_: Person, _: Invitation, _);
visible(person: Person, seal: Seal, context) if is_connected_to(person, seal.enterprise, context);
# What the platform or a court holds, the platform's risk staff hold wherever it is.
visible(person: Person, _: Seal, _: HoldContext) if is_risk_staff(person);
visible(person: Person, seal: Seal, context: SealUseContext) if
  holder in context.holders and
  is_colleague(person, holder, context) and
  grant in seal.cross_grants and
  grant.holder_id = holder.id and
  grant.state in ["PENDING_EFFECT", "ACTIVE", "EXHAUSTED", "EXPIRED"];
visible(person: Person, grant: SealGrant, context) if is_colleague(person, grant.seal.enterprise, context);
visible(person: Person, grant: OpenGrant, context) if is_colleague(person, grant.seal.enterprise, context);
visible(person: Person, grant: CrossEnterpriseGrant, context) if is_colleague(person, grant.seal.enterprise, context);
visible(person: Person, _: CrossEnterpriseGrant, context: HolderContext) if
  holder = context.holder and
  holder matches Enterprise and
  is_colleague(person, holder, context);
visible(person: Person, _: CrossEnterpriseGrant, context: GrantEndContext) if
  holder = context.holder and
  holder matches Enterprise and
  is_colleague(person, holder, context);
visible(person: Person, resolution: BoardResolution, context) if is_colleague(person, resolution.enterprise, context);
visible(person: Person, change: RuleChange, context) if is_colleague(person, change.enterprise, context);
visible(person: Person, process: ApprovalProcess, context) if is_colleague(person, process.enterprise, context);
visible(person: Person, use: EmergencyUse, context) if is_colleague(person, use.grant.seal.enterprise, context);
visible(person: Person, proposal: SealProposal, context) if is_colleague(person, proposal.seal.enterprise, context);
visible(person: Person, outing: SealOuting, context) if is_colleague(person, outing.seal.enterprise, context);
visible(person: Person, letter: AuthLetter, context) if is_colleague(person, letter.seal.enterprise, context);
visible(person: Person, hold: SealHold, context) if is_colleague(person, hold.seal.enterprise, context);
visible(person: Person, _: SealHold, _) if is_risk_staff(person);
visible(person: Person, review: SealReview, context) if is_colleague(person, review.seal.enterprise, context);
visible(person: Person, _: SealReview, _) if is_reviewer(person);
visible(person: Person, request: SealUseRequest, context) if is_colleague(person, request.seal.enterprise, context);
visible(person: Person, delegation: Delegation, context) if
  is_colleague(person, delegation.principal.enterprise, context);
visible(person: Person, category: BusinessCategory, context) if is_colleague(person, category.enterprise, context);
visible(person: Person, subscription: MonitorSubscription, context) if
  is_colleague(person, subscription.enterprise, context);
visible(person: Person, contract: Contract, _) if contract.initiated_by_id = person.id;
visible(person: Person, _: Contract, context: ContractContext) if
  is_colleague(person, context.enterprise, context);
# The other parties see it once it was sent, and not what was deleted: neither the contract, nor their places and tasks.
#@ C-11
visible(person: Person, contract: Contract, context: ContractContext) if
  is_sent(contract) and
  party in context.own_parties and
  is_colleague(person, party, context);
visible(person: Person, contract: Contract, _) if
  is_sent(contract) and
  party in contract.signatories and
  party.person_id = person.id;
visible(person: Person, contract: Contract, _) if
  is_sent(contract) and
  holds_task_of(person, contract);
# What a party says, its own people see, and the person who is a party or named by it.
visible(person: Person, party: Signatory, context) if is_seen_party(person, party, context);
visible(person: Person, consent: PartyConsent, context) if is_seen_party(person, consent.signatory, context);
visible(person: Person, review: InternalReview, context) if is_seen_party(person, review.signatory, context);
visible(person: Person, use: SealUse, _) if use.person_id = person.id;
visible(person: Person, _: SealUse, context: UseRecordContext) if
  is_colleague(person, context.seal.enterprise, context);
visible(person: Person, _: SealUse, context: UseRecordContext) if
  holder = context.holder and
  holder matches Enterprise and
  is_colleague(person, holder, context);
visible(person: Person, application: JoinApplication, _) if application.person_id = person.id;
visible(person: Person, application: JoinApplication, context) if is_colleague(person, application.enterprise, context);
visible(person: Person, membership: Membership, _) if membership.person_id = person.id;
visible(person: Person, membership: Membership, context) if is_colleague(person, membership.enterprise, context);
visible(person: Person, assignment: RoleAssignment, context) if
  is_colleague(person, assignment.membership.enterprise, context);
visible(person: Person, task: SigningTask, _) if
  is_there(task.signatory) and
  is_named_in_task(person.id, task);
visible(person: Person, task: SigningTask, _) if
  is_there(task.signatory) and
  task.signatory.person_id = person.id;
visible(person: Person, task: SigningTask, context) if
  is_there(task.signatory) and
  task.signatory.kind = "ENTERPRISE" and
  is_colleague(person, context.enterprise, context);
# A case is seen by its applicant and by those who run the enterprise or its seals …
#@ R-16
visible(person: Person, case: RetrievalCase, _) if case.applicant_id = person.id;
visible(person: Person, case: RetrievalCase, context) if is_administrator(person, case.enterprise, context);
visible(person: Person, case: RetrievalCase, context) if may_manage_seals(person, case.enterprise, context);
# … and those who were only suspended from that, for they may object.
#@ R-09
visible(person: Person, case: RetrievalCase, context) if is_suspended_officer(person, case.enterprise, context);
# … by the reviewers …
#@ R-16
visible(person: Person, _: RetrievalCase, _) if is_reviewer(person);
# … and by those who lost the enterprise by it.
visible(person: Person, case: RetrievalCase, context) if was_replaced(person, case, context);

# A certification is seen by the person who gave it, and by the reviewers.
visible(person: Person, certification: EnterpriseAuthentication, _) if certification.applicant_id = person.id;
visible(person: Person, _: EnterpriseAuthentication, _) if is_reviewer(person);

is_seen_party(person: Person, party: Signatory, context) if
  is_there(party) and
  party_enterprise(party, context, enterprise) and
  is_colleague(person, enterprise, context);
is_seen_party(person: Person, party: Signatory, _) if
  is_there(party) and
  party.person_id matches String and
  party.person_id = person.id;

# The sender's own place is there while it drafts.
is_there(party: Signatory) if is_sent(party.contract);
is_there(party: Signatory) if
  party.enterprise_id matches String and
  party.enterprise_id = party.contract.initiator_id;

# Standing: those who see a thing have it, but for enterprises and invitations, which everybody sees.
has_standing(person: Person, enterprise: Enterprise, context) if is_connected_to(person, enterprise, context);
# A person who certified an enterprise that is still to be authenticated hears how far that is.
has_standing(person: Person, enterprise: Enterprise, _) if own_first_certification(person, enterprise, _);
has_standing(person: Person, invitation: Invitation, _) if invitation.target_id = person.id;
has_standing(person: Person, invitation: Invitation, _) if is_invited_phone(person, invitation);
has_standing(person: Person, invitation: Invitation, _) if is_inviter(person, invitation);
has_standing(_: Person, _: Seal, _);
has_standing(_: Person, _: SealGrant, _);
has_standing(_: Person, _: OpenGrant, _);
has_standing(_: Person, _: CrossEnterpriseGrant, _);
has_standing(_: Person, _: AuthLetter, _);
has_standing(_: Person, _: RuleChange, _);
has_standing(_: Person, _: ApprovalProcess, _);
has_standing(_: Person, _: EmergencyUse, _);
has_standing(_: Person, _: SealProposal, _);
has_standing(_: Person, _: BoardResolution, _);
has_standing(_: Person, _: SealOuting, _);
has_standing(_: Person, _: SealHold, _);
has_standing(_: Person, _: SealReview, _);
has_standing(_: Person, _: SealUseRequest, _);
has_standing(_: Person, _: Delegation, _);
has_standing(_: Person, _: BusinessCategory, _);
has_standing(_: Person, _: MonitorSubscription, _);
has_standing(_: Person, _: Contract, _);
has_standing(_: Person, _: SealUse, _);
has_standing(_: Person, _: Signatory, _);
has_standing(_: Person, _: PartyConsent, _);
has_standing(_: Person, _: InternalReview, _);
has_standing(_: Person, _: JoinApplication, _);
has_standing(_: Person, _: Membership, _);
has_standing(_: Person, _: RoleAssignment, _);
has_standing(_: Person, _: SigningTask, _);
has_standing(_: Person, _: RetrievalCase, _);
has_standing(_: Person, _: EnterpriseAuthentication, _);

# Who holds a task of a contract: its handler, or one of its operators.
holds_task_of(person: Person, contract: Contract) if
  party in contract.signatories and
  task in party.tasks and
  is_named_in_task(person.id, task);

is_risk_staff(person: Person) if
  post in person.staff_posts and
  post.duty = "RISK" and
  post.state = "ACTIVE";
