from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from local_discord.limits import COMPONENTS_V2, check_message
from local_discord.reading import displayed_text, walk

from bot.answering.answer import Answer, Citation, NearPaper, Statement, Usage
from bot.discord.markdown import safe_url
from bot.discord.render import SHORTEST_QUOTE, cards, notice
from tests.bot.discord.prepared import GOOD, QUOTE, REFUSAL, TITLE, URL

if TYPE_CHECKING:
    from discord import ui

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
    "😀",
    " ",
    " word",
]
ESCAPED = re.compile(r"\\[^0-9A-Za-z\s]")
LINK = re.compile(r"\[([^\[\]]*)\]\((https?://[^\s()<>]+)\)")


def foreign(longest: int) -> st.SearchStrategy[str]:
    """Text that means harm, short as a rule and sometimes much longer than anything may be."""
    bits = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=20)), max_size=12).map("".join)
    return st.builds(lambda text, times: (text * times)[:longest], bits, st.sampled_from([1, 1, 1, 1, 5, 200]))


urls = st.one_of(
    st.none(),
    st.just(URL),
    foreign(80).map("https://arxiv.org/abs/".__add__),
    foreign(80),
    st.integers(0, 600).map(lambda size: "https://a.b/" + "x" * size),
)


@st.composite
def answered(draw: st.DrawFn) -> Answer:
    count = draw(st.sampled_from([1, 2, 3, 5, 12, 45]))
    shared = draw(st.lists(st.tuples(foreign(400), urls, foreign(4000)), min_size=1, max_size=3))
    citations = tuple(Citation(number, f"id:{number}", *shared[number % len(shared)]) for number in range(1, count + 1))
    numbers = st.lists(st.integers(1, count), min_size=1, max_size=6, unique=True).map(tuple)
    statements = draw(st.lists(st.builds(Statement, foreign(5000), numbers), min_size=1, max_size=6))
    usage = st.one_of(st.none(), foreign(500).map(lambda model: Usage(model, 1, 1, 1)))
    return replace(
        GOOD,
        statements=tuple(statements),
        citations=citations,
        note=draw(st.one_of(st.none(), foreign(1000))),
        writer=draw(st.sampled_from(["extractive", "llm"])),
        usage=draw(usage),
    )


@st.composite
def refused(draw: st.DrawFn) -> Answer:
    nearest = draw(st.lists(st.builds(NearPaper, st.just("id:1"), foreign(2000), urls), max_size=50))
    refusal, note = draw(st.one_of(st.none(), foreign(5000))), draw(st.one_of(st.none(), foreign(1000)))
    return replace(REFUSAL, refusal=refusal, nearest=tuple(nearest), note=note)


def shown(views: list[ui.LayoutView]) -> str:
    return "\n".join(displayed_text(view.to_components()) for view in views)


thorough = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


@thorough
@given(st.one_of(answered(), refused()))
def test_every_message_is_within_the_limits(answer: Answer) -> None:
    for view in cards(answer):
        components: list[Any] = view.to_components()
        check_message({"components": components, "flags": COMPONENTS_V2}, {})
        assert len(list(walk(components))) <= 40
        texts = [part["content"] for part in walk(components) if part["type"] == 10]
        assert all(texts)
        assert len("".join(texts).encode("utf-16-le")) // 2 <= 4000


@thorough
@given(answered())
def test_every_citation_that_a_statement_names_is_shown_once(answer: Answer) -> None:
    text = shown(cards(answer))
    for citation in answer.citations:
        assert text.count(f"**[{citation.number}]**") == 1
    for statement in answer.statements:
        assert "".join(f"[{number}]" for number in statement.citations) in text


