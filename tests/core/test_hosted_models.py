"""Models with shapes, options and fields they do not take; prices; and what becomes of a request."""

from __future__ import annotations

import pytest

from studio.core.adapt import adapt
from studio.core.errors import InvalidRequest, Unsupported
from studio.core.model import Model, Option
from studio.core.price import Price, dollars
from studio.core.request import ImageRequest, Inpaint, Sampling, Size, Source, TextToImage

SOURCE = Source(sha256="0" * 64, width=96, height=64)
SHAPED = Model(
    id="far:shaped",
    title="Shaped",
    backend="far",
    sizes=(Size(1024, 1024), Size(1344, 768), Size(768, 1344)),
    ignores={"": ("steps",), "inpaint": ("prompt", "strength")},
    tasks=("text-to-image", "inpaint"),
    options=(
        Option(name="style", title="Style", choices=("photo", "paint")),
        Option(name="tolerance", title="Tolerance", kind="number", low=0, high=6, default=2),
        Option(name="find", title="Find", tasks=("inpaint",)),
    ),
)


def asked(**fields: object) -> ImageRequest:
    return ImageRequest(**{"model": SHAPED.id, "prompt": "a fox", **fields})


@pytest.mark.parametrize(
    ("size", "becomes"),
    [(Size(1920, 1080), Size(1344, 768)), (Size(500, 500), Size(1024, 1024)), (Size(9, 16), Size(768, 1344))],
)
def test_a_model_with_sizes_of_its_own_takes_the_nearest_and_says_so(size: Size, becomes: Size) -> None:
    request, notes = adapt(asked(task=TextToImage(size)), SHAPED)
    assert request.task.size == becomes
    assert any(str(becomes) in note for note in notes)
    assert adapt(asked(task=TextToImage(becomes)), SHAPED)[1] == ()


def test_what_has_no_effect_is_noted_if_it_was_asked_for() -> None:
    assert adapt(asked(), SHAPED)[1] == ()
    _, notes = adapt(asked(sampling=Sampling(steps=30)), SHAPED)
    assert notes == ("steps has no effect: Shaped takes none",)


def test_no_words_are_needed_where_none_are_taken() -> None:
    task = Inpaint(image=SOURCE, mask=SOURCE)
    adapt(asked(prompt="", task=task), SHAPED)
    with pytest.raises(InvalidRequest, match="empty"):
        adapt(asked(prompt=" "), SHAPED)
    assert SHAPED.takes("prompt", "text-to-image")
    assert not SHAPED.takes("prompt", "inpaint")


def test_options_are_checked_and_foreign_ones_left_out() -> None:
    request, _ = adapt(asked(options={"style": "photo", "other": 1, "find": "x"}), SHAPED)
    assert request.options == {"style": "photo", "tolerance": 2}
    request, _ = adapt(asked(task=Inpaint(image=SOURCE, mask=SOURCE), options={"find": "a cat", "style": ""}), SHAPED)
    assert request.options == {"tolerance": 2, "find": "a cat"}
    for options, field in (
        ({"style": "neon"}, "style"),
        ({"tolerance": 9}, "tolerance"),
        ({"tolerance": True}, "tolerance"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            adapt(asked(options=options), SHAPED)
        assert caught.value.field == field


def test_a_task_that_is_missing_is_refused() -> None:
    with pytest.raises(Unsupported):
        adapt(asked(task=Inpaint(image=SOURCE, mask=SOURCE)), Model(id="a:b", title="B", backend="a"))


def test_prices_by_megapixel_begun() -> None:
    price = Price(picture=0.03, megapixel=0.015)
    assert price.of(Size(1000, 1000)) == 0.03
    assert price.of(Size(1024, 1024)) == 0.045
    assert price.of(Size(2000, 2000), 2) == 0.15
    assert price.of(None, 3) == 0.09


@pytest.mark.parametrize(
    ("amount", "words"),
    [(0.03, "$0.03"), (0.0014, "$0.0014"), (12.5, "$12.50"), (0.125, "$0.1250"), (0, "$0.00"), (1, "$1.00")],
)
def test_dollars(amount: float, words: str) -> None:
    assert dollars(amount) == words
