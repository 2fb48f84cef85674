# Heads of departments stop a seal in an emergency: a person who runs a department may freeze each seal of the
# enterprise, and nothing else. Releasing it stays with the seal administrators.

# The role, and what it may do in principle …
resource Enterprise {
  roles = ["department_head"];
}

resource Seal {
  relations = { headed: Enterprise };

  "freeze" if "department_head" on "headed";
}

has_role(person: Person, "department_head", enterprise: Enterprise) if headship(person, enterprise, _);
has_relation(enterprise: Enterprise, "headed", seal: Seal) if enterprise = seal.enterprise;

# … and the entry on the checklist of the action that the head meets now.
meets(person: Person, "SEAL_GUARDIAN", "freeze", seal: Seal, context) if
  headship(person, seal.enterprise, assignment) and
  is_active_assignment(assignment, context);

# An assignment as DEPT_ADMIN of a department of this very enterprise, of a member of it.
headship(person: Person, enterprise: Enterprise, assignment) if
  listed_membership(person, enterprise, membership) and
  assignment in membership.assignments and
  assignment.role = "DEPT_ADMIN" and
  department in enterprise.departments and
  department.id = assignment.department_id;

# What rests on an assignment ends with it.
lapses(person: Person, "freeze", seal: Seal, context, at) if
  headship(person, seal.enterprise, assignment) and
  is_active_assignment(assignment, context) and
  assignment_lapses(assignment, at);
