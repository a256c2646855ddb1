"""Carries out the statements of a revision: those of sql/<revision>.<database>.sql. It decides nothing.

Revisions are SQL, and not made from `registry.tables`, because that changes and they must not.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op
from sqlalchemy import TextClause, text

_FOLDER = Path(__file__).parent / "sql"


def statements(revision: str, dialect: str) -> list[str]:
    """The statements of a revision; a blank line parts two of them, lines that begin with -- are for people."""
    written = (_FOLDER / f"{revision}.{dialect}.sql").read_text(encoding="utf-8").splitlines()
    blocks = "\n".join(line for line in written if not line.startswith("--")).split("\n\n")
    return [block.strip().rstrip(";") for block in blocks if block.strip()]


def clauses(revision: str, dialect: str) -> list[TextClause]:
    """The same as they are executed: without parameters, whatever in them looks like one."""
    return [text(statement.replace(":", "\\:")) for statement in statements(revision, dialect)]


def run(revision: str) -> None:
    """Carry out the statements of `revision`, or print them where Alembic only shows what it would do."""
    for clause in clauses(revision, op.get_context().dialect.name):
        op.execute(clause)
