"""What a running service reports: metrics, traces, the structured log."""
