"""Facts from where they live: a declared mapping from tables, CSV and JSON Lines of a platform to records."""
