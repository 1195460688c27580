"""ComfyUI on a server of the user's own: a graph is queued, the queue is watched, the picture is fetched from `/view`.

Facts are from its source (server.py, execution.py, nodes.py). Checkpoints that the user lists are drawn with a graph made
here; graphs of the user's own, with placeholders (`_hosted/graphs.py`), lie in `<data>/providers/comfyui/<name>.json`.

Masks: our white is edit. `LoadImage` would give MASK = 1 − alpha, so the mask is a file of its own, read by `LoadImageMask`
with the channel red, where 1 is edit. `denoise` is our strength: 0 = the picture, 1 = ignored.

Traps: `/history/{id}` is empty for a picture that waits, for one that runs and for one that nobody knows, so the queue is
asked until the picture has left it; only then does the history tell. Older servers give ids of their own, so the answer's
counts. Ours is made from the graph: one that is sent twice has the same id, and its second run comes from ComfyUI's cache.
A server that sees a foreign Origin answers 403; none is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from studio.backends._hosted.backend import HostedBackend
from studio.backends._hosted.calls import json_of
from studio.backends._hosted.graphs import Template, filled, graph_of, read_template
from studio.backends._hosted.own_server import OwnServer, create_own, some_of, stable_id
from studio.backends._hosted.pictures import attached, white_is_edit
from studio.backends._hosted.provider import About, Attached, Call, Made, Reply, Ticket, Wish
from studio.core.errors import OutOfMemory, Rejected, StudioError
from studio.core.hosting import Limit
from studio.core.model import EVERY, Model
from studio.core.request import TextToImage
from studio.settings import Settings
from studio.web import Answer

ABOUT = About(
    name="comfyui",
    title="ComfyUI",
    site="https://github.com/comfyanonymous/ComfyUI",
    url="http://127.0.0.1:8188",
    keys=(),
    evidence="official",
    limit=Limit(at_once=4, per_minute=600),  # they wait in its queue, which draws one after the other
    free=True,
    patience=3600,
)
QUEUES = {"running": "queue_running", "pending": "queue_pending"}
SUBMITTED, LEFT = "submitted", "left"
"""States of a ticket besides those of the queues: not looked for yet, and gone from them."""
LOADER = "CheckpointLoaderSimple"
MOST_BYTES = 64_000_000
MOST_WORDS = 400
FIELDS = {
    "ckpt_name": "model", "sampler_name": "sampler", "scheduler": "sampler", "steps": "steps", "cfg": "guidance_scale",
    "seed": "seed", "noise_seed": "seed", "denoise": "strength", "width": "size", "height": "size", "text": "prompt",
    "image": "image",
}  # fmt: skip
"""Inputs of its nodes, and our fields."""


def create(settings: Settings) -> HostedBackend:
    folder = settings.data / "providers" / ABOUT.name
    return create_own(settings, partial(ComfyUI, templates=_templates(folder)), ABOUT)


class ComfyUI(OwnServer):
    """The user's graphs and the checkpoints of the user's list."""

    def __init__(
        self, about: About, own: Mapping[str, Any], *, is_there: bool = True, templates: Sequence[Template] = ()
    ) -> None:
        self.templates = {template.name: template for template in templates}
        super().__init__(about, own, is_there=is_there)
        named = {model.id.partition(":")[2] for model in self.listed}
        graphs = tuple(self.described({"name": name}) for name in self.templates if name not in named)
        self.listed = (*self.listed, *graphs)

    def described(self, entry: Mapping[str, Any]) -> Model:
        """An entry with the name of a graph tells more of it, such as its title and best size."""
        template = self.templates.get(str(entry.get("name")))
        if template is None:
            return super().described(entry)
        model = super().described({**entry, "tasks": list(template.tasks), "takes": list(template.takes)})
        needed = () if "prompt" in template.ignored else (TextToImage.kind,)
        return replace(
            model,
            ignores={EVERY: template.ignored},
            cannot=template.cannot,
            needs_prompt=needed,
            unready=template.fault,
        )

    def unlisted(self) -> Model:
        missing = (
            f"ComfyUI has to be told which checkpoint to load. Write [[models]] and name = “…” into {self.file}, as its "
            f"{LOADER} node lists it, or put a graph of your own into providers/comfyui/ there, and start the studio again."
        )
        return self.all_round("checkpoint", "A checkpoint of yours", unready=missing)

    def before(self, wish: Wish) -> Sequence[Call]:
        """Pictures are uploaded first, under names made from their bytes: the same picture lies there once."""
        return [
            self._call("/upload/image", form={"image": file, "type": "input", "overwrite": "true"})
            for file in _files(wish).values()
        ]

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        files = _files(wish)
        names = {name: file.name for name, file in files.items()} | dict(zip(files, map(_uploaded, before), strict=False))
        template = self.templates.get(wish.name)
        graph = filled(template, wish, names) if template else graph_of(wish, names)
        return self._call("/prompt", json={"prompt": graph, "prompt_id": stable_id(graph)})

    def read(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        values = self.values_of(answer)
        if not values.get("prompt_id"):
            raise Rejected(f"ComfyUI took the graph and gave no id for it. Look at the url in {self.file} and try again.")
        told = {"state": SUBMITTED, "left_out": _node_errors(values)[0]}  # parts of a graph may be refused
        return Ticket(id=str(values["prompt_id"]), values=told)

    def look(self, ticket: Ticket) -> Call:
        path = f"/history/{ticket.id}" if ticket.values.get("state") == LEFT else "/queue"
        return Call(method="GET", url=f"{self.about.url}{path}")

    def read_look(self, answer: Answer, ticket: Ticket, wish: Wish) -> Reply | Ticket:
        values = self.values_of(answer)
        if ticket.values.get("state") != LEFT:
            return replace(ticket, values={**ticket.values, "state": _place(values, ticket.id)})
        entry = values.get(ticket.id)
        if not isinstance(entry, dict):
            raise Rejected(
                "ComfyUI does not know the picture any more: it was restarted, or its queue was cleared. Try again."
            )
        if failure := _failure_in(entry):
            raise failure
        made = tuple(Made(data=self._view(file), seed=wish.seed) for file in _pictures_in(entry))
        if not made:
            raise Rejected("ComfyUI's graph gave no picture. Give it a node SaveImage or PreviewImage, and try again.")
        left_out = ticket.values.get("left_out")
        told = {"left_out": left_out} if left_out else {}
        return Reply(made=made, request_id=ticket.id, finish_reason="success", told=told)

    def cancel(self, ticket: Ticket | None) -> Call | None:
        """By what was last seen, since no one call does for every version: a picture that waits is taken out of the queue,
        one that runs is interrupted by its id (older servers stop whatever runs, which then is it). Before the first look
        only `/api/jobs` is right in both cases and harmless to others; servers before June 2026 lack it.
        """
        if ticket is None:
            return None
        match ticket.values.get("state"):
            case "running":
                return self._call("/interrupt", json={"prompt_id": ticket.id})
            case "pending":
                return self._call("/queue", json={"delete": [ticket.id]})
            case _:
                return self._call(f"/api/jobs/{ticket.id}/cancel", json={})

    def test(self) -> Call | None:
        return Call(method="GET", url=f"{self.about.url}/object_info/{LOADER}")

    def read_test(self, answer: Answer) -> str:
        return f"The server answers. Its checkpoints: {some_of(_checkpoints(json_of(answer)))}."

    def failure(self, answer: Answer) -> StudioError | None:
        body = json_of(answer) if answer.status == 400 else None
        if isinstance(body, dict):
            said, name = _node_errors(body)
            words = (said or _words(body.get("error"))).rstrip(".")
            return Rejected(f"ComfyUI refused the graph (400). It says: {words}. Change that and try again.", name)
        if answer.status == 403:
            return Rejected(
                f"ComfyUI does not take requests from here (403). Write its url into {self.file} as its own page shows it."
            )
        if answer.status == 404:
            return Rejected(f"ComfyUI has no such file or address (404). Look at the url in {self.file} and try again.")
        return super().failure(answer)

    def _call(self, path: str, **more: Any) -> Call:
        return Call(url=f"{self.about.url}{path}", **more)

    def _view(self, file: Mapping[str, Any]) -> Call:
        query = urlencode({name: str(file.get(name) or "") for name in ("filename", "subfolder", "type")})
        return Call(method="GET", url=f"{self.about.url}/view?{query}")


def _templates(folder: Path) -> list[Template]:
    """The user's graphs; one that cannot be read says so."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(read_template(path.stem, path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError):
            found.append(read_template(path.stem, ""))
    return found


