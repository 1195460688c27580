"""A contact sheet and report of kept pictures for a board, an editor or a client: one HTML or one PDF file."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from PIL import Image, ImageOps

from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.people import Person
from studio.core.price import dollars
from studio.core.result import Record
from studio.core.review import ReviewStatus
from studio.core.score import told_scores
from studio.engine.oversight import UNSHARED
from studio.engine.rights import require

Format = Literal["html", "pdf"]
MOST = 500
SIDE, SMALL, QUALITY = 960, 320, 84
"""Longest sides and JPEG quality of the pictures in it."""
CAUTION = "a signal, never proof"
NOTE = (
    "All pictures are made with AI, or with its help. The kept files carry the marks named here; the small pictures in this "
    "report carry none. A detector’s score is a signal, never proof."
)
REVIEWS: dict[ReviewStatus, str] = {
    "not_needed": "no review needed",
    "pending": "waits for review",
    "escalated": "passed on for a closer look",
    "approved": "approved",
    "rejected": "rejected",
}
Tone = Literal["good", "warn", "bad", "plain"]
TONES: dict[ReviewStatus, Tone] = {
    "not_needed": "plain", "pending": "warn", "escalated": "warn", "approved": "good", "rejected": "bad",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One picture as a report shows it. `picture`, `thumb`: JPEGs, empty where the file is gone. `marks` are words with
    a tone."""

    number: int
    prompt: str
    negative: str
    picture: bytes
    thumb: bytes
    width: int
    height: int
    facts: tuple[tuple[str, str], ...]
    marks: tuple[tuple[str, Tone], ...]
    review: str
    tone: Tone


@dataclass(frozen=True, kw_only=True)
class Report:
    """`summary` are the few numbers at the top."""

    title: str
    made: str
    summary: tuple[tuple[str, str], ...]
    entries: tuple[Entry, ...]
    note: str = NOTE


class Reports:
    """`studio.reports`; light until a report is made."""

    def __init__(self, models: Callable[[], Sequence[Model]]) -> None:
        self._models = models

    def make(self, records: Sequence[Record], title: str, format: Format = "pdf", person: Person | None = None) -> bytes:
        """The file. Raises `InvalidRequest` for no pictures, too many, or another format; `NotAllowed` with a person.

        What waits for a review or was rejected is left out for whoever may not review.
        """
        if person is not None:
            require(person, "create")
            held = () if person.may("review") else UNSHARED
            records = [record for record in records if record.review_status not in held]
        if format not in get_args(Format):
            raise InvalidRequest("A report is an HTML or a PDF file. Choose one of them.", "format")
        if not records or len(records) > MOST:
            told = "There are no pictures for a report" if not records else f"A report holds at most {MOST} pictures"
            raise InvalidRequest(f"{told}. Choose {'some' if not records else 'fewer'}.")
        whole = " ".join(title.encode(errors="replace").decode().split())
        report = self._report(records, whole[:200] or "Pictures")
        if format == "html":
            from studio.engine.report_html import to_html

            return to_html(report).encode(errors="replace")
        from studio.engine.report_pdf import to_pdf

        return to_pdf(report)

    def _report(self, records: Sequence[Record], title: str) -> Report:
        titles = {model.id: model.title for model in self._models()}
        entries = tuple(_entry(number, record, titles) for number, record in enumerate(records, start=1))
        made = datetime.now().astimezone().strftime("%d %B %Y, %H:%M")
        return Report(title=title, made=made, summary=_summary(records, titles), entries=entries)


