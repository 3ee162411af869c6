"""The custom ids of everything clickable: made when a card is rendered, read back when somebody clicks it.

Discord hands them back for as long as the message exists, so their form is a contract with every card ever posted.
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
    """Return the id of the choice at this index of an answer."""
    return f"{CHOICE}{answer_id}:{index}"


def page(number: int, token: str) -> str:
    """Return the id of the button to a page (from 0) of the search with this token."""
    return f"{PAGE}{number}:{token}"


def star(paper_id: str) -> str:
    """Return the id of the star of a paper."""
    return f"{STAR}{paper_key(paper_id)}"


def similar(paper_id: str) -> str:
    """Return the id of the button to what is like a paper."""
    return f"{SIMILAR}{paper_key(paper_id)}"


def about(paper_id: str) -> str:
    """Return the id of the button to a question about a paper."""
    return f"{ABOUT}{paper_key(paper_id)}"


def cite(paper_id: str) -> str:
    """Return the id of the button to how a paper is cited."""
    return f"{CITE}{paper_key(paper_id)}"


def digest(subscription_id: str, nonce: str, number: int) -> str:
    """Return the id of the button of a digest's message, counted from 0, by which the digest can be found again."""
    return f"{DIGEST}{subscription_id}:{nonce}:{number}"


def paper_key(paper_id: str) -> str:
    """Return what stands for a paper in a custom id, of which Discord takes 100 characters."""
    return short_key(paper_id)


async def paper_of(key: str, library: Library) -> str | None:
    """Return the id of the paper that the key stands for; None where a hash is of no paper here."""
    return await library.of_key(key) if key.startswith(HASHED) else key
