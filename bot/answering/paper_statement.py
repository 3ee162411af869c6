"""Turn a paper's sentence into a statement: in the paper's own words, without lead-ins that need their context."""

from __future__ import annotations

import re
from typing import Final

from bot.answering.evidence.named_papers import own_name
from retrieval.text.text import clean, fold, sentences

MAX_CHARACTERS: Final = 560  # characters; the checks refuse more than 600
# Lead-ins that mean nothing out of context: headings of structured abstracts, list markers, connectives, and "In this
# paper,", which the citation says.
_LEAD_IN: Final = re.compile(
    r"""(?:(?:BACKGROUND|OBJECTIVES?|AIMS?|PURPOSE|CONTEXT|METHODS?|DESIGN|SETTING|PARTICIPANTS|RESULTS?|FINDINGS
    |CONCLUSIONS?|INTERPRETATION|SIGNIFICANCE|METHODOLOGY|PRINCIPAL)(?:\s(?:AND|/|[A-Z]{4,})){0,3}\s*[:.]\s+
    |(?:Background|Objectives?|Context|Methods?|Results?|Conclusions?)[:.]\s+
    |\((?:\d{1,2}|[a-h]|[ivx]+)\)\s+
    |(?i:(?:however|moreover|furthermore|additionally|in\ addition|specifically|in\ specific|in\ particular|consequently
    |thus|similarly|therefore|hence|besides|also|meanwhile|that\ is|and|but|to\ this\ end|as\ a\ result|concretely
    |likewise|for\ example|for\ instance|nonetheless|further|second|secondly|third|thirdly|lastly|finally
    |(?:in|with|through|throughout)\ this\ (?:paper|work|study|article|thesis|survey|report|letter)),\s+))""",
    re.VERBOSE,
)


def to_statement(sentence: str, title: str, *, with_name: bool) -> str:
    """Turn a sentence of a paper into a statement; with `with_name` the paper's name comes first.

    Apart from that name, every word is the paper's own.
    """
    text = clean(sentence)
    while match := _LEAD_IN.match(text):
        text = text[match.end() :]
    text = text.lstrip("#>| ")  # these would make a heading or a block quote at the start of a line
    text = text[:1].upper() + text[1:]
    own, name = own_name(title), _shown_name(title)
    # A title of two sentences, such as "What's the Magic Word? A Control Theory", cannot introduce a statement.
    if with_name and fold(own or title) not in fold(text) and len(sentences(name)) == 1:
        text = f"{name}: {text}"
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS].rsplit(' ', 1)[0].rstrip(',;:')} …"


def without_name(text: str, title: str) -> str:
    """Strip the paper's name from the front of a statement, for use where the title stands beside it."""
    return text if fold(text) == fold(clean(title)) else text.removeprefix(f"{_shown_name(title)}: ")


def _shown_name(title: str) -> str:
    return own_name(title) or f"“{clean(title).rstrip('.')}”"
