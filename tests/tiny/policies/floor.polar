# What no bundle may drop: a locked account does nothing, and only members act.

requires("invite", _: Team, "NOT_LOCKED");
requires("list", _: Folder, "NOT_LOCKED");
requires("add", _: Folder, "NOT_LOCKED");
requires("read", _: Document, "NOT_LOCKED");
requires("archive", _: Document, "NOT_LOCKED");
requires("publish", _: Document, "NOT_LOCKED");

meets(user: User, "NOT_LOCKED", _, _, _) if user.is_locked = false;
