"""A picture's record as JSON: the one shape that is held with its job, stamped into the file and read back from it.

    schema      1
    record job created seed width height studio
    request     what was asked, with the exact prompt; `user` only if there is one, and in the file only if it may be there
    used facts  what really ran, and what the engine adds (versions, device, times)
    notes stamps verdicts
    review_status   whether a person has to look at it; a decision is the library's to know, not a file's

What is read back may come from a stranger's file: `record_from_json` checks every value before anything trusts it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from studio.core.adapters import check_adapters
from studio.core.errors import InvalidRequest, StudioError
from studio.core.request import (
    AREAS,
    FILLS,
    RESIZES,
    Adapter,
    ImageRequest,
    Size,
    Source,
    Task,
    request_from_json,
    request_to_json,
)
from studio.core.result import Draft, Record
from studio.core.review import ReviewStatus
from studio.core.variation import check_variations
from studio.core.verdict import OUTCOMES, STAGES, Verdict

SCHEMA = 1
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MALFORMED = (KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError, RecursionError, StudioError)
_CHOICES: dict[str, tuple[str, ...]] = {"fill": FILLS, "area": AREAS, "resize": RESIZES}


def draft_to_json(draft: Draft, studio: str = "") -> dict[str, Any]:
    """The record of a draft; JSON-ready whatever the backend put into `facts`."""
    request = request_to_json(draft.request)
    if not draft.request.user:
        del request["user"]
    if draft.request.user_in_file:
        del request["user_in_file"]
    values = {
        "schema": SCHEMA,
        "record": draft.id,
        "job": draft.job,
        "created": draft.created,
        "seed": draft.picture.seed,
        "width": draft.picture.image.width,
        "height": draft.picture.image.height,
        "request": request,
        "used": draft.facts.get("used", {}),
        "facts": {key: value for key, value in draft.facts.items() if key != "used"},
        "notes": draft.notes,
        "stamps": draft.stamps,
        "verdicts": [asdict(verdict) for verdict in draft.verdicts],
        "review_status": draft.review_status,
        "studio": studio,
    }
    plain: dict[str, Any] = to_plain(values)
    return plain


def file_record(draft: Draft, studio: str = "") -> dict[str, Any]:
    """The record as it stands in the file, which may be handed on: without a name that is to stay in the library."""
    values = draft_to_json(draft, studio)
    if not draft.request.user_in_file:
        for name in ("user", "user_in_file"):
            values["request"].pop(name, None)
    return values


def record_from_json(values: Mapping[str, Any], *, path: Path, sha256: str) -> Record:
    """Rebuild a record; `path` and `sha256` are the file's own. Raises `InvalidRequest` for a malformed one."""
    try:
        json.dumps(values, ensure_ascii=False, allow_nan=False).encode()
        return Record(
            id=_identifier(values["record"]),
            job=_identifier(values["job"]),
            path=path,
            name=path.name,
            sha256=sha256,
            width=_number(values["width"]),
            height=_number(values["height"]),
            seed=_number(values["seed"]),
            created=_time(values["created"]),
            request=_request(values["request"]),
            facts={**_typed(values["facts"], dict), "used": _typed(values["used"], dict)},
            notes=_texts(values["notes"]),
            stamps=_texts(values["stamps"]),
            verdicts=tuple(_verdict(verdict) for verdict in _typed(values["verdicts"], list)),
            review_status=_review_status(values.get("review_status", "not_needed")),
        )
    except _MALFORMED as error:
        raise InvalidRequest(
            f"The record in {path.name} is malformed ({error}). Its picture can still be opened."
        ) from error


def to_plain(value: Any) -> Any:
    """The same in dict, list, str, int, float, bool and None; what JSON cannot say becomes text, NaN becomes None."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return value.encode(errors="replace").decode()
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): to_plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_plain(item) for item in value]
        case _:
            return str(value)


def _request(values: Any) -> ImageRequest:
    request = request_from_json(_typed(values, dict))
    texts = (request.model, request.prompt, request.negative_prompt, request.preset, request.user, request.template)
    for text in (*texts, request.negative_template, request.prompt_version):
        _typed(text, str)
    _typed(request.options, dict)
    _typed(request.user_in_file, bool)
    _number(request.count)
    _number(request.preset_version)
    _task(request.task)
    _adapters(request.adapters)
    sampling = request.sampling
    for value, kind in ((sampling.steps, int), (sampling.seed, int), (sampling.sampler, str)):
        _typed(value, kind, type(None))
    _typed(sampling.guidance_scale, int, float, type(None))
    check_variations(sampling.variations)
    return request


def _adapters(adapters: tuple[Adapter, ...]) -> None:
    for adapter in adapters:
        for text in (adapter.kind, adapter.name, adapter.preprocessor):
            _typed(text, str)
        for number in (adapter.weight, adapter.start, adapter.end):
            _typed(number, int, float)
        if adapter.image:
            _number(adapter.image.width)
            _number(adapter.image.height)
    check_adapters(adapters)


def _task(task: Task) -> None:
    """Every value of a task is of the kind its default has; pictures and sizes have sound numbers."""
    for each in fields(task):
        value = getattr(task, each.name)
        match value:
            case None:
                continue
            case Size() | Source():
                _number(value.width)
                _number(value.height)
            case _:
                kind = type(each.default)
                if value not in _CHOICES.get(each.name, (value,)):
                    raise ValueError(f"{each.name} is no known word")
                _typed(value, *((int, float) if kind is float else (kind,)))


def _verdict(values: Any) -> Verdict:
    verdict = Verdict(**{name: values[name] for name in Verdict.__dataclass_fields__ if name in _typed(values, dict)})
    if verdict.outcome not in OUTCOMES or verdict.stage not in STAGES:
        raise ValueError(f"unknown outcome {verdict.outcome!r}")
    _texts([verdict.check, verdict.reason_code, verdict.message])
    _typed(verdict.score, int, float, type(None))
    return verdict


def _review_status(value: Any) -> ReviewStatus:
    """A decision that a file claims was made elsewhere, or forgotten: a person looks again."""
    if value not in get_args(ReviewStatus):
        raise ValueError(f"unknown review status {value!r}")
    return "not_needed" if value == "not_needed" else "pending"


def _typed(value: Any, *kinds: type) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise TypeError(f"{type(value).__name__} where {' or '.join(kind.__name__ for kind in kinds)} belongs")
    return value


def _identifier(value: Any) -> str:
    if not _ID.fullmatch(_typed(value, str)):
        raise ValueError("an id holds other characters than letters, digits, dots and hyphens")
    return str(value)


def _number(value: Any) -> int:
    if not 0 <= _typed(value, int) < 2**63:
        raise ValueError("a number is out of range")
    return int(value)


def _time(value: Any) -> str:
    datetime.fromisoformat(_typed(value, str)).timestamp()
    return str(value)


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(_typed(value, str) for value in _typed(values, list))
