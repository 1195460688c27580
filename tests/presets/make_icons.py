"""Draws the icons of the installed app from `studio/ui/mark.svg`, by the Chromium of the browser tests.

python tests/presets/make_icons.py
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

UI = Path(__file__).resolve().parents[2] / "studio" / "ui"
GROUND = "#232327"
ICONS = {"icon-192.png": (192, False), "icon-512.png": (512, False), "maskable-512.png": (512, True)}


def main() -> None:
    mark = (UI / "mark.svg").read_text("utf-8")
    whole = re.sub(r'rx="\d+"', 'rx="0"', mark)  # a mask cuts the edges, so the ground fills them and the sign keeps inside
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (side, masked) in ICONS.items():
            page = browser.new_page(viewport={"width": side, "height": side})
            inner, picture = (f"width:76%;margin:12%;background:{GROUND}", whole) if masked else ("width:100%", mark)
            ground = GROUND if masked else "transparent"
            page.set_content(f'<body style="margin:0;background:{ground}"><div style="{inner}">{picture}</div>')
            page.screenshot(path=str(UI / "app_icons" / name), omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
