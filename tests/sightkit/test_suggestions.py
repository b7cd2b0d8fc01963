"""Names and arguments of the books and of Keras are answered with today's form."""

from __future__ import annotations

import importlib
import inspect
import re

import keras
import numpy as np
import pytest

from sightkit import (
    _scripts,
    callbacks,
    evaluation,
    experiments,
    io,
    preprocessing,
    training,
    transfer,
    zoo,
)
from sightkit._errors import SightkitError
from sightkit._suggestions import suggestions

P = preprocessing
PACKAGES = (callbacks, evaluation, experiments, io, preprocessing, training, transfer, zoo)
IMAGE = np.zeros((100, 120, 3), np.uint8)


Images = keras.src.legacy.preprocessing.image.ImageDataGenerator


def generator(path, *args, **options):
    return io.HDF5DatasetGenerator(path, 8, *args, **options)


CALLS = {
    "inter": (lambda p: P.SimplePreprocessor(32, 32, inter=3), "averages areas"),
    "preprocess": (lambda p: P.SimplePreprocessor(32, 32).preprocess(IMAGE), "itself"),
    "aspect": (lambda p: P.AspectAwarePreprocessor(64, 64).preprocess(IMAGE), "itself"),
    "dataFormat": (lambda p: P.ImageToArrayPreprocessor(dataFormat="x"), "channels-last"),
    "rMean": (
        lambda p: P.MeanPreprocessor(rMean=1, gMean=2, bMean=3),
        r"Write MeanPreprocessor\(red=1, green=2, blue=3\)\.$",
    ),
    "two means": (lambda p: P.MeanPreprocessor(1, 2), r"Write MeanPreprocessor\(1, 2, blue\)\.$"),
    "horiz": (
        lambda p: P.CropPreprocessor(60, 60, horiz=False),
        r"Write CropPreprocessor\(60, 60, mirrors=False\)\.$",
    ),
    "crop": (lambda p: P.CropPreprocessor(60, 60).preprocess(IMAGE), "itself"),
    "no rng": (lambda p: P.PatchPreprocessor(60, 60)(IMAGE), "augment="),
    "loader": (lambda p: io.SimpleDatasetLoader, "build_dataset"),
    "no class names": (lambda p: io.HDF5DatasetWriter((2, 8, 8, 3), p), "in label order"),
    "dataKey": (
        lambda p: io.HDF5DatasetWriter((2, 8, 8, 3), p, dataKey="images", bufSize=10),
        r"Write HDF5DatasetWriter\(\(2, 8, 8, 3\), .*data_key='images', class_names=…\)\. "
        "bufSize: .*as they are added.*class_names: Give",
    ),
    "four at once": (
        lambda p: generator(p, preprocessors=None, aug=None, binarize=True, classes=2, seed=1),
        r"Write HDF5DatasetGenerator\(.*8, preprocessors=None, seed=1\).*aug:.*binarize:.*classes:",
    ),
    "what stays": (
        lambda p: training.fit(IMAGE, IMAGE, validation_data=3, epochs=5, verbose=0),
        r"verbose: Leave it out.*training\.fit\(.*As before: validation=3, epochs=5\.$",
    ),
    "classes": (lambda p: generator(p, classes=3), "class_names"),
    "aug": (lambda p: generator(p, aug=P.Augment(rotation=10)), "augment="),
    "binarize": (lambda p: generator(p, binarize=True), "one_hot"),
    "a list": (lambda p: generator(p, preprocessors=[P.ImageToArrayPreprocessor()]), "Pipeline"),
    "a list to build": (
        lambda p: io.build_dataset(io.digits, "x.h5", preprocessors=[], fractions={}),
        "Pipeline",
    ),
    "ImageDataGenerator": (
        lambda p: generator(p, augment=Images(rotation_range=20)),
        r"Write augment=preprocessing\.Augment\(rotation=10, …\)\.$",
    ),
    "no augmentation": (lambda p: generator(p, augment=object()), "Augment"),
    "generator()": (lambda p: generator(p).generator(), "to fit"),
    "numImages": (lambda p: generator(p).numImages, "count"),
    "db": (lambda p: generator(p).db["labels"], "labels"),
    "close": (lambda p: generator(p).close(), "Nothing"),
    "jsonPath": (lambda p: callbacks.TrainingMonitor("a.png", jsonPath="h"), "history.json"),
    "two paths": (lambda p: callbacks.TrainingMonitor("a.png", "h.json"), "history.json"),
    "startAt": (lambda p: callbacks.TrainingMonitor("a.png", startAt=3), "goes on"),
    "start at": (lambda p: callbacks.EpochCheckpoint("c", every=5, startAt=40), "counting"),
    "ModelCheckpoint": (lambda p: callbacks.ModelCheckpoint, "BestCheckpoint"),
    "rank5": (lambda p: evaluation.rank5_accuracy, "rank_accuracy"),
    "FCHeadNet": (lambda p: zoo.FCHeadNet, "surgery"),
    "build": (lambda p: zoo.MiniVGGNet.build(32, 32, 3, 10), r"MiniVGGNet\("),
    "ResNet": (lambda p: zoo.ResNet.build(32, 32, 3, 10, (9, 9, 9)), r"ResNet\("),
    "width": (lambda p: zoo.MiniVGGNet(width=32, height=32, depth=3, classes=10), "input_shape"),
    "DCGAN": (lambda p: zoo.DCGAN, "DCGANGenerator"),
    "decay": (lambda p: keras.optimizers.SGD(0.01, decay=0.01 / 40), "InverseTimeDecay"),
    "lr": (
        lambda p: keras.optimizers.Adam(lr=0.01),
        r"no lr any more.*Write learning_rate=0.01\.$",
    ),
    "lr and decay": (
        lambda p: keras.optimizers.SGD(lr=0.01, decay=1e-4, momentum=0.9),
        "no lr and no decay.*lr=0.01, decay=0.0001.*InverseTimeDecay.*Write learning_rate=0.01",
    ),
    # not of the books: the nearest name
    "LeNett": (lambda p: zoo.LeNett, "LeNet"),
    "batchSize": (lambda p: io.HDF5DatasetGenerator(p, batchSize=8), "batch_size"),
    "read": (lambda p: io.readImage("x.png"), "read_image"),
    "epochs": (lambda p: callbacks.EpochCheckpoint("c", evry=5), "every"),
    "class_name": (lambda p: generator(p).class_name, "class_names"),
    "open": (lambda p: transfer.open_feature("f.h5"), "open_features"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_answered_with_todays_form(name, write_dataset):
    call, answer = CALLS[name]
    with pytest.raises((SightkitError, AttributeError), match=answer) as found:
        call(write_dataset())
    assert "\n" not in str(found.value) and len(str(found.value)) < 400


@pytest.mark.parametrize("name", ("DCGAN", "FCHeadNet", "LeNett"))
def test_from_import_is_answered_too(name):
    with pytest.raises(ImportError, match=r"Write|Perhaps"):
        exec(f"from sightkit.zoo import {name}")


def owners():
    found = {cls.__name__: cls for package in PACKAGES for cls in package_members(package)}
    found["Preprocessor"] = preprocessing.Preprocessor
    found["Optimizer"] = keras.optimizers.Optimizer
    return found


def package_members(package):
    return [
        each
        for name in package.__all__
        if callable(each := getattr(package, name)) and hasattr(each, "__name__")
    ]


def test_the_table_answers_for_what_exists_and_for_nothing_that_does():
    existing = owners()
    for owner, names in suggestions().items():
        if owner == "package":
            assert not any(
                hasattr(each, name)
                for each in PACKAGES
                for name in names
                if (each, name) != (callbacks, "ReduceLROnPlateau")
            )
            continue
        if owner == "scripts":
            assert not {*names} & {*_scripts.scripts()}
            continue
        parameters = inspect.signature(existing[owner]).parameters
        for name in names:
            missing = name in ("rng", "class_names")
            assert missing or name not in parameters, (owner, name)
            assert missing or not hasattr(existing[owner], name), (owner, name)


def test_what_the_table_says_to_write_exists():
    text = " ".join(step for names in suggestions().values() for step in names.values())
    places = re.findall(
        r"(?<!keras\.)\b(io|zoo|callbacks|evaluation|transfer|training|experiments|"
        r"preprocessing)\.([A-Za-z]\w*)",
        text,
    )
    assert len(places) > 10
    for package, name in places:
        assert hasattr(importlib.import_module(f"sightkit.{package}"), name), (package, name)


def test_a_type_error_from_inside_stays_what_it_is():
    with pytest.raises(TypeError, match="signature"):
        io.one_hot(np.array([0, 1]), "three")


def test_hasattr_pickle_and_copy_see_plain_objects(write_dataset):
    import copy
    import pickle

    data = generator(write_dataset())
    assert not hasattr(data, "numImages") and not hasattr(data, "__array_interface__")
    assert len(pickle.loads(pickle.dumps(data))) == len(data)
    assert pickle.loads(pickle.dumps(io.read_image)) is io.read_image
    chain = P.Pipeline((P.SimplePreprocessor(8, 8),))
    assert copy.deepcopy(chain) == chain


def test_a_cell_with_a_class_may_run_twice():
    cell = "class Mine{0}(Preprocessor): pass"
    for _ in range(2):
        exec(cell.format("Here"), {"Preprocessor": P.Preprocessor, "__name__": "__main__"})
    P.Preprocessor.kinds.pop("MineHere")
