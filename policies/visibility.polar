# Who may know that a thing exists, and who has standing to be told more than the gate reasons.
#
# What is invisible to a person is answered exactly like what does not exist. An enterprise is public, and so is an
# invitation to whoever holds its id; everything else is seen by those who have to do with it.

actor Person {}

# A tie to an enterprise: a membership of any state, an own open task, an application, an invitation, an own retrieval case,
# or being the legal representative.
tied(person: Person, enterprise: Enterprise) if
  membership in enterprise.memberships and membership.person_id = person.id;
tied(person: Person, enterprise: Enterprise) if
  application in enterprise.applications and application.person_id = person.id;
tied(person: Person, enterprise: Enterprise) if
  invitation in enterprise.invitations and invitation.target_id = person.id;
tied(person: Person, enterprise: Enterprise) if
  case in enterprise.retrieval_cases and case.applicant_id = person.id;
tied(person: Person, enterprise: Enterprise) if legal_representative(person, enterprise);
tied(person: Person, enterprise: Enterprise) if open_task_for(person, enterprise.id, _);

is_colleague(person: Person, enterprise: Enterprise) if
  membership in enterprise.memberships and membership.person_id = person.id;
is_colleague(person: Person, enterprise: Enterprise) if legal_representative(person, enterprise);

visible(_: Person, _: Enterprise, _);
visible(_: Person, _: Invitation, _);
visible(person: Person, seal: Seal, _) if tied(person, seal.enterprise);
visible(person: Person, grant: SealGrant, _) if is_colleague(person, grant.seal.enterprise);
visible(person: Person, application: JoinApplication, _) if application.person_id = person.id;
visible(person: Person, application: JoinApplication, _) if is_colleague(person, application.enterprise);
visible(person: Person, membership: Membership, _) if membership.person_id = person.id;
visible(person: Person, membership: Membership, _) if is_colleague(person, membership.enterprise);
visible(person: Person, assignment: RoleAssignment, _) if is_colleague(person, assignment.membership.enterprise);
visible(person: Person, task: SigningTask, _) if task.handler_id = person.id;
visible(person: Person, task: SigningTask, _) if operator in task.operators and operator.person_id = person.id;
visible(person: Person, task: SigningTask, _) if task.signatory.person_id = person.id;
visible(person: Person, task: SigningTask, context) if
  task.signatory.kind = "ENTERPRISE" and is_colleague(person, context.enterprise);
#@ R-16
visible(person: Person, case: RetrievalCase, _) if case.applicant_id = person.id;
visible(person: Person, case: RetrievalCase, context) if is_administrator(person, case.enterprise, context);
visible(person: Person, case: RetrievalCase, context) if may_manage_seals(person, case.enterprise, context);
visible(person: Person, _: RetrievalCase, _) if is_reviewer(person);

# Standing: whoever sees a thing has it, but for enterprises and invitations, which everybody sees.
has_standing(person: Person, enterprise: Enterprise, _) if tied(person, enterprise);
has_standing(person: Person, invitation: Invitation, _) if invitation.target_id = person.id;
has_standing(_: Person, _: Seal, _);
has_standing(_: Person, _: SealGrant, _);
has_standing(_: Person, _: JoinApplication, _);
has_standing(_: Person, _: Membership, _);
has_standing(_: Person, _: RoleAssignment, _);
has_standing(_: Person, _: SigningTask, _);
has_standing(_: Person, _: RetrievalCase, _);
