"""The one place where a right is enforced. A page may hide what somebody may not do; here it is refused."""

from __future__ import annotations

from studio.core.errors import NotAllowed
from studio.core.people import ROLES, Person, Right


def require(person: Person, right: Right) -> None:
    """Raises `NotAllowed` with a sentence if the person's role does not have the right."""
    if person.may(right):
        return
    able = " or ".join(role for role in ROLES if Person("", role).may(right))
    raise NotAllowed(f"{person.name} is signed in as {person.role}, and this takes the role {able}. Ask an admin.")
