"""Remove Discord markup, links and the bot's own name from a message."""

from __future__ import annotations

import re
from typing import Final

# Mentions, channels, custom emoji, time stamps and commands as Discord sends them; handles; links. These follow a
# protocol, so patterns read them best.
_MARKUP: Final = re.compile(
    r"(?P<discord><(?:[@#][!&]?|a?:\w+:|t:|/[\w -]+:)\d+(?::\w)?>)|(?<!\w)@(?P<handle>\w+)[,:]?|https?://\S+"
)
_OWN_NAMES: Final = frozenset({"bot", "footnote", "paperbot"})


def without_address(text: str) -> str:
    """Remove Discord markup and the bot's own name, which the question is not about."""
    return _MARKUP.sub(
        lambda found: " " if found["discord"] or (found["handle"] or "").casefold() in _OWN_NAMES else found[0], text
    )


def without_markup(text: str) -> str:
    """Remove everything that is not natural language, including handles and links."""
    return _MARKUP.sub(" ", text)
