"""Who does what: a person's name and role, and what each role may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["creator", "reviewer", "admin"]
Right = Literal["create", "review", "manage"]
"""`create`: make, share and delete pictures; `review`: decide on them; `manage`: settings, keys, people, audit."""
ROLES: tuple[Role, ...] = ("creator", "reviewer", "admin")
_RIGHTS: dict[Role, tuple[Right, ...]] = {
    "creator": ("create",),
    "reviewer": ("create", "review"),
    "admin": ("create", "review", "manage"),
}


@dataclass(frozen=True)
class Person:
    """Somebody who uses the studio. Without accounts there is one, the computer's own user, who may do everything.

    `in_files`: the name may stand in kept files, which may be handed on. Not so the user name of the operating system,
    which nobody chose for that.
    """

    name: str
    role: Role = "admin"
    in_files: bool = True

    def may(self, right: Right) -> bool:
        return right in _RIGHTS[self.role]


@dataclass(frozen=True, kw_only=True)
class Erased:
    """How much of a person's data was erased, or would be.

    `sources` are files that nobody else used, `rows` those of the audit log that lost their content.
    """

    jobs: int = 0
    pictures: int = 0
    sources: int = 0
    rows: int = 0