def _files(wish: Wish) -> dict[str, Attached]:
    """What is uploaded for a wish."""
    files = {}
    if wish.image is not None:
        files["image"] = attached(wish.image, "file", most=MOST_BYTES)
    if wish.mask is not None:
        files["mask"] = white_is_edit(wish.mask, "file")
    return {name: replace(file, name=_name_of(file)) for name, file in files.items()}


def _name_of(file: Attached) -> str:
    return f"studio-{hashlib.sha256(file.data).hexdigest()[:20]}.{file.name.rpartition('.')[2]}"


def _uploaded(answer: Answer) -> str:
    """The name that nodes load an uploaded file by; the server may have changed it."""
    values = json_of(answer)
    if not isinstance(values, dict) or not values.get("name"):
        raise Rejected("ComfyUI took the picture and did not say its name. Look at its console and try again.")
    folder = str(values.get("subfolder") or "")
    return f"{folder}/{values['name']}" if folder else str(values["name"])


def _place(values: Mapping[str, Any], id: str) -> str:
    """Which queue a picture is in; an entry is [number, id, graph, …]."""
    for state, queue in QUEUES.items():
        if any(isinstance(entry, list) and id in entry[1:2] for entry in values.get(queue) or ()):
            return state
    return LEFT


def _failure_in(entry: Mapping[str, Any]) -> StudioError | None:
    """What the history says of a picture that did not come about."""
    status = entry.get("status")
    if not isinstance(status, dict) or status.get("status_str") != "error":
        return None
    told = {message[0]: message[1] for message in status.get("messages") or () if isinstance(message, list)}
    error = told.get("execution_error") or told.get("execution_interrupted") or {}
    node = f"{error.get('node_type') or 'a node'} (node {error.get('node_id') or 'unknown'})"
    if "execution_error" not in told:
        return Rejected(f"ComfyUI was stopped in {node} before the picture was done. Try again.")
    words = " ".join(str(error.get("exception_message") or error.get("exception_type") or "").split())[:MOST_WORDS]
    if "OutOfMemory" in str(error.get("exception_type")):
        return OutOfMemory(f"ComfyUI ran out of memory in {node}.", "Choose a smaller size, or a smaller model there.")
    return Rejected(f"ComfyUI's {node} failed: {words.rstrip('.')}. Change what it got, or mend it there, and try again.")


