"""The look: quiet paper and graphite, one blue accent, the fonts of the reader's own system. Details stand in studio.css."""

from __future__ import annotations

import gradio as gr

SANS = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Cantarell", "Noto Sans", "sans-serif"]
MONO = ["ui-monospace", "SF Mono", "Cascadia Code", "Menlo", "Consolas", "monospace"]
PAPER = gr.themes.Color(
    "#fbfbfa",
    "#f5f5f3",
    "#e9e9e6",
    "#dcdcd8",
    "#a9a9a4",
    "#6f6f6b",
    "#55555a",
    "#3a3a3f",
    "#232327",
    "#17171a",
    "#0f0f11",
    name="paper",
)
INK = gr.themes.Color(
    "#eef2ff",
    "#e0e7ff",
    "#c9d4fe",
    "#a6b7fc",
    "#8093f8",
    "#5b6cf0",
    "#4453db",
    "#3843b6",
    "#313a92",
    "#2b3374",
    "#1b2047",
    name="ink",
)


def theme() -> gr.themes.Base:
    """A theme of our own on Gradio's plainest; every colour is a variable of studio.css, which knows light and dark."""
    quiet = gr.themes.Base(
        primary_hue=INK,
        secondary_hue=INK,
        neutral_hue=PAPER,
        font=SANS,
        font_mono=MONO,
        text_size="sm",
        spacing_size="sm",
        radius_size="md",
    )
    colours = {
        "body_background_fill": "var(--ground)",
        "body_text_color": "var(--text)",
        "body_text_color_subdued": "var(--soft)",
        "background_fill_primary": "var(--panel)",
        "background_fill_secondary": "var(--ground)",
        "block_background_fill": "transparent",
        "block_label_text_color": "var(--soft)",
        "block_title_text_color": "var(--soft)",
        "block_info_text_color": "var(--soft)",
        "border_color_primary": "var(--line)",
        "border_color_accent": "var(--accent)",
        "input_background_fill": "var(--field)",
        "input_background_fill_focus": "var(--field)",
        "input_border_color": "var(--line)",
        "input_border_color_focus": "var(--accent)",
        "input_placeholder_color": "var(--faint)",
        "button_primary_background_fill": "var(--text)",
        "button_primary_background_fill_hover": "var(--strong)",
        "button_primary_text_color": "var(--panel)",
        "button_secondary_background_fill": "var(--field)",
        "button_secondary_background_fill_hover": "var(--hover)",
        "button_secondary_text_color": "var(--text)",
        "button_secondary_border_color": "var(--line)",
        "slider_color": "var(--accent)",
        "color_accent_soft": "var(--wash)",
    }
    both = {**colours, **{f"{name}_dark": value for name, value in colours.items()}}
    return quiet.set(
        **both,
        color_accent="var(--accent)",
        block_border_width="0px",
        block_shadow="none",
        block_padding="0px",
        input_shadow="none",
        block_label_background_fill="transparent",
        block_border_width_dark="0px",
        input_border_width="1px",
        input_border_width_dark="1px",
        layout_gap="14px",
        form_gap_width="14px",
    )
