"""Text to image: the form, and what its buttons do. Events answer at once; the desk shows what comes of them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from html import escape
from typing import Any

import gradio as gr

from studio.core.errors import InvalidRequest, StudioError
from studio.core.model import Model
from studio.core.preset import Preset
from studio.core.request import Size
from studio.ui import form, values
from studio.ui.pictures import url
from studio.ui.sizes import fit
from studio.ui.tabs import Page
from studio.ui.values import LOCKED, Values

TITLE, PLACE, NAME = "Text to image", 10, "text-to-image"
QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""For every event: no queue of Gradio's, no overlay, no public endpoint."""

Inputs = Mapping[Any, Any]
Updates = dict[Any, Any]


def build(page: Page) -> None:
    """Lay the tab out and wire it."""
    TextToImage(page).wire()


class TextToImage:
    """The tab's fields and its handlers; no state of its own."""

    def __init__(self, page: Page) -> None:
        self._page, self._studio = page, page.studio
        models = self._studio.models()
        draft = values.from_draft(self._studio.load_draft(NAME), models)
        self._lay_out(draft, models, values.model_of(draft["model"], models))

    def _lay_out(self, draft: Values, models: list[Model], model: Model) -> None:
        with gr.Column(elem_id="fields"):
            fields: form.Fields = {"prompt": form.prompt_field(draft["prompt"])}
            self._tokens = gr.HTML(self._count(draft, model), elem_id="tokens")
            gr.HTML(_cards(self._studio.presets()), elem_id="presets")
            fields["model"] = form.model_field(models, model)
            fields |= form.size_fields(draft, model)
            with gr.Column(elem_id="more", elem_classes="advanced"):
                fields["negative_prompt"] = form.negative_field(draft["negative_prompt"], model)
                fields |= form.sampling_fields(draft, model)
                fields |= form.seed_fields(draft)
        with gr.Row(elem_id="actions"):
            fields["advanced"] = gr.Checkbox(draft["advanced"], label="Advanced", elem_id="advanced")
            gr.Button("Cancel", elem_id="cancel", min_width=70, interactive=False)
            self._generate = gr.Button("Generate", variant="primary", elem_id="generate", min_width=120)
        self._swap, self._last = fields.pop("swap"), fields.pop("last_seed")
        self._fields = fields | {"preset": gr.State(draft["preset"])}

    def wire(self) -> None:
        """Connect the events. Inputs are sets, so that every handler gets a dict."""
        inputs, outputs = set(self._fields.values()), [*self._fields.values(), self._tokens]
        view, fields = self._page.view, self._fields
        self._generate.click(self._submit, inputs, view, **QUICK, trigger_mode="multiple")
        view.input(self._keep, inputs, self._tokens, **QUICK, trigger_mode="always_last")
        view.select(self._choose, inputs, outputs, **QUICK)
        fields["model"].select(self._take_model, inputs, outputs, **QUICK)
        fields["shape"].input(self._take_shape, inputs, outputs, **QUICK)
        gr.on([fields["width"].input, fields["height"].input], self._take_size, inputs, fields["shape"], **QUICK)
        self._swap.click(self._swap_sides, inputs, outputs, **QUICK)
        self._last.click(self._use_last_seed, inputs, outputs, **QUICK)
        fields["seed_mode"].input(self._lock_seed, inputs, outputs, **QUICK)
        fields["seed"].input(lambda: LOCKED, None, fields["seed_mode"], **QUICK)
        self._page.load(self._restore, None, [*outputs, view], **QUICK)

    def _read(self, inputs: Inputs) -> tuple[Values, Model]:
        read = {name: inputs.get(field) for name, field in self._fields.items()}
        return read, values.model_of(read["model"], self._studio.models())

    def _submit(self, inputs: Inputs) -> Any:
        """Queue what the form asks for. What is wrong with it comes back as a sentence beside its field."""
        read, model = self._read(inputs)
        notice: dict[str, Any] = {"turn": secrets.token_hex(4)}
        self._save(read)
        try:
            notice["job"] = self._studio.submit(values.to_request(read, model)).id
        except InvalidRequest as error:
            notice["problem"] = {"field": error.field, "message": str(error)}
        except StudioError as error:
            notice["problem"] = {"field": "", "message": str(error)}
        self._page.desk.touch()
        return gr.HTML(notice=notice)

    def _keep(self, inputs: Inputs) -> str:
        read, model = self._read(inputs)
        self._save(read)
        return self._count(read, model)

    def _save(self, read: Values) -> None:
        """Keep the form. One that is too large to be kept is told so when it is submitted."""
        with suppress(StudioError):
            self._studio.save_draft(NAME, read)

    def _restore(self) -> Updates:
        models = self._studio.models()
        draft = values.from_draft(self._studio.load_draft(NAME), models)
        changes = self._updates(draft, values.model_of(draft["model"], models), draft)
        changes[self._fields["model"]] = gr.update(choices=form.model_choices(models), value=draft["model"])
        return {**changes, self._page.view: gr.HTML(notice={"turn": secrets.token_hex(4), "restored": True})}

    def _choose(self, inputs: Inputs, event: gr.EventData) -> Updates:
        """A preset's card, or “reuse” at a picture."""
        read, _ = self._read(inputs)
        models, what = self._studio.models(), event._data
        preset = next((preset for preset in self._studio.presets() if preset.name == what.get("preset")), None)
        record = self._studio.record(str(what.get("reuse") or what.get("seed") or ""))
        if preset:
            changed = values.from_preset(preset, read, models)
        elif record and what.get("reuse"):
            changed = values.from_request(record.request, models, record.seed)
        else:
            changed = {"seed_mode": LOCKED, "seed": record.seed} if record else {}
        return self._change(read, changed, values.model_of(changed.get("model", read["model"]), models))

    def _take_model(self, inputs: Inputs) -> Updates:
        read, model = self._read(inputs)
        size = fit(read["shape"], model) if read["shape"] else model.default_size
        changed = {**values.model_values(model), **values.size_values(size, model)}
        if (read["count"] or 1) > model.max_count:
            changed["count"] = model.max_count
        return self._change(read, changed, model)

    def _take_shape(self, inputs: Inputs) -> Updates:
        read, model = self._read(inputs)
        return self._change(read, values.size_values(fit(read["shape"], model), model), model)

    def _take_size(self, inputs: Inputs) -> str | None:
        read, model = self._read(inputs)
        return str(values.size_values(Size(read["width"] or 0, read["height"] or 0), model)["shape"] or "") or None

    def _swap_sides(self, inputs: Inputs) -> Updates:
        read, model = self._read(inputs)
        return self._change(read, values.size_values(Size(read["height"] or 0, read["width"] or 0), model), model)

    def _lock_seed(self, inputs: Inputs) -> Updates:
        """Locking an empty seed locks the one of the newest picture."""
        read, model = self._read(inputs)
        wanted = read["seed_mode"] == LOCKED and read["seed"] is None
        return self._use_last_seed(inputs) if wanted else self._change(read, {}, model)

    def _use_last_seed(self, inputs: Inputs) -> Updates:
        read, model = self._read(inputs)
        last = next(iter(self._studio.recent(1)), None)
        return self._change(read, {"seed_mode": LOCKED, "seed": last.seed} if last else {}, model)

    def _change(self, read: Values, changed: Values, model: Model) -> Updates:
        """Show and keep what has changed."""
        after = {**read, **changed}
        self._save(after)
        return self._updates(changed, model, after)

    def _updates(self, changed: Values, model: Model, after: Values) -> Updates:
        return {**form.updates(self._fields, changed, model), self._tokens: self._count(after, model)}

    def _count(self, read: Values, model: Model) -> str:
        """“42 / 75 tokens” for the prompt, and how many chunks it takes."""
        tokens, chunk = self._studio.count_tokens(model.id, read["prompt"] or "")
        if tokens is None or chunk is None:
            return ""
        room = chunk - 2
        chunks = -(-tokens // room)
        long = f" · encoded in {chunks} chunks, nothing is cut" if chunks > 1 else ""
        return f'<span data-chunks="{max(chunks, 1)}">{tokens} / {max(chunks, 1) * room} tokens{long}</span>'


def _cards(presets: list[Preset]) -> str:
    """The presets as small picture cards; one without its picture gets a quiet tile with its initial."""
    cards = []
    for preset in presets:
        title = escape(preset.title)
        there = preset.picture is not None and preset.picture.is_file()
        image = (
            f'<img src="{escape(url(preset.picture))}" alt="" loading="lazy">'
            if preset.picture and there
            else f"<i>{title[:1]}</i>"
        )
        cards.append(
            f'<button class="card" data-choose="preset" data-id="{escape(preset.name)}" '
            f'title="{escape(preset.description, quote=True)}">{image}<span>{title}</span></button>'
        )
    group = f'<div class="cards" role="group" aria-labelledby="presets-title">{"".join(cards)}</div>'
    return f'<h2 id="presets-title">Presets</h2>{group}'
