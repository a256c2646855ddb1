"""Imports records from files: every file and every record in it is accounted for, and none stops the others.

Without `own` a record is kept as it came, faults and all (D15: foreign-file). With `own` it becomes one of ours: it
validates, its authority is adopted, or it is refused. Records are judged outside of transactions and written in
batches, so that a long import holds up nobody and a stopped one leaves whole batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection

from registry.records import adopting, authorities, burying, collecting, incoming, judges, store
from registry.records.incoming import Document
from registry.records.reading import Found, Untaken
from registry.records.ready import Ready
from registry.records.shelf_rows import Pending
from registry.site import Site
from vosi import identifiers

DELETED, SKIPPED = "deleted", "skipped"
OUTCOMES = (store.NEW, store.UPDATED, store.UNCHANGED, DELETED, store.REFUSED, SKIPPED)
BATCH_RECORDS = 2000  # what they touch of the indexes is written once a batch
SMALL_BATCH = 100  # records that need no room of their own
BATCH_BYTES = 24_000_000

Progress = Callable[[int, str], None]


@dataclass(frozen=True)
class Entry:
    """What became of one record, or of a file that holds none (`ivoid` is '' then).

    `outcome` is one of OUTCOMES, `reason` says why it was refused or skipped, `problems` counts what the schemas
    find wrong with a record that was taken all the same.
    """

    ivoid: str
    outcome: str
    reason: str = ""
    problems: int = 0

    @property
    def taken(self) -> bool:
        """Whether the shelf holds it now, or its tombstone."""
        return self.outcome in (store.NEW, store.UPDATED, store.UNCHANGED, DELETED)


@dataclass(frozen=True)
class FileReport:
    """One file with an entry per record in it, in the file's order; one entry where there is no record."""

    name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Report:
    """Every file that was looked at, in order, and the authorities (lower case) adopted on the way."""

    files: tuple[FileReport, ...]
    adopted: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many entries had each of OUTCOMES."""
        found = Counter(entry.outcome for file in self.files for entry in file.entries)
        return {name: found[name] for name in OUTCOMES}

    @property
    def taken(self) -> bool:
        """Whether anything at all is on the shelf now: a new, changed or equal record."""
        return any(entry.taken for file in self.files for entry in file.entries)


@dataclass
class _File:
    """A file on its way: its entries stay None until the batch that holds them has been written."""

    name: str
    entries: list[Entry | None] = field(default_factory=list)


@dataclass
class _Waiting:
    """One record, or the name of a deleted one, that waits to be written, and where its entry belongs."""

    found: Ready | str
    file: _File
    place: int

    @property
    def key(self) -> str:
        """What the record is filed under."""
        return store.key_of(self.found if isinstance(self.found, str) else self.found.summary.ivoid)


def import_paths(
    site: Site, paths: Iterable[str | Path], *, who: str, own: bool = False, force_own: bool = False,
    progress: Progress = lambda done, words: None, stdin: BinaryIO | None = None, processes: int = 1,
) -> Report:
    """Put the records in `paths` (files, folders, `-` for `stdin`) on the shelf; say what became of each.

    `progress` is called with the number of files read and the name of the last one. Raises Refusal before the
    first file where `own` is asked for and this datacenter is not founded. With more `processes` than one others help
    to read where there is much of it.
    """
    if own:
        adopting.check_founded(site)
    run = _Run(site, who, own, force_own)
    documents, ours = incoming.documents(paths, stdin), site.settings.authority if own else ""
    with collecting.put_off():
        for done, (document, found) in enumerate(judges.judged(site.schemas, documents, ours, processes), 1):
            if run.take(document, found):
                collecting.look()  # while little is there to look at
            progress(done, document.name)
        run.write()
    files = tuple(FileReport(file.name, tuple(entry for entry in file.entries if entry)) for file in run.files)
    return Report(files, tuple(sorted(run.adopted)))


class _Run:
    """One import under way."""

    def __init__(self, site: Site, who: str, own: bool, force: bool) -> None:
        self.files: list[_File] = []
        self.adopted: set[str] = set()
        self._site, self._who, self._own, self._force = site, who, own, force
        self._waiting: list[_Waiting] = []
        self._bytes = 0

    def take(self, document: Document, found: Iterable[Found]) -> bool:
        """Take what a document holds; a full batch is written. Whether one was."""
        written = False
        file = _File(document.name)
        self.files.append(file)
        for one in found:
            if isinstance(one, Untaken):
                file.entries.append(Entry(one.ivoid, SKIPPED if one.skipped else store.REFUSED, one.reason))
                continue
            self._waiting.append(_Waiting(one, file, len(file.entries)))
            file.entries.append(None)
            self._bytes += 0 if isinstance(one, str) else len(one.xml)
            if len(self._waiting) >= BATCH_RECORDS or self._bytes >= BATCH_BYTES:
                self.write()
                written = True
        return written

    def write(self) -> None:
        """Commit what waits, all of it in one transaction."""
        if not self._waiting:
            return
        with self._site.database.write(large=len(self._waiting) > SMALL_BATCH) as connection:
            adopter = adopting.Adopter(connection, self._site, self._force) if self._own else None
            ours = authorities.ours(connection)
            rows = Pending()
            rows.foresee(connection, (waiting.key for waiting in self._waiting))
            done = [(waiting, self._put(connection, waiting.found, adopter, ours, rows)) for waiting in self._waiting]
            rows.flush(connection)
            if adopter:
                adopter.settle(self._who)
        for waiting, entry in done:
            waiting.file.entries[waiting.place] = entry
        if adopter:
            self.adopted |= adopter.adopted
        self._waiting, self._bytes = [], 0

    def _put(
        self, connection: Connection, found: Ready | str, adopter: adopting.Adopter | None, ours: frozenset[str],
        rows: Pending,
    ) -> Entry:
        name = found if isinstance(found, str) else found.summary.ivoid
        authority = identifiers.parse_ivoid(name).authority.lower()
        if adopter:
            refusal = adopter.adopt(authority)
            if refusal:
                return Entry(name, store.REFUSED, refusal)
        elif authority in ours and store.get(connection, name) is None:
            return Entry(name, store.REFUSED, f"Its authority {authority} is ours: `registry import --own` takes it.")
        if isinstance(found, str):
            rows.drop(store.key_of(found))
            return self._bury(connection, found, bool(adopter))
        put = store.put_ready(connection, found, origin=store.OWN if adopter else store.FOREIGN_FILE, who=self._who,
                              why="imported from a file", pending=rows)
        return Entry(name, put.outcome, put.reason, len(found.problems) if put.record else 0)

    def _bury(self, connection: Connection, name: str, ours: bool) -> Entry:
        put = (burying.bury_ours if ours else burying.bury_theirs)(connection, name, self._who)
        if put.record is None:
            return Entry(name, store.REFUSED if put.outcome == store.REFUSED else SKIPPED, put.reason)
        return Entry(name, store.UNCHANGED if put.outcome == store.UNCHANGED else DELETED)
