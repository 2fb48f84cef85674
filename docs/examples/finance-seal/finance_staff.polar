# The finance seal is in the hands of the finance department (财务部): only its people use it, whatever grant others have.

# Every way of putting the seal on something is asked. One that was left out would be a way round the others.
group_requires("SEALING", ["FINANCE_STAFF"]);
exempt("SEALING", "sign", _: SigningTask, "FINANCE_STAFF", "A signature by hand puts no seal.");

meets(person: Person, "FINANCE_STAFF", "use", seal: Seal, context) if
  works_in_finance(person, seal.enterprise, context);
meets(person: Person, "FINANCE_STAFF", "auto_use", seal: Seal, context) if
  works_in_finance(person, seal.enterprise, context);
meets(person: Person, "FINANCE_STAFF", "emergency_use", seal: Seal, context) if
  works_in_finance(person, seal.enterprise, context);
meets(person: Person, "FINANCE_STAFF", "stamp", seal: Seal, context) if
  works_in_finance(person, seal.enterprise, context);
meets(person: Person, "FINANCE_STAFF", "carry_out", seal: Seal, context) if
  works_in_finance(person, seal.enterprise, context);
# And in the moment of sealing, once more.
meets(person: Person, "FINANCE_STAFF", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  works_in_finance(person, seal.enterprise, context);

# The kinds that everybody with authority may use are listed: a kind that nobody thought of is treated like finance.
waived("FINANCE_STAFF", "use", seal: Seal, _) if is_for_everybody(seal);
waived("FINANCE_STAFF", "auto_use", seal: Seal, _) if is_for_everybody(seal);
waived("FINANCE_STAFF", "emergency_use", seal: Seal, _) if is_for_everybody(seal);
waived("FINANCE_STAFF", "stamp", seal: Seal, _) if is_for_everybody(seal);
waived("FINANCE_STAFF", "carry_out", seal: Seal, _) if is_for_everybody(seal);
waived("FINANCE_STAFF", "seal", _: SealUse, context) if put_seal(context, seal) and is_for_everybody(seal);

is_for_everybody(seal: Seal) if
  seal.kind in ["OFFICIAL", "CONTRACT", "PERSONNEL", "INVOICE", "LEGAL_REP", "DEPARTMENT", "OTHER"];

# A member, now, of the department of that name in this very enterprise.
works_in_finance(person: Person, enterprise: Enterprise, context) if
  member(person, enterprise, membership, context) and
  department in enterprise.departments and
  department.name = "财务部" and
  department.id = membership.department_id;

otherwise("FINANCE_STAFF", "NOT_FINANCE_STAFF");

reason("NOT_FINANCE_STAFF", 90, "USER", "ASSIGN_OTHER_PERSON");
