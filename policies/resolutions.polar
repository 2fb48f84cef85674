# Resolutions: of the board or the shareholders, and the legal representative's consent, which permit what a person may
# not decide for themself.
#
# A-05: A resolution counts for its documents, its beneficiary, up to its amount and until its end. One person of the
# owner records it and another confirms that, both of whom run its contracts or represent it, and neither of whom profits.
# The legal representative's consent they record themself, and nobody confirms it. (Civil Code 168; Company Law 15, 182,
# 185: what a representative, director or manager agrees with the company takes a resolution without them.)

# --- what counts -----------------------------------------------------------------------------------------------------

# A resolution of an enterprise about this contract.
#@ A-05 U-17
resolution_of(enterprise: Enterprise, contract: Contract, resolution, context) if
  resolution in enterprise.resolutions and
  resolution.contract_id = contract.id and
  resolution.state = "VALID" and
  resolution.passed_at > 0 and
  resolution.passed_at <= context.now and
  context.now < resolution.valid_to and
  is_about_these_documents(resolution, context) and
  covers_amount_of(resolution, contract) and
  was_recorded(resolution, enterprise, contract, context);

was_recorded(resolution: BoardResolution, enterprise: Enterprise, contract: Contract, context) if
  resolution.source = "LEGAL_REP" and
  recorder_of(resolution, recorder_id, context) and
  was_legal_representative(
    recorder_id, enterprise, resolution.recorded_at, context.parameters.registry_fresh_within) and
  not was_on_other_side(recorder_id, enterprise, contract, resolution.recorded_at, context);
was_recorded(resolution: BoardResolution, enterprise: Enterprise, contract: Contract, context) if
  resolution.source in ["BOARD", "SHAREHOLDERS"] and
  recorder_of(resolution, recorder_id, context) and
  ran_contracts(recorder_id, enterprise, resolution.recorded_at, context) and
  confirmer_id = resolution.confirmed_by_id and
  confirmer_id matches String and
  was_second_person(confirmer_id, recorder_id, enterprise, resolution.confirmed_at, context) and
  not is_beneficiary_human(confirmer_id, resolution, context) and
  not was_put_there_by_beneficiary(recorder_id, resolution, enterprise, resolution.recorded_at, context) and
  not was_put_there_by_beneficiary(confirmer_id, resolution, enterprise, resolution.confirmed_at, context) and
  not waited_after_retrieval(confirmer_id, enterprise, resolution.confirmed_at, context) and
  resolution.recorded_at <= resolution.confirmed_at and
  resolution.confirmed_at <= context.now and
  ran_contracts(confirmer_id, enterprise, resolution.confirmed_at, context) and
  not was_on_other_side(recorder_id, enterprise, contract, resolution.recorded_at, context) and
  not was_on_other_side(confirmer_id, enterprise, contract, resolution.confirmed_at, context);

was_put_there_by_beneficiary(person_id, resolution: BoardResolution, enterprise: Enterprise, at, context) if
  beneficiary_id = resolution.beneficiary_id and
  beneficiary_id matches String and
  had_new_post_from(person_id, beneficiary_id, enterprise, at, context);

# Like NOT_THE_COUNTERPARTY of those who record and confirm, when they did.
#@ A-05 A-02 M-11
was_on_other_side(person_id, enterprise: Enterprise, contract: Contract, at, context) if
  party in contract.signatories and
  party.enterprise_id matches String and
  party.enterprise_id = enterprise.id and
  is_or_was_of_another_party(person_id, party, at, context);
was_on_other_side(person_id, enterprise: Enterprise, contract: Contract, at, context) if
  party in contract.signatories and
  party.enterprise_id matches String and
  party.enterprise_id = enterprise.id and
  was_from_another_party(person_id, party, enterprise, at, context);

# Nobody records before it was passed.
recorder_of(resolution: BoardResolution, recorder_id, context) if
  recorder_id = resolution.recorded_by_id and
  recorder_id matches String and
  not is_beneficiary_human(recorder_id, resolution, context) and
  resolution.passed_at <= resolution.recorded_at and
  resolution.recorded_at <= context.now and
  not waited_after_retrieval(recorder_id, resolution.enterprise, resolution.recorded_at, context);

is_beneficiary_human(person_id, resolution: BoardResolution, _) if is_beneficiary(person_id, resolution);
is_beneficiary_human(person_id, resolution: BoardResolution, context) if
  author in context.authors and
  author.id = person_id and
  account in author.accounts and
  is_beneficiary(account.id, resolution);

is_beneficiary(person_id, resolution: BoardResolution) if
  resolution.beneficiary_id matches String and
  resolution.beneficiary_id = person_id;

