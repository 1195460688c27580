"""`python studio.py generate`: what the text-to-image tab does, without a page."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
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
    request = build_request(studio, arguments)
    studio.open()
    try:
        job = studio.submit(request)
        try:
            job = _follow(studio, job, quiet=arguments.json)
        except KeyboardInterrupt:
            job = studio.cancel(job.id)
        records = [record for id in job.records if (record := studio.record(id))]
        _report(job, records, as_json=arguments.json)
        return CODES.get(job.state, 1)
    finally:
        studio.close()


def build_request(studio: Studio, arguments: argparse.Namespace) -> ImageRequest:
    """The request of a command line; values of a preset stand where the line says nothing."""
    preset = _preset(studio, arguments.preset)
    chosen = preset.sampling
    models = [model.id for model in studio.models()]
    return ImageRequest(
        model=arguments.model or preset.model or next(iter(models), ""),
        prompt=arguments.prompt,
        negative_prompt=arguments.negative_prompt or preset.negative_prompt,
        count=arguments.count,
        preset=preset.name,
        adapters=adapters_of(studio, arguments),
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
    presets = {preset.name: preset for preset in studio.presets()}
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


def _report(job: Job, records: list[Record], *, as_json: bool) -> None:
    with suppress(BrokenPipeError):
        if as_json:
            outcome = {"job": job.id, "state": job.state, "message": job.message, "error_code": job.error_code}
            print(json.dumps({**outcome, "records": [record_to_json(record) for record in records]}, ensure_ascii=False))
        else:
            for record in records:
                print(record.path)
            if job.message:
                print(job.message, file=sys.stderr)
