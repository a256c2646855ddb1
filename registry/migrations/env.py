"""Run by Alembic: applies the versions to the connection that registry.schema hands over, or prints what they would do."""

from alembic import context

given = context.config.attributes
if context.is_offline_mode():
    context.configure(dialect_name=given["dialect"], as_sql=True, output_buffer=given["output"])
else:
    context.configure(connection=given["connection"])
with context.begin_transaction():
    context.run_migrations()
