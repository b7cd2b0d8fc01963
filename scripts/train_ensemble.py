"""Train several networks of one experiment, that answer better together than each alone.

    python scripts/train_ensemble.py train_minivggnet_cifar10 --members 5
    python scripts/train_ensemble.py train_minivggnet_photos --members 5 --bagging
    python scripts/train_ensemble.py train_lenet_digits --members 4 --snapshots --flags="--seed 2"
    python scripts/test_ensemble.py runs/ensembles/train_minivggnet_cifar10

Members differ by their seed: first weights, order, augmentation. With ``--bagging`` each is also
trained on its own draw, with replacement, of the training images. ``--snapshots`` trains one
network only, whose rate falls to zero once for each member, and keeps the weights of each low.

The same command goes on after a stop or a kill: members that are finished are kept, the one that
was cut goes on where it was. Time and disk: as many times the experiment's as there are members
(with --snapshots: once).
"""

from __future__ import annotations

import dataclasses
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _files, _run_files, _scripts
from sightkit._errors import Interrupted, SightkitError
from sightkit.experiments import scripts


@dataclass(frozen=True)
class Config:
    """Train the members of an ensemble."""

    experiment: Annotated[str, tyro.conf.Positional] = "train_lenet_digits"
    """Name of a script, train_lenet_digits, or the path of your own."""
    members: int = 5
    """Networks that will answer together."""
    bagging: bool = False
    """Each member has its own draw of the training images."""
    snapshots: bool = False
    """One training; its members are the weights at the end of each cycle of the rate."""
    flags: str = ""
    """Further flags of the script, in quotes, as a shell reads them."""
    output: Path | None = None
    """Folder of the ensemble; runs/ensembles/EXPERIMENT by default."""
    smoke: bool = False
    """Two members of the script's own smoke run; the result means nothing."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.members < 2:
            raise SightkitError("--members must be at least 2.", members=self.members)
        if self.bagging and self.snapshots:
            raise SightkitError(
                "--snapshots trains once, on one set of images: give it or --bagging.",
                "Leave one of them out.",
            )

    @property
    def name(self) -> str:
        """The experiment as its runs name it."""
        return Path(self.experiment).stem

    @property
    def kind(self) -> str:
        """What members differ by."""
        return "bagging" if self.bagging else "snapshots" if self.snapshots else "seeds"

    @property
    def folder(self) -> Path:
        """Where the ensemble lies."""
        parts = [self.name, "" if self.kind == "seeds" else self.kind, self.smoke and "smoke"]
        return self.output or Path("runs/ensembles") / "-".join(part for part in parts if part)


def main(config: Config) -> dict[str, Any]:
    script = scripts.load_experiment(config.experiment)
    base = scripts.parse_flags(script, config.flags, smoke=config.smoke)
    count = min(config.members, 2) if config.smoke else config.members
    from sightkit.experiments.ensemble import write_ensemble

    if config.snapshots:
        _require_cycles(base, count)
    if config.smoke and config.output is None:
        shutil.rmtree(config.folder, ignore_errors=True)
    settings = {
        "experiment": config.experiment,
        "kind": config.kind,
        "members": [f"member-{k}/{_run_files.BUNDLE}" for k in range(1, count + 1)],
        "data": str(base.data),
        "config": base.to_json(),
    }
    write_ensemble(config.folder, settings)
    scripts.expect_several_networks()
    with _files.FileLock(config.folder / _run_files.LOCK, f"the ensemble {config.folder.name}"):
        try:
            if config.snapshots:
                _train_snapshots(config, script, base, count)
            else:
                for number in range(1, count + 1):
                    _train_member(config, script, base, number)
        except Interrupted as stopped:
            text = str(stopped).split(" Give the same command")[0]
            raise Interrupted(f"{text} The same command goes on.", stopped.exit_code) from None
    print(f"{count} members lie in {config.folder}. Judge them:")
    print(f"  {shlex.join([*_scripts.command('test_ensemble'), str(config.folder)])}")
    return settings


def _train_member(config: Config, script: Any, base: Any, number: int) -> None:
    """Train one member to its end; go on where it was cut, and leave it alone if it is finished."""
    from sightkit.experiments import ensemble

    folder, seed = config.folder / f"member-{number}", base.seed + number - 1
    data = config.folder / "data" / f"member-{number}.h5" if config.bagging else base.data
    member = _told(base, folder, seed=seed, data=data)
    if ensemble.is_finished(folder, config.name, member):
        print(f"Member {number} is finished.", flush=True)
        return
    print(f"Member {number}: seed {seed}", flush=True)
    if config.bagging:
        _cli.start_keras()
        from sightkit.training.search.trial import ensure_data

        ensure_data(script.main, base, config.folder)
        ensemble.bag(base.data, data, seed)
    _forget_layers()
    script.main(member)
    if config.bagging:
        data.unlink()  # drawn again, the same, if ever it is wanted


def _train_snapshots(config: Config, script: Any, base: Any, count: int) -> None:
    from sightkit.experiments import ensemble

    run = config.folder / "training"
    member = _told(base, run)
    every = base.epochs // count
    folders = [config.folder / f"member-{k}" / _run_files.BUNDLE for k in range(1, count + 1)]
    if not ensemble.is_finished(run, config.name, member):
        _cli.start_keras()
        from sightkit.callbacks import SnapshotCycles

        taken = config.folder / _run_files.CHECKPOINTS
        cycles = SnapshotCycles(taken, every=every, highest=base.learning_rate)
        _forget_layers()
        script.main(member, callbacks=[cycles])
    elif all(folder.is_dir() for folder in folders):
        print("All snapshots are taken.")
        return
    _cli.start_keras()
    names = [f"epoch-{every * k:05d}.weights.h5" for k in range(1, count + 1)]
    weights = [config.folder / _run_files.CHECKPOINTS / name for name in names]
    ensemble.save_snapshots(run, weights, folders)


def _told(base: Any, folder: Path, **fields: Any) -> Any:
    return dataclasses.replace(base, output=folder, resume=True, overwrite=False, **fields)


def _forget_layers() -> None:
    """Let layers be named as in a process of its own."""
    if "keras" in sys.modules:
        import keras

        keras.backend.clear_session()


def _require_cycles(base: Any, count: int) -> None:
    if base.epochs % count:
        raise SightkitError(
            "The epochs must be a multiple of --members: each snapshot ends a cycle.",
            f'Give --flags="--epochs {max(1, base.epochs // count) * count}", for example.',
            epochs=base.epochs,
            members=count,
        )
    if not hasattr(base, "learning_rate"):
        raise SightkitError(
            "--snapshots needs an experiment whose Config has a learning_rate.",
            "It is the highest rate of each cycle.",
        )


if __name__ == "__main__":
    _cli.run(main, Config)
