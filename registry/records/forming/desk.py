"""A record on the desk of somebody who edits it: what they began from, what they have made of it, what stands against it.

It holds the use cases of the form; pages and the API call them. It stores nothing but through `drafting` and `lifecycle`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field as with_default, replace

from registry import clock
from registry.errors import Conflict, Refusal
from registry.records import authorities, comparing, drafting, lifecycle, publish, store
from registry.records.drafting import SavedDraft
from registry.records.forming import carrying, faults, nodes, posting, rewriting, shape
from registry.records.forming.faults import Fault
from registry.records.forming.nodes import Node
from registry.records.forming.showing import GUESSED, IMPORTED
from registry.records.ready import one_record
from registry.records.store import Record
from registry.site import Site
from vosi import identifiers, resource, xmlio
from vosi.places import TYPES
from vosi.resource import Draft

# what may be begun in a form, with the words that people choose by
KINDS: Mapping[str, str] = {
    "vs:CatalogService": "Service with tables (TAP, cone search, images, spectra, lines)",
    "vs:CatalogResource": "Tables with what serves them (catalogue resource)",
    "vs:DataService": "Service with data",
    "vs:DataResource": "Data with what serves them (data resource)",
    "vs:DataCollection": "Collection of data",
    "vr:Service": "Any other service",
    "vr:Organisation": "Organisation",
    "vg:Registry": "Registry",
    "vg:Authority": "Authority",
    "vstd:Standard": "Standard",
    "vstd:ServiceStandard": "Standard of a service",
    "vstd:StandardKeyEnumeration": "List of terms",
}
assert set(KINDS) < set(TYPES)


class NoSuchKind(Refusal):
    """There is no form for that type of record."""


class NameTaken(Conflict):
    """There is a record, or a draft, of that name already."""


class BadName(Refusal):
    """A record cannot have that name."""


@dataclass
class Desk:
    """One record being edited. `base` is what `root` was read from; `began` the version of the record that the edit began
    from, 0 for a new one; `draft` the revision of the draft that was seen, 0 for none.
    """

    ivoid: str
    base: bytes
    root: Node
    began: int = 0
    draft: int = 0
    marks: dict[str, str] = with_default(default_factory=dict)
    saved: SavedDraft | None = None
    watch: str = ""  # the address of the documents that a service was imported from

    @property
    def xml(self) -> bytes:
        """The record as it is on the desk."""
        return rewriting.written(self.base, self.root)

    @property
    def type(self) -> str:
        """Its type with the canonical prefix."""
        return self.root.field.type

    @property
    def title(self) -> str:
        """What it is called now."""
        said = self.root.children.get("title", [])
        return said[0].text if said and said[0].text else self.ivoid


def opened(site: Site, ivoid: str, *, published: bool = False) -> Desk:
    """The draft of that name, else the record (`published`: the record, whatever draft there is).

    Raises NoRecord, and Conflict for one that others keep or that is deleted.
    """
    with site.database.read() as connection:
        record, draft = store.get(connection, ivoid), drafting.draft_of(connection, ivoid)
    if record is not None and record.origin != store.OWN:
        raise Conflict(f"{record.ivoid} {store.SAYS[record.origin]}: it is not changed here.")
    revision = draft.revision if draft else 0
    if draft is not None and not published:
        return _desk(site, draft.ivoid, draft.xml, draft.based_on, revision, saved=draft)
    if record is None:
        raise store.NoRecord(ivoid)
    if record.deleted:
        raise Conflict(f"{record.ivoid} is deleted: restore a version of it first, from its history.")
    return _desk(site, record.ivoid, record.xml, record.version, revision)


def begun(site: Site, type_: str, authority: str, key: str) -> Desk:
    """A new record, with what can be guessed. Raises NoSuchKind, BadName, NameTaken."""
    if type_ not in KINDS:
        raise NoSuchKind(f"There is no form for {type_ or 'a record without a type'}: choose one of the list.")
    with site.database.read() as connection:
        ivoid = _name(authority, key, authorities.ours(connection))
        record, draft = store.get(connection, ivoid), drafting.draft_of(connection, ivoid)
        organisation = store.get(connection, f"ivo://{site.settings.authority}/organisation")
    if draft is not None:
        raise NameTaken(f"There is a draft of {draft.ivoid} already, begun by {draft.who}: go on with that, or take another key.")
    if record is not None and not record.deleted:
        raise NameTaken(f"{record.ivoid} is registered already ({record.title}): edit that, or take another key.")
    made = resource.compose(_skeleton(site, type_, ivoid, organisation))
    marks = {f"r/{path}": GUESSED for path in ("curation.0", "content.0/referenceURL", "managingOrg")}
    return _desk(site, ivoid, made, record.version if record else 0, 0, marks)


def sent(site: Site, ivoid: str, given: Mapping[str, str], pairs: Iterable[tuple[str, str]]) -> Desk:
    """The desk as a form sends it. Raises NotCarried, TooMuch, XmlRefused."""
    base = carrying.unpacked(given.get("base", ""))
    name = resource.summarise(xmlio.parse(xmlio.root_of(base))).ivoid
    if store.key_of(name) != store.key_of(ivoid):
        raise carrying.NotCarried(f"The form is one of {name or 'no record'}, not of {ivoid}: open it anew.")
    desk = _desk(site, name, base, _number(given, "began"), _number(given, "draft"), read_marks(given.get("marks", "")))
    desk.watch = given.get("watch", "")[:2_000]
    posting.fill(shape.shapes(site.schemas), desk.root, pairs)
    return desk


def imported(site: Site, ivoid: str, xml: bytes, watch: str, said: frozenset[str]) -> Desk:
    """A service's record as its documents made it; `said` are the fields that a person has given besides."""
    with site.database.read() as connection:
        record, draft = store.get(connection, ivoid), drafting.draft_of(connection, ivoid)
    marks = {"r/capability": IMPORTED, "r/tableset": IMPORTED}
    if record is None or record.deleted:
        places = {"title": "r/title", "description": "r/content.0/description", "subjects": "r/content.0/subject"}
        marks |= {place: GUESSED for name, place in places.items() if name not in said}
        marks |= {"r/content.0/referenceURL": GUESSED, "r/content.0/type": GUESSED, "r/curation.0": GUESSED}
    desk = _desk(site, ivoid, xml, record.version if record else 0, draft.revision if draft else 0, marks)
    desk.watch = watch
    return desk


