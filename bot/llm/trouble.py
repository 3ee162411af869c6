"""Describe failures of a language model in our own words: a server's may hold a key or the prompt."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from bot.errors import BudgetError, WriterError
from bot.language import say

if TYPE_CHECKING:
    from bot.llm.wire import Failure


def over_budget(budget: str) -> BudgetError:
    """Make the error for a used-up budget."""
    sentences = {
        "day": say("has used up its budget for today"),
        "server": say("has used up this server's budget for today"),
        "person": say("has used up your budget for today"),
    }
    return BudgetError(sentences.get(budget, sentences["day"]), budget)


def resting() -> WriterError:
    """Make the error for a model that is left alone after repeated failures."""
    return WriterError(say("has failed twice in a row and is left alone for a minute"))


def late(seconds: float) -> WriterError:
    """Make the error for a question that has waited for too long."""
    return WriterError(say("took longer than {seconds} s", seconds=f"{seconds:g}"), HTTPStatus.REQUEST_TIMEOUT)


def silent(seconds: float) -> WriterError:
    """Make the error for a model that was silent for too long."""
    return WriterError(say("said nothing for {seconds} s", seconds=f"{seconds:g}"), HTTPStatus.REQUEST_TIMEOUT)


def cut_off() -> WriterError:
    """Make the error for a truncated reply."""
    return WriterError(say("cut the answer off"))


def unusable() -> WriterError:
    """Make the error for an unreadable reply."""
    return WriterError(say("gave no usable answer"))


def looping() -> WriterError:
    """Make the error for a reply that repeats itself."""
    return WriterError(say("began to repeat itself"))


def too_long() -> WriterError:
    """Make the error for a context too small even for the shortest prompt."""
    return WriterError(say("has too small a context for the question"))


def ended(finish_reason: str | None, *, refused: bool) -> WriterError | None:
    """Make the error for a reply that the server ended, None if it ended normally."""
    if refused:
        return WriterError(say("declined to answer"))
    if finish_reason == "content_filter":
        return WriterError(say("filtered the answer"))
    if finish_reason == "length":
        return cut_off()
    return WriterError(say("is out of order")) if finish_reason == "error" else None


def failed(failure: Failure, model: str, *, speaking: bool) -> WriterError:
    """Make the error for a failed call; `speaking` if part of the reply had come."""
    if speaking:
        return cut_off()
    status = failure.status
    if status is None:
        return WriterError(say("cannot be reached"), 0)
    broke = "insufficient_quota" in failure.message
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            words = say("refused the key")
        case HTTPStatus.PAYMENT_REQUIRED:
            words = say("is out of credit")
        case HTTPStatus.NOT_FOUND:
            words = say("is not known to the server as {model}", model=model)
        case HTTPStatus.TOO_MANY_REQUESTS:
            words = say("is out of credit") if broke else say("is taking no more requests")
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            words = say("is out of order")
        case _:
            words = say("refused the request")
    return WriterError(f"{words} ({status})", status)
