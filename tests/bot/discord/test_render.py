from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.answering.answer import Answer, Citation, Statement
from bot.discord.answers.answer_card import SHORTEST_QUOTE, cards, quotes, stars, writing
from bot.discord.answers.answer_file import document
from bot.discord.papers.paper_card import PAGE_PAPERS, nothing_on, paper_card, search_page, similar_page, trends
from bot.discord.papers.search_pages import written
from bot.discord.ui.discord_limits import FOLLOW_UPS
from bot.discord.ui.layout import Card, notice
from bot.discord.ui.markdown import length, safe_url
from bot.language import LANGUAGES, in_language
from bot.llm.usage import Usage
from bot.store import Search, Trend
from local_discord.limits import COMPONENTS_V2, check_message
from local_discord.plain_text import displayed_text, walk
from retrieval.papers import Paper
from tests.bot.discord.foreign import answered, foreign, found, hits, refused
from tests.bot.discord.prepared import GOOD, QUOTE, REFUSAL, TITLE, URL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.papers import Hit

ID = "a1B2c3D4e5F6g7H8"
ESCAPED = re.compile(r"\\[^0-9A-Za-z\s]")
LINK = re.compile(r"\[([^\[\]]*)\]\((https?://[^\s()<>]+)\)")
OURS = re.compile(
    r"^(\*\*\[\d+\]\*\* (\*\*)?|> -# (\[\d+\] )?|-# |- |### |\*\*\d+\.\*\* (\*\*)?)|\*\*$|^> \*\*", re.MULTILINE
)
FACT = "Mosses drink fog."
OTHER = Citation(2, "arxiv:2001.00001", "On Mosses", None, "Mosses take up 40% of their water from fog.")
languages = st.sampled_from(sorted(LANGUAGES))
answers = st.one_of(answered(), refused())
thorough = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


def shown(views: Sequence[Card]) -> str:
    return "\n".join(displayed_text(view.to_components()) for view in views)


def parts(view: Card) -> list[dict[str, Any]]:
    return list(walk(view.to_components()))


def buttons(view: Card) -> list[dict[str, Any]]:
    return [part for part in parts(view) if part["type"] == 2]


def options(view: Card) -> list[str]:
    return [option["label"] for part in parts(view) if part["type"] == 3 for option in part["options"]]


def labels(view: Card) -> list[str]:
    return [part["label"] for part in buttons(view)]


def assert_within_limits(view: Card) -> None:
    """Check a card against Discord's limits; nobody knows how Discord counts characters, so count the larger way."""
    components: list[Any] = view.to_components()
    files = {file.filename: file.fp.read() for file in view.files()}
    check_message({"components": components, "flags": COMPONENTS_V2}, files)
    assert len(parts(view)) <= 40
    texts = [part["content"] for part in parts(view) if part["type"] == 10]
    assert all(text.strip() for text in texts)
    assert sum(map(length, texts)) <= 4000
    rows = [part["components"] for part in parts(view) if part["type"] == 1]
    assert len(rows) <= 5
    assert all(1 <= len(row) <= 5 for row in rows)
    ids = [part["custom_id"] for part in buttons(view) if "custom_id" in part]
    assert len(set(ids)) == len(ids)
    assert all(1 <= length(one) <= 100 for one in ids)
    assert all(1 <= length(label) <= 80 for label in labels(view))
    for select in (part for part in parts(view) if part["type"] == 3):
        values = [option["value"] for option in select["options"]]
        assert 1 <= len(values) == len(set(values)) <= 25
        assert all(1 <= length(value) <= 100 for value in values)
        assert all(1 <= length(option["label"]) <= 100 for option in select["options"])
        assert all(1 <= length(option.get("description") or "-") <= 100 for option in select["options"])


