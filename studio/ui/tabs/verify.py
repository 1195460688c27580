"""Verify: drop any file and read what it tells of its making; many at once become a table."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from studio.core.errors import InvalidRequest, StudioError
from studio.core.evidence import Reading
from studio.core.score import DetectorStatus
from studio.engine.long_work import WorkStatus
from studio.ui import form, who
from studio.ui.evidence import CAUTION, Looked, report, to_csv
from studio.ui.files_again import FilesAgain
from studio.ui.pictures import url
from studio.ui.sheet import QUICK
from studio.ui.tabs import Page

TITLE, PLACE, NAME = "Verify", 90, "verify"
TAKES = True
SHOWN_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF")
MOST_FILES = 200
ABOUT_CALIBRATING = (
    "At least 200 photographs that you took yourself, against the pictures of this library. "
    "Only score quantiles are stored. Slow detectors take minutes."
)
ABOUT_REPORT = "How the chosen detectors do on your library: by model, as kept, after JPEG 75 and at half size."
EMPTY = (
    f'<div class="verdicts"><p class="empty"><b>Drop a picture to see where it comes from.</b>'
    f"<span>Signature, watermark, metadata, your library and detectors are asked. {CAUTION}</span></p></div>"
)


def build(page: Page) -> None:
    """Lay the tab out and wire it."""
    VerifyTab(page)


class VerifyTab:
    """No state but the settings that were read lately, by token, so that other tabs can use them."""

    def __init__(self, page: Page) -> None:
        self._page = page
        with gr.Column(elem_classes=["sheet"], elem_id=f"sheet-{NAME}"):
            with gr.Column(elem_classes=["fields"]):
                self._files = gr.File(
                    label="Files", file_count="multiple", type="filepath", height=150, **form.named(NAME, "files")
                )
                self._detectors = gr.CheckboxGroup(
                    [], label="Detectors", info="The ready ones are asked by default.", **form.named(NAME, "detectors")
                )
                self._csv = gr.DownloadButton("Table as CSV", visible=False, size="sm", elem_id="verify-csv")
                with gr.Accordion("Calibrate on my photos", open=False, elem_id="verify-calibrate"):
                    gr.HTML(f'<p class="quiet">{ABOUT_CALIBRATING}</p>')
                    self._folder = gr.Textbox(label="Folder of your photos", placeholder="/home/me/Pictures", max_lines=1)
                    calibrate = gr.Button("Calibrate", size="sm", elem_id="verify-calibrate-go")
                with gr.Accordion("Detector report", open=False, elem_id="verify-evaluate"):
                    gr.HTML(f'<p class="quiet">{ABOUT_REPORT}</p>')
                    self._photos = gr.Textbox(
                        label="Folder of photos to compare with (optional)", max_lines=1, elem_id="verify-photos"
                    )
                    evaluate = gr.Button("Make the report", size="sm", elem_id="verify-evaluate-go")
            with gr.Row(elem_classes=["actions"]):
                gr.HTML(f'<p class="quiet">{CAUTION}</p>')
                stop = gr.Button("Stop", elem_id="verify-stop", min_width=70)
                go = gr.Button("Examine", variant="primary", elem_classes=["generate"], min_width=120)
        self._report = gr.HTML(EMPTY, elem_id="verdicts", render=False)
        page.beside(self._report)
        shown = [self._report, self._csv]
        loud: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        asked = [
            go.click(self._examine, [self._files, self._detectors], shown, **loud),
            self._files.upload(self._examine, [self._files, self._detectors], shown, **loud),
            page.view.select(self._sent, self._detectors, shown, **loud),
        ]
        self._again = FilesAgain(page)
        work = [
            calibrate.click(self._calibrate, [self._folder, self._detectors], shown, **loud),
            evaluate.click(self._evaluate, [self._photos, self._detectors], shown, **loud),
        ]
        stop.click(page.studio.stop_long_work, None, None, cancels=[*asked, *work], **QUICK)
        page.tab.select(self._known, self._detectors, self._detectors, **QUICK)

    def _known(self, chosen: list[str]) -> Any:
        """The detectors, once the engine tells of them; what was chosen stays."""
        known = self._page.studio.detectors()
        if not known:
            return gr.skip()
        ready = [each for each in known if not each.missing]
        chosen = [name for name in chosen if name in {each.name for each in ready}]
        missing = _not_ready(known)
        return gr.CheckboxGroup(
            choices=[(_words(each), each.name) for each in ready],
            value=chosen or [each.name for each in ready if each.by_default],
            info=missing or None,
        )

    def _examine(self, files: list[str] | None, detectors: list[str]) -> Iterator[Any]:
        """One answer a file, so that a long row of files shows as it grows."""
        paths = [Path(name) for name in files or []][:MOST_FILES]
        if not paths:
            yield EMPTY, gr.DownloadButton(visible=False)
            return
        yield report([], total=max(2, len(paths))), gr.DownloadButton(visible=False)
        looked: list[Looked] = []
        for path in paths:
            looked.append(self._look(path, detectors))
            yield report(looked, total=len(paths)), gr.skip()
        if len(looked) > 1:
            table = paths[0].parent / "verify.csv"
            table.write_text(to_csv(looked), encoding="utf-8")
            yield gr.skip(), gr.DownloadButton(value=str(table), visible=True)

    def _sent(self, detectors: list[str], event: gr.EventData) -> Iterator[Any]:
        """A kept picture was sent here. Any other choice leaves the report alone, and the answer has to say so."""
        data = event._data
        if not isinstance(data, dict) or data.get("to") != NAME:
            yield gr.skip(), gr.skip()
            return
        record = self._page.studio.record(str(data.get("send") or ""))
        if record and record.path:
            yield report([self._look(record.path, detectors)]), gr.DownloadButton(visible=False)
        else:
            yield EMPTY, gr.DownloadButton(visible=False)

    def _calibrate(self, folder: str, detectors: list[str]) -> Iterator[Any]:
        yield from self._follow(lambda: self._page.studio.calibrate(folder, detectors, who.current()))

    def _evaluate(self, photos: str, detectors: list[str]) -> Iterator[Any]:
        yield from self._follow(lambda: self._page.studio.evaluate(photos, detectors, who.current()))

    def _follow(self, begin: Callable[[], None]) -> Iterator[Any]:
        """Begin long work and show where it stands until it is over."""
        hidden = gr.DownloadButton(visible=False)
        try:
            begin()
        except StudioError as error:
            yield work_shown(WorkStatus(state="failed", message=str(error))), hidden
            return
        while (status := self._page.studio.long_work()).state == "running":
            yield work_shown(status), hidden
            time.sleep(0.5)
        yield work_shown(status), hidden
        if status.state == "done" and status.kind == "evaluate":
            path = Path(get_upload_folder()).absolute() / "detector-report.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(status.answer["csv"]), encoding="utf-8")
            yield gr.skip(), gr.DownloadButton(value=str(path), visible=True)

    def _look(self, path: Path, detectors: list[str]) -> Looked:
        try:
            data = path.read_bytes()
            found = self._page.studio.examine(data, path.name, tuple(detectors) or None)
            ruling = self._page.studio.ruling(found, data, who.current())
        except InvalidRequest as error:
            return Looked(name=path.name, problem=str(error))
        except (StudioError, OSError) as error:
            return Looked(name=path.name, problem=f"{error} Try again.")
        token = ""
        if found.reading:
            token = secrets.token_hex(8)
            remember(self._page.readings, token, found.reading)
            self._again.offer(token, path)
        src = url(path) if found.format in SHOWN_FORMATS and found.width else ""
        return Looked(name=path.name, found=found, src=src, token=token, tile=self._page.desk.tile(found.record),
                      tabs=self._page.makers, ruling=ruling)  # fmt: skip


def work_shown(status: WorkStatus) -> str:
    """Progress, what came of it, or what is wrong. A report's HTML is the engine's own and escaped there."""
    if status.state != "done":
        percent = round(100 * status.done / status.total) if status.total else 0
        bar = f'<i class="meter"><i style="width:{percent}%"></i></i>' if status.state == "running" else ""
        return f'<div class="verdicts"><p class="waiting" role="status">{escape(status.message)}</p>{bar}</div>'
    if status.kind == "evaluate":
        return f'<div class="verdicts"><h2>Detector report</h2>{status.answer["html"]}</div>'
    rows = "".join(
        f"<li><b>{escape(each['detector'])}</b><span>{escape(_outcome(each))}</span></li>" for each in status.answer
    )
    return f'<div class="verdicts"><h2>Calibrated</h2><ul class="rows">{rows}</ul></div>'


def _outcome(each: dict[str, Any]) -> str:
    left_out = f" {len(each['faults'])} files were left out." if each["faults"] else ""
    if each["problem"]:
        return f"{each['problem']}{left_out}"
    return f"{each['calibration']}: {each['photos']} photos against {each['own']} of your pictures.{left_out}"


def remember(readings: OrderedDict[str, Reading], token: str, reading: Reading, most: int = 500) -> None:
    """The newest few hundred; older ones are forgotten."""
    readings[token] = reading
    while len(readings) > most:
        readings.popitem(last=False)


def _not_ready(known: list[DetectorStatus]) -> str:
    """One sentence for all hosted ones without a key; each of the others says what it needs."""
    own = [f"{each.title}: {each.missing}" for each in known if each.missing and not each.hosted]
    hosted = [each.title for each in known if each.missing and each.hosted]
    more = [f"Need their keys in the environment, or are offline: {', '.join(hosted)}."] if hosted else []
    return " ".join([*own, *more])


def _words(each: DetectorStatus) -> str:
    """A detector's name with what it costs and where the picture goes."""
    cost = f", about {each.seconds:.0f} s a megapixel" if each.seconds >= 1 else ""
    sends = ", sends the picture to that service" if each.hosted else ""
    state = "" if each.calibration else ", not calibrated"
    return f"{each.title}{sends}{cost}{state}"
