from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bot.answering.answerer import LONGEST_QUESTION, Answerer
from bot.answering.conversation import Exchange
from bot.answering.extractive import ExtractiveWriter
from bot.answering.llm import LLMWriter
from bot.answering.reading.question import Reader
from tests.local_llm import (
    LocalLLM,
    asking,
    cut,
    fails,
    finishes,
    given_paper_mixed_up,
    invented_paper,
    invented_quote,
    masked_link,
    pings_everyone,
    refuses,
    says,
    silent,
    writes,
    wrong_number,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.answering.answer import Answer
    from bot.answering.reading.question import Question
    from retrieval.library import Library
    from retrieval.papers import Paper
    from tests.local_llm.behaviours import Behaviour

MISMATCH = "Objective Mismatch in Model-based Reinforcement Learning"
ASKED = (
    "has anyone shown that a dynamics net with better one-step likelihood doesnt actually give you a better controller?"
)


@pytest.fixture
async def llm() -> AsyncIterator[LocalLLM]:
    async with LocalLLM() as llm:
        yield llm


@pytest.fixture
def alone(seeded: Library) -> Answerer:
    """An answerer without a language model."""
    return Answerer(seeded, ExtractiveWriter())


@pytest.fixture
async def with_llm(seeded: Library, llm: LocalLLM) -> AsyncIterator[Answerer]:
    async with asking(llm.base_url, seconds=3.0) as model:
        yield Answerer(seeded, ExtractiveWriter(), LLMWriter(model))


def rests_on_its_library(answer: Answer, papers: list[Paper]) -> bool:
    """Check that every citation quotes a paper of the library word for word, and that every statement has one."""
    by_id = {paper.paper_id: paper for paper in papers}
    return all(
        citation.quote in (by_id[citation.paper_id].abstract, by_id[citation.paper_id].title)
        or citation.quote in by_id[citation.paper_id].abstract
        or citation.quote in by_id[citation.paper_id].title
        for citation in answer.citations
    ) and all(
        statement.citations and set(statement.citations) <= {citation.number for citation in answer.citations}
        for statement in answer.statements
    )


async def test_without_a_model_the_papers_own_sentences_answer(alone: Answerer, seeds: list[Paper]) -> None:
    answer = await alone.answer(ASKED)
    assert answer.citations[0].title == MISMATCH
    assert (answer.writer, answer.note, answer.usage) == ("extractive", None, None)
    papers = list(dict.fromkeys(citation.paper_id for citation in answer.citations))
    assert [papers.index(citation.paper_id) + 1 for citation in answer.citations] == [
        citation.number for citation in answer.citations
    ]
    assert rests_on_its_library(answer, seeds)


async def test_a_list_question_cites_several_papers(alone: Answerer) -> None:
    answer = await alone.answer("everything you have on diffusion models please")
    assert len({citation.paper_id for citation in answer.citations}) >= 2


@pytest.mark.parametrize("question", ["hi there :)", "what is the capital of Australia?", "asdfghjkl", "", "🙂"])
async def test_small_talk_and_far_off_questions_get_no_citation(alone: Answerer, question: str) -> None:
    answer = await alone.answer(question)
    assert answer.refused
    assert (answer.statements, answer.citations) == ((), ())
    assert answer.text


async def test_a_refusal_names_no_paper_that_is_about_something_else(alone: Answerer) -> None:
    answer = await alone.answer("whats the weather like in berlin tomorrow")
    assert answer.refused
    assert (answer.nearest, answer.choices) == ((), ())
    assert answer.to_json()["outcome"] == "refused"


async def test_a_near_miss_is_shown_as_the_closest_passages_and_never_sent_away(alone: Answerer) -> None:
    answer = await alone.answer("Under which licence can I redistribute MoCapAct?")
    assert answer.outcome != "refused"
    assert answer.citations[0].title.startswith("MoCapAct")
    assert answer.to_json()["refused"] is False


async def test_every_statement_carries_the_quotes_that_it_rests_on(alone: Answerer) -> None:
    answer = await alone.answer(ASKED)
    held = {(citation.number, citation.quote) for citation in answer.citations}
    for statement in answer.statements:
        assert statement.quotes
        assert all(any((number, quote) in held for number in statement.citations) for quote in statement.quotes)


async def test_a_follow_up_is_answered_from_the_paper_before(alone: Answerer) -> None:
    answer = await alone.answer("how many patients vs controls?", ["is there an EEG dataset from west africa"])
    assert answer.standalone_question.startswith("how many patients vs controls? (in “Nigerian Schizophrenia EEG")
    assert answer.question == "how many patients vs controls?"
    assert "EEG" in answer.citations[0].title


async def test_who_else_without_a_word_of_its_own_is_asked_of_the_theme(alone: Answerer) -> None:
    first = await alone.answer("dataset of experts tracking mocap for humanoids")
    answer = await alone.answer("who else works on that?", [Exchange.of(first)])
    assert not answer.refused
    assert first.citations[0].paper_id not in {citation.paper_id for citation in answer.citations}


async def test_an_endless_question_is_cut_and_the_user_is_told(alone: Answerer) -> None:
    answer = await alone.answer("model-based reinforcement learning " * 1000)
    assert len(answer.question) == LONGEST_QUESTION
    assert answer.note is not None
    assert "cut" in answer.note


async def test_a_model_that_reads_its_papers_is_shown_with_its_usage(with_llm: Answerer, seeds: list[Paper]) -> None:
    answer = await with_llm.answer(ASKED)
    assert (answer.writer, answer.note, answer.refused) == ("llm", None, False)
    assert answer.citations[0].title == MISMATCH
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 0
    assert rests_on_its_library(answer, seeds)


@pytest.mark.parametrize(
    "behaviour", [invented_paper, invented_quote, given_paper_mixed_up, wrong_number, pings_everyone, masked_link]
)
async def test_statements_that_a_model_made_up_never_reach_an_answer(
    with_llm: Answerer, llm: LocalLLM, behaviour: Behaviour
) -> None:
    llm.next(behaviour)
    answer = await with_llm.answer(ASKED)
    assert (answer.outcome, answer.writer) == ("answered", "extractive")
    assert answer.citations[0].title == MISMATCH
    assert answer.note == (
        "What the language model wrote did not pass the checks; these are the papers' own sentences."
    )


async def test_a_statement_that_turns_its_quote_round_gives_way_to_the_quoted_sentence(
    with_llm: Answerer, llm: LocalLLM
) -> None:
    quote = "the likelihood of one-step ahead predictions is not always correlated with control performance"
    turned = "The likelihood of one-step predictions is correlated with control performance."
    support = {"paper": 1, "quote": quote}
    statements = [{"text": turned, "supports": [support]}, {"supports": [support], "text": f"Here {turned}"}]
    llm.next(writes(json.dumps({"sufficient": True, "statements": statements})))
    answer = await with_llm.answer(ASKED)
    assert answer.writer == "llm"
    (statement,) = answer.statements  # both rest on the same sentence, which is stated once
    assert quote in statement.text
    assert statement.text.startswith("In our experiments")
    assert statement.quotes == (quote,)


async def test_a_model_that_says_that_the_papers_do_not_suffice_leaves_the_closest_passages(
    with_llm: Answerer, llm: LocalLLM
) -> None:
    llm.next(says(sufficient=False))
    answer = await with_llm.answer(ASKED)
    assert (answer.outcome, answer.writer) == ("closest", "extractive")
    assert answer.note == "The language model found no answer in the papers; these are their own sentences."


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (fails(401), "refused the key (401)"),
        (fails(429), "is taking no more requests (429)"),
        (fails(500), "is out of order (500)"),
        (silent, "said nothing for 0.9 s"),
        (cut(), "cut the answer off"),
        (finishes("length"), "cut the answer off"),
        (refuses(), "declined to answer"),
        (writes("{ this is not JSON"), "gave no usable answer"),
        (writes(""), "gave no usable answer"),
        (writes("Sure! Here is what I think about it."), "gave no usable answer"),
    ],
)
async def test_when_the_model_fails_the_papers_answer_and_a_short_line_says_so(
    with_llm: Answerer, llm: LocalLLM, seeds: list[Paper], behaviour: Behaviour, words: str
) -> None:
    llm.next(behaviour, times=5)
    answer = await with_llm.answer(ASKED)
    assert (answer.refused, answer.writer) == (False, "extractive")
    assert answer.citations[0].title == MISMATCH
    assert answer.note == f"The language model {words}; these are the papers' own sentences."
    assert "secret-key" not in str(answer)
    assert rests_on_its_library(answer, seeds)


