"""Small worlds of the tiny model, made by chance, and goals over them: a file of goals as an author writes it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from tiny.model import TINY

from sealauthz.decision import Bundle
from sealauthz.policytools.attack.goals import Goals, load_goals
from sealauthz.policytools.attack.search import Search

USERS = ("ann", "bob", "cy", "dee")
RANKS = ("READER", "EDITOR", "OWNER")

BUNDLE = Bundle.load(TINY)

QUERIES = tuple(
    f"reached({about}) if {condition};"
    for about, condition in (
        ("document: Document, _: Attack", 'document.state = "PUBLISHED"'),
        ("document: Document, _: Attack", 'document.state = "ARCHIVED" and document.words < 10'),
        ("document: Document, context: Attack", "context.began <= document.published_at"),
        ("member: TeamMember, _: Attack", 'member.rank = "OWNER" and member.user_id = "{user}"'),
        ("member: TeamMember, _: Attack", 'member.user_id = "{user}" and member.team_id = "{team}"'),
        (
            "team: Team, _: Attack",
            "folder in team.folders and document in folder.documents and "
            'document.author_id = "{user}" and document.state = "PUBLISHED"',
        ),
        ("folder: Folder, _: Attack", "folder.documents = []"),
        ("team: Team, context: Attack", 'team.id = "red" and context.action = "invite"'),
        (
            "document: Document, context: Attack",
            'context.action = "publish" and actor = context.actor and actor matches User and '
            'actor.id = "{user}" and document.author_id = actor.id and document.state = "PUBLISHED"',
        ),
        (
            "user: User, _: Attack",
            'user.id = "{user}" and one in user.memberships and two in user.memberships and one.team_id != two.team_id',
        ),
        (
            "member: TeamMember, context: Attack",
            'actor = context.actor and actor matches User and actor.id = member.user_id and member.user_id = "{user}" '
            'and member.rank != "OWNER"',
        ),
    )
)


def world(chance: random.Random) -> dict[str, Any]:
    """Facts by type and id: one or two teams, each with an owner, and a few documents."""
    teams = ["red", "blue"][: chance.choice((1, 2))]
    members: dict[str, Any] = {}
    for team in teams:
        inside = chance.sample(USERS, chance.choice((1, 1, 2, 3)))
        for number, user in enumerate(inside):
            rank = "OWNER" if number == 0 else chance.choice(RANKS)
            members[f"{team}-{user}"] = {"team_id": team, "user_id": user, "rank": rank}
    folders = {f"{team}-folder": {"team_id": team, "title": "Folder"} for team in teams}
    documents: dict[str, Any] = {}
    for number in range(chance.randint(0, 3)):
        team = chance.choice(teams)
        author = chance.choice([each["user_id"] for each in members.values() if each["team_id"] == team])
        documents[f"d{number}"] = {
            "folder_id": f"{team}-folder",
            "author_id": author,
            "title": "Title",
            "words": chance.choice((1, 120, 100_000)),
            "state": chance.choice(("DRAFT", "DRAFT", "PUBLISHED")),
        }
    return {
        "User": {user: {"is_locked": chance.random() < 0.1} for user in USERS},
        "Team": {team: {"title": team} for team in teams},
        "TeamMember": members,
        "Folder": folders,
        "Document": documents,
    }


def written(path: Path, facts: dict[str, Any], goals: list[dict[str, Any]]) -> Path:
    """Write a file of goals over some facts, which JSON writes as YAML reads it."""
    fixture = {"now": "2026-09-21T14:13:20Z", "facts": facts}
    path.write_text(json.dumps({"fixtures": {"small": fixture}, "fixture": "small", "goals": goals}), encoding="utf-8")
    return path


def goals_of(chance: random.Random, facts: dict[str, Any], depth: int) -> list[dict[str, Any]]:
    """Return each query as a goal, with people and teams chosen by chance, for one or two colluders."""
    found = []
    for number, query in enumerate(QUERIES):
        reached = query.format(user=chance.choice(USERS), team=chance.choice([*facts["Team"]]))
        insiders = sorted({member["user_id"] for member in facts["TeamMember"].values()})
        colluders = [chance.choice(insiders), *chance.sample(USERS, chance.choice((0, 1)))]
        goal = {"goal": f"goal {number}", "colluders": sorted(set(colluders)), "depth": depth, "reached": reached}
        if number % 4 == 2:
            goal["waits"] = 1
        if chance.random() < 0.3:
            goal["deceived"] = [chance.choice([user for user in USERS if user not in colluders])]
        found.append(goal)
    return found


def loaded(path: Path, bundle: Bundle = BUNDLE) -> tuple[Goals, Search]:
    """Load the goals of a file, and what searches for them."""
    goals = load_goals([path], bundle)
    return goals, Search(bundle, goals, {("publish", "note"): ("because",)})
