from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.answerer import Answerer
from bot.answering.conversation import Conversation, Exchange, Relation, detail, picked
from bot.answering.extractive import ExtractiveWriter
from retrieval.papers import Paper

if TYPE_CHECKING:
    from retrieval.library import Library

EEG = "Nigerian Schizophrenia EEG Dataset"
BCI = "Human-AI Teaming Using Large Language Models"
WATER = "Making AI Less"
SERL = "SERL: A Software Suite"
TOM = "SimpleToM"
BLACK_BOX = "CrossTune"
HUMANOIDS = "MoCapAct"
MOTION = "Universal Humanoid Motion Representations"
FACTS = "Characterizing Mechanisms for Factual Recall"
KEY_FACTS = "Interpreting Key Mechanisms of Factual Recall"
ROUTER = "Tryage"
CYBENCH = "Cybench"
WEB = "WebArena"

# Each last question, what was asked before it, and how the title of the paper that answers it begins.
FOLLOW_UPS = [
    (["is there an EEG dataset from west africa"], "how many patients vs controls?", EEG),
    (
        ["is there an EEG dataset from west africa", "how many patients vs controls?"],
        "any other paper in here working with that kind of signal?",
        BCI,
    ),
    (["anything on the water use of AI?"], "and how much fresh water did its training evaporate", WATER),
    (["who gets real robot arms to learn PCB assembly with RL in half an hour?"], "on which tasks was that", SERL),
    (["theory of mind dataset for llms"], "does chain of thought help them there", TOM),
    (["black box few shot classification"], "by how much does it beat the previous sota?", BLACK_BOX),
    (["black box few shot classification"], "can it use extra data?", BLACK_BOX),
    (["dataset of experts tracking mocap for humanoids"], "anybody else working on humanoids here?", MOTION),
    (
        ["dataset of experts tracking mocap for humanoids", "anybody else working on humanoids here?"],
        "what is their prior conditioned on",
        MOTION,
    ),
    (["how do LMs recall capitals, memorized vs context"], "other papers on factual recall mechanisms?", KEY_FACTS),
    (
        ["how do LMs recall capitals, memorized vs context", "other papers on factual recall mechanisms?"],
        "which models did that one cover?",
        KEY_FACTS,
    ),
    (["the LLM router inspired by the thalamus, what is it called?"], "how does it compare with gorilla?", ROUTER),
    (["benchmark for hacking agents with CTF tasks", "thanks!"], "how many tasks are in there?", CYBENCH),
]
CHANGES_OF_SUBJECT = [
    "is there any EEG stuff?",
    "GUIDE dataset, name the sub-tasks",
    "does it help a neural net that summarises code if we tell it which kind of syntax tree node it's looking at",
    "what about catastrophic interference with power law?",
    "graph neural nets with prompts?",
    "which papers look at routing prompts to the best model?",
    "on bringing robots home - which commercially available robot do they use",
    "what is the capital of Australia?",
]


async def read(library: Library, history: list[str], question: str) -> tuple[Relation, str, str]:
    """Return the relation, the standalone question and the title of the first hit."""
    conversation = Conversation(library)
    turn = await conversation.read(question, await conversation.recall([Exchange(asked) for asked in history]))
    hits = await conversation.search(turn, 5)
    return turn.relation, turn.standalone, hits[0].paper.title


async def test_a_follow_up_finds_its_paper_first(seeded: Library) -> None:
    for history, question, title in FOLLOW_UPS:
        _, standalone, found = await read(seeded, history, question)
        assert found.startswith(title), (history, question)
        assert standalone.startswith(question)


async def test_a_change_of_subject_is_read_without_its_history(seeded: Library) -> None:
    for before in ("theory of mind dataset for llms", "which paper gives a software suite to learn RL on robots?"):
        for question in CHANGES_OF_SUBJECT:
            relation, standalone, _ = await read(seeded, [before], question)
            assert (relation, standalone) == (Relation.NEW, question), before


async def test_a_detail_reads_as_a_question_that_names_its_paper(seeded: Library) -> None:
    relation, standalone, _ = await read(seeded, ["theory of mind dataset for llms"], "does it help them?")
    assert relation is Relation.DETAIL
    assert standalone.startswith("does it help them? (in “SimpleToM: Exposing the Gap")


