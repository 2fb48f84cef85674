"""Runs the migrations on the connection, and in the transaction, that `sealauthz.facts.store.upgrading` hands over."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata"),
)
context.run_migrations()
