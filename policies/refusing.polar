# Refusing to sign: a signer who will not says so, and the sender learns why.
#
# Nobody has to sign. A refusal ends the task, and whose turn would come after it is never asked (signing.polar); what
# others have signed, or sign beside it, stays what it is until the sender ends the contract. It binds the party to
# nothing, so it asks for no face check and no authority over a seal.

# A-12: Anyone whom a task names may refuse it in its turn, with a reason: the signer, the operators, those who would act where
# nobody is named, and a named approver. The sender sees who refused and why; the task ends, and the order stops.
#@ A-12
requires("refuse", _: SigningTask, "TASK_READY");
requires("refuse", _: SigningTask, "REFUSER");
requires("refuse", _: SigningTask, "REASON_STATED");
meets(_: Person, "TASK_READY", "refuse", task: SigningTask, context) if is_ready(task, context);
meets(person: Person, "REFUSER", "refuse", task: SigningTask, _) if is_named_person(person, task);
meets(person: Person, "REFUSER", "refuse", task: SigningTask, _) if is_named_approver(person, task);
meets(person: Person, "REFUSER", "refuse", task: SigningTask, context) if
  enterprise = context.enterprise and
  enterprise matches Enterprise and
  is_operator(person, task, enterprise, context);
# … and for one that names nobody, those who administer the party's contracts.
#@ A-12 M-10
meets(person: Person, "REFUSER", "refuse", task: SigningTask, context) if
  is_unnamed(task) and
  enterprise = context.enterprise and
  enterprise matches Enterprise and
  administers_contracts(person, enterprise, context);
meets(_: Person, "REASON_STATED", "refuse", _: SigningTask, context) if is_stated(context.reason);

has_permission(_: Person, "refuse", _: SigningTask);

obligation(_: Person, "refuse", _: SigningTask, _, "RECORD_REFUSAL");
obligation(_: Person, "refuse", _: SigningTask, _, "NOTIFY_SENDER");

lapses(_: Person, "refuse", task: SigningTask, _, at) if at = task.signatory.contract.deadline;
lapses(person: Person, "refuse", task: SigningTask, context, at) if
  owner(task, context, enterprise) and
  seal in enterprise.seals and
  authority_lapses(person, seal, task.signatory.contract, context, at);
lapses(person: Person, "refuse", task: SigningTask, context, at) if
  owner(task, context, enterprise) and
  seal_admin_lapses(person, enterprise, context, at);
lapses(person: Person, "refuse", task: SigningTask, context, at) if
  owner(task, context, enterprise) and
  contract_administration_lapses(person, enterprise, context, at);
lapses(person: Person, "refuse", task: SigningTask, context, at) if
  owner(task, context, enterprise) and
  sole_authority_lapses(person, enterprise, context, at);

# --- who reads why ---------------------------------------------------------------------------------------------------

# Who sent the contract, those who look after contracts there, and the person who refused.
#@ A-12
requires("view_refusal", _: Contract, "REFUSAL_MADE");
requires("view_refusal", _: Contract, "REFUSAL_READER");
meets(_: Person, "REFUSAL_MADE", "view_refusal", contract: Contract, _) if refusal(contract, _);
meets(person: Person, "REFUSAL_READER", "view_refusal", contract: Contract, _) if
  refusal(contract, task) and
  task.refused_by_id = person.id;
meets(person: Person, "REFUSAL_READER", "view_refusal", contract: Contract, context: ContractContext) if
  is_member(person, context.enterprise, context) and
  contract.initiated_by_id matches String and
  contract.initiated_by_id = person.id;
meets(person: Person, "REFUSAL_READER", "view_refusal", _: Contract, context: ContractContext) if
  administers_contracts(person, context.enterprise, context);

refusal(contract: Contract, task) if
  party in contract.signatories and
  task in party.tasks and
  task.state = "REJECTED" and
  task.refused_by_id matches String;

resource Contract { permissions = ["view_refusal"]; }
resource SigningTask { permissions = ["refuse"]; }

has_permission(_: Person, "view_refusal", _: Contract);

obligation(_: Person, "view_refusal", _: Contract, _, "MASK_PERSONAL_DATA");

lapses(person: Person, "view_refusal", _: Contract, context, at) if
  contract_administration_lapses(person, context.enterprise, context, at);
