from __future__ import annotations

import cv2
import pytest
from matplotlib.figure import Figure

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
        [{"epoch": 1.0, "loss": 1.0, "learning_rate": rate} for rate in (0.0, NAN)],
    ),
    ids=("one epoch", "no validation", "only NaN", "infinite", "many epochs", "no rate"),
)
def test_any_history_can_be_drawn(rows, tmp_path):
    draw_curves(rows, tmp_path / "curves.png")
    assert cv2.imread(str(tmp_path / "curves.png")) is not None
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("row", ({"epoch": 1.0}, {"epoch": 1.0, "accuracy": 0.5}))
def test_a_history_without_losses_is_drawn_without_a_warning(row, tmp_path):
    draw_curves([row], tmp_path / "curves.png")


FALLING = [2.0, 1.5, 1.2, 1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.25]


def test_signs_and_the_learning_rate_are_in_the_picture(tmp_path):
    def draw(name, validation, **more):
        rows = [
            {"epoch": float(epoch + 1), "loss": loss, "val_loss": value, **more}
            for epoch, (loss, value) in enumerate(zip(FALLING, validation, strict=True))
        ]
        draw_curves(rows, tmp_path / name)
        return cv2.imread(str(tmp_path / name))

    bad = [2.0, 1.6, 1.4, 1.3, 1.25, 1.3, 1.4, 1.5, 1.6, 1.7]
    good = [2.0, 1.6, 1.4, 1.3, 1.29, 1.29, 1.29, 1.29, 1.29, 1.29]
    shade = [232, 241, 245]  # BGR of the warning colour, thinly over white
    near = [
        (abs(draw(n, v).astype(int) - shade) < 6).all(-1).mean()
        for n, v in (("bad.png", bad), ("good.png", good))
    ]
    assert near[0] > 0.1
    assert near[1] < 0.01
    assert draw("rate.png", bad, learning_rate=0.1).shape[0] > draw("none.png", bad).shape[0]


@pytest.mark.parametrize(("last", "scale"), [(0.0, "linear"), (1e-5, "log")])
def test_a_rate_that_ends_at_zero_is_drawn_to_its_end(last, scale, tmp_path, monkeypatch):
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k))
    )
    rates = (0.1, 0.05, last)
    draw_curves(
        [{"epoch": 1.0 + e, "loss": 1.0, "learning_rate": rate} for e, rate in enumerate(rates)],
        tmp_path / "curves.png",
    )
    panel = figures[0].axes[-1]
    assert panel.get_yscale() == scale
    assert tuple(panel.lines[0].get_ydata()) == rates


def test_the_change_of_phase_is_a_line_in_every_panel(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    places = []
    draw = Axes.axvline
    monkeypatch.setattr(
        Axes, "axvline", lambda axes, x, **how: places.append(x) or draw(axes, x, **how)
    )
    rows = [
        {"epoch": float(epoch), "loss": 1.0, "accuracy": 0.5, "learning_rate": 0.1, "phase": phase}
        for epoch, phase in ((1, 1.0), (2, 1.0), (3, 2.0))
    ]
    draw_curves(rows, tmp_path / "curves.png")
    assert places == [2.5, 2.5, 2.5]


@pytest.mark.parametrize("best", (0, 4, 9))
def test_the_name_of_the_best_epoch_covers_no_curve(best, tmp_path, monkeypatch):
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k))
    )
    validation = [1.0 + 0.1 * abs(epoch - best) for epoch in range(10)]
    draw_curves(
        [
            {"epoch": epoch + 1.0, "loss": loss, "val_loss": value, "best_epoch": best + 1.0}
            for epoch, (loss, value) in enumerate(zip(FALLING, validation, strict=True))
        ],
        tmp_path / "curves.png",
    )
    axes = figures[0].axes[0]
    names = axes.get_legend().get_texts()
    assert names[-1].get_text() == f"best: epoch {best + 1}" and not axes.texts
    for name in names:
        box = name.get_window_extent()
        for line in axes.lines[:2]:
            points = axes.transData.transform(line.get_xydata())
            assert not any(box.contains(*point) for point in points)


def test_a_detectors_best_epoch_is_that_of_its_average_precision(tmp_path, monkeypatch):
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k))
    )
    precisions = (0.1, NAN, 0.6, NAN, 0.5)
    rows = [
        {"epoch": epoch + 1.0, "loss": loss, "val_loss": loss, "val_ap": ap}
        for epoch, (loss, ap) in enumerate(zip(FALLING, precisions, strict=False))
    ]
    draw_curves(rows, tmp_path / "curves.png")
    loss, ap = figures[0].axes
    assert loss.get_legend().get_texts()[-1].get_text() == "best: epoch 3"
    assert tuple(ap.lines[0].get_ydata()) == (0.1, 0.6, 0.5)
