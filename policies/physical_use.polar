# Physical seals: stamping with one, and carrying it out.
#
# A physical seal sits in a controller that opens for a one-time code. Whoever stamps has an approved request of his own for it, and
# what the request names is what happens: this person, this seal, this device, so many times, in this window, with this code and a
# fresh face. Carrying a seal out of the house is asked for by itself and ends with the day. An electronic seal is not stamped, and
# a physical one is no key to sign with. (Published company seal rules: no use without approval, return on the same day; seal
# controllers: device, count, window, named user, photos of the use.)

# --- a key or a thing --------------------------------------------------------------------------------------------------------

#@ U-23
requires("use", _: Seal, "SEAL_ELECTRONIC");
requires("auto_use", _: Seal, "SEAL_ELECTRONIC");
requires("emergency_use", _: Seal, "SEAL_ELECTRONIC");
requires("stamp", _: Seal, "SEAL_PHYSICAL");
requires("carry_out", _: Seal, "SEAL_PHYSICAL");
meets(_: Person, "SEAL_ELECTRONIC", "use", seal: Seal, _) if seal.category = "ELECTRONIC";
meets(_: Person, "SEAL_ELECTRONIC", "auto_use", seal: Seal, _) if seal.category = "ELECTRONIC";
meets(_: Person, "SEAL_ELECTRONIC", "emergency_use", seal: Seal, _) if seal.category = "ELECTRONIC";
meets(_: Person, "SEAL_PHYSICAL", "stamp", seal: Seal, _) if seal.category = "PHYSICAL";
meets(_: Person, "SEAL_PHYSICAL", "carry_out", seal: Seal, _) if seal.category = "PHYSICAL";

# --- the seal ----------------------------------------------------------------------------------------------------------------

#@ U-01 U-23
requires("stamp", _: Seal, "SEAL_USABLE");
requires("carry_out", _: Seal, "SEAL_USABLE");
meets(_: Person, "SEAL_USABLE", "stamp", seal: Seal, _) if is_usable(seal);
meets(_: Person, "SEAL_USABLE", "carry_out", seal: Seal, _) if is_usable(seal);

# --- the request -------------------------------------------------------------------------------------------------------------

# An approved request of the person's own for this seal: a grant does not open a controller.
#@ U-23
requires("stamp", _: Seal, "STAMP_APPROVED");
requires("carry_out", _: Seal, "STAMP_APPROVED");
meets(person: Person, "STAMP_APPROVED", "stamp", seal: Seal, context) if stamp_request(person, seal, _, context);
meets(person: Person, "STAMP_APPROVED", "carry_out", seal: Seal, context) if stamp_request(person, seal, _, context);

named_request(person: Person, seal: Seal, request, context) if
  request = context.request and
  request matches SealUseRequest and
  request.seal_id = seal.id and
  request.applicant.person_id = person.id and
  is_live(request.applicant, context);

stamp_request(person: Person, seal: Seal, request, context) if
  named_request(person, seal, request, context) and
  stands(request, context);

#@ U-07 U-23
because("STAMP_APPROVED", "REQUEST_EXPIRED", person: Person, seal: Seal, context) if
  named_request(person, seal, request, context) and
  was_approved(request, context) and
  request.valid_to <= context.now;
because("STAMP_APPROVED", "REQUEST_NOT_YET_VALID", person: Person, seal: Seal, context) if
  named_request(person, seal, request, context) and
  was_approved(request, context) and
  context.now < request.valid_from;
#@ U-06 U-23
because("STAMP_APPROVED", "REQUEST_USED_UP", person: Person, seal: Seal, context) if
  named_request(person, seal, request, context) and
  was_approved(request, context) and
  request.used >= request.uses;

# Carrying a seal out is approved by itself, for one day.
#@ U-23
requires("carry_out", _: Seal, "CARRY_OUT_APPROVED");
requires("carry_out", _: Seal, "RETURN_DUE");
meets(person: Person, "CARRY_OUT_APPROVED", "carry_out", seal: Seal, context) if
  named_request(person, seal, request, context) and
  request.carries_out = true;
meets(_: Person, "RETURN_DUE", "carry_out", _: Seal, context) if context.day_ends matches Integer;

# --- the controller ----------------------------------------------------------------------------------------------------------

# The device that holds the seal is the one that the request names, and it is in service.
#@ U-23
requires("stamp", _: Seal, "DEVICE_OF_SEAL");
requires("carry_out", _: Seal, "DEVICE_OF_SEAL");
meets(person: Person, "DEVICE_OF_SEAL", "stamp", seal: Seal, context) if names_device(person, seal, context);
meets(person: Person, "DEVICE_OF_SEAL", "carry_out", seal: Seal, context) if names_device(person, seal, context);

names_device(person: Person, seal: Seal, context) if
  named_request(person, seal, request, context) and
  device = seal.device and
  device matches Device and
  request.device_id = device.id and
  device.state = "ACTIVE";

because("DEVICE_OF_SEAL", "DEVICE_RETIRED", _: Person, seal: Seal, _) if
  device = seal.device and
  device matches Device and
  device.state = "RETIRED";

# The code of the request, which opens the controller once. No code is no right code.
#@ U-23
requires("stamp", _: Seal, "ONE_TIME_CODE");
requires("carry_out", _: Seal, "ONE_TIME_CODE");
meets(person: Person, "ONE_TIME_CODE", "stamp", seal: Seal, context) if gives_code(person, seal, context);
meets(person: Person, "ONE_TIME_CODE", "carry_out", seal: Seal, context) if gives_code(person, seal, context);

