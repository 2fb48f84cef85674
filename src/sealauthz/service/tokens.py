"""Revision tokens: a revision together with the store and the line of history it belongs to."""

from __future__ import annotations

import base64
import json

from sealauthz.facts.store import StoreIdentity
from sealauthz.v1 import revision_pb2


def revision_message(identity: StoreIdentity, number: int) -> revision_pb2.FactRevision:
    """Return a revision as a message; its token is opaque to clients and safe in a URL."""
    content = json.dumps([identity.store_id, identity.timeline_id, number], separators=(",", ":"))
    token = base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")
    return revision_pb2.FactRevision(number=number, token=token)
