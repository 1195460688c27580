from pathlib import Path

import pytest

from studio.core.errors import InvalidRequest
from studio.core.ports import Drafts
from studio.library import Library, open_library


def test_a_form_is_there_again_after_a_restart(tmp_path: Path) -> None:
    values = {"prompt": "ein Haus 🏠\n", "steps": 20, "seed": None, "advanced": True}
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        store: Drafts = library.drafts
        store.save("create", {"prompt": "older"})
        store.save("create", values)
        store.save("other", {"prompt": "other"})
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        assert library.drafts.load("create") == values


def test_a_form_never_saved_is_empty(library: Library) -> None:
    assert library.drafts.load("create") == {}


def test_a_form_too_large_to_keep_says_so_and_leaves_the_last_one(library: Library) -> None:
    library.drafts.save("create", {"prompt": "small"})
    with pytest.raises(InvalidRequest, match=r"up to 24 MB are kept. Paint"):
        library.drafts.save("create", {"prompt": "x" * 26_000_000})
    assert library.drafts.load("create") == {"prompt": "small"}
