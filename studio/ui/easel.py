"""The easel: our own small canvas on which pictures are chosen, masked, sketched on or framed.

It is a `gr.HTML` with a script of its own (`easel.js`, `easel_tools.js`). What stands on it is kept on the studio's
side with the form drafts, so that picture and paint survive a reload and a restart. Whatever the page sends is untrusted.
"""

from __future__ import annotations

import base64
import binascii
import io
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image

from studio.core.errors import InvalidRequest, StudioError
from studio.core.opening import header, read_mask
from studio.core.request import Size, Source, source_from_json
from studio.ui.pictures import url
from studio.ui.ports import Studio

Mode = Literal["sketch", "mask", "frame"]
HERE = Path(__file__).parent
MAX_LAYER = 16_000_000
"""Bytes of a painted layer as PNG."""
MAX_SIDE = 4096
"""Pixels of a layer's longer side; a larger picture is painted on a smaller layer, which is scaled up."""
MAX_PICTURES = 500
_PREFIX = "data:image/png;base64,"


class Easel:
    """The easel of one tab. No state of its own: everything is read from the drafts."""

    def __init__(self, studio: Studio, name: str, mode: Mode) -> None:
        self._studio, self._draft = studio, f"{name}:easel"
        self._name, self._mode = name, mode
        self.component = self._component()

    def images(self) -> tuple[Source, ...]:
        """The chosen picture, or all of a chosen folder."""
        found = []
        for values in self._kept().get("images", []):
            with suppress(AttributeError, KeyError, TypeError, ValueError):
                found.append(source_from_json(values))
        return tuple(found)

    def image(self) -> Source | None:
        return next(iter(self.images()), None)

    def layer(self) -> bytes | None:
        """What is painted, as a PNG with transparency; None if nothing is."""
        kept = self._kept().get("layer")
        return base64.b64decode(kept) if kept else None

    def put(self, image: Source | None, layer: bytes | None = None) -> Any:
        """Show a picture with what is painted on it, and return what the component is to show."""
        self._keep([image] if image else [], layer)
        return self.shown()

    def shown(self) -> Any:
        """The component's update that shows what is kept."""
        return gr.update(**self._props())

    def frame(self, added: Mapping[str, int], note: str = "") -> Any:
        """The component's update that shows the margins of an outpaint."""
        return gr.update(frame={**added, "note": note, "turn": secrets.token_hex(4)})

    def take(self, paths: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
        """Keep uploaded pictures in place of what was there; sentences for those that cannot be used."""
        images, problems = [], []
        for path, name in zip(paths[:MAX_PICTURES], names, strict=False):
            try:
                images.append(self._studio.add_source(uploaded(str(path)), Path(str(name)).name[:200]))
            except StudioError as error:
                problems.append(str(error))
        if len(paths) > MAX_PICTURES:
            problems.append(f"A folder may hold {MAX_PICTURES} pictures; the rest was left out.")
        if images:
            self._keep(images, None)
        return {**self._props(), "problems": problems}

    def paint(self, data: str) -> dict[str, str]:
        """Keep the painted layer, a PNG as data URL; empty for none."""
        try:
            layer = _layer(data) if data else None
            self._keep(list(self.images()), layer)
        except StudioError as error:
            return {"problem": str(error)}
        return {}

    def mask_in(self, path: str) -> dict[str, str]:
        """An uploaded mask of any kind and size as a layer for the canvas: white with transparency, as data URL."""
        image = self.image()
        try:
            if image is None:
                raise InvalidRequest("There is no picture yet. Choose the picture first, then its mask.")
            scale = min(1.0, MAX_SIDE / max(image.width, image.height))
            size = Size(max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            mask = read_mask(uploaded(path), size)
        except StudioError as error:
            return {"problem": str(error)}
        return {"layer": _data_url(as_layer(mask))}

    def clear(self) -> dict[str, Any]:
        """Take the picture off the easel."""
        self._keep([], None)
        return self._props()

    def _component(self) -> Any:
        def take(files: dict[str, list[str]]) -> dict[str, Any]:
            return self.take(files.get("paths", []), files.get("names", []))

        def paint(data: str) -> dict[str, str]:
            return self.paint(data)

        def mask_in(path: str) -> dict[str, str]:
            return self.mask_in(path)

        def clear(_: object) -> dict[str, Any]:
            return self.clear()

        return gr.HTML(
            html_template=(HERE / "easel.html").read_text("utf-8"),
            js_on_load="\n".join((HERE / script).read_text("utf-8") for script in ("easel.js", "easel_tools.js")),
            server_functions=[take, paint, mask_in, clear],
            apply_default_css=False,
            elem_id=f"easel-{self._name}",
            elem_classes=["easel"],
            render=False,
            name=self._name,
            mode=self._mode,
            frame={},
            **self._props(),
        )

    def _props(self) -> dict[str, Any]:
        images, kept = self.images(), self._kept()
        pictures = [_entry(image, self._studio.source_path(image)) for image in images]
        layer = kept.get("layer") or ""
        return {"pictures": pictures, "layer": _PREFIX + layer if layer else "", "turn": secrets.token_hex(4)}

    def _kept(self) -> dict[str, Any]:
        return self._studio.load_draft(self._draft)

    def _keep(self, images: Sequence[Source], layer: bytes | None) -> None:
        coded = base64.b64encode(layer).decode() if layer else ""
        self._studio.save_draft(self._draft, {"images": [asdict(image) for image in images], "layer": coded})


def as_layer(mask: Image.Image) -> bytes:
    """A mask (mode L) as a layer for the canvas: a white PNG whose transparency it is."""
    painted = Image.new("RGBA", mask.size, "white")
    painted.putalpha(mask)
    return _png(painted)


def _entry(image: Source, path: Path | None) -> dict[str, Any]:
    return {"src": url(path) if path else "", "width": image.width, "height": image.height, "name": image.name}


def uploaded(path: str) -> bytes:
    """The bytes of a file in the upload folder, which is then removed; any other path is refused."""
    folder, file = Path(get_upload_folder()).resolve(), Path(path).resolve()
    if not file.is_relative_to(folder) or not file.is_file():
        raise InvalidRequest("That file did not arrive. Choose it again.")
    data = file.read_bytes()
    file.unlink(missing_ok=True)
    return data


def _layer(data: str) -> bytes | None:
    """The PNG of a data URL, checked; None if nothing is painted on it."""
    if not data.startswith(_PREFIX) or len(data) > MAX_LAYER * 4 // 3 + len(_PREFIX):
        raise InvalidRequest("What is painted is too large to be kept. Clear it and paint less.")
    try:
        layer = base64.b64decode(data[len(_PREFIX) :], validate=True)
    except binascii.Error:
        raise InvalidRequest("What is painted arrived damaged. Paint once more.") from None
    kind, size = header(layer, "What is painted", limit=MAX_SIDE * MAX_SIDE)
    if kind != "PNG" or max(size.width, size.height) > MAX_SIDE:
        raise InvalidRequest("What is painted is no PNG of at most 4096 pixels. Reload the page.")
    with Image.open(io.BytesIO(layer)) as image:
        alpha = image.getchannel("A") if "A" in image.getbands() else image.convert("L")
        return layer if alpha.getbbox() else None


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _data_url(data: bytes) -> str:
    return _PREFIX + base64.b64encode(data).decode()
