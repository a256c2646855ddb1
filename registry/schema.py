"""Brings the database's schema to the present one (Alembic); the only place that changes a schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from registry.db import Database, alone

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """Bring `database` to the newest schema; nothing happens where it is there already.

    Raises Unavailable where no database answers, DatabaseRefused where it is not one for us.
    """
    database.check()
    with database.read() as connection:
        if MigrationContext.configure(connection).get_current_revision() == _script().get_current_head():
            return
    with database.write() as connection:
        alone(connection, "schema")  # the processes of a site start together: the second finds it done
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
