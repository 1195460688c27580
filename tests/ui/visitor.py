"""Somebody who uses a page over HTTP without a browser: signs in, asks events and server functions directly."""

from __future__ import annotations

import json
import secrets
from typing import Any

import httpx
from fake_people import password_of


class Visitor:
    """One session; `name` "" does not sign in."""

    def __init__(self, url: str, name: str = "") -> None:
        self.http = httpx.Client(base_url=url, timeout=30)
        self.session = secrets.token_hex(5)
        if name:
            assert self.sign_in(name, password_of(name)) == 200

    def close(self) -> None:
        self.http.close()

    def sign_in(self, name: str, password: str) -> int:
        return self.http.post("login", data={"username": name, "password": password}).status_code

    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.http.get("config").json()
        return config

    def component(self, elem_id: str) -> int:
        parts = self.config()["components"]
        return next(part["id"] for part in parts if part["props"].get("elem_id") == elem_id)

    def events_of(self, elem_id: str, kind: str) -> list[dict[str, Any]]:
        """The events of a component, as the page's own script knows them."""
        config, id = self.config(), self.component(elem_id)
        return [event for event in config["dependencies"] if [id, kind] in event["targets"]]

    def ask(self, event: int, *data: Any) -> tuple[int, Any]:
        """An event without a queue."""
        body = {"fn_index": event, "data": list(data), "session_hash": self.session}
        answer = self.http.post("gradio_api/run/predict", json=body)
        return answer.status_code, answer.json()

    def ask_in_line(self, event: int, *data: Any) -> list[dict[str, Any]]:
        """An event through the queue: every message of it."""
        session = secrets.token_hex(5)
        body = {"fn_index": event, "data": list(data), "session_hash": session}
        joined = self.http.post("gradio_api/queue/join", json=body)
        assert joined.status_code == 200, joined.text
        told: list[dict[str, Any]] = []
        with self.http.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    told.append(json.loads(line[5:]))
                    if told[-1]["msg"] in ("process_completed", "close_stream"):
                        break
        return told

    def call(self, component: int, function: str, data: Any = None) -> tuple[int, Any]:
        """A server function of a component."""
        body = {"data": data, "component_id": component, "fn_name": function, "session_hash": self.session}
        answer = self.http.post("gradio_api/component_server", json=body)
        return answer.status_code, answer.json() if answer.headers["content-type"] == "application/json" else answer.text
