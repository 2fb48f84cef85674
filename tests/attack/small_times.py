"""Small worlds of the tiny model under rules that read the time, made by chance, and goals for which time passes."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from small_worlds import written
from tiny.model import TINY

from sealauthz.attack.goals import load_goals
from sealauthz.attack.search import Search
from sealauthz.attack.world import World
from sealauthz.decision import Bundle
from sealauthz.schema import FOREVER, Instant

RULES = """
# What was published is archived no sooner than thirty days later; a draft is deleted while somebody is still to come.
requires("archive", _: Document, "RIPE");
meets(_: User, "RIPE", "archive", document: Document, context: Context) if
  document.state = "DRAFT" and
  member in document.folder.team.members and
  member.since > context.now;
meets(_: User, "RIPE", "archive", document: Document, context: Context) if
  document.state != "DRAFT" and
  document.published_at + context.parameters.draft_for <= context.now;

# Nobody is invited to a team in which everybody has a place already.
requires("invite", _: Team, "FORMING");
meets(_: User, "FORMING", "invite", team: Team, context: Context) if
  member in team.members and
  member.since > context.now;

# A long document is published while there is another draft in its folder; and by nobody before they have their place.
requires("publish", _: Document, "BESIDE");
meets(_: User, "BESIDE", "publish", document: Document, _) if document.words <= 100;
meets(_: User, "BESIDE", "publish", document: Document, _) if
  other in document.folder.documents and
  other.id != document.id and
  other.state = "DRAFT";
requires("publish", _: Document, "BEGUN");
meets(user: User, "BEGUN", "publish", document: Document, context: PublishContext) if
  member in document.folder.team.members and
  member.user_id = user.id and
  member.since <= context.now;

otherwise("RIPE", "NOT_RIPE");
otherwise("FORMING", "NOT_FORMING");
otherwise("BESIDE", "NOT_BESIDE");
otherwise("BEGUN", "NOT_BEGUN");
reason("NOT_RIPE", 50, "USER", "NONE");
reason("NOT_FORMING", 50, "USER", "NONE");
reason("NOT_BESIDE", 50, "USER", "NONE");
reason("NOT_BEGUN", 50, "USER", "NONE");
"""

QUERIES = (
    # archived, which takes time
    """reached(document: Document, _: Attack) if document.words > 100 and document.state = "ARCHIVED";""",
    # done before time passes, and behind it
    """reached(team: Team, _: Attack) if
      member in team.members and member.user_id = "cy" and
      folder in team.folders and document in folder.documents and document.state = "ARCHIVED";""",
    """reached(team: Team, context: Attack) if
      member in team.members and member.user_id = "cy" and
      folder in team.folders and document in folder.documents and document.published_at > context.began;""",
    # both at one instant behind it: at two is not possible
    """reached(folder: Folder, context: Attack) if
      one in folder.documents and two in folder.documents and
      one.published_at > context.began and two.published_at > one.published_at;""",
    """reached(folder: Folder, context: Attack) if
      one in folder.documents and two in folder.documents and one.id != two.id and
      one.published_at > context.began and two.published_at > context.began;""",
    # a draft is deleted at once, and the other one published behind, which it then is not for want of the first
    """reached(folder: Folder, context: Attack) if
      one in folder.documents and one.published_at > context.began and folder.documents = [one];""",
    # whose act was the last one
    """reached(document: Document, context: Attack) if
      context.action = "archive" and document.state = "PUBLISHED" and document.published_at >= context.began;""",
    """reached(folder: Folder, context: Attack) if
      context.action = "publish" and one in folder.documents and
      one.words > 100 and one.state = "PUBLISHED" and folder.documents = [one];""",
    """reached(team: Team, context: Attack) if
      context.action = "invite" and folder in team.folders and document in folder.documents and
      document.state != "DRAFT";""",
    """reached(document: Document, context: Attack) if
      actor = context.actor and actor matches User and actor.id = "bob" and document.state = "ARCHIVED";""",
    # time that passes last, and what somebody did while nobody acted since
    """reached(member: TeamMember, context: Attack) if
      context.action = "" and context.began < context.now and member.since = context.began;""",
)


def bundle(folder: Path) -> Bundle:
    """Return the tiny bundle with these rules."""
    policies = folder / "policies"
    shutil.copytree(TINY.policies, policies)
    (policies / "more.polar").write_text(RULES, encoding="utf-8")
    return Bundle.load(TINY, policies)


def world(chance: random.Random) -> dict[str, Any]:
    """Facts by type and id: a team of two or three, of whom some come later, and one or two documents in its folder."""
    since = ["2026-09-21T13:13:20Z", "2026-09-23T14:13:20Z"]
    members: dict[str, Any] = {}
    for user in ("ann", "bob", "dee")[: chance.choice((2, 2, 3))]:
        member = {"team_id": "red", "user_id": user, "rank": "EDITOR" if user == "dee" else "OWNER"}
        # Where nobody's place tells of an instant, only what is done makes one to wait for.
        members[f"red-{user}"] = member | ({"since": chance.choice(since)} if chance.random() < 0.5 else {})
    documents: dict[str, Any] = {}
    for number in range(chance.choice((1, 2, 2))):
        state = chance.choice(("DRAFT", "DRAFT", "PUBLISHED"))
        document = {"folder_id": "f", "author_id": "bob", "title": "T", "state": state}
        document["words"] = chance.choice((1, 120))
        is_old = state == "PUBLISHED" and chance.random() < 0.5
        documents[f"d{number}"] = document | ({"published_at": "2026-08-30T14:13:20Z"} if is_old else {})
    return {
        "User": {user: {} for user in ("ann", "bob", "cy", "dee")},
        "Team": {"red": {"title": "red"}},
        "TeamMember": members,
        "Folder": {"f": {"team_id": "red", "title": "Folder"}},
        "Document": documents,
    }


def ends(world: World, first: World, now: Instant, lengths: Sequence[int]) -> list[Instant]:
    """Return until when time may pass: fewer instants than the searches of a user have, but those of both worlds."""
    held = {
        at
        for some in (world, first)
        for name, records in some.records.items()
        for column in some.model.shapes[name].columns
        if column.is_instant
        for record in records.values()
        if 0 < (at := getattr(record, column.name)) < FOREVER
    }
    return sorted(at for at in held | {each + max(lengths) for each in held} if at > now)


def searched(folder: Path, bundle: Bundle, facts: dict[str, Any], asked: list[dict[str, Any]]) -> Search:
    """Return what searches for goals in a small world."""
    return Search(bundle, load_goals([written(folder / "goals.yaml", facts, asked)], bundle), {})


def goals() -> list[dict[str, Any]]:
    """Each query as a goal of two colluders."""
    about = {"colluders": ["ann", "bob"], "acts": ["publish", "archive", "invite"], "depth": 3, "waits": 1}
    return [{"goal": f"goal {number}", **about, "reached": query} for number, query in enumerate(QUERIES)]
