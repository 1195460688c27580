"""A tab's form and what its buttons do. Events answer at once; the desk shows what comes of them.

All tabs share prompt, model, sampling and seed; what one task needs besides comes as its `Part`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

import gradio as gr

from studio.core.errors import Blocked, InvalidRequest, StudioError
from studio.core.evidence import Reading
from studio.core.job import Lane
from studio.core.model import Model
from studio.core.preset import Preset
from studio.core.request import Size, Task
from studio.core.result import Record
from studio.ui import choosing, enlarging, form, options, presetting, values, who, wording
from studio.ui.cards import frame
from studio.ui.tabs import Page
from studio.ui.values import LOCKED, Sound, Values
from studio.ui.wardrobe import Wardrobe

QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""For every event: no queue of Gradio's, no overlay, no public endpoint."""

OF_PICTURES = ("reuse", "words", "send", "seed")
"""What the buttons beside a kept picture ask of a form; its id comes under that name."""

Inputs = Mapping[Any, Any]
Updates = dict[Any, Any]


class Part(Protocol):
    """What one task adds to the common form, and the way between its fields and the task.

    `name` is the tab's name and the task's kind. `sound` checks kept values of its own fields.
    """

    @property
    def name(self) -> str: ...

    @property
    def presets(self) -> bool: ...

    @property
    def sound(self) -> Mapping[str, Sound]: ...

    def defaults(self, model: Model) -> Values: ...

    def lay_out(self, draft: Values, model: Model) -> form.Fields:
        """The fields everybody needs."""

    def lay_out_more(self, draft: Values, model: Model) -> form.Fields:
        """The advanced ones."""

    def wire(self, sheet: Sheet) -> None:
        """Connect the events of its own fields."""

    def tasks(self, read: Values) -> list[Task]:
        """What the form asks for; several for a batch. Raises `InvalidRequest`."""

    def for_model(self, read: Values, model: Model) -> Values:
        """The own values that change with the model."""

    def for_size(self, size: Size, model: Model) -> Values:
        """The own values for a size that a preset asks for."""

    def calls(self, read: Values, model: Model) -> int:
        """How many times a hosted model would be asked for one picture of each source; 0 while nothing can be asked."""

    def take(self, record: Record, model: Model, *, whole: bool) -> tuple[Values, Updates]:
        """Show a kept picture: as a new source, or with `whole` the very task that made it. Raises `StudioError`."""

    def shown(self) -> Updates:
        """What stands beside the fields, as it is kept."""


