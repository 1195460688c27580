"""AUTOMATIC1111's web UI, Forge and their kin (`/sdapi/v1`, started with `--api`), on a server of the user's own.

Facts are from their source (modules/api/api.py, modules/processing.py). One call waits until the picture is there.

Masks: white is edit; they are sent with `inpaint_full_res` off, because the engine has cropped already and wants back the
size it sent, without blur (it feathers itself) and with `inpainting_fill` 1, because the picture below is already filled.
`denoising_strength` is our strength: 0 = the picture, 1 = ignored.

Traps: an unknown checkpoint or sampler is silently replaced by the current or first one (Forge answers 500), so both are
looked up before. Since version 1.9 a schedule is a field of its own; before, it is part of the sampler's name. Requests
queue up inside, and `/interrupt` stops whatever runs, so only one is sent at a time. The reply has more pictures than were
asked for: a grid first, control maps last. Words in (parentheses:1.2), [brackets] and <lora:…> have a meaning there.
The port 7860 is also the studio's own: whichever starts second takes another one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from studio.backends._hosted.backend import HostedBackend
from studio.backends._hosted.calls import json_of
from studio.backends._hosted.own_server import OwnServer, create_own, some_of, split_sampler, stable_id
from studio.backends._hosted.pictures import attached, white_is_edit
from studio.backends._hosted.provider import About, Call, Made, Reply, Ticket, Wish
from studio.core.errors import InvalidRequest, NotConfigured, OutOfMemory, Rejected, StudioError
from studio.core.hosting import Limit
from studio.core.model import Model
from studio.settings import Settings
from studio.web import Answer

KEY = "AUTOMATIC1111_API_AUTH"
ABOUT = About(
    name="automatic1111",
    title="AUTOMATIC1111 / Forge",
    site="https://github.com/AUTOMATIC1111/stable-diffusion-webui",
    url="http://127.0.0.1:7860",
    keys=(KEY,),
    evidence="official",
    limit=Limit(at_once=1, per_minute=600),
    free=True,
    key_optional=True,
    read_seconds=1800,  # nothing comes before the picture is done
    whole_seconds=7200,
)
CURRENT = "current"
"""The name of the model that leaves the server's choice alone."""
HEADERS = {"authorization": f"Basic ${KEY}|basic"}
MOST_BYTES = 64_000_000
OUT_OF_MEMORY = (b"OutOfMemory", b"out of memory")


def create(settings: Settings) -> HostedBackend:
    return create_own(settings, Automatic1111, ABOUT)


