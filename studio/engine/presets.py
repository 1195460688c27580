"""What a person does with presets: save a form or a picture as one, hand it on, take one in, delete it and take it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from studio.core.errors import InvalidRequest, NotAllowed
from studio.core.people import Person
from studio.core.preset import PICTURE_SIDE, Preset, PresetFolder, Saved, of_request, slug, versioned
from studio.core.request import ImageRequest
from studio.core.result import Record
from studio.core.sharing import ShareOptions
from studio.engine.rights import require

PICTURE = ShareOptions(format="jpeg", quality=88, max_side=PICTURE_SIDE)
"""A preset may be handed on, so its picture is a share copy: small, marked and signed, with no words in it."""
SAME = "same"
FindRecord = Callable[[str], Record | None]
MakeCopy = Callable[[Record, ShareOptions], bytes]


@dataclass(frozen=True, kw_only=True)
class About:
    """What a person says of a preset that is to be saved; `picture` is the record it shows, `SAME` keeps the older one's."""

    title: str
    group: str = ""
    description: str = ""
    picture: str = ""


class Presets:
    """Everybody saves and deletes their own presets; those that came along, or that others saved, take an admin.

    Raises `NotAllowed`, `InvalidRequest` or `LibraryError`.
    """

    def __init__(self, folder: PresetFolder | None, record: FindRecord, copy: MakeCopy) -> None:
        self._folder, self._record, self._copy = folder, record, copy

    @property
    def folder(self) -> Path | None:
        """Where their files lie, for showing their pictures."""
        return self._folder.folder if self._folder else None

    def all(self) -> Sequence[Preset]:
        """By group and title, as the files are now; the same value as long as nothing changes."""
        return self._folder.all() if self._folder else ()

    def faults(self) -> list[str]:
        """One sentence for each fault of a preset's file."""
        return list(self._folder.faults()) if self._folder else []

    def find(self, name: str) -> Preset | None:
        return next((preset for preset in self.all() if preset.name == name), None)

    def versioned(self, request: ImageRequest) -> ImageRequest:
        """The request with the versions of its preset and of its prompt, for its record."""
        return versioned(request, self.all())

    def save_picture(self, id: str, about: About, person: Person, *, seed: bool = False) -> Saved:
        """What made a kept picture as a preset, if asked for with its seed."""
        record = self._known(id)
        return self.save(of_request(record.request, typed=False, seed=record.seed if seed else None), about, person)

    def remove(self, name: str, person: Person) -> Saved:
        self._require_own(self._there(name), person)
        return self._on_folder().remove(name)

    def restore(self, undo: str, person: Person) -> Preset:
        """Bring back what `remove`, or saving over it, put aside."""
        require(person, "create")
        present = self.find(undo.partition("~")[0])
        if present:
            self._require_own(present, person)
        return self._on_folder().restore(undo)

    def packed(self, name: str) -> tuple[str, bytes]:
        """A preset as one file for others, its picture in it: the file's name and bytes."""
        return self._on_folder().packed(self._there(name).name)

    def take_in(self, data: bytes, name: str, person: Person) -> Saved:
        """A file that `packed` made, here or elsewhere. A higher version takes the older one's place, all else
        stands beside.

        The same preset in the same version is told of and changes nothing.
        """
        require(person, "create")
        preset, picture = self._on_folder().unpacked(data, name)
        there = self.find(preset.name)
        author = self._author(person)
        if there and replace(there, author="", picture=None) == replace(preset, author="", picture=None):
            raise InvalidRequest(f"“{there.title}” is here already, in version {there.version}.")
        over = there is not None and preset.version > there.version and self._is_own(there, person)
        return self._on_folder().save(replace(preset, author=author), picture, over=over)

    def save(self, preset: Preset, about: About, person: Person) -> Saved:
        """A preset under the title that was chosen for it; over an older one of that title its version goes up."""
        require(person, "create")
        title = " ".join(about.title.split())
        if not title:
            raise InvalidRequest("A preset needs a title, so type one.", "title")
        group = " ".join(about.group.split()) or "General"
        there = self.find(slug(title))
        if there:
            self._require_own(there, person)
        author = there.author if there else self._author(person)
        made = replace(preset, title=title, group=group, description=about.description.strip(), author=author)
        return self._on_folder().save(made, self._picture(about.picture), over=True)

    def _picture(self, id: str) -> bytes | None:
        if id in ("", SAME):
            return None if id else b""
        return self._copy(self._known(id), PICTURE)

    def _on_folder(self) -> PresetFolder:
        if self._folder is None:
            raise InvalidRequest("This studio was opened without a presets folder. Start it with studio.py.")
        return self._folder

    def _known(self, id: str) -> Record:
        record = self._record(id)
        if record is None:
            raise InvalidRequest("The library has no such picture.")
        return record

    def _there(self, name: str) -> Preset:
        preset = self.find(name)
        if preset is None:
            raise InvalidRequest("This preset is not here any more. Reload the page.")
        return preset

    def _author(self, person: Person) -> str:
        return person.name if person.in_files else ""

    def _is_own(self, preset: Preset, person: Person) -> bool:
        """Their own, or theirs to change as an admin."""
        is_own = bool(preset.author) and preset.author == self._author(person)
        return person.may("create" if is_own else "manage")

    def _require_own(self, preset: Preset, person: Person) -> None:
        if not self._is_own(preset, person):
            raise NotAllowed(f"“{preset.title}” is somebody else’s preset. Choose another title, or ask an admin.")
