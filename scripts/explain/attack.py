"""Adversarial pictures of your photos: what changes too little to be seen, and changes the answer.

    sightkit explain/attack --model mobilenet_0.75 photo.jpg --output attack
    sightkit explain/attack --bundle RUN/bundle FOLDER --method pgd --target panda --output attack

FOLDER/adversarial/ holds the pictures as PNG files, which the network answers as attack.json says,
sheet.png shows them beside the originals. Where the photos' classes are known (class folders, or
ImageNet's names: n01440764_tench.JPEG), accuracy.png draws the accuracy against ε. On ImageNet's
photos FGSM takes a second for twenty photos, PGD ten times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sightkit import _cli, _output_folder
from sightkit.apps import explain
from sightkit.apps.explain import NetworkFlags, require_epsilon

NAME, KIND = "attack.json", "sightkit-attack"


@dataclass(frozen=True)
class Config(NetworkFlags):
    """Attack a network."""

    method: Literal["fgsm", "pgd"] = "fgsm"
    """One step in the direction of the gradient's sign, or many small ones."""
    epsilon: str = "8/255"
    """Largest change of a pixel, a share of its range: 8/255 is 8 grey levels."""
    target: str | None = None
    """Class that the answers are led to, by its name or number; any wrong one by default."""
    seed: int = 0
    """Seed of PGD's start."""
    output: Path = Path("attack")
    """Folder to write, new or empty."""
    overwrite: bool = False
    """Replace the results of an earlier attack."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_epsilon(self.epsilon)
        self.check_images()
        _output_folder.require_new(self.output, NAME, KIND, overwrite=self.overwrite or self.smoke)
        self.check_network()


def main(config: Config) -> dict[str, Any]:
    photos = config.photos()  # bad files are reported before the network is loaded
    _cli.start_keras()
    with _output_folder.writing(config.output, NAME, KIND) as (folder, result):
        result |= explain.attack_photos(
            config.classifier(), photos, folder, method=config.method, target=config.target,
            epsilon=require_epsilon(config.epsilon), seed=config.seed,
        )  # fmt: skip
    print(f"{100 * result['changed']:.0f} % of {len(result['photos'])} answers are others now.")
    if "labelled" in result:
        shares = "{accuracy_before:.0%}, attacked {accuracy_after:.0%}".format(**result)
        print(f"Accuracy on {result['labelled']} photos: {shares}.")
    print(config.output)
    photos.require_all()
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
