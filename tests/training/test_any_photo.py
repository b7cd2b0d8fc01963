"""Grey and colour files and photos meet networks of either kind, with the step that they need."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit import experiments, zoo
from sightkit.io import DatasetFile, HDF5DatasetWriter
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    ColourPreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
    Pipeline,
    SimplePreprocessor,
)
from sightkit.training import load_bundle, photo_chain
from sightkit.training.any_photo import for_grey_and_colour

GREY, COLOUR, FIT = GrayscalePreprocessor(), ColourPreprocessor(), SimplePreprocessor(12, 10)
FLOATS = ImageToArrayPreprocessor()


def write(path, channels, chain=None, size=(10, 12)):
    rng = np.random.default_rng(0)
    labels = np.arange(36) % 3
    images = rng.integers(0, 90, (36, *size, channels), dtype=np.uint8)
    images += (labels * 80).astype(np.uint8)[:, None, None, None]
    with HDF5DatasetWriter(
        images.shape,
        path,
        class_names=("a", "b", "c"),
        splits={"train": 24, "validation": 6, "test": 6},
        preprocessing=chain and chain.to_config(),
    ) as writer:
        writer.add(images, labels)
    return DatasetFile.open(path)


@pytest.mark.parametrize(
    ("channels", "chain", "missing"),
    (
        (1, None, ["GrayscalePreprocessor", "AspectAwarePreprocessor"]),
        (3, None, ["AspectAwarePreprocessor"]),
        (1, FIT, ["GrayscalePreprocessor"]),
        (1, Pipeline((FIT,)), ["GrayscalePreprocessor"]),
        (1, GREY, ["AspectAwarePreprocessor"]),
        (1, Pipeline((GREY, FIT)), []),
        (1, Pipeline((FIT, GREY)), []),
        (1, Pipeline((COLOUR, FIT, GREY)), []),
        (3, FIT, []),
        (3, Pipeline((COLOUR, FIT)), []),
        (3, AspectAwarePreprocessor(12, 10), []),
    ),
)
@pytest.mark.parametrize("photo", ((30, 50), (50, 30), (10, 12), (1, 1), (300, 400)))
def test_photo_chain_names_and_adds_what_the_file_leaves_out(
    channels, chain, missing, photo, tmp_path
):
    file = write(tmp_path / "x.h5", channels, chain)
    found, line = photo_chain(file)
    assert found(np.zeros((*photo, 3), np.uint8)).shape == file.shape[1:]
    assert bool(line) == bool(missing)
    assert all(name in line for name in missing)
    if not missing:
        assert found.to_config() == file.preprocessing
    row = np.array(file.memmap()[0])
    np.testing.assert_array_equal(found(row)[..., :1], row[..., :1])  # as it is already


@pytest.mark.parametrize("size", ((300, 400), (431, 307)))
def test_photo_chain_is_not_taken_in_by_a_size(size, tmp_path):
    assert "AspectAware" in photo_chain(write(tmp_path / "x.h5", 3, size=size))[1]


@pytest.mark.parametrize(
    ("steps", "channels", "lead"),
    (
        ((FIT, FLOATS), 3, [COLOUR]),
        ((FIT, FLOATS), 1, [GREY]),
        ((FLOATS, MeanPreprocessor(1.0, 2.0, 3.0)), 3, [COLOUR]),
        ((COLOUR, FIT), 3, []),
        ((FIT, COLOUR), 3, []),
        ((GREY, FIT), 1, []),
        ((GREY, FIT, COLOUR), 3, []),
        ((), 1, [GREY]),
        ((GREY,), 3, []),  # nothing helps: refused where it is saved
    ),
)
def test_for_grey_and_colour_leads_with_the_step_that_is_missing(steps, channels, lead):
    found = for_grey_and_colour(Pipeline(steps), channels)
    assert found == Pipeline((*lead, *steps))


@pytest.mark.slow
@pytest.mark.parametrize(("taken", "stored"), ((1, 3), (3, 1)))
def test_an_experiment_trains_and_answers_with_the_step(stored, taken, tmp_path, capsys):
    """A network of a fixed form, as a user's own script has it, and a file of another."""
    file = write(tmp_path / "x.h5", stored)
    config = experiments.Config(
        output=tmp_path / "run", epochs=1, batch_size=8, data=file.path, preflight="off"
    )
    with experiments.start(config, __file__) as run:
        data = run.use(file)
        train = data.training()
        network = zoo.LeNet((10, 12, taken), 3)
        network.compile("sgd", **experiments.CLASSIFICATION)
        run.fit(network, train)
        run.report(network)
    said = capsys.readouterr().err
    assert ("does not say how photos become" in said) and ("the network takes" in said) == (
        stored != taken
    )
    colour = np.random.default_rng(1).integers(0, 255, (40, 30, 3), np.uint8)
    grey = GREY(colour)
    answers = load_bundle(tmp_path / "run" / "bundle").predict([colour, grey])
    # Either is grey on one way: what was trained on grey is shown grey.
    same = np.allclose(answers[0], answers[1], atol=1e-3)  # resizing rounds
    assert same == (1 in (stored, taken))
