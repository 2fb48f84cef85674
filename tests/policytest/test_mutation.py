"""Which mistakes are made in policies, and which of them tests notice."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from pathlib import Path

import pytest
from effort import tries
from policy_files import BUNDLE, EARLY_TESTS, ONLY_EARLY, policy_folder

from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.decision.checking import baseline_of, compiled_from, diagnostics_of, plain_classes
from sealauthz.decision.folder import installed_folder
from sealauthz.model import MODEL
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.source import Source
from sealauthz.polar.syntax import RuleNode
from sealauthz.polar.terms import conjuncts
from sealauthz.polar.types import TypeTable
from sealauthz.polar.unparse import written
from sealauthz.policytools.testing.conditions import Kind
from sealauthz.policytools.testing.implied import Given, is_covered, is_implied
from sealauthz.policytools.testing.loading import files_of_tests, load_suite
from sealauthz.policytools.testing.mutants import mutants_of
from sealauthz.policytools.testing.mutation import Result, Sample, TestsFail, Verdict, mutate
from sealauthz.policytools.testing.plugin import DEFAULT_MODEL
from sealauthz.policytools.testing.suite import Ask
from sealauthz.policytools.testing.wanted import Wanted


def result_of(folder: Path, processes: int = 1, sample: Sample | None = None) -> Result:
    return mutate(DEFAULT_MODEL, folder, files_of_tests([folder / "tests"]), processes, sample=sample)


def told(result: Result, *verdicts: Verdict) -> list[str]:
    return [outcome.mutant.effect for outcome in result.of(*verdicts)]


def test_what_no_test_notices_survives(tmp_path: Path) -> None:
    result = result_of(policy_folder(tmp_path / "policies", ONLY_EARLY, EARLY_TESTS))
    condition = 'person.account_state in ["ACTIVE", "LOCKED"]'
    assert told(result, Verdict.SURVIVED, Verdict.UNREACHED) == [
        "`<=` were `<` in `person.last_active_at <= context.now`",
        f"`{condition}` were dropped",
        f'"LOCKED" were not in `{condition}`',
    ]
    assert told(result, Verdict.KILLED) == [
        '"join" on Enterprise did not require "KNOWN_PERSON"',
        "`person.last_active_at <= context.now` were dropped",
        "`person.last_active_at <= context.now` were negated",
        f"`{condition}` were negated",
        f'"ACTIVE" were not in `{condition}`',
        "KNOWN_PERSON that is unmet were told as ACCOUNT_CLOSED",
    ]
    assert result.percent == pytest.approx(100 * 6 / 9)


def test_a_test_at_the_boundary_kills_the_shifted_comparison(tmp_path: Path) -> None:
    at_now = """\
  - name: active right now is early enough
    given: {change: {Person: {outsider: {last_active_at: now}}}}
    subject: outsider
    action: join
    resource: Enterprise:e
    expect: allow
"""
    result = result_of(policy_folder(tmp_path / "policies", ONLY_EARLY, EARLY_TESTS + at_now))
    killed = {outcome.mutant.effect: outcome.killed_by for outcome in result.of(Verdict.KILLED)}
    by = killed["`<=` were `<` in `person.last_active_at <= context.now`"]
    assert by.endswith("own.yaml: active right now is early enough")


@pytest.mark.timeout(320)  # each process loads everything, and on a machine that may be busy
def test_processes_find_the_same(tmp_path: Path) -> None:
    folder = policy_folder(tmp_path / "policies", ONLY_EARLY, EARLY_TESTS)
    some = result_of(folder, 1, Sample(4, 7))
    assert len(some.outcomes) == 4
    assert result_of(folder, 2, Sample(4, 7)) == some


def test_a_sample_takes_from_every_file_and_never_more_than_there_is() -> None:
    mutants = list(mutants_of(BUNDLE, BUNDLE.statements))
    chosen = Sample(300, 7).of(mutants)
    assert chosen == Sample(300, 7).of(mutants) != Sample(300, 8).of(mutants)
    assert len({mutant.place.file for mutant in chosen}) > len({mutant.place.file for mutant in mutants}) / 2
    assert [mutant for mutant in mutants if mutant in chosen] == chosen
    assert Sample(len(mutants) + 1).of(mutants) == mutants


def test_a_type_that_the_next_rule_asks_for_as_well_is_not_dropped(tmp_path: Path) -> None:
    def kept(helpers: str, call: str = "is_early(snapshot)") -> bool:
        rules = f"""\
