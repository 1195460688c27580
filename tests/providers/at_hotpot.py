"""What is documented of Hotpot.ai, on loopback."""

from __future__ import annotations

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, picture

from studio.backends import hotpot


class HotpotServer(Loopback):
    """`shape` is how the picture comes back: the documentation does not say."""

    def __init__(self) -> None:
        super().__init__()
        self.shape = "bytes"

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/files/1":
            assert "authorization" not in asked.headers
            return Said(picture(), 200)
        if "authorization" not in asked.headers:
            return Said({"code": 401, "message": "no key"}, 401)
        if asked.headers["authorization"] != KEY:
            return Said({"code": 403, "message": "bad key"}, 403)
        if asked.path != "/make-art":
            return Said({"code": 404, "message": "path"}, 404)
        form = asked.form
        if set(form) != {"inputText", "styleId"} or not form["inputText"] or not form["styleId"].isdigit():
            return Said({"code": 400, "message": "invalid value"}, 400)
        self.count_made()
        return Said(self.body(), 200, {"X-API-Credits-Left": "99", "Content-Type": "image/png"})

    def body(self) -> bytes:
        from base64 import b64encode

        if self.shape == "address":
            return f'"{self.url}/files/1"'.encode()
        return {"bytes": picture(), "base64": b64encode(picture())}[self.shape]


SUBMIT = "/make-art"
CASE = Case(
    name="hotpot",
    create=hotpot.create,
    server=HotpotServer,
    keys=("HOTPOT_API_KEY",),
    models={"text-to-image": "make-art"},
    submit=SUBMIT,
    wrong={
        "key": says(403, {"code": 403, "message": "bad key"}, SUBMIT),
        "credit": says(429, {"code": 429, "message": "limit"}, SUBMIT, X_API_Credits_Left="0"),
        "invalid": says(400, {"code": 400, "message": "invalid value"}, SUBMIT),
        "busy": says(429, {"code": 429, "message": "limit"}, SUBMIT),
    },
    seeds=False,
)
