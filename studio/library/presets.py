"""The presets folder: read anew when a file changes, and written whole. Nothing in it is ever lost: what a newer version or
a deletion takes the place of is put aside in the data folder, and can be brought back.

    save     <folder>/<name>.<picture>, then <folder>/<name>.toml in one step      the picture first: no card without it
    aside    <data>/presets/<name>~<version>~<number>/                             text and picture, the newest 200
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import secrets
import shutil
import threading
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from studio.core.errors import InvalidRequest, LibraryError
from studio.core.preset import Preset, Saved, slug
from studio.library.files import locked, sync_folder, write_new
from studio.presets import MAX_FILE, NAME, PICTURES, load_presets, parse_preset, preset_files, preset_text

KEPT_ASIDE = 200
MAX_PICTURE = 2_000_000
"""Bytes of a preset's picture."""
MAX_SIDE = 2048
MAX_PACKED = MAX_PICTURE + MAX_FILE
_FORMATS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
_ASIDE = re.compile(rf"({NAME.pattern})~(\d{{1,7}})~[0-9a-f]{{8}}")
_RESERVED = ("policy", "styles", "con", "prn", "aux", "nul")


class PresetFolder:
    """`studio.core.preset.PresetFolder`; safe across threads and processes."""

    def __init__(self, folder: Path, aside: Path) -> None:
        self._folder, self._aside = folder, aside
        self._read: tuple[object, list[Preset], list[str]] = (None, [], [])
        self._reading = threading.Lock()

    @property
    def folder(self) -> Path:
        return self._folder

    def all(self) -> Sequence[Preset]:
        return self._now()[0]

    def faults(self) -> Sequence[str]:
        return self._now()[1]

    def save(self, preset: Preset, picture: bytes | None, *, over: bool) -> Saved:
        """Raises `InvalidRequest` for values that no preset may have, and `LibraryError`."""
        kind = _kind_of(picture) if picture else ""
        with self._writing():
            wanted = slug(preset.name or preset.title)
            before = self._there(wanted) if over else None
            name = before.name if before else self._free(wanted)
            version = max(preset.version, self._last(name) + 1) if over else preset.version
            old = before.picture if before else None
            made = replace(preset, name=name, version=version, picture=old if picture is None else None)
            _check(made, self._folder)
            undo = self._put_aside(before) if before else ""
            if picture:
                made = replace(made, picture=write_new(self._folder, f"{name}{kind}", picture))
            self._put(f"{name}.toml", preset_text(made).encode())
            self._drop(old)
            return Saved(preset=made, undo=undo)

    def remove(self, name: str) -> Saved:
        """Put a preset aside. Raises `InvalidRequest` where there is none."""
        with self._writing():
            preset = self._known(name)
            undo = self._put_aside(preset)
            (self._folder / f"{preset.name}.toml").unlink()
            self._drop(preset.picture)
            return Saved(preset=preset, undo=undo)

    def restore(self, undo: str) -> Preset:
        with self._writing():
            found = _ASIDE.fullmatch(undo)
            if found is None or not (self._aside / undo).is_dir():
                raise InvalidRequest("This preset cannot be brought back any more, for it was put aside too long ago.")
            kept, before = self._aside / undo, self._there(found[1])
            if before:
                self._put_aside(before)
            for file in sorted(kept.iterdir(), key=lambda file: file.suffix == ".toml"):
                self._put(file.name, file.read_bytes())
            self._drop(before.picture if before else None)
            shutil.rmtree(kept)
            return self._known(found[1])

    def packed(self, name: str) -> tuple[str, bytes]:
        preset = self._known(name)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
            picture = preset.picture if preset.picture and preset.picture.is_file() else None
            told = replace(preset, author="", picture=picture)
            pack.writestr(zipfile.ZipInfo(f"{name}.toml"), preset_text(told))
            if picture:
                pack.writestr(zipfile.ZipInfo(picture.name), picture.read_bytes())
        return f"{name}-v{preset.version}.preset.zip", out.getvalue()

    def unpacked(self, data: bytes, name: str) -> tuple[Preset, bytes]:
        """From a zip of one text and at most one picture, or from the text alone."""
        if len(data) > MAX_PACKED:
            raise InvalidRequest(f"{name} is larger than {MAX_PACKED // 1000} KB, so it is no preset.")
        file, text, picture = _opened(data, Path(name.replace("\\", "/")).name)
        preset, faults = parse_preset(text, self._folder / file)
        if preset is None:
            raise InvalidRequest(" ".join(faults))
        if picture:
            _kind_of(picture)
        return replace(preset, name=slug(preset.name), author="", picture=None), picture or b""

    def _now(self) -> tuple[list[Preset], list[str]]:
        with self._reading:
            seen = _seen(self._folder)
            if seen != self._read[0]:
                self._read = (seen, *load_presets(self._folder))
            return self._read[1], self._read[2]

    def _there(self, name: str) -> Preset | None:
        """Whatever the case of its letters, for some file systems know none."""
        return next((each for each in load_presets(self._folder)[0] if each.name.casefold() == name.casefold()), None)

    def _known(self, name: str) -> Preset:
        preset = self._there(name)
        if preset is None:
            raise InvalidRequest("This preset is not here any more. Reload the page.")
        return preset

    def _free(self, name: str) -> str:
        taken = {path.stem.casefold() for path in preset_files(self._folder)} | set(_RESERVED)
        number = 1
        while (found := name if number == 1 else f"{name}-{number}") in taken:
            number += 1
        return found

    def _last(self, name: str) -> int:
        """The highest version that a preset of this name ever had, as far as is known."""
        aside = [int(found[2]) for path in self._kept_aside() if (found := _ASIDE.fullmatch(path.name)) and found[1] == name]
        there = self._there(name)
        return max([0, *aside, *([there.version] if there else [])])

    def _put_aside(self, preset: Preset) -> str:
        """A copy that `restore` finds under the name given back."""
        undo = f"{preset.name}~{preset.version}~{secrets.token_hex(4)}"
        stage = self._aside / f".{undo}"
        stage.mkdir(parents=True)
        shutil.copy2(self._folder / f"{preset.name}.toml", stage)
        if preset.picture and preset.picture.is_file():
            shutil.copy2(preset.picture, stage)
        stage.rename(self._aside / undo)
        for old in self._kept_aside()[:-KEPT_ASIDE]:
            shutil.rmtree(old, ignore_errors=True)
        return undo

    def _drop(self, picture: Path | None) -> None:
        """A picture that no preset shows any more."""
        if picture and not any(preset.picture == picture for preset in load_presets(self._folder)[0]):
            picture.unlink(missing_ok=True)

    def _kept_aside(self) -> list[Path]:
        """The oldest first."""
        found = [path for path in self._aside.glob("*~*") if path.is_dir() and not path.name.startswith(".")]
        return sorted(found, key=lambda path: path.stat().st_mtime)

    def _put(self, name: str, data: bytes) -> None:
        """In one step, in the place of what is there."""
        temporary = self._folder / f".{name}.part"
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._folder / name)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(self._folder)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._aside.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(parents=True, exist_ok=True)
            with locked(self._aside / ".lock"):
                yield
        except OSError as error:
            told = f"The presets folder {self._folder} cannot be written ({error.strerror or error}), so mend that first."
            raise LibraryError(told) from error


