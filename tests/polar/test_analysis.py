"""An analysis that starts from another one finds what it finds alone, whatever bundle came before."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from check_cases import CASES, meets
from effort import tries
from test_check import BASE, CONTRACT, FLOOR, TYPES

from sealauthz.decision.bundle import Bundle
from sealauthz.decision.product_reasons import PRODUCT_REASONS
from sealauthz.decision.stored_analysis import from_bytes, to_bytes
from sealauthz.model import MODEL
from sealauthz.polar import Source, budget
from sealauthz.polar.check import Analysis, Diagnostic, analyse
from sealauthz.polar.parse import parse
from sealauthz.polar.syntax import RuleNode, Statement
from sealauthz.policytools.testing.mutants import mutants_of


def analysis_of(statements: Sequence[Statement], before: Analysis | None, reasons: Sequence[str] = ()) -> Analysis:
    return analyse(
        statements,
        TYPES,
        lambda action, type_: MODEL.action(action, type_).context,
        subjects=MODEL.subjects,
        product_reasons=reasons,
        before=before,
    )


def bundle(text: str) -> list[Statement]:
    sources = [("contract.polar", CONTRACT), ("floor.polar", FLOOR), ("base.polar", BASE), ("a.polar", text)]
    return [statement for file, said in sources for statement in parse(Source(file, said))]


def test_every_case_is_found_after_every_kind_of_bundle() -> None:
    chance = random.Random(5)
    texts = [text for case in CASES for text in (case.bad, case.good)]
    before: Analysis | None = None
    reused = 0
    for text in chance.sample(texts, len(texts)):
        statements = bundle(text)
        alone = analysis_of(statements, None)
        after = analysis_of(statements, before)
        assert after.diagnostics == alone.diagnostics, text
        reused += before is not None and after.flow is not None
        # Only what had no error is started from.
        before = after if after.flow is not None else before
    assert reused > len(texts) / 4


def test_a_chain_of_small_changes_of_our_own_policies_is_found_as_alone() -> None:
    shipped = Bundle.load(MODEL)
    statements = list(shipped.statements)
    mutants = [mutant for mutant in mutants_of(shipped, statements) if mutant.statement >= 0]
    before = analysis_of(statements, None, PRODUCT_REASONS)
    # As another process reads it, with statements of its own.
    there, kept = from_bytes(to_bytes((statements, before.kept()), TYPES), TYPES)
    read = Analysis.of_kept(kept, TYPES)
    found: list[Diagnostic] = []
    # What does not stand leaves the analysis of before to the next.
    broken = [*statements, *parse(Source("broken.polar", "lost(person: Person) if nowhere(person);\n"))]
    assert analysis_of(broken, before, PRODUCT_REASONS).flow is None
    changes: list[tuple[int, list[Statement]]] = [
        (mutant.statement, [] if mutant.replacement is None else [mutant.replacement])
        for mutant in random.Random(6).sample(mutants, max(2, tries(2, 200)))
    ]
    # One that is always wrong, as what chance draws may all stand.
    first = next(at for at, each in enumerate(statements) if isinstance(each, RuleNode) and each.name == "otherwise")
    for at, instead in [changes[0], (first, []), *changes[1:]]:
        changed = [*statements]
        changed[at : at + 1] = instead
        after = analysis_of(changed, before, PRODUCT_REASONS)
        assert after.diagnostics == analysis_of(changed, None, PRODUCT_REASONS).diagnostics, (at, instead)
        found += after.diagnostics
        before = after if after.flow is not None else before
        changed = [*there]
        changed[at : at + 1] = instead
        assert analysis_of(changed, read, PRODUCT_REASONS).diagnostics == after.diagnostics, (at, instead)
    assert found
    # And back to where it began.
    assert analysis_of(statements, before, PRODUCT_REASONS).diagnostics == []


def test_what_is_read_again_is_the_same_where_nothing_changed() -> None:
    text = "f(1);\ng(1) if f(1);\n#@ U-01\nh(x) if g(x);\n"
    first = parse(Source("again.polar", text))
    changed = parse(Source("again.polar", text.replace("g(1) if f(1)", "g(1) if f(2)")))
    assert [a is b for a, b in zip(first, changed, strict=True)] == [True, False, True]
    tagged = parse(Source("again.polar", text.replace("U-01", "U-02")))
    assert isinstance(tagged[2], RuleNode)
    assert tagged[2].tags == ("U-02",)
    meant = parse(Source("again.polar", text.replace("U-01", "U-01 always")))
    assert isinstance(meant[2], RuleNode)
    assert meant[2].is_always
    moved = parse(Source("again.polar", f"\n{text}"))
    assert [statement.place.line for statement in moved] == [2, 3, 5]


def test_a_number_that_python_takes_for_another_is_read_as_written() -> None:
    for first, second in (("1", "1.0"), ("1.0", "1"), ("0.0", "-0.0")):
        parse(Source("numbers.polar", f"f(x) if x = {first};\n"))
        (rule,) = parse(Source("numbers.polar", f"f(x) if x = {second};\n"))
        assert isinstance(rule, RuleNode)
        assert repr(rule.body.right.value) == second  # type: ignore[union-attr]


def test_what_is_too_deep_alone_is_too_deep_after_what_is_not() -> None:
    def chain(length: int) -> list[Statement]:
        rules = "\n".join(f"c{n}(seal: Seal) if c{n - 1}(seal);" for n in range(1, length))
        return bundle(f'{meets(f"c{length - 1}(seal)")}\nc0(seal: Seal) if seal.state = "ACTIVE";\n{rules}\n')

    shallow = analysis_of(chain(40), None)
    assert shallow.diagnostics == []
    deep = analysis_of(chain(75), shallow)
    assert [diagnostic.code for diagnostic in deep.diagnostics] == ["too-much"]
    assert deep.diagnostics == analysis_of(chain(75), None).diagnostics
    assert analysis_of(chain(42), shallow).diagnostics == []


def test_a_chain_of_many_reloads_counts_no_reading_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "STEPS_AT_MOST", 2_000)
    before: Analysis | None = None
    for number in range(40):
        text = f'{meets("fits(seal)")}\nfits(seal: Seal) if seal.id = "{number}";\n'
        after = analysis_of(bundle(text), before)
        assert after.diagnostics == []
        before = after
