"""How Alembic runs here: on the connection that `app.store.schema` hands over, inside its transaction."""

from alembic import context

from app.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
