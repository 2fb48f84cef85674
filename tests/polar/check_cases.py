"""The smallest policies with each diagnostic, beside twins without; they stand inside the bundle of test_check.py."""

from __future__ import annotations

from dataclasses import dataclass

from sealauthz.polar.check import Severity

ROLE = 'has_role(_: Person, "r", _: Seal);'
ON = """
resource Enterprise { roles = ["m"]; }
has_role(person: Person, "m", _: Enterprise) if is_active(person);
resource Seal { relations = { e: Enterprise }; "use" if "m" on "e"; }
has_relation(e: Enterprise, "e", seal: Seal) if e = seal.enterprise;
"""
BECAUSE = 'because("R", "NO", _: Person, seal: Seal, _) if '
GIVES_B = 'because("R", "B", _: Person, _: Seal, _);'
MEETS = 'meets(_: Person, "R", "use", seal: Seal, _) if seal.state = "ACTIVE";'
OTHER_STATES = (
    '["COLLECTED", "DESTROYED", "DISABLED", "DRAFT", "EXPIRED", "LOST", "PENDING_REVIEW", "REVIEW_REJECTED", "REVOKED"]'
)


HANDED_ON = (
    "holds(p: Person, s: Seal, role) if has_role(p, role, s);"
    'resource Seal { roles = ["manager"]; "use" if "manager"; }'
    'has_role(_: Person, "manager", s: Seal) if s.name = "x";'
)


def meets(condition: str) -> str:
    """A rule that meets `R`, with what the condition needs of person, seal and context."""
    person = "person" if "person" in condition else "_"
    seal = "seal" if "seal" in condition.replace("seals", "") else "_"
    context = "context" if "context" in condition else "_"
    return f'meets({person}: Person, "R", "use", {seal}: Seal, {context}) if {condition};'


@dataclass(frozen=True)
class Twins:
    """A policy with one diagnostic, and a neighbour without."""

    name: str
    code: str
    bad: str
    good: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR


def error(name: str, code: str, bad: str, good: str, message: str, hint: str = "") -> Twins:
    return Twins(name, code, bad, good, message, hint)


def warning(name: str, code: str, bad: str, good: str, message: str, hint: str = "") -> Twins:
    return Twins(name, code, bad, good, message, hint, Severity.WARNING)


NAMES = [
    error(
        "a class in a head",
        "class",
        'meets(_: Person, "R", "use", s: Seal, _) if f(s);f(s: Seel) if s.name = "x";',
        'meets(_: Person, "R", "use", s: Seal, _) if f(s);f(s: Seal) if s.name = "x";',
        "no class `Seel`",
        "did you mean `Seal`",
    ),
    error(
        "a class behind matches",
        "class",
        meets("context.task matches SigningTaks"),
        meets("context.task matches SigningTask"),
        "no class `SigningTaks`",
        "`SigningTask`",
    ),
    error(
        "a class as a value",
        "class",
        meets("context.task = SigningTask"),
        meets("context.task matches SigningTask"),
        "`SigningTask` is a class and no value",
        "`x matches SigningTask`",
    ),
    error(
        "a class as a parameter",
        "class",
        meets("f(seal) and is_active(person)") + "f(Seal);",
        meets('f(seal) and seal.name = "x"') + "f(_: Seal);",
        "`Seal` is a class and no value",
        "`x: Seal`",
    ),
    error(
        "a class of Polar in a list",
        "class",
        meets('seal.name in ["x", String]'),
        meets('seal.name in ["x", "String"]'),
        "`String` is a class and no value",
    ),
    error(
        "several classes as an argument",
        "class",
        meets("f(seal, Resource) and is_active(person)") + "f(_: Seal, _);",
        meets("f(seal, seal) and is_active(person)") + "f(_: Seal, _);",
        "`Resource` is a class and no value",
    ),
    error(
        "a value for nil",
        "nil",
        meets("nil := seal.name"),
        meets('name := seal.name and name = "x"'),
        "`nil` is a constant and takes no value",
    ),
    error(
        "a class of a block",
        "class",
        'resource Seall { permissions = ["x"]; }',
        'resource Invitation { permissions = ["x"]; }',
        "no record `Seall`",
        "`Seal`",
    ),
    error(
        "a class of a relation",
        "class",
        "resource Invitation { relations = { e: Enterprize }; }",
        "resource Invitation { relations = { e: Enterprise }; }",
        "no record `Enterprize`",
        "`Enterprise`",
    ),
    error(
        "an attribute",
        "attribute",
        meets('seal.stat = "ACTIVE"'),
        meets('seal.state = "ACTIVE"'),
        "Seal has no attribute `stat`",
        "`state`",
    ),
    error(
        "an attribute of what a relation gives",
        "attribute",
        meets('seal.enterprise.nam = "x"'),
        meets('seal.enterprise.name = "x"'),
        "Enterprise has no attribute `nam`",
        "`name`",
    ),
    error(
        "an attribute of what a rule gives",
        "attribute",
        meets('home(seal, e) and e.nam = "x"') + "home(seal: Seal, e) if e = seal.enterprise;",
        meets('home(seal, e) and e.name = "x"') + "home(seal: Seal, e) if e = seal.enterprise;",
        "Enterprise has no attribute `nam`",
    ),
    error(
        "an attribute of an item",
        "attribute",
        meets("h in seal.holds and h.stat = 1"),
        meets('h in seal.holds and h.state = "PLACED"'),
        "SealHold has no attribute `stat`",
    ),
    error(
        "an attribute of a text",
        "attribute",
        meets("seal.name.length = 1"),
        meets('seal.name = "x"'),
        "str has no attribute `length`",
    ),
    error("a personal column", "personal", meets('person.phone = "1"'), meets('person.id = "1"'), "is personal"),
    error("a method", "method", meets("seal.holds.count(1) = 1"), meets("_ in seal.holds"), "would call host code"),
    error(
        "a word",
        "word",
        meets('seal.state = "ACTIV"'),
        meets('seal.state = "ACTIVE"'),
        '`Seal.state` is never "ACTIV"',
        "`ACTIVE`",
    ),
    error(
        "a word behind !=",
        "word",
        meets('seal.state != "REVOKD"'),
        meets('seal.state != "REVOKED"'),
        'never "REVOKD"',
        "`REVOKED`",
    ),
    error("a word behind ==", "word", meets('seal.state == "ACTIV"'), meets('seal.state == "ACTIVE"'), "ACTIV"),
    error(
        "a word in a list",
        "word",
        meets('seal.kind in ["OTHER", "OFICIAL"]'),
        meets('seal.kind in ["OTHER", "OFFICIAL"]'),
        'never "OFICIAL"',
        "`OFFICIAL`",
    ),
    error(
        "a word that a call hands on",
        "word",
        meets('is(seal, "ACTIV")') + "is(seal: Seal, state) if seal.state = state;",
        meets('is(seal, "ACTIVE")') + "is(seal: Seal, state) if seal.state = state;",
        "ACTIV",
    ),
    error(
        "two columns without a common word",
        "word",
        meets("seal.state = seal.category"),
        meets("other in seal.enterprise.seals and seal.state = other.state"),
        "no word in common",
    ),
    error("a rule", "rule", meets("is_actve(person)"), meets("is_active(person)"), "no rule `is_actve`", "`is_active`"),
    error(
        "the arity of a call",
        "arity",
        meets("is_active(person, seal)"),
        meets("is_active(person)"),
        "takes 1 parameters, not 2",
    ),
    error(
        "the arity of a contract's rule",
        "arity",
        "visible(_: Person, _: Seal);",
        "visible(person: Person, _: Seal, _) if is_active(person);",
        "`visible` has 3 parameters, not 2",
    ),
    error(
        "the arity of a head",
        "arity",
        meets("f(seal) and is_active(person)") + "f(_: Seal); f(_: Seal, _);",
        meets("f(seal) and is_active(person)") + "f(_: Seal);",
        "called with 1 parameters, never with 2",
    ),
    error(
        "a permission in a shorthand",
        "declared",
        'resource Seal { roles = ["r"]; "usee" if "r"; }',
        'resource Seal { roles = ["r"]; "use" if "r"; }' + ROLE,
        "Seal declares no role or permission `usee`",
        "`use`",
    ),
    error(
        "a role in a shorthand",
        "declared",
        'resource Seal { "use" if "r"; }',
        'resource Seal { roles = ["r"]; "use" if "r"; }' + ROLE,
        "Seal declares no role, permission or relation `r`",
    ),
    error("a relation in a shorthand", "relation", ON.replace('on "e"', 'on "f"'), ON, "declares no relation `f`"),
    error(
        "a role in a head",
        "role",
        'resource Invitation { roles = ["r"]; } has_role(_: Person, "s", _: Invitation);',
        'resource Invitation { roles = ["r"]; } has_role(_: Person, "r", _: Invitation);',
        "declares no role `s`",
    ),
    error(
        "a permission in a head",
        "permission",
        'has_permission(_: Person, "usee", _: Seal);',
        'has_permission(person: Person, "use", _: Seal) if is_active(person);',
        "Seal declares no permission `usee`",
        "`use`",
    ),
    error(
        "a field of a pattern",
        "field",
        meets('context.task matches SigningTask{stat: "PENDING"}'),
        meets('context.task matches SigningTask{state: "PENDING"}'),
        "SigningTask has no `stat`",
        "`state`",
    ),
    error(
        "a word in a field of a pattern",
        "word",
        meets('context.task matches SigningTask{state: "PENDIN"}'),
        meets('context.task matches SigningTask{state: "PENDING"}'),
        "PENDIN",
        "`PENDING`",
    ),
]