requires("join", _: Enterprise, "KNOWN_PERSON");
meets(_: Person, "KNOWN_PERSON", "join", enterprise: Enterprise, _) if
  snapshot in enterprise.registry_snapshots and snapshot matches RegistrySnapshot and {call};
otherwise("KNOWN_PERSON", "ACCOUNT_LOCKED");
{helpers}
"""
        bundle = Bundle.load(MODEL, policy_folder(tmp_path / str(len(list(tmp_path.iterdir()))), rules, EARLY_TESTS))
        effects = [mutant.effect for mutant in mutants_of(bundle, bundle.statements)]
        return "`snapshot matches RegistrySnapshot` were dropped" in effects

    early = "is_early(snapshot: RegistrySnapshot) if snapshot.fetched_at < 5000;"
    assert not kept(early)
    assert kept(early, "not is_early(snapshot)")
    assert kept(f"{early}\nis_early(_);")


TYPES = TypeTable(MODEL.records, plain_classes(MODEL))


def is_asked_again(conditions: str, helpers: str = "") -> bool:
    """Whether the first condition of a rule asks for a type that what stands behind it asks for as well."""
    text = f"found(person: Person, case: RetrievalCase, other) if {conditions}; {helpers}"
    rule, *others = [each for each in parse(Source("own.polar", text)) if isinstance(each, RuleNode)]
    assert rule.body is not None
    rules = {each.name: [other for other in others if other.name == each.name] for each in others}
    return Wanted(rules, TYPES).is_asked_again(rule, list(conjuncts(rule.body)), 0)


NAMED = "other matches String and named(other, person)"
BY_ID = "named(id, person: Person) if id = person.id;"


@pytest.mark.parametrize(
    ("conditions", "helpers"),
    [
        (NAMED, BY_ID),
        (NAMED, "named(id: String, _);"),
        (NAMED, 'named("boss", _);'),
        (NAMED, "named(id, _) if id matches String;"),
        (NAMED, "named(id: String, _) if not is_gone(id);"),
        (NAMED, "named(id, person: Person) if id = person.id or id matches String;"),
        # What does not read it may stand between; and each of several rules asks for it, or one that it asks.
        ("other matches String and case.attempt = 1 and named(other, person)", BY_ID),
        (NAMED, f"{BY_ID} named(id, person: Person) if is_boss(person, id); is_boss(_, id: String);"),
        # A rule that asks itself holds by another one in the end.
        (NAMED, f"{BY_ID} named(id, person: Person) if other in person.accounts and named(id, other);"),
        ("other matches Person and named(other, person)", "named(_: Person, _);"),
        ("case.applicant_id matches String and named(case.applicant_id, person)", BY_ID),
    ],
)
def test_a_type_is_asked_for_by_rules_that_hold_for_nothing_else(conditions: str, helpers: str) -> None:
    assert is_asked_again(conditions, helpers)


@pytest.mark.parametrize(
    ("conditions", "helpers"),
    [
        (NAMED, ""),
        (NAMED, "named(_, _);"),
        (NAMED, f"{BY_ID} named(_, _);"),
        (NAMED, f"{BY_ID} named(_: Person, _);"),
        (NAMED, "named(id, person: Person) if id = person.same_as_id;"),
        (NAMED, "named(id, person: Person) if not id = person.id;"),
        (NAMED, "named(id, person: Person) if id != person.id;"),
        (NAMED, 'named(id, person: Person) if id = person.id or person.account_state = "LOCKED";'),
        (NAMED, "named(id: String, _, _);"),
        # Another condition reads it first, where a value that is missing may be an error.
        ("other matches String and not is_gone(other) and named(other, person)", BY_ID),
        (NAMED, "named(id, person: Person) if not is_gone(id) and id = person.id;"),
        # It is not asked for always, or it is asked for something else.
        ("other matches String and not named(other, person)", BY_ID),
        ("other matches String and forall(named(other, person), true)", BY_ID),
        ("other matches String and named(person, other)", BY_ID),
        ("other matches Integer and named(other, person)", BY_ID),
        ("not other matches String and named(other, person)", BY_ID),
        ('other matches Person{account_state: "ACTIVE"} and named(other, person)', "named(_: Person, _);"),
        # Nothing but rules that ask each other.
        (NAMED, "named(id, person: Person) if is_boss(id, person); is_boss(id, _) if is_gone(id); is_gone(_);"),
    ],
)
def test_a_type_is_not_asked_for_by_rules_that_hold_for_more(conditions: str, helpers: str) -> None:
    assert not is_asked_again(conditions, helpers)


def is_text_asked_twice(
    conditions: str, dropped: str = "snapshot.legal_rep_id matches String", helpers: str = ""
) -> bool:
    """Whether one of the conditions of a rule is asked by another one as well, beside rules that it asks."""
    head = "found(person: Person, enterprise: Enterprise, named)"
    text = f"{head} if snapshot in enterprise.registry_snapshots and {conditions}; {helpers}"
    rule, *others = [each for each in parse(Source("own.polar", text)) if isinstance(each, RuleNode)]
    assert rule.body is not None
    given = Given({name: [each for each in others if each.name == name] for name in ("colleague", "known")}, TYPES)
    goals = list(conjuncts(rule.body))
    (position,) = [at for at, goal in enumerate(goals) if written(goal) == dropped]
    return is_implied(rule, goals, position, TYPES, given)


HAS_TEXT = "snapshot.legal_rep_id matches String"


@pytest.mark.parametrize(
    "conditions",
    [
        f"{HAS_TEXT} and snapshot.legal_rep_id = person.id",
        f"snapshot.legal_rep_id = person.id and {HAS_TEXT}",
        f"{HAS_TEXT} and person.id = snapshot.legal_rep_id",
        f"{HAS_TEXT} and snapshot.is_current = true and snapshot.legal_rep_id = snapshot.enterprise.name",
        f"{HAS_TEXT} and other in enterprise.memberships and snapshot.legal_rep_id = other.person_id",
        f'{HAS_TEXT} and snapshot.legal_rep_id = "boss"',
        # Each of two that are equal asks for a text alone: one of them goes, the other one stays.
        f"{HAS_TEXT} and enterprise.parent_id matches String and snapshot.legal_rep_id = enterprise.parent_id",
    ],
)
def test_a_text_is_asked_for_by_what_equals_one(conditions: str) -> None:
    assert is_text_asked_twice(conditions)


@pytest.mark.parametrize(
    "conditions",
    [
        HAS_TEXT,
        # What it is equal to may be missing as well, or is not known.
        f"{HAS_TEXT} and snapshot.legal_rep_id = enterprise.parent_id",
        f"{HAS_TEXT} and snapshot.legal_rep_id = named",
        f"{HAS_TEXT} and snapshot.legal_rep_id = named and named matches String",
        f"{HAS_TEXT} and snapshot.legal_rep_id = enterprise.parent.id",
        f"{HAS_TEXT} and snapshot.legal_rep_id = snapshot.legal_rep.id",
        # It is compared in another way, or not always.
        f"{HAS_TEXT} and snapshot.legal_rep_id != person.id",
        f"{HAS_TEXT} and not snapshot.legal_rep_id = person.id",
        f"{HAS_TEXT} and (snapshot.legal_rep_id = person.id or snapshot.is_current = true)",
        # It is read in between, where a value that is missing may be an error.
        f"{HAS_TEXT} and is_known(snapshot.legal_rep_id) and snapshot.legal_rep_id = person.id",
    ],
)
def test_a_text_is_not_asked_for_by_anything_else(conditions: str) -> None:
    assert not is_text_asked_twice(conditions)


GIVEN = f"{HAS_TEXT} and colleague(enterprise, other) and snapshot.legal_rep_id = other.person_id"


@pytest.mark.parametrize(
    "helpers",
    [
        "colleague(enterprise: Enterprise, found) if found in enterprise.memberships;",
        "colleague(_, found: Membership);",
        # Each of two rules gives one, and one that asks another.
        "colleague(_, found: Membership); colleague(enterprise: Enterprise, found) if found in enterprise.memberships;",
        "colleague(enterprise, found) if known(found, enterprise); known(found: Membership, _);",
    ],
)
def test_a_record_that_a_rule_gives_has_its_texts(helpers: str) -> None:
    assert is_text_asked_twice(GIVEN, helpers=helpers)


@pytest.mark.parametrize(
    "helpers",
    [
        "",
        "colleague(_, found) if found = 1;",
        # One rule may give something else; or what is given is given by nobody but itself.
        "colleague(_, found: Membership); colleague(_, found) if found = nil;",
        "colleague(_, found: Membership); colleague(_, nil);",
        "colleague(_, found: Membership); colleague(_, found: SealGrant);",
        "colleague(enterprise, found) if colleague(enterprise, found);",
        # Of another number of parameters, or where it does not hold.
        "colleague(found: Membership);",
        "colleague(enterprise: Enterprise, found) if not found in enterprise.memberships;",
    ],
)
def test_what_a_rule_may_not_give_has_none(helpers: str) -> None:
    assert not is_text_asked_twice(GIVEN, helpers=helpers)


def test_other_types_are_no_texts() -> None:
    conditions = "snapshot.fetched_at matches Integer and snapshot.fetched_at = person.last_active_at"
    assert not is_text_asked_twice(conditions, "snapshot.fetched_at matches Integer")


def test_what_another_condition_asks_for_is_not_dropped() -> None:
    effects = {(each.rule, each.effect) for each in mutants_of(BUNDLE, BUNDLE.statements)}
    twice, once = "`snapshot.legal_rep_id matches String`", "`digest matches String`"
    assert ("representing_snapshot", f"{twice} were dropped") not in effects
    assert ("representing_snapshot", f"{twice} were negated") in effects
    assert ("digest_of_rules", f"{once} were dropped") in effects


def is_said_by_another_rule(policy: str) -> bool:
    """Whether the first condition of the first rule says nothing that the other rules do not."""
    rules = [each for each in parse(Source("own.polar", policy)) if isinstance(each, RuleNode)]
    assert rules[0].body is not None
    return is_covered(rules[0], list(conjuncts(rules[0].body)), 0, rules, TYPES)


DOCUMENTS = 'found(case: RetrievalCase, _) if case.path = "DOCUMENTS" and case.attempt > 1;'
ONLINE = 'found(case: RetrievalCase, _) if case.path = "LEGAL_REP_ONLINE"'
SWAPPED = 'other.path = "LEGAL_REP_ONLINE"'
REVIEWED = 'found(seal: Seal) if seal.state in ["ACTIVE", "DISABLED"] and seal.name = "x";'


@pytest.mark.parametrize(
    "policy",
    [
        f"{DOCUMENTS} {ONLINE};",
        f"{DOCUMENTS} {ONLINE} and case.attempt > 1;",
        # A rule that calls its parameters otherwise, or does not ask for one of them.
        f"{DOCUMENTS} {ONLINE.replace('case', 'other')} and other.attempt > 1;",
        f"{DOCUMENTS.replace('_)', 'limit)').replace('1;', 'limit;')} {ONLINE.replace('_)', 'most)')};",
        f"{DOCUMENTS.replace('_)', 'limit)').replace('1;', 'limit;')} {ONLINE};",
    ],
)
def test_a_word_is_not_asked_for_where_other_rules_settle_the_other_words(policy: str) -> None:
    assert is_said_by_another_rule(policy)


@pytest.mark.parametrize(
    "policy",
    [
        DOCUMENTS,
        f"{DOCUMENTS} {ONLINE} and case.attempt > 2;",
        # Of another head, another name, or of what is not this column.
        f"{DOCUMENTS} {ONLINE};".replace('_) if case.path = "LEGAL', '1) if case.path = "LEGAL'),
        f"{DOCUMENTS} other{ONLINE.removeprefix('found')};",
        f"{DOCUMENTS} {ONLINE.replace('case.path', 'case.state')};",
        # Of what the first rule does not name, or calls so itself.
        f"{DOCUMENTS} {ONLINE.replace('_)', 'limit)')} and case.attempt > limit;",
        f"{DOCUMENTS.replace('_)', 'other)')} found(other: RetrievalCase, case) if {SWAPPED} and case.attempt > 1;",
        # Of fewer records.
        f"{DOCUMENTS} {ONLINE};".replace('_) if case.path = "LEGAL', '_: Person) if case.path = "LEGAL'),
        f"{DOCUMENTS} {ONLINE};".replace('_) if case.path = "LEGAL', 'case) if case.path = "LEGAL'),
        # A third word is left.
        f'{REVIEWED} found(seal: Seal) if seal.state = "LOST";',
        # The column may be empty.
        'found(use: SealUse) if use.grant_type = "SealGrant" and use.id = "x"; found(use: SealUse);',
    ],
)
def test_a_word_is_asked_for_where_they_do_not(policy: str) -> None:
    assert not is_said_by_another_rule(policy)


def test_a_rule_that_no_question_asks_is_not_changed(tmp_path: Path) -> None:
    rules = """\
