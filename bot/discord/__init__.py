"""The Discord bot: the only part of Footnote that imports discord."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; importing `typing` takes longer than importing this package

if TYPE_CHECKING:
    from bot.discord.footnote_bot import FootnoteBot
    from bot.discord.lifecycle import run_bot
    from bot.discord.services import Services
else:
    from retrieval.lazy_exports import lazy

    __getattr__ = lazy(
        __name__,
        {
            "FootnoteBot": "footnote_bot",
            "run_bot": "lifecycle",
            "Services": "services",
        },
    )

__all__ = ["FootnoteBot", "Services", "run_bot"]
