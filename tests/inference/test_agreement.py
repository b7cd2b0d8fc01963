"""What counts as the same answer."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit import inference, zoo
from sightkit._errors import SightkitError
from sightkit.inference.agreement import agreement, disagreement


def test_float32_is_held_against_each_images_largest_output():
    reference = np.array([[1.0, 1e-9, 0.0], [100.0, 1.0, 0.0]], np.float32)
    near = reference.copy()
    near[0, 1] += 9e-4
    near[1, 2] += 0.09
    assert disagreement(near, reference, "float32") is None
    near[0, 1] += 5e-4
    assert "differs" in disagreement(near, reference, "float32")


def test_an_image_of_zeros_is_held_against_the_others():
    reference = np.array([[1.0, 1.0], [0.0, 0.0]], np.float32)
    assert disagreement(reference + 5e-7, reference, "float32") is None
    assert disagreement(reference + 5e-6, reference, "float32") is not None
    assert (
        disagreement(np.zeros((2, 2), np.float32), np.zeros((2, 2), np.float32), "float32") is None
    )


def test_outputs_that_are_all_zero_may_differ_by_rounding():
    zeros = np.zeros((8, 3), np.float32)
    assert disagreement(zeros + 1e-9, zeros, "float32") is None
    assert "differs" in disagreement(zeros + 1e-5, zeros, "float32")


def test_infinity_and_nan_are_never_trusted():
    reference = np.ones((2, 2), np.float32)
    for bad in (np.nan, np.inf):
        assert disagreement(np.full((2, 2), bad), reference, "float32") is not None
    broken = np.full((2, 2), np.nan)
    assert "not finite" in disagreement(broken, broken, "float32")


def test_probabilities_are_compared_by_class(rng):
    reference = rng.dirichlet(np.ones(5), 200)
    answer = reference.copy()
    answer[:2] = np.roll(answer[:2], 1, axis=1)
    assert agreement(answer, reference) == (0.99, "top-1 is Keras'")
    assert disagreement(answer, reference, "bfloat16") is None
    answer[2] = np.roll(answer[2], 1)
    assert "98.5 % of the examples" in disagreement(answer, reference, "bfloat16")


def test_features_are_compared_by_distance(rng):
    reference = rng.normal(size=(1, 4, 4, 8))
    assert disagreement(reference * 1.04, reference, "bfloat16") is None
    assert "within 5 %" in disagreement(reference * 1.06, reference, "bfloat16")


@pytest.mark.parametrize("shared", [0, 100])
@pytest.mark.parametrize("unit", [1e-3, 1, 1e3])
def test_features_may_move_less_than_half_way_to_another_image(rng, shared, unit):
    reference = unit * (shared + rng.normal(size=(200, 4, 4, 8)))
    rows = reference.reshape(200, -1)
    nearest = [np.sort(np.linalg.norm(rows - row, axis=1))[1] for row in rows]
    away = rng.normal(size=rows.shape)
    away *= (np.array(nearest) / np.linalg.norm(away, axis=1))[:, np.newaxis]
    moved = (rows + 0.49 * away).reshape(reference.shape)
    assert agreement(moved, reference)[0] == 1
    assert disagreement(moved, reference, "bfloat16") is None
    moved[:3] = (rows + 0.51 * away).reshape(reference.shape)[:3]
    assert "98.5 % of the examples" in disagreement(moved, reference, "bfloat16")


def test_features_that_say_less_than_keras_do_are_refused(rng):
    reference = 10 + rng.normal(size=(50, 64))
    blurred = np.repeat(reference.mean(axis=0)[np.newaxis], 50, axis=0)  # off by a tenth in length
    assert "half way" in disagreement(blurred, reference, "bfloat16")
    swapped = reference[::-1]
    assert "half way" in disagreement(swapped, reference, "bfloat16")


@pytest.mark.parametrize("rounding", [0, 1e-7])
def test_equal_photos_are_held_against_the_nearest_that_differs(rng, rounding):
    reference = rng.random((128, 64))
    reference[1] = reference[0] * (1 + rounding * rng.normal(size=64))
    answer = reference * (1 + 1e-3 * rng.normal(size=reference.shape))
    assert disagreement(answer, reference, "bfloat16") is None
    answer[:2] = answer[3]
    assert "98.4 % of the examples" in disagreement(answer, reference, "bfloat16")


@pytest.mark.parametrize("rows", [1, 5])
def test_without_any_that_differs_the_length_counts(rng, rows):
    reference = np.repeat(rng.normal(size=(1, 8)), rows, axis=0)
    assert agreement(reference * 1.04, reference)[0] == 1
    assert agreement(reference * 1.06, reference)[0] == 0
    assert disagreement(np.zeros((rows, 8)), reference, "bfloat16") is not None
    assert agreement(np.zeros((rows, 8)), np.zeros((rows, 8)))[0] == 1


@pytest.fixture
def network(shaken):
    return shaken(zoo.MiniVGGNet((8, 8, 3), 3))


def test_bfloat16_without_real_images_is_refused(network):
    with pytest.raises(SightkitError, match=r"real images.*Give examples"):
        inference.compile(network, precision="bfloat16")
    with pytest.raises(SightkitError, match="own precision"):
        inference.compile(network, engine="keras", precision="bfloat16")


@pytest.mark.parametrize("engine", [pytest.param("openvino", marks=pytest.mark.slow), "folded"])
def test_bfloat16_that_agrees_is_used(engine, network, images_for):
    if engine == "openvino":
        pytest.importorskip("openvino")
    images = images_for(network, 40)
    predict = inference.compile(network, engine=engine, precision="bfloat16", examples=images)
    assert (predict.engine, predict.precision) == (engine, "bfloat16")
    answer = predict(images)
    assert 0 < np.abs(answer - network.predict_on_batch(images)).max() < 0.05


def test_bfloat16_that_disagrees_leaves_keras(network, images_for, stand_in, capsys):
    stand_in(lambda outputs, images: np.roll(outputs, 1, axis=1))
    images = images_for(network, 40)
    predict = inference.compile(network, precision="bfloat16", examples=images)
    assert (predict.engine, predict.precision) == ("keras", "float32")
    assert "top-1" in capsys.readouterr().err


def test_bfloat16_on_another_processor_is_warned_of(network, images_for, monkeypatch, capsys):
    from sightkit import _scripts
    from sightkit.inference import engines

    monkeypatch.setattr(engines, "cpu_flags", lambda: ["sse", "avx2"])
    monkeypatch.setattr(_scripts, "warned", set())
    for _ in range(2):
        inference.compile(
            network, engine="folded", precision="bfloat16", examples=images_for(network, 40)
        )
    (line,) = capsys.readouterr().err.splitlines()
    assert "slower" in line
