"""Which Docker repositories are watched, what their tags stand for, and what was decided of each image. No decisions here.

An image's state: `new` (not read yet), `plain` (no application), `faulty` (one that cannot be used), `draft` (waits for
a person), `approved`, `rejected`, `retracted`, `vulnerable`. Of the last three and drafts nothing runs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, tuple_, update

from registry import clock
from registry.errors import NotFound
from registry.tables import repositories, repository_images as images, repository_tags as tags

NEW, PLAIN, FAULTY, DRAFT = "new", "plain", "faulty", "draft"
APPROVED, REJECTED, RETRACTED, VULNERABLE = "approved", "rejected", "retracted", "vulnerable"
STATES = (NEW, PLAIN, FAULTY, DRAFT, APPROVED, REJECTED, RETRACTED, VULNERABLE)
BARRED = (DRAFT, REJECTED, RETRACTED, VULNERABLE)
IMAGES = "images"  # what a unit of work that adds images is alone in (`db.alone`)
_BATCH = 400  # values of one statement
_T = TypeVar("_T")


class NotWatched(NotFound):
    """That Docker repository is not watched."""


@dataclass(frozen=True)
class Watched:
    """A repository that is watched: `only` names of it (all where empty), how its last look went, its images by state."""

    host: str
    only: tuple[str, ...]
    who: str
    added: str
    due: str
    read: str = ""
    seconds: float | None = None
    fault: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The repository as a JSON document."""
        return {**asdict(self), "only": list(self.only)}


@dataclass(frozen=True)
class Seen:
    """An image that was seen, `reference` as host/name@sha256:..., and what was decided of it by whom."""

    reference: str
    host: str
    tag: str
    state: str
    reason: str = ""
    ivoid: str = ""
    version: str = ""
    title: str = ""
    created: str = ""
    seen: str = ""
    who: str = ""
    decided: str = ""
    decider: str = ""

    @property
    def name(self) -> str:
        """The image's name in its repository."""
        return self.reference.partition("/")[2].partition("@")[0]

    @property
    def digest(self) -> str:
        """sha256:..."""
        return self.reference.partition("@")[2]

    @property
    def short_digest(self) -> str:
        """As much of the digest as tells images apart."""
        return self.digest[:19]

    @property
    def shown(self) -> str:
        """What people call it."""
        return f"{self.host}/{self.name}:{self.tag or '?'}"

    @property
    def app(self) -> str:
        """What APP= takes; '' for no application."""
        return f"{self.ivoid}#{self.version}" if self.version else self.ivoid

    @property
    def barred(self) -> str:
        """Why nothing of it runs, in one sentence; '' where it may."""
        by = f" by {self.decider} on {self.decided[:10]}" if self.decider else ""
        why = f": {self.reason.rstrip('.')}" if self.reason else ""
        words = {
            DRAFT: f"waits for an operator's word (`registry app approve {self.short_digest}`)",
            REJECTED: f"was rejected{by}{why}", RETRACTED: f"was retracted{by}{why}",
            VULNERABLE: f"was marked as vulnerable{by}{why}",
        }.get(self.state, "")
        return f"{self.app or self.shown} is not offered: it {words}." if words else ""

    @property
    def order(self) -> tuple[Any, ...]:
        """By which versions are put in order, oldest first: those that do not say when they were built are the newest."""
        figures = tuple((len(part), part) for part in re.findall(r"[0-9]+|[^0-9]+", self.version))
        return (self.created or "9999", self.seen, figures, self.reference)

    def as_json(self) -> dict[str, Any]:
        """The image as a JSON document."""
        return asdict(self)


# --- repositories -----------------------------------------------------------------------------------------------------
def watched(connection: Connection, host: str = "") -> list[Watched]:
    """All repositories that are watched, or that one, with how many images of each are in which state."""
    numbers: dict[str, dict[str, int]] = {}
    counted = select(images.c.host, images.c.state, func.count()).group_by(images.c.host, images.c.state)
    for place, state, number in connection.execute(counted.where(images.c.host == host) if host else counted):
        numbers.setdefault(place, {})[state] = number
    query = select(repositories).order_by(repositories.c.host)
    rows = connection.execute(query.where(repositories.c.host == host) if host else query)
    return [Watched(**{**row._mapping, "only": tuple(row.only)}, counts=numbers.get(row.host, {})) for row in rows]


