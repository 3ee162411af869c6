from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.answering.answer import Draft, Support
from bot.answering.checks import Checked, Rejection, check, invented_links, relation, tidy
from bot.answering.entailment.invented_names import Names, unheld_names
from retrieval.papers import Evidence, Hit, Paper
from retrieval.text.number_check import unsupported
from retrieval.text.number_parser import numerals
from retrieval.text.quotes import MAX_QUOTE_CHARACTERS, locate
from retrieval.text.text import sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Statements about papers of seeds/: good ones as a model would phrase them, and bad ones of every kind.
# A support names its paper by the beginning of the title, or by a wrong number where that is the mistake.
PLANTED = [json.loads(line) for line in Path(__file__).with_name("statements.jsonl").read_text("utf-8").splitlines()]
GOOD = [row for row in PLANTED if row["kind"] == "good"]
BAD = [row for row in PLANTED if row["kind"] != "good"]
ABSTRACT = (
    "Model-based reinforcement learning (MBRL) is a framework. We study the mismatch w.r.t.~the likelihood of the "
    'one-step ahead prediction -- a capability vital for control. It uses $\\mathcal{O}(n^2)$ memory, beats M\\"uller '
    "et al. by 3.2\\% on 1,000 tasks, and isn't “tuned”. Naïve co-training fails in 97 percent of cases."
)


def hit(paper: Paper) -> Hit:
    return Hit(paper, 1.0, (), (), Evidence(0.5, 0.5, 5.0, 0.5, 0.5))


def one(abstract: str, title: str = "A Paper about Control") -> list[Hit]:
    return [hit(Paper("test:1", title, abstract, "test"))]


def draft(text: str, *supports: tuple[int, str]) -> Draft:
    return Draft(text, tuple(Support(number, quote) for number, quote in supports))


def planted(row: dict[str, Any], papers: Sequence[Paper]) -> Draft:
    def number(paper: str | int) -> int:
        if isinstance(paper, int):
            return paper
        return next(place for place, each in enumerate(papers, start=1) if each.title.startswith(paper))

    return draft(row["text"], *((number(paper), quote) for paper, quote in row["supports"]))


def cited_papers(seeds: list[Paper]) -> list[Paper]:
    """Find the seventeen papers that the statements are about."""
    named = {paper for row in PLANTED for paper, _ in row["supports"] if isinstance(paper, str)}
    return [paper for paper in seeds if any(paper.title.startswith(name) for name in named)]


def span_of(quote: str, text: str = ABSTRACT) -> str | None:
    span = locate(quote, text)
    return None if span is None else text[slice(*span)]


def reason(outcome: Checked | Rejection) -> str | None:
    return outcome.reason if isinstance(outcome, Rejection) else None


def test_no_planted_statement_passes(seeds: list[Paper]) -> None:
    papers = cited_papers(seeds)
    hits = [hit(paper) for paper in papers]
    passed = [row for row in BAD if check(planted(row, papers), hits)]
    assert len(BAD) >= 60
    assert passed == []


def test_good_statements_pass(seeds: list[Paper]) -> None:
    papers = cited_papers(seeds)
    hits = [hit(paper) for paper in papers]
    failed = [(row["text"], check(planted(row, papers), hits)) for row in GOOD if not check(planted(row, papers), hits)]
    assert len(GOOD) >= 60
    assert len(failed) <= len(GOOD) // 20, failed


def test_quotes_of_good_statements_come_back_in_the_papers_own_characters(seeds: list[Paper]) -> None:
    papers = cited_papers(seeds)
    hits = [hit(paper) for paper in papers]
    for row in GOOD:
        if checked := check(planted(row, papers), hits):
            for support in checked.supports:
                paper = papers[support.paper_number - 1]
                assert support.quote in paper.abstract or support.quote in paper.title


def test_sentences_of_the_seeds_bear_themselves_out(seeds: list[Paper]) -> None:
    hits = [hit(paper) for paper in seeds]
    for number, paper in list(enumerate(seeds, start=1))[::3]:
        for start, end in sentences(paper.abstract):
            sentence = paper.abstract[start:end]
            if len(sentence) <= 600 and re.search(r"\w+\W+\w+\W+\w+", sentence):
                assert check(draft(sentence, (number, sentence)), hits), sentence


