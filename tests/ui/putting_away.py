"""Closing a page so that nothing of it is found in somebody else's test."""

from __future__ import annotations

import gc
import threading
import warnings
from typing import Any

from fakes import FakeStudio


def put_away(studio: FakeStudio, page: Any) -> None:
    """Gradio leaves event loops open; they are not to be found in somebody else's test."""
    page.close()
    studio.close()
    for thread in threading.enumerate():
        if "AnyIO" in thread.name:
            thread.join(10)
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()
        gc.collect()