def one_watched(connection: Connection, host: str) -> Watched:
    """Raises NotWatched."""
    found = watched(connection, host.lower())
    if not found:
        raise NotWatched(f"The Docker repository {host[:100]} is not watched: `registry app watch add` begins that.")
    return found[0]


def begin(connection: Connection, host: str, only: Collection[str], who: str) -> bool:
    """Watch a repository from now on; whether it was not watched before. Its next look is due at once."""
    now = {"only": list(only), "due": clock.fine_stamp()}
    if connection.execute(update(repositories).where(repositories.c.host == host).values(**now)).rowcount:
        return False
    connection.execute(insert(repositories).values(host=host, who=who, added=clock.stamp(), **now))
    return True


def end(connection: Connection, host: str) -> None:
    """Watch it no longer: what was decided stays, drafts and all else that was seen are forgotten."""
    forgotten = images.c.state.in_((NEW, PLAIN, FAULTY, DRAFT))
    connection.execute(delete(images).where(images.c.host == host, forgotten))
    connection.execute(delete(tags).where(tags.c.host == host))
    connection.execute(delete(repositories).where(repositories.c.host == host))


def soon(connection: Connection, host: str) -> None:
    """Have the repository looked at at the worker's next turn."""
    connection.execute(update(repositories).where(repositories.c.host == host).values(due=clock.fine_stamp()))


def due(connection: Connection) -> list[Watched]:
    """Those whose time has come, the longest waiting first."""
    query = select(repositories).where(repositories.c.due <= clock.fine_stamp()).order_by(repositories.c.due)
    return [Watched(**{**row._mapping, "only": tuple(row.only)}) for row in connection.execute(query)]


def claim(connection: Connection, one: Watched, seconds: float) -> bool:
    """Take the look at it; False where somebody was faster. Should we die, it is due again after `seconds`."""
    until = clock.fine_stamp(clock.later(seconds))
    mine = (repositories.c.host == one.host) & (repositories.c.due == one.due)
    return connection.execute(update(repositories).where(mine).values(due=until)).rowcount == 1


def looked(connection: Connection, host: str, *, after: float, fault: str, seconds: float | None) -> None:
    """How the look went, and that the next is due `after` so many seconds."""
    values: dict[str, Any] = {"due": clock.fine_stamp(clock.later(after)), "fault": fault[:2000]}
    if not fault:
        values |= {"read": clock.stamp(), "seconds": seconds}
    connection.execute(update(repositories).where(repositories.c.host == host).values(**values))


# --- tags -------------------------------------------------------------------------------------------------------------
def digests(connection: Connection, host: str) -> dict[tuple[str, str], str]:
    """What every tag of the repository stood for: (name, tag) -> digest."""
    query = select(tags.c.name, tags.c.tag, tags.c.digest).where(tags.c.host == host)
    return {(name, tag): digest for name, tag, digest in connection.execute(query)}


def put_tags(connection: Connection, host: str, found: Mapping[tuple[str, str], str]) -> None:
    """Write down what these tags stand for now."""
    drop_tags(connection, host, found)
    rows = [{"host": host, "name": name, "tag": tag, "digest": digest, "since": clock.stamp()}
            for (name, tag), digest in found.items()]
    if rows:
        connection.execute(insert(tags), rows)


def drop_tags(connection: Connection, host: str, gone: Iterable[tuple[str, str]]) -> None:
    """Forget tags that are there no longer, or stand for something else."""
    for some in _batches(gone):
        connection.execute(delete(tags).where(tags.c.host == host, tuple_(tags.c.name, tags.c.tag).in_(some)))


def tag_now(connection: Connection, host: str, name: str, tag: str) -> str:
    """The digest that the tag stood for at the last look; '' where there was none."""
    query = select(tags.c.digest).where(tags.c.host == host, tags.c.name == name, tags.c.tag == tag)
    return connection.execute(query).scalar() or ""


