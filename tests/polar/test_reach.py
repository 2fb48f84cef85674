"""Reachability: what a policy says about how subject and resource are linked; what is not understood widens it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealauthz.decision import Bundle
from sealauthz.decision.bundle import reachability_of
from sealauthz.model import MODEL
from sealauthz.polar import Source
from sealauthz.polar.parse import parse
from sealauthz.polar.program import program_of
from sealauthz.polar.reach import Endpoint, KnownOnly, Link, Links, Path, Reachability, Referenced, Root, Step, path_of
from sealauthz.polar.reach.paths import back, beyond

SHAPES = MODEL.shapes
RESOLVER_PATHS = {"Led": {"holder": ("cross_grants", "holder_id")}}

OWN = "~Membership.person_id ^enterprise_id ~Seal.enterprise_id"
"""From a person to the seals of the enterprises in which there is a membership of that person."""


def reachability(policy: str) -> Reachability:
    return Reachability(
        program_of(parse(Source("test.polar", policy))), SHAPES, RESOLVER_PATHS, lambda one, other: one == other
    )


def written(links: Links) -> list[str] | None:
    """Links as text, in order: paths step by step, up by `^column`, down by `~Type.column`."""
    return None if links is None else sorted(map(_written, links))


def _written(link: Link) -> str:
    if isinstance(link, Referenced):
        return f"<{link.step.holder}.{link.step.column}>"
    if isinstance(link, KnownOnly):
        return f"{link.rule}{link.arguments}"
    return " ".join(f"^{step.column}" if step.is_up else f"~{step.holder}.{step.column}" for step in link)


def links(policy: str, action: str = "use", resource: str = "Seal", root: Root = Root.SUBJECT) -> list[str] | None:
    context = "Led" if resource == "Seal" else "Plain"
    return written(reachability(policy).between("Person", action, resource, context, root))


def allow(body: str) -> str:
    return f"allow(person: Person, action, seal: Seal, context) if {body};"


CASES: dict[str, tuple[str, list[str] | None]] = {
    "a key of each side": ("seal.legal_rep_id = person.id", ["~Seal.legal_rep_id"]),
    "written the other way round": ("person.id = seal.legal_rep_id", ["~Seal.legal_rep_id"]),
    "compared with ==": ("seal.legal_rep_id == person.id", ["~Seal.legal_rep_id"]),
    "a collection of the resource's": (
        "member in seal.enterprise.memberships and member.person_id = person.id",
        [OWN],
    ),
    "a collection of the subject's": (
        "member in person.memberships and member.enterprise_id = seal.enterprise_id",
        [OWN],
    ),
    "records that are one": ("member in person.memberships and member.enterprise = seal.enterprise", [OWN]),
    "a member of both sides' collections": ("m in person.memberships and m in seal.enterprise.memberships", [OWN]),
    "a value under another name": (
        "owner = seal.enterprise and m in owner.memberships and one = m.person and one.id = person.id",
        [OWN],
    ),
    "up again where it came down": (
        "grant in seal.grants and grant.seal.legal_rep_id = person.id",
        ["~Seal.legal_rep_id"],
    ),
    "one or the other": (
        "seal.legal_rep_id = person.id or m in person.memberships and m.enterprise_id = seal.enterprise_id",
        [OWN, "~Seal.legal_rep_id"],
    ),
    "one of them tells nothing": ('seal.legal_rep_id = person.id or seal.state = "ACTIVE"', None),
    "both: the one that leads to less": (
        "seal.legal_rep_id = person.id and m in person.memberships and m.enterprise_id = seal.enterprise_id",
        ["~Seal.legal_rep_id"],
    ),
    "what the server finds": ("m in person.memberships and context.holder.id = m.enterprise_id", [
        "~Membership.person_id ^enterprise_id ~CrossEnterpriseGrant.holder_id ^seal_id"
    ]),
    "a negation tells nothing": ("not seal.legal_rep_id = person.id", None),
    "a comparison tells nothing": ("seal.legal_rep_id != person.id", None),
    "what the client gives tells nothing": ("context.task.handler_id = person.id", None),
    "a text that is no key tells nothing": ("seal.name = person.realm", None),
    "keys to different things tell nothing": ("seal.enterprise_id = person.id", None),
    # Where both are nil they are equal, and no path leads from the one to the other.
    "two keys that may both be nil": ("m in person.memberships and m.department_id = seal.certificate.id", None),
    "two empty keys are equal": (
        "m in person.memberships and g in seal.open_grants and g.department_id = m.department_id",
        ["<OpenGrant.seal_id>"],
    ),
    "nil is no name": (
        "m in person.memberships and m.department_id = nil and g in seal.open_grants and g.department_id = nil",
        ["<OpenGrant.seal_id>"],
    ),
    "a condition that cannot be met": ('"a" = "b"', []),
    "of another class": ("seal matches Membership", []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_a_condition_links(case: str) -> None:
    body, expected = CASES[case]
    assert links(allow(body)) == (None if expected is None else sorted(expected))


def test_a_rule_links_by_what_its_clauses_say_and_only_by_those_that_can_fit() -> None:
    policy = """
    allow(person, action, seal, context) if may(person, action, seal, context);
    may(person: Person, "use", seal: Seal, _) if seal.legal_rep_id = person.id;
    may(person: Person, "use", seal: Seal, _) if is_member(person, seal.enterprise);
    may(_: Person, "view", _: Seal, _);
    may(_: Person, "use", _: Contract, _);
    may(_: Person, "use", _: Seal, _: Other);
    is_member(person: Person, enterprise: Enterprise) if member(person, enterprise, _);
    member(person: Person, enterprise: Enterprise, membership) if
      membership in enterprise.memberships and membership.person_id = person.id;
    """
    assert links(policy) == [OWN, "~Seal.legal_rep_id"]
    assert links(policy, "view") is None
    assert links(policy, "burn") == []
    assert links(policy, "use", "Contract") is None


def test_values_that_a_rule_finds_are_followed() -> None:
    policy = """
    allow(person: Person, _, seal: Seal, _) if
      owner(seal, found) and member in found.memberships and member.person_id = person.id;
    owner(seal: Seal, found) if found = seal.enterprise;
    owner(grant: SealGrant, found) if found = grant.seal.enterprise;
    """
    assert links(policy) == [OWN]


def test_roles_and_relations_of_blocks_are_followed() -> None:
    policy = """
    allow(person, action, resource, _) if has_permission(person, action, resource);
    actor Person {}
    resource Enterprise { roles = ["member"]; }
    resource Seal { permissions = ["use"]; relations = { owner: Enterprise }; "use" if "member" on "owner"; }
    has_relation(enterprise: Enterprise, "owner", seal: Seal) if enterprise = seal.enterprise;
    has_role(person: Person, "member", enterprise: Enterprise) if
      membership in enterprise.memberships and membership.person_id = person.id;
    """
    assert links(policy) == [OWN]


def test_a_checklist_links_by_each_of_its_requirements() -> None:
    policy = """
    allow(person, action, seal, _) if forall(requires(action, seal, need), meets(person, need, action, seal));
    requires("use", _: Seal, "NAMED");
    requires("use", _: Seal, "FIT");
    requires("view", _: Seal, "FIT");
    requires("edit", _: Seal, "NOBODY");
    meets(person: Person, "NAMED", "use", seal: Seal) if seal.legal_rep_id = person.id;
    meets(person: Person, "FIT", _, _: Seal) if person.realname_state = "VERIFIED";
    """
    assert links(policy) == ["~Seal.legal_rep_id"]
    assert links(policy, "view") is None
    assert links(policy, "edit") == []


def test_a_requirement_with_a_condition_of_its_own_tells_nothing() -> None:
    policy = """
    allow(person, action, seal, _) if forall(requires(action, seal, need), meets(person, need, action, seal));
    requires("use", seal: Seal, "NAMED") if seal.state = "ACTIVE";
    meets(person: Person, "NAMED", "use", seal: Seal) if seal.legal_rep_id = person.id;
    """
    assert links(policy) is None


def test_recursion_ends_and_tells_nothing_of_itself() -> None:
    policy = """
    allow(person: Person, _, seal: Seal, _) if runs(person, seal.enterprise);
    runs(person: Person, enterprise: Enterprise) if m in enterprise.memberships and m.person_id = person.id;
    """
    assert links(policy) == [OWN]
    above = "above(person, department) if above(person, department.parent_id);"
    assert links(policy + "runs(person, e) if d in e.departments and above(person, d);" + above) is None
    assert links("allow(person: Person, _, seal: Seal, _) if round(person, seal); round(a, b) if round(a, b);") is None


def test_a_rule_about_the_known_side_alone_is_remembered() -> None:
    policy = """
    allow(person: Person, _, seal: Seal, _) if is_staff(person, "RISK") or seal.legal_rep_id = person.id;
    is_staff(person: Person, duty) if post in person.staff_posts and post.duty = duty;
    """
    assert links(policy) == ["is_staff(None, 'RISK')", "~Seal.legal_rep_id"]


def test_of_what_is_sought_alone_it_is_remembered_that_something_names_it() -> None:
    policy = """
    allow(person: Person, _, _: Seal, _) if is_staff(person, "RISK");
    is_staff(person: Person, duty) if post in person.staff_posts and post.duty = duty;
    """
    assert links(policy, root=Root.RESOURCE) == ["<PlatformStaff.person_id>"]
    better = "seal.legal_rep_id = person.id"
    assert links(allow(f"post in person.staff_posts and {better}"), root=Root.RESOURCE) == ["^legal_rep_id"]
    assert links(allow(f"post in person.staff_posts or {better}"), root=Root.RESOURCE) == [
        "<PlatformStaff.person_id>",
        "^legal_rep_id",
    ]
    assert links(allow("_ in seal.enterprise.memberships"), root=Root.SUBJECT) is None


def test_from_the_resource_the_same_is_walked_the_other_way() -> None:
    policy = allow("member in seal.enterprise.memberships and member.person_id = person.id")
    assert links(policy, root=Root.RESOURCE) == ["^enterprise_id ~Membership.enterprise_id ^person_id"]


# --- paths ----------------------------------------------------------------------------------------------------------


@st.composite
def paths(draw: st.DrawFn) -> Path:
    """A path along real keys."""
    here = draw(st.sampled_from(sorted(MODEL.records)))
    path: list[Step] = []
    for _ in range(draw(st.integers(0, 5))):
        up = [Step(here, column.name, column.ref, True) for column in SHAPES[here].columns if column.ref]
        down = [
            Step(name, column.name, here, False)
            for name, shape in SHAPES.items()
            for column in shape.columns
            if column.ref == here
        ]
        if up or down:
            path.append(draw(st.sampled_from(up + down)))
            here = path[-1].ends_at
    return tuple(path)


@given(paths())
def test_a_walk_there_and_back_is_the_walk(path: Path) -> None:
    assert back(back(path)) == path
    assert [step.begins_at for step in back(path)] == [step.ends_at for step in reversed(path)]


def test_a_walk_does_not_grow_for_ever() -> None:
    endpoint = Endpoint(Root.RESOURCE, (), "Department")
    steps = 0
    while isinstance(endpoint, Endpoint):
        endpoint = beyond(endpoint, Step("Department", "parent_id", "Department", is_up=True))
        steps += 1
    assert steps < 20


def test_a_path_is_read_by_the_names_of_keys_and_collections() -> None:
    assert (
        _written(path_of(SHAPES, "Seal", ("cross_grants", "holder_id"))) == "~CrossEnterpriseGrant.seal_id ^holder_id"
    )
    with pytest.raises(KeyError):
        path_of(SHAPES, "Seal", ("no_such_name",))


# --- the shipped bundle ---------------------------------------------------------------------------------------------


def test_only_what_anybody_may_do_goes_through_everything() -> None:
    """What is linked neither to what is known nor by it; a list of these asks about every record of the type."""
    bundle = Bundle.load(MODEL)
    found = reachability_of(bundle)
    unlinked = {
        (root, action, type_)
        for root in Root
        for action, type_ in bundle.rulebook.requirements
        if found.between("Person", action, type_, MODEL.action(action, type_).context.__name__, root) is None
    }
    assert unlinked == {
        (Root.SUBJECT, "join", "Enterprise"),
        (Root.SUBJECT, "certify", "Enterprise"),
        (Root.SUBJECT, "authenticate", "Enterprise"),
        (Root.RESOURCE, "join", "Enterprise"),
        (Root.RESOURCE, "certify", "Enterprise"),
        (Root.RESOURCE, "authenticate", "Enterprise"),
        # It is for a phone, of which a hash is kept, and names nobody before it is claimed.
        (Root.SUBJECT, "claim", "Invitation"),
    }


def test_what_the_platforms_staff_does_is_for_those_with_a_post() -> None:
    found = reachability_of(Bundle.load(MODEL)).between("Person", "review", "RetrievalCase", "Context", Root.RESOURCE)
    assert written(found) == ["<PlatformStaff.person_id>"]


def test_the_seals_that_a_person_may_use_are_those_of_his_enterprises_and_of_grants_to_them() -> None:
    found = reachability_of(Bundle.load(MODEL)).between("Person", "use", "Seal", "SealUseContext", Root.SUBJECT)
    assert written(found) == [
        "~Membership.person_id ^enterprise_id ~CrossEnterpriseGrant.holder_id ^seal_id",
        "~Membership.person_id ^enterprise_id ~Seal.enterprise_id",
        "~RegistrySnapshot.legal_rep_id ^enterprise_id ~Seal.enterprise_id",
    ]


def test_what_questions_share_changes_no_links() -> None:
    """Whichever was asked before, with exceptions or without, a question has the links that it has alone."""
    bundle = Bundle.load(MODEL)
    context = MODEL.action("acknowledge", "Alert").context.__name__
    exceptions = ({"MEMBER"}, set(bundle.rulebook.requirements["acknowledge", "Alert"]) - {"MEMBER"}, set[str]())
    questions = [
        ("Person", "acknowledge", "Alert", context, root, frozenset(excepted))
        for root in Root
        for excepted in exceptions
    ]
    together, backwards = reachability_of(bundle), reachability_of(bundle)
    alone = [reachability_of(bundle).between(*question) for question in questions]
    assert alone[0] != alone[2]
    assert [together.between(*question) for question in questions] == alone
    assert [backwards.between(*question) for question in reversed(questions)] == alone[::-1]
