# Contracts: who starts one, who reads it, downloads it or prints it, and who ends it.
#
# Viewing, downloading and printing are three permissions. A person who has a task of a contract views it; whether they
# also take it away, their own party decides by its category for that contract. The contract belongs to the enterprise
# that sent it: that one recalls it before it is complete; a complete one ends only with the consent of all its parties.

# Who runs an enterprise's contracts: its contract administrators, and those who run the enterprise.
administers_contracts(person: Person, enterprise: Enterprise, context) if
  has_active_role(person, enterprise, "CONTRACT_ADMIN", context) or
  may_administer(person, enterprise, context);

# When that ends by itself, for the one who relies on it.
contract_administration_lapses(person: Person, enterprise: Enterprise, context, at) if
  admin_lapses(person, enterprise, context, at);
contract_administration_lapses(person: Person, enterprise: Enterprise, context, at) if
  contract_admin_lapses(person, enterprise, context, at);

contract_admin_lapses(person: Person, enterprise: Enterprise, context, at) if
  own_role_lapses(person, enterprise, "CONTRACT_ADMIN", context, at);

# --- starting one ----------------------------------------------------------------------------------------------------

# C-13: A contract is started in a category that is enabled, by a member who was given the category, or by a contract
# administrator. The permission is the membership's: a person who left and came back has to be given it again.
#@ C-13
requires("initiate", _: BusinessCategory, "CATEGORY_ENABLED");
requires("initiate", _: BusinessCategory, "CATEGORY_PERMISSION");
meets(_: Person, "CATEGORY_ENABLED", "initiate", category: BusinessCategory, _) if category.state = "ENABLED";
meets(person: Person, "CATEGORY_PERMISSION", "initiate", category: BusinessCategory, context) if
  member(person, category.enterprise, membership, context) and
  permission in category.permissions and
  permission.membership_id = membership.id;
meets(person: Person, "CATEGORY_PERMISSION", "initiate", category: BusinessCategory, context) if
  has_active_role(person, category.enterprise, "CONTRACT_ADMIN", context);

lapses(person: Person, "initiate", category: BusinessCategory, context, at) if
  contract_admin_lapses(person, category.enterprise, context, at);

# --- reading, downloading, printing ----------------------------------------------------------------------------------

# C-11: Viewing, downloading and printing are separate: a person who has a task views the contract, and takes it away
# only where their party's category for it says so.
#@ C-11
requires("view", _: Contract, "CONTRACT_READER");
requires("download", _: Contract, "DOWNLOAD_PERMITTED");
requires("print", _: Contract, "PRINT_PERMITTED");

# Those who run the contracts of the sender, or of a party that it was sent to, do all three.
#@ C-11
meets(person: Person, "CONTRACT_READER", "view", contract: Contract, context) if
  administers_contract(person, contract, context);
meets(person: Person, "DOWNLOAD_PERMITTED", "download", contract: Contract, context) if
  may_download(person, contract, context);
meets(person: Person, "PRINT_PERMITTED", "print", contract: Contract, context) if
  may_print(person, contract, context);

may_download(person: Person, contract: Contract, context) if
  takes_contract_away(person, contract, context);
may_print(person: Person, contract: Contract, context) if
  takes_contract_away(person, contract, context);

administers_contract(person: Person, contract: Contract, context) if
  is_side_of(enterprise, contract, context) and
  administers_contracts(person, enterprise, context);

is_side_of(enterprise, _: Contract, context) if enterprise = context.enterprise;
is_side_of(enterprise, contract: Contract, context) if
  is_sent(contract) and
  enterprise in context.own_parties;

# Where an export is held, the contracts do not leave one by one either: nobody who runs the enterprise takes them away
# while a retrieval holds it, and a new administrator waits like with an export. A contract administrator goes on.
#@ R-12 R-13
takes_contract_away(person: Person, contract: Contract, context) if
  is_side_of(enterprise, contract, context) and
  may_administer(person, enterprise, context) and
  not is_held_by_retrieval(enterprise, context) and
  not cooling_off(person, enterprise, _, context);
takes_contract_away(person: Person, contract: Contract, context) if
  is_side_of(enterprise, contract, context) and
  has_active_role(person, enterprise, "CONTRACT_ADMIN", context) and
  not is_put_there_meanwhile(person, enterprise, context) and
  not cooling_off(person, enterprise, _, context);

# … but nobody who was made one since the case was opened, for just that.
is_put_there_meanwhile(person: Person, enterprise: Enterprise, context) if
  is_held_by_retrieval(enterprise, context) and
  member(person, enterprise, membership, context) and
  assignment in membership.assignments and
  assignment.role = "CONTRACT_ADMIN" and
  is_active_assignment(assignment, context) and
  case in enterprise.retrieval_cases and
  case.state in ["NOTICE", "OBJECTED", "APPROVED", "UNDER_APPEAL"] and
  case.opened_at <= assignment.valid_from;

