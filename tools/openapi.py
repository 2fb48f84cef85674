"""Generates the OpenAPI description of the RPCs over HTTP from protos/, or compares (--check).

With --check it also fails where something is gone that a client of the last release may have used: buf watches the
protos, and this what is made of them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from grpc_tools import protoc

import sealauthz
from protos import PROTOS, ROOT, WELL_KNOWN

OPENAPI = ROOT / "src" / "sealauthz" / "service" / "http" / "openapi.json"
RELEASED = PROTOS / "released.binpb.gz"

_PACKAGE = ".sealauthz.v1."
_PROBLEM = "Problem"
_TAG_OF_SERVICE, _TAG_OF_METHOD = 6, 2
_TAG_OF_MESSAGE, _TAG_OF_NESTED, _TAG_OF_FIELD = 4, 3, 2
_TAG_OF_ENUM, _TAG_OF_NESTED_ENUM, _TAG_OF_VALUE = 5, 4, 2

_SCALARS: dict[int, dict[str, Any]] = {
    Field.TYPE_BOOL: {"type": "boolean"},
    Field.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    Field.TYPE_DOUBLE: {"type": "number", "format": "double"},
    Field.TYPE_FLOAT: {"type": "number", "format": "float"},
    Field.TYPE_INT32: {"type": "integer", "format": "int32"},
    Field.TYPE_INT64: {"type": "string", "format": "int64"},
    Field.TYPE_STRING: {"type": "string"},
    Field.TYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    Field.TYPE_UINT64: {"type": "string", "format": "uint64"},
}
_WELL_KNOWN: dict[str, dict[str, Any]] = {
    ".google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
    ".google.protobuf.FieldMask": {"type": "string"},
    ".google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
}

_ABOUT = """The RPCs of SealAuthz over HTTP and JSON: `POST /v1/Service/Method` with the request in protobuf's JSON \
mapping. An answer is an allow only where its effect says so, under status 200. Fields of default values are left out \
of answers; unknown fields of requests are refused."""
_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "Why there is no answer (RFC 9457). It is never an allow.",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The kind of the problem: its reason as a URI."},
        "title": {"type": "string", "description": "The reason in words."},
        "status": {"type": "integer", "description": "The status of the response."},
        "code": {"type": "string", "description": "The code with which the call would have ended over gRPC."},
        "detail": {"type": "string", "description": "What is wrong, for developers."},
        "reason": {"type": "string", "description": "The machine-readable reason."},
        "metadata": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "More of the reason.",
        },
        "retryAfterSeconds": {"type": "number", "description": "When trying again may help."},
        "fieldViolations": {
            "type": "array",
            "description": "The malformed fields, by their paths.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "description": {"type": "string"}},
            },
        },
    },
}
_TIMEOUT = {
    "name": "Request-Timeout",
    "in": "header",
    "description": "How many seconds the answer is waited for: the deadline of the call.",
    "schema": {"type": "number", "minimum": 0},
}
_RESUME = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The id of the last event that was handled: the stream goes on behind it.",
    "schema": {"type": "string"},
}


