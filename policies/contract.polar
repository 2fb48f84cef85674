# The contract between a bundle and the service. Product-owned: no other file defines these rules.
#
# A bundle answers four questions. May it be done (allow)? What stands in the way (unmet, because)? What can the person
# do about it (reason, parameter, counted)? What must the caller do when it goes ahead (obligation, and what it names:
# obligation_parameter)?
#
# Everything is decided by the checklist of an action: `requires` lists requirements, `meets` and `waived` settle them.
# `because` explains a requirement that is not settled; where none holds, `otherwise` names the reason.

type allow(_subject, _action, _resource, _context);

# What the subject cannot see is answered like what does not exist. The permission stands last: the engine would repeat
# the checklist for every solution before it.
allow(subject, action, resource, context) if
  visible(subject, resource, context) and
  forall(requires(action, resource, requirement),
         settled(subject, requirement, action, resource, context)) and
  requires(action, resource, _) and
  has_permission(subject, action, resource);

settled(subject, requirement, action, resource, context) if
  meets(subject, requirement, action, resource, context) or
  waived(requirement, action, resource, context);

unmet(subject, requirement, action, resource, context) if
  requires(action, resource, requirement) and
  not settled(subject, requirement, action, resource, context);
