"""train_lenet_mnist where there is neither the file nor a network."""

from __future__ import annotations

import dataclasses
import runpy
import urllib.error
from pathlib import Path

import pytest

from sightkit._errors import SightkitError

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_lenet_mnist.py"


def test_without_file_and_network_one_line_names_the_place(tmp_path, monkeypatch):
    import keras.src.backend.config as config
    import keras.src.utils.file_utils as file_utils

    def unreachable(*args, **kwargs):
        raise urllib.error.URLError("Temporary failure in name resolution")

    monkeypatch.setattr(file_utils, "urlretrieve", unreachable)
    monkeypatch.setattr(config, "_KERAS_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    script = runpy.run_path(str(SCRIPT))
    run = script["Config"](output=tmp_path / "run", data=tmp_path / "mnist.h5")
    with pytest.raises(SightkitError, match=r"mnist\.npz.*KERAS_HOME") as refused:
        script["main"](run)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "mnist.h5").exists()
    with pytest.raises(SightkitError, match=r"mnist\.npz"):  # the folder can be taken again
        script["main"](dataclasses.replace(run, resume=True))
