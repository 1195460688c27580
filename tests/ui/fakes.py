"""A small real studio for the page's tests: jobs progress on a thread and end as PNG files on the disk."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from fake_collection import a_collection
from fake_gallery import gallery_of, library_of
from fake_grids import grids_of
from fake_hosting import Hosts
from fake_making import making_of
from fake_pictures import USED, Red, Silent, preview, scene
from fake_reviews import FLAGGED, REFUSED, WORDS, Overseen
from fake_verifying import Verifies
from PIL import Image, PngImagePlugin

from studio.core.adapt import adapt
from studio.core.adapters import Offer
from studio.core.counting import TokenCount
from studio.core.errors import Blocked, InvalidRequest
from studio.core.job import Job, Lane, Progress, Snapshot
from studio.core.model import Model
from studio.core.opening import header
from studio.core.people import Person
from studio.core.request import ImageRequest, Size, Source, TextToImage, sources
from studio.core.result import Record
from studio.core.variation import variation_facts
from studio.core.worker import WorkerStatus
from studio.engine.drawing import draw, require_sources
from studio.engine.gallery import Gallery
from studio.engine.presets import Presets
from studio.engine.reports import Reports
from studio.engine.rights import require
from studio.library import Library
from studio.library.presets import PresetFolder

OWNER = Person("")
STARTER = Model(
    id="local:starter",
    title="Starter",
    backend="local",
    default_size=Size(128, 128),
    max_side=512,
    tasks=("text-to-image", "image-to-image", "inpaint", "outpaint"),
    soft_masks=True,
    default_guidance_scale=3.5,
    samplers=("Euler", "Euler a", "DPM++ 2M Karras"),
    licence="Apache-2.0",
    adapters=("lora", "textual-inversion", "controlnet"),
    variations=True,
)
OFFERS = [
    Offer(kind="lora", name="evening-light", models=("local:starter",), triggers=("evening light", "golden hour")),
    *(Offer(kind="lora", name=f"style-{number:03}", models=("local:starter",)) for number in range(200)),
    Offer(kind="textual-inversion", name="good-hands", models=("local:starter",), triggers=("good-hands",)),
    Offer(kind="controlnet", name="edges-canny", models=("local:starter",), preprocessors=("canny", "lineart", "depth")),
    Offer(kind="lora", name="of-another-family", models=("local:other",)),
]
TURBO = Model(
    id="local:turbo",
    title="Turbo",
    backend="local",
    default_steps=4,
    default_guidance_scale=1.0,
    max_count=4,
    samplers=("LCM",),
    negative_prompt=False,
    default_sampler="LCM",
)


class FakeStudio(Verifies, Hosts):
    """The same doors as the engine's `Studio`. A prompt with the word “fail” fails, one with “forbidden” is blocked,
    pictures of one with “flag” wait for a review, those with “held” are open at Bob's; `step_seconds` sets the pace,
    four times as slow “without hurry”.
    """

    version = "0.0-test"

    def __init__(self, outputs: Path, *, step_seconds: float = 0.01, presets: Path | None = None) -> None:
        self.outputs = outputs
        self.source_folder = outputs.parent / "sources"
        self.folder = self.source_folder
        self.source_folder.mkdir(parents=True, exist_ok=True)
        self.step_seconds = step_seconds
        self.status = WorkerStatus(state="ready", device="CPU, 2 threads")
        super().__init__()
        Hosts.__init__(self)
        self.oversight = Overseen(self)
        self.collection = a_collection(self)
        self.making = making_of(self)
        self.grids = grids_of(self)
        self.reports = Reports(self.models)
        self.gate = threading.Event()
        self.gate.set()
        folder = PresetFolder(presets, outputs.parent / "aside") if presets else None
        self.presets = Presets(folder, self.record, lambda record, _: record.path.read_bytes())
        self._jobs: dict[str, Job] = {}
        self._previews: dict[str, bytes] = {}
        self._records: dict[str, Record] = {}
        self._drafts: dict[str, dict[str, Any]] = {}
        self._paused = False
        self._changed = threading.Condition()
        self._number = itertools.count(1)
        self._over = False
        threading.Thread(target=self._work, daemon=True).start()

    def close(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()

    @cached_property
    def library(self) -> Library:
        """The real one, opened when a page or a test first needs it."""
        return library_of(self)

    @cached_property
    def gallery(self) -> Gallery:
        return gallery_of(self, self.library)

    def models(self) -> list[Model]:
        return [STARTER, TURBO, self.cloud()]

    def adapters(self) -> list[Offer]:
        return OFFERS

    def adapter_with_hash(self, kind: str, hash: str) -> str:
        return "evening-light" if kind == "lora" and "0123456789ab".startswith(hash) else ""

    def submit(self, request: ImageRequest, lane: Lane = "interactive", person: Person = OWNER) -> Job:
        require(person, "create")
        model = next((model for model in self.models() if model.id == request.model), None)
        if model is None:
            raise InvalidRequest(f"There is no model “{request.model}”. Choose one from the list.", "model")
        adapted, _ = adapt(self.presets.versioned(request), model)
        require_sources(adapted, self)
        error = Blocked(REFUSED) if "forbidden" in request.prompt else None
        with self._changed:
            named = replace(adapted, user=person.name, user_in_file=person.in_files)
            job = Job(id=f"job{next(self._number)}", request=named, state="blocked" if error else "queued", lane=lane,
                      role=person.role, created=time.time(), message=str(error or ""),
                      blocked_by="policy" if error else "", error_field="prompt" if error else "")  # fmt: skip
            self._jobs[job.id] = job
            self._changed.notify_all()
        if error:
            raise error
        return self._placed(job)

    def job(self, id: str) -> Job | None:
        job = self._jobs.get(id)
        return self._placed(job) if job else None

    def jobs(self, *, active: bool = True, limit: int = 50) -> list[Job]:
        jobs = list(self._jobs.values())
        if active:
            running = [job for job in jobs if job.state == "running"]
            return [self._placed(job) for job in (*running, *self._waiting())][:limit]
        return [self._placed(job) for job in sorted(jobs, key=lambda job: -job.created)][:limit]

    def watch(self, id: str) -> Iterator[Snapshot]:
        last: object = None
        while True:
            with self._changed:
                job, preview = self._jobs[id], self._previews.get(id)
                if (job, preview) == last and not self._over:
                    self._changed.wait(0.2)
                    continue
            last = (job, preview)
            yield Snapshot(self._placed(job), preview)
            if job.is_over or self._over:
                return

    def cancel(self, id: str, person: Person = OWNER) -> Job:
        self._require_own(id, person)
        with self._changed:
            state = "cancelled" if self._jobs[id].state == "queued" else self._jobs[id].state
            self._put(id, cancel_requested=True, state=state, message="Cancelled.")
        return self._jobs[id]

    def retry(self, id: str, person: Person = OWNER, *, smaller: bool = False) -> Job:
        self._require_own(id, person)
        proposed = self._jobs[id].smaller if smaller else None
        request = proposed[1] if proposed else self._jobs[id].request
        return self._put(
            id,
            state="queued",
            request=request,
            facts={},
            message="",
            error_code="",
            progress=Progress(),
            cancel_requested=False,
        )

    def move(self, id: str, place: int, person: Person = OWNER) -> None:
        self._require_own(id, person)
        with self._changed:
            waiting = [job for job in self._waiting() if job.id != id]
            waiting.insert(place - 1, self._jobs[id])
            for job in waiting:
                self._jobs[job.id] = self._jobs.pop(job.id)

    def pause(self, paused: bool, person: Person = OWNER) -> None:
        require(person, "manage")
        with self._changed:
            self._paused = paused
            self._changed.notify_all()

    def paused(self) -> bool:
        return self._paused

    def record(self, id: str) -> Record | None:
        record = self._records.get(id) or self._shelved(id)
        if record and record.state == "kept" and record.path and not record.path.exists():
            return replace(record, path=None, state="missing")
        return record

    def recent(self, limit: int = 60, before: str | None = None) -> list[Record]:
        ids = list(reversed(self._records))
        ids = ids[ids.index(before) + 1 :] if before in ids else ids
        there = (record for record in map(self.record, ids) if record and record.state != "deleted")
        return list(itertools.islice(there, limit))

    def children(self, id: str) -> list[Record]:
        made_from = [(record, sources(record.request.task).get("image")) for record in self._records.values()]
        own = [record for record, source in made_from if source and source.record == id]
        return own or (self.library.records.children(id) if "library" in vars(self) else [])

    def _shelved(self, id: str) -> Record | None:
        return self.library.records.record(id) if "library" in vars(self) else None

    def add_source(self, data: bytes, name: str = "", record: str = "") -> Source:
        _, size = header(data, name)
        sha256 = hashlib.sha256(data).hexdigest()
        (self.source_folder / f"{sha256}.png").write_bytes(data)
        return Source(sha256=sha256, width=size.width, height=size.height, name=name, record=record)

    add = add_source

    def source_path(self, source: Source) -> Path | None:
        path = self.source_folder / f"{source.sha256}.png"
        return path if path.is_file() else None

    path = source_path

    def read_source(self, source: Source) -> bytes:
        path = self.source_path(source)
        if path is None:
            raise InvalidRequest("The picture is gone. Choose it again.", "image")
        return path.read_bytes()

    read = read_source

    def put_record(self, record: Record) -> None:
        """Only here: a picture that no job made."""
        self._records[record.id] = record

    def change_record(self, id: str, **changes: Any) -> None:
        """Only here: make a kept picture another one."""
        self._records[id] = replace(self._records[id], **changes)

    def count_tokens(self, model: str, text: str) -> tuple[int | None, int | None]:
        return len(text.replace(",", " , ").split()), 77

    def count_encoders(self, model: str, text: str) -> tuple[TokenCount, ...]:
        return (TokenCount("CLIP", self.count_tokens(model, text)[0] or 0, 75, True),)

    def save_draft(self, form: str, values: Mapping[str, Any]) -> None:
        self._drafts[form] = dict(values)

    def load_draft(self, form: str) -> dict[str, Any]:
        return dict(self._drafts.get(form, {}))

    def worker(self) -> WorkerStatus:
        return self.status

    def _require_own(self, id: str, person: Person) -> None:
        require(person, "create" if self._jobs[id].request.user == person.name else "review")

    def _waiting(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.state == "queued"]

    def _placed(self, job: Job) -> Job:
        waiting = [other.id for other in self._waiting()]
        return replace(job, position=waiting.index(job.id) + 1 if job.id in waiting else None)

    def _put(self, id: str, **changes: Any) -> Job:
        with self._changed:
            self._jobs[id] = replace(self._jobs[id], **changes)
            self._changed.notify_all()
            return self._jobs[id]

    def _work(self) -> None:
        while not self._over:
            with self._changed:
                waiting = [] if self._paused else self._waiting()
                if not waiting:
                    self._changed.wait(0.2)
                    continue
                job = self._put(waiting[0].id, state="running", started=time.time(), attempts=waiting[0].attempts + 1)
            self._draw(job)

    def _draw(self, job: Job) -> None:
        steps = job.request.sampling.steps or 20
        begun = time.perf_counter()
        for step in range(1, steps + 1):
            self.gate.wait(20)
            time.sleep(self.step_seconds * (4 if "without hurry" in job.request.prompt else 1))
            if self._jobs[job.id].cancel_requested:
                self._put(job.id, state="cancelled", message="Cancelled.", ended=time.time())
                return
            eta = (time.perf_counter() - begun) / step * (steps - step)
            self._previews[job.id] = preview(step, steps)
            self._put(job.id, progress=Progress(phase="denoising", step=step, steps=steps, eta=eta))
        if "fail" in job.request.prompt and "memory" not in job.request.options:
            self._put(
                job.id,
                state="failed",
                error_code="out_of_memory",
                ended=time.time(),
                message="The device's memory does not suffice. Try 512 × 512 and one picture at a time.",
                facts={"smaller": {"title": "Try again with “tiles”", "options": {"memory": "tiles"}}}
                if "in one piece" in job.request.prompt
                else {},
            )
            return
        records = tuple(self._keep(job, place) for place in range(job.request.count))
        if "flag" in job.request.prompt:
            for id in records:
                self.change_record(id, review_status="pending", verdicts=(WORDS, FLAGGED))
                if "held" in job.request.prompt:
                    self.oversight.held[id] = "Bob"
        self._put(job.id, state="done", records=records, ended=time.time())

    def _keep(self, job: Job, place: int) -> str:
        size, own = job.request.task.size or Size(128, 128), job.request.sampling.of_picture(place)
        seed, varied = own.seed or 0, sum(each.seed for each in own.variations)
        now, id = datetime.now(UTC), f"{job.id}-{place}"
        path = self.outputs / f"{now:%Y-%m-%d}" / f"{now:%H%M%S}-starter-{seed}-{id}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = PngImagePlugin.PngInfo()
        text.add_text("parameters", f"{job.request.prompt}\nNegative prompt: \nSteps: {job.request.sampling.steps}")
        image, facts = self._picture(job.request, size, seed + varied)
        image.save(path, "PNG", pnginfo=text)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self._records[id] = Record(
            id=id,
            job=job.id,
            path=path,
            name=path.name,
            sha256=digest,
            width=image.width,
            height=image.height,
            seed=seed,
            created=now.isoformat(timespec="seconds"),
            request=job.request,
            stamps=("png-text",),
            facts={"used": {**USED, "steps": job.request.sampling.steps}, **facts, **variation_facts(own.variations)},
        )
        if "library" in vars(self):
            self.library.records.add(self._records[id])
        return id

    def _picture(self, request: ImageRequest, size: Size, seed: int) -> tuple[Image.Image, Mapping[str, Any]]:
        """A landscape, or the real way of an edit with a backend that paints all red."""
        if isinstance(request.task, TextToImage):
            return scene(size, seed), {}
        one = replace(request, count=1, sampling=replace(request.sampling, seed=seed))
        made = draw(one, STARTER, Red(), self, Silent()).pictures[0]
        return made.image, made.facts
