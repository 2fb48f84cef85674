"""The law of links: wherever a rule holds, one of its links joins the two; for random policies over random facts."""

from __future__ import annotations

from typing import Any

from effort import tries
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from scene import NOW, person

from sealauthz.decision.candidates import ends_of
from sealauthz.facts.memory.fact_cache import FactCache, FactSnapshot
from sealauthz.model import MODEL
from sealauthz.model.actions.common import Context
from sealauthz.model.records.cross_grants import CrossEnterpriseGrant
from sealauthz.model.records.grants import GrantScope, OpenGrant
from sealauthz.model.records.identity import PlatformStaff, StaffDuty
from sealauthz.model.records.membership import JoinedVia, Membership
from sealauthz.model.records.organisation import Department, Enterprise
from sealauthz.model.records.seals import Seal, SealKind
from sealauthz.polar import Source
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.reach import KnownOnly, Link, Reachability, Referenced, Root
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed

SHAPES = MODEL.shapes

BINDINGS = {
    "m": "m in person.memberships",
    "k": "k in seal.enterprise.memberships",
    "g": "g in seal.cross_grants",
    "o": "o in seal.open_grants",
    "p": "p in person.staff_posts",
}
"""Goals that bind a variable to some record."""

VALUES = {
    "person": (
        "person.id",
        "seal.legal_rep_id",
        "seal.custodian.person_id",
        "k.person_id",
        "k.person.id",
        "p.person_id",
        "nil",
        '"p1"',
    ),
    "enterprise": ("seal.enterprise_id", "seal.enterprise.id", "m.enterprise_id", "m.enterprise.id", "g.holder_id"),
    "department": ("m.department_id", "k.department_id", "o.department_id", "nil"),
    "member": ("m.id", "k.id", "seal.custodian_id", "nil"),
    "seal": ("seal.id", "o.seal_id", "g.seal_id", "o.seal.id"),
}
"""What can be compared with each other."""


def bound(*values: str) -> list[str]:
    """The goals that bind what the values read."""
    return [BINDINGS[name] for name in sorted({value.partition(".")[0] for value in values} & BINDINGS.keys())]


@st.composite
def bodies(draw: st.DrawFn, calls: tuple[str, ...] = ()) -> str:
    """A condition: a comparison, as it stands, negated, under a name, behind a rule, or one of two."""
    values = VALUES[draw(st.sampled_from(sorted(VALUES)))]
    one, other, third = (draw(st.sampled_from(values)) for _ in range(3))
    forms = {
        "equal": (f"{one} = {other}", (one, other)),
        "same": (f"{one} == {other}", (one, other)),
        "not": (f"not {one} = {other}", (one, other)),
        "unlike": (f"{one} != {other}", (one, other)),
        "text": (f"{one} matches String and {one} = {other}", (one, other)),
        "or": (f"({one} = {other} or {one} = {third})", (one, other, third)),
        "either": (f'({one} = {other} or seal.name = "A")', (one, other)),
        "named": (f"x = {one} and x = {other}", (one, other)),
        "both": (f"{one} = {other} and {other} = {third}", (one, other, third)),
        "found": (f"found(person, seal, x) and x = {one}", (one,)),
        **{call: (f"{call}(person, seal)", ()) for call in calls},
    }
    goal, read = forms[draw(st.sampled_from(sorted(forms)))]
    extra = draw(st.lists(st.sampled_from(sorted(BINDINGS)), max_size=1))
    return " and ".join([*dict.fromkeys([*bound(*read), *(BINDINGS[name] for name in extra)]), goal])


@st.composite
def policies(draw: st.DrawFn) -> str:
    """A policy in which `allow` says something, calls rules that call each other, or goes through a checklist."""
    value = draw(st.sampled_from(sorted({value for values in VALUES.values() for value in values})))
    inner, outer = (), ("inner", "staff")
    rules = [
        "found(person: Person, seal: Seal, x) if " + " and ".join([*bound(value), f"x = {value}"]) + ";",
        *(f"inner(person: Person, seal: Seal) if {draw(bodies(inner))};" for _ in range(draw(st.integers(1, 2)))),
        *(f"outer(person: Person, seal: Seal) if {draw(bodies(outer))};" for _ in range(draw(st.integers(1, 2)))),
        'staff(person: Person, _: Seal) if on_staff(person, "RISK");',
        "on_staff(person: Person, duty) if p in person.staff_posts and p.duty = duty;",
        'requires("use", _: Seal, "A");',
        'requires("use", seal: Seal, "B") if seal.name = "A";',
        'requires("view", _: Seal, "C");',
        f'meets(person: Person, "A", seal: Seal) if {draw(bodies(outer))};',
        f'meets(person: Person, "B", seal: Seal) if {draw(bodies(outer))};',
    ]
    checklist = "forall(requires(action, seal, need), meets(person, need, seal))"
    body = draw(st.sampled_from([checklist, "outer(person, seal)"]) | bodies(outer))
    rules.append(f"allow(person: Person, action, seal: Seal, _) if {body};")
    return "\n".join(rules)


