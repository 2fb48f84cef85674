"""What a served process needs whatever it serves: supervisor and worker, signals, and the structured log."""
