"""Poster: what the delivery of digests asks of a chat platform, and how that says that it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from retrieval import FootnoteError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from bot.digest.digest import Digest
    from bot.store.domain import Posted, Subscription


class GoneError(FootnoteError):
    """Say why something is refused for good, or until somebody mends it, in a sentence that its subscriber reads."""


class UnavailableError(FootnoteError):
    """Say why something cannot be done for now.

    Attributes:
        retry_after: seconds after which the platform wants to be asked again, None where it does not say.
    """

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Poster(Protocol):
    """Post digests; each method raises GoneError and UnavailableError, and is done or given up within 45 seconds."""

    def post(self, subscription: Subscription, digest: Digest, *, nonce: str, posted: Posted) -> AsyncGenerator[Posted]:
        """Post what is missing of a digest where the subscription says, and yield all that stands after each step.

        `posted` stands already. Whoever takes what is yielded writes it down before asking for the next step, which is
        not tried before. Called again with the same nonce (22 characters; three more may tell the parts apart) within
        two minutes, it posts no part twice.
        """
        ...

    async def find(self, subscription: Subscription, *, nonce: str, since: datetime, posted: Posted) -> Posted:
        """Return what stands of a digest that was posted with a nonce since a moment, of which `posted` is known.

        What was posted must therefore bear its nonce for longer than the platform remembers nonces, in the
        `custom_id` of a button, say.
        """
        ...

    async def tell(self, owner_id: int, sentence: str, *, nonce: str) -> None:
        """Send a person one sentence in private."""
        ...