def assert_nothing_foreign_is_alive(text: str, wanted: Sequence[str | None]) -> None:
    assert not re.search(r"@(everyone|here)|<(@[!&]?|#|a?:\w*:|t:|/|id:)\d*", text)
    alive = ESCAPED.sub("·", text)
    assert [target for _, target in LINK.findall(alive)] == [safe for url in wanted if (safe := url and safe_url(url))]
    rest = OURS.sub("", LINK.sub("", alive))
    rest = re.sub(r" (\[\d+\])+$", "", rest, flags=re.MULTILINE)
    assert not re.search(r"[*_~`|\[\]]|://|:\w+:", rest)
    assert not re.search(r"^(#|>|-#|- |\d+\. )", rest, flags=re.MULTILINE)


@thorough
@given(
    answers,
    st.sampled_from([None, ID]),
    st.booleans(),
    st.one_of(st.none(), foreign(2000)),
    st.sampled_from(["en", "de", "fr"]),
)
def test_every_message_is_within_the_limits(
    answer: Answer, answer_id: str | None, thread: bool, asked: str | None, language: str
) -> None:
    with in_language(language):
        views = cards(answer, answer_id, thread=thread, asked=asked)
        assert 1 <= len(views) <= FOLLOW_UPS
        lit = [each.paper_id for each in answer.citations[::2]]
        chosen = [stars(answer, lit)] if answer.citations else []
        for view in [*views, writing(answer, "Reading …", asked=asked), *quotes(answer), *chosen]:
            assert_within_limits(view)


def test_a_statement_that_shows_nothing_takes_no_room() -> None:
    citations = tuple(replace(GOOD.citations[0], number=number, paper_id=f"p{number}") for number in (1, 2))
    said = (Statement("One.", (1,)), Statement("\u200b", (1,)), Statement("Two.", (2,)))
    (view,) = cards(replace(GOOD, statements=said, citations=citations))
    assert_within_limits(view)


@thorough
@given(answered())
def test_every_citation_that_a_statement_names_is_shown_once(answer: Answer) -> None:
    views = cards(answer)
    text = "\n".join([shown(views), *(file.fp.read().decode() for file in views[-1].files())])
    if views[-1].files():
        text = views[-1].files()[0].fp.read().decode()
    for number in {citation.number for citation in answer.citations}:
        assert f"**[{number}]**" in text
    for statement in answer.statements:
        assert "".join(f"[{number}]" for number in statement.citations) in text


@thorough
@given(answers, foreign(1000))
def test_nothing_foreign_comes_alive(answer: Answer, asked: str) -> None:
    views = cards(answer, ID, asked=asked)
    cited = list({each.paper_id: each.url for each in answer.citations}.values())
    urls: list[str | None] = [] if answer.refused else [*cited]
    text = shown(views)
    if not views[-1].files() and len(answer.citations) <= 5:
        assert_nothing_foreign_is_alive(text, urls)
    assert_nothing_foreign_is_alive(shown(quotes(answer)), cited)


@thorough
@given(hits, foreign(300), st.integers(0, 3), st.integers(1, 4), languages, st.lists(foreign(100), max_size=12))
def test_lists_of_papers_are_within_the_limits_and_nothing_foreign_in_them_comes_alive(
    listed: list[Hit], query: str, page: int, pages: int, language: str, names: list[str]
) -> None:
    token = written(Search(query)) or "k" + "x" * 16
    authors = {hit.paper.paper_id: names for hit in listed}
    with in_language(language):
        views = [nothing_on(query, english=page > 0)]
        if listed:
            first = listed[0].paper
            views.append(search_page(listed[:PAGE_PAPERS], query, page, max(pages, page + 1), token, authors=authors))
            views += [similar_page(first, listed, authors=authors), paper_card(first, names, starred=True)]
        views.append(trends([(hit.paper, Trend(hit.paper.paper_id, 3, 1)) for hit in listed], 7))
    for view in views:
        assert_within_limits(view)
        text = shown([view])
        assert not re.search(r"@(everyone|here)|<(@[!&]?|#|a?:\w*:|t:|/|id:)\d*", text)
        rest = OURS.sub("", LINK.sub("", ESCAPED.sub("·", text)))
        assert not re.search(r"[*_~`|\[\]]|://|:\w+:", rest)
        assert not re.search(r"^(#|>|-#|- |\d+\. )", rest, flags=re.MULTILINE)


