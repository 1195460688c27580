"""A provider as a backend: wishes made from a request, carried out side by side, and put together again."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from studio.backends._hosted.errand import Errand, Got
from studio.backends._hosted.models import own_models
from studio.backends._hosted.pace import Pace
from studio.backends._hosted.pictures import framed, has_credentials
from studio.backends._hosted.provider import About, Provider, Wish
from studio.backends._hosted.tools import Counter, Tools
from studio.core.canvas import Ground
from studio.core.counting import TokenCount
from studio.core.errors import BackendError, Cancelled, InvalidRequest, Moderated, NotConfigured
from studio.core.hosting import KeyState, Limit
from studio.core.model import Model
from studio.core.ports import Watch
from studio.core.request import MAX_SEED, ImageRequest, Size
from studio.core.result import ImageResult, Picture
from studio.keys import Keys
from studio.preferences import PreferenceFile
from studio.settings import Settings
from studio.web import Door, is_loopback
from studio.web.patience import Waiting

AT_ONCE = 4
"""Pictures of one job that are asked for side by side."""
OWN_WORDS = ("url", "hosts", "at_once", "per_minute", "poll_seconds", "patience", "read_seconds", "title", "models")
"""What a file `<data>/providers/<name>.toml` may say of a known provider."""
Known = TypeVar("Known", bound=Provider)


def create_hosted(
    settings: Settings, provider: Callable[[About, Mapping[str, Any]], Provider], about: About
) -> HostedBackend:
    """The backend of a provider, with what the user's own file says of it. A faulty file is told when it is used."""
    path, fault, own = settings.data / "providers" / f"{about.name}.toml", "", {}
    try:
        own = read_own(path, OWN_WORDS)
        about = with_own(about, own)
    except InvalidRequest as error:
        fault = f"{path.name} cannot be used: {error}. Mend or delete it."
    return HostedBackend(provider(about, own), settings, fault)


def read_own(path: Path, words: Sequence[str]) -> dict[str, Any]:
    """The file's values, none if there is no file. Raises `InvalidRequest`, also for words that are not known."""
    try:
        own = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InvalidRequest(f"it is no TOML ({error})") from None
    if unknown := sorted(set(own) - set(words)):
        raise InvalidRequest(f"it has unknown words: {', '.join(unknown)}")
    return own


def with_own(about: About, own: Mapping[str, Any]) -> About:
    """Raises `InvalidRequest` for values of another kind and addresses that are not safe."""
    numbers, texts = ("poll_seconds", "patience", "read_seconds", "at_once", "per_minute"), ("url", "title")
    for name, kind in [*((name, int | float) for name in numbers), *((name, str) for name in texts)]:
        if name in own and (not isinstance(own[name], kind) or isinstance(own[name], bool)):
            raise InvalidRequest(f"{name} is of the wrong kind")
    if min(own.get("at_once", 1), own.get("per_minute", 1)) < 1:
        raise InvalidRequest("at_once and per_minute are numbers from 1 on")
    limit = Limit(
        at_once=int(own.get("at_once", about.limit.at_once)), per_minute=float(own.get("per_minute", about.limit.per_minute))
    )
    plain = {name: own[name] for name in (*numbers[:3], *texts) if name in own}
    url = str(plain.get("url", about.url)).rstrip("/")
    if not (url.startswith("https://") or is_loopback(url) or about.free):
        raise InvalidRequest("url must begin with https://")
    hosts = tuple(own.get("hosts", about.hosts))
    return replace(about, **{**plain, "url": url}, limit=limit, hosts=hosts)


