# What this house asks for beyond the installed rules.

# A use of a weighty seal needs an approval of the very documents, even with a grant for all contracts. The kinds that
# need none are listed: a kind that nobody thought of needs one.
requires("use", _: Seal, "DOCUMENTS_APPROVED");

meets(person: Person, "DOCUMENTS_APPROVED", "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  approved_request(person, seal, contract, _, context);

waived("DOCUMENTS_APPROVED", "use", seal: Seal, _) if
  seal.kind in ["CONTRACT", "INVOICE", "DEPARTMENT"];

otherwise("DOCUMENTS_APPROVED", "APPROVAL_REQUIRED");
