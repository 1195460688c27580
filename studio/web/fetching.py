"""Results that lie behind an address: from allowed hosts only, https only, without any key, before they expire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urljoin, urlsplit

from studio.core.errors import Rejected, Unavailable
from studio.web._http import MEGABYTE, Answer, Door, Request, Trouble, is_loopback

HOPS = 3
TRIES = 3
MOST_BYTES = 64 * MEGABYTE
GONE = (401, 403, 404, 410)


class Expired(Unavailable):
    """The address is not good any more."""

    code = "expired"


def fetch(
    door: Door, url: str, hosts: Sequence[str], service: str, check: Callable[[], None], *, loopback: bool = False
) -> Answer:
    """The file at `url`, which must be https on one of `hosts` (`*.example.com` takes subdomains).

    `loopback` allows plain addresses on this computer, for self-hosted servers. Redirects are followed within `hosts`.
    Raises `Rejected` for an address that is not allowed, `Expired` for one that is gone, `Unavailable` for the rest.
    """
    for _ in range(HOPS):
        if not is_allowed(url, hosts, loopback):
            where = urlsplit(url).hostname or "nowhere"
            raise Rejected(
                f"{service} put the picture at {where[:100]}, which is not one of its known hosts, so it was not fetched. "
                "If that host is right, add it to `hosts` in the provider's settings file and try again."
            )
        answer = _patiently(door, url, service, check)
        if 300 <= answer.status < 400 and answer.headers.get("location"):
            url = urljoin(url, answer.headers["location"])
            continue
        if answer.status in GONE:
            raise Expired(f"{service}'s address of the picture has expired ({answer.status}).")
        if answer.status >= 400:
            raise Unavailable(f"{service}'s host of the picture answered {answer.status}. Try again to fetch it.")
        return answer
    raise Unavailable(f"{service}'s address of the picture leads from one to the next without end. Try again later.")


def is_allowed(url: str, hosts: Sequence[str], loopback: bool) -> bool:
    """Whether an address is https on one of `hosts`, or, with `loopback`, on this computer; never one with a password."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.username or parts.password:
        return False
    if loopback and parts.scheme in ("http", "https") and is_loopback(url):
        return True
    named = any(host == each or (each.startswith("*.") and host.endswith(each[1:])) for each in hosts)
    return named and parts.scheme == "https"


def _patiently(door: Door, url: str, service: str, check: Callable[[], None]) -> Answer:
    """A download costs nothing, so it is tried a few times."""
    trouble = ""
    for _ in range(TRIES):
        check()
        try:
            answer = door.send(Request(url=url, most_bytes=MOST_BYTES), check)
        except Trouble as error:
            trouble = str(error)
            if error.kind == "too_large":
                raise Rejected(f"{service}'s picture was not fetched: {error}.") from None
            continue
        if answer.status < 500:
            return answer
        trouble = f"its host answered {answer.status}"
    raise Unavailable(f"{service}'s picture could not be fetched: {trouble}. Try again: it is made and paid for already.")
