"""Founds a datacenter: claims its authority and publishes the four records that say who and where it is.

ivo://A (the authority), ivo://A/registry, ivo://A/organisation and ivo://A/runner. It makes no accounts and no
settings. What is published already is left as people have made it since.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from registry import clock
from registry.errors import Conflict, Refusal
from registry.records import authorities, publish, store
from registry.records.store import Record
from registry.site import Site
from vosi import identifiers, namespaces as ns, resource
from vosi.capabilities import Capability, Interface
from vosi.extensions import Harvest
from vosi.resource import Draft

BASIC_LOGIN = "ivo://ivoa.net/sso#BasicAA"


class NotFounded(Refusal):
    """This datacenter has no registry record yet, so it cannot speak for any authority."""


@dataclass(frozen=True)
class Founding:
    """What the founding records say; what is '' is made from the rest.

    `base_url` is the public address with its path, `organisation` and `contact` are names, `email` the contact's.
    """

    authority: str
    title: str
    base_url: str
    organisation: str = ""
    contact: str = ""
    email: str = ""
    description: str = ""
    reference_url: str = ""


def found(site: Site, founding: Founding, who: str) -> list[Record]:
    """The four founding records, published where they are not yet: authority, registry, organisation, runner.

    Raises Refusal for an authority that is no legal one, Conflict for one that another registry manages, and
    PublishRefused where an answer does not make a valid record. All are published, or none.
    """
    founding = _completed(founding)
    with site.database.write() as connection:
        _claim(connection, founding.authority)
        drafts = _drafts(site, founding, authorities.ours(connection))
        for draft in drafts:
            old = store.get(connection, draft.ivoid)
            if old is None or old.deleted or old.origin != store.OWN:
                publish.publish_in(connection, site, resource.compose(draft), who=who, why="founding")
    with site.database.read() as connection:
        records = [store.get(connection, draft.ivoid) for draft in drafts]
    return [record for record in records if record]


def preview(site: Site, founding: Founding) -> list[bytes]:
    """The four records as `found` would publish them in an empty place; nothing is stored.

    Raises Refusal for an authority that is no legal one, PublishRefused where an answer does not make a valid record.
    """
    found_ = [resource.compose(draft) for draft in _drafts(site, _completed(founding), frozenset())]
    for xml in found_:
        publish.readied(site, xml)
    return found_


def registry_record(connection: Connection, site: Site) -> Record:
    """Our own registry record, which Identify shows. Raises NotFounded."""
    name = authorities.our_registry(site.settings.authority)
    record = store.get(connection, name) if site.settings.authority else None
    if record is None or record.origin != store.OWN or record.deleted:
        raise NotFounded("This datacenter has no registry record yet: `registry init` publishes it.")
    return record


def _claim(connection: Connection, authority: str) -> None:
    if authority.lower() in authorities.ours(connection):
        return
    holder = authorities.claimant(connection, authority)
    if authority.lower() in authorities.SHIPPED:
        raise Conflict(f"The authority {authority} is that of published standards: choose one of your own.")
    if holder:
        raise Conflict(f"The authority {authority} is managed by {holder}: choose one of your own.")
    authorities.claim(connection, authority, authorities.our_registry(authority), own=True)


def _completed(founding: Founding) -> Founding:
    """With every answer filled in. Raises Refusal."""
    try:
        identifiers.parse_ivoid(f"ivo://{founding.authority}")
    except identifiers.InvalidIdentifier as error:
        raise Refusal(f"{error} Choose another authority, such as north.example.") from None
    if "/" in founding.authority:
        raise Refusal(f"{founding.authority!r} is no authority: it has a slash. Choose another, such as north.example.")
    title = founding.title or founding.authority
    organisation = founding.organisation or title
    return replace(
        founding, title=title, organisation=organisation,
        base_url=founding.base_url if founding.base_url.endswith("/") else founding.base_url + "/",
        contact=founding.contact or f"Administrators of {organisation}",
        description=founding.description or f"{title}: a datacenter, the services inside it and what can be run there.",
        reference_url=founding.reference_url or founding.base_url,
    )


def _drafts(site: Site, founding: Founding, ours: frozenset[str]) -> tuple[Draft, ...]:
    organisation = (f"ivo://{founding.authority}/organisation", founding.organisation)
    base = _common(founding, organisation)
    return (
        replace(base, type="vg:Authority", ivoid=f"ivo://{founding.authority}",
                title=f"{founding.title}: naming authority", managing_org=organisation),
        replace(base, type="vg:Registry", ivoid=authorities.our_registry(founding.authority),
                title=f"{founding.title}: registry", short_name=_short(founding.title, "Reg"),
                content_types=("Registry",),
                managed_authorities=(founding.authority, *sorted(ours - {founding.authority.lower()})),
                capabilities=(Harvest().capability(founding.base_url + "oai"), *_vosi(founding.base_url))),
        replace(base, type="vr:Organisation", ivoid=organisation[0], title=founding.organisation,
                content_types=("Organisation",)),
        replace(base, type="vr:Service", ivoid=f"ivo://{founding.authority}/runner", title=f"{founding.title}: runner",
                short_name=_short(founding.title, "Run"),
                capabilities=(*_runner(founding.base_url, site.settings.anonymous_jobs), *_vosi(founding.base_url))),
    )


def _short(title: str, ending: str) -> str:
    """A short name as services have one, of 16 characters at most; a long title is cut between its words."""
    name, room = " ".join(title.split()), 15 - len(ending)
    if len(name) > room:
        name = name[:room + 1]
        cut = max(map(name.rfind, " .-"))
        name = name[:cut if cut > 2 else room]
    return f"{name} {ending}"


def _common(founding: Founding, organisation: tuple[str, str]) -> Draft:
    now = clock.stamp()
    return Draft(
        type="", ivoid="", title="", created=now, updated=now, description=founding.description,
        reference_url=founding.reference_url, publisher=organisation[1], publisher_ivoid=organisation[0],
        contact_name=founding.contact, contact_email=founding.email, subjects=("virtual observatory",),
    )


def _vosi(base_url: str) -> tuple[Capability, ...]:
    """The documents that every service of ours has (VOSI 1.1 §2)."""
    return tuple(
        Capability(standard, interfaces=(Interface(access_url=base_url + path, url_use="full", role="std"),))
        for standard, path in ((ns.STD_VOSI_CAPABILITIES, "capabilities"), (ns.STD_VOSI_AVAILABILITY, "availability")))


def _runner(base_url: str, anonymous: bool) -> tuple[Capability, ...]:
    """The job list and the offer document (D12); one interface per way of logging in (VOResource 1.2)."""
    jobs = Interface(access_url=base_url + "jobs", url_use="base", role="std", version="1.1")
    ways = ((jobs,) if anonymous else ()) + (replace(jobs, security_methods=(BASIC_LOGIN,)),)
    offer = Interface(access_url=base_url + "runner", url_use="full", role="std", version="1.0",
                      result_type="application/json")
    return Capability(ns.STD_UWS, interfaces=ways), Capability(ns.STD_RUNNER, interfaces=(offer,))