requires("join", _: Enterprise, "KNOWN_PERSON");
meets(person: Person, "KNOWN_PERSON", "join", _: Enterprise, _) if is_of(person, "some");
otherwise("KNOWN_PERSON", "ACCOUNT_LOCKED");
is_of(person: Person, kind) if state_of(kind, state) and person.account_state = state;
state_of("some", "ACTIVE");
state_of("others", "LOCKED");
is_other(person: Person) if is_of(person, "others");
"""

    def changed(name: str, rules: str) -> set[str]:
        bundle = Bundle.load(MODEL, policy_folder(tmp_path / name, rules, EARLY_TESTS))
        effects = [mutant.effect for mutant in mutants_of(bundle, bundle.statements)]
        return {word for word in ("some", "others") if any(f'`state_of("{word}"' in each for each in effects)}

    assert changed("one", rules) == {"some"}
    both = rules.replace('is_of(person, "some")', 'kind in ["some", "others"] and is_of(person, kind)')
    assert changed("both", both) == {"some", "others"}


def test_what_no_test_reaches_is_said_so(tmp_path: Path) -> None:
    waived = 'waived("KNOWN_PERSON", "join", enterprise: Enterprise, _) if\n'
    rules = ONLY_EARLY + waived + '  enterprise.realm = "PARTNER" and enterprise.operating_state = "ACTIVE";\n'
    tests = EARLY_TESTS.replace("    but:", "    # but:").replace("    then:", "    # then:")
    result = result_of(policy_folder(tmp_path / "policies", rules, tests))
    assert '`enterprise.realm = "PARTNER"` were dropped' in told(result, Verdict.UNREACHED)


def test_a_mistake_that_the_checker_refuses_counts_for_nothing(tmp_path: Path) -> None:
    rules = """\
