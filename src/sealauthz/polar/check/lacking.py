"""What some members of a group require by lines of their own, and others do not require: often one was forgotten."""

from __future__ import annotations

from collections.abc import Iterable

from sealauthz.polar.contract import Rulebook
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.groups import Group, Member
from sealauthz.polar.source import FLOOR_FILE

_ENOUGH = 2
"""How many members make a requirement look like one of the group."""


def check_lacking(book: Rulebook, found: Diagnostics) -> None:
    """Warn where members of a group state a requirement by themselves that other members lack.

    Groups of the floor are not looked at: they say what actions of all sorts have in common, not that they are one act.
    """
    for group in book.groups.by_name.values():
        if any(place.file == FLOOR_FILE for place in group.members.values()):
            continue
        listed = dict.fromkeys(each for member in group.members for each in book.requirements.get(member, ()))
        for requirement in listed:
            if requirement not in group.requirements:
                _check_requirement(book, group, requirement, found)


def _check_requirement(book: Rulebook, group: Group, requirement: str, found: Diagnostics) -> None:
    requiring = [member for member in group.members if (requirement, *member) in book.requires]
    own = [member for member in requiring if (requirement, *member) not in book.groups.given]
    lacking = [member for member in group.members if member not in requiring]
    if len(own) < _ENOUGH or not lacking:
        return
    others = f"{_listed(lacking)} {'does' if len(lacking) == 1 else 'do'} not"
    message = f"in the group {group.name}, {_listed(own)} require `{requirement}` by lines of their own, and {others}"
    action, type_ = lacking[0]
    # Without backticks, between which long text is cut.
    hint = (
        f'state it once: group_requires("{group.name}", ["{requirement}"]); and where it is not meant: '
        f'exempt("{group.name}", "{action}", _: {type_}, "{requirement}", "why");'
    )
    found.warning("group", message, book.requires[(requirement, *own[0])].place, hint)


def _listed(members: Iterable[Member]) -> str:
    said = [f"`{action}` on {type_}" for action, type_ in members]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
