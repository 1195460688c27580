"""Real accounts with a hasher that costs next to nothing, for pages under test."""

from __future__ import annotations

from pathlib import Path

from argon2 import PasswordHasher

from studio.core.people import Person, Role
from studio.core.ports import AuditLog
from studio.engine.accounts import Accounts
from studio.library.database import Database
from studio.library.people import SqlitePeople

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
OWNER = Person("")


def password_of(name: str) -> str:
    return f"the password of {name}"


def some_accounts(data: Path, *, audit: AuditLog | None = None, owner: Person = OWNER, **roles: Role) -> Accounts:
    """Accounts by name and role; with none, the owner alone. Admins come first, for there must be one."""
    people = SqlitePeople(Database(data), hasher=CHEAP)
    for name, role in sorted(roles.items(), key=lambda each: each[1] != "admin"):
        if people.find(name) is None:
            people.add(name, password_of(name), role)
    return Accounts(people, owner, audit)
