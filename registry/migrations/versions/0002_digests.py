"""Log in by OpenID Connect, harvests that go on where they stopped, schema site, digests from what libxml2 writes."""

from alembic import context, op

from registry.migrations import digests, reading

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Change the tables, then make each digest anew."""
    reading.run(revision)
    if not context.is_offline_mode():
        digests.renew(op.get_bind())
