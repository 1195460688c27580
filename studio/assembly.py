"""Puts stamps and witnesses together: what goes on a picture, in which order, and who looks for it in a file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from studio import __version__
from studio.core.errors import InvalidRequest, StudioError
from studio.core.evidence import Reading, Suspect, Witness
from studio.core.ports import Records, Sources, Stamp
from studio.core.publishing import Table
from studio.core.result import Record
from studio.core.rules import FILE as POLICY_FILE
from studio.core.screening import Check
from studio.core.sharing import ShareOptions
from studio.engine.examine import Examiner
from studio.engine.publishing import PublishingStamp
from studio.engine.scoring import ScoreStamp, Scoring
from studio.engine.screening import Screening
from studio.engine.verifying import Verifying
from studio.policies import PolicyFile
from studio.preferences import PreferenceFile
from studio.settings import Settings
from studio.stamps import c2pa
from studio.stamps.certificate import Identity, load_or_make, load_own
from studio.stamps.reading import MetadataWitness, read_file
from studio.stamps.reopen import Reopened
from studio.stamps.share import ShareCopies
from studio.stamps.text import Coding, TextStamp
from studio.stamps.watermark import WatermarkStamp, WatermarkWitness
from studio.stamps.watermark import read as read_mark


class Marks:
    """The marks of one studio. Keys are read, or made, when the first of them is needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._coding = Coding(settings.format, settings.quality)
        self._policy, self._preferences = PolicyFile(settings.presets / POLICY_FILE), PreferenceFile(settings)

    @cached_property
    def identity(self) -> Identity:
        """Whose signature goes on the pictures. Raises a `StudioError` that says what is wrong with it."""
        own = self._settings.certificate, self._settings.private_key
        if all(own):
            return load_own(Path(own[0]), Path(own[1]))
        if any(own):
            raise InvalidRequest("A signing certificate needs its private key. Set both, certificate and private_key.")
        return load_or_make(self._settings.data / "signing")

    def stamps(self, scoring: Scoring | None, sources: Sources) -> tuple[Stamp, ...]:
        """In their forced order: pixels change first, are scored, then judged; signing comes last, and all is read back.

        Without scoring they are those of a sheet of kept pictures: detectors judge single ones, in the worker.
        """
        scores = (ScoreStamp(scoring.score, self._coding.as_saved),) if scoring else ()
        later = (c2pa.C2paStamp.name,)
        return (
            WatermarkStamp(self._settings.watermark),
            *scores,
            PublishingStamp(self.publishing),
            TextStamp(__version__, self._coding, later),
            c2pa.C2paStamp(lambda: self.identity, __version__, sources.read),
            Reopened(self._manifest),
        )

    def screening(self, checks: Sequence[Check]) -> Screening:
        """The checks of the policy, while it is switched on; they are told who signed a source file."""
        witness = c2pa.ManifestWitness(self._known_identity, self._trust_list())
        return Screening(lambda: checks if self._preferences.get().policy else (), (witness,))

    def publishing(self) -> Table | None:
        """The publishing rules as they hold now; None while the policy is switched off."""
        return self._policy.get().publishing if self._preferences.get().policy else None

    def verifying(self, records: Records) -> Verifying:
        """What looks for marks in any file."""
        witnesses: tuple[Witness, ...] = (
            c2pa.ManifestWitness(self._known_identity, self._trust_list()),
            WatermarkWitness(records.with_mark),
            MetadataWitness(),
        )
        return Verifying(
            examiner=Examiner(witnesses=witnesses, readings=_readings, records=records),
            copies=ShareCopies(__version__, self._sign),
            folder=self._settings.data / "examine",
            table=self.publishing,
        )

    def _manifest(self, data: bytes, suffix: str) -> c2pa.Manifest | None:
        return c2pa.read_manifest(data, suffix, self.identity)

    def _known_identity(self) -> Identity | None:
        """For telling our own signatures; a file can be examined where ours cannot be read."""
        try:
            return self.identity
        except StudioError:
            return None

    def _trust_list(self) -> bytes:
        return Path(self._settings.trust_list).read_bytes() if self._settings.trust_list else b""

    def _sign(self, data: bytes, suffix: str, kept: Path, record: Record, options: ShareOptions) -> bytes:
        changes = ("c2pa.resized",) if options.max_side else ()
        return c2pa.sign_copy(
            data,
            suffix,
            c2pa.Parent(kept.name, c2pa.MIME[kept.suffix], kept.read_bytes()),
            self.identity,
            __version__,
            title=f"{kept.stem}-share",
            task_kind=record.request.task.kind,
            marked=record.facts.get("watermark") or {},
            changes=(*changes, "c2pa.transcoded", "c2pa.published"),
            carry=options.settings and options.parents,
        )


def _readings(suspect: Suspect) -> tuple[Reading, ...]:
    return read_file(suspect.data, suspect.name, suspect.image).readings


def is_ours(data: bytes) -> bool:
    """Whether a file carries our record, our signature's assertion or our watermark: then it is no photograph."""
    from studio.core.opening import open_picture

    if any(reading.dialect.startswith("Studio") for reading in read_file(data, "the photo").readings):
        return True
    return read_mark(open_picture(data, "the photo")).payload is not None
