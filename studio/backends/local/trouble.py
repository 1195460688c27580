"""The border of the local backend: foreign errors become the studio's, with a sentence that says what to do."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from studio.backends.local.memory import is_out_of_memory
from studio.core.errors import BackendError, OutOfMemory, StudioError, Unavailable

_DAMAGE = ("unable to load weights", "error while deserializing header", "incompletemetadata", "no file named", "safetensor",
           "size mismatch", "does not appear to have a file", "couldn't connect", "cannot find the requested files",
           "can't load", "invalid json", "expecting value", "cannot load")  # fmt: skip


@contextmanager
def border(doing: str, no_memory: Callable[[], OutOfMemory] | None = None) -> Iterator[None]:
    """Let StudioErrors pass and translate the rest. `doing` ends "… while <doing>", such as "loading Starter".

    `no_memory` makes the error for memory that ran out; it is called once the failed work has been let go.
    """
    try:
        yield
    except StudioError as error:
        _let_go(error)
        raise
    except Exception as error:
        _let_go(error)
        raise (no_memory() if no_memory and is_out_of_memory(error) else translate(error, doing)) from error


def translate(error: Exception, doing: str) -> BackendError:
    """The studio's error for a foreign one."""
    if is_out_of_memory(error):
        return OutOfMemory(
            f"The memory ran out while {doing}.", "Close other programs, or choose a smaller model or picture."
        )
    if isinstance(error, ImportError):
        return Unavailable(f"A package is missing for {doing}: {error}. Run “python studio.py” to install what is missing.")
    text = " ".join(f"{type(error).__name__}: {error}".split())
    if any(sign in text.lower() for sign in _DAMAGE):
        return Unavailable(f"A model file is missing or damaged (while {doing}). Download the model again. ({_short(text)})")
    return BackendError(f"Something failed while {doing}. Try again; if it comes back, report it. ({_short(text)})")


def _let_go(error: BaseException) -> None:
    """Free the tensors that the frames of a traceback hold on to."""
    seen: BaseException | None = error
    while seen is not None:
        traceback.clear_frames(seen.__traceback__)
        seen = seen.__context__
    gc.collect()


def _short(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
