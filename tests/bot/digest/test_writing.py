from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from bot.answering.llm import LLMWriter
from bot.digest import digest_text
from bot.digest.digest_text import Reason, ReasonWriter
from bot.language import in_language
from retrieval.papers import Paper
from retrieval.text.text import sentences
from tests.local_llm import LocalLLM, asking, fails, honest, invented_quote, refuses, wrong_number

if TYPE_CHECKING:
    from retrieval.embedding.local import LocalEmbedder
    from tests.local_llm.behaviours import Behaviour

TOPIC = "reinforcement learning"


def paper(seeds: list[Paper], title: str) -> Paper:
    return next(each for each in seeds if each.title.startswith(title))


@pytest.mark.slow
async def test_the_reason_is_a_whole_sentence_of_the_abstract_on_what_the_authors_did(
    embedder: LocalEmbedder, seeds: list[Paper]
) -> None:
    reasons = await ReasonWriter(embedder).write([(TOPIC, each) for each in seeds])
    for each, reason in zip(seeds, reasons, strict=True):
        whole = [each.abstract[start:end] for start, end in sentences(each.abstract)]
        assert reason.quote in whole
        assert 20 < len(reason.text) <= digest_text.LONGEST_REASON + 2
    openings = [
        reason.quote == each.abstract[slice(*sentences(each.abstract)[0])]
        for each, reason in zip(seeds, reasons, strict=True)
    ]
    assert sum(openings) < len(seeds) / 5


async def test_a_paper_without_an_abstract_has_no_reason(embedder: LocalEmbedder, seeds: list[Paper]) -> None:
    empty = Paper("arxiv:1", "A title", "", "arxiv")
    first, second = await ReasonWriter(embedder).write([(TOPIC, empty), (TOPIC, seeds[0])])
    assert first == Reason("", "")
    assert second.text


async def test_a_language_model_s_sentence_is_shown_with_the_quote_that_bears_it_out(
    embedder: LocalEmbedder, seeds: list[Paper]
) -> None:
    one = paper(seeds, "Objective Mismatch in Model-based")
    async with LocalLLM() as llm, asking(llm.base_url) as model:
        llm.next(honest)
        (reason,) = await ReasonWriter(embedder, LLMWriter(model)).write([(TOPIC, one)])
    assert reason.quote in one.abstract


@pytest.mark.parametrize("behaviour", [fails(500), invented_quote, wrong_number, refuses()])
async def test_what_a_language_model_says_without_proof_is_replaced_by_the_abstract_s_own_words(
    embedder: LocalEmbedder, seeds: list[Paper], behaviour: Behaviour
) -> None:
    one = paper(seeds, "Objective Mismatch in Model-based")
    async with LocalLLM() as llm, asking(llm.base_url) as model:
        llm.next(behaviour, times=9)
        (reason,) = await ReasonWriter(embedder, LLMWriter(model)).write([(TOPIC, one)])
    assert [reason] == await ReasonWriter(embedder).write([(TOPIC, one)])


@pytest.mark.parametrize(
    ("verbatim", "shown"),
    [
        ("Results: We find\nmuch.", "We find much."),
        ("However, we find much.", "We find much."),
        ("4. The policy is learned.", "The policy is learned."),
        ("We reach 90\\% of it.", "We reach 90% of it."),
    ],
)
def test_a_sentence_reads_by_itself(verbatim: str, shown: str) -> None:
    assert digest_text.readable(verbatim) == shown


def test_titles_and_notes_speak_plainly() -> None:
    assert digest_text.title(["robots"], date(2026, 3, 16)) == "New papers on “robots”, March 16, 2026"
    assert digest_text.named(["a", "b", "c"]) == "“a”, “b” and “c”"
    assert digest_text.note(["rain"], 1200, 0, 5) == "Nothing new on “rain”: I looked through 1,200 new papers."
    assert digest_text.note(["rain"], 1, 0, 5) == "Nothing new on “rain”: I looked through one new paper."
    assert digest_text.note(["rain"], 12, 2, 5) == "No more than these: I looked through 12 new papers."
    assert digest_text.note(["rain"], 0, 0, 5) == "There were no new papers."
    assert digest_text.note(["rain"], 2, 0, 5, new=False) == "Nothing on “rain”: I looked through 2 papers."
    assert digest_text.note(["rain"], 1, 1, 5, new=False) == "No more than this: I looked through one paper."
    assert digest_text.note(["rain"], 12, 5, 5) is None
    with in_language("de"):
        assert "16. März 2026" in digest_text.title(["robots"], date(2026, 3, 16))


def test_the_map_is_told_in_words() -> None:
    caption = digest_text.map_title(1200, date(2026, 3, 9), date(2026, 3, 16))
    assert caption.startswith("1,200 new papers, Mar 9")
    alt = digest_text.map_alt(caption, [("speech, ASR", 83), ("robots", 4)])
    assert alt.endswith("Groups: speech, ASR (83); robots (4).")
