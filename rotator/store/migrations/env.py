"""Alembic's entry: it migrates in the transaction that `rotator.store.schema` hands over."""

from alembic import context

from rotator.store.partial_indexes import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
