"""What builders refuse, before the first layer, and what they say."""

import json

import numpy as np
import pytest

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.zoo.arguments import (
    class_count,
    drop_rates,
    image_shape,
    positive,
    sizes,
    smallest_input,
)
from sightkit.zoo.registry import index_entries
from sightkit.zoo.table import Entry

IMAGE_CLASSIFIERS = zoo.names("classifier")


@pytest.mark.parametrize("name", IMAGE_CLASSIFIERS)
@pytest.mark.parametrize("classes", [0, 1, -3])
def test_too_few_classes(name, classes):
    with pytest.raises(SightkitError, match=rf"at least 2 classes.*Received: classes={classes}"):
        zoo.build(name, **{**zoo.entry(name).sample, "classes": classes})


@pytest.mark.parametrize("classes", [2.0, "10", None, True, (10,)])
def test_a_number_of_classes_that_is_none(classes):
    with pytest.raises(SightkitError, match=r"classes must be an integer\. Received: classes="):
        zoo.build("lenet", input_shape=(28, 28, 1), classes=classes)


@pytest.mark.parametrize("name", IMAGE_CLASSIFIERS)
def test_channels_first_is_recognized(name):
    with pytest.raises(
        SightkitError, match=r"You passed \(3, 320, 300\); sightkit is channels-last"
    ) as error:
        zoo.build(name, input_shape=(3, 320, 300), classes=10)
    assert "input_shape=(320, 300, 3)" in str(error.value)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (4, 64, 64), (3, 5, 5), (1, 100, 5)])
def test_1_3_or_4_before_two_larger_numbers_is_channels_first(shape):
    with pytest.raises(SightkitError, match="channels-last"):
        image_shape(shape)


@pytest.mark.parametrize(
    "shape",
    [(1, 1, 512), (3, 3, 2048), (4, 4, 1280), (1, 300, 3), (4, 64, 4), (2, 64, 64), (5, 64, 64)],
)
def test_other_small_heights_are_taken(shape):
    assert image_shape(shape) == shape


@pytest.mark.parametrize("shape", [(1, 1, 512), (3, 3, 2048), (1, 7, 512), (3, 10, 1280)])
@pytest.mark.parametrize("name", zoo.names("head"))
def test_heads_take_feature_maps_of_any_size(name, shape):
    import keras

    with keras.StatelessScope(initialize_variables=False):
        model = zoo.build(name, input_shape=shape, classes=2, hidden=())
    assert model.input_shape == (None, *shape)


def test_the_generators_shape_is_called_by_its_name():
    with pytest.raises(SightkitError, match=r"Give output_shape=\(28, 28, 1\)"):
        zoo.build("dcgan_generator", output_shape=(1, 28, 28))
    with pytest.raises(SightkitError, match=r"nearest size that works is output_shape=\(28, 32"):
        zoo.build("dcgan_generator", output_shape=(28, 31, 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "smallest"),
    [
        ("lenet", 4),
        ("lenet5", 32),
        ("minialexnet", 8),
        ("minivggnet", 4),
        ("minigooglenet", 7),
        ("alexnet", 57),
        ("alexnet_one_tower", 67),
        ("alexnet_one_weird_trick", 63),
        ("vgg16", 32),
        ("squeezenet", 31),
        ("squeezenet_1.0", 35),
        ("inception_v3", 75),
        ("xception", 71),
        ("srcnn", 13),
        ("subpixel_x2", 13),
    ],
)
def test_the_smallest_size_builds_and_one_less_is_refused(name, smallest):
    import keras

    options = {} if name in ("srcnn", "subpixel_x2") else {"classes": 2}
    with keras.StatelessScope(initialize_variables=False):
        zoo.build(name, input_shape=(smallest, smallest, 3), **options)
        with pytest.raises(SightkitError, match="nearest size that works") as error:
            zoo.build(name, input_shape=(smallest, smallest - 1, 3), **options)
    assert f"input_shape=({smallest}, {smallest}, 3)" in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["shallownet", "googlenet", "deepergooglenet", "resnet_cifar", "resnet50", "resnet20"]
)
def test_topologies_without_a_smallest_size(name):
    import keras

    with keras.StatelessScope(initialize_variables=False):
        model = zoo.build(name, input_shape=(1, 2, 1), classes=2)
    assert model.output_shape == (None, 2)


def test_googlenet_with_auxiliary_heads_needs_65_pixels():
    with pytest.raises(SightkitError, match=r"input_shape=\(65, 65, 3\)"):
        zoo.build("googlenet", input_shape=(64, 64, 3), classes=5, auxiliary_heads=True)


