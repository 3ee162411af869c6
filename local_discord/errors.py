"""The errors of Discord's REST API, and of a person's own client."""

from __future__ import annotations

from typing import Any


class ImpossibleError(AssertionError):
    """Something that a person's own client would not let them do; a test that tries it is wrong."""


class InVainError(AssertionError):
    """Something awaited did not come in time."""


def demand(possible: object, sentence: str) -> None:
    """Raise ImpossibleError with the sentence unless something is possible."""
    if not possible:
        raise ImpossibleError(sentence)


class ApiError(Exception):
    """A refused call: the HTTP status, Discord's error code, and for forms the fields that are wrong."""

    def __init__(self, status: int, code: int, message: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.body: dict[str, Any] = {"code": code, "message": message}
        if errors:
            self.body["errors"] = errors


def unauthorized() -> ApiError:
    return ApiError(401, 0, "401: Unauthorized")


def unknown_channel() -> ApiError:
    return ApiError(404, 10003, "Unknown Channel")


def unknown_message() -> ApiError:
    return ApiError(404, 10008, "Unknown Message")


def missing_access() -> ApiError:
    return ApiError(403, 50001, "Missing Access")


def missing_permissions() -> ApiError:
    return ApiError(403, 50013, "Missing Permissions")


class Form:
    """Collect the errors in a request body by field path, as Discord's error 50035 does."""

    def __init__(self) -> None:
        self._errors: dict[str, Any] = {}

    def wrong(self, path: str, code: str, message: str) -> None:
        """Record an error; ``path`` is dotted, as in ``embeds.0.title``."""
        node = self._errors
        for step in path.split("."):
            node = node.setdefault(step, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def length(self, path: str, value: object, low: int, high: int) -> None:
        """Require a string of ``low`` to ``high`` characters; None counts as empty."""
        if value is not None and not isinstance(value, str):
            self.wrong(path, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
        elif low and not value:
            self.wrong(path, "BASE_TYPE_REQUIRED", "This field is required")
        elif value and len(value) < low:
            self.wrong(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
        elif value and len(value) > high:
            self.wrong(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")

    def count(self, path: str, number: int, low: int, high: int) -> None:
        """Require a list of ``low`` to ``high`` entries."""
        if not low <= number <= high:
            self.wrong(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")

    def check(self) -> None:
        """Refuse the call if there are errors."""
        if self._errors:
            raise ApiError(400, 50035, "Invalid Form Body", self._errors)
