"""Documents in folders of teams: five records, six actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from sealauthz.runtime.errors import InvalidRequest
from sealauthz.runtime.instants import NEVER
from sealauthz.schema import (
    Act,
    Delete,
    Duration,
    Duty,
    Event,
    Invariant,
    MetBy,
    Model,
    Named,
    Outcome,
    Part,
    Put,
    Resolver,
    ResolverInput,
    actions,
    looks,
)
from sealauthz.schema.changes import Changes, Rows, all_of, broken, name_of
from sealauthz.schema.record import Instant, PersonalText, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, RelatedTo, Subject, Tenant, Unique


class Rank(StrEnum):
    """What a member of a team may do."""

    READER = "READER"
    EDITOR = "EDITOR"
    OWNER = "OWNER"


class DocState(StrEnum):
    """Where a document is in its life."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    ARCHIVED = "ARCHIVED"


def mask_mail(text: str) -> str:
    """Keep the first character and the domain: `a***@example.org`."""
    name, at, domain = text.partition("@")
    return f"{name[:1]}***{at}{domain}"


@record(root=Tenant(), permanent=True)
class Team:
    """A team, which owns folders."""

    id: str
    title: str

    members: list[TeamMember] = many("team_id")
    folders: list[Folder] = many("team_id")


@record(
    RelatedTo("Team", "~TeamMember.user_id/team_id"),
    root=Subject({"mail": "mail"}),
    permanent=True,
)
class User:
    """Somebody who may ask."""

    id: str
    mail: Annotated[str, PersonalText(mask_mail, has_stars=False)] = ""
    is_locked: bool = False

    memberships: list[TeamMember] = many("user_id")


@record(
    Unique("ONE_PLACE", ("team_id", "user_id"), says="a user has one place in a team"),
    Fixed("SAME_USER", "user_id", says="another user takes a new place"),
    RelatedTo("User", "user_id"),
    home="team_id",
)
class TeamMember:
    """A user's place in a team."""

    id: str
    team_id: Annotated[str, Ref("Team")]
    user_id: Annotated[str, Ref("User")]
    rank: Rank = Rank.READER
    since: Instant = NEVER

    team: Team = one("team_id")
    user: User = one("user_id")


@record(Check("NAMED", "title <> ''", says="a folder has a title"), home="team_id")
class Folder:
    """A folder of a team."""

    id: str
    team_id: Annotated[str, Ref("Team")]
    title: str

    team: Team = one("team_id")
    documents: list[Document] = many("folder_id")


@record(
    Life({"DRAFT": ("PUBLISHED",), "PUBLISHED": ("ARCHIVED",)}),
    Fixed("SAME_AUTHOR", "author_id", says="a document keeps its author"),
    home="folder_id",
)
class Document:
    """A document in a folder."""

    id: str
    folder_id: Annotated[str, Ref("Folder")]
    author_id: Annotated[str, Ref("User")]
    title: str
    state: DocState = DocState.DRAFT
    words: int = 0
    published_at: Instant = NEVER

    folder: Folder = one("folder_id")


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of the policies."""

    longest: int
    draft_for: Duration
    allow_valid_for: Duration
    deny_valid_for: Duration


@dataclass(slots=True)
class Context:
    """What every action's context holds."""

    now: Instant
    caller: str
    parameters: Numbers


@dataclass(slots=True)
class PublishContext(Context):
    """Publishing: why, who approves, and of the server's making the team and how many drafts the author has in it."""

    note: str | None = None
    approver: TeamMember | None = None
    team: Team | None = None
    drafts: int | None = None


def count_drafts(query: ResolverInput) -> Mapping[str, Any]:
    """Count the drafts of the document's author in its folder."""
    documents = query.resource.folder.documents
    mine = [each for each in documents if each.author_id == query.resource.author_id and each.state == "DRAFT"]
    return {"drafts": len(mine)}


@dataclass(frozen=True, slots=True)
class Invited:
    """Inviting: whom, and as what."""

    user: Annotated[str, Ref("User")]
    rank: Rank = Rank.READER


@dataclass(frozen=True, slots=True)
class Added:
    """Adding documents: their titles, in order."""

    titles: tuple[str, ...]
    words: int = 0


def invite(act: Act) -> Outcome:
    """Give a user a place in the team."""
    asked = act.arguments
    if any(member.user_id == asked.user for member in act.resource.members):
        raise InvalidRequest.at("arguments[user]", "has a place in this team")
    made = TeamMember(act.new_id(), act.resource.id, asked.user, asked.rank, act.now)
    return Outcome((Put(made),), values={"member_id": made.id})


