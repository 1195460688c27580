"""`python studio.py generate`: what the text-to-image tab does, without a page."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.cli.adapters import adapters_of
from studio.core.errors import InvalidRequest
from studio.core.job import Job
from studio.core.preset import Preset
from studio.core.request import ImageRequest, Sampling, Size, TextToImage, request_to_json
from studio.core.result import Record
from studio.engine.studio import Studio

CODES = {"done": 0, "cancelled": 130}


def generate(studio: Studio, arguments: argparse.Namespace) -> int:
    """Queue one request, follow it and print where the pictures are. Exit code 0 done, 1 failed, 2 bad request."""
    if not (arguments.prompt or arguments.again or arguments.preset):
        raise InvalidRequest("Say what the picture should show, or --again which picture to repeat.", "prompt")
    studio.open()
    try:
        jobs = [_again(studio, arguments.again)] if arguments.again else studio.making.submit(
            build_request(studio, arguments), "interactive", studio.owner)  # fmt: skip
        ended = [_finish(studio, job, quiet=arguments.json) for job in jobs]
        _report(studio, ended, as_json=arguments.json)
        return max(CODES.get(job.state, 1) for job in ended)
    finally:
        studio.close()


def _finish(studio: Studio, job: Job, *, quiet: bool) -> Job:
    try:
        return _follow(studio, job, quiet=quiet)
    except KeyboardInterrupt:
        return studio.cancel(job.id)


def _again(studio: Studio, name: str) -> Job:
    """The kept picture or file of this name once more; what speaks against its being the same is said first."""
    path = Path(name)
    for sure in (False, True):
        if studio.record(name) is None and path.is_file():
            job, doubt = studio.making.again_file(path.read_bytes(), path.name, studio.owner, sure=sure)
        else:
            job, doubt = studio.making.again(name, studio.owner, sure=sure)
        if job:
            return job
        print(doubt.removesuffix(" Press again to make it all the same."), file=sys.stderr)
    raise InvalidRequest(f"{name} cannot be made again.")


def build_request(studio: Studio, arguments: argparse.Namespace) -> ImageRequest:
    """The request of a command line; values of a preset stand where the line says nothing."""
    preset = _preset(studio, arguments.preset)
    chosen = preset.sampling
    models = [model.id for model in studio.models()]
    return ImageRequest(
        model=arguments.model or preset.model or next(iter(models), ""),
        prompt=arguments.prompt or preset.prompt,
        negative_prompt=arguments.negative_prompt or preset.negative_prompt,
        count=arguments.count,
        styles=tuple(arguments.style or preset.styles),
        preset=preset.name,
        adapters=adapters_of(studio, arguments) or preset.adapters,
        options=dict(preset.options),
        hires=preset.hires,
        task=TextToImage(Size.parse(arguments.size) if arguments.size else preset.size),
        sampling=Sampling(
            steps=_first(arguments.steps, chosen.steps),
            guidance_scale=_first(arguments.guidance_scale, chosen.guidance_scale),
            seed=_first(arguments.seed, chosen.seed),
            sampler=arguments.sampler or chosen.sampler,
        ),
    )


def record_to_json(record: Record) -> dict[str, Any]:
    """A record as a program wants it."""
    return {
        "id": record.id, "job": record.job, "path": str(record.path) if record.path else None, "sha256": record.sha256,
        "width": record.width, "height": record.height, "seed": record.seed, "created": record.created,
        "request": request_to_json(record.request), "facts": dict(record.facts), "notes": list(record.notes),
        "stamps": list(record.stamps), "review_status": record.review_status, "state": record.state,
    }  # fmt: skip


def _preset(studio: Studio, name: str) -> Preset:
    if not name:
        return Preset(name="", title="")
    presets = {preset.name: preset for preset in studio.presets.all()}
    if name not in presets:
        raise InvalidRequest(f"There is no preset “{name}”. Choose one of: {', '.join(presets)}.", "preset")
    return presets[name]


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _follow(studio: Studio, job: Job, *, quiet: bool) -> Job:
    live = not quiet and sys.stderr.isatty()
    for snapshot in studio.watch(job.id):
        job = snapshot.job
        if live:
            progress = job.progress
            steps = f" {progress.step}/{progress.steps}" if progress.steps else ""
            print(f"\r\033[K{job.state}: {progress.phase}{steps}", end="", file=sys.stderr, flush=True)
    if live:
        print("\r\033[K", end="", file=sys.stderr)
    return job


def _report(studio: Studio, jobs: list[Job], *, as_json: bool) -> None:
    """Several jobs, because the prompt had choices, are told as the first one with all records."""
    records = [record for job in jobs for id in job.records if (record := studio.record(id))]
    worst = next((job for job in jobs if job.state != "done"), jobs[0])
    with suppress(BrokenPipeError):
        if as_json:
            outcome = {"job": worst.id, "state": worst.state, "message": worst.message, "error_code": worst.error_code}
            told = [{**record_to_json(record), **_reproduced(studio, record)} for record in records]
            print(json.dumps({**outcome, "records": told}, ensure_ascii=False))
            return
        for record in records:
            print(record.path)
            if found := studio.making.reproduction(record):
                print("\n".join([found.sentence, *found.differences, *([found.note] if found.note else [])]))
        if worst.message:
            print(worst.message, file=sys.stderr)


def _reproduced(studio: Studio, record: Record) -> dict[str, Any]:
    found = studio.making.reproduction(record)
    return {"again": {**asdict(found), "sentence": found.sentence}} if found else {}
