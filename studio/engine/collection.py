"""The models on this computer: looking at them, adding, removing, and the process that downloads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from studio.core.collection import (
    UNFINISHED,
    Download,
    Entry,
    Precision,
    Removed,
    Starter,
    Stock,
    Usage,
    Use,
    Wish,
)
from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.people import Person
from studio.core.ports import AuditLog, Backend
from studio.core.worker import WorkerStatus
from studio.engine.logbook import Logbook, SilentAudit
from studio.engine.process import WorkerProcess
from studio.engine.rights import require

FRESH = 2.0
"""Seconds for which one look at the disk serves everybody; longer where a look takes long."""
SHARE = 10
"""A look may take one part in so many of all time."""


@dataclass
class _Look:
    """What was on the disk, and until when that counts."""

    models: tuple[Model, ...] = ()
    problems: tuple[str, ...] = ()
    uses: dict[str, Use] = field(default_factory=dict)
    until: float = 0.0


class Collection:
    """Everybody may look; what takes a person changes something, needs `manage` and is logged. Raises `StudioError`s.

    Without a `stock` (None) there are models to look at and nothing to change.
    """

    def __init__(
        self,
        *,
        backends: Sequence[Backend],
        stock: Stock | None = None,
        usage: Usage | None = None,
        audit: AuditLog | None = None,
        worker: Callable[[Callable[[dict[str, Any]], None]], WorkerProcess] | None = None,
    ) -> None:
        self._backends = [backend for backend in backends if not backend.hosted]
        self._stock, self._usage, self._log = stock, usage, Logbook(audit or SilentAudit())
        self._worker = worker(lambda _: None) if worker else None
        self._starting, self._looking = threading.Lock(), threading.Lock()
        self._seen, self._behind = _Look(), False

    def open(self) -> None:
        """Go on with what an earlier run left unfinished."""
        if any(download.state in UNFINISHED for download in self.downloads()):
            self._wake()

    def close(self) -> None:
        if self._worker:
            self._worker.stop()

    def entries(self) -> list[Entry]:
        """All local models, as the form lists them."""
        look, stock = self._look(), self._stock
        if stock is None:
            return [Entry(model=model, use=look.uses.get(model.id)) for model in look.models]
        return [
            Entry(
                model=model,
                licence=stock.licence(model),
                sha256=stock.hash_of(model),
                use=look.uses.get(model.id),
                stays=stock.stays(model),
            )
            for model in look.models
        ]

    def problems(self) -> list[str]:
        """A sentence for each thing that looks like a model and cannot be used."""
        return list(self._look().problems)

    def hash_of(self, id: str) -> str:
        """The SHA-256 of a model's main weights, as it stands in its pictures; empty while it is being computed."""
        return self._there().hash_of(self._model(id), now=True)

    def downloads(self) -> list[Download]:
        return self._stock.downloads() if self._stock else []

    def downloader(self) -> WorkerStatus:
        """The process that downloads; it starts with the first download."""
        return self._worker.status if self._worker else WorkerStatus(state="standby")

    def starters(self) -> Sequence[Starter]:
        return self._stock.starters() if self._stock else ()

    def removed(self) -> list[Removed]:
        return self._stock.removed() if self._stock else []

    def folders(self) -> list[str]:
        return self._stock.folders() if self._stock else []

    @property
    def models_folder(self) -> str:
        return self._stock.models_folder if self._stock else ""

    def add(self, text: str, person: Person, precision: Precision = "auto") -> Download:
        """Begin to download a repository, or one file of it. The log gets its row when it has come."""
        require(person, "manage")
        download = self._there().ask(text, precision, person.name)
        self._wake()
        return download

    def wish(self, id: str, wish: Wish, person: Person) -> None:
        """Pause, resume or cancel a download; one that is done is taken off the list by a cancel, and stays."""
        require(person, "manage")
        self._there().wish(id, wish)
        self._wake()

    def remove(self, id: str, person: Person) -> Removed:
        """Move a model to the trash."""
        require(person, "manage")
        model = self._model(id)
        removed = self._there().remove(model)
        self._log.model_removed(id, person.name, trash=removed.id)
        self._forget_look()
        return removed

    def restore(self, id: str, person: Person) -> Removed:
        """Take a model out of the trash; `id` is the trash's."""
        require(person, "manage")
        restored = self._there().restore(id)
        self._log.model_restored(restored.name, person.name)
        self._forget_look()
        return restored

    def empty_trash(self, person: Person) -> int:
        """Remove for good; returns how many models that were."""
        require(person, "manage")
        names = [removed.name for removed in self.removed()]
        if names:
            self._log.model_removed(", ".join(names), person.name, for_good=True)
        return self._there().empty()

    def link(self, folder: str, person: Person) -> str:
        """Look for models in a folder where it lies."""
        require(person, "manage")
        linked = self._there().link(folder)
        self._log.model_added(linked, person.name, linked=True)
        self._forget_look()
        return linked

    def unlink(self, folder: str, person: Person) -> None:
        require(person, "manage")
        self._there().unlink(folder)
        self._log.model_removed(folder, person.name, unlinked=True)
        self._forget_look()

    def _model(self, id: str) -> Model:
        found = next((model for model in self._look().models if model.id == id), None)
        if found is None:
            raise InvalidRequest(f"There is no model “{id[:200]}” on this computer. Choose one from the list.", "model")
        return found

    def _there(self) -> Stock:
        if self._stock is None:
            raise InvalidRequest("This studio was opened without its models' store. Start it with studio.py.")
        return self._stock

    def _look(self) -> _Look:
        """What is there. An older look is good enough while a new one is taken behind it: hundreds of folders take long."""
        with self._looking:
            seen, late = self._seen, time.monotonic() > self._seen.until
            if late and not seen.models:
                self._seen = seen = self._look_anew()
            elif late and not self._behind:
                self._behind = True
                threading.Thread(target=self._look_behind, args=(seen,), daemon=True).start()
            return seen

    def _look_behind(self, before: _Look) -> None:
        try:
            anew = self._look_anew()
            with self._looking:
                if self._seen is before:  # else something was changed meanwhile
                    self._seen = anew
        finally:
            self._behind = False

    def _look_anew(self) -> _Look:
        began = time.monotonic()
        models = tuple(model for backend in self._backends for model in backend.models())
        problems = tuple(problem for backend in self._backends for problem in backend.problems())
        uses = self._usage.by_model() if self._usage else {}
        took = time.monotonic() - began
        return _Look(models, problems, uses, time.monotonic() + max(FRESH, took * SHARE))

    def _forget_look(self) -> None:
        with self._looking:
            self._seen = _Look()

    def _wake(self) -> None:
        """Start the downloads' process if it is not there yet, and have it look."""
        if self._worker is None:
            return
        with self._starting:
            if not self._worker.is_started:
                self._worker.start()
        self._worker.tell("wake")
