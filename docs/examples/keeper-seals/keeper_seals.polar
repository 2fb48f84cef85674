# An official seal is used only by the person who keeps it.
requires("use", _: Seal, "KEEPER_USES");

meets(person: Person, "KEEPER_USES", "use", seal: Seal, _) if is_custodian(person.id, seal);

# The kinds that anyone with a grant may use are listed: a kind that nobody thought of needs its keeper.
waived("KEEPER_USES", "use", seal: Seal, _) if
  seal.kind in ["CONTRACT", "FINANCE", "INVOICE", "PERSONNEL", "DEPARTMENT", "LEGAL_REP", "OTHER"];

otherwise("KEEPER_USES", "NOT_THE_KEEPER");

reason("NOT_THE_KEEPER", 90, "USER", "ASSIGN_OTHER_PERSON");
