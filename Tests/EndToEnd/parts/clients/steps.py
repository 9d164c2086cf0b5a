"""What the two clients of the conformance tests have in common: how they answer, and how they take down what comes."""

import json
import sys
from typing import Any


def plain(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True) if hasattr(value, "model_dump") else value


def filled(schema: dict[str, Any]) -> dict[str, Any]:
    """A form that is filled in: with the defaults that it names, else with something of each kind."""
    usual = {"name": "Ann", "username": "ann", "email": "ann@example.com", "colour": "blue", "context": "a test", "ok": True}
    form = {}
    for name, each in schema.get("properties", {}).items():
        choices = each.get("enum") or [choice["const"] for choice in each.get("oneOf", [])]
        items = each.get("items", {})
        several = items.get("enum") or [choice["const"] for choice in items.get("anyOf", [])]
        form[name] = each.get("default", choices[0] if choices else several[:1] if several else usual.get(name, "x"))
    return form


class Notes:
    """The transcript: for each step its result or error, what the server told meanwhile and what it asked."""

    def __init__(self) -> None:
        self.transcript: dict[str, Any] = {}
        self.told: list[Any] = []
        self.asked: list[Any] = []

    def begin(self) -> None:
        self.told, self.asked = [], []

    def end(self, name: str, outcome: Any) -> None:
        self.transcript[name] = {"outcome": outcome, "told": self.told, "asked": self.asked}


def read() -> list[dict[str, Any]]:
    return json.load(sys.stdin)
