"""Discord's limits that the bot has to keep to, each once; characters are UTF-16 code units."""

from __future__ import annotations

from typing import Final

MESSAGE_CHARACTERS: Final = 4000  # of all components of one message together
MESSAGE_COMPONENTS: Final = 40
ROW_BUTTONS: Final = 5
BUTTON_LABEL: Final = 80
URL_CHARACTERS: Final = 512  # of a button's link
CUSTOM_ID: Final = 100

SELECT_OPTIONS: Final = 25
OPTION_CHARACTERS: Final = 100  # of its label
CHOICES: Final = 25  # of an autocomplete
CHOICE_CHARACTERS: Final = 100  # of its name and of its value

FORM_LABEL: Final = 45  # and the title of a form
FORM_HINT: Final = 100
FORM_TEXT: Final = 4000  # what people can type into one input

LONGEST_QUESTION: Final = 2000  # what people can write in one message; whatever asks for a question takes as much
THREAD_NAME: Final = 100
DAY_UNTIL_ARCHIVED: Final = 1440  # minutes
WEEK_UNTIL_ARCHIVED: Final = 10080  # the longest
FOLLOW_UPS: Final = 5  # to an interaction with an app that a user installed
