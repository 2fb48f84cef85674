"""Runs the migrations on the connection, and in the transaction, that `sealauthz.facts.schema` hands over."""

from alembic import context

from sealauthz.facts.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
)
context.run_migrations()