CONTRACTS = [
    error(
        "a requirement that is met in vain",
        "requirement",
        MEETS + 'meets(_: Person, "RR", "use", _: Seal, _);',
        MEETS,
        "this meets `RR`, which `use` on Seal does not require",
        "did you mean `R`?",
    ),
    error(
        "a requirement that is waived in vain",
        "requirement",
        'waived("RR", "use", _: Seal, _);',
        'waived("R", "use", seal: Seal, _) if seal.kind = "OTHER";',
        "this waives `RR`",
    ),
    error(
        "a requirement that is explained in vain",
        "requirement",
        'because("Q", "NO", _: Person, _: Seal, _);',
        'because("R", "NO", _: Person, _: Seal, _);',
        "no action requires `Q`",
    ),
    error(
        "a reason of because",
        "reason",
        'because("R", "NOO", _: Person, _: Seal, _);',
        'because("R", "NO", _: Person, _: Seal, _);',
        "`reason` does not describe `NOO`",
        "`NO`",
    ),
    error(
        "a next step",
        "next-step",
        'parameter("STOP", "n", 1, _: Person, _: Seal, _);',
        'parameter("STEP", "n", 1, _: Person, _: Seal, _);',
        "no reason has the next step `STOP`",
        "`STEP`",
    ),
    error(
        "an action",
        "action",
        'obligation(_: Person, "uses", _: Seal, _, "X");',
        'obligation(_: Person, "use", _: Seal, _, "X");',
        "no checklist has the action `uses` on Seal",
        "`use`",
    ),
    error(
        "an action of lapses",
        "action",
        'lapses(_: Person, "uses", _: Seal, _, 1);',
        'lapses(_: Person, "use", _: Seal, _, 1);',
        "`uses`",
    ),
    error(
        "an action that meets names", "action", MEETS + 'meets(_: Person, "R", "uses", _: Seal, _);', MEETS, "`uses`"
    ),
    error(
        "nothing meets a requirement",
        "unmeetable",
        'requires("use", _: Seal, "S"); otherwise("S", "NO");',
        'requires("use", _: Seal, "S"); otherwise("S", "NO"); meets(_: Person, "S", "use", _: Seal, _);',
        "nothing meets `S` for `use` on Seal",
    ),
    error(
        "otherwise is missing",
        "unexplained",
        'requires("use", _: Seal, "S"); meets(_: Person, "S", "use", _: Seal, _);',
        'requires("use", _: Seal, "S"); meets(_: Person, "S", "use", _: Seal, _); otherwise("S", "NO");',
        "what an unmet `S` means",
    ),
    error("a requirement twice", "twice", 'requires("use", _: Seal, "R");', "", "requires `R` already"),
    error("otherwise twice", "twice", 'otherwise("R", "NO");', "", "says already"),
    error(
        "a reason at two stages",
        "twice",
        'reason("NO", 20, "USER", "STEP");',
        'reason("NO", 10, "USER", "OTHER");',
        "stands at stage 10",
    ),
    error(
        "an audience",
        "shape",
        'reason("B", 1, "USERS", "STEP");' + GIVES_B,
        'reason("B", 1, "USER", "STEP");' + GIVES_B,
        "USER or OPERATOR",
    ),
    error(
        "a stage",
        "shape",
        'reason("B", "1", "USER", "STEP");' + GIVES_B,
        'reason("B", 1, "USER", "STEP");' + GIVES_B,
        "whole number",
    ),
    error(
        "a variable for a requirement",
        "shape",
        MEETS + 'meets(_: Person, _, "use", _: Seal, _);',
        MEETS,
        "the requirement of `meets` is a literal",
    ),
    error(
        "a resource without its type", "shape", MEETS + 'meets(_: Person, "R", "use", _, _);', MEETS, "names its type"
    ),
    error(
        "requires with a condition",
        "fact",
        'requires("use", s: Seal, "S") if s.state = "ACTIVE"; otherwise("S", "NO");'
        'meets(_: Person, "S", "use", _: Seal, _);',
        'requires("use", _: Seal, "S"); otherwise("S", "NO"); meets(_: Person, "S", "use", _: Seal, _);',
        "is a fact",
    ),
    error("a second allow", "product-owned", 'allow(_: Person, "use", _: Seal, _);', "", "contract.polar alone"),
    error(
        "a second settled", "product-owned", 'settled(_: Person, "R", "use", _: Seal, _);', "", "contract.polar alone"
    ),
    error("a rule type of allow", "product-owned", "type allow(_a, _b, _c, _d);", "", "contract.polar alone"),
    error(
        "the floor met otherwise",
        "floor",
        MEETS + 'meets(_: Person, "ACCOUNT_ACTIVE", "use", _: Seal, _);',
        MEETS,
        "only floor.polar meets it",
    ),
    error(
        "the floor waived",
        "floor",
        'waived("ACCOUNT_ACTIVE", "use", _: Seal, _);',
        'waived("R", "use", seal: Seal, _) if seal.kind = "OTHER";',
        "only floor.polar waives it",
    ),
    error(
        "what the floor rests on, widened",
        "floor",
        "is_active(_: Person);",
        MEETS.replace("seal.state", "alive(seal) and seal.state") + "alive(_: Seal);",
        "the floor rests on `is_active`",
    ),
    error(
        "an action without floor",
        "floor",
        'requires("view", _: Seal, "R"); meets(_: Person, "R", "view", seal: Seal, _) if seal.state = "ACTIVE";'
        'resource Seal { permissions = ["view"]; }'
        'has_permission(_: Person, "view", _: Seal);',
        "",
        "`view` on Seal drops the floor",
    ),
]

