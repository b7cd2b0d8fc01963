"""What the sources disagree on is an argument, and it does what it says."""

import inspect

import keras
import numpy as np
import pytest

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.zoo.activations import Maxout
from sightkit.zoo.initializers import Bilinear, kernel_initializer, kernel_regularizer
from sightkit.zoo.local_response_normalization import LocalResponseNormalization
from sightkit.zoo.registry import builder_of
from sightkit.zoo.unpooling import Unpooling2D

IMAGES = np.random.default_rng(1).random((2, 8, 8, 3), dtype="float32")


def small(**options):
    options = {"filters": (4,), "hidden": (6,), "convolutions": 1, **options}
    return zoo.ConvNet((8, 8, 3), 3, **options)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("relu", lambda x: np.maximum(x, 0)),
        ("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x)),
        (("leaky_relu", 0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
        ("prelu", lambda x: np.where(x > 0, x, 0.25 * x)),
        ("elu", lambda x: np.where(x > 0, x, np.exp(x) - 1)),
        (["elu", 0.5], lambda x: np.where(x > 0, x, 0.5 * (np.exp(x) - 1))),
        ("tanh", np.tanh),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        (None, lambda x: x),
    ],
)
def test_activations_against_numpy(activation, expected):
    model = small(activation=activation)
    before = keras.Model(model.input, model.get_layer("block1_conv1").output)
    after = keras.Model(model.input, model.get_layer("block1_pool").input)
    values = before(IMAGES).numpy()
    np.testing.assert_allclose(after(IMAGES), expected(values), atol=1e-6)


def test_maxout_doubles_the_layer_before_it():
    values = np.array([[1.0, 3.0, -2.0, -5.0]], "float32")
    np.testing.assert_array_equal(Maxout(2)(values), [[3.0, -2.0]])
    model = small(activation="maxout")
    assert model.get_layer("block1_conv1").filters == 8
    assert model.get_layer("block1_pool").input.shape == (None, 8, 8, 4)
    three = small(activation=("maxout", 3))
    assert three.get_layer("dense1").units == 18


DEEP = {"deepergooglenet", "googlenet", "resnet50", "resnet_imagenet", "resnet_tiny_imagenet"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in DEEP else name
        for name in zoo.names()
        if "activation" in inspect.signature(builder_of(name)).parameters
        and name not in ("resnet20", "cifarnet")
    ],
)
def test_every_network_takes_the_activation_that_changes_widths(name):
    with keras.StatelessScope(initialize_variables=False):
        model = zoo.build(name, **zoo.entry(name).sample, activation="maxout")
        plain = zoo.build(name, **zoo.entry(name).sample)
    assert any(isinstance(layer, Maxout) for layer in model.layers)
    assert model.output_shape == plain.output_shape


def test_local_response_against_a_loop():
    values = np.random.default_rng(2).normal(size=(1, 2, 2, 7)).astype("float32") * 30
    expected = np.empty_like(values)
    for channel in range(7):
        near = values[..., max(0, channel - 2) : channel + 3]
        expected[..., channel] = values[..., channel] / ((2 + 1e-4 * (near**2).sum(-1)) ** 0.75)
    np.testing.assert_allclose(LocalResponseNormalization()(values), expected, rtol=1e-5)


def test_normalization_goes_before_or_after_the_activation():
    def order(**options):
        names = [layer.name for layer in small(normalization="batch", **options).layers]
        return names.index("block1_conv1_norm") < names.index("block1_conv1_activation")

    assert order(norm_before_activation=True)
    assert not order(norm_before_activation=False)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("lecun_normal", 1 / 400),
        ("glorot_normal", 2 / (400 + 600)),
        ("glorot_uniform", 2 / (400 + 600)),
        ("he_normal", 2 / 400),
        (("random_normal", 0.01), 1e-4),
    ],
)
def test_initializers_have_the_published_variance(name, variance):
    values = np.asarray(kernel_initializer(name)((400, 600)))
    np.testing.assert_allclose(values.var(), variance, rtol=0.03)


def test_orthogonal_kernels_are_orthogonal():
    values = np.asarray(kernel_initializer("orthogonal")((30, 20)))
    np.testing.assert_allclose(values.T @ values, np.eye(20), atol=1e-5)


@pytest.mark.parametrize(
    ("reg", "penalty"),
    [
        (0.1, 0.1 * (1 + 4)),
        (("l2", 0.1), 0.1 * (1 + 4)),
        (("l1", 0.1), 0.1 * (1 + 2)),
        (["elastic", 0.1, 0.01], 0.1 * 3 + 0.01 * 5),
    ],
)
def test_regularization_penalties(reg, penalty):
    found = kernel_regularizer(reg)(np.array([[1.0, -2.0]], "float32"))
    np.testing.assert_allclose(found, penalty, rtol=1e-6)


def test_no_regularization_is_none():
    assert kernel_regularizer(0.0) is None
    assert not small(dropout=0.0, reg=0.0).losses


