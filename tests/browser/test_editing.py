"""The editing tabs in a browser, from an uploaded picture to the kept result: the real studio and the starter model."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from pages import RunningStudio, Visits, ready, settled, until
from PIL import Image, ImageChops, ImageDraw
from playwright.sync_api import Locator, Page, expect

SIZE = (128, 128)


def a_scene(width: int = SIZE[0], height: int = SIZE[1]) -> Image.Image:
    """A sky, a hill and a sun, with fine noise so that every changed pixel shows."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.6, height * 0.1, width * 0.8, height * 0.3), fill=(255, 220, 120))
    draw.polygon([(0, height), (0, height * 0.7), (width * 0.5, height * 0.5), (width, height)], fill=(40, 110, 60))
    return ImageChops.add(image, Image.effect_noise(image.size, 20).convert("RGB"), 2)


def a_file(image: Image.Image, name: str = "scene.png", **options: Any) -> dict[str, Any]:
    data = io.BytesIO()
    image.save(data, Path(name).suffix[1:].replace("jpg", "jpeg"), **options)
    return {"name": name, "mimeType": f"image/{Path(name).suffix[1:]}", "buffer": data.getvalue()}


def open_tab(page: Page, tab: str) -> Locator:
    """The tab's easel."""
    page.locator(f"#tab-{tab}-button").click()
    expect(page.locator(f"#{tab}-prompt")).to_be_visible()
    easel = page.locator(f"#easel-{tab}")
    expect(easel).to_be_visible()
    return easel


def upload(easel: Locator, *files: dict[str, Any]) -> None:
    easel.locator("input[type=file]").first.set_input_files(list(files))
    expect(easel.locator(".bench[data-state=one]")).to_be_visible(timeout=20_000)
    expect(easel.locator(".caption .title")).to_contain_text(files[0]["name"])


def spot(easel: Locator, x: float, y: float) -> tuple[float, float]:
    """Where a point of the picture, in parts of it, is on the screen."""
    box = easel.locator(".sheet-of-paper").bounding_box()
    assert box
    return box["x"] + box["width"] * x, box["y"] + box["height"] * y


def paint(page: Page, easel: Locator, *points: tuple[float, float], button: Any = "left") -> None:
    """One stroke through points in parts of the picture."""
    page.mouse.move(*spot(easel, *points[0]))
    page.mouse.down(button=button)
    for point in points:
        page.mouse.move(*spot(easel, *point), steps=6)
    page.mouse.up(button=button)


def covered(easel: Locator) -> float:
    """The part of the layer that is painted."""
    return float(
        easel.locator("canvas.layer").evaluate(
            """layer => { const {data} = layer.getContext('2d').getImageData(0, 0, layer.width, layer.height);
            let sum = 0; for (let i = 3; i < data.length; i += 4) sum += data[i]; return sum / 255 / (data.length / 4); }"""
        )
    )


def generate(page: Page, tab: str, prompt: str, studio: RunningStudio) -> Path:
    """Press Generate in a tab; the file that comes of it."""
    known = set(studio.kept())
    page.locator(f"#{tab}-prompt textarea").fill(prompt)
    page.locator(f"#sheet-{tab} .generate").click()
    until(lambda: set(studio.kept()) - known, 90)
    (new,) = set(studio.kept()) - known
    expect(page.locator("#job[data-state=done]")).to_be_visible(timeout=30_000)
    return new


def record_of(path: Path) -> dict[str, Any]:
    with Image.open(path) as image:
        return dict(json.loads(image.text["studio_metadata"]))


def differing(before: Image.Image, after: Image.Image) -> tuple[int, int, int, int]:
    return ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox() or (0, 0, 0, 0)


def test_a_painted_part_is_drawn_anew_and_nothing_else_changes(studio: RunningStudio, visit: Visits) -> None:
    page, scene = visit(studio.url), a_scene()
    easel = open_tab(page, "inpaint")
    upload(easel, a_file(scene))
    paint(page, easel, (0.3, 0.3), (0.45, 0.32))
    path = generate(page, "inpaint", "a red hot-air balloon by day", studio)
    with Image.open(path) as made:
        left, top, right, bottom = differing(scene, made)
        assert made.size == scene.size
    assert 0.1 * 128 <= left < right <= 0.65 * 128
    assert 0.1 * 128 <= top < bottom <= 0.55 * 128
    record = record_of(path)
    assert record["facts"]["canvas"]["outside_changed"] == 0
    assert record["used"]["inpainting"] == "blending"
    assert record["request"]["task"]["image"]["name"] == "scene.png"
    expect(page.locator("#facts")).to_contain_text("pixels outside the mask changed")
    page.locator("#views [data-show=compare]").click()
    expect(page.locator(".compare .under img")).to_be_visible()
    handle = page.locator(".compare input")
    handle.press("ArrowLeft")
    assert float(handle.input_value()) < 50
    page.locator("#views [data-show=difference]").click()
    expect(page.locator("#views-note")).to_contain_text("0 of")


