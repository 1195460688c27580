"""Pictures that are not safe for work: a local classifier in `models/classifiers/<name>/`, asked of sources and of results.

The list of known ones is `_nsfw.toml`; any other whose labels say what is safe will do. Thresholds stand in
`presets/policy.toml`. Without a classifier, or with one that fails, the verdict is “not screened”.
"""

from __future__ import annotations

import math
import threading
from pathlib import Path

from studio import classification
from studio.classification import Classifier, Curated, folders, places_of
from studio.core.errors import InvalidRequest, StudioError, Unavailable
from studio.core.rules import FILE
from studio.core.screening import Subject
from studio.core.verdict import Outcome, Verdict
from studio.policies import Policy, PolicyFile
from studio.settings import Settings

CURATED_FILE = Path(__file__).parent / "_nsfw.toml"
UNSAFE = {"nsfw", "unsafe", "porn", "pornography", "hentai", "sexy", "sexual", "explicit", "nude", "nudity", "erotic"}
SAFE = {"sfw", "safe", "normal", "neutral", "drawing", "drawings"}


def create(settings: Settings) -> NotSafeForWork:
    return NotSafeForWork(settings.models / "classifiers", PolicyFile(settings.presets / FILE))


def curated() -> list[Curated]:
    """The known classifiers, the best known one first."""
    return classification.curated(CURATED_FILE)


class NotSafeForWork:
    """`studio.core.screening.Check`. A classifier that is put into the folder is used from the next picture on."""

    name, light = "nsfw", False

    def __init__(self, place: Path, file: PolicyFile) -> None:
        self._place, self._file, self._lock = place, file, threading.Lock()
        self._classifier: Classifier | None = None

    def __call__(self, subject: Subject) -> Verdict | None:
        if subject.stage == "request" or subject.image is None:
            return None
        policy = self._file.get()
        try:
            classifier = self._found()
            score = probability(classifier, subject)
        except StudioError as error:
            self._classifier = None  # it may be mended while the studio runs
            return Verdict(check=self.name, outcome="not_screened", reason_code="picture.not_screened", message=str(error),
                           version=policy.version, stage=subject.stage)  # fmt: skip
        outcome, message = _weighed(score, policy, subject)
        version = f"{classifier.folder.name} {classifier.revision}, policy {policy.version}"
        return Verdict(check=self.name, outcome=outcome, reason_code="picture.nsfw" if message else "", message=message,
                       score=round(score, 4), version=version, stage=subject.stage)  # fmt: skip

    def _found(self) -> Classifier:
        """The first known classifier that is there, else the first of any other name. Raises `Unavailable`."""
        with self._lock:
            if self._classifier is None or not self._classifier.folder.is_dir():
                known = {entry.name: entry for entry in curated()}
                here = {folder.name: folder for folder in folders(self._place)}
                name = next((name for name in [*known, *here] if name in here), None)
                if name is None:
                    raise Unavailable(_where_to_get_one())
                self._classifier = Classifier(here[name], known[name].title if name in known else name)
            return self._classifier


def probability(classifier: Classifier, subject: Subject) -> float:
    """P(not safe for work). Raises a `StudioError` that says why there is none."""
    if missing := classifier.unready():
        raise Unavailable(f"{missing} So the picture was not screened. Download the classifier again.")
    labels = classifier.labels()
    unsafe, safe = places_of(labels, UNSAFE), places_of(labels, SAFE)
    if not unsafe or not safe or set(unsafe) & set(safe):
        told = ", ".join(f"“{label}”" for label in labels.values()) or "no labels"
        raise InvalidRequest(f"{classifier.title} has {told}: which is unsafe cannot be told by name. Choose another one.")
    logits = classifier.logits(subject.image) if subject.image else []
    parts = [math.exp(value - max(logits)) for value in logits]
    score = sum(parts[place] for place in unsafe) / sum(parts) if len(parts) == len(labels) else math.nan
    if not 0 <= score <= 1:
        raise Unavailable(f"{classifier.title} gave no number: its weights may be damaged. Download it again.")
    return score


def _weighed(score: float, policy: Policy, subject: Subject) -> tuple[Outcome, str]:
    what = "The picture it starts from" if subject.stage == "source" else "The picture"
    limits = policy.nsfw
    if limits.block is not None and score >= limits.block:
        return (
            "block",
            f"{what} looks not safe for work, which the policy refuses. Start from another one or change the prompt.",
        )
    if score >= limits.flag:
        return "flag", f"{what} looks not safe for work. Let a reviewer decide before it is shared."
    return "allow", ""


def _where_to_get_one() -> str:
    first = curated()[0]
    return (
        f"There is no classifier for pictures, so none is screened for nudity. Put {first.repository} from huggingface.co "
        f"({first.megabytes} MB, {first.licence}) into models/classifiers/{first.name}."
    )
