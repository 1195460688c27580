"""Choosing the files of a repository, from names alone."""

from __future__ import annotations

import json

import pytest

from studio.core.errors import Rejected
from studio.stock.choosing import needed
from studio.stock.hub import HubFile


def files(*paths: str) -> list[HubFile]:
    return [HubFile(path, 10, f"{n:040x}") for n, path in enumerate(paths)]


def chosen(paths: list[str], index: dict[str, object], *, half: bool = True, precision: str = "auto") -> set[str]:
    told = json.dumps(index).encode()
    return {file.path for file in needed(files(*paths), told, "a/b", precision, half=half)}  # type: ignore[arg-type]


INDEX = {"_class_name": "FluxPipeline", "transformer": ["diffusers", "FluxTransformer2DModel"],
         "tokenizer_2": ["transformers", "T5TokenizerFast"]}  # fmt: skip
SHARDS = [f"transformer/diffusion_pytorch_model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
HALVES = [f"transformer/diffusion_pytorch_model.fp16-0000{n}-of-00002.safetensors" for n in (1, 2)]
LATE = [f"transformer/diffusion_pytorch_model-0000{n}-of-00002.fp16.safetensors" for n in (1, 2)]
SMALL = ["model_index.json", "transformer/config.json", "tokenizer_2/spiece.model", "tokenizer_2/tokenizer.json"]
WHOLE_INDEX = "transformer/diffusion_pytorch_model.safetensors.index.json"
HALF_INDEX = "transformer/diffusion_pytorch_model.safetensors.index.fp16.json"


def test_shards_come_all_and_with_their_index() -> None:
    assert chosen([*SMALL, *SHARDS, WHOLE_INDEX, "flux1-dev.safetensors", "ae.safetensors"], INDEX) == {
        *SMALL, *SHARDS, WHOLE_INDEX,
    }  # fmt: skip


@pytest.mark.parametrize("halves", [HALVES, LATE])
def test_half_precision_is_one_set_of_shards_under_both_ways_of_naming(halves: list[str]) -> None:
    both = [*SMALL, *SHARDS, WHOLE_INDEX, *halves, HALF_INDEX]
    assert chosen(both, INDEX) == {*SMALL, *halves, HALF_INDEX}
    assert chosen(both, INDEX, half=False) == {*SMALL, *SHARDS, WHOLE_INDEX}
    assert chosen(both, INDEX, precision="full") == {*SMALL, *SHARDS, WHOLE_INDEX}
    assert chosen(both, INDEX, half=False, precision="half") == {*SMALL, *halves, HALF_INDEX}


def test_the_only_precision_that_is_there_is_taken() -> None:
    assert chosen([*SMALL, *HALVES, HALF_INDEX], INDEX, half=False) == {*SMALL, *HALVES, HALF_INDEX}


def test_pickles_code_and_other_programs_files_are_left() -> None:
    more = ["transformer/diffusion_pytorch_model.bin", "transformer/model.py", "transformer/openvino_model.xml",
            "transformer/model.onnx", "transformer/diffusion_flax_model.msgpack", "unet/config.json"]  # fmt: skip
    assert chosen([*SMALL, *SHARDS, WHOLE_INDEX, *more], INDEX) == {*SMALL, *SHARDS, WHOLE_INDEX}


def test_a_missing_part_and_an_unreadable_index_are_named() -> None:
    with pytest.raises(Rejected, match="its part tokenizer_2 is missing"):
        chosen(["model_index.json", *SHARDS, WHOLE_INDEX], INDEX)
    with pytest.raises(Rejected, match="cannot be read"):
        needed(files(*SMALL), b"{", "a/b", "auto", half=True)
    with pytest.raises(Rejected, match="strange entries"):
        chosen(SMALL, {"../up": ["diffusers", "X"]})
