"""Numbers for the report's pictures: calibration bins, and the curve of refusal against coverage. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.answering import AnswerScore

BINS = 10
# Two-sided 95 % quantile of the normal distribution, for Wilson's interval.
Z95 = 1.96


@dataclass(frozen=True, slots=True)
class Bin:
    """The predictions in a range of confidences: their count, mean, and the share that came true.

    `share` lies between `least` and `most` with 95 % certainty: a bin of three questions says little.
    """

    low: float
    high: float
    count: int
    confidence: float
    share: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Trade:
    """The effect of a confidence threshold, as shares (0..1): answerable questions answered, others refused."""

    threshold: float
    answered: float
    refused: float


def calibration(predictions: Sequence[tuple[float, bool]], bins: int = BINS) -> list[Bin]:
    """Put predictions (confidence 0..1, whether it came true) into bins of equal width; empty bins are left out."""
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for confidence, true in predictions:
        groups[min(int(confidence * bins), bins - 1)].append((confidence, true))
    found = []
    for number, group in enumerate(groups):
        if group:
            share = fmean(true for _, true in group)
            least, most = wilson(share, len(group))
            mean = fmean(confidence for confidence, _ in group)
            found.append(Bin(number / bins, (number + 1) / bins, len(group), mean, share, least, most))
    return found


def reliability(scores: Sequence[AnswerScore]) -> dict[str, list[Bin]]:
    """Compute the calibration of confidence in both of its senses, as far as there are predictions.

    Confidence is the probability that the library holds the answer, so it is compared with that over all questions. A
    reader takes it for the probability that an answer is right, so it is also compared with that over the answered
    ones.
    """
    series = {
        "the library holds the answer (all)": [(score.confidence, score.answerable) for score in scores],
        "the first citation is right (answered)": [
            (score.confidence, score.first_is_right) for score in scores if not score.refused
        ],
    }
    return {label: calibration(predictions) for label, predictions in series.items() if predictions}


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Compute the mean distance of confidence from what came true, weighted by bin counts; 0 without bins.

    Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015.
    """
    total = sum(group.count for group in bins)
    return sum(group.count * abs(group.share - group.confidence) for group in bins) / total if total else 0.0


def wilson(share: float, count: int) -> tuple[float, float]:
    """Compute Wilson's 95 % interval of a share seen in `count` trials; it stays within 0..1 for any count."""
    spread = Z95 * math.sqrt(share * (1 - share) / count + Z95**2 / (4 * count**2))
    middle, scale = share + Z95**2 / (2 * count), 1 + Z95**2 / count
    # Rounding may put an end slightly past a share of 0 or 1.
    return max(0.0, min(share, (middle - spread) / scale)), min(1.0, max(share, (middle + spread) / scale))


def split_confidences(scores: Sequence[AnswerScore]) -> tuple[list[float], list[float]]:
    """Split the confidences into those of answerable and of unanswerable questions."""
    return (
        [score.confidence for score in scores if score.answerable],
        [score.confidence for score in scores if not score.answerable],
    )


def trade_at(threshold: float, answerable: Sequence[float], unanswerable: Sequence[float]) -> Trade:
    """Compute the effect of a threshold on the confidences of answerable and unanswerable questions, neither empty."""
    return Trade(
        threshold,
        answered=fmean(confidence >= threshold for confidence in answerable),
        refused=fmean(confidence < threshold for confidence in unanswerable),
    )


def coverage_curve(answerable: Sequence[float], unanswerable: Sequence[float]) -> list[Trade]:
    """Compute the trade of every threshold, from answering all to refusing all; neither input may be empty."""
    confidences = sorted({*answerable, *unanswerable})
    beyond = math.nextafter(confidences[-1], math.inf)
    return [trade_at(threshold, answerable, unanswerable) for threshold in (*confidences, beyond)]


def area(curve: Sequence[Trade]) -> float:
    """Compute the area under the curve: how often an answerable question outranks an unanswerable one (AUROC)."""
    return sum((a.answered - b.answered) * (a.refused + b.refused) / 2 for a, b in pairwise(curve))