@pytest.mark.parametrize(
    ("given", "nearest"),
    [((100, 100, 1), (96, 96, 1)), ((9, 250, 3), (16, 256, 3)), ((16, 25, 1), (16, 32, 1))],
)
def test_unet_names_the_nearest_divisible_size(given, nearest):
    with pytest.raises(SightkitError, match="divisible by 16") as error:
        zoo.build("unet", input_shape=given, classes=2)
    assert f"input_shape={nearest}" in str(error.value)


@pytest.mark.parametrize(
    "shape",
    [(28, 28), (28, 28, 0), (28.0, 28, 1), (1, 28, 28, 1), (-1, 4, 3), 28, None, "28", (None,) * 3],
)
def test_shapes_that_are_none(shape):
    with pytest.raises(SightkitError, match="three positive integers"):
        zoo.build("lenet", input_shape=shape, classes=10)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet_cifar", {"stages": (3, 4)}, "stages has 2, filters after the stem's has 3"),
        ("resnet_cifar", {"filters": (64, 30, 64, 64)}, "divisible by 4"),
        ("resnet_cifar", {"stem": "mnist"}, "stem must be one of 'cifar'"),
        ("convnet", {"filters": (8, 8), "convolutions": (1, 2, 3)}, "convolutions has 3"),
        ("convnet", {"filters": (8, 8), "kernel": (3,)}, "kernel has 1"),
        ("convnet", {"convolutions": -1}, "not negative"),
        ("convnet", {"convolutions": None}, "not negative"),
        ("convnet", {"pooling": "maximum"}, "pooling must be one of 'max'"),
        ("minivggnet", {"dropout": (0.25, 0.5)}, "or 3 of them"),
        ("minivggnet", {"dropout": 1.0}, r"share in \[0, 1\)"),
        ("minivggnet", {"dropout": "0.5"}, r"share in \[0, 1\)"),
        ("minivggnet", {"dropout": None}, r"share in \[0, 1\)"),
        ("minivggnet", {"dropout": (0.1, "x", 0.1)}, r"share in \[0, 1\)"),
        ("minivggnet", {"activation": "swoosh"}, "activation must be one of relu"),
        ("minivggnet", {"activation": ["elu", 1, 2]}, "activation must be one of relu"),
        ("minivggnet", {"activation": 3}, "activation must be one of relu"),
        ("minivggnet", {"activation": ()}, "activation must be one of relu"),
        ("minivggnet", {"activation": (["elu"], 1)}, "activation must be one of relu"),
        ("minivggnet", {"activation": ("relu", 0.1)}, "relu takes no parameter"),
        ("minivggnet", {"activation": ("elu", "1")}, "parameter of elu must be a number"),
        ("minivggnet", {"activation": ("leaky_relu", -0.1)}, "parameter of leaky_relu must be"),
        ("minivggnet", {"activation": ("leaky_relu", float("nan"))}, "of leaky_relu must be"),
        ("minivggnet", {"activation": ("maxout", 1)}, "pieces of maxout must be an integer"),
        ("minivggnet", {"activation": ("maxout", 2.5)}, "pieces of maxout must be an integer"),
        ("minivggnet", {"activation": ("maxout", "2")}, "pieces of maxout must be an integer"),
        ("minivggnet", {"normalization": "group"}, "normalization must be"),
        ("minivggnet", {"initializer": "msra"}, "initializer must be one of lecun_normal"),
        ("minivggnet", {"initializer": ("he_normal", 3)}, "he_normal takes no parameter"),
        ("minivggnet", {"initializer": ("random_normal", "3")}, "random_normal must be a number"),
        ("minivggnet", {"initializer": None}, "initializer must be one of"),
        ("minivggnet", {"initializer": (["he_normal"],)}, "initializer must be one of"),
        ("minivggnet", {"reg": -1.0}, "reg must be a strength"),
        ("minivggnet", {"reg": ("elastic", 0.1)}, "reg must be a strength"),
        ("minivggnet", {"reg": None}, "reg must be a strength"),
        ("minivggnet", {"reg": "l2"}, "reg must be a strength"),
        ("minivggnet", {"reg": (["l2"], 1)}, "reg must be a strength"),
        ("minivggnet", {"reg": float("inf")}, "reg must be a strength"),
        ("alexnet", {"filters": (96, 256)}, "five convolutions"),
        ("alexnet", {"groups": 5}, "groups must divide"),
        ("alexnet", {"first_padding": "full"}, "first_padding must be"),
        ("squeezenet", {"version": "2.0"}, "version must be one of '1.0', '1.1'"),
        ("alexnet", {"first_padding": -1}, "first_padding must be"),
        ("alexnet", {"filters": 96}, "filters must be a list"),
        ("alexnet", {"groups": 1.0}, "groups must be a positive integer"),
        ("convnet", {"filters": 32}, "filters must be a list"),
        ("convnet", {"kernel": "3"}, "kernel must be a list"),
        ("unet", {"filters": 64}, "filters must be a list"),
        ("fc_head", {"hidden": 256}, "hidden must be a list"),
        ("surgery", {"hidden": 256}, "hidden must be a list"),
        ("surgery", {"base_arguments": "reg"}, "base_arguments must be a mapping"),
        ("vgg16", {"hidden": 256}, "hidden must be a list"),
        ("resnet_cifar", {"stages": 9}, "stages must be a list"),
        ("resnet20", {"filters": ()}, "at least one stage"),
        ("resnet20", {"activation": "maxout"}, "Choose another activation"),
        ("resnet20", {"blocks": 2.5}, "blocks must be a positive integer"),
        ("mobilenet_1.0", {"alpha": "1"}, "alpha must be a positive number"),
        ("mobilenetv2_1.0", {"alpha": 0}, "alpha must be a positive number"),
        ("dcgan_generator", {"filters": (64,)}, "two numbers of filters"),
        ("dcgan_generator", {"noise": 1.5}, "noise must be a positive integer"),
        ("mlp", {"hidden": (0,)}, "hidden must be a list of positive integers"),
        ("mlp", {"hidden": 512}, "hidden must be a list"),
        ("surgery", {"base": "vgg61"}, "Perhaps you meant vgg1"),
        ("surgery", {"cut": "block9"}, "cut must name a layer"),
        ("lenet5", {"padding": "full"}, "padding must be one of"),
        ("lenet", {"colour": True}, "unexpected keyword argument 'colour'"),
    ],
)
def test_arguments_out_of_range(name, options, message):
    with pytest.raises(SightkitError, match=message) as error:
        zoo.build(name, **{**zoo.entry(name).sample, **options})
    assert "Received:" in str(error.value)


