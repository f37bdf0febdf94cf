"""Alembic's environment: runs on the connection that `phr_api.migrations.upgrade` hands over."""

from alembic import context

from phr_api.migrations import models

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=models.metadata,
    compare_type=True,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