def of_xml(site: Site, desk: Desk, xml: bytes) -> Desk:
    """The same desk with the XML that somebody has typed instead. Raises XmlRefused, BadName."""
    kept, element = one_record(xml)
    name = resource.summarise(element).ivoid
    if store.key_of(name) != store.key_of(desk.ivoid):
        raise BadName(f"The text names {name or 'no record'}, and {desk.ivoid} was to be changed: a record keeps its name.")
    return replace(_desk(site, desk.ivoid, kept, desk.began, desk.draft), watch=desk.watch)


def check(site: Site, desk: Desk) -> list[Fault]:
    """All that stands between the record and its publication, by field; nothing where it could be published now."""
    try:
        xml = desk.xml
        element = xmlio.parse(xml)
    except xmlio.XmlRefused as error:
        return [Fault("", "The record", str(error))]
    found = faults.found(site.schemas, shape.shapes(site.schemas), element, desk.root)
    return found or faults.placed(desk.root, _unpublishable(site, xml))


def _unpublishable(site: Site, xml: bytes) -> tuple[publish.Problem, ...]:
    try:
        ready = publish.readied(site, xml)
    except publish.PublishRefused as refused:
        return refused.problems
    with site.database.read() as connection:
        fault = publish.claims_too_much(connection, site, ready)
    return (fault,) if fault else ()


def save(site: Site, desk: Desk, who: str, why: str = "", *, anyway: bool = False) -> SavedDraft:
    """Keep the desk as the draft of its name, `anyway` whoever has saved it since; raises what `save_draft` raises."""
    expected = None if anyway else desk.draft
    return drafting.save_draft(site, desk.xml, who=who, why=why, expected=expected, based_on=desk.began)


def publish_now(site: Site, desk: Desk, who: str, why: str = "") -> Record:
    """Publish what is on the desk; its draft, where nobody has changed that since, is one no longer.

    What is published already is so without a new version. Raises PublishRefused, Overtaken, Conflict.
    """
    try:
        record = lifecycle.save(site, desk.xml, who=who, why=why, expected=desk.began)
    except publish.Overtaken as overtaken:
        if overtaken.record is None or not same(overtaken.record.xml, desk.xml):
            raise
        return overtaken.record
    with site.database.write() as connection:
        draft = drafting.draft_of(connection, record.ivoid)
        if draft is not None and (draft.revision == desk.draft or same(draft.xml, record.xml)):
            drafting.drop(connection, draft)
    return record


def same(one: bytes, other: bytes) -> bool:
    """Whether two records say the same but for the moment of their last change."""
    return all(change.path == "@updated" for change in comparing.compare(one, other).changes)


def write_marks(marks: Mapping[str, str]) -> str:
    """The marks as a hidden field carries them."""
    return ";".join(f"{path}={word}" for path, word in marks.items())


def read_marks(text: str) -> dict[str, str]:
    """The marks that `write_marks` wrote; nonsense is left out."""
    pairs = (part.partition("=") for part in text[:5_000].split(";"))
    return {path: word for path, equals, word in pairs if equals and word in ("imported", "guessed", "missing")}


def _desk(
    site: Site, ivoid: str, xml: bytes, began: int, draft: int, marks: dict[str, str] | None = None,
    saved: SavedDraft | None = None,
) -> Desk:
    shapes = shape.shapes(site.schemas)
    base = xmlio.root_of(xml)
    root = nodes.read(shapes, base)
    nodes.complete(shapes, root)
    return Desk(ivoid, base, root, began, draft, marks or {}, saved)


def _name(authority: str, key: str, ours: frozenset[str]) -> str:
    tidy = key.strip().strip("/")
    name = f"ivo://{authority.strip()}" + (f"/{tidy}" if tidy else "")
    try:
        identifiers.parse_ivoid(name)
    except identifiers.InvalidIdentifier as error:
        raise BadName(f"{str(error).rstrip('.')}: choose another key.") from None
    if "?" in name or "#" in name:
        raise BadName(f"The key {tidy!r} has a ? or #, which the name of a record may not: choose another.")
    if authority.strip().lower() not in ours:
        raise BadName(f"{authority.strip() or 'No authority'} is not one of ours: choose one of {', '.join(sorted(ours))}.")
    return name


def _skeleton(site: Site, type_: str, ivoid: str, organisation: Record | None) -> Draft:
    named = (organisation.ivoid, organisation.title) if organisation and not organisation.deleted else ("", site.settings.title)
    now = clock.stamp()
    return Draft(
        type=type_, ivoid=ivoid, created=now, updated=now, publisher=named[1], publisher_ivoid=named[0],
        contact_name=f"Administrators of {named[1]}", contact_email=site.settings.admin_email, managing_org=named,
        reference_url=site.settings.url(f"records/{ivoid.removeprefix('ivo://')}"))


def _number(given: Mapping[str, str], name: str) -> int:
    value = given.get(name, "0")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
