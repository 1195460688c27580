"""Everything a picture depends on, in one frozen value that any process can rebuild from JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, ClassVar, Literal

from studio.core.errors import InvalidRequest

_SHA256 = re.compile("[0-9a-f]{64}")
MAX_SEED = 2**32 - 2
"""AUTOMATIC1111's largest seed; JavaScript readers lose precision far above it."""


Resize = Literal["crop", "pad", "stretch"]
Fill = Literal["original", "neighbours", "noise", "blank"]
Area = Literal["whole", "masked"]
RESIZES: tuple[Resize, ...] = ("crop", "pad", "stretch")
FILLS: tuple[Fill, ...] = ("original", "neighbours", "noise", "blank")
AREAS: tuple[Area, ...] = ("whole", "masked")


@dataclass(frozen=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read `768x512`, `768 × 512` or `768` (a square)."""
        parts = text.lower().replace("×", "x").split("x")
        try:
            numbers = [int(part) for part in parts]
        except ValueError:
            numbers = []
        if len(numbers) == 1:
            numbers *= 2
        if len(numbers) != 2 or min(numbers) < 1:
            raise InvalidRequest(f"“{text}” is not a size. Write it as 512x512.", "size")
        return cls(*numbers)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A picture or mask that a task starts from: kept bytes, named by the SHA-256 of their file.

    Width and height are pixels of the upright picture (EXIF applied). `record` is the kept picture whose file it is, ""
    for one from elsewhere; `name` is its file name.
    """

    sha256: str
    width: int
    height: int
    name: str = ""
    record: str = ""

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)


@dataclass(frozen=True)
class TextToImage:
    """Make a picture of `size` from words alone; None takes the model's best size."""

    kind: ClassVar[str] = "text-to-image"
    size: Size | None = None


@dataclass(frozen=True, kw_only=True)
class ImageToImage:
    """Draw `image` anew as the words say. `strength` above 0 and up to 1: how much of it may change.

    `size` None keeps its own size, or its proportions at an area the model draws well; `resize` says what happens where
    the proportions differ. `sketch` is a see-through picture laid over the image first, stretched to it.
    """

    kind: ClassVar[str] = "image-to-image"
    image: Source
    strength: float = 0.6
    size: Size | None = None
    resize: Resize = "crop"
    sketch: Source | None = None


@dataclass(frozen=True, kw_only=True)
class Inpaint:
    """Draw what `mask` covers anew (mode L, 255 = edit); outside of it no byte changes.

    In order: holes filled if `fill_holes`, the mask grown by `grow` pixels of the image (negative shrinks), then softened
    `feather` pixels outwards. `fill` is what the masked part starts from. `area` "masked" works on the mask's surroundings
    alone, `padding` pixels around it. `soft`: grey values of the mask are partial strengths (Levin & Fried 2023).
    """

    kind: ClassVar[str] = "inpaint"
    image: Source
    mask: Source
    strength: float = 1.0
    fill: Fill = "original"
    area: Area = "masked"
    padding: int = 32
    grow: int = 0
    feather: int = 4
    fill_holes: bool = False
    soft: bool = False
    match_colour: bool = False

    @property
    def size(self) -> Size:
        return self.image.size


@dataclass(frozen=True, kw_only=True)
class Outpaint:
    """Extend `image` by pixels of its own on each side; only `overlap` pixels of it beside a new part may change.

    `feather` pixels, at most the overlap, blend the old part into the new one.
    """

    kind: ClassVar[str] = "outpaint"
    image: Source
    left: int = 0
    right: int = 0
    up: int = 0
    down: int = 0
    strength: float = 1.0
    fill: Fill = "neighbours"
    overlap: int = 16
    feather: int = 12
    match_colour: bool = False

    @property
    def size(self) -> Size:
        return Size(self.image.width + self.left + self.right, self.image.height + self.up + self.down)


Task = TextToImage | ImageToImage | Inpaint | Outpaint
TASKS: dict[str, type[Task]] = {task.kind: task for task in (TextToImage, ImageToImage, Inpaint, Outpaint)}


def sources(task: Task) -> dict[str, Source]:
    """The pictures a task itself starts from, by field name; `image` is the one its results descend from."""
    found = {name: getattr(task, name) for name in ("image", "mask", "sketch") if hasattr(task, name)}
    return {name: source for name, source in found.items() if source is not None}


