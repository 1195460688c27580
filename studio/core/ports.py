"""The doors of the engine: what it needs from its parts, as Protocols. Tests pass small real classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Unpack

from PIL import Image

from studio.core.audit import Action, AuditQuery, AuditRow
from studio.core.calibration import Calibration
from studio.core.canvas import Ground
from studio.core.counting import TokenCount
from studio.core.errors import Blocked
from studio.core.hosting import Preferences, ProviderStatus, Spent
from studio.core.job import LANES, BlockedBy, Job, JobEvent, JobState, Lane, Phase, Progress
from studio.core.model import Model
from studio.core.people import Erased, Person, Role
from studio.core.request import ImageRequest, Source
from studio.core.result import Draft, ImageResult, Record
from studio.core.review import Decision, ReviewEntry
from studio.core.statistics import Screened, Sought, Tally
from studio.core.verdict import Verdict


class Receipts(Protocol):
    """What a backend writes down of a job that costs money, so that the job, run again, goes on instead of paying again.

    Notes are bytes by name, on the disk when `write` returns. Amounts are US dollars; a `part` is one call of the job.
    """

    def read(self, name: str) -> bytes | None: ...

    def write(self, name: str, data: bytes) -> None: ...

    def remove(self, name: str) -> None: ...

    def within(self, part: str) -> Receipts:
        """The same for a part of the job, with names of its own."""

    def clear(self) -> None:
        """Forget this part's notes: the call came to nothing, and a next one is another call."""

    def reserve(self, provider: str, amount: float | None, budget: float | None) -> None:
        """Set the estimated price aside before the call; once a part. Raises `OverBudget` over the day's budget."""

    def settle(self, amount: float | None, source: str) -> None:
        """The call was made; `source` says whose figure it is. None: nobody knows the price."""

    def release(self) -> None:
        """Nothing was billed."""


class ReceiptBook(Protocol):
    """All jobs' receipts."""

    def of(self, job: str) -> Receipts: ...

    def forget(self, job: str) -> None:
        """The job has ended and nothing of it will be looked for again."""

    def forgive(self, job: str) -> None:
        """A person decided that calls of unknown end may be made again."""

    def spent(self, days: int = 31) -> list[Spent]:
        """By day and provider, the newest day first."""


class Hosting(Protocol):
    """What the user may see and set of hosted providers. Keys go in and never come out."""

    def statuses(self) -> list[ProviderStatus]: ...

    def preferences(self) -> Preferences: ...

    def prefer(self, preferences: Preferences) -> None:
        """Keep them; every process of the studio heeds them from now on. Raises `InvalidRequest`."""

    def set_key(self, name: str, value: str) -> None:
        """Keep a key in the system's keyring. Raises `NotConfigured` where there is none, `InvalidRequest` for no key."""

    def remove_key(self, name: str) -> None: ...


class Watch(Protocol):
    """How a backend reports and learns that the user said stop; and what belongs to the job besides the request."""

    @property
    def lane(self) -> Lane: ...

    @property
    def receipts(self) -> Receipts: ...

    def delay(self, until: float, why: str) -> None:
        """Wait until `until` (seconds since the epoch) and say so on the page. Raises `Cancelled`."""

    def check(self) -> None:
        """Raise `Cancelled` if the job is to stop. Cheap; call before every heavy piece of work."""

    def say(self, text: str) -> None:
        """Show a sentence beside the progress, such as the plan that is followed; it stays until the job ends."""

    def phase(self, phase: Phase) -> None:
        """Say what is going on now."""

    def step(self, done: int, total: int, preview: Callable[[], Image.Image | None] | None = None) -> None:
        """One denoising step of `total` is done. `preview` is called only when a preview is due (at most four a second)."""


class Backend(Protocol):
    """Makes pictures. Creating one and listing its models is light: no torch, no network."""

    name: str

    @property
    def hosted(self) -> bool:
        """Whether it calls a provider instead of drawing on this computer's device."""

    def models(self) -> Sequence[Model]: ...

    def problems(self) -> Sequence[str]:
        """A sentence for each thing that looks like a model and cannot be used."""

    def generate(self, request: ImageRequest, model: Model, watch: Watch, ground: Ground | None = None) -> ImageResult:
        """Make `request.count` pictures. The request was adapted: every sampling value and the size are concrete.

        With a `ground` they are drawn on it, in its size; what the ground does not say (files, margins) is not looked at.
        Raises a `StudioError` of the tree and nothing else.
        """

    def count_tokens(self, model: Model, text: str) -> int | None:
        """Tokens of `text` without the special ones, weights such as `(word:1.2)` not counted; None if unknown."""

    def count_encoders(self, model: Model, text: str) -> Sequence[TokenCount]:
        """The same for each text encoder; empty if unknown."""

    def warm(self, model: Model) -> None:
        """Load what `model` needs so that the first request does not wait."""


