"""Train an ensemble: several networks of one experiment, better together than each alone.

    python scripts/ensemble.py train_minivggnet_cifar10 --members 5
    python scripts/ensemble.py train --members 5 --bagging
    python scripts/ensemble.py train --members 5 --boosting
    python scripts/ensemble.py train_lenet_digits --members 4 --snapshots --flags="--seed 2"
    python scripts/evaluate_ensemble.py runs/ensembles/train_minivggnet_cifar10

Members differ by their seed: first weights, order, augmentation. With ``--bagging`` each is also
trained on its own draw, with replacement, of the training images; with ``--boosting`` images that
the members before it answer wrongly are drawn more often, and the better a member, the more its
vote counts (SAMME, Zhu et al. 2009: AdaBoost for several classes). It is for networks too small to
learn all training images: where few are answered wrongly, the next member sees little but these.
``--snapshots`` trains one network only, whose rate falls to zero once for each member, and keeps
the weights of each low.

The same command continues after a stop or a kill: finished members stay, an interrupted one
is resumed. Time: as many times the experiment's as there are members (with --snapshots: once). Of
each member its bundle stays, and no checkpoint.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _run_files, _scripts, training
from sightkit._errors import SightkitError, require_at_least
from sightkit.experiments import ensemble, scripts


@dataclass(frozen=True)
class Config:
    """Train the members of an ensemble."""

    experiment: Annotated[str, tyro.conf.Positional] = "train_lenet_digits"
    """Name of a script, train_lenet_digits, or the path of your own."""
    members: int = 5
    """Number of networks."""
    bagging: bool = False
    """Draw the training images of each member anew, with replacement."""
    boosting: bool = False
    """Draw the images that earlier members answer wrongly more often, and weigh the votes."""
    snapshots: bool = False
    """Train once; members are the weights at the end of each cycle of the rate."""
    flags: str = ""
    """Further flags of the script, in quotes, as a shell reads them."""
    output: Path | None = None
    """Folder of the ensemble; runs/ensembles/EXPERIMENT by default."""
    smoke: bool = False
    """Two members of the script's own smoke run; the result means nothing."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, members=2)
        if len(given := self._kinds) > 1:
            raise SightkitError(
                "Members differ in one way: by --bagging, --boosting or --snapshots.",
                "Give one of them.",
                given=given,
            )

    @property
    def name(self) -> str:
        """The experiment as its runs name it."""
        return Path(self.experiment).stem

    @property
    def _kinds(self) -> list[str]:
        return [kind for kind in ("bagging", "boosting", "snapshots") if getattr(self, kind)]

    @property
    def kind(self) -> str:
        """Difference between members."""
        return self._kinds[0] if self._kinds else "seeds"

    @property
    def folder(self) -> Path:
        """Folder of the ensemble."""
        parts = [self.name, "" if self.kind == "seeds" else self.kind, self.smoke and "smoke"]
        return self.output or Path("runs/ensembles") / "-".join(part for part in parts if part)


def main(config: Config) -> dict[str, Any]:
    script = scripts.load_experiment(config.experiment)
    base = scripts.parse_flags(script, config.flags, smoke=config.smoke)
    count = min(config.members, 2) if config.smoke else config.members
    settings = {
        "experiment": config.name,
        "kind": config.kind,
        "members": [f"member-{k}/{_run_files.BUNDLE}" for k in range(1, count + 1)],
        "data": str(base.data.resolve()),
        "config": base.to_json(),
    }
    if config.smoke and config.output is None:
        ensemble.drop(config.folder)
    scripts.expect_several_networks()
    ensemble.train(script.main, base, config.folder, settings)
    size = training.bytes_of(config.folder) / 1e6
    print(f"{count} members are in {config.folder}, {size:,.1f} MB. Evaluate them:")
    print(f"  {shlex.join([*_scripts.command('evaluate_ensemble'), str(config.folder)])}")
    return settings


if __name__ == "__main__":
    _cli.run(main, Config)
