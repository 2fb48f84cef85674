"""Answers in protobuf's JSON mapping."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message


def written(message: Message) -> bytes:
    """Return a message as JSON in UTF-8: fields of default values are left out, as the mapping has it."""
    return encoded(MessageToDict(message))


def encoded(content: dict[str, Any]) -> bytes:
    """Return an object as JSON in UTF-8."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
