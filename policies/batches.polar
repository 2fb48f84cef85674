# One check of intent for a list of tasks.
#
# A person who has twenty contracts to seal is shown the twenty at once, with their seals, documents and amounts, and
# shows their face for exactly this list. The store keeps the list whole: the digest that the check is bound to is that of
# all its items, so that nothing comes to it afterwards. Each item counts once. What a look of its own is for most stays
# out of lists: both sides of a contract, guarantees, and the largest amounts.

# A-08: One check of intent for a batch binds a list of at most 50 tasks, each with its seal, documents and amount, that
# was fixed before the face was shown. It counts for ten minutes, once for each item, and for nothing else; and not for
# who acts for both sides, for a guarantee, or in the top band of amounts.
#@ A-08 U-09
meets(person: Person, "FRESH_FACE", "use", seal: Seal, context) if
  listed_item(person, seal, item, context) and
  item.used_at = 0 and
  is_within_batch_limits(person, seal, context);

# The item of this very task, seal and documents, in the list that a fresh check is for.
listed_item(person: Person, seal: Seal, item, context) if
  sealing_task(context, task) and
  fresh_batch(person, batch, context) and
  item in batch.batch_items and
  item.task_id = task.id and
  item.seal_id = seal.id and
  is_of_all_documents(item, context) and
  states_amounts_of(item, seal, task.signatory.contract);

fresh_batch(person: Person, batch, context) if
  batch in person.intent_batches and
  fresh_face_check(
    context.verification, person, "SIGN", "IntentBatch", batch.id, context.parameters.face_for_batch, context) and
  is_bound_to(context.verification, batch);

is_bound_to(check: IdentityVerification, batch: IntentBatch) if
  check.bound_digest = batch.digest;

is_of_all_documents(item: IntentBatchItem, context) if
  digest = context.documents_digest and
  digest matches String and
  item.documents_digest = digest;

# What the person was shown is what each side states. Where the two differ, one of them was not shown.
states_amounts_of(item: IntentBatchItem, seal: Seal, contract: Contract) if
  forall(terms_of(seal, contract, terms), states_amount_of(item, terms));

states_amount_of(item: IntentBatchItem, terms) if
  item.amount = nil and
  terms.amount = nil;
states_amount_of(item: IntentBatchItem, terms) if
  shown = item.amount and
  shown matches Integer and
  shown = terms.amount and
  item.currency = terms.currency;

# --- what is no matter for a list ------------------------------------------------------------------------------------

is_within_batch_limits(person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  forall(account_id(person, id), not takes_part_for_other_party(id, seal, contract)) and
  not represents_another_party(person, seal, contract) and
  forall(terms_of(seal, contract, terms), is_of_batch_matter(seal, terms));

is_of_batch_matter(seal: Seal, terms) if
  terms.matter in ["GENERAL", "FINANCE", "PERSONNEL"] and
  is_under_top_band(seal.enterprise, terms);

is_under_top_band(enterprise: Enterprise, _) if not has_amount_bands(enterprise);
is_under_top_band(_: Enterprise, terms) if
  terms.is_monetary = false and
  terms.amount = nil;
is_under_top_band(enterprise: Enterprise, terms) if
  amount = terms.amount and
  amount matches Integer and
  band in enterprise.amount_bands and
  band.currency = terms.currency and
  amount < band.from_amount;

# --- why not ---------------------------------------------------------------------------------------------------------

because("FRESH_FACE", "BATCH_NOT_ALLOWED", person: Person, seal: Seal, context: SealUseContext) if
  listed_item(person, seal, _, context) and
  not is_within_batch_limits(person, seal, context);
because("FRESH_FACE", "FACE_VERIFICATION_ALREADY_USED", person: Person, seal: Seal, context: SealUseContext) if
  listed_item(person, seal, item, context) and
  item.used_at > 0;
because("FRESH_FACE", "FACE_VERIFICATION_EXPIRED", person: Person, _: Seal, context: SealUseContext) if
  batch in person.intent_batches and
  stale_face_check(
    context.verification, person, "SIGN", "IntentBatch", batch.id, context.parameters.face_for_batch, context);

reason("BATCH_NOT_ALLOWED", 120, "USER", "VERIFY_FACE");

# --- after an allow --------------------------------------------------------------------------------------------------

# The item is used up, not the check: the others of the list still wait for it.
#@ A-08
obligation(_: Person, "use", seal: Seal, context, "CONSUME_BATCH_ITEM") if
  not waived("FRESH_FACE", "use", seal, context) and
  is_for_batch(context.verification);
obligation_parameter("CONSUME_BATCH_ITEM", "item_id", id, person: Person, "use", seal: Seal, context) if
  listed_item(person, seal, item, context) and
  id = item.id;

is_for_batch(check) if
  check matches IdentityVerification and
  check.bound_type = "IntentBatch";

lapses(person: Person, "use", seal: Seal, context, at) if
  not waived("FRESH_FACE", "use", seal, context) and
  batch in person.intent_batches and
  face_lapses(
    context.verification, person, "SIGN", "IntentBatch", batch.id, context.parameters.face_for_batch, context, at);
