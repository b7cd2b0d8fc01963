"""The flags of all training scripts: contradictions refused, each turned into its object."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
import pytest

from sightkit import experiments
from sightkit._errors import SightkitError
from sightkit.experiments.flags import optimizer, schedule
from sightkit.experiments.flags.inputs import to_floats
from sightkit.experiments.flags.labels import loss_of, make_labels
from sightkit.experiments.flags.network import InitializerName
from sightkit.experiments.flags.observation import make_callbacks

RATE, EPOCHS, STEPS = 0.1, 20, 5
DROPS = tuple((epoch, (1 + epoch) // 10) for epoch in (0, 8, 9, 18, 19))


@dataclass(frozen=True)
class Config(experiments.Config):
    recipes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "reference": {"schedule": "standard", "decay": 0.01 / 40, "epochs": 40, "nesterov": True}
    }

    output: Path = Path("run/default")
    epochs: int = EPOCHS
    batch_size: int = 8
    data: Path = Path("data.h5")
    optimizer: experiments.OptimizerName = "sgd"
    learning_rate: float = RATE
    momentum: float = 0.9


def parsed(*words):
    import tyro

    return tyro.cli(Config, args=Config.with_defaults(words))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("flags", "message"),
    (
        ({"schedule": "warm"}, "--schedule must be one of cosine, one_cycle"),
        ({"schedule": "cosine", "drop_every": 5}, "--drop-every is for --schedule=step, exp"),
        ({"schedule": "constant", "rise": 0.1}, "--rise is for --schedule=cosine, one_cycle"),
        ({"schedule": "step", "decay": 0.1}, "--decay is for --schedule=standard"),
        ({"schedule": "linear", "power": 3.0}, "--power is for --schedule=polynomial"),
        ({"schedule": "step", "drop_by": 0.01, "drop_factor": 0.1}, "give one"),
        ({"schedule": "step", "drop_by": 0.05}, "must stay above 0.*drops=2.*--drop-by 0.033"),
        ({"schedule": "step", "drop_factor": 1.5}, "--drop-factor must be between 0 and 1"),
        ({"schedule": "step", "drop_every": 0}, "--drop-every must be above 0"),
        ({"rise": 1.0}, "--rise must be between 0 and 1"),
        ({"optimizer": "lion9"}, "--optimizer must be one of sgd"),
        ({"optimizer": "adam", "nesterov": True}, "--nesterov is for --optimizer=sgd"),
        ({"optimizer": "adam", "momentum": 0.5}, "--momentum is for --optimizer=sgd"),
        ({"momentum": 0.0, "nesterov": True}, "--nesterov needs a momentum"),
        ({"momentum": 1.0}, "--momentum must be from 0 to below 1"),
        ({"learning_rate": 0.0}, "--learning-rate must be a number above 0"),
        ({"gradient_noise": -1.0}, "--gradient-noise must be at least 0"),
        ({"label_smoothing": 1.0}, "--label-smoothing must be from 0"),
        ({"mixup": 0.2, "cutmix": 1.0}, "--mixup or --cutmix: give one"),
        ({"mixup": -0.2}, "must be at least 0"),
        ({"end": "sigmoid", "mixup": 0.2}, "need an output for each class.*--end sigmoids"),
        ({"end": "tanh"}, "--end must be"),
        ({"arguments": ("dropout",)}, "--arguments takes NAME=VALUE"),
        ({"arguments": ("reg=0.1", "end=linear")}, "the end is that of --end.*Leave end out"),
        ({"mean": "median"}, "--mean must be"),
        ({"fractions": (0.5, 0.6)}, "--fractions must be three shares"),
        ({"class_weights": "all"}, "--class-weights must be none or balanced"),
        ({"min_delta": 0.1}, "--min-delta is for --patience"),
        ({"patience": -1}, "must be at least 0"),
        ({"human_error": 1.2}, "--human-error is a share"),
        ({"checkpoints": "all"}, "--checkpoints must be"),
        ({"initializer": "lsuv", "weights": Path("x")}, "give one"),
        ({"weights": Path("x")}, "A bundle is a folder"),
        ({"recipe": "fast"}, "--recipe must be one of best, reference"),
    ),
)
def test_flags_that_contradict_each_other_are_refused(flags, message):
    with pytest.raises(SightkitError, match=message) as refused:
        Config(**flags)
    assert "\n" not in str(refused.value)


RATES = {
    "constant": ({}, lambda epoch, share: RATE),
    "cosine": ({}, lambda epoch, share: RATE * 0.5 * (1 + np.cos(np.pi * share))),
    "linear": ({}, lambda epoch, share: RATE * (1 - share)),
    "polynomial": ({"power": 3.0}, lambda epoch, share: RATE * (1 - share) ** 3),
    "step": ({}, lambda epoch, share: RATE * 0.5 ** ((1 + epoch) // 10)),
    "exponential": ({"drop_every": 4}, lambda epoch, share: RATE * 0.5 ** (share * EPOCHS / 4)),
    "standard": ({}, lambda epoch, share: RATE / (1 + RATE / EPOCHS * share * EPOCHS * STEPS)),
    "adaptive": ({}, lambda epoch, share: RATE),
}


@pytest.mark.parametrize("name", get_args(experiments.ScheduleName))
def test_each_schedule_has_the_rates_of_its_formula(name):
    flags, formula = RATES.get(name, ({}, None))
    config = Config(schedule=name, **flags)
    rate = schedule.make_schedule(config, RATE, EPOCHS, STEPS)
    made = [float(rate(step)) if callable(rate) else rate for step in range(EPOCHS * STEPS)]
    if formula is None:  # one_cycle
        assert np.argmax(made) == 30 and max(made) == pytest.approx(RATE) and made[-1] < 1e-4
        return
    expected = [formula(step // STEPS, step / (EPOCHS * STEPS)) for step in range(len(made))]
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-7)
    assert len(schedule.schedule_callbacks(config)) == (name == "adaptive")


def test_drops_by_an_amount_come_when_those_by_a_factor_do():
    rate = schedule.make_schedule(Config(schedule="step", drop_by=0.04), RATE, EPOCHS, STEPS)
    for epoch, drops in DROPS:
        assert float(rate(epoch * STEPS)) == pytest.approx(RATE - 0.04 * drops)


def test_a_cosine_can_rise_first():
    rate = schedule.make_schedule(Config(rise=0.2), RATE, EPOCHS, STEPS)
    made = [float(rate(step)) for step in (0, 10, 20, 99)]
    assert made == pytest.approx([0, RATE / 2, RATE, 0], abs=1e-3 * RATE)


@pytest.mark.parametrize("name", get_args(experiments.OptimizerName))
def test_each_optimizer_is_that_of_keras(name):
    made = optimizer.make_optimizer(Config(optimizer=name), EPOCHS, STEPS, seed=1)
    assert type(made).__name__.lower() == name
    if name == "sgd":
        assert made.momentum == 0.9


def test_noise_and_average_are_put_around_an_optimizer():
    config = Config(gradient_noise=0.1, average_weights=True)
    made = optimizer.make_optimizer(config, EPOCHS, STEPS, seed=1)
    assert type(made).__name__ == "AveragingNoisySGD"


def test_initializers_are_those_of_the_zoo():
    from sightkit.zoo import initializers

    known = set(get_args(InitializerName)) - {"default", "lsuv"}
    of_some_layers = {"constant", "dirac"}
    assert known == set(initializers._INITIALIZERS) - of_some_layers


@pytest.mark.parametrize(
    ("flags", "whitened"),
    (({}, True), ({"whitening": False}, False), ({"initializer": "he_normal"}, True)),
)
def test_a_whitening_layer_is_given_the_patches_of_training_images(flags, whitened, rng):
    from sightkit import zoo
    from sightkit.experiments.flags.network import begin
    from sightkit.training.whitening import is_whitening

    class Images:
        batch_size = 8

        def set_epoch(self, epoch):
            assert epoch == 0

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return rng.random((8, 9, 9, 3), np.float32), np.zeros(8, int)

    network = zoo.CifarNet((9, 9, 3), 2, filters=(4, 8, 8))
    begin(Config(Path("run"), 1, **flags), network, Images(), ("a", "b"), seed=1)
    assert is_whitening(network.get_layer("whitening")) == whitened


def test_flags_win_over_a_recipe_and_a_recipe_over_a_file(tmp_path):
    assert Config().nesterov is False and Config().epochs == EPOCHS
    assert Config(recipe="reference") == parsed("--recipe", "reference")
    config = parsed("--no-nesterov", "--recipe=reference", "--epochs", "3")
    assert (config.epochs, config.nesterov, config.decay) == (3, False, 0.01 / 40)
    assert config == Config(recipe="reference", epochs=3, nesterov=False)
    run = tmp_path / "other"
    run.mkdir()
    about = {"format": "sightkit-run", "schema": 2, "id": "x", "experiment": "test_flags"}
    stored = Config(epochs=7, batch_size=3, schedule="step", drop_every=2, size=(8, 9))
    (run / "config.json").write_text(json.dumps({**about, **stored.to_json()}))
    given = ("--config", "other/config.json")
    again = parsed(*given, "--batch-size", "4")
    expected = {**vars(stored), "batch_size": 4, "config": Path("other/config.json")}
    assert vars(again) == {**expected, "data": Path("data-size-8-9.h5").absolute()}
    mixed = parsed(*given, "--recipe", "reference", "--drop-every", "None")
    assert (mixed.epochs, mixed.schedule, mixed.batch_size) == (40, "standard", 3)
    assert parsed(*given, "--recipe", "best", "--drop-every", "None").epochs == EPOCHS
    for name, value, message in (
        ("experiment", "train_other", "of a run of this experiment"),
        ("speed", 3, "with their values, alone.*wrong=\\['speed'\\]"),
        ("overwrite", True, "wrong=\\['overwrite'\\]"),
        ("arguments", ["--overwrite"], "wrong=\\['arguments'\\]"),
        ("validation_split", "--overwrite", "wrong=\\['validation_split'\\]"),
    ):
        (run / "config.json").write_text(json.dumps({**about, **stored.to_json(), name: value}))
        with pytest.raises(SightkitError, match=message):
            parsed(*given)
    with pytest.raises(SightkitError, match=r"--config must name the config\.json"):
        parsed("--config", "nothing.json")


@pytest.mark.parametrize("flag", ("--recipe", "--config"))
def test_a_flag_without_its_value_is_reported_once(flag, capsys):
    with pytest.raises(SystemExit):
        parsed(flag)
    assert capsys.readouterr().err.count("expected") <= 1


def test_a_program_takes_a_recipe_as_a_command_does():
    config = Config(Path("run"), 7, recipe="reference", nesterov=False, schedule="cosine")
    assert (config.output, config.epochs, config.decay) == (Path("run"), 7, 0.01 / 40)
    assert (config.nesterov, config.schedule) == (False, "cosine")
    for same in (replace(config, seed=1), copy.copy(config), pickle.loads(pickle.dumps(config))):
        assert same == config and vars(same) == vars(config)
    assert vars(Config()).keys() == {field.name for field in fields(Config)}


def test_what_a_recipe_leaves_unread_is_no_contradiction():
    config = parsed("--recipe", "reference", "--schedule", "cosine")
    assert (config.schedule, config.decay) == ("cosine", 0.01 / 40)
    with pytest.raises(SightkitError, match="--decay is for"):
        parsed("--recipe", "reference", "--schedule", "cosine", "--decay", "0.3")


def test_the_command_of_a_recipe_is_short_and_complete():
    config = Config(recipe="reference", epochs=3)
    assert config.command("x").split("x.py ")[1] == "--recipe reference --epochs 3"


def test_a_smoke_run_of_a_recipe_is_short_too():
    assert Config(recipe="reference", smoke=True).epochs == 2
    assert Config(recipe="reference", smoke=True, epochs=5).epochs == 5


def test_labels_are_soft_where_a_flag_wants_shares(write_dataset):
    file = write_dataset(train=12, validation=6, test=3)
    from sightkit import io

    data = experiments.Data(io.DatasetFile.open(file), 4, 1)
    hard = Config()
    assert make_labels(hard, data.training(), 3, seed=1)[0][1].ndim == 1
    assert loss_of(hard).startswith("sparse")
    smooth = Config(label_smoothing=0.3)
    assert loss_of(smooth) == "categorical_crossentropy"
    held = data.evaluation("validation")
    for labelled in (make_labels(smooth, data.training(), 3, seed=1), make_labels(smooth, held, 3)):
        labels = labelled[0][1]  # of the same loss: the best epoch is that of the lowest
        assert sorted(set(labels.round(6).ravel())) == pytest.approx([0.1, 0.8])
    assert loss_of(Config(end="sigmoids", label_smoothing=0.3)) == "binary_crossentropy"
    hot = make_labels(Config(end="sigmoids"), held, 3)[0][1]
    assert set(hot.ravel()) == {0.0, 1.0} and hot.shape[1] == 3
    for mixing in ({"mixup": 1.0}, {"cutmix": 1.0}):
        mixed = make_labels(Config(**mixing), data.training(), 3, seed=1)
        assert any(((0 < y) & (y < 1)).any() for _, y in (mixed[k] for k in range(3)))


def test_callbacks_are_those_of_the_flags(tmp_path, write_dataset):
    from sightkit import io

    train = experiments.Data(io.DatasetFile.open(write_dataset(train=12)), 4, 1).training()
    assert make_callbacks(Config(), tmp_path, tmp_path, train) == []
    config = Config(patience=3, min_delta=0.1, checkpoint_every=2, monitor_updates=True)
    made = make_callbacks(config, tmp_path, tmp_path / "x", train)
    assert [type(each).__name__ for each in made] == [
        "UpdateRatioMonitor",
        "EpochCheckpoint",
        "EarlyStopping",
    ]
    assert (made[2].patience, made[2].min_delta, made[1].every) == (3, 0.1, 2)


def test_every_flag_has_a_default_of_its_own_kind():
    """So that a recipe, a search and a command line can name each."""
    for field in fields(Config):
        assert (
            field.default is None
            or type(field.default) in (bool, int, float, str, tuple)
            or (isinstance(field.default, Path))
        )


def test_four_fractions_have_a_train_validation_split():
    assert dict(Config(fractions=(0.6, 0.1, 0.2, 0.1)).shares) == {
        "train": 0.6,
        "train_validation": 0.1,
        "validation": 0.2,
        "test": 0.1,
    }


@pytest.mark.parametrize("resized", (False, True))
def test_the_mean_is_that_of_the_training_images(resized, write_dataset):
    from sightkit import io
    from sightkit.preprocessing import Pipeline, SimplePreprocessor, from_config

    file = io.DatasetFile.open(write_dataset(train=300, validation=6, test=3))
    resize = SimplePreprocessor(4, 4) if resized else None
    before = (lambda image: image) if resize is None else resize
    train = file.memmap()[slice(*file.rows("train"))]
    seen = np.stack([before(image) for image in train])
    for mean, expected in (("image", seen.mean(axis=0)), ("channel", train.mean()), ("none", 0.0)):
        chain = Pipeline(to_floats(Config(mean=mean), file, resize))
        found = chain(seen[7])
        np.testing.assert_allclose(found, (seen[7] - expected) / 255, atol=1e-5)
        assert from_config(chain.to_config())(seen[7]).tolist() == found.tolist()


def test_arguments_of_the_network_are_json_or_text():
    config = Config(arguments=("dropout=0.3", "activation=elu", "stages=[3, 3]", "norm=null"))
    found = {"dropout": 0.3, "activation": "elu", "stages": [3, 3], "norm": None}
    assert config.builder_arguments == found
