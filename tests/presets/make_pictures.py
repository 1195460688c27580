"""Draws the pictures of the shipped presets with the starter model, through the studio's own command line.

python tests/presets/make_pictures.py --sheet sheet.png     six seeds of each preset, side by side, to choose from
python tests/presets/make_pictures.py evening-sail=3 …      keeps the chosen seeds as presets/<name>.png
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402  the path comes first

from studio.core.preset import Preset  # noqa: E402
from studio.presets import load_presets  # noqa: E402

CELL = 160


def draw(preset: Preset, seed: int, count: int, folder: Path) -> list[Path]:
    """`count` pictures of a preset, kept under `folder`, seeds counting up from `seed`."""
    environment = {**os.environ, "STUDIO_DATA": str(folder / "data"), "STUDIO_OUTPUTS": str(folder / "outputs")}
    command = [sys.executable, "-m", "studio", "generate", preset.prompt, "--preset", preset.name]
    command += ["--seed", str(seed), "--count", str(count), "--json"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    records = sorted(json.loads(done.stdout)["records"], key=lambda record: record["seed"])
    return [Path(record["path"]) for record in records]


def sheet(presets: list[Preset], count: int, folder: Path) -> Image.Image:
    """One row a preset, one column a seed from 1 on."""
    image = Image.new("RGB", (CELL * count, CELL * len(presets)), "white")
    for row, preset in enumerate(presets):
        for column, path in enumerate(draw(preset, 1, count, folder)):
            with Image.open(path) as picture:
                image.paste(picture, (column * CELL, row * CELL))
        print(f"row {row + 1}: {preset.name}", flush=True)
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheet", type=Path, help="write the sheet here")
    parser.add_argument("--count", type=int, default=6, help="seeds on the sheet")
    parser.add_argument("chosen", nargs="*", help="name=seed")
    arguments = parser.parse_args()
    presets, _ = load_presets(ROOT / "presets")
    with tempfile.TemporaryDirectory() as folder:
        if arguments.sheet:
            sheet(presets, arguments.count, Path(folder)).save(arguments.sheet)
        for name, seed in (choice.split("=") for choice in arguments.chosen):
            preset = next(preset for preset in presets if preset.name == name)
            (path,) = draw(preset, int(seed), 1, Path(folder))
            shutil.copyfile(path, ROOT / "presets" / f"{name}.png")
            print(f"presets/{name}.png", flush=True)


if __name__ == "__main__":
    main()