async def test_a_question_refused_on_weak_evidence_costs_no_call(with_llm: Answerer, llm: LocalLLM) -> None:
    answer = await with_llm.answer("what is the capital of Australia?")
    assert answer.refused
    assert llm.chats == []


async def test_a_question_is_read_once(alone: Answerer, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    read = Reader.read

    async def counted(self: Reader, asked: str, *, composed: bool = False) -> Question:
        reads.append(asked)
        return await read(self, asked, composed=composed)

    monkeypatch.setattr(Reader, "read", counted)
    first = await alone.answer(ASKED)
    assert reads == [ASKED]
    reads.clear()
    # A follow-up is read twice: as it was typed, and as the standalone question that it becomes.
    follow_up = await alone.answer("and by how much?", [Exchange.of(first)])
    assert reads == ["and by how much?", follow_up.standalone_question]


async def test_an_order_beside_a_question_leads_nowhere(alone: Answerer) -> None:
    bare = await alone.answer(ASKED)
    ordered = await alone.answer(f"{ASKED} Please name one. Thanks in advance!")
    assert [each.paper_id for each in ordered.citations][:1] == [each.paper_id for each in bare.citations][:1]
    assert ordered.question.endswith("Thanks in advance!")


async def test_of_papers_spoken_of_none_is_claimed_to_be_the_best(alone: Answerer) -> None:
    listed = await alone.answer("which papers are about continual learning?")
    of_these = await alone.answer("which of these papers is the best?", [Exchange.of(listed)])
    assert of_these.outcome == "closest"
    assert {each.paper_id for each in of_these.citations} <= {each.paper_id for each in listed.citations}
