"""The JSON Schema of policy test files, for editors and for those who write such files by program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from sealauthz.policytools.testing.fact_forms import OF_MODEL, record_forms
from sealauthz.policytools.testing.form import File
from sealauthz.schema import Model

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


def json_schema(model: Model, suggestions: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a file that tests policies of a model (draft 2020-12).

    `suggestions` are words that an editor may offer, by the pattern of the text that they fit.
    """
    _, records = models_json_schema([(form, "validation") for form in record_forms(model)])
    schema = {"$schema": SCHEMA_ID, **File.model_json_schema(by_alias=True)}
    schema["$defs"] = dict(sorted((schema["$defs"] | records["$defs"]).items()))
    _complete(schema, suggestions or {})
    return schema


def _complete(node: Any, suggestions: Mapping[str, Sequence[str]]) -> None:
    """Refer to the model's forms, and add the suggestions."""
    if isinstance(node, dict):
        if OF_MODEL in node:
            rest = {key: value for key, value in node.items() if key not in (OF_MODEL, "title")}
            name = node[OF_MODEL]
            node.clear()
            node |= {"$ref": f"#/$defs/{name}", **rest}
        words = suggestions.get(str(node.get("pattern")))
        if words:
            node["examples"] = list(words)
        for inner in list(node.values()):
            _complete(inner, suggestions)
    elif isinstance(node, list):
        for inner in node:
            _complete(inner, suggestions)
