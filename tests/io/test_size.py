"""--size is one flag with one meaning, in every script that has it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from sightkit import _scripts, experiments
from sightkit._errors import SightkitError
from sightkit.io import SizeFlags


@dataclass(frozen=True)
class Config(SizeFlags):
    size: tuple[int, ...] = (64, 64)


@pytest.mark.parametrize(
    ("given", "size"),
    [(32, (32, 32)), ((32,), (32, 32)), ((32, 160), (32, 160)), ([1, 2], (1, 2))],
)
def test_one_number_is_both_height_and_width(given, size):
    config = Config(size=given)
    assert config.size == (config.height, config.width) == size


@pytest.mark.parametrize("given", [(), 0, (0, 5), (5, -1), (1, 2, 3), (1.5,), ("a",), (True,)])
def test_other_sizes_are_refused(given):
    with pytest.raises(SightkitError, match=r"--size must be height and width.*size="):
        Config(size=given)


def test_no_size_is_for_scripts_without_one_of_their_own():
    assert SizeFlags().size == ()


def names_with_size() -> list[str]:
    return [
        name
        for name in _scripts.scripts()
        if name.startswith(("build_", "train_", "finetune", "import_"))
        and name != "train_logistic"
        and not issubclass(_scripts.load(name).Config, experiments.EstimatorConfig)
    ]


@pytest.mark.parametrize("name", names_with_size())
def test_every_script_that_resizes_takes_height_and_width(name):
    config = _scripts.load(name).Config
    assert issubclass(config, SizeFlags)
    given = config(size=(32, 160), smoke=True)
    assert (given.height, given.width) == (32, 160)
    default = next(field.default for field in fields(config) if field.name == "size")
    assert default == config(smoke=True).size  # a default of one number would be another


@pytest.mark.parametrize("name", names_with_size())
def test_no_script_resizes_to_a_number_of_its_own(name):
    """What a build script stores, and what a training script with a size of its own takes."""
    script = _scripts.load(name)
    if script.Config.size and not getattr(script.Config, "builder", ""):
        if getattr(script.Config, "source", None):  # what it stores is its Config's
            *_, resize = script.Config(size=(32, 160), smoke=True).preprocessors.steps
            assert (resize.height, resize.width) == (32, 160)
            return
        text = Path(script.__file__).read_text()
        assert "config.width, config.height" in text and "Preprocessor(config.height" not in text
