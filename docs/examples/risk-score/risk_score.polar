# Whom the risk service scores high does not put a seal on their own: somebody approves the very documents first.

# Every way of putting a seal is asked. One that was left out would be a way round the others.
group_requires("SEALING", ["RISK_ACCEPTED"]);
exempt("SEALING", "sign", _: SigningTask, "RISK_ACCEPTED", "A signature by hand puts no seal.");
exempt("SEALING", "seal", _: SealUse, "RISK_ACCEPTED", "The risk was accepted when the use was reserved.");

meets(person: Person, "RISK_ACCEPTED", "use", _: Seal, _) if is_low_risk(person);
meets(person: Person, "RISK_ACCEPTED", "auto_use", _: Seal, _) if is_low_risk(person);
meets(person: Person, "RISK_ACCEPTED", "emergency_use", _: Seal, _) if is_low_risk(person);
meets(person: Person, "RISK_ACCEPTED", "stamp", _: Seal, _) if is_low_risk(person);
meets(person: Person, "RISK_ACCEPTED", "carry_out", _: Seal, _) if is_low_risk(person);

is_low_risk(person: Person) if person.risk_score < 80;

# With an approval of the documents a high score does not keep anybody from a use. All else waits for the score.
meets(person: Person, "RISK_ACCEPTED", "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  approved_request(person, seal, contract, _, context);

otherwise("RISK_ACCEPTED", "HIGH_RISK_NEEDS_APPROVAL");
reason("HIGH_RISK_NEEDS_APPROVAL", 90, "USER", "SUBMIT_APPROVAL");
reason("HIGH_RISK_NEEDS_APPROVAL", 90, "USER", "REQUEST_GRANT");
reason("HIGH_RISK_NEEDS_APPROVAL", 90, "USER", "WAIT_APPROVAL");

# A request that waits would settle it: so the person waits, and does not ask twice.
would_settle(person: Person, _: Seal, _: Contract, _: SealUseRequest, _) if not is_low_risk(person);
