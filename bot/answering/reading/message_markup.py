"""What Discord and browsers write into a message in place of words, and the bot called by its name."""

from __future__ import annotations

import re
from typing import Final

# Mentions, channels, emoji of a server, time stamps and commands as Discord sends them; handles; links. These are forms
# of a protocol, which no model of language reads better.
_MARKUP: Final = re.compile(
    r"(?P<discord><(?:[@#][!&]?|a?:\w+:|t:|/[\w -]+:)\d+(?::\w)?>)|(?<!\w)@(?P<handle>\w+)[,:]?|https?://\S+"
)
_OWN_NAMES: Final = frozenset({"bot", "footnote", "paperbot"})


def without_address(text: str) -> str:
    """Leave out what Discord wrote and the bot's own name, none of which are asked about."""
    return _MARKUP.sub(
        lambda found: " " if found["discord"] or (found["handle"] or "").casefold() in _OWN_NAMES else found[0], text
    )


def without_markup(text: str) -> str:
    """Leave out whatever is no word of a language, handles and links too."""
    return _MARKUP.sub(" ", text)
