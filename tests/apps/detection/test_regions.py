"""Classifiers as detectors, window by window and densely."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from sightkit import training, zoo
from sightkit._errors import SightkitError
from sightkit.apps.detection import (
    BatchedWindows,
    DenseWindows,
    classify_regions,
    fit_to_windows,
    fully_convolutional,
    intersection_over_union,
)
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    BGRPreprocessor,
    CropPreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
    Pipeline,
    SimplePreprocessor,
)

SIDE = 16
NAMES = ("background", "red", "blue")
CHAIN = Pipeline((SimplePreprocessor(SIDE, SIDE), ImageToArrayPreprocessor()))


def bundle_of(network, chain=CHAIN, names=NAMES):
    return training.Bundle.of(network, chain, names)


@pytest.fixture(scope="module")
def colours():
    """A network without training: the share of red, and of blue, in a window."""
    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.GlobalAveragePooling2D()(inputs)
    logits = layers.Dense(3, name="logits")
    outputs = layers.Activation("softmax")(logits(x))
    network = keras.Model(inputs, outputs)
    kernel = np.zeros((3, 3), np.float32)
    kernel[0, 1] = kernel[2, 2] = 20
    logits.set_weights([kernel, np.float32([14, 0, 0])])
    return bundle_of(network)


def scene(*squares, size=(60, 83)):
    image = np.zeros((*size, 3), np.uint8)
    for channel, (x, y, side) in squares:
        image[y : y + side, x : x + side, channel] = 255
    return image


@pytest.mark.parametrize("windows", [BatchedWindows, DenseWindows])
def test_things_are_found_where_they_are(colours, windows):
    squares = ((0, (4, 8, 16)), (2, (40, 24, 32)), (0, (44, 30, 5)))
    found = classify_regions(
        windows(colours, stride=2), scene(*squares), scale=2.0, background=("background",)
    )
    assert set(found.names()) == {"red", "blue"}
    for name, box in (("red", (4, 8, 20, 24)), ("blue", (40, 24, 72, 56))):
        own = found.boxes[[each == name for each in found.names()]]
        assert intersection_over_union(np.float32([box]), own).max() > 0.8, (name, own)


def test_background_is_no_thing_and_unknown_classes_are_refused(colours):
    image = scene((0, (4, 8, 16)))
    everything = classify_regions(colours, image)
    assert "background" in everything.names()
    things = classify_regions(colours, image, background=("background",))
    assert set(things.names()) == {"red"}
    with pytest.raises(SightkitError, match="backgrund"):
        classify_regions(colours, image, background=("backgrund",))


def test_nothing_is_found_in_nothing(colours):
    found = classify_regions(colours, scene(), background=("background",))
    assert len(found) == 0 and found.class_names == NAMES


def test_suppression_is_of_one_class(colours):
    """Two classes at one place are both kept, two windows of one class are one."""

    class Both:
        window, stride, class_names = (SIDE, SIDE), (8, 8), NAMES

        def __call__(self, image):
            corners = np.array([[0, 0], [0, 0], [0, 1]])
            return np.float32([[0, 1, 0], [0, 0, 1], [0, 0.95, 0.05]]), corners

    found = classify_regions(Both(), np.zeros((SIDE, SIDE, 3), np.uint8))
    assert sorted(found.names()) == ["blue", "red"]


@pytest.mark.parametrize("windows", [BatchedWindows, DenseWindows])
def test_what_cannot_be_searched_is_refused(colours, windows):
    with pytest.raises(SightkitError, match="smaller than the window"):
        classify_regions(windows(colours), np.zeros((15, 40, 3), np.uint8))
    with pytest.raises(SightkitError, match="stride"):
        classify_regions(windows(colours, stride=0), scene())
    for threshold in (-0.1, 1.1, float("nan")):
        with pytest.raises(SightkitError, match="threshold"):
            classify_regions(windows(colours), scene(), threshold=threshold)


def test_nan_is_refused(colours):
    class Broken:
        window, stride, class_names = (SIDE, SIDE), (8, 8), NAMES

        def __call__(self, image):
            return np.float32([[np.nan, 0, 1], [0, 1, 0]]), np.zeros((2, 2), int)

    with pytest.raises(SightkitError, match="nan"):
        classify_regions(Broken(), scene())


@pytest.mark.parametrize(
    "chain",
    [
        CHAIN,
        Pipeline((AspectAwarePreprocessor(SIDE, SIDE, 0.8), ImageToArrayPreprocessor(1.0),
                  MeanPreprocessor(120.0, 110.0, 100.0), BGRPreprocessor())),
        Pipeline((SimplePreprocessor(24, 24), AspectAwarePreprocessor(SIDE, SIDE, 2 / 3),
                  ImageToArrayPreprocessor())),
    ],
)  # fmt: skip
def test_windows_get_the_bundles_own_preprocessing(chain, rng, monkeypatch):
    """Bit by bit what ``bundle.predict`` gives a window, however the picture was prepared."""
    bundle = bundle_of(zoo.ShallowNet((SIDE, SIDE, 3), 3), chain)
    image = rng.integers(0, 256, (70, 61, 3)).astype(np.uint8)
    windows = BatchedWindows(bundle, stride=5)
    assert windows.window == ((SIDE, SIDE) if chain is CHAIN else (20, 20) if len(chain.steps) == 4
                              else (24, 24))  # fmt: skip
    given = []
    predictor = bundle.predictor
    monkeypatch.setattr(predictor, "batch_size", 10)
    monkeypatch.setattr("sightkit.apps.detection.regions.MOST_BYTES", 1)
    monkeypatch.setattr(
        type(predictor), "__call__", lambda _, x: given.append(x.copy()) or x[:, 0, 0]
    )
    _, corners = windows(image)
    high, wide = windows.window
    expected = np.stack([chain(image[y : y + high, x : x + wide]) for y, x in corners])
    np.testing.assert_array_equal(np.concatenate(given), expected)


def test_windows_of_another_size_are_resized(colours, rng):
    image = rng.integers(0, 256, (70, 61, 3)).astype(np.uint8)
    answers, corners = BatchedWindows(colours, (24, 32), 9)(image)
    expected = colours.predict([image[y : y + 24, x : x + 32] for y, x in corners])
    np.testing.assert_allclose(answers, expected, atol=1e-6)


def made(*between, padding="valid"):
    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(6, 3, padding=padding, name="conv"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.DepthwiseConv2D(3, depth_multiplier=2, padding=padding),
            *between,
            layers.Dense(3, name="answers"),
        ]
    )
    rng = np.random.default_rng(0)
    for layer in network.layers:  # answers must neither be certain nor all alike
        drawn = [rng.normal(0, 1, w.shape) for w in layer.get_weights()]
        if drawn and isinstance(layer, layers.BatchNormalization):
            drawn = [np.abs(each) + 0.5 for each in drawn]
        elif drawn:
            drawn[0] *= 2 / np.sqrt(np.prod(drawn[0].shape[:-1]))
        layer.set_weights(drawn)
    return network


HEADS = {
    "flatten": lambda: (layers.Flatten(), layers.Dense(9, "tanh"), layers.Dropout(0.5)),
    "average": lambda: (layers.GlobalAveragePooling2D(), layers.BatchNormalization()),
    "maximum": lambda: (layers.GlobalMaxPooling2D(keepdims=True), layers.Flatten()),
    "pooled whole": lambda: (layers.AveragePooling2D(5), layers.Conv2D(7, 1, 1), layers.Flatten()),
}
GREY = Pipeline(
    (GrayscalePreprocessor(), SimplePreprocessor(SIDE, SIDE), ImageToArrayPreprocessor())
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "engine"),
    [
        *((head, "keras") for head in HEADS),
        ("flatten", "openvino"),
        *(pytest.param(head, "openvino", marks=pytest.mark.slow) for head in [*HEADS][1:]),
    ],
)
def test_dense_is_equal_without_padding(head, engine, rng):
    if engine == "openvino":
        pytest.importorskip("openvino")
    bundle = bundle_of(made(*HEADS[head]()), GREY)
    dense = DenseWindows(bundle, engine=engine)
    assert (dense.window, dense.stride, dense.padded) == ((SIDE, SIDE), (2, 2), ())
    image = rng.integers(0, 256, (SIDE + 2 * 20, SIDE + 2 * 11, 3)).astype(np.uint8)
    answers, corners = dense(image)
    expected, same = DenseWindows(bundle, exact=True)(image)
    np.testing.assert_array_equal(corners, same)
    assert np.ptp(expected, axis=0).max() > 0.05  # windows do differ
    np.testing.assert_allclose(answers, expected, atol=1e-5)
    every = DenseWindows(bundle, 6, engine=engine)
    fitted = fit_to_windows(image, (SIDE, SIDE), (6, 6))
    np.testing.assert_allclose(every(fitted)[0], BatchedWindows(bundle, None, 6)(fitted)[0],
                               atol=1e-5)  # fmt: skip


def test_dense_in_many_bands_is_the_same(rng, monkeypatch):
    bundle = bundle_of(made(*HEADS["average"]()), GREY)
    dense = DenseWindows(bundle, engine="keras")
    image = rng.integers(0, 256, (SIDE + 2 * 37, SIDE + 2 * 11, 3)).astype(np.uint8)
    whole, _ = dense(image)
    monkeypatch.setattr("sightkit.apps.detection.dense.MOST_PIXELS", 1500)
    np.testing.assert_allclose(dense(image)[0], whole, atol=1e-6)


def test_dense_detections_are_those_of_windows(colours):
    image = scene((0, (4, 8, 16)), (2, (40, 24, 32)))
    for options in ({}, {"background": ("background",)}):
        dense = classify_regions(DenseWindows(colours, 4), image, **options)
        exact = classify_regions(DenseWindows(colours, 4, exact=True), image, **options)
        np.testing.assert_array_equal(dense.boxes, exact.boxes)
        np.testing.assert_allclose(dense.scores, exact.scores, atol=1e-5)


def test_padding_changes_the_border_and_is_named():
    """A padded network is equal in the middle of a picture of zeros, its own border."""
    network = made(layers.GlobalAveragePooling2D(), padding="same")
    dense = fully_convolutional(network)
    assert dense.padded == ("conv", network.layers[4].name)
    alone = np.random.default_rng(0).random((1, SIDE, SIDE, 1)).astype(np.float32)
    np.testing.assert_allclose(dense.network(alone)[0, 0, 0], network(alone)[0], atol=1e-6)


def test_dense_refuses_a_network_that_lives_on_its_padding(rng):
    """It answers by the black border that padding puts around a white window."""
    inputs = keras.Input((SIDE, SIDE, 3))
    edges = layers.Conv2D(1, 3, padding="same", use_bias=False, activation="relu", name="edges")
    x = layers.GlobalAveragePooling2D()(edges(inputs))
    logits = layers.Dense(2)
    network = keras.Model(inputs, layers.Activation("softmax")(logits(x)))
    kernel = np.full((3, 3, 3, 1), -1, np.float32)
    kernel[1, 1] = 8
    edges.set_weights([kernel])
    logits.set_weights([np.float32([[0, 20]]), np.float32([10, 0])])
    bundle = bundle_of(network, names=("plain", "edged"))
    white = np.full((40, 40, 3), 255, np.uint8)
    assert classify_regions(bundle, white).names()[0] == "edged"
    with pytest.raises(SightkitError, match="edges") as error:
        classify_regions(DenseWindows(bundle), white)
    assert "changed=0.8" in str(error.value) and "exact=True" in str(error.value)
    black = np.zeros((40, 40, 3), np.uint8)
    assert classify_regions(DenseWindows(bundle), black).names()[0] == "plain"


def test_what_a_padded_network_finds_densely_is_confirmed(rng):
    """Scores are those of the windows themselves, of all that is found."""
    network = made(layers.GlobalAveragePooling2D(), padding="same")
    bundle = bundle_of(network, GREY)
    image = rng.integers(0, 256, (50, 61, 3)).astype(np.uint8)
    dense = DenseWindows(bundle, engine="keras")
    fitted = fit_to_windows(image, dense.window, dense.stride)
    assert (
        dense.padded and np.abs(dense(fitted)[0] - dense.at(fitted, dense(fitted)[1])).max() > 0.01
    )
    found = classify_regions(dense, image, threshold=0.4)
    exact = classify_regions(DenseWindows(bundle, exact=True), image, threshold=0.4)
    assert len(found)
    np.testing.assert_array_equal(found.boxes, exact.boxes)
    np.testing.assert_allclose(found.scores, exact.scores, atol=1e-6)


def squeeze_and_excite():
    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(4, 3)(inputs)
    scale = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Multiply(name="excite")([x, scale])
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


@pytest.mark.parametrize(
    ("network", "layer"),
    [
        (squeeze_and_excite, "excite"),
        (lambda: zoo.MLP((SIDE, SIDE, 3), 3, hidden=(4,)), None),
        (lambda: flat(layers.BatchNormalization(name="norm")), "norm"),
        (lambda: flat(layers.Softmax(name="soft")), "soft"),
        (lambda: flat(layers.PReLU(name="slopes"), before=True), "slopes"),
        (lambda: flat(layers.UpSampling2D(name="larger"), before=True), "larger"),
        (lambda: flat(layers.Permute((2, 1, 3), name="turned"), before=True), "turned"),
    ],
)
def test_a_layer_that_the_dense_path_cannot_take_is_named(network, layer):
    network = network()
    if layer is None:
        fully_convolutional(network)
        return
    with pytest.raises(SightkitError, match="exact=True") as error:
        DenseWindows(bundle_of(network))
    assert f"layer='{layer}'" in str(error.value)
    answers, _ = DenseWindows(bundle_of(network), exact=True)(np.zeros((20, 20, 3), np.uint8))
    assert answers.shape == (4, 3)


def flat(layer, before=False):
    steps = [layers.Flatten(), layers.Dense(3)]
    steps.insert(0 if before else 1, layer)
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), *steps])


def test_dense_refuses_preprocessing_and_strides_that_it_cannot_take(colours):
    crops = Pipeline((SimplePreprocessor(24, 24), CropPreprocessor(SIDE, SIDE)))
    with pytest.raises(SightkitError, match="CropPreprocessor"):
        DenseWindows(bundle_of(colours.network, crops))
    odd = bundle_of(made(*HEADS["average"]()), GREY)
    with pytest.raises(SightkitError, match="multiple of the network's"):
        DenseWindows(odd, 3)
    with pytest.raises(SightkitError, match="without a rest"):
        DenseWindows(odd)(np.zeros((21, 40, 3), np.uint8))


@pytest.mark.parametrize(
    ("name", "shape", "padded"),
    [
        ("lenet5", (32, 32, 1), False),
        ("resnet20", (32, 32, 3), True),
        pytest.param("squeezenet", (67, 67, 3), True, marks=pytest.mark.slow),
        pytest.param("googlenet", (64, 64, 3), True, marks=pytest.mark.slow),
        pytest.param("mobilenet_0.25", (64, 64, 3), True, marks=pytest.mark.slow),
        pytest.param("resnet50", (64, 64, 3), True, marks=pytest.mark.slow),
        pytest.param("alexnet", (99, 99, 3), True, marks=pytest.mark.slow),
    ],
)
def test_classifiers_of_the_zoo_go_dense(name, shape, padded, rng):
    network = zoo.build(name, input_shape=shape, classes=4)
    dense = fully_convolutional(network)
    assert dense.window == shape[:2] and bool(dense.padded) == padded
    (down, right) = dense.stride
    picture = rng.random((1, shape[0] + 2 * down, shape[1] + right, shape[2])).astype(np.float32)
    answers = np.asarray(dense.network(picture))[0]
    assert answers.shape == (3, 2, 4)
    window = picture[:, down : down + shape[0], right : right + shape[1]]
    alone = np.asarray(dense.network(window))[0, 0, 0]
    np.testing.assert_allclose(alone, np.asarray(network(window))[0], atol=1e-5)
    if not padded:
        np.testing.assert_allclose(answers[1, 1], alone, atol=1e-5)