class Sources(Protocol):
    """The pictures and masks that requests start from, each kept once under the SHA-256 of its bytes in `folder`."""

    @property
    def folder(self) -> Path: ...

    def add(self, data: bytes, name: str = "", record: str = "") -> Source:
        """Keep the bytes of a picture file. `record` is the kept picture they belong to; found by the hash if not said.

        PNG, JPEG and WebP stay as they are; another format becomes a PNG. Raises `InvalidRequest` for what is no picture.
        """

    def read(self, source: Source) -> bytes:
        """The bytes again, checked against their hash. Raises `InvalidRequest` if they are gone or changed."""

    def path(self, source: Source) -> Path | None:
        """Where the file lies, for showing it; None if it is gone."""


class Stamp(Protocol):
    """Puts one mark on a draft and returns the new draft."""

    name: str

    def __call__(self, draft: Draft) -> Draft: ...


class Keeper(Protocol):
    """The only writer into `outputs/`. `hold` and `keep` are idempotent, so a job that runs again keeps nothing twice."""

    def hold(self, drafts: Sequence[Draft]) -> None:
        """Store finished drafts with their job, outside `outputs/`, whole or not at all."""

    def keep(self, job: str) -> tuple[Record, ...]:
        """Move a job's held drafts into `outputs/` and write their rows. Raises `KeepError` and holds on to the rest."""

    def drop(self, job: str) -> None:
        """Forget what is held for a job: the user gave up."""


class Records(Protocol):
    """Reading side of the library."""

    def record(self, id: str) -> Record | None: ...

    def recent(self, limit: int = 60, before: str | None = None) -> list[Record]:
        """Newest first; `before` is a record id for the next page."""

    def children(self, id: str) -> list[Record]:
        """The pictures made directly from this one, oldest first."""

    def with_file(self, sha256: str) -> str:
        """The newest record whose file has this hash, deleted ones too; empty if there is none."""

    def with_mark(self, payload: str) -> str:
        """The record whose watermark carries this payload (hex), deleted ones too; empty if there is none."""

    def with_pixels(self, sha256: str) -> str:
        """The newest record whose saved pixels have this hash, deleted ones too; empty if there is none."""

    def looking_like(self, look: str) -> list[str]:
        """Records whose pictures look like this one (`studio.core.fingerprint`), newest first, deleted ones too."""


class JobStore(Protocol):
    """The kept truth about jobs, their order and their history. Safe across threads and processes."""

    def add(self, request: ImageRequest, lane: Lane, role: Role = "creator") -> Job: ...

    def refuse(self, request: ImageRequest, lane: Lane, role: Role, error: Blocked) -> Job:
        """Keep a request that the policy does not let in, as a job that has ended: it never stood in the line."""

    def get(self, id: str) -> Job | None: ...

    def find(self, *, active: bool = False, limit: int = 100) -> list[Job]:
        """Active jobs in the order they will run (running first), or all jobs newest first."""

    def claim(
        self, worker: str, *, only: str = "", without: Sequence[str] = (), lanes: Sequence[Lane] = LANES
    ) -> Job | None:
        """Take the next queued job (interactive before batch, then by place) and mark it running; None if none or paused.

        `only` takes jobs of one backend, `without` leaves those of some backends alone.
        """

    def unfinished(self, worker: str) -> list[Job]:
        """Running and delayed jobs of this worker, which died while it had them; oldest first."""

    def lines(self) -> dict[str, int]:
        """How many jobs wait, by backend."""

    def begin(self, id: str) -> int:
        """Count one more attempt and return the count."""

    def forgive(self, worker: str) -> None:
        """Take back the attempt that is going on: this worker is told to stop, it did not die."""

    def advance(
        self,
        id: str,
        state: JobState,
        *,
        message: str = "",
        error_code: str = "",
        error_field: str = "",
        facts: Mapping[str, Any] | None = None,
        blocked_by: BlockedBy = "",
        reason_code: str = "",
        verdicts: Sequence[Verdict] = (),
        records: Sequence[str] = (),
    ) -> Job:
        """Change state and keep an event. A job that is over stays as it is (except `retry`)."""

    def report(self, id: str, progress: Progress) -> None: ...

    def request_cancel(self, id: str) -> Job:
        """A queued job is cancelled at once; a running or delayed one is asked to stop."""

    def cancel_requested(self, id: str) -> bool: ...

    def retry(self, id: str, request: ImageRequest | None = None) -> Job:
        """Put a job that ended without a picture back into the queue, same request and seed."""

    def move(self, id: str, place: int) -> None:
        """Move a queued job to `place` (1 = next) within its lane and its backend's line."""

    def pause(self, paused: bool) -> None: ...

    def paused(self) -> bool: ...

    def events(self, id: str) -> list[JobEvent]: ...


