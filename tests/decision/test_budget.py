"""A question that takes too many steps, or never ends, is denied, and harms no other question."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from scene import NOW, Scene, codes, member, person, question

from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.decision.folder import installed_folder
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL

TOO_MANY_STEPS = """
meets(_: Person, "ENDLESS", "join", enterprise: Enterprise, _) if
  a in enterprise.memberships and
  b in enterprise.memberships and
  c in enterprise.memberships and
  d in enterprise.memberships and
  e in enterprise.memberships and
  (a.joined_at - b.joined_at) * (a.joined_at - b.joined_at) < (c.joined_at - d.joined_at) * (e.joined_at - e.joined_at);
"""

RUNAWAY_RECURSION = """
meets(_: Person, "ENDLESS", "join", _: Enterprise, _) if beyond(1);
beyond(n: Integer) if n < 0;
beyond(n: Integer) if m = n + 1 and beyond(m);
"""

RUNAWAY_SEARCH = """
meets(_: Person, "ENDLESS", "join", _: Enterprise, _) if after(1, found) and found < 0;
after(n: Integer, found) if found = n;
after(n: Integer, found) if m = n + 1 and after(m, found);
"""


def fact_cache() -> FactCache:
    crowd = [one for n in range(40) for one in (person(f"x{n}"), member(f"x{n}"))]
    return FactCache.of_records(MODEL, Scene().put(*crowd).records)


@pytest.mark.parametrize(
    "endless",
    [
        pytest.param(TOO_MANY_STEPS, id="too many steps"),
        pytest.param(RUNAWAY_RECURSION, id="runaway recursion"),
        pytest.param(RUNAWAY_SEARCH, id="runaway search"),
    ],
)
def test_a_question_without_an_end_is_denied(endless: str, tmp_path: Path) -> None:
    folder = shutil.copytree(installed_folder(), tmp_path / "policies")
    with (folder / "membership.polar").open("a", encoding="utf-8") as file:
        file.write(
            '\n\nrequires("join", _: Enterprise, "ENDLESS");\n'
            'otherwise("ENDLESS", "NO_END");\n'
            'reason("NO_END", 95, "USER", "NONE");\n' + endless
        )
    pdp = PolicyDecisionPoint(fact_cache(), Bundle.load(MODEL, folder), lambda: NOW)
    for _ in range(2):
        decision = pdp.decide(question("outsider", "join", ("Enterprise", "e")))
        assert (bool(decision), codes(decision)) == (False, ["POLICY_ERROR"])
    assert pdp.decide(question("user", "use", ("Seal", "s"), task="t", verification="v-user"))
