from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sightkit import experiments
from sightkit._errors import SightkitError

optuna = pytest.importorskip("optuna")
from optuna.distributions import (  # noqa: E402
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    json_to_distribution,
)

from sightkit.training.search.space import (  # noqa: E402
    default_space,
    defaults,
    draw,
    narrowed,
    parse_space,
    space_to_json,
    with_values,
)


@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("run")
    data: Path = Path("data.h5")
    epochs: int = 8
    batch_size: int = 32
    learning_rate: float = 0.05
    reg: float = 0.0
    activation: str = "relu"


def test_what_a_command_line_says():
    texts = (
        "learning_rate=1e-4:1e-1:log",
        "reg=0:0.5",
        "batch-size=32, 64,128",
        "drop-every=2:9",
        "activation=relu,elu",
        "schedule=cosine,one_cycle",
        "rise=0.1:0.3",
        "augment=true,false",
        "arguments.dropout=0.1:0.5",
        "arguments.normalization=batch,layer",
        "arguments.depth=1,2",
        "arguments.filters=[32,64],[64],[32, 64, 128]",
    )
    assert parse_space(texts, Config()) == {
        "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
        "reg": FloatDistribution(0.0, 0.5),
        "batch_size": CategoricalDistribution((32, 64, 128)),
        "drop_every": IntDistribution(2, 9),
        "activation": CategoricalDistribution(("relu", "elu")),
        "schedule": CategoricalDistribution(("cosine", "one_cycle")),
        "rise": FloatDistribution(0.1, 0.3),
        "augment": CategoricalDistribution((True, False)),
        "arguments.dropout": FloatDistribution(0.1, 0.5),
        "arguments.normalization": CategoricalDistribution(("batch", "layer")),
        "arguments.depth": CategoricalDistribution((1, 2)),
        "arguments.filters": CategoricalDistribution(("[32,64]", "[64]", "[32, 64, 128]")),
    }


def test_values_of_a_trial_become_flags_and_arguments():
    config = Config(arguments=("dropout=0.1", "depth=3"))
    values = {"arguments.dropout": 0.4, "augment": False, "schedule": "linear"}
    found = with_values(config, values, epochs=2)
    assert found.builder_arguments == {"dropout": 0.4, "depth": 3}
    assert (found.augment, found.schedule, found.epochs) == (False, "linear", 2)
    space = parse_space(("rise=0.1:0.3", "arguments.dropout=0.1:0.5", "reg=0:1"), config)
    assert defaults(space, config) == {"reg": 0.0}


@pytest.mark.parametrize(
    "text",
    (
        "learning_rate",
        "learning_rate=",
        "learning_rate=a:b",
        "learning_rate=1:2:3",
        "learning_rate=1e-4:1e-1:log:log",
        "learning_rate=0:1:log",
        "learning_rate=2:1",
        "learning_rate=1:nan",
        "rate=1:2",
        "batch_size=1.5,2",
        "activation=1:2",
        "smoke=0,1",
        "arguments=3",
        "reg.x=0:1",
        "size=8,16",
        "output=a,b",
        "epochs=2:9",
        "preflight=on,off",
        "resume=true,false",
    ),
)
def test_what_is_no_dimension_is_refused(text):
    with pytest.raises(SightkitError, match="Received"):
        parse_space((text,), Config())


def test_a_field_is_named_once():
    with pytest.raises(SightkitError, match="each one once"):
        parse_space(("reg=1:2", "reg=3:4"), Config())


def test_the_default_space():
    assert default_space(Config(reg=1e-3)) == {
        "learning_rate": FloatDistribution(0.05 / 100, 5.0, log=True),
        "reg": FloatDistribution(1e-5, 0.1, log=True),
        "batch_size": CategoricalDistribution((16, 32, 64)),
    }
    assert set(default_space(Config(batch_size=1))) == {"learning_rate", "batch_size"}
    assert default_space(Config(batch_size=1))["batch_size"] == CategoricalDistribution((1, 2))


def test_the_logarithm_is_uniform():
    values = [
        draw({"a": FloatDistribution(1e-4, 1.0, log=True)}, 1, 0, n)["a"] for n in range(2000)
    ]
    counts, _ = np.histogram(np.log10(values), bins=4, range=(-4, 0))
    assert counts.sum() == 2000 and counts.min() > 430
    linear = [draw({"a": IntDistribution(2, 4)}, 1, 0, n)["a"] for n in range(50)]
    assert set(linear) == {2, 3, 4}
    chosen = [draw({"a": CategoricalDistribution(("x", "y"))}, 1, 0, n)["a"] for n in range(50)]
    assert set(chosen) == {"x", "y"}


def test_values_are_a_function_of_seed_stage_and_number():
    space = {"a": FloatDistribution(0, 1), "b": FloatDistribution(0, 1)}
    first = draw(space, 1, 0, 0)
    assert draw(dict(reversed(space.items())), 1, 0, 0) == first
    others = [draw(space, *key) for key in ((2, 0, 0), (1, 1, 0), (1, 0, 1))]
    numbers = [value for values in (first, *others) for value in values.values()]
    assert len(set(numbers)) == 8


def test_around_the_best_it_is_narrower_and_stays_inside():
    space = {
        "rate": FloatDistribution(1e-4, 1.0, log=True),
        "size": CategoricalDistribution((16, 32, 64)),
        "depth": IntDistribution(1, 21),
    }
    best = [{"rate": 1e-3, "size": 32, "depth": 4}, {"rate": 1e-2, "size": 16, "depth": 20}]
    found = narrowed(space, best)
    assert found["rate"].low == pytest.approx(10**-3.4)
    assert found["rate"].high == pytest.approx(10**-1.6)
    assert found["size"] == CategoricalDistribution((16, 32))
    assert found["depth"] == IntDistribution(2, 21)
    stored = {name: json_to_distribution(json.dumps(v)) for name, v in space_to_json(found).items()}
    assert stored == found
