"""A checkout whose only experiment is a stand-in, which takes a second."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sightkit.experiments.ledger_wanted import Checkout

FAKE = Path(__file__).with_name("fake_experiment.py")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Checkout]:
    """``checkout("seeds = 2", 'recipe = "reference"')``: an entry of the list for each text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    shutil.copy(FAKE, tmp_path / "mine")
    found = Checkout(tmp_path, tmp_path / "runs" / "ledger")

    def make(*entries: str) -> Checkout:
        lines = [f'[[wanted]]\nexperiment = "mine/{FAKE.name}"\n{entry}\n' for entry in entries]
        found.results.with_suffix(".toml").write_text("\n".join(lines))
        return found

    return make