@thorough
@given(st.one_of(answered(), refused()))
def test_nothing_foreign_comes_alive(answer: Answer) -> None:
    text = shown(cards(answer))
    assert not re.search(r"@(everyone|here)|<(@[!&]?|#|a?:\w*:|t:|/|id:)\d*", text)
    alive = ESCAPED.sub("·", text)
    papers = answer.nearest if answer.refused else answer.citations
    wanted = [safe for paper in papers if (safe := paper.url and safe_url(paper.url))]
    assert [target for _, target in LINK.findall(alive)] == wanted
    rest = LINK.sub("", alive)
    rest = re.sub(r"^(\*\*\[\d+\]\*\* |\*\*Nearest papers\*\*$|> |-# |- )", "", rest, flags=re.MULTILINE)
    rest = re.sub(r" (\[\d+\])+$", "", rest, flags=re.MULTILINE)
    assert not re.search(r"[*_~`|\[\]]|://|:\w+:", rest)
    assert not re.search(r"^(#|>|-#|- |\d+\. )", rest, flags=re.MULTILINE)


def test_an_ordinary_answer_is_one_card_with_statements_citations_and_writer() -> None:
    (view,) = cards(GOOD)
    assert displayed_text(view.to_components()).split("\n") == [
        f"{QUOTE} [1]",
        f"**[1]** [{TITLE}]({URL})",
        f"> {QUOTE}",
        "-# Sentences taken word for word from the papers",
    ]


def test_a_refusal_names_the_nearest_papers_and_links_those_that_have_an_address() -> None:
    (view,) = cards(replace(REFUSAL, note="The language model timed out."))
    assert displayed_text(view.to_components()).split("\n") == [
        "The papers do not say.",
        "**Nearest papers**",
        f"- [{TITLE}]({URL})",
        "- No address",
        "-# The language model timed out.",
    ]


def test_the_model_is_named_as_the_writer() -> None:
    llm = replace(GOOD, writer="llm", usage=Usage("gpt-5.4-mini", 1, 900, 80))
    assert "-# Written by gpt-5.4-mini from the papers quoted" in shown(cards(llm))


def test_quotes_lose_their_middle_only_when_the_answer_would_not_fit_into_one_message() -> None:
    def quoting(words: int) -> Answer:
        quote = " ".join(f"word{number}" for number in range(words))
        return replace(GOOD, citations=tuple(Citation(n, f"id:{n}", TITLE, URL, quote) for n in range(1, 6)))

    assert "…" not in shown(cards(quoting(70)))
    (view,) = cards(quoting(150))
    quotes = re.findall(r"^> (.*)$", displayed_text(view.to_components()), flags=re.MULTILINE)
    for quote in quotes:
        assert re.fullmatch(r"word0( word\d+)* …( word\d+)* word149", quote)
        assert len(quote) > 500


def test_what_does_not_fit_goes_into_further_messages_with_every_link_whole() -> None:
    citations = tuple(Citation(n, f"id:{n}", TITLE, URL, QUOTE * 10) for n in range(1, 31))
    views = cards(replace(GOOD, citations=citations))
    assert len(views) > 1
    text = shown(views)
    assert text.count(f"[{TITLE}]({URL})") == 30
    assert all(len(quote) <= SHORTEST_QUOTE for quote in re.findall(r"^> (.*)$", text, flags=re.MULTILINE))


def test_no_number_of_citations_breaks_the_limit_of_components() -> None:
    for count in range(1, 80):
        citations = tuple(Citation(n, "id", "T", None, "Q") for n in range(1, count + 1))
        for view in cards(replace(GOOD, citations=citations)):
            assert len(list(walk(view.to_components()))) <= 40


def test_a_paper_without_a_title_is_shown_by_its_id() -> None:
    nameless = replace(GOOD, citations=(replace(GOOD.citations[0], title=" \u200b\n"),))
    assert f"**[1]** [arxiv:2002.04523]({URL})" in shown(cards(nameless))


def test_a_refusal_without_visible_words_gets_ours() -> None:
    assert shown(cards(replace(REFUSAL, refusal="\n\u200b", note="\u2060", nearest=()))) == (
        "The papers that I know do not say."
    )


def test_a_notice_is_one_sentence() -> None:
    assert displayed_text(notice("Please wait.").to_components()) == "Please wait."
