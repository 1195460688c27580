"""Who may sign in, and who acts where nobody has to: accounts with the rights and the audit log around them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property

from studio.core.people import Person, Role
from studio.core.ports import AuditLog, People
from studio.engine.rights import require

QUIET = 60.0
"""Seconds for which further refusals of the same name are only counted, so that a flood does not fill the log."""


class Accounts:
    """`owner` acts where there are no accounts: the computer's own user. Safe from any thread."""

    def __init__(
        self, people: People, owner: Person, audit: AuditLog | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._people, self.owner, self._audit, self._clock = people, owner, audit, clock
        self._refused: dict[str, tuple[float, int]] = {}

    @cached_property
    def asked(self) -> bool:
        """Whether one has to sign in: decided once, by whether there were accounts when it was first asked."""
        return bool(self._people.all())

    def has_admin(self) -> bool:
        return any(person.may("manage") for person in self._people.all())

    def find(self, name: str) -> Person | None:
        return self._people.find(name)

    def edition(self, name: str) -> str:
        """Another one whenever the name's password changes: a session opened under an older one is over."""
        return self._people.edition(name)

    def sign_in(self, name: str, password: str) -> bool:
        """Whether the password is right. Takes a while, on purpose."""
        person = self._people.check(name, password)
        if person is None:
            self._refuse(name)
        elif self._audit:
            self._audit.append("session.opened", person.name)
        return person is not None

    def all(self, by: Person) -> list[Person]:
        """Everybody, by name. Raises `NotAllowed`, as all that follows."""
        require(by, "manage")
        return self._people.all()

    def add(self, name: str, password: str, role: Role, by: Person) -> Person:
        """Raises `InvalidRequest` for a name that is taken or odd, or a password that is too short."""
        require(by, "manage")
        person = self._people.add(name.strip(), password, role)
        if self._audit:
            self._audit.append("person.added", by.name, person.name, role=person.role)
        return person

    def change(self, name: str, by: Person, *, password: str = "", role: Role | None = None) -> Person:
        """Set what is given. Raises `InvalidRequest` for the last admin's role."""
        require(by, "manage")
        person = self._people.change(name, password=password, role=role)
        if self._audit:
            self._audit.append("person.changed", by.name, person.name, role=person.role, new_password=bool(password))
        return person

    def remove(self, name: str, by: Person) -> None:
        """Pictures and records stay. Raises `InvalidRequest` for the last admin."""
        require(by, "manage")
        found = self._people.find(name)
        self._people.remove(name)
        if self._audit:
            self._audit.append("person.removed", by.name, found.name if found else name)

    def _refuse(self, name: str) -> None:
        """A name that nobody has is not written down: it may be a password that was typed into the wrong field."""
        if self._audit is None:
            return
        person = self._people.find(name)
        subject = person.name if person else ""
        since, more = self._refused.get(subject, (-QUIET, 0))
        if self._clock() - since < QUIET:
            self._refused[subject] = (since, more + 1)
            return
        self._refused[subject] = (self._clock(), 0)
        self._audit.append("session.refused", "", subject, known=person is not None, unlisted_before=more)
