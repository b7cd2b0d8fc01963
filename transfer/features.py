"""From photos to a file of features, block by block; a run that was killed goes on."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import zoo
from sightkit._errors import SightkitError, printable
from sightkit._scripts import warn
from sightkit.io import HDF5DatasetWriter, LeftOut, check_place
from sightkit.io.build.dataset import list_of, refuse_left_out
from sightkit.io.build.recipe import OtherRecipe, as_json, open_same
from sightkit.io.depth import report_depth
from sightkit.io.hdf5.values import mean_bytes
from sightkit.io.left_out import Finding, check_list, write_list
from sightkit.io.threads import progress
from sightkit.transfer.added_photos import stored_features, write_with_stored
from sightkit.transfer.feature_batches import EXAMPLES, feature_batches
from sightkit.transfer.feature_file import KEY, KIND, Features, open_features
from sightkit.transfer.photo_source import Originals, PhotoSource

if TYPE_CHECKING:
    from sightkit.inference import EngineName
    from sightkit.transfer.feature_network import FeatureNetwork

LEAST_SIDE = 0.5
"""Of what a network takes: smaller images of a dataset file are reported."""
ENGINE = ("engine", "precision")


def extract_features(
    network: FeatureNetwork,
    photos: PhotoSource,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    engine: EngineName = "auto",
    precision: str = "float32",
    cache: str | os.PathLike[str] | None = None,
    max_bad: float = 1.0,
) -> Features:
    """Write the features of photos to a file, or open it if it exists.

    Images are decoded on all cores while the network runs. What was written stays when the process
    dies: the same call goes on with it and ends with the same file. Where photos were added to a
    folder, changed or removed since, those that are new or changed are done, and the features of
    the others stay. Images that cannot be read are counted, reported and listed beside the file in
    ``NAME.left_out.csv``.

    Args:
        network: from ``open_network``.
        photos: from ``open_photos``.
        path: the file, .h5 or .hdf5.
        overwrite: write the file anew, whatever is there.
        engine: what computes all of them, see ``inference.compile``; ``"auto"`` goes by their
            number.
        precision: what the network computes in, ``"float32"`` or ``"bfloat16"``; features are
            float32 either way.
        cache: folder where the converted network is saved for the next process.
        max_bad: share of photos, 0 to 1, that may be left out because they cannot be read, have no
            class or are lost in another way (``ImageSource.lost``).

    Returns:
        The file, opened.

    Raises:
        SightkitError: a file of other photos or of another network, whole or unfinished; no room;
            no image that can be read, or none of a class; more left out than ``max_bad``; features
            that are no numbers; an engine that fails on the way.
    """
    path = Path(path)
    check_place(path)
    check_list(list_of(path))
    count, stored = len(photos.rows), None
    names = [printable(photos.images.identify(int(row))) for row in photos.rows]
    if path.exists() and not overwrite:
        found = open_features([path]).networks[0]
        recipe = _recipe(network, photos)
        wanted = {key: value for key, value in recipe["network"].items() if key not in ENGINE}
        if wanted.items() <= found.items():
            stored = stored_features(path, recipe, photos, names)
        if stored is None:
            return _open_same(path, network, photos, precision)
        engine, precision = found["engine"], found["precision"]
    _report_enlarged(network, photos)
    _refuse_left_out(photos, [], path, max_bad)
    examples = _readable(photos, EXAMPLES.get(precision, 8))
    network = network.for_many(count, examples, engine=engine, precision=precision, cache=cache)
    recipe = _recipe(network, photos)
    if stored is not None and not stored.agree(network, photos, names):
        stored = None
    with (
        report_depth(),
        HDF5DatasetWriter(
            (count, network.identity["dimensions"]),
            path,
            class_names=photos.images.class_names,
            splits=photos.splits,
            data_key=KEY,
            dtype="float32",
            preprocessing=network.identity["preprocessing"],
            recipe=recipe,
            overwrite=overwrite or path.exists(),  # what exists was looked at above
            place=photos.place,
            source_bytes=mean_bytes(names),
            groups=None if photos.groups is None else photos.groups[photos.rows],
            resumable=stored is None,
        ) as writer,
    ):
        if writer.position:
            warn(f"Going on after {writer.position:,} of {count:,} photos.")
        if stored is None:
            _write(writer, network, photos, names)
        else:
            write_with_stored(writer, network, photos, names, stored)
            warn(
                f"{count - len(stored.row_of):,} of {count:,} photos are new or changed; the "
                "features of the others stay."
            )
        bad = [Finding(each.source, each.reason) for each in writer.left_out]
        bad += [Finding(name, why, kind="left out") for name, why in photos.images.left_out]
        write_list(list_of(path), bad)
        _refuse_left_out(photos, writer.left_out, path, max_bad)
    if writer.left_out:
        warn(
            f"{len(writer.left_out):,} of {count:,} photos cannot be read and were left out; they "
            f"are listed in {list_of(path).name}."
        )
    return open_features([path])


def _refuse_left_out(
    photos: PhotoSource, unreadable: Sequence[LeftOut], path: Path, max_bad: float
) -> None:
    """Raise if more photos are left out than may be, or all photos of a class are."""
    images = photos.images
    bad = {int(photos.rows[each.position]): each.reason for each in unreadable}
    refuse_left_out(path, images, bad, max_bad)
    usable = np.setdiff1d(photos.rows, list(bad))
    counts = np.bincount(images.labels[usable], minlength=len(images.class_names))
    if not counts.all():
        raise SightkitError(
            "Each class must have a photo that can be read.",
            f"The others are listed in {list_of(path)}: fix or replace them.",
            classes=[images.class_names[label] for label in np.flatnonzero(counts == 0)],
        )


def _report_enlarged(network: FeatureNetwork, photos: PhotoSource) -> None:
    wanted = (network.predictor.input_shape or (None, None))[1]
    if wanted and photos.side and photos.side < LEAST_SIDE * wanted:
        warn(
            f"The file's images, {photos.side} pixels wide or high, are enlarged to {wanted}: "
            "features of the photos themselves (--data FOLDER) show more."
        )


def _recipe(network: FeatureNetwork, photos: PhotoSource) -> dict[str, Any]:
    short = {**network.identity, "network": zoo.short_origin(network.identity["network"])}
    return as_json({"kind": KIND, "network": short, "data": photos.origin, "before": photos.before})


def _readable(photos: PhotoSource, wanted: int) -> list[np.ndarray]:
    """Images that can be read, from all over the rows; as many as are wanted, or as there are."""
    images: list[np.ndarray] = []
    rows = photos.rows
    first = np.linspace(0, len(rows) - 1, min(wanted, len(rows))).astype(int)
    for row in (*rows[first], *np.delete(rows, first)):
        with contextlib.suppress(SightkitError, OSError):
            images.append(photos.images.read(int(row)))
        if len(images) == wanted:
            break
    if not images:
        raise SightkitError(
            "There must be images that can be read.", "Check --data.", photos=len(photos.rows)
        )
    return images


def _write(
    writer: HDF5DatasetWriter, network: FeatureNetwork, photos: PhotoSource, names: list[str]
) -> None:
    rows = range(writer.position, len(names))
    began = time.perf_counter()
    originals = Originals(photos)

    with (
        progress(len(names), "Extracting features", done=rows.start, unit="photos") as advance,
        contextlib.closing(
            feature_batches(network, originals.read, rows, names.__getitem__, tolerant=True)
        ) as batches,
    ):
        for batch, features, reasons in batches:
            good = np.array([row for row in batch if row not in reasons], np.int64)
            writer.add(
                features[good - batch.start],
                photos.images.labels[photos.rows[good]],
                [names[row] for row in good],
                originals=originals.keys[good],
                left_out=[LeftOut(row, names[row], why) for row, why in reasons.items()],
            )
            advance(len(batch))
    seconds = time.perf_counter() - began
    if rows:
        warn(
            f"{len(rows):,} photos in {seconds:.1f} s, {len(rows) / seconds:,.0f} a second "
            f"({network.identity['engine']}, {network.identity['precision']})."
        )


def _open_same(path: Path, network: FeatureNetwork, photos: PhotoSource, wanted: str) -> Features:
    features = open_features([path])
    (found,) = features.networks
    recipe = _recipe(network, photos)
    # Features of two engines differ in the last bits: they are the same features.
    recipe["network"] |= {name: found[name] for name in ENGINE}
    try:
        open_same(path, recipe)
    except OtherRecipe as error:
        raise SightkitError(
            error.rule, "Give --overwrite to write it anew, or another --output.", **error.received
        ) from error
    precision = found["precision"]
    warn(f"{path} is complete, in {precision}: nothing was left to do.")
    if precision != wanted:
        warn(f"{wanted} was requested: give --overwrite to write it anew.")
    return features
