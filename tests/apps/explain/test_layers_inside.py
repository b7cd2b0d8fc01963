from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.apps.explain import (
    Explainer,
    PixelChain,
    activation_tiles,
    exciting_patches,
    filter_tiles,
    patch_tiles,
)
from sightkit.apps.explain.receptive_fields import patch_of, view_of
from sightkit.preprocessing import ImageToArrayPreprocessor

SHAPE = (24, 32, 3)


def nested() -> keras.Model:
    keras.utils.set_random_seed(5)
    inner = keras.Sequential(
        [
            keras.Input((12, 16, 4)),
            layers.DepthwiseConv2D(3, padding="same", name="depthwise"),
            layers.Conv2D(6, 1, name="pointwise"),
            layers.ReLU(name="relu"),
        ],
        name="body",
    )
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="first")(inputs)
    x = layers.Conv2D(7, 3, name="second")(inner(x))
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="answer")(x))


@pytest.fixture(scope="module")
def explainer():
    return Explainer(nested())


def test_filters_of_the_first_layer_are_in_colour_strongest_first(explainer):
    tiles = filter_tiles(explainer)
    kernel = explainer.model.get_layer("first").get_weights()[0]
    order = np.argsort(-np.sqrt((kernel**2).sum(axis=(0, 1, 2))))
    assert [tile.lines[0] for tile in tiles] == [str(each) for each in order]
    strongest = kernel[..., order[0]]
    expected = np.rint(128 + 127 * strongest / np.abs(strongest).max())
    assert np.array_equal(tiles[0].image, expected)


@pytest.mark.parametrize(
    ("layer", "count", "shape"),
    (
        ("depthwise", 4, (3, 3, 1)),
        ("body/pointwise", 6, (2, 2, 1)),
        ("second", 7, (11, 11, 1)),
        ("answer", 3, (3, 3, 1)),
    ),
)
def test_filters_of_any_layer_are_pictures(layer, count, shape, explainer):
    tiles = filter_tiles(explainer, layer)
    assert len(tiles) == count
    assert {tile.image.shape for tile in tiles} == {shape}
    assert {tile.image.dtype for tile in tiles} == {np.dtype(np.uint8)}
    assert [tile.lines[0] for tile in filter_tiles(explainer, layer, channels=[2, 0])] == ["2", "0"]


def test_filters_that_died_are_grey(explainer):
    model = keras.models.clone_model(explainer.model)
    kernel, bias = model.get_layer("first").get_weights()
    kernel[..., 1] *= 1e-9
    model.get_layer("first").set_weights([kernel, bias])
    (dead,) = filter_tiles(Explainer(model), "first", channels=[1])
    assert np.ptp(dead.image.astype(int)) <= 1


def test_activations_are_those_of_the_network_strongest_first(explainer, rng):
    inputs = rng.normal(size=(1, *SHAPE)).astype("float32")
    tiles = activation_tiles(explainer, inputs, "relu")
    (maps,) = explainer.activations(inputs, ["relu"])["body/relu"]
    order = np.argsort(-maps.mean(axis=(0, 1)))
    assert [int(tile.lines[0]) for tile in tiles] == order.tolist()
    brightness = tiles[0].image.sum(axis=2, dtype=int)
    assert np.unravel_index(brightness.argmax(), (12, 16)) == np.unravel_index(
        maps[..., order[0]].argmax(), (12, 16)
    )
    (dense,) = activation_tiles(explainer, inputs, "answer")
    assert dense.lines[0] == "3 values" and dense.image.shape == (2, 2, 3)


@pytest.mark.parametrize("find", (filter_tiles, activation_tiles))
def test_layer_that_is_unknown_names_the_nearest(find, explainer):
    given = () if find is filter_tiles else (np.zeros((1, *SHAPE), "float32"),)
    with pytest.raises(SightkitError, match="body/pointwise"):
        find(explainer, *given, layer="pointwize")
    with pytest.raises(SightkitError, match="0 to 3"):
        find(explainer, *given, layer="first", channels=[4])


def test_layer_without_filters_names_those_with(explainer):
    with pytest.raises(SightkitError, match=r"convolution or a dense layer.*body/"):
        filter_tiles(explainer, "relu")


