"""All that the page may do with the studio, as one Protocol; the engine's `Studio` is the real one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Unpack

from studio.core.adapters import Offer
from studio.core.counting import TokenCount
from studio.core.evidence import Examination
from studio.core.history import UsedPrompt
from studio.core.hosting import Preferences, ProviderStatus, Spent
from studio.core.job import Job, Lane, Snapshot
from studio.core.model import Model
from studio.core.people import Person
from studio.core.publishing import Ruling
from studio.core.request import ImageRequest, Source
from studio.core.result import Record
from studio.core.review import ReviewEntry
from studio.core.score import DetectorStatus
from studio.core.sharing import SharedCopy, ShareOptions
from studio.core.statistics import DayReport, Screened, Sought
from studio.core.styles import Style
from studio.core.worker import WorkerStatus
from studio.engine.long_work import WorkStatus
from studio.engine.presets import Presets
from studio.engine.reports import Reports
from studio.engine.reproduce import Reproduction
from studio.ui.gallery_port import Gallery
from studio.ui.grids_port import Grids
from studio.ui.models_port import Collection


class Oversight(Protocol):
    """What those may do who answer for the pictures. Raises `NotAllowed` where a role does not reach so far."""

    def share(self, id: str, options: ShareOptions, person: Person) -> SharedCopy:
        """A stamped and signed copy of a kept picture for others. Raises `InvalidRequest` or `StampFailed`."""

    def delete(self, record: str, person: Person) -> Record:
        """Move a picture's file to the trash; its record stays."""

    def restore(self, record: str, person: Person) -> Record: ...

    def waiting(self, person: Person, limit: int = 60, before: str | None = None) -> list[Record]:
        """What waits for a decision, the oldest first, escalated ones last."""

    def count(self) -> int: ...

    def claim(self, record: str, person: Person, seconds: float = 120) -> str:
        """Take the picture to look at it; the name of somebody else who holds it, else empty."""

    def decide(self, record: str, decision: str, note: str, person: Person) -> ReviewEntry:
        """Raises `InvalidRequest` if somebody else holds it or has decided meanwhile."""

    def undo(self, person: Person) -> ReviewEntry | None:
        """Take back one's own last decision."""

    def history(self, record: str) -> list[ReviewEntry]: ...

    def statistics(self, days: int = 14) -> list[DayReport]:
        """The last days, the oldest first, each present."""

    def screened(self, **sought: Unpack[Sought]) -> list[Screened]:
        """Refused requests and kept pictures, newest first."""

    def audit_verify(self) -> tuple[int, int | None, str]:
        """How many rows there are, the first broken one (None if all fit), and what is wrong with it."""

    def audit_export(self, person: Person, *, as_csv: bool = False) -> Iterator[str]:
        """The whole log, line by line."""


class Making(Protocol):
    """What makes requests out of what a person wants."""

    def submit(self, request: ImageRequest, lane: Lane, person: Person) -> list[Job]:
        """Queue a request whose prompt is as it was typed: one job for each different prompt that comes of it."""

    def styles(self) -> Sequence[Style]: ...

    def wildcards(self) -> Sequence[str]: ...

    def prompts(self, person: Person, words: str = "", limit: int = 50) -> list[UsedPrompt]:
        """What this person typed so far, the newest first; with `words` what holds them."""

    def forget(self, person: Person, id: int) -> None: ...

    def upscale(self, id: str, scale: float, person: Person) -> Job:
        """Queue a kept picture to be made so many times as large."""

    def vary(self, id: str, person: Person) -> Job:
        """Queue four pictures a little beside a kept one."""

    def again(self, id: str, person: Person, *, sure: bool = False) -> tuple[Job | None, str]:
        """Make a kept picture once more with the same everything; a sentence instead of a job asks whether that is meant."""

    def again_file(self, data: bytes, name: str, person: Person, *, sure: bool = False) -> tuple[Job | None, str]:
        """The same with any file that tells how it was made."""

    def reproduction(self, record: Record) -> Reproduction | None:
        """How near a picture came to the one that it repeats; None if it repeats none."""


