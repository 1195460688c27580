"""Which models made the kept pictures, and when they last did."""

from __future__ import annotations

from kept_builders import a_draft, a_request

from studio.library import Library

CREATED = "2026-11-23T08:15:{:02d}+00:00"
SECONDS = 1763885700.0 + 365 * 86_400
"""2026-11-23, 08:15."""


def keep(library: Library, number: int, model: str) -> str:
    draft = a_draft(number, job=f"job{number}", request=a_request(model=model), created=CREATED.format(number))
    library.keeper.hold([draft])
    return library.keeper.keep(f"job{number}")[0].id


def test_each_model_has_its_last_use_and_its_newest_picture(library: Library) -> None:
    assert library.usage.by_model() == {}
    keep(library, 1, "local:fox")
    newest = keep(library, 5, "local:fox")
    keep(library, 3, "local:fox")
    other = keep(library, 4, "local:cat")
    found = library.usage.by_model()
    assert {model: use.record for model, use in found.items()} == {"local:fox": newest, "local:cat": other}
    assert {model: use.last for model, use in found.items()} == {"local:fox": SECONDS + 5, "local:cat": SECONDS + 4}


def test_a_deleted_picture_counts_as_use_and_is_not_shown(library: Library) -> None:
    older, newer = keep(library, 1, "local:fox"), keep(library, 9, "local:fox")
    library.trash.delete(newer)
    use = library.usage.by_model()["local:fox"]
    assert (use.last, use.record) == (SECONDS + 9, older)
    library.trash.delete(older)
    use = library.usage.by_model()["local:fox"]
    assert (use.last, use.record) == (SECONDS + 9, "")
