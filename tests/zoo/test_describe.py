"""describe() against numbers worked out elsewhere."""

import keras
import pytest

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.zoo.description import LayerRow


def meta(name, **arguments):
    with keras.StatelessScope(initialize_variables=False):
        return zoo.build(name, **arguments)


@pytest.fixture(scope="module")
def resnet50():
    return zoo.describe(meta("resnet50", input_shape=(224, 224, 3), classes=1000))


def by_name(description):
    return {row.name: row for row in description}


def test_the_notes_worked_convolution():
    """32x32x3 with ten 5x5 filters, padded by 2: 32x32x10 and 760 parameters."""
    images = keras.Input((32, 32, 3))
    outputs = keras.layers.Conv2D(10, 5, padding="same", name="conv")(images)
    row = by_name(zoo.describe(keras.Model(images, outputs)))["conv"]
    assert row == LayerRow("conv", "Conv2D", (32, 32, 10), 760, 32 * 32 * 10 * 75, (5, 5), "")


@pytest.mark.parametrize(
    ("name", "shape", "multiply_adds", "parameters"),
    [
        # Published: VGG16 15.5 G, MobileNet 569 M (its paper, table 4).
        ("vgg16", (224, 224, 3), 15_470_264_320, 138_357_544),
        ("mobilenet_1.0", (224, 224, 3), 568_740_352, 4_253_864),
    ],
)
def test_published_multiply_adds(name, shape, multiply_adds, parameters):
    description = zoo.describe(meta(name, input_shape=shape, classes=1000))
    assert description.multiply_adds == multiply_adds
    assert description.parameters == parameters


@pytest.mark.parametrize(
    ("name", "layer", "field"),
    [("vgg16", "block5_pool", 212), ("alexnet_one_tower", "pool5", 195)],
)
def test_known_receptive_fields(name, layer, field):
    side = 227 if name.startswith("alexnet") else 224
    rows = by_name(zoo.describe(meta(name, input_shape=(side, side, 3), classes=10)))
    assert rows[layer].receptive_field == (field, field)
    assert rows["logits"].receptive_field is None


def test_resnet50(resnet50):
    rows = by_name(resnet50)
    assert rows["conv5_block3_out"].receptive_field == (483, 483)
    assert resnet50.multiply_adds == 3_857_973_248
    assert rows["conv1_conv"].warning == (
        "(224 - 7 + 6)/2 + 1 = 112.5 is no integer: 1 row and 1 column are not read"
    )


def test_lost_pixels_of_minigooglenet_are_named():
    warnings = zoo.describe(meta("minigooglenet", input_shape=(32, 32, 3), classes=10)).warnings
    lost = "(32 - 3 + 0)/2 + 1 = 15.5 is no integer: 1 row and 1 column are not read"
    assert warnings == [f"down1_3x3: {lost}", f"down1_pool: {lost}"]


def test_lost_pixels_differ_by_side():
    images = keras.Input((9, 8, 1))
    outputs = keras.layers.MaxPooling2D(2, strides=3, name="pool")(images)
    (warning,) = zoo.describe(keras.Model(images, outputs)).warnings
    assert "(9 - 2 + 0)/3 + 1 = 3.33333 is no integer: 1 row is not read" in warning
    images = keras.Input((10, 8, 1))
    outputs = keras.layers.MaxPooling2D(2, strides=3, name="pool")(images)
    (warning,) = zoo.describe(keras.Model(images, outputs)).warnings
    assert warning.endswith("2 rows are not read")


def test_no_warning_where_all_pixels_are_read():
    for padding in ("valid", "same"):
        images = keras.Input((9, 8, 1))
        outputs = keras.layers.Conv2D(2, 3 if padding == "same" else (3, 2), 2, padding)(images)
        assert zoo.describe(keras.Model(images, outputs)).warnings == []


def test_dilation_and_other_kinds():
    images = keras.Input((16, 16, 4))
    x = keras.layers.Conv2D(4, 3, dilation_rate=2, padding="same", name="dilated")(images)
    x = keras.layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = keras.layers.SeparableConv2D(6, 3, strides=2, padding="same", name="separable")(x)
    x = keras.layers.Conv2DTranspose(5, 2, strides=2, name="up")(x)
    x = keras.layers.Conv2D(5, (1, 7), padding="same", groups=5, name="flat")(x)
    x = keras.layers.UpSampling2D(2, name="twice")(x)
    x = keras.layers.Dense(3, name="everywhere")(x)
    rows = by_name(zoo.describe(keras.Model(images, x)))
    fields = {name: row.receptive_field for name, row in rows.items()}
    assert fields["dilated"] == (5, 5)
    assert fields["depthwise"] == (7, 7)
    assert fields["separable"] == (9, 9)
    assert fields["up"] == (9, 9)
    assert fields["flat"] == (9, 15)
    assert fields["twice"] == fields["everywhere"] == (9, 15)
    assert rows["depthwise"].multiply_adds == 16 * 16 * 9 * 4
    assert rows["separable"].multiply_adds == 8 * 8 * (9 * 4 + 4 * 6)
    assert rows["up"].multiply_adds == 8 * 8 * 2 * 2 * 6 * 5
    assert rows["flat"].multiply_adds == 16 * 16 * 7 * 5
    assert rows["everywhere"].multiply_adds == 32 * 32 * 5 * 3


def test_a_network_inside_a_network_counts_as_a_layer():
    inner = zoo.LeNet((8, 8, 1), 3)
    images = keras.Input((8, 8, 1))
    whole = zoo.describe(keras.Model(images, inner(images)))
    assert whole.multiply_adds == zoo.describe(inner).multiply_adds
    assert whole.parameters == inner.count_params()


def test_the_table_reads_as_a_table():
    text = str(zoo.describe(zoo.LeNet((28, 28, 1), 10)))
    lines = text.splitlines()
    assert 28 * 28 * 20 * 25 + 14 * 14 * 50 * 500 + 2450 * 500 + 500 * 10 == 6_522_000
    assert lines[0].split() == ["layer", "kind", "output", "parameters", "multiply-adds", "sees"]
    assert lines[-1].split() == ["total", "1,256,080", "6,522,000"]
    assert "conv1  Conv2D  28x28x20  520  392,000  5x5".split() in [line.split() for line in lines]
    assert max(map(len, lines)) <= 100


def test_channels_first_is_refused():
    images = keras.Input((1, 8, 8))
    outputs = keras.layers.MaxPooling2D(2, data_format="channels_first")(images)
    with pytest.raises(SightkitError, match="channels-last"):
        zoo.describe(keras.Model(images, outputs))


@pytest.mark.parametrize(
    ("model", "told"), [("lenet", "Received: model='lenet'"), (zoo.LeNet, "model='LeNet'")]
)
def test_what_is_no_network_is_told(model, told):
    with pytest.raises(SightkitError, match=told) as error:
        zoo.describe(model)
    assert 'zoo.describe(zoo.build("lenet"' in str(error.value)