class HostedBackend:
    """`studio.core.ports.Backend` around one provider."""

    hosted = True

    def __init__(self, provider: Provider, settings: Settings, fault: str = "") -> None:
        self.provider, self.about, self.name = provider, provider.about, provider.about.name
        self._fault, self._keys, self._preferences = fault, Keys(settings.data), PreferenceFile(settings)
        self._tools = Tools(
            provider=provider,
            door=Door(self._preferences.offline),
            pace=Pace(self.limit),
            keys=self._keys,
            preferences=self._preferences,
            in_the_air=Counter(),
        )

    @property
    def is_sending(self) -> bool:
        """Whether a paid call is in the air."""
        return self._tools.in_the_air.count > 0

    def limit(self) -> Limit:
        """The user's own limit, else the provider's documented one."""
        return self._preferences.get().limits.get(self.name, self.about.limit)

    def keys(self) -> tuple[KeyState, ...]:
        return tuple(self._keys.state(name) for name in self.about.keys)

    def unready(self) -> str:
        """A sentence while no call can be made."""
        about = self.about
        if self._fault:
            return self._fault
        if self._preferences.offline() and not is_loopback(about.url):
            return "The studio is switched offline. Switch it online in Settings, or choose a local model."
        missing = [key.name for key in self.keys() if not key.place]
        if missing and not about.key_optional:
            return f"{about.title} needs a key. Set it in Settings, or {' and '.join(missing)} in the environment."
        return ""

    def models(self) -> Sequence[Model]:
        try:
            found = [*self.provider.models(), *own_models(self.about, self.provider.own)]
        except InvalidRequest as error:
            self._fault, found = f"{self.name}.toml cannot be used: {error}. Mend or delete it.", [*self.provider.models()]
        unready, host = self.unready(), urlsplit(self.about.url).hostname or ""
        return [
            replace(
                model,
                backend=self.name,
                group=self.about.title,
                hosted=True,
                destination="" if is_loopback(self.about.url) else host,
                unready=model.unready or unready,
            )
            for model in found
        ]

    def problems(self) -> Sequence[str]:
        return [self._fault] if self._fault else []

    def count_encoders(self, model: Model, text: str) -> Sequence[TokenCount]:
        return ()

    def count_tokens(self, model: Model, text: str) -> int | None:
        return None

    def warm(self, model: Model) -> None:
        """Nothing is loaded here."""

    def test(self) -> str:
        """What one call that costs nothing says of the key. Raises a `StudioError`."""
        call = self.provider.test()
        if call is None:
            raise InvalidRequest(f"{self.about.title} has no call that costs nothing, so its key cannot be tested.")
        if missing := self.unready():
            raise NotConfigured(missing)
        answer = self._tools.ask(call, Waiting(check=lambda: None, delay=_too_long), billed=False)
        self._preferences.prove(self.name)
        return self.provider.read_test(answer)

    def generate(self, request: ImageRequest, model: Model, watch: Watch, ground: Ground | None = None) -> ImageResult:
        """Raises a `StudioError`. Pictures that came are noted, so that a retry asks for the missing ones only."""
        if missing := self.unready():
            raise NotConfigured(missing)
        wishes = self._wishes(request, model, ground)
        with ThreadPoolExecutor(max_workers=min(len(wishes), AT_ONCE)) as pool:
            begun = [pool.submit(self._carried_out, wish, watch, place) for place, wish in wishes.items()]
        got, notes = _gathered(begun)
        pictures = tuple(picture for each in got for picture in self._pictures(each, ground))
        notes += _size_notes(pictures, request, ground)
        return ImageResult(pictures=pictures, used=_used(got[0], model, self.about), notes=tuple(notes))

    def _carried_out(self, wish: Wish, watch: Watch, place: int) -> tuple[Wish, Got]:
        return wish, Errand(self._tools, wish, watch, watch.receipts.within(f"call-{place}")).run()

    def _wishes(self, request: ImageRequest, model: Model, ground: Ground | None) -> dict[int, Wish]:
        """By the number of their first picture: one call a picture, or several pictures a call where seeds do not matter."""
        kind, asked = request.task.kind, request.sampling
        takes = {
            name: model.takes(name, kind) for name in ("steps", "guidance_scale", "sampler", "seed", "strength", "size")
        }
        image, margins = (ground.image, ground.margins) if ground else (None, None)
        size = Size(*image.size) if image else request.task.size
        wish = Wish(
            model=model,
            task=kind,
            prompt=request.prompt if model.takes("prompt", kind) else "",
            negative_prompt=request.negative_prompt if model.takes("negative_prompt", kind) else "",
            size=size,
            steps=asked.steps if takes["steps"] else None,
            guidance_scale=asked.guidance_scale if takes["guidance_scale"] else None,
            sampler=asked.sampler if takes["sampler"] else None,
            strength=ground.strength if ground and takes["strength"] else None,
            image=image if margins is None or image is None else _without(image, margins),
            mask=ground.mask if ground else None,
            margins=margins,
            options=request.options,
        )
        most = 1 if takes["seed"] else self.provider.most_at_once(model)
        seeds = [((asked.seed or 0) + place) % (MAX_SEED + 1) for place in range(request.count)]
        return {
            place: replace(wish, count=min(most, request.count - place), seed=seeds[place] if takes["seed"] else None)
            for place in range(0, request.count, most)
        }

    def _pictures(self, got: tuple[Wish, Got], ground: Ground | None) -> list[Picture]:
        wish, brought = got
        pictures = []
        for number, (image, data, made) in enumerate(brought.pictures):
            seed = made.seed if made.seed is not None and 0 <= made.seed <= MAX_SEED else wish.seed
            facts = {
                **brought.facts,
                "seed_returned": made.seed,
                "bytes": len(data),
                "received": f"{image.width}x{image.height}",
            }
            if made.moderation != "unknown":
                facts["moderation"] = made.moderation
            original = data if has_credentials(data) else None
            drawn = _fitting(image, wish, ground)
            pictures.append(Picture(image=drawn, seed=(seed or 0) + (number if made.seed is None else 0), original=original,
                                    facts={"hosted": facts}))  # fmt: skip
        return pictures


