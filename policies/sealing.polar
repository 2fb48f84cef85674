# Sealing is one act, whatever it is done with: by a person at the screen, automatically, in an emergency, with a thing
# of rubber, or by hand for an enterprise that puts no seal. The table says what all of them ask; what one of them
# leaves out stands below it with the reason, and nowhere else.
#
# How each is met is in the file of its subject: seal_use.polar, authority.polar, procedures.polar; special_use.polar
# (automatically, in an emergency), physical_use.polar (stamping, carrying out), signing.polar (by hand).

# A-01: All ways of sealing ask the same. One of them leaves something out only by name and for a reason.
#@ A-01
group("SEALING", _: Seal, ["use", "auto_use", "emergency_use", "stamp", "carry_out"]);
group("SEALING", _: SigningTask, ["sign"]);
# A reserved use is decided again in the moment of sealing (sealing_engine.polar), and leaves nothing out.
group("SEALING", _: SealUse, ["seal"]);

# The owner …
#@ A-01 U-26
group_requires("SEALING", ["LICENCE_EXISTING"]);
# … the task: its turn, its operator, its seal …
#@ A-01 C-01 C-02 C-03 C-05
group_requires("SEALING", ["TASK_READY", "TASK_OPERATOR", "SEAL_FOR_TASK"]);
# … the seal and its certificate …
#@ A-01 U-01 U-11
group_requires("SEALING", ["SEAL_USABLE", "CERTIFICATE_VALID"]);
# … the contract …
#@ A-01 C-07 U-16 U-17 U-04 U-02
group_requires("SEALING", [
  "REVIEW_PASSED", "DOCUMENTS_SEALABLE", "MATTER_SEALABLE", "AMOUNT_STATED", "SEAL_IN_CATEGORY"
]);
# … the authority, and what the owner's own rules ask beside it …
#@ A-01 U-02 U-03 U-04 U-08
group_requires("SEALING", ["SEAL_AUTHORITY", "PROCESS_FOLLOWED"]);
# … duties that exclude each other …
#@ A-01 S-04 U-12 U-13 U-14
group_requires("SEALING", ["NOT_AN_AUDITOR", "NO_SELF_DEALING", "NO_DOUBLE_AGENCY", "APPROVER_NOT_STAMPER"]);
# … and the person, now.
#@ A-01 U-09
group_requires("SEALING", ["FRESH_FACE"]);

# --- what one of them leaves out --------------------------------------------------------------------------------------

exempt("SEALING", "auto_use", _: Seal, "SEAL_AUTHORITY",
  "A grant for just that stands in, with its templates, amount and count (AUTO_SIGN_GRANTED).");
exempt("SEALING", "auto_use", _: Seal, "FRESH_FACE",
  "Nobody is at the screen: the templates of the grant stand in, and no guarantee is sealed so (NOT_A_GUARANTEE).");

exempt("SEALING", "emergency_use", _: Seal, "SEAL_AUTHORITY",
  "A grant for just that stands in, with its scope, amount and count (EMERGENCY_GRANTED).");
exempt("SEALING", "emergency_use", _: Seal, "PROCESS_FOLLOWED",
  "An emergency puts it off; a use that nobody entitled approves afterwards is the last one (EMERGENCY_GRANTED).");

# A physical seal has no task and no certificate.
exempt("SEALING", "stamp", _: Seal, "TASK_READY", "The contract of the request is being signed (CONTRACT_IN_SIGNING).");
exempt("SEALING", "carry_out", _: Seal, "TASK_READY",
  "The contract of the request is being signed (CONTRACT_IN_SIGNING).");
exempt("SEALING", "stamp", _: Seal, "TASK_OPERATOR",
  "The applicant of the request stamps, nobody else (STAMP_APPROVED).");
exempt("SEALING", "carry_out", _: Seal, "TASK_OPERATOR",
  "The applicant of the request carries it, nobody else (STAMP_APPROVED).");