@thorough
@given(answers)
def test_the_file_holds_every_statement_and_title_and_nothing_foreign_in_it_comes_alive(answer: Answer) -> None:
    text = document(answer)
    assert not re.search(r"@(everyone|here)|<(@[!&]?|#|a?:\w*:|t:|/|id:)\d*", text)
    assert text.count("**[") == len(answer.citations)
    text.encode()


def test_an_ordinary_answer_is_one_card_with_statements_citations_confidence_and_writer() -> None:
    llm = replace(
        GOOD,
        statements=(Statement("Mosses live on fog.", (1, 2)),),
        citations=(replace(GOOD.citations[0], quote=QUOTE), OTHER),
        writer="llm",
        usage=Usage("gpt-5.4-mini", 1, 900, 80),
        confidence=0.5,
        note="The language model was slow.",
    )
    (view,) = cards(llm, ID)
    assert shown([view]).split("\n") == [
        "Mosses live on fog. [1][2]",
        f"**[1]** [{TITLE}]({URL})",
        f"> -# {QUOTE}",
        "**[2]** On Mosses",
        "> -# Mosses take up 40% of their water from fog.",
        "-# The language model was slow.",
        "-# Written by gpt-5.4-mini from the papers quoted",
    ]
    assert labels(view) == ["👍", "👎", "Follow up"]
    assert options(view) == ["Quotes in full", "Cite", "Similar papers", "Star a paper", "Delete this answer"]
    assert [part["type"] for part in view.to_components()] == [17, 1, 1]


def test_a_quote_that_is_itself_the_statement_is_not_said_twice() -> None:
    (view,) = cards(GOOD)
    assert shown([view]).split("\n") == [
        f"{QUOTE} [1]",
        f"**[1]** [{TITLE}]({URL})",
        "-# Sentences taken word for word from the papers",
    ]
    assert QUOTE in shown(quotes(GOOD))
    latex = replace(GOOD.citations[0], quote="As a result, ``France'' stands out.")
    said = replace(GOOD, statements=(Statement("“France” stands out.", (1,)),), citations=(latex,))
    assert "As a result" not in shown(cards(said))


def test_citations_of_one_paper_stand_together_under_its_title() -> None:
    first, second = Citation(1, "a", "A", None, "Fog one."), Citation(1, "a", "A", None, "Fog two.")
    (view,) = cards(replace(GOOD, statements=(Statement("So.", (1, 2)),), citations=(first, second, OTHER)))
    assert "**[1]** A\n> -# Fog one.\n> -# Fog two.\n**[2]** On Mosses" in shown([view])


def test_what_may_not_be_said_stands_under_a_line_that_says_so() -> None:
    (view,) = cards(replace(GOOD, outcome="closest"))
    assert shown([view]).split("\n") == [
        "I am not sure that the papers answer this. The closest passages:",
        f"{QUOTE} [1]",
        f"**[1]** [{TITLE}]({URL})",
        "-# Sentences taken word for word from the papers",
    ]
    colours = {outcome: colour(*cards(replace(GOOD, outcome=outcome))) for outcome in ("answered", "closest")}
    assert len({*colours.values(), colour(*cards(REFUSAL))}) == 3
    assert colour(writing(replace(GOOD, outcome="closest"), "Writing …")) == colours["closest"]


def colour(view: Card) -> int:
    (container,) = (part for part in parts(view) if part["type"] == 17)
    return int(container["accent_color"])


