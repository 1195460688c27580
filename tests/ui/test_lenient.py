"""A value of the model that a page has just left is no error of Gradio's; the studio judges it."""

import gradio as gr
import pytest

from studio.ui import lenient


@pytest.mark.parametrize(
    ("field", "late"),
    [
        (lenient.Dropdown(["Euler"], value="Euler"), "LCM"),
        (lenient.Radio(["Square"], value="Square"), "Wide"),
        (lenient.Slider(1, 4, 2, step=1), 9),
        (lenient.Number(4, precision=0, minimum=1, maximum=8), 20),
    ],
)
def test_a_value_outside_of_the_current_limits_comes_through(field: gr.components.Component, late: object) -> None:
    with pytest.raises(gr.Error):
        type(field).__mro__[1].preprocess(field, late)  # Gradio's own
    assert field.preprocess(late) == late


def test_the_page_knows_the_fields_by_gradios_names() -> None:
    fields = (lenient.Dropdown(["Euler"]), lenient.Slider(1, 4, 2))
    assert [field.get_block_name() for field in fields] == ["dropdown", "slider"]


def test_numbers_keep_their_precision() -> None:
    assert lenient.Number(precision=0).preprocess(3.6) == 4
    assert lenient.Number().preprocess(None) is None
