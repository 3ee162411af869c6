"""The custom ids of everything clickable: made when a card is drawn, parsed when somebody clicks it.

Discord returns them for as long as the message exists, so their form is a contract with every card ever posted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from retrieval.papers import HASHED, short_key

if TYPE_CHECKING:
    from retrieval import Library

ANSWER: Final = r"(?P<answer>[\w-]{1,32})"
PAPER: Final = r"(?P<paper>\S{1,60})"

UP: Final = "footnote:up:"
DOWN: Final = "footnote:down:"
QUOTES: Final = "footnote:quotes:"
FOLLOW_UP: Final = "footnote:more:"
THREAD: Final = "footnote:thread:"
MENU: Final = "footnote:menu:"
STARS: Final = "footnote:stars:"
TAKE_AWAY: Final = "footnote:away:"
CHOICE: Final = "footnote:choice:"
STAR: Final = "footnote:star:"
SIMILAR: Final = "footnote:similar:"
PAGE: Final = "footnote:page:"
ABOUT: Final = "footnote:about:"
CITE: Final = "footnote:cite:"
CITE_MENU: Final = "footnote:cite-menu"
CITE_ANSWER: Final = "footnote:cite-answer:"
DIGEST: Final = "footnote:digest:"

WHY_FORM: Final = "footnote:why-form:"
FOLLOW_UP_FORM: Final = "footnote:more-form:"
ABOUT_FORM: Final = "footnote:about-form"
PREFIX_FORM: Final = "footnote:prefix-form"
TIME_FORM: Final = "footnote:time-form"
PAPER_FORM: Final = "footnote:paper-form"


def choice(answer_id: str, index: int) -> str:
    """Make the id of a choice of an answer, by its index."""
    return f"{CHOICE}{answer_id}:{index}"


def page(number: int, token: str) -> str:
    """Make the id of the button to a page (from 0) of the search with this token."""
    return f"{PAGE}{number}:{token}"


def star(paper_id: str) -> str:
    """Make the id of a paper's star."""
    return f"{STAR}{paper_key(paper_id)}"


def similar(paper_id: str) -> str:
    """Make the id of the button to similar papers."""
    return f"{SIMILAR}{paper_key(paper_id)}"


def about(paper_id: str) -> str:
    """Make the id of the button to a question about a paper."""
    return f"{ABOUT}{paper_key(paper_id)}"


def cite(paper_id: str) -> str:
    """Make the id of the button that shows how to cite a paper."""
    return f"{CITE}{paper_key(paper_id)}"


def digest(subscription_id: str, nonce: str, number: int) -> str:
    """Make the id of a button in a digest's message (from 0), from which the digest can be found again."""
    return f"{DIGEST}{subscription_id}:{nonce}:{number}"


def paper_key(paper_id: str) -> str:
    """Make a paper's key for custom ids, which have 100 characters at most."""
    return short_key(paper_id)


async def paper_of(key: str, library: Library) -> str | None:
    """Find the paper with this key; None if it is the hash of no paper here."""
    return await library.of_key(key) if key.startswith(HASHED) else key