def listing(count: int, *, statements: int = 1, **changed: Any) -> Answer:
    """Make an answer with sentences of this many papers, introduced as the extractive writer does."""
    numbers = range(1, count + 1)
    said = [
        Statement(f"Moss {n}: Mosses drink fog, part {n}.{at}." if at == 0 else f"And {n}.{at}.", (n,))
        for n in numbers
        for at in range(statements)
    ]
    cited = [
        Citation(
            n,
            f"moss:{n}",
            f"Moss {n}: A Study",
            URL,
            f"Mosses drink fog, part {n}.{at}." if at == 0 else f"And {n}.{at}.",
        )
        for n in numbers
        for at in range(statements)
    ]
    return replace(GOOD, statements=tuple(said), citations=tuple(cited), **changed)


def test_a_refusal_is_one_sentence_without_controls() -> None:
    (view,) = cards(REFUSAL, ID)
    assert shown([view]) == "The papers do not say."
    assert [part["type"] for part in parts(view)] == [17, 10]


def test_a_list_is_ten_titles_each_with_its_sentence_in_one_message() -> None:
    (view,) = cards(listing(10), ID, thread=True)
    lines = shown([view]).split("\n")
    assert lines[:4] == [
        f"**[1]** **[Moss 1: A Study]({URL})**",
        "Mosses drink fog, part 1.0.",
        f"**[2]** **[Moss 2: A Study]({URL})**",
        "Mosses drink fog, part 2.0.",
    ]
    assert len(lines) == 21
    assert shown(cards(listing(3, writer="llm"))).startswith(f"**[1]** **[Moss 1: A Study]({URL})**\nMosses")


def test_a_list_of_titles_says_no_title_twice() -> None:
    titles = listing(3)
    named = [Statement(each.title, (each.number,)) for each in titles.citations]
    quoted = [replace(each, quote=each.title) for each in titles.citations]
    (view,) = cards(replace(titles, statements=tuple(named), citations=tuple(quoted)))
    assert [line.count("Moss") for line in shown([view]).split("\n")] == [1, 1, 1, 0]


def test_a_comparison_has_each_paper_with_what_it_says() -> None:
    (view,) = cards(listing(2, statements=2))
    assert shown([view]).split("\n")[:6] == [
        f"**[1]** **[Moss 1: A Study]({URL})**",
        "Mosses drink fog, part 1.0.",
        "And 1.1.",
        f"**[2]** **[Moss 2: A Study]({URL})**",
        "Mosses drink fog, part 2.0.",
        "And 2.1.",
    ]


def test_what_a_model_writes_of_several_papers_stays_one_text() -> None:
    text = shown(cards(listing(2, statements=2, writer="llm"))).split("\n")
    assert text[:4] == ["Moss 1: Mosses drink fog, part 1.0. [1]", "And 1.1. [1]", *text[2:4]]
    assert text[4] == f"**[1]** [Moss 1: A Study]({URL})"


def test_a_paper_has_one_number_and_one_title_however_many_of_its_sentences_are_quoted() -> None:
    quotes_ = tuple(Citation(1, "moss", "Moss", URL, f"Quote {n}, which is no statement.") for n in range(12))
    answer = replace(GOOD, statements=(Statement("So.", (1,)),), citations=quotes_)
    for views in (cards(answer), cards(answer, ID), quotes(answer)):
        assert shown(views).count("Moss") == 1
        assert shown(views).count("**[") == 1
        assert shown(views).count("> -# Quote") == 12


def test_the_papers_of_an_answer_are_shown_beside_their_stars() -> None:
    view = stars(listing(2), {"moss:2"})
    assert [part["style"] for part in buttons(view)] == [2, 3]
    assert shown([view]).startswith(f"**[1]** [Moss 1: A Study]({URL})\n**[2]**")


def test_a_search_for_a_title_is_no_link_to_a_paper() -> None:
    (view,) = cards(replace(GOOD, citations=(replace(GOOD.citations[0], url="https://a.b/papers?q=Objective"),)))
    assert f"**[1]** {TITLE}" in shown([view])


