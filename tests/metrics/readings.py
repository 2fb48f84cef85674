"""What a collector reads of metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry


def reading(registry: CollectorRegistry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The value of each series, by its name and its labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }
