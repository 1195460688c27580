"""One paid call and everything that may happen to it, noted so that the same job, run again, never pays twice.

| note | stands | after a crash |
|---|---|---|
| `sending` | while the call is in the air | nobody knows: `Uncertain`, unless a repeat is free or recognised |
| `ticket` | once the provider took it | the same picture is looked for again |
| `answer` | once it is ready | it is read again |
| `picture-N` | once it was fetched | it is opened again |
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NoReturn

from PIL import Image

from studio.backends._hosted import failures
from studio.backends._hosted.calls import json_of, struck, told
from studio.backends._hosted.pictures import Garbled, decoded, is_address, is_black, is_blank, opened, unwrapped
from studio.backends._hosted.provider import Call, Made, Moderation, Reply, Ticket, Wish
from studio.backends._hosted.tools import Tools, cost_of, facts_of
from studio.core.errors import BackendError, Cancelled, Moderated, Rejected, StudioError, Unavailable, Uncertain
from studio.core.ports import Receipts, Watch
from studio.web import Answer, fetch, is_loopback
from studio.web.fetching import Expired
from studio.web.patience import Waiting

SLOWER, SLOWEST = 1.25, 5.0
"""Looks at a submitted picture come ever later, up to so many seconds apart."""
WITHHELD = ("blurred", "blocked_by_provider")
Delay = Callable[[float, str], None]
Opened = tuple[Image.Image, bytes, Made]
"""A picture with the bytes it came as."""


@dataclass(frozen=True, kw_only=True)
class Got:
    """What an errand brought: pictures with their bytes, and the facts that are kept with each of them."""

    pictures: tuple[Opened, ...]
    reply: Reply
    facts: dict[str, Any]
    seconds: dict[str, float]


class Errand:
    """One wish, carried out. `receipts` are its own part of the job's."""

    def __init__(self, tools: Tools, wish: Wish, watch: Watch, receipts: Receipts) -> None:
        self._tools, self._wish, self._watch, self._receipts = tools, wish, watch, receipts
        self._provider, self._about = tools.provider, tools.provider.about
        self._seconds: dict[str, float] = {}
        self._repeats = 0
        self._answer: Answer | None = None
        self._request: dict[str, Any] = {}

    def run(self) -> Got:
        """Raises a `StudioError` whose `facts`, for a `BackendError`, tell what is known of the call."""
        try:
            with self._tools.pace.turn(self._watch.lane, self._watch.check):
                reply = self._reply()
                self._refuse_withheld(reply)
                self._watch.phase("fetching")
                pictures = tuple(self._picture(number, made) for number, made in enumerate(reply.made))
                self._refuse_blank(reply, pictures)
        except BackendError as error:
            error.facts = error.facts or {"hosted": self._facts(Reply(moderation=_moderation(error)))}
            raise
        self._settle(reply)
        self._tools.pace.went_well()
        self._tools.preferences.prove(self._about.name)
        return Got(pictures=pictures, reply=reply, facts=self._facts(reply), seconds=self._seconds)

    def _reply(self) -> Reply:
        """From the notes as far as they go, else from the provider."""
        ticket = self._noted_ticket()
        if note := self._receipts.read("answer"):
            self._answer = _unpacked(note)
            found = self._found(self._answer, ticket)
        elif ticket is not None:
            found = ticket
        else:
            found = self._submitted()
        return found if isinstance(found, Reply) else self._awaited(found)

    def _submitted(self) -> Reply | Ticket:
        about, wish, price = self._about, self._wish, self._wish.model.price
        self._refuse_unknown_end()
        self._provider.check(wish)
        self._watch.phase("sending")
        before = [self._asked(call, billed=False) for call in self._provider.before(wish)]
        call = self._provider.call(wish, before)
        budget = self._tools.preferences.get().daily_budget
        self._receipts.reserve(about.name, price.of(wish.size, wish.count) if price else None, budget)
        with self._tools.in_the_air.one():
            self._request = told(call)
            self._receipts.write("request", json.dumps(self._request).encode())
            self._note_sending()
            found = self._found(self._sent(call), None)
            self._receipts.remove("sending")
        return found

    def _sent(self, call: Call) -> Answer:
        """The answer to the paid call. What is sure to have come to nothing leaves no trace."""
        about, began = self._about, time.perf_counter()
        try:
            billed = not about.free and not about.idempotency_header
            return self._asked(call, billed=billed, delay=self._delay_sending, more=self._idempotency())
        except Uncertain:
            raise
        except Cancelled:
            if self._receipts.read("sending") is None:
                self._came_to_nothing()
                raise
            self._tools.tell_to_stop(None)
            billing = (
                "" if about.free else f" The request had been sent to {about.title}; it may make the picture and bill it."
            )
            raise Cancelled(f"Cancelled.{billing}") from None
        except StudioError:
            self._came_to_nothing()
            raise
        finally:
            self._seconds["sending"] = round(time.perf_counter() - began, 3)

    def _note_sending(self) -> None:
        self._receipts.write("sending", time.strftime("%H:%M:%S").encode())

    def _delay_sending(self, until: float, why: str) -> None:
        """A paid call that was refused for a while is not in the air while it waits."""
        self._receipts.remove("sending")
        with self._tools.in_the_air.none():
            self._watch.delay(until, why)
        self._note_sending()

    def _found(self, answer: Answer, ticket: Ticket | None) -> Reply | Ticket:
        """What an answer says, noted. A failure that it tells of leaves no trace."""
        try:
            found = self._understood(answer, ticket)
        except Uncertain:
            raise
        except StudioError as error:
            self._came_to_nothing()
            failures.without_secrets(error, self._tools.secrets)
            raise
        if isinstance(found, Reply):
            self._receipts.write("answer", _packed(answer))
        elif ticket is None or found.values != ticket.values:
            self._receipts.write("ticket", json.dumps(asdict(found)).encode())
        return found

    def _awaited(self, ticket: Ticket) -> Reply:
        """Look again and again until the picture is ready; only a person gives up on one that is paid for."""
        about, began, pause = self._about, time.perf_counter(), self._about.poll_seconds
        self._watch.phase("polling")
        try:
            while time.perf_counter() - began < about.patience:
                found = self._looked(ticket)
                if isinstance(found, Reply):
                    return found
                if found.progress is not None:
                    self._watch.step(round(found.progress * 100), 100)
                if found.values == ticket.values:
                    self._rest(pause)
                    pause = min(pause * SLOWER, max(SLOWEST, about.poll_seconds))
                ticket = found
        except Cancelled:
            raise self._taken_back(ticket) from None
        finally:
            self._seconds["waiting"] = round(time.perf_counter() - began, 3)
        raise Uncertain(
            f"{about.title} has not finished the picture within {about.patience / 60:.0f} minutes. Retry looks for the same "
            "picture again and does not pay again."
        )

    def _looked(self, ticket: Ticket) -> Reply | Ticket:
        try:
            answer = self._asked(self._provider.look(ticket), billed=False)
        except Unavailable as error:
            raise Uncertain(f"{error} The picture is ordered: Retry looks for it again and does not pay again.") from None
        except Moderated:
            self._came_to_nothing()
            raise
        except Rejected as error:
            self._came_to_nothing()
            raise Rejected(f"{error} The picture that was ordered is lost; Retry orders a new one.", error.field) from None
        return self._found(answer, ticket)

    def _understood(self, answer: Answer, ticket: Ticket | None) -> Reply | Ticket:
        try:
            if ticket is None:
                return self._provider.read(answer, self._wish)
            return self._provider.read_look(answer, ticket, self._wish)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            words, _ = failures.words_of(json_of(answer))
            said = f" It says: {struck(words, self._tools.secrets).rstrip('.')}." if words else ""
            raise Uncertain(
                f"{self._about.title} answered in a way that the studio does not know.{said} It may have made and billed "
                "the picture. Look into your account there."
            ) from None

    def _asked(self, call: Call, *, billed: bool, delay: Delay | None = None, more: dict[str, str] | None = None) -> Answer:
        waiting = Waiting(check=self._watch.check, delay=delay or self._watch.delay, hold=self._tools.pace.hold)
        try:
            return self._tools.ask(call, waiting, billed=billed, more=more)
        finally:
            self._repeats += waiting.repeats
            self._answer = waiting.last or self._answer

    def _picture(self, number: int, made: Made) -> Opened:
        name, began = f"picture-{number}", time.perf_counter()
        data = self._receipts.read(name)
        try:
            if data is None:
                data = self._fetched(made)
            image = opened(data)
            if not isinstance(made.data, bytes):
                self._receipts.write(name, data)
        except Garbled as error:
            self._receipts.clear()  # the call stays in the ledger: it may be billed
            raise Uncertain(
                f"{self._about.title}: {error}. It may be billed all the same: look into your account there. Retry asks for "
                "a new picture."
            ) from None
        self._seconds["fetching"] = round(self._seconds.get("fetching", 0.0) + time.perf_counter() - began, 3)
        return image, data, made

    def _fetched(self, made: Made) -> bytes:
        about, check = self._about, self._watch.check
        try:
            if isinstance(made.data, bytes):
                return made.data
            if isinstance(made.data, Call):
                return self._called_for(made.data)
            if is_address(made.data):
                own = is_loopback(about.url)
                return unwrapped(fetch(self._tools.door, made.data, about.hosts, about.title, check, loopback=own).body)
            return decoded(made.data)
        except Expired as error:
            self._came_to_nothing(paid=True)
            raise Rejected(f"{error} The picture is lost though it was made; Retry orders a new one.") from None
        except Garbled:
            raise
        except Unavailable as error:
            raise Uncertain(f"{error} Retry fetches it again and does not pay again.") from None

    def _called_for(self, call: Call) -> bytes:
        """A picture that the provider itself hands out; once it says no, it never will again."""
        try:
            return self._asked(call, billed=False).body
        except Rejected as error:
            self._came_to_nothing(paid=True)
            raise Rejected(f"{error} The picture is lost though it was made; Retry orders a new one.") from None

    def _refuse_unknown_end(self) -> None:
        began = self._receipts.read("sending")
        if began and not self._about.free and not self._about.idempotency_header:
            raise Uncertain(
                f"The studio stopped while the request was on its way to {self._about.title} ({began.decode()}), so nobody "
                "knows whether a picture was made and billed. Look into your account there; Retry sends it once more."
            )

    def _refuse_withheld(self, reply: Reply) -> None:
        if reply.moderation in WITHHELD:
            what = "sent a blurred picture in its place" if reply.moderation == "blurred" else "withheld the picture"
            self._withhold(reply, f"{self._about.title}'s filter {what}.")

    def _refuse_blank(self, reply: Reply, pictures: Sequence[Opened]) -> None:
        """A flat picture that was flagged, or a black one, is what a filter left; never a black one without a word."""
        for image, _, made in pictures:
            if is_blank(image) and (is_black(image) or "flagged" in (made.moderation, reply.moderation)):
                blocked = replace(reply, moderation="blocked_by_provider")
                why = "" if self._about.free else ", as filters do"
                self._withhold(blocked, f"{self._about.title} sent a blank picture{why}.")

    def _withhold(self, reply: Reply, what: str) -> NoReturn:
        """No picture came of it, though it may be billed."""
        self._settle(reply)
        facts = {"hosted": self._facts(reply)}
        self._receipts.clear()
        reason = f" Its reason: {struck(reply.reason, self._tools.secrets).rstrip('.')}." if reply.reason else ""
        raise Moderated(f"{what}{reason} Change the prompt, the seed or the picture it starts from.", facts=facts)

    def _taken_back(self, ticket: Ticket) -> Cancelled:
        """Ask the provider to stop, and say what may be billed."""
        title = self._about.title
        match self._tools.tell_to_stop(ticket):
            case None:
                return Cancelled(
                    f"Cancelled here. {title} has no way to stop; it may bill the picture, and Retry fetches it."
                )
            case False:
                return Cancelled(f"Cancelled here, but {title} could not be told; it may make the picture and bill it.")
            case True:
                self._receipts.clear()
                billing = "." if self._about.free else "; what it had begun may be billed."
                return Cancelled(f"Cancelled. {title} was told to stop{billing}")

    def _came_to_nothing(self, *, paid: bool = False) -> None:
        if not paid:
            self._receipts.release()
        self._receipts.clear()

    def _settle(self, reply: Reply) -> None:
        cost = cost_of(self._wish, reply, free=self._about.free)
        self._receipts.settle(cost["value"], cost["source"])

    def _idempotency(self) -> dict[str, str]:
        """The same value for every sending of the same call, also after a crash."""
        if not self._about.idempotency_header:
            return {}
        key = self._receipts.read("key") or uuid.uuid4().hex.encode()
        self._receipts.write("key", key)
        return {self._about.idempotency_header: key.decode()}

    def _noted_ticket(self) -> Ticket | None:
        note = self._receipts.read("ticket")
        return Ticket(**json.loads(note)) if note else None

    def _rest(self, seconds: float, step: float = 0.1) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._watch.check()
            time.sleep(min(left, step))

    def _facts(self, reply: Reply) -> dict[str, Any]:
        request = self._request or json.loads(self._receipts.read("request") or b"{}")
        extra = {"seconds": dict(self._seconds), "retries": self._repeats}
        return facts_of(self._tools, self._wish, reply, request, self._answer) | extra


def _moderation(error: BackendError) -> Moderation:
    return "blocked_by_provider" if isinstance(error, Moderated) else "unknown"


def _packed(answer: Answer) -> bytes:
    head = {"status": answer.status, "headers": dict(answer.headers), "seconds": answer.seconds}
    return json.dumps(head).encode() + b"\n" + answer.body


def _unpacked(note: bytes) -> Answer:
    head, _, body = note.partition(b"\n")
    return Answer(**json.loads(head), body=body)