class Automatic1111(OwnServer):
    """The server's current model, or the checkpoints that the user lists."""

    def unlisted(self) -> Model:
        return self.all_round(CURRENT, "The server's current model")

    def before(self, wish: Wish) -> Sequence[Call]:
        lists = ("samplers",) if wish.name == CURRENT else ("samplers", "sd-models")
        return [self._call("GET", name) for name in lists]

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        lists = [_entries(answer) for answer in before] + [[], []]
        values: dict[str, Any] = {
            "prompt": wish.prompt,
            "negative_prompt": wish.negative_prompt,
            "batch_size": 1,
            "n_iter": 1,
            "send_images": True,
            "save_images": False,
        }
        values |= _numbers(wish) | self._sampler(wish, lists[0]) | self._checkpoint(wish, lists[1])
        values["force_task_id"] = f"studio-{stable_id(values)}"
        if wish.image is None:
            return self._call("POST", "txt2img", values)
        return self._call("POST", "img2img", values | _pictured(wish))

    def read(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        values = self.values_of(answer)
        info = _info(values.get("info"))
        seeds = [seed for seed in info.get("all_seeds") or () if isinstance(seed, int)]
        drawn = _drawn(values.get("images"), len(seeds), info.get("index_of_first_image"))
        if not drawn:
            raise Rejected(f"{self.about.title} sent no picture. Look at its own page or console, and try again.")
        made = [Made(data=text, seed=seeds[number] if number < len(seeds) else None) for number, text in enumerate(drawn)]
        told = {
            "checkpoint": info.get("sd_model_name"),
            "sampler": info.get("sampler_name"),
            "server": info.get("version"),
        }
        return Reply(
            made=tuple(made),
            request_id=str(info.get("job_timestamp") or ""),
            version=str(info.get("sd_model_hash") or ""),
            finish_reason="done",
            told={name: value for name, value in told.items() if value},
        )

    def cancel(self, ticket: Ticket | None) -> Call | None:
        """Stops whatever runs there: ours, since no more than one is sent at a time, unless others draw there too."""
        return self._call("POST", "interrupt", {})

    def test(self) -> Call | None:
        return self._call("GET", "sd-models")

    def read_test(self, answer: Answer) -> str:
        return f"The server answers. Its checkpoints: {some_of([_title(entry) for entry in _entries(answer)])}."

    def failure(self, answer: Answer) -> StudioError | None:
        title = self.about.title
        if answer.status == 401:
            return NotConfigured(
                f"{title} refused the login (401). Set {KEY} to user:password as the server was started with (--api-auth)."
            )
        if answer.status == 405 or (answer.status == 404 and b"Not Found" in answer.body):
            return NotConfigured(
                f"{title} has no API at {self.about.url} ({answer.status}). Start it with --api, and look at the url in "
                f"{self.file}: the studio itself may have taken that port."
            )
        if answer.status == 500 and any(words in answer.body for words in OUT_OF_MEMORY):
            return OutOfMemory(f"{title} ran out of memory.", "Choose a smaller size, or a smaller model there.")
        return super().failure(answer)

    @property
    def field_names(self) -> Mapping[str, str]:
        return {"sampler_index": "sampler", "init_images": "image", "override_settings": "model"}

    def _call(self, method: str, name: str, values: Any = None) -> Call:
        return Call(method=method, url=f"{self.about.url}/sdapi/v1/{name}", headers=HEADERS, json=values)

    def _sampler(self, wish: Wish, known: list[Mapping[str, Any]]) -> dict[str, Any]:
        """In the server's own way: one name, or a sampler and a schedule. Raises `InvalidRequest` if it has neither."""
        if wish.sampler is None:
            return {}
        names = [str(entry.get("name")) for entry in known]
        plain, schedule = split_sampler(wish.sampler)
        is_old = any(name.endswith(" Karras") for name in names)
        if is_old and wish.sampler in names:
            return {"sampler_name": wish.sampler}
        if names and (plain not in names or (is_old and schedule)):
            raise InvalidRequest(
                f"{self.about.title} has no sampler “{wish.sampler}”. Choose another one; it has: {some_of(names)}.",
                "sampler",
            )
        return {"sampler_name": plain, "scheduler": schedule or "Automatic"}

    def _checkpoint(self, wish: Wish, known: list[Mapping[str, Any]]) -> dict[str, Any]:
        """The checkpoint by the server's own title. Raises `InvalidRequest` if the server does not list it."""
        if wish.name == CURRENT:
            return {}
        title = next((_title(entry) for entry in known if wish.name in _names(entry)), "" if known else wish.name)
        if not title:
            names = some_of([_title(entry) for entry in known])
            raise InvalidRequest(
                f"{self.about.title} has no checkpoint “{wish.name}”. Correct its name in {self.file}; the server has: "
                f"{names}.", "model",
            )  # fmt: skip
        return {"override_settings": {"sd_model_checkpoint": title}, "override_settings_restore_afterwards": True}


def _numbers(wish: Wish) -> dict[str, Any]:
    """Size, steps, guidance and seed, as far as the model takes them."""
    size = wish.size
    values = {
        "width": size.width if size else None,
        "height": size.height if size else None,
        "steps": wish.steps,
        "cfg_scale": wish.guidance_scale,
        "seed": wish.seed,
    }
    return {name: value for name, value in values.items() if value is not None}


def _pictured(wish: Wish) -> dict[str, Any]:
    """The picture it starts from, what of it may change and how far."""
    if wish.image is None:
        return {}
    values: dict[str, Any] = {"init_images": [attached(wish.image, "base64", most=MOST_BYTES)], "resize_mode": 0}
    if wish.strength is not None:
        values["denoising_strength"] = wish.strength
    if wish.mask is None:
        return values
    return values | {
        "mask": white_is_edit(wish.mask, "base64"),
        "mask_blur": 0,
        "inpainting_fill": 1,
        "inpaint_full_res": False,
        "inpainting_mask_invert": 0,
    }


def _drawn(images: Any, count: int, first: Any) -> list[str]:
    """The pictures alone: without a grid before them and control maps behind. Where no seeds came, all of them."""
    texts = [text for text in images if isinstance(text, str)] if isinstance(images, list) else []
    if not count:
        return texts
    grids = 1 if count > 1 and len(texts) > count else 0
    start = first if isinstance(first, int) and 0 <= first <= len(texts) - count else grids
    return texts[start : start + count]


def _info(text: Any) -> dict[str, Any]:
    """`info` is JSON inside JSON; some forks send it plain."""
    try:
        values = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        values = None
    return values if isinstance(values, dict) else {}


def _entries(answer: Answer) -> list[Mapping[str, Any]]:
    """A list of what the server has; empty for an answer of another shape, and then nothing is checked."""
    values = json_of(answer)
    return [entry for entry in values if isinstance(entry, dict)] if isinstance(values, list) else []


def _title(entry: Mapping[str, Any]) -> str:
    return str(entry.get("title") or entry.get("model_name") or "")


def _names(entry: Mapping[str, Any]) -> set[str]:
    """All that a checkpoint goes by: its title with and without the hash, its name, its file, its hashes."""
    title = _title(entry)
    file = str(entry.get("filename") or "").replace("\\", "/").rpartition("/")[2]
    sha256 = str(entry.get("sha256") or "")
    named = (entry.get("model_name"), entry.get("hash"), file, title, title.rpartition(" [")[0], sha256, sha256[:10])
    return {str(name) for name in named if name}