# --- images -----------------------------------------------------------------------------------------------------------
def states(connection: Connection, host: str) -> dict[str, str]:
    """reference -> state of every image of the repository that was seen."""
    query = select(images.c.reference, images.c.state).where(images.c.host == host)
    return {row.reference: row.state for row in connection.execute(query)}


def get(connection: Connection, reference: str) -> Seen | None:
    """What is known of that image."""
    row = connection.execute(select(images).where(images.c.reference == reference)).first()
    return _seen(row) if row else None


def put(connection: Connection, found: Iterable[Seen]) -> None:
    """Write down these images anew."""
    for some in _batches(found):
        connection.execute(delete(images).where(images.c.reference.in_([one.reference for one in some])))
        connection.execute(insert(images), [asdict(one) for one in some])


def decide(connection: Connection, one: Seen, state: str, *, who: str, reason: str, **more: str) -> bool:
    """Move the image from the state it was seen in; False where somebody was faster."""
    mine = (images.c.reference == one.reference) & (images.c.state == one.state)
    values = {"state": state, "decided": clock.stamp(), "decider": who, "reason": reason[:2000], **more}
    return connection.execute(update(images).where(mine).values(**values)).rowcount == 1


def note(connection: Connection, reference: str, reason: str) -> None:
    """Say of an approved image what there is to know; '' for nothing."""
    connection.execute(update(images).where(images.c.reference == reference, images.c.state == APPROVED).values(reason=reason))


def rename(connection: Connection, one: Seen) -> None:
    """Have approved images that had the version's name before it go by their digest too, as in the record."""
    for other in of_application(connection, one.ivoid, APPROVED):
        if other.version == one.version and other.reference != one.reference:
            name = f"{one.version}-{other.digest.partition(':')[2][:12]}"
            connection.execute(update(images).where(images.c.reference == other.reference).values(version=name))


def noted(connection: Connection, references: Collection[str]) -> dict[str, Seen]:
    """Those of the images that must not run, or of which there is something to say."""
    if not references:
        return {}
    found: dict[str, Seen] = {}
    for some in _batches(references):
        query = select(images).where(images.c.reference.in_(some), or_(images.c.state.in_(BARRED), images.c.reason != ""))
        found.update((row.reference, _seen(row)) for row in connection.execute(query))
    return found


def of_application(connection: Connection, ivoid: str, *wanted: str) -> list[Seen]:
    """The images of an application in those states (all where none is named), oldest first.

    It is named by its identifier, or by the last part of that.
    """
    name = func.lower(images.c.ivoid)
    whole = "/" in ivoid or not ivoid
    query = select(images).where(name == ivoid.lower() if whole else name.endswith(f"/{ivoid.lower()}", autoescape=True))
    query = query.where(images.c.ivoid != "")
    rows = connection.execute(query.where(images.c.state.in_(wanted)) if wanted else query)
    return sorted(map(_seen, rows), key=lambda one: one.order)


def listing(
    connection: Connection, *, state: str = "", host: str = "", words: str = "", after: str = "", limit: int = 100,
) -> list[Seen]:
    """Images by reference, those of one state, repository or with `words` in name or title, `after` a reference."""
    query = select(images).where(images.c.reference > after).order_by(images.c.reference).limit(limit)
    if state:
        query = query.where(images.c.state == state)
    if host:
        query = query.where(images.c.host == host)
    if words:
        like = f"%{words.lower().replace('%', '').replace('_', '')}%"
        query = query.where(or_(func.lower(images.c.reference).like(like), func.lower(images.c.title).like(like)))
    return [_seen(row) for row in connection.execute(query)]


def matching(connection: Connection, text: str) -> list[Seen]:
    """Images of that digest, or whose digest begins with it (at least 8 of its figures)."""
    figures = text.removeprefix("sha256:")
    if len(figures) < 8 or figures.strip("0123456789abcdef"):
        return []
    query = select(images).where(images.c.reference.like(f"%@sha256:{figures}%")).limit(10)
    return [_seen(row) for row in connection.execute(query)]


def _seen(row: Row[Any]) -> Seen:
    return Seen(**row._mapping)


def _batches(every: Iterable[_T]) -> Iterator[list[_T]]:
    left = iter(every)
    while some := list(islice(left, _BATCH)):
        yield some
