"""A bundle says what the network says; one that was tampered with or rotted is refused."""

from __future__ import annotations

import json
import re
import shutil
import sys
import types

import keras
import numpy as np
import pytest

from sightkit import _files, transfer, zoo
from sightkit._errors import SightkitError
from sightkit.inference import engines
from sightkit.io import read_image, write_png
from sightkit.preprocessing import (
    ColourPreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    SimplePreprocessor,
)
from sightkit.training import load_bundle, save_bundle, weights_sha256
from sightkit.training.bundle_format import digest
from sightkit.training.classifier import load_by_kind

CHAIN = Pipeline((SimplePreprocessor(8, 8), ImageToArrayPreprocessor()))
NAMES = ("ant", "bee ☃", "cat")


def network(channels=3, seed=0):
    keras.utils.set_random_seed(seed)
    model = zoo.LeNet((8, 8, channels), 3)
    rng = np.random.default_rng(seed)  # sharp answers, so that the canary sees a difference
    model.set_weights([rng.normal(0, 0.15, w.shape).astype("float32") for w in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def original():
    return network()


@pytest.fixture(scope="module")
def canary():
    rows, columns = np.mgrid[0:20, 0:30]
    return np.stack([rows * 12, columns * 3, 90 - columns], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def saved(original, canary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    return save_bundle(
        folder,
        original,
        preprocessing=CHAIN,
        class_names=NAMES,
        canary=canary,
        metrics={"test": {"rank1": 0.5}},
        training={"seed": 1},
    )


@pytest.fixture
def bundle(saved, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(saved, tmp_path / "bundle")


def edit(folder, change, *, signed=True):
    """Change bundle.json; signed, its hash is made anew, as someone with bad intent would."""
    path = folder / "bundle.json"
    description = json.loads(path.read_text())
    change(description)
    if signed:
        description.pop("sha256", None)
        description["sha256"] = digest(description)
    path.write_text(json.dumps(description))


def refuse(folder, match):
    with pytest.raises(SightkitError, match=match) as refused:
        load_bundle(folder)
    assert str(folder) in str(refused.value) or "zoo" in str(refused.value)


def test_it_says_exactly_what_the_network_says(bundle, original, rng, tmp_path):
    loaded = load_bundle(bundle)
    assert loaded.class_names == NAMES
    assert weights_sha256(loaded.network) == weights_sha256(original)
    images = [rng.integers(0, 256, (9 + i, 30 - i, 3)).astype(np.uint8) for i in range(5)]
    expected = original.predict(np.stack([CHAIN(image) for image in images]), verbose=0)
    answers = loaded.predict(images)
    assert answers.dtype == np.float32
    assert np.allclose(answers, expected, atol=1e-6)
    assert np.ptp(expected, axis=0).max() > 1e-3  # the network does tell images apart
    paths = [tmp_path / f"{index}.png" for index in range(5)]
    for path, image in zip(paths, images, strict=True):
        write_png(path, image)
    assert np.array_equal(loaded.predict(paths), answers)
    # Another size of batch may round the last bits differently.
    assert np.allclose(loaded.predict([str(paths[2])]), answers[2:3], atol=1e-6)


@pytest.mark.parametrize(
    "image",
    (
        np.zeros((20, 30, 3), np.float32),
        np.zeros((20, 30, 3), np.int64),
        np.zeros((20, 30), np.uint8),
        np.zeros((20, 30, 4), np.uint8),
    ),
)
def test_an_array_that_is_no_image_is_refused(image, bundle):
    with pytest.raises(SightkitError, match=r"uint8 \(H, W, 3\).*Received: shape="):
        load_bundle(bundle).predict([image])


def test_a_single_image_is_a_list_of_one(bundle):
    classifier, path = load_bundle(bundle), bundle / "canary.png"
    expected = classifier.predict([path])
    for image in (path, str(path), read_image(path)):
        assert np.array_equal(classifier.predict(image), expected)
    assert len(repr(classifier)) < 200


def test_a_chain_of_another_size_is_refused_when_saved(canary, tmp_path):
    with pytest.raises(SightkitError, match=r"AspectAwarePreprocessor.*size"):
        save_bundle(
            tmp_path / "b",
            network(),
            preprocessing=ImageToArrayPreprocessor(),
            class_names=NAMES,
            canary=canary,
        )
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("channels", (1, 3))
def test_a_network_takes_grey_and_colour_photos(channels, canary, tmp_path):
    made = network(channels)
    grey = GrayscalePreprocessor()(canary)
    folder = save_bundle(
        tmp_path / "b", made, preprocessing=CHAIN, class_names=NAMES, canary=canary[..., :channels]
    )
    photos = {"grey": grey, "colour": canary, "equal": np.repeat(grey, 3, axis=2)}
    for name, image in photos.items():
        write_png(tmp_path / f"{name}.png", image)
    found = dict(zip(photos, load_bundle(folder).predict(list(photos.values())), strict=True))
    files = load_bundle(folder).predict([tmp_path / f"{name}.png" for name in photos])
    np.testing.assert_array_equal(files, list(found.values()))
    np.testing.assert_array_equal(found["grey"], found["equal"])
    assert np.array_equal(found["grey"], found["colour"]) == (channels == 1)


@pytest.mark.slow
def test_a_network_of_keras_applications_is_loaded(canary, tmp_path):
    """It is built twice, once for its shapes; the file's weights are counted once."""
    chain = Pipeline((SimplePreprocessor(32, 32), ImageToArrayPreprocessor()))
    small = zoo.build("mobilenet_0.25", input_shape=(32, 32, 3), classes=3)
    save_bundle(tmp_path / "b", small, preprocessing=chain, class_names=NAMES, canary=canary)
    found = load_bundle(tmp_path / "b").network
    assert weights_sha256(found) == weights_sha256(small)


def test_two_classes_of_one_name_are_refused(original, canary, tmp_path):
    with pytest.raises(SightkitError, match=r"name of its own.*'a'"):
        save_bundle(
            tmp_path / "b",
            original,
            preprocessing=CHAIN,
            class_names=["a", "b", "a"],
            canary=canary,
        )


def test_no_images_give_no_answers(bundle):
    assert load_bundle(bundle).predict([]).shape == (0, 3)


def test_an_image_that_is_none_is_named(bundle, tmp_path):
    (tmp_path / "text.jpg").write_text("hello")
    with pytest.raises(SightkitError, match=r"text\.jpg"):
        load_bundle(bundle).predict([tmp_path / "text.jpg"])


def test_the_description_is_data(bundle, original):
    description = json.loads((bundle / "bundle.json").read_text())
    assert description["network"] == zoo.origin(original)
    assert description["network"]["builder"] == "lenet"
    assert description["network"]["arguments"]["input_shape"] == [8, 8, 3]
    takes_grey = Pipeline((ColourPreprocessor(), *CHAIN.steps))
    assert description["preprocessing"] == takes_grey.to_config()
    assert description["metrics"] == {"test": {"rank1": 0.5}}
    assert description["parameters"] == zoo.LeNet((8, 8, 3), 3).count_params()
    assert sorted(path.name for path in bundle.iterdir()) == [
        "bundle.json",
        "canary.png",
        "model.weights.h5",
    ]


def test_a_network_trained_in_bfloat16_is_kept_in_float32(canary, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        trained = network()
        folder = save_bundle(
            tmp_path / "b", trained, preprocessing=CHAIN, class_names=NAMES, canary=canary
        )
        loaded = load_bundle(folder)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"  # is left as it was
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in loaded.network.layers} == {"float32"}
    for ours, theirs in zip(loaded.network.get_weights(), trained.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)
    # In bfloat16 the same weights answer a little differently.
    answer = trained.predict(CHAIN(canary)[np.newaxis], verbose=0)
    assert np.allclose(loaded.predict([canary]), answer, atol=0.05)


def test_a_bundle_is_replaced_whole(bundle, canary):
    other = network(seed=5)
    save_bundle(bundle, other, preprocessing=CHAIN, class_names=NAMES, canary=canary)
    assert weights_sha256(load_bundle(bundle).network) == weights_sha256(other)
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


def test_a_failed_save_leaves_the_old_bundle(bundle, canary, original, monkeypatch):
    with pytest.raises(SightkitError, match=r"class name.*class_names=2, outputs=3"):
        save_bundle(bundle, original, preprocessing=CHAIN, class_names=("a", "b"), canary=canary)
    with monkeypatch.context() as patch:
        patch.setattr(_files, "write_json", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            save_bundle(bundle, original, preprocessing=CHAIN, class_names=NAMES, canary=canary)
    assert load_bundle(bundle).class_names == NAMES


@pytest.mark.parametrize("name", ("model.weights.h5", "canary.png"))
@pytest.mark.parametrize("damage", ("flipped", "cut off", "missing"))
def test_a_damaged_file_is_named(name, damage, bundle):
    path = bundle / name
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content if damage == "flipped" else content[:-10])
    refuse(bundle, f"damaged: {name}")


@pytest.mark.parametrize("content", (b"", b"{", b"[]", b"{}", b'{"format": "other"}', b"\xff"))
def test_a_damaged_description_is_refused(content, bundle):
    (bundle / "bundle.json").write_bytes(content)
    refuse(bundle, r"bundle\.json")


def test_a_folder_that_is_no_bundle_and_none_at_all_are_refused(tmp_path):
    refuse(tmp_path, r"with bundle\.json in it")
    refuse(tmp_path / "nowhere", r"with bundle\.json in it")


def test_of_a_run_its_bundle_is_named(bundle):
    inside = bundle.rename(bundle.with_name("new"))
    (run := bundle.with_name("run")).mkdir()
    inside.rename(run / "bundle")
    refuse(run, rf"give {re.escape(str(run / 'bundle'))}\.")


def test_a_newer_schema_is_refused(bundle):
    edit(bundle, lambda description: description.update(schema=99))
    refuse(bundle, "newer version")


def test_an_unknown_kind_is_refused(bundle):
    edit(bundle, lambda description: description.update(kind="graph"))
    refuse(bundle, r"one of the kinds classifier, keras, features_and_head.*kind='?graph")


def test_another_scale_is_noticed_where_the_network_is_certain(canary, tmp_path):
    certain = network()
    *others, kernel, bias = certain.get_weights()
    certain.set_weights([*others, 6 * kernel, 6 * bias])
    folder = save_bundle(
        tmp_path / "b", certain, preprocessing=CHAIN, class_names=NAMES, canary=canary
    )
    answer = load_bundle(folder).predict([canary])
    edit(folder, lambda description: description["preprocessing"]["steps"][2].update(scale=1 / 127))
    assert answer.max() > 1 - 1e-4
    refuse(folder, "canary")


def test_an_unknown_builder_is_refused_with_the_nearest(bundle):
    edit(bundle, lambda description: description["network"].update(builder="lenett"))
    refuse(bundle, "networks.*lenet")


def test_unknown_arguments_and_preprocessors_are_refused(bundle):
    edit(bundle, lambda description: description["network"]["arguments"].update(evil=1))
    with pytest.raises(SightkitError, match="evil"):
        load_bundle(bundle)


def test_an_unknown_preprocessor_is_refused(bundle):
    edit(bundle, lambda description: description["preprocessing"]["steps"].append({"name": "Os"}))
    with pytest.raises(SightkitError, match="preprocessor's name"):
        load_bundle(bundle)


@pytest.mark.filterwarnings("ignore:Skipping nested container:UserWarning")  # Keras, as it fails
def test_another_size_of_network_is_refused(bundle):
    edit(bundle, lambda description: description["network"]["arguments"].update(classes=4))
    refuse(bundle, "no more weights than its file")
    edit(bundle, lambda description: description["network"]["arguments"].update(classes=2))
    refuse(bundle, "must hold this network's weights")


@pytest.mark.parametrize(
    "change",
    (
        lambda d: d["preprocessing"]["steps"][2].update(scale=1.0),
        lambda d: d["preprocessing"]["steps"].insert(0, SimplePreprocessor(2, 2).to_config()),
        lambda d: d["canary"].reverse(),
        lambda d: d["canary"].pop(),
    ),
    ids=("scale", "another step", "other answer", "short answer"),
)
def test_what_changes_the_answer_to_the_canary_is_noticed(change, bundle):
    edit(bundle, change)
    refuse(bundle, "canary")


def test_exchanged_colours_are_noticed(bundle, monkeypatch):
    """As if decoding gave BGR: the canary is there to tell."""
    import sightkit.training.bundle as module

    right = module.sightkit_io.read_image
    monkeypatch.setattr(
        module.sightkit_io, "read_image", lambda path: np.ascontiguousarray(right(path)[..., ::-1])
    )
    refuse(bundle, "answer to the canary")


def test_a_grey_canary_is_read_again_as_grey(canary, tmp_path):
    chain = Pipeline((GrayscalePreprocessor(), *CHAIN.steps))
    folder = save_bundle(
        tmp_path / "b",
        network(channels=1),
        preprocessing=chain,
        class_names=NAMES,
        canary=canary[..., :1],
    )
    assert load_bundle(folder).predict([canary[..., :1]]).shape == (1, 3)


@pytest.mark.parametrize(
    "change", (lambda d: d["class_names"].pop(), lambda d: d["class_names"].reverse())
)
def test_changed_class_names_are_noticed(change, bundle):
    edit(bundle, change, signed=False)
    refuse(bundle, "not as it was written")


@pytest.mark.parametrize("value", ("null", "[]", "{}", '"x"'))
@pytest.mark.parametrize(
    "key", ("network", "class_names", "preprocessing", "files", "canary", "schema")
)
def test_a_field_of_the_wrong_kind_is_refused(key, value, bundle):
    edit(bundle, lambda description: description.update({key: json.loads(value)}))
    with pytest.raises(SightkitError):
        load_bundle(bundle)


@pytest.mark.slow
def test_fast_form_is_in_the_folder_named_not_in_the_bundle(bundle, tmp_path, monkeypatch):
    pytest.importorskip("openvino")
    monkeypatch.setattr(engines, "break_even", lambda network: 5)
    before = sorted(file.name for file in bundle.iterdir())
    for _ in range(2):
        loaded = load_bundle(bundle, images=5, cache=tmp_path / "cache")
        assert loaded.predictor.engine == "openvino"
    for images in (None, 4):
        assert load_bundle(bundle, images=images).predictor.engine == "keras"
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert sorted(file.name for file in bundle.iterdir()) == before


def test_a_kind_of_an_app_is_registered_and_loaded_on_demand(bundle, monkeypatch):
    from sightkit.training import bundle_format
    from sightkit.training.bundle import KINDS

    monkeypatch.setattr(bundle_format, "_MODULES", dict(bundle_format._MODULES))
    module = types.ModuleType("sightkit.app")
    vars(module)["KINDS"] = {"app": KINDS["classifier"]}
    bundle_format.register_kind("app", "sightkit.app")
    edit(bundle, lambda description: description.update(kind="app"))
    monkeypatch.setitem(sys.modules, "sightkit.app", module)
    refuse(bundle, "must be a network or a network of Keras; this one")  # by load_bundle
    with pytest.raises(SightkitError, match="or networks with a head on their features; this one"):
        transfer.load(bundle)
    assert load_by_kind(bundle, ("app",), images=None, cache=None).class_names == NAMES
    for name, place in (("app", "sightkit.app"), ("other", "os")):
        with pytest.raises(SightkitError, match="a name of its own and a module of sightkit"):
            bundle_format.register_kind(name, place)
