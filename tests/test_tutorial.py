"""`docs/tutorial.md` is true: its files are those of the example, its commands print and decide what it says."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from documents import ROOT, blocks, printed, run, served, without_counts, without_ids

from sealauthz.cli import app as cli
from sealauthz.decision import Bundle, Effect, Entity, PolicyDecisionPoint, Question, system_clock
from sealauthz.decision.inspection import inspect
from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.model import MODEL
from sealauthz.ops.demo.facts import opening_facts

DOC = ROOT / "docs" / "tutorial.md"
FOLDER = ROOT / "docs" / "examples" / "keeper-seals"
NOW = 1_790_000_000_000_000


@pytest.mark.parametrize("language", ["polar", "toml", "yaml"])
def test_its_blocks_are_the_files_of_the_example(language: str) -> None:
    files = [path.read_text(encoding="utf-8").strip() for path in sorted(FOLDER.rglob(f"*.{language}"))]
    shown = [block.strip() for block in blocks(DOC, language)]
    for block in shown:
        assert any(block in text for text in files), block
    for text in files:
        assert all(not paragraph or any(paragraph in block for block in shown) for paragraph in text.split("\n\n"))


SHOWN = list(printed(DOC))
ASKED = [each for each in SHOWN if "--insecure" in each[0]]


@pytest.mark.timeout(320)
@pytest.mark.parametrize(
    ("command", "output"),
    [each for each in SHOWN if each not in ASKED],
    ids=lambda value: value.partition("\n")[0][:60],
)
def test_its_commands_print_what_it_shows(command: str, output: str) -> None:
    assert without_counts(run(command)) == without_counts(output)


def test_the_rule_denies_in_the_demo_world_as_it_says() -> None:
    assert inspect(MODEL, FOLDER).diagnostics == ()
    cache = FactCache.of_records(MODEL, opening_facts(NOW))
    question = Question(Entity("Person", "p-zhou"), "use", Entity("Seal", "seal-official"), {"task": "task-cartons"})

    def reasons(bundle: Bundle) -> list[str]:
        decision = PolicyDecisionPoint(cache, bundle, lambda: NOW).decide(question)
        assert decision.effect is Effect.DENY
        return [reason.code for reason in decision.reasons]

    assert reasons(Bundle.load(MODEL)) == ["FACE_VERIFICATION_REQUIRED"]
    assert reasons(Bundle.load(MODEL, FOLDER)) == ["NOT_THE_KEEPER", "FACE_VERIFICATION_REQUIRED"]


def test_what_is_asked_and_performed_is_answered_as_it_says(
    new_database: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seal, grant = Entity("Seal", "seal-official"), Entity("SealGrant", "grant-zhou-approve")
    chen, zhou = Entity("Person", "p-chen"), Entity("Person", "p-zhou")
    first = (
        Question(zhou, "use", seal, {"task": "task-cartons"}),
        Question(chen, "assign_custodian", seal, {"custodian": "m-zhou"}),
        Question(chen, "revoke", grant),
    )
    with closing(Store.open(new_database("sqlite"), MODEL)) as store:
        store.write(Batch("demo", "opening", tuple(map(Put, opening_facts(system_clock())))))
        with served(store, Bundle.load(MODEL, FOLDER), tmp_path, monkeypatch, *first):
            for command, output in ASKED:
                cli.run(shlex.split(command)[1:])
                out, err = capsys.readouterr()
                assert without_ids(out + err) == without_ids(output), command
    assert len(ASKED) == 5
