from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.generative import (
    NotANumberError,
    PaintSettings,
    StyleLoss,
    StyleWeights,
    greyed,
    open_style,
    paint,
    recoloured,
    stage_layers,
)
from sightkit.apps.generative.picture_flags import made_up_network
from sightkit.zoo import VGG16


def waves(height: int, width: int, period: float, shift: float = 0) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    shades = np.stack([rows + columns, rows - columns, columns + 9], axis=-1) / period
    return (127 + 100 * np.sin(shades + shift)).astype(np.uint8)


CONTENT, STYLE = waves(64, 80, 14), waves(50, 60, 3)


@pytest.fixture(scope="module")
def loss() -> StyleLoss:
    return open_style(made_up_network())


def painted(loss, styles=((STYLE, 1.0),), **settings):
    steps = []
    picture = paint(
        loss, CONTENT, styles, PaintSettings(**{"evaluations": 8, "scales": 1, **settings}),
        lambda step, picture: steps.append((step, picture.shape[:2])),
    )  # fmt: skip
    return picture, steps


def test_default_layers_are_those_of_the_paper():
    stages = stage_layers(VGG16((224, 224, 3), 2, include_top=False))
    assert [stage[0] for stage in stages[:5]] == [f"block{n}_conv1_activation" for n in range(1, 6)]
    assert stages[3][1] == "block4_conv2_activation"


def test_a_picture_has_no_loss_against_itself(loss):
    picture = CONTENT.astype(np.float32)
    terms, gradient = loss(picture, loss.targets(picture, [(picture, 1.0)]))
    np.testing.assert_allclose(terms, [0, 0, 0.01], atol=1e-5)
    assert gradient.shape == picture.shape


def test_style_does_not_depend_on_places(loss):
    picture = waves(64, 64, 64 / (8 * np.pi)).astype(np.float32)
    moved = np.roll(picture, (16, 16), axis=(0, 1))
    content, style, _ = loss(moved, loss.targets(picture, [(picture, 1.0)]))[0]
    assert style / 10 < 0.01 * content


def test_gradients_along_a_line_add_up_to_the_change_of_the_loss(loss):
    """True over the kinks of ReLU too; and the ends differ by far more than float32 rounds."""
    targets = loss.targets(CONTENT.astype(np.float32), [(STYLE.astype(np.float32), 1.0)])
    start, end = waves(64, 80, 9).astype(np.float32), CONTENT.astype(np.float32)
    before, after = (float(loss(picture, targets)[0].sum()) for picture in (start, end))
    slopes = [
        float((loss(start + (end - start) * share, targets)[1] * (end - start)).sum())
        for share in (np.arange(32) + 0.5) / 32
    ]
    assert abs(after - before) > 0.1 * before
    assert np.mean(slopes) == pytest.approx(after - before, rel=0.01)


@pytest.mark.parametrize("optimizer", ("lbfgs", "adam"))
def test_painting_lowers_the_loss(optimizer, loss):
    picture, steps = painted(loss, optimizer=optimizer)
    losses = [step.loss for step, _ in steps]
    assert len(losses) == 8 and min(losses) < 0.8 * losses[0]
    assert picture.shape == CONTENT.shape and (picture != CONTENT).any()


def test_coarse_scales_come_first_with_as_many_evaluations(loss):
    _, steps = painted(loss, scales=2, evaluations=3)
    assert [shape for _, shape in steps] == [(32, 40)] * 3 + [(64, 80)] * 3
    assert steps[3][0].scale == 1 and steps[3][0].evaluation == 1


def test_scales_that_are_too_small_are_left_out(loss):
    _, steps = painted(loss, scales=5, evaluations=1)
    assert {shape for _, shape in steps} == {(32, 40), (64, 80)}


def test_a_style_larger_than_the_content_works(loss):
    picture, _ = painted(loss, ((waves(300, 90, 5), 1.0),), evaluations=2)
    assert picture.shape == CONTENT.shape


def test_two_styles_lie_between_both(loss):
    other = waves(40, 40, 1.3, shift=1)
    pictures = [STYLE.astype(np.float32), other.astype(np.float32)]
    start = CONTENT.astype(np.float32)
    first, second, both = (
        loss.targets(start, list(zip(pictures, weights, strict=True)))["grams"][0]
        for weights in ((1, 0), (0, 1), (3, 1))
    )
    np.testing.assert_allclose(both, 0.75 * first + 0.25 * second, rtol=1e-4, atol=1e-6)


def test_a_loss_that_is_no_number_returns_the_last_good_picture(loss, monkeypatch):
    call, seen = StyleLoss.__call__, []

    def breaking(self, picture, targets):
        terms, gradient = call(self, picture, targets)
        seen.append(picture)
        return (terms * np.nan if len(seen) == 5 else terms), gradient

    monkeypatch.setattr(StyleLoss, "__call__", breaking)
    with pytest.raises(NotANumberError, match="evaluation=5, loss=nan") as caught:
        painted(loss)
    good = [np.abs(caught.value.picture - each).max() <= 0.51 for each in seen[:4]]
    assert len(seen) == 5 and sum(good) == 1 and not good[0]


def test_negative_weights_and_counts_are_refused():
    with pytest.raises(SightkitError, match="must not be below 0"):
        StyleWeights(style=-1)
    with pytest.raises(SightkitError, match="at least 1"):
        PaintSettings(evaluations=0)


def test_colours_of_the_content_stay():
    light = np.full((8, 8, 3), 90, np.uint8)
    content = np.full((8, 8, 3), (200, 60, 60), np.uint8)
    found = recoloured(light, content).astype(int)
    assert (
        np.ptp(greyed(found.astype(np.uint8))) == 0
        and abs(greyed(found.astype(np.uint8))[0, 0, 0] - 90) <= 2
    )
    assert found[0, 0, 0] - found[0, 0, 1] > 80


def test_a_greyed_style_gets_the_lightness_of_the_content():
    found, wanted = greyed(STYLE, like=CONTENT // 3), greyed(CONTENT // 3)
    assert found.mean() == pytest.approx(wanted.mean(), abs=2)
    assert found.std() == pytest.approx(wanted.std(), rel=0.1)
    assert (found[..., 0] == found[..., 2]).all()
