"""Draw a map of photos: similar ones near each other, by a network's features, and its clusters.

    python scripts/explain/map.py --data PHOTOS --output map.png
    python scripts/explain/map.py --data features.h5 --method=umap

t-SNE, or UMAP (extra explore), places the photos; DBSCAN finds the dense places of the map and the
script prints what each holds. Near neighbours on the map are right, as far as the printed
trustworthiness goes; distances between groups and their sizes mean little. Look for photos among
those of another class: labels that are wrong, copies, a background that says more than the animal.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sightkit import _cli
from sightkit._errors import require_at_least
from sightkit.apps import explain


@dataclass(frozen=True)
class Config(explain.GalleryFlags):
    """Draw a map of photos."""

    output: Path = Path("map.png")
    """Picture to write (.png)."""
    method: Literal["tsne", "umap"] = "tsne"
    """Way from features to the plane."""
    perplexity: float | None = None
    """Neighbours that a photo counts with, about: 30, or (photos - 1) / 3 where that is less."""
    fewest: int | None = None
    """Photos that make a place dense: by default the logarithm of all, 4 at least."""
    eps: float | None = None
    """Distance of photos of one place, a share of the map's width; the knee of all by default."""
    most: int = 3000
    """Number of photos on the map; of more, so many are drawn at random."""
    seed: int = 0
    """Seed of the draw."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, most=explain.FEWEST, perplexity=1, fewest=2, eps=1e-6)
        super().__post_init__()


def main(config: Config) -> dict[str, Any]:
    from sightkit._tables import text_table

    def check(photos: int) -> None:
        explain.perplexity_for(min(photos, config.most), config.perplexity)

    with config.opened(check) as features:
        rows = explain.drawn_rows(features, config.most, config.seed)
        values, labels = features.take(rows), explain.labels_of(features)
        plane = explain.project(values, method=config.method, perplexity=config.perplexity)
        clusters = explain.cluster(plane, fewest=config.fewest, eps=config.eps)
        images = explain.thumbnails_of(features, rows)
    own = None if labels is None else labels[rows]
    table = clusters.table(own, features.class_names)
    trust = explain.trustworthiness(values, plane)
    print(text_table(table, longest=30, more=str(config.output)))
    print(f"{len(rows):,} photos, trustworthiness {trust:.3f} (1 is perfect).")
    title = f"{len(rows):,} photos, {config.method}, trustworthiness {trust:.3f}"
    explain.draw_map(
        plane, images, clusters, config.output, labels=own, class_names=features.class_names,
        title=title,
    )  # fmt: skip
    print(config.output)
    return {"trustworthiness": trust, "eps": clusters.eps, "clusters": table}


if __name__ == "__main__":
    _cli.run(main, Config)