def add(act: Act) -> Outcome:
    """Put drafts into the folder."""
    titles = act.arguments.titles
    made = [
        Document(act.new_id(title), act.resource.id, act.subject.id, title, words=act.arguments.words)
        for title in titles
    ]
    return Outcome(tuple(map(Put, made)), values={"count": len(made)})


def publish(act: Act) -> Outcome:
    """Publish a draft."""
    return Outcome((act.set(act.resource, state=DocState.PUBLISHED, published_at=act.now),))


def archive(act: Act) -> Outcome:
    """Archive a document; of one that was never published there is nothing to keep."""
    if act.resource.state == "DRAFT":
        return Outcome((Delete("Document", act.resource.id),))
    return Outcome((act.set(act.resource, state=DocState.ARCHIVED),))


def tell_team(act: Act, _named: Mapping[str, Any]) -> Iterable[Event]:
    """Tell the members of the team that a document is published."""
    team = act.resource.folder.team
    members = tuple(sorted(member.user_id for member in team.members))
    yield Event("PUBLISHED", team.id, ("Document", act.resource.id), members, {"by_id": act.subject.id})


def check_author(changes: Changes, rows: Rows) -> None:
    """AUTHOR: a new document is by a member of its folder's team."""
    new = [change.after for change in changes.of("Document") if change.before is None]
    folders = all_of(rows, "Folder", [document.folder_id for document in new])
    for document in new:
        members = rows.naming("TeamMember", "team_id", {folders[document.folder_id].team_id})
        if document.author_id not in {member.user_id for member in members}:
            broken("AUTHOR", f"{name_of(document)} is by nobody of the team")


def check_owner(changes: Changes, rows: Rows) -> None:
    """OWNER: a team that has members has an owner."""
    touched = {side.team_id for change in changes.of("TeamMember") for side in (change.before, change.after) if side}
    for team_id in sorted(touched):
        ranks = {member.rank for member in rows.naming("TeamMember", "team_id", {team_id})}
        if ranks and "OWNER" not in ranks:
            broken("OWNER", f"`Team:{team_id}` would have no owner")


TINY = Model(
    name="documents",
    parts=(
        Part((User,)),
        Part((Team, TeamMember), invariants=(Invariant(check_owner, standing=("TeamMember",)),)),
        Part(
            (Folder, Document),
            (
                *actions("Team", Context, "invite", arguments=Invited, effect=invite),
                *actions("Folder", Context, "list", effect=looks),
                *actions("Folder", Context, "add", arguments=Added, effect=add),
                *actions("Document", Context, "read", effect=looks),
                *actions("Document", Context, "archive", effect=archive),
                *actions(
                    "Document",
                    PublishContext,
                    "publish",
                    gives=("note", "approver"),
                    resolver=Resolver(along={"team": ("folder_id", "team_id")}, find=count_drafts),
                    effect=publish,
                ),
            ),
            (Invariant(check_author),),
            (Duty("TELL_TEAM", MetBy.EVENT, tell=tell_team),),
            named=(
                Named("", "Team", "invite", lambda team: {"team_title": team.title}, {"team_title": ("Team", "title")}),
            ),
        ),
    ),
    context=Context,
    parameters=Numbers,
    policies=Path(__file__).parent / "policies",
)


def facts() -> list[Any]:
    """A few facts: two teams, their members, and documents in all states."""
    return [
        User("ann", mail="ann@example.org"),
        User("bob", mail="bob@example.org"),
        User("cy", mail="cy@example.org"),
        Team("red", "Red"),
        Team("blue", "Blue"),
        TeamMember("red-ann", "red", "ann", Rank.OWNER, 5_000_000),
        TeamMember("red-bob", "red", "bob", Rank.EDITOR),
        TeamMember("blue-cy", "blue", "cy", Rank.OWNER),
        TeamMember("blue-bob", "blue", "bob", Rank.READER),
        Folder("plans", "red", "Plans"),
        Folder("notes", "blue", "Notes"),
        Document("d1", "plans", "bob", "Budget", words=120),
        Document("d2", "plans", "ann", "Roadmap", DocState.PUBLISHED, 900, 7_000_000),
        Document("d3", "notes", "cy", "Minutes", DocState.PUBLISHED, 40, 6_000_000),
    ]
