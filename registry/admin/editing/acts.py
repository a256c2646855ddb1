"""What pages and the API do to a record of ours besides writing it: one act, its right, its line in the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from registry import access, rights
from registry.admin import guard
from registry.admin.pages import site
from registry.errors import Refusal
from registry.records import drafting, lifecycle, local_sets
from registry.records.store import Record
from vosi import identifiers

Act = Callable[..., Record]


class NotMeant(Refusal):
    """What cannot be taken back was not confirmed by its name."""


# verb of a button -> what it does; each is a command of `registry records` too
ACTS: Mapping[str, Act] = {
    "deactivate": lifecycle.deactivate, "activate": lifecycle.reactivate, "delete": lifecycle.delete,
}
SAYS = {
    "deactivate": "is inactive: it stays published, and searches leave it out",
    "activate": "is active again: searches find it",
    "delete": "is deleted: its tombstone tells harvesters, and its history keeps what it said",
}


def require(ivoid: str) -> None:
    """Raises Denied for a publisher who is bound to other authorities."""
    try:
        authority = identifiers.parse_ivoid(ivoid).authority
    except identifiers.InvalidIdentifier:
        return  # there is no such record, which whoever looks for it says
    with site().database.read() as connection:
        rights.require_authority(connection, guard.who(), authority)


def act(verb: str, ivoid: str, why: str = "", expected: int | None = None) -> Record:
    """Deactivate, activate or delete. Raises Denied and what `lifecycle` raises."""
    require(ivoid)
    record = ACTS[verb](site(), ivoid, who=guard.who(), why=why, expected=expected)
    note(f"{verb} record", record.ivoid, why)
    return record


def restore(ivoid: str, version: int, why: str = "", expected: int | None = None) -> Record:
    """Publish what it said in that version again. Raises Denied and what `lifecycle.restore` raises."""
    require(ivoid)
    record = lifecycle.restore(site(), ivoid, version, who=guard.who(), why=why, expected=expected)
    note("restore record", record.ivoid, f"version {version}. {why}".strip())
    return record


def discard(ivoid: str, expected: int | None = None) -> None:
    """Throw the draft away. Raises Denied, NoDraft, Conflict."""
    require(ivoid)
    drafting.discard(site(), ivoid, expected=expected)
    note("discard draft", ivoid)


def into_set(spec: str, ivoids: list[str]) -> int:
    """Put records into a set. Raises Denied, NoSet, NoRecord."""
    for ivoid in ivoids:
        require(ivoid)
    with site().database.write() as connection:
        number = local_sets.assign(connection, spec, ivoids)
        access.audit(connection, guard.who(), "assign set", spec, f"{number} records")
    return number


def confirmed(typed: str, wanted: str) -> None:
    """Raises NotMeant where the name was not typed as it is."""
    if typed.strip().lower() != wanted.lower():
        raise NotMeant(f"Type {wanted} to say that you mean it; nothing was deleted.")


def note(action: str, ivoid: str, why: str = "") -> None:
    """A line in the audit trail."""
    with site().database.write() as connection:
        access.audit(connection, guard.who(), action, ivoid, why[:500])
