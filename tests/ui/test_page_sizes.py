"""Shapes and sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.model import Model
from studio.core.request import Size
from studio.ui.sizes import SHAPES, fit, shape_of


def a_model(side: int = 512, multiple: int = 8, low: int = 64, high: int = 2048) -> Model:
    return Model(
        id="m", title="M", backend="local", default_size=Size(side, side), multiple_of=multiple, min_side=low, max_side=high
    )


@given(st.sampled_from(sorted(SHAPES)), st.sampled_from([128, 512, 768, 1024]), st.sampled_from([8, 16, 32, 64]))
def test_a_fitted_size_keeps_to_the_models_multiples_and_limits(shape: str, side: int, multiple: int) -> None:
    size = fit(shape, a_model(side, multiple))
    for length in (size.width, size.height):
        assert length % multiple == 0
        assert 64 <= length <= 2048


@given(st.sampled_from(sorted(SHAPES)), st.sampled_from([512, 768, 1024]))
def test_a_fitted_size_has_about_the_models_area_and_the_asked_ratio(shape: str, side: int) -> None:
    size, (across, down) = fit(shape, a_model(side)), SHAPES[shape]
    assert size.width * size.height == pytest.approx(side * side, rel=0.05)
    assert size.width / size.height == pytest.approx(across / down, rel=0.05)


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_shape_is_found_again_from_its_size(shape: str) -> None:
    assert shape_of(fit(shape, a_model()), a_model()) == shape


def test_a_size_of_ones_own_has_no_shape() -> None:
    assert shape_of(Size(520, 320), a_model()) is None


def test_the_square_is_the_models_own_size() -> None:
    assert fit("1:1", a_model(128)) == Size(128, 128)


def test_limits_that_are_no_multiples_are_kept() -> None:
    assert fit("16:9", a_model(128, 64, low=65, high=200)) == Size(192, 128)