gives_code(person: Person, seal: Seal, context) if
  named_request(person, seal, request, context) and
  request.code_digest != "" and
  context.code_digest = request.code_digest;

# --- the person, now ---------------------------------------------------------------------------------------------------------

# A fresh face check for this request. No kind of seal goes without.
#@ U-09 U-23
requires("stamp", _: Seal, "FRESH_FACE_FOR_STAMP");
requires("carry_out", _: Seal, "FRESH_FACE_FOR_STAMP");
meets(person: Person, "FRESH_FACE_FOR_STAMP", "stamp", seal: Seal, context) if shows_face(person, seal, context);
meets(person: Person, "FRESH_FACE_FOR_STAMP", "carry_out", seal: Seal, context) if shows_face(person, seal, context);

shows_face(person: Person, seal: Seal, context) if
  named_request(person, seal, request, context) and
  fresh_face_check(
    context.verification, person, "SIGN", "SealUseRequest", request.id, context.parameters.face_for_use, context);

because("FRESH_FACE_FOR_STAMP", "FACE_VERIFICATION_EXPIRED", person: Person, seal: Seal, context) if
  named_request(person, seal, request, context) and
  stale_face_check(
    context.verification, person, "SIGN", "SealUseRequest", request.id, context.parameters.face_for_use, context);
because("FRESH_FACE_FOR_STAMP", "FACE_VERIFICATION_ALREADY_USED", person: Person, seal: Seal, context) if
  named_request(person, seal, request, context) and
  used_face_check(context.verification, person, "SIGN", "SealUseRequest", request.id);

# --- after an allow ----------------------------------------------------------------------------------------------------------

#@ U-23
obligation(_: Person, "stamp", _: Seal, _, "CONSUME_VERIFICATION");
obligation(_: Person, "stamp", _: Seal, _, "CONSUME_USE_CODE");
obligation(_: Person, "stamp", _: Seal, _, "DECREMENT_USE");
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "stamp", _: Seal, context) if
  named_check(context.verification, id);
obligation_parameter("CONSUME_USE_CODE", "request_id", id, person: Person, "stamp", seal: Seal, context) if
  named_request(person, seal, request, context) and
  id = request.id;
obligation_parameter("DECREMENT_USE", "request_id", id, person: Person, "stamp", seal: Seal, context) if
  named_request(person, seal, request, context) and
  id = request.id;
obligation_parameter("DECREMENT_USE", "approval_ids", id, person: Person, "stamp", seal: Seal, context) if
  named_request(person, seal, request, context) and
  approval in request.approvals and
  id = approval.id;
obligation(_: Person, "stamp", _: Seal, _, "CAPTURE_PHOTO");
obligation(_: Person, "stamp", _: Seal, _, "APPEND_SEAL_LOG");
obligation(_: Person, "stamp", _: Seal, _, "NOTIFY_MONITORS");
# Carrying out is no use yet; a photo of the seal at the door, and it is back before the day ends.
obligation(_: Person, "carry_out", _: Seal, _, "CONSUME_VERIFICATION");
obligation(_: Person, "carry_out", _: Seal, _, "CONSUME_USE_CODE");
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "carry_out", _: Seal, context) if
  named_check(context.verification, id);
obligation_parameter("CONSUME_USE_CODE", "request_id", id, person: Person, "carry_out", seal: Seal, context) if
  named_request(person, seal, request, context) and
  id = request.id;
obligation(_: Person, "carry_out", _: Seal, _, "CAPTURE_PHOTO");
obligation(_: Person, "carry_out", _: Seal, _, "APPEND_SEAL_LOG");
obligation(_: Person, "carry_out", _: Seal, _, "NOTIFY_MONITORS");
obligation(_: Person, "carry_out", _: Seal, _, "RETURN_BY_DAY_END");

# When the permission ends by itself: with the request and its approvers, with the face check, and for carrying out with the day.
lapses(person: Person, "stamp", seal: Seal, context, at) if stamping_ends(person, seal, context, at);
lapses(person: Person, "carry_out", seal: Seal, context, at) if stamping_ends(person, seal, context, at);
lapses(_: Person, "carry_out", _: Seal, context, at) if at = context.day_ends and at matches Integer;

stamping_ends(person: Person, seal: Seal, context, at) if
  stamp_request(person, seal, request, context) and
  request_ends(request, context, at);
stamping_ends(person: Person, seal: Seal, context, at) if
  named_request(person, seal, request, context) and
  face_lapses(
    context.verification, person, "SIGN", "SealUseRequest", request.id, context.parameters.face_for_use, context, at);

# --- what next steps carry ---------------------------------------------------------------------------------------------------

parameter("VERIFY_FACE", "purpose", "SIGN", _: Person, _: Seal, _: StampContext);
parameter("VERIFY_FACE", "bound_type", "SealUseRequest", _: Person, _: Seal, _: StampContext);
parameter("VERIFY_FACE", "bound_id", id, person: Person, seal: Seal, context: StampContext) if
  named_request(person, seal, request, context) and
  id = request.id;
parameter("WAIT_UNTIL", "wait_until", at, person: Person, seal: Seal, context: StampContext) if
  named_request(person, seal, request, context) and
  at = request.valid_from;
