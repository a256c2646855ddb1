"""Looks at Docker repositories again and again: a new image that is an application becomes a draft for a person to approve.

Only what changed is read: a tag's digest is asked for without its manifest, and an image that was read once is never read
again. What was found is written down as it comes, so that a look that breaks off is not made in vain. It approves nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from registry import clock
from registry.applications import announcing, approving, catalogue, publication, repository, seen
from registry.applications.contract import LABEL, Contract, ContractError
from registry.applications.distribution import (
    Distribution,
    DocumentTooLarge,
    ListEndless,
    NotThere,
    RepositoryBusy,
    RepositoryUnreachable,
)
from registry.applications.references import Reference, parse
from registry.applications.repository import Image, ImageAbsent, ImageUnusable
from registry.applications.seen import Seen, Watched
from registry.applications.side_by_side import each
from registry.db import alone
from registry.errors import Refusal
from registry.records import store
from registry.site import Site
from registry.tables import records

CONFIG = "config.toml"  # who has added the repositories that the settings name
_LIMIT = 900.0  # seconds for one look; the next goes on where it ended
_AT_ONCE = 4  # requests to one repository, and repositories
_BATCH = 100  # images written down at once
_MOST_FAULTS = 5  # names that may fail before the rest is left for the next look
_log = logging.getLogger(__name__)


@dataclass
class Look:
    """What one look at a repository found, in numbers; `fault` is why it was not complete, '' when it was."""

    host: str
    names: int = 0
    tags: int = 0
    read: int = 0
    states: dict[str, int] = field(default_factory=dict)  # of the images that were read
    seconds: float = 0.0
    fault: str = ""

    def as_json(self) -> dict[str, Any]:
        """The look as a JSON document."""
        return dict(vars(self))


@dataclass(frozen=True)
class _New:
    """An image that was not read before, by its first tag."""

    name: str
    tag: str
    digest: str


def turn(site: Site, stop: threading.Event | None = None) -> int:
    """Look at what is due, and tell hooks what waits; says how many repositories were due. Never raises for what others do.

    When `stop` is set the looks break off, and the next turn of any worker goes on with them.
    """
    stop = stop or threading.Event()
    try:
        return _looked_at(site, stop)
    finally:
        announcing.tell(site)


def _looked_at(site: Site, stop: threading.Event) -> int:
    with site.database.read() as connection:
        if not seen.due(connection) and _configured(connection) == _wanted(site):
            return 0
    with site.database.write() as connection:
        _as_configured(connection, site)
        mine = [one for one in seen.due(connection)[:_AT_ONCE] if seen.claim(connection, one, 2 * _LIMIT)]
    for _, found in each(mine, lambda one: _guarded(site, one, stop), _AT_ONCE):
        if isinstance(found, Look) and (found.read or found.fault):
            _log.info("%s: %s images read; %s", found.host, found.read, found.fault or "all is seen")
    return len(mine)


def begin(site: Site, host: str, only: Collection[str] = (), *, who: str) -> Watched:
    """Watch the repository `host` (host:port), or only images of those names. Raises Denied, BadReference."""
    host = parse(f"{host.strip().removesuffix('/')}/x").host
    names = tuple(dict.fromkeys(parse(f"{host}/{name}").name for name in only))
    catalogue.allowed_repository(site, host, host)
    with site.database.write() as connection:
        seen.begin(connection, host, names, who)
        return seen.one_watched(connection, host)


def end(site: Site, host: str) -> Watched:
    """Watch it no longer: approved images stay on offer, those that wait are forgotten with their drafts."""
    with site.database.write() as connection:
        one = seen.one_watched(connection, host)
        waiting = {image.ivoid for image in seen.listing(connection, state=seen.DRAFT, host=one.host, limit=10**6)}
        seen.end(connection, one.host)
    for ivoid in waiting - {""}:
        approving.refresh(site, ivoid)
    return one


def look(site: Site, host: str, *, again: bool = False, progress: Callable[[int, str], None] | None = None) -> Look:
    """Look at one repository now; `again` reads also those images once more that could not be used.

    A fault of the repository's is in the answer, and written down. Raises NotWatched.
    """
    with site.database.read() as connection:
        one = seen.one_watched(connection, host)
    return _Looking(site, one, threading.Event(), again, progress).look()


def _guarded(site: Site, one: Watched, stop: threading.Event) -> Look:
    try:
        return _Looking(site, one, stop).look()
    except Exception:  # one repository, whatever it sends, must not keep the others from being looked at
        _log.exception("the look at %s failed", one.host)
        fault = "It could not be looked at, by a fault in this program: the worker's log tells more."
        with site.database.write() as connection:
            seen.looked(connection, one.host, after=site.settings.repository_interval, fault=fault, seconds=None)
        return Look(one.host, fault=fault)


def _wanted(site: Site) -> set[str]:
    return {one.lower() for one in site.settings.watched_repositories}


def _configured(connection: Connection) -> set[str]:
    return {one.host for one in seen.watched(connection) if one.who == CONFIG}


def _as_configured(connection: Connection, site: Site) -> None:
    """Have those repositories watched that the settings name, beside those that people have added."""
    wanted, present = _wanted(site), {one.host for one in seen.watched(connection)}
    for host in sorted(wanted - present):
        seen.begin(connection, host, (), CONFIG)
    for host in _configured(connection) - wanted:
        seen.end(connection, host)


class _Looking:
    """One look at one repository."""

    def __init__(
        self, site: Site, one: Watched, stop: threading.Event, again: bool = False,
        progress: Callable[[int, str], None] | None = None,
    ) -> None:
        self._site, self._watched, self._stop, self._again = site, one, stop, again
        self._progress = progress or (lambda done, words: None)
        self._look = Look(one.host)
        self._began = time.monotonic()
        self._pause = float(site.settings.repository_interval)
        self._complete = True  # whether every tag was asked for: only then is what was not found gone
        with site.database.read() as connection:
            self._before = seen.digests(connection, one.host)
            self._states = seen.states(connection, one.host)
            self._offered = {offer.image: offer for offer in catalogue.every_version(
                connection, records.c.origin == store.OWN)}

    def look(self) -> Look:
        """Ask, read, write down, draft."""
        try:
            catalogue.allowed_repository(self._site, self._watched.host, self._watched.host)
            repository_ = Distribution(self._site, self._watched.host)
            self._read_all(repository_, self._tags_now(repository_))
        except RepositoryBusy as busy:
            self._pause = max(self._pause, float(busy.retry_after))
            self._look.fault = str(busy)
        except Refusal as error:
            self._look.fault = self._look.fault or str(error)
        self._look.seconds = time.monotonic() - self._began
        with self._site.database.write() as connection:
            seen.looked(connection, self._watched.host, after=self._pause, fault=self._look.fault,
                        seconds=self._look.seconds)
        return self._look

    def _tags_now(self, repository_: Distribution) -> dict[tuple[str, str], str]:
        """What every tag stands for now; tags that have gone are forgotten. Raises RepositoryUnreachable."""
        now: dict[tuple[str, str], str] = {}
        faults = 0
        for name, found in each(self._names(repository_), lambda name: self._of_name(repository_, name), _AT_ONCE):
            self._look.names += 1
            if isinstance(found, RepositoryBusy):
                raise found
            if isinstance(found, Refusal):
                faults += 1
                self._look.fault, self._complete = self._look.fault or str(found), False
                if faults >= _MOST_FAULTS:
                    raise found
                continue
            now |= {(name, tag): digest for tag, digest in found.items()}
            self._progress(self._look.names, f"{name}: {len(found)} tags")
            self._check_time()
        self._look.tags = len(now)
        if self._complete:
            self._note_missing(repository_, now)
            with self._site.database.write() as connection:
                seen.drop_tags(connection, self._watched.host, set(self._before) - set(now))
        return now

    def _note_missing(self, repository_: Distribution, now: dict[tuple[str, str], str]) -> None:
        """Say of approved images that no tag stands for whether the repository still has them."""
        tagged = {f"{self._watched.host}/{name}@{digest}" for (name, _), digest in now.items()}
        wanted = [parse(one) for one, state in self._states.items() if state == seen.APPROVED and one not in tagged]
        with self._site.database.read() as connection:
            said = seen.noted(connection, [one for one, state in self._states.items() if state == seen.APPROVED])
        notes = {reference: "" for reference in said if reference in tagged}
        for one, found in each(wanted, lambda one: self._has(repository_, one), _AT_ONCE):
            if isinstance(found, bool) and found == (str(one) in said):
                notes[str(one)] = "" if found else (
                    f"The Docker repository {one.host} has it no longer (seen {clock.stamp()[:10]}): it runs only where it "
                    "was fetched before.")
        if notes:
            with self._site.database.write() as connection:
                for reference, words in notes.items():
                    seen.note(connection, reference, words)

    def _has(self, repository_: Distribution, one: Reference) -> bool:
        self._check_time()
        try:
            repository_.digest(one.name, one.digest)
        except NotThere:
            return False
        return True

    def _names(self, repository_: Distribution) -> Iterator[str]:
        """The names to look at; where the list of them has a fault, those that came before it."""
        if self._watched.only:
            yield from self._watched.only
            return
        try:
            yield from repository_.names()
        except ListEndless as endless:
            self._look.fault, self._complete = str(endless), False

    def _of_name(self, repository_: Distribution, name: str) -> dict[str, str]:
        """tag -> digest of one image."""
        found = {}
        for tag in repository_.tags(name):
            self._check_time()
            try:
                digest = repository_.digest(name, tag)
                if not digest:
                    image = repository.read(repository_, Reference(self._watched.host, name, tag))
                    digest = image.reference.partition("@")[2]
            except (NotThere, ImageAbsent, ImageUnusable):
                continue  # it has gone since the list was made, or is none that could be used
            found[tag] = digest
        return found

    def _check_time(self) -> None:
        if self._stop.is_set():
            raise RepositoryUnreachable("The look was broken off, since the worker stopped; the next goes on.")
        if time.monotonic() - self._began > _LIMIT:
            raise RepositoryUnreachable(f"The Docker repository {self._watched.host} is slow: after {_LIMIT:.0f} s not all "
                                        "of it was seen; the next look goes on.")

    def _read_all(self, repository_: Distribution, now: dict[tuple[str, str], str]) -> None:
        """Read what is new, write all down in batches, and draft what is an application."""
        new: dict[str, _New] = {}
        for (name, tag), digest in now.items():
            reference = f"{self._watched.host}/{name}@{digest}"
            if self._wanted(reference):
                new.setdefault(reference, _New(name, tag, digest))
        moved = {key: digest for key, digest in now.items() if self._before.get(key) != digest}
        read: list[tuple[Seen, Image | None, Contract | None]] = []
        drafted: set[str] = set()
        for one, found in each(new.values(), lambda one: self._read(repository_, one), _AT_ONCE):
            if isinstance(found, RepositoryBusy):
                self._write_down(read, {})
                raise found
            if isinstance(found, Refusal):
                self._look.fault = self._look.fault or str(found)
                found = (self._seen(one, seen.NEW, str(found)), None, None)
            read.append(found)
            self._look.read += 1
            self._progress(self._look.read, f"of {len(new)} new images read")
            if len(read) >= _BATCH:
                drafted |= self._write_down(read, {})
                read = []
        drafted |= self._write_down(read, moved)
        for ivoid in sorted(drafted - {""}):
            self._draft(ivoid)

    def _wanted(self, reference: str) -> bool:
        state = self._states.get(reference, "")
        return state in ("", seen.NEW) or (self._again and state == seen.FAULTY)

    def _read(self, repository_: Distribution, one: _New) -> tuple[Seen, Image | None, Contract | None]:
        """What an image is. Raises RepositoryUnreachable where that could not be found out now."""
        self._check_time()
        try:
            image = repository.read(repository_, Reference(self._watched.host, one.name, "", one.digest))
            image = replace(image, tag=one.tag)
            if LABEL not in image.labels:
                return self._seen(one, seen.PLAIN, created=image.created), None, None
            contract = catalogue.contract_in(image)
            offer = self._offered.get(image.reference)
            ivoid = offer.ivoid if offer else publication.identifier(
                self._site.settings, one.name.rpartition("/")[2])
            made = catalogue.seen_as(image, contract, ivoid, who=approving.WHO)
            if offer is None:
                made = replace(made, state=seen.DRAFT, decided="", decider="")
            return made, image, contract
        except (ImageUnusable, ImageAbsent, ContractError, DocumentTooLarge) as error:
            return self._seen(one, seen.FAULTY, str(error)), None, None

    def _seen(self, one: _New, state: str, reason: str = "", created: str = "") -> Seen:
        reference = f"{self._watched.host}/{one.name}@{one.digest}"
        return Seen(reference, self._watched.host, one.tag, state, reason=reason[:2000], created=created,
                    seen=clock.stamp(), who=approving.WHO)

    def _write_down(
        self, read: list[tuple[Seen, Image | None, Contract | None]], moved: dict[tuple[str, str], str],
    ) -> set[str]:
        """Keep what was read and the tags that moved; the applications that have something new to approve."""
        catalogue.with_kept(self._site, [(image, contract) for _, image, contract in read if image and contract])
        with self._site.database.write() as connection:
            alone(connection, seen.IMAGES)  # somebody else may look at the same, or offer one of them
            rows: list[Seen] = []
            for one, _, _ in read:
                known = seen.get(connection, one.reference)
                if known is not None and known.state not in (seen.NEW, seen.FAULTY):
                    continue  # a person has been faster
                rows.append(self._placed(connection, one, rows))
            seen.put(connection, rows)
            announcing.note(connection, self._site, (one for one in rows if one.state == seen.DRAFT))
            seen.put_tags(connection, self._watched.host, moved)
        for row in rows:
            self._look.states[row.state] = self._look.states.get(row.state, 0) + 1
        return {row.ivoid for row in rows if row.state == seen.DRAFT}

    def _placed(self, connection: Connection, one: Seen, others: list[Seen]) -> Seen:
        """The draft, without the application's name where images of another name have that already."""
        if one.state != seen.DRAFT:
            return one
        known = [other for other in (*seen.of_application(connection, one.ivoid), *others) if other.ivoid == one.ivoid]
        names = {f"{other.host}/{other.name}" for other in known}
        record = store.get(connection, one.ivoid)
        if record is not None and not record.deleted:
            places = map(publication.reference_of, publication.versions(record.xml))
            names |= {place.partition("@")[0] for place in places if place}
        mine = f"{one.host}/{one.name}"
        if not names or mine in names:
            return one
        return replace(one, ivoid="", reason=f"{one.ivoid} is made of {sorted(names)[0]}, which is another image.")

    def _draft(self, ivoid: str) -> None:
        try:
            approving.refresh(self._site, ivoid)
        except Refusal as error:  # the image can be approved all the same, or its approval says what is wrong
            _log.warning("%s has no draft: %s", ivoid, error)

