"""What the page shows beside its forms, in parts; a page asks with the digests it has and gets what has changed.

Nothing of a job lives in a page: a reload, a second tab and a new browser all ask the same desk and see the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any

from studio.core.errors import StudioError
from studio.core.job import Job, Snapshot
from studio.core.request import sources
from studio.core.result import Record
from studio.core.sharing import ShareOptions
from studio.core.worker import WorkerStatus
from studio.ui import again, who, words
from studio.ui.adapter_facts import looked_at
from studio.ui.cards import cards
from studio.ui.difference import difference
from studio.ui.pictures import About, details, family, picture, proof, queue, strip, tile, url
from studio.ui.ports import Studio
from studio.ui.thumbs import Thumbs

FRESH = 0.1
"""Seconds for which one answer serves every page."""
Parts = dict[str, Any]


class Desk:
    """One for the whole studio; thread-safe. Each running job is watched once, however many pages look.

    The strip is read again when a job has ended, and every `recent_every` seconds, because files may be gone.
    """

    def __init__(
        self,
        studio: Studio,
        thumbs: Thumbs,
        recent_every: float = 5.0,
        takers: tuple[tuple[str, str], ...] = (),
        *,
        at_home: bool = False,
    ) -> None:
        self._at_home = at_home
        self._cards: tuple[object, str] = (None, "")
        self._studio, self._thumbs, self._recent_every, self._takers = studio, thumbs, recent_every, takers
        self._lock = threading.Lock()
        self._snapshots: dict[str, Snapshot] = {}
        self._parts: Parts = {}
        self._digests: dict[str, str] = {}
        self._asked = 0.0
        self._recent: list[Record] = []
        self._recent_of: object = None
        self._recent_at = 0.0

    @property
    def studio(self) -> Studio:
        return self._studio

    @property
    def thumbs(self) -> Thumbs:
        return self._thumbs

    def news(self, seen: Mapping[str, str] | None = None) -> Parts:
        """The parts whose digest differs from the page's, with the new digests under `seen`."""
        seen = seen if isinstance(seen, Mapping) else {}
        with self._lock:
            if time.monotonic() - self._asked > FRESH:
                self._parts = self._look()
                self._digests = {name: _digest(part) for name, part in self._parts.items()}
                self._asked = time.monotonic()
            changed = {name: part for name, part in self._parts.items() if self._digests[name] != seen.get(name)}
            return {**changed, "seen": dict(self._digests)}

    def act(self, what: Mapping[str, Any]) -> str:
        """Do what a button of the queue or beside a picture says; returns a sentence when it cannot be done."""
        do, id = str(what.get("do")), str(what.get("id"))
        try:
            person = who.current()
            match do:
                case "cancel":
                    self._studio.cancel(id, person)
                case "retry" | "retry-smaller":
                    self._studio.retry(id, person, smaller=do == "retry-smaller")
                case "pause" | "resume":
                    self._studio.pause(do == "pause", person)
                case "move":
                    self._studio.move(id, max(1, int(what.get("place", 1))), person)
                case "delete":
                    self._studio.oversight.delete(id, person)
                case "restore":
                    self._studio.oversight.restore(id, person)
                case _:
                    return again.act(self._studio, do, id, int(what.get("place") or 0), person)
        except StudioError as error:
            return str(error)
        finally:
            self.touch()
        return ""

    def touch(self) -> None:
        """Something has changed: the next question is answered anew."""
        with self._lock:
            self._asked = 0.0

    def details(self, id: str) -> str:
        """What is known of a kept picture, as HTML."""
        record = self._studio.record(str(id))
        if record is None:
            return ""
        about = About(
            outputs=self._studio.outputs,
            models=self._studio.models(),
            takers=self._takers,
            at_home=self._at_home,
            family=again.shown(self._studio, record, self.tile) + self._family(record),
        )
        return details(record, about)

    def share(self, asked: Mapping[str, Any]) -> Parts:
        """Make a share copy where the page can fetch it; what it holds, or what is wrong."""
        try:
            options = ShareOptions(**{name: asked[name] for name in ShareOptions.__dataclass_fields__ if name in asked})
            copy = self._studio.oversight.share(str(asked.get("id", "")), options, who.current())
            folder = self._thumbs.folder / "shares"
            shutil.rmtree(folder, ignore_errors=True)
            path = folder / secrets.token_hex(8) / copy.name
            path.parent.mkdir(parents=True)
            path.write_bytes(copy.data)
        except (StudioError, OSError, TypeError) as error:
            return {"problem": str(error)}
        told = {name: getattr(copy, name) for name in ("name", "width", "height", "stays", "left_out", "survives")}
        return {**told, "src": url(path), "kilobytes": -(-len(copy.data) // 1024)}

    def tile(self, id: str) -> str:
        """A kept picture as a button that shows it; empty without one."""
        record = self._studio.record(id) if id else None
        return tile(record, self._thumbs, self._before) + escape(record.name) if record else ""

    def difference(self, id: str) -> dict[str, str]:
        """Where a heat map of a picture against its source lies, and what was counted outside the mask."""
        record = self._studio.record(str(id))
        if record is None:
            return {"problem": "This picture is not in the library any more."}
        try:
            path = difference(record, self._studio, self._thumbs.folder)
        except (StudioError, OSError) as error:
            return {"problem": str(error), "proof": proof(record)}
        return {"src": url(path), "proof": proof(record)}

    def _family(self, record: Record) -> str:
        """The picture it was made from and those made from it."""
        source = sources(record.request.task).get("image")
        parent = self._studio.record(source.record) if source and source.record else None
        if parent:
            origin = tile(parent, self._thumbs, self._before) + escape(parent.name)
        else:
            origin = escape(f"{source.name or 'an uploaded picture'} · {source.sha256[:10]}") if source else ""
        origin += looked_at(record, self._studio.source_path, url)
        return family(origin, [tile(child, self._thumbs, self._before) for child in self._studio.children(record.id)[:12]])

    def _before(self, record: Record) -> Path | None:
        source = sources(record.request.task).get("image")
        return self._studio.source_path(source) if source else None

    def _look(self) -> Parts:
        active = self._studio.jobs(active=True)
        lately = self._studio.jobs(active=False, limit=20)
        worker, paused = self._studio.worker(), self._studio.paused()
        records = self._read_recent(lately)
        shown = _shown(active, lately)
        snapshot = self._follow(shown) if shown else None
        return {
            "worker": words.worker(worker),
            "job": words.card(snapshot.job, self._worker_of(snapshot.job), paused=paused, others=len(active) - 1)
            if snapshot
            else words.IDLE,
            "preview": _data_url(snapshot),
            "queue": queue(
                active,
                [job for job in lately if job.state in ("failed", "blocked", "needs_review")][:5],
                paused=paused,
                warm=worker.warm,
            ),
            "recent": strip(records, self._thumbs, self._before),
            "show": self._newest(lately, records),
            "presets": self._draw_presets(),
        }

    def told(self, job: Job) -> Parts:
        """A job's title and detail as on the progress card, and its preview as a data URL."""
        snapshot = self._follow(job)
        card = words.card(snapshot.job, self._worker_of(job), paused=self._studio.paused(), others=0)
        return {"title": card["title"], "detail": card["detail"], "preview": _data_url(snapshot)["src"]}

    def _draw_presets(self) -> str:
        presets = self._studio.presets.all()
        if presets is not self._cards[0]:
            self._cards = presets, cards(presets, self._studio.presets.faults())
        return self._cards[1]

    def _worker_of(self, job: Job) -> WorkerStatus:
        return self._studio.worker() if job.backend == "local" else self._studio.hosted_worker()

    def _read_recent(self, lately: list[Job]) -> list[Record]:
        now, key = time.monotonic(), [(job.id, job.state, job.records) for job in lately if job.is_over]
        if key != self._recent_of or now - self._recent_at > self._recent_every:
            self._recent, self._recent_of, self._recent_at = self._studio.recent(60), key, now
        return self._recent

    def _newest(self, lately: list[Job], records: list[Record]) -> Parts:
        """The pictures of the job that ended last, or the newest picture of all."""
        done = max(
            (job for job in lately if job.state == "done" and job.records), key=lambda job: job.ended or 0, default=None
        )
        made = (self._studio.record(id) for id in (done.records if done else ()))
        found = [record for record in made if record and record.path]
        pictures = [picture(record, self._before(record)) for record in found or records[:1]]
        return {"job": done.id if done else "", "pictures": [entry for entry in pictures if entry["src"]]}

    def _follow(self, job: Job) -> Snapshot:
        """The newest snapshot of a job; a running one is watched on a thread of its own, which ends with it."""
        if job.state == "running" and job.id not in self._snapshots:
            self._snapshots[job.id] = Snapshot(job)
            threading.Thread(target=self._watch, args=(job.id,), daemon=True).start()
        watched = self._snapshots.get(job.id)
        return watched if watched and not job.is_over else Snapshot(job)

    def _watch(self, id: str) -> None:
        with suppress(StudioError):
            for snapshot in self._studio.watch(id):
                self._snapshots[id] = snapshot
                self.touch()
        self._snapshots.pop(id, None)
        self.touch()


def _shown(active: list[Job], lately: list[Job]) -> Job | None:
    """The job of the progress card: the one that runs, else the next one, else the one that was asked for last."""
    return next(iter(active or lately), None)


def _data_url(snapshot: Snapshot | None) -> Parts:
    if snapshot is None or snapshot.job.is_over:
        return {"src": ""}
    size = snapshot.job.request.task.size
    ratio = [size.width, size.height] if size else [1, 1]
    data = base64.b64encode(snapshot.preview).decode() if snapshot.preview else ""
    return {"src": f"data:image/jpeg;base64,{data}" if data else "", "size": ratio}


def _digest(part: Any) -> str:
    return hashlib.blake2b(json.dumps(part, sort_keys=True).encode(), digest_size=9).hexdigest()
