"""The log of the service: one JSON object per line."""

from __future__ import annotations

import sys
from typing import TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger


def make_log(stream: TextIO | None = None) -> FilteringBoundLogger:
    """Return a log that writes to the stream, by default to standard error. Nothing global is configured."""
    logger = structlog.wrap_logger(
        structlog.WriteLogger(stream or sys.stderr),  # a line is one write, for several workers may share the stream
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            # Without local variables: they hold tokens, contexts and names.
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("INFO"),
    )
    return cast(FilteringBoundLogger, logger.bind())
