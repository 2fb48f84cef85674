"""Decides over gRPC who may use a seal or sign for an enterprise, from Polar policies over relational facts."""

import time

__version__ = "0.1.0"

STARTED = time.time()
"""When this process began to load the package: what changed on disk since then is not what runs here."""
