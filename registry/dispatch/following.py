"""What the worker does about jobs elsewhere: send each once, follow it, take its results over, clean up behind it.

It remembers nothing that matters: after a restart, here or there, it looks where each job is and goes on. While the
runner is silent a job that it has is UNKNOWN, never ERROR.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from registry import clock
from registry.bell import PHASES, WORK
from registry.dispatch import fetching, remote, runners, store as desk
from registry.dispatch.remote import Far, FarJob, Gone, Refused, Silent
from registry.dispatch.store import DONE, SENDING, SENT, Dispatched
from registry.errors import Refusal
from registry.services import credentials
from registry.site import Site
from registry.uws import files, record, store
from registry.uws.phases import (
    ABORTED,
    ACTIVE,
    ARCHIVED,
    ERROR,
    EXECUTING,
    FINAL,
    HELD,
    PENDING,
    QUEUED,
    SUSPENDED,
    UNKNOWN,
    Phase,
    may_move,
)
from registry.uws.store import Job, NoJob

WAIT = 5           # seconds of one blocking look: the log comes as often
SLOW = 60.0        # seconds between two tries at most, while the runner is silent
OFFERS = 30.0      # seconds between two readings of the offers
MOST = 64          # jobs that are followed at once; others wait
TICK = 5.0
_log = logging.getLogger("registry.dispatch")


def run(site: Site, lease: str, stop: threading.Event) -> None:
    """Look after the jobs elsewhere until `stop` is set; each has a thread of its own while it needs one."""
    threading.Thread(target=_read_offers, args=(site, stop), name="offers", daemon=True).start()
    followed: dict[str, threading.Thread] = {}
    with site.bells.listen(WORK) as bell:
        while not stop.is_set():
            try:
                with site.database.read() as connection:
                    rows = desk.open_ones(connection)
            except SQLAlchemyError as error:
                _log.warning("a look at the jobs elsewhere failed and is repeated: %s", error)
                rows = []
            followed = {job_id: thread for job_id, thread in followed.items() if thread.is_alive()}
            for row in rows[:max(0, MOST - len(followed)) + len(followed)]:
                if row.job_id not in followed and len(followed) < MOST:
                    thread = threading.Thread(
                        target=Follower(site, row.job_id, lease, stop).run, name=f"elsewhere {row.job_id}", daemon=True)
                    followed[row.job_id] = thread
                    thread.start()
            bell.wait(TICK)


def _read_offers(site: Site, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            runners.read_offers(site)
        except Exception:  # whatever a runner answers, others are read again in half a minute
            _log.exception("reading the offers failed")
        stop.wait(OFFERS)


class Follower:
    """One job elsewhere, from its sending to its end."""

    def __init__(self, site: Site, job_id: str, lease: str, stop: threading.Event) -> None:
        self.site, self.job_id, self.lease, self.stop = site, job_id, lease, stop
        self._offsets: dict[str, int] | None = dict.fromkeys(files.STREAMS, 0)
        self._told: Phase | None = None  # the far job's phase as it was told last
        self._pause = 0.5
        self._waited: dict[str, float] = {}  # by holder: since when we wait for another worker's sending

    def run(self) -> None:
        """Follow the job until there is nothing more to do."""
        while not self.stop.is_set():
            try:
                pause = self.step()
            except Exception:  # a fault at one job must not end its thread: what is repeated may work
                _log.exception("job %s elsewhere: its turn failed", self.job_id)
                pause = TICK
            if pause is None or self.stop.wait(pause):
                return

    def step(self) -> float | None:
        """Do the next thing; the seconds until there may be another, None when all is done."""
        with self.site.database.read() as connection:
            row = desk.get(connection, self.job_id)
            job = _job(connection, self.job_id)
        if row is None:
            return None
        far = Far(row.title, row.jobs_url, credentials.get(self.site, row.runner))
        try:
            if job is None or job.final or job.desired != store.RUN:
                return self._let_go(row, job, far)
            pause = self._follow(row, job, far) if row.state == SENT else self._send(row, job, far)
        except Silent as error:
            return self._silent(row, job, str(error))
        except Refusal as error:
            return self._end(row, job, ERROR, error=str(error), error_type="fatal")
        self._pause = 0.5
        return pause

    # --- sending ------------------------------------------------------------------------------------------------------

    def _send(self, row: Dispatched, job: Job, far: Far) -> float:
        held = row.state == SENDING
        if held and row.holder != self.lease and not self._is_gone(row.holder):
            return 1.0
        with self.site.database.write() as connection:
            if not desk.change(connection, row, state=SENDING, holder=self.lease):
                return 0.0
        row = replace(row, state=SENDING, holder=self.lease)
        # one that was sent before something broke is there already: it must not run twice
        url = (remote.find(self.site, far, job.id) if held else "") or self._posted(job, row, far)
        with self.site.database.write() as connection:
            desk.change(connection, row, state=SENT, url=url)
        self._note(job, message=f"{row.title} has it.")
        return 0.0

    def _posted(self, job: Job, row: Dispatched, far: Far) -> str:
        with self.site.database.read() as connection:
            parameters = store.parameters(connection, job.id)
        version = f"#{job.application_version}" if job.application_version else ""
        pairs = [("APP", f"{job.application}{version}"), ("PHASE", "RUN"), ("RUNID", job.id), *row.control]
        pairs += [(one.name, one.value) for one in parameters if not one.by_reference]
        uploads = [(one.name, one.value) for one in parameters if one.by_reference]
        return remote.make(self.site, far, pairs, self._multipart(job, pairs, uploads) if uploads else None)

    def _multipart(
        self, job: Job, pairs: Iterable[tuple[str, str]], uploads: Iterable[tuple[str, str]],
    ) -> tuple[str, Iterable[bytes]]:
        mark = f"innerspace-{job.id}-{job.version}"

        def body() -> Iterator[bytes]:
            for name, value in pairs:
                yield f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, file in uploads:
                head = f'Content-Disposition: form-data; name="{name}"; filename="{file}"'
                yield f"--{mark}\r\n{head}\r\nContent-Type: application/octet-stream\r\n\r\n".encode()
                with (files.inputs(self.site, job.id) / file).open("rb") as opened:
                    while chunk := opened.read(files.CHUNK):
                        yield chunk
                yield b"\r\n"
            yield f"--{mark}--\r\n".encode()

        return f"multipart/form-data; boundary={mark}", body()

    def _is_gone(self, holder: str) -> bool:
        """Whether the worker that sends has had more time than any request of it can take."""
        began = self._waited.setdefault(holder, time.monotonic())
        return time.monotonic() - began > self.site.settings.fetch_timeout

    # --- following ----------------------------------------------------------------------------------------------------

    def _follow(self, row: Dispatched, job: Job, far: Far) -> float | None:
        wait = WAIT if self._told in ACTIVE and job.phase is not UNKNOWN else 0
        try:
            told = remote.look(self.site, far, row.url, wait=wait, phase=self._told)
        except Gone:
            return self._end(row, job, ERROR, error_type="transient", error=(
                f"{row.title} no longer has the job: it was deleted there, or its destruction time came."))
        self._told = told.phase
        if told.run_id != job.id or not row.url.endswith(f"/{told.id}"):
            return self._end(row, job, ERROR, error_type="fatal", error=(
                f"{row.title} answers with somebody else's job under {row.url}: nothing of it is taken."))
        wanted = job.image.rpartition("@")[2]
        if told.digest and told.digest != wanted:
            remote.abort(self.site, far, row.url)
            return self._end(row, job, ERROR, error_type="fatal", error=(
                f"{row.title} runs the image {told.digest} and not {wanted}, which was asked for: its job is stopped."))
        if told.phase in FINAL:
            return self._finish(row, job, far, told)
        self._mirror(row, job, told)
        if told.phase is EXECUTING:
            self._copy_logs(row, far)
        return 0.0 if told.phase in ACTIVE else 2.0

    def _mirror(self, row: Dispatched, job: Job, told: FarJob) -> None:
        """Bring our job into the far one's phase."""
        phase = QUEUED if told.phase in (PENDING, HELD) else told.phase
        if phase is QUEUED and self._given_up(job, f"{row.title} accepted the job and did not begin it", told.message):
            return
        words = told.message or {PENDING: "it waits for somebody to start it", HELD: "it is held there"}.get(told.phase, "")
        message = f"{row.title} has it{' and has not begun' if phase is QUEUED else ''}{f': {words}' if words else '.'}"
        if phase is QUEUED and job.phase in (EXECUTING, SUSPENDED):  # it begins anew there; for us it goes on
            phase = job.phase
        if phase is job.phase:
            self._note(job, message=message)
        elif may_move(job.phase, phase):
            self._move(job, phase, message=message if phase is not EXECUTING else "", **_times(told))

    def _given_up(self, job: Job, what: str, why: str) -> bool:
        """End a job that has waited for another datacenter for too long; what is there of it is then stopped (`_let_go`)."""
        most = self.site.settings.elsewhere_wait
        if job.phase is not QUEUED or clock.later(most, clock.parse(job.queued or job.created)) > clock.now():
            return False
        more = f" It says: {why}" if why else ""
        self._move(job, ERROR, error_type="transient", error=f"{what} within {most} seconds (elsewhere_wait).{more}")
        return True

    def _copy_logs(self, row: Dispatched, far: Far) -> None:
        """What the job has written meanwhile, where its runner tells that."""
        for stream in list(self._offsets or ()):
            try:
                found, following = remote.log(self.site, far, row.url, stream, self._offsets[stream])  # type: ignore[index]
            except (Gone, Refused):
                self._offsets = None
                return
            place = files.folder(self.site, row.job_id)
            place.mkdir(parents=True, exist_ok=True)
            with (place / stream).open("r+b" if (place / stream).exists() else "w+b") as file:
                file.seek(self._offsets[stream])  # type: ignore[index]
                file.write(found)
            self._offsets[stream] = following  # type: ignore[index]

    def _finish(self, row: Dispatched, job: Job, far: Far, told: FarJob) -> float | None:
        """The far job is over: take its results over, then say so."""
        if told.phase is ARCHIVED:
            return self._end(row, job, ERROR, error_type="transient", error=(
                f"{row.title} has archived the job, and its results are gone."))
        settings = self.site.settings
        most = settings.most("disk") + 2 * settings.most("log") + 64
        found = fetching.results(self.site, far, job.id, row.url, told, most)
        with contextlib.suppress(Gone, Refused):  # a service of another kind keeps none
            record.keep_elsewhere(self.site, job.id, remote.run_record(self.site, far, row.url))
        summary = {"error": told.error or f"{row.title} does not say why.", "error_type": (
            told.error_type if told.error_type in ("transient", "fatal") else "fatal")} if told.phase is ERROR else {}
        return self._end(row, job, told.phase, results=found, **_times(told), **summary)

    # --- ends ---------------------------------------------------------------------------------------------------------

    def _end(
        self, row: Dispatched, job: Job | None, phase: Phase, *, results: list[store.Result] | None = None, **values: Any,
    ) -> float | None:
        if job is None or job.final:
            with self.site.database.write() as connection:
                desk.forget(connection, row.job_id) if job is None else desk.change(connection, row, state=DONE)
            return None
        with self.site.database.write() as connection:
            moved: Job | None = job
            if not may_move(job.phase, phase):  # there is no way from the queue to its end but through EXECUTING
                moved = store.move(connection, job, EXECUTING, **{n: v for n, v in values.items() if n == "started"})
            moved = store.move(connection, moved, phase, **values) if moved is not None else None
            if moved is None:
                return 0.0  # somebody was faster: look again
            if results is not None:
                store.set_results(connection, job.id, results)
            desk.change(connection, row, state=DONE)
        self.site.bells.ring(PHASES)
        return None

    def _let_go(self, row: Dispatched, job: Job | None, far: Far) -> float | None:
        """Nobody here wants it any more: stop it there, or delete it where our own is deleted."""
        if job is not None and not job.final and job.desired == store.ABORT:
            self._move(job, ABORTED)
            return 0.0
        url = row.url or (remote.find(self.site, far, row.job_id) if row.state == SENDING else "")
        try:
            if url and job is not None and row.state != DONE:
                remote.abort(self.site, far, url)
            elif url and job is None:
                remote.delete(self.site, far, url)
        except Refused as error:
            _log.warning("job %s: %s", row.job_id, error)
        if job is not None and job.desired == store.DELETE and not job.final:
            return 1.0  # our own worker is about to remove it
        return self._end(row, job, ABORTED)

    def _silent(self, row: Dispatched, job: Job | None, why: str) -> float:
        """Nothing is known of the job but that its runner has it."""
        if job is not None and row.state != SENT and self._given_up(job, f"{row.title} could not be sent the job", why):
            return 0.0
        if job is not None and not job.final:
            if row.state == SENT and job.phase is not UNKNOWN and may_move(job.phase, UNKNOWN):
                self._move(job, UNKNOWN, message=why)
            else:
                self._note(job, message=why)
        self._pause = min(self._pause * 2, SLOW)
        return self._pause

    def _move(self, job: Job, phase: Phase, **values: Any) -> None:
        with self.site.database.write() as connection:
            store.move(connection, job, phase, **values)
        self.site.bells.ring(PHASES)

    def _note(self, job: Job, *, message: str) -> None:
        if job.message != message:
            with self.site.database.write() as connection:
                store.note(connection, job, message=message)


def _job(connection: Any, job_id: str) -> Job | None:
    try:
        return store.get(connection, job_id)
    except NoJob:
        return None


def _times(told: FarJob) -> dict[str, str]:
    """When it ran, as its runner says; what is no moment is left out."""
    found = {}
    for name, text in (("started", told.started), ("ended", told.ended)):
        with contextlib.suppress(ValueError, Refusal):
            found[name] = clock.fine_stamp(clock.parse(text))
    return found
