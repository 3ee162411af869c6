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

# What was asked before, the last question, and the beginning of the title of the paper that answers it.
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
MISSED = 2  # of the thirteen: a fitted reader makes mistakes, which docs/quality.md counts
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
    """Read a question after its history: the relation, the standalone question and the first hit's title."""
    conversation = Conversation.over(library)
    contextual = await conversation.read(question, await conversation.recall([Exchange(asked) for asked in history]))
    hits = await conversation.search(contextual, 5)
    return contextual.relation, contextual.standalone, hits[0].paper.title


async def test_follow_ups_find_their_paper_first(seeded: Library) -> None:
    missed = []
    for history, question, title in FOLLOW_UPS:
        _, _, first = await read(seeded, history, question)
        if not first.startswith(title):
            missed.append(question)
    assert len(missed) <= MISSED, missed


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
    conversation = Conversation.over(seeded)
    [webarena] = [id_ for title, id_ in ids.items() if title.startswith(WEB)]
    # On its own, the question would lead to another paper.
    dialogue = await conversation.recall([Exchange("agents that use the computer", (webarena,))])
    contextual = await conversation.read("how well do humans do there?", dialogue)
    assert contextual.focus == (webarena,)


@pytest.mark.parametrize(
    ("question", "begins"), [("what gain does the second one report?", MOTION), ("the first one?", HUMANOIDS)]
)
async def test_papers_are_counted_as_they_were_cited(
    seeded: Library, seeds: list[Paper], question: str, begins: str
) -> None:
    cited = [paper for start in (HUMANOIDS, MOTION) for paper in seeds if paper.title.startswith(start)]
    conversation = Conversation.over(seeded)
    dialogue = await conversation.recall([Exchange("humanoids?", tuple(paper.paper_id for paper in cited))])
    contextual = await conversation.read(question, dialogue)
    hits = await conversation.search(contextual, 1)
    assert hits[0].paper.title.startswith(begins)


async def test_a_comparison_with_the_second_one_asks_both_papers(seeded: Library, seeds: list[Paper]) -> None:
    cited = [paper for start in (HUMANOIDS, MOTION) for paper in seeds if paper.title.startswith(start)]
    history = [Exchange("humanoids?", tuple(paper.paper_id for paper in cited))]
    answer = await Answerer(seeded, ExtractiveWriter()).answer("compare it with the second one", history)
    assert {citation.paper_id for citation in answer.citations} == {paper.paper_id for paper in cited}


@pytest.mark.parametrize("history", [[], [Exchange("hi")], [Exchange("robots?", (), answered=False)]])
async def test_a_pointer_to_nothing_is_read_as_it_stands(seeded: Library, history: list[Exchange]) -> None:
    conversation = Conversation.over(seeded)
    for question in ("how does it compare with gorilla?", "who else?", "the second one?", "and how many?"):
        contextual = await conversation.read(question, await conversation.recall(history))
        assert (contextual.relation, contextual.query) == (Relation.NEW, question)


SIMPLETOM, NIGERIAN, THIRSTY = "SimpleToM", "Nigerian Schizophrenia", "Making AI Less"
ANDROID, SCALE, ROBOTS, DETECTOR = "Android in the Wild", "On the Effects of Data Scale", "On Bringing Robots", "RT-H"
# The papers that the last answer cited, in order; the next question; and the beginnings of the titles it is about.
ASKED_OF_A_LIST = [
    ([CYBENCH, WEB, ANDROID, SCALE], "summarise the fourth", [SCALE]),
    ([CYBENCH, WEB, ANDROID, SCALE], "the second one, how many tasks?", [WEB]),
    ([CYBENCH, WEB, ANDROID, SCALE], "and the last?", [SCALE]),
    ([CYBENCH, WEB, ANDROID, SCALE], "#3", [ANDROID]),
    ([CYBENCH, WEB, ANDROID, SCALE], "more on number 2 please", [WEB]),
    ([CYBENCH, WEB, ANDROID, SCALE], "who wrote the third one", [ANDROID]),
    ([CYBENCH, WEB, ANDROID, SCALE], "compare the first two", [CYBENCH, WEB]),
    ([CYBENCH, WEB, ANDROID, SCALE], "compare the second one and the fourth", [WEB, SCALE]),
    ([CYBENCH, WEB, ANDROID, SCALE], "das zweite, wie viele Aufgaben?", [WEB]),
    ([CYBENCH, WEB, ANDROID, SCALE], "et le troisième ?", [ANDROID]),
    ([CYBENCH, WEB, ANDROID, SCALE], "y el segundo, qué resultados da?", [WEB]),
    ([HUMANOIDS, MOTION], "what's the difference between the two?", [HUMANOIDS, MOTION]),
    ([ROBOTS, SERL, DETECTOR], "the second, is its code public?", [SERL]),
]
ASKED_OF_ONE = [
    "and who wrote it?",
    "how does it work",
    "is the code public?",
    "what are its limitations?",
    "summarise it in two sentences",
    "tell me more",
    "why does that work?",
    "any numbers?",
    "und wer hat es geschrieben?",
    "qui l'a écrit ?",
    "cuándo se publicó?",
]
# The paper of the last answer, its question, the next question, and the beginning of the title of its first hit.
ASKED_FOR_ANOTHER = [
    (HUMANOIDS, "humanoids?", "who else works on humanoids?", MOTION),
    (FACTS, "factual recall", "is there another paper on that?", KEY_FACTS),
    (NIGERIAN, "EEG recordings", "any other paper with brain signals?", BCI),
    (CYBENCH, "agent benchmarks", "no, I meant the one with realistic websites", WEB),
    (SERL, "robots that learn", "sorry, I meant the one where people correct the robot in language", DETECTOR),
    (SIMPLETOM, "datasets for llms", "not that, the one with guidelines for instructional videos", "GUIDE"),
]