MODES = [
    error(
        "a comparison",
        "unbound",
        meets('seal.name < x and x = "a"'),
        meets('x = "a" and seal.name < x'),
        "`x` has no value here, and `<` needs one",
    ),
    error(
        "a dot",
        "unbound",
        meets('h.state = "PLACED" and h in seal.holds'),
        meets('h in seal.holds and h.state = "PLACED"'),
        "and `.state` needs one",
    ),
    error(
        "arithmetic",
        "unbound",
        meets("y = x + context.parameters.cooling_off and x = y and y < context.now"),
        meets("x = context.now and y = x + context.parameters.cooling_off and y < context.now"),
        "`x` has no value here, and `+` needs one",
    ),
    error(
        "a collection",
        "unbound",
        meets("h in all and h.seal = seal and all = seal.holds"),
        meets("all = seal.holds and h in all and h.seal = seal"),
        "`all` has no value here, and `in` needs one",
    ),
    error(
        "matches", "unbound", meets("x matches Seal and x = seal"), meets("x = seal and x matches Seal"), "`matches`"
    ),
    error(
        "not with a variable for later",
        "unbound",
        meets('not h = "x" and h in seal.holds'),
        meets('h in seal.holds and not h.id = "x"'),
        "no value before `not`",
    ),
    error(
        "not with a variable of the head",
        "unbound",
        meets("f(seal, x) and x in [1, 2]") + "f(_: Seal, x) if not x = 2;",
        meets("x in [1, 2] and f(seal, x)") + "f(_: Seal, x) if not x = 2;",
        "`x` has no value before `not`",
    ),
    error(
        "not with a variable that stands for one without a value",
        "unbound",
        meets('h = k and not k.state = "PLACED" and h in seal.holds'),
        meets("h = k and h in seal.holds and not k.id = seal.name"),
        "`k` has no value before `not`",
    ),
    error(
        "not with a variable that one side of or gives",
        "unbound",
        meets('(h in seal.holds or seal.kind = "OTHER") and not h.state = "PLACED"'),
        meets('(h in seal.holds and seal.kind = "OTHER") and not h.state = "PLACED"'),
        "`h` has no value before `not`",
    ),
    error(
        "not inside of not with a variable for later",
        "unbound",
        meets('not (seal.kind = "OTHER" and not h.state = "PLACED" and h in seal.holds)'),
        meets('not (seal.kind = "OTHER" and h in seal.holds and not h.state = "PLACED")'),
        "`h` has no value before `not`",
    ),
    error(
        "forall with a variable for later",
        "unbound",
        meets('forall(h in seal.holds, h.state = "RELEASED") and h in seal.holds'),
        meets('forall(h in seal.holds, h.state = "RELEASED") and k in seal.holds and k.seal = seal'),
        "before `forall`",
    ),
    error(
        "a value that only one side of or gives",
        "unbound",
        meets('(x = seal.state or seal.kind = "OTHER") and x != "LOST"'),
        meets('(x = seal.state or x = "ACTIVE") and x != "LOST"'),
        "`x` has no value here",
    ),
    error(
        "a value that a called rule does not give",
        "unbound",
        meets("f(seal, x) and x < 1") + "f(_: Seal, _);",
        meets("f(seal, x) and x < 1") + "f(_: Seal, 2);",
        "`x` has no value here",
    ),
    error(
        "a value that the caller does not have",
        "unbound",
        meets("f(seal, x) and x = 1") + "f(_: Seal, x) if x < 2;",
        meets("x = 1 and f(seal, x)") + "f(_: Seal, x) if x < 2;",
        "and `<` needs one",
    ),
    error(
        "a parameter without value",
        "unbound",
        'parameter("STEP", "x", _, _: Person, _: Seal, _);',
        'parameter("STEP", "x", 1, _: Person, _: Seal, _);',
        "gives this parameter no value",
    ),
    error(
        "a value twice",
        "bound",
        meets("x = seal.state and x := seal.kind"),
        meets('x := seal.state and x = "ACTIVE"'),
        "has a value already",
    ),
]

OPTIONAL = [
    error(
        "what the client may leave out, handed to a rule under not",
        "optional",
        meets("not late(context.task)") + 'late(task: SigningTask) if task.state = "EXPIRED";',
        meets("context.task matches SigningTask and not late(context.task)")
        + 'late(task: SigningTask) if task.state = "EXPIRED";',
        "the client only has to leave it out",
    ),
    error(
        "a dot on nil under not",
        "optional",
        meets('not context.task.state = "SIGNED"'),
        meets('t = context.task and t matches SigningTask and not t.state = "SIGNED"'),
        "under the negation at a.polar:1:",
    ),
    error(
        "a dot on nil under forall",
        "optional",
        meets('forall(o in context.task.operators, o.id = "x")'),
        meets('context.task matches SigningTask and forall(o in context.task.operators, o.id = "x")'),
        "may be nil",
    ),
    warning(
        "a dot on nil",
        "optional",
        meets('context.task.state = "PENDING"'),
        meets('context.task matches SigningTask and context.task.state = "PENDING"'),
        "has no `state` then",
    ),
    error(
        "a dot on nil under not, through a rule",
        "optional",
        meets("not signed(context)") + 'signed(context) if context.task.state = "SIGNED";',
        meets("not signed(context)")
        + 'signed(context) if t = context.task and t matches SigningTask and t.state = "SIGNED";',
        "may be nil",
    ),
    warning(
        "a dot on nil under two negations",
        "optional",
        meets("not open(context)") + 'open(context) if not context.task.state = "SIGNED";',
        meets("not open(context)") + 'open(context) if context.task != nil and not context.task.state = "SIGNED";',
        "may be nil",
    ),
    warning(
        "nil in a comparison",
        "optional",
        meets("seal.certificate.not_after > context.now"),
        meets("seal.certificate != nil and seal.certificate.not_after > context.now"),
        "may be nil",
    ),
    error(
        "a column that may be nil under not",
        "optional",
        meets("not seal.legal_rep_id = person.id"),
        meets("seal.legal_rep_id != nil and not seal.legal_rep_id = person.id"),
        "nil lets the negation at",
    ),
    error(
        "a column that may be nil before !=",
        "optional",
        meets("seal.legal_rep_id != person.id"),
        meets("seal.legal_rep_id matches String and seal.legal_rep_id != person.id"),
        "nil lets `!=` hold",
    ),
    warning(
        "nil equal to nil",
        "nil-equal",
        meets("seal.custodian_id = seal.acting_custodian_id"),
        meets("seal.custodian_id != nil and seal.custodian_id = seal.acting_custodian_id"),
        "nil equals nil",
    ),
    error(
        "a context key that another action has",
        "context",
        meets("context.twin_id = nil"),
        meets("context.task matches SigningTask"),
        "the context here is SealUseContext, which has no `twin_id`",
    ),
    error(
        "a context key that nothing has",
        "context",
        meets("context.taks = nil"),
        meets("context.task = nil"),
        "which has no `taks`",
        "did you mean `task`?",
    ),
    error(
        "a context key, through a rule",
        "context",
        meets("f(context)") + "f(c) if c.member = nil;",
        meets("f(context)") + "f(c) if c.task = nil;",
        "has no `member`",
    ),
]

