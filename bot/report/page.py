"""The page of an evaluation: one self-contained HTML file with its pictures and numbers."""

from __future__ import annotations

from importlib import metadata, resources
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, tostring

from bot.report.figures import (
    area,
    coverage_curve,
    expected_calibration_error,
    reliability,
    split_confidences,
    trade_at,
)
from bot.report.html_tree import figure, node, table, tiles
from bot.report.pictures import draw_recall, draw_refusal, draw_reliability
from bot.report.worst import worst_section
from retrieval.evaluation import recall_curve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.answering import AnswerScore
    from bot.report.evaluation_run import Evaluation

# The page contains foreign text, so it may load and run nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
THRESHOLDS = tuple(step / 20 for step in range(21))
NAMES = {
    "answerable_answered": "answerable answered",
    "answerable_claimed": "answerable claimed",
    "helpful": "helpful",
    "unanswerable_refused": "unanswerable refused",
    "unanswerable_unclaimed": "unanswerable not claimed",
    "first_citation_right": "first citation right",
    "citation_precision": "citation precision",
    "citation_recall": "citation recall",
    "facts_quoted": "facts quoted",
}


def render(evaluation: Evaluation) -> str:
    """Render the page: figures by kind, calibration, refusal, recall at k, and the worst questions."""
    dataset = f"{evaluation.name}/{evaluation.split}"
    sections = (*_kinds(evaluation), *_confidence(evaluation), *_recall(evaluation))
    page = node(
        "html",
        node(
            "head",
            node("meta", charset="utf-8"),
            node("meta", name="viewport", content="width=device-width, initial-scale=1"),
            Element("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}),
            node("title", f"Footnote's quality on {dataset}"),
            _style(),
        ),
        node(
            "body",
            node("h1", f"Footnote's quality on {dataset}"),
            node("p", _about(evaluation), class_="faint"),
            tiles(_headline(evaluation)),
            *sections,
            *worst_section(evaluation),
        ),
        lang="en",
    )
    return "<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def _about(evaluation: Evaluation) -> str:
    writers = sorted({answer.writer for answer in evaluation.answers.values()})
    models = sorted({answer.usage.model for answer in evaluation.answers.values() if answer.usage})
    parts = [
        f"{len(evaluation.dataset.queries)} questions over {evaluation.papers:,} papers",
        f"embeddings by {evaluation.model}",
        f"answers by the {' and the '.join(writers)} writer" if writers else "no answers judged",
        *models,
        f"Footnote {metadata.version('footnote')}",
    ]
    return " · ".join(parts)


def _headline(evaluation: Evaluation) -> dict[str, str]:
    figures = {name: value for name, value in evaluation.ranking.items() if name in {"nDCG@10", "R@1"}}
    figures |= {label: evaluation.answered[name] for name, label in NAMES.items() if name in evaluation.answered}
    return {name: f"{value:.3f}" for name, value in figures.items()}


def _kinds(evaluation: Evaluation) -> tuple[Element, ...]:
    if not evaluation.by_kind:
        return ()
    totals = {"count": len(evaluation.scores), **evaluation.ranking, **evaluation.answered}
    rows: Mapping[str, Mapping[str, float]] = {**evaluation.by_kind, "all": totals}
    columns = [name for name in ("R@1", "R@5", *NAMES) if any(name in row for row in rows.values())]
    return (
        node("h2", "By kind of question"),
        node("p", "Each share is over the questions that it applies to: a refusal has no citation precision."),
        table(
            ["kind", "questions", *(NAMES.get(name, name) for name in columns)],
            [[kind, int(row["count"]), *(row.get(name) for name in columns)] for kind, row in rows.items()],
            caption="Measures by kind of question",
        ),
    )


def _confidence(evaluation: Evaluation) -> tuple[Element, ...]:
    """Show what confidence is worth; with questions of only one sort, every figure about it would mislead."""
    answerable, unanswerable = split_confidences(evaluation.scores)
    if answerable and unanswerable:
        return (*_reliability(evaluation.scores), *_refusal(evaluation, answerable, unanswerable))
    if not evaluation.scores:
        return ()
    missing = "unanswerable" if answerable else "answerable"
    return (
        node("h2", "Is confidence to be believed?"),
        node("p", f"This dataset cannot say: it holds no {missing} questions."),
    )


def _reliability(scores: Sequence[AnswerScore]) -> tuple[Element, ...]:
    series = reliability(scores)
    errors = {label: expected_calibration_error(bins) for label, bins in series.items()}
    rows = [
        [label, f"{b.low:.1f} to {b.high:.1f}", b.count, b.confidence, b.share, f"{b.least:.2f} to {b.most:.2f}"]
        for label, bins in series.items()
        for b in bins
    ]
    summary = " and ".join(f"{error:.3f} for “{label}”" for label, error in errors.items())
    return (
        node("h2", "Is confidence to be believed?"),
        node("p", f"Expected calibration error (0 is perfect): {summary}."),
        figure(
            draw_reliability(series),
            label="Reliability diagram: confidence against the share that came true",
            caption="On the dashed line confidence is exact; above it the bot is too modest, below it too sure. "
            "The bars are 95 % intervals: few questions say little.",
            numbers=table(
                ["what came true", "confidence", "questions", "mean confidence", "share", "95 % interval"],
                rows,
                caption="Calibration of confidence",
            ),
        ),
    )


def _refusal(evaluation: Evaluation, answerable: Sequence[float], unanswerable: Sequence[float]) -> tuple[Element, ...]:
    now = trade_at(evaluation.threshold, answerable, unanswerable)
    trades = [trade_at(threshold, answerable, unanswerable) for threshold in sorted({*THRESHOLDS, now.threshold})]
    answered = evaluation.answered
    return (
        node("h2", "Refusal against coverage"),
        node(
            "p",
            f"The threshold in use, {now.threshold:g}, lets {now.answered:.3f} of {len(answerable)} answerable "
            f"questions through and stops {now.refused:.3f} of {len(unanswerable)} unanswerable ones. With the later "
            f"gates, {answered['answerable_answered']:.3f} were answered and "
            f"{answered['unanswerable_refused']:.3f} refused.",
        ),
        figure(
            draw_refusal(answerable, unanswerable, evaluation.threshold),
            label="Share of unanswerable questions refused against share of answerable questions answered",
            caption="The first gate alone, for every threshold on confidence; the top right corner is perfect. The "
            f"area is {area(coverage_curve(answerable, unanswerable)):.3f}: how often an answerable question is "
            "trusted more than an unanswerable one.",
            numbers=table(
                ["threshold", "answerable answered", "unanswerable refused"],
                [[f"{t.threshold:.2f}{' (in use)' if t == now else ''}", t.answered, t.refused] for t in trades],
                caption="Refusal against coverage",
            ),
        ),
    )


def _recall(evaluation: Evaluation) -> tuple[Element, ...]:
    depths = recall_curve(evaluation.dataset.qrels, evaluation.run)
    if not depths:
        return ()
    return (
        node("h2", "Recall at k"),
        figure(
            draw_recall(depths),
            label="Recall and success among the first k papers",
            caption="What the search alone finds, before any answer. A list question has several right papers, so its "
            "recall at 1 is below 1 even when the first paper is right.",
            numbers=table(
                ["k", "a right paper is among them", "share of the right papers"],
                [[str(depth.k), depth.success, depth.recall] for depth in depths],
                caption="Recall at k",
            ),
        ),
    )


def _style() -> Element:
    style = Element("style")
    style.text = resources.files("bot.report").joinpath("style.css").read_text(encoding="utf-8")
    return style