def test_sentences_hung_on_another_papers_quote_hardly_ever_pass(seeds: list[Paper]) -> None:
    hits = [hit(paper) for paper in seeds]
    firsts = [paper.abstract[slice(*sentences(paper.abstract)[0])] for paper in seeds]
    pairs = [(a, b) for a in range(len(seeds)) for b in range(0, len(seeds), 5) if a != b]
    passed = sum(bool(check(draft(firsts[a], (b + 1, firsts[b])), hits)) for a, b in pairs)
    assert passed <= 0.05 * len(pairs)


def test_a_changed_number_in_any_sentence_of_the_seeds_is_found(seeds: list[Paper]) -> None:
    tried = 0
    for paper in seeds:
        for start, end in sentences(paper.abstract):
            sentence = paper.abstract[start:end]
            if match := re.search(r"(?<=[a-z] )\d+(?=[ %\\])", sentence):
                changed = sentence[: match.start()] + str(int(match[0]) * 3 + 1) + sentence[match.end() :]
                tried += 1
                assert unsupported(changed, f"{paper.title}\n{sentence}", paper.abstract), changed
    assert tried >= 30


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("the mismatch w.r.t. the likelihood", "the mismatch w.r.t.~the likelihood"),
        ("THE LIKELIHOOD OF THE ONE–STEP  AHEAD\nPREDICTION", "the likelihood of the one-step ahead prediction"),
        ("prediction — a capability vital", "prediction -- a capability vital"),
        ("beats Müller et al. by 3.2%", 'beats M\\"uller et al. by 3.2\\%'),
        ("beats Muller et al. by 3.2", 'beats M\\"uller et al. by 3.2\\%'),
        ("naive co-training fails", "Naïve co-training fails"),
        ("3.2% on 1000 tasks", "3.2\\% on 1,000 tasks"),
        ("and isn’t 'tuned'", "and isn't “tuned”"),
        ('"We study the mismatch"', "We study the mismatch"),
        ("We study … ahead prediction", "We study the mismatch w.r.t.~the likelihood of the one-step ahead prediction"),
        ("We study [...] one-step ahead", "We study the mismatch w.r.t.~the likelihood of the one-step ahead"),
        ("... in 97 percent of cases.", "in 97 percent of cases."),
        ("Naïve co-training fails in 97 percent of cases...", "Naïve co-training fails in 97 percent of cases."),
        ("reinforcement learning (MBRL)", "reinforcement learning (MBRL)"),
    ],
)
def test_a_quote_is_found_however_it_is_spelled(quote: str, found: str) -> None:
    assert span_of(quote) == found


@pytest.mark.parametrize(
    "quote",
    [
        "7 percent of cases",
        "2% on 1,000 tasks",
        "fails in 96 percent",
        "ahead prediction ... We study the mismatch",
        "We study nothing ... one-step ahead prediction",
        "el-based reinforcement learning",
        "likelihood of one-step ahead prediction",
        "of the",
        "It",
        "97",
        "",
        "…",
        "?!",
        "\u200b\u200b\u200b",
    ],
)
def test_what_does_not_stand_there_is_not_found(quote: str) -> None:
    assert locate(quote, ABSTRACT) is None


def test_an_ellipsis_may_not_skip_a_whole_page() -> None:
    text = f"We begin with this sentence. {'Filler words stand here. ' * 60} We end with that sentence."
    assert locate("We begin with this … filler words stand", text)
    assert locate("We begin with this ... end with that sentence", text) is None
    assert len(text) > MAX_QUOTE_CHARACTERS


WORD = st.text(st.sampled_from("abcdeéxyzABCDEÖ"), min_size=1, max_size=6).map(lambda word: f"stem{word}")
SEPARATOR = st.sampled_from([" ", " ", " ", "-", ", ", ". ", " -- ", "\n", ": "])


@st.composite
def texts(draw: st.DrawFn) -> list[str]:
    """Draw words with a separator between each two."""
    words = draw(st.lists(WORD, min_size=6, max_size=25, unique_by=str.casefold))
    return [part for word in words for part in (word, draw(SEPARATOR))][:-1]


