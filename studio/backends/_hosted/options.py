"""A model's own options as JSON: the form knows texts and numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

YES_NO = ("yes", "no")
"""Choices of an option that is true or false on the wire."""


def as_json(options: Mapping[str, Any]) -> dict[str, Any]:
    """`yes` and `no` as booleans, whole numbers without a fraction; the rest as it is."""
    return {name: _plain(value) for name, value in options.items()}


def _plain(value: Any) -> Any:
    if value in YES_NO:
        return value == "yes"
    return int(value) if isinstance(value, float) and value.is_integer() else value