@pytest.mark.parametrize(("faithful", "inner"), [(False, 5e-4), (True, 1e-4)])
def test_the_references_bug_b1_is_reproduced_only_on_request(faithful, inner):
    model = zoo.ResNet((8, 8, 3), 3, stages=(2,), filters=(8, 8), reg=5e-4, faithful=faithful)
    strengths = {
        layer.name: float(layer.kernel_regularizer.l2)
        for layer in model.layers
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense))
    }
    assert strengths.pop("conv1") == pytest.approx(5e-4)
    assert strengths.pop("logits") == pytest.approx(5e-4)
    assert len(strengths) == 7
    assert list(strengths.values()) == pytest.approx([inner] * 7)


def test_pooling_options_halve_alike():
    for pooling in ("max", "average", "strided"):
        assert small(pooling=pooling).get_layer("flatten").output.shape == (None, 4 * 4 * 4)
    assert small(pooling=None).get_layer("flatten").output.shape == (None, 8 * 8 * 4)
    assert not [layer for layer in small(pooling="strided").layers if "pool" in layer.name]


def test_local_response_stands_where_the_papers_put_it():
    alexnet = zoo.build("alexnet_one_tower", **zoo.entry("alexnet_one_tower").sample)
    googlenet = zoo.GoogLeNet((32, 32, 3), 3, normalization="local_response")
    for model, expected in (
        (alexnet, ["conv1_norm", "conv2_norm"]),
        (googlenet, ["pool1_norm", "conv2_local_norm"]),
    ):
        found = [
            layer.name for layer in model.layers if isinstance(layer, LocalResponseNormalization)
        ]
        assert found == expected


def test_the_books_alexnet_has_the_books_maps():
    with keras.StatelessScope(initialize_variables=False):
        book = zoo.AlexNet((227, 227, 3), 2)
        paper = zoo.build("alexnet_two_groups", input_shape=(227, 227, 3), classes=1000)
    layers = ("conv1", "pool1", "conv2", "pool2", "conv5", "pool5")
    sides = [book.get_layer(layer).output.shape[1] for layer in layers]
    assert sides == [57, 28, 28, 13, 13, 6]
    assert [paper.get_layer(layer).output.shape[1] for layer in layers] == [55, 27, 27, 13, 13, 6]
    assert [paper.get_layer(f"conv{n}").groups for n in range(1, 6)] == [1, 2, 1, 2, 2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alexnet_one_tower", {"dense1": 0.5, "dense2": 0.5}),
        ("alexnet_two_groups", {"dense1": 0.5, "dense2": 0.5}),
        ("alexnet_one_weird_trick", {"pool5": 0.5, "dense1": 0.5}),
        ("alexnet", {"pool1": 0.25, "pool2": 0.25, "pool5": 0.25, "dense1": 0.5, "dense2": 0.5}),
    ],
)
def test_alexnets_drop_where_their_sources_do(name, expected):
    """Krizhevsky 2012 after both hidden layers; torchvision before each of them."""
    with keras.StatelessScope(initialize_variables=False):
        model = zoo.build(name, **zoo.entry(name).sample)
    found = {
        layer.name.removesuffix("_dropout"): layer.rate
        for layer in model.layers
        if isinstance(layer, keras.layers.Dropout)
    }
    assert found == expected


def test_auxiliary_heads_are_removed_for_inference():
    images = np.random.default_rng(4).random((2, 65, 65, 3), dtype="float32")
    trained = zoo.GoogLeNet((65, 65, 3), 3, auxiliary_heads=True)
    assert [output.shape for output in trained.outputs] == [(None, 3)] * 3
    bare = zoo.without_auxiliary_heads(trained)
    np.testing.assert_array_equal(bare(images), trained(images)[0])
    assert zoo.origin(bare)["arguments"]["auxiliary_heads"] is False
    with pytest.raises(SightkitError, match="Only GoogLeNet"):
        zoo.without_auxiliary_heads(zoo.LeNet((8, 8, 1), 2))


def test_bilinear_kernels_interpolate():
    layer = keras.layers.Conv2DTranspose(
        2, 4, strides=2, padding="same", use_bias=False, kernel_initializer=Bilinear()
    )
    flat = np.stack([np.full((1, 6, 6), 3.0), np.full((1, 6, 6), 5.0)], -1).astype("float32")
    inside = layer(flat).numpy()[:, 2:-2, 2:-2]
    np.testing.assert_allclose(inside, flat[:, :1, :1].repeat(8, 1).repeat(8, 2), rtol=1e-6)


@pytest.mark.parametrize(
    ("end", "classes", "outputs"), [("sigmoid", 2, 1), ("sigmoids", 3, 3), ("linear", 1, 1)]
)
@pytest.mark.parametrize("name", ["lenet", "squeezenet", "fc_head"])
def test_networks_end_in_what_is_asked_for(name, end, classes, outputs):
    network = zoo.build(name, **{**zoo.entry(name).sample, "classes": classes, "end": end})
    assert network.output_shape == (None, outputs)
    assert network.layers[-1].activation.__name__ == end.rstrip("s")
    assert len(network(np.ones((3, *network.input_shape[1:])))) == 3
    assert zoo.origin(network)["arguments"]["end"] == end