@dataclass(frozen=True, kw_only=True)
class Variation:
    """A step from the noise that a seed gives towards that of another one, along the sphere both lie on.

    `strength` 0..1: 0 stays where it is, 1 is the other seed. (Shoemake 1985; AUTOMATIC1111 calls it subseed.)
    """

    seed: int
    strength: float


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the denoiser runs. None means "the model's default" and is resolved by `adapt`.

    steps 1..500; guidance_scale 0..100 (1 or less turns classifier-free guidance off, Ho & Salimans 2022);
    seed 0..MAX_SEED, picture i of a request uses seed + i; sampler is a name creators know ("DPM++ 2M Karras").
    With `variations`, each a step on from the one before, all pictures share the seed and the last one's counts up.
    """

    steps: int | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    sampler: str | None = None
    variations: tuple[Variation, ...] = ()

    def of_picture(self, index: int) -> Sampling:
        """That of picture number `index` alone."""
        if not self.variations:
            return replace(self, seed=(self.seed or 0) + index)
        *before, last = self.variations
        return replace(self, variations=(*before, replace(last, seed=last.seed + index)))


AdapterKind = Literal["lora", "textual-inversion", "controlnet", "ip-adapter", "vae"]
ADAPTERS: tuple[AdapterKind, ...] = ("lora", "textual-inversion", "controlnet", "ip-adapter", "vae")


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """Something small that is put onto a model for one request. `name` is its file's or folder's name without the ending.

    `weight` -2..2 for a LoRA, 0..2 for a ControlNet or an IP-Adapter, no effect for the others. ControlNet and IP-Adapter
    take an `image`; `preprocessor` makes the control picture of it ("canny", "lineart", …; "" takes it as it is). `start`
    and `end` are the part of the steps, 0..1, in which a ControlNet holds.
    """

    kind: AdapterKind
    name: str
    weight: float = 1.0
    image: Source | None = None
    preprocessor: str = ""
    start: float = 0.0
    end: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Hires:
    """A second pass: the picture is made `scale` times as large (above 1, up to 4) by `upscaler`, then drawn over.

    `upscaler` is "latent", "lanczos" or the name of an upscaling model. `strength` 0..1: how much the second pass may
    change (0: only upscaled); `steps` None takes those of the first pass.
    """

    scale: float = 2.0
    upscaler: str = "lanczos"
    strength: float = 0.4
    steps: int | None = None


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """One wish for `count` pictures. `options` holds what only one backend understands.

    `template` is the prompt as it was typed where wildcards, `{a|b}` or `styles` made another one of it, `choices` what was
    chosen, in order; `negative_template` the negative one as it was typed, where there are styles. `again` is the picture
    that this request repeats: the same everything, to see whether the same comes of it.
    `preset_version` and `prompt_version` are set when it is queued (`studio.core.preset.versioned`).
    `user` is who asked; without `user_in_file` the name stands in the library alone and in no file.
    """

    model: str
    prompt: str
    task: Task = field(default_factory=TextToImage)
    negative_prompt: str = ""
    count: int = 1
    sampling: Sampling = field(default_factory=Sampling)
    options: Mapping[str, Any] = field(default_factory=dict)
    preset: str = ""
    preset_version: int = 0
    prompt_version: str = ""
    adapters: tuple[Adapter, ...] = ()
    hires: Hires | None = None
    template: str = ""
    choices: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    negative_template: str = ""
    again: Source | None = None
    user: str = ""
    user_in_file: bool = True


def all_sources(request: ImageRequest) -> dict[str, Source]:
    """Every picture that a request needs, its adapters' under `adapter_0` and so on."""
    others = {f"adapter_{place}": each.image for place, each in enumerate(request.adapters) if each.image}
    return {**sources(request.task), **others}


def without_words(request: ImageRequest) -> ImageRequest:
    """The same with nothing in it that tells what the picture shows."""
    return replace(
        request, prompt="", negative_prompt="", template="", negative_template="", choices=(), styles=(), prompt_version=""
    )


def request_to_json(request: ImageRequest) -> dict[str, Any]:
    """The request as JSON-ready values; `request_from_json` is its inverse."""
    values = asdict(request)
    values["task"] = {"kind": request.task.kind, **values["task"]}
    values["options"] = dict(request.options)
    if not request.sampling.variations:
        del values["sampling"]["variations"]
    return values


def request_from_json(values: Mapping[str, Any]) -> ImageRequest:
    """Rebuild a request; unknown keys are ignored so that an older studio reads a newer file."""
    known = {name: values[name] for name in ImageRequest.__dataclass_fields__ if name in values}
    known["task"] = _task_from_json(values.get("task") or {})
    known["sampling"] = _sampling_from_json(values.get("sampling") or {})
    known["adapters"] = tuple(_adapter_from_json(each) for each in values.get("adapters") or ())
    known["hires"] = Hires(**_known(Hires, values["hires"])) if values.get("hires") else None
    for name in ("choices", "styles"):
        known[name] = tuple(str(each) for each in values.get(name) or ())
    known["again"] = source_from_json(values["again"]) if values.get("again") else None
    return ImageRequest(**known)


def _known(kind: type[Adapter] | type[Hires], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in (each.name for each in fields(kind)) if values.get(name) is not None}


def _sampling_from_json(values: Mapping[str, Any]) -> Sampling:
    plain = {name: values.get(name) for name in Sampling.__dataclass_fields__ if name != "variations"}
    told = [(int(each["seed"]), float(each["strength"])) for each in values.get("variations") or ()]
    return Sampling(**plain, variations=tuple(Variation(seed=seed, strength=strength) for seed, strength in told))


def _adapter_from_json(values: Mapping[str, Any]) -> Adapter:
    known = _known(Adapter, values)
    if "image" in known:
        known["image"] = source_from_json(known["image"])
    return Adapter(**known)


def _task_from_json(values: Mapping[str, Any]) -> Task:
    kind = values.get("kind", TextToImage.kind)
    if kind not in TASKS:
        raise InvalidRequest(f"This version of the studio does not know the task “{kind}”. Update the studio.")
    known = {name: values[name] for name in (each.name for each in fields(TASKS[kind])) if values.get(name) is not None}
    if "size" in known:
        known["size"] = Size(int(known["size"]["width"]), int(known["size"]["height"]))
    for name in ("image", "mask", "sketch"):
        if name in known:
            known[name] = source_from_json(known[name])
    return TASKS[kind](**known)


def source_from_json(values: Mapping[str, Any]) -> Source:
    """Rebuild a source; raises KeyError, TypeError or ValueError for what is none."""
    texts = {name: str(values.get(name, "")) for name in ("name", "record")}
    sha256 = str(values["sha256"])
    if not _SHA256.fullmatch(sha256):
        raise ValueError("a picture's SHA-256 is 64 hexadecimal digits")
    return Source(sha256=sha256, width=int(values["width"]), height=int(values["height"]), **texts)
