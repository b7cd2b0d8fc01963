"""A bit that has flipped anywhere is found before a result is there, or changes no result."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hostile import Change, Changes, Trials, attack, bit_flips
from test_hostile_run import NEWEST

from sightkit.training.state import _read_checkpoint

FLIPS = 1_000


def flips_in_folder(count: int, seed: int) -> Changes:
    """Flip a bit of any file of a folder; as likely in each byte."""

    def flip(number: int) -> Change:
        def change(folder: Path) -> None:
            draw = random.Random(seed * 1_000_003 + number)
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            sizes = [path.stat().st_size for path in files]
            (path,) = draw.choices(files, sizes)
            content = bytearray(path.read_bytes())
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
            path.write_bytes(content)

        return change

    return {f"bit {number}": flip(number) for number in range(count)}


@pytest.mark.faults
@pytest.mark.parametrize("kind", ("dataset", "features"))
def test_files_of_rows(kind: str, trials: Trials) -> None:
    attack(f"bit rot: {kind}", trials, kind, trials.make(kind), bit_flips(FLIPS, 7))


@pytest.mark.faults
def test_bundles(trials: Trials) -> None:
    changes = flips_in_folder(FLIPS // 2, 8)
    attack("bit rot: bundles", trials, "bundle", trials.make("network"), changes)
    bundle = trials.make("heads") / "random_forest"
    attack("bit rot: bundles", trials, "bundle", bundle, flips_in_folder(FLIPS // 2, 9))


@pytest.mark.faults
def test_checkpoints(trials: Trials, tmp_path: Path) -> None:
    folder = trials.make("run_data")
    if not (folder / "run").exists():
        trials.run("begin", folder)
    sound = folder / "run" / "checkpoints" / NEWEST
    state, arrays = _read_checkpoint(sound)
    refused = 0
    for change in bit_flips(FLIPS, 10).values():
        path = tmp_path / sound.name
        path.write_bytes(sound.read_bytes())
        change(path)
        try:
            found, values = _read_checkpoint(path)
        except ValueError as error:
            assert "\n" not in str(error)
            refused += 1
            continue
        assert found == state and list(values) == list(arrays)
        assert all(np.array_equal(values[name], arrays[name], equal_nan=True) for name in arrays)
    print(f"{refused} of {FLIPS} refused, the others as they were written")
    assert refused > FLIPS / 2


@pytest.mark.faults
def test_a_bundle_takes_four_times_its_weights(trials: Trials) -> None:
    """Beside what a small one takes: Keras itself."""
    small, large = trials.make("network"), trials.make("large_network")
    weights = (large / "model.weights.h5").stat().st_size / 2**20
    usual, found = (trials.run("bundle", path) for path in (small, large))
    assert found["outcome"] == usual["outcome"] == "answered"
    assert found["megabytes"] - usual["megabytes"] <= 4 * weights
