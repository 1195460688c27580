"""A ComfyUI graph, walked backwards along its links with limits.

A node is `{"class_type": …, "inputs": {name: value or [id, output]}}` by its id; that is the API form (`prompt`). The form
of the page (`workflow`: nodes with lists of widget values, and a list of links) is brought into it as far as is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from studio.stamps.reading.found import within

MAX_NODES, MAX_VISITS = 5_000, 2_000
_WIDGETS: Mapping[str, tuple[str, ...]] = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": ("", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler"),
    "KSamplerSelect": ("sampler_name",),
    "SamplerCustom": ("", "noise_seed", "", "cfg"),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "RandomNoise": ("noise_seed",),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name",),
    "LoraLoader": ("lora_name", "strength_model"),
    "EmptyLatentImage": ("width", "height"),
    "EmptySD3LatentImage": ("width", "height"),
}
"""The values of the page's widgets in their order, for the nodes that come with ComfyUI."""


@dataclass(frozen=True)
class Node:
    id: str
    kind: str
    inputs: Mapping[str, Any]


Graph = Mapping[str, Node]


def from_prompt(values: Mapping[str, Any]) -> Graph:
    """Empty for what is no such graph, or too large a one."""
    if len(values) > MAX_NODES:
        return {}
    return {
        str(id): Node(str(id), node["class_type"], node["inputs"])
        for id, node in values.items()
        if isinstance(within(node, "class_type"), str) and isinstance(within(node, "inputs"), dict)
    }


def from_workflow(values: Mapping[str, Any]) -> Graph:
    """The page's form. A node that is switched off (mode 2 or 4) is left out."""
    nodes, links = values.get("nodes"), values.get("links")
    if not isinstance(nodes, list) or not isinstance(links, list) or len(nodes) > MAX_NODES:
        return {}
    sources = {link[0]: [str(link[1]), link[2]] for link in links if _is_link_row(link)}
    made = (_from_page(node, sources) for node in nodes if isinstance(node, dict) and node.get("mode") not in (2, 4))
    return {node.id: node for node in made}


def _is_link_row(link: Any) -> bool:
    return isinstance(link, list) and len(link) >= 5 and isinstance(link[0], int) and isinstance(link[1], int | str)


def _from_page(node: Mapping[str, Any], sources: Mapping[int, list[Any]]) -> Node:
    kind, widgets = str(node.get("type"))[:200], node.get("widgets_values")
    inputs: dict[str, Any] = dict(widgets) if isinstance(widgets, dict) else {}
    if isinstance(widgets, list):
        inputs |= {name: value for name, value in zip(_WIDGETS.get(kind, ()), widgets, strict=False) if name}
    sockets = node.get("inputs")
    for socket in sockets[:200] if isinstance(sockets, list) else []:
        name, link = within(socket, "name"), within(socket, "link")
        if isinstance(name, str) and isinstance(link, int) and link in sources:
            inputs[name] = sources[link]
    return Node(str(node.get("id")), kind, inputs)


def linked(graph: Graph, value: Any) -> Node | None:
    """The node that an input's value `[id, output]` comes from."""
    is_link = isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int)
    return graph.get(str(value[0])) if is_link else None


def back(graph: Graph, starts: Iterable[Node | None], follows: Callable[[str], bool]) -> Iterator[Node]:
    """The starts and what they depend on, nearest first, along the inputs whose names `follows` allows; each once."""
    queue = [node for node in starts if node]
    seen = {node.id for node in queue}
    for node in queue:
        yield node
        for name, value in node.inputs.items():
            source = linked(graph, value)
            if source and source.id not in seen and len(seen) < MAX_VISITS and follows(name):
                seen.add(source.id)
                queue.append(source)


def value_of(graph: Graph, node: Node, name: str) -> Any:
    """An input's own value, or the simple one at the other end of its link."""
    value = node.inputs.get(name)
    for _ in range(16):
        source = linked(graph, value)
        if source is None:
            break
        keys = (name, "value", "seed", "noise_seed", "int", "float", "number", "string", "text")
        value = next((source.inputs[key] for key in keys if key in source.inputs), None)
    return None if isinstance(value, list | dict) else value


def nearest(graph: Graph, nodes: Collection[Node], *names: str) -> Any:
    """The value of the first of these inputs that one of the nodes has."""
    values = (value_of(graph, node, name) for node in nodes for name in names if name in node.inputs)
    return next((value for value in values if value is not None and value != ""), None)