@st.composite
def facts(draw: st.DrawFn) -> list[Any]:
    """Two enterprises with members, seals and grants, which keys link to each other at random."""
    persons, enterprises, departments = ("p1", "p2"), ("e1", "e2"), ("d1", "d2")
    records: list[Any] = [person(name) for name in persons]
    records += [Enterprise(name, name, f"USCC{name:>014}") for name in enterprises]
    records += [Department(d, e, d) for d, e in zip(departments, enterprises, strict=True)]
    department = st.none() | st.sampled_from(departments)
    members = []
    for number in range(draw(st.integers(1, 4))):
        who, where = draw(st.sampled_from(persons)), draw(st.sampled_from(enterprises))
        members.append(Membership(f"m{number}", who, where, JoinedVia.IMPORT, NOW, department_id=draw(department)))
    records += members
    custodian = st.none() | st.sampled_from([member.id for member in members])
    for number in range(2):
        seal = Seal(
            f"s{number}",
            draw(st.sampled_from(enterprises)),
            draw(st.sampled_from(["p1", "A"])),
            SealKind.LEGAL_REP,
            custodian_id=draw(custodian),
            legal_rep_id=draw(st.none() | st.sampled_from(persons)),
        )
        records.append(seal)
        if draw(st.booleans()):
            holder = draw(st.sampled_from(enterprises))
            grant = CrossEnterpriseGrant(f"g{number}", seal.id, holder, "none", GrantScope.ALL_CONTRACTS, NOW, NOW + 1)
            records.append(grant)
        if draw(st.booleans()):
            records.append(OpenGrant(f"o{number}", seal.id, "none", NOW, NOW + 1, department_id=draw(department)))
    if draw(st.booleans()):
        records.append(PlatformStaff("post", "p1", draw(st.sampled_from(StaffDuty))))
    return records


def joins(link: Link, snapshot: FactSnapshot, engine: CompiledEngine, known: Any, sought: Any) -> bool:
    """Whether a link joins two records."""
    if isinstance(link, KnownOnly):
        return engine.holds(link.rule, *(known if argument is None else argument for argument in link.arguments))
    if isinstance(link, Referenced):
        return sought.id in snapshot.after(link.step.holder, link.step.column, "", 100)
    return sought.id in ends_of(MODEL, snapshot, known.id, link, lambda: None)


@given(policies(), facts())
@settings(max_examples=tries(300, 6_000), deadline=None, suppress_health_check=list(HealthCheck))
def test_wherever_a_rule_holds_one_of_its_ties_joins_the_two(policy: str, records: list[Any]) -> None:
    nodes = tuple(parse(Source("random.polar", policy)))
    engine = CompiledEngine(nodes, MODEL.records, (Context,))
    reachability = Reachability(engine.program, SHAPES, {}, lambda one, other: one == other)
    links = {root: reachability.between("Person", "use", "Seal", "Context", root) for root in Root}
    with FactCache.of_records(MODEL, records).read() as snapshot:
        persons = [snapshot.find("Person", record.id) for record in records if type(record).__name__ == "Person"]
        seals = [snapshot.find("Seal", record.id) for record in records if isinstance(record, Seal)]
        for who in persons:
            for seal in seals:
                try:
                    if not engine.holds("allow", who, "use", seal, Context(NOW, "", None)):  # type: ignore[arg-type]
                        continue
                except (EvaluationFailed, BundleRefused):
                    continue  # denied
                event("allowed")
                for root, known, sought in ((Root.SUBJECT, who, seal), (Root.RESOURCE, seal, who)):
                    found = links[root]
                    event(f"{root}: {'tied' if found is not None else 'open'}")
                    assert found is None or any(joins(link, snapshot, engine, known, sought) for link in found), found
