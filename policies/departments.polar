# Departments: a tree. What is for a department is for those below it, and each has its own head.

# A-07: Departments are trees: a grant to a department covers those below it. A step of a process that is for the head
# of a department is for the head of the applicant's own; where it has none, or where the applicant is that head, for
# the one above. Substitutes act in a recorded absence.
#@ A-07
is_within_department(department: Department, department_id) if department.id = department_id;
is_within_department(department: Department, department_id) if
  above = department.parent and
  above matches Department and
  is_within_department(above, department_id);

# A person who is nobody's head there, or the head of another branch, decides nothing.
is_head_of_applicant(head: Membership, applicant: Membership, context) if
  department = applicant.department and
  department matches Department and
  is_next_head(head, department, applicant, context);

is_next_head(head: Membership, department: Department, applicant: Membership, context) if
  heads_department(head, department, context) and
  not are_one_human(head.person_id, applicant.person_id, applicant.enterprise);
is_next_head(head: Membership, department: Department, applicant: Membership, context) if
  not has_other_head(department, applicant, context) and
  above = department.parent and
  above matches Department and
  is_next_head(head, above, applicant, context);

heads_department(head: Membership, department: Department, context) if
  head.enterprise_id = department.enterprise_id and
  assignment in head.assignments and
  assignment.role = "DEPT_ADMIN" and
  assignment.department_id matches String and
  assignment.department_id = department.id and
  is_active_assignment(assignment, context);

has_other_head(department: Department, applicant: Membership, context) if
  head in department.enterprise.memberships and
  not are_one_human(head.person_id, applicant.person_id, applicant.enterprise) and
  heads_department(head, department, context);

# Whose head the next one is changes with each head's role.
head_of_applicant_changes(process: ApprovalProcess, applicant: Membership, context, at) if
  asks_for_head(process) and
  head in applicant.enterprise.memberships and
  assignment in head.assignments and
  assignment.role = "DEPT_ADMIN" and
  assignment.state = "ACTIVE" and
  at in [assignment.valid_from, assignment.valid_to, head.ended_at] and
  context.now < at;

asks_for_head(process: ApprovalProcess) if
  step in process.steps and
  named in step.approvers and
  named.role matches String and
  named.role = "DEPT_ADMIN";
