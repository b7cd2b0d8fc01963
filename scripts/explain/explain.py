"""Why a network says so: which parts of a photo its answer depends on.

    sightkit explain/explain --model mobilenet_0.75 beagle.jpg --output why
    sightkit explain/explain --bundle RUN/bundle PHOTOS --method grad_cam occlusion --measure

sheet.png shows the photos beside what each method marks; explain.html has all of them. Yellow is
what the class depends on most; where a method knows both signs, red speaks for the class and blue
against it. A method's badge says what it is worth on this very network, measured once by --measure
on up to 64 of the photos: whether its maps change with the weights at all (guided back-propagation
and deconvolution are known not to), and how fast the answer goes as what it marks is deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sightkit import _cli, _output_folder
from sightkit.apps.explain import NetworkFlags, check_methods

NAME, KIND = "explain.json", "sightkit-explain"


@dataclass(frozen=True)
class Config(NetworkFlags):
    """Explain a network's answers to photos."""

    method: tuple[str, ...] = ("grad_cam", "integrated_gradients", "occlusion")
    """Methods: gradient, excitatory, inhibitory, smooth_gradient, gradient_times_input,
    integrated_gradients, guided_backpropagation, deconvolution, grad_cam, grad_cam_plus_plus,
    score_cam, occlusion, rise."""
    target: str | None = None
    """Class that is explained, by its name or number; each photo's predicted one by default."""
    layer: str | None = None
    """Layer of class activation maps; the last one with height and width by default."""
    measure: bool = False
    """Measure the badges that are missing, on up to 64 of the photos: some minutes."""
    output: Path = Path("explain")
    """Folder to write, new or empty."""
    overwrite: bool = False
    """Replace the results of an earlier run."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        self.check_images()
        check_methods(self.method, self.layer)
        _output_folder.require_new(self.output, NAME, KIND, overwrite=self.overwrite or self.smoke)
        self.check_network()


def main(config: Config) -> dict[str, Any]:
    photos = config.photos()  # bad files are reported before the network is loaded
    _cli.start_keras()
    from sightkit.apps import explain

    classifier = config.classifier()
    explainer = explain.Explainer(classifier)
    parts = iter(photos)
    first = [*islice(parts, 2)] if config.measure else []  # of 32 photos each
    sample = [photo for part in first for photo in part.values()]
    badges = explain.badges_of(
        explainer, config.method, explainer.prepare(sample) if sample else None
    )
    explained = explain.explain_photos(
        classifier, explainer, chain(first, parts), config.method,
        target=config.target, layer=config.layer,
    )  # fmt: skip
    with _output_folder.writing(config.output, NAME, KIND) as (folder, result):
        title = f"Why {explainer.model.name} says so"
        result["answers"] = explain.write_explanations(folder, explained, badges, title)
    print(config.output / "explain.html")
    photos.require_all()
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
