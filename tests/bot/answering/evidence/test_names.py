from __future__ import annotations

import pytest

from bot.answering.evidence.named_papers import named_by, own_name
from retrieval.papers import Evidence, Hit, Paper

MISMATCH = "Objective Mismatch in Model-based Reinforcement Learning"


def hits(*titles: str) -> list[Hit]:
    return [Hit(Paper(title, title, "", "test"), 1.0, (), (), Evidence(0.5, 0.5, 1.0, 0.5, 0.5)) for title in titles]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("SERL: A Software Suite", "SERL"),
        (r"T\"ULU 3: Pushing Frontiers", "TÜLU 3"),
        ("On Bringing Robots Home", ""),
        ("A title with very many words in front: and a colon", ""),
    ],
)
def test_a_title_gives_its_work_a_short_name(title: str, name: str) -> None:
    assert own_name(title) == name


@pytest.mark.parametrize(
    ("title", "question"),
    [
        ("FineWeb2: One Pipeline", "what is FineWeb2?"),
        ("FineWeb2: One Pipeline", "fine web 2 paper??"),
        (r"T\"ULU 3: Pushing Frontiers", "summarize TULU 3"),
        ("WebArena: A Realistic Web Environment", "when was webarena published"),
        ("WebArena: A Realistic Web Environment", "WebArenna, tl;dr"),
        (MISMATCH, "objective mismatch in model based reinforcement learning"),
        (MISMATCH, "Objetive Missmatch in Modle-based Reinforcment Learning"),
    ],
)
def test_a_question_names_a_paper_with_and_without_slips(title: str, question: str) -> None:
    assert named_by(title, question, hits(title, "Something Else"))


@pytest.mark.parametrize(
    ("title", "question"),
    [
        (MISMATCH, "reinforcement learning"),
        (MISMATCH, "which papers study model-based reinforcement learning?"),
        ("LoRA: Low-Rank Adaptation", "how do flora and fauna react?"),
        ("SERL: A Software Suite", "series of trials"),
    ],
)
def test_a_question_on_the_subject_does_not_name_the_paper(title: str, question: str) -> None:
    assert not named_by(title, question, hits(title, "Something Else"))


def test_an_ordinary_word_before_the_colon_is_no_name_where_many_papers_hold_it() -> None:
    among = hits("Agents: A Survey", "Agents that Shop", "Agents that Code", "Agents that Drive")
    assert not named_by("Agents: A Survey", "which agents shop?", among)
