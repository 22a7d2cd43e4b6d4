"""Where Alembic comes in: the connection is the store's, inside the store's transaction."""

from alembic import context

from scmhost.infra.db.schema import COMPARISON

context.configure(connection=context.config.attributes["connection"], **COMPARISON)
context.run_migrations()