because("DOWNLOAD_PERMITTED", "RETRIEVAL_HOLD", person: Person, contract: Contract, context) if
  not may_download(person, contract, context) and
  is_kept_from_taking(person, contract, "RETRIEVAL_HOLD", context);
because("DOWNLOAD_PERMITTED", "COOLING_OFF", person: Person, contract: Contract, context) if
  not may_download(person, contract, context) and
  is_kept_from_taking(person, contract, "COOLING_OFF", context);
because("PRINT_PERMITTED", "RETRIEVAL_HOLD", person: Person, contract: Contract, context) if
  not may_print(person, contract, context) and
  is_kept_from_taking(person, contract, "RETRIEVAL_HOLD", context);
because("PRINT_PERMITTED", "COOLING_OFF", person: Person, contract: Contract, context) if
  not may_print(person, contract, context) and
  is_kept_from_taking(person, contract, "COOLING_OFF", context);

is_kept_from_taking(person: Person, contract: Contract, "RETRIEVAL_HOLD", context) if
  is_side_of(enterprise, contract, context) and
  may_administer(person, enterprise, context) and
  is_held_by_retrieval(enterprise, context);
is_kept_from_taking(person: Person, contract: Contract, "RETRIEVAL_HOLD", context) if
  is_side_of(enterprise, contract, context) and
  is_put_there_meanwhile(person, enterprise, context);
is_kept_from_taking(person: Person, contract: Contract, "COOLING_OFF", context) if
  is_side_of(enterprise, contract, context) and
  administers_contracts(person, enterprise, context) and
  cooling_off(person, enterprise, _, context);

# A person who is a party has it as their own.
#@ C-11
meets(person: Person, "CONTRACT_READER", "view", contract: Contract, _) if is_party_in_person(person, contract);
may_download(person: Person, contract: Contract, _) if is_party_in_person(person, contract);
may_print(person: Person, contract: Contract, _) if is_party_in_person(person, contract);

is_party_in_person(person: Person, contract: Contract) if
  is_sent(contract) and
  party in contract.signatories and
  party.person_id = person.id;

# The person who sent it, or has a task of it, views it while they are a member of that side; more, only where its
# category says so. What belongs to no category is not taken away.
#@ C-11
meets(person: Person, "CONTRACT_READER", "view", contract: Contract, context) if
  is_sending_member(person, contract, context);
meets(person: Person, "CONTRACT_READER", "view", contract: Contract, context) if
  has_task_of_contract(person, contract, _, _, context);
may_download(person: Person, contract: Contract, context) if
  is_sending_member(person, contract, context) and
  own_category(context.enterprise, contract.category_id, category) and
  category.holders_may_download = true;
may_download(person: Person, contract: Contract, context) if
  has_task_of_contract(person, contract, party, ours, context) and
  own_category(ours, party.category_id, category) and
  category.holders_may_download = true;
may_print(person: Person, contract: Contract, context) if
  is_sending_member(person, contract, context) and
  own_category(context.enterprise, contract.category_id, category) and
  category.holders_may_print = true;
may_print(person: Person, contract: Contract, context) if
  has_task_of_contract(person, contract, party, ours, context) and
  own_category(ours, party.category_id, category) and
  category.holders_may_print = true;

# C-12: A person who leaves the enterprise, or is suspended, loses its contracts and tasks; what was signed stays.
#@ C-12
is_sending_member(person: Person, contract: Contract, context) if
  contract.initiated_by_id = person.id and
  is_member(person, context.enterprise, context);

# A task that was passed on or voided is nobody's any more: the old holder loses the contract with it.
#@ C-08 C-12
has_task_of_contract(person: Person, contract: Contract, party, ours, context) if
  is_sent(contract) and
  ours in context.own_parties and
  is_member(person, ours, context) and
  party in contract.signatories and
  party.enterprise_id = ours.id and
  task in party.tasks and
  task.state in ["WAITING", "PENDING", "IN_PROGRESS", "SIGNED", "REJECTED", "EXPIRED"] and
  is_named_in_task(person.id, task);

# To the other parties a draft is not there yet, and what was deleted is not there any more.
is_sent(contract: Contract) if
  contract.state in [
    "FILLING", "SIGNING", "COMPLETE", "REJECTED", "RECALLED", "EXPIRED", "TERMINATING", "TERMINATED", "FORCE_FINISHED"];

obligation(_: Person, "view", _: Contract, _, "WATERMARK");