requires("join", _: Enterprise, "KNOWN_PERSON");
meets(_: Person, "KNOWN_PERSON", "join", enterprise: Enterprise, context) if not looks_new(enterprise, context);
looks_new(enterprise: Enterprise, context) if
  snapshot in enterprise.registry_snapshots and
  snapshot.legal_rep_id matches String and
  snapshot.legal_rep_id = enterprise.name and
  context.now < snapshot.fetched_at;
otherwise("KNOWN_PERSON", "ACCOUNT_LOCKED");
"""
    tests = EARLY_TESTS.replace("    but:", "    # but:").replace("    then:", "    # then:")
    result = result_of(policy_folder(tmp_path / "policies", rules, tests))
    assert "`snapshot.legal_rep_id matches String` were negated" in told(result, Verdict.REFUSED)


def test_tests_that_fail_already_are_no_judges(tmp_path: Path) -> None:
    folder = policy_folder(tmp_path / "policies", ONLY_EARLY, EARLY_TESTS.replace("expect: allow", "expect: deny"))
    (folder / "tests" / "own.yaml").write_text(
        (folder / "tests" / "own.yaml").read_text().replace("then: [ACCOUNT_LOCKED]", "then: allow"), encoding="utf-8"
    )
    with pytest.raises(TestsFail, match="whoever was active before joins"):
        result_of(folder)


def test_numbers_are_shifted_where_the_folder_gives_them(tmp_path: Path) -> None:
    folder = policy_folder(tmp_path / "policies", ONLY_EARLY, EARLY_TESTS)
    (folder / "parameters.toml").write_text("reminder_limit = 2\n", encoding="utf-8")
    numbers = [o.mutant.effect for o in result_of(folder).outcomes if o.mutant.kind is Kind.NUMBER_SHIFTED]
    assert numbers == ["`reminder_limit` were 1 more", "`reminder_limit` were 1 less"]


@pytest.mark.timeout(tries(320, 7_200))  # long, and on a machine that may be busy
def test_an_engine_with_one_rule_changed_is_the_engine_of_the_changed_policy() -> None:
    statements = BUNDLE.statements
    own = load_suite(files_of_tests([installed_folder() / "tests"]), BUNDLE)
    asks = [ask for test in own for ask in test.asks if isinstance(ask, Ask)]
    all_mutants = mutants_of(BUNDLE, statements)
    mutants = [m for m in all_mutants if m.statement >= 0 and isinstance(statements[m.statement], RuleNode)]
    chance = random.Random(20260921)
    for mutant in chance.sample(mutants, tries(8, 200)):
        old, new = statements[mutant.statement], mutant.replacement
        assert isinstance(old, RuleNode)
        assert new is None or isinstance(new, RuleNode)
        replaced = () if new is None else (new,)
        whole = compiled_from(MODEL, (*statements[: mutant.statement], *replaced, *statements[mutant.statement + 1 :]))
        assert isinstance(BUNDLE.engine, CompiledEngine)
        quick = BUNDLE.engine.changed(old, new)
        for ask in chance.sample(asks, 12):
            assert answer_of(quick, ask) == answer_of(whole, ask), mutant.effect
    # What was changed in copies is as it was in the original.
    fresh = compiled_from(MODEL, statements)
    for ask in chance.sample(asks, 100):
        assert answer_of(BUNDLE.engine, ask) == answer_of(fresh, ask)


def answer_of(engine: CompiledEngine, ask: Ask) -> tuple[object, ...]:
    point = PolicyDecisionPoint(ask.facts.fact_cache, dataclasses.replace(BUNDLE, engine=engine), lambda: ask.now)
    decision = point.decide(ask.question)
    ask.facts.release()
    return decision.effect, decision.reasons, decision.obligations, decision.valid_until


def test_a_small_change_is_refused_exactly_where_a_whole_check_refuses_it() -> None:
    statements = BUNDLE.statements
    baseline = baseline_of(MODEL, statements)
    mutants = [m for m in mutants_of(BUNDLE, statements) if m.statement >= 0]
    of_verdict: dict[bool, int] = {True: tries(4, 50), False: tries(4, 50)}
    for mutant in random.Random(8).sample(mutants, len(mutants)):
        new = () if mutant.replacement is None else (mutant.replacement,)
        changed = (*statements[: mutant.statement], *new, *statements[mutant.statement + 1 :])
        refused = baseline.refuses(changed)
        if of_verdict[refused]:
            of_verdict[refused] -= 1
            # These policies have no warning. Where brackets stand, no statement says.
            found = diagnostics_of(MODEL, BUNDLE.sources, changed)
            assert refused == any(diagnostic.code != "mixed" for diagnostic in found), mutant.effect
        if not any(of_verdict.values()):
            return
    raise AssertionError("too few mistakes of one kind")


GROUPED = """\
group("COMING", _: Enterprise, ["join", "view_administrator"]);
group_requires("COMING", ["KNOWN_PERSON"]);
otherwise("KNOWN_PERSON", "ACCOUNT_LOCKED");
meets(person: Person, "KNOWN_PERSON", "join", _: Enterprise, context) if person.last_active_at <= context.now;
meets(person: Person, "KNOWN_PERSON", "view_administrator", _: Enterprise, context) if
  person.last_active_at <= context.now;