class Protos:
    """Descriptors with their comments, by full name."""

    def __init__(self, files: Iterable[descriptor_pb2.FileDescriptorProto]) -> None:
        self.services: list[tuple[descriptor_pb2.ServiceDescriptorProto, str, list[str]]] = []
        self.messages: dict[str, tuple[descriptor_pb2.DescriptorProto, str, list[str]]] = {}
        self.enums: dict[str, tuple[descriptor_pb2.EnumDescriptorProto, str, list[str]]] = {}
        for file in files:
            if f".{file.package}." == _PACKAGE:
                self._add(file)

    def _add(self, file: descriptor_pb2.FileDescriptorProto) -> None:
        comments = {tuple(place.path): _text(place.leading_comments) for place in file.source_code_info.location}

        def of(*path: int) -> str:
            return comments.get(path, "")

        for number, service in enumerate(file.service):
            at = (_TAG_OF_SERVICE, number)
            of_methods = [of(*at, _TAG_OF_METHOD, place) for place in range(len(service.method))]
            self.services.append((service, of(*at), of_methods))

        def add_enum(enum: descriptor_pb2.EnumDescriptorProto, within: str, at: tuple[int, ...]) -> None:
            of_values = [of(*at, _TAG_OF_VALUE, place) for place in range(len(enum.value))]
            self.enums[f"{within}{enum.name}"] = (enum, of(*at), of_values)

        def add_message(message: descriptor_pb2.DescriptorProto, within: str, at: tuple[int, ...]) -> None:
            of_fields = [of(*at, _TAG_OF_FIELD, place) for place in range(len(message.field))]
            self.messages[f"{within}{message.name}"] = (message, of(*at), of_fields)
            for place, nested in enumerate(message.nested_type):
                add_message(nested, f"{within}{message.name}.", (*at, _TAG_OF_NESTED, place))
            for place, enum in enumerate(message.enum_type):
                add_enum(enum, f"{within}{message.name}.", (*at, _TAG_OF_NESTED_ENUM, place))

        for number, message in enumerate(file.message_type):
            add_message(message, _PACKAGE, (_TAG_OF_MESSAGE, number))
        for number, enum in enumerate(file.enum_type):
            add_enum(enum, _PACKAGE, (_TAG_OF_ENUM, number))

    def reached_from(self, roots: Iterable[str]) -> set[str]:
        """Return the messages and enums that those of these names can hold, and these."""
        found: set[str] = set()
        todo = list(roots)
        while todo:
            name = todo.pop()
            if name in found or not name.startswith(_PACKAGE):
                continue
            found.add(name)
            if name in self.messages:
                todo += [field.type_name for field in self.messages[name][0].field if field.type_name]
        return found


def now() -> Protos:
    """Return the protos as they are, with comments. Exits where protoc finds an error."""
    files = sorted(str(path) for path in (PROTOS / "sealauthz" / "v1").glob("*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / "image"
        options = ["--include_source_info", f"--descriptor_set_out={image}", f"-I{PROTOS}", f"-I{WELL_KNOWN}"]
        code = protoc.main(["protoc", *options, *files])
        if code != 0:
            sys.exit(code)
        return Protos(descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes()).file)


def released() -> Protos:
    """Return the protos of the last release, which have no comments."""
    image = gzip.decompress(RELEASED.read_bytes())
    return Protos(descriptor_pb2.FileDescriptorSet.FromString(image).file)


def document(protos: Protos) -> dict[str, Any]:
    """Return the description of the RPCs."""
    paths: dict[str, Any] = {}
    asked, answered = [], []
    for service, _, comments in protos.services:
        for method, comment in zip(service.method, comments, strict=True):
            if method.client_streaming:
                continue
            asked.append(method.input_type)
            answered.append(method.output_type)
            paths[f"/v1/{service.name}/{method.name}"] = {"post": _operation(service.name, method, comment)}
    in_requests, in_answers = protos.reached_from(asked), protos.reached_from(answered)
    schemas: dict[str, Any] = {_PROBLEM: _PROBLEM_SCHEMA}
    for name in sorted(in_requests | in_answers):
        if name in protos.messages:
            schemas[_short(name)] = _message(protos, name, is_closed=name not in in_answers)
        else:
            enum, comment, of_values = protos.enums[name]
            values = [value.name for value in enum.value]
            lines = [comment, *(f"- `{value}`: {text}" for value, text in zip(values, of_values, strict=True) if text)]
            schemas[_short(name)] = {"type": "string", "description": "\n".join(filter(None, lines)), "enum": values}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SealAuthz",
            "version": sealauthz.__version__,
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"bearer": []}],
        "tags": [{"name": service.name, "description": comment} for service, comment, _ in protos.services],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The token of a caller, as over gRPC."}
            },
        },
    }