NEVER = [
    error(
        "a recursion through not",
        "negative-recursion",
        meets("f(seal)") + "f(s: Seal) if not g(s); g(s: Seal) if f(s);",
        meets("f(seal)") + 'f(s: Seal) if not g(s); g(s: Seal) if s.state = "LOST";',
        "its own negation",
    ),
    error(
        "types that contradict each other",
        "never",
        meets("f(person) and is_active(person)") + "f(_: Person);" + BECAUSE + "f(seal);",
        meets("f(person) and is_active(person)") + "f(_: Person); f(_: Seal);" + BECAUSE + "f(seal);",
        "this rule can never match: no rule `f` fits (Seal)",
    ),
    error(
        "matches with another class",
        "never",
        meets("seal matches Person"),
        meets("seal.certificate matches Certificate"),
        "never Person",
    ),
    error(
        "two words at once",
        "never",
        meets('seal.state = "ACTIVE" and seal.state = "LOST"'),
        meets('seal.state = "ACTIVE" and seal.kind = "OTHER"'),
        'never "LOST" here',
    ),
    error(
        "nil where there is always a value",
        "never",
        meets("seal.name = nil"),
        meets("seal.custodian_id = nil"),
        "never nil",
    ),
    error(
        "a clause for a literal that nobody gives",
        "never",
        meets('f("A")') + 'f("A"); f("B");',
        meets('f("A") and f("B")') + 'f("A"); f("B");',
        "no call has arguments that fit its head",
    ),
    error(
        "a next step for another resource",
        "never",
        'parameter("STEP", "x", 1, _: Person, _: Invitation, _);',
        'parameter("STEP", "x", 1, _: Person, _: Seal, _);',
        "never Invitation",
    ),
    error(
        "a negation of what cannot be",
        "always",
        meets("f(person) and not f(seal)") + "f(_: Person);",
        meets("f(person) and not f(seal)") + 'f(_: Person); f(seal: Seal) if seal.state = "LOST";',
        "this negation always holds",
    ),
    error(
        "a part of or",
        "never",
        meets("seal matches Person or is_active(person)"),
        meets("is_active(person)"),
        "part of `or`",
    ),
    error(
        "classes that are never equal",
        "types",
        meets("seal = person"),
        meets("h in seal.holds and h.seal = seal"),
        "they are never equal",
    ),
    error("a text and a number", "types", meets("seal.name = 1"), meets('seal.name = "1"'), "never equal"),
    error(
        "an order of a text and a number",
        "types",
        meets("seal.name < context.now"),
        meets("g in seal.grants and 0 < g.valid_to"),
        "not str with int",
    ),
    error(
        "an order of records",
        "types",
        meets("seal < person"),
        meets("g in seal.grants and g.valid_to < 0"),
        "compares numbers or texts",
    ),
    error(
        "arithmetic on a text",
        "types",
        meets("seal.name + 1 < 2"),
        meets("context.parameters.reminder_limit + 1 < 2"),
        "calculates with numbers",
    ),
    error("in a text", "types", meets('"a" in seal.name'), meets("_ in seal.holds"), "walks through a collection"),
    error(
        "a record as a condition",
        "types",
        meets("seal.enterprise"),
        meets("is_active(person) and h in seal.holds and h.seal.enterprise = seal.enterprise"),
        "true or false",
    ),
    error(
        "a time that is a text",
        "types",
        'lapses(_: Person, "use", seal: Seal, _, at) if at = seal.name;',
        'lapses(_: Person, "use", seal: Seal, _, at) if h in seal.holds and at = h.placed_at;',
        "must give int here",
    ),
    error(
        "a parameter that is a list",
        "types",
        'parameter("STEP", "x", l, _: Person, seal: Seal, _) if l = seal.holds;',
        'parameter("STEP", "x", l, _: Person, seal: Seal, _) if l = seal.name;',
        "must give Approval or JoinApplication or Person or int or str here",
    ),
]

HABITS = [
    error(
        "a slip in the name of a rule of the contract",
        "rule",
        'lapsse(_: Person, "use", _: Seal, _, 1);',
        'lapses(_: Person, "use", _: Seal, _, 1);',
        "nothing calls `lapsse`",
        "`lapses`",
    ),
    warning(
        "a reason that nothing gives",
        "unused",
        'reason("B", 1, "USER", "STEP");',
        'reason("B", 1, "USER", "STEP");' + GIVES_B,
        "nothing gives the reason `B`",
    ),
    warning(
        "a rule that nothing calls",
        "unused",
        "f(_: Seal);",
        meets("f(seal) and is_active(person)") + "f(_: Seal);",
        "nothing calls `f`",
    ),
    warning(
        "the same rule twice",
        "unreachable",
        MEETS + MEETS.replace("seal:", "s:").replace("seal.", "s."),
        MEETS,
        "the same rule stands at a.polar:1:1 already",
    ),
    warning(
        "a variable used once", "singleton", meets("hold in seal.holds"), meets("_ in seal.holds"), "stands once only"
    ),
    warning(
        "and beside or",
        "mixed",
        meets('is_active(person) or seal.state = "LOST" and seal.kind = "OTHER"'),
        meets('is_active(person) or (seal.state = "LOST" and seal.kind = "OTHER")'),
        "`and` binds before `or`",
    ),
    warning(
        "and before or",
        "mixed",
        meets('seal.state = "LOST" and seal.kind = "OTHER" or is_active(person)'),
        meets('(seal.state = "LOST" and seal.kind = "OTHER") or is_active(person)'),
        "`and` binds before `or`",
    ),
]

