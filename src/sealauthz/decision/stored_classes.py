"""The classes whose objects the cache of bundles may hold, each by its module and its name, and no others."""

from __future__ import annotations

from collections.abc import Mapping

_SYNTAX = """
And Arithmetic Assign Attribute BlockNode Call Compare DictPattern DictTerm Forall In ListTerm Literal Matches Not Or
Parameter Place RuleNode RuleTypeNode Shorthand TypePattern Unify Variable
"""
_PLACED = "Attribute BinOp BoolOp Call Compare Constant Name Tuple UnaryOp"
_PLAIN = "Add And Eq Gt GtE In Is IsNot Load Lt LtE Not NotEq Or Sub"

OF_BUNDLES: Mapping[str, frozenset[str]] = {
    module: frozenset(names.split())
    for module, names in {
        "sealauthz.decision.signoffs": "Accepted",
        "sealauthz.decision.stored_analysis": "StoredAnalysis",
        "sealauthz.decision.texts": "Texts",
        "sealauthz.polar.blocks": "Declared",
        "sealauthz.polar.check.checker": "KeptAnalysis",
        "sealauthz.polar.check.patterns": "KeptFlow Known Reach Tried",
        "sealauthz.polar.check.rules": "Clause Rules _Selection",
        "sealauthz.polar.check.values": "Free",
        "sealauthz.polar.code": "KeptCode",
        "sealauthz.polar.compile.compiler": "_Kept",
        "sealauthz.polar.compile.forms": "Bound Compiled Constant Template",
        "sealauthz.polar.compile.kept": "KeptCompiler",
        "sealauthz.polar.compile.placed": _PLACED,
        "sealauthz.polar.contract": "ReasonEntry",
        "sealauthz.polar.diagnostic": "Diagnostic Severity",
        "sealauthz.polar.groups": "Exemption Expansion Group Groups",
        "sealauthz.polar.program": "Clause Program",
        "sealauthz.polar.source": "Source",
        "sealauthz.polar.syntax": _SYNTAX,
        "sealauthz.polar.types": "Known",
    }.items()
}
"""Records of syntax and of what a load found out."""

OF_ANALYSES: Mapping[str, frozenset[str]] = {
    "ast": frozenset(_PLAIN.split()),
    "collections": frozenset({"Counter"}),
    "sealauthz.decision.stored_analysis": frozenset({"_Class", "_Value"}),
}
"""What only an analysis may hold besides."""


def is_listed(module: str, name: str, listed: Mapping[str, frozenset[str]] = OF_BUNDLES) -> bool:
    """Whether a class is on the list, by exactly these names; a path through attributes is none."""
    return name in listed.get(module, ())
