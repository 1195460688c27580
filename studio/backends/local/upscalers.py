"""Upscaling models from `models/upscalers/*.safetensors`: ESRGAN and Real-ESRGAN (Wang et al. 2018 and 2021, RRDBNet, in
the layouts of old and new checkpoints) and Real-ESRGAN's compact network. Their shapes are read from the weights.

Own code, because the library for it (spandrel) depends on torchvision. The scale is what the network gives.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.backends.local.tiles import Quilt, boxes, to_image, to_tensor
from studio.core.errors import NotConfigured
from studio.core.request import Size

FOLDER = "upscalers"
TILE, OVERLAP = 256, 32
"""Pixels of the small picture that the network sees at once."""
_WRAPPED = re.compile(r"^(?:params_ema|params|module)\.")


@dataclass(frozen=True, kw_only=True)
class Network:
    """A loaded upscaling model. `scale` is how many times as large its picture is."""

    name: str
    sha256: str
    scale: int
    run: Callable[[Any], Any]
    device: str


class Upscalers:
    """Those in the models folders, by file name without ending. The last used one stays loaded."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._loaded: tuple[Path, int, str, Network] | None = None

    def names(self) -> tuple[str, ...]:
        return tuple(self._files())

    def load(self, name: str, device: str) -> Network:
        """Raises `NotConfigured` with a sentence."""
        path = self._files().get(name)
        if path is None:
            raise NotConfigured(f"The upscaler “{name}” is not in models/{FOLDER}. Copy its .safetensors file there.")
        key = (path, path.stat().st_mtime_ns, device)
        if self._loaded is None or self._loaded[:3] != key:
            self._loaded = (*key, _load(path, device))
        return self._loaded[3]

    def _files(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for folder in self._folders:
            for path in sorted((folder / FOLDER).glob("*.safetensors")):
                if path.is_file() and not path.is_symlink():
                    found.setdefault(path.stem, path)
        return found


def enlarge(network: Network, image: Any, size: Size, check: Callable[[], None]) -> Any:
    """The picture in exactly `size`: once or more through the network, in tiles, then by Lanczos the rest of the way."""
    from PIL import Image

    for _ in range(max(1, math.ceil(math.log(size.width / image.width, network.scale) - 0.01)) if network.scale > 1 else 1):
        image = _once(network, image, check)
    wanted = (size.width, size.height)
    return image if image.size == wanted else image.resize(wanted, Image.Resampling.LANCZOS)


def _once(network: Network, image: Any, check: Callable[[], None]) -> Any:
    import torch

    values, scale, small = to_tensor(image), network.scale, Size(*image.size)
    quilt = Quilt(3, Size(small.width * scale, small.height * scale), OVERLAP * scale)
    with torch.inference_mode():
        for left, top, right, bottom in boxes(small, Size(TILE, TILE), OVERLAP):
            check()
            part = network.run(values[None, :, top:bottom, left:right].to(network.device))[0]
            quilt.lay((left * scale, top * scale, right * scale, bottom * scale), part)
    return to_image(quilt.whole())


def _load(path: Path, device: str) -> Network:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = {_WRAPPED.sub("", name): value.float() for name, value in load_file(path).items()}
        network = _network(state)
    except (SafetensorError, KeyError, ValueError, IndexError, RuntimeError) as error:
        raise NotConfigured(
            f"{path.name} is no upscaling model that the studio knows (ESRGAN, Real-ESRGAN and its compact one). "
            "Choose another file."
        ) from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    module, scale = network
    return Network(name=path.stem, sha256=digest, scale=scale, run=module.to(device).eval(), device=device)


def _network(state: Mapping[str, Any]) -> tuple[Any, int]:
    if "body.0.weight" in state and "conv_first.weight" not in state:
        return _compact(state)
    return _rrdb(_as_new(state))


def _as_new(state: Mapping[str, Any]) -> dict[str, Any]:
    """Names of the newest layout, whichever of the three the file has."""
    numbers = sorted({int(found[1]) for name in state if (found := re.match(r"model\.(\d+)\.(?:weight|bias)$", name))})
    ups = numbers[1:-2]
    places = {0: "conv_first", **{number: f"conv_up{place + 1}" for place, number in enumerate(ups)}}
    if numbers:
        places |= {numbers[-2]: "conv_hr", numbers[-1]: "conv_last"}
    renamed = {}
    for name, value in state.items():
        new = re.sub(r"^model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.", r"body.\1.rdb\2.conv\3.", name)
        new = re.sub(r"^RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2.", new)
        new = re.sub(r"^model\.1\.sub\.\d+\.(?=weight|bias)", "conv_body.", new)
        new = re.sub(r"^model\.(\d+)\.", lambda found: f"{places[int(found[1])]}.", new)
        new = (
            re.sub(r"^upconv(\d)\.", r"conv_up\1.", new).replace("trunk_conv.", "conv_body.").replace("HRconv.", "conv_hr.")
        )
        renamed[new] = value
    return renamed


def _rrdb(state: Mapping[str, Any]) -> tuple[Any, int]:
    from studio.backends.local.upscaling_nets import RRDBNet

    features, taken = state["conv_first.weight"].shape[:2]
    growth, given = state["body.0.rdb1.conv1.weight"].shape[0], state["conv_last.weight"].shape[0]
    blocks = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("body."))
    ups = sum(bool(re.fullmatch(r"conv_up\d\.weight", name)) for name in state)
    shuffle = math.isqrt(taken // given)
    module = RRDBNet(taken=taken, given=given, features=features, blocks=blocks, growth=growth, ups=ups, shuffle=shuffle)
    module.load_state_dict(state)
    return module, 2**ups // shuffle


def _compact(state: Mapping[str, Any]) -> tuple[Any, int]:
    from studio.backends.local.upscaling_nets import Compact

    last = max(int(name.split(".")[1]) for name in state)
    features, taken = state["body.0.weight"].shape[:2]
    scale = math.isqrt(state[f"body.{last}.weight"].shape[0] // taken)
    module = Compact(taken=taken, features=features, convolutions=(last - 2) // 2, scale=scale)
    module.load_state_dict(state)
    return module, scale
