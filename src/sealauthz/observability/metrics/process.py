"""The process itself: how much it computes, and what it holds of the machine."""

from __future__ import annotations

import platform
import resource
import time
from pathlib import Path

import grpc

from sealauthz import __version__
from sealauthz.observability.metrics.instruments import Instruments
from sealauthz.observability.metrics.meter import Meter, Rising

_OF_PROCESS = Path("/proc/self")


def watch_process(meter: Meter) -> None:
    """Have the gauges of this process set. Where the system has no `/proc`, files and memory are left out."""
    of = meter.instruments
    of.build.labels(__version__, platform.python_version(), grpc.__version__).set(1)
    of.started.set(time.time())
    of.reload_succeeded.set(1)
    computed = Rising(lambda _, seconds: of.cpu.inc(seconds))

    def sample(instruments: Instruments) -> None:
        computed.read({"cpu": time.process_time()})
        instruments.files_most.set(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        if _OF_PROCESS.exists():
            pages = int((_OF_PROCESS / "statm").read_text(encoding="ascii").split()[1])
            instruments.memory.set(pages * resource.getpagesize())
            instruments.files.set(sum(1 for _ in (_OF_PROCESS / "fd").iterdir()))

    meter.watch(sample)
