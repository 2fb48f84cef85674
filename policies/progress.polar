# Following the progress: who sees how far an application, a request or a signing task is.
#
# What a person began they can follow, and so can those who must act on it or run the place where it waits. To all others
# there is nothing to see. (A retrieval case: retrieval.polar.)

# R-16: An applicant follows their application, and those who run the enterprise follow all.
#@ R-16
requires("view_progress", _: JoinApplication, "PROGRESS_PARTY");
meets(person: Person, "PROGRESS_PARTY", "view_progress", application: JoinApplication, _) if
  application.person_id = person.id;
meets(person: Person, "PROGRESS_PARTY", "view_progress", application: JoinApplication, context) if
  may_administer(person, application.enterprise, context);

# U-03: A request is followed by its applicant, by those whose turn it is or was, by those who run the seals, and by
# administrators.
#@ U-03
requires("view_progress", _: SealUseRequest, "PROGRESS_PARTY");
meets(person: Person, "PROGRESS_PARTY", "view_progress", request: SealUseRequest, _) if
  request.applicant.person_id = person.id;
meets(person: Person, "PROGRESS_PARTY", "view_progress", request: SealUseRequest, context) if
  may_decide_now(person, request, context);
meets(person: Person, "PROGRESS_PARTY", "view_progress", request: SealUseRequest, _) if gave_verdict(person, request);
meets(person: Person, "PROGRESS_PARTY", "view_progress", request: SealUseRequest, context) if
  may_manage_seals(person, request.seal.enterprise, context);
meets(person: Person, "PROGRESS_PARTY", "view_progress", request: SealUseRequest, context) if
  may_administer(person, request.seal.enterprise, context);

# C-01: A task is followed by whom it names, and by those who run the contracts of the party whose task it is.
#@ C-01
requires("view_progress", _: SigningTask, "PROGRESS_PARTY");
meets(person: Person, "PROGRESS_PARTY", "view_progress", task: SigningTask, _) if is_named_in_task(person.id, task);
meets(person: Person, "PROGRESS_PARTY", "view_progress", task: SigningTask, _) if
  task.signatory.person_id = person.id;
meets(person: Person, "PROGRESS_PARTY", "view_progress", _: SigningTask, context) if
  enterprise = context.enterprise and
  enterprise matches Enterprise and
  administers_contracts(person, enterprise, context);

has_permission(_: Person, "view_progress", _: JoinApplication);
has_permission(_: Person, "view_progress", _: SealUseRequest);
has_permission(_: Person, "view_progress", _: SigningTask);