CONTRADICTIONS = [
    error(
        "an order both ways",
        "never",
        meets("h in seal.holds and h.placed_at < context.now and context.now < h.placed_at"),
        meets("h in seal.holds and h.placed_at <= context.now and context.now <= h.placed_at"),
        "`h.placed_at < context.now` and `context.now < h.placed_at` never hold together",
    ),
    error(
        "before and not before",
        "never",
        meets("g in seal.grants and context.now < g.valid_to and g.valid_to <= context.now"),
        meets("g in seal.grants and context.now <= g.valid_to and g.valid_to <= context.now"),
        "never hold together",
    ),
    error(
        "at most, at least and not equal",
        "never",
        meets(
            "g in seal.grants and g.valid_to <= context.now and context.now <= g.valid_to and context.now != g.valid_to"
        ),
        meets("g in seal.grants and g.valid_to <= context.now and context.now <= g.valid_to"),
        "never hold together",
    ),
    error(
        "a word and another",
        "never",
        meets('seal.name = "a" and seal.name = "b"'),
        meets('seal.name = "a" and seal.kind = "OTHER"'),
        '`seal.name` is never "b" here: `seal.name = "a"`',
    ),
    error(
        "a word and its negation",
        "never",
        meets('seal.name = "a" and "a" != seal.name'),
        meets('seal.name = "a" and "b" != seal.name'),
        "never hold together",
    ),
    error(
        "bounds that leave nothing",
        "never",
        meets("g in seal.grants and g.used < 3 and g.used > 5"),
        meets("g in seal.grants and g.used < 5 and g.used > 3"),
        "`g.used < 3` and `g.used > 5` never hold together",
    ),
    error(
        "bounds at one number",
        "never",
        meets("g in seal.grants and g.used < 3 and 3 <= g.used"),
        meets("g in seal.grants and g.used <= 3 and 3 <= g.used"),
        "never hold together",
    ),
    error(
        "a condition and its negation",
        "never",
        meets("is_active(person) and not is_active(person)"),
        meets("is_active(person) and not is_lost(seal)") + 'is_lost(seal: Seal) if seal.state = "LOST";',
        "`is_active(person)` and `not is_active(person)` never hold together",
    ),
    error(
        "a condition and its negation in an alternative",
        "never",
        meets('is_active(person) and (seal.kind = "OTHER" or not is_active(person))'),
        meets('is_active(person) and (seal.kind = "OTHER" or not seal.name = "x")'),
        "never hold together",
    ),
    error(
        "conditions under not",
        "never",
        meets('not (seal.name < "b" and "c" < seal.name)'),
        meets('not (seal.name < "c" and "b" < seal.name)'),
        "never hold together",
    ),
    error(
        "an order of a term and itself",
        "never",
        meets("seal.name < seal.name"),
        meets('seal.name < "b"'),
        "never holds",
    ),
    error(
        "constants", "never", meets("is_active(person) and 2 < 1"), meets("is_active(person)"), "`2 < 1` never holds"
    ),
    error(
        "two words of a path and of the variable that stands for it",
        "never",
        meets('state = seal.state and seal.state in ["ACTIVE"] and state in ["REVOKED"]'),
        meets('state = seal.state and seal.name = "x" and state = "REVOKED"'),
        "is never",
    ),
    error(
        "an alternative that was ruled out",
        "never",
        meets('not (seal.state = "ACTIVE" or seal.name = "a") and seal.state = "ACTIVE"'),
        meets('not (seal.state = "ACTIVE" or seal.name = "a") and is_active(person)'),
        "never hold together",
    ),
]

ALWAYS = [
    error(
        "a term that equals itself",
        "always",
        meets("person.id = person.id"),
        meets("seal.legal_rep_id matches String and seal.legal_rep_id = person.id"),
        "`person.id = person.id` always holds",
    ),
    error("a term == itself", "always", meets("seal.name == seal.name"), meets('seal.name == "x"'), "always holds"),
    error("a term <= itself", "always", meets("seal.name <= seal.name"), meets('seal.name <= "x"'), "always holds"),
    error(
        "an instant before a later one",
        "always",
        meets("is_active(person) and context.now < context.now + context.parameters.cooling_off"),
        meets("h in seal.holds and h.placed_at < context.now + context.parameters.cooling_off"),
        "`context.now < context.now + context.parameters.cooling_off` always holds",
    ),
    error(
        "a length of time that is not less than nothing",
        "never",
        meets("is_active(person) and context.now - context.parameters.cooling_off >= context.now"),
        meets("h in seal.holds and context.now - context.parameters.cooling_off >= h.placed_at"),
        "never holds",
    ),
    error(
        "a count that is at least nothing",
        "always",
        meets("g in seal.grants and g.used - g.use_limit <= g.used - g.use_limit + context.parameters.reminder_limit"),
        meets("g in seal.grants and g.used - g.use_limit < g.used - g.use_limit + context.parameters.reminder_limit"),
        "always holds",
    ),
    error(
        "a term taken from itself",
        "always",
        meets("g in seal.grants and g.use_limit - g.use_limit = 0"),
        meets("g in seal.grants and g.use_limit - g.used = 0"),
        "`g.use_limit - g.use_limit = 0` always holds",
    ),
    error(
        "a sum in another order",
        "never",
        meets("g in seal.grants and g.use_limit + 1 < 1 + g.use_limit"),
        meets("g in seal.grants and g.use_limit + 1 < 1 + g.used"),
        "never holds",
    ),
    error(
        "a sum with a variable that stands for the same",
        "always",
        meets("g in seal.grants and limit = g.use_limit and g.use_limit < limit + 1"),
        meets("g in seal.grants and limit = g.used and g.use_limit < limit + 1"),
        "`g.use_limit < limit + 1` always holds",
        "it says `g.use_limit < g.use_limit + 1`",
    ),
    error(
        "a condition twice",
        "always",
        meets('seal.kind = "OTHER" and is_active(person) and seal.kind = "OTHER"'),
        meets('seal.kind = "OTHER" and is_active(person) and seal.name = "OTHER"'),
        '`seal.kind = "OTHER"` stands there already',
    ),
    error(
        "a comparison twice, turned round",
        "always",
        meets("g in seal.grants and g.valid_to < context.now and context.now > g.valid_to"),
        meets("g in seal.grants and g.valid_to < context.now and context.now > g.valid_from"),
        "stands there already",
    ),
    error(
        "a condition again in an alternative",
        "always",
        meets('is_active(person) and (is_active(person) or seal.kind = "OTHER")'),
        meets('is_active(person) or seal.kind = "OTHER"'),
        "stands there already",
    ),
    error(
        "an alternative twice",
        "always",
        meets('seal.kind = "OTHER" or seal.kind = "OTHER"'),
        meets('seal.kind = "OTHER" or seal.name = "OTHER"'),
        '`seal.kind = "OTHER"` stands twice in this `or`',
    ),
    error(
        "a condition or its negation",
        "always",
        meets("is_active(person) or not is_active(person)"),
        meets('is_active(person) or not seal.kind = "OTHER"'),
        "`is_active(person) or not is_active(person)` always holds",
    ),
    error(
        "before or not before",
        "always",
        meets("g in seal.grants and (context.now < g.valid_to or context.now >= g.valid_to)"),
        meets("g in seal.grants and (context.now < g.valid_to or context.now > g.valid_to)"),
        "always holds",
    ),
    error(
        "less, equal or more",
        "always",
        meets("seal.name < person.id or person.id < seal.name or seal.name = person.id"),
        meets("seal.name < person.id or person.id < seal.name"),
        "always holds",
    ),
    error(
        "a comparison with anything",
        "always",
        meets("seal.name = _"),
        meets("_ in seal.holds"),
        "`seal.name = _` always holds",
        "give the variable a name",
    ),
    error(
        "a variable for anything",
        "always",
        meets("_ = h and h in seal.holds and h.seal = seal"),
        meets("h in seal.holds and h.seal = seal"),
        "`_ = h` always holds",
    ),
    error("true by itself", "always", meets("is_active(person) and true"), meets("is_active(person)"), "`true` always"),
    error(
        "a term in a list that holds it",
        "always",
        meets("seal.id in [seal.name, seal.id]"),
        meets('seal.name in ["x", seal.id]'),
        "`seal.id in [seal.name, seal.id]` always holds",
    ),
    error(
        "anything in a list",
        "always",
        meets("_ in [seal.name]"),
        meets("_ in seal.holds"),
        "always holds",
        "`_` is in every list",
    ),
    error(
        "a comparison with a variable that stands nowhere else",
        "always",
        meets("seal.name = _name"),
        meets('seal.name = "x"'),
        "`seal.name = _name` always holds",
    ),
    error(
        "a path and the variable that stands for it",
        "always",
        meets("home = seal.enterprise and home.id = seal.enterprise.id"),
        meets('home = seal.enterprise and home.name = "x"'),
        "`home.id = seal.enterprise.id` always holds here: both sides are `seal.enterprise_id`",
    ),
    error(
        "a parameter by another name",
        "always",
        meets("same = person and same.id = person.id"),
        meets('same = person and same.id = "p"'),
        "both sides are `person.id`",
    ),
    error(
        "an alternative again, turned round",
        "always",
        meets('"a" = seal.name or seal.name = "a"'),
        meets('"a" = seal.name or seal.name = "b"'),
        "stands twice in this `or`",
    ),
    error(
        "a word or its negation in a list",
        "always",
        meets('seal.state = "ACTIVE" or not seal.state in ["ACTIVE"]'),
        meets('seal.state = "ACTIVE" or seal.name in ["x"]'),
        "always holds",
    ),
    error(
        "a class that the head asks for",
        "always",
        meets("person matches Person"),
        meets("is_active(person)"),
        "this `matches` always holds: `person` is never anything else",
    ),
    error(
        "a class that an attribute always has",
        "always",
        meets("seal.enterprise matches Enterprise"),
        meets("seal.certificate matches Certificate"),
        "this `matches` always holds",
    ),
]

INTERVALS = [
    error(
        "an interval the wrong way round",
        "interval",
        meets("g in seal.grants and g.valid_to <= context.now and context.now < g.valid_from"),
        meets("g in seal.grants and g.valid_from <= context.now and context.now < g.valid_to"),
        "this never holds: `context.now` is compared the wrong way round with `valid_from` and `valid_to` of `g`",
        "inside is `g.valid_from <= context.now` and `context.now < g.valid_to`",
    ),
    error(
        "an interval the wrong way round, with other words",
        "interval",
        meets("c = seal.certificate and c != nil and c.not_before >= context.now and context.now > c.not_after"),
        meets("c = seal.certificate and c != nil and c.not_before <= context.now and context.now < c.not_after"),
        "never holds",
    ),
    error(
        "both sides of an interval as alternatives",
        "interval",
        meets("g in seal.grants and (g.valid_from <= context.now or context.now < g.valid_to)"),
        meets("g in seal.grants and (context.now < g.valid_from or g.valid_to <= context.now)"),
        "this always holds",
    ),
    error(
        "the end of one and the beginning of the same",
        "interval",
        meets("g in seal.grants and _ in seal.grants and g.valid_to < context.now and context.now < g.valid_from"),
        meets("g in seal.grants and h in seal.grants and g.valid_to < context.now and context.now < h.valid_from"),
        "never holds",
    ),
    error(
        "an end before its beginning",
        "never",
        meets("g in seal.grants and g.valid_to < g.valid_from"),
        meets("g in seal.grants and g.valid_to < context.now"),
        "`g.valid_to < g.valid_from` never holds",
    ),
]

UNITS = [
    error(
        "ids of different records",
        "identifier",
        meets("seal.enterprise_id = person.id"),
        meets("m in person.memberships and seal.enterprise_id = m.enterprise_id"),
        "`seal.enterprise_id` is the id of a record of Enterprise and `person.id` of Person: they are never the same",
    ),
    error(
        "ids of different records behind ==",
        "identifier",
        meets("h in seal.holds and h.seal_id == seal.enterprise_id"),
        meets("h in seal.holds and h.seal_id == seal.id"),
        "`h.seal_id` is the id of a record of Seal",
    ),
    error(
        "ids of different records behind !=",
        "identifier",
        meets("m in person.memberships and m.id != seal.enterprise_id"),
        meets("m in person.memberships and m.enterprise_id != seal.enterprise_id"),
        "`m.id` is the id of a record of Membership",
    ),
    error(
        "ids of different records in a list",
        "identifier",
        meets("person.id in [seal.enterprise_id]"),
        meets('person.id in ["p"]'),
        "never the same",
    ),
    error(
        "ids of different records through a rule",
        "identifier",
        meets("owned(seal, id) and id = person.id") + "owned(seal: Seal, id) if id = seal.enterprise_id;",
        meets("owned(seal, id) and id = seal.enterprise.id") + "owned(seal: Seal, id) if id = seal.enterprise_id;",
        "never the same",
    ),
    error(
        "an id handed to a rule",
        "identifier",
        meets("of(person, person.id) and of(person, seal.id)") + "of(person: Person, id) if person.id = id;",
        meets("of(person, person.id) and is(seal, seal.id)")
        + "of(person: Person, id) if person.id = id; is(seal: Seal, id) if seal.id = id;",
        "never the same",
    ),
    error(
        "a plain number added to an instant",
        "units",
        meets("h in seal.holds and context.now < h.placed_at + 86400"),
        meets("h in seal.holds and context.now < h.placed_at + context.parameters.cooling_off"),
        "`86400` is a plain number and has no unit, and `h.placed_at` is an instant",
        "a length of time is a parameter",
    ),
    error(
        "a plain number taken from an instant",
        "units",
        meets("h in seal.holds and context.now - 24 * 3600 < h.placed_at"),
        meets("h in seal.holds and context.now - 2 * context.parameters.cooling_off < h.placed_at"),
        "`24 * 3600` is a plain number",
    ),
    error(
        "a plain number beside a length of time",
        "units",
        meets("h in seal.holds and context.now - h.placed_at < 86400"),
        meets("h in seal.holds and context.now - h.placed_at > 0"),
        "`context.now - h.placed_at` is a length of time",
    ),
    error(
        "a plain number under a name",
        "units",
        meets("h in seal.holds and day = 86400 and h.placed_at + day < context.now"),
        meets("h in seal.holds and day = context.parameters.cooling_off and h.placed_at + day < context.now"),
        "`day` is a plain number",
    ),
    error(
        "two instants added",
        "units",
        meets("h in seal.holds and context.now < h.placed_at + context.now"),
        meets("h in seal.holds and context.parameters.cooling_off < context.now - h.placed_at"),
        "`h.placed_at` is an instant and `context.now` is an instant",
    ),
    error(
        "an instant beside a length of time",
        "units",
        meets("context.now < context.parameters.cooling_off"),
        meets("g in seal.grants and context.now < g.valid_to"),
        "`context.parameters.cooling_off` is a length of time",
    ),
]


