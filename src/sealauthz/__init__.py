"""Decides over gRPC who may use a seal or sign for an enterprise, from Polar policies over relational facts."""

__version__ = "0.1.0"
