"""The worst questions: what was asked, what was found, what was answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.report.html_tree import node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from bot.answering import Answer, AnswerScore
    from bot.report.evaluation_run import Evaluation
    from retrieval.evaluation import Query

SHOWN = 5  # hits per question
LONGEST = 600  # characters of a question, a statement or a quote


def worst_section(evaluation: Evaluation) -> tuple[Element, ...]:
    """Make the section of the worst questions; it says so if none went wrong."""
    worst = evaluation.worst()
    scores = {score.query_id: score for score in evaluation.scores}
    if not worst:
        return (node("h2", "The worst questions"), node("p", "None: every question scored 1."))
    return (
        node("h2", f"The worst {len(worst)} questions"),
        node(
            "p",
            "The score is the mean of a question's measures, or without judged answers one over the rank of its first "
            "right paper. Of two as bad, the one answered more surely comes first.",
        ),
        *(_question(number, query, evaluation, scores) for number, query in enumerate(worst, start=1)),
    )


def _question(number: int, query: Query, evaluation: Evaluation, scores: dict[str, AnswerScore]) -> Element:
    score = scores.get(query.query_id)
    answer = evaluation.answers.get(query.query_id)
    rows = [*_asked(query, answer), *_found(query, evaluation), *(_answered(answer) if answer else ())]
    return node(
        "article",
        node("h3", f"{number}. {_shortened(query.text)}"),
        node("p", " · ".join([query.query_id, *(_measured(score) if score else ())]), class_="faint"),
        node("div", *rows),
    )


def _measured(score: AnswerScore) -> Iterator[str]:
    yield score.kind or "no kind"
    yield _outcome(score)
    yield f"confidence {score.confidence:.2f}"
    yield f"score {score.mean:.2f}"
    for name, value in score.measures.items():
        if name.startswith(("citation", "facts")) and not score.refused:
            yield f"{name.replace('_', ' ')} {value:.2f}"


def _outcome(score: AnswerScore) -> str:
    if not score.answerable:
        return "no paper answers it, and it was answered"
    if score.refused:
        return "a paper answers it, and it was not answered"
    return "first citation right" if score.first_is_right else "first citation wrong"


def _asked(query: Query, answer: Answer | None) -> Iterator[Element]:
    if query.history:
        yield node("b", "After")
        yield node("ul", *(node("li", _shortened(earlier)) for earlier in query.history))
    if answer and answer.standalone_question != query.text:
        yield node("b", "Taken as")
        yield node("div", _shortened(answer.standalone_question))


def _found(query: Query, evaluation: Evaluation) -> Iterator[Element]:
    ranks = evaluation.right_ranks(query.query_id)
    hits = evaluation.run.get(query.query_id, ())
    yield node("b", "Found")
    yield node(
        "ol",
        *(
            node(
                "li",
                node("span", "right: ", class_="good") if hit.paper.paper_id in ranks else None,
                hit.paper.title,
                node("span", f" ({hit.evidence.cosine:.2f} cosine, {hit.evidence.bm25:.1f} BM25)", class_="faint"),
            )
            for hit in hits[:SHOWN]
        ),
    )
    missed = {paper_id: rank for paper_id, rank in ranks.items() if rank is None or rank > SHOWN}
    if missed:
        yield node("b", "Missed")
        titles = {hit.paper.paper_id: hit.paper.title for hit in hits}
        yield node(
            "ul",
            *(
                node(
                    "li",
                    titles.get(id_, id_),
                    node("span", f" (rank {rank})" if rank else " (not found)", class_="bad"),
                )
                for id_, rank in missed.items()
            ),
        )


def _answered(answer: Answer) -> Iterator[Element]:
    yield node("b", "Answered")
    if not answer.statements:
        yield node("div", answer.text)
        if answer.choices:
            yield node("b", "Offered")
            yield node("ul", *(node("li", choice) for choice in answer.choices))
        return
    yield node(
        "div",
        *(
            node("p", f"{_shortened(statement.text)} ", "".join(f"[{number}]" for number in statement.citations))
            for statement in answer.statements
        ),
    )
    yield node("b", "Cited")
    yield node(
        "ol",
        *(node("li", f"{citation.title}: ", node("q", _shortened(citation.quote))) for citation in answer.citations),
    )


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"
