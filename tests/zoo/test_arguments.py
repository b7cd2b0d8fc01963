"""What builders refuse, before the first layer, and what they say."""

import pytest

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.zoo.arguments import image_shape, smallest_input
from sightkit.zoo.registry import index_rows
from sightkit.zoo.row import Row

IMAGE_CLASSIFIERS = zoo.names("classifier")


@pytest.mark.parametrize("name", IMAGE_CLASSIFIERS)
@pytest.mark.parametrize("classes", [0, 1, -3, 2.0])
def test_too_few_classes(name, classes):
    with pytest.raises(SightkitError, match=rf"at least 2 classes.*Received: classes={classes}"):
        zoo.build(name, **{**zoo.row(name).sample, "classes": classes})


@pytest.mark.parametrize("name", IMAGE_CLASSIFIERS)
def test_channels_first_is_recognized(name):
    with pytest.raises(
        SightkitError, match=r"You passed \(3, 320, 300\); sightkit is channels-last"
    ) as error:
        zoo.build(name, input_shape=(3, 320, 300), classes=10)
    assert "input_shape=(320, 300, 3)" in str(error.value)


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
    ],
)
def test_the_smallest_size_builds_and_one_less_is_refused(name, smallest):
    import keras

    options = {} if name == "srcnn" else {"classes": 2}
    with keras.StatelessScope(initialize_variables=False):
        zoo.build(name, input_shape=(smallest, smallest, 3), **options)
        with pytest.raises(SightkitError, match="nearest size that works") as error:
            zoo.build(name, input_shape=(smallest, smallest - 1, 3), **options)
    assert f"input_shape=({smallest}, {smallest}, 3)" in str(error.value)


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
    "shape", [(28, 28), (28, 28, 0), (28.0, 28, 1), (1, 28, 28, 1), (-1, 4, 3)]
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
        ("convnet", {"filters": ()}, "one entry a stage"),
        ("convnet", {"convolutions": -1}, "must not be negative"),
        ("convnet", {"pooling": "maximum"}, "pooling must be one of 'max'"),
        ("minivggnet", {"dropout": (0.25, 0.5)}, "or 3 of them"),
        ("minivggnet", {"dropout": 1.0}, r"share in \[0, 1\)"),
        ("minivggnet", {"activation": "swoosh"}, "activation must be one of relu"),
        ("minivggnet", {"activation": ["elu", 1, 2]}, "activation must be one of relu"),
        ("minivggnet", {"normalization": "group"}, "normalization must be"),
        ("minivggnet", {"initializer": "msra"}, "initializer must be one of lecun_normal"),
        ("minivggnet", {"initializer": ("he_normal", 3)}, "initializer must be one of"),
        ("minivggnet", {"reg": -1.0}, "reg must be a strength"),
        ("minivggnet", {"reg": ("elastic", 0.1)}, "reg must be a strength"),
        ("alexnet", {"filters": (96, 256)}, "five convolutions"),
        ("alexnet", {"groups": 5}, "groups must divide"),
        ("alexnet", {"first_padding": "full"}, "first_padding must be"),
        ("squeezenet", {"version": "2.0"}, "version must be one of '1.0', '1.1'"),
        ("mlp", {"hidden": (0,)}, "hidden must hold positive integers"),
        ("surgery", {"base": "vgg61"}, "Perhaps you meant vgg1"),
        ("surgery", {"cut": "block9"}, "cut must name a layer"),
        ("lenet5", {"padding": "full"}, "padding must be one of"),
        ("lenet", {"colour": True}, "unexpected keyword argument 'colour'"),
    ],
)
def test_arguments_out_of_range(name, options, message):
    with pytest.raises(SightkitError, match=message) as error:
        zoo.build(name, **{**zoo.row(name).sample, **options})
    assert "Received:" in str(error.value)


@pytest.mark.parametrize("options", [{"filters": (64,)}, {"kernels": (9, 1)}, {"padding": "full"}])
def test_srcnn_refuses(options):
    with pytest.raises(SightkitError, match="Received:"):
        zoo.build("srcnn", input_shape=(33, 33, 3), **options)


def test_unknown_names_list_the_nearest():
    with pytest.raises(SightkitError, match="Perhaps you meant minivggnet"):
        zoo.build("minivgg")


def test_a_name_given_twice_raises():
    entry = zoo.row("lenet")
    with pytest.raises(SightkitError, match="once in the zoo"):
        index_rows((entry, entry))


def test_only_modules_of_sightkit_are_registered():
    with pytest.raises(SightkitError, match="module of sightkit"):
        zoo.register(Row("evil", "os", "system", "classifier", {}, ()))
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