@pytest.mark.parametrize(
    ("end", "classes"), [("sigmoid", 3), ("sigmoids", 1), ("linear", 0), ("hinge", 2), (None, 2)]
)
def test_an_end_that_does_not_fit_is_refused(end, classes):
    with pytest.raises(SightkitError, match="Received"):
        zoo.LeNet((28, 28, 1), classes, end=end)


def test_surgery_keeps_the_bases_names_and_cuts_anywhere():
    model = zoo.Surgery((32, 32, 3), 5, hidden=(8,))
    assert {"block1_conv1", "block5_pool", "head_dense1", "logits"} <= {
        layer.name for layer in model.layers
    }
    early = zoo.Surgery((32, 32, 3), 5, base="minivggnet", cut="block1_pool", hidden=())
    assert [layer.name for layer in early.layers][-3:] == ["head_flatten", "logits", "predictions"]
    assert early.get_layer("logits").kernel.shape == (16 * 16 * 32, 5)
    flat = zoo.Surgery((32, 32, 3), 5, base="minivggnet", hidden=(8,))
    assert flat.get_layer("head_dense1").kernel.shape == (512, 8)


def test_include_top_false_ends_with_the_maps():
    with keras.StatelessScope(initialize_variables=False):
        for name, shape in (
            ("vgg16", (None, 1, 1, 512)),
            ("resnet50", (None, 1, 1, 2048)),
            ("mobilenet_0.25", (None, 1, 1, 256)),
        ):
            model = zoo.build(name, input_shape=(32, 32, 3), classes=2, include_top=False)
            assert model.output_shape == shape


def test_unpooling_against_the_notes():
    """Of 1 2 / 3 4: nails in the corners, or where the maxima were."""
    values = np.array([[1, 2], [3, 4]], "float32").reshape(1, 2, 2, 1)
    pooled = np.array([[0, 5, 0, 0], [0, 0, 0, 6], [7, 7, 0, 0], [7, 7, 8, 0]], "float32")
    nails = np.zeros((4, 4))
    nails[::2, ::2] = values[0, :, :, 0]
    np.testing.assert_array_equal(Unpooling2D()(values)[0, :, :, 0], nails)
    remembered = np.zeros((4, 4))
    remembered[[0, 1, 2, 3], [1, 3, 0, 2]] = 1, 2, 3, 4
    found = Unpooling2D()([values, pooled.reshape(1, 4, 4, 1)])
    np.testing.assert_array_equal(found[0, :, :, 0], remembered)


def test_unpooling_keeps_channels_apart():
    rng = np.random.default_rng(2)
    values, pooled = rng.random((2, 3, 5, 4)), rng.random((2, 6, 10, 4))
    found = keras.ops.convert_to_numpy(Unpooling2D()([values, pooled]))
    windows = pooled.reshape(2, 3, 2, 5, 2, 4).max((2, 4)).repeat(2, 1).repeat(2, 2)
    np.testing.assert_allclose(
        found, np.where(pooled == windows, values.repeat(2, 1).repeat(2, 2), 0), atol=1e-6
    )


@pytest.mark.parametrize("upsampling", ["nearest", "bed_of_nails", "max_unpooling"])
def test_unet_doubles_as_asked_with_the_same_weights(upsampling):
    sample = zoo.entry("unet").sample
    usual, network = zoo.UNet(**sample), zoo.UNet(**sample, upsampling=upsampling)
    assert network.count_params() == usual.count_params()
    assert network.output_shape == usual.output_shape
    images = np.random.default_rng(3).random((2, *sample["input_shape"]))
    assert np.isfinite(network(images)).all()


def test_dcgan_by_the_papers_guidelines():
    generator = zoo.DCGANGenerator((28, 28, 1), hidden=None, kernel=4)
    discriminator = zoo.DCGANDiscriminator(
        (28, 28, 1), hidden=None, kernel=4, normalization="batch", dropout=0.3
    )
    kinds = [type(layer).__name__ for layer in (*generator.layers, *discriminator.layers)]
    assert "Dense" not in kinds and kinds.count("Dropout") == 2
    norms = [layer.name for layer in discriminator.layers if "norm" in layer.name]
    assert norms == ["conv2_norm"]
    images = generator(np.zeros((2, 100)))
    assert images.shape == (2, 28, 28, 1)
    assert discriminator(images).shape == (2, 1)


@pytest.mark.slow
def test_a_pattern_without_blocks_is_a_linear_classifier():
    assert zoo.ConvNet((8, 8, 3), 3, filters=(), hidden=()).count_params() == 8 * 8 * 3 * 3 + 3
