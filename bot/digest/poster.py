"""Poster: what a delivery needs of a chat platform, and the errors that the platform may raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from retrieval import FootnoteError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime, timedelta

    from bot.digest.digest import Digest
    from bot.store.domain import Posted, Subscription


class GoneError(FootnoteError):
    """Something is refused for good, or until somebody fixes it; the sentence is shown to the subscriber."""


class UnavailableError(FootnoteError):
    """Something cannot be done for now.

    Attributes:
        retry_after: how long to wait before the next try, None if the platform does not say.
    """

    def __init__(self, sentence: str, retry_after: timedelta | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Poster(Protocol):
    """Post digests; every method may raise GoneError and UnavailableError, and ends within 45 seconds."""

    def post(self, subscription: Subscription, digest: Digest, *, nonce: str, posted: Posted) -> AsyncGenerator[Posted]:
        """Post what is missing of a digest, and yield all that is posted so far after each step.

        `posted` is what was posted before. The caller writes down what is yielded before it asks for the next step, and
        no step starts earlier. Called again with the same nonce (22 characters; three more may tell the parts apart)
        within two minutes, it posts no part twice.
        """
        ...

    async def find(self, subscription: Subscription, *, nonce: str, since: datetime, posted: Posted) -> Posted:
        """Find what was posted of a digest with this nonce since a time; `posted` is known already.

        A message must therefore carry its nonce for longer than the platform remembers nonces, for instance in the
        `custom_id` of a button.
        """
        ...

    async def tell(self, owner_id: int, sentence: str, *, nonce: str) -> None:
        """Send a person one sentence in private."""
        ...