exempt("SEALING", "stamp", _: Seal, "SEAL_FOR_TASK", "The owner is a party of the contract (SEAL_OF_PARTY).");
exempt("SEALING", "carry_out", _: Seal, "SEAL_FOR_TASK", "The owner is a party of the contract (SEAL_OF_PARTY).");
exempt("SEALING", "stamp", _: Seal, "CERTIFICATE_VALID",
  "The controller that the request names stands in (DEVICE_OF_SEAL).");
exempt("SEALING", "carry_out", _: Seal, "CERTIFICATE_VALID",
  "The controller that the request names stands in (DEVICE_OF_SEAL).");
exempt("SEALING", "stamp", _: Seal, "SEAL_AUTHORITY",
  "No grant opens a controller: an approved request of one's own does (STAMP_APPROVED).");
exempt("SEALING", "carry_out", _: Seal, "SEAL_AUTHORITY",
  "No grant opens a controller: an approved request of one's own does (STAMP_APPROVED).");
exempt("SEALING", "stamp", _: Seal, "FRESH_FACE",
  "Bound to the request in place of a task, and for every kind of seal (FRESH_FACE_FOR_STAMP).");
exempt("SEALING", "carry_out", _: Seal, "FRESH_FACE",
  "Bound to the request in place of a task, and for every kind of seal (FRESH_FACE_FOR_STAMP).");

# A signature by hand puts no seal. Where it stands for the enterprise, all that a seal would ask is asked of one seal
# that the person could put, together; beside a seal, the seal asks it.
exempt("SEALING", "sign", _: SigningTask, "TASK_OPERATOR",
  "The person who is named signs, nobody else (NAMED_PERSON).");
exempt("SEALING", "sign", _: SigningTask, "SEAL_FOR_TASK", "No seal is put.");
exempt("SEALING", "sign", _: SigningTask, "CERTIFICATE_VALID",
  "No seal is put; the signer's certificate is the signer's.");
exempt("SEALING", "sign", _: SigningTask, "SEAL_USABLE", "Asked of the one seal (SIGNING_AUTHORITY).");
exempt("SEALING", "sign", _: SigningTask, "MATTER_SEALABLE",
  "Asked of the one seal (SIGNING_AUTHORITY, SIGNED_MATTER).");
exempt("SEALING", "sign", _: SigningTask, "AMOUNT_STATED", "Asked of the one seal (SIGNING_AUTHORITY).");
exempt("SEALING", "sign", _: SigningTask, "SEAL_IN_CATEGORY", "Asked of the one seal (SIGNING_AUTHORITY).");
exempt("SEALING", "sign", _: SigningTask, "SEAL_AUTHORITY", "Asked of the one seal (SIGNING_AUTHORITY).");
exempt("SEALING", "sign", _: SigningTask, "PROCESS_FOLLOWED", "Asked of the one seal (SIGNING_AUTHORITY).");
exempt("SEALING", "sign", _: SigningTask, "NOT_AN_AUDITOR", "Asked of the one seal (SIGNING_AUTHORITY).");
exempt("SEALING", "sign", _: SigningTask, "NO_SELF_DEALING", "Asked of the one seal (SIGNING_AUTHORITY).");
exempt("SEALING", "sign", _: SigningTask, "NO_DOUBLE_AGENCY", "Asked of the one seal (SIGNING_AUTHORITY).");
exempt("SEALING", "sign", _: SigningTask, "APPROVER_NOT_STAMPER", "Asked of the one seal (SIGNING_AUTHORITY).");
exempt("SEALING", "sign", _: SigningTask, "DOCUMENTS_SEALABLE",
  "The same, of the task's contract (SIGNED_DOCUMENTS_COMPLETE).");
exempt("SEALING", "sign", _: SigningTask, "FRESH_FACE",
  "The same, within its own time, and for everybody (FRESH_INTENT).");
