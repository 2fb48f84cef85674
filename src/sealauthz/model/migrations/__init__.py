"""The migrations of the schema, run by `sealauthz.facts.store.upgrading`."""
