"""Measures with their intervals, and what calibration means, as parts of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CALIBRATED = 0.02
"""Gaps of confidence below it are told as none."""


def scores_table(test: Mapping[str, Any]) -> str:
    """A row a measure of ``judge``, with the 95 % interval where there is one."""
    intervals = test["intervals"]
    rows = [
        ("rank-1 accuracy", _percent(test["rank1"]), _between(intervals["rank1"])),
        (
            "balanced accuracy (mean recall)",
            _percent(test["balanced_accuracy"]),
            _between(intervals["balanced_accuracy"]),
        ),
        ("F, mean of classes", _percent(test["macro"]["f1"]), _between(intervals["f1"])),
        ("precision, mean of classes", _percent(test["macro"]["precision"]), ""),
        ("F, weighted by images", _percent(test["weighted"]["f1"]), ""),
        ("always the largest class", _percent(test["majority_baseline"]), ""),
        ("calibration error (ECE)", _percent(test["calibration"]["ece"]), ""),
        (
            "loss",
            f"{test['loss']:.4f}",
            "–".join(f"{end:.4f}" for end in intervals["loss"]),
        ),
    ]
    cells = "".join(
        f'<tr><th scope="row">{name}</th><td>{value}</td><td>{interval}</td></tr>'
        for name, value, interval in rows
    )
    return (
        '<div class="scroll"><table><thead><tr><th scope="col">measure</th>'
        '<th scope="col">value</th><th scope="col">95 % interval</th></tr></thead>'
        f"<tbody>{cells}</tbody></table></div>"
        '<p class="quiet">Intervals: bootstrap of these images, '
        f"{intervals['replicates']:,} replicates. They know nothing of another training.</p>"
    )


def calibration_text(calibration: Mapping[str, Any]) -> str:
    """What the reliability diagram says, in a sentence or two."""
    gap = calibration["overconfidence"]
    if abs(gap) < CALIBRATED:
        said = "On the whole it is as sure as it is right."
    elif gap > 0:
        said = f"It is too sure: by {100 * gap:.1f} points on the average."
    else:
        said = f"It is more often right than it says: by {-100 * gap:.1f} points on the average."
    return f"Expected calibration error {_percent(calibration['ece'])}. {said}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _between(interval: tuple[float, float]) -> str:
    return "–".join(f"{100 * end:.2f}" for end in interval) + " %"
