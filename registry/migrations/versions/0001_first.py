"""The schema as it was when its history began: sql/0001.<database>.sql, word for word."""

from registry.migrations.reading import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    run(revision)