def _fitting(image: Any, wish: Wish, ground: Ground | None) -> Any:
    """RGB; a drawing on a ground comes back in the ground's shape, whatever shape the provider has."""
    plain = image.convert("RGB")
    if ground is None or ground.mask is None or wish.image is None:
        return plain
    across = (plain.width / plain.height) / (ground.image.width / ground.image.height)
    if 0.98 < across < 1.02:
        return plain
    return framed(ground.image, None, Size(*plain.size)).cut(plain, ground.image.size)


def _without(image: Any, margins: tuple[int, int, int, int]) -> Any:
    left, right, up, down = margins
    return image.crop((left, up, image.width - right, image.height - down))


def _gathered(begun: Sequence[Future[tuple[Wish, Got]]]) -> tuple[list[tuple[Wish, Got]], list[str]]:
    """What came, in order. A picture that was withheld is a note where others came; anything else is an error."""
    got, notes, failed = [], [], []
    for number, each in enumerate(begun, 1):
        error = each.exception()
        if error is None:
            got.append(each.result())
        elif isinstance(error, Moderated):
            notes.append(f"picture {number} was withheld: {error}")
            failed.append(error)
        else:
            failed.append(error)  # type: ignore[arg-type]
    hard = [error for error in failed if not isinstance(error, Moderated)]
    worst = next(
        (error for error in hard if isinstance(error, Cancelled)), next(iter(hard or (() if got else failed)), None)
    )
    if worst is not None:
        if got and isinstance(worst, BackendError):
            worst.args = (f"{worst} The other pictures are kept for the retry: {len(got)} of {len(begun)} came.",)
        raise worst
    return got, notes


def _used(got: tuple[Wish, Got], model: Model, about: About) -> dict[str, Any]:
    """What really ran, as far as the provider tells."""
    wish, brought = got
    values = {"steps": wish.steps, "guidance_scale": wish.guidance_scale, "sampler": wish.sampler, "strength": wish.strength}
    return {
        "model": model.title,
        "provider": about.title,
        "device": f"hosted by {about.title}",
        "version": brought.reply.version,
        "seed": wish.seed,
        "seconds": brought.seconds,
        **{name: value for name, value in values.items() if value is not None},
    }


def _size_notes(pictures: tuple[Picture, ...], request: ImageRequest, ground: Ground | None) -> list[str]:
    asked = request.task.size
    if ground is not None or asked is None:
        return []
    sizes = {picture.image.size for picture in pictures} - {(asked.width, asked.height)}
    return [f"the provider drew {width}x{height} where {asked} was asked for" for width, height in sorted(sizes)]


def _too_long(until: float, why: str) -> None:
    raise BackendError(f"{why} Try again in a while.")
