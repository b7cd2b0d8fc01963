from __future__ import annotations

import cv2
import pytest

from sightkit.callbacks.curves import draw_curves

NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    "rows",
    (
        [{"epoch": 1.0, "loss": 1.0}],
        [{"epoch": 1.0, "loss": 1.0, "val_loss": NAN, "accuracy": 0.1}],
        [{"epoch": 1.0, "loss": NAN}, {"epoch": 2.0, "loss": NAN}],
        [{"epoch": 1.0, "loss": INFINITE, "val_loss": INFINITE}, {"epoch": 2.0, "loss": 1e300}],
        [{"epoch": float(epoch), "loss": 0.0, "val_loss": -1.0} for epoch in range(1, 400)],
    ),
    ids=("one epoch", "no validation", "only NaN", "infinite", "many epochs"),
)
def test_any_history_can_be_drawn(rows, tmp_path):
    draw_curves(rows, tmp_path / "curves.png")
    assert cv2.imread(str(tmp_path / "curves.png")) is not None
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("row", ({"epoch": 1.0}, {"epoch": 1.0, "accuracy": 0.5}))
def test_a_history_without_losses_is_drawn_without_a_warning(row, tmp_path):
    draw_curves([row], tmp_path / "curves.png")
