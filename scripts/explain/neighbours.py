"""Find the photos of a gallery that are most similar to a photo, by a network's features.

    python scripts/explain/neighbours.py cat.jpg --data PHOTOS --output neighbours.png
    python scripts/explain/neighbours.py --data features.h5 --metric=learned

Draws a sheet: a photo at left, its neighbours with class and cosine, of its class in green, of
another in red. Without photos each photo of the gallery is compared with all others, and the sheet
shows some at random and the hardest. Where classes are known it prints precision@k, the share of
the neighbours that are right. A learned metric is chosen and measured by cross-validation among the
gallery's photos. A folder's features are extracted each time: extract_features.py stores them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from sightkit import _cli
from sightkit._errors import require_at_least
from sightkit.apps import explain


@dataclass(frozen=True)
class Config(explain.GalleryFlags):
    """Find similar photos."""

    photos: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Image files, or folders of them, to be searched for."""
    output: Path = Path("neighbours.png")
    """Picture to write (.png)."""
    metric: Literal["cosine", "learned"] = "cosine"
    """Measure of similarity: the features' cosine, or with a part learned from the classes."""
    k: int = 5
    """Number of neighbours of a photo."""
    folds: int = 5
    """Folds that a learned metric is chosen by, and measured by, each held out once."""
    rows: int = 8
    """Number of photos on the sheet."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, k=1, rows=1, folds=2)
        super().__post_init__()


def main(config: Config) -> dict[str, Any]:
    from sightkit.evaluation import PhotoFolder

    photos = PhotoFolder(config.photos) if config.photos else None
    with config.opened(lambda count: explain.require_enough(config.k, count)) as features:
        learned = config.metric == "learned"
        retrieval = explain.Retrieval(features, config.k, learned=learned, folds=config.folds)
        if photos is None:
            answers, result = explain.own_answers(retrieval, config.rows)
        else:
            answers, result = explain.photo_answers(retrieval, photos, config.rows)
    title = f"{config.k} nearest of {features.shape[0]:,} photos, {config.metric}"
    explain.draw_neighbours(answers, config.output, title=title)
    print(config.output)
    if photos is not None:
        photos.require_all()
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