class Studio(Protocol):
    """Everything here is quick and safe to call from any thread; what goes wrong is a `StudioError`.

    What takes a person checks that person's role and raises `NotAllowed`.
    """

    @property
    def oversight(self) -> Oversight: ...

    @property
    def collection(self) -> Collection: ...

    @property
    def making(self) -> Making: ...

    @property
    def grids(self) -> Grids: ...

    @property
    def presets(self) -> Presets: ...

    @property
    def reports(self) -> Reports: ...

    @property
    def gallery(self) -> Gallery: ...

    @property
    def outputs(self) -> Path: ...

    @property
    def source_folder(self) -> Path:
        """Where the files of sources lie, for showing them."""

    @property
    def version(self) -> str: ...

    def models(self) -> list[Model]: ...

    def adapters(self) -> list[Offer]:
        """What can be put onto models."""

    def adapter_with_hash(self, kind: str, hash: str) -> str:
        """The name of the adapter with this SHA-256 or the beginning of it; empty if it is not here."""

    def submit(self, request: ImageRequest, lane: Lane, person: Person) -> Job: ...

    def job(self, id: str) -> Job | None: ...

    def jobs(self, *, active: bool = True, limit: int = 50) -> list[Job]:
        """Active: running first, then in the order they will run. Otherwise all, newest first."""

    def watch(self, id: str) -> Iterator[Snapshot]:
        """A snapshot at once and one at every change; ends when the job is over."""

    def cancel(self, id: str, person: Person | None = None) -> Job: ...

    def retry(self, id: str, person: Person | None = None, *, smaller: bool = False) -> Job: ...

    def move(self, id: str, place: int, person: Person | None = None) -> None: ...

    def pause(self, paused: bool, person: Person | None = None) -> None: ...

    def paused(self) -> bool: ...

    def record(self, id: str) -> Record | None: ...

    def recent(self, limit: int = 60, before: str | None = None) -> list[Record]: ...

    def children(self, id: str) -> list[Record]:
        """The pictures made directly from a kept one, oldest first."""

    def add_source(self, data: bytes, name: str = "", record: str = "") -> Source:
        """Keep the bytes of a picture that a request is to start from. Raises `InvalidRequest` for what is none."""

    def read_source(self, source: Source) -> bytes: ...

    def source_path(self, source: Source) -> Path | None:
        """Where a source's file lies, for showing it; None if it is gone."""

    def count_tokens(self, model: str, text: str) -> tuple[int | None, int | None]:
        """Tokens of `text`, and the length of one chunk with its two special tokens."""

    def count_encoders(self, model: str, text: str) -> Sequence[TokenCount]:
        """Tokens of `text` and the room for them in each text encoder; empty where unknown."""

    def save_draft(self, form: str, values: Mapping[str, Any]) -> None: ...

    def load_draft(self, form: str) -> dict[str, Any]: ...

    def worker(self) -> WorkerStatus: ...

    def hosted_worker(self) -> WorkerStatus:
        """The worker that calls providers."""

    def providers(self) -> list[ProviderStatus]:
        """All hosted backends with the state of their keys."""

    def preferences(self) -> Preferences: ...

    def prefer(self, preferences: Preferences, person: Person) -> None:
        """Heed these from now on. Raises `InvalidRequest`."""

    def set_key(self, name: str, value: str, person: Person) -> None:
        """Keep a provider's key in the system's keyring; it never comes out again."""

    def remove_key(self, name: str, person: Person) -> None: ...

    def test_key(self, provider: str, person: Person) -> str:
        """What one call that costs nothing says; may take seconds."""

    def spent(self, days: int = 31) -> list[Spent]:
        """Money by day and provider, the newest day first."""

    def examine(self, data: bytes, name: str, detectors: Sequence[str] | None = None) -> Examination:
        """Everything that a file's bytes tell of its making; may take seconds. None: the detectors that run by default.

        Raises `InvalidRequest` for what is no picture.
        """

    def ruling(self, found: Examination, data: bytes, person: Person) -> Ruling | None:
        """What the publishing policy says of an examined file; None while the policy is switched off."""

    def detectors(self) -> list[DetectorStatus]:
        """All detectors; empty while the engine that runs them does not answer."""

    def calibrate(self, folder: str, detectors: Sequence[str], person: Person) -> None:
        """Begin to calibrate detectors on a folder of photos; `long_work` tells how it goes. Raises `InvalidRequest`."""

    def evaluate(self, photos: str, detectors: Sequence[str], person: Person) -> None:
        """Begin a report on the detectors, with or without a folder of photos. Raises `InvalidRequest`."""

    def long_work(self) -> WorkStatus: ...

    def stop_long_work(self) -> None: ...