WORDS = [
    error(
        "a word that no rule takes",
        "word",
        meets('f("LEFT") and f("RIGHT") and not f("LEVT")') + 'f("LEFT"); f("RIGHT");',
        meets('f("LEFT") and f("RIGHT") and not f("LEVT")') + 'f("LEFT"); f("RIGHT"); f("LEVT");',
        'no rule `f` takes "LEVT" there',
        "did you mean `LEFT`?",
    ),
    error(
        "a word that no rule takes, though one takes others",
        "word",
        meets('(f("LEFT", 1) or f("RIGHT", 2)) and not f("RIHGT", 1)') + 'f("LEFT", _); f("RIGHT", _);',
        meets('(f("LEFT", 1) or f("RIGHT", 2)) and not f("RIHGT", 1)') + 'f("LEFT", _); f("RIGHT", _); f(_, 1);',
        'no rule `f` takes "RIHGT" there',
    ),
    error(
        "a word that is handed on twice",
        "word",
        meets('is(seal, "REVOKD")')
        + "is(seal: Seal, state) if of(seal.holds, seal, state); of(_, seal: Seal, state) if seal.state = state;",
        meets('is(seal, "REVOKED")')
        + "is(seal: Seal, state) if of(seal.holds, seal, state); of(_, seal: Seal, state) if seal.state = state;",
        '`Seal.state` is never "REVOKD", and is compared with it at a.polar:1:',
        "`REVOKED`",
    ),
]


SLIPS = [
    error(
        "a variable that does not matter, read",
        "slip",
        'meets(_: Person, "R", "use", _seal: Seal, _) if _seal.state = "ACTIVE";',
        'meets(_: Person, "R", "use", seal: Seal, _) if seal.state = "ACTIVE";',
        "`_seal` stands 2 times, and `_` says that it does not matter",
        "write `seal` if it matters",
    ),
    error(
        "variables that do not matter, and compare",
        "slip",
        meets("f(seal, _x) and g(seal, _x)") + "f(_: Seal, 1); g(_: Seal, 1);",
        meets("f(seal, _x) and g(seal, _y)") + "f(_: Seal, 1); g(_: Seal, 1);",
        "`_x` stands 2 times",
    ),
    error(
        "a variable twice in a head",
        "slip",
        meets("f(seal, seal.enterprise, seal.enterprise) and is_active(person)") + "f(_: Seal, _e, _e);",
        meets("f(seal, seal.enterprise, seal.enterprise) and is_active(person)") + "f(_: Seal, _, _);",
        "`_e` stands 2 times",
    ),
]

SETTLING = [
    error(
        "a waiver by a negation",
        "waiver",
        'waived("R", "use", seal: Seal, _) if not seal.kind = "OFFICIAL";',
        'waived("R", "use", seal: Seal, _) if seal.kind in ["CONTRACT", "OTHER"];',
        "a waiver rests on `not`: what is not known, or not thought of, would waive",
        "say of which it is not asked",
    ),
    error(
        "a waiver by a negation beside another condition",
        "waiver",
        'waived("R", "use", seal: Seal, _) if seal.kind = "OTHER" and not seal.name = "x";',
        'waived("R", "use", seal: Seal, _) if seal.kind = "OTHER" and seal.name = "x";',
        "rests on `not`",
    ),
    error(
        "a waiver by a difference",
        "waiver",
        'waived("R", "use", seal: Seal, _) if seal.kind != "OFFICIAL";',
        'waived("R", "use", seal: Seal, _) if seal.kind = "OTHER" and seal.custodian_id != nil;',
        "rests on `!=`",
    ),
    error(
        "a waiver in an alternative",
        "waiver",
        'waived("R", "use", seal: Seal, _) if seal.kind = "OTHER" or not seal.name = "x";',
        'waived("R", "use", seal: Seal, _) if seal.kind = "OTHER" or seal.name = "x";',
        "rests on `not`",
    ),
    error(
        "a waiver by what all are that may be none",
        "waiver",
        'waived("R", "use", seal: Seal, _) if forall(h in seal.holds, h.state = "RELEASED");',
        'waived("R", "use", seal: Seal, _) if _ in seal.holds and forall(h in seal.holds, h.state = "RELEASED");',
        "rests on `forall`",
    ),
    error(
        "a waiver without a condition",
        "unconditional",
        'waived("R", "use", _: Seal, _);',
        '#@ always\nwaived("R", "use", _: Seal, _);',
        "this waives the requirement without a condition, and the rule at base.polar:12:1 asks for something",
        "a line `#@ always` above the rule",
    ),
    error(
        "a waiver with a condition that reads nothing of the question",
        "unconditional",
        'waived("R", "use", _: Seal, _) if is_on(1); is_on(1);',
        'waived("R", "use", seal: Seal, _) if is_on(seal); is_on(seal: Seal) if seal.kind = "OTHER";',
        "this waives the requirement without a condition",
    ),
    error(
        "a requirement met without a condition",
        "unconditional",
        MEETS + 'meets(_: Person, "R", "use", _: Seal, _);',
        MEETS + 'meets(_: Person, "R", "use", _: Seal{kind: "OTHER"}, _);',
        "this meets the requirement without a condition, and the rule at a.polar:1:1 asks for something",
    ),
    error(
        "a requirement met without a condition, and with a tag that names another rule",
        "unconditional",
        MEETS + '\n#@ always\nwaived("R", "use", _: Seal, _);\nmeets(_: Person, "R", "use", _: Seal, _);',
        MEETS + '\n#@ U-01 always\nmeets(_: Person, "R", "use", _: Seal, _);',
        "this meets the requirement without a condition",
    ),
    error(
        "a waiver by a negation in what it calls",
        "waiver",
        'waived("R", "use", seal: Seal, _) if is_odd(seal); is_odd(seal: Seal) if\n  not seal.kind = "OFFICIAL";',
        'waived("R", "use", seal: Seal, _) if is_odd(seal); is_odd(seal: Seal) if\n  seal.kind = "OTHER";',
        "a waiver rests on `not` at a.polar:2:3",
    ),
    error(
        "a requirement met by what holds for everything",
        "unconditional",
        MEETS
        + 'meets(_: Person, "R", "use", seal: Seal, _) if is_fine(seal); is_fine(seal) if is_good(seal); is_good(_);',
        MEETS + 'meets(_: Person, "R", "use", seal: Seal, _) if is_fine(seal);\n#@ always\nis_fine(_: Seal);',
        "this meets the requirement without a condition",
    ),
    error(
        "ids of two types inside of lists",
        "identifier",
        meets("[seal.enterprise_id] = [person.id]"),
        meets('[seal.id] = ["s"]'),
        "they are never the same",
    ),
    error(
        "ids of two types in dictionaries",
        "identifier",
        meets("{id: seal.enterprise_id} = {id: person.id}"),
        meets('{id: person.id} = {id: "p"}'),
        "they are never the same",
    ),
    error(
        "an order of ids of two types",
        "identifier",
        meets("seal.enterprise_id < person.id"),
        meets('seal.id < "s"'),
        "they are never the same",
    ),
]