"""


def test_a_requirement_of_a_group_is_dropped_for_each_member_and_for_all_of_them(tmp_path: Path) -> None:
    result = result_of(policy_folder(tmp_path / "policies", GROUPED, EARLY_TESTS))
    dropped = {o.mutant.effect: o for o in result.outcomes if o.mutant.kind is Kind.REQUIREMENT_DROPPED}
    assert {effect: outcome.verdict for effect, outcome in dropped.items()} == {
        '"join" on Enterprise did not require "KNOWN_PERSON"': Verdict.KILLED,
        '"view_administrator" on Enterprise did not require "KNOWN_PERSON"': Verdict.UNREACHED,
        'the group COMING did not require "KNOWN_PERSON"': Verdict.KILLED,
    }
    assert {outcome.mutant.place.line for outcome in dropped.values()} == {2}


def test_our_own_policies_could_hold_every_kind_of_mistake() -> None:
    kinds = Counter(mutant.kind for mutant in mutants_of(BUNDLE, BUNDLE.statements))
    assert set(kinds) == set(Kind)


def test_no_mistake_leaves_the_policies_as_they_are() -> None:
    statements = BUNDLE.statements
    for mutant in mutants_of(BUNDLE, statements):
        if mutant.parameters is not None:
            assert mutant.parameters != BUNDLE.parameters
        elif not mutant.reason:  # another reason is told in place of the rule's own
            assert mutant.replacement != statements[mutant.statement]
