"""A method's badge: what it was measured to be worth, on this very network."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit import _files, training
from sightkit.apps.explain.deletion import area, baselines
from sightkit.apps.explain.explainer import Explainer, Inputs
from sightkit.apps.explain.method_names import TITLES
from sightkit.apps.explain.methods import explain

MOST = 64
"""Photos that a badge is measured on."""
ALIKE = 0.5
"""Mean rank correlation from which maps of a trained and of a random network are alike."""
ONES = ("gamma", "moving_variance")


@dataclass(frozen=True)
class Badge:
    """What was measured.

    Attributes:
        method: its name.
        photos: on how many.
        correlation: mean rank correlation of its maps with those of the same network whose last
            layer has new, random weights: what does not change then says nothing of the class.
        untrained: the same, where all layers have: what does not change is a picture of edges.
        deletion, insertion: mean area, see ``deletion.area``; the first is better when smaller.
        baselines: the same two areas of maps that know nothing of the network.
        milliseconds: a photo.
        control: ``correlation`` of the plain gradient, which follows the weights by definition.
    """

    method: str
    photos: int
    correlation: float
    untrained: float
    deletion: float
    insertion: float
    baselines: dict[str, list[float]]
    milliseconds: float
    control: float = 0.0

    @property
    def verdict(self) -> str:
        """Whether its maps change with the weights: "passed", "fails" or "cannot tell".

        Of two or three classes any last layer marks much the same. Where even the gradient's maps
        stay, the test of the last layer tells nothing of a method.
        """
        if self.untrained >= ALIKE or self.correlation >= ALIKE > self.control:
            return "fails"
        return "passed" if self.correlation < ALIKE else "cannot tell"

    def __str__(self) -> str:
        own = ", ".join(f"{name}: {value}" for name, value in self.row().items())
        known = (f"{name} {one:.2f} and {two:.2f}" for name, (one, two) in self.baselines.items())
        return f"{own}; both areas of what knows nothing of the network: {', '.join(known)}"

    def row(self) -> dict[str, str]:
        """Return what was measured as the row of a table."""
        return {
            "method": TITLES[self.method],
            "randomization test": self.verdict,
            "last layer random": f"{self.correlation:.2f}",
            "all random": f"{self.untrained:.2f}",
            **areas(self.deletion, self.insertion),
            "ms a photo": f"{self.milliseconds:.0f}",
            "photos": f"{self.photos}",
        }


def areas(deletion: float, insertion: float) -> dict[str, str]:
    """Return both areas as the cells of a row."""
    return {"deletion": f"{deletion:.2f}", "insertion": f"{insertion:.2f}"}


def measure_badge(explainer: Explainer, inputs: Inputs, method: str, *, seed: int = 0) -> Badge:
    """Measure what a method is worth on a network, on its answers to some images.

    Args:
        explainer: of the network.
        inputs: images, of which 64 are taken.
        method: see ``METHODS``.
        seed: of the random weights.
    """
    inputs = explainer.part(inputs, slice(MOST))
    target = explainer.targets(inputs)
    one = explainer.part(inputs, slice(1))
    explain(explainer, one, target[:1], method=method)  # traced before it is timed
    start = time.perf_counter()
    maps = explain(explainer, inputs, target, method=method)
    milliseconds = 1000 * (time.perf_counter() - start) / len(maps)

    def alike(other: Explainer, own: np.ndarray = maps, name: str = method) -> float:
        pairs = zip(own, explain(other, inputs, target, method=name), strict=True)
        return round(float(np.mean([rank_correlation(*pair) for pair in pairs])), 4)

    last = randomized(explainer, seed, last=True)
    slopes = explain(explainer, inputs, target, method="gradient")
    found: dict[str, list[float]] = {}
    for name, each in {"": maps, **baselines(explainer.pixels(inputs), seed)}.items():
        found[name] = [
            round(float(area(explainer, inputs, each, target, way=way).mean()), 4)
            for way in ("deletion", "insertion")
        ]
    deletion, insertion = found.pop("")
    return Badge(
        method=method,
        photos=len(maps),
        correlation=alike(last),
        untrained=alike(randomized(explainer, seed)),
        deletion=deletion,
        insertion=insertion,
        baselines=found,
        milliseconds=round(milliseconds, 1),
        control=alike(last, slopes, "gradient"),
    )


def randomized(explainer: Explainer, seed: int = 0, *, last: bool = False) -> Explainer:
    """Return an explainer of the same network as it would be before any training.

    Kernels are drawn from He's normal distribution, batch normalization changes nothing; the
    network itself keeps its weights.

    Args:
        explainer: of the network.
        seed: of the weights.
        last: of the last kernel alone.

    Reference:
        Adebayo and others, "Sanity checks for saliency maps", 2018, arXiv:1810.03292.
    """
    rng = np.random.default_rng(seed)
    other = Explainer(explainer.model, about=explainer.about)
    variables = explainer.model.weights
    if last:
        variables = [each for each in variables if len(each.shape) > 1][-1:]
    for variable in variables:
        shape = tuple(variable.shape)
        value = np.full(shape, float(variable.name in ONES), np.float32)
        if len(shape) > 1:
            fan_in = int(np.prod(shape[:-1] if "depthwise" not in variable.path else shape[:-2]))
            value = np.sqrt(2 / fan_in) * rng.standard_normal(shape, np.float32)
        other.state.append((variable, keras.ops.convert_to_tensor(value, variable.dtype)))
    return other


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's correlation of two maps' sizes; 0 where one is the same everywhere."""
    from scipy.stats import rankdata

    ranks = [rankdata(np.abs(each), axis=None) for each in (one, other)]
    if any(np.ptp(each) == 0 for each in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def stored_badges(explainer: Explainer) -> dict[str, Badge]:
    """Return the badges that were measured of a network with these weights, by method."""
    rows: dict[str, Any] = _files.stored_json(_place(explainer))
    return {name: Badge(**row) for name, row in rows.items() if name in TITLES}


def store_badge(explainer: Explainer, badge: Badge) -> None:
    """Keep a badge for the network with these weights, in the user's cache."""
    path = _place(explainer)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {**_files.stored_json(path), badge.method: dataclasses.asdict(badge)}
    _files.write_json(path, rows)


def _place(explainer: Explainer) -> Path:
    return _files.user_cache("badges") / f"{training.weights_sha256(explainer.model)}.json"
