"""Alembic's entry point. Migrations use the store's connection, inside its transaction."""

from alembic import context

from scmhost.infra.db.schema import COMPARISON

context.configure(connection=context.config.attributes["connection"], **COMPARISON)
context.run_migrations()
