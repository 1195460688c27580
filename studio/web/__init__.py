"""The way to the network: `_http.py` is its one door; here is what the rest of the studio uses of it.

`Door.send`   one exchange, bounded in time and size, ended at once by a cancel
`ask`         the same with patience: rate limits are waited out, what cannot be billed twice is tried again
`fetch`       a result from an allowed host, without any key
`send`        a picture for a service that scores it
"""

from studio.web._http import Answer, Door, Request, Trouble, Write, is_loopback
from studio.web.fetching import fetch, is_allowed
from studio.web.patience import Manners, Waiting, ask, asked_pause
from studio.web.upload import Upload, send

__all__ = [
    "Answer",
    "Door",
    "Manners",
    "Request",
    "Trouble",
    "Upload",
    "Waiting",
    "Write",
    "ask",
    "asked_pause",
    "fetch",
    "is_allowed",
    "is_loopback",
    "send",
]
