"""The adapters of a form: choose from what fits the model, set weights, give ControlNets and IP-Adapters their pictures.

A `gr.HTML` with a script of its own (`wardrobe.js`); its value is what the form's draft keeps (`studio.ui.worn`).
"""

from __future__ import annotations

import base64
import io
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from studio.core.adapters import PICTURED, RANGES, TITLES, Offer
from studio.core.errors import StudioError
from studio.core.evidence import Reading
from studio.core.model import Model
from studio.core.opening import open_picture
from studio.core.request import Source, source_from_json
from studio.engine.controls import preview
from studio.ui import worn
from studio.ui.easel import uploaded
from studio.ui.form import named
from studio.ui.pictures import url
from studio.ui.ports import Studio

HERE = Path(__file__).parent
FRESH = 2.0
"""Seconds for which one look at the folders serves a form."""
PREVIEW_SIDE = 360
WORKED_ON = 1024
NOT_YET = "This control picture is made when the picture is drawn."


class Wardrobe:
    """The adapters of one tab. What is chosen is the form's; here is what there is to choose from."""

    def __init__(self, studio: Studio, tab: str) -> None:
        self._studio, self._tab = studio, tab
        self._offers: list[Offer] = []
        self._looked = 0.0

    def offers(self) -> list[Offer]:
        if time.monotonic() - self._looked > FRESH:
            self._offers, self._looked = self._studio.adapters(), time.monotonic()
        return self._offers

    def field(self, value: list[dict[str, Any]], model: Model) -> Any:
        """The component, showing what is chosen."""

        def take(file: dict[str, str]) -> dict[str, Any]:
            return self.take(str(file.get("path", "")), str(file.get("name", "")))

        def look(asked: dict[str, Any]) -> dict[str, str]:
            return self.look(asked)

        def offered(id: str) -> dict[str, Any]:
            return self.offered(id)

        chosen = self._with_pictures(value)
        return gr.HTML(
            chosen,
            html_template=(HERE / "wardrobe.html").read_text("utf-8"),
            js_on_load=(HERE / "wardrobe.js").read_text("utf-8"),
            server_functions=[take, look, offered],
            apply_default_css=False,
            tab=self._tab,
            worn=chosen,
            ranges=dict(RANGES),
            titles=dict(TITLES),
            turn=secrets.token_hex(4),
            **self._told(model),
            **named(self._tab, "adapters"),
        )

    def update(self, changed: Mapping[str, Any], model: Model) -> Any:
        """What the component is to show for this model, and what is chosen if that has changed."""
        if "adapters" not in changed:
            return gr.update(**self._told(model)) if "model" in changed else gr.skip()
        chosen = self._with_pictures(changed["adapters"])
        return gr.update(value=chosen, worn=chosen, turn=secrets.token_hex(4), **self._told(model))

    def of_reading(self, reading: Reading, model: Model, told: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """What changes in a form with the adapters that a file names, and sentences on those that cannot be used here."""
        prompts = (str(told.get("prompt", "")), str(told.get("negative_prompt", "")))
        if not model.adapters or not reading.worn:
            return {"adapters": []}, []
        found, bare, notes = worn.from_worn(
            reading.worn, prompts, model, self.offers(), by_hash=self._studio.adapter_with_hash
        )
        changed = {name: text for name, text in zip(("prompt", "negative_prompt"), bare, strict=True) if name in told}
        return {**changed, "adapters": found}, notes

    def offered(self, id: str) -> dict[str, Any]:
        """What fits a model now; a file that was just copied in is there."""
        model = next((model for model in self._studio.models() if model.id == id), None)
        return self._told(model) if model else {}

    def take(self, path: str, name: str) -> dict[str, Any]:
        """Keep an uploaded picture for an adapter."""
        try:
            image = self._studio.add_source(uploaded(path), Path(name).name[:200])
        except StudioError as error:
            return {"problem": str(error)}
        return {"image": asdict(image), "src": self._src(image)}

    def look(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """What a preprocessor makes of a picture, small; or why that cannot be seen yet."""
        try:
            source = source_from_json(asked["image"])
            picture = open_picture(self._studio.read_source(source), source.name or "the picture")
        except (StudioError, KeyError, TypeError, ValueError) as error:
            return {"problem": str(error) if isinstance(error, StudioError) else "Choose the picture again."}
        picture.thumbnail((WORKED_ON, WORKED_ON))
        made = preview(picture, str(asked.get("preprocessor") or ""))
        if made is None:
            return {"note": NOT_YET}
        made.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        file = io.BytesIO()
        made.save(file, "PNG")
        return {"src": f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"}

    def _told(self, model: Model) -> dict[str, Any]:
        fitting = [offer for offer in self.offers() if model.id in offer.models] if model.adapters else []
        return {
            "model": model.id,
            "kinds": list(model.adapters),
            "pictured": list(PICTURED),
            "offers": [
                {"kind": offer.kind, "name": offer.name, "triggers": list(offer.triggers),
                 "preprocessors": list(offer.preprocessors)}
                for offer in fitting
            ],
        }  # fmt: skip

    def _with_pictures(self, value: Any) -> list[dict[str, Any]]:
        """The form's adapters with the places where their pictures lie."""
        return [{**entry, "src": self._src_of(entry.get("image"))} for entry in value or () if isinstance(entry, dict)]

    def _src_of(self, image: Any) -> str:
        with suppress(KeyError, TypeError, ValueError):
            return self._src(source_from_json(image)) if image else ""
        return ""

    def _src(self, image: Source) -> str:
        path = self._studio.source_path(image)
        return url(path) if path else ""
