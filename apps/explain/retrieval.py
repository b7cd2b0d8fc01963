"""Search a gallery: for photos of the user's, or for each of its own photos in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from sightkit import _files, io, transfer
from sightkit._errors import SightkitError
from sightkit.apps.explain.gallery import keys_of, labels_of, photo_features, thumbnails_of
from sightkit.apps.explain.metric import FOLDS, Metric, choose_metric
from sightkit.apps.explain.neighbours import Neighbour, Neighbours, nearest, require_enough
from sightkit.evaluation import PhotoFolder
from sightkit.evaluation.folder_batches import THUMBNAIL
from sightkit.preprocessing import AspectAwarePreprocessor
from sightkit.transfer.heads.fitting import stratified_folds
from sightkit.transfer.rows import copies


@dataclass(frozen=True)
class Answer:
    """A query and its neighbours.

    Attributes:
        name: of the query's file.
        class_name: what it is; empty where that is not known.
        image: uint8 (H, W, 3) RGB or (H, W, 1); None where it is not available.
        neighbours: the most similar first.
    """

    name: str
    class_name: str
    image: np.ndarray | None
    neighbours: tuple[Neighbour, ...]

    @property
    def precision(self) -> float | None:
        """Share of the neighbours that are of the query's class; None where that is not known."""
        if not self.class_name:
            return None
        right = [each.class_name == self.class_name for each in self.neighbours]
        return sum(right) / len(right)


class Retrieval:
    """A gallery that is ready to be searched.

    Args:
        features: from ``open_gallery``, or ``transfer.open_features``.
        k: neighbours of a query.
        learned: learn the metric on the gallery's labels (``choose_metric``), in place of the
            cosine of the features.
        folds: of the cross-validations that choose it, and that measure it.

    Attributes:
        values: float32 (n, d), the features.
        labels: int64 (n,); None where the photos are in no classes.
        metric: the learned one; None: the cosine of the features.

    Raises:
        SightkitError: one photo, features that are not finite; to learn, classes that are not
            known, or with fewer photos than folds.
    """

    def __init__(
        self, features: transfer.Features, k: int = 5, *, learned: bool = False, folds: int = FOLDS
    ) -> None:
        features.require_finite()
        self.features, self.k, self.learned, self.folds = features, k, learned, folds
        self.values = features.take(slice(None))
        self.labels = labels_of(features)
        self._sources = features.sources()
        self._groups = _numbers(features)
        self.metric: Metric | None = None
        require_enough(k, len(self.values))
        if learned:
            self.metric = self._learn(np.arange(len(self.values)))

    def own(self, *, learned: bool | None = None) -> Neighbours:
        """Return the neighbours of each photo of the gallery among the others, (n, k).

        Copies of a photo, and those of its group, are not its neighbours. A learned metric is
        learned anew, choice and all, without the fold that the photo is in.

        Args:
            learned: in place of the gallery's own metric.
        """
        if not (self.learned if learned is None else learned):
            return nearest(self.values, self.values, self.k, same=(self._groups, self._groups))
        count = len(self.values)
        rows = np.empty((count, self.k), np.int64)
        similarities = np.empty((count, self.k), np.float32)
        for held_out in self._folds(np.arange(count)):
            rest = np.setdiff1d(np.arange(count), held_out)
            metric = self._learn(rest)
            found = nearest(metric(self.values[held_out]), metric(self.values[rest]), self.k)
            rows[held_out], similarities[held_out] = rest[found.rows], found.similarities
        return Neighbours(rows, similarities)

    def answers(self, found: Neighbours, queries: Sequence[int]) -> list[Answer]:
        """Return some photos of the gallery with their neighbours, all with pictures.

        Args:
            found: what ``own`` returned.
            queries: rows of the gallery.
        """
        images = self._images(np.unique([*queries, *found.rows[list(queries)].ravel()]))
        return [
            Answer(
                self._sources[row],
                self._class_of(row),
                images[row],
                self._neighbours(found, row, images),
            )
            for row in map(int, queries)
        ]

    def search(self, photos: PhotoFolder, pictures: int = 0) -> list[Answer]:
        """Return the neighbours of photos; their class is their folder's name, if it is a class.

        A photo that is in the gallery itself is not its own neighbour.

        Args:
            photos: to be searched for; those that cannot be read are reported by it.
            pictures: answers, the first ones, that come with pictures.

        Raises:
            SightkitError: the gallery's network is gone, or has other weights now.
        """
        cache = _files.user_cache("compiled")
        networks = transfer.networks_of(self.features, cache=cache)
        keys = keys_of(self.features)
        apply = self.metric or (lambda values: values)
        gallery = apply(self.values)
        shrink = AspectAwarePreprocessor(THUMBNAIL, THUMBNAIL)
        answers: list[Answer] = []
        for part in photos:
            values, own = photo_features(part, self.features, networks)
            found = nearest(apply(values), gallery, self.k, same=(own, keys))
            wanted = max(0, pictures - len(answers))
            images = self._images(np.unique(found.rows[:wanted]))
            for query, (name, image) in enumerate(part.items()):
                folder = PurePath(name).parent.name
                known = self.labels is not None and folder in self.features.class_names
                picture = shrink(image) if query < wanted else None
                near = self._neighbours(found, query, images)
                answers.append(Answer(name, folder if known else "", picture, near))
        return answers

    def _learn(self, rows: np.ndarray) -> Metric:
        labels = self._require_labels()
        names, groups = self.features.class_names, self._group_names(rows)
        return choose_metric(
            self.values[rows], labels[rows], names, k=self.k, folds=self.folds, groups=groups
        )[0]

    def _folds(self, rows: np.ndarray) -> list[np.ndarray]:
        labels, names = self._require_labels(), self.features.class_names
        return stratified_folds(labels[rows], self.folds, names, self._group_names(rows))

    def _require_labels(self) -> np.ndarray:
        if self.labels is None or len(self.features.class_names) < 2:
            raise SightkitError(
                "A metric is learned on photos of two classes at least.",
                "Give --metric=cosine, or photos in class folders.",
                classes=list(self.features.class_names),
            )
        return self.labels

    def _group_names(self, rows: np.ndarray) -> np.ndarray | None:
        """Return the groups of some rows, or None where each photo is its own."""
        own = self._groups[rows]
        return None if len(np.unique(own)) == len(own) else own.astype(str)

    def _class_of(self, row: int) -> str:
        return "" if self.labels is None else self.features.class_names[self.labels[row]]

    def _images(self, rows: np.ndarray) -> dict[int, np.ndarray | None]:
        """Return pictures of rows, by row; None for one that is gone."""
        return dict(zip(rows.tolist(), thumbnails_of(self.features, rows), strict=True))

    def _neighbours(
        self, found: Neighbours, query: int, images: Mapping[int, np.ndarray | None]
    ) -> tuple[Neighbour, ...]:
        pairs = zip(found.rows[query].tolist(), found.similarities[query].tolist(), strict=True)
        return tuple(
            Neighbour(self._sources[row], self._class_of(row), cosine, images.get(row))
            for row, cosine in pairs
        )


def _numbers(features: transfer.Features) -> np.ndarray:
    """Return a number for each photo, int64 (n,), equal for copies and for those of one group."""
    same = copies(features)
    groups = features.groups
    return same if groups is None else io.joined(same.tolist(), groups.tolist())