def test_strokes_can_be_undone_redone_erased_inverted_and_cleared(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    easel = open_tab(page, "inpaint")
    upload(easel, a_file(a_scene(), "undo.png"))
    tool = lambda name: easel.locator(f"[data-tool={name}]")  # noqa: E731
    paint(page, easel, (0.2, 0.2), (0.5, 0.2))
    once = covered(easel)
    assert once > 0.01
    paint(page, easel, (0.2, 0.7), (0.8, 0.7))
    twice = covered(easel)
    assert twice > once
    page.keyboard.press("Control+z")
    assert covered(easel) == pytest.approx(once)
    page.keyboard.press("Control+Shift+Z")
    assert covered(easel) == pytest.approx(twice)
    paint(page, easel, (0.2, 0.7), (0.8, 0.7), button="right")
    assert covered(easel) == pytest.approx(once, abs=0.02)
    page.keyboard.press("i")
    assert covered(easel) == pytest.approx(1 - once, abs=0.02)
    tool("clear").click()
    assert covered(easel) == 0
    tool("undo").click()
    assert covered(easel) > 0.5
    page.keyboard.press("e")
    expect(tool("eraser")).to_have_attribute("aria-pressed", "true")


def test_picture_and_mask_survive_a_reload_and_a_restart(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    easel = open_tab(page, "inpaint")
    upload(easel, a_file(a_scene(192, 96), "kept.png"))
    paint(page, easel, (0.1, 0.5), (0.9, 0.5))
    painted = covered(easel)
    page.evaluate("window.easels.inpaint.flush()")
    page.reload()
    easel = open_tab(ready(page), "inpaint")
    expect(easel.locator(".caption .title")).to_have_text("kept.png · 192 × 96")
    until(lambda: covered(easel) == pytest.approx(painted, abs=0.001), 10)
    studio.stop()
    studio.start()
    page = visit(studio.url, anew=True)  # the old one comes back by itself, at a moment of its own
    easel = open_tab(page, "inpaint")
    until(lambda: covered(easel) == pytest.approx(painted, abs=0.001), 10)
    visit.forgive()


def test_a_mask_can_be_painted_with_the_keyboard_alone(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    easel = open_tab(page, "inpaint")
    upload(easel, a_file(a_scene(), "keys.png"))
    easel.locator(".view").focus()
    for key in ("ArrowUp", "Shift+ArrowRight", "]", "Space", "ArrowDown", "Space"):
        page.keyboard.press(key)
    assert covered(easel) > 0.005
    expect(easel.locator("[role=status]")).to_contain_text("Painted at")


def test_a_finger_and_a_pen_paint_and_two_fingers_zoom(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    easel = open_tab(page, "inpaint")
    upload(easel, a_file(a_scene(), "touch.png"))
    view = easel.locator(".view")

    def touch(kind: str, x: float, y: float, *, finger: int = 1, pointer: str = "touch", pressure: float = 0.5) -> None:
        left, top = spot(easel, x, y)
        values = {"pointerId": finger, "pointerType": pointer, "clientX": left, "clientY": top, "pressure": pressure}
        view.dispatch_event(kind, {**values, "button": 0, "buttons": 1, "isPrimary": finger == 1, "bubbles": True})

    view.evaluate("view => { view.setPointerCapture = () => {}; }")  # made-up pointers cannot be captured
    widths = []
    for pointer, pressure in (("touch", 0.5), ("pen", 0.1), ("pen", 0.9)):
        before = covered(easel)
        touch("pointerdown", 0.3, 0.3 + 0.2 * len(widths), pointer=pointer, pressure=pressure)
        touch("pointermove", 0.6, 0.3 + 0.2 * len(widths), pointer=pointer, pressure=pressure)
        touch("pointerup", 0.6, 0.3 + 0.2 * len(widths), pointer=pointer, pressure=pressure)
        widths.append(covered(easel) - before)
    assert min(widths) > 0
    assert widths[2] > widths[1] * 1.5
    painted, before = covered(easel), easel.locator(".sheet-of-paper").bounding_box()
    touch("pointerdown", 0.45, 0.5)
    touch("pointerdown", 0.55, 0.5, finger=2)
    touch("pointermove", 0.8, 0.5, finger=2)
    touch("pointerup", 0.45, 0.5)
    touch("pointerup", 0.8, 0.5, finger=2)
    after = easel.locator(".sheet-of-paper").bounding_box()
    assert before
    assert after
    assert after["width"] > before["width"] * 1.5
    assert covered(easel) == pytest.approx(painted)


def test_several_variations_stand_beside_the_original(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    easel = open_tab(page, "inpaint")
    upload(easel, a_file(a_scene(), "four.png"))
    paint(page, easel, (0.4, 0.4), (0.6, 0.4))
    page.locator("#inpaint-advanced input").check()
    count = page.locator("#inpaint-count input[type=number]")
    count.fill("3")
    count.blur()
    known = set(studio.kept())
    page.locator("#inpaint-prompt textarea").fill("a yellow hot-air balloon by day")
    page.locator("#sheet-inpaint .generate").click()
    until(lambda: len(set(studio.kept()) - known) == 3, 90)
    expect(page.locator("#frame .picture")).to_have_count(4, timeout=20_000)
    expect(page.locator("#frame .picture.original span")).to_have_text("Original")
    count.fill("1")
    count.blur()
    page.locator("#inpaint-advanced input").uncheck()
    settled(page).reload()
    open_tab(ready(page), "inpaint")
    expect(page.locator("#inpaint-count input[type=number]")).to_have_value("1")


def test_a_mask_is_loaded_from_a_file_and_saved_in_the_pictures_own_size(
    studio: RunningStudio, visit: Visits, tmp_path: Path
) -> None:
    page = visit(studio.url)
    easel = open_tab(page, "inpaint")
    upload(easel, a_file(a_scene(160, 96), "masked.png"))
    mask = Image.new("L", (40, 24), 0)
    mask.paste(255, (0, 0, 20, 24))
    easel.locator("input[type=file]").nth(2).set_input_files(a_file(mask, "mask.png"))
    until(lambda: covered(easel) == pytest.approx(0.5, abs=0.03), 10)
    with page.expect_download() as download:
        easel.locator("[data-tool=down]").click()
    download.value.save_as(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as saved:
        assert saved.size == (160, 96)
        assert saved.convert("L").getpixel((10, 50)) > 250
        assert saved.convert("L").getpixel((150, 50)) < 5


def test_a_photograph_on_its_side_stands_upright(studio: RunningStudio, visit: Visits) -> None:
    page, exif = visit(studio.url), Image.Exif()
    exif[0x0112] = 6
    easel = open_tab(page, "inpaint")
    upload(easel, a_file(a_scene(160, 96), "turned.jpg", exif=exif))
    expect(easel.locator(".caption .title")).to_have_text("turned.jpg · 96 × 160")
    size = easel.locator("canvas.layer").evaluate("layer => [layer.width, layer.height]")
    assert size == [96, 160]


def test_nothing_to_work_on_and_nothing_painted_are_said_at_once(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    easel = open_tab(page, "inpaint")
    if easel.locator("[data-tool=remove]").is_visible():
        easel.locator("[data-tool=remove]").click()
    expect(easel.locator(".bench[data-state=empty]")).to_be_visible()
    page.locator("#inpaint-prompt textarea").fill("a house")
    page.locator("#sheet-inpaint .generate").click()
    expect(page.locator("#sheet-inpaint .problem")).to_contain_text("There is no picture yet")
    upload(easel, a_file(a_scene()))
    page.locator("#sheet-inpaint .generate").click()
    expect(page.locator("#sheet-inpaint .problem")).to_contain_text("Nothing is painted")
    text = {"name": "notes.png", "mimeType": "image/png", "buffer": b"these are notes"}
    easel.locator("input[type=file]").first.set_input_files(text)
    expect(easel.locator(".wrong")).to_contain_text("notes.png is not a picture that can be read")


def test_a_square_becomes_a_banner_and_goes_on_to_image_to_image(studio: RunningStudio, visit: Visits) -> None:
    page, scene = visit(studio.url), a_scene()
    easel = open_tab(page, "outpaint")
    upload(easel, a_file(scene, "square.png"))
    page.locator("#outpaint-target label", has_text="16:9").click()
    expect(page.locator("#outpaint-left input")).to_have_value("50")
    expect(easel.locator(".handles output")).to_have_text("228 × 128 · drawn in 2 passes")
    settled(page).reload()
    easel = open_tab(ready(page), "outpaint")
    expect(page.locator("#outpaint-left input")).to_have_value("50")
    expect(easel.locator(".handles output")).to_have_text("228 × 128 · drawn in 2 passes")
    path = generate(page, "outpaint", "", studio)
    with Image.open(path) as banner:
        assert banner.size == (228, 128)
        inner = banner.convert("RGB").crop((50 + 16, 0, 50 + 128 - 16, 128))
    assert inner.tobytes() == scene.crop((16, 0, 112, 128)).tobytes()
    record = record_of(path)
    assert (record["request"]["prompt"], record["facts"]["canvas"]["passes"]) == ("", 2)

    page.locator(".send button", has_text="Image to image").click()
    expect(page.locator("#image-to-image-prompt")).to_be_visible()
    expect(page.locator("#easel-image-to-image .caption .title")).to_contain_text(f"{path.name} · 228 × 128")
    expect(page.locator("#image-to-image-width input")).not_to_have_value("")
    child = generate(page, "image-to-image", "mountains at sunset", studio)
    task = record_of(child)["request"]["task"]
    assert task["image"]["record"] == record["record"]
    expect(page.locator("#facts .family")).to_contain_text(path.name)
    page.locator("#facts .family .tile").first.click()
    expect(page.locator("#facts .family")).to_contain_text("Made from this one")


def test_an_edge_is_dragged_and_the_numbers_follow(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    easel = open_tab(page, "outpaint")
    upload(easel, a_file(a_scene(), "drag.png"))
    handle = easel.locator(".handle[data-sides=right]")
    page.locator("#outpaint-target label", has_text="1:1").click()
    expect(page.locator("#outpaint-right input")).to_have_value("0")
    box = handle.bounding_box()
    assert box
    page.mouse.move(box["x"] + 14, box["y"] + 14)
    page.mouse.down()
    page.mouse.move(box["x"] + 94, box["y"] + 14, steps=5)
    page.mouse.up()
    expect(page.locator("#outpaint-right input")).not_to_have_value("0")
    easel.locator(".handle[data-sides=up]").press("ArrowUp")
    expect(page.locator("#outpaint-up input")).to_have_value("8")
    expect(page.locator("#outpaint-left input")).to_have_value("0")


def test_a_folder_becomes_a_batch_and_its_bad_files_are_named(studio: RunningStudio, visit: Visits, tmp_path: Path) -> None:
    page = visit(studio.url)
    for name, size in (("one.png", (96, 96)), ("two.png", (160, 96))):
        a_scene(*size).save(tmp_path / name)
    (tmp_path / "three.png").write_bytes(b"no picture")
    easel = open_tab(page, "image-to-image")
    easel.locator("input[webkitdirectory]").set_input_files(tmp_path)
    expect(easel.locator(".caption .title")).to_have_text("2 pictures", timeout=20_000)
    expect(easel.locator(".wrong")).to_contain_text("three.png is not a picture")
    known = set(studio.kept())
    page.locator("#image-to-image-prompt textarea").fill("mountains by day")
    page.locator("#sheet-image-to-image .generate").click()
    until(lambda: len(set(studio.kept()) - known) == 2, 90)
    shapes = {(record["width"], record["height"]) for record in map(record_of, set(studio.kept()) - known)}
    assert shapes == {(96, 96), (160, 96)}


def test_reuse_brings_back_picture_mask_and_settings(studio: RunningStudio, visit: Visits) -> None:
    page = visit(studio.url)
    easel = open_tab(page, "inpaint")
    upload(easel, a_file(a_scene(), "again.png"))
    paint(page, easel, (0.4, 0.4), (0.6, 0.4))
    painted = covered(easel)
    generate(page, "inpaint", "a blue hot-air balloon by day", studio)
    page.locator("#views [data-show=canvas]").click()
    easel.locator("[data-tool=remove]").click()
    page.locator("#inpaint-prompt textarea").fill("something else")
    page.locator("#facts button", has_text="Reuse all").click()
    expect(page.locator("#inpaint-prompt textarea")).to_have_value("a blue hot-air balloon by day")
    expect(easel.locator(".caption .title")).to_contain_text("again.png")
    until(lambda: covered(easel) == pytest.approx(painted, abs=0.01), 10)