def _seen(folder: Path) -> object:
    """Changes whenever a preset is added, removed or written."""
    with contextlib.suppress(OSError):
        return [(path.name, (stat := path.stat()).st_mtime_ns, stat.st_size) for path in preset_files(folder)]
    return secrets.token_hex(4)


def _check(preset: Preset, folder: Path) -> None:
    try:
        text = preset_text(preset).encode()
    except UnicodeEncodeError:
        raise InvalidRequest("A text of this preset holds a broken character. Type it anew.", "prompt") from None
    _, faults = parse_preset(text, folder / f"{preset.name}.toml")
    if faults:
        raise InvalidRequest(" ".join(faults))


def _kind_of(picture: bytes) -> str:
    """The ending for a picture's bytes. Raises `InvalidRequest` for what is no small picture."""
    if len(picture) > MAX_PICTURE:
        raise InvalidRequest(f"The preset's picture is larger than {MAX_PICTURE // 1_000_000} MB, so make it smaller.")
    try:
        with Image.open(io.BytesIO(picture), formats=tuple(_FORMATS)) as image:
            kind, size = _FORMATS[str(image.format)], image.size
            if max(size) <= MAX_SIDE:
                image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise InvalidRequest("The preset's picture is no whole PNG, JPEG or WebP, so choose another one.") from None
    if max(size) > MAX_SIDE:
        raise InvalidRequest(f"The preset's picture has more than {MAX_SIDE} pixels on a side, so make it smaller.")
    return kind


DAMAGED = (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError, ValueError, IndexError)
"""What `zipfile` raises for files that are cut, altered, encrypted or packed in a way that it does not know."""


def _opened(data: bytes, name: str) -> tuple[str, bytes, bytes]:
    """Name and bytes of the text in a preset's file, and the picture beside it."""
    if not data.startswith(b"PK"):
        return f"{Path(name).stem}.toml", data, b""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as pack:
            parts = {Path(part.filename).name: part for part in pack.infolist() if not part.is_dir()}
            texts = [file for file in parts if file.endswith(".toml")]
            pictures = [file for file in parts if file.lower().endswith(PICTURES)]
            if len(texts) != 1 or len(pictures) > 1:
                raise InvalidRequest(f"{name} must hold one .toml file and at most one picture, so pack it anew.")
            text = _unzipped(pack, parts[texts[0]], MAX_FILE)
            return texts[0], text, _unzipped(pack, parts[pictures[0]], MAX_PICTURE) if pictures else b""
    except DAMAGED as error:
        raise InvalidRequest(f"{name} is a damaged zip file ({error}), so get it anew.") from None


def _unzipped(pack: zipfile.ZipFile, part: zipfile.ZipInfo, most: int) -> bytes:
    with pack.open(part) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise InvalidRequest(f"{part.filename} is larger than {most // 1000} KB, so it belongs to no preset.")
    return data