# One that lets this person deal with themself, or for both sides.
#@ A-05
permits_self_dealing(person_id, enterprise: Enterprise, contract: Contract, source, context) if
  resolution_of(enterprise, contract, resolution, context) and
  resolution.kind = "SELF_DEALING" and
  is_beneficiary(person_id, resolution) and
  source = resolution.source;

# --- recording one ---------------------------------------------------------------------------------------------------

# Those who run the enterprise's contracts record what was resolved about a contract to which it is a party; the legal
# representative's consent only they.
#@ A-05
requires("record_resolution", _: Enterprise, "RESOLUTION_RECORDER");
requires("record_resolution", _: Enterprise, "RESOLUTION_SOURCE_STATED");
requires("record_resolution", _: Enterprise, "RESOLUTION_OF_PARTY");
requires("record_resolution", _: Enterprise, "NOT_THE_BENEFICIARY");
requires("record_resolution", _: Enterprise, "NOT_THE_COUNTERPARTY");
meets(person: Person, "RESOLUTION_RECORDER", "record_resolution", enterprise: Enterprise, context) if
  context.source in ["BOARD", "SHAREHOLDERS"] and
  administers_contracts(person, enterprise, context);
meets(person: Person, "RESOLUTION_RECORDER", "record_resolution", enterprise: Enterprise, context) if
  context.source = "LEGAL_REP" and
  representative_today(person, enterprise, context);
because("RESOLUTION_RECORDER", "LEGAL_REP_ONLY", person: Person, enterprise: Enterprise, context: ResolutionContext) if
  context.source = "LEGAL_REP" and
  not representative_today(person, enterprise, context);
meets(_: Person, "RESOLUTION_SOURCE_STATED", "record_resolution", _: Enterprise, context) if
  context.source in ["BOARD", "SHAREHOLDERS", "LEGAL_REP"];
meets(_: Person, "RESOLUTION_OF_PARTY", "record_resolution", enterprise: Enterprise, context) if
  resolved_party(enterprise, context, _);
meets(_: Person, "NOT_THE_BENEFICIARY", "record_resolution", _: Enterprise, context) if context.beneficiary = nil;
meets(person: Person, "NOT_THE_BENEFICIARY", "record_resolution", enterprise: Enterprise, context) if
  beneficiary = context.beneficiary and
  beneficiary matches Person and
  not account_id(person, beneficiary.id) and
  not has_new_post_from(person.id, beneficiary.id, enterprise, _, context);
because("NOT_THE_BENEFICIARY", "COOLING_OFF", person: Person, enterprise: Enterprise, context: ResolutionContext) if
  beneficiary_waits(person, enterprise, _, context);

# Nor a person whom the one who profits has put there for it less than a day ago, be it the legal representative.
#@ A-05 M-11
beneficiary_waits(person: Person, enterprise: Enterprise, at, context: ResolutionContext) if
  beneficiary = context.beneficiary and
  beneficiary matches Person and
  beneficiary.id != person.id and
  has_new_post_from(person.id, beneficiary.id, enterprise, at, context);
meets(person: Person, "NOT_THE_COUNTERPARTY", "record_resolution", enterprise: Enterprise, context) if
  resolved_party(enterprise, context, party) and
  not is_of_another_party(person, party) and
  not is_from_another_party(person.id, party, enterprise, _, context);
# … nor whom somebody on the other side has put there.
#@ A-05 M-11
because("NOT_THE_COUNTERPARTY", "COOLING_OFF", person: Person, enterprise: Enterprise, context: ResolutionContext) if
  recorder_is_from_another(person, enterprise, _, context);

recorder_is_from_another(person: Person, enterprise: Enterprise, at, context: ResolutionContext) if
  resolved_party(enterprise, context, party) and
  not is_of_another_party(person, party) and
  is_from_another_party(person.id, party, enterprise, at, context);

resolved_party(enterprise: Enterprise, context: ResolutionContext, party) if
  contract = context.contract and
  contract matches Contract and
  party in contract.signatories and
  party.enterprise_id matches String and
  party.enterprise_id = enterprise.id;

# --- confirming one --------------------------------------------------------------------------------------------------

# Another person of those confirms that it was passed so, once, and nobody for themself.
#@ A-05
requires("countersign", _: BoardResolution, "RESOLUTION_RECORDER");
requires("countersign", _: BoardResolution, "RESOLUTION_UNCONFIRMED");
requires("countersign", _: BoardResolution, "NOT_THE_RECORDER");
requires("countersign", _: BoardResolution, "NOT_THE_BENEFICIARY");
requires("countersign", _: BoardResolution, "NOT_THE_COUNTERPARTY");
meets(person: Person, "RESOLUTION_RECORDER", "countersign", resolution: BoardResolution, context) if
  administers_contracts(person, resolution.enterprise, context);