@pytest.mark.parametrize("options", [{"filters": (64,)}, {"kernels": (9, 1)}, {"padding": "full"}])
def test_srcnn_refuses(options):
    with pytest.raises(SightkitError, match="Received:"):
        zoo.build("srcnn", input_shape=(33, 33, 3), **options)


@pytest.mark.parametrize(
    "options",
    [
        {"filters": (16,)},
        {"kernels": (5, 3, 3, 2, 3)},
        {"factor": 0},
        {"filters": [], "kernels": [3]},
    ],
)
def test_subpixel_refuses(options):
    with pytest.raises(SightkitError, match="Received:"):
        zoo.build("subpixel_x2", input_shape=(33, 33, 1), **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zoo.LeNet(28, 28, 1, 10), "LeNet cannot be built: too many positional"),
        (lambda: zoo.LeNet(width=28, height=28, depth=1, classes=10), "'input_shape'"),
        (lambda: zoo.LeNet.build(28, 28, 1, 10), "LeNet is a function"),
        (lambda: zoo.LeNet.build(width=28, height=28, depth=1, classes=10), "has no build"),
        (lambda: zoo.build(zoo.LeNet), "named by a string. Received: name='LeNet'"),
        (lambda: zoo.build("lenet", classes=10), "missing a required argument: 'input_shape'"),
    ],
)
def test_book_style_calls_are_answered_with_our_spelling(call, message):
    with pytest.raises(SightkitError, match=message) as error:
        call()
    assert "Write LeNet(input_shape=(28, 28, 1), classes=10)" in str(error.value)


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (
            lambda: zoo.ResNet.build(
                32, 32, 3, 10, (9, 9, 9), (64, 64, 128, 256), reg=0.0005, bnEps=1e-5, bnMom=0.99
            ),
            "Write ResNet(input_shape=(32, 32, 3), classes=10, stages=(9, 9, 9), "
            "filters=(64, 64, 128, 256), reg=0.0005, epsilon=1e-05, momentum=0.99).",
        ),
        (
            lambda: zoo.ResNet.build(
                64, 48, 3, 200, (3, 4, 6), (64, 128, 256, 512), 1e-4, 2e-5, 0.9, "tiny_imagenet"
            ),
            "filters=(64, 128, 256, 512), stem='tiny_imagenet', reg=0.0001, epsilon=2e-05, "
            "momentum=0.9).",
        ),
        (
            lambda: zoo.ResNet((32, 32, 3), 10, (9, 9, 9)),
            "Write ResNet(input_shape=(32, 32, 3), classes=10, stages=(9, 9, 9)).",
        ),
        (
            lambda: zoo.AlexNet.build(width=227, height=224, depth=3, classes=2, reg=0.0002),
            "Write AlexNet(input_shape=(224, 227, 3), classes=2, reg=0.0002).",
        ),
        (
            lambda: zoo.DeeperGoogLeNet(64, 64, 3, 200, 0.0005),
            "Write DeeperGoogLeNet(input_shape=(64, 64, 3), classes=200, reg=0.0005).",
        ),
        (
            lambda: zoo.LeNet.build(
                numChannels=1,
                imgRows=28,
                imgCols=20,
                numClasses=9,
                weightsPath="w",
                activation="relu",
            ),
            "Write LeNet(input_shape=(28, 20, 1), classes=9, activation='relu'). "
            "Without a counterpart: weightsPath.",
        ),
        (
            lambda: zoo.SqueezeNet.build(12),
            "Write SqueezeNet(input_shape=(224, 224, 3), classes=12).",
        ),
        (
            lambda: zoo.MiniVGGNet.build(28, 28, 1, 10, "softmax", 7),
            "(input_shape=(28, 28, 1), classes=10). Without a counterpart: 'softmax', 7.",
        ),
        (lambda: zoo.ShallowNet.build(width=9), "input_shape=(…, 9, …), classes=3)"),
    ],
)
def test_todays_form_carries_over_what_has_a_counterpart(call, answer):
    with pytest.raises(SightkitError) as error:
        call()
    assert answer in str(error.value)