def test_without_an_id_there_are_no_buttons_and_with_one_only_the_last_message_has_them() -> None:
    citations = tuple(Citation(n, f"id:{n}", TITLE, URL, "word " * 60) for n in range(1, 41))
    long = replace(GOOD, citations=citations)
    assert not any(map(buttons, cards(long)))
    *first, last = cards(long, ID, thread=True)
    assert first
    assert labels(last) == ["👍", "👎", "Follow up"]
    assert options(last)[-2:] == ["Continue in a thread", "Delete this answer"]
    assert not any("👍" in labels(view) for view in first)


def test_a_refusal_offers_its_choices_in_a_menu() -> None:
    choices = ("What is said about sign language?", "What is said about " + "very " * 20 + "long things?")
    refusal = replace(REFUSAL, note="The language model timed out.", choices=choices)
    (view,) = cards(refusal, ID)
    assert shown([view]).split("\n") == ["The papers do not say.", "-# The language model timed out."]
    assert labels(view) == []
    assert options(view)[0] == choices[0]
    assert re.fullmatch(r"What is said about( very)+…", options(view)[1])
    assert f"- {choices[0]}" in shown(cards(refusal))


def test_the_question_is_repeated_where_the_place_does_not_show_it() -> None:
    (view,) = cards(GOOD, asked="does *likelihood*\nmatter?")
    assert shown([view]).startswith("> **does \\*likelihood\\* matter?**\n")
    assert shown(cards(GOOD, asked=" \u200b")) == shown(cards(GOOD))


def test_quotes_are_folded_where_a_button_shows_them_whole() -> None:
    quote = " ".join(f"word{number}" for number in range(300))
    long = replace(GOOD, citations=(replace(GOOD.citations[0], quote=quote),))
    (folded,) = (line for line in shown(cards(long, ID)).split("\n") if line.startswith("> "))
    assert re.fullmatch(r"> -# word0( word\d+)* …( word\d+)* word299", folded)
    assert length(folded) <= 250
    assert f"> -# {quote}" in shown(cards(long))
    assert f"> -# {quote}" in shown(quotes(long))


def test_what_does_not_fit_goes_into_further_messages_with_every_link_whole() -> None:
    citations = tuple(Citation(n, f"id:{n}", TITLE, URL, QUOTE * 10) for n in range(1, 31))
    views = cards(replace(GOOD, citations=citations))
    assert len(views) > 1
    text = shown(views)
    assert text.count(f"[{TITLE}]({URL})") == 30
    assert all(len(quote) <= SHORTEST_QUOTE for quote in re.findall(r"^> -# (.*)$", text, flags=re.MULTILINE))


def test_what_would_take_more_than_five_messages_comes_as_a_file_and_whole() -> None:
    statements = tuple(Statement(f"{number} " + "word " * 280, (1,)) for number in range(20))
    views = cards(replace(GOOD, statements=statements), ID)
    assert len(views) == FOLLOW_UPS
    assert not any(view.files() for view in views[:-1])
    for _ in range(2):
        (file,) = views[-1].files()
        text = file.fp.read().decode()
        assert file.filename == "answer.md"
        assert all(f"\n\n{number} word" in text for number in range(1, 20))
        assert f"[{TITLE}]({URL})" in text
    assert "in the file" in shown(views[-1:])
    assert "👍" in labels(views[-1])


def test_no_number_of_citations_breaks_the_limit_of_components() -> None:
    for count in range(1, 80):
        citations = tuple(Citation(n, f"id:{n}", "T", None, "Q") for n in range(1, count + 1))
        for view in cards(replace(GOOD, citations=citations), ID, thread=True):
            assert len(parts(view)) <= 40


def test_a_growing_answer_shows_what_there_is_and_what_is_being_done() -> None:
    assert shown([writing(None, "Searching 74 papers …")]) == "-# Searching 74 papers …"
    assert shown([writing(GOOD, "Writing …")]).split("\n") == [
        f"{QUOTE} [1]",
        f"**[1]** [{TITLE}]({URL})",
        "-# Writing …",
    ]
    long = replace(GOOD, statements=tuple(Statement("word " * 250, (1,)) for _ in range(9)))
    text = shown([writing(long, "Writing …")])
    assert text.endswith("-# Writing …")
    assert text.count("[1]") == 3


