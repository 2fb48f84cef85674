"""The former name of `sealauthz_client.v1`: the very same modules. Nothing here imports it; it goes with version 1."""

import sys

from sealauthz_client.v1 import (
    audit_pb2,
    audit_pb2_grpc,
    authorization_pb2,
    authorization_pb2_grpc,
    events_pb2,
    events_pb2_grpc,
    facts_pb2,
    facts_pb2_grpc,
    operations_pb2,
    operations_pb2_grpc,
    policy_pb2,
    policy_pb2_grpc,
    records_pb2,
    records_pb2_grpc,
    revision_pb2,
    revision_pb2_grpc,
)

__all__ = [
    "audit_pb2",
    "audit_pb2_grpc",
    "authorization_pb2",
    "authorization_pb2_grpc",
    "events_pb2",
    "events_pb2_grpc",
    "facts_pb2",
    "facts_pb2_grpc",
    "operations_pb2",
    "operations_pb2_grpc",
    "policy_pb2",
    "policy_pb2_grpc",
    "records_pb2",
    "records_pb2_grpc",
    "revision_pb2",
    "revision_pb2_grpc",
]

# A second copy of a module would have classes of its own. So `import sealauthz.v1.facts_pb2` finds the first one.
for _name in __all__:
    sys.modules[f"{__name__}.{_name}"] = globals()[_name]