def _operation(service: str, method: descriptor_pb2.MethodDescriptorProto, comment: str) -> dict[str, Any]:
    answer = {"schema": {"$ref": f"#/components/schemas/{_short(method.output_type)}"}}
    if method.server_streaming:
        described, content = "The messages, each the data of a server-sent event.", {"text/event-stream": answer}
    else:
        described, content = "The answer.", {"application/json": answer}
    asked = {"schema": {"$ref": f"#/components/schemas/{_short(method.input_type)}"}}
    problem = {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}
    return {
        "operationId": f"{service}_{method.name}",
        "tags": [service],
        "description": comment,
        "parameters": [_TIMEOUT, *([_RESUME] if method.server_streaming else [])],
        "requestBody": {"required": True, "content": {"application/json": asked}},
        "responses": {
            "200": {"description": described, "content": content},
            "default": {"description": "No answer.", "content": {"application/problem+json": problem}},
        },
    }


def _message(protos: Protos, name: str, *, is_closed: bool) -> dict[str, Any]:
    message, comment, of_fields = protos.messages[name]
    properties = {}
    for field, described in zip(message.field, of_fields, strict=True):
        schema, text = _field(protos, field), described
        if field.HasField("oneof_index") and not field.proto3_optional:
            others = [
                other.json_name
                for other in message.field
                if other.HasField("oneof_index") and other.oneof_index == field.oneof_index and other is not field
            ]
            if others:
                text = f"{text} Not beside {', '.join(f'`{other}`' for other in others)}.".strip()
        properties[field.json_name] = {**schema, **({"description": text} if text else {})}
    schema = {"type": "object", "description": comment, "properties": properties}
    return {**schema, **({"additionalProperties": False} if is_closed else {})}


def _field(protos: Protos, field: Field) -> dict[str, Any]:
    held = protos.messages.get(field.type_name)
    if held is not None and held[0].options.map_entry:
        return {"type": "object", "additionalProperties": _field(protos, held[0].field[1])}
    if field.type in (Field.TYPE_MESSAGE, Field.TYPE_ENUM):
        one = _WELL_KNOWN.get(field.type_name) or {"$ref": f"#/components/schemas/{_short(field.type_name)}"}
    else:
        one = _SCALARS[field.type]
    return {"type": "array", "items": one} if field.label == Field.LABEL_REPEATED else one


def _short(name: str) -> str:
    return name.removeprefix(_PACKAGE)


def _text(comment: str) -> str:
    return " ".join(line.strip() for line in comment.splitlines()).strip()


def breaks(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what a client may have used of one description and another does not have."""
    for path, item in before["paths"].items():
        if path not in after["paths"]:
            yield f"{path} is gone"
        elif _plain(item) != _plain(after["paths"][path]):
            yield f"{path} takes or answers something else"
    schemas = after["components"]["schemas"]
    for name, schema in before["components"]["schemas"].items():
        if name not in schemas:
            yield f"{name} is gone"
            continue
        newer = schemas[name]
        yield from (f"{name} has no `{value}`" for value in schema.get("enum", ()) if value not in newer["enum"])
        for field, held in schema.get("properties", {}).items():
            if field not in newer["properties"]:
                yield f"{name}.{field} is gone"
            elif _plain(held) != _plain(newer["properties"][field]):
                yield f"{name}.{field} is something else"


def _plain(schema: Any) -> Any:
    """Return a schema without its descriptions."""
    if isinstance(schema, dict):
        return {key: _plain(value) for key, value in schema.items() if key != "description"}
    return [_plain(each) for each in schema] if isinstance(schema, list) else schema


def text_of(description: dict[str, Any]) -> str:
    """Return a description as its file has it."""
    return f"{json.dumps(description, indent=1, ensure_ascii=False)}\n"


def main() -> int:
    """Write the description, or compare it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, and fail if there is a difference")
    arguments = parser.parse_args()
    description = document(now())
    if not arguments.check:
        OPENAPI.write_text(text_of(description), encoding="utf-8")
        return 0
    broken = list(breaks(document(released()), description))
    for what in broken:
        print(f"a client of the last release breaks: {what}")
    is_same = OPENAPI.read_text(encoding="utf-8") == text_of(description)
    if not is_same:
        print(f"{OPENAPI.relative_to(ROOT)} is not what protos/ generates: run make proto")
    return 0 if is_same and not broken else 1


if __name__ == "__main__":
    sys.exit(main())
