"""Every error a user can meet, as one tree; foreign errors are mapped to these once, at the border.

    StudioError
    ├── InvalidRequest       the request itself is wrong; nothing was spent
    ├── Unsupported          the request is fine, this model cannot do it
    ├── NotAllowed           the person's role does not reach that far
    ├── Blocked              a policy check said no (carries its verdict)
    ├── Cancelled            the user said stop
    ├── KeepError            the picture is made but could not be written yet
    ├── StampFailed          a mark could not be put on a picture, or was not there when it was looked for
    ├── LibraryError         the studio's database cannot be used (damaged, newer, locked, full)
    └── BackendError         the engine or provider failed
        ├── NotConfigured    a key, a model or a package is missing
        ├── RateLimited      too many requests; try later
        ├── Rejected         the provider refused the request (4xx); names the field at fault where it is known
        ├── Unavailable      the provider, model file or worker is out of reach (5xx, network, damage)
        ├── Uncertain        a paid request was sent and nobody knows what came of it: a person must look
        ├── OverBudget       the budget that the user set would be overrun; nothing was sent
        ├── Moderated        the provider's or the model's own filter withheld the picture
        ├── OutOfMemory      the device's memory does not suffice (carries the plan that would fit)
        └── BadPicture       the model gave NaN or one flat colour, twice

A message is one or two plain sentences that end with what to do next. `code` is stable and goes into the job's row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from studio.core.verdict import Verdict


class StudioError(Exception):
    """Root of the tree. `str(error)` is the sentence shown to the user."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False


class InvalidRequest(StudioError):
    """A field is out of range; `field` names it so that a form can show the sentence in place."""

    code = "invalid_request"

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Unsupported(StudioError):
    code = "unsupported"


class NotAllowed(StudioError):
    code = "not_allowed"


class Blocked(StudioError):
    """`verdict` is the one that decides, `verdicts` are all that were given until then; `field` as in `InvalidRequest`."""

    code = "blocked"

    def __init__(self, verdict: Verdict, verdicts: Sequence[Verdict] = ()) -> None:
        super().__init__(verdict.message)
        self.verdict, self.verdicts = verdict, tuple(verdicts) or (verdict,)
        self.field = "prompt" if verdict.stage == "request" else ""


class Cancelled(StudioError):
    code = "cancelled"


class KeepError(StudioError):
    """The outputs folder cannot be written (full, read-only); the picture is still held."""

    code = "keep"
    retryable = True


class StampFailed(StudioError):
    """Nothing unstamped is kept: the picture is not saved."""

    code = "stamp_failed"
    retryable = True


class LibraryError(StudioError):
    code = "library"


class BackendError(StudioError):
    """`facts` are what is known of a call that gave no picture (provider, request id, redacted answer); JSON-ready."""

    code = "backend"
    retryable = True

    def __init__(self, message: str, *, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.facts: Mapping[str, Any] = facts or {}


class NotConfigured(BackendError):
    code = "not_configured"
    retryable = False


class RateLimited(BackendError):
    code = "rate_limited"


class Rejected(BackendError):
    """`field` is the request's field at fault, empty if the provider did not name it."""

    code = "rejected"
    retryable = False

    def __init__(self, message: str, field: str = "", *, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, facts=facts)
        self.field = field


class Unavailable(BackendError):
    code = "unavailable"


class Uncertain(BackendError):
    """It may have been billed, so it is not sent again until a person says so."""

    code = "needs_review"


class OverBudget(BackendError):
    code = "over_budget"
    retryable = False


class Moderated(BackendError):
    code = "moderated"
    retryable = False


class OutOfMemory(BackendError):
    """`plan` is a sentence with settings that would fit, such as "768x768 should fit".

    `facts["smaller"]` is what one click tries instead: its `title`, and `options` of the request or a `size`.
    """

    code = "out_of_memory"

    def __init__(self, message: str, plan: str = "", *, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{message} {plan}".strip(), facts=facts)
        self.plan = plan


class BadPicture(BackendError):
    code = "bad_picture"
