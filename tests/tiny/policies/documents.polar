# Documents in folders of teams.

resource Team {
  permissions = ["invite"];
}
resource Folder {
  permissions = ["list", "add"];
}
resource Document {
  permissions = ["read", "archive", "publish"];
}

# The team of a thing, and a user's place in it.
team_of(team: Team, found) if found = team;
team_of(folder: Folder, found) if found = folder.team;
team_of(document: Document, found) if found = document.folder.team;

place(user: User, resource, member) if
  team_of(resource, team) and
  member in team.members and
  member.user_id = user.id;

visible(user: User, resource, _) if place(user, resource, _);
has_standing(user: User, resource, _) if place(user, resource, _);

has_permission(user: User, "invite", team: Team) if place(user, team, member) and member.rank = "OWNER";
has_permission(user: User, "list", folder: Folder) if place(user, folder, _);
has_permission(user: User, "add", folder: Folder) if place(user, folder, member) and member.rank in ["EDITOR", "OWNER"];
has_permission(user: User, "read", document: Document) if place(user, document, _);
has_permission(user: User, "archive", document: Document) if place(user, document, member) and member.rank = "OWNER";
has_permission(user: User, "publish", document: Document) if
  place(user, document, member) and
  member.rank in ["EDITOR", "OWNER"];

#@ D-01
# A draft is read by its author and by owners.
requires("read", _: Document, "READABLE");
meets(_: User, "READABLE", "read", document: Document, _) if document.state in ["PUBLISHED", "ARCHIVED"];
meets(user: User, "READABLE", "read", document: Document, _) if document.author_id = user.id;
meets(user: User, "READABLE", "read", document: Document, _) if
  place(user, document, member) and
  member.rank = "OWNER";

#@ D-02
# A document is published once, when another member of the team approves it, and not while it is too long.
requires("publish", _: Document, "IS_DRAFT");
requires("publish", _: Document, "SHORT_ENOUGH");
requires("publish", _: Document, "APPROVED");
requires("publish", _: Document, "FEW_DRAFTS");
meets(_: User, "IS_DRAFT", "publish", document: Document, _) if document.state = "DRAFT";
meets(_: User, "SHORT_ENOUGH", "publish", document: Document, context: PublishContext) if
  document.words <= context.parameters.longest;
meets(user: User, "APPROVED", "publish", _: Document, context: PublishContext) if
  team = context.team and
  team matches Team and
  approver = context.approver and
  approver matches TeamMember and
  approver.team_id = team.id and
  approver.user_id != user.id;
meets(_: User, "FEW_DRAFTS", "publish", _: Document, context: PublishContext) if
  context.drafts matches Integer and
  context.drafts <= 3;
# A short note may always go out.
waived("FEW_DRAFTS", "publish", document: Document, _) if document.words < 10;

because("APPROVED", "APPROVER_IS_AUTHOR", user: User, _: Document, context: PublishContext) if
  approver = context.approver and
  approver matches TeamMember and
  approver.user_id = user.id;

obligation(_: User, "publish", _: Document, _, "TELL_TEAM");

parameter("ASK_OWNER", "owner", found, _: User, document: Document, _) if
  member in document.folder.team.members and
  member.rank = "OWNER" and
  found = member.user;
