"""The accounts: who may sign in, with which role. Passwords are hashed with Argon2id (RFC 9106) and never come out.

After five failures of a name in a row its next try is not even looked at for 1, 2, 4 … up to 60 seconds. That list is in
the memory of one process: a restart forgets it, and two studios on one library do not share it.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from studio.core.errors import InvalidRequest
from studio.core.people import ROLES, Person, Role
from studio.library.database import Database

SHORTEST, LONGEST = 10, 1000
"""Characters of a password."""
FREE_TRIES, LONGEST_WAIT = 5, 60.0
NAMES_REMEMBERED = 10_000
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
_OF_NAME = "SELECT name, password, role FROM account WHERE name = ? COLLATE NOCASE"


class SqlitePeople:
    """`studio.core.ports.People` on one SQLite file; safe across threads and processes.

    `operator` is the name and password of one more admin, in memory only, for whoever started the studio with
    STUDIO_PASSWORD. An account of the same name goes before it.
    """

    def __init__(
        self,
        database: Database,
        *,
        operator: tuple[str, str] | None = None,
        hasher: PasswordHasher | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._hasher, self._waits = database, hasher or PasswordHasher(), _Waits(clock)
        self._one_at_a_time = threading.Lock()
        self._operator: Mapping[str, Any] | None = None
        if operator:
            self._operator = {"name": operator[0], "password": self._hash(operator[1]), "role": "admin"}

    @cached_property
    def _nobody(self) -> str:
        """What the password of a name that nobody has is compared with."""
        return self._hash("a password that nobody has")

    def all(self) -> list[Person]:
        """Everybody who may sign in, by name."""
        rows: list[Mapping[str, Any]] = [dict(row) for row in self._database.rows("SELECT name, role FROM account")]
        if self._operator and _fold(self._operator["name"]) not in {_fold(row["name"]) for row in rows}:
            rows.append(self._operator)
        return sorted((_person(row) for row in rows), key=lambda person: _fold(person.name))

    def find(self, name: str) -> Person | None:
        row = self._row(name)
        return _person(row) if row else None

    def edition(self, name: str) -> str:
        """Another one whenever the password changes, and no part of it; empty for nobody."""
        row = self._row(name)
        return hashlib.sha256(row["password"].encode()).hexdigest()[:16] if row else ""

    def add(self, name: str, password: str, role: Role) -> Person:
        """The first one is an admin. Raises `InvalidRequest` for a name that is taken or odd, or a password too short."""
        if not _NAME.fullmatch(name):
            raise InvalidRequest(
                "A name has 1 to 40 letters (a to z), digits, dots, hyphens or underscores. Choose another one.", "name"
            )
        hashed = self._new_hash(password)
        with self._database.transaction() as connection:
            if connection.execute(_OF_NAME, (name,)).fetchone():
                raise InvalidRequest(f"There is an account named “{name}” already. Choose another name.", "name")
            if _role(role) != "admin" and not _admins(connection):
                raise InvalidRequest("The first account has to be an admin's. Add one with the role admin.", "role")
            connection.execute("INSERT INTO account VALUES (?, ?, ?, ?)", (name, hashed, role, time.time()))
        return Person(name, role)

    def change(self, name: str, *, password: str = "", role: Role | None = None) -> Person:
        """Set what is given. Raises `InvalidRequest` for an unknown name, a short password or the last admin's role."""
        hashed = self._new_hash(password) if password else ""
        with self._database.transaction() as connection:
            row = self._known(connection, name)
            if role and _role(role) != "admin" and row["role"] == "admin" and _admins(connection) == 1:
                raise InvalidRequest(f"{row['name']} is the last admin. Make somebody else an admin first.", "role")
            connection.execute(
                "UPDATE account SET role = ?, password = ? WHERE name = ?",
                (role or row["role"], hashed or row["password"], row["name"]),
            )
            return Person(row["name"], role or row["role"])

    def remove(self, name: str) -> None:
        """The name's pictures stay. Raises `InvalidRequest` for an unknown name or the last admin."""
        with self._database.transaction() as connection:
            row = self._known(connection, name)
            if row["role"] == "admin" and _admins(connection) == 1:
                raise InvalidRequest(f"{row['name']} is the last admin. Make somebody else an admin first.", "name")
            connection.execute("DELETE FROM account WHERE name = ?", (row["name"],))

    def check(self, name: str, password: str) -> Person | None:
        """The person, or None. As slow for a name that nobody has; one at a time, so that a flood takes no more memory."""
        key = _fold(name)
        with self._one_at_a_time:
            if not self._waits.may_try(key):
                return None
            row, nobody = self._row(name), self._nobody
            good = self._fits(row["password"] if row else nobody, password) and row is not None
            self._waits.note(key, good=good)
            if row is None or not good:
                return None
            self._renew(row, password)
            return _person(row)

    def _row(self, name: str) -> Mapping[str, Any] | None:
        rows = self._database.rows(_OF_NAME, (name,)) if _NAME.fullmatch(name) else []
        if rows:
            return dict(rows[0])
        return self._operator if self._operator and _fold(self._operator["name"]) == _fold(name) else None

    def _known(self, connection: sqlite3.Connection, name: str) -> sqlite3.Row:
        row: sqlite3.Row | None = connection.execute(_OF_NAME, (name,)).fetchone()
        if row is not None:
            return row
        if self._row(name):
            raise InvalidRequest(f"{name} stands for STUDIO_PASSWORD. Change that and start the studio again.", "name")
        raise InvalidRequest("There is no account of that name. Look at the list of people.", "name")

    def _new_hash(self, password: str) -> str:
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidRequest(f"A password has at least {SHORTEST} characters. Choose a longer one.", "password")
        return self._hash(password)

    def _hash(self, password: str) -> str:
        return self._hasher.hash(_bytes(password))

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False

    def _renew(self, row: Mapping[str, Any], password: str) -> None:
        """Hash anew what was hashed with other parameters than today's; the operator's always was with these."""
        if self._hasher.check_needs_rehash(row["password"]):
            values = (self._hash(password), row["name"], row["password"])
            self._database.change("UPDATE account SET password = ? WHERE name = ? AND password = ?", values)


class _Waits:
    """How long a name has to wait after its failures, whether somebody has it or not."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def may_try(self, key: str) -> bool:
        return self._clock() >= self._failures.get(key, (0, 0.0))[1]

    def note(self, key: str, *, good: bool) -> None:
        """A success forgets the failures; so do ten thousand other names that failed since."""
        count, _ = self._failures.pop(key, (0, 0.0))
        if good:
            return
        wait = min(LONGEST_WAIT, 2.0 ** min(count + 1 - FREE_TRIES, 10)) if count + 1 >= FREE_TRIES else 0.0
        self._failures[key] = (count + 1, self._clock() + wait)
        while len(self._failures) > NAMES_REMEMBERED:
            self._failures.popitem(last=False)


def _person(row: Mapping[str, Any]) -> Person:
    return Person(row["name"], row["role"])


def _role(role: str) -> Role:
    for known in ROLES:
        if role == known:
            return known
    raise InvalidRequest(f"There is no role “{role}”. Choose one of: {', '.join(ROLES)}.", "role")


def _admins(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT COUNT(*) FROM account WHERE role = 'admin'").fetchone()[0])


def _fold(name: str) -> str:
    return name.casefold()[:80]


def _bytes(password: str) -> bytes:
    """One spelling for what keyboards compose in different ways, as NIST SP 800-63B advises."""
    return unicodedata.normalize("NFKC", password[: LONGEST + 1]).encode("utf-8", "surrogatepass")