meets(_: Person, "RESOLUTION_UNCONFIRMED", "countersign", resolution: BoardResolution, context) if
  resolution.state = "VALID" and
  resolution.source in ["BOARD", "SHAREHOLDERS"] and
  resolution.confirmed_by_id = nil and
  context.now < resolution.valid_to;
meets(person: Person, "NOT_THE_RECORDER", "countersign", resolution: BoardResolution, context) if
  recorder_id = resolution.recorded_by_id and
  recorder_id matches String and
  is_second_person(person, recorder_id, resolution.enterprise, context);
because("NOT_THE_RECORDER", "COOLING_OFF", person: Person, resolution: BoardResolution, context) if
  recorder_waits(person, resolution, _, context);
meets(person: Person, "NOT_THE_BENEFICIARY", "countersign", resolution: BoardResolution, context) if
  not profits_from(person, resolution) and
  not is_from_beneficiary(person, resolution, _, context);
because("NOT_THE_BENEFICIARY", "COOLING_OFF", person: Person, resolution: BoardResolution, context) if
  not profits_from(person, resolution) and
  is_from_beneficiary(person, resolution, _, context);
meets(person: Person, "NOT_THE_COUNTERPARTY", "countersign", resolution: BoardResolution, context) if
  party_of_resolution(resolution, context, party) and
  not is_of_another_party(person, party) and
  not is_from_another_party(person.id, party, resolution.enterprise, _, context);
because("NOT_THE_COUNTERPARTY", "COOLING_OFF", person: Person, resolution: BoardResolution, context) if
  confirmer_is_from_another(person, resolution, _, context);

confirmer_is_from_another(person: Person, resolution: BoardResolution, at, context) if
  party_of_resolution(resolution, context, party) and
  not is_of_another_party(person, party) and
  is_from_another_party(person.id, party, resolution.enterprise, at, context);

party_of_resolution(resolution: BoardResolution, context: CountersignContext, party) if
  party in context.contract.signatories and
  party.enterprise_id matches String and
  party.enterprise_id = resolution.enterprise_id;

recorder_waits(person: Person, resolution: BoardResolution, at, context) if
  recorder_id = resolution.recorded_by_id and
  recorder_id matches String and
  recorder_id != person.id and
  appointed_lately(person.id, recorder_id, resolution.enterprise, at, context);

profits_from(person: Person, resolution: BoardResolution) if
  account_id(person, id) and
  is_beneficiary(id, resolution);

is_from_beneficiary(person: Person, resolution: BoardResolution, at, context) if
  beneficiary_id = resolution.beneficiary_id and
  beneficiary_id matches String and
  has_new_post_from(person.id, beneficiary_id, resolution.enterprise, at, context);

# It raises a person: not while a retrieval holds the enterprise, nor by a new administrator in the time after it.
#@ R-12 R-13
requires("record_resolution", _: Enterprise, "NO_RETRIEVAL_HOLD");
requires("record_resolution", _: Enterprise, "COOLED_OFF");
requires("countersign", _: BoardResolution, "NO_RETRIEVAL_HOLD");
requires("countersign", _: BoardResolution, "COOLED_OFF");
meets(_: Person, "NO_RETRIEVAL_HOLD", "record_resolution", enterprise: Enterprise, context) if
  not is_held_by_retrieval(enterprise, context);
meets(person: Person, "COOLED_OFF", "record_resolution", enterprise: Enterprise, context) if
  not cooling_off(person, enterprise, _, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "countersign", resolution: BoardResolution, context) if
  not is_held_by_retrieval(resolution.enterprise, context);
meets(person: Person, "COOLED_OFF", "countersign", resolution: BoardResolution, context) if
  not cooling_off(person, resolution.enterprise, _, context);

# --- taking one back -------------------------------------------------------------------------------------------------

# Those who recorded or confirmed it, and the legal representative, take it back.
#@ A-02 A-05
requires("withdraw", _: BoardResolution, "RESOLUTION_AUTHOR");
requires("withdraw", _: BoardResolution, "RESOLUTION_STANDS");
meets(person: Person, "RESOLUTION_AUTHOR", "withdraw", resolution: BoardResolution, context) if
  resolution.recorded_by_id = person.id or
  resolution.confirmed_by_id = person.id or
  legal_representative(person, resolution.enterprise, context);
meets(_: Person, "RESOLUTION_STANDS", "withdraw", resolution: BoardResolution, _) if resolution.state = "VALID";

# --- when the permission ends by itself ------------------------------------------------------------------------------

lapses(person: Person, "record_resolution", enterprise: Enterprise, context, at) if
  contract_administration_lapses(person, enterprise, context, at);
lapses(person: Person, "countersign", resolution: BoardResolution, context, at) if
  contract_administration_lapses(person, resolution.enterprise, context, at);
lapses(_: Person, "countersign", resolution: BoardResolution, _, at) if at = resolution.valid_to;