def test_patches_are_where_the_channel_is_highest():
    """A network that looks for red: the square is found, wherever it is."""
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(2, 5, padding="same", name="red", use_bias=False),
            layers.GlobalMaxPooling2D(),
            layers.Softmax(),
        ]
    )
    kernel = np.zeros((5, 5, 3, 2), np.float32)
    kernel[..., 0, 0], kernel[..., 1:, 0], kernel[..., 1] = 1, -1, -1
    model.get_layer("red").set_weights([kernel])
    photos, places = {}, [(3, 20), (9, 9), (14, 25), (6, 12)]
    for number, (row, column) in enumerate(places):
        photo = np.full(SHAPE, 60, np.uint8)
        photo[row : row + 5, column : column + 5] = (200 + 10 * number, 0, 0)
        photos[f"{number}.png"] = photo
    chain = PixelChain.of(ImageToArrayPreprocessor())
    parts = [dict(list(photos.items())[:3]), dict(list(photos.items())[3:])]
    (found,) = exciting_patches(
        Explainer(model), chain, parts, "red", channels=[0], most=3
    ).values()
    assert [patch.photo for patch in found] == ["3.png", "2.png", "1.png"]
    for patch in found:
        row, column = places[int(patch.photo[0])]
        assert patch.box == (row, row + 5, column, column + 5)
        assert (patch.image == (200 + 10 * int(patch.photo[0]), 0, 0)).all()
    assert len(patch_tiles({0: found, 1: found})) == 2 * len(found)


def test_patches_of_a_dense_layer_are_whole_pictures(explainer, rng):
    photos = {f"{k}.png": rng.integers(0, 256, SHAPE, np.uint8) for k in range(11)}
    chain = PixelChain.of(ImageToArrayPreprocessor())
    found = exciting_patches(explainer, chain, [photos], "answer")
    assert sorted(found) == [0, 1, 2] and {len(each) for each in found.values()} == {8}
    assert {patch.image.shape for each in found.values() for patch in each} == {SHAPE}
    scores = explainer.activations(chain.inputs(np.stack(list(photos.values()))), ["answer"])
    best = scores["answer"][:, 1].argmax()
    assert found[1][0].photo == f"{best}.png"
    with pytest.raises(SightkitError, match="Name some"):
        exciting_patches(explainer, chain, [], "answer")


def test_views_inside_of_networks_are_those_of_the_flat_one(explainer):
    layer = explainer.model.get_layer("body").get_layer("relu")
    view = view_of(explainer.model, layer)
    assert view.field.tolist() == [7, 7] and view.jump.tolist() == [2, 2]
    assert view_of(explainer.model, explainer.model.get_layer("answer")).field is None
    flat = zoo.build("minivggnet", input_shape=(32, 32, 3), classes=3)
    for row in zoo.describe(flat):
        field = view_of(flat, flat.get_layer(row.name)).field
        assert (None if field is None else tuple(field)) == row.receptive_field
    assert view_of(keras.Sequential([layers.Dense(3)]), layers.Dense(3)) is None


@pytest.mark.slow
@pytest.mark.parametrize("place", ((0, 0), (4, 6), (9, 13)))
def test_patch_holds_all_pixels_that_matter(place, explainer):
    given = np.zeros((1, *SHAPE), "float32")
    call = explainer.layer(given, "second")
    view = view_of(explainer.model, call.layer)
    top, bottom, left, right = patch_of(view, call, place, SHAPE[:2])
    before = explainer.activations(given, ["second"])["second"][0][place]
    moved = np.zeros(SHAPE[:2], bool)
    pictures = np.repeat(given, SHAPE[0] * SHAPE[1], axis=0)
    for number, (row, column) in enumerate(np.ndindex(SHAPE[:2])):
        pictures[number, row, column] = 1
    after = explainer.activations(pictures, ["second"])["second"][:, place[0], place[1]]
    moved = (np.abs(after - before).max(axis=1) > 1e-7).reshape(SHAPE[:2])
    rows, columns = np.nonzero(moved)
    # Padding on one side alone moves the middle by half a step, one pixel here.
    assert top - 1 <= rows.min() and rows.max() <= bottom
    assert left - 1 <= columns.min() and columns.max() <= right
    assert (bottom - top) * (right - left) <= 11 * 11
