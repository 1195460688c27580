"""`python studio.py people`: the accounts, from the computer that the studio runs on. Whoever can run this is an admin."""

from __future__ import annotations

import argparse
import getpass
from typing import Any

from studio.core.errors import InvalidRequest
from studio.core.people import ROLES
from studio.engine.accounts import Accounts

FIRST = "From its next start on, the studio asks everybody to sign in."


def add_options(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _action(actions, "list", "show who may sign in, and their roles")
    add = _action(actions, "add", "give somebody an account; the password is asked for")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--role", choices=ROLES, default="creator", help="creator (the default), reviewer or admin")
    for name, help in (("password", "set a new password"), ("remove", "take the account away; pictures stay")):
        _action(actions, name, help).add_argument("name", metavar="NAME")
    role = _action(actions, "role", "set the role")
    role.add_argument("name", metavar="NAME")
    role.add_argument("role", choices=ROLES, metavar="ROLE")


def people(accounts: Accounts, arguments: argparse.Namespace, given_password: str) -> int:
    """Do one action and say what was done. `given_password` (for scripts) is taken instead of asking."""
    by = accounts.owner
    match arguments.action:
        case "list":
            everybody = accounts.all(by)
            width = max((len(person.name) for person in everybody), default=0)
            for person in everybody:
                print(f"{person.name.ljust(width)}  {person.role}")
            if not everybody:
                print("There are no accounts: this computer's user may do everything, and nobody else comes in.")
        case "add":
            is_first = not accounts.all(by)
            person = accounts.add(arguments.name, given_password or _asked(), arguments.role, by)
            print(f"{person.name} can sign in as {person.role}. {FIRST if is_first else ''}".rstrip())
        case "password":
            person = accounts.change(arguments.name, by, password=given_password or _asked())
            print(f"{person.name} has a new password; open sessions are over.")
        case "role":
            person = accounts.change(arguments.name, by, role=arguments.role)
            print(f"{person.name} is {person.role} now.")
        case "remove":
            accounts.remove(arguments.name, by)
            print(f"{arguments.name} cannot sign in any more. The pictures stay.")
        case unknown:
            raise ValueError(unknown)
    return 0


def _action(actions: Any, name: str, help: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=help)
    parser.add_argument("--offline", action="store_true", help=argparse.SUPPRESS)
    return parser


def _asked() -> str:
    """A password, typed twice without being shown."""
    try:
        first, second = getpass.getpass("Password (at least 10 characters): "), getpass.getpass("Once more: ")
    except EOFError:
        raise InvalidRequest("No password came. Type it, or set STUDIO_NEW_PASSWORD for a script.", "password") from None
    if first != second:
        raise InvalidRequest("The two are not the same. Start again.", "password")
    return first