class Sheet:
    """One tab: the common fields around a part, and their handlers; no state of its own."""

    def __init__(self, page: Page, part: Part) -> None:
        self.page, self.part, self.studio = page, part, page.studio
        self.wardrobe = Wardrobe(page.studio, part.name)
        draft = self._draft()
        model = self._model(draft["model"])
        with gr.Column(elem_classes=["sheet"], elem_id=f"sheet-{part.name}"):
            self._lay_out(draft, model)
        self._wire()
        part.wire(self)

    def models(self) -> list[Model]:
        """All models, those first that can do this task."""
        return sorted(self.studio.models(), key=lambda model: self.part.name not in model.tasks)

    def _model(self, id: str | None) -> Model:
        return choosing.pick(id, self.models(), self.part.name)

    def _defaults(self, model: Model) -> Values:
        return {**self.part.defaults(model), **options.defaults(model, self.part.name), **enlarging.defaults(self.part.name)}

    def _draft(self) -> Values:
        kept, sound = (
            self.studio.load_draft(self.part.name),
            {**self.part.sound, **options.sound(self.part.name), **enlarging.sound(self.part.name)},
        )
        known = {**kept, "model": self._model(kept.get("model")).id}
        return values.from_draft(known, self.models(), self._defaults, sound)

    def _lay_out(self, draft: Values, model: Model) -> None:
        tab = self.part.name
        with gr.Column(elem_classes=["fields"]):
            fields: form.Fields = {"prompt": form.prompt_field(tab, draft["prompt"])}
            self._tokens = form.tokens_field(tab, self._count(draft, model))
            fields["styles"] = wording.styles_field(tab, self.studio.making.styles(), draft["styles"])
            presets = frame(self.studio.presets.all(), self.studio.presets.faults(), tab, opened=self.part.presets)
            gr.HTML(presets, elem_id="presets" if self.part.presets else f"presets-{tab}")
            fields["where"] = choosing.where_field(tab, self.models(), model)
            fields["model"] = choosing.model_field(tab, self.models(), model)
            self._about = gr.HTML(choosing.about(model, tab), elem_classes=["about-model"])
            fields |= options.fields(tab, ("text",), model, draft)
            fields |= self.part.lay_out(draft, model)
            with gr.Column(elem_classes=["advanced"]):
                fields["negative_prompt"] = form.negative_field(tab, draft["negative_prompt"], model, tab)
                fields["adapters"] = self.wardrobe.field(draft["adapters"], model)
                fields |= self.part.lay_out_more(draft, model)
                fields |= form.sampling_fields(tab, draft, model)
                fields |= form.seed_fields(tab, draft, model)
                fields |= enlarging.fields(tab, draft, model)
                fields |= options.fields(tab, ("choice", "number"), model, draft)
        with gr.Row(elem_classes=["actions"]):
            switch = gr.Checkbox(
                draft["advanced"], label="Advanced", elem_id=f"{tab}-advanced", elem_classes=["advanced-switch"]
            )
            fields["advanced"] = switch
            gr.Button("Cancel", elem_classes=["cancel"], min_width=70, interactive=False)
            self._generate = gr.Button(
                choosing.button_label(model, self._size(draft, model), self._calls(draft, model)),
                variant="primary",
                elem_classes=["generate"],
                min_width=120,
                interactive=not choosing.hindrance(model, tab),
            )
        self._buttons: dict[str, Any] = {name: fields.pop(name) for name in ("swap", "last_seed") if name in fields}
        self.fields = fields | {"preset": gr.State(draft["preset"]), "other": gr.State(draft["other"])}

    def _wire(self) -> None:
        """Connect the events. Inputs are sets, so that every handler gets a dict."""
        view, fields = self.page.view, self.fields
        shown = [*self.outputs, *self.part.shown(), view]
        self._generate.click(self._submit, self.inputs, view, **QUICK, trigger_mode="multiple")
        told = [self._tokens, self._generate]
        kept = self._tokens.input(self._keep, self.inputs, told, **QUICK, trigger_mode="always_last")
        kept.then(None, js=f"() => window.form_kept?.('{self.part.name}')")
        view.select(self._choose, self.inputs, shown, **QUICK)
        self.on(fields["model"].select, self._take_model)
        self.on(fields["where"].select, self._take_side)
        self.on(self._buttons["last_seed"].click, self._use_last_seed)
        self.on(fields["seed_mode"].input, self._lock_seed)
        fields["seed"].input(lambda: LOCKED, None, fields["seed_mode"], **QUICK)
        self.page.on_load(self._restore, [*self.outputs, *self.part.shown()])

    @property
    def inputs(self) -> set[Any]:
        return set(self.fields.values())

    @property
    def outputs(self) -> list[Any]:
        return [*self.fields.values(), *self._buttons.values(), self._tokens, self._about, self._generate]

    def button(self, name: str) -> Any:
        """A button that a part laid out among its fields."""
        return self._buttons[name]

    def on(self, event: Any, handler: Any) -> None:
        """Take the form's inputs, update its fields, and have the form kept anew: what was kept meanwhile is stale."""
        event(handler, self.inputs, self.outputs, **QUICK).then(None, js=f"() => window.keep_form?.('{self.part.name}')")

    def read(self, inputs: Inputs) -> tuple[Values, Model]:
        """The form's values as they are, and its model."""
        read = {name: inputs.get(field) for name, field in self.fields.items()}
        return read, self._model(read["model"])

    def change(self, read: Values, changed: Values, model: Model) -> Updates:
        """Show and keep what has changed."""
        after = {**read, **changed}
        self._save(after)
        return self._updates(changed, model, after)

    def _submit(self, inputs: Inputs) -> Any:
        """Queue what the form asks for. What is wrong with it comes back as a sentence beside its field."""
        read, model = self.read(inputs)
        notice = self._notice()
        self._save(read)
        try:
            tasks = self.part.tasks(read)
            lane: Lane = "batch" if len(tasks) > 1 else "interactive"
            chosen = options.read(read, model, self.part.name)
            person = who.current()
            for task in tasks:
                request = enlarging.asked(values.to_request(read, model, task, chosen), read, model)
                jobs = self.studio.making.submit(request, lane, person)
                notice.setdefault("job", jobs[0].id)
        except StudioError as error:
            notice |= _problem(error, model, self.part.name)
        self.page.desk.touch()
        return gr.HTML(notice=notice)

    def _notice(self) -> dict[str, Any]:
        return {"turn": secrets.token_hex(4), "form": self.part.name}

    def _keep(self, inputs: Inputs) -> Any:
        read, model = self.read(inputs)
        self._save(read)
        return self._count(read, model), self._button(read, model)

    def _save(self, read: Values) -> None:
        """Keep the form. One that is too large to be kept is told so when it is submitted."""
        with suppress(StudioError):
            self.studio.save_draft(self.part.name, read)

    def _restore(self) -> Updates:
        draft = self._draft()
        return {**self._updates(draft, self._model(draft["model"]), draft), **self.part.shown()}

    def _choose(self, inputs: Inputs, event: gr.EventData) -> Any:
        """A preset's card, or “reuse”, “reuse seed” and “send to” at a picture."""
        what: Mapping[str, Any] = event._data if isinstance(event._data, dict) else {}
        if what.get("to") != self.part.name:
            return gr.skip()
        read, model = self.read(inputs)
        beside: Updates = {}
        preset = self.studio.presets.find(str(what.get("preset") or ""))
        record = self.studio.record(str(next((what[key] for key in OF_PICTURES if what.get(key)), "")))
        reading = self.page.readings.get(str(what.get("settings") or ""))
        changed: Values = {}
        try:
            if reading:
                return self._of_reading(reading, read)
            if what.get("save"):
                return self._save_preset(read, model, what["save"])
            if "preset" in what:
                return self._of_preset(preset, read)
            if record and what.get("seed"):
                changed = values.of_seed(record)
            elif record:
                changed, beside = self._of_record(record, whole=not what.get("send"), words=bool(what.get("words")))
        except StudioError as error:
            return {self.page.view: gr.HTML(notice={**self._notice(), **_problem(error, model, self.part.name)})}
        model = self._model(changed.get("model", read["model"]))
        return {**self.change(read, changed, model), **beside, **self._stands({**read, **changed})}

    def _of_reading(self, reading: Reading, read: Values) -> Updates:
        """The settings that a file told, as far as this tab's models know them; the rest is said."""
        changed, notes = values.from_reading(reading, self.models())
        model = self._model(changed.get("model", read["model"]))
        adapters, more = self.wardrobe.of_reading(reading, model, changed)
        changed, notes = {**changed, **adapters}, [*notes, *more]
        if reading.width and reading.height:
            changed |= self.part.for_size(Size(reading.width, reading.height), model)
        if (
            reading.strength is not None
            and "strength" in self.fields
            and self.part.sound["strength"](reading.strength, model)
        ):
            changed["strength"] = reading.strength
        told = {"problem": {"field": "", "message": " ".join(notes)}} if notes else {}
        return {**self.change(read, changed, model), self.page.view: gr.HTML(notice={**self._notice(), **told})}

    def _of_preset(self, preset: Preset | None, read: Values) -> Updates:
        """What the preset says, as far as this tab's models know it; none lets go of the one before and changes nothing."""
        if preset is None:
            return {**self.change(read, {"preset": ""}, self._model(read["model"])), **self._stands({"preset": ""})}
        changed = values.from_preset(preset, read, self.models())
        model = self._model(changed.get("model", read["model"]))
        if model.id != read["model"]:
            changed |= self.part.for_model(read, model)
        changed |= self._sound(presetting.own_values(preset, model, self.fields, self.part.name), model)
        changed |= self.part.for_size(preset.size, model) if preset.size else {}
        return {**self.change(read, changed, model), **self._stands(changed, problem=presetting.said_of(preset, model))}

    def _save_preset(self, read: Values, model: Model, asked: Mapping[str, Any]) -> Updates:
        """The form as it stands as a preset, which it then stands on."""
        preset = presetting.of_form(read, model, self.part.name)
        saved = presetting.saved(self.studio.presets.save(preset, presetting.about(asked), who.current()))
        changed = {"preset": saved["name"]}
        return {**self.change(read, changed, model), **self._stands(changed, saved=saved)}

    def _stands(self, after: Values, **told: Any) -> Updates:
        """Tell the page which preset the form stands on now."""
        return {self.page.view: gr.HTML(notice={**self._notice(), "preset": after["preset"] or "", **told})}

    def _sound(self, changed: Values, model: Model) -> Values:
        """What of it the fields may show: a record or a preset may come from a stranger."""
        sound = {**self.part.sound, **options.sound(self.part.name), **enlarging.SOUND}
        return {name: value for name, value in changed.items() if sound.get(name, _any)(value, model)}

    def _of_record(self, record: Record, *, whole: bool, words: bool) -> tuple[Values, Updates]:
        """All that made a picture, with its seed; or the picture as a source, with its words and settings.

        The template comes back, if there was one; with `words`, and for a source, the words that came of it.
        """
        known = [style.name for style in self.studio.making.styles()]
        changed = values.from_request(record.request, self.models(), record.seed, record.facts)
        changed |= wording.typed(record.request, known, words=words or not whole)
        model = self._model(changed["model"])
        if model.id != record.request.model:
            changed |= values.model_values(model)
        changed |= options.shown(record.request.options, model, self.part.name)
        changed |= enlarging.shown(record.request.hires, self.part.name)
        if not whole:
            changed |= {"seed_mode": values.RANDOM, "seed": None, "variation": "", "preset": ""}
        own, beside = self.part.take(record, model, whole=whole)
        return self._sound({**changed, **own}, model), beside

    def _take_model(self, inputs: Inputs) -> Updates:
        read, model = self.read(inputs)
        return self.change(read, self._of_model(read, model), model)

    def _take_side(self, inputs: Inputs) -> Updates:
        """From this computer to a provider or back, to the model last used there; the prompt and all else stay."""
        read, model = self.read(inputs)
        wanted = choosing.pick(read["other"], self.models(), self.part.name, read["where"])
        changed = self._of_model(read, wanted) if wanted.id != model.id else {}
        other = model.id if choosing.side_of(model) != choosing.side_of(wanted) else read["other"]
        return self.change(read, {**changed, "other": other}, wanted)

    def _of_model(self, read: Values, model: Model) -> Values:
        """What changes in the form with its model."""
        changed = {
            **values.model_values(model),
            **options.defaults(model, self.part.name),
            **self.part.for_model(read, model),
        }
        if (read["count"] or 1) > model.max_count:
            changed["count"] = model.max_count
        return changed

    def _lock_seed(self, inputs: Inputs) -> Updates:
        """Locking an empty seed locks the one of the newest picture."""
        read, model = self.read(inputs)
        wanted = read["seed_mode"] == LOCKED and read["seed"] is None
        return self._use_last_seed(inputs) if wanted else self.change(read, {}, model)

    def _use_last_seed(self, inputs: Inputs) -> Updates:
        read, model = self.read(inputs)
        last = next(iter(self.studio.recent(1)), None)
        return self.change(read, {"seed_mode": LOCKED, "seed": last.seed} if last else {}, model)

    def _updates(self, changed: Values, model: Model, after: Values) -> Updates:
        tab, fields = self.part.name, self.fields
        updates = form.updates({**fields, **self._buttons}, changed, model, tab)
        for slot in options.SLOTS:
            told = {"value": changed[slot]} if slot in changed else {}
            updates[fields[slot]] = gr.update(**told, **options.limits_of(slot, model, tab))
        updates[fields["adapters"]] = self.wardrobe.update(changed, model)
        updates |= enlarging.updates(fields, changed, model, tab)
        updates[fields["where"]] = gr.update(value=choosing.side_of(model))
        updates[fields["model"]] = choosing.model_update(self.models(), model, tab)
        return {
            **updates,
            self._tokens: self._count(after, model),
            self._about: choosing.about(model, tab),
            self._generate: self._button(after, model),
        }

    def _button(self, read: Values, model: Model) -> Any:
        label = choosing.button_label(model, self._size(read, model), self._calls(read, model))
        classes = ["generate", "priced"] if "$" in label else ["generate"]
        return gr.Button(label, interactive=not choosing.hindrance(model, self.part.name), elem_classes=classes)

    def _size(self, read: Values, model: Model) -> Size:
        """What a picture will measure, for its price."""
        width, height = values.whole(read.get("width")), values.whole(read.get("height"))
        return Size(width, height) if width and height else model.default_size

    def _calls(self, read: Values, model: Model) -> int:
        return self.part.calls(read, model) * (values.whole(read.get("count")) or 1)

    def _count(self, read: Values, model: Model) -> str:
        """“42 / 75 tokens” for the prompt, by the tightest of the model's encoders."""
        return wording.tokens(self.studio.count_encoders(model.id, read["prompt"] or ""))


def _any(value: Any, model: Model) -> bool:
    return True


def _problem(error: StudioError, model: Model, task: str) -> dict[str, Any]:
    field = options.field_of(error.field, model, task) if isinstance(error, Blocked | InvalidRequest) else ""
    return {"problem": {"field": field, "message": str(error)}}
