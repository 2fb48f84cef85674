"""Runs the migrations on the connection, and in the transaction, that `sealauthz.facts.store.upgrading` hands over."""

from alembic import context

from sealauthz.facts.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
)
context.run_migrations()