def _pictures_in(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The files of a finished graph: those that were saved, else previews."""
    outputs = entry.get("outputs") or {}
    found = [file for output in outputs.values() for file in output.get("images") or () if file.get("filename")]
    saved = [file for file in found if file.get("type") == "output"]
    return saved or found


def _node_errors(values: Mapping[str, Any]) -> tuple[str, str]:
    """What nodes are wrong, in words, and the first of our fields that is at fault."""
    said = [(f"{node}: {_words(error)}", _input_of(error)) for node, error in _errors_by_node(values.get("node_errors"))]
    name = next((FIELDS[each] for _, each in said if each in FIELDS), "")
    return "; ".join(words for words, _ in said)[:MOST_WORDS], name


def _errors_by_node(nodes: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each node's name with what is wrong there; shapes that are not known are passed over."""
    for id, node in (nodes if isinstance(nodes, dict) else {}).items():
        for error in (node.get("errors") or ()) if isinstance(node, dict) else ():
            yield f"{node.get('class_type')} (node {id})", error if isinstance(error, dict) else {"message": error}


def _input_of(error: Mapping[str, Any]) -> str:
    extra = error.get("extra_info")
    return str(extra.get("input_name") or "") if isinstance(extra, dict) else ""


def _words(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error or "nothing")
    return ": ".join(str(error[name]) for name in ("message", "details") if error.get(name))


def _checkpoints(values: Any) -> list[str]:
    """Names in the loader's first input, in the older and the newer form of a list of choices."""
    try:
        first, *more = values[LOADER]["input"]["required"]["ckpt_name"]
        names = first if isinstance(first, list) else more[0]["options"]
    except (KeyError, TypeError, IndexError, ValueError):
        return []
    return [str(name) for name in names]
