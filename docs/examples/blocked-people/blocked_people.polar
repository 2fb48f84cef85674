# Whom the risk team has blocked puts no seal of the enterprise, until the entry ends or is lifted.

# Every way of putting a seal is asked, the engine's own among them.
group_requires("SEALING", ["NOT_BLOCKED"]);
exempt("SEALING", "sign", _: SigningTask, "NOT_BLOCKED", "A signature by hand puts no seal.");

meets(person: Person, "NOT_BLOCKED", "use", seal: Seal, context) if not is_blocked(person, seal, context);
meets(person: Person, "NOT_BLOCKED", "auto_use", seal: Seal, context) if not is_blocked(person, seal, context);
meets(person: Person, "NOT_BLOCKED", "emergency_use", seal: Seal, context) if not is_blocked(person, seal, context);
meets(person: Person, "NOT_BLOCKED", "stamp", seal: Seal, context) if not is_blocked(person, seal, context);
meets(person: Person, "NOT_BLOCKED", "carry_out", seal: Seal, context) if not is_blocked(person, seal, context);
meets(person: Person, "NOT_BLOCKED", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  not is_blocked(person, seal, context);

is_blocked(person: Person, seal: Seal, context) if
  entry in seal.enterprise.blocked_people and
  entry.person_id = person.id and
  entry.state = "ACTIVE" and
  entry.begins_at <= context.now and
  context.now < entry.ends_at;

# An allow ends where an entry begins that has not begun: of one that is over it would end before now, which is an error.
lapses(person: Person, "use", seal: Seal, context, at) if block_begins(person, seal, at, context);
lapses(person: Person, "auto_use", seal: Seal, context, at) if block_begins(person, seal, at, context);
lapses(person: Person, "emergency_use", seal: Seal, context, at) if block_begins(person, seal, at, context);
lapses(person: Person, "stamp", seal: Seal, context, at) if block_begins(person, seal, at, context);
lapses(person: Person, "carry_out", seal: Seal, context, at) if block_begins(person, seal, at, context);
lapses(person: Person, "seal", _: SealUse, context, at) if
  put_seal(context, seal) and
  block_begins(person, seal, at, context);

block_begins(person: Person, seal: Seal, at, context) if
  entry in seal.enterprise.blocked_people and
  entry.person_id = person.id and
  entry.state = "ACTIVE" and
  at = entry.begins_at and
  context.now < at;

otherwise("NOT_BLOCKED", "PERSON_BLOCKED");
reason("PERSON_BLOCKED", 30, "USER", "CONTACT_ADMIN");
