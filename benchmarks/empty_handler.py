"""A server that does nothing: what grpcio itself costs, on the same pool of threads as the answers of the service.

    python benchmarks/empty_handler.py PORT     with port 0, prints the port that it took

It reads no message and answers every unary call with the same bytes. Several on one port share the calls.
"""

from __future__ import annotations

import sys
from typing import Any

import grpc

from sealauthz.service.pools import Pool
from sealauthz.service.server import OPTIONS

ANSWER = bytes(400)
"""As long as an answer of Authorize."""


class _Everything(grpc.GenericRpcHandler):
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_unary_rpc_method_handler(lambda request, context: ANSWER)


def main() -> None:
    sys.setswitchinterval(0.001)
    options = [(name, value) for name, value in OPTIONS if name != "grpc.so_reuseport"]
    server = grpc.server(Pool("answers", 8, 256), options=[*options, ("grpc.so_reuseport", 1)])
    server.add_generic_rpc_handlers((_Everything(),))
    port = server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
