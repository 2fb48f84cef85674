"""Write `docs/reasons.md`: every reason with its stage, texts and next steps; every next step; every obligation.

Everything in it is read from the bundle. `--check` says whether the file is up to date.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle
from sealauthz.decision.questions import named_by_obligations
from sealauthz.decision.texts import SERVICE_REASONS, SERVICE_STEPS, missing_texts
from sealauthz.model import MODEL
from sealauthz_client.answers import NOTHING_TO_DO

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "reasons.md"

LADDER = (
    (0, "the service's own"),
    (10, "account"),
    (20, "real name"),
    (30, "enterprise"),
    (40, "membership"),
    (50, "retrieval"),
    (60, "task and contract"),
    (70, "seal"),
    (80, "certificate"),
    (90, "grant or approval"),
    (100, "limits and time"),
    (110, "separation of duties"),
    (120, "freshness of identity"),
)
"""The rungs of the ladder, by the lowest stage of each."""


_INTRODUCTION = """\
A deny carries all its reasons, ordered by stage: that is the order in which a person should fix them. Each has its next
steps. Up to stage 40 they are gate reasons, which is all that a person without standing is told. Texts come in the
language that a request asks for (`language`: `en`, `zh`); of several texts the first is said whose names in braces are
known. Names and phones are masked."""

_ABOUT_STEPS = """\
`NONE` means that the person can do nothing about the reason. A step that leads nowhere for this person, now, is left
out (`leads_nowhere` in the policies, or nothing of all that it counts); where none is left, the step is `NONE`. What
ends in `_at` or `_until` is an instant; what names a person comes as a masked `…_name` and `…_phone`."""


_ABOUT_OBLIGATIONS = """\
What is to be used up is named by its id. `DECREMENT_USE` names the one authority that an allow rests on: a grant, a
request with its approvals, an open grant, a delegation with the principal's grant, or a grant across enterprises;
nothing for the legal representative's own seal, which counts no use. What ends in `_ids` is a JSON array of ids."""


def page(bundle: Bundle) -> Iterator[str]:
    """Yield the lines of the page."""
    book, texts = bundle.rulebook, bundle.texts
    yield "# Reasons, next steps, obligations and events"
    yield ""
    yield "Written by `tools/reasons_doc.py` from `policies/`; do not edit."
    yield ""
    yield from _INTRODUCTION.splitlines()
    yield ""
    yield "## Reasons"
    given = _given(bundle)
    for number, (lowest, name) in enumerate(LADDER):
        highest = LADDER[number + 1][0] if number + 1 < len(LADDER) else 1_000
        codes = [code for code, entry in book.reasons.items() if lowest <= entry.stage < highest]
        if not codes:
            continue
        yield ""
        yield f"### {lowest} {name}"
        yield ""
        yield "| code | stage | says | next steps | where this is not met |"
        yield "|---|---|---|---|---|"
        for code in sorted(codes, key=lambda code: (book.reasons[code].stage, code)):
            entry = book.reasons[code]
            steps = " ".join(f"`{step}`" for step in entry.next_steps if step != NOTHING_TO_DO) or "–"
            audience = "" if entry.audience == "USER" else " (operators only)"
            needs = " ".join(f"`{requirement}`" for requirement in given[code]) or "–"
            yield f"| `{code}`{audience} | {entry.stage} | {_says(texts.reasons.get(code, {}))} | {steps} | {needs} |"
    yield ""
    for code in SERVICE_REASONS:
        yield f"`{code}` stands for reasons that are for operators only: {_says(texts.reasons.get(code, {}))}"
    yield ""
    yield "## Next steps"
    yield ""
    yield from _ABOUT_STEPS.splitlines()
    yield ""
    yield "| code | says | carries |"
    yield "|---|---|---|"
    carried: dict[str, list[str]] = defaultdict(list)
    for (what, step), names in book.carried.items():
        carried[step] += [f"`{name}`{' (count)' if what == 'counted' else ''}" for name in sorted(names)]
    for step, name in SERVICE_STEPS.items():
        carried[step] += [f"`{name}`"]
    steps = {step for entry in book.reasons.values() for step in entry.next_steps}
    for step in sorted(steps - {NOTHING_TO_DO}):
        yield f"| `{step}` | {_says(texts.steps.get(step, {}))} | {' '.join(carried[step]) or '–'} |"
    yield ""
    yield "## Obligations"
    yield ""
    yield "What must be done with an allow. Of an act that is performed the service meets all but those that its answer"
    yield "names. A caller that acts by itself meets all, and one that cannot must treat the answer as a deny."
    yield ""
    yield from _ABOUT_OBLIGATIONS.splitlines()
    yield ""
    yield "| code | says | names | on |"
    yield "|---|---|---|---|"
    on: dict[str, list[str]] = defaultdict(list)
    for (action, type_), codes in book.obligations.items():
        for code in dict.fromkeys(codes):
            on[code].append(f"`{action}` {type_}")
    named_by: dict[str, set[str]] = defaultdict(set)
    for of_action in named_by_obligations(book).values():
        for code, found in of_action.items():
            named_by[code] |= found
    for code in sorted(on):
        named = " ".join(f"`{name}`" for name in sorted(named_by[code])) or "–"
        yield f"| `{code}` | {_says(texts.obligations.get(code, {}))} | {named} | {', '.join(on[code])} |"
    yield ""
    yield "## Events"
    yield ""
    yield "What people are told, by `EventsService.Watch`: the code, when it is written, and what it says."
    yield ""
    yield "| code | when | says |"
    yield "|---|---|---|"
    for code, says in sorted(MODEL.events.items()):
        yield f"| `{code}` | {says} | {_says(texts.events.get(code, {}))} |"


def _says(wording: Mapping[str, tuple[str, ...]]) -> str:
    return "<br>".join(" *or* ".join(variants) for variants in wording.values())


def _given(bundle: Bundle) -> Mapping[str, list[str]]:
    """The requirements that a reason explains, by reason, in the order of the bundle."""
    book = bundle.rulebook
    given: dict[str, list[str]] = defaultdict(list)
    for requirement, rules in book.because.items():
        for rule in rules:
            given[rule.parameters[1].literal or ""].append(requirement)
    for requirement, code in book.otherwise.items():
        given[code].append(requirement)
    return defaultdict(list, {code: list(dict.fromkeys(needs)) for code, needs in given.items()})


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the file is up to date")
    options = parser.parse_args()
    bundle = Bundle.load(MODEL, cache=bundle_cache())
    lacking = list(missing_texts(bundle.texts, bundle.rulebook, MODEL.shown_parts, MODEL.events))
    for sentence in lacking:
        print(f"{TARGET.relative_to(ROOT)}: {sentence}", file=sys.stderr)
    text = "\n".join(page(bundle)) + "\n"
    if not options.check:
        TARGET.write_text(text, encoding="utf-8")
        return 1 if lacking else 0
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        print(
            f"{TARGET.relative_to(ROOT)} is not what the policies say: run python tools/reasons_doc.py", file=sys.stderr
        )
        return 1
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
