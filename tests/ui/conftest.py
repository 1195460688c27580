"""A launched page in front of a small real studio."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import FakeStudio

from studio import settings


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeStudio, Any]]:
    """A studio and its page on a free port."""
    folder = tmp_path_factory.mktemp("page")
    settings.quieten(folder / "temporary")
    from studio.ui.app import build, launch

    outputs = folder / "outputs"
    outputs.mkdir()
    studio = FakeStudio(outputs)
    (folder / "temporary").mkdir()
    (folder / "temporary" / "left-over.bin").write_bytes(b"from an earlier run")
    page = launch(
        studio, build(studio), host="127.0.0.1", port=0, password="", temporary=folder / "temporary", open_browser=False
    )
    yield studio, page
    page.close()
    studio.close()
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()  # Gradio leaves event loops open; they are not to be found in somebody else's test
