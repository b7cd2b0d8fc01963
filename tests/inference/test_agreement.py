"""What counts as the same answer."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit import inference, zoo
from sightkit.inference.agreement import agreement, distrust_bfloat16, distrust_float32


def test_float32_is_held_against_each_images_largest_output():
    reference = np.array([[1.0, 1e-9, 0.0], [100.0, 1.0, 0.0]], np.float32)
    near = reference.copy()
    near[0, 1] += 9e-4
    near[1, 2] += 0.09
    assert distrust_float32(near, reference) is None
    near[0, 1] += 5e-4
    assert "differs" in distrust_float32(near, reference)


def test_an_image_of_zeros_is_held_against_the_others():
    reference = np.array([[1.0, 1.0], [0.0, 0.0]], np.float32)
    assert distrust_float32(reference + 5e-7, reference) is None
    assert distrust_float32(reference + 5e-6, reference) is not None
    assert distrust_float32(np.zeros((2, 2), np.float32), np.zeros((2, 2), np.float32)) is None


def test_outputs_that_are_all_zero_may_differ_by_rounding():
    zeros = np.zeros((8, 3), np.float32)
    assert distrust_float32(zeros + 1e-9, zeros) is None
    assert "differs" in distrust_float32(zeros + 1e-5, zeros)


def test_infinity_and_nan_are_never_trusted():
    reference = np.ones((2, 2), np.float32)
    for bad in (np.nan, np.inf):
        assert distrust_float32(np.full((2, 2), bad), reference) is not None
    broken = np.full((2, 2), np.nan)
    assert "not finite" in distrust_float32(broken, broken)


def test_probabilities_are_compared_by_class(rng):
    reference = rng.dirichlet(np.ones(5), 200)
    answer = reference.copy()
    answer[:2] = np.roll(answer[:2], 1, axis=1)
    assert agreement(answer, reference) == (0.99, "top-1 is Keras'")
    assert distrust_bfloat16(answer, reference, "photos") is None
    answer[2] = np.roll(answer[2], 1)
    assert "98.5 % of photos" in distrust_bfloat16(answer, reference, "photos")


def test_features_are_compared_by_distance(rng):
    reference = rng.normal(size=(1, 4, 4, 8))
    assert distrust_bfloat16(reference * 1.04, reference, "photo") is None
    assert "within 5 %" in distrust_bfloat16(reference * 1.06, reference, "photo")


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
    assert distrust_bfloat16(moved, reference, "photos") is None
    moved[:3] = (rows + 0.51 * away).reshape(reference.shape)[:3]
    assert "98.5 % of photos" in distrust_bfloat16(moved, reference, "photos")


def test_features_that_say_less_than_keras_do_are_refused(rng):
    reference = 10 + rng.normal(size=(50, 64))
    blurred = np.repeat(reference.mean(axis=0)[np.newaxis], 50, axis=0)  # off by a tenth in length
    assert "half way" in distrust_bfloat16(blurred, reference, "photos")
    swapped = reference[::-1]
    assert "half way" in distrust_bfloat16(swapped, reference, "photos")


@pytest.mark.parametrize("rounding", [0, 1e-7])
def test_equal_photos_are_held_against_the_nearest_that_differs(rng, rounding):
    reference = rng.random((128, 64))
    reference[1] = reference[0] * (1 + rounding * rng.normal(size=64))
    answer = reference * (1 + 1e-3 * rng.normal(size=reference.shape))
    assert distrust_bfloat16(answer, reference, "photos") is None
    answer[:2] = answer[3]
    assert "98.4 % of photos" in distrust_bfloat16(answer, reference, "photos")


@pytest.mark.parametrize("rows", [1, 5])
def test_without_any_that_differs_the_length_counts(rng, rows):
    reference = np.repeat(rng.normal(size=(1, 8)), rows, axis=0)
    assert agreement(reference * 1.04, reference)[0] == 1
    assert agreement(reference * 1.06, reference)[0] == 0
    assert distrust_bfloat16(np.zeros((rows, 8)), reference, "photos") is not None
    assert agreement(np.zeros((rows, 8)), np.zeros((rows, 8)))[0] == 1


@pytest.fixture
def network(shaken):
    return shaken(zoo.MiniVGGNet((8, 8, 3), 3))


def test_bfloat16_without_real_images_is_refused(network, images_for, capsys):
    predict = inference.compile(network, "bfloat16")
    images = images_for(network)
    np.testing.assert_array_equal(predict(images), network.predict_on_batch(images))
    assert (predict.engine, predict.precision) == ("keras", "float32")
    assert "real images" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("with_openvino", [True, False])
def test_bfloat16_that_agrees_is_used(with_openvino, network, images_for, monkeypatch, capsys):
    if with_openvino:
        pytest.importorskip("openvino")
    else:
        monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    images = images_for(network, 40)
    predict = inference.compile(network, "bfloat16", real_images=("noise", images))
    answer = predict(images)
    assert predict.precision == "bfloat16"
    assert predict.engine == ("openvino" if with_openvino else "folded")
    assert 0 < np.abs(answer - network.predict_on_batch(images)).max() < 0.05


def test_bfloat16_on_another_processor_says_that_it_is_slower(network, monkeypatch, capsys):
    from sightkit.inference import predictor, telling

    monkeypatch.setattr(predictor, "cpu_flags", lambda: ["sse", "avx2"])
    monkeypatch.setattr(telling, "_told", set())
    inference.compile(network, "bfloat16", real_images=("noise", np.zeros((1, 8, 8, 3))))
    (line,) = capsys.readouterr().err.splitlines()
    assert "slower" in line
