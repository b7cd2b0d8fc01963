"""What the scripts that train on ImageNet share: patches of a share of the stored image."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit import _scripts, experiments, io
from sightkit.preprocessing import Pipeline, SimplePreprocessor

SCRIPTS = [name for name in _scripts.scripts() if name.endswith("_imagenet")]
SCRIPTS = [name for name in SCRIPTS if name.startswith("train_") and "tiny" not in name]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_reads_shards_and_takes_patches_of_its_networks_size(name):
    config = _scripts.load(name).Config()
    assert isinstance(config, experiments.ImageNetConfig)
    assert config.data.name == "imagenet.shards"
    side = 227 if "alexnet" in name else 224
    assert config.patch(256, 256) == (side, side)
    varied = config.augmentation(256, 256)
    image = np.zeros((256, 256, 3), np.uint8)
    assert varied(image, np.random.default_rng(0)).shape == (side, side, 3)


def test_a_smoke_run_without_shards_builds_one_file_of_digits():
    kind = _scripts.load("train_squeezenet_imagenet").Config
    assert kind(smoke=True).data.name == "imagenet-training-smoke-40.h5"
    assert len(SCRIPTS) == 5


def test_a_run_reads_shards(tmp_path):
    list_of_shards = tmp_path / "digits.shards"
    io.build_shards(
        io.digits,
        list_of_shards,
        preprocessors=Pipeline((SimplePreprocessor(16, 16),)),
        fractions={"train": 0.6, "validation": 0.2, "test": 0.2},
        shards=3,
        limit=40,
    )
    kind = _scripts.load("train_squeezenet_imagenet").Config
    config = kind(output=tmp_path / "run", data=list_of_shards)
    with experiments.start(config, "train_squeezenet_imagenet.py", keras=False) as run:
        train = config.patches(run)
        assert run.data.image_shape == (14, 14, 1)
        assert train[0][0].shape == (40, 14, 14, 1)
        assert run.data.evaluation("test")[0][0].shape == (40, 14, 14, 1)