@given(parts=texts(), data=st.data())
def test_any_words_of_a_text_lead_back_to_exactly_their_characters(parts: list[str], data: st.DataObject) -> None:
    first = 2 * data.draw(st.integers(0, len(parts) // 2 - 2))
    last = 2 * data.draw(st.integers(first // 2 + 2, len(parts) // 2))
    verbatim = "".join(parts[first : last + 1])
    changes: list[Callable[[str], str]] = [str.upper, str.lower, str.title, str.swapcase, str]
    change = data.draw(st.sampled_from(changes))
    spelled = change(verbatim)
    for old, new in (
        (" ", data.draw(st.sampled_from(["  ", "\n", "\u00a0", " "]))),
        ("-", data.draw(st.sampled_from("-–‑"))),
    ):
        spelled = spelled.replace(old, new)
    text = "".join(parts)
    start = len("".join(parts[:first]))
    assert locate(spelled, text) == (start, start + len(verbatim))


@given(st.text())
def test_a_random_string_is_never_found(quote: str) -> None:
    letters = re.sub(r"\W", "", quote).casefold()
    assume(len(letters) > 2 and letters not in re.sub(r"\W", "", ABSTRACT).casefold())
    assert locate(quote, ABSTRACT) is None


@given(quote=st.text(), text=st.text())
def test_whatever_is_found_lies_inside_the_text(quote: str, text: str) -> None:
    if span := locate(quote, text):
        assert 0 <= span[0] < span[1] <= len(text)


@given(st.text())
def test_a_tidy_statement_is_one_printable_line(text: str) -> None:
    tidied = tidy(text)
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(character) for character in tidied}
    assert tidied == tidied.strip()


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("  A line\nbreak.  ", "A line break."),
        ("It works [1].", "It works."),
        ("It works [1] [2][13].", "It works."),
        ("It lies in [0, 1].", "It lies in [0, 1]."),
        ("It works【4†source】.", "It works."),
        ("It works [Paper 2].", "It works."),
        ("- It works.", "It works."),
        ("It\u200b wo\u202erks.\x07", "It works."),
        ("It uses [MASK] tokens.", "It uses [MASK] tokens."),
    ],
)
def test_statements_lose_marks_and_invisible_characters(text: str, tidied: str) -> None:
    assert tidy(text) == tidied


@pytest.mark.parametrize(
    ("statement", "near"),
    [
        ("It has 1000 tasks.", "It has 1,000 tasks."),
        ("It has 1,000 tasks.", "It has 1000 tasks."),
        ("A gain of 40 percent.", "A gain of 40\\%."),
        ("A gain of 40%.", "A gain of 40 per cent."),
        ("Gains of 2.1% and 3%.", "Gains of 2.1 and 3.0%."),
        ("A model of 7 billion parameters.", "A 7B model."),
        ("A 30k corpus.", "A corpus of 30,000 texts."),
        ("It is 3x faster.", "It is 3× faster."),
        ("It has 3 tasks.", "It has three tasks."),
        ("It has three tasks.", "It has 3 tasks."),
        ("Two agents play.", "Both agents play."),
        ("It is 2x faster.", "It is twice as fast, that is 2 times."),
        ("It beats GPT-4.", "It beats GPT-4o and GPT 4."),
        ("It renders 3D scenes.", "It renders 3-D scenes."),
        ("One agent plays.", "An agent plays."),
        ("No numbers here.", "None there."),
        ("A rate of eighty-one per cent.", "A rate of 81\\%."),
        ("A rate of 10,59 %.", "A rate of 10.59%."),
        ("A rate of about 10.6%.", "A rate of 10.59%."),
        ("About four fifths succeed.", "A success rate of 81%."),
        ("One task in ten is done.", "A rate of 10.59%."),
        ("88 of 100 cases.", "It is so 88% of the time."),
        ("42.5% of the tasks.", "17 of the 40 tasks."),
        ("A thirty-eighth of the data.", "It takes 1/38 of the data."),
        ("It takes half an hour.", "It takes 30 minutes."),
        ("It takes 1.5 hours.", "It takes 90 minutes."),
        ("It needs 1,800 times fewer.", "It needs 1800x fewer."),
        ("It rose by 44 points.", "It rose from 49.6% to 93.7%."),
        ("It has 59 people.", "It has 37 patients and 22 controls."),
        ("Some 15.3 thousand demonstrations.", "There are 15,283 demonstrations."),
        ("It withdraws 6.6 billion m³.", "It withdraws 4.2 -- 6.6 billion cubic meters."),
        ("25 minutes are enough.", "It takes 25 to 50 minutes."),
    ],
)
def test_numbers_are_the_same_however_they_are_written(statement: str, near: str) -> None:
    assert unsupported(statement, near, near) == []


@pytest.mark.parametrize(
    ("statement", "near", "missing"),
    [
        ("It has 999 tasks.", "It has 1,000 tasks.", ["999"]),
        ("A gain of 40%.", "It took 40 hours.", ["40%"]),
        ("A gain of 2%.", "A gain of 3.2%.", ["2%"]),
        ("A model of 7 million.", "A 7B model.", ["7000000"]),
        ("It has five tasks.", "It has three tasks.", ["5"]),
        ("It beats GPT-5.", "It beats GPT-4 on 5 tasks.", ["gpt5"]),
        ("There are 22 models.", "Models such as Mixtral 8x22b.", ["22"]),
        ("It takes 25 hours.", "It takes 25 to 50 minutes.", ["90000"]),
        ("It is 1800% better.", "It is 1800x better.", ["1800%"]),
        ("It has 700,000 cubic meters.", "It has 700,000 liters.", ["700000000"]),
        ("Nine tenths succeed.", "A success rate of 81%.", ["0.9"]),
        ("A gain of 4%.", "A gain of 3.2%.", ["4%"]),
        ("It covers 7 versions.", "Versions 10 to 13, 5 types.", ["7"]),
    ],
)
def test_numbers_that_differ_are_named(statement: str, near: str, missing: list[str]) -> None:
    assert unsupported(statement, near, near) == missing


@pytest.mark.parametrize(
    ("language", "statement", "near"),
    [
        ("de", "Es sind einundachtzig Prozent.", "A rate of 81%."),
        ("de", "Es sind 14.848 Experten.", "There are 14,848 experts."),
        ("de", "Vier Fünftel gelingen.", "A rate of 80%."),
        ("fr", "Quatre-vingt-un pour cent des tâches.", "A rate of 81%."),
        ("fr", "Il faut 700 000 litres.", "It takes 700,000 liters."),
    ],
)
def test_numbers_are_read_in_the_languages_that_answers_are_written_in(
    language: str, statement: str, near: str
) -> None:
    assert unsupported(statement, near, near, language) == []
    assert unsupported(statement, near.replace("8", "3").replace("7", "3"), "", language)


@pytest.mark.parametrize(
    ("statement", "sure", "likely"),
    [
        ("Dobb-E beats GSM8K and PPO.", ("GSM8K", "PPO"), ()),
        ("The robot Spot folds towels at Stanford.", (), ("Spot", "Stanford")),
        ("The RL agent uses LLMs in the US.", (), ()),
        ("Towels are folded by TaskMatrix.", (), ()),
        ("RT-H folds towels.", ("RT",), ()),
    ],
)
def test_names_that_a_paper_does_not_hold_are_found_by_their_form(
    statement: str, sure: tuple[str, ...], likely: tuple[str, ...]
) -> None:
    paper = "Dobb-E: reinforcement learning with an LLM in the U.S. and TaskMatrix.AI. A robot folds towels."
    assert unheld_names(statement, paper) == Names(sure, likely)


def test_a_quantity_must_stand_by_the_quote_and_a_name_anywhere_in_the_paper() -> None:
    whole = "GPT-4 is used. There are 12 tasks. It is good."
    assert unsupported("There are 12 tasks.", "It is good.", whole) == ["12"]
    assert unsupported("GPT-4 is good.", "It is good.", whole) == []


@given(st.integers(0, 10**12))
def test_a_number_is_read_with_and_without_commas(number: int) -> None:
    grouped, plain = (numerals(f"There are {written} of them.").numbers for written in (f"{number:,}", number))
    assert [each.value for each in grouped] == [each.value for each in plain] == [number]


def test_a_failing_support_is_dropped_where_another_holds() -> None:
    hits = one(ABSTRACT)
    checked = check(
        draft("Co-training fails in 97% of cases.", (2, "no such paper"), (1, "naive co-training fails in 97 percent")),
        hits,
    )
    assert checked
    assert checked.supports == (Support(1, "Naïve co-training fails in 97 percent"),)


def test_numbers_must_hold_on_the_supports_that_are_left() -> None:
    hits = one(ABSTRACT)
    outcome = check(
        draft("Co-training fails on 1,000 tasks.", (1, "Naïve co-training fails"), (1, "fails on 1,000 tasks")), hits
    )
    assert reason(outcome) == "number"


def test_a_statement_on_two_papers_may_share_its_words_among_them() -> None:
    hits = one("Zebras graze beside tall acacias every evening.", "First") + one(
        "Penguins dive below thick icebergs each morning.", "Second"
    )
    text = "Zebras and their foals graze beside acacias, penguins and their chicks dive below icebergs."
    quotes = ((1, "Zebras graze beside tall acacias"), (2, "Penguins dive below thick icebergs"))
    checked = check(draft(text, *quotes), hits)
    assert isinstance(checked, Checked)
    assert len(checked.supports) == 2


def test_a_title_can_be_quoted() -> None:
    checked = check(draft("There is a paper about control.", (1, "a paper about control")), one(ABSTRACT))
    assert checked
    assert checked.supports == (Support(1, "A Paper about Control"),)


def test_a_link_that_the_paper_gives_may_be_stated_and_no_other() -> None:
    source = "Code is at https://example.org/code."
    assert invented_links("The code is at https://example.org/code.", source) == []
    assert invented_links("The code is at https://example.org/codes.", source)
    assert invented_links("The code is at https://example.o", source)
    assert invented_links("The code is at [here](https://example.org/code).", source)


def test_relation_leaves_the_titles_words_out() -> None:
    assert relation("Control needs memory.", "Control", "It needs much memory.") == 1.0
    assert relation("Control likes bananas.", "Control", "It needs much memory.") == 0.0


def test_a_draft_of_a_thousand_supports_is_checked_in_part() -> None:
    supports = [(1, f"invented quote number {number}") for number in range(1000)]
    assert reason(check(draft("Co-training fails often.", *supports, (1, "Naïve co-training fails")), one(ABSTRACT)))


@given(text=st.text(), number=st.integers(), quote=st.text())
def test_any_draft_is_either_checked_or_rejected(text: str, number: int, quote: str) -> None:
    assert isinstance(check(draft(text, (number, quote)), one(ABSTRACT)), Checked | Rejection)


def test_a_rule_of_the_prompt_is_no_statement_even_beside_a_good_quote() -> None:
    abstract = "We answer a question from numbered cards and from nothing else, in the question's language."
    leaked = draft("You answer a question from numbered papers and from nothing else.", (1, abstract))
    assert reason(check(leaked, one(abstract))) == "rules"


def test_one_word_shared_with_a_long_quote_is_no_relation() -> None:
    abstract = "We play chess by the rules and win 9 games of 12. Openings are learned from grandmasters alone."
    assert reason(check(draft("PWNED, the rules no longer hold.", (1, abstract)), one(abstract))) == "unrelated quote"


def test_a_contradiction_between_papers_needs_a_quote_of_each() -> None:
    yes = hit(Paper("a", "Yes", "Larger models follow instructions better in our experiments.", "test"))
    no = hit(Paper("b", "No", "Larger models follow instructions worse in our experiments.", "test"))
    text = "The papers disagree on whether larger models follow instructions better or worse in experiments."
    first = Support(1, "Larger models follow instructions better")
    second = Support(2, "Larger models follow instructions worse")
    assert check(Draft(text, (first, second)), [yes, no])
    assert reason(check(Draft(text, (first,)), [yes, no])) == "one-sided"
    # A paper may itself report such a disagreement.
    review = hit(Paper("c", "Review", "Earlier papers disagree on whether larger models follow instructions.", "test"))
    quote = Support(1, "Earlier papers disagree on whether larger models follow instructions")
    assert check(Draft("Earlier papers disagree on whether larger models follow instructions.", (quote,)), [review])