@pytest.mark.parametrize("name", [3, None, np.zeros(3), len])
def test_a_name_is_a_string(name):
    with pytest.raises(SightkitError, match=r'zoo\.build\("lenet", input_shape='):
        zoo.build(name)


@pytest.mark.parametrize("builder", sorted({zoo.entry(name).builder for name in zoo.names()}))
def test_every_builder_says_how_it_is_called(builder):
    with pytest.raises(SightkitError, match=rf"Write {builder}\(.*shape=\(.*It takes .*shape"):
        getattr(zoo, builder)(shape=3)


def test_unknown_names_list_the_nearest():
    with pytest.raises(SightkitError, match="Perhaps you meant minivggnet"):
        zoo.build("minivgg")


def test_a_name_given_twice_raises():
    entry = zoo.entry("lenet")
    with pytest.raises(SightkitError, match="once in the zoo"):
        index_entries((entry, entry))


def test_only_modules_of_sightkit_are_registered():
    with pytest.raises(SightkitError, match="module of sightkit"):
        zoo.register(Entry("evil", "os", "system", "classifier", {}, ()))
    assert "evil" not in zoo.names()


@pytest.mark.parametrize(
    ("windows", "smallest"),
    [
        ([(2, 2, "valid")] * 2, 4),
        ([(3, 2, "same")], 1),
        ([(11, 4, "same"), *[(3, 2, "valid")] * 3], 57),
        ([(7, 2, 3)], 1),
        ([], 1),
    ],
)
def test_smallest_input_solves_the_window_formula(windows, smallest):
    assert smallest_input(windows) == smallest


def test_image_shape_returns_what_fits():
    assert image_shape([32, 48, 3], minimum=32, multiple=16) == (32, 48, 3)


def test_numpys_numbers_are_numbers():
    """Sizes often come out of an array: ``images.shape``, ``labels.max() + 1``."""
    options = {"filters": np.array([4, 6]), "convolutions": np.int32(1), "dropout": np.float32(0.5)}
    model = zoo.ConvNet(np.array([8, 8, 3]), np.int64(3), reg=np.float32(0.25), **options)
    assert model.output_shape == (None, 3)
    arguments = zoo.origin(model)["arguments"]
    assert json.loads(json.dumps(arguments)) == arguments
    assert arguments["filters"] == [4, 6] and type(arguments["filters"][0]) is int
    assert (arguments["classes"], arguments["reg"], arguments["dropout"]) == (3, 0.25, 0.5)


def test_the_checks_alone_take_numpys_numbers():
    assert image_shape(np.array([8, 9, 3])) == (8, 9, 3)
    assert type(image_shape(np.array([8, 9, 3]))[0]) is int
    assert type(class_count(np.uint8(4))) is int
    assert drop_rates(np.float64(0.5), 2) == (0.5, 0.5)
    positive(size=np.int16(3))
    sizes(table=(np.int16(3), 2))
