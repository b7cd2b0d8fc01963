"""Training several networks that will answer as one: members and snapshots."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import TypedDict

from sightkit import _files, _folders, _locks, _run_files, _schema
from sightkit import io as sightkit_io
from sightkit._errors import Interrupted, SightkitError
from sightkit._keras import start_keras
from sightkit._schema import Name, Names
from sightkit.experiments import boosting
from sightkit.experiments.bagging import bag
from sightkit.training.run_config import take_folder
from sightkit.training.run_folder import claim, drop_checkpoints

if TYPE_CHECKING:
    from sightkit.experiments.config import Config

FORMAT = "sightkit-ensemble"
DESCRIPTION = "ensemble.json"


def train(
    main: Callable[..., dict[str, Any]], base: Any, folder: Path, settings: dict[str, Any]
) -> None:
    """Train the members of an ensemble; finished ones stay, an interrupted one is resumed.

    Args:
        main: of the experiment's script.
        base: the experiment's configuration.
        folder: of the ensemble.
        settings: of ``write_ensemble``: ``experiment``, ``members`` (paths of bundles) and
            ``kind``, by which members differ: ``"seeds"``, ``"bagging"``, ``"boosting"`` or
            ``"snapshots"``.

    Raises:
        SightkitError: another ensemble's folder, epochs that are no multiple of the snapshots, or
            a boosted member that is not better than chance.
        Interrupted: a signal came; the same command continues.
    """
    experiment, kind, count = settings["experiment"], settings["kind"], len(settings["members"])
    if kind == "snapshots":
        _require_cycles(base, count)
    write_ensemble(folder, settings)
    with _lock(folder):
        try:
            if kind == "snapshots":
                _train_snapshots(main, experiment, base, folder, count)
                return
            for number in range(1, count + 1):
                _train_member(main, experiment, base, folder, number, kind)
        except Interrupted as stopped:
            text = str(stopped).split(" Give the same command")[0]
            raise Interrupted(f"{text} The same command continues.", stopped.exit_code) from None


def _train_member(
    main: Callable[..., Any], experiment: str, base: Any, folder: Path, number: int, kind: str
) -> None:
    bundles = [folder / f"member-{k}" / _run_files.BUNDLE for k in range(1, number + 1)]
    run, seed = bundles[-1].parent, base.seed + number - 1
    drawn, boosted = kind in ("bagging", "boosting"), kind == "boosting"
    data = folder / "data" / f"member-{number}.h5" if drawn else base.data
    member = _resumable(base, run, seed=seed, data=data, keep="bundle")
    finished = is_finished(member, experiment)
    if finished and (not boosted or (run / boosting.VOTE).exists()):
        if boosted:
            boosting.read_votes(bundles)
        drop_checkpoints(run)  # of one that was killed before it did
        if drawn:
            data.unlink(missing_ok=True)
        print(f"Member {number} is finished.", flush=True)
        return
    print(f"Member {number}: seed {seed}", flush=True)
    votes = boosting.read_votes(bundles[:-1]) if boosted else []
    if drawn:
        start_keras()
        from sightkit.training.search.data import ensure_data

        ensure_data(main, base, folder)
        if boosted:
            boosting.boost(base.data, data, seed, votes)
        else:
            bag(base.data, data, seed)
    if not finished:
        _forget_layers()
        main(member)
    if boosted:
        made = boosting.write_vote(bundles[-1], base.data, votes)
        about = f"weighted error {100 * made['error']:.2f} %, vote {made['vote']:.2f}"
        print(f"Member {number}: {about}", flush=True)
    if drawn:
        data.unlink()  # can be drawn again, the same


def _train_snapshots(
    main: Callable[..., Any], experiment: str, base: Any, folder: Path, count: int
) -> None:
    run, every = folder / "training", base.epochs // count
    weights = run / _run_files.CHECKPOINTS
    member = _resumable(base, run, keep="checkpoint")
    bundles = [folder / f"member-{k}" / _run_files.BUNDLE for k in range(1, count + 1)]
    if all(bundle.is_dir() for bundle in bundles):
        print("All snapshots are taken.")
    else:
        start_keras()
        if not is_finished(member, experiment):
            from sightkit.callbacks import SnapshotCycles

            _forget_layers()
            snapshots = SnapshotCycles(weights, every=every, highest=base.learning_rate)
            main(member, callbacks=[snapshots])
        taken = [weights / f"epoch-{every * k:05d}.weights.h5" for k in range(1, count + 1)]
        save_snapshots(run, taken, bundles)
    drop_checkpoints(run)
    _files.remove(run / _run_files.BUNDLE)  # the last snapshot, or the best epoch between two


def _resumable(base: Any, folder: Path, **fields: Any) -> Any:
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
    for name in ("schedule", "patience"):
        if base.is_given(name):
            raise SightkitError(
                f"--snapshots has its own course of the rate, to its end: --{name} is not for it.",
                "Leave it out of --flags.",
                **{name: getattr(base, name)},
            )


def is_finished(config: Config, experiment: str) -> bool:
    """Return whether a member's training is complete, with this configuration.

    Raises:
        SightkitError: the folder holds another configuration's.
    """
    made = (config.output / name for name in (_run_files.BUNDLE, _run_files.METRICS))
    return claim(config, experiment) and all(path.exists() for path in made)


def save_snapshots(run: Path, weights: Sequence[Path], folders: Sequence[Path]) -> None:
    """Write a bundle for each file of weights; all else is that of a run's bundle.

    Args:
        run: folder of the run that the snapshots were taken of.
        weights: files that ``callbacks.SnapshotCycles`` wrote.
        folders: of the bundles, one for each file.
    """
    from sightkit.training.bundle import load_bundle
    from sightkit.training.bundle_format import CANARY
    from sightkit.training.bundle_writer import save_bundle

    bundle = load_bundle(run / _run_files.BUNDLE)
    canary = sightkit_io.read_image(run / _run_files.BUNDLE / CANARY)
    for path, folder in zip(weights, folders, strict=True):
        bundle.network.load_weights(path)
        save_bundle(
            folder,
            bundle.network,
            preprocessing=bundle.preprocessing,
            class_names=bundle.class_names,
            canary=canary,
            training={**bundle.description["training"], "snapshot": path.name},
            training_rows=bundle.training_rows,
        )


class EnsembleDescription(TypedDict):
    """The settings of an ensemble, in its folder."""

    format: Literal["sightkit-ensemble"]
    schema: Literal[1]
    experiment: Name
    kind: Literal["seeds", "bagging", "boosting", "snapshots"]
    members: Names
    data: Name
    config: dict[str, Any]


def write_ensemble(folder: Path, settings: dict[str, Any]) -> None:
    """Write the settings of an ensemble, or compare those that are stored.

    Args:
        folder: of the ensemble.
        settings: JSON; an ensemble that is continued must have the same.

    Raises:
        SightkitError: the folder holds another ensemble, or other things.
    """
    take_folder(
        folder,
        DESCRIPTION,
        FORMAT,
        settings,
        "The output folder holds another ensemble",
        "Give the flags of that one, or another --output.",
    )


def drop(folder: Path) -> None:
    """Delete an ensemble.

    Raises:
        SightkitError: the folder holds other things, or another process trains members in it.
    """
    if _folders.read_own(folder, DESCRIPTION, FORMAT) is not None:
        with _lock(folder):
            _folders.drop(folder)


def _lock(folder: Path) -> _locks.FileLock:
    return _locks.FileLock(folder / _run_files.LOCK, f"the ensemble {folder.name}")


def read_ensemble(folder: Path) -> dict[str, Any]:
    """Return the settings that ``write_ensemble`` stored.

    Raises:
        SightkitError: the folder holds no ensemble.
    """
    path, way = folder / DESCRIPTION, "scripts/ensemble.py makes one; or name the bundles."
    if not path.is_file():
        rule = f"An ensemble is a folder that holds {DESCRIPTION}."
        raise SightkitError(rule, way, folder=str(folder))
    found: dict[str, Any] = dict(_schema.read(path, EnsembleDescription, way))
    members = [Path(name).parts for name in found["members"]]
    inside = all(len(parts) == 2 and not {"/", ".."} & {*parts} for parts in members)
    if not inside or len(set(members)) < len(members):
        rule = f"The members of {DESCRIPTION} must be bundles in its folder, each once."
        raise SightkitError(rule, way, folder=str(folder), members=found["members"])
    return found


def find_members(paths: Sequence[Path], data: Path | None = None) -> tuple[dict[str, Path], Path]:
    """Find the bundles of an ensemble by name, and the data to evaluate them on.

    Args:
        paths: the folder of an ensemble, or the bundles.
        data: in place of an ensemble's own; bundles have none.

    Raises:
        SightkitError: no ensemble, one whose members are not all trained, or bundles without data.
    """
    if len(paths) > 1:
        if data is None:
            raise SightkitError("Name the data to evaluate on.", "Give --data FILE_OR_FOLDER.")
        return {str(path): path for path in paths}, data
    (folder,) = paths
    found = read_ensemble(folder)
    bundles = {Path(name).parts[0]: folder / name for name in found["members"]}
    if missing := [name for name, bundle in bundles.items() if not bundle.is_dir()]:
        raise SightkitError(
            "All members must be trained first.",
            "Give ensemble.py its command again: it continues.",
            missing=missing,
        )
    return bundles, data or Path(found["data"])


def find_votes(paths: Sequence[Path], bundles: Sequence[Path]) -> list[float] | None:
    """Return the members' votes of a boosted ensemble; None for others, whose votes are equal.

    Args:
        paths: as ``find_members`` takes them.
        bundles: that it found.

    Raises:
        SightkitError: a member without its vote, or with that of other weights.
    """
    if len(paths) > 1 or read_ensemble(paths[0])["kind"] != "boosting":
        return None
    return [vote["vote"] for vote in boosting.read_votes(bundles)]
