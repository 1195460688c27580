"""What an edit did stands in the file, in the words that other tools know."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sd_parsers import ParserManager
from sd_prompt_reader.image_data_reader import ImageDataReader
from stamp_builders import a_draft, stamped

from studio.core.errors import InvalidRequest
from studio.core.metadata import draft_to_json, record_from_json
from studio.core.request import AREAS, FILLS, ImageToImage, Inpaint, Outpaint, Source, Task
from studio.stamps.parameters import NO_PROMPT, parse_parameters
from studio.stamps.reading import read

SOURCE = Source(sha256="0123456789" + "ab" * 27, width=48, height=32, name="a, strange: name.png", record="job0-1")
TASKS: list[tuple[Task, dict[str, str]]] = [
    (ImageToImage(image=SOURCE, strength=0.35), {"Denoising strength": "0.35"}),
    (
        Inpaint(image=SOURCE, mask=SOURCE, strength=0.8, feather=7, area="masked", padding=24, fill="neighbours"),
        {
            "Denoising strength": "0.8", "Mask blur": "7", "Inpaint area": "Only masked", "Masked area padding": "24",
            "Masked content": "fill",
        },
    ),
    (
        Inpaint(image=SOURCE, mask=SOURCE, fill="noise", area="whole"),
        {"Denoising strength": "1", "Inpaint area": "Whole picture", "Masked content": "latent noise"},
    ),
    (Outpaint(image=SOURCE, left=50, down=8), {"Outpaint": "left 50; down 8", "Masked content": "fill"}),
]  # fmt: skip


@pytest.mark.parametrize(("task", "wanted"), TASKS)
@pytest.mark.parametrize("prompt", ["a house, by: the sea", ""])
def test_three_readers_find_what_the_edit_did(task: Task, wanted: dict[str, str], prompt: str) -> None:
    wanted = {**wanted, "Source": SOURCE.sha256[:10], "Source picture": "job0-1"}
    data = stamped(prompt, "blurry", request={"task": task})
    ours = read(data)
    assert ours is not None
    assert (ours.prompt, ours.negative_prompt) == (prompt, "blurry")
    assert wanted.items() <= ours.fields.items()
    parsed = ParserManager().parse(Image.open(io.BytesIO(data)))
    assert parsed is not None
    assert [found.value for found in parsed.prompts] == [prompt or NO_PROMPT]
    other = ImageDataReader(io.BytesIO(data))
    assert other.status.name == "COMPLETE_SUCCESS" or other.tool
    assert other.positive == (prompt or NO_PROMPT)
    assert all(f"{key}: {value}" in other.setting for key, value in wanted.items())


@pytest.mark.parametrize(("task", "_"), TASKS)
def test_the_record_in_the_file_is_the_very_task(task: Task, _: object, tmp_path) -> None:
    draft = a_draft(request={"task": task})
    record = record_from_json(json.loads(json.dumps(draft_to_json(draft))), path=tmp_path / "a.png", sha256="x")
    assert record.request.task == task


def test_an_edit_without_masked_area_says_nothing_of_padding() -> None:
    found = read(stamped(request={"task": Inpaint(image=SOURCE, mask=SOURCE, area="whole")}))
    assert found is not None
    assert "Masked area padding" not in found.fields


def test_our_placeholder_for_no_prompt_reads_as_a_prompt_elsewhere_only() -> None:
    text = read(stamped("", request={"task": Outpaint(image=SOURCE, left=8)}))
    assert text is not None
    assert parse_parameters(text.text)[0] == NO_PROMPT
    assert text.prompt == ""


def test_transparency_outside_an_edit_is_kept_in_the_file() -> None:
    glass = Image.effect_noise((48, 32), 60).convert("RGBA")
    glass.putalpha(Image.linear_gradient("L").resize((48, 32)))
    with Image.open(io.BytesIO(stamped(image=glass))) as image:
        assert image.tobytes() == glass.tobytes()


_JUNK = st.one_of(st.none(), st.integers(-5, 5), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2))


@given(st.sampled_from([task for task, _ in TASKS]), st.data())
def test_a_malformed_task_is_refused_with_a_sentence_or_understood_soundly(task: Task, data: st.DataObject) -> None:
    values = json.loads(json.dumps(draft_to_json(a_draft(request={"task": task}))))
    name = data.draw(st.sampled_from(sorted(set(values["request"]["task"]) - {"kind"})))
    values["request"]["task"][name] = data.draw(_JUNK)
    with suppress(InvalidRequest):
        found = record_from_json(values, path=Path("a.png"), sha256="x").request.task
        for field, value in vars(found).items():
            kinds = {type(value), type(getattr(task, field))}
            assert len(kinds) == 1 or value is None or kinds == {int, float}
        assert getattr(found, "fill", "original") in FILLS
        assert getattr(found, "area", "whole") in AREAS