def _summary(records: Sequence[Record], titles: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    models = Counter(titles.get(record.request.model, record.request.model) for record in records)
    reviews = Counter(REVIEWS[record.review_status] for record in records)
    costs = [cost for record in records if (cost := _cost(record)) is not None]
    hosted = sum(1 for record in records if record.facts.get("hosted"))
    money = (
        f"{dollars(sum(costs))} for {len(costs)} of {hosted} hosted pictures"
        if hosted
        else "none, all made on this computer"
    )
    return (
        ("Pictures", str(len(records))),
        ("Models", ", ".join(f"{name} ({count})" for name, count in models.most_common(8))),
        ("Review", ", ".join(f"{count} {words}" for words, count in reviews.most_common())),
        ("Provider costs", money),
    )


def _entry(number: int, record: Record, titles: Mapping[str, str]) -> Entry:
    request = record.request
    hosted, used = _table(record.facts.get("hosted")), _table(record.facts.get("used"))
    steps = used.get("steps", request.sampling.steps)
    preset = f"{request.preset}, version {request.preset_version}" if request.preset_version else request.preset
    model, where = titles.get(request.model, request.model), str(hosted.get("provider") or "on this computer")
    cost, (picture, thumb) = _cost(record), _jpegs(record)
    facts = (
        ("Model", f"{model}, {where}"),
        ("Made", _joined(", ", _when(record.created), request.user if request.user_in_file else "")),
        ("Task", "" if request.task.kind == "text-to-image" else request.task.kind.replace("-", " ")),
        (
            "Settings",
            _joined(", ", f"{record.width} × {record.height}", f"seed {record.seed}", f"{steps} steps" if steps else ""),
        ),
        ("Preset", preset),
        ("Prompt", f"version {request.prompt_version}" if request.prompt_version else ""),
        ("Cost", dollars(cost) if cost is not None else "not told" if hosted else "none"),
        ("File", record.name),
        ("SHA-256", record.sha256[:16]),
    )
    return Entry(
        number=number,
        prompt=request.prompt,
        negative=request.negative_prompt,
        picture=picture,
        thumb=thumb,
        width=record.width,
        height=record.height,
        facts=tuple((name, value) for name, value in facts if value),
        marks=_marks(record),
        review=REVIEWS[record.review_status],
        tone=TONES[record.review_status],
    )


def _marks(record: Record) -> tuple[tuple[str, Tone], ...]:
    """Where the picture comes from, by the marks that its file got; what is missing is said too."""
    scores = told_scores(record.facts.get("detector"))
    carries = {
        "signed (C2PA Content Credentials)": "c2pa" in record.stamps,
        "invisible watermark": bool(_table(record.facts.get("watermark")).get("present")),
        "AI label (IPTC, in XMP)": "xmp" in record.stamps,
    }
    told: list[tuple[str, Tone]] = [
        (name if there else f"no {name}", "good" if there else "warn") for name, there in carries.items()
    ]
    told.append((f"detector: {scores or 'not asked'} ({CAUTION})", "plain"))
    if record.path is None:
        told.append(("the file is in the trash or gone", "bad"))
    return tuple(told)


def _jpegs(record: Record) -> tuple[bytes, bytes]:
    """The picture and a small one; empty where the file is gone or broken."""
    try:
        with Image.open(record.path or "") as image:
            upright = ImageOps.exif_transpose(image).convert("RGBA")
            paper = Image.new("RGBA", upright.size, "white")
            paper.alpha_composite(upright)
            return _jpeg(paper.convert("RGB"), SIDE), _jpeg(paper.convert("RGB"), SMALL)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return b"", b""


def _jpeg(image: Image.Image, side: int) -> bytes:
    image.thumbnail((side, side))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _cost(record: Record) -> float | None:
    value = _table(_table(record.facts.get("hosted")).get("cost")).get("value")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _joined(sign: str, *parts: str) -> str:
    return sign.join(part for part in parts if part)


def _table(value: Any) -> Mapping[str, Any]:
    """Facts may come from a stranger's file."""
    return value if isinstance(value, Mapping) else {}


def _when(created: str) -> str:
    try:
        return datetime.fromisoformat(created).astimezone(UTC).strftime("%d %B %Y, %H:%M UTC")
    except ValueError:
        return created
