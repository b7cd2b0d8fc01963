"""Data sets of several experiments: a dataset file that one has built is the others' too."""

import pytest

from sightkit import experiments, io
from sightkit.io.build.recipe import source_name


@pytest.mark.parametrize(
    ("config", "source"),
    [
        (experiments.MnistConfig, io.mnist),
        (experiments.Cifar10Config, io.FetchedCifar10()),
    ],
)
def test_the_source_is_named_as_it_is_by_itself(config, source):
    made = config(output="run", epochs=1, batch_size=1)
    assert source_name(made.source) == source_name(source)
    assert sum(made.shares.values()) == pytest.approx(1)