class Calibrations(Protocol):
    """What detectors were calibrated on, one calibration for a detector's name; quantiles only."""

    def find(self, detector: str, revision: str) -> Calibration | None:
        """None if there is none, or it belongs to another revision, or is damaged."""

    def save(self, calibration: Calibration) -> None: ...


class AuditLog(Protocol):
    """Appends and reads; nothing is ever changed but content blanked on a person's request."""

    def append(self, action: Action, person: str = "", subject: str = "", **detail: Any) -> None:
        """One more row, chained to the last one, safe across processes. `detail` holds no key and no picture."""

    def rows(self, **wanted: Unpack[AuditQuery]) -> list[AuditRow]:
        """In order, from the one behind `after`; with `newest` the last `limit` of them, in order too."""

    def verify(self) -> tuple[int, int | None, str]:
        """How many rows there are, the first broken one (None if all fit), and what is wrong with it."""

    def lines(self, *, as_csv: bool = False) -> Iterator[str]:
        """Every row as a line of JSON, from which the chain can be checked elsewhere; or of CSV, for a spreadsheet."""


class Reviews(Protocol):
    """Decisions on kept pictures. A picture is claimed while somebody looks at it, so that two reviewers do not collide."""

    def waiting(self, limit: int = 60, before: str | None = None) -> list[Record]:
        """Pending and escalated pictures, oldest first; escalated ones last."""

    def count(self) -> int:
        """How many wait."""

    def claim(self, record: str, reviewer: str, seconds: float = 120) -> str:
        """Take or renew; returns who holds it (somebody else's name means: not yours)."""

    def decide(self, record: str, decision: Decision, reviewer: str, note: str = "") -> ReviewEntry:
        """Raises `InvalidRequest` if somebody else holds it or has decided meanwhile."""

    def undo(self, reviewer: str) -> ReviewEntry | None:
        """Take back this reviewer's last decision, if nobody decided on that picture since."""

    def history(self, record: str) -> list[ReviewEntry]: ...


class Statistics(Protocol):
    """Counts for the daily report, and a search among refused requests and kept pictures."""

    def tallies(self, days: int = 31) -> list[Tally]:
        """The last so many days (today is one), the newest first."""

    def search(self, **sought: Unpack[Sought]) -> list[Screened]:
        """Newest first."""


class Trash(Protocol):
    """Where deleted pictures' files wait; their records stay whatever becomes of them."""

    def delete(self, record: str) -> Record:
        """Take the file out of `outputs/`. Raises `InvalidRequest` for no such picture, `KeepError` if it stays."""

    def restore(self, record: str) -> Record:
        """Put it back. Raises `InvalidRequest` if it is not in the trash any more."""

    def empty(self, before: float | None = None) -> int:
        """Remove the files for good, or those deleted earlier than that; returns how many pictures that were."""

    def file(self, record: str) -> Path | None:
        """A deleted picture's file as long as it is here."""


class Erasure(Protocol):
    """Erases what is known of a person and logs that it did. Run again after a crash, it goes on."""

    def extent(self, person: str) -> Erased:
        """What there is to erase. Raises `InvalidRequest` without a name or while requests of that person are under way."""

    def erase(self, person: str, by: str = "") -> Erased:
        """Do it; `by` is who does."""


class People(Protocol):
    """The accounts. Passwords are hashed by a kept library and never come out."""

    def all(self) -> list[Person]: ...

    def find(self, name: str) -> Person | None: ...

    def add(self, name: str, password: str, role: Role) -> Person:
        """Raises `InvalidRequest` for a name that is taken or odd, or a password that is too short."""

    def change(self, name: str, *, password: str = "", role: Role | None = None) -> Person:
        """Raises `InvalidRequest` for the last admin's role."""

    def remove(self, name: str) -> None:
        """Raises `InvalidRequest` for the last admin."""

    def check(self, name: str, password: str) -> Person | None:
        """The person, or None; slow on purpose, and after many failures of a name not even looked at for a while."""

    def edition(self, name: str) -> str:
        """Another one whenever the password changes, and no part of it; empty for nobody. Sessions compare it."""


class Drafts(Protocol):
    """Unsent form fields, kept on the studio's side."""

    def save(self, form: str, values: Mapping[str, Any]) -> None: ...

    def load(self, form: str) -> dict[str, Any]: ...