lapses(person: Person, "view", _: Contract, context, at) if contract_reading_lapses(person, context, at);
lapses(person: Person, "download", _: Contract, context, at) if contract_reading_lapses(person, context, at);
lapses(person: Person, "print", _: Contract, context, at) if contract_reading_lapses(person, context, at);

contract_reading_lapses(person: Person, context, at) if
  contract_administration_lapses(person, context.enterprise, context, at);
contract_reading_lapses(person: Person, context, at) if
  ours in context.own_parties and
  contract_administration_lapses(person, ours, context, at);

# --- ending one ------------------------------------------------------------------------------------------------------

# C-10: The sender recalls a contract before it is complete; a complete one ends only when every party has consented.
# The person who sent it recalls it, or those who run the sender's contracts: at once after a retrieval, too. It binds and
# raises nobody, what was recalled can be sent again, and who got an enterprise back must be able to stop what is signed.
#@ C-10
requires("recall", _: Contract, "CONTRACT_OF_SENDER");
requires("recall", _: Contract, "CONTRACT_RECALLABLE");
meets(person: Person, "CONTRACT_OF_SENDER", "recall", contract: Contract, context) if
  acts_for_sender(person, contract, context);
meets(_: Person, "CONTRACT_RECALLABLE", "recall", contract: Contract, _) if is_open_contract(contract);

acts_for_sender(person: Person, contract: Contract, context) if is_sending_member(person, contract, context);
acts_for_sender(person: Person, _: Contract, context) if administers_contracts(person, context.enterprise, context);

# A complete contract binds all its parties, and ends only when each has consented. A person consents themself; nobody
# consents for two parties.
#@ C-10
requires("terminate", _: Contract, "CONTRACT_TERMINATOR");
requires("terminate", _: Contract, "CONTRACT_COMPLETE");
requires("terminate", _: Contract, "ALL_PARTIES_CONSENTED");
meets(person: Person, "CONTRACT_TERMINATOR", "terminate", contract: Contract, context) if
  acts_for_sender(person, contract, context);
meets(_: Person, "CONTRACT_COMPLETE", "terminate", contract: Contract, _) if contract.state = "COMPLETE";
meets(_: Person, "ALL_PARTIES_CONSENTED", "terminate", contract: Contract, context) if
  _ in contract.signatories and
  forall(party in contract.signatories, consented_to_end(party, context));

consented_to_end(party: Signatory, context: TerminationContext) if
  consent_to_end(party, consent, context) and
  party.kind = "ENTERPRISE" and
  enterprise in context.parties and
  enterprise.id = party.enterprise_id and
  could_terminate_for(consent.given_by_id, party, enterprise, consent.given_at, context) and
  author in context.authors and
  author.id = consent.given_by_id and
  not spoke_for_another_party(author, party, consent.given_at, context) and
  not was_from_another_party(consent.given_by_id, party, enterprise, consent.given_at, context) and
  not waited_after_retrieval(consent.given_by_id, enterprise, consent.given_at, context) and
  forall(account_id(author, id), not consents_for_other_party(id, party));
consented_to_end(party: Signatory, context) if
  consent_to_end(party, consent, context) and
  party.kind = "PERSON" and
  party.person_id = consent.given_by_id;

# Who could end it for that side when they consented: its legal representative, those who ran its contracts, and on the
# sender's side the person who sent it.
could_terminate_for(person_id, _: Signatory, enterprise: Enterprise, at, context) if
  ran_contracts(person_id, enterprise, at, context);
could_terminate_for(person_id, party: Signatory, enterprise: Enterprise, at, context) if
  party.contract.initiator_id = enterprise.id and
  party.contract.initiated_by_id = person_id and
  was_member(person_id, enterprise, membership, at, context) and
  is_of_own_account(membership);

consent_to_end(party: Signatory, consent, context) if
  consent in party.consents and
  consent.kind = "TERMINATION" and
  consent_stands(consent, context);

consents_for_other_party(person_id, party: Signatory) if
  other in party.contract.signatories and
  is_other_side(other, party) and
  consent in other.consents and
  consent.kind = "TERMINATION" and
  consent.given_by_id = person_id;

# A party that stands in several places of the contract agrees for each, and is one side.
is_other_side(other: Signatory, party: Signatory) if
  other.person_id matches String and
  other.person_id != party.person_id;
is_other_side(other: Signatory, party: Signatory) if
  other.enterprise_id matches String and
  other.enterprise_id != party.enterprise_id;

lapses(person: Person, "recall", _: Contract, context, at) if sender_lapses(person, context, at);
lapses(person: Person, "terminate", _: Contract, context, at) if sender_lapses(person, context, at);

sender_lapses(person: Person, context, at) if
  contract_administration_lapses(person, context.enterprise, context, at);