def beginning(seeds: list[Paper], begins: list[str]) -> tuple[str, ...]:
    return tuple(paper.paper_id for start in begins for paper in seeds if paper.title.startswith(start))


@pytest.mark.parametrize(("cited", "question", "asked"), ASKED_OF_A_LIST)
async def test_a_follow_up_to_a_list_asks_the_papers_that_it_names(
    seeded: Library, seeds: list[Paper], cited: list[str], question: str, asked: list[str]
) -> None:
    conversation = Conversation.over(seeded)
    dialogue = await conversation.recall([Exchange("which papers have benchmarks?", beginning(seeds, cited))])
    contextual = await conversation.read(question, dialogue)
    assert contextual.focus == beginning(seeds, asked)
    hits = await conversation.search(contextual, 5)
    assert tuple(hit.paper.paper_id for hit in hits[: len(asked)]) == contextual.focus


@pytest.mark.parametrize("question", ASKED_OF_ONE)
async def test_a_question_that_needs_a_paper_asks_the_one_spoken_of(
    seeded: Library, seeds: list[Paper], question: str
) -> None:
    conversation = Conversation.over(seeded)
    for title, before in ((THIRSTY, "water use of AI"), (TOM, "theory of mind dataset")):
        dialogue = await conversation.recall([Exchange(before, beginning(seeds, [title]))])
        contextual = await conversation.read(question, dialogue)
        assert (contextual.relation, contextual.focus) == (Relation.DETAIL, beginning(seeds, [title]))


@pytest.mark.parametrize(("answered", "before", "question", "found"), ASKED_FOR_ANOTHER)
async def test_others_and_corrections_leave_the_paper_spoken_of(
    seeded: Library, seeds: list[Paper], answered: str, before: str, question: str, found: str
) -> None:
    conversation = Conversation.over(seeded)
    dialogue = await conversation.recall([Exchange(before, beginning(seeds, [answered]))])
    contextual = await conversation.read(question, dialogue)
    hits = await conversation.search(contextual, 5)
    assert hits[0].paper.title.startswith(found)
    assert not {hit.paper.paper_id for hit in hits} & set(beginning(seeds, [answered]))


async def test_the_other_one_of_two_is_the_one_not_asked_last(seeded: Library, seeds: list[Paper]) -> None:
    two, first = beginning(seeds, [HUMANOIDS, MOTION]), beginning(seeds, [HUMANOIDS])
    conversation = Conversation.over(seeded)
    history = [Exchange("humanoids?", two), Exchange("how large is the first one?", first)]
    contextual = await conversation.read("and the other one?", await conversation.recall(history))
    assert contextual.focus[:1] == beginning(seeds, [MOTION])


async def test_a_comparison_with_a_paper_that_it_names_asks_both(seeded: Library, seeds: list[Paper]) -> None:
    conversation = Conversation.over(seeded)
    dialogue = await conversation.recall([Exchange("hacking benchmark", beginning(seeds, [CYBENCH]))])
    contextual = await conversation.read("how does it compare with WebArena?", dialogue)
    assert contextual.focus == beginning(seeds, [CYBENCH, WEB])


async def test_after_a_refusal_a_detail_is_not_asked_of_the_nearest_paper(seeded: Library, seeds: list[Paper]) -> None:
    conversation = Conversation.over(seeded)
    dialogue = await conversation.recall([Exchange("which whales sing?", beginning(seeds, [THIRSTY]), answered=False)])
    contextual = await conversation.read("how many of them are there?", dialogue)
    assert contextual.focus == ()


async def test_a_paper_spoken_of_is_asked_however_far_down_a_search_has_it(seeded: Library, seeds: list[Paper]) -> None:
    text = "Nurses counted how many patients and how many controls took part, and how many dropped out."
    await seeded.add([Paper(f"trial:{at}", f"Trial {at} with patients and controls", text, "test") for at in range(60)])
    conversation = Conversation.over(seeded)
    dialogue = await conversation.recall([Exchange("water use of AI", beginning(seeds, [THIRSTY]))])
    hits = await conversation.search(await conversation.read("and who wrote it?", dialogue), 3)
    assert hits[0].paper.title.startswith(THIRSTY)


async def test_asking_for_others_again_leaves_out_all_that_were_named(seeded: Library, seeds: list[Paper]) -> None:
    ids = [paper.paper_id for paper in seeds[:4]]
    conversation = Conversation.over(seeded)
    dialogue = await conversation.recall(
        [Exchange("which papers are on RL?", tuple(ids[:3])), Exchange("any other papers?", (ids[3],))]
    )
    contextual = await conversation.read("anything else?", dialogue)
    assert contextual.exclude == set(ids)
    assert not contextual.exclude & {hit.paper.paper_id for hit in await conversation.search(contextual, 10)}


async def test_a_paper_that_is_gone_from_the_library_is_no_longer_spoken_of(seeded: Library) -> None:
    conversation = Conversation.over(seeded)
    dialogue = await conversation.recall([Exchange("theory of mind", ("arxiv:0000.00000",))])
    contextual = await conversation.read("how many tasks does it have?", dialogue)
    assert contextual.relation is Relation.NEW


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
    contextual = detail(question, papers)
    assert contextual.standalone.startswith(question)
    assert contextual.focus == tuple(paper.paper_id for paper in papers)