async def test_the_papers_that_an_answer_cited_are_what_a_follow_up_asks(seeded: Library, seeds: list[Paper]) -> None:
    ids = {paper.title: paper.paper_id for paper in seeds}
    conversation = Conversation(seeded)
    [webarena] = [id_ for title, id_ in ids.items() if title.startswith(WEB)]
    # The question alone would lead to another paper.
    spoken = await conversation.recall([Exchange("theory of mind dataset for llms", (webarena,))])
    turn = await conversation.read("how well do humans do there?", spoken)
    assert turn.focus == (webarena,)


@pytest.mark.parametrize(
    ("question", "begins"), [("what gain does the second one report?", MOTION), ("the first one?", HUMANOIDS)]
)
async def test_papers_are_counted_as_they_were_cited(
    seeded: Library, seeds: list[Paper], question: str, begins: str
) -> None:
    cited = [paper for start in (HUMANOIDS, MOTION) for paper in seeds if paper.title.startswith(start)]
    conversation = Conversation(seeded)
    spoken = await conversation.recall([Exchange("humanoids?", tuple(paper.paper_id for paper in cited))])
    turn = await conversation.read(question, spoken)
    hits = await conversation.search(turn, 1)
    assert hits[0].paper.title.startswith(begins)


async def test_a_comparison_with_the_second_one_asks_both_papers(seeded: Library, seeds: list[Paper]) -> None:
    cited = [paper for start in (HUMANOIDS, MOTION) for paper in seeds if paper.title.startswith(start)]
    history = [Exchange("humanoids?", tuple(paper.paper_id for paper in cited))]
    answer = await Answerer(seeded, ExtractiveWriter()).answer("compare it with the second one", history)
    assert {citation.paper_id for citation in answer.citations} == {paper.paper_id for paper in cited}


@pytest.mark.parametrize("history", [[], [Exchange("hi")], [Exchange("robots?", (), answered=False, clarifying=True)]])
async def test_a_pointer_to_nothing_is_read_as_it_stands(seeded: Library, history: list[Exchange]) -> None:
    conversation = Conversation(seeded)
    for question in ("how does it compare with gorilla?", "who else?", "the second one?", "and how many?"):
        turn = await conversation.read(question, await conversation.recall(history))
        assert (turn.relation, turn.query) == (Relation.NEW, question)


async def test_asking_for_others_again_leaves_out_all_that_were_named(seeded: Library, seeds: list[Paper]) -> None:
    ids = [paper.paper_id for paper in seeds[:4]]
    conversation = Conversation(seeded)
    spoken = await conversation.recall(
        [Exchange("which papers are on RL?", tuple(ids[:3])), Exchange("any other papers?", (ids[3],))]
    )
    turn = await conversation.read("anything else?", spoken)
    assert turn.exclude == set(ids)
    assert not turn.exclude & {hit.paper.paper_id for hit in await conversation.search(turn, 10)}


async def test_a_paper_that_is_gone_from_the_library_is_no_longer_spoken_of(seeded: Library) -> None:
    conversation = Conversation(seeded)
    spoken = await conversation.recall([Exchange("theory of mind", ("arxiv:0000.00000",))])
    turn = await conversation.read("how many tasks does it have?", spoken)
    assert turn.relation is Relation.NEW


@pytest.mark.parametrize("reply", ["2", "2.", "second", "the second one", "#2", "Number 2"])
def test_a_reply_by_number_picks_the_choice(reply: str) -> None:
    assert picked(reply, ("robots at home", "cable routing")) == "cable routing"


@pytest.mark.parametrize("reply", ["3", "0", "20", "the second paper on cables", ""])
def test_any_other_reply_stays_what_it_is(reply: str) -> None:
    assert picked(reply, ("robots at home", "cable routing")) == reply


@given(st.text(), st.lists(st.text(), max_size=4))
def test_picking_gives_a_choice_or_the_reply(reply: str, choices: list[str]) -> None:
    assert picked(reply, choices) in [reply, *choices]


@given(st.text(), st.lists(st.text(max_size=40), min_size=1, max_size=3))
def test_a_detail_keeps_the_question_and_the_order_of_its_papers(question: str, titles: list[str]) -> None:
    papers = [Paper(f"p{at}", title, "", "test") for at, title in enumerate(titles)]
    turn = detail(question, papers)
    assert turn.standalone.startswith(question)
    assert turn.focus == tuple(paper.paper_id for paper in papers)
