from __future__ import annotations

import errno
import os

import keras
import pytest
from keras.src.saving import saving_lib

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit._network import flat_layers, precision_of, save_weights

LENET = {"input_shape": (8, 8, 1), "classes": 3}


def nested(dtype: str = "float32") -> keras.Model:
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, dtype=dtype, name="deep")])
    return keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(1, name="last")])


def test_flat_layers_of_an_inner_network_stand_in_its_place():
    assert [layer.name for layer in flat_layers(nested())] == ["deep", "last"]


def test_precision_of_is_float32_only_where_all_layers_are():
    assert precision_of(nested()) == "float32"
    assert precision_of(nested("mixed_bfloat16")) == "bfloat16"
    assert precision_of(nested("float16")) == "float16"


def test_build_takes_a_precision_and_leaves_keras_as_it_was():
    before = keras.config.dtype_policy()
    for precision in zoo.POLICIES:
        network = zoo.build("lenet", precision=precision, **LENET)
        assert precision_of(network) == precision
        assert keras.config.dtype_policy() == before
    with pytest.raises(SightkitError, match="classes"):
        zoo.build("lenet", precision="bfloat16", **{**LENET, "classes": 0})
    assert keras.config.dtype_policy() == before


def test_build_in_an_unknown_precision_is_refused():
    with pytest.raises(SightkitError, match="float32 or bfloat16"):
        zoo.build("lenet", precision="float16", **LENET)


@pytest.mark.slow
@pytest.mark.parametrize("name", ("lenet", "minigooglenet", "lenet5", "mlp"))
@pytest.mark.parametrize("optimizer", (None, "adam"))
def test_save_weights_takes_the_space_first(name, optimizer, tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(os, "posix_fallocate", lambda file, start, size: taken.append(size))
    network = zoo.build(name, **zoo.published_arguments(name))
    if optimizer:
        network.compile(optimizer)
        network.optimizer.build(network.trainable_variables)
    path = tmp_path / "x.weights.h5"
    save_weights(network, path)
    assert path.stat().st_size <= taken[0] <= 1.5 * path.stat().st_size + 2**20


def test_save_weights_on_a_full_disk_begins_nothing(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(saving_lib, "_save_state", None)  # it would end the process
    with pytest.raises(OSError, match="No space"):
        save_weights(zoo.LeNet((8, 8, 1), 3), tmp_path / "x.weights.h5")
    assert not list(tmp_path.iterdir())