CALLED = [
    error(
        "a word and another that a called rule asks for",
        "never",
        meets('is_live(seal) and seal.state = "LOST"') + 'is_live(s: Seal) if s.state = "ACTIVE";',
        meets('is_live(seal) and seal.state = "ACTIVE"') + 'is_live(s: Seal) if s.state = "ACTIVE";',
        '`seal.state = "LOST"` never holds here: `is_live(seal)` asks for `seal.state = "ACTIVE"`',
    ),
    error(
        "two called rules that rule each other out, one behind another",
        "never",
        meets("is_live(seal) and is_gone(seal)")
        + 'is_live(s: Seal) if s.state = "ACTIVE"; is_gone(s: Seal) if has(s, "LOST"); has(x, word) if x.state = word;',
        meets("is_live(seal) and is_gone(seal)")
        + 'is_live(s: Seal) if s.state = "LOST"; is_gone(s: Seal) if has(s, "LOST"); has(x, word) if x.state = word;',
        '`is_gone(seal)` asks for `seal.state = "LOST"`, which never holds together with `seal.state = "ACTIVE"`',
    ),
    error(
        "a call and its negation in a called rule",
        "never",
        meets("not g(seal) and f(seal)") + 'f(s: Seal) if g(s) and s.kind = "OTHER"; g(s: Seal) if s.name = "a";',
        meets("g(seal) and f(seal)") + 'f(s: Seal) if g(s) and s.kind = "OTHER"; g(s: Seal) if s.name = "a";',
        "`f(seal)` asks for `g(seal)`, which never holds together with `not g(seal)`",
    ),
    error(
        "an interval that is handed over the wrong way round",
        "interval",
        meets("g in seal.grants and between(g.valid_to, context.now, g.valid_from)")
        + "between(a, b, c) if a <= b and b < c;",
        meets("g in seal.grants and between(g.valid_from, context.now, g.valid_to)")
        + "between(a, b, c) if a <= b and b < c;",
        "is compared the wrong way round with `valid_from` and `valid_to` of `g`",
    ),
    error(
        "the id of a related record and the column that holds it",
        "always",
        meets("e = seal.enterprise and e.id = seal.enterprise_id"),
        meets("m in seal.enterprise.memberships and m.enterprise.id = seal.enterprise_id"),
        "both sides are `seal.enterprise_id`",
    ),
    error(
        "whole numbers between neighbours",
        "never",
        meets("g in seal.grants and 3 < g.used and g.used < 4"),
        meets("g in seal.grants and 3 < g.used and g.used < 5"),
        "never hold together",
    ),
    error(
        "later than the beginning of time",
        "always",
        meets("n = context.now and n > 0"),
        meets("g in seal.grants and g.valid_to != 0"),
        "every moment is later than 0",
    ),
    error(
        "an order of words",
        "word",
        meets('seal.state < "ACTIVE"'),
        meets('seal.name < "ACTIVE"'),
        "compares the words of `Seal.state` by their letters",
    ),
    error(
        "a misspelt word in lists that are not equal",
        "word",
        meets('[seal.state, 1] != ["ACTIV", 1]'),
        meets('[seal.state, 1] != ["ACTIVE", 1]'),
        '`Seal.state` is never "ACTIV"',
    ),
    error(
        "a misspelt word in a list that a variable holds",
        "word",
        meets('x = [seal.state] and x = ["ACTIV"]'),
        meets('x = [seal.state] and x = ["ACTIVE"]'),
        '`Seal.state` is never "ACTIV"',
    ),
    error(
        "a class of what a variable is read from",
        "always",
        meets("x = seal.name and x matches String"),
        meets("x = seal.certificate and x matches Certificate"),
        "this `matches` always holds: `x` is never anything else",
    ),
    error(
        "a waiver for want of records",
        "waiver",
        'waived("R", "use", seal: Seal, _) if seal.holds = [];',
        'waived("R", "use", seal: Seal, _) if seal.certificate != nil and seal.kind = "OTHER";',
        "a waiver rests on `[]`",
    ),
    error(
        "that there is a value which is always there",
        "always",
        meets("seal.name != nil"),
        meets("seal.custodian != nil"),
        "this condition always holds: `seal.name` is never nil",
    ),
    error(
        "that there is a value, in a rule that some call with what may be nil",
        "always",
        meets("has_value(seal.name) and has_value(seal.enterprise)") + "has_value(x) if x != nil;",
        meets("has_value(seal.custodian) and has_value(seal.enterprise)") + "has_value(x) if x != nil;",
        "this condition always holds: `x` is never nil",
    ),
    error(
        "a rule asked to compare a thing with itself",
        "always",
        MEETS + 'waived("R", "use", seal: Seal, _) if is_same(seal, seal); is_same(a: Seal, b: Seal) if a.id = b.id;',
        MEETS
        + 'waived("R", "use", seal: Seal, _) if is_same(seal, seal);'
        + 'is_same(a: Seal, b: Seal) if a.id = b.id and b.kind = "OTHER";',
        "`is_same(seal, seal)` always holds: it compares things with themselves",
    ),
    error(
        "a rule asked whether a thing is another one than itself",
        "never",
        meets("is_active(person) and not is_other(seal, seal)") + "is_other(a: Seal, b: Seal) if a.id != b.id;",
        meets("is_active(person) and not is_other(seal.id, seal.name)") + "is_other(a, b) if a != b;",
        "`is_other(seal, seal)` asks for `seal.id != seal.id`, which never holds",
    ),
    error(
        "a role that a helper hands on",
        "word",
        meets('holds(person, seal, "managr")') + HANDED_ON,
        meets('holds(person, seal, "manager")') + HANDED_ON,
        'no rule `has_role` takes "managr", as it is asked at a.polar:1:',
        "did you mean `manager`?",
    ),
    error(
        "a role that two helpers hand on",
        "word",
        meets('can(person, seal, "managr") or is_active(person)') + "can(a, b, c) if holds(a, b, c);" + HANDED_ON,
        meets('can(person, seal, "manager") or is_active(person)') + "can(a, b, c) if holds(a, b, c);" + HANDED_ON,
        'no rule `has_role` takes "managr"',
    ),
    error(
        "all words of a column, one by one",
        "always",
        meets('seal.category = "ELECTRONIC" or "PHYSICAL" = seal.category'),
        meets('seal.category = "ELECTRONIC" or "PHYSICAL" = seal.name'),
        "this condition always holds: `seal.category` has no other word",
    ),
    error(
        "all words of a column, some in a list",
        "always",
        meets('is_active(person) and (seal.category == "ELECTRONIC" or seal.category in ["PHYSICAL"])'),
        meets('is_active(person) and (seal.state == "ACTIVE" or seal.state in ["LOST"])'),
        "this condition always holds: `seal.category` has no other word",
    ),
    error(
        "all words of a column",
        "always",
        meets('seal.category in ["ELECTRONIC", "PHYSICAL"]'),
        meets('seal.category in ["ELECTRONIC"]'),
        "this condition always holds: `seal.category` has no other word",
    ),
    error(
        "an instant times a number",
        "units",
        meets("h in seal.holds and context.now * 2 > h.placed_at"),
        meets("h in seal.holds and context.now - context.parameters.cooling_off * 2 > h.placed_at"),
        "`*` calculates with numbers and lengths of time, and `context.now` is an instant",
    ),
]

CASES = [
    *NAMES,
    *CONTRACTS,
    *MODES,
    *OPTIONAL,
    *NEVER,
    *HABITS,
    *CONTRADICTIONS,
    *CALLED,
    *ALWAYS,
    *INTERVALS,
    *UNITS,
    *WORDS,
    *SLIPS,
    *SETTLING,
]