def test_an_answer_without_quotes_says_so() -> None:
    assert shown(quotes(REFUSAL)) == "This answer quotes no paper."


def test_a_paper_without_a_title_is_shown_by_its_id() -> None:
    nameless = replace(GOOD, citations=(replace(GOOD.citations[0], title=" \u200b\n"),))
    assert f"**[1]** [arxiv:2002.04523]({URL})" in shown(cards(nameless))


def test_a_refusal_without_visible_words_gets_ours() -> None:
    assert shown(cards(replace(REFUSAL, refusal="\n\u200b", note="\u2060", nearest=()))) == (
        "The papers that I know do not say."
    )


def test_a_search_page_numbers_its_papers_and_turns_both_ways() -> None:
    day = dt.date(2026, 3, 14)
    listed = [found(Paper(f"p:{n}", f"Paper {n}", FACT, "arxiv", URL, day)) for n in range(5, 10)]
    authors = {"p:5": ("Ada Moss", "Bob Fog"), "p:6": ("Ada Moss",)}
    middle = search_page(listed, "fog", 1, 3, "wb~~~fog", authors=authors)
    lines = shown([middle]).split("\n")
    assert lines[:3] == [
        "### Papers on “fog”",
        f"**6.** **[Paper 5]({URL})**",
        "-# Ada Moss et al. · Mar 14, 2026 · arXiv",
    ]
    assert lines[3] == f"> -# {FACT}"
    assert "-# Ada Moss · Mar 14, 2026 · arXiv" in lines
    assert "-# Mar 14, 2026 · arXiv" in lines
    assert lines[-1] == "-# Page 2 of 3"
    turns = {part["label"]: part["custom_id"] for part in buttons(middle) if part["label"] != "⭐"}
    assert turns == {"◀ Previous": "footnote:page:0:wb~~~fog", "Next ▶": "footnote:page:2:wb~~~fog"}
    assert set(labels(search_page(listed, "fog", 0, 3, "t"))) == {"⭐", "Next ▶"}
    assert set(labels(search_page(listed, "fog", 0, 1, "t"))) == {"⭐"}
    assert shown([nothing_on("fog", english=True)]) == "I know no papers on “fog”."
    assert "English" in shown([nothing_on("Nebel", english=False)])


def test_a_paper_shows_its_abstract_and_leads_on() -> None:
    view = paper_card(Paper("p", "Moss", FACT, "arxiv", URL), ["Ada Moss", "Bob Fog"], starred=True)
    assert shown([view]) == f"### Moss\n-# Ada Moss, Bob Fog · arXiv\n{FACT}"
    assert labels(view) == ["⭐", "Similar papers", "Cite", "Open"]
    assert buttons(view)[-1]["url"] == URL


def test_papers_like_one_leave_that_one_out() -> None:
    moss, fog = Paper("p", "Moss", FACT, "s"), Paper("q", "Fog", FACT, "s")
    assert shown([similar_page(moss, [found(moss), found(fog)])]).startswith("Papers like Moss\n**1.** **Fog**")
    assert shown([similar_page(moss, [found(moss)])]) == "I know no papers like Moss."


def test_trends_say_how_often_papers_were_asked_about_and_liked() -> None:
    view = trends(
        [(Paper("p", "Moss", FACT, "s"), Trend("p", 3, 1)), (Paper("q", "Fog", "", "s"), Trend("q", 1, 0))], 7
    )
    assert shown([view]).split("\n") == [
        "### Papers of the last 7 days here",
        "**1.** Moss",
        "-# in 3 answers · liked once",
        "**2.** Fog",
        "-# in one answer",
    ]
    assert "Nothing was asked" in shown([trends([], 7)])


def test_a_notice_is_one_sentence() -> None:
    assert shown([notice("Please wait.")]) == "Please wait."
