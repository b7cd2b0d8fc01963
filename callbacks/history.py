"""The rows of a training, which a notebook shows as curves."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sightkit._display import drawing, in_notebook, line
from sightkit._tables import html_table
from sightkit.callbacks.best_epoch import best_row


class History(list[dict[str, float]]):
    """One dict an epoch: ``epoch``, the logs of Keras, ``learning_rate``, perhaps ``phase``.

    ``best_epoch`` is the best of those so far, whose weights are saved.

    Example:
        >>> rows = [{"epoch": 1.0, "best_epoch": 1.0}, {"epoch": 2.0, "best_epoch": 1.0}]
        >>> History(rows).best
        {'epoch': 1.0, 'best_epoch': 1.0}
    """

    @property
    def best(self) -> dict[str, float] | None:
        """Row of the epoch whose weights are saved (``BestCheckpoint``); None if there is none."""
        return best_row(self)

    @in_notebook
    def _repr_html_(self) -> Iterator[str]:
        """Curves, and the rows of the best and of the last epoch, in a notebook."""
        from sightkit.callbacks.curves import draw_curves

        last, best = self[-1], self.best
        rows = {"last": last} if best is None else {"best": best, "last": last}
        names = [name for name in last if name not in ("epoch", "best_epoch")]
        yield html_table(
            [
                {
                    "epoch": f"{name}: {row['epoch']:.0f} of {last['epoch']:.0f}",
                    **{key: f"{row.get(key, math.nan):.4g}" for key in names},
                }
                for name, row in rows.items()
            ]
        )
        if best is None:
            yield line("There is no validation loss, so that no epoch is the best.")
        yield drawing(
            lambda file: draw_curves(self, file), "Loss and accuracy over epochs", width=480
        )
