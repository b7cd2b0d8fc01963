from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from sightkit import experiments, io
from sightkit._errors import SightkitError
from sightkit.preprocessing import Pipeline


@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("runs/test/default")
    epochs: int = 20
    batch_size: int = 32
    data: Path = Path("datasets/test.h5")
    learning_rate: float = 0.1
    deep: bool = False


@pytest.mark.parametrize(
    ("arguments", "told"),
    (
        ({"epochs": 0}, r"--epochs must be at least 1\. Received: epochs=0\. Give --epochs 20"),
        ({"epochs": -5}, "epochs=-5"),
        ({"batch_size": -1}, r"--batch-size must be at least 1\. Received: batch_size=-1"),
        ({"seed": -1}, "--seed must be between 0 and 2147483647.*seed=-1"),
        ({"learning_rate": 1e300}, "--learning-rate must be between"),
        ({"learning_rate": math.nan}, "--learning-rate must be between"),
        ({"epochs": 10**20}, "--epochs must be between"),
        ({"seed": 2**31}, "--seed must be between 0 and 2147483647"),
        ({"split_seed": -2}, "--split-seed must be between 0 and"),
        ({"resume": True, "overwrite": True}, "give one"),
        ({"resume": True, "overwrite": True, "smoke": True}, "give one"),
        ({"validation_split": "test"}, "best weights.*validation_split='test'. Leave --validation"),
        ({"validation_split": "train"}, "neither trained on nor tested.*validation_split='train'"),
        ({"epochs": 0, "smoke": True}, "--epochs"),
    ),
)
def test_values_out_of_range_are_refused_by_flag(arguments, told):
    with pytest.raises(SightkitError, match=told) as refused:
        Config(**arguments)
    assert "\n" not in str(refused.value)


def test_a_smoke_run_is_short_with_its_own_folder_and_data():
    config = Config(smoke=True)
    assert (config.epochs, config.limit) == (2, 200)
    assert config.output == Path("runs/test/smoke")
    assert config.data == Path("datasets/test-training-smoke.h5")
    assert config.overwrite
    assert not Config(smoke=True, resume=True).overwrite


@pytest.mark.parametrize(
    ("flags", "name"),
    (
        ({"fractions": (0.7, 0.1, 0.1, 0.1)}, "test-fractions-0.7-0.1-0.1-0.1.h5"),
        ({"size": 32, "split_seed": 7}, "test-size-32-32-split-seed-7.h5"),
        ({"split_seed": 7, "smoke": True}, "test-split-seed-7-training-smoke.h5"),
        ({"seed": 7, "validation_split": "dev"}, "test.h5"),
        ({"split_seed": 7, "data": Path("datasets/mine.h5")}, "mine.h5"),
    ),
)
def test_a_file_of_other_images_than_by_default_is_beside_it(flags, name):
    assert Config(**flags).data == Path("datasets", name)


def test_a_file_that_another_script_built_keeps_its_name():
    @dataclass(frozen=True)
    class Built(Config):
        builder: ClassVar[str] = "build_folder"

    @dataclass(frozen=True)
    class Photos(Config):
        data: Path = Path("photos")

    assert Built(split_seed=7, size=32).data == Path("datasets/test.h5")
    assert Photos(split_seed=7, size=32).data == Path("photos")


def test_a_smoke_run_takes_the_given_folder_without_overwriting():
    config = Config(smoke=True, epochs=1, output=Path("mine"), data=Path("mine.h5"))
    assert (config.epochs, config.output, config.data) == (1, Path("mine"), Path("mine.h5"))
    assert not config.overwrite


def test_a_smoke_run_takes_the_epochs_that_were_asked_for():
    config = Config(smoke=True, epochs=7)
    assert config.epochs == 7
    assert "--epochs 7" in config.command("train_test")


def test_what_defines_a_run_leaves_out_where_and_how():
    first = Config()
    second = Config(output=Path("elsewhere"), resume=True, guard="off")
    assert first.to_json() == second.to_json()
    assert first.to_json() != Config(learning_rate=0.2).to_json()
    assert first.to_json()["data"] == str(Path("datasets/test.h5").absolute())


def again(command):
    """Read a command line back into a configuration, as a script would."""
    import tyro

    python, script, *flags = shlex.split(command)
    assert (python, script) == ("python", "train_test.py")
    return tyro.cli(Config, args=flags)


@pytest.mark.parametrize(
    "config",
    (
        Config(),
        Config(epochs=7, batch_size=5, seed=3, split_seed=0, precision="bfloat16"),
        Config(output=Path("with space/it's"), data=Path("-x.h5").absolute(), learning_rate=1e-05),
        Config(deep=True, guard="off"),
        Config(output=Path("mine"), data=Path("mine.h5"), smoke=True),
        Config(fractions=(0.7, 0.1, 0.1, 0.1), size=(8, 8)),
    ),
)
def test_the_command_gives_the_same_configuration(config):
    assert again(config.command("train_test")) == config


def test_the_command_names_only_what_differs_from_the_defaults():
    assert Config().command("train_test") == "python train_test.py"
    config = Config(epochs=3, resume=True)
    assert config.command("train_test") == "python train_test.py --epochs 3"


@pytest.mark.parametrize(
    "spelled",
    (
        "x/data.h5",
        "./x/data.h5",
        "x/../x/data.h5",
        "x//data.h5",
        "link.h5",
        "folder/data.h5",
        "{root}/x/data.h5",
        "{root}/folder/../folder/data.h5",
        "../{name}/x/data.h5",
    ),
)
def test_paths_are_recorded_as_what_they_are(spelled, tmp_path, monkeypatch):
    """A run, a search and an ensemble are continued under any spelling, from any folder."""
    (tmp_path / "x").mkdir()
    io.build_dataset(
        io.digits,
        tmp_path / "x" / "data.h5",
        preprocessors=Pipeline(),
        fractions={"train": 0.8, "test": 0.2},
        limit=4,
    )
    (tmp_path / "link.h5").symlink_to("x/data.h5")
    (tmp_path / "folder").symlink_to("x")
    monkeypatch.chdir(tmp_path)
    config = Config(data=Path(spelled.format(root=tmp_path, name=tmp_path.name)))
    recorded = config.to_json()
    assert recorded["data"] == str(tmp_path / "x" / "data.h5")
    monkeypatch.chdir(tmp_path / "x")
    assert Config(data=Path("data.h5")).to_json() == recorded
