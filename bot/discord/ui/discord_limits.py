"""Discord's limits that the bot has to respect, each defined once; characters are UTF-16 code units."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from discord.types.threads import ThreadArchiveDuration

MESSAGE_CHARACTERS: Final = 4000  # in all components of a message together
MESSAGE_COMPONENTS: Final = 40
ROW_BUTTONS: Final = 5
BUTTON_LABEL: Final = 80
URL_CHARACTERS: Final = 512  # in a button's link
CUSTOM_ID: Final = 100

SELECT_OPTIONS: Final = 25
OPTION_CHARACTERS: Final = 100  # in its label
CHOICES: Final = 25  # in an autocomplete
CHOICE_CHARACTERS: Final = 100  # in its name and in its value

FORM_LABEL: Final = 45  # also for a form's title
FORM_HINT: Final = 100
FORM_TEXT: Final = 4000  # in one input

LONGEST_QUESTION: Final = 2000  # in one message; everything that takes a question accepts as much
THREAD_NAME: Final = 100
DAY_UNTIL_ARCHIVED: Final = timedelta(days=1)
WEEK_UNTIL_ARCHIVED: Final = timedelta(weeks=1)  # the longest
FOLLOW_UPS: Final = 5  # to an interaction with an app that a user installed


def archive_minutes(until_archived: timedelta) -> ThreadArchiveDuration:
    """Convert one of the durations above to the minutes that Discord takes."""
    return cast("ThreadArchiveDuration", until_archived // timedelta(minutes=1))
