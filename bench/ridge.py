"""The ridge logistic that both gates are fitted with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def fit_logistic(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    weight: NDArray[np.float64],
    columns: Sequence[int],
    ridge: float,
) -> NDArray[np.float64]:
    """Fit an intercept and a coefficient for each column of `x`, zero for those not in `columns`."""
    kept = x[:, columns]
    mean, spread = kept.mean(axis=0), kept.std(axis=0) + 1e-9
    kept = (kept - mean) / spread

    def loss(b: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = kept @ b[1:] + b[0]
        value = weight @ (np.logaddexp(0, logit) - y * logit) + ridge * b[1:] @ b[1:]
        slope = weight * (1 / (1 + np.exp(-logit)) - y)
        return value, np.append(slope.sum(), kept.T @ slope + 2 * ridge * b[1:])

    b = minimize(loss, np.zeros(len(columns) + 1), jac=True).x
    found = np.zeros(x.shape[1] + 1)
    found[[column + 1 for column in columns]] = b[1:] / spread
    found[0] = b[0] - mean @ found[[column + 1 for column in columns]]
    return found
