"""The schema as it begins. Until the first release this revision stands for `registry.tables` as a whole."""

from alembic import op

from registry.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Remove all tables."""
    metadata.drop_all(op.get_bind())
