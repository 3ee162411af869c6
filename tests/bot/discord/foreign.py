"""Hypothesis strategies for malicious text, addresses, answers and papers."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from hypothesis import strategies as st

from bot.answering.answer import Answer, Citation, NearPaper, Statement
from bot.llm.usage import Usage
from retrieval.papers import Evidence, Hit, Paper, Passage
from tests.bot.discord.prepared import GOOD, REFUSAL, URL

NASTY = [
    "@everyone",
    "@here",
    "<@123456789012345678>",
    "<@&1>",
    "<#1>",
    "[x](https://evil.example)",
    "](https://evil.example)",
    "[",
    "]",
    "https://evil.example",
    "||",
    "```",
    "`",
    "# ",
    "-# ",
    "> ",
    ">>> ",
    "- ",
    "1. ",
    "<t:1:R>",
    "<:e:1>",
    "<a:e:1>",
    ":smile:",
    "</ask:1>",
    "\n",
    "\n# ",
    "\u202e",
    "\u200b",
    "\ud800",
    "\\",
    "*",
    "__",
    "~~",
    "{name}",
    "{",
    "😀",
    " ",
    " word",
]


def foreign(longest: int) -> st.SearchStrategy[str]:
    """Malicious text, mostly short, and sometimes much longer than any limit."""
    bits = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=20)), max_size=12).map("".join)
    return st.builds(lambda text, times: (text * times)[:longest], bits, st.sampled_from([1, 1, 1, 1, 5, 200]))


urls = st.one_of(
    st.none(),
    st.just(URL),
    foreign(80).map("https://arxiv.org/abs/".__add__),
    foreign(80),
    st.integers(0, 600).map(lambda size: "https://a.b/" + "x" * size),
)
paper_ids = st.one_of(st.integers(1, 20).map(lambda number: f"arxiv:2401.{number:05}"), foreign(200))
choices = st.lists(foreign(300), max_size=6).map(tuple)


@st.composite
def answered(draw: st.DrawFn) -> Answer:
    count = draw(st.sampled_from([1, 2, 3, 5, 12, 45]))
    shared = draw(st.lists(st.tuples(foreign(400), urls, foreign(4000)), min_size=1, max_size=3))
    papers = draw(st.sampled_from([1, 2, 7, 50]))
    citations = tuple(
        Citation(1 + number % papers, f"id:{number % papers}", *shared[number % papers % len(shared)])
        for number in range(count)
    )
    numbers = st.lists(st.integers(1, min(count, papers)), min_size=1, max_size=6, unique=True).map(tuple)
    statements = draw(st.lists(st.builds(Statement, foreign(5000), numbers), min_size=1, max_size=6))
    usage = st.one_of(st.none(), foreign(500).map(lambda model: Usage(model, 1, 1, 1)))
    return replace(
        GOOD,
        question=draw(foreign(2000)),
        outcome=draw(st.sampled_from(["answered", "closest"])),
        statements=tuple(statements),
        citations=citations,
        confidence=draw(st.floats(0, 1)),
        choices=draw(st.one_of(st.just(()), choices)),
        note=draw(st.one_of(st.none(), foreign(1000))),
        writer=draw(st.sampled_from(["extractive", "llm"])),
        usage=draw(usage),
    )


@st.composite
def refused(draw: st.DrawFn) -> Answer:
    nearest = draw(st.lists(st.builds(NearPaper, paper_ids, foreign(2000), urls), max_size=50))
    return replace(
        REFUSAL,
        refusal=draw(st.one_of(st.none(), foreign(5000))),
        nearest=tuple(nearest),
        choices=draw(choices),
        note=draw(st.one_of(st.none(), foreign(1000))),
    )


days = st.one_of(st.none(), st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)))
papers = st.builds(Paper, paper_ids, foreign(400), foreign(5000), foreign(100), urls, days)


def found(paper: Paper) -> Hit:
    """Make a hit whose nearest sentence is the paper's whole abstract."""
    sentence = Passage(0, len(paper.abstract), paper.abstract, 0.5)
    return Hit(paper, 1.0, (sentence,), (sentence,), Evidence(0.5, 0.5, 1.0, 0.5, 0.5))


hits = st.lists(papers.map(found), max_size=12, unique_by=lambda hit: hit.paper.paper_id)
