# Heads of departments stop a seal in an emergency: whoever runs a department may freeze each seal of the enterprise, and
# nothing else. Giving it free again stays with the seal administrators.

resource Enterprise {
  roles = ["department_head"];
}

# The role is a fact of the enterprise, read now: a DEPT_ADMIN of a department of this enterprise, while the assignment stands.
has_role(person: Person, "department_head", enterprise: Enterprise) if heads_department(person, enterprise);

heads_department(person: Person, enterprise: Enterprise) if
  headship(person, enterprise, assignment) and
  assignment.state = "ACTIVE";

headship(person: Person, enterprise: Enterprise, assignment) if
  member(person, enterprise, membership) and
  assignment in membership.assignments and
  assignment.role = "DEPT_ADMIN" and
  department in enterprise.departments and
  department.id = assignment.department_id;
