"""Traces of calls: which are kept, as W3C Trace Context has it, and how they reach a collector."""
