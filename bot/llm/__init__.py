"""One client for any OpenAI-compatible server, with its usage, prices and budgets."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; importing `typing` takes longer than importing this package

if TYPE_CHECKING:
    from bot.llm.address import Address
    from bot.llm.client import LanguageModel, Reply
    from bot.llm.message import Messages, Prompt
    from bot.llm.meter import Meter, Payer, Spent, paid_by
    from bot.llm.patience import Wait, sharing
    from bot.llm.probe import Abilities
    from bot.llm.usage import Usage
else:
    from retrieval.lazy_exports import lazy

    __getattr__ = lazy(
        __name__,
        {
            "Address": "address",
            "LanguageModel": "client",
            "Reply": "client",
            "Messages": "message",
            "Prompt": "message",
            "Meter": "meter",
            "Payer": "meter",
            "Spent": "meter",
            "paid_by": "meter",
            "Wait": "patience",
            "sharing": "patience",
            "Abilities": "probe",
            "Usage": "usage",
        },
    )

__all__ = [
    "Abilities",
    "Address",
    "LanguageModel",
    "Messages",
    "Meter",
    "Payer",
    "Prompt",
    "Reply",
    "Spent",
    "Usage",
    "Wait",
    "paid_by",
    "sharing",
]
