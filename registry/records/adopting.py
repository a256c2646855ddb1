"""Adopts authorities: from then on this registry speaks for them, and its own record says so (D15).

Only a person's `import --own` and the founding ask for it. What records themselves claim counts for nothing.
"""

from __future__ import annotations

from sqlalchemy import Connection

from registry import clock
from registry.records import authorities, founding, store
from registry.records.ready import one_record, prepare
from registry.site import Site
from vosi import resource, xmlio


class Adopter:
    """Adopts authorities inside one transaction; call `settle` before its end."""

    def __init__(self, connection: Connection, site: Site, force: bool) -> None:
        self.adopted: set[str] = set()
        self._connection, self._site, self._force = connection, site, force
        self._ours = set(authorities.ours(connection))
        self._registry = authorities.our_registry(site.settings.authority)

    def adopt(self, authority: str) -> str:
        """Make `authority` (lower case) ours; '' when it is now or was before, else why it is not, in one sentence."""
        if authority in self._ours:
            return ""
        refusal = "" if self._force else self._refusal(authority)
        if not refusal:
            authorities.claim(self._connection, authority, self._registry, own=True)
            self._ours.add(authority)
            self.adopted.add(authority)
        return refusal

    def _refusal(self, authority: str) -> str:
        if authority in authorities.SHIPPED:
            return (f"The authority {authority} holds the standards that come with this product: it is not adopted. "
                    "--force-own adopts it all the same, for a person who is sure.")
        holder = authorities.claimant(self._connection, authority)
        if not holder:
            return ""
        return (f"The authority {authority} is managed by {holder}: it is not adopted. "
                "--force-own adopts it all the same, for a person who is sure.")

    def settle(self, who: str) -> None:
        """Make our registry record list exactly our authorities, as an update of our own."""
        settle(self._connection, self._site, who)


def check_founded(site: Site) -> None:
    """Raises NotFounded where our registry record is not there to list authorities."""
    with site.database.read() as connection:
        founding.registry_record(connection, site)


def settle(connection: Connection, site: Site, who: str) -> None:
    """Make our registry record list exactly our authorities. Raises NotFounded."""
    record = founding.registry_record(connection, site)
    listed = authorities.listed(xmlio.parse(record.xml))
    ours = authorities.ours(connection)
    if {name.lower() for name in listed} == ours:
        return
    kept = [name for name in listed if name.lower() in ours]
    added = sorted(ours - {name.lower() for name in kept})
    amended = resource.amend(record.xml, {"managed_authorities": (*kept, *added), "updated": clock.stamp()})
    ready = prepare(site.schemas, *one_record(amended))
    store.put_ready(connection, ready, origin=store.OWN, who=who,
                    why="managedAuthority: " + ", ".join(sorted(ours)))
