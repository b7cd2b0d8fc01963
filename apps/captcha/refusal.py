"""Refusing to answer: the confidence from which on no answer was wrong, and what that shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightkit._errors import SightkitError

LEVEL = 0.95


def choose_threshold(right: np.ndarray, confidence: np.ndarray) -> float:
    """Return the confidence from which on the most pictures are answered without an error.

    Just above the surest wrong answer; where no answer is wrong, that of the least sure picture:
    what is less sure than anything that was seen is refused.

    Args:
        right: bool (N,), of pictures that were not trained on.
        confidence: (N,), 0–1.

    Raises:
        SightkitError: no picture, or no right answer that is surer than every wrong one.
    """
    right, confidence = np.asarray(right, bool), np.asarray(confidence, np.float64)
    if not len(right):
        raise SightkitError("A threshold is chosen by pictures.", pictures=0)
    surest_wrong = confidence[~right].max(initial=-1.0)
    surer = confidence[right & (confidence > surest_wrong)]
    if not len(surer):
        raise SightkitError(
            "Some right answer must be surer than every wrong one: no threshold avoids errors.",
            "Train it longer, or with more pictures.",
            right=int(right.sum()),
            pictures=len(right),
        )
    return float(surer.min())


def answered(right: np.ndarray, confidence: np.ndarray, threshold: float) -> dict[str, Any]:
    """Return how many pictures are answered from a threshold on, and how many of them wrongly.

    Args:
        right: bool (N,).
        confidence: (N,), 0–1.
        threshold: confidence from which on a picture is answered.

    Returns:
        ``threshold``, ``answered``, ``wrong``, ``share`` of the pictures that are answered, and
        ``right_at_least``: 95 % lower bound of the share of right answers among those given.
    """
    given = np.asarray(confidence) >= threshold
    wrong = int((given & ~np.asarray(right, bool)).sum())
    count = int(given.sum())
    return {
        "threshold": float(threshold),
        "answered": count,
        "wrong": wrong,
        "share": count / max(1, len(given)),
        "right_at_least": lower_bound(count - wrong, count),
    }


def lower_bound(successes: int, count: int) -> float:
    """Return Clopper and Pearson's one-sided 95 % lower bound of a share; 0 for none of none.

    None wrong of n is at least 0.05 ** (1 / n): 98.4 % for n = 190.

    Reference:
        Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of
        the binomial", 1934.
    """
    from scipy.stats import beta

    if not 0 <= successes <= count:
        raise SightkitError("There are at most as many successes as trials.", trials=count)
    return float(beta.ppf(1 - LEVEL, successes, count - successes + 1)) if successes else 0.0
